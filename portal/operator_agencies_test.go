package portal

import (
	"context"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog"
)

func TestOperatorKeepsAgencies(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Auth.May = w.Portal.Policy.May
	w.Auth.AgencyRenamed = func(ctx context.Context, tx pgx.Tx, _, after auth.Agency) error {
		return w.Catalog.FollowAgency(ctx, tx, catalog.Agency{ID: after.ID, Slug: after.Slug, TitleVI: after.NameVI, TitleEN: after.NameEN})
	}
	const list, at = "/operator/agencies", "/operator/agencies/so-noi-vu"
	w.as(t, auth.RoleSteward)
	for _, path := range []string{list, list + "/new", at} {
		w.sees(t, path, 403)
	}
	w.refused(t, at, url.Values{"slug": {"so-khac"}}, 403)
	w.as(t, auth.RoleAuditor)
	w.sees(t, list, 200, "Sở Nội vụ")
	w.sees(t, list+"/new", 403)
	w.as(t, auth.RoleOperator)
	w.sees(t, list+"?q=noi+vu&state=live", 200, "Sở Nội vụ", `value="noi vu"`, "H48.05")
	w.sees(t, list+"?q=khong-co", 200, "Không có cơ quan nào như vậy")
	w.sees(t, list+"?state=x", 400)

	form := url.Values{"slug": {"So Moi"}, "code": {"H48.77"}, "name_vi": {"Sở Mới"}, "name_en": {"New Department"}, "parent": {"so-noi-vu"}, "source": {"Quyết định 7"}}
	w.refused(t, list, form, 400, `id="f-valid_from-error"`, `value="Sở Mới"`)
	form.Set("valid_from", "hôm qua")
	w.refused(t, list, form, 400, `id="f-valid_from-error"`)
	form.Set("valid_from", "2026-07-01")
	w.refused(t, list, form, 400, `id="f-slug-error"`)
	form.Set("slug", "so-moi")
	form.Set("parent", "khong-co")
	w.refused(t, list, form, 400, `id="f-parent-error"`)
	form.Set("parent", "so-noi-vu")
	w.sends(t, list, form, "/operator/agencies/so-moi")
	w.sees(t, "/operator/agencies/so-moi", 200, "Sở Mới", "Quyết định 7", `<option value="so-noi-vu" selected>`)
	w.refused(t, list, form, 409, `id="f-slug-error"`)

	form.Set("slug", "so-khac")
	form.Set("since", "2099-01-01")
	w.refused(t, "/operator/agencies/so-moi", form, 400, `id="f-since-error"`)
	form.Set("since", "")
	w.sends(t, "/operator/agencies/so-moi", form, "/operator/agencies/so-khac")
	w.sees(t, "/operator/agencies/so-khac", 200, "so-moi")
	if answer, _ := w.get(t, "/operator/agencies/so-moi"); answer.Header.Get("Location") != "/operator/agencies/so-khac" {
		t.Errorf("the old address leads to %q", answer.Header.Get("Location"))
	}
	if answer, _ := w.get(t, "/en/agencies/so-moi"); answer.Header.Get("Location") != "/en/agencies/so-khac" {
		t.Errorf("the old public address leads to %q", answer.Header.Get("Location"))
	}
	w.sees(t, list+"?q=so-moi", 200, "trước là", "so-khac")
}
