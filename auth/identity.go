package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// ByOutside is the way of a person who was proved by an outside provider.
const ByOutside = "fed"

// visitLasts is how long a way to the outside provider and back may take, and
// how long the person has to decide afterwards.
const visitLasts = 10 * time.Minute

// Identity is who a person is at an outside OpenID provider.
type Identity struct {
	Issuer   string     `json:"issuer"`
	Subject  string     `json:"subject"`
	Email    string     `json:"email"` // as the provider said it when it was linked
	LinkedAt time.Time  `json:"linked_at"`
	UsedAt   *time.Time `json:"used_at"`
	Place
}

// Visit is a way to the outside provider and back, in one browser.
type Visit struct {
	Nonce    string
	Verifier string    // PKCE
	Next     string    // where to go afterwards, in the portal
	Person   uuid.UUID // who links an identity; uuid.Nil: who signs in
	Fresh    bool      // the provider was told to ask for the sign-in anew
	Until    time.Time // UTC; set when it has begun
}

// clockSkew is how far the provider's clock may be from ours.
const clockSkew = time.Minute

// ProvedAt is when the person of this visit proved who they are, as far as the
// provider says (at; zero: it does not, and it may be as long ago as we let
// it be). What is asked for anew is of now, when it is of this visit.
func (v Visit) ProvedAt(at, now time.Time) time.Time {
	switch {
	case at.IsZero():
		return now.Add(-sessionIdle)
	case v.Fresh && at.After(v.Until.Add(-visitLasts-clockSkew)), at.After(now):
		return now
	}
	return at
}

// Outsider is who the outside provider says is there.
type Outsider struct {
	Issuer  string
	Subject string
	Email   string // "" unless the provider has verified it
	Name    string
	Agent   string // User-Agent of the browser that they came with
	Address string // and where from
}

const (
	endOldVisitsSQL = `
delete from auth.outside_visit where expires_at <= $1`
	beginVisitSQL = `
insert into auth.outside_visit (hash, browser, nonce, verifier, next, person_id, fresh, expires_at)
values ($1, $2, $3, $4, $5, nullif($6, '00000000-0000-0000-0000-000000000000'::uuid), $7, $8)`
)

// BeginVisit keeps a visit and gives its state, which goes to the provider, and
// the secret for the cookie of the browser that begins it.
func (a *Auth) BeginVisit(ctx context.Context, v Visit) (string, string, error) {
	now := a.Now().UTC()
	if _, err := a.DB.Exec(ctx, endOldVisitsSQL, now); err != nil {
		return "", "", fmt.Errorf("end old visits: %w", err)
	}
	state, hash := newSecret()
	browser, cookie := newSecret()
	if _, err := a.DB.Exec(ctx, beginVisitSQL, hash, cookie, v.Nonce, v.Verifier, v.Next, v.Person, v.Fresh, now.Add(visitLasts)); err != nil {
		return "", "", fmt.Errorf("begin visit: %w", err)
	}
	return state, browser, nil
}

const endVisitSQL = `
delete from auth.outside_visit
 where hash = $1 and browser = $2 and expires_at > $3 and subject = ''
returning nonce, verifier, next, coalesce(person_id, '00000000-0000-0000-0000-000000000000'::uuid) as person, fresh, expires_at as until`

// EndVisit takes the visit of a state, once. It fails with NotFound when the
// state is unknown, used, older than ten minutes, or of another browser.
func (a *Auth) EndVisit(ctx context.Context, state, browser string) (Visit, error) {
	v, err := pg.One[Visit](ctx, a.DB, endVisitSQL, hashSecret(state), hashSecret(browser), a.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return Visit{}, visitUnknown()
	} else if err != nil {
		return Visit{}, fmt.Errorf("take visit: %w", err)
	}
	return v, nil
}

func visitUnknown() error {
	return problem.Errorf(problem.NotFound, "this sign-in was finished already, took over ten minutes, or began in another browser").Coded("visit-unknown")
}

const useIdentitySQL = `
update auth.identity i set used_at = $3
  from auth.person p
 where i.issuer = $1 and i.subject = $2 and p.id = i.person_id and p.disabled_at is null
returning i.person_id`

