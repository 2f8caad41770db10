package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/internal/certtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// attempt is one way to call a route. In its path, {…} stand for the ids of a world's objects.
type attempt struct {
	route string // method and template, as the router has them
	what  string // the object that is asked for
	path  string // below /api/v1
	body  string
}

// shownPair is what PUT …/client-key takes.
func shownPair(t testing.TB) map[string]string {
	t.Helper()
	made := certtest.SelfSigned(t, time.Now())
	der, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"certificate": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]})),
		"key":         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
}

// attempts are how each route of /api/v1 is called: at least one a route, and
// one for each kind of object that the answer may depend on. Objects are
// agency A's or its developer's.
func (w *world) attempts() []attempt {
	wish, _ := json.Marshal(w.wish("quan-ly"))
	spec, _ := json.Marshal(map[string]string{"number": "v7", "text": worldSpec})
	text, _ := json.Marshal(map[string]string{"text": worldSpec})
	marks, _ := json.Marshal(worldMarks)
	pair, _ := json.Marshal(shownPair(w.t))
	const reason = `{"text":"Vì lý do quản lý."}`
	list := []attempt{
		{"GET /openapi.json", "", "/openapi.json", ""},
		{"POST /sign-up", "", "/sign-up", `{"email":"moi@world.example","name":"Mới"}`},
		{"POST /sign-up/confirm", "no link", "/sign-up/confirm", `{"token":"x","password":"một mật khẩu dài"}`},
		{"GET /me", "", "/me", ""},
		{"GET /me/sessions", "own", "/me/sessions", ""},
		{"DELETE /me/sessions", "own", "/me/sessions", ""},
		{"DELETE /me/sessions/{id}", "nobody's", "/me/sessions/{application}", ""},
		{"GET /me/consents", "own", "/me/consents", ""},
		{"DELETE /me/consents/{id}", "not given", "/me/consents/{application}", ""},
		{"GET /tokens", "own", "/tokens", ""},
		{"POST /tokens", "own", "/tokens", `{"name":"mới","hours":1}`},
		{"DELETE /tokens/{id}", "the developer's", "/tokens/{token of developer}", ""},
		{"GET /registration-tokens", "own", "/registration-tokens", ""},
		{"POST /registration-tokens", "own", "/registration-tokens", `{"name":"mới","grant_types":["authorization_code"]}`},
		{"POST /registration-tokens", "the agency's", "/registration-tokens", `{"name":"mới","agency":"{so-a}","grant_types":["authorization_code"]}`},
		{"DELETE /registration-tokens/{id}", "the agency's", "/registration-tokens/{registration token}", ""},
		{"GET /agencies", "", "/agencies", ""},
		{"POST /agencies", "", "/agencies", `{"slug":"so-moi","code":"H48.99","name_vi":"Sở Mới","name_en":"New","valid_from":"2026-01-01"}`},
		{"GET /agencies/{slug}", "", "/agencies/so-a", ""},
		{"GET /agencies/{id}/members", "agency A", "/agencies/{so-a}/members", ""},
		{"POST /agencies/{id}/members", "agency A", "/agencies/{so-a}/members", `{"email":"citizen@world.example","role":"publisher"}`},
		{"DELETE /agencies/{id}/members/{person}/{role}", "agency A", "/agencies/{so-a}/members/{person publisher}/publisher", ""},
		{"DELETE /persons/{id}", "the citizen's", "/persons/{person citizen}", ""},
		{"GET /applications", "own", "/applications", ""},
		{"POST /applications", "own", "/applications", `{"name":"Mới"}`},
		{"POST /applications", "the agency's", "/applications", `{"name":"Mới","agency":"{so-a}"}`},
		{"POST /applications/{id}/credentials", "the developer's", "/applications/{application}/credentials", `{"kind":"api_key"}`},
		{"POST /credentials/{id}/rotate", "the developer's", "/credentials/{api_key}/rotate", `{"overlap_hours":1}`},
		{"DELETE /credentials/{id}", "the developer's", "/credentials/{api_key}", ""},
		{"PUT /credentials/{id}", "the developer's", "/credentials/{api_key}", `{"name":"Máy chủ","networks":["10.0.0.0/8"]}`},
		{"POST /leaks", "", "/leaks", `[]`},
		{"GET /scanners", "", "/scanners", ""},
		{"POST /scanners", "", "/scanners", `{"name":"Quét","kid":"k","public_key":"-"}`},
		{"DELETE /scanners/{id}", "", "/scanners/{application}", ""},
		{"GET /foreign-issuers", "", "/foreign-issuers", ""},
		{"POST /foreign-issuers", "", "/foreign-issuers", `{"name":"Bộ","issuer":"https://sso.example.vn","introspection_url":"https://sso.example.vn/hoi","client_id":"tinh","client_secret":"bi-mat"}`},
		{"PUT /foreign-issuers/{id}", "", "/foreign-issuers/{application}", `{"name":"Bộ","issuer":"https://sso.example.vn","introspection_url":"https://sso.example.vn/hoi","client_id":"tinh"}`},
		{"PUT /foreign-issuers/{id}/clients", "", "/foreign-issuers/{application}/clients", `{"client_id":"x","application":"{application}"}`},
		{"DELETE /foreign-issuers/{id}", "", "/foreign-issuers/{application}", ""},
		{"GET /applications/{id}/webhooks", "the developer's", "/applications/{application}/webhooks", ""},
		{"POST /applications/{id}/webhooks", "the developer's", "/applications/{application}/webhooks", `{"url":"https://app.example.vn/","topics":["agreement"]}`},
		{"GET /webhooks/{id}/messages", "the developer's", "/webhooks/{webhook}/messages", ""},
		{"POST /webhooks/{id}/test", "the developer's", "/webhooks/{webhook}/test", ""},
		{"POST /webhooks/{id}/messages/{message}/again", "the developer's", "/webhooks/{webhook}/messages/{webhook message}/again", ""},
		{"DELETE /webhooks/{id}", "the developer's", "/webhooks/{webhook}", ""},
		{"GET /honey-keys", "all", "/honey-keys", ""},
		{"GET /honey-keys", "the developer's", "/honey-keys?application={application}", ""},
		{"POST /honey-keys", "the platform's", "/honey-keys", `{"kind":"api_key","name":"Hộp thư"}`},
		{"POST /honey-keys", "the developer's", "/honey-keys", `{"application":"{application}","kind":"api_key","name":"Kho mã nguồn"}`},
		{"DELETE /honey-keys/{id}", "the developer's", "/honey-keys/{honey key}", ""},
		{"GET /apis", "", "/apis", ""},
		{"POST /apis", "agency A", "/apis", `{"agency_id":"{so-a}","slug":"moi","title_vi":"Mới"}`},
		{"POST /specs/inspect", "", "/specs/inspect", string(text)},
		{"GET /plans", "", "/plans", ""},
		{"GET /agencies/{id}/upstreams", "agency A", "/agencies/{so-a}/upstreams", ""},
		{"POST /agencies/{id}/upstreams", "agency A", "/agencies/{so-a}/upstreams", `{"host_port":"10.1.2.3:80"}`},
		{"POST /agencies/{id}/upstreams/approve", "agency A", "/agencies/{so-a}/upstreams/approve", `{"host_port":"10.1.2.3:80"}`},
		{"GET /agreements", "own", "/agreements", ""},
		{"POST /agreements", "the developer's", "/agreements", string(wish)},
		{"GET /agencies/{id}/agreements", "agency A", "/agencies/{so-a}/agreements", ""},
		{"POST /agreements/{id}/approve", "asked", "/agreements/{asked agreement}/approve", reason},
		{"POST /agreements/{id}/refuse", "asked", "/agreements/{asked agreement}/refuse", `{"reason":"Ngoài phạm vi được chia sẻ.","legal_basis":"nd-194-2025-d16"}`},
		{"POST /agreements/{id}/suspend", "agreed", "/agreements/{agreed agreement}/suspend", reason},
		{"POST /agreements/{id}/resume", "suspended", "/agreements/{suspended agreement}/resume", reason},
		{"POST /agreements/{id}/end", "agreed", "/agreements/{agreed agreement}/end", reason},
		{"POST /agreements/{id}/ask", "asked", "/agreements/{asked agreement}/ask", reason},
		{"POST /agreements/{id}/answer", "questioned", "/agreements/{questioned agreement}/answer", reason},
		{"POST /agreements/{id}/renew", "agreed", "/agreements/{agreed agreement}/renew", `{"ends":"` + time.Now().AddDate(0, 9, 0).Format(time.DateOnly) + `"}`},
		{"POST /agreements/{id}/confirm", "agreed", "/agreements/{agreed agreement}/confirm", reason},
		{"GET /agencies/{id}/agreement-rules", "agency A", "/agencies/{so-a}/agreement-rules", ""},
		{"PUT /agencies/{id}/agreement-rules", "agency A", "/agencies/{so-a}/agreement-rules", `{"two_persons":true,"confirm_months":6}`},
		{"GET /agencies/{id}/unconfirmed-agreements", "agency A", "/agencies/{so-a}/unconfirmed-agreements", ""},
		{"GET /agencies/{id}/delegations", "agency A", "/agencies/{so-a}/delegations", ""},
		{"POST /agencies/{id}/delegations", "agency A", "/agencies/{so-a}/delegations", `{"to_id":"` + w.people["publisher"].Person.String() + `","starts":"` +
			time.Now().Format(time.DateOnly) + `","ends":"` + time.Now().AddDate(0, 0, 7).Format(time.DateOnly) + `"}`},
		{"POST /delegations/{id}/take-back", "the steward's", "/delegations/{delegation}/take-back", ""},
		{"GET /purposes", "", "/purposes", ""},
		{"GET /search", "", "/search?q=dich+vu", ""},
		{"GET /suggest", "", "/suggest?q=dich", ""},
		{"POST /search/reindex", "", "/search/reindex", `{}`},
		{"GET /synonyms", "", "/synonyms", ""},
		{"POST /synonyms", "", "/synonyms", `{"term":"QLNN","meaning":"quản lý nhà nước"}`},
		{"PUT /synonyms/{id}", "", "/synonyms/{synonym}", `{"term":"UBND","meaning":"uỷ ban nhân dân các cấp"}`},
		{"DELETE /synonyms/{id}", "", "/synonyms/{synonym}", ""},
		{"GET /me/searches", "own", "/me/searches", ""},
		{"POST /me/searches", "own", "/me/searches", `{"query":"dịch vụ"}`},
		{"GET /me/searches/{id}/new", "the developer's", "/me/searches/{saved search}/new", ""},
		{"DELETE /me/searches/{id}", "the developer's", "/me/searches/{saved search}", ""},
		{"GET /datasets", "", "/datasets", ""},
		{"POST /datasets", "agency A", "/datasets", `{"agency":"{so-a}","slug":"so-lieu-moi","title_vi":"Mới"}`},
		{"GET /datasets/{slug}/quality", "opened", "/datasets/opened-data/quality", ""},
		{"GET /datasets/{slug}/quality", "drafted", "/datasets/drafted-data/quality", ""},
		{"POST /datasets/{slug}/submit", "drafted", "/datasets/drafted-data/submit", ""},
		{"POST /datasets/{slug}/approve", "submitted", "/datasets/submitted-data/approve", ""},
		{"POST /datasets/{slug}/return", "submitted", "/datasets/submitted-data/return", reason},
		{"POST /datasets/{slug}/publish", "approved", "/datasets/approved-data/publish", ""},
		{"POST /datasets/{slug}/withdraw", "opened", "/datasets/opened-data/withdraw", reason},
		{"GET /datasets/{slug}/edit", "changed", "/datasets/changed-data/edit", ""},
		{"DELETE /datasets/{slug}/edit", "changed", "/datasets/changed-data/edit", ""},
		{"POST /datasets/{slug}/edit/approve", "changed", "/datasets/changed-data/edit/approve", `{"edit":"{edit}"}`},
		{"POST /datasets/{slug}/edit/return", "changed", "/datasets/changed-data/edit/return", `{"edit":"{edit}","text":"Vì lý do"}`},
		{"POST /datasets/{slug}/reviewed", "opened", "/datasets/opened-data/reviewed", ""},
		{"PUT /datasets/{slug}/schedule", "approved", "/datasets/approved-data/schedule", `{"publish_at":null}`},
		{"OPTIONS /uploads", "", "/uploads", ""},
		{"HEAD /uploads/{id}", "the publisher's", "/uploads/{upload}", "tus"},
		{"PATCH /uploads/{id}", "the publisher's", "/uploads/{upload}", "tus"},
		{"DELETE /uploads/{id}", "the publisher's", "/uploads/{upload}", "tus"},
		{"GET /harvest-sources", "agency A", "/harvest-sources?agency={so-a}", ""},
		{"POST /harvest-sources", "agency A", "/harvest-sources", `{"agency":"{so-a}","name":"Khác","kind":"ckan","url":"http://127.0.0.1:9/khac","theme":"TECH","licence":"CC0-1.0"}`},
		{"GET /harvest-sources/{id}", "agency A", "/harvest-sources/{source}", ""},
		{"PUT /harvest-sources/{id}", "agency A", "/harvest-sources/{source}", `{"name":"Khác","kind":"ckan","url":"http://127.0.0.1:9/khac","theme":"TECH","licence":"CC0-1.0"}`},
		{"GET /harvest-sources/{id}/preview", "agency A, out of reach", "/harvest-sources/{source}/preview", ""},
		{"GET /harvest-sources/{id}/runs", "agency A", "/harvest-sources/{source}/runs", ""},
		{"POST /harvest-sources/{id}/ask", "agency A", "/harvest-sources/{source}/ask", ""},
		{"PUT /harvest-sources/{id}/publishes", "agency A", "/harvest-sources/{source}/publishes", `{"publishes":true}`},
		{"DELETE /harvest-sources/{id}", "agency A", "/harvest-sources/{source}", ""},
		{"GET /duties", "agency A", "/duties?agency={so-a}", ""},
		{"GET /themes", "", "/themes", ""},
		{"GET /licences", "", "/licences", ""},
		{"GET /exchanges", "the platform", "/exchanges", ""},
		{"GET /exchanges", "agency A", "/exchanges?agency={so-a}", ""},
		{"GET /exchanges", "the developer's application", "/exchanges?application={application}", ""},
		{"GET /acts", "the platform", "/acts", ""},
		{"GET /acts", "agency A", "/acts?agency={so-a}", ""},
		{"GET /explain/call", "the developer's application", "/explain/call?application={application}&version={published version}&operation=nguoi&credential=token", ""},
		{"GET /explain/call", "hidden", "/explain/call?version={draft version}&operation=nguoi&credential=none", ""},
		{"GET /explain/act", "own", "/explain/act?act=api.edit&agency={so-a}", ""},
		{"GET /policy", "", "/policy", ""},
		{"POST /versions/{id}/submit", "draft", "/versions/{draft version}/submit", ""},
		{"POST /versions/{id}/publish", "draft", "/versions/{draft version}/publish", ""},
		{"GET /versions/{id}/pages", "draft", "/versions/{draft version}/pages", ""},
		{"GET /versions/{id}/pages", "published", "/versions/{published version}/pages", ""},
		{"PUT /versions/{id}/pages", "published", "/versions/{published version}/pages", `{"pages":[{"slug":"bat-dau","title_vi":"Bắt đầu","body_vi":"Gọi thử."}]}`},
		{"POST /versions/{id}/sandbox", "draft", "/versions/{draft version}/sandbox", ""},
		{"DELETE /versions/{id}/sandbox", "draft", "/versions/{draft version}/sandbox", ""},
		{"POST /versions/{id}/publish", "reviewed", "/versions/{reviewed version}/publish", ""},
		{"POST /versions/{id}/deprecate", "published", "/versions/{published version}/deprecate",
			`{"sunset":"` + time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339) + `"}`},
		{"GET /versions/{id}/alike", "published", "/versions/{published version}/alike", ""},
		{"GET /versions/{id}/alike", "draft", "/versions/{draft version}/alike", ""},
		{"GET /versions/{id}/revisions", "published", "/versions/{published version}/revisions", ""},
		{"GET /versions/{id}/revisions", "draft", "/versions/{draft version}/revisions", ""},
		{"GET /versions/{id}/revisions/{number}", "published", "/versions/{published version}/revisions/1", ""},
		{"GET /versions/{id}/revisions/{number}/changes", "published", "/versions/{published version}/revisions/1/changes", ""},
		{"POST /versions/{id}/revisions/{number}/restore", "published", "/versions/{published version}/revisions/1/restore", `{}`},
		{"POST /versions/{id}/revisions/{number}/restore", "draft", "/versions/{draft version}/revisions/1/restore", `{}`},
		{"GET /versions/{id}/promotion", "published", "/versions/{published version}/promotion", ""},
		{"GET /versions/{id}/promotion", "draft", "/versions/{draft version}/promotion", ""},
		{"PUT /versions/{id}/promotion", "published", "/versions/{published version}/promotion", `{"plan":"high"}`},
		{"DELETE /versions/{id}/promotion", "nothing prepared", "/versions/{reviewed version}/promotion", ""},
		{"POST /versions/{id}/propose", "draft", "/versions/{draft version}/propose", `{}`},
		{"POST /versions/{id}/promote", "nothing proposed", "/versions/{reviewed version}/promote", `{"hash":"x"}`},
		{"POST /versions/{id}/return", "nothing proposed", "/versions/{reviewed version}/return", `{"answer":"Sửa tên"}`},
		{"GET /agencies/{id}/promotions", "agency A", "/agencies/{so-a}/promotions", ""},
		{"GET /agencies/{id}/release-rule", "agency A", "/agencies/{so-a}/release-rule", ""},
		{"PUT /agencies/{id}/release-rule", "agency A", "/agencies/{so-a}/release-rule", `{"two_persons":true}`},
		{"POST /versions/{id}/keep", "published", "/versions/{published version}/keep", `{"reason":"Còn dùng"}`},
		{"POST /versions/{id}/retire", "published", "/versions/{published version}/retire", ""},
		{"GET /versions/{id}/callers", "published", "/versions/{published version}/callers", ""},
		{"GET /versions/{id}/callers", "draft", "/versions/{draft version}/callers", ""},
		{"GET /versions/{id}/losses", "reviewed", "/versions/{reviewed version}/losses", ""},
		{"GET /agreements/{id}/losses", "", "/agreements/{agreed agreement}/losses", ""},
		{"GET /versions/{id}/notices", "published", "/versions/{published version}/notices", ""},
		{"GET /versions/{id}/notices", "draft", "/versions/{draft version}/notices", ""},
	}
	for _, name := range []string{"application", "agency's application"} {
		at := "/applications/{" + name + "}"
		list = append(list, attempt{"GET /applications/{id}", name, at, ""},
			attempt{"PUT /applications/{id}", name, at, `{"name":"Tên khác"}`},
			attempt{"DELETE /applications/{id}", name, at, ""},
			attempt{"GET /applications/{id}/credentials", name, at + "/credentials", ""},
			attempt{"GET /applications/{id}/logout-notices", name, at + "/logout-notices", ""},
			attempt{"GET /applications/{id}/keys", name, at + "/keys", ""},
			attempt{"PUT /applications/{id}/keys", name, at + "/keys", `{"keys":[]}`},
			attempt{"POST /applications/{id}/revoke-everything", name, at + "/revoke-everything", `{}`},
			attempt{"POST /applications/{id}/transfer", name, at + "/transfer", `{"agency":"{so-a}"}`},
			attempt{"GET /applications/{id}/failures", name, at + "/failures", ""},
			attempt{"GET /applications/{id}/usage", name, at + "/usage", ""})
	}
	for _, api := range []string{"public", "hidden"} {
		list = append(list, attempt{"GET /apis/{id}", api, "/apis/{" + api + " api}", ""},
			attempt{"PUT /apis/{id}", api, "/apis/{" + api + " api}", `{"title_vi":"Tên khác"}`},
			attempt{"POST /apis/{id}/versions", api, "/apis/{" + api + " api}/versions", string(spec)})
	}
	for _, version := range []string{"published", "draft"} {
		at := "/versions/{" + version + " version}"
		list = append(list, attempt{"GET /versions/{id}", version, at, ""},
			attempt{"GET /versions/{id}/operations", version, at + "/operations", ""},
			attempt{"PUT /versions/{id}/operations", version, at + "/operations", string(marks)},
			attempt{"GET /versions/{id}/openapi.json", version, at + "/openapi.json", ""},
			attempt{"GET /versions/{id}/service.wsdl", version, at + "/service.wsdl", ""},
			attempt{"GET /versions/{id}/lint", version, at + "/lint", ""},
			attempt{"POST /versions/{id}/lint/{code}/mend", version, at + "/lint/spec-no-refusals/mend", `{}`},
			attempt{"PUT /versions/{id}/spec", version, at + "/spec", string(text)},
			attempt{"PUT /versions/{id}/upstream", version, at + "/upstream", `{"url":"http://{upstream}"}`},
			attempt{"PUT /versions/{id}/plan", version, at + "/plan", `{"plan":"high"}`},
			attempt{"GET /versions/{id}/traffic", version, at + "/traffic", ""},
			attempt{"PUT /versions/{id}/traffic", version, at + "/traffic", `{"limits":[{"per":"address","calls":9,"window":"1s"}]}`},
			attempt{"PUT /versions/{id}/client-key", version, at + "/client-key", string(pair)},
			attempt{"GET /versions/{id}/client-key", version, at + "/client-key", ""},
			attempt{"DELETE /versions/{id}/client-key", version, at + "/client-key", ""},
			attempt{"GET /versions/{id}/drift", version, at + "/drift", ""},
			attempt{"DELETE /versions/{id}/drift", version, at + "/drift", ""})
	}
	for _, state := range []string{"asked", "agreed"} {
		at := "/agreements/{" + state + " agreement}"
		for _, part := range []string{"", "/summary", "/review", "/history", "/quota", "/receipt"} {
			list = append(list, attempt{"GET /agreements/{id}" + part, state, at + part, ""})
		}
	}
	for _, state := range []string{"drafted", "opened"} {
		at := "/datasets/" + state + "-data"
		file := at + "/distributions/{" + state + " file}"
		const template = "/datasets/{slug}/distributions/{id}"
		list = append(list, attempt{"GET /datasets/{slug}", state, at, ""},
			attempt{"PUT /datasets/{slug}", state, at, `{"slug":"` + state + `-data","title_vi":"Tên khác","notes_vi":"Khác","theme":"TECH"}`},
			attempt{"POST /datasets/{slug}/distributions", state, at + "/distributions?filename=b.csv", "Mã,Số\n3,4\n"},
			attempt{"PUT " + template + "/file", state, file + "/file?filename=b.csv", "Mã,Số\n3,4\n"},
			attempt{"POST /datasets/{slug}/links", state, at + "/links", `{"url":"https://example.com/a.csv"}`},
			attempt{"PUT " + template + "/link", state, at + "/distributions/{" + state + " link}/link", `{"url":"https://example.com/b.csv"}`},
			attempt{"POST " + template + "/check", state, at + "/distributions/{" + state + " link}/check", ""},
			attempt{"POST /datasets/{slug}/uploads", state, at + "/uploads", "tus"},
			attempt{"GET " + template + "/versions", state, file + "/versions", ""},
			attempt{"GET " + template + "/columns", state, file + "/columns", ""},
			attempt{"PUT " + template + "/columns", state, file + "/columns", `[]`},
			attempt{"GET " + template + "/rows", state, file + "/rows", ""},
			attempt{"GET " + template + "/rows/openapi.json", state, file + "/rows/openapi.json", ""})
	}
	return slices.Concat(list, w.teamAttempts(), w.peopleAttempts(), w.noticeAttempts(), w.clockAttempts(), w.fieldAttempts(), w.usageAttempts(), w.healthAttempts(), w.explainAttempts(), w.operateAttempts(), w.roomAttempts())
}

