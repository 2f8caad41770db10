package portal

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
)

// wanted is a request for personal data by the developer.
func (w *workshop) wanted(t *testing.T) agreement.Agreement {
	t.Helper()
	g, err := w.Agreements.Request(t.Context(), w.who, agreement.Request{
		ApplicationID: w.app.ID, VersionID: w.version.ID, Operations: []agreement.Wanted{{Operation: "xem-nguoi-co-cong", Fields: []string{"/hoTen", "/trangThai"}}},
		Purpose: "thu-tuc", PurposeText: "Cho người dân xem hồ sơ của mình.", LegalBasis: "luat-60-2024-d11-2b", Starts: "2026-11-23", Ends: "2027-01-01",
		Subjects: "Người có công", VolumePerDay: 10, RetentionDays: new(0)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (w *workshop) now(t *testing.T, id uuid.UUID) agreement.Agreement {
	t.Helper()
	g, err := w.Agreements.Get(t.Context(), w.who, id)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestAskedAnsweredAmended on the pages of both sides.
func TestAskedAnsweredAmended(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	g := w.wanted(t)
	at := "/agreements/" + g.ID.String()
	w.sees(t, at+"/decision", 404)
	w.as(t, auth.RoleSteward)
	w.refused(t, at+"/ask", nil, 400, `id="f-text-error"`)
	w.sends(t, at+"/ask", url.Values{"text": {"Vì sao cần họ tên?"}}, at)
	w.sees(t, at, 200, "Đang chờ bên đề nghị trả lời", "Vì sao cần họ tên?")
	w.sees(t, office, 200, "chờ bên đề nghị")
	w.sees(t, office+"/requests", 200, "chờ bên đề nghị")
	w.refused(t, at+"/ask", url.Values{"text": {"Còn nữa?"}}, 409, "usa-alert--error")
	w.cookies = map[string]string{}
	w.signIn(t, "lap@example.vn")
	w.sees(t, at, 200, "Cơ quan hỏi", `action="`+at+`/answer"`, "/request?amends="+g.ID.String())
	w.refused(t, at+"/answer", nil, 400, `id="f-text-error"`)
	w.sees(t, w.href+"/request?amends="+g.ID.String(), 200, `name="amends" value="`+g.ID.String()+`"`, `value="2027-01-01"`, `value="/hoTen" checked`, ">Người có công</textarea>")
	form := url.Values{
		"application": {w.app.ID.String()}, "operations": {"xem-nguoi-co-cong"}, "fields.xem-nguoi-co-cong": {"/trangThai"},
		"purpose": {"thu-tuc"}, "purpose_text": {"Cho người dân xem hồ sơ của mình."}, "legal_basis": {"luat-60-2024-d11-2b"},
		"starts": {"2026-11-23"}, "ends": {"2027-01-01"}, "subjects": {"Người có công"}, "volume_per_day": {"10"}, "retention_days": {"0"},
		"amends": {g.ID.String()}, "answer": {""}, "step": {"check"},
	}
	if answer, body := w.post(t, w.href+"/request", form); answer.StatusCode != 200 || !strings.Contains(body, `name="amends"`) {
		t.Fatalf("looked over: got %d:\n%s", answer.StatusCode, body)
	}
	form.Set("step", "send")
	w.refused(t, w.href+"/request", form, 400, `name="answer"`)
	form.Set("answer", "Không cần họ tên nữa.")
	w.sends(t, w.href+"/request", form, at)
	w.sees(t, at, 200, "Khác với đề nghị ban đầu", "<del>Họ và tên</del>", "Không cần họ tên nữa.")
	if got := w.now(t, g.ID); got.WaitsSince != nil || len(got.Operations[0].Fields) != 1 {
		t.Errorf("got %+v", got)
	}
}

// TestApprovedUnderConditions, by two persons, and printed with its receipt.
func TestApprovedUnderConditions(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Agreements.Record = w.Ledger.Record
	g := w.wanted(t)
	at := "/agreements/" + g.ID.String()
	other := w.person(t, "nguoi-thu-hai@example.vn")
	if err := w.Auth.AddMembership(t.Context(), auth.Platform("test"), other.Person, auth.Membership{Agency: w.version.AgencyID, Role: auth.RoleSteward}); err != nil {
		t.Fatal(err)
	}
	w.as(t, auth.RoleSteward)
	w.sends(t, office+"/decisions/rules", url.Values{"two_persons": {"yes"}, "confirm_months": {"1"}}, office+"/decisions")
	w.sees(t, at, 200, "Duyệt có điều kiện", `value="/hoTen" checked`)
	conditions := url.Values{"conditions": {"yes"}, "revision": {"1"}, "fields.xem-nguoi-co-cong": {"/trangThai"}, "ends": {"2027-01-02"},
		"rate_per_minute": {"nhiều"}, "condition_note": {"Chỉ trạng thái"}}
	w.refused(t, at+"/approve", conditions, 400, `id="f-rate_per_minute-error"`, `value="nhiều"`, `<details class="more" open>`)
	conditions.Set("rate_per_minute", "5")
	w.refused(t, at+"/approve", conditions, 400, `id="f-ends-error"`)
	conditions.Set("ends", "2026-12-31")
	w.sends(t, at+"/approve", conditions, at)
	w.sees(t, at, 200, "Đã có một người duyệt", "<del>Họ và tên</del>", "Cần một người khác duyệt nữa.")
	w.refused(t, at+"/approve", url.Values{"revision": {"2"}}, 403, "Cần một người khác")
	w.cookies = map[string]string{}
	w.signIn(t, "nguoi-thu-hai@example.vn")
	w.refused(t, at+"/approve", url.Values{"revision": {"1"}}, 409, "Đã thay đổi từ khi bạn đọc")
	w.sees(t, at, 200, "Duyệt, là người thứ hai", `name="revision" value="2"`)
	w.sends(t, at+"/approve", url.Values{"revision": {"2"}, "note": {"Đồng ý"}}, at)
	printed := w.sees(t, at+"/decision", 200, "Quyết định chia sẻ dữ liệu", "Được duyệt, hẹp hơn đề nghị", "Được một người duyệt", "31/12/2026", "http://portal.test/ledger/proof/", `<svg class="qr"`, "Đồng ý")
	entry := regexp.MustCompile(`ledger/proof/([0-9a-f-]{36})"`).FindStringSubmatch(printed)
	if entry == nil {
		t.Fatal("no receipt")
	}
	if _, err := w.Ledger.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	if proof, err := w.Ledger.Prove(t.Context(), uuid.MustParse(entry[1])); err != nil {
		t.Errorf("its proof: %v", err)
	} else {
		w.sees(t, at+"/decision", 200, ">"+strconv.FormatInt(proof.Index, 10)+"<")
	}
	w.as(t, auth.RoleSteward)
	w.refused(t, office+"/decisions/rules", url.Values{"confirm_months": {"1"}}, 403)
	w.cookies = map[string]string{}
	w.signIn(t, "lap@example.vn")
	w.sees(t, at, 200, "Gia hạn, giữ nguyên nội dung", `value="2027-12-31"`, "Bản in của quyết định")
	w.refused(t, at+"/renew", url.Values{"ends": {"2026-12-31"}}, 400, `id="f-ends-error"`)
	w.sends(t, at+"/renew", url.Values{"ends": {"2027-12-31"}}, "")
	w.sees(t, at+"/decision", 200)
	w.person(t, "nguoi-la@example.vn")
	w.cookies = map[string]string{}
	w.signIn(t, "nguoi-la@example.vn")
	w.sees(t, at+"/decision", 404)
}

// TestRefusalIsPrinted with its reason and its clause.
func TestRefusalIsPrinted(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	g := w.wanted(t)
	at := "/agreements/" + g.ID.String()
	w.as(t, auth.RoleSteward)
	w.sends(t, at+"/refuse", url.Values{"reason": {"Ngoài phạm vi chia sẻ"}, "legal_basis": {"nd-194-2025-d16"}}, at)
	w.sees(t, at+"/decision", 200, "Văn bản từ chối chia sẻ dữ liệu", "Ngoài phạm vi chia sẻ", "Nghị định 194/2025/NĐ-CP", "không có mục")
}

// TestDecisionsDesk: delegation, confirmation and rules of an agency.
func TestDecisionsDesk(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	g := w.wanted(t)
	at, desk := "/agreements/"+g.ID.String(), office+"/decisions"
	publisher, err := w.Auth.PersonByEmail(t.Context(), auth.Platform("test"), uuid.Nil, "publisher@example.vn")
	if err != nil {
		t.Fatal(err)
	}
	w.sees(t, desk, 404) // a developer has no desk
	w.as(t, auth.RolePublisher)
	w.refused(t, at+"/approve", nil, 403)
	w.refused(t, desk+"/away", url.Values{"to_id": {publisher.ID.String()}}, 403)
	w.as(t, auth.RoleSteward)
	w.refused(t, desk+"/away", url.Values{"reason": {"Nghỉ phép"}}, 400, `id="f-to_id-error"`, `id="f-starts-error"`, "Nghỉ phép")
	w.sends(t, desk+"/away", url.Values{"to_id": {publisher.ID.String()}, "starts": {"2026-11-23"}, "ends": {"2026-11-27"}}, desk)
	w.refused(t, desk+"/rules", url.Values{"confirm_months": {"trăm"}}, 400, `id="f-confirm_months-error"`)
	w.as(t, auth.RolePublisher)
	body := w.sees(t, desk, 200, ", thay ", "Thu hồi")
	away := regexp.MustCompile(`name="id" value="([0-9a-f-]{36})"`).FindStringSubmatch(body)[1]
	w.sees(t, at, 200, `action="`+at+`/approve"`)
	w.sends(t, at+"/approve", url.Values{"note": {"Thay"}}, at)
	w.sees(t, at, 200, "Phạm Hoàng Lập, thay Phạm Hoàng Lập")
	w.sends(t, desk+"/back", url.Values{"id": {away}}, desk)
	w.refused(t, desk+"/back", url.Values{"id": {away}}, 409)
	w.refused(t, desk+"/back", url.Values{"id": {"x"}}, 404)
	w.refused(t, at+"/suspend", url.Values{"reason": {"x"}}, 403)
	if _, err := w.Auth.DB.Exec(t.Context(), `update agreement.agreement set decided_at = '2025-11-01', starts = '2025-11-01' where id = $1`, g.ID); err != nil {
		t.Fatal(err)
	}
	w.as(t, auth.RoleSteward)
	w.sees(t, office, 200, "1 thoả thuận chờ xác nhận lại")
	w.sees(t, desk, 200, at, ">1/11/2026<")
	w.sends(t, at+"/confirm", url.Values{"note": {"Vẫn cần"}}, at)
	w.sees(t, desk, 200, "Không có thoả thuận nào chờ xác nhận")
}