// PersonOf is whose account an identity is linked to; uuid.Nil: nobody's.
func (a *Auth) PersonOf(ctx context.Context, answer Outsider) (uuid.UUID, error) {
	var person uuid.UUID
	err := a.DB.QueryRow(ctx, useIdentitySQL, answer.Issuer, answer.Subject, a.Now().UTC()).Scan(&person)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, fmt.Errorf("find identity: %w", err)
	}
	return person, nil
}

const offerSQL = `
insert into auth.outside_visit (hash, browser, nonce, verifier, next, issuer, subject, email, name, agent, address, expires_at)
values ($1, $2, '', '', '', $3, $4, $5, $6, $7, $8, $9)`

// Offer keeps an answer of the provider for who has to decide what account it
// shall open, and gives the secret for the cookie of their browser.
func (a *Auth) Offer(ctx context.Context, answer Outsider) (string, error) {
	browser, hash := newSecret()
	_, err := a.DB.Exec(ctx, offerSQL, hash, hash, answer.Issuer, answer.Subject, answer.Email, answer.Name,
		cleanAgent(answer.Agent), answer.Address, a.Now().UTC().Add(visitLasts))
	if err != nil {
		return "", fmt.Errorf("keep answer of the provider: %w", err)
	}
	return browser, nil
}

const offeredSQL = `
select issuer, subject, email, name, agent, address from auth.outside_visit
 where hash = $1 and browser = $1 and expires_at > $2 and subject <> ''`

// Offered is the answer kept for a browser. It fails with NotFound.
func (a *Auth) Offered(ctx context.Context, browser string) (Outsider, error) {
	answer, err := pg.One[Outsider](ctx, a.DB, offeredSQL, hashSecret(browser), a.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return Outsider{}, visitUnknown()
	} else if err != nil {
		return Outsider{}, fmt.Errorf("find answer of the provider: %w", err)
	}
	return answer, nil
}

const takeOfferSQL = `
delete from auth.outside_visit where hash = $1`

const linkSQL = `
insert into auth.identity (issuer, subject, person_id, email, linked_at, used_at, added_agent, added_address)
values ($1, $2, $3, $4, $5, $5, $6, $7)`

// LinkOffered links the answer kept for a browser to the account of who is
// signed in there. It fails with NotFound as Offered does, Unauthorized when the
// session has ended, and Conflict when another account has it. The caller has
// seen that the proof of the session is recent.
func (a *Auth) LinkOffered(ctx context.Context, who Principal, session, browser string) error {
	answer, err := a.Offered(ctx, browser)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if err := a.takeOffer(ctx, tx, browser); err != nil {
			return err
		}
		return a.linkIn(ctx, tx, who, session, answer)
	})
}

// Link links an identity to the account of who is signed in. It fails with
// Unauthorized when the session has ended, and Conflict when another account
// has it.
func (a *Auth) Link(ctx context.Context, who Principal, session string, answer Outsider) error {
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error { return a.linkIn(ctx, tx, who, session, answer) })
}

// linkIn links for who is signed in still: a new password, which ends sessions
// and new ways in, may have come while the provider was asked.
func (a *Auth) linkIn(ctx context.Context, tx pgx.Tx, who Principal, session string, answer Outsider) error {
	if err := lockPerson(ctx, tx, who.Person); err != nil {
		return err
	}
	var in bool
	if err := tx.QueryRow(ctx, stillInSQL, hashSecret(session), who.Person).Scan(&in); err != nil {
		return fmt.Errorf("find session of person %s: %w", who.Person, err)
	}
	if !in {
		return sessionOver()
	}
	return a.link(ctx, tx, who, answer)
}

func (a *Auth) link(ctx context.Context, tx pgx.Tx, who Principal, answer Outsider) error {
	if who.Person == uuid.Nil {
		return signInFirst()
	}
	_, err := tx.Exec(ctx, linkSQL, answer.Issuer, answer.Subject, who.Person, answer.Email, a.Now().UTC(), cleanAgent(answer.Agent), answer.Address)
	if pg.IsUnique(err, "identity_key") {
		return problem.Errorf(problem.Conflict, "this identity opens an account already").Coded("identity-taken")
	} else if err != nil {
		return fmt.Errorf("link identity to person %s: %w", who.Person, err)
	}
	return a.Record(ctx, tx, Act{Who: who, Verb: "identity.link", About: who.Person, Detail: map[string]any{"issuer": answer.Issuer}})
}

