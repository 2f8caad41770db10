package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// What a new password does to the other ways into an account. A link proves the
// mailbox, or that an operator vouches for whoever has it. Somebody who knew the
// old password may have added a passkey, which opens the account by itself: what
// is younger than 30 days goes, unless the person keeps it. What is older stays,
// and is asked for at the next sign-in: a mailbox alone gets nobody past it. An
// official who is left without a second factor adds none by themself: an
// operator vouches for them first (NIST SP 800-63B-4 §4.2, which has the
// recovery of an account at AAL2 prove more than one address).

// settledAfter is how old a way in must be to outlive a new password by itself.
const settledAfter = 30 * 24 * time.Hour

// Further kinds of ways in, beside KindApp and KindPasskey.
const (
	KindCodes    = "codes"    // recovery codes, all of them
	KindIdentity = "identity" // at the outside provider
)

// Way is a way into an account besides its password.
type Way struct {
	Key        string     `json:"-"` // what a form calls it
	Kind       string     `json:"kind"`
	Name       string     `json:"name"` // of a passkey; the address of an identity, or its issuer
	AddedAt    time.Time  `json:"added_at"`
	LastUsedAt *time.Time `json:"-"`
	Recent     bool       `json:"-"` // a new password ends it, unless it is kept
	Place      `json:"-"`
}

// An identity that the account was made with is as old as the account.
const waysSQL = `
select 'passkey' as kind, id::text as key, name, created_at as added_at, added_agent, added_address,
       last_used_at, created_at > $2 as recent
  from auth.passkey where person_id = $1
union all
select 'app', 'app', '', confirmed_at, added_agent, added_address, last_used_at, confirmed_at > $2
  from auth.totp where person_id = $1 and confirmed_at is not null
union all
select 'codes', 'codes', '', max(made_at), '', '', null, max(made_at) > $2
  from auth.recovery_code where person_id = $1 having count(*) > 0
union all
select 'identity', encode(sha256(convert_to(i.issuer || E'\n' || i.subject, 'UTF8')), 'hex'), coalesce(nullif(i.email, ''), i.issuer),
       i.linked_at, i.added_agent, i.added_address, i.used_at, i.linked_at > $2 and i.linked_at > p.created_at + interval '1 minute'
  from auth.identity i join auth.person p on p.id = i.person_id where i.person_id = $1
 order by added_at, kind, key`

// waysIn lists the ways into an account besides the password, oldest first.
func (a *Auth) waysIn(ctx context.Context, db pg.DB, person uuid.UUID) ([]Way, error) {
	ways, err := pg.All[Way](ctx, db, waysSQL, person, a.Now().UTC().Add(-settledAfter))
	if err != nil {
		return nil, fmt.Errorf("list ways into the account of person %s: %w", person, err)
	}
	return ways, nil
}

// Reset is what a link to a new password is about.
type Reset struct {
	Person  Person
	Vouched bool            // an operator made the link
	Ways    []Way           // besides the password, oldest first
	Tokens  []PersonalToken // that end
	Granted []Granted       // what ends of applications
	Vouch   bool            // if nothing recent is kept, an operator must vouch before a second factor is added
}

// Granted is an application with a grant of a person that is in force.
type Granted struct {
	Name  string
	Since time.Time
}

const grantedSQL = `
select a.name, min(g.created_at) as since
  from auth.oauth_grant g join auth.application a on a.id = g.client_id
 where g.person_id = $1 and g.revoked_at is null and g.expires_at > $2
 group by a.id, a.name
 order by since, a.name`

const isOfficialSQL = `
select not p.demo and exists (select from auth.membership m where m.person_id = p.id) from auth.person p where p.id = $1`

