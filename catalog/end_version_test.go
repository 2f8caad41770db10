package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// publishedPair are two published versions of one API.
func (w *world) publishedPair(t *testing.T) (v1, v2 Version) {
	t.Helper()
	ctx := t.Context()
	v1, err := w.PublishVersion(ctx, w.publisher, w.readyVersion(t).ID)
	if err != nil {
		t.Fatal(err)
	}
	if v2, err = w.CreateVersion(ctx, w.publisher, v1.APIID, "v2", procedures(t)); err != nil {
		t.Fatal(err)
	}
	if _, err = w.SetUpstream(ctx, w.publisher, v2.ID, "https://api.example.vn/tthc/"); err != nil {
		t.Fatal(err)
	}
	if _, err = w.MarkOperations(ctx, w.publisher, v2.ID, marks); err != nil {
		t.Fatal(err)
	}
	if _, err = w.SetPlan(ctx, w.publisher, v2.ID, "standard-approval"); err != nil {
		t.Fatal(err)
	}
	if v2, err = w.PublishVersion(ctx, w.publisher, v2.ID); err != nil {
		t.Fatal(err)
	}
	return v1, v2
}

// letters are those about versions' ends that wait, as kind and addressee.
func (w *world) letters(t *testing.T) []string {
	t.Helper()
	type row struct {
		Kind   string
		To     uuid.UUID
		Detail LetterDetail
	}
	list, err := pg.All[row](t.Context(), w.DB, `select kind, coalesce(person, agency_id) as to, detail from catalog.letter where kind like 'version-%' order by created_at, id`)
	if err != nil {
		t.Fatal(err)
	}
	said := []string{}
	for _, l := range list {
		said = append(said, fmt.Sprint(strings.TrimPrefix(l.Kind, LetterVersion), " ", l.To.String()[35:], " ", strings.Join(l.Detail.Ending.Applications, "+"), " ", l.Detail.Text, " ", l.Detail.Ending.Successor))
	}
	slices.Sort(said)
	return said
}

