package ledger

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// TestSandboxCallsAreNoExchanges: the owner of the application sees them, told
// apart; no figure and nobody else's list has them; the log keeps them whole.
func TestSandboxCallsAreNoExchanges(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context() // of its own: one sequences at a time
	agency, mine := uuid.New(), uuid.New()
	l := reader(nil, mine, agency)
	l.DB, l.Dir, l.Origin, l.Unpack = db, t.TempDir(), "lgsp.example/ledger", unpackJSON
	live, trial := exchange(agency), exchange(agency)
	trial.VersionID, trial.Operation = live.VersionID, live.Operation
	live.ApplicationID, trial.ApplicationID, trial.Sandbox, trial.Status, live.Status = mine, mine, true, 200, 200
	live.At, trial.At = noon.Add(-time.Minute).Truncate(time.Microsecond), noon.Add(-time.Minute).Truncate(time.Microsecond)
	ship(t, l, false, live, trial)
	sequence(t, l)
	of := func(f ExchangeFilter) (list []bool) {
		t.Helper()
		page, err := l.ListExchanges(ctx, auth.Principal{}, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Items {
			list = append(list, e.Sandbox)
		}
		return list
	}
	if got := of(ExchangeFilter{Agency: agency}); len(got) != 1 || got[0] {
		t.Errorf("the agency's calls: %v", got)
	}
	if got := of(ExchangeFilter{Application: mine}); len(got) != 2 || got[0] == got[1] {
		t.Errorf("the owner's calls: %v", got)
	}
	usage, err := l.UsageOf(ctx, auth.Principal{}, mine, noon.Add(-time.Hour))
	if err != nil || len(usage) != 1 || usage[0].Calls != 1 {
		t.Errorf("usage: %+v, %v", usage, err)
	}
	callers, err := l.CallersOf(ctx, live.VersionID, noon.Add(-time.Hour))
	if err != nil || len(callers) != 1 {
		t.Errorf("callers: %+v, %v", callers, err)
	}
	l.May = func(context.Context, auth.Principal, string, uuid.UUID) error { return nil }
	if err := l.Erase(ctx, auth.Principal{}, trial.ID, "mã thử"); err != nil {
		t.Errorf("erased: %v", err)
	}
	if err := l.Erase(ctx, auth.Principal{}, trial.ID, "lần nữa"); !problem.Is(err, problem.NotFound) {
		t.Errorf("erased twice: %v", err)
	}
}
