package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/pg"
	"lgsp/ledger"
)

// Whatever a document holds, the samples send exactly that.
func TestSamplesSendWhatTheySay(t *testing.T) {
	t.Parallel()
	body := `{"ten":"O'Brien \"x\" $HOME ${a} \\u0041 \\ </script> ` + "`id`" + ` Nguyễn"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := make([]byte, len(body)+1)
		n, _ := r.Body.Read(sent)
		fmt.Fprintf(w, "%s %s %s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), r.Header.Get("X-Ten"), sent[:n])
	}))
	t.Cleanup(server.Close)
	o := catalog.Operation{Method: "POST", Path: "/ho-so/{so}", Mark: catalog.Mark{Access: catalog.Open}}
	o.Doc.Parameters = []catalog.Parameter{{Name: "so", In: "path", Required: true, Example: `0/1'2"$`}, {Name: "X-Ten", In: "header", Required: true, Example: `a'b"c$d`}}
	o.Doc.Body = &catalog.Body{MediaTypes: []string{"application/json"}, Example: body}
	want := `POST /ho-so/0%2F1%272%22$ application/json a'b"c$d ` + body
	dir := t.TempDir()
	for _, s := range callOf(server.URL, o).samples() {
		run, known := map[string][]string{"curl": {"call.sh", "bash"}, "JavaScript": {"call.mjs", "node"}, "Python": {"call.py", "python3"},
			"Go": {"call.go", "go", "run"}, "Java": {"Call.java", "java"}}[s.Label]
		if !known { // no compiler of C# is at hand where this is built
			continue
		}
		if _, err := exec.LookPath(run[1]); err != nil && s.Label != "curl" && s.Label != "Go" {
			continue
		}
		file := filepath.Join(dir, run[0])
		if err := os.WriteFile(file, []byte(s.Code), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := exec.CommandContext(t.Context(), run[1], append(run[2:], file)...).Output()
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%s: got %q (%v), want %q\n%s", s.Label, got, err, want, s.Code)
		}
	}
}

