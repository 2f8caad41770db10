package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const (
	challengeLast  = 5 * time.Minute
	maxPasskeys    = 20
	maxPasskeyText = 32 << 10 // bytes of an authenticator's answer
)

// Passkeys speaks WebAuthn for the portal (Web Authentication Level 3, as the
// relying party). Passkeys are discoverable, so that nobody types an address,
// and verify their user, so that one counts for two factors.
type Passkeys struct{ party *webauthn.WebAuthn }

// NewPasskeys makes the relying party of the portal at origin; nil when its
// host is an address, which no passkey is made for.
func NewPasskeys(origin string) (*Passkeys, error) {
	u, err := url.Parse(origin)
	if err != nil {
		return nil, fmt.Errorf("read the portal's origin: %w", err)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil, nil
	}
	yes := true
	party, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: "LGSP", RPOrigins: []string{origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &yes,
			UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("set up passkeys for %s: %w", origin, err)
	}
	return &Passkeys{party}, nil
}

// Passkey is a key of a person, on a device or a security key.
type Passkey struct {
	ID         uuid.UUID  `json:"id"`
	Name       string     `json:"name"` // as its person calls it
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	Place
}

const passkeysSQL = `
select id, name, created_at, last_used_at, added_agent, added_address from auth.passkey where person_id = $1 order by created_at, id`

// Challenge is asked of a browser: Options is for navigator.credentials, and
// Handle comes back with the answer, within 5 minutes, once.
type Challenge struct {
	Handle  string `json:"handle"`
	Options any    `json:"options"`
}

// Answer is what a browser gives back: the credential as JSON
// (PublicKeyCredential.toJSON).
type Answer struct{ Handle, Credential string }

// passkeyUser is a person as the library sees them.
type passkeyUser struct {
	id          uuid.UUID
	email, name string
	credentials []webauthn.Credential
}

// WebAuthnID is the user handle: the person's id, which tells nothing of them.
func (u passkeyUser) WebAuthnID() []byte { return u.id[:] }

// WebAuthnName is what a device shows to tell accounts apart.
func (u passkeyUser) WebAuthnName() string { return u.email }

// WebAuthnDisplayName is the person's name.
func (u passkeyUser) WebAuthnDisplayName() string { return u.name }

// WebAuthnCredentials are the keys that matter to the ceremony.
func (u passkeyUser) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

func passkeysOff() error {
	return problem.Errorf(problem.NotFound, "passkeys need a portal that is reached by a name").Coded("passkeys-off")
}

func passkeyRefused() *problem.Error {
	return problem.Errorf(problem.Unauthorized, "the passkey is unknown, or its answer does not hold").Coded("passkey-refused")
}

const (
	endOldChallengesSQL = `
delete from auth.passkey_challenge where expires_at <= $1`

	askSQL = `
insert into auth.passkey_challenge (hash, person_id, asked, expires_at)
values ($1, nullif($2, '00000000-0000-0000-0000-000000000000'::uuid), $3, $4)`

	takeChallengeSQL = `
delete from auth.passkey_challenge
 where hash = $1 and person_id is not distinct from nullif($2, '00000000-0000-0000-0000-000000000000'::uuid) and expires_at > $3
returning asked`
)

// ask keeps a challenge until it is answered.
func (a *Auth) ask(ctx context.Context, person uuid.UUID, asked *webauthn.SessionData, options any) (Challenge, error) {
	now := a.Now().UTC()
	if _, err := a.DB.Exec(ctx, endOldChallengesSQL, now); err != nil {
		return Challenge{}, fmt.Errorf("end old challenges: %w", err)
	}
	text, err := json.Marshal(asked)
	if err != nil {
		return Challenge{}, fmt.Errorf("encode challenge: %w", err)
	}
	handle, hash := newSecret()
	if _, err := a.DB.Exec(ctx, askSQL, hash, person, text, now.Add(challengeLast)); err != nil {
		return Challenge{}, fmt.Errorf("keep challenge: %w", err)
	}
	return Challenge{handle, options}, nil
}

// takeChallenge is what was asked, once.
func (a *Auth) takeChallenge(ctx context.Context, person uuid.UUID, handle string) (webauthn.SessionData, error) {
	var text []byte
	err := a.DB.QueryRow(ctx, takeChallengeSQL, hashSecret(handle), person, a.Now().UTC()).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return webauthn.SessionData{}, problem.Errorf(problem.Unauthorized, "the question was answered already, or more than 5 minutes ago").Coded("passkey-late")
	} else if err != nil {
		return webauthn.SessionData{}, fmt.Errorf("take challenge: %w", err)
	}
	var asked webauthn.SessionData
	if err := json.Unmarshal(text, &asked); err != nil {
		return asked, fmt.Errorf("read challenge: %w", err)
	}
	return asked, nil
}

