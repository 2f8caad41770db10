package notice

import (
	"context"
	"errors"
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

// monday is 15:00 of a Monday in the province.
var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// house is an agency with a publisher, a steward, one who is both, and the
// platform's operator.
type house struct {
	*Notices
	agency uuid.UUID
	people map[string]uuid.UUID
	asked  []string // jobs, as "kind"
	acts   []auth.Act
	away   error // what asking for work fails with
}

func newHouse(t *testing.T, db pg.DB) *house {
	t.Helper()
	h := &house{people: map[string]uuid.UUID{}}
	may := func(_ context.Context, who auth.Principal, act string, agency uuid.UUID) error {
		if act == "member.edit" && who.Has(auth.RoleSteward, agency) {
			return nil
		}
		return problem.Errorf(problem.Forbidden, "may not %s", act)
	}
	var lock sync.Mutex
	people := &auth.Auth{DB: db, Now: func() time.Time { return monday }, May: func(context.Context, auth.Principal, string, uuid.UUID) error { return nil },
		Record: func(context.Context, pgx.Tx, auth.Act) error { return nil }}
	h.Notices = &Notices{DB: db, Now: people.Now, Holders: people.Holders, Persons: people.Persons, Memberships: people.Memberships, May: may,
		Delegates: func(context.Context, uuid.UUID) ([]uuid.UUID, error) { return []uuid.UUID{h.people["deputy"]}, nil },
		Ask: func(_ context.Context, _ pgx.Tx, job string, _ any) error {
			lock.Lock()
			defer lock.Unlock()
			h.asked = append(h.asked, job)
			return h.away
		},
		Record: func(_ context.Context, _ pgx.Tx, act auth.Act) error {
			lock.Lock()
			defer lock.Unlock()
			h.acts = append(h.acts, act)
			return nil
		}}
	ctx := t.Context()
	agency, err := people.CreateAgency(ctx, auth.Platform("test"), auth.Agency{Slug: "so-a", Code: "H48.11", NameVI: "Sở A", NameEN: "A", ValidFrom: monday})
	if err != nil {
		t.Fatal(err)
	}
	h.agency = agency.ID
	for _, made := range []struct { // in one order, so that tests wait for each other and not in a ring
		name  string
		roles []string
	}{{"publisher", []string{auth.RolePublisher}}, {"steward", []string{auth.RoleSteward}}, {"both", []string{auth.RolePublisher, auth.RoleSteward}},
		{"operator", []string{auth.RoleOperator}}, {"citizen", nil}, {"deputy", nil}} {
		name, roles := made.name, made.roles
		person, err := people.CreatePerson(ctx, auth.Platform("test"), auth.NewPerson{Email: name + "@example.vn", Name: name, Locale: "vi"})
		if err != nil {
			t.Fatal(err)
		}
		h.people[name] = person.ID
		for _, role := range roles {
			m := auth.Membership{Agency: h.agency, Role: role}
			if role == auth.RoleOperator {
				m.Agency = uuid.Nil
			}
			if err := people.AddMembership(ctx, auth.Platform("test"), person.ID, m); err != nil {
				t.Fatal(err)
			}
		}
	}
	return h
}

// as is a person with their roles.
func (h *house) as(t *testing.T, name string) auth.Principal {
	t.Helper()
	roles, err := h.Memberships(t.Context(), h.people[name])
	if err != nil {
		t.Fatal(err)
	}
	return auth.Principal{Person: h.people[name], Name: name, Memberships: roles}
}

// tell delivers a new event of a kind to the agency, and gives "who how" of
// those who were told.
func (h *house) tell(t *testing.T, e Event) []string {
	t.Helper()
	e.ID, e.What, e.Body = uuid.Must(uuid.NewV7()), "x", []byte(`{}`)
	if err := h.Deliver(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	type row struct {
		PersonID uuid.UUID
		Mail     string
	}
	rows, err := pg.All[row](t.Context(), h.DB, `select person_id, mail from portal.notice where event = $1`, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	told := []string{}
	for _, r := range rows {
		for name, id := range h.people {
			if id == r.PersonID {
				told = append(told, name+" "+r.Mail)
			}
		}
	}
	slices.Sort(told)
	return told
}

// TestWhoHears: by the kind, the agency's word for a role, and one's own word;
// what is owed comes at once, and somebody always hears.
func TestWhoHears(t *testing.T) {
	t.Parallel()
	h := newHouse(t, pgtest.Tx(t))
	ctx, agency, platform := t.Context(), &h.agency, &uuid.Nil
	steward := h.as(t, "steward")
	hears := func(name string, e Event, want ...string) {
		t.Helper()
		if got := h.tell(t, e); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	hears("by the kind", Event{Kind: Question, Agency: agency}, "both now", "publisher now", "steward now")
	hears("stewards and who decides in their place", Event{Kind: Request, Agency: agency}, "both now", "deputy now", "steward now")
	hears("publishers", Event{Kind: Links, Agency: agency}, "both now", "publisher now")
	hears("and stewards, later", Event{Kind: Links, Agency: agency, Also: []string{auth.RoleSteward}}, "both now", "publisher now", "steward now")
	hears("operators", Event{Kind: DataAsked, Agency: platform}, "operator now")
	hears("one person", Event{Kind: Answer, People: []uuid.UUID{h.people["citizen"]}}, "citizen now")
	said := []RoleMail{{auth.RolePublisher, Question, Weekly}, {auth.RoleSteward, Question, None}, {auth.RolePublisher, Request, Daily}, {auth.RolePublisher, Overdue, Now}}
	if err := h.SetRoles(ctx, steward, h.agency, said); err != nil {
		t.Fatal(err)
	}
	hears("as the agency says", Event{Kind: Question, Agency: agency}, "both weekly", "publisher weekly")
	hears("the stronger of two roles", Event{Kind: Request, Agency: agency}, "both now", "deputy now", "publisher daily", "steward now")
	hears("one role more of what is owed", Event{Kind: Overdue, Agency: agency}, "both now", "publisher now", "steward now")
	if err := h.Choose(ctx, h.as(t, "publisher"), map[string]string{Question: Off, Request: Now}); err != nil {
		t.Fatal(err)
	}
	hears("as one says oneself", Event{Kind: Question, Agency: agency}, "both weekly", "publisher off")
	hears("more than the role", Event{Kind: Request, Agency: agency}, "both now", "deputy now", "publisher now", "steward now")
	if _, err := h.DB.Exec(ctx, `insert into portal.notice_choice (person_id, kind, mail) values ($1, 'security', 'off')`, h.people["citizen"]); err != nil {
		t.Fatal(err)
	}
	hears("what is owed, whatever was said", Event{Kind: Security, People: []uuid.UUID{h.people["citizen"]}}, "citizen now")
	if _, err := h.DB.Exec(ctx, `update auth.person set disabled_at = now() where id = $1`, h.people["publisher"]); err != nil {
		t.Fatal(err)
	}
	hears("no account that is disabled", Event{Kind: Question, Agency: agency}, "both weekly")
	hears("nobody", Event{Kind: Answer, People: []uuid.UUID{h.people["publisher"], uuid.New()}})
	if _, err := h.DB.Exec(ctx, `delete from auth.membership where role = 'publisher'`); err != nil {
		t.Fatal(err)
	}
	hears("stewards where there is no publisher", Event{Kind: Duties, Agency: agency}, "both now", "steward now")
	if _, err := h.DB.Exec(ctx, `delete from auth.membership where role = 'steward'`); err != nil {
		t.Fatal(err)
	}
	hears("operators where there is no steward", Event{Kind: Duties, Agency: agency}, "operator now")
	if err := h.Deliver(ctx, Event{ID: uuid.New(), Kind: "weather"}); err == nil {
		t.Error("a kind that there is not was delivered")
	}
}

// TestAnEventIsToldOnce however often it is delivered, and by how many at once;
// one whose letters could not be asked for is told whole, later.
func TestAnEventIsToldOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, pgtest.New(t))
	ctx := t.Context()
	e := Event{ID: uuid.Must(uuid.NewV7()), Kind: Question, What: "x", Body: []byte(`{}`), Agency: &h.agency}
	h.away = errors.New("no work is taken")
	if err := h.Deliver(ctx, e); err == nil {
		t.Fatal("delivered without its letters")
	}
	h.away, h.asked = nil, nil
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := h.Deliver(context.WithoutCancel(ctx), e); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var n int
	if err := h.DB.QueryRow(ctx, `select count(*) from portal.notice`).Scan(&n); err != nil || n != 3 || len(h.asked) != 3 {
		t.Errorf("%d notices, %d letters, %v; want three each", n, len(h.asked), err)
	}
}

func TestSettingsAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, pgtest.Tx(t))
	ctx, steward, citizen := t.Context(), h.as(t, "steward"), h.as(t, "citizen")
	set := func(list ...RoleMail) error { return h.SetRoles(ctx, steward, h.agency, list) }
	for name, tt := range map[string]struct {
		err  error
		code string
	}{
		"nobody chooses":            {h.Choose(ctx, auth.Principal{}, map[string]string{Answer: Off}), "sign-in-first"},
		"a kind that there is not":  {h.Choose(ctx, citizen, map[string]string{"weather": Off}), "notice-choice"},
		"a way that there is not":   {h.Choose(ctx, citizen, map[string]string{Answer: "hourly"}), "notice-choice"},
		"a role's way":              {h.Choose(ctx, citizen, map[string]string{Answer: None}), "notice-choice"},
		"security":                  {h.Choose(ctx, citizen, map[string]string{Security: Off}), "notice-owed"},
		"what is chosen elsewhere":  {h.Choose(ctx, citizen, map[string]string{News: Off}), "notice-owed"},
		"a link for security":       {h.Unsubscribe(ctx, citizen.Person, Security), "unsubscribe-unknown"},
		"a link for nothing":        {h.Unsubscribe(ctx, citizen.Person, ""), "unsubscribe-unknown"},
		"who may not edit members":  {h.SetRoles(ctx, citizen, h.agency, nil), "policy"},
		"a role's unknown kind":     {set(RoleMail{auth.RoleSteward, "weather", Now}), "notice-choice"},
		"a kind that no role hears": {set(RoleMail{auth.RoleSteward, Answer, Now}), "notice-choice"},
		"another role":              {set(RoleMail{auth.RoleOperator, Request, Now}), "notice-choice"},
		"what is owed, later":       {set(RoleMail{auth.RoleSteward, Overdue, Daily}), "notice-owed"},
		"what is owed, never":       {set(RoleMail{auth.RoleSteward, Overdue, None}), "notice-owed"},
		"told to nobody":            {set(RoleMail{auth.RoleSteward, Request, None}), "notice-nobody"},
	} {
		if got := problem.Code(tt.err); got != tt.code && !(tt.code == "policy" && problem.Is(tt.err, problem.Forbidden)) {
			t.Errorf("%s: got %v, want %s", name, tt.err, tt.code)
		}
	}
	if len(h.acts) != 0 {
		t.Errorf("the ledger has %+v", h.acts)
	}
	for range 2 { // the second changes nothing
		if err := set(RoleMail{auth.RolePublisher, Request, Daily}); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.acts) != 1 || h.acts[0].Verb != "agency.notices" || h.acts[0].Agency != h.agency {
		t.Errorf("the ledger has %+v, want one act", h.acts)
	}
}

