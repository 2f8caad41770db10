package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// How long a session lasts, and how exactly we remember when a session or a
// token was last seen.
const (
	sessionIdle = 12 * time.Hour
	sessionLast = 7 * 24 * time.Hour
	seenStep    = time.Minute
)

// The ways a person proves who they are (RFC 8176).
const (
	ByPassword = "pwd"
	ByCode     = "otp"  // a code of an authenticator app, or a recovery code
	ByHardware = "hwk"  // a passkey that stays on its device
	BySoftware = "swk"  // a passkey that is copied between devices
	ByPresence = "user" // somebody was there
	ByTwo      = "mfa"  // two factors of different kinds
)

// The levels of proof, weakest first: one factor, or two of different kinds
// (acr of OpenID Connect Core 1.0 §2).
const (
	AAL1 = "aal1"
	AAL2 = "aal2"
)

// Proof is how and when the person of a session last proved who they are.
type Proof struct {
	Session uuid.UUID // public id of the session: the sid of its tokens
	At      time.Time // UTC: auth_time
	Methods []string  // amr
}

// Level is AAL2 when two factors were shown, else AAL1.
func (p Proof) Level() string { return LevelOf(p.Methods) }

// LevelOf is the level that methods reach.
func LevelOf(methods []string) string {
	if slices.Contains(methods, ByTwo) {
		return AAL2
	}
	return AAL1
}

// Session is a signed-in browser. Secret is for its cookie and shown once.
type Session struct {
	Secret  string
	Person  uuid.UUID
	Expires time.Time // at the latest; sooner after 12 h without a request
}

// newSecret gives 32 random bytes as text, and the hash that is stored of
// them. No pepper: nothing can be guessed of 256 random bits.
func newSecret() (string, []byte) {
	var random [32]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	secret := base64.RawURLEncoding.EncodeToString(random[:])
	return secret, hashSecret(secret)
}

func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Pending stands between the first factor and the second. Secret is for a
// cookie, and nothing can be done with it but to show the second factor.
type Pending struct {
	Secret  string
	Person  uuid.UUID
	Expires time.Time
}

// Begun is where a first proof leads: to a session, or first to a second step.
// Exactly one is set.
type Begun struct {
	Session *Session
	Pending *Pending
}

const passwordByEmailSQL = `
select id, coalesce(password, '') as password from auth.person where email = $1 and disabled_at is null`

// SignIn checks e-mail and password and begins a session. It fails with
// Unauthorized, in the same words and time for an unknown address as for a
// wrong password, and with TooMany when too many are signing in.
func (a *Auth) SignIn(ctx context.Context, email, password string) (Begun, error) {
	type row struct {
		ID       uuid.UUID
		Password string
	}
	p, err := pg.One[row](ctx, a.DB, passwordByEmailSQL, foldEmail(email))
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Begun{}, fmt.Errorf("find person: %w", err)
	}
	if len(password) > maxPassword {
		password = "" // longer than any that could be set
	}
	ok, err := a.Passwords.match(ctx, p.Password, password)
	if err != nil {
		return Begun{}, err
	}
	if !ok {
		return Begun{}, problem.Errorf(problem.Unauthorized, "e-mail address or password is wrong").Coded("sign-in-refused")
	}
	return a.BeginSession(ctx, p.ID, ByPassword)
}

// BeginSession is the one way to a session: of a person who has just proved
// who they are by these methods. Who has a second factor and has not shown it
// owes it first: then nothing but Pending begins. It fails with NotFound.
func (a *Auth) BeginSession(ctx context.Context, person uuid.UUID, methods ...string) (Begun, error) {
	return a.BeginSessionOf(ctx, person, a.Now().UTC(), methods...)
}

// BeginSessionOf is BeginSession for a proof that may be of some time ago.
func (a *Auth) BeginSessionOf(ctx context.Context, person uuid.UUID, at time.Time, methods ...string) (Begun, error) {
	owes := false
	if LevelOf(methods) != AAL2 {
		factors, err := a.Factors(ctx, person)
		if err != nil {
			return Begun{}, err
		}
		owes = factors.Any()
	}
	if owes {
		pending, err := a.startPending(ctx, person, at, methods)
		return Begun{Pending: &pending}, err
	}
	session, err := a.startSession(ctx, a.DB, person, Proof{At: at, Methods: methods})
	return Begun{Session: &session}, err
}

