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

// How long the second step may take, and how fresh a proof must be to change
// what one proves oneself with.
const (
	pendingLast = 5 * time.Minute
	proofFresh  = 10 * time.Minute
)

// The kinds of second factors, as notices and the ledger name them.
const (
	KindApp     = "app"     // an authenticator app
	KindPasskey = "passkey" // a key on a device, or a security key
)

// App is a person's authenticator app.
type App struct {
	ConfirmedAt time.Time  `json:"confirmed_at"`
	LastUsedAt  *time.Time `json:"last_used_at"`
	Place
}

// Place is where a way into an account was added, as far as its session told.
type Place struct {
	AddedAgent   string `json:"added_agent"` // User-Agent; "" when it is not known
	AddedAddress string `json:"added_address"`
}

// Browser is the browser in words, "" when it is none that we know.
func (p Place) Browser() string { browser, _ := agentWords(p.AddedAgent); return browser }

// System is the same of the system.
func (p Place) System() string { _, system := agentWords(p.AddedAgent); return system }

// Factors are the second factors of a person.
type Factors struct {
	App      *App      `json:"app"`            // nil: none
	Passkeys []Passkey `json:"passkeys"`       // by age
	Codes    int       `json:"recovery_codes"` // that are left
}

// Any reports whether there is a second factor. Recovery codes stand in for
// one; they are none.
func (f Factors) Any() bool { return f.App != nil || len(f.Passkeys) > 0 }

const (
	appSQL = `
select confirmed_at, last_used_at, added_agent, added_address from auth.totp where person_id = $1 and confirmed_at is not null`

	countCodesSQL = `
select count(*) from auth.recovery_code where person_id = $1`
)

// Factors are the second factors of a person.
func (a *Auth) Factors(ctx context.Context, person uuid.UUID) (Factors, error) {
	return factorsOf(ctx, a.DB, person)
}

func factorsOf(ctx context.Context, db pg.DB, person uuid.UUID) (Factors, error) {
	var f Factors
	app, err := pg.One[App](ctx, db, appSQL, person)
	if err == nil {
		f.App = &app
	} else if !errors.Is(err, pgx.ErrNoRows) {
		return f, fmt.Errorf("find authenticator app of person %s: %w", person, err)
	}
	if f.Passkeys, err = pg.All[Passkey](ctx, db, passkeysSQL, person); err != nil {
		return f, fmt.Errorf("list passkeys of person %s: %w", person, err)
	}
	if err := db.QueryRow(ctx, countCodesSQL, person).Scan(&f.Codes); err != nil {
		return f, fmt.Errorf("count recovery codes of person %s: %w", person, err)
	}
	return f, nil
}

// Shown is what somebody shows to prove who they are: a passkey, which counts
// for two factors, a code or recovery code, or the password.
type Shown struct {
	Password string
	Code     string // of the authenticator app
	Recovery string // a recovery code
	Passkey  Answer // to a challenge
}

// second checks the second factor that is shown of a person, takes what may be
// shown only once, and gives the methods it amounts to after a first. It fails
// with Unauthorized, and with TooMany after too many wrong codes.
func (a *Auth) second(ctx context.Context, person uuid.UUID, shown Shown) ([]string, error) {
	methods, err := []string{ByCode, ByTwo}, codeWrong()
	switch {
	case shown.Passkey.Handle != "":
		methods, err = a.takeAssertion(ctx, person, shown.Passkey)
	case shown.Code != "":
		err = a.takeCode(ctx, person, shown.Code)
	case shown.Recovery != "":
		err = a.takeRecovery(ctx, person, shown.Recovery)
	}
	if err != nil {
		return nil, err
	}
	if _, err := a.DB.Exec(ctx, rightCodeSQL, person); err != nil {
		return nil, fmt.Errorf("forget wrong codes of person %s: %w", person, err)
	}
	return methods, nil
}

const (
	rightCodeSQL = `
update auth.person set codes_wrong = 0 where id = $1 and codes_wrong > 0`
	wrongCodeSQL = `
update auth.person set codes_wrong = codes_wrong + 1 where id = $1 returning codes_wrong`
	tellCodesSQL = `
update auth.person set codes_told_at = $2 where id = $1 and (codes_told_at is null or codes_told_at <= $3)`
)

// codesToldEvery is how often at most a person is told of wrong codes.
const codesToldEvery = 24 * time.Hour