// fill puts the ids of objects in the place of their names.
func (w *world) fill(s string) string {
	for name, id := range w.id {
		s = strings.ReplaceAll(s, "{"+name+"}", id)
	}
	return s
}

// TestAuthorization calls every route of /api/v1 as everybody, and compares
// what each is answered with testdata/authorization.txt. Each call works on
// the same objects: what it changed is rolled back.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	api := mux.NewRouter()
	again := w.again()
	again.api.Routes(api)
	router := undone(t, again, api)
	attempts := w.attempts()
	w.coversEveryRoute(router, attempts)

	w.compare("testdata/authorization.txt", attempts, func(role string, a attempt) (int, string) { return w.try(router, role, a) })
}

// compare tries everything as everybody and holds the answers to a golden file.
func (w *world) compare(path string, attempts []attempt, try func(role string, a attempt) (int, string)) {
	w.t.Helper()
	slices.SortStableFunc(attempts, func(a, b attempt) int {
		return strings.Compare(a.route[strings.Index(a.route, "/"):]+a.route+a.what, b.route[strings.Index(b.route, "/"):]+b.route+b.what)
	})
	var table strings.Builder
	fmt.Fprintf(&table, "%-84s %s\n", "# the answers to", strings.Join(roles, " "))
	for _, a := range attempts {
		line := a.route
		if a.what != "" {
			line += " (" + a.what + ")"
		}
		fmt.Fprintf(&table, "%-84s", line)
		for _, role := range roles {
			status, body := try(role, a)
			w.sane(role, a, status, body)
			if absent := w.absent(role, a); absent.path != a.path {
				if want, _ := try(role, absent); status != want {
					w.t.Errorf("%s (%s) as %s: got %d, but %d where there is none", a.route, a.what, role, status, want)
				}
			}
			fmt.Fprintf(&table, " %*d", len(role), status)
		}
		table.WriteByte('\n')
	}
	golden(w.t, path, table.String())
}

