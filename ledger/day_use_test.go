package ledger

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// TestDaysCountEachCallOnce: by day in Vietnam, by what became of the call and
// how long it took; a call that is shipped twice counts once.
func TestDaysCountEachCallOnce(t *testing.T) {
	t.Parallel()
	l, _ := newLedger(t)
	agency, version, app, agreement := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	made := func(at time.Time, status int, micros int64) Exchange {
		e := exchange(agency)
		e.VersionID, e.ApplicationID, e.AgreementID, e.At, e.Status, e.Micros = version, app, agreement, at, status, micros
		return e
	}
	late := time.Date(2026, 11, 22, 17, 30, 0, 0, time.UTC) // the 23rd in Vietnam
	first := []Exchange{made(late, 200, 10_000), made(late, 200, 10_001), made(late.Add(-time.Hour), 404, 1)}
	second := []Exchange{first[0], made(late, 503, 9_000_000), made(late, 0, 400_000)}
	nobody := made(late, 401, 1)
	nobody.ApplicationID, nobody.AgreementID = uuid.Nil, uuid.Nil
	nowhere := made(late, 404, 1)
	nowhere.VersionID = uuid.Nil
	ship(t, l, false, first...)
	sequence(t, l)
	ship(t, l, true, append(second, nobody, nowhere)...)
	sequence(t, l)

	ctx, day := t.Context(), time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	got, err := l.ServiceDays(ctx, auth.Principal{}, agency, day.AddDate(0, 0, -1), day)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d days, error %v", len(got), err)
	}
	if before := got[0]; before.Calls != (Calls{1, 1, 0, 512}) || before.Times != (Times{1}) {
		t.Errorf("the day before: %+v", before)
	}
	if on := got[1]; on.Calls != (Calls{5, 1, 2, 5 * 512}) || on.Callers != 1 || on.Times != (Times{2, 1, 0, 0, 0, 1, 0, 0, 0, 1}) {
		t.Errorf("the day: %+v", on)
	}
	if in := got[1].Times.Within(50); in != 25 {
		t.Errorf("half were done within %d ms", in)
	}
	if in := (Times{}).Within(95); in != 0 {
		t.Errorf("none were done within %d ms", in)
	}
	l.May = func(_ context.Context, _ auth.Principal, act string, of uuid.UUID) error {
		return problem.Errorf(problem.Forbidden, "may not %s of %s", act, of)
	}
	if _, err := l.ServiceDays(ctx, auth.Principal{}, agency, day, day); !problem.Is(err, problem.Forbidden) {
		t.Errorf("for anyone: %v", err)
	}
	if _, err := l.Connections(ctx, auth.Principal{}, agency, 30, day); !problem.Is(err, problem.Forbidden) {
		t.Errorf("connections for anyone: %v", err)
	}
}

// TestConnectionsSayWhoCallsAndWhoStopped: in as many days, and in those before.
func TestConnectionsSayWhoCallsAndWhoStopped(t *testing.T) {
	t.Parallel()
	l, _ := newLedger(t)
	agency, version, stays, gone := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	var batch []Exchange
	for _, c := range []struct {
		app  uuid.UUID
		days int
	}{{stays, 0}, {stays, 29}, {stays, 30}, {gone, 59}, {gone, 60}} {
		e := exchange(agency)
		e.VersionID, e.ApplicationID, e.AgreementID, e.At = version, c.app, uuid.Nil, noon.AddDate(0, 0, -c.days)
		batch = append(batch, e)
	}
	ship(t, l, false, batch...)
	sequence(t, l)
	today := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	got, err := l.Connections(t.Context(), auth.Principal{}, agency, 30, today)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, error %v", got, err)
	}
	if c := got[0]; c.ApplicationID != stays || c.Calls.Calls != 2 || c.Before != 1 || !c.LastDay.Equal(today) {
		t.Errorf("who stays: %+v", c)
	}
	if c := got[1]; c.ApplicationID != gone || c.Calls.Calls != 0 || c.Before != 1 || !c.LastDay.Equal(today.AddDate(0, 0, -59)) {
		t.Errorf("who is gone: %+v", c)
	}
}