// countWrong counts a wrong code of who has shown the first factor, from
// wherever and however slowly they come, and has the person told of the tenth:
// somebody knows their password. It always fails, with Unauthorized.
func (a *Auth) countWrong(ctx context.Context, person uuid.UUID) error {
	var wrong int
	if err := a.DB.QueryRow(ctx, wrongCodeSQL, person).Scan(&wrong); err != nil {
		return fmt.Errorf("count wrong codes of person %s: %w", person, err)
	}
	if wrong < maxCodeTry {
		return codeWrong()
	}
	if err := a.tellOfCodes(ctx, person); err != nil {
		return err
	}
	return codeWrong()
}

// tellOfCodes has a person told, once a day, that somebody tries second
// factors who has shown the first.
func (a *Auth) tellOfCodes(ctx context.Context, person uuid.UUID) error {
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		now := a.Now().UTC()
		done, err := tx.Exec(ctx, tellCodesSQL, person, now, now.Add(-codesToldEvery))
		if err != nil {
			return fmt.Errorf("tell person %s of wrong codes: %w", person, err)
		}
		if done.RowsAffected() == 0 {
			return nil
		}
		return a.tell(ctx, tx, Platform("sign-in"), FactorNotice{What: "codes-wrong", Person: person})
	})
}

const (
	startPendingSQL = `
insert into auth.pending_session (hash, person_id, proved_at, methods, expires_at)
select $1, id, $3, $4, $5 from auth.person where id = $2 and disabled_at is null`

	endOldPendingSQL = `
delete from auth.pending_session where expires_at <= $1`
)

// startPending keeps for 5 minutes that a person has shown their first factor,
// at that time.
func (a *Auth) startPending(ctx context.Context, person uuid.UUID, at time.Time, methods []string) (Pending, error) {
	now := a.Now().UTC()
	if _, err := a.DB.Exec(ctx, endOldPendingSQL, now); err != nil {
		return Pending{}, fmt.Errorf("end old pending sessions: %w", err)
	}
	secret, hash := newSecret()
	done, err := a.DB.Exec(ctx, startPendingSQL, hash, person, at, methods, now.Add(pendingLast))
	if err != nil {
		return Pending{}, fmt.Errorf("begin second step of person %s: %w", person, err)
	}
	if done.RowsAffected() == 0 {
		return Pending{}, problem.Errorf(problem.NotFound, "no person %s", person).Coded("person-unknown")
	}
	return Pending{Secret: secret, Person: person, Expires: now.Add(pendingLast)}, nil
}

func pendingOver() error {
	return problem.Errorf(problem.Unauthorized, "the second step took longer than 5 minutes, or was done already; sign in again").Coded("second-step-over")
}

const dropPendingSQL = `
delete from auth.pending_session where person_id = $1`

const pendingPersonSQL = `
select w.person_id from auth.pending_session w join auth.person p on p.id = w.person_id
 where w.hash = $1 and w.expires_at > $2 and p.disabled_at is null`

// PendingPerson is who owes the second factor. It fails with Unauthorized
// (second-step-over).
func (a *Auth) PendingPerson(ctx context.Context, secret string) (uuid.UUID, error) {
	var person uuid.UUID
	err := a.DB.QueryRow(ctx, pendingPersonSQL, hashSecret(secret), a.Now().UTC()).Scan(&person)
	if errors.Is(err, pgx.ErrNoRows) {
		return person, pendingOver()
	} else if err != nil {
		return person, fmt.Errorf("find pending session: %w", err)
	}
	return person, nil
}

const takePendingSQL = `
delete from auth.pending_session where hash = $1 and expires_at > $2 returning proved_at as at, methods`

// FinishSession starts the session that a Pending stands for, once, when a
// second factor is shown; it is as old as the first. It fails with Unauthorized and TooMany; a wrong
// factor leaves the Pending as it is.
func (a *Auth) FinishSession(ctx context.Context, secret string, shown Shown) (Session, error) {
	person, err := a.PendingPerson(ctx, secret)
	if err != nil {
		return Session{}, err
	}
	second, err := a.second(ctx, person, shown)
	if err != nil {
		return Session{}, err
	}
	var s Session
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		type row struct {
			At      time.Time
			Methods []string
		}
		first, err := pg.One[row](ctx, tx, takePendingSQL, hashSecret(secret), a.Now().UTC())
		if errors.Is(err, pgx.ErrNoRows) {
			return pendingOver()
		} else if err != nil {
			return fmt.Errorf("take pending session: %w", err)
		}
		s, err = a.startSession(ctx, tx, person, Proof{At: first.At, Methods: together(first.Methods, second)})
		return err
	})
	return s, err
}

