package portal

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
)

// Every address of a dataset that was withdrawn says when, why and what to use
// instead, to people and to programs, and gives nothing of what was there.
func TestWithdrawnDatasetIsGone(t *testing.T) {
	t.Parallel()
	s, d := newShelf(t)
	s.publish(t, "moi", "a,b\n1,2\n")
	part := d.Distributions[0].ID.String()
	if _, err := s.Catalog.WithdrawFor(t.Context(), s.people[0], d.ID, catalog.Withdrawal{Reason: "Số liệu <sai>.", ReplacedBy: "moi"}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dataset/thue-bao", "/dataset/thue-bao?table=1", "/dataset/thue-bao/all.zip", "/dataset/thue-bao/download/" + part + "?format=csv", "/r/" + part, "/r/" + part + "?version=1",
		"/embed/dataset/thue-bao/table", "/dataset/thue-bao/resource/" + part + "/download/so-lieu.csv"} {
		body := s.holds(t, path, 410, "Bộ dữ liệu đã được rút", "Số liệu &lt;sai&gt;.", `<a href="/dataset/moi">`, "Ngày rút")
		for _, secret := range []string{"Điện thoại", "so_thue_bao", "Đoạn **đầu**", "thuê bao.csv", "99001"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s tells of what was there: %s", path, secret)
			}
		}
	}
	s.holds(t, "/en/dataset/thue-bao", 410, "The dataset was withdrawn", "Use instead", `<a href="/en/dataset/moi">`)
	router := mux.NewRouter()
	(&API{Catalog: s.Catalog, Origin: s.Origin}).Routes(router)
	at := "/api/v1/datasets/thue-bao"
	for _, path := range []string{at, at + "/distributions/" + part + "/rows", at + "/distributions/" + part + "/rows?format=csv", at + "/distributions/" + part + "/columns",
		at + "/distributions/" + part + "/versions", at + "/distributions/" + part + "/rows/openapi.json", at + "/discussions", at + "/quality"} {
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		var told struct {
			Code      string
			Withdrawn catalog.Tombstone
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &told); err != nil || answer.Code != 410 || told.Code != "dataset-withdrawn" ||
			told.Withdrawn.Why != "Số liệu <sai>." || told.Withdrawn.ReplacedBy.Slug != "moi" || strings.Contains(answer.Body.String(), "so_thue_bao") {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
	s.draft(t, "nhap")
	s.holds(t, "/dataset/nhap", 404)
}

// The desk asks what everybody will read, and what takes the dataset's place.
func TestWithdrawingOnTheDesk(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	const set = office + "/datasets/cu"
	w.sends(t, office+"/datasets/new", url.Values{"slug": {"cu"}, "title_vi": {"Cũ"}, "notes_vi": {"Cũ"}, "theme": {"AGRI"}}, set)
	if answer, body := w.uploads(t, set+"/files", "a.csv", "a,b\n1,2\n"); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("upload: %d\n%s", answer.StatusCode, body)
	}
	w.sends(t, set+"/submit", nil, set)
	w.as(t, auth.RoleSteward)
	w.sends(t, set+"/approve", nil, set)
	w.as(t, auth.RolePublisher)
	w.sends(t, set+"/publish", nil, set)
	if _, body := w.get(t, set); !strings.Contains(body, "Ai mở địa chỉ cũ cũng đọc được lý do này") || !strings.Contains(body, `name="replaced_by"`) {
		t.Errorf("the desk does not say who reads the reason:\n%s", body)
	}
	w.refused(t, set+"/withdraw", url.Values{"reason": {"sai"}, "replaced_by": {"khong-co"}}, 400, "không phải một bộ dữ liệu khác đang công khai", `value="khong-co"`)
	w.sends(t, set+"/withdraw", url.Values{"reason": {"Số liệu sai"}}, set)
	w.cookies = map[string]string{}
	if answer, body := w.get(t, "/dataset/cu"); answer.StatusCode != http.StatusGone || !strings.Contains(body, "Số liệu sai") {
		t.Errorf("got %d:\n%s", answer.StatusCode, body)
	}
}
