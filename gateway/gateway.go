// Package gateway answers what becomes of one call: it finds the operation,
// the caller and the agreement, decides, counts, forwards, lets through what
// was agreed, and leaves the evidence.
package gateway

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"lgsp/auth"
)

// Node serves calls from an immutable snapshot; no call waits for the database.
// It is ready once Run has loaded the first one.
type Node struct {
	DB  *pgxpool.Pool
	Now func() time.Time // time.Now outside tests

	GatewayURL     string         // public origin, no slash at the end; audience of tokens and name in Via
	PortalURL      string         // public origin: documentation links, CORS
	Issuer         string         // of our tokens
	DataDir        string         // the journal lives in DataDir/journal
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed

	Peppers    map[int][]byte // of API keys, by version
	SubjectKey []byte         // 32 bytes; keys the hashes of subjects and addresses

	// Dial reaches upstreams: egress.Upstream.DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Credentials, Disabled and Revoked are what auth knows of API keys, of
	// applications that may not call, and of tokens that are over before their time.
	Credentials func(ctx context.Context) ([]auth.GatewayCredential, error)
	Disabled    func(ctx context.Context) ([]uuid.UUID, error)
	Revoked     func(ctx context.Context) ([]Revoked, error)

	// Verify gives what a bearer token says, or an Unauthorized problem. It
	// checks signature, issuer, times and that the token is for audience, and asks nobody.
	Verify func(ctx context.Context, token, audience string) (Token, error)

	Deliver DeliverFunc // takes exchanges to the ledger
	Metrics *Metrics

	MaxBody   int64         // bytes of a request, 0: 1 MiB
	MaxAnswer int64         // bytes of an answer that is projected, 0: 10 MiB
	MaxStale  time.Duration // how long a silent feed is trusted, 0: 10 min
	Patience  time.Duration // for the upstream's first byte, 0: 30 s
	Evidence  int64         // bytes of undelivered journal, 0: 1 GiB

	state
}

// Token is what a verified bearer token says.
type Token struct {
	Application uuid.UUID
	ID          string // jti
	Expires     time.Time
}

// Revoked is a token that is refused though it is signed and not expired.
type Revoked struct {
	ID string // jti
}

var _ http.Handler = (*Node)(nil)
