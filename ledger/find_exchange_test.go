package ledger

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// TestFindExchanges: a call is found by each of its ids, by those who may see
// it; to others it is as if it were not there.
func TestFindExchanges(t *testing.T) {
	t.Parallel()
	tx, ctx := sequencing(t), t.Context()
	agency, mine := uuid.New(), uuid.New()
	l := reader(tx, mine, agency)
	l.Dir, l.Origin, l.Unpack = t.TempDir(), "lgsp.example/ledger", unpackJSON
	l.RequestRef = func(id string) string { return "ref of " + id }
	ours, own, twice, foreign, nowhere := exchange(agency), exchange(uuid.New()), exchange(agency), exchange(uuid.New()), exchange(uuid.Nil)
	own.ApplicationID = mine
	nowhere.ApplicationID = uuid.Nil
	ours.RequestRef, twice.RequestRef, foreign.RequestRef = "ref of abc", "ref of abc", "ref of abc"
	ship(t, l, false, ours, own, twice, foreign, nowhere)
	sequence(t, l)
	for _, tt := range []struct {
		name, id string
		want     []uuid.UUID
	}{
		{"by its own id", ours.ID.String(), []uuid.UUID{ours.ID}},
		{"by its trace", ours.TraceID, []uuid.UUID{ours.ID}},
		{"by the id the caller chose, those that may be seen", "abc", []uuid.UUID{twice.ID, ours.ID}},
		{"the owner of the application", own.TraceID, []uuid.UUID{own.ID}},
		{"another agency's", foreign.TraceID, nil},
		{"of no agency and no application", nowhere.TraceID, nil},
		{"the reference itself is no id", "ref of abc", nil},
		{"nobody's", "0123", nil},
		{"empty", "", nil},
		{"too long", strings.Repeat("a", 65), nil},
	} {
		list, err := l.FindExchanges(ctx, auth.Principal{}, tt.id)
		if tt.want == nil {
			if !problem.Is(err, problem.NotFound) || problem.Code(err) != "call-unknown" {
				t.Errorf("%s: got %d calls, %v, want call-unknown", tt.name, len(list), err)
			}
			continue
		}
		var got []uuid.UUID
		for _, e := range list {
			got = append(got, e.ID)
		}
		if err != nil || len(got) != len(tt.want) || got[0] != tt.want[0] || got[len(got)-1] != tt.want[len(got)-1] {
			t.Errorf("%s: got %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
	if e, err := l.Exchange(ctx, auth.Principal{}, own.ID); err != nil || e.ID != own.ID || e.Operation != own.Operation {
		t.Errorf("one call: got %+v, %v", e, err)
	}
}

// TestCalled: calls are counted by application and operation, by quarter of an
// hour where it is asked for, since then and without what was refused for want
// of a right; the last of them says how it was made.
func TestCalled(t *testing.T) {
	t.Parallel()
	tx, ctx := sequencing(t), t.Context()
	l := reader(tx, uuid.Nil, uuid.Nil)
	l.Dir, l.Origin, l.Unpack = t.TempDir(), "lgsp.example/ledger", unpackJSON
	version, a, b, agreement := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	var all []Exchange
	call := func(application uuid.UUID, operation, credential string, status int, ago time.Duration) {
		e := exchange(uuid.New())
		e.VersionID, e.ApplicationID, e.Operation, e.Status, e.Credential = version, application, operation, status, credential
		e.At, e.AgreementID = noon.Add(-ago), agreement
		e.ID = firstID(e.At)
		e.ID[15] = byte(len(all) + 1)
		all = append(all, e)
	}
	for day := range 40 { // 30 of them count
		call(a, "xem", "api_key", 200, time.Duration(day)*24*time.Hour+time.Minute)
	}
	call(a, "xem", "token", 200, 30*time.Second)
	call(a, "tim", "token", 403, time.Minute)
	call(uuid.Nil, "xem", "none", 200, time.Minute)
	all[40].PersonID = uuid.New()
	b1 := exchange(uuid.New())
	b1.ID, b1.At, b1.VersionID, b1.ApplicationID, b1.Operation, b1.Credential = firstID(noon.Add(-time.Hour)), noon.Add(-time.Hour), version, b, "xem", ""
	ship(t, l, false, append(all, b1)...)
	sequence(t, l)
	since := noon.AddDate(0, 0, -30)
	find := func(list []Called, application uuid.UUID, at int) Called {
		for _, c := range list {
			if c.ApplicationID != application {
				continue
			}
			if at == 0 {
				return c
			}
			at--
		}
		return Called{}
	}
	together, err := l.CalledOf(ctx, version, since, Together)
	if got := find(together, a, 0); err != nil || len(together) != 2 || got.Calls != 31 || got.Credential != "token" || got.Operation != "xem" || !got.Person || got.Purpose != "tthc" {
		t.Errorf("together: got %+v, %v", together, err)
	}
	if got := find(together, b, 0); got.Calls != 1 || got.Person || got.Credential != "" {
		t.Errorf("of the other: got %+v", got)
	}
	quarters, err := l.CalledOf(ctx, version, since, ByQuarter)
	sum := 0
	for _, c := range quarters {
		if c.ApplicationID == a {
			sum += c.Calls
		}
	}
	if err != nil || len(quarters) != 8 || sum != 31 { // seven days of the week, and the other's
		t.Errorf("by quarter: got %d rows with %d calls, %v", len(quarters), sum, err)
	}
	under, err := l.CalledUnder(ctx, agreement, since)
	if err != nil || len(under) != 1 || under[0].Calls != 31 || under[0].ApplicationID != a || under[0].Credential != "token" {
		t.Errorf("under the agreement: got %+v, %v", under, err)
	}
}