// together are the methods of both, each once.
func together(first, second []string) []string {
	all := slices.Clone(first)
	for _, method := range second {
		if !slices.Contains(all, method) {
			all = append(all, method)
		}
	}
	return all
}

// holder is the person of a session who is about to change what they prove
// themselves with.
type holder struct {
	personRow
	Proof
	Factors Factors
	secret  string
}

func (h holder) who() Principal { return Principal{Person: h.ID, Name: h.Name} }

const holderSQL = `
select p.id, p.name, p.demo, s.id as session, s.proved_at as at, s.methods
  from auth.session s join auth.person p on p.id = s.person_id
 where s.hash = $1 and s.created_at > $2 and s.seen_at > $3 and p.disabled_at is null`

func (a *Auth) holder(ctx context.Context, session string) (holder, error) {
	type row struct {
		personRow
		Proof
	}
	now := a.Now().UTC()
	r, err := pg.One[row](ctx, a.DB, holderSQL, hashSecret(session), now.Add(-sessionLast), now.Add(-sessionIdle))
	if errors.Is(err, pgx.ErrNoRows) {
		return holder{}, sessionOver()
	} else if err != nil {
		return holder{}, fmt.Errorf("find session: %w", err)
	}
	factors, err := a.Factors(ctx, r.ID)
	return holder{personRow: r.personRow, Proof: r.Proof, Factors: factors, secret: session}, err
}

// freshHolder is the holder when they have proved who they are within 10
// minutes, with a second factor if they have one; else it fails with Forbidden
// (proof-old).
func (a *Auth) freshHolder(ctx context.Context, session string) (holder, error) {
	h, err := a.holder(ctx, session)
	if err != nil {
		return h, err
	}
	if a.Now().Sub(h.At) > proofFresh || h.Factors.Any() && h.Level() != AAL2 {
		return h, problem.Errorf(problem.Forbidden, "prove who you are once more; the last proof is older than 10 minutes").Coded("proof-old")
	}
	return h, nil
}

// Fresh is nil when the person of a session has proved who they are within 10
// minutes; else Forbidden (proof-old), and Prove is what makes it so.
func (a *Auth) Fresh(ctx context.Context, session string) error {
	_, err := a.freshHolder(ctx, session)
	return err
}

// Prove renews and raises the proof of a session by what is shown; the session
// goes on under a new secret. Who has a second factor shows both, whatever the
// session has reached: a passkey, or the password with a code. The password
// comes first, so that a code is not used up beside a wrong one. It fails with
// Unauthorized and TooMany.
func (a *Auth) Prove(ctx context.Context, session string, shown Shown) (Session, error) {
	h, err := a.holder(ctx, session)
	if err != nil {
		return Session{}, err
	}
	var methods []string
	if shown.Passkey.Handle == "" {
		if err := a.CheckPassword(ctx, h.ID, shown.Password); err != nil {
			return Session{}, err
		}
		methods = []string{ByPassword}
	}
	if shown.Passkey.Handle != "" || h.Factors.Any() {
		second, err := a.second(ctx, h.ID, shown)
		if err != nil {
			return Session{}, err
		}
		methods = together(methods, second)
	}
	return a.raise(ctx, a.DB, h, methods)
}

const raiseSQL = `
update auth.session
   set hash = $2, methods = $3, proved_at = $4, seen_at = $4
 where hash = $1
returning created_at`

// raise gives a session a new secret, and adds methods shown just now.
func (a *Auth) raise(ctx context.Context, db pg.DB, h holder, methods []string) (Session, error) {
	secret, hash := newSecret()
	var created time.Time
	err := db.QueryRow(ctx, raiseSQL, hashSecret(h.secret), hash, together(h.Methods, methods), a.Now().UTC()).Scan(&created)
	if errors.Is(err, pgx.ErrNoRows) {
		return Session{}, sessionOver()
	} else if err != nil {
		return Session{}, fmt.Errorf("raise session: %w", err)
	}
	return Session{Secret: secret, Person: h.ID, Expires: created.Add(sessionLast)}, nil
}

