package portal

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"lgsp/auth"
)

// TestTrafficOfAVersion is set part by part on its page, and whole through
// /api/v1, which holds a writer to the version that was seen.
func TestTrafficOfAVersion(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	caller := w.person(t, "may@example.vn")
	caller.Memberships = []auth.Membership{{Role: auth.RoleOperator}}
	router := mux.NewRouter()
	(&API{Catalog: w.Portal.Catalog, WhoByAccessToken: func(context.Context, auth.Presented) (auth.Principal, error) { return caller, nil }}).Routes(router)
	call := func(method, body, ifMatch string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/api/v1/versions/"+w.version.ID.String()+"/traffic", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Content-Type", "application/json")
		if ifMatch != "" {
			r.Header.Set("If-Match", ifMatch)
		}
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, r)
		return answer
	}
	is := func(want string) string {
		t.Helper()
		answer := call(http.MethodGet, "", "")
		if got := strings.TrimSpace(answer.Body.String()); answer.Code != 200 || got != want {
			t.Errorf("traffic: got %d %s, want %s", answer.Code, got, want)
		}
		return answer.Header().Get("ETag")
	}
	w.as(t, auth.RolePublisher)
	version := office + "/apis/nguoi-co-cong/v1"
	page := version + "/traffic"
	first := is(`{}`)
	w.sees(t, version, 200, "Theo mức chung của nền tảng", page)
	w.sees(t, page, 200, "Giới hạn số lời gọi", `name="limits/1/calls"`, "Mỗi ứng dụng", "1 tháng", `name="timeouts/answer_seconds"`)

	w.sends(t, page+"/concurrency", url.Values{"concurrency/calls": {"9"}}, page)
	w.sees(t, version, 200, "Đặt riêng cho phiên bản này")
	w.sends(t, page+"/concurrency", url.Values{}, page)
	w.sees(t, version, 200, "Theo mức chung của nền tảng")
	w.sends(t, page+"/limits", url.Values{"limits/0/per": {"api"}, "limits/0/calls": {""}, "limits/0/window": {"1s"},
		"limits/1/per": {"address"}, "limits/1/calls": {" 1.000 "}, "limits/1/window": {"1h"}}, page)
	const hourly = `"limits":[{"per":"address","calls":1000,"window":"1h"}]`
	is(`{` + hourly + `}`)
	w.sees(t, version, 200, "1 giới hạn riêng")
	w.sees(t, page, 200, `value="1000"`, `<option value="1h" selected>`, `name="limits/2/calls"`)
	w.sends(t, page+"/sizes", url.Values{"request_bytes": {"2.097.152"}, "timeouts/answer_seconds": {"5"}, "timeouts/whole_seconds": {""}, "websocket": {"yes"}}, page)
	const whole = `{` + hourly + `,"request_bytes":2097152,"timeouts":{"answer_seconds":5},"websocket":true}`
	is(whole)
	w.sends(t, page+"/limits", url.Values{"limits/0/per": {"address"}, "limits/0/calls": {"1,000"}, "limits/0/window": {"1h"}}, page)
	is(whole) // the other part stays
	w.sends(t, page+"/callers", url.Values{"basic": {"yes"}}, page)
	is(strings.TrimSuffix(whole, "}") + `,"basic":true}`)
	w.sees(t, page, 200, `name="basic" value="yes" checked`)
	w.sends(t, page+"/callers", url.Values{}, page)
	is(whole)
	w.refused(t, page+"/limits", url.Values{"limits/0/calls": {""}, "limits/2/per": {"api"}, "limits/2/calls": {"nhiều"}, "limits/2/window": {"1s"}}, 400,
		`value="nhiều"`, `id="f-limits/2/calls-error"`, "Số lời gọi là số nguyên")
	w.refused(t, page+"/sizes", url.Values{"request_bytes": {"x"}, "timeouts/answer_seconds": {"601"}}, 400, `id="f-request_bytes-error"`,
		`id="f-timeouts/answer_seconds-error"`, "từ 1 đến 600", `value="601"`)
	w.sends(t, page+"/concurrency", url.Values{"concurrency/calls": {"1.000"}, "concurrency/queue": {"50"}, "concurrency/wait_seconds": {"5"}}, page)
	w.sees(t, page, 200, "Số lời gọi cùng lúc", `value="1000"`, `value="50"`)
	is(strings.Replace(whole, `,"request_bytes"`, `,"concurrency":{"calls":1000,"queue":50,"wait_seconds":5},"request_bytes"`, 1))
	w.refused(t, page+"/concurrency", url.Values{"concurrency/calls": {""}, "concurrency/queue": {"nhiều"}, "concurrency/wait_seconds": {"61"}}, 400,
		`id="f-concurrency/calls-error"`, `id="f-concurrency/queue-error"`, `id="f-concurrency/wait_seconds-error"`, `value="nhiều"`)
	w.sends(t, page+"/concurrency", url.Values{"concurrency/calls": {""}, "concurrency/queue": {""}, "concurrency/wait_seconds": {""}}, page)
	seen := is(whole)

	if got := call(http.MethodPut, `{}`, first); got.Code != http.StatusPreconditionFailed {
		t.Errorf("over another's change: got %d %s", got.Code, got.Body)
	}
	if got := call(http.MethodPut, `{"limits":[{"per":"api","calls":1,"window":"7s"}]}`, seen); got.Code != 200 || got.Header().Get("ETag") == seen {
		t.Errorf("put: got %d %s", got.Code, got.Body)
	}
	w.sees(t, page, 200, `<option value="7s" selected>7s`)
	for body, code := range map[string]string{`{"limit":[]}`: "field-unknown", `[]`: "field-type", `{"limits":[{"per":"api"}]}`: "limits-invalid", ``: "body-empty"} {
		if got := call(http.MethodPut, body, ""); got.Code != 400 || !strings.Contains(got.Body.String(), `"code":"`+code+`"`) {
			t.Errorf("put %s: got %d %s, want %s", body, got.Code, got.Body, code)
		}
	}
	w.sends(t, page+"/limits", url.Values{}, page)
	is(`{}`)
	w.as(t, auth.RoleSteward)
	w.sees(t, page, 403) // to edit is the publisher's
	w.cookies = map[string]string{}
	w.signIn(t, "may@example.vn")
	w.sees(t, page, 404)
}
