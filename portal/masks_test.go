package portal

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
)

// TestSensitiveValuesOnPages: the form asks which are needed unmasked, every
// page says how they leave, and the steward may mask them again.
func TestSensitiveValuesOnPages(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.sees(t, w.href+"/xem-nguoi-co-cong", 200, "Những giá trị này là nhạy cảm", "<code>/soDinhDanh</code>: chỉ hiện 4 ký tự cuối")
	w.sees(t, w.href+"/request", 200, "Giá trị nhạy cảm", `name="open.xem-nguoi-co-cong" value="/soDinhDanh"`, "Cần nguyên văn: Số định danh cá nhân", "Nếu không đánh dấu: chỉ hiện năm")
	form := url.Values{
		"application": {w.app.ID.String()}, "operations": {"xem-nguoi-co-cong"}, "fields.xem-nguoi-co-cong": {"/soDinhDanh", "/ngaySinh"},
		"open.xem-nguoi-co-cong": {"/soDinhDanh"}, "purpose": {"thu-tuc"}, "purpose_text": {"Cho người dân xem hồ sơ của mình."}, "legal_basis": {"luat-60-2024-d11-2b"},
		"starts": {"2026-11-23"}, "ends": {"2027-01-01"}, "subjects": {"Người có công"}, "volume_per_day": {"10"}, "retention_days": {"0"}, "step": {"check"},
	}
	const told = "<strong>Nguyên văn dù nhạy cảm: </strong>Số định danh cá nhân</span><span class=\"note\">Được che: Ngày sinh (chỉ hiện năm)"
	if answer, body := w.post(t, w.href+"/request", form); answer.StatusCode != 200 || !strings.Contains(body, told) {
		t.Fatalf("looked over: got %d:\n%s", answer.StatusCode, body)
	}
	form.Set("fields.xem-nguoi-co-cong", "/ngaySinh")
	w.refused(t, w.href+"/request", form, 400, "Hãy chọn cả trường chứa nó", `value="/soDinhDanh" checked`)
	form["fields.xem-nguoi-co-cong"] = []string{"/soDinhDanh", "/ngaySinh"}
	form.Set("step", "send")
	answer, body := w.post(t, w.href+"/request", form)
	at := strings.TrimSuffix(answer.Header.Get("Location"), "/sent")
	id, err := uuid.Parse(strings.TrimPrefix(at, "/agreements/"))
	if err != nil {
		t.Fatalf("sent: got %d:\n%s", answer.StatusCode, body)
	}
	w.as(t, auth.RoleSteward)
	w.sees(t, at, 200, told, `name="open.xem-nguoi-co-cong" value="/soDinhDanh" checked`, "Cho nguyên văn: Số định danh cá nhân")
	w.sends(t, at+"/approve", url.Values{"conditions": {"yes"}, "revision": {"1"}, "ends": {"2027-01-01"}, "fields.xem-nguoi-co-cong": {"/soDinhDanh", "/ngaySinh"}}, at)
	w.sees(t, at, 200, "Được che: Số định danh cá nhân (chỉ hiện 4 ký tự cuối), Ngày sinh (chỉ hiện năm)", "Nguyên văn giá trị nhạy cảm", "<del>Số định danh cá nhân</del>")
	if _, body := w.get(t, "/en"+at); !strings.Contains(body, "Masked: Personal identification number (only the last 4 characters are shown)") {
		t.Errorf("in English:\n%s", body)
	}
	if g := w.now(t, id); g.State != "active" || g.Operations[0].Sensitive[0].Open {
		t.Errorf("got %+v", g.Operations)
	}
}
