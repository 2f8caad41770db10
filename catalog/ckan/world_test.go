package ckan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/catalog/ckan"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

var update = flag.Bool("update", false, "write the answers anew")

// world is a catalogue with two agencies, served to CKAN's clients.
type world struct {
	t        testing.TB
	db       *pgxpool.Pool
	catalog  *catalog.Catalog
	server   *httptest.Server
	now      time.Time
	agencies []ckan.Organization
	tokens   map[string]auth.Principal
	acts     []string
	id       map[string]uuid.UUID
}

const agencySQL = `
insert into auth.agency (id, slug, code, synthetic, name_vi, name_en, parent, valid_from, valid_to,
       note_vi, note_en, focal_name, focal_email, focal_phone)
values ($1, $2, $3, true, $4, $4, null, '2025-07-01', null, $5, '', '', '', '')`

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, db: pgtest.New(t), now: time.Date(2026, 3, 1, 7, 0, 0, 123456000, time.UTC), tokens: map[string]auth.Principal{}, id: map[string]uuid.UUID{}}
	for i, o := range []ckan.Organization{
		{Slug: "so-cong-thuong", TitleVI: "Sở Công Thương", Description: "Quản lý nhà nước về công thương."},
		{Slug: "so-y-te", TitleVI: "Sở Y tế"},
	} {
		o.ID, o.Created = uuid.MustParse("0199aaaa-0000-7000-8000-00000000000"+string(rune('1'+i))), time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)
		_, err := w.db.Exec(t.Context(), agencySQL, o.ID, o.Slug, "H48."+string(rune('1'+i))+"0", o.TitleVI, o.Description)
		w.must(err)
		w.agencies = append(w.agencies, o)
		for _, role := range []string{"publisher", "steward"} {
			w.tokens[role+" "+o.Slug] = auth.Principal{Person: uuid.New(), Memberships: []auth.Membership{{Agency: o.ID, Role: role}}}
		}
	}
	w.tokens["operator"] = auth.Principal{Person: uuid.New(), Memberships: []auth.Membership{{Role: "operator"}}}
	w.tokens["one factor"] = auth.Principal{Person: uuid.New(), Needs: auth.AAL2}
	w.tokens["citizen"] = auth.Principal{Person: uuid.New()}
	w.catalog = &catalog.Catalog{
		DB: w.db, Now: func() time.Time { return w.now }, Files: catalog.OnDisk(t.TempDir()),
		May: func(_ context.Context, who auth.Principal, act string, agency uuid.UUID) error {
			if who.Has("operator", agency) || who.Has("publisher", agency) && act != "dataset.approve" || who.Has("steward", agency) && act == "dataset.approve" {
				return nil
			}
			return problem.Errorf(problem.Forbidden, "%s needs another role", act)
		},
		Agencies: func(context.Context, []uuid.UUID) (map[uuid.UUID]catalog.Agency, error) {
			known := map[uuid.UUID]catalog.Agency{}
			for _, o := range w.agencies {
				known[o.ID] = catalog.Agency{ID: o.ID, Slug: o.Slug, TitleVI: o.TitleVI, TitleEN: o.TitleVI}
			}
			return known, nil
		},
		Record: func(_ context.Context, _ pgx.Tx, act auth.Act) error {
			w.acts = append(w.acts, act.Verb)
			return nil
		},
	}
	w.serve()
	return w
}

func (w *world) serve() {
	s := &ckan.Server{
		DB: w.db, Now: func() time.Time { return w.now }, Catalog: w.catalog, Origin: "https://dulieu.example.vn",
		TitleVI: "Dữ liệu mở", DescriptionVI: "Của tỉnh.",
		Organizations: func(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]ckan.Organization, error) {
			known := map[uuid.UUID]ckan.Organization{}
			for _, o := range w.agencies {
				known[o.ID] = o
			}
			return known, nil
		},
		EveryOrganization: func(context.Context) ([]ckan.Organization, error) { return w.agencies, nil },
		Who: func(_ *http.Request, token string) (auth.Principal, error) {
			who, known := w.tokens[strings.ReplaceAll(token, "_", " ")]
			if !known {
				return auth.Principal{}, problem.Errorf(problem.Unauthorized, "no such token")
			}
			return who, nil
		},
	}
	router := mux.NewRouter()
	s.Routes(router)
	w.server = httptest.NewServer(router)
	w.t.Cleanup(w.server.Close)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// made is a dataset to be made for a test.
