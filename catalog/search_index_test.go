package catalog

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// operatorAlone is a policy by which only the operator may do anything.
func (w *world) operatorAlone() auth.MayFunc {
	return func(_ context.Context, who auth.Principal, act string, agency uuid.UUID) error {
		if who.Has("operator", agency) {
			return nil
		}
		return problem.Errorf(problem.Forbidden, "may not %s", act)
	}
}

// put indexes one document in a transaction of its own.
func (s *shelf) put(t testing.TB, d SearchDoc) uuid.UUID {
	t.Helper()
	if d.ID == uuid.Nil {
		d.ID = uuid.Must(uuid.NewV7())
	}
	if d.At.IsZero() {
		d.At = s.now
	}
	if err := pgx.BeginFunc(t.Context(), s.DB, func(tx pgx.Tx) error { return s.index(t.Context(), tx, d) }); err != nil {
		t.Fatal(err)
	}
	return d.ID
}

func TestFacetsAreExactUnderTheOtherFilters(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	for i, d := range []SearchDoc{
		{Kind: "dataset", Theme: "AGRI", Formats: []string{"CSV"}, Licence: "CC-BY-4.0", Access: []string{Open}},
		{Kind: "dataset", Theme: "AGRI", Formats: []string{"CSV", "XLSX"}, Licence: "CC0-1.0", Access: []string{Open}},
		{Kind: "dataset", Theme: "ECON", Formats: []string{"XLSX"}, Licence: "CC0-1.0", Access: []string{Open}},
		{Kind: "api", Access: []string{Open, Restricted}},
		{Kind: "operation", Access: []string{Restricted}},
		{Kind: "document", Access: []string{Open}},
	} {
		d.Slug, d.TitleVI = string(rune('a'+i)), "Chợ quê"
		if d.Kind != "document" {
			d.Agency = s.agency
		}
		s.put(t, d)
	}
	counts := func(a SearchAnswer, facet string) string {
		var list []string
		for _, f := range a.Facets[facet] {
			list = append(list, f.Value+" "+string(rune('0'+f.Count)))
		}
		return strings.Join(list, ", ")
	}
	for _, tt := range []struct {
		name  string
		q     FindQuery
		total int
		want  map[string]string
	}{
		{"by words, everything", FindQuery{Text: "chợ"}, 6, map[string]string{"kind": "dataset 3, api 1, document 1, operation 1",
			"agency": s.agency.Slug + " 5", "theme": "AGRI 2, ECON 1", "format": "CSV 2, XLSX 2", "licence": "CC0-1.0 2, CC-BY-4.0 1", "access": "open 5, restricted 2"}},
		{"a filter leaves its own facet as it was", FindQuery{Text: "chợ", Format: "XLSX"}, 2, map[string]string{"kind": "dataset 2", "theme": "AGRI 1, ECON 1",
			"format": "CSV 2, XLSX 2", "licence": "CC0-1.0 2"}},
		{"two filters", FindQuery{Text: "chợ", Format: "XLSX", Theme: "AGRI"}, 1, map[string]string{"format": "CSV 2, XLSX 1", "theme": "AGRI 1, ECON 1"}},
		{"by access", FindQuery{Text: "cho", Access: Restricted}, 2, map[string]string{"kind": "api 1, operation 1", "access": "open 5, restricted 2"}},
		{"by licence", FindQuery{Licence: "CC-BY-4.0"}, 1, map[string]string{"licence": "CC0-1.0 2, CC-BY-4.0 1"}},
		{"nothing typed: datasets and APIs, but every kind can be chosen", FindQuery{}, 4, map[string]string{"kind": "dataset 3, api 1, document 1, operation 1", "access": "open 4, restricted 1"}},
		{"nothing typed, of a kind", FindQuery{Kind: "operation"}, 1, map[string]string{"access": "restricted 1"}},
		{"nothing under all filters", FindQuery{Text: "chợ", Format: "CSV", Theme: "ECON"}, 0, map[string]string{"format": "XLSX 1", "theme": "AGRI 2"}},
	} {
		found, err := s.Find(ctx, tt.q)
		if err != nil || found.Total != tt.total || len(found.Hits) != tt.total || found.Partial {
			t.Errorf("%s: %d of %d hits (partial %t), error %v; want %d", tt.name, len(found.Hits), found.Total, found.Partial, err, tt.total)
		}
		for facet, want := range tt.want {
			if got := counts(found, facet); got != want {
				t.Errorf("%s: %s counts %q, want %q", tt.name, facet, got, want)
			}
		}
	}
}