const passkeyIDsSQL = `
select credential_id from auth.passkey where person_id = $1`

// AskNewPasskey begins to add a passkey. It fails with Forbidden (proof-old),
// Conflict when there are 20, and NotFound where there can be none.
func (a *Auth) AskNewPasskey(ctx context.Context, session string) (Challenge, error) {
	h, err := a.enroller(ctx, session)
	if err != nil {
		return Challenge{}, err
	}
	if a.Passkeys == nil {
		return Challenge{}, passkeysOff()
	}
	if len(h.Factors.Passkeys) >= maxPasskeys {
		return Challenge{}, problem.Errorf(problem.Conflict, "there are %d passkeys; remove one first", maxPasskeys).Coded("passkeys-many", "max", fmt.Sprint(maxPasskeys))
	}
	people, err := a.Persons(ctx, []uuid.UUID{h.ID})
	if err != nil {
		return Challenge{}, err
	}
	rows, _ := a.DB.Query(ctx, passkeyIDsSQL, h.ID) // the error comes back from Collect
	known, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (protocol.CredentialDescriptor, error) {
		d := protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType}
		return d, row.Scan(&d.CredentialID)
	})
	if err != nil {
		return Challenge{}, fmt.Errorf("list passkeys of person %s: %w", h.ID, err)
	}
	options, asked, err := a.Passkeys.party.BeginRegistration(passkeyUser{id: h.ID, email: people[h.ID].Email, name: h.Name}, webauthn.WithExclusions(known))
	if err != nil {
		return Challenge{}, fmt.Errorf("begin to add a passkey: %w", err)
	}
	return a.ask(ctx, h.ID, asked, options.Response)
}

const addPasskeySQL = `
insert into auth.passkey (id, person_id, credential_id, name, record, created_at, added_agent, added_address)
select $1, person_id, $2, $3, $4, $5, agent, address from auth.session where hash = $6`

// AddPasskey ends adding a passkey. It fails with Forbidden (proof-old),
// Unauthorized for an answer that does not hold, and Invalid for its name.
func (a *Auth) AddPasskey(ctx context.Context, session, name string, answer Answer) (Enrolled, error) {
	h, err := a.enroller(ctx, session)
	if err != nil {
		return Enrolled{}, err
	}
	if a.Passkeys == nil {
		return Enrolled{}, passkeysOff()
	}
	wrong := fieldsWrong()
	name = checkName(wrong, "name", name)
	if err := asError(wrong); err != nil {
		return Enrolled{}, err
	}
	asked, err := a.takeChallenge(ctx, h.ID, answer.Handle)
	if err != nil {
		return Enrolled{}, err
	}
	if len(answer.Credential) > maxPasskeyText {
		return Enrolled{}, passkeyRefused()
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer.Credential))
	if err != nil {
		return Enrolled{}, passkeyRefused().Because(err)
	}
	made, err := a.Passkeys.party.CreateCredential(passkeyUser{id: h.ID, name: h.Name}, asked, parsed)
	if err != nil {
		return Enrolled{}, passkeyRefused().Because(err)
	}
	made.Attestation = webauthn.CredentialAttestation{} // none was asked for
	record, err := json.Marshal(made)
	if err != nil {
		return Enrolled{}, fmt.Errorf("encode passkey: %w", err)
	}
	var e Enrolled
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if err := lockPerson(ctx, tx, h.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, addPasskeySQL, uuid.Must(uuid.NewV7()), made.ID, name, record, a.Now().UTC(), hashSecret(h.secret))
		if pg.IsUnique(err, "passkey_credential_key") {
			return passkeyRefused()
		} else if err != nil {
			return fmt.Errorf("add passkey of person %s: %w", h.ID, err)
		}
		e, err = a.enrol(ctx, tx, h, FactorNotice{Kind: KindPasskey, Name: name}, methodsOf(made))
		return err
	})
	return e, err
}

// methodsOf is what the use of a passkey amounts to. Without attestation a
// key that is never backed up is taken for one in hardware.
func methodsOf(key *webauthn.Credential) []string {
	if key.Flags.BackupEligible {
		return []string{BySoftware, ByPresence, ByTwo}
	}
	return []string{ByHardware, ByPresence, ByTwo}
}

const removePasskeySQL = `
delete from auth.passkey where id = $1 and person_id = $2 returning name`