// Reset tells what a link is about to do, without using it up. It fails with
// NotFound as LinkPerson does.
func (a *Auth) Reset(ctx context.Context, token string) (Reset, error) {
	link, err := a.openLink(ctx, token)
	if err != nil {
		return Reset{}, err
	}
	r := Reset{Person: link.Person, Vouched: link.Vouched}
	if r.Ways, err = a.waysIn(ctx, a.DB, r.Person.ID); err != nil {
		return r, err
	}
	if r.Tokens, err = a.Tokens(ctx, Principal{Person: r.Person.ID}); err != nil {
		return r, err
	}
	if r.Granted, err = pg.All[Granted](ctx, a.DB, grantedSQL, r.Person.ID, a.Now().UTC()); err != nil {
		return r, fmt.Errorf("list grants of person %s: %w", r.Person.ID, err)
	}
	if err := a.DB.QueryRow(ctx, isOfficialSQL, r.Person.ID).Scan(&r.Vouch); err != nil {
		return r, fmt.Errorf("find roles of person %s: %w", r.Person.ID, err)
	}
	settled, second := false, false
	for _, way := range r.Ways {
		if way.Kind == KindApp || way.Kind == KindPasskey {
			settled, second = settled || !way.Recent, true
		}
	}
	r.Vouch = r.Vouch && !r.Vouched && second && !settled
	return r, nil
}

const takeLinkSQL = `
delete from auth.link where hash = $1 and expires_at > $2 returning person_id`

const setPasswordSQL = `
update auth.person set password = $2 where id = $1`

// SetPassword uses up a link and sets its person's password; all that was let
// in by what was known before ends (endAll), and so do the ways in that are
// younger than 30 days, but for those whose keys are in keep. A letter names
// what went. It fails with NotFound as LinkPerson does, and with Invalid when
// the password is not good enough, which leaves the link unused.
func (a *Auth) SetPassword(ctx context.Context, token, password string, keep ...string) (Person, error) {
	link, err := a.openLink(ctx, token)
	if err != nil {
		return Person{}, err
	}
	p := link.Person
	stored, err := a.newPassword(ctx, password, p)
	if err != nil {
		return Person{}, err
	}
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var person uuid.UUID
		err := tx.QueryRow(ctx, takeLinkSQL, hashSecret(token), a.Now().UTC()).Scan(&person)
		if errors.Is(err, pgx.ErrNoRows) {
			return linkUnknown()
		} else if err != nil {
			return fmt.Errorf("take link: %w", err)
		}
		// This locks the person: whoever is adding a way in came before, or waits and finds no session.
		if _, err := tx.Exec(ctx, setPasswordSQL, person, stored); err != nil {
			return fmt.Errorf("set password of person %s: %w", person, err)
		}
		letter := letterTo(p, LetterPasswordChanged)
		if letter.About, err = a.dropRecent(ctx, tx, link, keep); err != nil {
			return err
		}
		if err := a.endAll(ctx, tx, person); err != nil {
			return err
		}
		if err := a.askAndTell(ctx, tx, letter, person); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: Principal{Person: p.ID, Name: p.Name}, Verb: "person.password", About: person})
	})
	return p, err
}

const (
	dropStartedAppSQL = `
delete from auth.totp where person_id = $1 and confirmed_at is null`
	dropPasskeySQL = `
delete from auth.passkey where person_id = $1 and id = $2::uuid`
	dropIdentitySQL = `
delete from auth.identity where person_id = $1 and encode(sha256(convert_to(issuer || E'\n' || subject, 'UTF8')), 'hex') = $2`
)

// dropRecent ends the ways in that are younger than 30 days and not kept.
func (a *Auth) dropRecent(ctx context.Context, tx pgx.Tx, link link, keep []string) (LetterAbout, error) {
	var about LetterAbout
	person := link.Person.ID
	if _, err := tx.Exec(ctx, dropStartedAppSQL, person); err != nil {
		return about, fmt.Errorf("drop an app that person %s has not confirmed: %w", person, err)
	}
	ways, err := a.waysIn(ctx, tx, person)
	if err != nil {
		return about, err
	}
	had := slices.ContainsFunc(ways, func(w Way) bool { return w.Kind == KindApp || w.Kind == KindPasskey })
	for _, way := range ways {
		if !way.Recent || slices.Contains(keep, way.Key) {
			continue
		}
		if err := a.dropWay(ctx, tx, link.Person, way); err != nil {
			return about, err
		}
		about.Dropped = append(about.Dropped, way)
	}
	if link.Vouched {
		return about, a.vouched(ctx, tx, person)
	}
	about.Vouch, err = a.afterDrop(ctx, tx, person, had)
	return about, err
}