func TestOperationsAndDocumentsAreFound(t *testing.T) {
	t.Parallel()
	w, ctx := txWorld(t), t.Context()
	v, err := w.PublishVersion(ctx, w.publisher, w.readyVersion(t).ID)
	if err != nil {
		t.Fatal(err)
	}
	find := func(typed, kind string) []string {
		found, err := w.Find(ctx, FindQuery{Text: typed, Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, h := range found.Hits {
			list = append(list, h.Address())
		}
		return list
	}
	operation := "/apis" + v.Prefix() + "/lay-thu-tuc"
	if got := find("{maTTHC}", "operation"); !slices.Contains(got, operation) {
		t.Errorf("by its path: %v, want %s", got, operation)
	}
	all, err := w.Find(ctx, FindQuery{Text: "thủ tục hành chính"})
	if err != nil || len(all.Hits) < 3 || all.Hits[0].Kind != "api" {
		t.Errorf("an API does not stand before its operations: %d hits, error %v", len(all.Hits), err)
	}
	pages := []Document{{Path: "/docs/rows", TitleVI: "Hỏi bảng dữ liệu", TitleEN: "Asking a table", TextVI: "Tham số group, sum", TextEN: "Group and sum"}, {Path: "/terms", TitleVI: "Điều khoản", TitleEN: "Terms"}}
	if err := w.KeepIndexed(ctx, pages); err != nil {
		t.Fatal(err)
	}
	if got := find("hoi bang", ""); !slices.Equal(got, []string{"/docs/rows"}) {
		t.Errorf("a page is found as %v", got)
	}
	if err := w.KeepIndexed(ctx, pages[:1]); err != nil {
		t.Fatal(err)
	}
	if got := find("", "document"); !slices.Equal(got, []string{"/docs/rows"}) {
		t.Errorf("pages that are there: %v", got)
	}
	if _, err := w.RetireVersion(ctx, w.publisher, v.ID); err != nil {
		t.Fatal(err)
	}
	if got := find("thủ tục hành chính", ""); len(got) != 0 {
		t.Errorf("of a retired version there is still %v", got)
	}
}

func TestReindexWritesWhatIsPublishedAndNothingElse(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "gia-lua", "Giá lúa", subscribers)
	published := d.ID
	s.put(t, SearchDoc{Kind: "dataset", Agency: s.agency, Slug: "ghost", TitleVI: "Ma", Keywords: []string{"hồn"}})
	for _, sql := range []string{`update catalog.search_doc set folded = '', exact = '', licence = '' where id = $1`, `delete from catalog.search_suggestion where id = $1`} {
		if _, err := s.DB.Exec(ctx, sql, published); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Reindex(ctx); n != 1 || err != nil {
		t.Errorf("indexed %d, error %v", n, err)
	}
	found, err := s.Find(ctx, FindQuery{Text: "giá lúa"})
	if err != nil || found.Total != 1 || found.Hits[0].Licence != "CC-BY-4.0" || !slices.Equal(found.Hits[0].Access, []string{Open}) {
		t.Errorf("found %+v, error %v", found, err)
	}
	if list, err := s.Suggest(ctx, "gia l"); err != nil || len(list) != 1 {
		t.Errorf("suggested %v, error %v", list, err)
	}
	var left, words int
	if err := s.DB.QueryRow(ctx, `select (select count(*) from catalog.search_doc where slug = 'ghost') + (select count(*) from catalog.search_suggestion where slug in ('ghost', 'hon')),
		(select count(*) from catalog.search_word where word = 'hon')`).Scan(&left, &words); err != nil || left != 0 || words != 0 {
		t.Errorf("of what is not published %d and %d are left, error %v", left, words, err)
	}
}

// Search is up while the index is written, and a dataset that is withdrawn
// meanwhile is not brought back.
func TestReindexBesideReadersAndWriters(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.New(t)), t.Context()
	var ids []uuid.UUID
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		d, _ := s.published(t, "cho-que-"+name, "Chợ quê "+name, subscribers)
		ids = append(ids, d.ID)
	}
	var all errgroup.Group
	for range 3 {
		all.Go(func() error { _, err := s.Reindex(ctx); return err })
	}
	all.Go(func() error {
		for _, id := range ids[:3] {
			if _, err := s.WithdrawDataset(ctx, s.publisher, id, "thử"); err != nil {
				return err
			}
		}
		return nil
	})
	all.Go(func() error {
		for range 30 {
			found, err := s.Find(ctx, FindQuery{Text: "chợ quê"})
			if err != nil {
				return err
			}
			if found.Total < 3 {
				return errors.New("search lost what is published")
			}
		}
		return nil
	})
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Find(ctx, FindQuery{Text: "chợ quê"}); err != nil || found.Total != 3 {
		t.Errorf("%d are found, want 3; error %v", found.Total, err)
	}
}

