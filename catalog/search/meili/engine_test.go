package meili

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/catalog/search"
)

func record(kind, title string) search.Record {
	doc := search.Index([]search.Field{{Text: title, Weight: 'A'}})
	texts, exact := search.Weighted(doc.Folded), search.Weighted(doc.Exact)
	return search.Record{Key: search.Key{Kind: kind, ID: uuid.Must(uuid.NewV7())}, Title: texts['A'], Exact: exact['A'],
		Agency: uuid.MustParse("11111111-1111-1111-1111-111111111111"), Theme: "AGRI", Formats: []string{"CSV"}, Access: []string{"open"},
		UpdatedAt: time.Unix(1, 0)}
}

// pages gives a list in pages of two.
func pages(list []search.Record) func(context.Context, search.Key) ([]search.Record, error) {
	return func(_ context.Context, after search.Key) ([]search.Record, error) {
		at := 0
		if after.Kind != "" {
			at = slices.IndexFunc(list, func(r search.Record) bool { return r.Key == after }) + 1
		}
		return list[at:min(at+2, len(list))], nil
	}
}

func request(typed string, f search.Filter) search.Request {
	q := search.Parse(typed)
	return search.Request{Query: q, Plan: q.Plan(nil, nil), Filter: f, Limit: 10}
}

func TestRebuildTellsEverythingAndSwaps(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1.7.0", "1.10.3"} {
		s, e := newServer(t, version)
		list := []search.Record{record("dataset", "Chợ quê"), record("dataset", "Chó"), record("api", "Chở hàng")}
		synonyms := []search.Synonym{{Term: "UBND", Meaning: "uỷ ban nhân dân"}, {Term: "Sở TT và TT", Meaning: "sở khoa học và công nghệ"}}
		for range 2 { // the second has an index to swap with
			if err := e.Rebuild(t.Context(), synonyms, pages(list)); err != nil {
				t.Fatal(err)
			}
		}
		if s.indexes["catalog_new"] != nil || len(s.indexes["catalog"].Documents) != 3 {
			t.Fatalf("%s: indexes %v", version, s.indexes)
		}
		got := s.indexes["catalog"].Settings
		if !slices.Equal(got.SearchableAttributes, []string{"title", "keywords", "organization", "notes", "columns"}) ||
			!slices.Equal(got.FilterableAttributes, []string{"kind", "agency", "theme", "formats", "licence", "access"}) ||
			got.TypoTolerance.Enabled || got.Pagination.MaxTotalHits != 100_000 || len(got.NonSeparatorTokens) != 4 {
			t.Errorf("%s: settings %+v", version, got)
		}
		if (len(got.LocalizedAttributes) == 1) != (version == "1.10.3") {
			t.Errorf("%s: languages %v", version, got.LocalizedAttributes)
		}
		want := map[string][]string{"ubnd": {"uy ban nhan dan"}, "uy ban nhan dan": {"ubnd"},
			"so tt va tt": {"so khoa hoc va cong nghe", "so khoa hoc cong nghe"}, "so tt tt": {"so khoa hoc va cong nghe", "so khoa hoc cong nghe"},
			"so khoa hoc va cong nghe": {"so tt va tt", "so tt tt"}, "so khoa hoc cong nghe": {"so tt va tt", "so tt tt"}}
		if !reflect.DeepEqual(got.Synonyms, want) {
			t.Errorf("%s: synonyms %v, want %v", version, got.Synonyms, want)
		}
	}
}

