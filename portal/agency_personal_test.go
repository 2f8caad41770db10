package portal

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
)

func TestPersonalDataOnTheDesk(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	const set = office + "/datasets/phan-anh"
	w.sends(t, office+"/datasets/new", url.Values{"slug": {"phan-anh"}, "title_vi": {"Phản ánh"}, "notes_vi": {"Phản ánh hiện trường"}, "theme": {"GOVE"}}, set)
	if answer, body := w.uploads(t, set+"/files", "a.csv", "Mã,Số điện thoại\n1,0905123456\n2,0914234567\n"); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("upload: %d\n%s", answer.StatusCode, body)
	}
	_, body := w.get(t, set)
	for _, want := range []string{"Cột Số điện thoại", "09•••••••6", "Chưa quyết định", "Chưa công bố được"} {
		if !strings.Contains(body, want) {
			t.Errorf("the desk lacks %q", want)
		}
	}
	if strings.Contains(body, "0905123456") || strings.Contains(body, set+`/personal"`) {
		t.Error("the desk shows a number, or a publisher may decide")
	}
	w.sends(t, set+"/submit", nil, set)
	w.as(t, auth.RoleSteward)
	w.sends(t, set+"/approve", nil, set)
	d, err := w.Catalog.DatasetBySlug(t.Context(), w.person(t, "them@example.vn"), "phan-anh")
	if err == nil {
		t.Fatalf("a stranger sees %+v", d)
	}
	_, body = w.get(t, "/en"+set)
	part := between(body, `name="part" value="`, `"`)
	decision := url.Values{"part": {part}, "place": {"Số điện thoại"}, "decision": {"allowed"}, "reason": {"số trực ban"}}
	w.refused(t, set+"/personal", decision, http.StatusBadRequest, "Hãy ghi căn cứ cho phép công khai.")
	w.refused(t, set+"/personal", url.Values{"part": {"x"}}, http.StatusBadRequest)
	w.as(t, auth.RolePublisher)
	w.refused(t, set+"/publish", nil, http.StatusConflict, "Cần xem lại dữ liệu cá nhân", "Số điện thoại")
	w.as(t, auth.RoleSteward)
	decision.Set("ground", "Quy chế tiếp công dân")
	w.sends(t, set+"/personal", decision, set)
	w.as(t, auth.RolePublisher)
	w.sends(t, set+"/publish", nil, set)
	if answer, body := w.uploads(t, set+"/files/"+part, "b.csv", "Mã,Số điện thoại\n1,051085001234\n"); answer.StatusCode != http.StatusConflict ||
		!strings.Contains(body, "05•••••••••4") || strings.Contains(body, "051085001234") {
		t.Errorf("identity numbers in a public file: %d", answer.StatusCode)
	}
	w.cookies = map[string]string{}
	if _, body = w.get(t, "/dataset/phan-anh"); strings.Contains(body, "•") || strings.Contains(body, "trực ban") {
		t.Error("the public page shows what was found or decided")
	}
}

func between(text, left, right string) string {
	_, text, _ = strings.Cut(text, left)
	text, _, _ = strings.Cut(text, right)
	return text
}
