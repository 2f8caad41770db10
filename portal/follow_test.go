package portal

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/catalog"
)

func TestFollowPages(t *testing.T) {
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
	w.published(t, "thue-bao")
	w.cookies = map[string]string{}
	w.sees(t, "/dataset/thue-bao", 200, "/sign-in?next=/dataset/thue-bao")
	w.person(t, "dan@example.vn")
	w.signIn(t, "dan@example.vn")
	_, body := w.get(t, "/dataset/thue-bao")
	dataset := between(body, `name="target" value="`, `"`)
	_, body = w.get(t, "/agencies/so-noi-vu")
	agency := between(body, `name="target" value="`, `"`)
	w.sends(t, "/follow", url.Values{"kind": {"dataset"}, "target": {dataset}, "follow": {"yes"}, "back": {"/dataset/thue-bao"}}, "/dataset/thue-bao")
	w.sends(t, "/follow", url.Values{"kind": {"agency"}, "target": {agency}, "follow": {"yes"}, "back": {"//evil.example"}}, "/account/follows")
	w.sees(t, "/dataset/thue-bao", 200, "Thôi theo dõi bộ dữ liệu này")
	w.sees(t, "/account/follows", 200, "Thuê bao &lt;năm&gt;", "Mỗi tuần")
	w.refused(t, "/account/follows", url.Values{"every": {"hourly"}}, 400)
	w.sends(t, "/account/follows", url.Values{"every": {"daily"}}, "/account/follows")

	w.sends(t, "/account/searches", url.Values{"q": {"thuê bao"}, "kind": {"dataset"}}, "/account/searches")
	_, body = w.get(t, "/account/searches")
	search := between(body, `action="/account/searches/`, `/open"`)
	w.sends(t, "/account/searches/"+search+"/letters", url.Values{"letters": {"yes"}}, "/account/searches")
	w.sees(t, "/account/searches", 200, "Thôi báo qua thư")
	w.sees(t, "/account/follows", 200, `href="/search?kind=dataset&amp;q=thu%C3%AA&#43;bao"`, "Tìm kiếm đã lưu")

	later := monday.Add(25 * time.Hour)
	w.Catalog.Now = func() time.Time { return monday.Add(time.Minute) }
	w.published(t, "gia-dat")
	w.Catalog.Now = func() time.Time { return later }
	for range 2 { // one digest, however often it is looked for
		if err := w.gatherNews(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(w.Mailer.Dir, "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	var letters []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "List-Unsubscribe") {
			letters = append(letters, strings.ReplaceAll(string(text), "=\r\n", ""))
		}
	}
	if len(letters) != 1 || !strings.Contains(letters[0], "List-Unsubscribe-Post: List-Unsubscribe=One-Click") || !strings.Contains(letters[0], "/dataset/gia-dat") {
		t.Fatalf("letters %q", letters)
	}
	if !strings.Contains(letters[0], "/search?kind=3Ddataset&q=3Dthu%C3%AA+bao") || !strings.Contains(letters[0], "- Thu") {
		t.Errorf("the letter does not tell of the search:\n%s", letters[0])
	}
	token := between(letters[0], "<http://portal.test", ">")
	w.cookies = map[string]string{}
	w.sees(t, token, 200, "Thôi nhận thư tóm tắt")
	w.sees(t, token[:len(token)-2]+"xx", 404)
	for range 2 { // as a mail program does, which is no browser
		r := httptest.NewRequest(http.MethodPost, token, strings.NewReader("List-Unsubscribe=One-Click"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if answer, body := w.do(t, r); answer.StatusCode != http.StatusOK || !strings.Contains(body, "Bạn không nhận thư tóm tắt nữa") {
			t.Fatalf("one click: %d\n%s", answer.StatusCode, body)
		}
	}
	w.signIn(t, "dan@example.vn")
	w.sees(t, "/account/follows", 200, "Bạn chưa theo dõi gì.")
	w.sees(t, "/account/searches", 200, "Báo qua thư") // kept, and not told of
}

func TestBackFrom(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"/dataset/a-b": "/dataset/a-b", "/agencies/so": "/agencies/so", "/apis/so/dan-cu/v1": "/apis/so/dan-cu/v1",
		"/apis/so/dan-cu": "/account/follows", "/apis/so/../v1": "/account/follows", "dataset/a": "/account/follows",
		"": "/account/follows", "//evil.example": "/account/follows", "/dataset/": "/account/follows",
		"/dataset/../x": "/account/follows", "/dataset/a?x": "/account/follows", `/dataset/\evil`: "/account/follows", "https://evil.example/dataset/a": "/account/follows"} {
		if got := backFrom(given); got != want {
			t.Errorf("%q leads to %q, want %q", given, got, want)
		}
	}
}
