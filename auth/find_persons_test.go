package auth

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

func TestPeopleAreFoundAcrossAgencies(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	agency := d.agency(t, "so-a", "H48.90")
	an, err := d.CreatePerson(ctx, operator, NewPerson{Email: "an@so-a.vn", Name: "Đỗ Thị Ân"})
	ok(t, "an", err)
	ok(t, "role", d.AddMembership(ctx, operator, an.ID, Membership{agency.ID, RoleSteward}))
	ok(t, "role on the platform", d.AddMembership(ctx, operator, an.ID, Membership{Role: RoleAuditor}))
	binh, err := d.CreatePerson(ctx, operator, NewPerson{Email: "binh@so-b.vn", Name: "Lê Bình"})
	ok(t, "binh", err)
	gone := d.person(t, "gone@x.vn")
	ok(t, "delete", d.DeletePerson(ctx, gone, "gone@x.vn"))
	for range 2 {
		_, err := d.StartSession(ctx, an.ID, ByPassword)
		ok(t, "start session", err)
	}
	ok(t, "lock", d.LockPerson(ctx, operator, binh.ID, "Đã nghỉ việc"))

	for _, tt := range []struct {
		query, state string
		want         []string
	}{
		{"", "", []string{"Đỗ Thị Ân", "Lê Bình"}},
		{"do an", "", []string{"Đỗ Thị Ân"}},
		{"ĐỖ", "", []string{"Đỗ Thị Ân"}},
		{"SO-B", "", []string{"Lê Bình"}},
		{"100%", "", nil},
		{"", PersonActive, []string{"Đỗ Thị Ân"}},
		{"", PersonOfficial, []string{"Đỗ Thị Ân"}},
		{"", PersonDisabled, []string{"Lê Bình"}},
	} {
		list, _, err := d.FindPersons(ctx, operator, PersonFilter{Query: tt.query, State: tt.state})
		ok(t, "find", err)
		var names []string
		for _, p := range list {
			names = append(names, p.Name)
		}
		if !reflect.DeepEqual(names, tt.want) {
			t.Errorf("%q, %q: got %q, want %q", tt.query, tt.state, names, tt.want)
		}
	}
	found, err := d.FoundPerson(ctx, operator, an.ID)
	ok(t, "one", err)
	if want := []Membership{{Role: RoleAuditor}, {agency.ID, RoleSteward}}; found.Sessions != 2 || found.SeenAt == nil || found.Factored() || !reflect.DeepEqual(found.Memberships, want) {
		t.Errorf("got %+v, want two sessions and %v", found, want)
	}
	_, err = d.FoundPerson(ctx, operator, gone.Person)
	want(t, "who deleted their account", err, problem.NotFound, "person-unknown")
	_, err = d.FoundPerson(ctx, Principal{Person: an.ID}, an.ID)
	want(t, "oneself", err, problem.Forbidden, "forbidden")
	_, _, err = d.FindPersons(ctx, Principal{Person: an.ID}, PersonFilter{})
	want(t, "by anyone", err, problem.Forbidden, "forbidden")
	_, _, err = d.FindPersons(ctx, operator, PersonFilter{State: "x"})
	want(t, "another state", err, problem.Invalid, "parameter-invalid")
	_, _, err = d.FindPersons(ctx, operator, PersonFilter{Page: Page{After: "x"}})
	want(t, "no cursor", err, problem.Invalid, "invalid")
}

