package agreement

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func TestThePlanDecidesByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(pgtest.Tx(t))
	w.offer.Decision = "automatic"
	g := w.request(t, w.asked())
	if g.State != Active || g.Revision != 2 || g.DecidedBy != nil || g.DecidedAt == nil || len(*w.grants) != 1 {
		t.Errorf("got %+v, %d grants", g, len(*w.grants))
	}
	if got, want := w.verbs(), []string{"agreement.request", "agreement.approve"}; !reflect.DeepEqual(got, want) {
		t.Errorf("acts: got %v, want %v", got, want)
	}
	r := w.asked()
	r.Purpose, r.Operations = "quan-ly", []Wanted{{Operation: "chiTiet", Fields: []string{"/hoTen"}}}
	if g := w.request(t, r); g.State != Requested {
		t.Errorf("personal data was granted by the plan: %+v", g)
	}
}

func TestRefusalKeepsReasonAndClause(t *testing.T) {
	t.Parallel()
	w := newWorld(pgtest.Tx(t))
	g := w.request(t, w.asked())
	got, err := w.Refuse(t.Context(), w.steward, g.ID, Refusal{" Không đúng thẩm quyền ", "luat-91-2025-d19"})
	if err != nil || got.State != Refused || got.Reason != "Không đúng thẩm quyền" || got.RefusalBasis != "luat-91-2025-d19" {
		t.Errorf("got %+v, %v", got, err)
	}
	if len(*w.grants) != 0 {
		t.Errorf("the gateway was told: %+v", *w.grants)
	}
	if detail := (*w.acts)[1].Detail; detail["refusal_basis"] != "luat-91-2025-d19" || detail["text"] != "Không đúng thẩm quyền" {
		t.Errorf("act: got %+v", detail)
	}
}

func TestDraftIsWhatWouldBeAskedFor(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	draft, err := w.Draft(ctx, w.developer, w.asked())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Draft(ctx, w.other, w.asked()); !problem.Is(err, problem.NotFound) {
		t.Errorf("another's draft: got %v", err)
	}
	if page, err := w.Mine(ctx, w.developer, Filter{}); err != nil || len(page.Items) != 0 || len(*w.acts) != 0 {
		t.Errorf("a draft was kept: %+v, %v", page, err)
	}
	g := w.request(t, w.asked())
	draft.ID, draft.Revision = g.ID, 1
	if !reflect.DeepEqual(draft, g) {
		t.Errorf("draft: got %+v, want %+v", draft, g)
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	first := w.request(t, w.asked())
	if _, err := w.Approve(ctx, w.steward, first.ID, ""); err != nil {
		t.Fatal(err)
	}
	overlapping := w.asked()
	overlapping.Starts, overlapping.Ends = "2027-11-22", "2028-11-21" // the first's last day
	if _, err := w.Request(ctx, w.developer, overlapping); problem.Code(err) != "already-agreed" || problem.Of(err).Args["ends"] != "22/11/2027" {
		t.Errorf("overlapping: got %v", err)
	}
	after := overlapping
	after.Starts = "2027-11-23"
	next := w.request(t, after)
	if _, err := w.Approve(ctx, w.steward, next.ID, ""); err != nil {
		t.Errorf("the day after: %v", err)
	}
	wider := w.asked()
	wider.Ends, wider.Replaces = "2027-11-22", &first.ID
	wider.Operations[0].Fields = append(wider.Operations[0].Fields, "/items/*/ten")
	w.offer.State = "deprecated" // which can be renewed
	third := w.request(t, wider)
	if _, err := w.Approve(ctx, w.steward, third.ID, ""); err != nil {
		t.Fatal(err)
	}
	old, err := w.Get(ctx, w.developer, first.ID)
	if err != nil || old.State != Ended || old.Reason != third.ID.String() {
		t.Errorf("replaced: got %+v, %v", old, err)
	}
	last := (*w.grants)[len(*w.grants)-2:]
	if last[0].AgreementID != first.ID || last[0].State != Ended || last[1].AgreementID != third.ID || last[1].State != Active {
		t.Errorf("grants: got %+v", last)
	}
	wider.Replaces = &first.ID // ended by now
	if _, err := w.Request(ctx, w.developer, wider); problem.Code(err) != "request-invalid" {
		t.Errorf("replaces what has ended: got %v", err)
	}
}

// A request may be made while nothing runs and approved when something does.
func TestTheSchemaKeepsOneInForce(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	first := w.request(t, w.asked())
	if _, err := w.Approve(ctx, w.steward, first.ID, ""); err != nil {
		t.Fatal(err)
	}
	after := w.asked()
	after.Starts, after.Ends = "2027-11-23", "2028-01-01"
	second := w.request(t, after)
	if _, err := w.DB.Exec(ctx, `update agreement.agreement set starts = '2027-01-01' where id = $1`, second.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Approve(ctx, w.steward, second.ID, ""); problem.Code(err) != "already-agreed" {
		t.Errorf("got %v", err)
	}
}

func TestItIsAllOrNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, breakIt := range map[string]func(w world){
		"ledger":  func(w world) { w.Record = func(context.Context, pgx.Tx, auth.Act) error { return broken } },
		"gateway": func(w world) { w.Grant = func(context.Context, pgx.Tx, Granted) error { return broken } },
		"notice":  func(w world) { w.Notify = func(context.Context, pgx.Tx, Notice) error { return broken } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(pgtest.Tx(t))
			g := w.request(t, w.asked())
			breakIt(w)
			if _, err := w.Approve(t.Context(), w.steward, g.ID, ""); !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
			got, err := w.Get(t.Context(), w.steward, g.ID)
			if err != nil || !reflect.DeepEqual(got, g) {
				t.Errorf("got %+v, %v, want %+v", got, err, g)
			}
		})
	}
}

func TestTwoStewardsDecideAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(pgtest.New(t))
	g := w.request(t, w.asked())
	w.Record, w.Notify = func(context.Context, pgx.Tx, auth.Act) error { return nil }, nil
	w.Grant = func(context.Context, pgx.Tx, Granted) error { return nil }
	var wait sync.WaitGroup
	codes := make([]string, 6)
	for i := range codes {
		wait.Go(func() {
			var err error
			if i%2 == 0 {
				_, err = w.Approve(t.Context(), w.steward, g.ID, "")
			} else {
				_, err = w.Refuse(t.Context(), w.steward, g.ID, Refusal{"vì sao", "nd-194-2025-d16"})
			}
			if codes[i] = problem.Code(err); err != nil && codes[i] == "" {
				t.Errorf("decide: %v", err)
			}
		})
	}
	wait.Wait()
	won := 0
	for _, code := range codes {
		if code == "" {
			won++
		} else if code != "not-while-active" && code != "not-while-refused" {
			t.Errorf("got %s", code)
		}
	}
	if won != 1 {
		t.Errorf("%d decided, want 1: %v", won, codes)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	var ids []uuid.UUID
	for _, purpose := range []string{"thu-tuc", "quan-ly", "thong-ke"} {
		r := w.asked()
		r.Purpose = purpose
		ids = append(ids, w.request(t, r).ID)
	}
	if _, err := w.Approve(ctx, w.steward, ids[0], ""); err != nil {
		t.Fatal(err)
	}
	first, err := w.Inbox(ctx, w.steward, Filter{Agency: w.agency, Limit: 2})
	if err != nil || len(first.Items) != 2 || first.Items[0].ID != ids[2] || first.Next != ids[1].String() {
		t.Errorf("first page: got %+v, %v", first, err)
	}
	second, err := w.Inbox(ctx, w.steward, Filter{Agency: w.agency, Limit: 2, After: first.Next})
	if err != nil || len(second.Items) != 1 || second.Items[0].ID != ids[0] || second.Next != "" {
		t.Errorf("second page: got %+v, %v", second, err)
	}
	for name, tt := range map[string]struct {
		who auth.Principal
		f   Filter
		n   int
	}{
		"requested":            {w.developer, Filter{State: Requested}, 2},
		"of the application":   {w.developer, Filter{Application: w.application, Version: w.version}, 3},
		"of another":           {w.developer, Filter{Application: uuid.New()}, 0},
		"of who owns nothing":  {w.other, Filter{}, 0},
		"of another's version": {w.developer, Filter{Version: uuid.New()}, 0},
	} {
		page, err := w.Mine(ctx, tt.who, tt.f)
		if err != nil || len(page.Items) != tt.n || page.Items == nil {
			t.Errorf("%s: got %d, %v, want %d", name, len(page.Items), err, tt.n)
		}
	}
}

