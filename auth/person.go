package auth

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Person is someone who signs in: citizen, developer, official.
type Person struct {
	ID         uuid.UUID  `json:"id"`
	Email      string     `json:"email"` // lower case
	Name       string     `json:"name"`
	Locale     string     `json:"locale"` // vi, en
	Demo       bool       `json:"demo"`
	CreatedAt  time.Time  `json:"created_at"`
	DisabledAt *time.Time `json:"disabled_at"`
}

// NewPerson is what a person is made of.
type NewPerson struct {
	Email    string
	Name     string
	Password string // "": set later through a link
	Locale   string // vi, en; "" is vi
	Demo     bool
}

// CreatePerson makes an account for somebody else; without a password, who
// creates it sends a link (CreateLink). It fails with Forbidden unless who may
// person.edit, Invalid with the fields that are wrong, Conflict when the
// address has an account, and TooMany when too many passwords are being hashed.
func (a *Auth) CreatePerson(ctx context.Context, who Principal, n NewPerson) (Person, error) {
	if err := a.May(ctx, who, "person.edit", uuid.Nil); err != nil {
		return Person{}, err
	}
	n, wrong := n.tidy()
	if err := asError(wrong); err != nil {
		return Person{}, err
	}
	stored := ""
	if n.Password != "" {
		var err error
		if stored, err = a.newPassword(ctx, n.Password, Person{Email: n.Email, Name: n.Name}); err != nil {
			return Person{}, err
		}
	}
	var p Person
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var err error
		if p, err = a.insertPerson(ctx, tx, n, stored); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "person.create", About: p.ID, Detail: map[string]any{"demo": p.Demo}})
	})
	return p, err
}

const addPersonSQL = `
insert into auth.person (id, email, name, password, locale, demo, created_at)
values ($1, $2, $3, nullif($4, ''), $5, $6, $7)
returning id, email, name, locale, demo, created_at, disabled_at`

func (a *Auth) insertPerson(ctx context.Context, tx pgx.Tx, n NewPerson, stored string) (Person, error) {
	p, err := pg.One[Person](ctx, tx, addPersonSQL, uuid.Must(uuid.NewV7()), n.Email, n.Name, stored, n.Locale, n.Demo, a.Now().UTC())
	if pg.IsUnique(err, "person_email_key") {
		return Person{}, emailTaken()
	} else if err != nil {
		return Person{}, fmt.Errorf("add person: %w", err)
	}
	return p, nil
}

func emailTaken() error {
	return problem.Errorf(problem.Conflict, "this e-mail address has an account; sign in, or take another address").
		Coded("email-taken").Wrong("email", "email-taken", "this address has an account")
}

// tidy gives the same person with spaces and letter case put right, and what
// is wrong with its fields, the password aside.
func (n NewPerson) tidy() (NewPerson, *problem.Error) {
	wrong := fieldsWrong()
	n.Email = foldEmail(n.Email)
	at, err := mail.ParseAddress(n.Email)
	if err != nil || at.Address != n.Email || len(n.Email) > 254 || !isASCII(n.Email) || strings.ContainsAny(n.Email, `" `) {
		wrong.Wrong("email", "email-form", "an address such as ten@coquan.gov.vn is needed")
	}
	n.Name = checkName(wrong, "name", n.Name)
	if n.Locale == "" {
		n.Locale = "vi"
	}
	if n.Locale != "vi" && n.Locale != "en" {
		wrong.Wrong("locale", "locale-unknown", "vi or en")
	}
	return n, wrong
}

// Check tells what is wrong with the fields, the password aside: nil, or
// Invalid. What makes an account checks by itself; this is for a form that has
// more to say.
func (n NewPerson) Check() error {
	_, wrong := n.tidy()
	return asError(wrong)
}

func foldEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// checkName gives the name in NFC with single spaces, and adds what is wrong
// with it: 1 to 120 characters, all of them seen.
func checkName(wrong *problem.Error, field, name string) string {
	name = norm.NFC.String(strings.Join(strings.Fields(name), " "))
	switch {
	case name == "":
		wrong.Wrong(field, "name-missing", "a name is needed")
	case utf8.RuneCountInString(name) > 120:
		wrong.Wrong(field, "name-long", "at most 120 characters")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, hides):
		wrong.Wrong(field, "text-unreadable", "it holds characters that cannot be shown")
	}
	return name
}

