package auth

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/problem"
)

// team is a desk with an application and those around it.
type team struct {
	*desk
	app                        Application
	owner, developer, stranger Principal
	told                       []TeamNotice
	owners                     []string // whose the other rooms were told it is
}

func newTeam(t *testing.T) *team {
	t.Helper()
	d := txDesk(t)
	s := &team{desk: d, owner: d.person(t, "chu@x.vn"), developer: d.person(t, "lam@x.vn"), stranger: d.person(t, "la@x.vn")}
	d.TellTeam = func(_ context.Context, _ pgx.Tx, n TeamNotice) error { s.told = append(s.told, n); return nil }
	d.OwnerChanges = func(_ context.Context, _ pgx.Tx, app Application, owner string) error {
		if app.OwnerPerson != nil && owner != "" {
			s.owners = append(s.owners, app.OwnerPerson.String())
		}
		return nil
	}
	var err error
	s.app, _, err = d.CreateApplication(t.Context(), s.owner, NewApplication{Name: "Tra cứu"})
	ok(t, "create", err)
	return s
}

// link invites an address and gives the token of the letter.
func (s *team) link(t *testing.T, by Principal, email, role string) string {
	t.Helper()
	_, err := s.InviteToTeam(t.Context(), by, s.app.ID, NewTeamInvitation{Role: role, Email: email})
	ok(t, "invite", err)
	token := ""
	for {
		l, err := s.NextLetter(t.Context())
		ok(t, "next letter", err)
		if l == nil {
			return token
		}
		if l.Kind != LetterTeam || l.Team == nil || l.Team.Name != s.app.Name {
			t.Fatalf("a letter of another kind: %+v", l)
		}
		token = l.Token
		ok(t, "sent", s.LetterSent(t.Context(), l.ID))
	}
}

func (s *team) joins(t *testing.T, email, role string) {
	t.Helper()
	_, err := s.JoinTeam(t.Context(), s.link(t, s.owner, email, role), "", "")
	ok(t, "join", err)
}

// hears fails unless the last notice is of that and reaches exactly these.
func (s *team) hears(t *testing.T, what string, people ...Principal) {
	t.Helper()
	if len(s.told) == 0 {
		t.Fatalf("nobody was told of %s", what)
	}
	n := s.told[len(s.told)-1]
	same := n.What == what && len(n.People) == len(people)
	for _, p := range people {
		same = same && slices.Contains(n.People, p.Person)
	}
	if !same {
		t.Errorf("told %s to %v, want %s to %v", n.What, n.People, what, people)
	}
}

func TestTeamWorksOnOneApplication(t *testing.T) {
	t.Parallel()
	s, ctx := newTeam(t), t.Context()
	s.joins(t, "lam@x.vn", TeamDeveloper)
	s.desk.told(t, "application.team-invite", "lam@x.vn")
	s.desk.told(t, "application.team-join", "lam@x.vn")
	s.hears(t, TeamJoined, s.owner)
	if list, _, err := s.Applications(ctx, s.developer, Page{}); err != nil || len(list) != 1 || !list[0].Shared {
		t.Errorf("the developer's applications: got %+v, %v", list, err)
	}
	issued, err := s.AddCredential(ctx, s.developer, s.app.ID, NewCredential{Kind: APIKey})
	ok(t, "a key by the developer", err)
	_, err = s.LimitCredential(ctx, s.developer, issued.ID, Limits{Name: "máy chủ"})
	ok(t, "limits by the developer", err)
	again, err := s.RotateCredential(ctx, s.developer, issued.ID, 0)
	ok(t, "rotation by the developer", err)
	ok(t, "revocation by the developer", s.RevokeCredential(ctx, s.developer, again.ID))
	ok(t, "works on it", s.WorksOn(ctx, s.developer, s.app.ID))

	seen, err := s.Team(ctx, s.developer, s.app.ID)
	if err != nil || len(seen.Members) != 2 || !seen.Members[0].First || seen.Members[1].Email != "" || seen.Members[1].Role != TeamDeveloper {
		t.Errorf("the team as its developer reads it: got %+v, %v", seen, err)
	}
	for name, do := range s.ownersOnly() {
		want(t, name+" by the developer", do(ctx, s.developer), problem.Forbidden, "team-owner-only")
		want(t, name+" by a stranger", do(ctx, s.stranger), problem.NotFound, "application-unknown")
	}
	ok(t, "the developer leaves", s.LeaveTeam(ctx, s.developer, s.app.ID, s.developer.Person))
	s.hears(t, TeamLeft, s.owner)
	_, err = s.Credentials(ctx, s.developer, s.app.ID)
	want(t, "keys read by who left", err, problem.NotFound, "application-unknown")
	for name, do := range s.ownersOnly() {
		want(t, name+" by who left", do(ctx, s.developer), problem.NotFound, "application-unknown")
	}
}