// again wires the rooms once more on the same data, for calls that are undone;
// the node is the one that runs.
func (w *world) again() *platform {
	w.t.Helper()
	p, err := wire(w.t.Context(), w.config, w.db)
	w.must(err)
	p.api.ExplainCall, p.api.Remaining = w.explainCall, w.remaining
	p.portal.ExplainCall, p.portal.Remaining, p.portal.Health = w.explainCall, w.remaining, w.portal.Health
	p.catalog.Loopback = w.catalog.Loopback
	p.node = w.node
	return p
}

// coversEveryRoute fails for a route without an attempt, and for an attempt
// without a route. The routes are those of the API's own document, which
// another test holds to the router.
func (w *world) coversEveryRoute(router http.Handler, attempts []attempt) {
	w.t.Helper()
	tried := map[string]bool{}
	for _, a := range attempts {
		tried[a.route] = true
	}
	_, text := w.try(router, "nobody", attempt{route: "GET /openapi.json", path: "/openapi.json"})
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	w.must(json.Unmarshal([]byte(text), &document))
	for path, methods := range document.Paths {
		for method := range methods {
			route := strings.ToUpper(method) + " " + path
			if !tried[route] {
				w.t.Errorf("nobody has tried %s: add it to attempts", route)
			}
			delete(tried, route)
		}
	}
	for route := range tried {
		w.t.Errorf("there is no route %s", route)
	}
}