type made struct {
	catalog.DatasetText
	agency int
	csv    string
	file   string // "so lieu.csv" when it is ""
	state  string // draft, review, approved, published, withdrawn
}

const harvest = "Mã xã,Tên xã,Sản lượng,Ngày\n001,Ba Tơ,12.5,2026-01-31\n002,Trà Bồng,,2026-02-28\n003,Sơn Hà,7,2026-03-31\n"

// dataset takes one to its state, an hour after what was made before.
func (w *world) dataset(m made) catalog.Dataset {
	w.t.Helper()
	ctx := w.t.Context()
	agency := w.agencies[m.agency]
	publisher, steward := w.tokens["publisher "+agency.Slug], w.tokens["steward "+agency.Slug]
	w.now = w.now.Add(time.Hour)
	d, err := w.catalog.CreateDataset(ctx, publisher, agency.ID, m.DatasetText)
	w.must(err)
	if m.file == "" {
		m.file = "so lieu.csv"
	}
	part, err := w.catalog.AddDistribution(ctx, publisher, d.ID, catalog.Upload{TitleVI: "Số liệu", FileName: m.file, Body: strings.NewReader(m.csv)})
	w.must(err)
	w.id[m.Slug], w.id[m.Slug+" file"] = d.ID, part.ID
	for _, step := range []struct {
		from, to string
		do       func() error
	}{
		{"draft", "review", func() error { _, err := w.catalog.SubmitDataset(ctx, publisher, d.ID); return err }},
		{"review", "approved", func() error { _, err := w.catalog.ApproveDataset(ctx, steward, d.ID); return err }},
		{"approved", "published", func() error { _, err := w.catalog.PublishDataset(ctx, publisher, d.ID); return err }},
		{"published", "withdrawn", func() error { _, err := w.catalog.WithdrawDataset(ctx, publisher, d.ID, "sai số liệu"); return err }},
	} {
		if m.state == step.from {
			break
		}
		w.must(step.do())
	}
	d, err = w.catalog.Dataset(ctx, publisher, d.ID)
	w.must(err)
	return d
}

// fill makes what most tests look at: four public datasets and one in each
// other state.
func (w *world) fill() {
	w.t.Helper()
	w.dataset(made{state: "published", csv: harvest, DatasetText: catalog.DatasetText{Slug: "san-luong-lua", TitleVI: "Sản lượng lúa", TitleEN: "Rice harvest",
		NotesVI: "Sản lượng lúa theo xã.\n\nCập nhật hằng quý.", NotesEN: "Rice harvest by commune.", KeywordsVI: []string{"nông nghiệp", "lúa, gạo"}, KeywordsEN: []string{"rice"},
		Theme: "AGRI", Frequency: "QUARTERLY", Spatial: "Tỉnh Quảng Ngãi", TemporalStart: "2026-01-01", TemporalEnd: "2026-03-31",
		SourceDocument: "12/SCT", SourceURL: "https://sct.example.vn/lua", ContactName: "Phòng Thống kê", ContactEmail: "thongke@sct.example.vn", ContactPhone: "0255 000 000"}})
	w.dataset(made{state: "published", csv: "a;b\n1;2\n", DatasetText: catalog.DatasetText{Slug: "cho-truyen-thong", TitleVI: "Chợ truyền thống", NotesVI: "Danh sách chợ: địa chỉ, giờ mở cửa.",
		KeywordsVI: []string{"thương mại", "chợ"}, Theme: "ECON", Licence: "CC0-1.0"}})
	w.dataset(made{agency: 1, state: "published", csv: "Tên\nTrạm y tế Ba Tơ\n", DatasetText: catalog.DatasetText{Slug: "tram-y-te", TitleVI: "Trạm y tế xã", NotesVI: "Trạm y tế của các xã.",
		KeywordsVI: []string{"y tế"}, Theme: "HEAL"}})
	w.dataset(made{agency: 1, state: "published", csv: "x\n1\n", DatasetText: catalog.DatasetText{Slug: "gia-lua-gao", TitleVI: "Giá lúa gạo", NotesVI: "Giá lúa gạo hằng ngày.",
		KeywordsVI: []string{"nông nghiệp"}, Theme: "AGRI"}})
	for _, state := range []string{"draft", "review", "approved", "withdrawn"} {
		w.dataset(made{state: state, file: "so lieu.tsv", csv: "bí mật\n" + state + "\n", DatasetText: catalog.DatasetText{Slug: "chua-mo-" + state, TitleVI: "Chưa mở lúa " + state, NotesVI: "Bí mật lúa.",
			KeywordsVI: []string{"bí mật"}, Theme: "JUST", ContactName: "Người giữ bí mật"}})
	}
}