// ownersOnly is what a developer of the team may not do.
func (s *team) ownersOnly() map[string]func(context.Context, Principal) error {
	id := s.app.ID
	return map[string]func(context.Context, Principal) error{
		"owning": func(ctx context.Context, who Principal) error { return s.OwnsApplication(ctx, who, id) },
		"editing": func(ctx context.Context, who Principal) error {
			_, err := s.EditApplication(ctx, who, id, NewApplication{Name: "Khác"})
			return err
		},
		"disabling": func(ctx context.Context, who Principal) error { return s.DisableApplication(ctx, who, id) },
		"revoking everything": func(ctx context.Context, who Principal) error {
			_, err := s.RevokeEverything(ctx, who, id, uuid.Nil)
			return err
		},
		"transferring": func(ctx context.Context, who Principal) error {
			_, err := s.TransferApplication(ctx, who, id, uuid.New())
			return err
		},
		"inviting": func(ctx context.Context, who Principal) error {
			_, err := s.InviteToTeam(ctx, who, id, NewTeamInvitation{Role: TeamDeveloper, Email: "ai@x.vn"})
			return err
		},
		"taking back an invitation": func(ctx context.Context, who Principal) error {
			return s.WithdrawTeamInvitation(ctx, who, id, uuid.New())
		},
		"sending an invitation": func(ctx context.Context, who Principal) error {
			_, err := s.SendTeamInvitation(ctx, who, id, uuid.New())
			return err
		},
		"removing an owner": func(ctx context.Context, who Principal) error { return s.LeaveTeam(ctx, who, id, s.owner.Person) },
		"giving a role": func(ctx context.Context, who Principal) error {
			return s.SetTeamRole(ctx, who, id, s.owner.Person, TeamDeveloper)
		},
		"webhooks": func(ctx context.Context, who Principal) error { _, err := s.Webhooks(ctx, who, id); return err },
		"honey keys": func(ctx context.Context, who Principal) error {
			_, err := s.HoneyKeys(ctx, who, id)
			return err
		},
	}
}