func (a *Auth) takeOffer(ctx context.Context, tx pgx.Tx, browser string) error {
	done, err := tx.Exec(ctx, takeOfferSQL, hashSecret(browser))
	if err != nil {
		return fmt.Errorf("take answer of the provider: %w", err)
	}
	if done.RowsAffected() == 0 {
		return visitUnknown()
	}
	return nil
}

// SignUpOffered makes an account of the answer kept for a browser, with the
// address that the provider has verified and a name. It fails with NotFound as
// Offered does, Invalid with the fields that are wrong, and Conflict when the
// provider has verified no address or the address has an account: the same
// address is no proof that it is the same person.
func (a *Auth) SignUpOffered(ctx context.Context, browser, name, locale string) (Person, error) {
	answer, err := a.Offered(ctx, browser)
	if err != nil {
		return Person{}, err
	}
	if answer.Email == "" {
		return Person{}, problem.Errorf(problem.Conflict, "the provider has verified no e-mail address").Coded("email-not-verified")
	}
	n, wrong := NewPerson{Email: answer.Email, Name: name, Locale: locale}.tidy()
	if err := asError(wrong); err != nil {
		return Person{}, err
	}
	var p Person
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if err := a.takeOffer(ctx, tx, browser); err != nil {
			return err
		}
		if p, err = a.settle(ctx, tx, n, ""); err != nil {
			return err
		}
		return a.link(ctx, tx, Principal{Person: p.ID, Name: p.Name}, answer)
	})
	return p, err
}

const identitiesSQL = `
select issuer, subject, email, linked_at, used_at, added_agent, added_address from auth.identity where person_id = $1 order by linked_at, issuer, subject`

// Identities lists what is linked to the account of who is signed in.
func (a *Auth) Identities(ctx context.Context, who Principal) ([]Identity, error) {
	list, err := pg.All[Identity](ctx, a.DB, identitiesSQL, who.Person)
	if err != nil {
		return nil, fmt.Errorf("list identities of person %s: %w", who.Person, err)
	}
	return list, nil
}

const (
	lockPersonSQL = `
select coalesce(password, '') from auth.person where id = $1 for update`
	stillInSQL = `
select exists (select from auth.session where hash = $1 and person_id = $2)`
)

// lockPerson makes whoever else changes what opens the account of a person wait.
func lockPerson(ctx context.Context, tx pgx.Tx, person uuid.UUID) error {
	if _, err := tx.Exec(ctx, lockPersonSQL, person); err != nil {
		return fmt.Errorf("lock person %s: %w", person, err)
	}
	return nil
}

const unlinkSQL = `
delete from auth.identity where person_id = $1 and issuer = $2 and subject = $3`

// Unlink takes an identity from the account of who is signed in. It fails with
// NotFound, and with Conflict when there is no other way in: no password and
// no other identity.
func (a *Auth) Unlink(ctx context.Context, who Principal, issuer, subject string) error {
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var password string
		if err := tx.QueryRow(ctx, lockPersonSQL, who.Person).Scan(&password); err != nil {
			return fmt.Errorf("lock person %s: %w", who.Person, err)
		}
		list, err := pg.All[Identity](ctx, tx, identitiesSQL, who.Person)
		if err != nil {
			return fmt.Errorf("list identities of person %s: %w", who.Person, err)
		}
		done, err := tx.Exec(ctx, unlinkSQL, who.Person, issuer, subject)
		if err != nil {
			return fmt.Errorf("unlink identity of person %s: %w", who.Person, err)
		}
		if done.RowsAffected() == 0 {
			return problem.Errorf(problem.NotFound, "no such identity").Coded("identity-unknown")
		}
		if password == "" && len(list) == 1 {
			return problem.Errorf(problem.Conflict, "it is the only way to sign in; set a password first").Coded("only-way-in")
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "identity.unlink", About: who.Person, Detail: map[string]any{"issuer": issuer}})
	})
}
