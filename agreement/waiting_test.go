package agreement

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
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// asks has a request made some days after now, which the clock is set to.
func (w world) asks(t *testing.T, purpose string, days int) Agreement {
	t.Helper()
	*w.clock = now.AddDate(0, 0, days)
	r := w.asked()
	r.Purpose = purpose
	return w.request(t, r)
}

func TestTheInboxIsSortedByTheClock(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	late := w.asks(t, "thu-tuc", 0)   // Monday 23: due the end of Wednesday 25
	soon := w.asks(t, "quan-ly", 3)   // Thursday 26: due the end of Monday 30
	later := w.asks(t, "thong-ke", 4) // Friday 27: due the end of Tuesday 1 December
	decided := w.asks(t, "dich-vu", 4)
	if _, err := w.Approve(ctx, w.steward, decided.ID, ""); err != nil {
		t.Fatal(err)
	}
	*w.clock = time.Date(2026, 11, 28, 2, 0, 0, 0, time.UTC) // Saturday
	all, err := w.WaitingRequests(ctx, w.steward, WaitingFilter{Agency: w.agency})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, item := range all.Items {
		got = append(got, fmt.Sprint(item.Purpose, item.Term.Left, item.Term.Overdue, item.Term.Late, item.Term.WorkingDays, item.Term.Confirmed, item.Term.Basis))
	}
	want := []string{"thu-tuc0true2" + "2false" + "nd-194-2025-d40-3", "quan-ly1false0" + "2false" + "nd-194-2025-d40-3", "thong-ke2false0" + "2false" + "nd-194-2025-d40-3"}
	if clean := func(s string) string { return strings.ReplaceAll(s, " ", "") }; !slices.EqualFunc(got, want, func(a, b string) bool { return clean(a) == clean(b) }) {
		t.Errorf("got %v, want %v", got, want)
	}
	alike, too := w.asks(t, "nghien-cuu", 4), w.asks(t, "kiem-thu", 4) // due with the one before
	*w.clock = time.Date(2026, 11, 28, 2, 0, 0, 0, time.UTC)
	for _, of := range []uuid.UUID{uuid.Nil, w.agency} {
		var paged []uuid.UUID
		for after := ""; len(paged) < 9; {
			page, err := w.WaitingRequests(ctx, auth.Principal{Memberships: append(operator.Memberships, w.steward.Memberships...)}, WaitingFilter{Agency: of, Limit: 1, After: after})
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Items {
				paged = append(paged, item.ID)
			}
			if after = page.Next; after == "" {
				break
			}
		}
		if want := []uuid.UUID{late.ID, soon.ID, later.ID, alike.ID, too.ID}; !slices.Equal(paged, want) {
			t.Errorf("of agency %s by pages %v, want %v", of, paged, want)
		}
	}
	if over, err := w.WaitingRequests(ctx, operator, WaitingFilter{Overdue: true}); err != nil || len(over.Items) != 1 || over.Items[0].ID != late.ID {
		t.Errorf("overdue %+v, %v", over, err)
	}
	counts, err := w.WaitingCounts(ctx, w.steward, []uuid.UUID{w.agency, uuid.New()})
	if want := (WaitingCount{w.agency, 5, 1}); err != nil || len(counts) != 1 || counts[w.agency] != want {
		t.Errorf("counts %v, %v", counts, err)
	}
	if counts, err = w.WaitingCounts(ctx, w.developer, []uuid.UUID{w.agency}); err != nil || len(counts) != 0 {
		t.Errorf("a developer counts %v, %v", counts, err)
	}
	if term, err := w.TermOf(ctx, late.ID); err != nil || !term.Overdue || term.Late != 2 {
		t.Errorf("term %+v, %v", term, err)
	}
	for _, f := range []WaitingFilter{{Agency: w.agency, Limit: 101}, {Agency: w.agency, After: "x"}, {Agency: w.agency, After: "2026-11-28T00:00:00Z"}} {
		if _, err := w.WaitingRequests(ctx, w.steward, f); !problem.Is(err, problem.Invalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	for _, f := range []WaitingFilter{{}, {Agency: uuid.New()}} {
		if _, err := w.WaitingRequests(ctx, w.steward, f); !problem.Is(err, problem.Forbidden) {
			t.Errorf("a steward reads %+v: %v", f, err)
		}
	}
}

// twentyThousand fills the tables with requests of 100 agencies, as many
// decided as waiting, and gives one of the agencies.
func twentyThousand(t *testing.T, db pg.DB) uuid.UUID {
	t.Helper()
	agency := uuid.MustParse("00000000-0000-4000-8000-000000000007")
	_, err := db.Exec(t.Context(), `
insert into agreement.agreement (id, revision, state, application_id, application_name, owner_name, requester_id, requester_name, agency_id,
  version_id, service_vi, service_en, operations, purpose, purpose_text, legal_basis, starts, ends, note, plan, rate_per_minute, quota_per_day,
  requested_at, due_at, decided_at, decided_by, clock_basis, clock_days)
select gen_random_uuid(), 1, case when n % 2 = 0 then 'requested' else 'active' end, gen_random_uuid(), 'Ứng dụng', 'Chủ', gen_random_uuid(), 'Ai',
  ('00000000-0000-4000-8000-' || lpad((n / 2 % 100)::text, 12, '0'))::uuid, gen_random_uuid(), 'Dịch vụ', 'Service', $1::jsonb, 'thu-tuc', 'Để thử', 'nd-194-2025-d16',
  '2026-01-01', '2027-01-01', '', 'chuan', 60, 1000, at, at + interval '3 days', case when n % 2 = 1 then at + make_interval(hours => n % 200) end,
  case when n % 2 = 1 then gen_random_uuid() end, 'nd-194-2025-d40-3', 2
from generate_series(1, 20000) n, lateral (select timestamptz '2026-11-23 02:00Z' - make_interval(mins => n * 20) as at) x`,
		`[{"id":"a","method":"GET","path":"/a","title_vi":"A","title_en":"A","access":"restricted","fields":[{"path":"/items/*/ma","title_vi":"Mã","title_en":"Code"}]}]`)
	if err == nil {
		_, err = db.Exec(t.Context(), `analyze agreement.agreement`)
	}
	if err != nil {
		t.Fatal(err)
	}
	return agency
}

// TestTheInboxGoesAlongItsIndex: at 20,000 agreements a page reads as many rows
// as it shows, wherever it stands.
func TestTheInboxGoesAlongItsIndex(t *testing.T) {
	t.Parallel()
	tx := pgtest.Tx(t)
	w, ctx := newWorld(tx), t.Context()
	agency := twentyThousand(t, tx)
	steward := auth.Principal{Person: uuid.New(), Memberships: []auth.Membership{{Agency: agency, Role: auth.RoleSteward}}}
	first, err := w.WaitingRequests(ctx, steward, WaitingFilter{Agency: agency})
	if err != nil || len(first.Items) != 20 || first.Next == "" {
		t.Fatalf("first page: %d, %v", len(first.Items), err)
	}
	after, id, err := clockCursor(first.Next)
	if err != nil {
		t.Fatal(err)
	}
	until := now.AddDate(100, 0, 0)
	for name, plan := range map[string]struct {
		sql  string
		args []any
	}{
		"agreement_waiting_by_agency": {waitingInAgencySQL, []any{agency, until, after, id, 21, nil, nil}},
		"agreement_waiting":           {waitingSQL, []any{until, after, id, 21}},
	} {
		rows, err := tx.Query(ctx, "explain "+plan.sql, plan.args...)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if text := strings.Join(lines, "\n"); err != nil || !strings.Contains(text, name) || strings.Contains(text, "Sort") {
			t.Errorf("not along %s (%v):\n%s", name, err, text)
		}
	}
	var took []time.Duration
	for next := ""; len(took) < 5; {
		began := time.Now()
		page, err := w.WaitingRequests(ctx, steward, WaitingFilter{Agency: agency, After: next})
		if err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
		if next = page.Next; next == "" {
			break
		}
	}
	t.Logf("pages of the inbox: %v", took)
}

func TestOverdueIsToldOnceALevel(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	w.EscalateAfter = 2
	g := w.asks(t, "thu-tuc", 0) // due the end of Wednesday 25
	w.asks(t, "quan-ly", 0)
	told := func(at string) []string {
		t.Helper()
		moment, err := time.Parse("2006-01-02 15:04 -07", at+" +07")
		if err != nil {
			t.Fatal(err)
		}
		*w.clock = moment
		claimed, err := w.ClaimEscalations(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, e := range claimed {
			if e.Agency != w.agency {
				t.Errorf("of agency %s", e.Agency)
			}
			list = append(list, fmt.Sprint(e.Level, len(e.Requests)))
			if err := w.Escalated(ctx, e); err != nil {
				t.Fatal(err)
			}
		}
		return list
	}
	for _, step := range []struct {
		at   string
		want []string
	}{
		{"2026-11-25 23:59", nil},
		{"2026-11-26 00:00", []string{"agency2"}}, // Thursday, the first working day late
		{"2026-11-26 09:00", nil},
		{"2026-11-26 23:59", nil},
		{"2026-11-27 00:00", []string{"operator2"}}, // Friday, the second
		{"2026-11-30 09:00", nil},
	} {
		if got := told(step.at); !slices.Equal(got, step.want) {
			t.Errorf("at %s told %v, want %v", step.at, got, step.want)
		}
	}
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	if got := told("2026-12-31 09:00"); got != nil {
		t.Errorf("told again: %v", got)
	}
}

func TestALetterThatWasNotSentIsClaimedAgain(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	w.asks(t, "thu-tuc", 0)
	claimed := func(hours, minutes int) []Escalation {
		t.Helper()
		*w.clock = time.Date(2026, 11, 25, 17, 0, 0, 0, time.UTC).Add(time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute)
		list, err := w.ClaimEscalations(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	first := claimed(0, 0)
	if len(first) != 2 || first[0].Level != ToAgency || first[1].Level != ToOperator { // one working day late, which 0 means
		t.Fatalf("claimed %+v", first)
	}
	if again := claimed(0, 59); len(again) != 0 {
		t.Errorf("claimed while the letter may be on its way: %+v", again)
	}
	if err := w.Unescalated(ctx, first[0]); err != nil { // could not be sent, at 0:59
		t.Fatal(err)
	}
	if again := claimed(1, 8); len(again) != 1 || again[0].Level != ToOperator { // claimed at 0:00 and never told of
		t.Errorf("after an hour: %+v", again)
	}
	if again := claimed(1, 10); len(again) != 1 || again[0].Level != ToAgency {
		t.Errorf("ten minutes after it failed: %+v", again)
	}
}

// TestOneNodeTells: several portals look at once, and each request is claimed
// by one.
func TestOneNodeTells(t *testing.T) {
	t.Parallel()
	pool, err := pg.Open(t.Context(), pgtest.NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w, ctx := newWorld(pool), t.Context()
	for _, purpose := range []string{"thu-tuc", "quan-ly", "thong-ke"} {
		w.asks(t, purpose, 0)
	}
	*w.clock = now.AddDate(0, 0, 3)
	first, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	alone := *w.Agreements
	alone.DB = first
	if list, err := alone.ClaimEscalations(ctx); err != nil || len(list) != 2 {
		t.Fatalf("claimed %+v, %v", list, err)
	}
	found := make([][]Escalation, 6)
	failed := make([]error, len(found))
	var all sync.WaitGroup
	for i := range found {
		all.Go(func() { found[i], failed[i] = w.ClaimEscalations(ctx) })
	}
	for waiting := 0; waiting == 0; { // for what the first has claimed and not committed
		if err := first.QueryRow(ctx, `select count(*) from pg_locks where not granted`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	n := 0
	for _, list := range found {
		for _, e := range list {
			n += len(e.Requests)
		}
	}
	if err := errors.Join(failed...); err != nil || n != 0 {
		t.Errorf("%d claimed twice, %v", n, err)
	}
}

func TestTheLeagueCountsWorkingDays(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	decide := func(g Agreement, at time.Time) {
		t.Helper()
		*w.clock = at
		if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
			t.Fatal(err)
		}
	}
	friday := time.Date(2026, 11, 27, 2, 0, 0, 0, time.UTC)
	decide(w.asks(t, "thu-tuc", 0), now.Add(3*time.Hour))                                  // the same day: 0
	decide(w.asks(t, "quan-ly", 4), friday.AddDate(0, 0, 3))                               // Friday to Monday: 1
	decide(w.asks(t, "thong-ke", 4), time.Date(2026, 12, 1, 17, 0, 0, 0, time.UTC))        // to Wednesday 2 December, 0:00: 3, late
	waiting := w.asks(t, "dich-vu", 0)                                                     // never
	if _, err := w.End(ctx, w.developer, w.asks(t, "nghien-cuu", 0).ID, "x"); err != nil { // withdrawn: counts nowhere
		t.Fatal(err)
	}
	w.offer.Decision = "automatic"
	w.asks(t, "kiem-thu", 0) // by the plan: counts nowhere
	*w.clock = time.Date(2026, 12, 2, 3, 0, 0, 0, time.UTC)
	l, err := w.League(ctx, "2026-11", "2026-12")
	if err != nil {
		t.Fatal(err)
	}
	want := []OnTime{{Agency: w.agency, Decided: 3, Within: 2, Median: 1, Overdue: 1, Share: 2.0 / 3}}
	if !slices.Equal(l.Agencies, want) {
		t.Errorf("agencies %+v, want %+v (waiting %s)", l.Agencies, want, waiting.ID)
	}
	months := []MonthOnTime{{"2026-11", 2, 2, 0.5, 1}, {"2026-12", 1, 0, 3, 0}}
	if !slices.Equal(l.Months, months) {
		t.Errorf("months %+v, want %+v", l.Months, months)
	}
	if year, err := w.League(ctx, "", ""); err != nil || len(year.Months) != 12 || year.From != "2026-01" || year.Until != "2026-12" || year.Months[0].Decided != 0 {
		t.Errorf("the last twelve: %+v, %v", year, err)
	}
	for _, change := range []struct {
		day, kind string
		want      float64
	}{{"2026-11-30", DayOff, 2}, {"2026-11-28", DayWorked, 3}} {
		c := aDay()
		c.Day, c.Kind = change.day, change.kind
		if _, err := w.AddDay(ctx, operator, c); err != nil {
			t.Fatal(err)
		}
		if l, err = w.League(ctx, "2026-11", "2026-12"); err != nil || l.Months[1].Median != change.want {
			t.Errorf("with %s %s between: %+v, %v", change.day, change.kind, l.Months, err)
		}
	}
	for _, months := range [][2]string{{"2026", ""}, {"", "2026-13"}, {"2026-12", "2026-11"}, {"2023-11", "2026-11"}, {"2026-11", "9999-01"}} {
		if _, err := w.League(ctx, months[0], months[1]); !problem.Is(err, problem.Invalid) {
			t.Errorf("from %q until %q: %v", months[0], months[1], err)
		}
	}
}

func TestTheLeagueAtTwentyThousand(t *testing.T) {
	t.Parallel()
	tx := pgtest.Tx(t)
	w := newWorld(tx)
	twentyThousand(t, tx)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	began := time.Now()
	l, err := w.League(ctx, "", "")
	if err != nil || len(l.Agencies) != 100 {
		t.Fatalf("%d agencies, %v", len(l.Agencies), err)
	}
	t.Logf("in %v", time.Since(began))
}

func FuzzClockCursor(f *testing.F) {
	f.Add("2026-11-25T17:00:00Z_018f0000-0000-7000-8000-000000000000")
	f.Add("0000-01-01T00:00:00Z_x")
	f.Fuzz(func(t *testing.T, text string) {
		due, _, err := clockCursor(text)
		if err == nil && text != "" && (due.Year() < 1 || due.Year() > 9999) {
			t.Errorf("%q gave %s", text, due)
		}
	})
}
