package agreement

import (
	"reflect"
	"testing"
	"time"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// inForce is which agreements the gateway would let through at a moment.
func (w world) inForce(at time.Time) []Granted {
	last := map[string]Granted{}
	for _, g := range *w.grants {
		last[g.AgreementID.String()] = g
	}
	var list []Granted
	for _, g := range last {
		if g.State == Active && !at.Before(g.NotBefore) && at.Before(g.NotAfter) {
			list = append(list, g)
		}
	}
	return list
}

// TestRenewedWithoutGap: from the approval to the end of the renewal exactly
// one is in force at each moment, over midnight too, and a leap day is a day.
func TestRenewedWithoutGap(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	*w.clock = ict(2028, 1, 3, 9)
	r := w.asked()
	r.Starts, r.Ends = "2028-01-03", "2028-02-28"
	old := w.request(t, r)
	if _, err := w.Approve(ctx, w.steward, old.ID, ""); err != nil {
		t.Fatal(err)
	}
	renewed, err := w.Renew(ctx, w.developer, old.ID, Renewal{Ends: "2029-02-28", Note: "Thêm một năm"})
	if err != nil || renewed.Starts != "2028-02-29" || renewed.State != Requested || *renewed.Replaces != old.ID {
		t.Fatalf("renewed: got %+v, %v", renewed, err)
	}
	was, is := old.Terms(), renewed.Terms()
	was.Starts, was.Ends, is.Starts, is.Ends = "", "", "", ""
	if !reflect.DeepEqual(was, is) {
		t.Errorf("other terms: got %+v, want %+v", is, was)
	}
	if _, err := w.Approve(ctx, w.steward, renewed.ID, ""); err != nil {
		t.Fatal(err)
	}
	for at := ict(2028, 1, 3, 10); at.Before(ict(2029, 3, 1, 0)); at = at.Add(time.Hour) {
		if n := len(w.inForce(at)); n != 1 {
			t.Fatalf("%s: %d in force", at, n)
		}
	}
	midnight := ict(2028, 2, 29, 0)
	if before, after := w.inForce(midnight.Add(-1)), w.inForce(midnight); before[0].AgreementID != old.ID || after[0].AgreementID != renewed.ID {
		t.Errorf("at midnight: %+v, then %+v", before, after)
	}
	if got := w.inForce(ict(2029, 3, 1, 0)); len(got) != 0 {
		t.Errorf("after its last day: %+v", got)
	}
}

// TestOtherTermsFromADay: the running agreement runs until the day before.
func TestOtherTermsFromADay(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	old := w.request(t, w.asked())
	if _, err := w.Approve(ctx, w.steward, old.ID, ""); err != nil {
		t.Fatal(err)
	}
	r := w.asked()
	r.Starts, r.Ends, r.Replaces, r.Operations = "2027-03-01", "2028-02-29", &old.ID, []Wanted{{Operation: "tep"}}
	next := w.request(t, r)
	if _, err := w.Approve(ctx, w.steward, next.ID, ""); err != nil {
		t.Fatal(err)
	}
	got, err := w.Get(ctx, w.developer, old.ID)
	if err != nil || got.State != Active || got.Ends != "2027-02-28" {
		t.Errorf("the old one: got %+v, %v", got, err)
	}
	if before, after := w.inForce(ict(2027, 3, 1, 0).Add(-1)), w.inForce(ict(2027, 3, 1, 0)); len(before) != 1 || len(after) != 1 || before[0].AgreementID != old.ID || after[0].AgreementID != next.ID {
		t.Errorf("at the change: %+v, then %+v", before, after)
	}
	history, err := w.History(ctx, w.developer, old.ID)
	if last := history[len(history)-1]; err != nil || last.What != "renewed" || last.Text != next.ID.String() {
		t.Errorf("history: got %+v, %v", last, err)
	}
}

func TestRenewRefuses(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	g := w.request(t, w.asked())
	if _, err := w.Renew(ctx, w.developer, g.ID, Renewal{Ends: "2028-01-01"}); problem.Code(err) != "not-while-requested" {
		t.Errorf("not agreed yet: got %v", err)
	}
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	gap := w.asked()
	gap.Starts, gap.Ends, gap.Replaces = "2027-11-24", "2028-11-23", &g.ID
	if _, err := w.Request(ctx, w.developer, gap); !hasWrong(err, "starts", "renewal-gap") {
		t.Errorf("a day between: got %v", err)
	}
	if _, err := w.Renew(ctx, w.steward, g.ID, Renewal{Ends: "2028-01-01"}); problem.Code(err) != "not-asked" {
		t.Errorf("the steward: got %v", err)
	}
	if _, err := w.Renew(ctx, w.other, g.ID, Renewal{Ends: "2028-01-01"}); problem.Code(err) != "agreement-unknown" {
		t.Errorf("a stranger: got %v", err)
	}
	if _, err := w.Renew(ctx, w.developer, g.ID, Renewal{Ends: "2027-11-22"}); !hasWrong(err, "ends", "ends-before-starts") {
		t.Errorf("to the same end: got %v", err)
	}
	*w.clock = ict(2027, 11, 23, 0) // the first moment that it is over
	if _, err := w.Renew(ctx, w.developer, g.ID, Renewal{Ends: "2028-01-01"}); !hasWrong(err, "replaces", "replaces-other") {
		t.Errorf("over: got %v", err)
	}
}

// TestDecidedTooLate: the running agreement is never longer than it was agreed,
// and what is decided after its end is in force from then on.
func TestDecidedTooLate(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	old := w.request(t, w.asked())
	if _, err := w.Approve(ctx, w.steward, old.ID, ""); err != nil {
		t.Fatal(err)
	}
	*w.clock = ict(2027, 11, 22, 23)
	next, err := w.Renew(ctx, w.developer, old.ID, Renewal{Ends: "2028-05-31"})
	if err != nil {
		t.Fatal(err)
	}
	*w.clock = ict(2027, 11, 24, 9)
	if got := w.inForce(*w.clock); len(got) != 0 {
		t.Errorf("nobody decided: %+v", got)
	}
	if _, err := w.Approve(ctx, w.steward, next.ID, ""); err != nil {
		t.Fatal(err)
	}
	if got := w.inForce(*w.clock); len(got) != 1 || got[0].AgreementID != next.ID {
		t.Errorf("decided: %+v", got)
	}
}

func TestReminders(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	long := w.request(t, w.asked()) // until 22 November 2027
	short := w.asked()
	short.Purpose, short.Starts, short.Ends = "thong-ke", "2026-11-23", "2026-12-03" // 10 days
	brief := w.request(t, short)
	for _, g := range []Agreement{long, brief} {
		if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
			t.Fatal(err)
		}
	}
	remind := func(at time.Time) int {
		t.Helper()
		*w.clock, *w.notices = at, nil
		for range 2 { // a second run has nothing left to do
			if err := w.RemindOfEnds(ctx); err != nil {
				t.Fatal(err)
			}
		}
		letters := 0
		for _, n := range *w.notices {
			if n == "ending false" || n == "ending true" {
				letters++
			}
		}
		return letters
	}
	for _, tt := range []struct {
		name string
		at   time.Time
		want int
	}{
		{"decided within 30 days of its end", ict(2026, 11, 23, 9), 0},
		{"8 days before the short one's end", ict(2026, 11, 25, 23), 0},
		{"7 days before", ict(2026, 11, 26, 0), 2},
		{"6 days before", ict(2026, 11, 27, 0), 0},
		{"the day before", ict(2026, 12, 2, 0), 2},
		{"its last day", ict(2026, 12, 3, 12), 0},
		{"it is over", ict(2026, 12, 4, 0), 0},
		{"31 days before the long one's end", ict(2027, 10, 22, 12), 0},
		{"30 days before", ict(2027, 10, 23, 0), 2},
		{"the next one 2 days late", ict(2027, 11, 17, 0), 2},
		{"all were late: the nearest only", ict(2027, 11, 22, 0), 2},
	} {
		if got := remind(tt.at); got != tt.want {
			t.Errorf("%s: got %d letters, want %d", tt.name, got, tt.want)
		}
	}
}

