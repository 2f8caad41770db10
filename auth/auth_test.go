package auth

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/keyring"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// desk is an Auth under test, with its clock and what it recorded.
type desk struct {
	*Auth
	now  time.Time
	acts []Act

	letters   []FactorNotice
	forgotten []uuid.UUID // persons, each with their applications
}

// StartSession starts a session whatever the person owes.
func (a *Auth) StartSession(ctx context.Context, person uuid.UUID, methods ...string) (Session, error) {
	return a.startSession(ctx, a.DB, person, Proof{At: a.Now().UTC(), Methods: methods})
}

var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// newDesk lets operators do everything and stewards edit their members.
func newDesk(t *testing.T, db pg.DB) *desk {
	t.Helper()
	d := &desk{now: monday}
	d.Auth = &Auth{
		DB:        db,
		Now:       func() time.Time { return d.now },
		Peppers:   keyring.Of([]byte("a pepper of thirty-two bytes ....")),
		Passwords: NewPasswords(2, 16),
		Seals:     keyring.Of([]byte("a seal of thirty-two bytes ......"[:32])),
		May: func(_ context.Context, who Principal, act string, agency uuid.UUID) error {
			if who.Has(RoleOperator, uuid.Nil) || (act == "member.edit" || act == "agency.contact") && who.Has(RoleSteward, agency) {
				return nil
			}
			return problem.Errorf(problem.Forbidden, "no")
		},
		Record: func(_ context.Context, _ pgx.Tx, act Act) error {
			d.acts = append(d.acts, act)
			return nil
		},
		Forget: func(_ context.Context, _ pgx.Tx, person uuid.UUID, applications []uuid.UUID) error {
			d.forgotten = append(append(d.forgotten, person), applications...)
			return nil
		},
		Notify: func(_ context.Context, _ pgx.Tx, n FactorNotice) error {
			d.letters = append(d.letters, n)
			return nil
		},
	}
	return d
}

func txDesk(t *testing.T) *desk { return newDesk(t, pgtest.Tx(t)) }

var operator = Platform("test")

const goodPassword = "bốn chữ dễ nhớ"

// person signs somebody up, without hashing a password.
func (d *desk) person(t *testing.T, email string, memberships ...Membership) Principal {
	t.Helper()
	p, err := d.CreatePerson(t.Context(), operator, NewPerson{Email: email, Name: "Trần Thị B"})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range memberships {
		if err := d.AddMembership(t.Context(), operator, p.ID, m); err != nil {
			t.Fatal(err)
		}
	}
	who, err := d.WhoByPerson(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

func (d *desk) agency(t *testing.T, slug, code string) Agency {
	t.Helper()
	a, err := d.CreateAgency(t.Context(), operator, Agency{Slug: slug, Code: code, NameVI: "Sở", NameEN: "Department", ValidFrom: monday})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (d *desk) verbs() []string {
	verbs := make([]string, len(d.acts))
	for i, act := range d.acts {
		verbs[i] = act.Verb
	}
	return verbs
}

// told reports whether an act of that verb was recorded, and fails when any
// recorded act holds one of the secrets.
func (d *desk) told(t *testing.T, verb string, secrets ...string) {
	t.Helper()
	if !slices.Contains(d.verbs(), verb) {
		t.Errorf("the ledger was told %v, not %s", d.verbs(), verb)
	}
	text, err := json.Marshal(d.acts)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if strings.Contains(string(text), secret) {
			t.Errorf("the ledger holds a secret: %s", text)
		}
	}
}

func want(t *testing.T, what string, err error, kind problem.Kind, code string) {
	t.Helper()
	if !problem.Is(err, kind) || problem.Code(err) != code {
		t.Errorf("%s: got %v (code %q), want %d %s", what, err, problem.Code(err), kind, code)
	}
}

func ok(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// fields gives the codes of what is wrong, by field.
func fields(err error) map[string]string {
	codes := map[string]string{}
	if e := problem.Of(err); e != nil {
		for _, f := range e.Fields {
			codes[f.Name] = f.Code
		}
	}
	return codes
}
