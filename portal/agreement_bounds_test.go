package portal

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/gateway"
	"lgsp/gateway/project"
)

// bindable lets calls about a person be bound.
func (w *workshop) bindable() {
	offer := w.Agreements.Offer
	w.Agreements.Offer = func(ctx context.Context, id uuid.UUID) (agreement.Offer, error) {
		o, err := offer(ctx, id)
		o.Boundable = map[string]agreement.Bounds{"xem-nguoi-co-cong": {
			Parameters: []agreement.ParameterBound{{In: "query", Name: "maXa", TitleVI: "Mã xã", TitleEN: "Commune"}},
			Rows:       []agreement.RowBound{{Field: "/con/*/loai", Type: "string", TitleVI: "Loại", TitleEN: "Kind"}},
		}}
		return o, err
	}
}

// TestBoundsInForms: bounds are asked for and looked over, narrowed by the
// steward, and stand on the page and the printed decision of both.
func TestBoundsInForms(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.bindable()
	form := url.Values{
		"application": {w.app.ID.String()}, "operations": {"xem-nguoi-co-cong"}, "fields.xem-nguoi-co-cong": {"/trangThai"},
		"purpose": {"thu-tuc"}, "purpose_text": {"Cho người dân xem hồ sơ của mình."}, "legal_basis": {"luat-60-2024-d11-2b"},
		"starts": {"2026-11-23"}, "ends": {"2027-01-01"}, "subjects": {"Người có công"}, "volume_per_day": {"10"}, "retention_days": {"0"},
		"bound.query.xem-nguoi-co-cong.maXa": {" 25201, 25204;48* "}, "bound.dossier.xem-nguoi-co-cong": {"yes"}, "step": {"check"},
		"bound.query.danh-sach-nguoi-co-cong.x": {"1"}, // of an operation that is not asked for
	}
	w.sees(t, w.href+"/request", 200, "Giới hạn lời gọi", `name="bound.rows.xem-nguoi-co-cong./con/*/loai"`, "Mã xã")
	if answer, body := w.post(t, w.href+"/request", form); answer.StatusCode != 200 || !strings.Contains(body, "Chỉ gọi khi maXa là: 25201, 25204, 48*") ||
		!strings.Contains(body, "Mỗi lời gọi nêu số hồ sơ (LGSP-Dossier)") {
		t.Fatalf("looked over: got %d:\n%s", answer.StatusCode, body)
	}
	form.Set("step", "send")
	answer, _ := w.post(t, w.href+"/request", form)
	at := strings.TrimSuffix(answer.Header.Get("Location"), "/sent")
	id, err := uuid.Parse(strings.TrimPrefix(at, "/agreements/"))
	if err != nil {
		t.Fatalf("sent: got %d to %s", answer.StatusCode, at)
	}
	w.as(t, auth.RoleSteward)
	w.sees(t, at, 200, "Chỉ gọi khi maXa là: 25201, 25204, 48*", `value="25201, 25204, 48*"`)
	conditions := url.Values{"conditions": {"yes"}, "revision": {"1"}, "fields.xem-nguoi-co-cong": {"/trangThai"}, "ends": {"2027-01-01"},
		"bound.query.xem-nguoi-co-cong.maXa": {"25207"}, "bound.purpose.xem-nguoi-co-cong": {"yes"}, "bound.rows.xem-nguoi-co-cong./con/*/loai": {"A"}}
	w.refused(t, at+"/approve", conditions, 400, "bên đề nghị chỉ xin: 25201, 25204, 48*", `value="25207"`)
	conditions.Set("bound.query.xem-nguoi-co-cong.maXa", "25201")
	w.sends(t, at+"/approve", conditions, at)
	want := []string{"Chỉ gọi khi maXa là: 25201", "Chỉ nhận các dòng có Loại là: A", "Mỗi lời gọi nêu mục đích", "<del>Mã xã: 25201, 25204, 48*</del>", "<ins>Mã xã: 25201</ins>"}
	w.sees(t, at, 200, want...)
	w.sees(t, at+"/decision", 200, want...)
	if got := w.now(t, id); !got.Bounds[0].Dossier || !got.Bounds[0].Purpose {
		t.Errorf("got %+v", got.Bounds)
	}
	w.cookies = map[string]string{}
	w.signIn(t, "lap@example.vn")
	w.sees(t, at, 200, "LGSP-Dossier: $LGSP_DOSSIER", "LGSP-Purpose: $LGSP_PURPOSE")
	w.sees(t, w.href+"/request?from="+id.String(), 200, `value="25201"`, `value="A"`)
	w.ExplainCall = func(context.Context, ImaginedCall) (CallExplanation, error) {
		return CallExplanation{Allowed: true, Rule: "personal-token", Bounds: &gateway.Bounds{Dossier: true,
			Parameters: []gateway.ParameterBound{{In: "query", Name: "maXa", Prefixes: []string{"48"}}}, Rows: []project.Row{{Field: "/con/*/loai", Values: []string{"A"}}}}}, nil
	}
	w.sees(t, "/explain?application="+w.app.ID.String()+"&version="+w.version.ID.String()+"&operation=xem-nguoi-co-cong", 200,
		"Thoả thuận giới hạn", "Chỉ gọi khi maXa là: 48*", "Chỉ nhận các dòng có /con/*/loai là: A")
}
