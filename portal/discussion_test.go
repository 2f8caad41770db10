package portal

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
)

// published opens a dataset of the office with one table.
func (w *workshop) published(t *testing.T, slug string) {
	t.Helper()
	set := office + "/datasets/" + slug
	w.as(t, auth.RolePublisher)
	w.sends(t, office+"/datasets/new", url.Values{"slug": {slug}, "title_vi": {"Thuê bao <năm>"}, "notes_vi": {"Số liệu"}, "theme": {"TECH"}}, set)
	if answer, body := w.uploads(t, set+"/files", "a.csv", "xa,so\nA,1\n"); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("upload: %d\n%s", answer.StatusCode, body)
	}
	w.sends(t, set+"/submit", nil, set)
	w.as(t, auth.RoleSteward)
	w.sends(t, set+"/approve", nil, set)
	w.as(t, auth.RolePublisher)
	w.sends(t, set+"/publish", nil, set)
}

// lettersTo gives the subjects of the letters that were sent to an address.
func (w *workshop) lettersTo(t *testing.T, address string) []string {
	t.Helper()
	if err := w.gatherData(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := w.Mailer.Files(100)
	if err != nil {
		t.Fatal(err)
	}
	var subjects []string
	for _, f := range files {
		if f.To == address {
			subjects = append(subjects, f.Subject+"\n"+f.Text)
		}
	}
	return subjects
}

func TestDiscussionPages(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Catalog.Names = func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
		people, err := w.Auth.Persons(ctx, ids)
		names := map[uuid.UUID]string{}
		for id, p := range people {
			names[id] = p.Name
		}
		return names, err
	}
	w.published(t, "thue-bao")
	const list = "/dataset/thue-bao/discussions"
	w.cookies = map[string]string{}
	w.sees(t, "/dataset/thue-bao", 200, "Chưa có câu hỏi nào.", `href="`+list+`"`)
	w.sees(t, list, 200, "/sign-in?next="+list)
	if answer, _ := w.post(t, list, url.Values{"title": {"a"}, "text": {"b"}}); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("asked by nobody: %d", answer.StatusCode)
	}
	w.person(t, "dan@example.vn")
	w.signIn(t, "dan@example.vn")
	w.refused(t, list, url.Values{"title": {"Đã gõ"}}, 400, `value="Đã gõ"`, `id="f-text-error"`)
	w.sends(t, list, url.Values{"title": {"Ước <là> gì?"}, "text": {"Dòng một\n<script>alert(1)</script>"}}, "")
	_, body := w.get(t, list)
	at := list + "/" + between(body, `href="`+list+"/", `"`)
	w.sees(t, at, 200, "Ước &lt;là&gt; gì?", "&lt;script&gt;alert(1)", "Cơ quan chưa trả lời", "Khép lại câu hỏi")
	w.sends(t, at, url.Values{"text": {"Xem giá ở http://rao-vat.example"}}, at)
	w.sees(t, at, 200, "Chờ duyệt vì có liên kết.")
	letters := w.lettersTo(t, "publisher@example.vn")
	if len(letters) != 1 || !strings.Contains(letters[0], "http://portal.test"+at) || !strings.Contains(letters[0], "<script>") {
		t.Errorf("letters to the agency: %q", letters)
	}
	w.as(t, auth.RoleSteward)
	w.sees(t, office, 200, "1 ý kiến cần xem")
	w.sees(t, office+"/posts", 200, "rao-vat.example", "có liên kết")
	_, body = w.get(t, "/en"+office+"/posts")
	post := between(body, office+"/posts/", `/hide`)
	post = post[strings.LastIndex(post, "/")+1:]
	w.refused(t, office+"/posts/"+post+"/hide", nil, 400)
	w.sends(t, office+"/posts/"+post+"/hide", url.Values{"reason": {"quảng cáo"}}, office+"/posts")
	w.as(t, auth.RolePublisher)
	w.sends(t, at, url.Values{"text": {"Là số ước tính."}}, at)
	if letters := w.lettersTo(t, "dan@example.vn"); len(letters) != 1 || !strings.Contains(letters[0], "Là số ước tính.") {
		t.Errorf("letters to who asked: %q", letters)
	}
	w.cookies = map[string]string{}
	body = w.sees(t, at, 200, "Trả lời của cơ quan", "Cơ quan đã trả lời", "Là số ước tính.")
	if strings.Contains(body, "rao-vat") || strings.Contains(body, "quảng cáo") || strings.Contains(body, "dan@example.vn\"") {
		t.Error("everybody reads what is hidden")
	}
	w.sees(t, "/dataset/thue-bao", 200, "Ước &lt;là&gt; gì?")
	w.sees(t, "/dataset/khac/discussions/"+at[len(list)+1:], 404)
}