// A document without an example still has something to send.
func TestBodyFromFields(t *testing.T) {
	t.Parallel()
	b := &catalog.Body{MediaTypes: []string{"application/json"}, Fields: []catalog.Field{
		{Path: "/so", Type: "string", Example: "000"}, {Path: "/a~1b", Type: "integer"}, {Path: "/nhom", Type: "object"}, {Path: "/nhom/loai", Type: "string", Enum: []string{"x", "y"}},
		{Path: "/ds", Type: "array"}, {Path: "/ds/*/n", Type: "number", Example: "1.5"}, {Path: "/ok", Type: "boolean"}, {Path: "/la", Type: "integer", Example: "<sai"}, {Path: "/trong", Type: "array"},
	}}
	if got, want := compacted(bodyOf(b)), `{"so":"000","a/b":0,"nhom":{"loai":"x"},"ds":[{"n":1.5}],"ok":false,"la":0,"trong":[]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, other := range map[string]*catalog.Body{
		"XML": {MediaTypes: []string{"application/xml"}, Fields: b.Fields}, "no fields": {MediaTypes: []string{"application/json"}}, "no media type": {Fields: b.Fields},
	} {
		if got := bodyOf(other); got != "" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// A key is had without filling anything in, and by its own person only.
func TestGetKey(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	signedIn := w.cookies
	w.cookies = map[string]string{}
	answer, _ := w.get(t, "/developer/key?operation="+w.href+"/danh-muc-doi-tuong")
	if got := answer.Header.Get("Location"); answer.StatusCode != 303 || !strings.HasPrefix(got, "/sign-in?next=%2Fdeveloper%2Fkey") {
		t.Errorf("nobody: got %d to %q", answer.StatusCode, got)
	}
	if answer, _ := w.post(t, "/developer/key", nil); answer.StatusCode == 201 {
		t.Error("nobody is given a key")
	}
	w.cookies = signedIn
	w.sees(t, "/developer/key?operation=//evil.example", 200, "Lấy khoá")
	operation := url.Values{"operation": {w.href + "/danh-muc-doi-tuong"}}
	answer, body := w.post(t, "/developer/key", operation)
	key := regexp.MustCompile(`lgsp_key_\w+`).FindString(body)
	if answer.StatusCode != 201 || strings.Count(body, key) < 7 || !strings.Contains(body, `data-path="/doi-tuong"`) {
		t.Errorf("an open operation: got %d, the key %d times", answer.StatusCode, strings.Count(body, key))
	}
	if answer, body := w.post(t, "/developer/key", operation); answer.StatusCode != 409 || !strings.Contains(body, "usa-alert--error") {
		t.Errorf("a third key: got %d, want 409", answer.StatusCode)
	}
	other, _, err := w.Auth.CreateApplication(t.Context(), w.who, auth.NewApplication{Name: "Thứ hai"})
	if err != nil {
		t.Fatal(err)
	}
	w.sees(t, "/developer/key?operation=/apis/../../x/y", 200, "Thứ hai", "<select")
	for name, tt := range map[string]struct {
		form url.Values
		want int
		says string
	}{
		"a personal operation leads on to its request": {url.Values{"application": {other.ID.String()}, "operation": {w.href + "/xem-nguoi-co-cong"}}, 201, w.href + "/request?operation=xem-nguoi-co-cong"},
		"an application that is no UUID":               {url.Values{"application": {"x"}}, 400, ""},
		"an application of nobody":                     {url.Values{"application": {uuid.NewString()}}, 404, ""},
	} {
		if answer, body := w.post(t, "/developer/key", tt.form); answer.StatusCode != tt.want || !strings.Contains(body, tt.says) {
			t.Errorf("%s: got %d, want %d", name, answer.StatusCode, tt.want)
		}
	}
}

// The page gives tokens to the application's owner, signed in, on this site.
func TestTryTokenRefusals(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	own := url.Values{"application": {w.app.ID.String()}}
	for name, tt := range map[string]struct {
		path string
		form url.Values
		as   map[string]string
		want int
	}{
		"nobody":               {w.href + "/token", own, map[string]string{}, 401},
		"no application":       {w.href + "/token", nil, w.cookies, 400},
		"somebody else's":      {w.href + "/token", url.Values{"application": {uuid.NewString()}}, w.cookies, 404},
		"no such version":      {strings.TrimSuffix(w.href, "v1") + "v9/token", own, w.cookies, 404},
		"a form of a megabyte": {w.href + "/token", url.Values{"application": {strings.Repeat("x", bodyLimit)}}, w.cookies, 413},
		"what is no text":      {w.href + "/token", url.Values{"application": {"\xff"}}, w.cookies, 400},
	} {
		b := &browser{portal: w.portal, cookies: tt.as}
		answer, body := b.post(t, tt.path, tt.form)
		if answer.StatusCode != tt.want || answer.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %d %s, want %d: %s", name, answer.StatusCode, answer.Header.Get("Content-Type"), tt.want, body)
		}
	}
	r := httptest.NewRequest(http.MethodPost, w.href+"/token", strings.NewReader(own.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if answer, _ := w.do(t, r); answer.StatusCode != 403 {
		t.Errorf("another site: got %d, want 403", answer.StatusCode)
	}
	if err := w.Auth.DisableApplication(t.Context(), w.who, w.app.ID); err != nil {
		t.Fatal(err)
	}
	if answer, body := w.post(t, w.href+"/token", own); answer.StatusCode != 409 || !json.Valid([]byte(body)) {
		t.Errorf("disabled: got %d, want 409", answer.StatusCode)
	}
}

// counting counts the statements that go to a database.
type counting struct {
	pg.DB
	n *atomic.Int64
}

func (c counting) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	c.n.Add(1)
	return c.DB.Query(ctx, sql, args...)
}

func (c counting) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	c.n.Add(1)
	return c.DB.QueryRow(ctx, sql, args...)
}

func (c counting) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	c.n.Add(1)
	return c.DB.Exec(ctx, sql, args...)
}

// A page asks the database a few things, however many rows it shows.
func TestQueriesOfAPage(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	var n atomic.Int64
	db := counting{w.Auth.DB, &n}
	w.Auth.DB, w.Catalog.DB, w.Agreements.DB, w.Ledger.DB, w.OAuth.DB = db, db, db, db, db
	w.Catalog.AgencyBySlug = numbered(&n, w.Catalog.AgencyBySlug)
	w.Catalog.Agencies = numbered(&n, w.Catalog.Agencies)
	for path, most := range map[string]int64{w.href: 10, w.href + "/danh-muc-doi-tuong": 8, w.href + "/xem-nguoi-co-cong": 8, "/developer/key": 8} {
		n.Store(0)
		if answer, _ := w.get(t, path); answer.StatusCode != 200 || n.Load() > most {
			t.Errorf("%s: got %d with %d queries, want 200 with at most %d", path, answer.StatusCode, n.Load(), most)
		}
	}
	w.cookies = map[string]string{} // nobody has no session, applications, agreements or follows
	n.Store(0)
	if answer, _ := w.get(t, w.href); answer.StatusCode != 200 || n.Load() > 7 {
		t.Errorf("%s read by nobody: got %d with %d queries, want 200 with at most 7", w.href, answer.StatusCode, n.Load())
	}
}

// numbered counts what another room is asked, a query each.
func numbered[A, B any](n *atomic.Int64, ask func(context.Context, A) (B, error)) func(context.Context, A) (B, error) {
	return func(ctx context.Context, about A) (B, error) {
		n.Add(1)
		return ask(ctx, about)
	}
}

// The files of a version open where they are meant to, and hold no secret.
func TestServiceDownloads(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.cookies = map[string]string{} // nobody
	page := w.sees(t, w.href, 200, "llms.txt")
	for file, kind := range map[string]string{"openapi.json": "application/json", "openapi.yaml": "application/yaml", "postman.json": "application/json"} {
		if !strings.Contains(page, w.href+"/"+file) {
			t.Errorf("the page does not lead to %s", file)
		}
		answer, body := w.get(t, w.href+"/"+file)
		if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != kind || !strings.Contains(answer.Header.Get("Content-Disposition"), "nguoi-co-cong-v1."+file) {
			t.Errorf("%s: got %d %v", file, answer.StatusCode, answer.Header)
		}
		if !strings.Contains(body, "http://gateway.test/so-noi-vu/nguoi-co-cong/v1") || strings.Contains(body, "secret-upstream") || strings.Contains(body, "127.0.0.1") {
			t.Errorf("%s names another server:\n%.500s", file, body)
		}
		if answer, _ := w.get(t, "/apis/so-noi-vu/nguoi-co-cong/v9/"+file); answer.StatusCode != 404 {
			t.Errorf("%s of no version: got %d", file, answer.StatusCode)
		}
	}
	_, text := w.get(t, "/en"+w.href+"/postman.json")
	var c postmanCollection
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	calls := map[string]postmanItem{}
	for _, folder := range c.Item {
		for _, item := range folder.Item {
			calls[item.Name] = item
		}
	}
	one := calls["Get a file"]
	if len(c.Item) != 2 || one.Request == nil || one.Request.URL.Raw != "{{baseUrl}}/ho-so/:soDinhDanh" || one.Request.URL.Variable[0].Value != "000138000002" ||
		one.Request.Auth.Bearer[0].Value != "{{LGSP_TOKEN}}" || len(one.Response) == 0 || one.Response[0].Code != 200 {
		t.Errorf("the collection: %d folders, %+v", len(c.Item), one)
	}
	for _, v := range c.Variable[1:] {
		if v.Value != "" || v.Type != "secret" {
			t.Errorf("the variable %s holds %q", v.Key, v.Value)
		}
	}
}

// Each refused call in the list says what its owner does about it.
func TestCallsSayWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	list := "/developer/applications/" + w.app.ID.String()
	var made []ledger.Exchange
	wants := map[string]string{}
	for i, tt := range []struct{ code, want string }{
		{"no-agreement", `request?application=` + w.app.ID.String() + `&amp;operation=xem-nguoi-co-cong">Xin quyền truy cập`},
		{"operation-not-agreed", "Xin bổ sung vào thoả thuận"}, {"agreement-expired", "Thoả thuận đã hết hạn: gia hạn"}, {"agreement-suspended", "Xem vì sao cơ quan tạm dừng"},
		{"agreement-not-begun", "chưa đến ngày có hiệu lực"}, {"agreement-ended", "đã chấm dứt: xem lý do"}, {"key-for-personal-data", "Dùng mã truy cập (token)"},
		{"purpose-required", "LGSP-Purpose"}, {"rate-exceeded", "Retry-After"}, {"quota-exceeded", `#agreements">Hết hạn mức`}, {"key-scope", `#credentials">Khoá này bị giới hạn`},
		{"outside-hours", "Xem giờ, mạng và điều kiện"}, {"request-not-as-described", "So lời gọi với tham số"}, {"method-not-offered", "So địa chỉ và phương thức"},
		{"version-ended", "xem phiên bản thay thế"}, {"upstream-timeout", `href="/status">Lỗi ở phía cơ quan`}, {"queue-full", "Lỗi ở phía cơ quan"},
	} {
		made = append(made, ledger.Exchange{ID: uuid.Must(uuid.NewV7()), At: monday, TraceID: fmt.Sprintf("%032d", i), AgencyID: w.version.AgencyID, VersionID: w.version.ID,
			ApplicationID: w.app.ID, Operation: "xem-nguoi-co-cong", Status: 403, Code: tt.code, Outcome: "refused"})
		wants[made[i].TraceID] = tt.want
	}
	w.shipped(t, append(made, ledger.Exchange{ID: uuid.Must(uuid.NewV7()), At: monday, TraceID: strings.Repeat("f", 32), ApplicationID: w.app.ID, Status: 403, Code: "a-code-of-tomorrow", Outcome: "refused"})...)
	_, body := w.get(t, list)
	for _, row := range strings.Split(body, "<tr>") {
		trace := regexp.MustCompile(`class="trace">(\w{32})`).FindStringSubmatch(row)
		if trace == nil {
			continue
		}
		want, refused := wants[trace[1]]
		if refused && !strings.Contains(row, want) || !refused && strings.Contains(row, "first.fix") {
			t.Errorf("the row lacks %q:\n%s", want, row)
		}
		delete(wants, trace[1])
	}
	if len(wants) > 0 {
		t.Errorf("these calls are not shown: %v", wants)
	}
	if answer, _ := w.get(t, "/en"+list); answer.StatusCode != 200 {
		t.Errorf("in English: got %d", answer.StatusCode)
	}
}

