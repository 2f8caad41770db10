package mcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/catalog/mcp"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

const origin = "https://dulieu.example.vn"

// world is a catalogue with one agency, served to assistants.
type world struct {
	t       testing.TB
	catalog *catalog.Catalog
	server  *httptest.Server
	agency  catalog.Agency
	left    int // questions that the network may still ask
}

const agencySQL = `
insert into auth.agency (id, slug, code, synthetic, name_vi, name_en, parent, valid_from, valid_to, note_vi, note_en, focal_name, focal_email, focal_phone)
values ($1, 'so-a', 'H48.10', true, 'Sở A', 'Department A', null, '2025-07-01', null, '', '', '', '', '')`

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, agency: catalog.Agency{ID: uuid.New(), Slug: "so-a", TitleVI: "Sở A", TitleEN: "Department A"}, left: 1000}
	db := pgtest.New(t)
	_, err := db.Exec(t.Context(), agencySQL, w.agency.ID)
	w.must(err)
	now := time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
	w.catalog = &catalog.Catalog{
		DB: db, Now: func() time.Time { return now }, Files: catalog.OnDisk(t.TempDir()),
		May: func(_ context.Context, who auth.Principal, act string, agency uuid.UUID) error {
			if who.Has("operator", agency) {
				return nil
			}
			return problem.Errorf(problem.Forbidden, "%s needs another role", act)
		},
		Agencies: func(context.Context, []uuid.UUID) (map[uuid.UUID]catalog.Agency, error) {
			return map[uuid.UUID]catalog.Agency{w.agency.ID: w.agency}, nil
		},
		AgencyBySlug: func(_ context.Context, slug string) (catalog.Agency, error) {
			if slug == w.agency.Slug {
				return w.agency, nil
			}
			return catalog.Agency{}, problem.Errorf(problem.NotFound, "no agency %s", slug)
		},
		Record: func(context.Context, pgx.Tx, auth.Act) error { return nil },
	}
	router := mux.NewRouter()
	(&mcp.Server{
		Catalog: w.catalog, Origin: origin, TitleVI: "Dữ liệu mở", TitleEN: "Open data",
		Who: func(*http.Request) (auth.Principal, error) { return auth.Principal{}, nil },
		Take: func(*http.Request) error {
			if w.left--; w.left < 0 {
				return problem.Errorf(problem.TooMany, "too many").Coded("too-many-questions")
			}
			return nil
		},
	}).Routes(router)
	w.server = httptest.NewServer(router)
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// publish opens a table to everyone and gives its distribution.
func (w *world) publish(text catalog.DatasetText, csv string) string {
	w.t.Helper()
	ctx := w.t.Context()
	maker := auth.Principal{Person: uuid.New(), Memberships: []auth.Membership{{Role: "operator"}}}
	steward := auth.Principal{Person: uuid.New(), Memberships: maker.Memberships}
	d, err := w.catalog.CreateDataset(ctx, maker, w.agency.ID, text)
	w.must(err)
	part, err := w.catalog.AddDistribution(ctx, maker, d.ID, catalog.Upload{TitleVI: "Số liệu", TitleEN: "Figures", FileName: "a.csv", Body: strings.NewReader(csv)})
	w.must(err)
	for _, step := range []func(context.Context, auth.Principal, uuid.UUID) (catalog.Dataset, error){w.catalog.SubmitDataset, w.catalog.ApproveDataset, w.catalog.PublishDataset} {
		_, err = step(ctx, steward, d.ID)
		if problem.Code(err) == "dataset-own-approval" {
			_, err = step(ctx, maker, d.ID)
		}
		w.must(err)
	}
	return part.ID.String()
}

type speaking string

