package portal

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
)

func TestDataRequestPages(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Catalog.Agencies = func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]catalog.Agency, error) {
		found, err := w.Auth.Agencies(ctx, ids)
		list := map[uuid.UUID]catalog.Agency{}
		for id, a := range found {
			list[id] = catalog.Agency{ID: id, Slug: a.Slug, TitleVI: a.NameVI, TitleEN: a.NameEN}
		}
		return list, err
	}
	w.published(t, "gia-dat")
	w.cookies = map[string]string{}
	w.sees(t, "/data-requests", 200, "Chưa có đề nghị nào.", "/sign-in?next=/data-requests")
	if answer, _ := w.post(t, "/data-requests", url.Values{"title": {"a"}, "text": {"b"}}); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("asked by nobody: %d", answer.StatusCode)
	}
	w.person(t, "dan@example.vn")
	w.signIn(t, "dan@example.vn")
	w.refused(t, "/data-requests", url.Values{"title": {"Đã gõ"}}, 400, `value="Đã gõ"`, `id="f-text-error"`)
	w.refused(t, "/data-requests", url.Values{"title": {"a"}, "text": {"b"}, "agency": {"khong-co"}}, 400, `id="f-agency-error"`)
	w.sends(t, "/data-requests", url.Values{"title": {"Giá <đất>"}, "text": {"Theo đường."}}, "")
	_, body := w.get(t, "/data-requests")
	at := "/data-requests/" + between(body, `href="/data-requests/`, `"`)
	w.sees(t, at, 200, "Giá &lt;đất&gt;", "1 người cần", "Chưa giao cơ quan nào", "Tôi không cần nữa")
	if letters := w.lettersTo(t, "operator@example.vn"); len(letters) != 1 || !strings.Contains(letters[0], at) {
		t.Errorf("letters to the operator: %q", letters)
	}
	w.as(t, auth.RoleOperator)
	w.sees(t, "/data-requests?unassigned=1", 200, "Giá &lt;đất&gt;")
	w.sends(t, at+"/assign", url.Values{"agency": {"so-noi-vu"}}, at)
	w.as(t, auth.RolePublisher)
	w.sees(t, office, 200, "1 yêu cầu dữ liệu chờ quyết định")
	w.sees(t, office+"/data-requests", 200, "Giá &lt;đất&gt;")
	w.sends(t, at+"/vote", url.Values{"vote": {"yes"}}, at)
	w.refused(t, at+"/decide", url.Values{"state": {"declined"}}, 400, `id="f-reason-error"`)
	w.refused(t, at+"/decide", url.Values{"state": {"published"}, "dataset": {"khong-co"}}, 400, `id="f-dataset-error"`)
	w.sends(t, at+"/decide", url.Values{"state": {"published"}, "dataset": {"http://portal.test/en/dataset/gia-dat"}}, at)
	letters := w.lettersTo(t, "dan@example.vn")
	if len(letters) != 1 || !strings.Contains(letters[0], "đã được công bố") {
		t.Errorf("letters to who asked: %q", letters)
	}
	w.cookies = map[string]string{}
	w.sees(t, at, 200, "Đã công bố", `href="/dataset/gia-dat"`, "2 người cần")
	w.sees(t, "/data-requests?state=published&sort=votes", 200, "Giá &lt;đất&gt;")
	w.sees(t, "/data-requests?state=x", 404)
	w.sees(t, "/data-requests/"+uuid.NewString(), 404)
}

func TestSlugIn(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"gia-dat": "gia-dat", " /dataset/gia-dat ": "gia-dat",
		"https://x.vn/en/dataset/gia-dat?table=1#a": "gia-dat", "https://x.vn/dataset/gia-dat/": "gia-dat", "::": "::"} {
		if got := slugIn(given); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}
