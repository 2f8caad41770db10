package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog/harvest"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// elsewhere is a CKAN site that has what it is told to have.
type elsewhere struct {
	*httptest.Server
	mu   sync.Mutex
	list []map[string]any
	down bool
}

func newElsewhere(t *testing.T) *elsewhere {
	e := &elsewhere{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		list := e.list
		if r.FormValue("start") != "0" {
			list = nil
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "result": map[string]any{"count": len(e.list), "results": append([]map[string]any{}, list...)}})
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *elsewhere) has(list ...map[string]any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = list
}

func there(key, title string, more ...any) map[string]any {
	p := map[string]any{"id": key, "name": key, "title": title, "notes": "Mô tả", "resources": []any{map[string]any{"url": "https://x.example/" + key + ".csv", "name": "Tệp", "format": "CSV"}}}
	for i := 0; i < len(more); i += 2 {
		p[more[i].(string)] = more[i+1]
	}
	return p
}

func newHarvest(t *testing.T) (*shelf, *elsewhere, HarvestSource) {
	s, e := newShelf(t, pgtest.Tx(t)), newElsewhere(t)
	s.Fetch = &http.Client{Timeout: 10 * time.Second}
	source, err := s.AddHarvestSource(t.Context(), s.publisher, s.agency.ID, HarvestText{Name: "Cổng bộ", Kind: harvest.CKAN, URL: e.URL, Theme: "TECH", Licence: "CC0-1.0", EveryHours: 24})
	if err != nil {
		t.Fatal(err)
	}
	return s, e, source
}

// run reads what is due, and gives the newest run.
func (s *shelf) run(t *testing.T, source HarvestSource) HarvestRun {
	t.Helper()
	if err := s.HarvestDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs, err := s.HarvestRuns(t.Context(), source.ID)
	if err != nil || len(runs) == 0 {
		t.Fatalf("got %v, %v", runs, err)
	}
	return runs[0]
}

// counts is a run in short.
func counts(r HarvestRun) string {
	return fmt.Sprintf("seen %d made %d changed %d same %d gone %d back %d %s", r.Seen, r.Made, r.Changed, r.Same, r.Gone, r.Back, r.Fault)
}