// request is one request of a client.
type request struct {
	method, path, kind, body string
	headers                  map[string]string
}

func get(path string) request { return request{method: "GET", path: path} }

func post(action, body string) request {
	return request{method: "POST", path: "/api/action/" + action, kind: "application/json", body: body}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) do(r request) answer {
	w.t.Helper()
	q, err := http.NewRequestWithContext(context.Background(), r.method, w.server.URL+w.named(r.path), strings.NewReader(w.named(r.body)))
	w.must(err)
	if r.kind != "" {
		q.Header.Set("Content-Type", r.kind)
	}
	for name, value := range r.headers {
		q.Header.Set(name, value)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	got, err := client.Do(q)
	w.must(err)
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	w.must(err)
	return answer{got.StatusCode, got.Header, string(text)}
}

// as is the same request with a token.
func (r request) as(who string) request {
	r.headers = map[string]string{"Authorization": strings.ReplaceAll(who, " ", "_")}
	return r
}

// named puts ids in the place of {names}.
func (w *world) named(text string) string {
	text = strings.ReplaceAll(text, "%20file}", " file}")
	for name, id := range w.id {
		text = strings.ReplaceAll(text, "{"+name+"}", id.String())
	}
	return text
}

var volatile = regexp.MustCompile(`"size":\s*\d+|"idx_size":\s*\d+`)

// plain puts names in the place of ids, so that an answer is the same each time.
func (w *world) plain(text string) string {
	for name, id := range w.id {
		text = strings.ReplaceAll(text, id.String(), "{"+name+"}")
	}
	return text
}

// result is what an action gives.
func (w *world) result(r request, into any) {
	w.t.Helper()
	a := w.do(r)
	if a.status != http.StatusOK {
		w.t.Fatalf("%s %s %s: got %d %s", r.method, r.path, r.body, a.status, a.body)
	}
	var e struct {
		Success bool
		Result  json.RawMessage
	}
	w.must(json.Unmarshal([]byte(a.body), &e))
	w.must(json.Unmarshal(e.Result, into))
}

// golden compares with a file of answers, which -update writes.
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
	if got == string(want) {
		return
	}
	a, b := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("%s has changed, first at line %d; look, then run with -update:\n- %s\n+ %s", path, i+1, a[i], b[i])
		}
	}
	t.Fatalf("%s has changed: %d lines, not %d", path, len(b), len(a))
}

// indented is JSON as people read it.
func indented(text string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(text), "", " ") != nil {
		return text
	}
	return out.String()
}

func mustID(t testing.TB, text any) uuid.UUID {
	t.Helper()
	id, err := uuid.Parse(text.(string))
	if err != nil {
		t.Fatal(err)
	}
	return id
}