func (s speaking) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if s != "" {
		r.Header.Set("Accept-Language", string(s))
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (w *world) session(language string) *sdk.ClientSession {
	w.t.Helper()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(context.Background(), &sdk.StreamableClientTransport{
		Endpoint: w.server.URL + "/mcp", HTTPClient: &http.Client{Transport: speaking(language)}, DisableStandaloneSSE: true}, nil)
	w.must(err)
	w.t.Cleanup(func() { _ = session.Close() })
	return session
}

// use calls a tool: what it answers, read into into, or the code of its problem.
func (w *world) use(session *sdk.ClientSession, name, arguments string, into any) (code, text string) {
	w.t.Helper()
	got, err := session.CallTool(context.Background(), &sdk.CallToolParams{Name: name, Arguments: json.RawMessage(arguments)})
	w.must(err)
	text = got.Content[0].(*sdk.TextContent).Text
	if got.IsError {
		told, _ := got.StructuredContent.(map[string]any)
		return told["code"].(string), text
	}
	structured, err := json.Marshal(got.StructuredContent)
	w.must(err)
	reflect.ValueOf(into).Elem().SetZero() // an answer is not laid over the one before
	w.must(json.Unmarshal(structured, into))
	var again, first any
	w.must(json.Unmarshal([]byte(text), &again))
	w.must(json.Unmarshal(structured, &first))
	if fmt.Sprint(again) != fmt.Sprint(first) {
		w.t.Errorf("%s: text and structure differ: %s", name, text)
	}
	return "", text
}

const communes = "Mã xã,Tên xã,Sản lượng,Ngày\n001,Ba Tơ,12.5,2026-01-31\n002,Trà Bồng,,2026-02-28\n003,Sơn Hà,7,2026-03-31\n"

// TestAnAssistantFindsReadsAndAsks is the whole way of an assistant.
func TestAnAssistantFindsReadsAndAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(catalog.DatasetText{Slug: "san-luong-lua", TitleVI: "Sản lượng lúa", TitleEN: "Rice harvest", NotesVI: "Theo xã.", NotesEN: "By commune.", Theme: "AGRI", Spatial: "Quảng Ngãi"}, communes)
	session := w.session("en")
	tools, err := session.ListTools(t.Context(), nil)
	w.must(err)
	if len(tools.Tools) != 3 || session.InitializeResult().Instructions == "" {
		t.Fatalf("tools %v, instructions %q", tools.Tools, session.InitializeResult().Instructions)
	}
	for _, tool := range tools.Tools {
		if !tool.Annotations.ReadOnlyHint || tool.Title == "" || !strings.Contains(tool.Description, " ") {
			t.Errorf("%+v", tool)
		}
	}
	var found struct {
		Hits []struct{ Kind, Name, Title, URL string }
	}
	if code, text := w.use(session, "search_catalogue", `{"query":"san luong lua"}`, &found); code != "" || len(found.Hits) != 1 ||
		found.Hits[0].Title != "Rice harvest" || found.Hits[0].URL != origin+"/en/dataset/san-luong-lua" {
		t.Fatalf("search: %s %s", code, text)
	}
	var described struct {
		Agency, Licence string
		Distributions   []struct {
			Distribution string
			Rows         int
			Columns      []struct{ Column, Type, Max string }
		}
	}
	if code, text := w.use(session, "describe_dataset", `{"dataset":"`+found.Hits[0].URL+`"}`, &described); code != "" || described.Agency != "Department A" ||
		len(described.Distributions) != 1 || described.Distributions[0].Rows != 3 || described.Distributions[0].Columns[2] != (struct{ Column, Type, Max string }{"san_luong", "decimal", "12.5"}) {
		t.Fatalf("describe: %s %s", code, text)
	}
	var asked struct {
		Source struct{ Title, URL string }
		Answer struct {
			Items []map[string]any
			Total int
			Next  string
		}
	}
	at := `{"distribution":"` + described.Distributions[0].Distribution + `",`
	if code, text := w.use(session, "query_rows", at+`"filters":[{"column":"san_luong","comparison":"greater","value":"7,5"}],"columns":["ten_xa"],"total":true}`, &asked); code != "" ||
		fmt.Sprint(asked.Answer.Items) != "[map[ten_xa:Ba Tơ]]" || asked.Answer.Total != 1 || asked.Source.Title != "Rice harvest" {
		t.Errorf("filter: %s %s", code, text)
	}
	if code, text := w.use(session, "query_rows", at+`"sort":["-ten_xa"],"limit":1,"columns":["ma_xa"]}`, &asked); code != "" || asked.Answer.Next == "" || fmt.Sprint(asked.Answer.Items) != "[map[ma_xa:002]]" {
		t.Errorf("first page: %s %s", code, text)
	}
	if code, text := w.use(session, "query_rows", at+`"sort":["-ten_xa"],"limit":2,"columns":["ma_xa"],"after":"`+asked.Answer.Next+`"}`, &asked); code != "" || fmt.Sprint(asked.Answer.Items) != "[map[ma_xa:003] map[ma_xa:001]]" {
		t.Errorf("second page: %s %s", code, text)
	}
	if code, text := w.use(session, "query_rows", at+`"aggregates":[{"function":"sum","column":"san_luong"},{"function":"count"}],"language":"vi"}`, &asked); code != "" ||
		fmt.Sprint(asked.Answer.Items) != "[map[count:3 san_luong__sum:19.5]]" || asked.Source.Title != "Sản lượng lúa" {
		t.Errorf("aggregate: %s %s", code, text)
	}
}

