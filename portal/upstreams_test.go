package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
)

// TestSeveralUpstreams gives a version several addresses through /api/v1; the
// form shows them, and keeps them while their first is not changed.
func TestSeveralUpstreams(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	operator := auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}
	if _, err := w.Portal.Catalog.ApproveUpstream(t.Context(), operator, w.version.AgencyID, "10.1.1.2:80"); err != nil {
		t.Fatal(err)
	}
	caller := w.person(t, "may@example.vn")
	caller.Memberships = operator.Memberships
	router := mux.NewRouter()
	(&API{Catalog: w.Portal.Catalog, WhoByAccessToken: func(context.Context, auth.Presented) (auth.Principal, error) { return caller, nil }}).Routes(router)
	const first, second = "https://api.example.vn/secret-upstream", "http://10.1.1.2"
	one, both := []catalog.UpstreamShare{{URL: second, Weight: 1}}, []catalog.UpstreamShare{{URL: first, Weight: 3}, {URL: second, Weight: 1}}
	for _, tt := range []struct {
		name, body string
		status     int
		code       string
		want       []catalog.UpstreamShare
	}{
		{"one address", `{"url":"http://10.1.1.2"}`, 200, "", one},
		{"neither", `{}`, 400, "url-invalid", nil},
		{"one and several", `{"url":"http://10.1.1.2","upstreams":[{"url":"http://10.1.1.2"}]}`, 400, "upstream-one-or-several", nil},
		{"a weight of nothing", `{"upstreams":[{"url":"http://10.1.1.2","weight":0}]}`, 400, "upstream-weight", nil},
		{"not approved", `{"upstreams":[{"url":"http://10.1.1.2"},{"url":"http://10.1.1.3"}]}`, 400, "upstream-not-approved", nil},
		{"a misspelt field", `{"upstreams":[{"url":"http://10.1.1.2","wieght":2}]}`, 400, "field-unknown", nil},
		{"several", `{"upstreams":[{"url":"` + first + `","weight":3},{"url":"` + second + `"}]}`, 200, "", both},
	} {
		r := httptest.NewRequest(http.MethodPut, "/api/v1/versions/"+w.version.ID.String()+"/upstream", strings.NewReader(tt.body))
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, r)
		var got struct {
			Code      string
			Upstreams []catalog.UpstreamShare
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v: %s", tt.name, err, answer.Body)
		}
		if answer.Code != tt.status || got.Code != tt.code || !slices.Equal(got.Upstreams, tt.want) {
			t.Errorf("%s: got %d %s", tt.name, answer.Code, answer.Body)
		}
	}
	w.as(t, auth.RolePublisher)
	page := office + "/apis/nguoi-co-cong/v1"
	w.sees(t, page, 200, first, second, "trọng số 3")
	w.sees(t, page+"/connection", 200, "nhiều địa chỉ", second, "trọng số 3", `value="`+first+`"`)
	w.sends(t, page+"/connection", url.Values{"upstream_url": {first}, "plan": {"standard-approval"}}, page)
	w.has(t, both)
	w.sends(t, page+"/connection", url.Values{"upstream_url": {second}, "plan": {"standard-approval"}}, page)
	w.has(t, one)
}

// has checks which upstreams the version has.
func (w *workshop) has(t *testing.T, want []catalog.UpstreamShare) {
	t.Helper()
	operator := auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}
	v, err := w.Portal.Catalog.VersionByID(t.Context(), operator, w.version.ID)
	if err != nil || !slices.Equal(v.Upstreams, want) {
		t.Errorf("got %+v, %v, want %+v", v.Upstreams, err, want)
	}
}