// dropWay ends one way into the account of a person, on the record.
func (a *Auth) dropWay(ctx context.Context, tx pgx.Tx, p Person, way Way) error {
	var err error
	act := Act{Who: Principal{Person: p.ID, Name: p.Name}, Verb: "factor.remove", About: p.ID, Detail: map[string]any{"kind": way.Kind}}
	switch way.Kind {
	case KindApp:
		_, err = tx.Exec(ctx, endAppSQL, p.ID)
	case KindPasskey:
		_, err = tx.Exec(ctx, dropPasskeySQL, p.ID, way.Key)
	case KindCodes:
		_, err = tx.Exec(ctx, dropCodesSQL, p.ID)
	case KindIdentity:
		act.Verb = "identity.unlink"
		_, err = tx.Exec(ctx, dropIdentitySQL, p.ID, way.Key)
	}
	if err != nil {
		return fmt.Errorf("drop %s of person %s: %w", way.Kind, p.ID, err)
	}
	return a.Record(ctx, tx, act)
}

const (
	needVouchingSQL = `
update auth.person p set vouch_needed = true
 where id = $1 and not demo and exists (select from auth.membership m where m.person_id = p.id)`
	vouchedSQL = `
update auth.person set vouch_needed = false where id = $1`
	needsVouchingSQL = `
select vouch_needed and exists (select from auth.membership m where m.person_id = p.id) from auth.person p where id = $1`
)

// afterDrop settles what it means that second factors fell to a letter: with
// the last of them go the recovery codes, and an official needs vouching for
// before they add another. had: there was one before. It reports whether an
// operator must vouch.
func (a *Auth) afterDrop(ctx context.Context, tx pgx.Tx, person uuid.UUID, had bool) (bool, error) {
	left, err := factorsOf(ctx, tx, person)
	if err != nil || left.Any() || !had {
		return false, err
	}
	if _, err := tx.Exec(ctx, dropCodesSQL, person); err != nil {
		return false, fmt.Errorf("drop recovery codes of person %s: %w", person, err)
	}
	done, err := tx.Exec(ctx, needVouchingSQL, person)
	if err != nil {
		return false, fmt.Errorf("note that person %s needs vouching for: %w", person, err)
	}
	return done.RowsAffected() > 0, nil
}

// vouched notes that an operator vouches for a person.
func (a *Auth) vouched(ctx context.Context, tx pgx.Tx, person uuid.UUID) error {
	if _, err := tx.Exec(ctx, vouchedSQL, person); err != nil {
		return fmt.Errorf("vouch for person %s: %w", person, err)
	}
	return nil
}

// NeedsVouching reports whether the person is an official whose second factors
// fell to a letter: they may add none before an operator vouches for them.
func (a *Auth) NeedsVouching(ctx context.Context, person uuid.UUID) (bool, error) {
	var needs bool
	if err := a.DB.QueryRow(ctx, needsVouchingSQL, person).Scan(&needs); err != nil {
		return false, fmt.Errorf("find whether person %s needs vouching for: %w", person, err)
	}
	return needs, nil
}

// enroller is the freshHolder who may add a second factor. It also fails with
// Forbidden (vouch-needed).
func (a *Auth) enroller(ctx context.Context, session string) (holder, error) {
	h, err := a.freshHolder(ctx, session)
	if err != nil {
		return h, err
	}
	needs, err := a.NeedsVouching(ctx, h.ID)
	if err == nil && needs {
		err = problem.Errorf(problem.Forbidden, "an operator must vouch for you before you add a second factor").Coded("vouch-needed")
	}
	return h, err
}