const startSessionSQL = `
insert into auth.session (hash, id, person_id, created_at, seen_at, proved_at, methods)
select $1, $2, id, $4, $4, $5, $6 from auth.person where id = $3 and disabled_at is null`

const endOldSessionsSQL = `
delete from auth.session where created_at <= $1`

// startSession starts a session with a new id for a person who owes nothing
// any more after this proof. It fails with NotFound.
func (a *Auth) startSession(ctx context.Context, db pg.DB, person uuid.UUID, proof Proof) (Session, error) {
	now := a.Now().UTC()
	if _, err := db.Exec(ctx, endOldSessionsSQL, now.Add(-sessionLast)); err != nil {
		return Session{}, fmt.Errorf("end old sessions: %w", err)
	}
	secret, hash := newSecret()
	done, err := db.Exec(ctx, startSessionSQL, hash, uuid.Must(uuid.NewV7()), person, now, proof.At, proof.Methods)
	if err != nil {
		return Session{}, fmt.Errorf("start session of person %s: %w", person, err)
	}
	if done.RowsAffected() == 0 {
		return Session{}, problem.Errorf(problem.NotFound, "no person %s", person).Coded("person-unknown")
	}
	return Session{Secret: secret, Person: person, Expires: now.Add(sessionLast)}, nil
}

const sessionSQL = `
select s.person_id as person, p.name, p.demo, s.methods, s.seen_at as seen,
       array(select coalesce(m.agency_id::text, '') || ' ' || m.role from auth.membership m where m.person_id = s.person_id
              order by m.agency_id nulls first, m.role) as roles
  from auth.session s join auth.person p on p.id = s.person_id
 where s.hash = $1 and s.created_at > $2 and s.seen_at > $3 and p.disabled_at is null`

const seeSessionSQL = `
update auth.session set seen_at = $2 where hash = $1`

func sessionOver() error {
	return problem.Errorf(problem.Unauthorized, "the session is over; sign in again").Coded("session-over")
}

// WhoBySession is the principal of a session cookie, at the level that its
// person has proved. It fails with Unauthorized when the session is unknown, idle for 12 h or older than 7 days.
func (a *Auth) WhoBySession(ctx context.Context, secret string) (Principal, error) {
	type row struct {
		Person  uuid.UUID
		Name    string
		Demo    bool
		Methods []string
		Seen    time.Time
		Roles   []string // "agency role", " role" on the platform
	}
	now := a.Now().UTC()
	s, err := pg.One[row](ctx, a.DB, sessionSQL, hashSecret(secret), now.Add(-sessionLast), now.Add(-sessionIdle))
	if errors.Is(err, pgx.ErrNoRows) {
		return Principal{}, sessionOver()
	} else if err != nil {
		return Principal{}, fmt.Errorf("find session: %w", err)
	}
	if now.Sub(s.Seen) >= seenStep {
		if _, err := a.DB.Exec(ctx, seeSessionSQL, hashSecret(secret), now); err != nil {
			return Principal{}, fmt.Errorf("keep session alive: %w", err)
		}
	}
	memberships, err := readRoles(s.Roles)
	if err != nil {
		return Principal{}, fmt.Errorf("read memberships of person %s: %w", s.Person, err)
	}
	return principalOf(personRow{s.Person, s.Name, s.Demo}, memberships, LevelOf(s.Methods)), nil
}

const sessionProofSQL = `
select id as session, proved_at as at, methods from auth.session where hash = $1`

// SessionProof is how the person of a session proved who they are. It fails
// with Unauthorized when the session is unknown.
func (a *Auth) SessionProof(ctx context.Context, secret string) (Proof, error) {
	proof, err := pg.One[Proof](ctx, a.DB, sessionProofSQL, hashSecret(secret))
	if errors.Is(err, pgx.ErrNoRows) {
		return Proof{}, sessionOver()
	} else if err != nil {
		return Proof{}, fmt.Errorf("find session: %w", err)
	}
	return proof, nil
}
