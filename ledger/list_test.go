package ledger

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// reader lets mine be read by the owner and agency by its steward; who is
// neither is refused.
func reader(tx pgx.Tx, mine, agency uuid.UUID) *Ledger {
	return &Ledger{
		DB: tx, Now: func() time.Time { return noon },
		May: func(_ context.Context, _ auth.Principal, act string, of uuid.UUID) error {
			if of == agency && act == "exchange.read" {
				return nil
			}
			return problem.Errorf(problem.Forbidden, "no")
		},
		WorksOn: func(_ context.Context, _ auth.Principal, application uuid.UUID) error {
			if application == mine {
				return nil
			}
			return problem.Errorf(problem.NotFound, "no")
		},
	}
}

func TestListExchangesShowsToEachTheirs(t *testing.T) {
	t.Parallel()
	tx, ctx := sequencing(t), t.Context()
	agency, mine := uuid.New(), uuid.New()
	l := reader(tx, mine, agency)
	l.Dir, l.Origin, l.Unpack = t.TempDir(), "lgsp.example/ledger", unpackJSON
	one, two := exchange(agency), exchange(agency)
	one.ApplicationID, two.Status, two.PersonID = mine, 429, uuid.New()
	one.At, two.At = noon.Truncate(time.Microsecond), noon.Add(time.Hour).Truncate(time.Microsecond)
	ship(t, l, false, one, two, exchange(uuid.New()))
	sequence(t, l)
	for _, tt := range []struct {
		name string
		f    ExchangeFilter
		want []uuid.UUID
		kind problem.Kind
	}{
		{name: "agency's steward", f: ExchangeFilter{Agency: agency}, want: []uuid.UUID{two.ID, one.ID}},
		{name: "application's owner", f: ExchangeFilter{Application: mine}, want: []uuid.UUID{one.ID}},
		{name: "by application, within the agency", f: ExchangeFilter{Agency: agency, Application: two.ApplicationID}, want: []uuid.UUID{two.ID}},
		{name: "by version", f: ExchangeFilter{Agency: agency, Version: one.VersionID}, want: []uuid.UUID{one.ID}},
		{name: "by person", f: ExchangeFilter{Agency: agency, Person: two.PersonID}, want: []uuid.UUID{two.ID}},
		{name: "by agreement", f: ExchangeFilter{Agency: agency, Agreement: one.AgreementID}, want: []uuid.UUID{one.ID}},
		{name: "by status", f: ExchangeFilter{Agency: agency, Status: 429}, want: []uuid.UUID{two.ID}},
		{name: "by class of status", f: ExchangeFilter{Agency: agency, Status: 2}, want: []uuid.UUID{one.ID}},
		{name: "by trace", f: ExchangeFilter{Agency: agency, Trace: one.TraceID}, want: []uuid.UUID{one.ID}},
		{name: "since", f: ExchangeFilter{Agency: agency, Since: two.At}, want: []uuid.UUID{two.ID}},
		{name: "second page", f: ExchangeFilter{Agency: agency, After: two.ID.String()}, want: []uuid.UUID{one.ID}},
		{name: "whole platform", f: ExchangeFilter{}, kind: problem.Forbidden},
		{name: "another's application", f: ExchangeFilter{Application: two.ApplicationID}, kind: problem.Forbidden},
		{name: "limit too large", f: ExchangeFilter{Agency: agency, Limit: 101}, kind: problem.Invalid},
		{name: "no cursor", f: ExchangeFilter{Agency: agency, After: "x"}, kind: problem.Invalid},
	} {
		got, err := l.ListExchanges(ctx, auth.Principal{}, tt.f)
		if tt.kind != 0 {
			if !problem.Is(err, tt.kind) {
				t.Errorf("%s: got %v, want kind %d", tt.name, err, tt.kind)
			}
			continue
		}
		ids := []uuid.UUID{}
		for _, item := range got.Items {
			ids = append(ids, item.ID)
		}
		if err != nil || !reflect.DeepEqual(ids, tt.want) || got.Next != "" {
			t.Errorf("%s: got %v, %v, want %v", tt.name, ids, err, tt.want)
		}
	}
	first, err := l.ListExchanges(ctx, auth.Principal{}, ExchangeFilter{Agency: agency, Limit: 1})
	if err != nil || first.Next != two.ID.String() || !reflect.DeepEqual(first.Items[0].Exchange, two) {
		t.Errorf("first page: got %+v, %v, want %+v", first, err, two)
	}
}

func TestListActs(t *testing.T) {
	t.Parallel()
	tx, ctx := pgtest.Tx(t), t.Context()
	l := reader(tx, uuid.Nil, uuid.Nil)
	about := uuid.New()
	act := auth.Act{Who: auth.Principal{Person: uuid.New(), Name: "Lê Văn Mít"}, Verb: "agreement.approve", Agency: uuid.New(), About: about,
		Detail: map[string]any{"revision": 2}}
	l.Names = func(_ context.Context, persons []uuid.UUID) (map[uuid.UUID]string, error) {
		if len(persons) != 1 || persons[0] != act.Who.Person {
			t.Errorf("names of %v were asked", persons)
		}
		return map[uuid.UUID]string{act.Who.Person: "Lê Văn Mít, hôm nay"}, nil
	}
	if err := l.Record(ctx, tx, act); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ListActs(ctx, auth.Principal{}, ActFilter{About: about}); !problem.Is(err, problem.Forbidden) {
		t.Errorf("to anyone: got %v", err)
	}
	l.May = func(_ context.Context, _ auth.Principal, act string, of uuid.UUID) error {
		if act != "platform.read" || of != uuid.Nil {
			return problem.Errorf(problem.Forbidden, "no")
		}
		return nil
	}
	for _, f := range []ActFilter{{About: about}, {Agency: act.Agency}, {Person: act.Who.Person, Verb: act.Verb}} {
		page, err := l.ListActs(ctx, auth.Principal{}, f)
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("%+v: got %+v, %v", f, page, err)
		}
		got := page.Items[0]
		want := ActEntry{ID: got.ID, At: noon.Truncate(time.Microsecond), Verb: act.Verb, AgencyID: act.Agency, About: about,
			PersonID: act.Who.Person, Name: "Lê Văn Mít, hôm nay", Detail: map[string]any{"revision": 2.0}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestUsageOf(t *testing.T) {
	t.Parallel()
	tx, ctx := sequencing(t), t.Context()
	mine, version := uuid.New(), uuid.New()
	l := reader(tx, mine, uuid.New())
	l.Dir, l.Origin, l.Unpack = t.TempDir(), "lgsp.example/ledger", unpackJSON
	var batch []Exchange
	for i, status := range []int{200, 200, 429, 200} {
		e := exchange(uuid.New())
		e.ApplicationID, e.VersionID, e.Status, e.At = mine, version, status, noon.AddDate(0, 0, i/3)
		batch = append(batch, e)
	}
	ship(t, l, false, batch...)
	sequence(t, l)
	got, err := l.UsageOf(ctx, auth.Principal{}, mine, noon.Add(-time.Hour))
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	want := []Usage{{day.AddDate(0, 0, 1), version, "layHoSo", 1, 0}, {day, version, "layHoSo", 3, 1}}
	if err != nil || len(got) != 2 || !got[0].Day.Equal(want[0].Day) || got[0].Calls != 1 || got[1].Calls != 3 || got[1].Refused != 1 {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := l.UsageOf(ctx, auth.Principal{}, uuid.New(), noon); !problem.Is(err, problem.Forbidden) {
		t.Errorf("another's: got %v", err)
	}
}