// The agreement on record is the one that is led to; one that ended yesterday
// is told so.
func TestDiagnosisNamesTheAgreement(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	version, mine, other := uuid.New(), uuid.New(), uuid.New()
	list := []agreement.Agreement{
		{ID: other, VersionID: version, Starts: "2026-01-01", Ends: monday.In(province).AddDate(0, 0, -1).Format(time.DateOnly)},
		{ID: mine, VersionID: version, Starts: "2099-01-01", Ends: "2020-01-31"},
		{ID: uuid.New(), VersionID: uuid.New(), Ends: "2099-01-01"},
	}
	for name, tt := range map[string]struct {
		fix  string
		on   uuid.UUID // the agreement on record
		want callFix
	}{
		"on record":             {"renew", mine, callFix{"renew", "/agreements/" + mine.String(), "2020-01-31"}},
		"the latest of several": {"renew", uuid.Nil, callFix{"renew-yesterday", "/agreements/" + other.String(), list[0].Ends}},
		"from a day on":         {"not-begun", mine, callFix{"not-begun", "/agreements/" + mine.String(), "2099-01-01"}},
		"suspended":             {"suspended", mine, callFix{"suspended", "/agreements/" + mine.String(), ""}},
	} {
		row := callRow{Fix: callFix{Key: tt.fix}}
		row.VersionID, row.AgreementID = version, tt.on
		if p.aboutAgreement(&row, list); row.Fix != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, row.Fix, tt.want)
		}
	}
	row := callRow{Fix: callFix{Key: "renew"}}
	if p.aboutAgreement(&row, nil); row.Fix != (callFix{Key: "renew"}) {
		t.Errorf("without agreements: got %+v", row.Fix)
	}
}