// RemovePasskey takes a passkey away. It fails with Forbidden (proof-old) and
// NotFound.
func (a *Auth) RemovePasskey(ctx context.Context, session string, id uuid.UUID) error {
	h, err := a.freshHolder(ctx, session)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var name string
		err := tx.QueryRow(ctx, removePasskeySQL, id, h.ID).Scan(&name)
		if errors.Is(err, pgx.ErrNoRows) {
			return problem.Errorf(problem.NotFound, "no passkey %s", id).Coded("passkey-unknown")
		} else if err != nil {
			return fmt.Errorf("remove passkey %s: %w", id, err)
		}
		return a.unenrol(ctx, tx, h, FactorNotice{Kind: KindPasskey, Name: name})
	})
}

// AskPasskey asks for any passkey of the portal: whose it is, the answer says.
// It fails with NotFound where there can be none.
func (a *Auth) AskPasskey(ctx context.Context) (Challenge, error) {
	if a.Passkeys == nil {
		return Challenge{}, passkeysOff()
	}
	options, asked, err := a.Passkeys.party.BeginDiscoverableLogin()
	if err != nil {
		return Challenge{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	return a.ask(ctx, uuid.Nil, asked, options.Response)
}

// SignInByPasskey begins a session with a passkey alone. It fails with
// Unauthorized.
func (a *Auth) SignInByPasskey(ctx context.Context, answer Answer) (Begun, error) {
	person, methods, err := a.assertion(ctx, answer)
	if err != nil {
		return Begun{}, err
	}
	return a.BeginSession(ctx, person, methods...)
}

// takeAssertion takes the answer of a passkey of this person.
func (a *Auth) takeAssertion(ctx context.Context, person uuid.UUID, answer Answer) ([]string, error) {
	owner, methods, err := a.assertion(ctx, answer)
	if err == nil && owner != person {
		err = passkeyRefused()
	}
	return methods, err
}

const (
	passkeySQL = `
select k.id, k.person_id as person, k.record
  from auth.passkey k join auth.person p on p.id = k.person_id
 where k.credential_id = $1 and p.disabled_at is null
   for update of k`

	seePasskeySQL = `
update auth.passkey set record = $2, last_used_at = $3 where id = $1`
)

// readAssertion reads what a browser says of a passkey's answer.
func readAssertion(text string) (*protocol.ParsedCredentialAssertionData, error) {
	if len(text) > maxPasskeyText {
		return nil, passkeyRefused()
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(text))
	if err != nil {
		return nil, passkeyRefused().Because(err)
	}
	return parsed, nil
}

// assertion is who answered a challenge with which methods. A counter that
// does not grow tells of a copied key (Web Authentication §6.1.1): refused.
func (a *Auth) assertion(ctx context.Context, answer Answer) (uuid.UUID, []string, error) {
	type row struct {
		ID     uuid.UUID
		Person uuid.UUID
		Record []byte
	}
	if a.Passkeys == nil {
		return uuid.Nil, nil, passkeysOff()
	}
	asked, err := a.takeChallenge(ctx, uuid.Nil, answer.Handle)
	if err != nil {
		return uuid.Nil, nil, err
	}
	parsed, err := readAssertion(answer.Credential)
	if err != nil {
		return uuid.Nil, nil, err
	}
	var kept row
	var key *webauthn.Credential
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		kept, err = pg.One[row](ctx, tx, passkeySQL, parsed.RawID)
		if errors.Is(err, pgx.ErrNoRows) {
			return passkeyRefused()
		} else if err != nil {
			return fmt.Errorf("find passkey: %w", err)
		}
		user := passkeyUser{id: kept.Person, credentials: make([]webauthn.Credential, 1)}
		if err := json.Unmarshal(kept.Record, &user.credentials[0]); err != nil {
			return fmt.Errorf("read passkey %s: %w", kept.ID, err)
		}
		_, key, err = a.Passkeys.party.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
			if !bytes.Equal(handle, kept.Person[:]) {
				return nil, errors.New("the user handle is another person's")
			}
			return user, nil
		}, asked, parsed)
		if err != nil {
			return passkeyRefused().Because(err)
		}
		if key.Authenticator.CloneWarning {
			return problem.Errorf(problem.Unauthorized, "the passkey %s seems to have been copied", kept.ID).Coded("passkey-copied")
		}
		record, err := json.Marshal(key)
		if err != nil {
			return fmt.Errorf("encode passkey: %w", err)
		}
		if _, err := tx.Exec(ctx, seePasskeySQL, kept.ID, record, a.Now().UTC()); err != nil {
			return fmt.Errorf("note use of passkey %s: %w", kept.ID, err)
		}
		return nil
	})
	if err != nil {
		return uuid.Nil, nil, err
	}
	return kept.Person, methodsOf(key), nil
}
