package auth

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Principal is who acts: a person, or an application that acts by itself. The
// zero Principal is a citizen who has not signed in.
type Principal struct {
	Person      uuid.UUID    // uuid.Nil when an application acts by itself
	Application uuid.UUID    // uuid.Nil when a person acts
	Name        string       // as people read it
	Memberships []Membership // of the person, or of the application's owner

	// Level is what the person has proved, AAL1 or AAL2; "" when an application
	// acts, or when somebody is only looked at.
	Level string
	// Needs is the level that the person's roles ask for while it is not
	// reached, and Memberships are then empty; "" otherwise.
	Needs string
}

// Membership is the role of a person in an agency.
type Membership struct {
	Agency uuid.UUID // uuid.Nil: the whole platform (operator, auditor)
	Role   string    // operator, auditor, publisher, steward
}

// SignedIn reports whether the principal is known at all.
func (p Principal) SignedIn() bool { return p.Person != uuid.Nil || p.Application != uuid.Nil }

// Has reports whether the principal holds role in agency or on the whole platform.
func (p Principal) Has(role string, agency uuid.UUID) bool {
	for _, m := range p.Memberships {
		if m.Role == role && (m.Agency == agency || m.Agency == uuid.Nil) {
			return true
		}
	}
	return false
}

// Act is an administrative act, as the ledger keeps it.
type Act struct {
	Who    Principal
	Verb   string         // noun.verb: version.publish, agreement.approve
	Agency uuid.UUID      // whose object it is; uuid.Nil: the platform's
	About  uuid.UUID      // the object
	Detail map[string]any // what else an auditor needs; no secret, no personal data
}

// RecordFunc writes an act to the ledger inside the transaction that does it.
type RecordFunc func(ctx context.Context, tx pgx.Tx, act Act) error

// MayFunc asks the policy whether who may do act to an object of agency. It
// returns a Forbidden or NotFound problem that names the rule, or nil.
type MayFunc func(ctx context.Context, who Principal, act string, agency uuid.UUID) error
