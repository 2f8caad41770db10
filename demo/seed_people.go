package demo

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// domain is that of every address here; .example is nobody's (RFC 2606 §2).
const domain = "demo.lgsp.example"

// tokenName is the name of the access tokens in demo.json.
const tokenName = "demo"

// cast are the demo's people, by role; the names are invented.
func cast() []struct{ role, name string } {
	return []struct{ role, name string }{
		{auth.RoleOperator, "Lê Minh Vận (trình diễn)"}, {auth.RolePublisher, "Trần Thị Phát (trình diễn)"},
		{auth.RoleSteward, "Võ Văn Duyệt (trình diễn)"}, {"developer", "Phạm Hoàng Lập (trình diễn)"},
		{auth.RoleAuditor, "Đặng Thu Soát (trình diễn)"}, {"citizen", "Nguyễn Thị Dân (trình diễn)"},
	}
}

func (s *seed) loadPeople(ctx context.Context) error {
	for _, c := range cast() {
		if a := s.account(c.role); a.Password == "" {
			a.Email, a.Password = c.role+"@"+domain, newPassword()
		}
	}
	if err := s.save(s.Dir); err != nil { // before any is used: what is lost cannot be shown again
		return err
	}
	for _, c := range cast() {
		person, err := s.person(ctx, *s.account(c.role), c.name)
		if err != nil {
			return err
		}
		if err := s.join(ctx, c.role, person.ID); err != nil {
			return err
		}
		if s.people[c.role], err = s.Auth.WhoByPerson(ctx, person.ID); err != nil {
			return err
		}
	}
	return nil
}

// person finds or makes the person of an account, and sees that the password
// is the one that is printed.
func (s *seed) person(ctx context.Context, a Account, name string) (auth.Person, error) {
	person, err := s.Auth.PersonByEmail(ctx, platform(), uuid.Nil, a.Email)
	if problem.Is(err, problem.NotFound) {
		return s.Auth.CreatePerson(ctx, platform(), auth.NewPerson{Email: a.Email, Name: name, Password: a.Password, Demo: true})
	} else if err != nil {
		return auth.Person{}, err
	}
	if err := s.Auth.CheckPassword(ctx, person.ID, a.Password); err == nil {
		return person, nil // as at the start before
	} else if !problem.Is(err, problem.Unauthorized) {
		return auth.Person{}, err
	}
	link, err := s.Auth.CreateLink(ctx, platform(), person.ID, time.Hour)
	if err != nil {
		return auth.Person{}, err
	}
	return s.Auth.SetPassword(ctx, link, a.Password)
}

// join gives the person what the role needs.
func (s *seed) join(ctx context.Context, role string, person uuid.UUID) error {
	switch role {
	case auth.RoleOperator, auth.RoleAuditor:
		return s.Auth.AddMembership(ctx, platform(), person, auth.Membership{Agency: uuid.Nil, Role: role})
	case auth.RolePublisher, auth.RoleSteward:
		owners, err := s.publishing()
		if err != nil {
			return err
		}
		for agency := range owners {
			if err := s.Auth.AddMembership(ctx, platform(), person, auth.Membership{Agency: agency, Role: role}); err != nil {
				return err
			}
		}
	}
	return nil
}

// renewTokens gives each account that still stands an access token for a day.
func (s *seed) renewTokens(ctx context.Context) error {
	for i, a := range s.Accounts {
		s.Accounts[i].Token = ""
		person, err := s.Auth.PersonByEmail(ctx, platform(), uuid.Nil, a.Email)
		if problem.Is(err, problem.NotFound) || err == nil && person.DisabledAt != nil {
			continue
		} else if err != nil {
			return err
		}
		who, err := s.Auth.WhoByPerson(ctx, person.ID)
		if err != nil {
			return err
		}
		if s.Accounts[i].Token, err = s.newToken(ctx, who); err != nil {
			return err
		}
	}
	return nil
}

// newToken replaces the access token of the former start.
func (s *seed) newToken(ctx context.Context, who auth.Principal) (string, error) {
	former, err := s.Auth.Tokens(ctx, who)
	if err != nil {
		return "", err
	}
	for _, token := range former {
		if token.Name == tokenName {
			if err := s.Auth.RevokeToken(ctx, who, token.ID); err != nil {
				return "", err
			}
		}
	}
	_, text, err := s.Auth.CreateToken(ctx, who, tokenName, 24*time.Hour)
	return text, err
}

// renewRegistrationToken lets programs register themselves for the developer,
// as often as anyone tries.
func (s *seed) renewRegistrationToken(ctx context.Context) error {
	s.RegistrationToken = ""
	for _, a := range s.Accounts {
		if a.Role != "developer" || a.Token == "" {
			continue
		}
		who, err := s.Auth.WhoByToken(ctx, a.Token)
		if err != nil {
			return err
		}
		former, _, err := s.Auth.RegistrationTokens(ctx, who, auth.Page{Limit: 100})
		if err != nil {
			return err
		}
		for _, token := range former {
			if token.Name == tokenName && token.RevokedAt == nil {
				if err := s.Auth.RevokeRegistrationToken(ctx, who, token.ID); err != nil {
					return err
				}
			}
		}
		_, s.RegistrationToken, err = s.Auth.CreateRegistrationToken(ctx, who, auth.NewRegistrationToken{
			Name: tokenName, MaxUses: 10_000, Days: 30,
			GrantTypes: []string{auth.GrantCode, auth.GrantRefresh, auth.GrantClient, auth.GrantDevice},
		})
		return err
	}
	return nil
}

// newPassword is 80 random bits in groups that can be typed.
func newPassword() string {
	text := strings.ToLower(rand.Text())
	return text[0:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:16]
}
