// Package ledger answers what happened, and proves it: an append-only Merkle
// log of the calls through the gateway and of administrative acts, whose
// signed tree heads are kept outside the database.
//
// Rooms insert acts in their own transactions, gateway nodes ship exchanges in
// batches; one sequencer (Run) numbers them into the tree. A leaf is SHA-256(32 random bytes ‖ canonical payload):
// only that commitment is public, so that a payload can be erased with the log
// still whole.
package ledger

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// Ledger writes, numbers, serves and verifies the log.
type Ledger struct {
	DB  pg.DB // a pool for Run and Verify
	Now func() time.Time

	// Dir holds the signed checkpoints and the public key, outside the
	// database. It lasts as long as the log.
	Dir string

	// Origin names the log in its checkpoints (C2SP tlog-checkpoint): the
	// portal's host and path without a scheme, like "localhost:8080/ledger".
	Origin string

	// Seed is the Ed25519 seed that signs checkpoints: 32 bytes derived from
	// the installation's secret, never in the database.
	Seed [ed25519.SeedSize]byte

	// Unpack reads the body of a Shipment. It is needed by who runs Sequence.
	Unpack func(body []byte) ([]Exchange, error)

	// RequestRef is how an X-Request-Id that a caller chose stands in exchanges;
	// nil: calls are not found by it.
	RequestRef func(id string) string

	// May asks the policy; it returns a Forbidden or NotFound problem.
	May auth.MayFunc

	// Names are what persons are called, by id; unknown ones are left out.
	Names func(ctx context.Context, persons []uuid.UUID) (map[uuid.UUID]string, error)
	// WorksOn is nil when who works on the application, by themselves, in its team
	// or through their agency; else a problem.
	WorksOn func(ctx context.Context, who auth.Principal, application uuid.UUID) error
}