// FactorNotice is what a person is told about what they prove themselves with.
type FactorNotice struct {
	What   string // factor-added, factor-removed, recovery-used, codes-wrong, password-changed, email-changed
	Person uuid.UUID
	Kind   string // KindApp, KindPasskey
	Name   string // of a passkey
	Mailed bool   // a letter of its own tells it
}

// Enrolled is what comes of a new second factor: the session goes on, at AAL2,
// under a new secret; recovery codes are shown once, and only with the first.
type Enrolled struct {
	Session Session
	Codes   []string
}

// enrol finishes adding a factor inside tx.
func (a *Auth) enrol(ctx context.Context, tx pgx.Tx, h holder, n FactorNotice, methods []string) (Enrolled, error) {
	var e Enrolled
	var err error
	if h.Factors.Codes == 0 {
		if e.Codes, err = a.renewCodes(ctx, tx, h.ID); err != nil {
			return e, err
		}
	}
	if e.Session, err = a.raise(ctx, tx, h, methods); err != nil {
		return e, err
	}
	n.What, n.Person = "factor-added", h.ID
	return e, a.tell(ctx, tx, h.who(), n)
}

// What was proved by a factor that is gone is not believed any more: an
// official's roles wait for the next one, whatever was let in before.
const (
	lowerSessionsSQL = `
update auth.session set methods = array_remove(methods, 'mfa') where person_id = $1`
	lowerConsentsSQL = `
update auth.oauth_consent set methods = array_remove(methods, 'mfa') where person_id = $1`
	lowerGrantsSQL = `
update auth.oauth_grant set methods = array_remove(methods, 'mfa') where person_id = $1 and revoked_at is null`
	lowerTokensSQL = `
update auth.personal_token set level = 'aal1' where person_id = $1`
)

// unenrol finishes removing a factor inside tx: with the last one, its
// recovery codes go, and the level that was reached with it.
func (a *Auth) unenrol(ctx context.Context, tx pgx.Tx, h holder, n FactorNotice) error {
	left, err := factorsOf(ctx, tx, h.ID)
	if err != nil {
		return err
	}
	if !left.Any() {
		for _, sql := range []string{dropCodesSQL, lowerSessionsSQL, lowerConsentsSQL, lowerGrantsSQL, lowerTokensSQL} {
			if _, err := tx.Exec(ctx, sql, h.ID); err != nil {
				return fmt.Errorf("end what the last factor of person %s proved: %w", h.ID, err)
			}
		}
	}
	n.What, n.Person = "factor-removed", h.ID
	return a.tell(ctx, tx, h.who(), n)
}

// DropFactors takes every second factor off the account of somebody who has
// lost them all, and ends what they had proved; a letter tells them. An
// official must set up a new one before their roles count. It fails with
// Forbidden unless who may person.edit.
func (a *Auth) DropFactors(ctx context.Context, who Principal, person uuid.UUID) error {
	if err := a.May(ctx, who, "person.edit", uuid.Nil); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		for _, sql := range []string{endAppSQL, endPasskeysSQL, dropCodesSQL} {
			if _, err := tx.Exec(ctx, sql, person); err != nil {
				return fmt.Errorf("drop the factors of person %s: %w", person, err)
			}
		}
		if err := a.vouched(ctx, tx, person); err != nil {
			return err
		}
		if err := EndPerson(ctx, tx, a.Now().UTC(), person, uuid.Nil); err != nil {
			return err
		}
		return a.tell(ctx, tx, who, FactorNotice{What: "factor-removed", Person: person})
	})
}

// tell records that a factor came or went, and has a letter written.
func (a *Auth) tell(ctx context.Context, tx pgx.Tx, who Principal, n FactorNotice) error {
	verb := map[string]string{"factor-added": "factor.add", "factor-removed": "factor.remove", "recovery-used": "recovery.use",
		"codes-wrong": "factor.guess"}[n.What]
	act := Act{Who: who, Verb: verb, About: n.Person}
	if n.Kind != "" {
		act.Detail = map[string]any{"kind": n.Kind}
	}
	if err := a.Record(ctx, tx, act); err != nil {
		return err
	}
	return a.Notify(ctx, tx, n)
}