// The lesson has the mistakes that what is on offer allows.
func TestLesson(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.sees(t, "/docs/lesson", 200, `id="no-credential"`, `id="key-malformed"`, `id="two-credentials"`, `id="no-such-operation"`, `id="method-not-offered"`,
		"curl -X POST", `data-path="/khong-co-dia-chi-nay"`)
	_, body := newBrowser(newPortal(t)).get(t, "/docs/lesson")
	if !strings.Contains(body, "Chưa có dịch vụ nào được công bố") || strings.Contains(body, "data-try") {
		t.Errorf("with nothing on offer:\n%s", body)
	}
}

// A key's first call, and the form for who has no agreement, use the sandbox as
// it takes calls: with a purpose where each call names one, and not at all where
// a key is not enough.
func TestFirstCallInTheSandbox(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	ctx, operator := t.Context(), auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}
	api, err := w.Catalog.CreateAPI(ctx, operator, catalog.NewAPI{AgencyID: w.version.AgencyID, Slug: "thu", APIText: catalog.APIText{TitleVI: "Dịch vụ thử"}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := w.Catalog.CreateVersion(ctx, operator, api.ID, "v1",
		[]byte(`{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"operationId":"a","responses":{"200":{"description":"d"}}}}}}`))
	if err == nil {
		_, err = w.Catalog.MarkOperations(ctx, operator, v.ID, map[string]catalog.Mark{"a": {Access: catalog.Restricted, Classification: "internal"}})
	}
	if err == nil {
		_, err = w.Catalog.SetPlan(ctx, operator, v.ID, "standard-approval")
	}
	if err == nil {
		_, err = w.Catalog.OpenSandbox(ctx, operator, v.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	const page, sandbox = "/apis/so-noi-vu/thu/v1/a", `data-base="http://gateway.test/so-noi-vu/thu/v1-sandbox"`
	for _, tt := range []struct {
		traffic       string
		made, purpose bool
	}{
		{`{}`, true, false},
		{`{"conditions":[{"purpose":true}]}`, true, true},
		{`{"conditions":[{"two_factors":true}]}`, false, false},
	} {
		if _, err := w.Catalog.SetTraffic(ctx, operator, v.ID, json.RawMessage(tt.traffic)); err != nil {
			t.Fatal(err)
		}
		app, _, err := w.Auth.CreateApplication(ctx, w.who, auth.NewApplication{Name: "Của " + tt.traffic})
		if err != nil {
			t.Fatal(err)
		}
		answer, body := w.post(t, "/developer/key", url.Values{"application": {app.ID.String()}, "operation": {page}})
		if answer.StatusCode != 201 || strings.Contains(body, sandbox) != tt.made || strings.Contains(body, `name="LGSP-Purpose" value="sandbox"`) != tt.purpose {
			t.Errorf("%s: a key's page got %d; in the sandbox %t, with a purpose %t", tt.traffic, answer.StatusCode, strings.Contains(body, sandbox), strings.Contains(body, "LGSP-Purpose"))
		}
		body = w.sees(t, page, 200, sandbox, `data-token="`+page[:len(page)-2]+`/token?sandbox=yes"`, "môi trường thử nghiệm")
		if strings.Contains(body, `name="LGSP-Purpose" value="sandbox"`) != tt.purpose {
			t.Errorf("%s: the form names no purpose, or one that nobody asks for", tt.traffic)
		}
	}
}