// try makes one call as a role.
func (w *world) try(h http.Handler, role string, a attempt) (int, string) {
	w.t.Helper()
	method, _, _ := strings.Cut(a.route, " ")
	r := httptest.NewRequest(method, "/api/v1"+w.fill(a.path), strings.NewReader(w.fill(a.body)))
	if strings.HasPrefix(a.body, "{") || strings.HasPrefix(a.body, "[") {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.body == "tus" {
		r = w.tusRequest(r)
	}
	if role != "nobody" {
		r.Header.Set("Authorization", "Bearer "+w.token[role])
	}
	out := httptest.NewRecorder()
	h.ServeHTTP(out, r)
	return out.Code, out.Body.String()
}

// tusRequest is a request of the protocol of uploads: it begins a file, or sends no
// more of one.
func (w *world) tusRequest(r *http.Request) *http.Request {
	r = httptest.NewRequest(r.Method, r.URL.Path, nil)
	for name, value := range map[string]string{"Tus-Resumable": "1.0.0", "Upload-Length": "4", "Upload-Metadata": "filename Yi5jc3Y=",
		"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"} {
		r.Header.Set(name, value)
	}
	return r
}

// undone serves a platform that runs nothing besides; after each call what it
// did is rolled back.
func undone(t *testing.T, p *platform, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tx, err := p.db.Pool.Begin(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		p.auth.DB, p.catalog.DB, p.agreements.DB, p.ledger.DB, p.drifts.DB = tx, tx, tx, tx, tx
		next.ServeHTTP(w, r)
		if err := tx.Rollback(r.Context()); err != nil {
			t.Error(err)
		}
	})
}

