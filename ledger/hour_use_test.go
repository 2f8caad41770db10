package ledger

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// TestHoursCountTheLastDay: this hour and the 23 before it, each call once, by
// what became of it; what is older is neither counted nor kept.
func TestHoursCountTheLastDay(t *testing.T) {
	t.Parallel()
	l, db := newLedger(t)
	now := time.Date(2026, 11, 23, 5, 30, 0, 0, time.UTC)
	l.Now = func() time.Time { return now }
	agency, version := uuid.New(), uuid.New()
	made := func(at time.Time, status int) Exchange {
		e := exchange(agency)
		e.VersionID, e.At, e.Status = version, at, status
		return e
	}
	list := []Exchange{made(now, 200), made(now, 404), made(now.Add(-time.Hour), 503), made(now.Add(-time.Hour), 0),
		made(now.Add(-23*time.Hour), 200), made(now.Add(-24*time.Hour), 200), made(now.Add(-49*time.Hour), 200)}
	ship(t, l, false, list...)
	sequence(t, l)
	ship(t, l, true, list[0])
	sequence(t, l)
	got, err := l.LastDay(t.Context(), auth.Principal{})
	if want := (VersionCalls{version, agency, 5, 1, 2}); err != nil || len(got) != 1 || got[0] != want {
		t.Fatalf("%+v, error %v; want %+v", got, err, want)
	}
	now = now.Add(3 * 24 * time.Hour)
	ship(t, l, false, made(now, 200))
	sequence(t, l)
	var hours int
	if err := db.QueryRow(t.Context(), `select count(*) from ledger.hour_use`).Scan(&hours); err != nil || hours != 1 {
		t.Errorf("%d hours are kept, error %v; want the last one", hours, err)
	}
	l.May = func(_ context.Context, _ auth.Principal, act string, of uuid.UUID) error {
		return problem.Errorf(problem.Forbidden, "may not %s of %s", act, of)
	}
	if _, err := l.LastDay(t.Context(), auth.Principal{}); !problem.Is(err, problem.Forbidden) {
		t.Errorf("for anyone: %v", err)
	}
}
