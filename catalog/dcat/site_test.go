package dcat

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// library is a Site over a catalogue with one agency and its people.
type library struct {
	*Site
	http.Handler
	db                 pg.DB
	agency             catalog.Agency
	publisher, steward auth.Principal
	now                time.Time
}

const testAgencySQL = `
insert into auth.agency (id, slug, code, synthetic, name_vi, name_en, parent, valid_from, valid_to,
       note_vi, note_en, focal_name, focal_email, focal_phone)
values ($1, $2, $3, true, 'Sở Nội vụ', 'Department of Home Affairs', null, '2025-07-01', null, '', '', '', '', '')`

func newLibrary(t testing.TB) *library {
	t.Helper()
	db, id := pgtest.Tx(t), uuid.Must(uuid.NewV7())
	person := func(role string) auth.Principal {
		return auth.Principal{Person: uuid.Must(uuid.NewV7()), Memberships: []auth.Membership{{Agency: id, Role: role}}}
	}
	l := &library{
		db: db, publisher: person("publisher"), steward: person("steward"), now: time.Date(2026, 8, 1, 9, 0, 0, 0, time.UTC),
		agency: catalog.Agency{ID: id, Slug: "so-noi-vu", TitleVI: "Sở Nội vụ", TitleEN: "Home Affairs"},
	}
	if _, err := db.Exec(t.Context(), testAgencySQL, id, l.agency.Slug, strings.ToUpper(id.String()[24:])); err != nil {
		t.Fatal(err)
	}
	c := &catalog.Catalog{
		DB: db, Now: func() time.Time { return l.now }, Files: catalog.OnDisk(t.TempDir()),
		May:    func(context.Context, auth.Principal, string, uuid.UUID) error { return nil },
		Record: func(context.Context, pgx.Tx, auth.Act) error { return nil },
		Agencies: func(context.Context, []uuid.UUID) (map[uuid.UUID]catalog.Agency, error) {
			return map[uuid.UUID]catalog.Agency{id: l.agency}, nil
		},
		AgencyBySlug: func(_ context.Context, slug string) (catalog.Agency, error) {
			if slug != l.agency.Slug && slug != "so-cu" {
				return catalog.Agency{}, problem.Errorf(problem.NotFound, "no agency %s", slug)
			}
			return l.agency, nil
		},
	}
	l.Site = &Site{Catalog: c, Origin: "https://mo.example", Gateway: "https://gw.example", Province: "Quảng Ngãi"}
	l.Handler = l.Before(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the page ", r.URL.Path) }))
	return l
}

// full is a text with every field written.
func full(slug string) catalog.DatasetText {
	return catalog.DatasetText{
		Slug: slug, TitleVI: "Thuê bao " + slug, TitleEN: "Subscriptions", NotesVI: "Đoạn đầu </script>.\n\nĐoạn sau.", NotesEN: "First.",
		KeywordsVI: []string{"thuê bao"}, KeywordsEN: []string{"phones"}, Theme: "TECH", Frequency: "QUARTERLY", Spatial: "Xã An Phú",
		TemporalStart: "2025-01-01", TemporalEnd: "2025-12-31", SourceDocument: "4259/UBND-KGVX", SourceURL: "https://example.vn/4259 a",
		ContactName: "Phòng Thống kê", ContactEmail: "tk@example.vn", ContactPhone: "0255 3822 111",
		RightsVI: "Ghi nguồn", Creator: "Phòng A", Languages: []string{"VIE", "ENG"}, Version: "2025", VersionNotesVI: "Bản cuối",
		ConformsTo: []string{"https://example.vn/chuan"}, ProvenanceVI: "Tổng hợp từ xã", SpatialCodes: []string{"51"},
		BBox: []float64{108.1, 14.5, 109.2, 15.4}, LandingPage: "https://example.vn/trang",
	}
}

const table = "ma,ten\n01,A\n02,B\n"

// publish takes a dataset of one table all the way.
func (l *library) publish(t testing.TB, text catalog.DatasetText) catalog.Dataset {
	t.Helper()
	d := l.draft(t, text)
	l.step(t, d.ID, "published")
	d, err := l.Catalog.Dataset(t.Context(), auth.Principal{}, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (l *library) draft(t testing.TB, text catalog.DatasetText) catalog.Dataset {
	t.Helper()
	d, err := l.Catalog.CreateDataset(t.Context(), l.publisher, l.agency.ID, text)
	if err == nil {
		_, err = l.Catalog.AddDistribution(t.Context(), l.publisher, d.ID, catalog.Upload{TitleVI: "Bảng", TitleEN: "Table", FileName: "b.csv", Body: strings.NewReader(table)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// step moves a draft on to a state.
func (l *library) step(t testing.TB, id uuid.UUID, state string) {
	t.Helper()
	ctx, c := t.Context(), l.Catalog
	steps := []struct {
		to string
		do func() error
	}{
		{"review", func() error { _, err := c.SubmitDataset(ctx, l.publisher, id); return err }},
		{"approved", func() error { _, err := c.ApproveDataset(ctx, l.steward, id); return err }},
		{"published", func() error { _, err := c.PublishDataset(ctx, l.publisher, id); return err }},
		{"withdrawn", func() error { _, err := c.WithdrawDataset(ctx, l.publisher, id, "sai"); return err }},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			t.Fatal(err)
		}
		if s.to == state {
			return
		}
	}
}

func (l *library) get(t testing.TB, address string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, address, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r)
	return w
}

// channels are all addresses that list datasets or describe the one named.
func channels(slug string) []string {
	list := []string{"/data.json", "/feeds/dataset.atom", "/feeds/organization/so-noi-vu.atom", "/dataset/" + slug + "/croissant.jsonld"}
	for _, s := range syntaxes {
		list = append(list, "/catalog."+s.ending, "/catalog."+s.ending+"?q=thue+bao", "/catalog."+s.ending+"?modified_since=2020-01-01", "/dataset/"+slug+"."+s.ending)
	}
	return list
}

func TestOnlyWhatIsPublishedIsTold(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"draft", "review", "approved", "withdrawn"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			l := newLibrary(t)
			l.publish(t, full("cong-khai"))
			hidden := l.draft(t, full("bi-mat"))
			if state != "draft" {
				l.step(t, hidden.ID, state)
			}
			status := http.StatusNotFound
			if state == "withdrawn" {
				status = http.StatusGone
			}
			for _, address := range channels("bi-mat") {
				w := l.get(t, address)
				if strings.HasPrefix(address, "/dataset/") {
					if w.Code != status {
						t.Errorf("%s answers %d", address, w.Code)
					}
				} else if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "cong-khai") {
					t.Errorf("%s answers %d without what is public: %s", address, w.Code, w.Body)
				}
				gone := state == "withdrawn" && (strings.HasPrefix(address, "/feeds/") || strings.Contains(address, "modified_since") || strings.HasPrefix(address, "/dataset/"))
				if body := w.Body.String(); strings.Contains(body, hidden.ID.String()) != gone || strings.Contains(body, "Thuê bao bi-mat") {
					t.Errorf("%s tells of what is %s:\n%s", address, state, body)
				}
			}
			if w := l.get(t, "/dataset/bi-mat", "Accept", "text/turtle"); w.Code != status {
				t.Errorf("negotiated: %d", w.Code)
			}
		})
	}
}

// The description of a restricted dataset is public; where its data lie is not.
func TestRestrictedDataHaveNoAddress(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	text := full("han-che")
	text.AccessRights = catalog.AccessRestricted
	d := l.publish(t, text)
	inside, err := l.Catalog.Dataset(t.Context(), l.publisher, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	part := inside.Distributions[0]
	for _, address := range channels("han-che") {
		body := l.get(t, address).Body.String()
		if !strings.Contains(body, "han-che") {
			t.Errorf("%s does not tell of it", address)
		}
		for _, secret := range []string{part.ID.String(), part.Hash, "/rows", "text/csv"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s tells %s", address, secret)
			}
		}
	}
	if body := l.get(t, "/data.json").Body.String(); !strings.Contains(body, `"accessLevel":"restricted public"`) {
		t.Errorf("data.json says %s", body)
	}
}

func TestDatasetInTurtle(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	d := l.publish(t, full("thue-bao"))
	w := l.get(t, "/dataset/thue-bao.ttl")
	got, err := readTurtle(w.Body.String())
	if err != nil {
		t.Fatal(err)
	}
	it, part := "https://mo.example/dataset/thue-bao", d.Distributions[0].ID.String()
	file, rows := it+"#file-"+part, it+"#rows-"+part
	iri := func(to string) term { return term{iri: to} }
	for _, want := range []triple{
		{it, arc{"rdf:type", named("dcat:Dataset")}},
		{it, arc{"dct:title", spoken("Thuê bao thue-bao", "vi")}}, {it, arc{"dct:title", spoken("Subscriptions", "en")}},
		{it, arc{"dct:description", spoken("Đoạn đầu </script>.\n\nĐoạn sau.", "vi")}},
		{it, arc{"dcat:keyword", spoken("thuê bao", "vi")}}, {it, arc{"dcat:keyword", spoken("phones", "en")}},
		{it, arc{"dcat:theme", iri(themeScheme + "/TECH")}}, {themeScheme + "/TECH", arc{"rdf:type", named("skos:Concept")}},
		{it, arc{"dct:accrualPeriodicity", iri(authority + "frequency/QUARTERLY")}},
		{it, arc{"dct:accessRights", iri(forEveryone)}}, {forEveryone, arc{"rdf:type", named("dct:RightsStatement")}},
		{it, arc{"dct:language", iri(authority + "language/ENG")}},
		{it, arc{"dct:publisher", iri("https://mo.example/agencies/so-noi-vu#agency")}},
		{"https://mo.example/agencies/so-noi-vu#agency", arc{"foaf:name", spoken("Home Affairs", "en")}},
		{it + "#contact", arc{"vcard:fn", spoken("Phòng Thống kê", "vi")}}, {it + "#contact", arc{"vcard:hasEmail", iri("mailto:tk@example.vn")}},
		{it + "#contact", arc{"vcard:hasTelephone", iri("tel:02553822111")}},
		{it, arc{"dct:modified", valued("2026-08-01T09:00:00Z", "xsd:dateTime")}}, {it, arc{"dct:issued", valued("2026-08-01T09:00:00Z", "xsd:dateTime")}},
		{it + "#area", arc{"dcat:bbox", valued("POLYGON((108.1 14.5, 109.2 14.5, 109.2 15.4, 108.1 15.4, 108.1 14.5))", "gsp:wktLiteral")}},
		{it + "#place-51", arc{"dct:identifier", plain("51")}}, {it + "#period", arc{"dcat:endDate", valued("2025-12-31", "xsd:date")}},
		{it, arc{"dct:conformsTo", iri("https://example.vn/chuan")}}, {"https://example.vn/chuan", arc{"rdf:type", named("dct:Standard")}},
		{it + "#provenance", arc{"rdfs:label", spoken("Tổng hợp từ xã", "vi")}}, {it, arc{"foaf:page", iri("https://example.vn/4259%20a")}},
		{it + "#creator", arc{"foaf:name", spoken("Phòng A", "vi")}}, {it, arc{"dcat:version", plain("2025")}},
		{it, arc{"dcat:landingPage", iri("https://example.vn/trang")}},
		{file, arc{"dcat:downloadURL", iri("https://mo.example/r/" + part)}}, {file, arc{"dcat:accessService", iri(rows)}},
		{file, arc{"dct:format", iri(authority + "file-type/CSV")}}, {file, arc{"dcat:mediaType", iri(mediaTypes + "text/csv")}},
		{file, arc{"dcat:byteSize", valued(fmt.Sprint(len(table)), "xsd:nonNegativeInteger")}},
		{file, arc{"dct:license", iri(authority + "licence/CC_BY_4_0")}}, {file, arc{"dct:rights", iri(it + "#rights")}},
		{file + "-sum", arc{"spdx:checksumValue", valued(d.Distributions[0].Hash, "xsd:hexBinary")}},
		{rows, arc{"dcat:endpointURL", iri("https://mo.example/api/v1/datasets/thue-bao/distributions/" + part + "/rows")}},
		{rows, arc{"dcat:servesDataset", iri(it)}},
	} {
		want.predicate = expand(want.predicate)
		if !got[want] {
			t.Errorf("not said: %s %s %+v", want.subject, want.predicate, want.object)
		}
	}
	if t.Failed() {
		t.Log(w.Body)
	}
}

var nextPage = regexp.MustCompile(`hydra:next <https://mo\.example([^>]+)>`)

// addDatasets publishes n datasets by SQL, copies of one.
const addDatasetsSQL = `
insert into catalog.dataset (id, agency_id, slug, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en, theme, licence,
       frequency, spatial, source_document, source_url, contact_name, contact_email, contact_phone, state, created_at, updated_at, published_at)
select gen_random_uuid(), agency_id, slug || '-' || n, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en, theme, licence,
       frequency, spatial, source_document, source_url, contact_name, contact_email, contact_phone, state, created_at,
       updated_at + n * interval '1 minute', published_at
  from catalog.dataset, generate_series(1, $2) n
 where id = $1`

func (l *library) copies(t testing.TB, of catalog.Dataset, n int) {
	t.Helper()
	if _, err := l.db.Exec(t.Context(), addDatasetsSQL, of.ID, n); err != nil {
		t.Fatal(err)
	}
}

var listed = regexp.MustCompile(`<https://mo\.example/dataset/([a-z0-9-]+)> a dcat:Dataset`)

func TestPagesOfTheCatalogue(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.copies(t, l.publish(t, full("mau")), 249)
	seen := map[string]int{}
	var first string
	for address, page := "/catalog.ttl", 1; address != ""; page++ {
		w := l.get(t, address)
		body := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(body, `hydra:totalItems "`) {
			t.Fatalf("%s answers %d %s", address, w.Code, body)
		}
		for _, match := range listed.FindAllStringSubmatch(body, -1) {
			seen[match[1]]++
		}
		if page == 1 {
			first = listed.FindStringSubmatch(body)[1]
			for _, want := range []string{`hydra:last <https://mo.example/catalog.ttl?page=3>`, `hydra:totalItems "250"`, `hydra:itemsPerPage "100"`} {
				if !strings.Contains(body, want) {
					t.Errorf("page 1 lacks %s", want)
				}
			}
			// Something of a page that was read is withdrawn: the others move up.
			if _, err := l.db.Exec(t.Context(), `update catalog.dataset set state = 'withdrawn' where slug = $1`, first); err != nil {
				t.Fatal(err)
			}
		}
		address = ""
		if match := nextPage.FindStringSubmatch(body); match != nil {
			address = match[1]
		}
		if page > 3 {
			t.Fatal("the pages do not end")
		}
	}
	if len(seen) != 250 {
		t.Errorf("%d datasets seen, want 250", len(seen))
	}
	for slug, times := range seen {
		if times != 1 {
			t.Errorf("%s stands %d times", slug, times)
		}
	}
	if got := len(listed.FindAllString(l.get(t, "/catalog.ttl?page=3").Body.String(), -1)); got != 49 {
		t.Errorf("page 3 by its number has %d, want 49", got)
	}
	if got := len(listed.FindAllString(l.get(t, "/catalog.ttl?page=4").Body.String(), -1)); got != 0 {
		t.Errorf("page 4 has %d", got)
	}
}

func TestFiltersOfTheCatalogue(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	a := full("thue-bao")
	l.publish(t, a)
	l.now = l.now.AddDate(0, 0, 10)
	b := full("benh-vien")
	b.TitleVI, b.TitleEN, b.NotesVI, b.NotesEN, b.Theme, b.KeywordsVI, b.KeywordsEN = "Bệnh viện", "Hospitals", "Giường bệnh", "Beds", "HEAL", nil, nil
	l.publish(t, b)
	for query, want := range map[string][]string{
		"":                                     {"thue-bao", "benh-vien"},
		"q=benh+vien":                          {"benh-vien"},
		"q=khong+co+gi+ca+xyz":                 nil,
		"theme=HEAL":                           {"benh-vien"},
		"agency=so-noi-vu":                     {"thue-bao", "benh-vien"},
		"format=csv":                           {"thue-bao", "benh-vien"},
		"format=PDF":                           nil,
		"modified_since=2026-08-05":            {"benh-vien"},
		"modified_since=2026-08-05&q=thue+bao": nil,
		"modified_since=2026-08-11T09:00:00Z":  {"benh-vien"},
		"modified_since=2026-08-11T09:00:01%2B00:00":     nil,
		"modified_since=2026-08-01&page=1&theme=TECH&q=": {"thue-bao"},
	} {
		w := l.get(t, "/catalog.ttl?"+query)
		var got []string
		for _, match := range listed.FindAllStringSubmatch(w.Body.String(), -1) {
			got = append(got, match[1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s (%d) gives %v, want %v", query, w.Code, got, want)
		}
	}
	// A file that was replaced is a change.
	d, err := l.Catalog.DatasetBySlug(t.Context(), auth.Principal{}, "thue-bao")
	if err != nil {
		t.Fatal(err)
	}
	l.now = l.now.AddDate(0, 0, 10)
	if _, err := l.Catalog.ReplaceFile(t.Context(), l.publisher, d.Distributions[0].ID, catalog.Upload{FileName: "b.csv", Body: strings.NewReader(table + "03,C\n")}); err != nil {
		t.Fatal(err)
	}
	if got := listed.FindAllString(l.get(t, "/catalog.ttl?modified_since=2026-08-20").Body.String(), -1); len(got) != 1 {
		t.Errorf("with a new file: %v", got)
	}
}

func TestCatalogueRefuses(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	for address, want := range map[string]struct {
		status int
		code   string
	}{
		"/catalog.ttl?page=0":                        {400, "dump-page"},
		"/catalog.ttl?page=x":                        {400, "dump-page"},
		"/catalog.ttl?page=1001":                     {400, "dump-page"},
		"/catalog.ttl?limit=5":                       {400, "dump-parameter"},
		"/catalog.ttl?modified_since=hom+qua":        {400, "dump-since"},
		"/catalog.ttl?after=1":                       {400, "page-cursor"},
		"/catalog.ttl?after=" + uuid.Nil.String():    {400, "page-cursor"},
		"/catalog.ttl?q=" + strings.Repeat("a", 401): {400, "search-too-long"},
		"/catalog.ttl?agency=nobody":                 {404, "not-found"},
		"/dataset/nothing.jsonld":                    {404, "dataset-unknown"},
		"/feeds/organization/nobody.atom":            {404, "not-found"},
		"/feeds/dataset.atom?after=!":                {400, "page-cursor"},
		"/feeds/dataset.atom?after=eHl6":             {400, "page-cursor"},
		"/feeds/dataset.atom?after=LTEsMQ":           {400, "page-cursor"},
		"/feeds/dataset.atom?after=MQ":               {400, "page-cursor"},
	} {
		w := l.get(t, address)
		var told struct {
			Code string `json:"code"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil || w.Code != want.status || told.Code != want.code {
			t.Errorf("%s answers %d %s, want %d %s (%v)", address, w.Code, told.Code, want.status, want.code, err)
		}
	}
}

func TestSearchThatFindsTooMuch(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	d := l.publish(t, full("mau"))
	if _, err := l.db.Exec(t.Context(), `
insert into catalog.search_doc select (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid()))).*
  from catalog.search_doc d, generate_series(1, 1000) where d.id = $1`, d.ID); err != nil {
		t.Fatal(err)
	}
	if w := l.get(t, "/catalog.ttl?q=thue+bao"); w.Code != 400 || !strings.Contains(w.Body.String(), `"dump-broad"`) {
		t.Errorf("answers %d %s", w.Code, w.Body)
	}
}

func TestNegotiationAndConditions(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.publish(t, full("thue-bao"))
	for _, tt := range []struct{ path, accept, media, location, body string }{
		{"/dataset/thue-bao", "text/turtle", "text/turtle; charset=utf-8", "/dataset/thue-bao.ttl", "dcat:Dataset"},
		{"/dataset/thue-bao", "application/rdf+xml", "application/rdf+xml", "/dataset/thue-bao.rdf", "rdf:RDF"},
		{"/catalog", "application/ld+json", "application/ld+json", "/catalog.jsonld", "@graph"},
		{"/dataset/thue-bao", "text/html", "text/plain; charset=utf-8", "", "the page /dataset/thue-bao"},
		{"/dataset/thue-bao/x", "text/turtle", "text/plain; charset=utf-8", "", "the page /dataset/thue-bao/x"},
		{"/dataset/thue-bao.csv", "", "text/plain; charset=utf-8", "", "the page /dataset/thue-bao.csv"},
	} {
		w := l.get(t, tt.path, "Accept", tt.accept)
		if w.Code != 200 || w.Header().Get("Content-Type") != tt.media || w.Header().Get("Content-Location") != tt.location || !strings.Contains(w.Body.String(), tt.body) {
			t.Errorf("%s for %q: %d %v %.80s", tt.path, tt.accept, w.Code, w.Header(), w.Body)
		}
		if w.Header().Get("Vary") != "Accept" && tt.path != "/dataset/thue-bao/x" && tt.accept != "" {
			t.Errorf("%s does not vary: %v", tt.path, w.Header())
		}
	}
	if w := l.get(t, "/catalog"); w.Code != 303 || w.Header().Get("Location") != "/search?kind=dataset" {
		t.Errorf("/catalog in a browser: %d %v", w.Code, w.Header())
	}
	for _, address := range channels("thue-bao") {
		w := l.get(t, address)
		tag, at := w.Header().Get("ETag"), w.Header().Get("Last-Modified")
		if w.Code != 200 || tag == "" || at != "Sat, 01 Aug 2026 09:00:00 GMT" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s answers %d with %v", address, w.Code, w.Header())
		}
		if again := l.get(t, address, "If-None-Match", tag); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s asked for again: %d", address, again.Code)
		}
		if again := l.get(t, address, "If-None-Match", `W/"other"`, "If-Modified-Since", at); again.Code != 200 {
			t.Errorf("%s with another tag: %d", address, again.Code)
		}
		if again := l.get(t, address, "If-Modified-Since", at); again.Code != http.StatusNotModified {
			t.Errorf("%s asked for by time: %d", address, again.Code)
		}
		r := httptest.NewRequest(http.MethodOptions, address, nil)
		preflight := httptest.NewRecorder()
		l.ServeHTTP(preflight, r)
		if preflight.Code != 204 || preflight.Header().Get("Access-Control-Allow-Methods") == "" || preflight.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s before a script's question: %d %v", address, preflight.Code, preflight.Header())
		}
	}
	before := l.get(t, "/catalog.ttl").Header().Get("ETag")
	l.agency.TitleVI = "Sở mới"
	if after := l.get(t, "/catalog.ttl").Header().Get("ETag"); after == before {
		t.Error("an agency's new name changes no tag")
	}
}

// What is withdrawn is gone for who asks by time alone, too.
func TestWithdrawalIsAChange(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.publish(t, full("mau"))
	d := l.publish(t, full("hai"))
	at := l.get(t, "/catalog.ttl").Header().Get("Last-Modified")
	l.now = l.now.Add(time.Hour)
	if _, err := l.Catalog.WithdrawDataset(t.Context(), l.publisher, d.ID, "sai"); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"/catalog.ttl", "/feeds/dataset.atom", "/feeds/organization/so-noi-vu.atom", "/data.json"} {
		body := l.get(t, address, "If-Modified-Since", at)
		if body.Code != 200 || strings.Contains(body.Body.String(), "<id>urn:uuid:"+d.ID.String()) || strings.Contains(body.Body.String(), "/dataset/hai") {
			t.Errorf("%s answers %d", address, body.Code)
		}
	}
}

// TestWithdrawnIsTold: who harvests by time learns what was withdrawn, why and
// what replaces it, in a feed (RFC 6721) and in RDF, and nothing else of it.
func TestWithdrawnIsTold(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.publish(t, full("moi"))
	d := l.publish(t, full("cu"))
	l.now = l.now.Add(time.Hour)
	if _, err := l.Catalog.WithdrawFor(t.Context(), l.publisher, d.ID, catalog.Withdrawal{Reason: "Số liệu <sai>.", ReplacedBy: "moi"}); err != nil {
		t.Fatal(err)
	}
	since := "?modified_since=" + l.now.UTC().Format("2006-01-02T15:04:05Z")
	turtle := l.get(t, "/catalog.ttl"+since).Body.String()
	for _, want := range []string{"<https://mo.example/dataset/cu>", "as:Tombstone", "as:formerType dcat:Dataset", `as:deleted "` + l.now.UTC().Format(time.RFC3339), "Số liệu <sai>.", "dct:isReplacedBy <https://mo.example/dataset/moi>", d.ID.String()} {
		if !strings.Contains(turtle, want) {
			t.Errorf("the catalogue lacks %s:\n%s", want, turtle)
		}
	}
	if strings.Contains(turtle, "dcat:dataset <https://mo.example/dataset/cu>") || strings.Contains(turtle, "Thuê bao cu") {
		t.Errorf("it is listed as a dataset, or more is told of it:\n%s", turtle)
	}
	for address, told := range map[string]bool{
		"/catalog.rdf" + since: true, "/catalog.jsonld" + since: true, "/catalog.ttl" + since + "&agency=so-noi-vu": true, "/catalog.ttl" + since + "&theme=HEAL": false,
		"/catalog.ttl": false, "/catalog.ttl" + since + "&page=2": false, "/catalog.ttl?modified_since=" + l.now.Add(time.Second).UTC().Format("2006-01-02T15:04:05Z"): false,
	} {
		if got := strings.Contains(l.get(t, address).Body.String(), d.ID.String()); got != told {
			t.Errorf("%s tells of it: %t", address, got)
		}
	}
	feed := l.get(t, "/feeds/dataset.atom").Body.String()
	var read struct {
		Deleted []struct {
			Ref     string `xml:"ref,attr"`
			When    string `xml:"when,attr"`
			Comment string `xml:"comment"`
			Link    struct {
				Href string `xml:"href,attr"`
			} `xml:"http://www.w3.org/2005/Atom link"`
		} `xml:"http://purl.org/atompub/tombstones/1.0 deleted-entry"`
	}
	if err := xml.Unmarshal([]byte(feed), &read); err != nil || len(read.Deleted) != 1 || read.Deleted[0].Ref != "urn:uuid:"+d.ID.String() ||
		read.Deleted[0].When != l.now.UTC().Format(time.RFC3339) || read.Deleted[0].Comment != "Số liệu <sai>." || read.Deleted[0].Link.Href != "https://mo.example/dataset/moi" {
		t.Errorf("%v, the feed tells %+v:\n%s", err, read.Deleted, feed)
	}
}

func TestWhoReadsTheWholeCatalogueIsCounted(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	for _, read := range [][]string{{"/catalog.ttl"}, {"/catalog", "Accept", "text/turtle"}, {"/data.json"},
		{"/catalog.rdf?page=2"}, {"/catalog.rdf?q=thue"}, {"/catalog.rdf?theme=TECH"}, {"/catalog.rdf", "User-Agent", "Googlebot/2.1"}} {
		if w := l.get(t, read[0], read[1:]...); w.Code != http.StatusOK {
			t.Errorf("%v: %d", read, w.Code)
		}
	}
	if err := l.Catalog.SaveUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	use, err := l.Catalog.PortalUsageOf(t.Context(), 1)
	if want := map[string]int64{"ttl": 2, "data.json": 1}; err != nil || !maps.Equal(use[0].Catalogue, want) {
		t.Errorf("counted %v, want %v, error %v", use[0].Catalogue, want, err)
	}
}