// forEverybody are the changes that need no credential but a password or nothing.
var forEverybody = []string{"POST /sign-up", "POST /forgot-password", "POST /sign-in", "POST /sign-out"}

// sane holds what no golden file may say otherwise.
func (w *world) sane(role string, a attempt, status int, body string) {
	w.t.Helper()
	method, _, _ := strings.Cut(a.route, " ")
	changed := !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, method) && status < 400
	switch {
	case status >= 500:
		w.t.Errorf("%s as %s: got %d: %s", a.route, role, status, body)
	case role == "nobody" && changed && !slices.Contains(forEverybody, a.route):
		w.t.Errorf("nobody may %s: got %d", a.route, status)
	case role == "other" && changed && a.what != "" && !strings.HasPrefix(a.what, "own"):
		w.t.Errorf("another agency's publisher and steward may %s (%s): got %d", a.route, a.what, status)
	case status >= 400 && method != "HEAD" && !strings.Contains(body, `"code"`) && !strings.Contains(body, "<h1"):
		w.t.Errorf("%s as %s: got %d without a word why: %s", a.route, role, status, body)
	}
}

var unpublished = regexp.MustCompile(`\{(draft|hidden) \w+\}|(drafted|submitted|approved)-data|\{drafted (file|link)\}|\{upload\}|dich-vu-hidden`)

// absent is the same attempt at an object that is not there, when the object
// is one that the role may not know of: both are to be answered the same.
func (w *world) absent(role string, a attempt) attempt {
	if slices.Contains([]string{"publisher", "steward", "auditor", "operator"}, role) {
		return a
	}
	a.path = unpublished.ReplaceAllStringFunc(a.path, func(name string) string {
		if strings.HasPrefix(name, "{") {
			return uuid.NewString()
		}
		return "khong-co"
	})
	return a
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, []byte(got)) {
		t.Errorf("%s has changed; look at each line, then run with -update:\n%s", path, difference(string(want), got))
	}
}

// difference lists the lines that only one of two texts has.
func difference(want, got string) string {
	var out strings.Builder
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range a {
		if !slices.Contains(b, line) {
			fmt.Fprintln(&out, "-", line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			fmt.Fprintln(&out, "+", line)
		}
	}
	return out.String()
}
