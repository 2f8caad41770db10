package portal

import (
	"net/url"
	"testing"

	"lgsp/auth"
)

func TestOperatorPlansTheEndOfAnAgency(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Auth.May = w.Portal.Policy.May
	_, err := w.Auth.CreateAgency(t.Context(), auth.Platform("test"), auth.Agency{Slug: "so-moi", Code: "H48.77", NameVI: "Sở Kế thừa", NameEN: "Successor", ValidFrom: monday})
	if err != nil {
		t.Fatal(err)
	}
	const at = "/operator/agencies/so-noi-vu/end"
	w.as(t, auth.RoleAuditor)
	w.sees(t, at, 403)
	w.refused(t, at, url.Values{"reason": {"x"}, "last_day": {"2099-01-01"}}, 403)
	w.as(t, auth.RoleOperator)
	w.sees(t, at, 200, "Chưa kết thúc được", "phải ngừng trước", "/so-noi-vu/nguoi-co-cong")
	w.sees(t, at+"?successor=so-moi", 200, "/so-moi/nguoi-co-cong", "Địa chỉ gọi cũ dùng được mãi", `name="successor" value="so-moi"`)
	form := url.Values{"successor": {"so-moi"}, "last_day": {"2020-01-01"}, "reason": {"Nghị quyết sáp nhập"}}
	w.refused(t, at, form, 400, `id="f-last_day-error"`, "Nghị quyết sáp nhập", "/so-moi/nguoi-co-cong")
	form.Set("last_day", "mai")
	w.refused(t, at, form, 400, `id="f-last_day-error"`)
	form.Set("last_day", "2027-06-30")
	form.Set("successor", "khong-co")
	w.refused(t, at, form, 400)
	form.Set("successor", "so-moi")
	w.sends(t, at, form, at)
	w.sees(t, at, 200, "Hoạt động đến hết ngày", "30/6/2027", "Nghị quyết sáp nhập", "/so-moi/nguoi-co-cong")
	w.sends(t, at+"/drop", nil, at)
	w.refused(t, at+"/drop", nil, 404)
}
