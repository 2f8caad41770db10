package auth

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// invited sends the letters that wait and gives the token of the last.
func (d *desk) invited(t *testing.T) string {
	t.Helper()
	token := ""
	for {
		l, err := d.NextLetter(t.Context())
		ok(t, "next letter", err)
		if l == nil {
			return token
		}
		if l.Kind != LetterInvitation || l.Invites == nil {
			t.Fatalf("a letter of another kind: %+v", l)
		}
		token = l.Token
		ok(t, "sent", d.LetterSent(t.Context(), l.ID))
	}
}

func TestInvitationOfAnOfficial(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	a := d.agency(t, "so-a", "H1")
	steward := d.person(t, "steward@x.vn", Membership{a.ID, RoleSteward})
	i, err := d.Invite(ctx, steward, NewInvitation{Agency: a.ID, Role: RolePublisher, Email: " An@X.vn ", Name: "Nguyễn  An"})
	if err != nil || i.Email != "an@x.vn" || i.Name != "Nguyễn An" || i.State != InvitationWaiting || *i.InvitedBy != steward.Person {
		t.Fatalf("invite: got %+v, %v", i, err)
	}
	d.told(t, "invitation.create", "an@x.vn", "Nguyễn An")
	token := d.invited(t)
	_, err = d.SendInvitation(ctx, steward, i.ID)
	want(t, "again at once", err, problem.TooMany, "invitation-just-sent")
	d.now = d.now.Add(8 * 24 * time.Hour)
	_, _, err = d.Invited(ctx, token)
	want(t, "a link that is too old", err, problem.NotFound, "invitation-link-unknown")
	if list, err := d.Invitations(ctx, steward, a.ID); err != nil || len(list) != 1 || list[0].State != InvitationExpired {
		t.Errorf("an invitation that is too old: got %+v, %v", list, err)
	}
	_, err = d.SendInvitation(ctx, steward, i.ID)
	ok(t, "again", err)
	d.told(t, "invitation.send")
	second := d.invited(t)
	if _, _, err := d.Invited(ctx, token); second == token || !problem.Is(err, problem.NotFound) {
		t.Errorf("the first link lives on: %v", err)
	}
	if got, known, err := d.Invited(ctx, second); err != nil || known || got.Role != RolePublisher || *got.AgencyID != a.ID {
		t.Errorf("the link: got %+v, %t, %v", got, known, err)
	}
	_, err = d.AcceptInvitation(ctx, second, "123")
	if fields(err)["password"] != "password-short" {
		t.Errorf("a password that is too short: got %v", err)
	}
	p, err := d.AcceptInvitation(ctx, second, goodPassword)
	ok(t, "accept", err)
	d.told(t, "invitation.accept", second, goodPassword)
	if roles, err := d.Memberships(ctx, p.ID); err != nil || len(roles) != 1 || roles[0] != (Membership{a.ID, RolePublisher}) {
		t.Errorf("roles: got %v, %v", roles, err)
	}
	if proved, err := d.EmailProved(ctx, p.ID); err != nil || !proved {
		t.Errorf("the address is not proved: %v", err)
	}
	who, err := d.WhoByProof(ctx, p.ID, AAL1)
	if err != nil || who.Needs != AAL2 || len(who.Memberships) != 0 {
		t.Errorf("with one factor: got %+v, %v, want no role before the second", who, err)
	}
	_, err = d.AcceptInvitation(ctx, second, goodPassword)
	want(t, "twice", err, problem.NotFound, "invitation-link-unknown")

	// Who has an account needs no password.
	known := d.person(t, "binh@x.vn")
	_, err = d.Invite(ctx, operator, NewInvitation{Role: RoleAuditor, Email: "binh@x.vn", Name: "Bình", Locale: "en"})
	ok(t, "invite to the platform", err)
	p, err = d.AcceptInvitation(ctx, d.invited(t), "")
	if roles, _ := d.Memberships(ctx, known.Person); err != nil || p.ID != known.Person || len(roles) != 1 || roles[0].Role != RoleAuditor {
		t.Errorf("who is known: got %v, %v, %v", p, roles, err)
	}
}