// TestDiscussionOfAPI: an API is asked about as a dataset is, at its own address.
func TestDiscussionOfAPI(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	const list = "/apis/so-noi-vu/nguoi-co-cong/discussions"
	w.cookies = map[string]string{}
	w.sees(t, "/apis/so-noi-vu/nguoi-co-cong/v1", 200, "Chưa có câu hỏi nào.", `href="`+list+`"`)
	w.sees(t, list, 200, "Về dịch vụ dữ liệu", "/sign-in?next="+list)
	w.person(t, "dan@example.vn")
	w.signIn(t, "dan@example.vn")
	w.refused(t, list, url.Values{"title": {"Đã gõ"}}, 400, `value="Đã gõ"`, `id="f-text-error"`)
	w.sends(t, list, url.Values{"title": {"Mã hồ sơ là gì?"}, "text": {"Xem http://rao-vat.example"}}, "")
	_, body := w.get(t, list)
	at := list + "/" + between(body, `href="`+list+"/", `"`)
	w.sees(t, at, 200, "Chờ duyệt vì có liên kết.")
	w.as(t, auth.RoleSteward)
	body = w.sees(t, office+"/posts", 200, `href="`+at+`"`, "Mã hồ sơ là gì?")
	post := between(body, office+"/posts/", `/show"`)
	w.sends(t, office+"/posts/"+post+"/show", nil, office+"/posts")
	letters := w.lettersTo(t, "publisher@example.vn")
	if len(letters) != 1 || !strings.Contains(letters[0], "http://portal.test"+at) {
		t.Errorf("letters to the agency: %q", letters)
	}
	w.as(t, auth.RolePublisher)
	w.sends(t, at, url.Values{"text": {"Là số hồ sơ."}}, at)
	w.cookies = map[string]string{}
	w.sees(t, at, 200, "Trả lời của cơ quan", "Là số hồ sơ.")
	w.sees(t, "/apis/so-noi-vu/nguoi-co-cong/v1", 200, "Mã hồ sơ là gì?")
	w.sees(t, "/apis/so-noi-vu/khac/discussions/"+at[len(list)+1:], 404)
	w.sees(t, "/dataset/nguoi-co-cong/discussions/"+at[len(list)+1:], 404)
}

// TestRatingOnThePage: the page counts, and a form gives, changes and takes back
// the rating of who works on an application that called.
func TestRatingOnThePage(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	const api, page = "/apis/so-noi-vu/nguoi-co-cong", "/apis/so-noi-vu/nguoi-co-cong/v1"
	w.cookies = map[string]string{}
	body := w.sees(t, page, 200, "Chưa ai đánh giá.")
	if strings.Contains(body, `action="`+api+`/rating"`) {
		t.Error("nobody gets a form")
	}
	who := w.person(t, "dan@example.vn")
	w.signIn(t, "dan@example.vn")
	w.refused(t, api+"/rating", url.Values{"useful": {"yes"}}, 409, "Chưa gọi dịch vụ này")
	at := monday
	w.Catalog.CallersOf = func(context.Context, uuid.UUID, time.Time) ([]catalog.Caller, error) {
		return []catalog.Caller{{OwnerPerson: who.Person, LastAt: &at}}, nil
	}
	w.sends(t, api+"/rating", url.Values{"useful": {"yes"}, "back": {page}}, page)
	w.sees(t, page, 200, "Hữu ích: 1 · Chưa hữu ích: 0", "Bạn: hữu ích")
	w.sends(t, api+"/rating", url.Values{"useful": {"no"}, "back": {"//evil.example/x/y/z"}}, api)
	w.sees(t, page, 200, "Hữu ích: 0 · Chưa hữu ích: 1", "Bạn: chưa hữu ích")
	w.sends(t, api+"/rating", url.Values{"useful": {""}, "back": {page}}, page)
	w.sees(t, page, 200, "Chưa ai đánh giá.")
}