func TestSearchRanksByMarksAndCounts(t *testing.T) {
	t.Parallel()
	_, e := newServer(t, "1.12.0")
	cho, dog, api, operation := record("dataset", "Chó nuôi"), record("dataset", "Chợ đêm"), record("api", "Chở"), record("operation", "Cho")
	other := record("dataset", "Chợ trưa")
	other.Theme, other.Formats = "ECON", []string{"XLSX", "CSV"}
	if err := e.Rebuild(t.Context(), nil, pages([]search.Record{cho, dog, api, operation, other})); err != nil {
		t.Fatal(err)
	}
	found, err := e.Search(t.Context(), request("chợ", search.Filter{}))
	if err != nil || found.Total != 5 || found.Partial {
		t.Fatalf("found %+v, error %v", found, err)
	}
	first := []search.Key{found.Keys[0], found.Keys[1]}
	if !slices.Contains(first, dog.Key) || !slices.Contains(first, other.Key) || found.Keys[4] != operation.Key {
		t.Errorf("the order is %v", found.Keys)
	}
	found, err = e.Search(t.Context(), request("cho", search.Filter{Theme: "ECON", Format: "CSV"}))
	want := []search.Count{{Facet: "access", Value: "open", Count: 1}, {Facet: "agency", Value: "11111111-1111-1111-1111-111111111111", Count: 1},
		{Facet: "format", Value: "CSV", Count: 1}, {Facet: "format", Value: "XLSX", Count: 1}, {Facet: "kind", Value: "dataset", Count: 1},
		{Facet: "theme", Value: "AGRI", Count: 4}, {Facet: "theme", Value: "ECON", Count: 1}}
	if err != nil || found.Total != 1 || !slices.Equal(found.Counts, want) {
		t.Errorf("counts %+v of %d, error %v", found.Counts, found.Total, err)
	}
	r := request("cho", search.Filter{})
	r.Limit, r.Offset = 2, 4
	if found, err = e.Search(t.Context(), r); err != nil || len(found.Keys) != 1 || found.Total != 5 {
		t.Errorf("the last page holds %d of %d, error %v", len(found.Keys), found.Total, err)
	}
	for _, typed := range []string{"không có", "một hai ba bốn năm sáu bảy tám chín mười mốt hăm"} {
		if found, err = e.Search(t.Context(), request(typed, search.Filter{})); err != nil || len(found.Counts) != 0 {
			t.Errorf("%q finds %+v, error %v", typed, found, err)
		}
	}
	if got := quoted(`a"b\c`); got != `"a\"b\\c"` {
		t.Errorf("quoted %s", got)
	}
}

func TestTellChangesWhatIsThere(t *testing.T) {
	t.Parallel()
	s, e := newServer(t, "1.7.1")
	if err := e.Tell(t.Context(), search.Change{}); !errors.Is(err, search.ErrNoIndex) {
		t.Errorf("told before there is an index: %v", err)
	}
	if _, err := e.Search(t.Context(), request("cho", search.Filter{})); !errors.Is(err, search.ErrNoIndex) {
		t.Errorf("asked before there is an index: %v", err)
	}
	a, b := record("dataset", "Chợ"), record("dataset", "Chó")
	if err := e.Rebuild(t.Context(), nil, pages([]search.Record{a})); err != nil {
		t.Fatal(err)
	}
	change := search.Change{Put: []search.Record{b}, Drop: []search.Key{a.Key}, Synonyms: []search.Synonym{{Term: "mèo", Meaning: "chó"}}}
	if err := e.Tell(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	if found, err := e.Search(t.Context(), request("mèo", search.Filter{})); err != nil || len(found.Keys) != 1 || found.Keys[0] != b.Key {
		t.Errorf("found %+v, error %v", found, err)
	}
	calls := len(s.calls)
	if err := e.Tell(t.Context(), search.Change{}); err != nil || len(s.calls) != calls+1 {
		t.Errorf("told nothing it makes %d calls, error %v", len(s.calls)-calls, err)
	}
}

func TestServersThatWillNotDo(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]error{"1.6.2": ErrTooOld, "0.30.0": ErrTooOld, "1.7.0": nil, "1.50.0": nil, "2.0.0": nil} {
		_, e := newServer(t, version)
		if err := e.Check(t.Context()); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", version, err, want)
		}
	}
	_, e := newServer(t, "new")
	if err := e.Check(t.Context()); err == nil {
		t.Error("a version that is none passes")
	}
	_, e = newServer(t, "1.6.0")
	if err := e.Rebuild(t.Context(), nil, pages(nil)); !errors.Is(err, ErrTooOld) {
		t.Errorf("rebuilt on an old server: %v", err)
	}
	for name, answer := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "{}", 500) },
		"no JSON":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"too few":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"results":[]}`)) },
		"wrong facets": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"results":[{},{"facetDistribution":[1]}]}`))
		},
		"wrong hit": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"results":[{"hits":[{"uuid":7}]},{}]}`))
		},
	} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			answer(w, r)
		}))
		t.Cleanup(h.Close)
		if _, err := New(h.URL, "", "catalog", h.Client()).Search(t.Context(), request("cho", search.Filter{})); err == nil {
			t.Errorf("%s is taken for an answer", name)
		}
	}
	h := httptest.NewServer(http.NotFoundHandler())
	h.Close()
	if err := New(h.URL, "", "catalog", &http.Client{Timeout: time.Second}).Check(t.Context()); err == nil || strings.Contains(err.Error(), "the key") {
		t.Errorf("a server that is away: %v", err)
	}
}