func TestInvitationRefuses(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	mine, other := d.agency(t, "mine", "H1"), d.agency(t, "other", "H2")
	steward := d.person(t, "steward@x.vn", Membership{mine.ID, RoleSteward})
	stranger := d.person(t, "stranger@x.vn", Membership{other.ID, RoleSteward})
	good := NewInvitation{Agency: mine.ID, Role: RoleSteward, Email: "an@x.vn", Name: "An"}
	open, err := d.Invite(ctx, steward, good)
	ok(t, "invite", err)
	for _, tt := range []struct {
		name   string
		by     Principal
		change func(n *NewInvitation)
		kind   problem.Kind
		code   string
		field  string
	}{
		{"to another agency", steward, func(n *NewInvitation) { n.Agency = other.ID }, problem.Forbidden, "forbidden", ""},
		{"to the platform, by a steward", steward, func(n *NewInvitation) { n.Agency, n.Role = uuid.Nil, RoleOperator }, problem.Forbidden, "forbidden", ""},
		{"a role of the platform in an agency", steward, func(n *NewInvitation) { n.Role = RoleOperator }, problem.Invalid, "fields-wrong", "role-unknown"},
		{"a role of an agency on the platform", operator, func(n *NewInvitation) { n.Agency = uuid.Nil }, problem.Invalid, "fields-wrong", "role-unknown"},
		{"no role", steward, func(n *NewInvitation) { n.Role = "" }, problem.Invalid, "fields-wrong", "role-unknown"},
		{"no address", steward, func(n *NewInvitation) { n.Email = "an" }, problem.Invalid, "fields-wrong", "email-form"},
		{"no name", steward, func(n *NewInvitation) { n.Name = " " }, problem.Invalid, "fields-wrong", "name-missing"},
		{"a language that is none", steward, func(n *NewInvitation) { n.Locale = "fr" }, problem.Invalid, "fields-wrong", "locale-unknown"},
		{"an unknown agency", operator, func(n *NewInvitation) { n.Agency = uuid.New() }, problem.NotFound, "agency-unknown", ""},
		{"twice", steward, func(*NewInvitation) {}, problem.Conflict, "invited-already", "invited-already"},
		{"who has the role", operator, func(n *NewInvitation) { n.Email = "steward@x.vn" }, problem.Conflict, "role-held", "role-held"},
	} {
		n := good
		tt.change(&n)
		_, err := d.Invite(ctx, tt.by, n)
		want(t, tt.name, err, tt.kind, tt.code)
		codes := fields(err)
		if tt.field != "" && codes["role"]+codes["email"]+codes["name"]+codes["locale"] != tt.field {
			t.Errorf("%s: got %v, want %s", tt.name, codes, tt.field)
		}
	}
	for name, who := range map[string]Principal{"the admin of another agency": stranger, "a citizen": {Person: uuid.New()}} {
		_, err := d.SendInvitation(ctx, who, open.ID)
		want(t, "sent by "+name, err, problem.NotFound, "invitation-unknown")
		want(t, "taken back by "+name, d.WithdrawInvitation(ctx, who, open.ID), problem.NotFound, "invitation-unknown")
	}
	_, err = d.Invitations(ctx, stranger, mine.ID)
	want(t, "seen by the admin of another agency", err, problem.Forbidden, "forbidden")
	want(t, "taken back by nobody", d.WithdrawInvitation(ctx, Principal{}, open.ID), problem.Unauthorized, "sign-in-first")

	token := d.invited(t)
	ok(t, "take back", d.WithdrawInvitation(ctx, steward, open.ID))
	d.told(t, "invitation.withdraw")
	_, err = d.AcceptInvitation(ctx, token, goodPassword)
	want(t, "what was taken back", err, problem.NotFound, "invitation-link-unknown")
	_, err = d.Invite(ctx, steward, good)
	ok(t, "anew", err)
	ok(t, "who is invited is locked out", d.DisablePerson(ctx, operator, d.person(t, "an@x.vn").Person))
	_, err = d.AcceptInvitation(ctx, d.invited(t), "")
	want(t, "who is locked out", err, problem.NotFound, "invitation-link-unknown")
	d.now = d.now.AddDate(0, 4, 0)
	ok(t, "purge", d.PurgeInvitations(ctx))
	if list, err := d.Invitations(ctx, steward, mine.ID); err != nil || len(list) != 0 {
		t.Errorf("after four months: got %v, %v", list, err)
	}
}

func TestLastOperatorKeepsTheRole(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	only := d.person(t, "op@x.vn", Membership{uuid.Nil, RoleOperator})
	want(t, "the last", d.RemoveMembership(ctx, only, only.Person, Membership{uuid.Nil, RoleOperator}), problem.Conflict, "last-operator")
	d.person(t, "op2@x.vn", Membership{uuid.Nil, RoleOperator})
	ok(t, "one of two", d.RemoveMembership(ctx, only, only.Person, Membership{uuid.Nil, RoleOperator}))
}

// TestInvitationIsTakenUpOnce: of many at once one gets in, and one account is made.
func TestInvitationIsTakenUpOnce(t *testing.T) {
	t.Parallel()
	d, ctx := newDesk(t, pgtest.New(t)), t.Context()
	var mu sync.Mutex
	d.Record = func(_ context.Context, _ pgx.Tx, act Act) error {
		mu.Lock()
		defer mu.Unlock()
		d.acts = append(d.acts, act)
		return nil
	}
	a := d.agency(t, "so-a", "H1")
	_, err := d.Invite(ctx, operator, NewInvitation{Agency: a.ID, Role: RoleSteward, Email: "an@x.vn", Name: "An"})
	ok(t, "invite", err)
	token := d.invited(t)
	var errs [4]error
	var wg sync.WaitGroup
	for n := range errs {
		wg.Go(func() { _, errs[n] = d.AcceptInvitation(ctx, token, goodPassword) })
	}
	wg.Wait()
	taken := 0
	for _, err := range errs {
		if err == nil {
			taken++
		} else if !problem.Is(err, problem.NotFound) && !problem.Is(err, problem.TooMany) {
			t.Errorf("a later one: got %v", err)
		}
	}
	if got := strings.Count(strings.Join(d.verbs(), " "), "invitation.accept"); taken != 1 || got != 1 {
		t.Errorf("taken up %d times, recorded %d times", taken, got)
	}
}
