// Package auth answers who is calling, and may they: agencies, persons,
// memberships, sessions, applications and their credentials.
package auth

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/keyring"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
	"lgsp/internal/recall"
)

// Auth reads and writes who there is and what they prove themselves with.
type Auth struct {
	DB  pg.DB
	Now func() time.Time // time.Now outside tests

	// Peppers key the hash of every API key, client secret and token (lgsp
	// pepper v1), by the version that stands beside it. They are never in the
	// database.
	Peppers keyring.Ring

	// Passwords hashes and compares passwords, a few at a time.
	Passwords *Passwords

	// Seals seal the secrets of authenticator apps (lgsp factor seal v1), in the
	// same way. Passkeys speaks WebAuthn; nil when the portal's host is no name.
	Seals    keyring.Ring
	Passkeys *Passkeys

	// May asks the policy, and Record writes the act to the ledger inside the
	// transaction that does it.
	May    MayFunc
	Record RecordFunc

	// Secrets remembers client secrets between two notices; nil: each is read
	// when it is used.
	Secrets *recall.Memory[string, KnownSecret]

	// Honey remembers the honey keys there are, the same way.
	Honey *recall.Memory[struct{}, map[string]KnownHoney]

	// GrantOfRefresh is the grant that a refresh token belongs to, whatever its
	// state; uuid.Nil when it is none of ours.
	GrantOfRefresh func(ctx context.Context, token string) (uuid.UUID, error)

	// Forget has the other rooms forget the name of who deletes their account,
	// and those of their applications, inside the transaction that does it.
	Forget func(ctx context.Context, tx pgx.Tx, person uuid.UUID, applications []uuid.UUID) error

	// ApplicationGoes has the other rooms end what an application has with them,
	// inside the transaction that takes it out of service; nil: nothing.
	ApplicationGoes func(ctx context.Context, tx pgx.Tx, who Principal, application uuid.UUID) error

	// AgencyRenamed has the other rooms follow an agency to its new slug or
	// names, inside the transaction that gives them; nil: nothing.
	AgencyRenamed func(ctx context.Context, tx pgx.Tx, before, after Agency) error

	// AgencyEnds has the other rooms pass on, or end, what an agency has with
	// them, inside the transaction that ends its service; nil: nothing.
	AgencyEnds func(ctx context.Context, tx pgx.Tx, e Ending) error

	// Notify has a person told of what they prove themselves with, once tx commits.
	Notify func(ctx context.Context, tx pgx.Tx, n FactorNotice) error

	// OwnerChanges has the other rooms follow an application to its new owner, of
	// that name, inside the transaction that gives it; nil: nothing. TellTeam has people told
	// of what was done with a team, once tx commits; nil: nobody.
	OwnerChanges func(ctx context.Context, tx pgx.Tx, app Application, owner string) error
	TellTeam     func(ctx context.Context, tx pgx.Tx, n TeamNotice) error

	uses Uses // of client secrets, since SaveUses
}

// The roles. Operator and auditor are of the whole platform, publisher and
// steward of an agency.
const (
	RoleOperator  = "operator"
	RoleAuditor   = "auditor"
	RolePublisher = "publisher"
	RoleSteward   = "steward"
)

// Platform is the principal of the platform itself: of the first start, the
// demo and the command line, where the machine's operator acts.
func Platform(name string) Principal {
	return Principal{Name: name, Memberships: []Membership{{Agency: uuid.Nil, Role: RoleOperator}}}
}

// Page asks for a part of a list: at most Limit entries (1 to 100, 0 is 20)
// that follow the cursor After ("" is the beginning).
type Page struct {
	Limit int
	After string
}

// size is the number of entries asked for, within its bounds.
func (p Page) size() int {
	if p.Limit == 0 {
		return 20
	}
	return min(max(p.Limit, 1), 100)
}

// cut keeps size of the items, of which one more was read, and gives the
// cursor of the next page: "" when there is none.
func cut[T any](items []T, size int, cursor func(T) string) ([]T, string) {
	if len(items) <= size {
		return items, ""
	}
	return items[:size], cursor(items[size-1])
}

func signInFirst() *problem.Error {
	return problem.Errorf(problem.Unauthorized, "sign in first").Coded("sign-in-first")
}

func fieldsWrong() *problem.Error {
	return problem.Errorf(problem.Invalid, "some fields are not right; correct them and send again").Coded("fields-wrong")
}

// asError is e when a field is wrong in it, else nil.
func asError(e *problem.Error) error {
	if len(e.Fields) == 0 {
		return nil
	}
	return e
}