// TestNoReminderOfWhatGoesOn: a renewal that is agreed ends the letters.
func TestNoReminderOfWhatGoesOn(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	g := w.request(t, w.asked())
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	next, err := w.Renew(ctx, w.developer, g.ID, Renewal{Ends: "2028-11-22"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Approve(ctx, w.steward, next.ID, ""); err != nil {
		t.Fatal(err)
	}
	*w.clock, *w.notices = ict(2027, 11, 20, 9), nil
	if err := w.RemindOfEnds(ctx); err != nil || len(*w.notices) != 0 {
		t.Errorf("got %v, %v", *w.notices, err)
	}
}

func TestConfirming(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	if _, err := w.SetRules(ctx, w.steward, w.agency, Rules{ConfirmMonths: 3}); err != nil {
		t.Fatal(err)
	}
	*w.clock = ict(2026, 11, 30, 9)
	g := w.request(t, w.asked())
	if _, err := w.Confirm(ctx, w.steward, g.ID, ""); problem.Code(err) != "not-while-requested" {
		t.Errorf("not agreed yet: got %v", err)
	}
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	waiting := func(at time.Time) []Unconfirmed {
		t.Helper()
		*w.clock = at
		list, err := w.Unconfirmed(ctx, w.steward, w.agency)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := waiting(ict(2027, 2, 28, 0).Add(-1)); len(got) != 0 { // three months after 30 November: there is no 30 February
		t.Errorf("a moment before: got %+v", got)
	}
	if got := waiting(ict(2027, 2, 28, 0)); len(got) != 1 || got[0].Since != "2027-02-28" || got[0].ClauseOut {
		t.Errorf("due: got %+v", got)
	}
	if _, err := w.Confirm(ctx, w.developer, g.ID, ""); !problem.Is(err, problem.Forbidden) {
		t.Errorf("the requester: got %v", err)
	}
	got, err := w.Confirm(ctx, w.steward, g.ID, "Vẫn cần")
	if err != nil || got.ConfirmedAt == nil || got.State != Active {
		t.Errorf("confirmed: got %+v, %v", got, err)
	}
	if got := waiting(ict(2027, 2, 28, 9)); len(got) != 0 {
		t.Errorf("just confirmed: got %+v", got)
	}
	if _, err := w.DB.Exec(ctx, `update agreement.legal_basis set valid_to = '2027-03-01' where id = $1`, g.LegalBasis); err != nil {
		t.Fatal(err)
	}
	if got := waiting(ict(2027, 3, 1, 23)); len(got) != 0 {
		t.Errorf("its clause's last day: got %+v", got)
	}
	if got := waiting(ict(2027, 3, 2, 0)); len(got) != 1 || !got[0].ClauseOut {
		t.Errorf("its clause is withdrawn: got %+v", got)
	}
	if n := len(w.inForce(*w.clock)); n != 1 {
		t.Errorf("it goes on meanwhile: %d in force", n)
	}
	if got := waiting(ict(2027, 11, 23, 0)); len(got) != 0 {
		t.Errorf("over: got %+v", got)
	}
	if _, err := w.Confirm(ctx, w.steward, g.ID, ""); err == nil {
		t.Error("confirmed after its end")
	}
	if _, err := w.Unconfirmed(ctx, w.developer, w.agency); !problem.Is(err, problem.Forbidden) {
		t.Errorf("a developer: got %v", err)
	}
}

// TestOneLetterWhenAllAreLate: nobody gets three at once.
func TestOneLetterWhenAllAreLate(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	g := w.request(t, w.asked())
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	*w.clock, *w.notices = ict(2027, 11, 21, 9), nil
	if err := w.RemindOfEnds(ctx); err != nil || !reflect.DeepEqual(*w.notices, []string{"ending false", "ending true"}) {
		t.Errorf("got %v, %v", *w.notices, err)
	}
}
