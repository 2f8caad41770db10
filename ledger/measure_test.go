package ledger

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestMeasured: what a call tells of its service, by what became of it.
func TestMeasured(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                string
		code, outcome       string
		status              int
		change              func(*Exchange)
		counts, failed, own bool
	}{
		{name: "answered", outcome: "complete", status: 200, counts: true},
		{name: "the service knows no such record", outcome: "complete", status: 404, counts: true},
		{name: "the same, told in our words", code: "upstream-not-found", outcome: "refused", status: 404, counts: true},
		{name: "the service failed", outcome: "complete", status: 500, counts: true, failed: true},
		{name: "it took too long", code: "upstream-timeout", outcome: "refused", status: 504, counts: true, failed: true},
		{name: "its circuit is open", code: "upstream-down", outcome: "refused", status: 503, counts: true, failed: true},
		{name: "its queue is full", code: "queue-full", outcome: "refused", status: 503, counts: true, failed: true},
		{name: "what it answered may not leave", code: "answer-not-projectable", outcome: "refused", status: 502, counts: true, failed: true},
		{name: "it broke off", code: "upstream-broken", outcome: "refused", status: 200, counts: true, failed: true},
		{name: "no evidence can be kept", code: "evidence-unavailable", outcome: "refused", status: 503, counts: true, failed: true, own: true},
		{name: "the node lost touch", code: "config-stale", outcome: "refused", status: 503, counts: true, failed: true, own: true},
		{name: "the node stopped in between", outcome: "unknown", counts: true, failed: true, own: true},
		{name: "no key", code: "no-credential", outcome: "refused", status: 401},
		{name: "over the limit", code: "rate-exceeded", outcome: "refused", status: 429},
		{name: "a request that does not fit", code: "request-not-as-described", outcome: "refused", status: 400},
		{name: "only what is stored, and nothing is", code: "not-cached", outcome: "refused", status: 504},
		{name: "in a circle", code: "call-loop", outcome: "refused", status: 508},
		{name: "the caller left", outcome: "complete", status: 499},
		{name: "the caller left in the middle", outcome: "broken", status: 200},
		{name: "a browser asks what it may send", outcome: "complete", status: 204, change: func(e *Exchange) { e.Operation = "" }},
		{name: "a sandbox", outcome: "complete", status: 500, change: func(e *Exchange) { e.Sandbox = true }},
		{name: "nothing is served there", code: "no-such-operation", outcome: "refused", status: 404, change: func(e *Exchange) { e.VersionID = uuid.Nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := Exchange{AgencyID: uuid.New(), VersionID: uuid.New(), Operation: "xem", Code: tt.code, Outcome: tt.outcome, Status: tt.status}
			if tt.change != nil {
				tt.change(&e)
			}
			if counts, failed, own := e.Measured(); counts != tt.counts || failed != tt.failed || own != tt.own {
				t.Errorf("got %v, %v, %v", counts, failed, own)
			}
		})
	}
}

// TestLatenciesAreNearlyTrue: what is read off the steps is never less than what
// was measured, and at most 19 % and a millisecond more.
func TestLatenciesAreNearlyTrue(t *testing.T) {
	t.Parallel()
	for micros := int64(1); micros <= 65_536_000; micros += 1 + micros/37 {
		var l Latencies
		l[latencyStep(micros)]++
		if got, true_ := float64(l.Within(95)), float64(micros)/1000; got < true_ || got > 1.1893*true_+1 {
			t.Fatalf("%v ms are told as %v", true_, got)
		}
	}
	var l Latencies
	if l.Within(95) != 0 {
		t.Errorf("of nothing: %d", l.Within(95))
	}
	if l[latencyStep(100_000_000)]++; l.Within(50) != 65536 {
		t.Errorf("of a call that took longer than all steps: %d", l.Within(50))
	}
	l[latencyStep(10_000)] += 98
	l[latencyStep(500_000)]++
	if l.Within(50) != 12 || l.Within(99) != 512 {
		t.Errorf("got %d and %d", l.Within(50), l.Within(99))
	}
}

