package catalog

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/catalog/search"
	"lgsp/catalog/search/meili"
	"lgsp/internal/pgtest"
)

// engines are the search engines that the suites below are run on: PostgreSQL
// always, a Meilisearch server where LGSP_TEST_MEILI_URL names one (and
// LGSP_TEST_MEILI_KEY its key).
func engines() map[string]func(t *testing.T, s *shelf) {
	all := map[string]func(*testing.T, *shelf){"PostgreSQL": func(*testing.T, *shelf) {}}
	if url := os.Getenv("LGSP_TEST_MEILI_URL"); url != "" {
		all["Meilisearch"] = func(t *testing.T, s *shelf) {
			name := "test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
			s.Beside = &Beside{Engine: meili.New(url, os.Getenv("LGSP_TEST_MEILI_KEY"), name, &http.Client{Timeout: 10 * time.Second}), Now: time.Now}
			if err := s.tellBeside(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

// TestEveryEngineFindsAndCounts is the suite behind the interface.
func TestEveryEngineFindsAndCounts(t *testing.T) {
	t.Parallel()
	for name, begin := range engines() {
		s := newShelf(t, pgtest.Tx(t))
		indexCorpus(t, s, 300)
		begin(t, s)
		for _, tt := range hardQueries {
			found, err := s.Find(t.Context(), FindQuery{Text: tt.typed, Limit: 10})
			if err != nil {
				t.Fatalf("%s: %s: %v", name, tt.name, err)
			}
			at := slices.IndexFunc(found.Hits, func(h Hit) bool { return h.Slug == tt.want })
			if at < 0 || at > 2 || found.Partial != tt.partial {
				t.Errorf("%s: %s: %q has %s at %d (partial %t)", name, tt.name, tt.typed, tt.want, at, found.Partial)
			}
		}
		found, err := s.Find(t.Context(), FindQuery{Text: "huyen binh son", Format: "CSV"})
		if err != nil || len(found.Facets["format"]) != 3 || found.Facets["format"][0].Value != "CSV" || found.Total != found.Facets["format"][0].Count {
			t.Errorf("%s: facets %+v of %d, error %v", name, found.Facets, found.Total, err)
		}
		if b := s.Beside; b != nil && !b.State().Up {
			t.Errorf("%s is not up: %+v", name, b.State())
		}
	}
}

// script is an engine that does what the test says.
type script struct {
	search  func(search.Request) (search.Found, error)
	tell    func(search.Change) error
	rebuilt atomic.Int64
}

func (e *script) Search(_ context.Context, r search.Request) (search.Found, error) {
	return e.search(r)
}

func (e *script) Tell(_ context.Context, c search.Change) error { return e.tell(c) }

func (e *script) Rebuild(ctx context.Context, _ []search.Synonym, page func(context.Context, search.Key) ([]search.Record, error)) error {
	e.rebuilt.Add(1)
	for after := (search.Key{}); ; {
		list, err := page(ctx, after)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := e.tell(search.Change{Put: list}); err != nil {
			return err
		}
		after = list[len(list)-1].Key
	}
}

// beside puts an engine beside that answers with the only dataset there is.
func (s *shelf) beside(id uuid.UUID) *script {
	e := &script{tell: func(search.Change) error { return nil }}
	e.search = func(search.Request) (search.Found, error) {
		return search.Found{Keys: []search.Key{{Kind: "dataset", ID: id}}, Total: 41, Counts: []search.Count{{Facet: "kind", Value: "dataset", Count: 41}}}, nil
	}
	s.Beside = &Beside{Engine: e, Now: func() time.Time { return s.now }}
	return e
}

func TestPostgresAnswersWhenTheEngineIsAway(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	id := s.put(t, SearchDoc{Kind: "dataset", Agency: s.agency, Slug: "d", TitleVI: "Chợ quê"})
	e := s.beside(id)
	total := func() int {
		found, err := s.Find(ctx, FindQuery{Text: "chợ"})
		if err != nil || len(found.Hits) != 1 || found.Partial {
			t.Fatalf("found %+v, error %v", found, err)
		}
		return found.Total
	}
	if n := total(); n != 1 || s.Beside.State() != (BesideState{Missed: 1}) {
		t.Errorf("an engine that knows nothing yet answers: %d, %+v", n, s.Beside.State())
	}
	if err := s.tellBeside(ctx); err != nil || e.rebuilt.Load() != 1 {
		t.Fatalf("rebuilt %d times, error %v", e.rebuilt.Load(), err)
	}
	if n := total(); n != 41 || !s.Beside.State().Up {
		t.Errorf("the engine does not answer: %d, %+v", n, s.Beside.State())
	}
	if found, err := s.Find(ctx, FindQuery{}); err != nil || found.Total != 1 {
		t.Errorf("a list without words is the engine's: %d, error %v", found.Total, err)
	}
	answer := e.search
	asked := 0
	e.search = func(search.Request) (search.Found, error) { asked++; return search.Found{}, errors.New("away") }
	for range 5 {
		if n := total(); n != 1 {
			t.Errorf("who answers while it is away? %d", n)
		}
	}
	if asked != 1 || s.Beside.State().Up || s.Beside.State().Missed != 6 {
		t.Errorf("asked %d times while away, %+v", asked, s.Beside.State())
	}
	s.now = s.now.Add(besideRest)
	total()
	s.now = s.now.Add(besideRest)
	total()
	if asked != 2 {
		t.Errorf("asked %d times; it rests twice as long after it failed twice", asked)
	}
	e.search = answer
	s.now = s.now.Add(besideRest)
	if n := total(); n != 41 || !s.Beside.State().Up {
		t.Errorf("back again: %d, %+v", n, s.Beside.State())
	}
	if _, err := s.DB.Exec(ctx, `insert into catalog.synonym (term, meaning) values ('họp', 'chợ')`); err != nil {
		t.Fatal(err)
	}
	if n := total(); n != 1 {
		t.Errorf("an engine behind on synonyms answers: %d", n)
	}
	if err := s.tellBeside(ctx); err != nil || total() != 41 {
		t.Errorf("told the synonyms, it does not answer; error %v", err)
	}
	e.search = func(search.Request) (search.Found, error) { return search.Found{}, nil }
	if found, err := s.Find(ctx, FindQuery{Text: "chợ trời"}); err != nil || !found.Partial || len(found.Hits) != 1 || !s.Beside.State().Up {
		t.Errorf("what is near is PostgreSQL's: %+v, error %v", found, err)
	}
	e.search = func(search.Request) (search.Found, error) { return search.Found{}, search.ErrNoIndex }
	total()
	e.tell = func(search.Change) error { return nil }
	if err := s.tellBeside(ctx); err != nil || e.rebuilt.Load() != 1 {
		t.Errorf("an index that is there after all is rebuilt: %d, error %v", e.rebuilt.Load(), err)
	}
}

func TestTheOutboxTellsWhatChanged(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	a := s.put(t, SearchDoc{Kind: "dataset", Agency: s.agency, Slug: "a", TitleVI: "Chợ; quê", Keywords: []string{"Nông sản"}, TextVI: "Ghi chú", Columns: []string{"Mã số"}, Formats: []string{"CSV"}})
	e := s.beside(a)
	var told []search.Change
	e.tell = func(c search.Change) error { told = append(told, c); return nil }
	if err := s.tellBeside(ctx); err != nil || len(told) != 1 || len(told[0].Put) != 1 {
		t.Fatalf("told %+v, error %v", told, err)
	}
	r := told[0].Put[0]
	if r.Title != "cho ; que" || r.Keywords != "nong san" || r.Notes != "ghi chu" || r.Columns != "ma so" || r.Exact != "chơ5 ; quê nông san3 ; sơ3 thông tin va2 truyên2 thông ; department of information and communications" ||
		!strings.HasPrefix(r.Organization, "so thong tin va truyen thong ; ") || r.Agency != s.agency.ID || !slices.Equal(r.Formats, []string{"CSV"}) {
		t.Errorf("told %+v", r)
	}
	told = nil
	if err := s.tellBeside(ctx); err != nil || len(told) != 0 {
		t.Errorf("nothing changed and told %+v, error %v", told, err)
	}
	b := s.put(t, SearchDoc{Kind: "dataset", Agency: s.agency, Slug: "b", TitleVI: "Chó"})
	if err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error { return s.unindex(ctx, tx, "dataset", a) }); err != nil {
		t.Fatal(err)
	}
	e.tell = func(c search.Change) error { // while it is told, b changes again
		told = append(told, c)
		s.put(t, SearchDoc{Kind: "dataset", ID: b, Agency: s.agency, Slug: "b", TitleVI: "Mèo"})
		return nil
	}
	if err := s.tellBeside(ctx); err != nil || len(told) != 1 || told[0].Put[0].Title != "cho" || !slices.Equal(told[0].Drop, []search.Key{{Kind: "dataset", ID: a}}) {
		t.Fatalf("told %+v, error %v", told, err)
	}
	told, e.tell = nil, func(c search.Change) error { told = append(told, c); return nil }
	if err := s.tellBeside(ctx); err != nil || len(told) != 1 || told[0].Put[0].Title != "meo" || len(told[0].Drop) != 0 {
		t.Errorf("what changed while it was told: %+v, error %v", told, err)
	}
	e.tell = func(search.Change) error { return search.ErrNoIndex }
	s.put(t, SearchDoc{Kind: "dataset", ID: b, Agency: s.agency, Slug: "b", TitleVI: "Gà"})
	before := e.rebuilt.Load()
	if err := s.tellBeside(ctx); !errors.Is(err, search.ErrNoIndex) || e.rebuilt.Load() != before+1 {
		t.Errorf("an engine that lost its index is rebuilt %d times, error %v", e.rebuilt.Load()-before, err)
	}
	e.tell = func(search.Change) error { return nil }
	if err := s.tellBeside(ctx); err != nil {
		t.Error(err)
	}
	s.Beside = nil
	if err := s.RunBeside(ctx); err != nil {
		t.Error(err)
	}
	var left int
	if err := s.DB.QueryRow(ctx, `select count(*) from catalog.search_change`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d changes wait for nobody, error %v", left, err)
	}
}