// dataset is the one that a key was taken over as.
func (s *shelf) dataset(t *testing.T, key string) Dataset {
	t.Helper()
	var id uuid.UUID
	if err := s.DB.QueryRow(t.Context(), `select dataset_id from catalog.harvested where key = $1`, key).Scan(&id); err != nil {
		t.Fatal(err)
	}
	d, err := s.Dataset(t.Context(), s.publisher, id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestHarvest: what is new comes as a draft, or public where a steward says so;
// what changed changes, by its key; what the source lacks is withdrawn with the
// reason, and public again when it has it again.
func TestHarvest(t *testing.T) {
	t.Parallel()
	s, e, source := newHarvest(t)
	ctx := t.Context()
	e.has(there("a", "Dân số", "license_url", "http://www.creativecommons.org/licenses/by/4.0", "groups", []any{map[string]any{"name": "soci"}}), there("b", "Giá nông sản"), there("c", ""), map[string]any{"id": "d", "title": "Không mô tả"})
	if got := counts(s.run(t, source)); got != "seen 4 made 4 changed 0 same 0 gone 0 back 0 " {
		t.Errorf("the first reading: %s", got)
	}
	a := s.dataset(t, "a")
	if a.State != Draft || a.TitleVI != "Dân số" || a.Slug != "dan-so" || a.Theme != "SOCI" || a.Licence != "CC-BY-4.0" || len(a.Distributions) != 1 ||
		a.Distributions[0].LinkURL != "https://x.example/a.csv" || a.Distributions[0].Format != "CSV" || a.SourceURL != e.URL+"/dataset/a" {
		t.Errorf("got %+v", a)
	}
	if b := s.dataset(t, "b"); b.Theme != "TECH" || b.Licence != "CC0-1.0" {
		t.Errorf("got %s %s", b.Theme, b.Licence)
	}
	if _, err := s.LetHarvestPublish(ctx, s.publisher, source.ID, true); !problem.Is(err, problem.Forbidden) {
		t.Errorf("a publisher lets it publish: %v", err)
	}
	if _, err := s.LetHarvestPublish(ctx, s.steward, source.ID, true); err != nil {
		t.Fatal(err)
	}
	kept := s.dataset(t, "a").Distributions[0].ID
	e.has(there("a", "Dân số mới", "resources", []any{map[string]any{"url": "https://x.example/a.csv"}, map[string]any{"url": "https://x.example/a.xlsx"}}), there("b", "Giá nông sản"), map[string]any{"id": "d", "title": "Không mô tả", "notes": "x"})
	if got := counts(s.run(t, source)); got != "seen 3 made 0 changed 2 same 1 gone 1 back 0 " {
		t.Errorf("the second reading: %s", got)
	}
	a = s.dataset(t, "a")
	if a.State != Published || a.TitleVI != "Dân số mới" || a.Slug != "dan-so" || len(a.Distributions) != 2 || a.Distributions[0].ID != kept {
		t.Errorf("changed: got %+v", a)
	}
	if d := s.dataset(t, "d"); d.State != Draft {
		t.Errorf("without a file: got %s", d.State)
	}
	e.has(there("b", "Giá nông sản"))
	s.now = s.now.Add(25 * time.Hour)
	if got := counts(s.run(t, source)); got != "seen 1 made 0 changed 0 same 1 gone 2 back 0 " {
		t.Errorf("the third reading: %s", got)
	}
	if a = s.dataset(t, "a"); a.State != Withdrawn || a.StateReason != GoneReason {
		t.Errorf("gone: got %s %q", a.State, a.StateReason)
	}
	if _, err := s.Dataset(ctx, auth.Principal{}, a.ID); !problem.Is(err, problem.Gone) {
		t.Errorf("a citizen sees what is gone: %v", err)
	}
	e.has(there("a", "Dân số mới"), there("b", "Giá nông sản"))
	s.now = s.now.Add(25 * time.Hour)
	if got := counts(s.run(t, source)); got != "seen 2 made 0 changed 0 same 1 gone 0 back 1 " {
		t.Errorf("the fourth reading: %s", got)
	}
	if a = s.dataset(t, "a"); a.State != Published || len(a.Distributions) != 1 {
		t.Errorf("back: got %s with %d files", a.State, len(a.Distributions))
	}
	if err := s.HarvestDue(ctx); err != nil {
		t.Fatal(err)
	}
	if runs, err := s.HarvestRuns(ctx, source.ID); err != nil || len(runs) != 4 {
		t.Errorf("not due: %d runs, %v", len(runs), err)
	}
	if n := slices.DeleteFunc(slices.Clone(s.acts), func(verb string) bool { return !strings.HasPrefix(verb, "harvest.") }); len(n) == 0 {
		t.Error("nothing is in the ledger")
	}
}

// TestHarvestLeavesDecisionsToPeople: what waits for a steward stays what they
// read; a public text waits for approval where the source does not publish; what
// people withdrew or returned does not become public again by itself.
func TestHarvestLeavesDecisionsToPeople(t *testing.T) {
	t.Parallel()
	s, e, source := newHarvest(t)
	ctx := t.Context()
	read := func(list ...map[string]any) HarvestRun {
		t.Helper()
		e.has(list...)
		s.now = s.now.Add(25 * time.Hour)
		return s.run(t, source)
	}
	step := func(what string, _ Dataset, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	e.has(there("a", "Dân số"), there("b", "Giá"))
	s.run(t, source)
	a, b := s.dataset(t, "a").ID, s.dataset(t, "b").ID
	d, err := s.SubmitDataset(ctx, s.publisher, a)
	step("submit", d, err)
	if run := read(there("a", "Dân số đổi"), there("b", "Giá")); run.Changed != 0 || len(run.Notes) != 1 || s.dataset(t, "a").TitleVI != "Dân số" {
		t.Errorf("in review: got %s, %q, %q", counts(run), run.Notes, s.dataset(t, "a").TitleVI)
	}
	d, err = s.ApproveDataset(ctx, s.steward, a)
	step("approve", d, err)
	d, err = s.PublishDataset(ctx, s.publisher, a)
	step("publish", d, err)
	read(there("a", "Dân số đổi"), there("b", "Giá"))
	if d := s.dataset(t, "a"); d.TitleVI != "Dân số" || d.Edit == nil || d.Edit.Text.TitleVI != "Dân số đổi" || d.Edit.State != Review {
		t.Errorf("public: got %q, waiting %+v", d.TitleVI, d.Edit)
	}
	d, err = s.ApproveEdit(ctx, s.steward, a, s.dataset(t, "a").Edit.ID)
	step("approve the edit", d, err)
	d, err = s.WithdrawDataset(ctx, s.publisher, a, "Sai số liệu.")
	step("withdraw", d, err)
	d, err = s.SubmitDataset(ctx, s.publisher, b)
	step("submit b", d, err)
	d, err = s.ReturnDataset(ctx, s.steward, b, "Thiếu mô tả.")
	step("return b", d, err)
	if _, err := s.LetHarvestPublish(ctx, s.steward, source.ID, true); err != nil {
		t.Fatal(err)
	}
	read(there("b", "Giá mới"))
	read(there("a", "Dân số đổi"), there("b", "Giá mới nữa"))
	if a, b := s.dataset(t, "a"), s.dataset(t, "b"); a.State != Withdrawn || a.StateReason != "Sai số liệu." || b.State != Draft || b.TitleVI != "Giá mới nữa" {
		t.Errorf("decided by people: got %s %q, %s %q", a.State, a.StateReason, b.State, b.TitleVI)
	}
}

// TestHarvestIsNotFooled: a source that is away, or suddenly nearly empty,
// withdraws nothing.
func TestHarvestIsNotFooled(t *testing.T) {
	t.Parallel()
	s, e, source := newHarvest(t)
	if _, err := s.LetHarvestPublish(t.Context(), s.steward, source.ID, true); err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	for i := range 30 {
		list = append(list, there(fmt.Sprint("k", i), fmt.Sprint("Bộ ", i)))
	}
	e.has(list...)
	if got := counts(s.run(t, source)); got != "seen 30 made 30 changed 0 same 0 gone 0 back 0 " {
		t.Fatalf("got %s", got)
	}
	for _, step := range []struct {
		what string
		do   func()
		want string
	}{
		{"away", func() { e.mu.Lock(); e.down = true; e.mu.Unlock() }, "seen 0 made 0 changed 0 same 0 gone 0 back 0 refused"},
		{"nearly empty", func() { e.mu.Lock(); e.down = false; e.mu.Unlock(); e.has(list[:3]...) }, "seen 3 made 0 changed 0 same 0 gone 0 back 0 too-many-gone"},
		{"a few less", func() { e.has(list[:20]...) }, "seen 20 made 0 changed 0 same 20 gone 10 back 0 "},
	} {
		step.do()
		s.now = s.now.Add(25 * time.Hour)
		if got := counts(s.run(t, source)); got != step.want {
			t.Errorf("%s: got %s, want %s", step.what, got, step.want)
		}
	}
}

// TestHarvestPreview changes nothing.
func TestHarvestPreview(t *testing.T) {
	t.Parallel()
	s, e, source := newHarvest(t)
	e.has(there("a", "Dân số"), there("b", "Giá", "id", ""))
	v, err := s.PreviewHarvest(t.Context(), s.publisher, source.ID)
	if err != nil || v.Seen != 2 || v.Made != 1 || !slices.Equal(v.Titles, []string{"Dân số"}) || len(v.Notes) != 1 {
		t.Errorf("got %+v, %v", v, err)
	}
	var n int
	if err := s.DB.QueryRow(t.Context(), `select count(*) from catalog.harvested`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d were taken over, %v", n, err)
	}
	e.mu.Lock()
	e.down = true
	e.mu.Unlock()
	if _, err := s.PreviewHarvest(t.Context(), s.publisher, source.ID); problem.Code(err) != "harvest-refused" {
		t.Errorf("away: got %v", err)
	}
}

// TestHarvestRefused: who may not, and what is wrong with a source.
func TestHarvestRefused(t *testing.T) {
	t.Parallel()
	s, _, source := newHarvest(t)
	ctx := t.Context()
	right := source.HarvestText
	for name, change := range map[string]func(*HarvestText){
		"name": func(h *HarvestText) { h.Name = " " }, "kind": func(h *HarvestText) { h.Kind = "oai" }, "url": func(h *HarvestText) { h.URL = "ftp://a" },
		"theme": func(h *HarvestText) { h.Theme = "" }, "licence": func(h *HarvestText) { h.Licence = "x" }, "every_hours": func(h *HarvestText) { h.EveryHours = -1 },
		"filter/words": func(h *HarvestText) { h.Filter.Words = strings.Repeat("x", 301) },
	} {
		text := right
		change(&text)
		var e *problem.Error
		if _, err := s.AddHarvestSource(ctx, s.publisher, s.agency.ID, text); !errors.As(err, &e) || e.Kind != problem.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != name {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := s.AddHarvestSource(ctx, s.publisher, s.agency.ID, right); problem.Code(err) != "harvest-taken" {
		t.Errorf("the same again: got %v", err)
	}
	if _, err := s.AddHarvestSource(ctx, s.stranger, s.agency.ID, right); !problem.Is(err, problem.Forbidden) {
		t.Errorf("another agency adds: got %v", err)
	}
	for name, do := range map[string]func() error{
		"sees":     func() error { _, err := s.HarvestSource(ctx, s.stranger, source.ID); return err },
		"edits":    func() error { _, err := s.EditHarvestSource(ctx, s.stranger, source.ID, right); return err },
		"previews": func() error { _, err := s.PreviewHarvest(ctx, s.stranger, source.ID); return err },
		"asks":     func() error { _, err := s.AskHarvest(ctx, s.stranger, source.ID); return err },
		"ends":     func() error { return s.EndHarvest(ctx, s.stranger, source.ID) },
	} {
		if err := do(); !problem.Is(err, problem.NotFound) {
			t.Errorf("another agency %s: got %v", name, err)
		}
	}
	if _, err := s.HarvestSources(ctx, s.stranger, s.agency.ID); !problem.Is(err, problem.Forbidden) {
		t.Errorf("another agency lists: got %v", err)
	}
	if _, err := s.LetHarvestPublish(ctx, s.steward, source.ID, true); err != nil {
		t.Fatal(err)
	}
	right.URL += "/khac"
	if changed, err := s.EditHarvestSource(ctx, s.publisher, source.ID, right); err != nil || changed.Publishes {
		t.Errorf("another address still publishes: %+v, %v", changed, err)
	}
	if err := s.EndHarvest(ctx, s.publisher, source.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.HarvestSource(ctx, s.publisher, source.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("it is gone: got %v", err)
	}
}