func TestInForceIsByTheClock(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	r := w.asked()
	r.Starts, r.Ends = "2026-11-24", "2026-11-25"
	if _, err := w.Approve(ctx, w.steward, w.request(t, r).ID, ""); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]int{
		"2026-11-23T16:59:59Z": 0, "2026-11-23T17:00:00Z": 1, "2026-11-25T16:59:59Z": 1, "2026-11-25T17:00:00Z": 0,
	} {
		*w.clock, _ = time.Parse(time.RFC3339, at)
		if got, err := w.VersionsInForce(ctx, w.application); err != nil || len(got) != want {
			t.Errorf("%s: got %v, %v, want %d", at, got, err, want)
		}
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	r := w.asked()
	r.LegalBasis = "luat-91-2025-d19"
	r.Operations = append(r.Operations, Wanted{Operation: "chiTiet", Fields: []string{"/hoTen"}})
	g := w.request(t, r)
	got, err := w.Summary(ctx, g, "vi")
	if err != nil || got.Basis.Confirmed || got.Basis.ArticleVI != "Điều 19" {
		t.Fatalf("got %+v, %v", got, err)
	}
	want := Summary{
		Who: "Ứng dụng xã – Phạm Thị Đào", Service: "Người có công v1", Purpose: "Giải quyết thủ tục hành chính",
		Why: "Chi trả trợ cấp hằng tháng", Basis: got.Basis, From: "23/11/2026", Until: "22/11/2027", Days: 365, Personal: true,
		Subjects: r.Subjects, Volume: 200, Retention: new(90), Onward: r.Onward,
		Operations: []SummaryOperation{{"Danh sách", false, []string{"Mã"}, []SummarySensitive{}}, {"Chi tiết", true, []string{"Họ tên"}, []SummarySensitive{}}},
		Due:        g.DueAt, DueIsTarget: true,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	*w.clock = g.DueAt.Add(time.Second)
	got, err = w.Summary(ctx, g, "en")
	if err != nil || !got.Overdue || got.Operations[0].Title != "List" || got.Operations[1].Title != "Chi tiết" {
		t.Errorf("in English, late: got %+v, %v", got, err)
	}
}

func TestLegalBasesSayWhatIsConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(pgtest.Tx(t))
	bases, err := w.LegalBases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	confirmed := map[string]bool{}
	for _, basis := range bases {
		if basis.Source == "" {
			t.Errorf("%s has no source", basis.ID)
		}
		if basis.Confirmed {
			confirmed[basis.ID] = true
		}
	}
	want := map[string]bool{"luat-60-2024-d11-2a": true, "luat-60-2024-d11-2b": true, "tt-13-2017-d17": true, "nd-194-2025-d16": true}
	if !reflect.DeepEqual(confirmed, want) {
		t.Errorf("got %v, want %v", confirmed, want)
	}
	if purposes, err := w.Purposes(t.Context()); err != nil || len(purposes) != 6 {
		t.Errorf("purposes: got %v, %v", purposes, err)
	}
}

func FuzzCheckPeriod(f *testing.F) {
	f.Add("2026-11-23", "2027-11-22")
	f.Add("2028-02-29", "2030-03-01")
	a := &Agreements{Now: func() time.Time { return now }}
	f.Fuzz(func(t *testing.T, starts, ends string) {
		wrong := problem.Errorf(problem.Invalid, "x")
		a.checkPeriod(wrong, starts, ends)
		if len(wrong.Fields) > 0 {
			return
		}
		g, err := Agreement{Starts: starts, Ends: ends}.granted()
		if err != nil || !g.NotBefore.Before(g.NotAfter) || g.NotAfter.Sub(g.NotBefore) > 735*24*time.Hour {
			t.Errorf("%q to %q became %s to %s, %v", starts, ends, g.NotBefore, g.NotAfter, err)
		}
	})
}

// TestOneConnection: nothing is asked of another room inside a transaction. It
// would take a second connection, and as many at once as the pool holds would
// wait for each other for ever.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	pool, err := pg.Open(ctx, pgtest.NewURL(t)+"&pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w := newWorld(pool)
	owns, offer := w.OwnsApplication, w.Offer
	w.OwnsApplication = func(ctx context.Context, who auth.Principal, id uuid.UUID) error {
		return errors.Join(pool.Ping(ctx), owns(ctx, who, id))
	}
	w.Offer = func(ctx context.Context, id uuid.UUID) (Offer, error) {
		if err := pool.Ping(ctx); err != nil {
			return Offer{}, err
		}
		return offer(ctx, id)
	}
	g, err := w.Request(ctx, w.developer, w.asked())
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	if _, err = w.Approve(ctx, w.steward, g.ID, ""); err != nil {
		t.Errorf("approve: %v", err)
	}
	if _, err = w.End(ctx, w.developer, g.ID, "xong việc"); err != nil {
		t.Errorf("end: %v", err)
	}
}
