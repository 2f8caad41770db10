package portal

import (
	"net/url"
	"testing"

	"lgsp/auth"
)

// TestConditionsOfAVersion: the conditions are set on their page all at once,
// told by their fields when they are wrong, and leave the rest as it was.
func TestConditionsOfAVersion(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	version := office + "/apis/nguoi-co-cong/v1"
	page := version + "/conditions"
	w.sees(t, version, 200, "Không có, ngoài thoả thuận", page)
	w.sees(t, page, 200, "Thêm điều kiện", `name="conditions/0/networks"`, "Thứ Hai", "Mọi thao tác có dữ liệu cá nhân")
	w.sends(t, version+"/traffic/sizes", url.Values{"request_bytes": {"2048"}}, version+"/traffic")
	w.sends(t, page, url.Values{
		"conditions/0/networks":   {""}, // asks for nothing: left out
		"conditions/1/hours/days": {"5", "1"}, "conditions/1/hours/from": {"07:30"}, "conditions/1/hours/until": {" 17:00"},
		"conditions/1/networks": {"10.1.0.0/16\n203.0.113.7"}, "conditions/1/purpose": {"yes"}, "conditions/1/access": {"personal"},
	}, page)
	w.sees(t, version, 200, "1 điều kiện")
	w.sees(t, page, 200, "Điều kiện 1", `value="07:30"`, "10.1.0.0/16\n203.0.113.7", `<option value="personal" selected>`,
		`name="conditions/0/hours/days" value="5" checked`, `id="f-conditions/0/purpose" name="conditions/0/purpose" value="yes" checked`, `name="conditions/1/networks"`)
	w.sees(t, version+"/traffic", 200, `value="2048"`)
	w.sees(t, w.href+"/xem-nguoi-co-cong", 200, "Thứ Hai, Thứ Sáu: 07:30–17:00", "chỉ từ một số mạng", "outside-hours", "purpose-unsaid")
	w.refused(t, page, url.Values{"conditions/0/hours/from": {"7h"}, "conditions/0/hours/until": {"17:00"}, "conditions/0/networks": {"mạng văn phòng"}}, 400,
		`id="f-conditions/0/hours/from-error"`, `value="7h"`, `id="f-conditions/0/networks-error"`, "Giờ viết như 07:30")
	w.sends(t, page, url.Values{"conditions/0/purpose": {"yes"}, "conditions/0/delete": {"yes"}}, page)
	w.sees(t, version, 200, "Không có, ngoài thoả thuận")
	w.as(t, auth.RoleSteward)
	w.sees(t, page, 403)
}
