package portal

import (
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
)

func TestOperatorKeepsTheCalendar(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.sees(t, "/holidays", 200, "Ngày Chiến thắng", ">30/4/2026<", "chưa xác nhận")
	w.sees(t, "/holidays?year=2028", 200, "vốn là cuối tuần")
	w.sees(t, "/holidays?year=1999", 400)
	w.as(t, auth.RoleSteward)
	w.sees(t, "/operator/holidays", 403)
	w.refused(t, "/operator/holidays", url.Values{"day": {"2026-12-24"}}, 403)
	w.as(t, auth.RoleOperator)
	w.sees(t, "/operator/holidays?year=2027", 200, "Giỗ Tổ Hùng Vương", "Thêm vào lịch")
	w.refused(t, "/operator/holidays", url.Values{"title_vi": {"Tên đã gõ"}}, 400, `value="Tên đã gõ"`, `id="f-day-error"`, `id="f-reason-error"`)
	form := url.Values{"day": {"2026-12-24"}, "kind": {"off"}, "title_vi": {"Nghỉ thử"}, "title_en": {"A day off"}, "source": {"Quyết định thử"}, "reason": {"Theo quyết định"}}
	w.sends(t, "/operator/holidays", form, "/operator/holidays?year=2026")
	w.refused(t, "/operator/holidays", form, 409, "đã có trong lịch")
	at := "/operator/holidays/2026-12-24"
	w.sees(t, at, 200, "Nghỉ thử", "Theo quyết định", "phiên bản 1")
	form.Set("confirmed", "yes")
	form.Set("reason", "Đã đọc quyết định")
	w.sends(t, at, form, "/operator/holidays?year=2026")
	w.sees(t, at, 200, "phiên bản 2", "đã xác nhận", "checked")
	w.refused(t, at+"/withdraw", nil, 400, `id="f-withdraw_reason-error"`)
	w.sends(t, at+"/withdraw", url.Values{"withdraw_reason": {"Nhập nhầm ngày"}}, "/operator/holidays?year=2026")
	w.sees(t, at, 404)
	if answer, body := w.uploads(t, "/operator/holidays/import", "lich.csv", "day,title_vi\n"); answer.StatusCode != 400 || !strings.Contains(body, `id="f-import_reason-error"`) {
		t.Errorf("import without a reason: got %d:\n%s", answer.StatusCode, body)
	}
	w.sees(t, "/holidays?year=2031", 200, "Chưa có ngày nào")
}
