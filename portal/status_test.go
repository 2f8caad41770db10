package portal

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/gateway"
	"lgsp/gateway/upstream"
)

// TestStatus: the page says what works, names no address of a system, and of
// versions those only that anybody may look up.
func TestStatus(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.cookies = map[string]string{}
	w.sees(t, "/status", 200, "Mọi phần đang hoạt động", "Nhận và chuyển lời gọi", "Có 1 dịch vụ công khai", `href="/status"`)
	if _, body := w.get(t, "/en/status"); !strings.Contains(body, "Everything works") || !strings.Contains(body, "There is 1 public service") {
		t.Errorf("in English:\n%s", body)
	}
	w.sees(t, "/terms", 200, `href="/status"`)

	failing := []gateway.Failing{
		{Prefix: "/so-noi-vu/nguoi-co-cong/v1", TitleVI: "Người có công", Out: 1, Addresses: []upstream.Standing{{Host: "10.1.1.1:80", Out: true, Until: monday}, {Host: "10.1.1.2:80"}}},
		{Prefix: "/so-noi-vu/kin/v1", TitleVI: "Dịch vụ kín", Out: 1, Down: true, Addresses: []upstream.Standing{{Host: "10.1.1.3:80", Out: true, Until: monday}}},
	}
	w.Portal.Health = func() gateway.Health { return gateway.Health{Ready: true, Fresh: monday, Failing: failing} }
	answer, body := w.get(t, "/status")
	for _, want := range []string{"Có phần đang gặp trở ngại", "1 phiên bản dịch vụ có hệ thống phía sau", "Người có công", "/apis/so-noi-vu/nguoi-co-cong/v1", "được chuyển đến phần còn lại"} {
		if !strings.Contains(body, want) {
			t.Errorf("lacks %q", want)
		}
	}
	for _, hidden := range []string{"10.1.1.", "Dịch vụ kín", "so-noi-vu/kin"} {
		if strings.Contains(body, hidden) {
			t.Errorf("tells %q", hidden)
		}
	}
	if answer.Header.Get("Cache-Control") != "no-store" || strings.Contains(body, "<script>") {
		t.Errorf("got %v", answer.Header)
	}
	failing[0].Down = true
	w.sees(t, "/status", 200, "Lời gọi tạm nhận 503")
	failing = make([]gateway.Failing, mostFailing+2)
	for i := range failing {
		failing[i].Prefix = "/so-noi-vu/khong-co/v1"
	}
	if _, body := w.get(t, "/status"); strings.Contains(body, "khong-co") {
		t.Errorf("tells of what nobody may look up:\n%s", body)
	}

	w.Portal.Health = func() gateway.Health { return gateway.Health{Ready: true, Stale: true} }
	w.sees(t, "/status", 200, "Có phần đang gặp trở ngại", "config-stale")
	w.Portal.Health = func() gateway.Health { return gateway.Health{} }
	w.sees(t, "/status", 200, "Đang khởi động: mọi lời gọi tạm nhận 503")
	w.as(t, auth.RoleSteward)
	w.sees(t, "/status", 200, "Đăng xuất")
}

// TestAPICatalog: programs find what anybody may call, and what there is to
// read about it (RFC 9727).
func TestAPICatalog(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Portal.Protocols = map[string]http.Handler{"/.well-known/": http.NotFoundHandler()}
	w.browser = newBrowser(w.Portal)
	answer, body := w.get(t, "/.well-known/api-catalog")
	if got := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || got != `application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"` {
		t.Fatalf("got %d %s:\n%s", answer.StatusCode, got, body)
	}
	if answer.Header.Get("Access-Control-Allow-Origin") != "*" || answer.Header.Get("Link") != `<http://portal.test/.well-known/api-catalog>; rel="api-catalog"` {
		t.Errorf("got %v", answer.Header)
	}
	var got struct{ Linkset []linked }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	status := []linkedTo{{Href: "http://portal.test/status", Type: "text/html"}}
	page := "http://portal.test/apis/so-noi-vu/nguoi-co-cong/v1"
	want := []linked{
		{Anchor: "http://portal.test/api/v1", Desc: []linkedTo{{Href: "http://portal.test/api/v1/openapi.json", Type: "application/json"}}, Status: status},
		{Anchor: "http://gateway.test/so-noi-vu/nguoi-co-cong/v1", Desc: []linkedTo{{Href: page + "/openapi.json", Type: "application/json"}},
			Doc:    []linkedTo{{Href: page, Type: "text/html", Title: []linkedText{{w.version.TitleVI, "vi"}, {w.version.TitleEN, "en"}}}},
			Meta:   []linkedTo{{Href: "http://gateway.test/.well-known/oauth-protected-resource/so-noi-vu/nguoi-co-cong/v1", Type: "application/json"}},
			Status: []linkedTo{{Href: page + "#availability", Type: "text/html"}, {Href: "http://portal.test/api/v1/versions/" + w.version.ID.String() + "/availability", Type: "application/json"}}},
	}
	if w.version.TitleEN == "" {
		want[1].Doc[0].Title = want[1].Doc[0].Title[:1]
	}
	if !reflect.DeepEqual(got.Linkset, want) {
		t.Errorf("got  %+v\nwant %+v", got.Linkset, want)
	}
	for _, link := range got.Linkset[1].Doc {
		w.sees(t, strings.TrimPrefix(link.Href, "http://portal.test"), 200)
	}
	head := httptest.NewRecorder()
	w.Portal.Routes().ServeHTTP(head, httptest.NewRequest(http.MethodHead, "/.well-known/api-catalog", nil))
	if head.Code != 200 || head.Header().Get("Link") == "" {
		t.Errorf("HEAD: got %d %v", head.Code, head.Header())
	}
	if answer, _ := w.post(t, "/.well-known/api-catalog", nil); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %d", answer.StatusCode)
	}
	if _, err := w.Catalog.DB.Exec(t.Context(), `insert into catalog.version
		select (jsonb_populate_record(v, jsonb_build_object('id', gen_random_uuid(), 'number', 'v9', 'state', 'retired'))).* from catalog.version v where id = $1`, w.version.ID); err != nil {
		t.Fatal(err)
	}
	w.sees(t, "/apis/so-noi-vu/nguoi-co-cong/v9", 200)
	if _, body := w.get(t, "/.well-known/api-catalog"); strings.Contains(body, "/v9") {
		t.Errorf("a version that is retired is listed:\n%s", body)
	}
}