// TestWhatIsWrongIsTold: a refusal says what to do, in the language asked for.
func TestWhatIsWrongIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.publish(catalog.DatasetText{Slug: "lua", TitleVI: "Lúa", NotesVI: "Theo xã.", Theme: "AGRI"}, communes)
	vi, en := w.session("*"), w.session("en")
	for _, tt := range []struct{ tool, arguments, code, vi, en string }{
		{"describe_dataset", `{}`, "mcp-argument-missing", "cần dataset", "needs dataset"},
		{"describe_dataset", `{"dataset":"khong-co"}`, "dataset-unknown", "khong-co", "khong-co"},
		{"describe_dataset", `{"dataset":"lua","distribution":"lua.csv"}`, "mcp-distribution", "describe_dataset", "describe_dataset"},
		{"describe_dataset", `{"dataset":"lua","distribution":"0199aaaa-0000-7000-8000-000000000001"}`, "distribution-unknown", "", ""},
		{"describe_dataset", `{"dataset":"lua","slug":"lua"}`, "mcp-argument-unknown", "dataset, distribution, language", "dataset, distribution, language"},
		{"query_rows", `{}`, "mcp-argument-missing", "cần distribution", "needs distribution"},
		{"query_rows", `{"distribution":"{id}","limit":101}`, "mcp-limit", "1 đến 100", "1 to 100"},
		{"query_rows", `{"distribution":"{id}","limit":0}`, "mcp-limit", "1 đến 100", "1 to 100"},
		{"query_rows", `{"distribution":"{id}","limit":"x"}`, "mcp-argument-type", "integer", "integer"},
		{"query_rows", `{"distribution":"{id}","filters":[{"column":"ten","value":"x"}]}`, "rows-column", "ma_xa, ten_xa", "ma_xa, ten_xa"},
		{"query_rows", `{"distribution":"{id}","filters":[{"column":"ten_xa","comparison":"like","value":"x"}]}`, "rows-comparison", "contains", "contains"},
		{"query_rows", `{"distribution":"{id}","filters":[{"column":"san_luong","value":"nhiều"}]}`, "rows-operand", "nhiều", "nhiều"},
		{"query_rows", `{"distribution":"{id}","group":["ma_xa"],"columns":["ten_xa"]}`, "rows-columns-grouped", "", ""},
		{"query_rows", `{"distribution":"{id}","after":"x"}`, "rows-after", "", ""},
		{"search_catalogue", `{"limit":26}`, "mcp-limit", "1 đến 25", "1 to 25"},
		{"search_catalogue", `{"query":"` + strings.Repeat("a", 401) + `"}`, "search-too-long", "400", "400"},
		{"search_catalogue", `{"language":"fr"}`, "mcp-language", "vi", "vi"},
		{"search_catalogue", `{"after":"x"}`, "page-cursor", "", ""},
	} {
		arguments := strings.ReplaceAll(tt.arguments, "{id}", id)
		for _, in := range []struct {
			session *sdk.ClientSession
			want    string
		}{{vi, tt.vi}, {en, tt.en}} {
			if code, text := w.use(in.session, tt.tool, arguments, new(any)); code != tt.code || !strings.Contains(text, in.want) {
				t.Errorf("%s %s: got %s %q, want %s with %q", tt.tool, arguments, code, text, tt.code, in.want)
			}
		}
	}
	maker := auth.Principal{Person: uuid.New(), Memberships: []auth.Membership{{Role: "operator"}}}
	w.publish(catalog.DatasetText{Slug: "lua-moi", TitleVI: "Lúa mới", NotesVI: "Theo xã.", Theme: "AGRI"}, communes)
	d, err := w.catalog.DatasetBySlug(t.Context(), maker, "lua")
	w.must(err)
	_, err = w.catalog.WithdrawFor(t.Context(), maker, d.ID, catalog.Withdrawal{Reason: "Số liệu sai", ReplacedBy: "lua-moi"})
	w.must(err)
	for tool, arguments := range map[string]string{"describe_dataset": `{"dataset":"lua"}`, "query_rows": `{"distribution":"` + id + `"}`} {
		if code, text := w.use(vi, tool, arguments, new(any)); code != "dataset-withdrawn" || !strings.Contains(text, "Số liệu sai "+origin+"/dataset/lua-moi") || strings.Contains(text, "Ba Tơ") {
			t.Errorf("%s of what was withdrawn: %s %s", tool, code, text)
		}
	}
	w.left = 0
	if code, text := w.use(vi, "search_catalogue", `{}`, new(any)); code != "too-many-questions" || !strings.Contains(text, "10 phút") {
		t.Errorf("one too many: %s %s", code, text)
	}
}

