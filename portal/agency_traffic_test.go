package portal

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
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

// TestChecksOfAVersion are set on its page, offered when it is published, and
// what they find stands on its desk.
func TestChecksOfAVersion(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	version := office + "/apis/nguoi-co-cong/v1"
	page := version + "/traffic"
	set := func(want gateway.Check) {
		t.Helper()
		v, err := w.Portal.Catalog.VersionByID(t.Context(), auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}, w.version.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := trafficOf(v.Traffic); err != nil || got.Check != want {
			t.Errorf("checks: got %+v, %v, want %+v", got.Check, err, want)
		}
	}
	w.sees(t, page, 200, "Đối chiếu với tài liệu", `name="check/requests" value="off" checked`)
	w.lacks(t, version, "Khác với tài liệu")
	w.refused(t, page+"/check", url.Values{"check/requests": {"sometimes"}, "check/sample_percent": {"nhiều"}}, 400, `id="f-check/requests-error"`, `id="f-check/sample_percent-error"`, `value="nhiều"`)
	w.sends(t, page+"/check", url.Values{"check/requests": {"enforce"}, "check/answers": {"sample"}, "check/sample_percent": {"5"}}, page)
	set(gateway.Check{Requests: "enforce", Answers: "sample", SamplePercent: 5})
	w.sees(t, page, 200, `value="enforce" checked`, `value="sample" checked`, `value="5"`)
	w.sees(t, version, 200, "Chưa thấy chỗ nào khác với tài liệu", "Đặt riêng cho phiên bản này")
	for i := range 60 {
		if _, err := w.Portal.Drifts.DB.(pgx.Tx).Exec(t.Context(), `insert into gateway.drift (version_id, operation, direction, place, code, first_at, last_at, count, trace_id)
			values ($1, 'xem-nguoi-co-cong', $2, $3, 'type', $4, $4, $5, 'trace-of-one')`, w.version.ID, []string{"request", "answer"}[i%2], fmt.Sprintf("body/x%02d", i), monday, 1000-i); err != nil {
			t.Fatal(err)
		}
	}
	w.sees(t, version, 200, "body/x00", "Giá trị khác kiểu", "Lời gọi", "Câu trả lời", "1.000", "trace-of-one", "Còn 10 chỗ", "/drift/clear")
	w.lacks(t, version, "body/x55")
	w.as(t, auth.RoleSteward)
	if answer, _ := w.post(t, version+"/drift/clear", nil); answer.StatusCode != 403 {
		t.Errorf("a steward clears: got %d", answer.StatusCode)
	}
	w.as(t, auth.RolePublisher)
	w.sends(t, version+"/drift/clear", nil, version)
	w.lacks(t, version, "body/x00")
}

// lacks opens a page that is not to hold the text.
func (w *workshop) lacks(t *testing.T, path, text string) {
	t.Helper()
	if answer, body := w.get(t, path); answer.StatusCode != 200 || strings.Contains(body, text) {
		t.Errorf("%s: got %d, with %q", path, answer.StatusCode, text)
	}
}

// TestChecksAreOffered when a version is published, where its document is not too large.
func TestChecksAreOffered(t *testing.T) {
	t.Parallel()
	v := versionPage{}
	if !v.MayCheck() {
		t.Error("not offered")
	}
	v.Version.Findings = []catalog.Finding{{Code: "spec-unchecked-size"}}
	if v.MayCheck() {
		t.Error("offered for a document that is too large")
	}
	v = versionPage{Traffic: gateway.Traffic{Check: gateway.Check{Answers: "enforce"}}}
	if v.MayCheck() {
		t.Error("offered where it is set")
	}
}
