package ledger

import (
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestCallersOf: each pair of application and operation is told once with its
// last call, whatever the number of calls; refusals for want of a right are no
// calls, nor are those of nobody, of long ago, or of another version.
func TestCallersOf(t *testing.T) {
	t.Parallel()
	tx, ctx := sequencing(t), t.Context()
	l := reader(tx, uuid.Nil, uuid.Nil)
	l.Dir, l.Origin, l.Unpack = t.TempDir(), "lgsp.example/ledger", unpackJSON
	version, a, b := uuid.New(), uuid.New(), uuid.New()
	var all []Exchange
	call := func(application uuid.UUID, operation string, status int, ago time.Duration) {
		e := exchange(uuid.New())
		e.VersionID, e.ApplicationID, e.Operation, e.Status, e.At = version, application, operation, status, noon.Add(-ago).Truncate(time.Microsecond)
		all = append(all, e)
	}
	for i := range 20 {
		call(a, "xem", 200, time.Duration(i+2)*time.Hour)
	}
	call(a, "tim", 404, 30*time.Hour)
	call(b, "xem", 200, 89*24*time.Hour)
	call(b, "tim", 200, 91*24*time.Hour)
	call(b, "gui", 403, time.Hour)
	call(uuid.Nil, "xem", 200, time.Hour)
	all = append(all, exchange(uuid.New()))
	ship(t, l, false, all...)
	sequence(t, l)
	got, err := l.CallersOf(ctx, version, noon.AddDate(0, 0, -90))
	want := []Caller{{a, "xem", noon.Add(-2 * time.Hour)}, {a, "tim", noon.Add(-30 * time.Hour)}, {b, "xem", noon.Add(-89 * 24 * time.Hour)}}
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for i, c := range got {
		if c.ApplicationID != want[i].ApplicationID || c.Operation != want[i].Operation || !c.LastAt.Equal(want[i].LastAt.Truncate(time.Microsecond)) {
			t.Errorf("%d: got %+v, want %+v", i, c, want[i])
		}
	}
}