func TestSavedSearchesTellWhatIsNew(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	me := s.person(t)
	other := s.person(t)
	old := s.put(t, SearchDoc{Kind: "dataset", Agency: s.agency, Slug: "cu", TitleVI: "Giá lúa 2023", Access: []string{Open}})
	if _, err := s.DB.Exec(ctx, `update catalog.search_doc set first_at = $2 where id = $1`, old, s.now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	saved, err := s.SaveSearch(ctx, me, SavedQuery{Query: " giá  lúa ", Access: Open})
	if err != nil || saved.Name != "giá lúa" || saved.Address() != "/search?access=open&q=gi%C3%A1+l%C3%BAa" {
		t.Fatalf("saved %+v, error %v", saved, err)
	}
	fresh := func() int {
		list, err := s.SavedSearches(ctx, me)
		if err != nil || len(list) != 1 {
			t.Fatalf("%d searches, error %v", len(list), err)
		}
		return list[0].New
	}
	if n := fresh(); n != 0 {
		t.Errorf("%d new at first", n)
	}
	for _, title := range []string{"Giá lúa 2024", "Giá ngô", "Lúa và giá"} { // the second holds but half of the words
		id := s.put(t, SearchDoc{Kind: "dataset", Agency: s.agency, Slug: "moi", TitleVI: title, Access: []string{Open}})
		if _, err := s.DB.Exec(ctx, `update catalog.search_doc set first_at = $2 where id = $1`, id, s.now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	s.put(t, SearchDoc{Kind: "dataset", ID: old, Agency: s.agency, Slug: "cu", TitleVI: "Giá lúa 2023, sửa", Access: []string{Open}})
	if n := fresh(); n != 2 {
		t.Errorf("%d new, want 2: what was changed is not new, nor what is only near", n)
	}
	hits, total, err := s.NewSince(ctx, saved.SavedQuery, saved.SeenAt)
	if err != nil || total != 2 || len(hits) != 2 || hits[0].TitleVI != "Giá lúa 2024" {
		t.Errorf("new are %+v of %d, error %v", hits, total, err)
	}
	s.now = s.now.Add(time.Hour)
	if _, err := s.SeeSearch(ctx, me, saved.ID); err != nil || fresh() != 0 {
		t.Errorf("still new after a look; error %v", err)
	}
	for _, err := range []error{
		s.DropSearch(ctx, other, saved.ID),
		func() error { _, err := s.SeeSearch(ctx, other, saved.ID); return err }(),
		func() error { _, err := s.SavedSearch(ctx, other, saved.ID); return err }(),
	} {
		refused(t, err, problem.NotFound)
	}
	if every, err := s.EverySavedSearch(ctx, uuid.Nil, 10); err != nil || len(every) != 1 || every[0].PersonID != me.Person {
		t.Errorf("all searches: %+v, error %v", every, err)
	}
	if err := s.DropSearch(ctx, me, saved.ID); err != nil {
		t.Error(err)
	}
	if _, err := s.SaveSearch(ctx, me, SavedQuery{Query: "ngô"}); err != nil {
		t.Fatal(err)
	}
	if err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error { return ForgetSearches(ctx, tx, me.Person) }); err != nil {
		t.Fatal(err)
	}
	if list, err := s.SavedSearches(ctx, me); err != nil || len(list) != 0 {
		t.Errorf("of who left there are %d searches, error %v", len(list), err)
	}
}

func TestSavedSearchRefusals(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	me := s.person(t)
	if _, err := s.SaveSearch(ctx, me, SavedQuery{Query: "lúa"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		who  auth.Principal
		q    SavedQuery
		code string
	}{
		{"nobody", auth.Principal{}, SavedQuery{Query: "lúa"}, "sign-in-first"},
		{"nothing", me, SavedQuery{Query: " …"}, "search-empty"},
		{"too long", me, SavedQuery{Query: strings.Repeat("ă", 401)}, "search-too-long"},
		{"a filter that is too long", me, SavedQuery{Kind: strings.Repeat("a", 101)}, "search-empty"},
		{"an agency that is not there", me, SavedQuery{Agency: "khong-co"}, problem.Code(problem.Errorf(problem.NotFound, ""))},
		{"kept already, in other blanks", me, SavedQuery{Query: "  lúa "}, "search-kept"},
	} {
		if _, err := s.SaveSearch(ctx, tt.who, tt.q); err == nil || problem.Code(err) != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
	if _, err := s.SavedSearches(ctx, auth.Principal{}); problem.Code(err) != "sign-in-first" {
		t.Errorf("the searches of nobody: %v", err)
	}
	for i := range maxSaved - 1 {
		if _, err := s.SaveSearch(ctx, me, SavedQuery{Query: "lúa " + strings.Repeat("a", i+1)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.SaveSearch(ctx, me, SavedQuery{Query: "ngô"}); problem.Code(err) != "searches-full" {
		t.Errorf("one too many: %v", err)
	}
}

func TestSuggestionsOfEveryKind(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	s.agency.TitleVI, s.agency.TitleEN = "Sở Nông nghiệp", "Department of Agriculture"
	for i, title := range []string{"Nông sản chủ lực", "Giá nông sản", "Nồng độ bụi", "Nông thôn mới", "Kinh tế nông hộ", "Đất nông nghiệp", "Máy nông cụ", "Lịch nông vụ", "Nông trường"} {
		s.put(t, SearchDoc{Kind: "dataset", Agency: s.agency, Slug: string(rune('a' + i)), TitleVI: title, Keywords: []string{"nông nghiệp", "Nông nghiệp", "nông cụ"}})
	}
	api := s.put(t, SearchDoc{Kind: "api", Agency: s.agency, Slug: "so/nong", TitleVI: "Nông"})
	list, err := s.Suggest(ctx, "nông")
	if err != nil || len(list) != 8 || list[0].Slug != "so/nong" || list[0].Path != "/apis/so/nong" || *list[0].ID != api {
		t.Fatalf("suggested %+v, error %v", list, err)
	}
	kinds := map[string]int{}
	for _, x := range list {
		kinds[x.Kind]++
		if x.Kind == "keyword" && !strings.HasPrefix(strings.ToLower(x.Path), "/search?q=n") || x.Kind == "agency" && x.Path != "/agencies/"+s.agency.Slug {
			t.Errorf("%s leads to %s", x.TitleVI, x.Path)
		}
		if x.TitleVI == "Nồng độ bụi" {
			t.Error("nồng stands among those marked as typed")
		}
	}
	if kinds["keyword"] != 2 || kinds["agency"] != 1 || kinds["api"] != 1 {
		t.Errorf("kinds %v", kinds)
	}
	if list, err = s.Suggest(ctx, "nong s"); err != nil || len(list) != 3 || list[0].TitleVI != "Nông sản chủ lực" || list[1].TitleVI != "Giá nông sản" || list[2].Kind != "agency" {
		t.Errorf("the last word is not taken as begun: %+v, error %v", list, err)
	}
	if list, err = s.Suggest(ctx, "department of ag"); err != nil || len(list) != 1 || list[0].Kind != "agency" {
		t.Errorf("by its English name: %+v, error %v", list, err)
	}
	if list[0].MarkedEN != "<mark>Department</mark> <mark>of</mark> Agriculture" {
		t.Errorf("marked %s", list[0].MarkedEN)
	}
	if err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		for _, id := range s.all(t, "dataset", "api") {
			if err := errors.Join(s.unindex(ctx, tx, "dataset", id), s.unindex(ctx, tx, "api", id)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if list, err = s.Suggest(ctx, "nông"); err != nil || len(list) != 0 {
		t.Errorf("of what is not published any more: %+v, error %v", list, err)
	}
	for _, typed := range []string{"", "…", "%", strings.Repeat("a", 401)} {
		if list, err = s.Suggest(ctx, typed); err != nil || len(list) != 0 {
			t.Errorf("%q suggests %d, error %v", typed, len(list), err)
		}
	}
}

// person is someone who has an account and no role.
func (s *shelf) person(t testing.TB) auth.Principal {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	if _, err := s.DB.Exec(t.Context(), `insert into auth.person (id, email, name, locale, demo, created_at) values ($1::uuid, $1::uuid || '@x.example', 'Ai đó', 'vi', false, now())`, id); err != nil {
		t.Fatal(err)
	}
	return auth.Principal{Person: id}
}

// all gives the ids of what is indexed of those kinds.
func (s *shelf) all(t *testing.T, kinds ...string) []uuid.UUID {
	t.Helper()
	rows, _ := s.DB.Query(t.Context(), `select id from catalog.search_doc where kind = any($1)`, kinds)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		t.Fatal(err)
	}
	return ids
}