// TestTwoStewardsSilenceNoKind: each takes it from another role at the same time.
func TestTwoStewardsSilenceNoKind(t *testing.T) {
	t.Parallel()
	h := newHouse(t, pgtest.New(t))
	who := h.as(t, "both")
	var failed [2]error
	var all sync.WaitGroup
	for i, role := range Roles {
		all.Go(func() {
			failed[i] = h.SetRoles(context.WithoutCancel(t.Context()), who, h.agency, []RoleMail{{role, Question, None}})
		})
	}
	all.Wait()
	if (failed[0] == nil) == (failed[1] == nil) || problem.Code(errors.Join(failed[:]...)) != "" && problem.Code(failed[0]) != "notice-nobody" && problem.Code(failed[1]) != "notice-nobody" {
		t.Errorf("got %v and %v, want one to be refused", failed[0], failed[1])
	}
	if told := h.tell(t, Event{Kind: Question, Agency: &h.agency}); len(told) != 2 {
		t.Errorf("told %q", told)
	}
}

// TestLastBundle: letters that gather leave at seven in the morning there, the
// weekly ones on Mondays.
func TestLastBundle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ now, daily, weekly string }{
		{"2026-11-23T08:00:00Z", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z"}, // Monday afternoon
		{"2026-11-22T23:59:59Z", "2026-11-22T00:00:00Z", "2026-11-16T00:00:00Z"}, // Monday, a second before
		{"2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z"}, // Monday at seven
		{"2027-01-01T16:00:00Z", "2027-01-01T00:00:00Z", "2026-12-28T00:00:00Z"}, // over the year's end
		{"2028-02-29T17:00:00Z", "2028-02-29T00:00:00Z", "2028-02-28T00:00:00Z"}, // past midnight there, of a leap day
	} {
		now, err := time.Parse(time.RFC3339, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		if daily, weekly := lastBundle(Daily, now).Format(time.RFC3339), lastBundle(Weekly, now).Format(time.RFC3339); daily != tt.daily || weekly != tt.weekly {
			t.Errorf("at %s: got %s and %s, want %s and %s", tt.now, daily, weekly, tt.daily, tt.weekly)
		}
	}
}

// TestNoticesGo with the account of their person, and after half a year.
func TestNoticesGo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, pgtest.Tx(t))
	ctx := t.Context()
	count := func() string {
		t.Helper()
		var text string
		if err := h.DB.QueryRow(ctx, `select string_agg(p.name, ' ' order by p.name) from portal.notice n join auth.person p on p.id = n.person_id`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	h.tell(t, Event{Kind: Question, Agency: &h.agency})
	if err := pgx.BeginFunc(ctx, h.DB, func(tx pgx.Tx) error { return ForgetPerson(ctx, tx, h.people["both"]) }); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != "publisher steward" {
		t.Errorf("after one is forgotten: %s", got)
	}
	h.Now = func() time.Time { return monday.Add(Kept - time.Second) }
	h.tell(t, Event{Kind: Answer, People: []uuid.UUID{h.people["citizen"]}})
	for _, after := range []struct {
		at   time.Duration
		want string
	}{{Kept - time.Second, "citizen publisher steward"}, {Kept + time.Second, "citizen"}} {
		h.Now = func() time.Time { return monday.Add(after.at) }
		if err := h.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if got := count(); got != after.want {
			t.Errorf("after %s: %s", after.at, got)
		}
	}
}

// TestUnreadIsCountedByOneIndex: a page has one cheap query for its bell.
func TestUnreadIsCountedByOneIndex(t *testing.T) {
	t.Parallel()
	h := newHouse(t, pgtest.Tx(t))
	ctx := t.Context()
	if _, err := h.DB.Exec(ctx, `
insert into portal.notice (id, person_id, event, kind, what, body, created_at, read_at, mail)
select gen_random_uuid(), p.id, gen_random_uuid(), 'answer', 'x', '{}', now(), case when n % 10 > 0 then now() end, 'off'
  from auth.person p, generate_series(1, 2000) n`); err != nil {
		t.Fatal(err)
	}
	if _, err := h.DB.Exec(ctx, `analyze portal.notice`); err != nil {
		t.Fatal(err)
	}
	rows, err := h.DB.Query(ctx, `explain `+unreadSQL, h.people["citizen"])
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || !strings.Contains(strings.Join(plan, "\n"), "notice_unread") || strings.Contains(strings.Join(plan, "\n"), "Seq Scan") {
		t.Errorf("%v\n%s", err, strings.Join(plan, "\n"))
	}
	if n, err := h.Unread(ctx, h.as(t, "citizen")); err != nil || n != 100 {
		t.Errorf("counted %d, %v; want 100, which is that many or more", n, err)
	}
}
