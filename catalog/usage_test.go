package catalog

import (
	"context"
	"encoding/csv"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func (s *shelf) use(t *testing.T, times int, u Use) {
	t.Helper()
	for range times {
		s.CountUse(u)
	}
	if err := s.SaveUses(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, part := s.published(t, "thue-bao", "Thuê bao", subscribers)
	draft, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("nhap", "Nháp"))
	if err != nil {
		t.Fatal(err)
	}
	s.now = time.Date(2025, 8, 31, 16, 59, 0, 0, time.UTC) // the last minute of August in Việt Nam
	s.use(t, 2, Use{Kind: UseView, Dataset: d.ID})
	s.use(t, 1, Use{Kind: UseView, Dataset: draft.ID})
	s.use(t, 1, Use{Kind: UseView, Dataset: uuid.New()})
	s.now = s.now.Add(time.Minute)
	s.use(t, 3, Use{Kind: UseView, Dataset: d.ID})
	s.use(t, 4, Use{Kind: UseDownload, Part: part.ID})
	s.use(t, 1, Use{Kind: UseDownload, Dataset: d.ID}) // all files in one
	s.use(t, 5, Use{Kind: UseRows, Part: part.ID, Dataset: d.ID})
	s.CountCatalogue("ttl")
	s.use(t, 0, Use{})

	d, err = s.DatasetBySlug(ctx, auth.Principal{}, "thue-bao")
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.UsageOf(ctx, d, 3)
	want := []UsageMonth{
		{Month: "2025-07", Distributions: []UsagePart{}},
		{Month: "2025-08", UsageCounts: UsageCounts{Views: 2}, Distributions: []UsagePart{}},
		{Month: "2025-09", UsageCounts: UsageCounts{Views: 3, Downloads: 5, RowCalls: 5},
			Distributions: []UsagePart{{part.ID, UsageCounts{Downloads: 4, RowCalls: 5}}}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v, error %v", got, want, err)
	}
	if got, err := s.UsageOf(ctx, draft, 2); err != nil || got[0].Total()+got[1].Total() != 0 {
		t.Errorf("a draft was counted: %+v, error %v", got, err)
	}
	all, err := s.PortalUsageOf(ctx, 1)
	if err != nil || !reflect.DeepEqual(all, []PortalUsage{{"2025-09", UsageCounts{3, 5, 5}, map[string]int64{"ttl": 1}}}) {
		t.Errorf("the portal's use %+v, error %v", all, err)
	}
}

// failing refuses what writes, while it is set.
type failing struct {
	pg.DB
	down bool
}

func (f *failing) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if f.down {
		return pgconn.CommandTag{}, pgx.ErrTxClosed
	}
	return f.DB.Exec(ctx, sql, args...)
}

func TestUsesSurviveADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	db := &failing{DB: pgtest.Tx(t)}
	s, ctx := newShelf(t, db), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	db.down = true
	s.CountUse(Use{Kind: UseView, Dataset: d.ID})
	s.CountCatalogue("rdf")
	if err := s.SaveUses(ctx); err == nil {
		t.Fatal("written without a database")
	}
	s.CountUse(Use{Kind: UseView, Dataset: d.ID})
	db.down = false
	for range 2 { // once, however often it is written
		if err := s.SaveUses(ctx); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.PortalUsageOf(ctx, 1)
	if err != nil || all[0].Views != 2 || all[0].Catalogue["rdf"] != 1 {
		t.Errorf("got %+v, error %v", all, err)
	}
}

func TestUsesAreCountedAtOnce(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.New(t)), t.Context()
	d, part := s.published(t, "thue-bao", "Thuê bao", subscribers)
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range 500 {
				s.CountUse(Use{Kind: UseView, Dataset: d.ID})
				s.CountUse(Use{Kind: UseRows, Part: part.ID})
			}
			if err := s.SaveUses(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	readers.Wait()
	if got, err := s.UsageOf(ctx, d, 1); err != nil || got[0].Views != 4000 || got[0].RowCalls != 4000 {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestIsRobot(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]bool{
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":          true,
		"Mozilla/5.0 (compatible; coccocbot-web/1.0; +http://help.coccoc.com/searchengine)": true,
		"Mozilla/5.0 (compatible; Yahoo! Slurp)":                                            true,
		"facebookexternalhit/1.1":                                                           true,
		"LGSP link check":                                                                   true,
		"Scrapy/2.11":                                                                       true,
		"Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Mobile Safari/537.36": false,
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":            false,
		"curl/8.5.0": false, "python-requests/2.32": false, "": false,
	} {
		if got := IsRobot(agent); got != want {
			t.Errorf("%s: got %v, want %v", agent, got, want)
		}
	}
}

func TestMostUsed(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	a, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	b, _ := s.published(t, "gia-dat", "Giá đất", subscribers)
	c, _ := s.published(t, "truong-hoc", "Trường học", subscribers)
	s.use(t, 3, Use{Kind: UseView, Dataset: b.ID})
	s.now = s.now.AddDate(0, 1, 0)
	s.use(t, 2, Use{Kind: UseDownload, Dataset: a.ID})
	slugs := func(list []DatasetUsage) []string {
		var all []string
		for _, d := range list {
			all = append(all, d.Slug)
		}
		return all
	}
	list, next, err := s.MostUsed(ctx, UsageFilter{Limit: 2})
	if err != nil || !slices.Equal(slugs(list), []string{"gia-dat", "thue-bao"}) || list[0].Agency.Slug != s.agency.Slug || list[0].Views != 3 {
		t.Errorf("got %+v, error %v", list, err)
	}
	if list, next, err = s.MostUsed(ctx, UsageFilter{Limit: 2, After: next}); err != nil || !slices.Equal(slugs(list), []string{c.Slug}) || next != "" {
		t.Errorf("the second page: %+v, next %q, error %v", list, next, err)
	}
	if list, _, err = s.MostUsed(ctx, UsageFilter{From: "2025-09", To: "2025-09"}); err != nil || list[0].Slug != "thue-bao" || list[1].Total() != 0 {
		t.Errorf("of one month: %+v, error %v", list, err)
	}
	if list, _, err = s.MostUsed(ctx, UsageFilter{Agency: uuid.New()}); err != nil || len(list) != 0 {
		t.Errorf("of another agency: %+v, error %v", list, err)
	}
	for _, f := range []UsageFilter{{From: "2025"}, {To: "2025-13"}, {From: "0000-01"}, {After: "x"}, {After: "MQ"}, {Limit: 101}} {
		if _, _, err := s.MostUsed(ctx, f); !problem.Is(err, problem.Invalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	for _, q := range []FindQuery{{Sort: SortUsed}, {Text: "số liệu", Sort: SortUsed}} {
		found, err := s.Find(ctx, q)
		if err != nil || len(found.Hits) != 3 || found.Hits[0].Slug != "gia-dat" || found.Hits[1].Slug != "thue-bao" {
			t.Errorf("%+v finds %+v, error %v", q, found.Hits, err)
		}
	}
	s.now = s.now.AddDate(0, 11, 0) // what was used thirteen months ago counts no more
	if err := s.SumUses(ctx); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Find(ctx, FindQuery{Sort: SortUsed}); err != nil || found.Hits[0].Slug != "thue-bao" {
		t.Errorf("a year later: %+v, error %v", found.Hits, err)
	}
	if _, err := s.Find(ctx, FindQuery{Sort: "size"}); problem.Code(err) != "search-sort" {
		t.Errorf("sorted by size: %v", err)
	}
}

// usageLines reads the rows of the dataset of the use, as "month slug views downloads calls whole".
func (s *shelf) usageLines(t *testing.T, part uuid.UUID) []string {
	t.Helper()
	answer, err := s.QueryRows(t.Context(), s.publisher, part, url.Values{"sort": {"thang,bo_du_lieu"}})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, row := range answer.Rows {
		var cells []string
		for i, cell := range row {
			if cell != nil && i != 2 && i != 4 && i != 3 {
				cells = append(cells, *cell)
			}
		}
		list = append(list, strings.Join(cells, " "))
	}
	return list
}

func TestUsageDataset(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	platform := s.operator
	may := s.May
	s.May = func(ctx context.Context, who auth.Principal, act string, agency uuid.UUID) error {
		if who.Has(auth.RoleOperator, agency) {
			return nil
		}
		return may(ctx, who, act, agency)
	}
	a, _ := s.published(t, "thue-bao", "Thuê bao, =1+1", subscribers)
	for name, tt := range map[string]struct {
		who    auth.Principal
		agency uuid.UUID
		want   problem.Kind
	}{
		"the agency's publisher": {s.publisher, s.agency.ID, problem.Forbidden},
		"no agency":              {platform, uuid.New(), problem.Invalid},
	} {
		if _, err := s.BeginUsageDataset(ctx, tt.who, tt.agency); !problem.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.RefreshUsage(ctx); err != nil {
		t.Errorf("refreshed while there is none: %v", err)
	}
	d, err := s.BeginUsageDataset(ctx, platform, s.agency.ID)
	if err != nil || d.State != Draft || len(d.Distributions) != 1 {
		t.Fatalf("begun %+v, error %v", d, err)
	}
	if _, err := s.BeginUsageDataset(ctx, platform, s.agency.ID); problem.Code(err) != "usage-published" {
		t.Errorf("begun twice: %v", err)
	}
	for _, step := range []func() (Dataset, error){
		func() (Dataset, error) { return s.SubmitDataset(ctx, s.publisher, d.ID) },
		func() (Dataset, error) { return s.ApproveDataset(ctx, s.steward, d.ID) },
		func() (Dataset, error) { return s.PublishDataset(ctx, s.publisher, d.ID) },
	} {
		if d, err = step(); err != nil {
			t.Fatal(err)
		}
	}
	part := d.Distributions[0].ID
	columns, err := s.Columns(ctx, auth.Principal{}, part)
	if err != nil || len(columns) != 9 || columns[5].TitleVI != "Lượt xem" || columns[5].Type != "integer" || columns[8].Type != "boolean" {
		t.Errorf("columns %+v, error %v", columns, err)
	}
	s.use(t, 2, Use{Kind: UseView, Dataset: a.ID})
	refresh := func(want int, lines ...string) {
		t.Helper()
		if err := s.RefreshUsage(ctx); err != nil {
			t.Fatal(err)
		}
		now, err := s.Distribution(ctx, auth.Principal{}, part)
		if got := s.usageLines(t, part); err != nil || now.Version != want || !slices.Equal(got, lines) {
			t.Errorf("version %d, want %d, of %q, want %q, error %v", now.Version, want, got, lines, err)
		}
	}
	first := []string{"2025-08 thue-bao 0 0 0 false"}
	refresh(1, first...) // not a day old
	s.now = s.now.Add(25 * time.Hour)
	second := []string{"2025-08 muc-su-dung-du-lieu-mo 0 0 0 false", "2025-08 thue-bao 2 0 0 false"}
	refresh(2, second...)
	s.now = s.now.Add(25 * time.Hour)
	refresh(2, second...) // says the same
	s.now = time.Date(2025, 8, 31, 17, 0, 0, 0, time.UTC)
	s.use(t, 1, Use{Kind: UseRows, Part: part})
	refresh(3, "2025-08 muc-su-dung-du-lieu-mo 0 0 0 true", "2025-08 thue-bao 2 0 0 true",
		"2025-09 muc-su-dung-du-lieu-mo 0 0 1 false", "2025-09 thue-bao 0 0 0 false")
	var file strings.Builder
	if err := s.ExportRows(ctx, auth.Principal{}, part, url.Values{"format": {"csv"}}, &file); err != nil {
		t.Fatal(err)
	}
	if all, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.String(), "\ufeff"))).ReadAll(); err != nil || len(all) != 5 || all[0][0] != "thang" {
		t.Errorf("as CSV %q, error %v", all, err)
	}
}

// TestUsageDatasetOfManyLines: beyond 10,000 lines it is made when a month is over.
func TestUsageDatasetOfManyLines(t *testing.T) {
	t.Parallel()
	db := pgtest.Tx(t)
	s, ctx := newShelf(t, db), t.Context()
	s.May = func(context.Context, auth.Principal, string, uuid.UUID) error { return nil }
	d, err := s.BeginUsageDataset(ctx, s.publisher, s.agency.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SubmitDataset(ctx, s.publisher, d.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ApproveDataset(ctx, s.steward, d.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PublishDataset(ctx, s.publisher, d.ID); err != nil {
		t.Fatal(err)
	}
	part := d.Distributions[0].ID
	if _, err := db.Exec(ctx, `update catalog.distribution set rows = 10001 where id = $1`, part); err != nil {
		t.Fatal(err)
	}
	s.use(t, 1, Use{Kind: UseView, Dataset: d.ID})
	s.now = s.now.AddDate(0, 0, 20)
	if err := s.RefreshUsage(ctx); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Distribution(ctx, s.publisher, part); err != nil || p.Version != 1 {
		t.Errorf("made within the month: version %d, error %v", p.Version, err)
	}
	s.now = s.now.AddDate(0, 0, 15)
	if err := s.RefreshUsage(ctx); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Distribution(ctx, s.publisher, part); err != nil || p.Version != 2 {
		t.Errorf("not made after the month: version %d, error %v", p.Version, err)
	}
}