// TestDaysAreMeasuredOnce: by day in Vietnam; a call that is shipped twice counts
// once, and a day without a call is not there.
func TestDaysAreMeasuredOnce(t *testing.T) {
	t.Parallel()
	l, _ := newLedger(t)
	agency, version := uuid.New(), uuid.New()
	made := func(at time.Time, status int, code string, micros int64) Exchange {
		e := exchange(agency)
		e.VersionID, e.At, e.Status, e.Code, e.Outcome, e.Micros = version, at, status, code, "complete", micros
		return e
	}
	late := time.Date(2026, 11, 22, 17, 30, 0, 0, time.UTC) // the 23rd in Vietnam
	first := []Exchange{made(late, 200, "", 10_000), made(late, 404, "", 2_000), made(late.Add(-time.Hour), 200, "", 1), made(late, 401, "no-credential", 1)}
	ship(t, l, false, first...)
	sequence(t, l)
	ship(t, l, true, first[0], made(late, 503, "upstream-down", 9_000), made(late, 503, "evidence-unavailable", 9_000))
	sequence(t, l)

	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	got, err := l.Measures(t.Context(), []uuid.UUID{version, uuid.New()}, day.AddDate(0, 0, -1), day)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d days, error %v", len(got), err)
	}
	on := Measure{Answered: 2, Failed: 2, Own: 1}
	on.Times[4], on.Times[14] = 1, 1 // up to 2 ms, up to 11.3 ms
	if got[1].Measure != on || !got[1].Day.Equal(day) || got[1].VersionID != version {
		t.Errorf("the day: %+v", got[1])
	}
	if share, known := on.Availability(); share != 5000 || !known {
		t.Errorf("availability %d, %v", share, known)
	}
	sum := got[0].Plus(got[1].Measure)
	if share, _ := sum.Availability(); sum.Calls() != 5 || share != 6000 || sum.Times.Within(95) != 12 {
		t.Errorf("of both days: %+v", sum)
	}
	if _, known := (Measure{}).Availability(); known {
		t.Error("a day without a call has an availability")
	}
}

// TestRecordedCallsWereMeasuredAlike: the migration that began the measuring
// reads off the entries what is counted now when they are numbered.
func TestRecordedCallsWereMeasuredAlike(t *testing.T) {
	t.Parallel()
	l, _ := newLedger(t)
	agency, versions := uuid.New(), []uuid.UUID{uuid.New(), uuid.New()}
	var list []Exchange
	for i, c := range []struct {
		status        int
		code, outcome string
		micros        int64
	}{
		{200, "", "complete", 1}, {200, "", "complete", 1000}, {200, "", "complete", 1001}, {404, "upstream-not-found", "refused", 45_200}, {200, "", "complete", 45_300},
		{500, "", "complete", 2}, {200, "upstream-broken", "refused", 2}, {503, "queue-full", "refused", 2}, {503, "config-stale", "refused", 2}, {0, "", "unknown", 0},
		{200, "", "complete", 90_000_000}, {499, "", "complete", 1}, {200, "", "broken", 1}, {401, "no-credential", "refused", 1}, {504, "not-cached", "refused", 1}, {508, "call-loop", "refused", 1},
	} {
		e := exchange(agency)
		e.VersionID, e.At, e.Status, e.Code, e.Outcome, e.Micros = versions[0], noon, c.status, c.code, c.outcome, c.micros
		if i == 9 {
			e.VersionID = versions[1] // nothing but failures
		}
		list = append(list, e)
	}
	ship(t, l, false, list...)
	sequence(t, l)
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	read := func() []DayMeasure {
		t.Helper()
		got, err := l.Measures(t.Context(), versions, day.AddDate(0, 0, -1), day)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := read()
	text, err := os.ReadFile("../migrations/00171_ledger_day_measure.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, begun, _ := strings.Cut(string(text), "insert into")
	fill, _, _ := strings.Cut(begun, ";")
	if _, err = l.DB.Exec(t.Context(), `delete from ledger.day_measure`); err == nil {
		_, err = l.DB.Exec(t.Context(), "insert into"+fill)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := read(); len(want) != 2 || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