func TestTeamRefuses(t *testing.T) {
	t.Parallel()
	s, ctx := newTeam(t), t.Context()
	a := s.agency(t, "so-a", "H1")
	officials, _, err := s.CreateApplication(ctx, s.person(t, "cb@x.vn", Membership{a.ID, RolePublisher}), NewApplication{Name: "Của sở", Agency: a.ID})
	ok(t, "an agency's application", err)
	publisher := Principal{Person: uuid.New(), Memberships: []Membership{{a.ID, RolePublisher}}}
	s.joins(t, "lam@x.vn", TeamDeveloper)
	_ = s.link(t, s.owner, "cho@x.vn", TeamTransfer)
	for _, tt := range []struct {
		name string
		by   Principal
		app  uuid.UUID
		n    NewTeamInvitation
		kind problem.Kind
		code string
	}{
		{"nobody", Principal{}, s.app.ID, NewTeamInvitation{Role: TeamOwner, Email: "an@x.vn"}, problem.Unauthorized, "sign-in-first"},
		{"of an agency", publisher, officials.ID, NewTeamInvitation{Role: TeamOwner, Email: "an@x.vn"}, problem.Conflict, "application-of-agency"},
		{"no address", s.owner, s.app.ID, NewTeamInvitation{Role: TeamOwner, Email: "an"}, problem.Invalid, "fields-wrong"},
		{"no role", s.owner, s.app.ID, NewTeamInvitation{Role: "x", Email: "an@x.vn"}, problem.Invalid, "fields-wrong"},
		{"who is in it", s.owner, s.app.ID, NewTeamInvitation{Role: TeamOwner, Email: "lam@x.vn"}, problem.Conflict, "team-member-already"},
		{"the owner", s.owner, s.app.ID, NewTeamInvitation{Role: TeamOwner, Email: "chu@x.vn"}, problem.Conflict, "team-member-already"},
		{"twice", s.owner, s.app.ID, NewTeamInvitation{Role: TeamOwner, Email: "cho@x.vn"}, problem.Conflict, "invited-already"},
		{"two offers", s.owner, s.app.ID, NewTeamInvitation{Role: TeamTransfer, Email: "nua@x.vn"}, problem.Conflict, "transfer-waits"},
	} {
		_, err := s.InviteToTeam(ctx, tt.by, tt.app, tt.n)
		want(t, tt.name, err, tt.kind, tt.code)
	}
	seen, err := s.Team(ctx, s.owner, s.app.ID)
	ok(t, "team", err)
	_, err = s.SendTeamInvitation(ctx, s.owner, s.app.ID, seen.Invitations[0].ID)
	want(t, "again at once", err, problem.TooMany, "invitation-just-sent")
	_, err = s.SendTeamInvitation(ctx, s.owner, s.app.ID, uuid.New())
	want(t, "an invitation that there is not", err, problem.NotFound, "invitation-unknown")
	want(t, "the last owner leaves", s.LeaveTeam(ctx, s.owner, s.app.ID, s.owner.Person), problem.Conflict, "last-owner")
	want(t, "the last owner steps back", s.SetTeamRole(ctx, s.owner, s.app.ID, s.owner.Person, TeamDeveloper), problem.Conflict, "last-owner")
	want(t, "a role that there is not", s.SetTeamRole(ctx, s.owner, s.app.ID, s.developer.Person, "x"), problem.Invalid, "fields-wrong")
	want(t, "a role for a stranger", s.SetTeamRole(ctx, s.owner, s.app.ID, s.stranger.Person, TeamOwner), problem.NotFound, "team-member-unknown")
	want(t, "a developer makes themselves owner", s.SetTeamRole(ctx, s.developer, s.app.ID, s.developer.Person, TeamOwner), problem.Forbidden, "team-owner-only")
	_, err = s.InvitedToTeam(ctx, "không có")
	want(t, "a link that there is not", err, problem.NotFound, "invitation-link-unknown")

	token := s.link(t, s.owner, "moi@x.vn", TeamDeveloper)
	_, err = s.JoinTeam(ctx, token, "Mới", "123")
	if fields(err)["password"] != "password-short" {
		t.Errorf("a password that is too short: got %v", err)
	}
	_, err = s.JoinTeam(ctx, token, " ", goodPassword)
	if fields(err)["name"] != "name-missing" {
		t.Errorf("no name: got %v", err)
	}
	s.now = s.now.Add(8 * 24 * time.Hour)
	_, err = s.JoinTeam(ctx, token, "Mới", goodPassword)
	want(t, "a link that is too old", err, problem.NotFound, "invitation-link-unknown")
	err = nil
	for n := 0; err == nil && n <= maxTeam; n++ {
		_, err = s.InviteToTeam(ctx, s.owner, s.app.ID, NewTeamInvitation{Role: TeamDeveloper, Email: uuid.NewString() + "@x.vn"})
	}
	want(t, "more than a team holds", err, problem.Conflict, "team-full")
	ok(t, "purge", s.PurgeTeamInvitations(ctx))
}