// TestAnswersAreBounded: rows that are long come in smaller pages, without one
// lost, and a description lists so many columns.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var long strings.Builder
	long.WriteString("so,chu\n")
	for i := range 120 {
		fmt.Fprintf(&long, "%d,%s\n", i+1, strings.Repeat("x", 3000))
	}
	id := w.publish(catalog.DatasetText{Slug: "dai", TitleVI: "Dài", NotesVI: strings.Repeat("ghi ", 2000), Theme: "AGRI"}, long.String())
	session := w.session("")
	got, after := 0, ""
	for {
		var page struct {
			Cut    bool `json:"page_cut"`
			Answer struct {
				Items []struct{ So int }
				Next  string
			}
		}
		code, text := w.use(session, "query_rows", `{"distribution":"`+id+`","limit":100,"after":"`+after+`"}`, &page)
		if code != "" || len(text) > 70_000 || after == "" && !page.Cut {
			t.Fatalf("%s, %d bytes, cut %t", code, len(text), page.Cut)
		}
		for _, item := range page.Answer.Items {
			if got++; item.So != got {
				t.Fatalf("row %d is %d", got, item.So)
			}
		}
		if after = page.Answer.Next; after == "" {
			break
		}
	}
	if got != 120 {
		t.Errorf("got %d rows of 120", got)
	}
	huge := w.publish(catalog.DatasetText{Slug: "qua-dai", TitleVI: "Quá dài", NotesVI: "Ghi.", Theme: "AGRI"}, "a,b\n"+strings.Repeat("y", 80_000)+",1\n")
	if code, _ := w.use(session, "query_rows", `{"distribution":"`+huge+`"}`, new(any)); code != "mcp-row-too-large" {
		t.Errorf("a row that is too large: %q", code)
	}
	if code, text := w.use(session, "query_rows", `{"distribution":"`+huge+`","columns":["b"]}`, new(any)); code != "" {
		t.Errorf("its other column: %s %s", code, text)
	}
	names := make([]string, 150)
	for i := range names {
		names[i] = fmt.Sprintf("cot %d", i)
	}
	wide := strings.Join(names, ",") + "\n" + strings.Repeat("1,", len(names)-1) + "1\n"
	w.publish(catalog.DatasetText{Slug: "rong", TitleVI: "Rộng", NotesVI: "Ghi.", Theme: "AGRI"}, wide)
	d, err := w.catalog.DatasetBySlug(t.Context(), auth.Principal{}, "rong")
	w.must(err)
	_, err = w.catalog.AddDistribution(t.Context(), auth.Principal{Person: uuid.New(), Memberships: []auth.Membership{{Role: "operator"}}}, d.ID, catalog.Upload{FileName: "b.csv", Body: strings.NewReader(wide)})
	w.must(err)
	var described struct {
		Distributions []struct {
			Columns []any
			More    int `json:"more_columns"`
		}
	}
	if code, text := w.use(session, "describe_dataset", `{"dataset":"rong"}`, &described); code != "" || len(described.Distributions[0].Columns) != 150 || described.Distributions[1].More != 100 {
		t.Errorf("wide: %s %d bytes", code, len(text))
	}
	var dai struct{ Notes string }
	if w.use(session, "describe_dataset", `{"dataset":"dai"}`, &dai); len([]rune(dai.Notes)) != 4000 {
		t.Errorf("notes of %d characters", len([]rune(dai.Notes)))
	}
}