// hides reports whether a character is not seen itself, or changes how others
// are: on the page that asks for consent a name is to read as it was written,
// and like no other.
func hides(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

const personsSQL = `
select id, email, name, locale, demo, created_at, disabled_at from auth.person where id = any($1)`

// Persons gives the persons of these ids, by id; unknown ids are left out.
func (a *Auth) Persons(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Person, error) {
	persons, err := pg.All[Person](ctx, a.DB, personsSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d persons: %w", len(ids), err)
	}
	byID := make(map[uuid.UUID]Person, len(persons))
	for _, p := range persons {
		byID[p.ID] = p
	}
	return byID, nil
}

const personByEmailSQL = `
select id, email, name, locale, demo, created_at, disabled_at from auth.person where email = $1`

// PersonByEmail finds the person of an address. It fails with Forbidden unless
// who may member.edit of the agency they want the person for (uuid.Nil: the
// platform), and with NotFound.
func (a *Auth) PersonByEmail(ctx context.Context, who Principal, agency uuid.UUID, email string) (Person, error) {
	if err := a.May(ctx, who, "member.edit", agency); err != nil {
		return Person{}, err
	}
	p, err := pg.One[Person](ctx, a.DB, personByEmailSQL, foldEmail(email))
	if errors.Is(err, pgx.ErrNoRows) {
		return Person{}, problem.Errorf(problem.NotFound, "nobody has an account with this address").Coded("person-unknown")
	} else if err != nil {
		return Person{}, fmt.Errorf("find person: %w", err)
	}
	return p, nil
}

const disablePersonSQL = `
update auth.person set disabled_at = $2 where id = $1 and disabled_at is null`

const ownersGrantsSQL = `
select g.id from auth.oauth_grant g join auth.application a on a.id = g.client_id
 where a.owner_person = $1 and g.revoked_at is null`

// DisablePerson locks a person out: sessions, grants and tokens end (EndPerson),
// their applications are refused, but those that pass to another owner in the team, and what other persons let those do ends. Disabling twice changes nothing. It fails with
// Forbidden unless who may person.edit, with NotFound, and with Conflict for the last operator.
func (a *Auth) DisablePerson(ctx context.Context, who Principal, person uuid.UUID) error {
	if err := a.May(ctx, who, "person.edit", uuid.Nil); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		p, err := lockAccount(ctx, tx, person)
		if err != nil || p.DisabledAt != nil {
			return err
		}
		if err := a.disable(ctx, tx, who, person); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "person.disable", About: person})
	})
}

// disable does what DisablePerson says to a person who is not locked out yet.
func (a *Auth) disable(ctx context.Context, tx pgx.Tx, who Principal, person uuid.UUID) error {
	if err := a.notTheLast(ctx, tx, person); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, disablePersonSQL, person, a.Now().UTC()); err != nil {
		return fmt.Errorf("disable person %s: %w", person, err)
	}
	if err := EndPerson(ctx, tx, a.Now().UTC(), person, uuid.Nil); err != nil {
		return err
	}
	passed, err := a.passApplications(ctx, tx, who, person)
	if err != nil {
		return err
	}
	for _, application := range passed { // for when the account is opened again
		if err := a.stayInTeam(ctx, tx, application, person); err != nil {
			return err
		}
	}
	if err := endGrantsOf(ctx, tx, a.Now().UTC(), ownersGrantsSQL, person); err != nil {
		return err
	}
	return pg.Notify(ctx, tx, "gateway", "credential")
}

const hasDemoSQL = `
select exists (select 1 from auth.person where demo)`

// HasDemo reports whether the database holds demo accounts.
func (a *Auth) HasDemo(ctx context.Context) (bool, error) {
	var has bool
	if err := a.DB.QueryRow(ctx, hasDemoSQL).Scan(&has); err != nil {
		return false, fmt.Errorf("look for demo accounts: %w", err)
	}
	return has, nil
}