// TestPeopleComeInPages: each once, by name, whatever comes in between.
func TestPeopleComeInPages(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	for i := range 7 {
		_, err := d.CreatePerson(ctx, operator, NewPerson{Email: fmt.Sprintf("p%d@x.vn", 9-i), Name: "Cùng Tên"})
		ok(t, "create", err)
	}
	var seen []string
	for after := ""; ; {
		list, next, err := d.FindPersons(ctx, operator, PersonFilter{Page: Page{Limit: 3, After: after}})
		ok(t, "page", err)
		for _, p := range list {
			seen = append(seen, p.Email)
		}
		if next == "" {
			break
		}
		after = next
	}
	if want := []string{"p3@x.vn", "p4@x.vn", "p5@x.vn", "p6@x.vn", "p7@x.vn", "p8@x.vn", "p9@x.vn"}; !reflect.DeepEqual(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}

func TestOperatorsActOnPeopleForAReason(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who := d.person(t, "a@x.vn")
	s, err := d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "start session", err)
	_, token, err := d.CreateToken(ctx, who, "script", time.Hour)
	ok(t, "create token", err)
	const why = "Theo đề nghị của cơ quan"
	for what, do := range map[string]func(Principal, uuid.UUID, string) error{
		"end sessions": func(by Principal, id uuid.UUID, why string) error { return d.EndSessionsOf(ctx, by, id, why) },
		"lock":         func(by Principal, id uuid.UUID, why string) error { return d.LockPerson(ctx, by, id, why) },
		"unlock":       func(by Principal, id uuid.UUID, why string) error { return d.UnlockPerson(ctx, by, id, why) },
	} {
		want(t, what+" by the person", do(who, who.Person, why), problem.Forbidden, "forbidden")
		want(t, what+" without a reason", do(operator, who.Person, " vì "), problem.Invalid, "fields-wrong")
		want(t, what+" of nobody", do(operator, uuid.New(), why), problem.NotFound, "person-unknown")
	}
	want(t, "unlock who is not locked", d.UnlockPerson(ctx, operator, who.Person, why), problem.Conflict, "person-not-locked")

	ok(t, "end sessions", d.EndSessionsOf(ctx, operator, who.Person, why))
	_, err = d.WhoBySession(ctx, s.Secret)
	want(t, "the session", err, problem.Unauthorized, "session-over")
	if _, err := d.WhoByToken(ctx, token); err != nil {
		t.Errorf("a personal token ended with the sessions: %v", err)
	}
	ok(t, "lock", d.LockPerson(ctx, operator, who.Person, why))
	want(t, "lock again", d.LockPerson(ctx, operator, who.Person, why), problem.Conflict, "person-locked")
	if act := d.acts[len(d.acts)-1]; act.Verb != "person.disable" || act.Detail["reason"] != why {
		t.Errorf("the ledger has %s with %v", act.Verb, act.Detail)
	}
	_, err = d.StartSession(ctx, who.Person, ByPassword)
	want(t, "a session of who is locked", err, problem.NotFound, "person-unknown")
	ok(t, "unlock", d.UnlockPerson(ctx, operator, who.Person, why))
	_, err = d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "sign in again", err)
	if _, err := d.WhoByToken(ctx, token); err == nil {
		t.Error("a token that ended works again")
	}
}

func TestTheLastOperatorIsNotLockedOut(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	one, other := d.person(t, "one@x.vn", Membership{Role: RoleOperator}), d.person(t, "other@x.vn", Membership{Role: RoleOperator})
	ok(t, "one of two", d.LockPerson(ctx, one, other.Person, "Đã nghỉ việc"))
	want(t, "the last", d.LockPerson(ctx, operator, one.Person, "Đã nghỉ việc"), problem.Conflict, "last-operator")
	want(t, "the last, by API", d.DisablePerson(ctx, operator, one.Person), problem.Conflict, "last-operator")
}

func TestAttentionCountsWhatWaits(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	before, err := d.Attention(ctx, operator)
	ok(t, "before", err)
	a := d.agency(t, "so-a", "H48.90")
	d.agency(t, "so-b", "H48.91")
	d.person(t, "s@x.vn", Membership{a.ID, RoleSteward})
	who := d.person(t, "dev@x.vn")
	app, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "App"})
	ok(t, "application", err)
	_, err = d.AddCredential(ctx, who, app.ID, NewCredential{Kind: APIKey, Days: 10})
	ok(t, "key", err)
	_, err = d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "session", err)
	got, err := d.Attention(ctx, operator)
	ok(t, "after", err)
	if got.Unled != before.Unled+1 || got.Agencies != before.Agencies+2 || got.People != before.People+2 || got.SignedIn != 1 || got.Ending != before.Ending+1 {
		t.Errorf("got %+v after %+v", got, before)
	}
	unled, _, err := d.FindAgencies(ctx, AgencyFilter{State: AgencyUnled})
	if err != nil || len(unled) != got.Unled {
		t.Errorf("%d agencies without a steward are listed, %d counted, error %v", len(unled), got.Unled, err)
	}
	_, err = d.Attention(ctx, who)
	want(t, "for anyone", err, problem.Forbidden, "forbidden")
}