func TestNewcomerJoinsOrDeclines(t *testing.T) {
	t.Parallel()
	s, ctx := newTeam(t), t.Context()
	token := s.link(t, s.owner, "moi@x.vn", TeamOwner)
	if offer, err := s.InvitedToTeam(ctx, token); err != nil || offer.Known || offer.ByEmail != "chu@x.vn" || offer.Role != TeamOwner {
		t.Errorf("the offer: got %+v, %v", offer, err)
	}
	app, err := s.JoinTeam(ctx, token, "Người Mới", goodPassword)
	if err != nil || app.ID != s.app.ID {
		t.Fatalf("join: got %+v, %v", app, err)
	}
	_, err = s.JoinTeam(ctx, token, "Người Mới", goodPassword)
	want(t, "twice", err, problem.NotFound, "invitation-link-unknown")
	if seen, err := s.Team(ctx, s.owner, s.app.ID); err != nil || len(seen.Members) != 2 || seen.Members[1].Name != "Người Mới" || seen.Members[1].Role != TeamOwner {
		t.Errorf("the team: got %+v, %v", seen, err)
	}
	declined := s.link(t, s.owner, "khong@x.vn", TeamDeveloper)
	ok(t, "decline", s.DeclineTeam(ctx, declined))
	if s.told[len(s.told)-1].What != TeamDeclined {
		t.Errorf("told %+v, not of the refusal", s.told[len(s.told)-1])
	}
	want(t, "declined twice", s.DeclineTeam(ctx, declined), problem.NotFound, "invitation-link-unknown")
	taken := s.link(t, s.owner, "rut@x.vn", TeamDeveloper)
	offer, err := s.InvitedToTeam(ctx, taken)
	ok(t, "offer", err)
	ok(t, "take back", s.WithdrawTeamInvitation(ctx, s.owner, s.app.ID, offer.ID))
	_, err = s.JoinTeam(ctx, taken, "A", goodPassword)
	want(t, "what was taken back", err, problem.NotFound, "invitation-link-unknown")
}

func TestTransferToAnotherPerson(t *testing.T) {
	t.Parallel()
	s, ctx := newTeam(t), t.Context()
	s.joins(t, "lam@x.vn", TeamDeveloper)
	token := s.link(t, s.owner, "la@x.vn", TeamTransfer)
	ok(t, "still the owner's", s.OwnsApplication(ctx, s.owner, s.app.ID))
	app, err := s.JoinTeam(ctx, token, "", "")
	if err != nil || *app.OwnerPerson != s.stranger.Person {
		t.Fatalf("transfer: got %+v, %v", app, err)
	}
	s.desk.told(t, "application.transfer")
	s.hears(t, TeamTransferred, s.owner, s.developer)
	want(t, "the one before", s.OwnsApplication(ctx, s.owner, s.app.ID), problem.NotFound, "application-unknown")
	ok(t, "the new one", s.OwnsApplication(ctx, s.stranger, s.app.ID))
	if !slices.Equal(s.owners, []string{s.stranger.Person.String()}) {
		t.Errorf("the other rooms were told %v", s.owners)
	}
	// Who offers it and loses it meanwhile has offered nothing.
	ok(t, "to owner", s.SetTeamRole(ctx, s.stranger, s.app.ID, s.developer.Person, TeamOwner))
	s.owner = s.developer
	token = s.link(t, s.developer, "chu@x.vn", TeamTransfer)
	ok(t, "removed", s.LeaveTeam(ctx, s.stranger, s.app.ID, s.developer.Person))
	_, err = s.JoinTeam(ctx, token, "", "")
	want(t, "offered by who was removed", err, problem.NotFound, "invitation-link-unknown")
}

func TestApplicationOutlivesItsOwnersAccount(t *testing.T) {
	t.Parallel()
	s, ctx := newTeam(t), t.Context()
	s.joins(t, "lam@x.vn", TeamOwner)
	alone, _, err := s.CreateApplication(ctx, s.owner, NewApplication{Name: "Riêng"})
	ok(t, "create", err)
	ok(t, "lock out", s.DisablePerson(ctx, operator, s.owner.Person))
	s.hears(t, TeamPassed, s.developer)
	s.desk.told(t, "application.pass")
	app, err := s.Client(ctx, s.app.ID)
	if err != nil || app.DisabledAt != nil || *app.OwnerPerson != s.developer.Person {
		t.Errorf("with another owner: got %+v, %v, want it in service", app, err)
	}
	if app, err := s.Client(ctx, alone.ID); err != nil || app.DisabledAt == nil {
		t.Errorf("without another owner: got %+v, %v, want it refused", app, err)
	}
	if role, err := roleOn(ctx, s.DB, s.owner, app); err != nil || role != TeamOwner {
		t.Errorf("who is locked out: got %q, %v, want an owner still", role, err)
	}
	want(t, "the only one left", s.LeaveTeam(ctx, s.developer, s.app.ID, s.developer.Person), problem.Conflict, "last-owner")
	s.owner = s.developer
	s.joins(t, "la@x.vn", TeamOwner)
	ok(t, "delete", s.DeletePerson(ctx, s.developer, "lam@x.vn"))
	if app, err := s.Client(ctx, s.app.ID); err != nil || app.DisabledAt != nil || *app.OwnerPerson != s.stranger.Person {
		t.Errorf("after its owner's deletion: got %+v, %v, want the next owner's", app, err)
	}
	if seen, err := s.Team(ctx, s.stranger, s.app.ID); err != nil || len(seen.Members) != 2 {
		t.Errorf("the team after: got %+v, %v", seen, err)
	}
}