// TestWhoMaySend: a browser that a page of another site makes send, a name
// bound to this machine, and what is no message are refused before anything runs.
func TestWhoMaySend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	for _, tt := range []struct {
		name, method, path, body, header, value string
		status                                  int
		code                                    string
	}{
		{"a program", "POST", "/mcp", ping, "", "", 200, ""},
		{"our own page", "POST", "/mcp", ping, "Origin", origin, 200, ""},
		{"another site", "POST", "/mcp", ping, "Origin", "https://evil.example", 403, "mcp-origin"},
		{"another port", "POST", "/mcp", ping, "Origin", origin + ":8443", 403, "mcp-origin"},
		{"a file", "POST", "/mcp", ping, "Origin", "null", 403, "mcp-origin"},
		{"another site reads", "GET", "/mcp", "", "Origin", "https://evil.example", 403, "mcp-origin"},
		{"a name bound here", "POST", "/mcp", ping, "Host", "evil.example", 403, "mcp-host"},
		{"the portal's name, from its proxy", "POST", "/mcp", ping, "Host", "dulieu.example.vn", 200, ""},
		{"a browser", "GET", "/mcp", "", "", "", 405, "mcp-post"},
		{"an end of a session", "DELETE", "/mcp", "", "", "", 405, "mcp-post"},
		{"several at once", "POST", "/mcp", " [" + ping + "," + ping + "]", "", "", 400, "mcp-batch"},
		{"no JSON", "POST", "/mcp", "{", "", "", 400, "mcp-message"},
		{"nothing", "POST", "/mcp", "", "", "", 400, "mcp-message"},
		{"too long", "POST", "/mcp", `{"a":"` + strings.Repeat("x", 64<<10) + `"}`, "", "", 413, "mcp-body"},
		{"deep", "POST", "/mcp", strings.Repeat(`{"a":`, 12_000) + "1" + strings.Repeat("}", 12_000), "", "", 413, "mcp-body"},
		{"another type", "POST", "/mcp", ping, "Content-Type", "text/plain", 415, ""},
		{"elsewhere", "POST", "/mcp/sse", ping, "", "", 404, "mcp-address"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, w.server.URL+tt.path, strings.NewReader(tt.body))
		w.must(err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		if tt.header == "Host" {
			r.Host = tt.value
		} else if tt.header != "" {
			r.Header.Set(tt.header, tt.value)
		}
		got, err := http.DefaultClient.Do(r)
		w.must(err)
		text, err := io.ReadAll(got.Body)
		w.must(err)
		w.must(got.Body.Close())
		if got.StatusCode != tt.status || tt.code != "" && !strings.Contains(string(text), `"code":"`+tt.code+`"`) {
			t.Errorf("%s: got %d %s, want %d %s", tt.name, got.StatusCode, text, tt.status, tt.code)
		}
		if got.Header.Get("Mcp-Session-Id") != "" {
			t.Errorf("%s: a session began", tt.name)
		}
	}
}
