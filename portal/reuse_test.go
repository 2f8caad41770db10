package portal

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lgsp/auth"
)

func TestReusePages(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.published(t, "thue-bao")
	const form = "/dataset/thue-bao/reuses/new"
	w.cookies = map[string]string{}
	w.sees(t, "/dataset/thue-bao", 200, "Chưa có ai giới thiệu sản phẩm", `href="`+form+`"`)
	w.sees(t, form, 200, "/sign-in?next="+form)
	w.sees(t, "/reuses", 200, "Chưa có sản phẩm nào")
	w.person(t, "dan@example.vn")
	w.signIn(t, "dan@example.vn")
	w.sees(t, form, 200, "Thuê bao &lt;năm&gt;", `name="description_vi"`)
	w.refused(t, form, url.Values{"kind": {"app"}, "title_vi": {"Bản đồ"}, "url": {"ftp://example.vn"}}, 400,
		`value="Bản đồ"`, `value="ftp://example.vn"`, `id="f-description_vi-error"`, `id="f-url-error"`)
	w.sends(t, form, url.Values{"kind": {"app"}, "title_vi": {"Bản đồ <trạm>"}, "title_en": {"Map"}, "description_vi": {"Tra cứu <b>trạm</b>."}, "url": {"https://example.vn/ban-do"}}, "/account/reuses")
	w.sees(t, "/account/reuses", 200, "Bản đồ &lt;trạm&gt;", "Chờ duyệt", "liên kết chưa kiểm tra")
	w.sees(t, "/reuses", 200, "Chưa có sản phẩm nào")

	w.as(t, auth.RoleSteward)
	w.sees(t, office, 200, "1 sản phẩm chờ duyệt", `href="`+office+`/reuses"`)
	_, body := w.get(t, office+"/reuses")
	at := between(body, `action="`+office+`/reuses/`, `"`)
	w.refused(t, office+"/reuses/"+at, url.Values{"state": {"refused"}}, 400, `<details class="more" open>`, "Bản đồ &lt;trạm&gt;")
	w.sends(t, office+"/reuses/"+at, url.Values{"state": {"shown"}}, office+"/reuses")
	w.sees(t, office+"/reuses", 200, "Không có sản phẩm nào chờ duyệt", "Thôi hiện")

	w.cookies = map[string]string{}
	w.sees(t, "/dataset/thue-bao", 200, `<a href="https://example.vn/ban-do" rel="external nofollow ugc">Bản đồ &lt;trạm&gt;</a>`, "Tra cứu &lt;b&gt;trạm", "/reuses?dataset=thue-bao")
	if _, body := w.get(t, "/en/reuses?kind=app&theme=TECH"); !strings.Contains(body, ">Map</a>") || !strings.Contains(body, `<option value="app" selected>`) {
		t.Errorf("in English:\n%s", body)
	}
	w.sees(t, "/reuses?kind=study", 200, "Không có sản phẩm nào như vậy")
	w.sees(t, "/reuses?dataset=thue-bao", 200, "Bản đồ &lt;trạm&gt;", `name="dataset" value="thue-bao"`)
	w.sees(t, "/reuses?kind=game", 404)
	w.sees(t, "/reuses?dataset=khong-co", 404)

	w.as(t, auth.RoleSteward)
	w.sends(t, office+"/reuses/"+at, url.Values{"state": {"refused"}, "reason": {"Liên kết hỏng."}}, office+"/reuses")
	w.cookies = map[string]string{}
	w.signIn(t, "dan@example.vn")
	w.sees(t, "/account/reuses", 200, "Không được duyệt", "Lý do: Liên kết hỏng.")
	for range 2 { // first to each of the agency's people
		if err := w.gatherData(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(w.Mailer.Dir, "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	var letters string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		letters += strings.ReplaceAll(string(text), "=\r\n", "")
	}
	for _, want := range []string{"http://portal.test" + office + "/reuses", "http://portal.test/account/reuses"} {
		if !strings.Contains(letters, want) {
			t.Errorf("no letter leads to %s:\n%s", want, letters)
		}
	}
	w.sends(t, "/account/reuses/"+at+"/drop", url.Values{}, "/account/reuses")
	w.sees(t, "/account/reuses", 200, "Bạn chưa giới thiệu sản phẩm nào")
}