// TestEndIsToldToThoseWhoCall: from the announcement over reminders and a later
// day to the end, each owner of applications that call is written to once each
// time, by the evidence of that time.
func TestEndIsToldToThoseWhoCall(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	v1, v2 := w.publishedPair(t)
	now := time.Date(2025, 8, 1, 9, 0, 0, 0, time.UTC)
	w.Now = func() time.Time { return now }
	person, agency := uuid.MustParse("00000000-0000-4000-8000-000000000001"), uuid.MustParse("00000000-0000-4000-8000-000000000002")
	lately := now.Add(-time.Hour)
	callers := []Caller{
		{Name: "Một cửa", OwnerPerson: person, LastAt: &lately}, {Name: "Tra cứu", OwnerPerson: person, Agreed: true},
		{Name: "Của sở", OwnerAgency: agency, Agreed: true}, {}, // an application that was deleted
	}
	w.CallersOf = func(_ context.Context, version uuid.UUID, since time.Time) ([]Caller, error) {
		if version != v1.ID || !since.Equal(now.AddDate(0, 0, -90)) {
			return nil, fmt.Errorf("asked of %s since %s", version, since)
		}
		return callers, nil
	}
	sunset := now.AddDate(0, 0, 60)
	v, err := w.DeprecateVersion(ctx, w.publisher, v1.ID, Ending{Sunset: sunset, Successor: &v2.ID, Docs: " https://so.example.vn/a b "})
	if err != nil || v.Successor != v2.Prefix() || v.DocsURL != "https://so.example.vn/a%20b" || !v.DeprecatedAt.Equal(now) {
		t.Fatalf("got %+v, %v", v, err)
	}
	if e := w.exposed[len(w.exposed)-1]; !e.Deprecated.Equal(now) || e.Successor != v2.Prefix() || e.Docs != v.DocsURL {
		t.Errorf("exposed %+v", e)
	}
	tell := func(at time.Time, want ...string) {
		t.Helper()
		if now = at; errors.Join(w.RetireOver(ctx), w.WriteVersionNotices(ctx), w.WriteVersionNotices(ctx)) != nil {
			t.Fatal("letters are not written")
		}
		if got := w.letters(t); !slices.Equal(got, want) {
			t.Errorf("at %s: got\n%s\nwant\n%s", at.Format(time.DateOnly), strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if _, err := w.DB.Exec(ctx, `delete from catalog.letter`); err != nil {
			t.Fatal(err)
		}
	}
	to := v2.Prefix()
	tell(now, "deprecated 1 Một cửa+Tra cứu  "+to, "deprecated 2 Của sở  "+to)
	tell(now.AddDate(0, 0, 29))
	callers = callers[:1] // the other agreements are over
	tell(sunset.AddDate(0, 0, -30), "near 1 Một cửa  "+to)
	// Plans change: an exposure anew, for whatever reason, is no new announcement.
	if _, err := w.SetPlan(ctx, w.publisher, v1.ID, "high"); err != nil {
		t.Fatal(err)
	}
	if e := w.exposed[len(w.exposed)-1]; !e.Deprecated.Equal(*v.DeprecatedAt) {
		t.Errorf("announced at %s, exposed as %s", v.DeprecatedAt, e.Deprecated)
	}
	later := sunset.AddDate(0, 0, 20)
	if _, err := w.DeprecateVersion(ctx, w.publisher, v1.ID, Ending{Sunset: later, Successor: &v2.ID, Reason: "Xã còn nối"}); err != nil {
		t.Fatal(err)
	}
	tell(now, "moved 1 Một cửa Xã còn nối "+to)
	tell(later.AddDate(0, 0, -30), "near 1 Một cửa  "+to)
	tell(later.AddDate(0, 0, -7), "near 1 Một cửa  "+to)
	if _, err := w.DeprecateVersion(ctx, w.publisher, v1.ID, Ending{Sunset: later}); err != nil { // no successor after all: not a new day
		t.Fatal(err)
	}
	tell(now)
	if _, err := w.KeepVersion(ctx, w.publisher, v1.ID, "Vẫn cần"); err != nil {
		t.Fatal(err)
	}
	tell(now, "kept 1 Một cửa Vẫn cần ")
	if e := w.exposed[len(w.exposed)-1]; e.State != Published || e.Deprecated != nil || e.Sunset != nil {
		t.Errorf("kept, and exposed as %+v", e)
	}
	if _, err := w.DeprecateVersion(ctx, w.publisher, v1.ID, Ending{Sunset: later, Successor: &v2.ID}); err != nil {
		t.Fatal(err)
	}
	tell(later, "ended 1 Một cửa  "+to) // in place of the announcement that nobody was there to write
	v, err = w.VersionByID(ctx, w.stranger, v1.ID)
	if err != nil || v.State != Retired || !v.Sunset.Equal(later) || !slices.Equal(w.withdrawn, []Ended{{VersionID: v1.ID, At: later, Successor: to}}) {
		t.Errorf("at its end: %+v, %v, withdrawn %+v", v, err, w.withdrawn)
	}
	told, err := w.Notices(ctx, w.publisher, v1.ID)
	if err != nil || len(told) != 7 || told[0].Kind != NoticeDeprecated || told[0].Letters != 2 || told[6].Kind != NoticeEnded {
		t.Errorf("notices: %+v, %v", told, err)
	}
	_, err = w.Notices(ctx, w.stranger, v1.ID)
	refused(t, err, problem.Forbidden)
	_, err = w.Callers(ctx, w.stranger, v1.ID)
	refused(t, err, problem.Forbidden)
}

func TestEndRefused(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	v1, v2 := w.publishedPair(t)
	now := w.Now()
	w.Now = func() time.Time { return now }
	sunset := now.AddDate(0, 3, 0)
	nobody, own := uuid.Max, v1.ID
	deprecate := func(e Ending) error {
		_, err := w.DeprecateVersion(ctx, w.publisher, v1.ID, e)
		return err
	}
	for _, tt := range []struct {
		name   string
		e      Ending
		fields []string
	}{
		{"itself as its successor", Ending{Sunset: sunset, Successor: &own}, []string{"successor:successor-invalid"}},
		{"nothing as its successor", Ending{Sunset: sunset, Successor: &nobody}, []string{"successor:successor-invalid"}},
		{"a page of javascript", Ending{Sunset: sunset, Docs: "javascript:alert(1)"}, []string{"docs_url:docs-url-invalid"}},
		{"a page with a password", Ending{Sunset: sunset, Docs: "https://a:b@example.vn/"}, []string{"docs_url:docs-url-invalid"}},
		{"a page without end", Ending{Sunset: sunset, Docs: "https://example.vn/" + strings.Repeat("a", 500)}, []string{"docs_url:docs-url-invalid"}},
		{"a reason without end", Ending{Sunset: sunset, Reason: strings.Repeat("ă", 1001)}, []string{"reason:text-too-long"}},
		{"everything", Ending{Sunset: now, Successor: &own, Docs: "x"}, []string{"sunset:sunset-invalid", "successor:successor-invalid", "docs_url:docs-url-invalid"}},
	} {
		err := deprecate(tt.e)
		t.Log(tt.name)
		refused(t, err, problem.Invalid, tt.fields...)
	}
	if err := deprecate(Ending{Sunset: sunset, Docs: "https://example.vn/>;rel=x\"<"}); err != nil {
		t.Fatal(err)
	}
	if v, err := w.VersionByID(ctx, w.publisher, v1.ID); err != nil || strings.ContainsAny(v.DocsURL, `<>" `) {
		t.Errorf("a page's address would end the header's value: %q, %v", v.DocsURL, err)
	}
	refused(t, deprecate(Ending{Sunset: sunset.Add(-time.Hour), Reason: "vội"}), problem.Invalid, "sunset:sunset-earlier")
	refused(t, deprecate(Ending{Sunset: sunset.Add(time.Hour)}), problem.Invalid, "reason:life-reason")
	_, err := w.KeepVersion(ctx, w.publisher, v1.ID, "  ")
	refused(t, err, problem.Invalid, "reason:life-reason")
	_, err = w.KeepVersion(ctx, w.publisher, v2.ID, "vẫn cần")
	refused(t, err, problem.Conflict) // whose end was not announced
	_, err = w.KeepVersion(ctx, w.stranger, v1.ID, "vẫn cần")
	refused(t, err, problem.Forbidden)
	now = sunset
	if err := deprecate(Ending{Sunset: sunset.Add(time.Hour), Reason: "muộn"}); problem.Code(err) != "sunset-passed" {
		t.Errorf("put off once it has come: %v", err)
	}
	if _, err = w.KeepVersion(ctx, w.publisher, v1.ID, "muộn"); problem.Code(err) != "sunset-passed" {
		t.Errorf("kept once it has ended: %v", err)
	}
}

// TestNoticesAreWrittenOnce: two nodes that look at the same moment write each
// letter once, and retire a version once.
func TestNoticesAreWrittenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.New(t))
	ctx := t.Context()
	v1, err := w.PublishVersion(ctx, w.publisher, w.readyVersion(t).ID)
	if err != nil {
		t.Fatal(err)
	}
	w.CallersOf = func(context.Context, uuid.UUID, time.Time) ([]Caller, error) {
		return []Caller{{Name: "A", OwnerPerson: uuid.Max}}, nil
	}
	if _, err := w.DeprecateVersion(ctx, w.publisher, v1.ID, Ending{Sunset: w.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	both := func(do func(context.Context) error) {
		var nodes sync.WaitGroup
		for range 4 {
			nodes.Go(func() {
				if err := do(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		nodes.Wait()
	}
	both(w.WriteVersionNotices)
	later := w.Now().Add(time.Hour)
	w.Now = func() time.Time { return later }
	both(w.RetireOver)
	both(w.WriteVersionNotices)
	if got := w.letters(t); len(got) != 2 || len(w.withdrawn) != 1 {
		t.Errorf("letters %q, withdrawn %d times", got, len(w.withdrawn))
	}
}
