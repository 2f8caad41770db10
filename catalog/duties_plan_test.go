package catalog

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"lgsp/internal/pgtest"
)

// manyDatasetsSQL gives an agency $2 public datasets, a third each of daily,
// yearly and unstated frequency, published and filled a day apart.
const manyDatasetsSQL = `
insert into catalog.dataset (id, agency_id, slug, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en, theme, licence, frequency, spatial,
       source_document, source_url, contact_name, contact_email, contact_phone, state, state_reason, created_at, updated_at, published_at, data_at)
select gen_random_uuid(), $1, 'bo-' || n, 'Bộ ' || n, '', '', '', '{}', '{}', 'GOVE', 'CC-BY-4.0', (array['DAILY', 'ANNUAL', 'UNKNOWN'])[1 + n % 3], '',
       '', '', '', '', '', 'published', '', $3, $3, $3::timestamptz - make_interval(mins => n), $3::timestamptz - make_interval(mins => n)
  from generate_series(1, $2) n`

// planNode is a step of a plan, as PostgreSQL tells it.
type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Rows     float64    `json:"Actual Rows"`
	Loops    float64    `json:"Actual Loops"`
	Removed  float64    `json:"Rows Removed by Filter"`
	Plans    []planNode `json:"Plans"`
}

func (n planNode) each(see func(planNode)) {
	see(n)
	for _, inner := range n.Plans {
		inner.each(see)
	}
}

// TestDutiesCostWhatIsListed: of 12,000 datasets, with nearly all due, no step
// reads many more than are listed.
func TestDutiesCostWhatIsListed(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	if _, err := s.DB.Exec(ctx, manyDatasetsSQL, s.agency.ID, 12_000, s.now.AddDate(-2, 0, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB.Exec(ctx, `analyze catalog.dataset`); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	list, err := s.Duties(ctx, s.steward, s.agency.ID)
	t.Logf("listed in %s", time.Since(began))
	if err != nil || len(list) != mostDuties {
		t.Fatalf("%d duties, %v", len(list), err)
	}
	for i := 1; i < len(list); i++ {
		if list[i].Due.Before(list[i-1].Due) {
			t.Fatalf("%d is due before %d", i, i-1)
		}
	}
	frequencies, seconds := s.Terms.renewals()
	var text []byte
	err = s.DB.QueryRow(ctx, `explain (analyze, format json) `+dutiesSQL, s.agency.ID, s.now, s.Terms.review().Seconds(), frequencies, seconds, mostDuties, comingDuties.Seconds()).Scan(&text)
	var plan []struct{ Plan planNode }
	if err == nil {
		err = json.Unmarshal(text, &plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	plan[0].Plan.each(func(n planNode) {
		if n.Relation == "dataset" && n.Type == "Seq Scan" || (n.Rows+n.Removed)*n.Loops > float64(8*mostDuties) {
			t.Errorf("%s of %s reads %.0f rows %.0f times and leaves %.0f out:\n%s", n.Type, n.Relation, n.Rows, n.Loops, n.Removed, text)
		}
	})
}

// The moment of the newest file follows every change of a dataset's parts.
func TestNewestDataIsNoted(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, part := s.published(t, "thue-bao", "Thuê bao", subscribers)
	noted := func(what string, want *time.Time) {
		t.Helper()
		var at *time.Time
		if err := s.DB.QueryRow(ctx, `select data_at from catalog.dataset where id = $1`, d.ID).Scan(&at); err != nil {
			t.Fatal(err)
		}
		if (at == nil) != (want == nil) || at != nil && !at.Equal(*want) {
			t.Errorf("%s: got %v, want %v", what, at, want)
		}
	}
	first := s.now
	noted("uploaded", &first)
	s.now = s.now.Add(time.Hour)
	if err := s.upload(ctx, d.ID, "b.csv", "a\n1\n"); err != nil {
		t.Fatal(err)
	}
	second := s.now
	noted("another", &second)
	s.now = s.now.Add(time.Hour)
	if _, err := s.AddLink(ctx, s.publisher, d.ID, NewLink{URL: "https://example.com/a.csv", TitleVI: "Ở nơi khác"}); err != nil {
		t.Fatal(err)
	}
	noted("a link", &second)
	if _, err := s.DB.Exec(ctx, `update catalog.distribution set version = 0 where dataset_id = $1 and id <> $2`, d.ID, part.ID); err != nil {
		t.Fatal(err)
	}
	noted("back to the first", &first)
}

// BenchmarkDuties lists what an agency with 10,000 datasets has to do; at most
// 100 ms are wanted.
func BenchmarkDuties(b *testing.B) {
	s, ctx := newShelf(b, pgtest.Tx(b)), b.Context()
	if _, err := s.DB.Exec(ctx, manyDatasetsSQL, s.agency.ID, 10_000, s.now.AddDate(-2, 0, 0)); err != nil {
		b.Fatal(err)
	}
	if _, err := s.DB.Exec(ctx, `analyze catalog.dataset`); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if _, err := s.Duties(ctx, s.steward, s.agency.ID); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}