// TestSharedApplicationHasNoRoles: who knows its keys must not act by the
// roles of its owner.
func TestSharedApplicationHasNoRoles(t *testing.T) {
	t.Parallel()
	s, ctx := newTeam(t), t.Context()
	a := s.agency(t, "so-a", "H1")
	ok(t, "role", s.AddMembership(ctx, operator, s.owner.Person, Membership{a.ID, RolePublisher}))
	who, err := s.WhoByApplication(ctx, s.app.ID)
	if err != nil || len(who.Memberships) != 1 {
		t.Fatalf("one's own: got %+v, %v", who, err)
	}
	s.joins(t, "lam@x.vn", TeamDeveloper)
	if who, err := s.WhoByApplication(ctx, s.app.ID); err != nil || len(who.Memberships) != 0 {
		t.Errorf("shared: got %+v, %v, want no role", who, err)
	}
	ok(t, "leave", s.LeaveTeam(ctx, s.owner, s.app.ID, s.developer.Person))
	if who, err := s.WhoByApplication(ctx, s.app.ID); err != nil || len(who.Memberships) != 0 {
		t.Errorf("shared once: got %+v, %v, want no role: they know the keys", who, err)
	}
	s.joins(t, "lam@x.vn", TeamDeveloper)
	owner := Principal{Person: s.owner.Person, Memberships: []Membership{{a.ID, RolePublisher}}}
	if _, err := s.TransferApplication(ctx, owner, s.app.ID, a.ID); err != nil {
		t.Fatal(err)
	}
	if s.told[len(s.told)-1].What != TeamToAgency {
		t.Errorf("told %+v, not of the agency", s.told[len(s.told)-1])
	}
	want(t, "the team of before", s.WorksOn(ctx, s.developer, s.app.ID), problem.NotFound, "application-unknown")
	if who, err := s.WhoByApplication(ctx, s.app.ID); err != nil || len(who.Memberships) != 0 {
		t.Errorf("an agency's that was shared: got %+v, %v, want no role", who, err)
	}
	_, err = s.InviteToTeam(ctx, owner, s.app.ID, NewTeamInvitation{Role: TeamDeveloper, Email: "x@x.vn"})
	want(t, "a team of an agency's", err, problem.Conflict, "application-of-agency")
}

// TestTeamLettersAreFew: a team has room for so many, and who invites and takes
// back without end has only so many letters written in an hour.
func TestTeamLettersAreFew(t *testing.T) {
	t.Parallel()
	s, ctx := newTeam(t), t.Context()
	invite := func(n int) (TeamInvitation, error) {
		return s.InviteToTeam(ctx, s.owner, s.app.ID, NewTeamInvitation{Role: TeamDeveloper, Email: fmt.Sprintf("moi-%d@x.vn", n)})
	}
	var last TeamInvitation
	for n := range maxTeam - 1 { // the owner is one
		var err error
		last, err = invite(n)
		ok(t, "invite", err)
	}
	_, err := invite(maxTeam)
	want(t, "a full team", err, problem.Conflict, "team-full")
	for n := range maxTeamLetters - maxTeam + 2 {
		ok(t, "take back", s.WithdrawTeamInvitation(ctx, s.owner, s.app.ID, last.ID))
		if last, err = invite(maxTeam + n); n < maxTeamLetters-maxTeam+1 {
			ok(t, "invite another", err)
		}
	}
	want(t, "a letter too many", err, problem.TooMany, "team-invitations-many")
	s.now = s.now.Add(letterMemory + time.Second)
	_, err = invite(3 * maxTeam)
	ok(t, "an hour later", err)
}
