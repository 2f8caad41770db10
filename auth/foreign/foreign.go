// Package foreign answers whose a token of another issuer is, by asking that
// issuer (OAuth 2.0 Token Introspection, RFC 7662).
package foreign

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"lgsp/internal/problem"
)

// Issuer is another authorization server whose tokens are believed here.
type Issuer struct {
	Identifier string // its issuer identifier (RFC 8414 §2)
	URL        string // of its introspection endpoint
	ClientID   string // what we are to it
	Secret     string
	Audience   string // what its tokens for us are for; "": it does not say
	// Clients are the applications here that its clients are, by client_id there.
	Clients map[string]uuid.UUID
}

// Token is what an issuer says of a token.
type Token struct {
	Application uuid.UUID
	Issued      time.Time // zero: it does not say
}

const (
	maxToken     = 4 << 10          // bytes
	maxRemember  = 20_000           // verdicts of all issuers together
	believed     = 30 * time.Second // so long, at most, an issuer's yes is not asked for again
	disbelieved  = 5 * time.Second  // and its no
	askWithin    = 2 * time.Second
	mostAskings  = 32              // of one issuer at once
	restAfterBad = 2 * time.Second // an issuer that failed is left alone
)

// Issuers are the issuers that are believed, and what they said lately. It is
// for use by any number of goroutines.
type Issuers struct {
	Client *http.Client // egress-safe; redirects are not followed
	Now    func() time.Time

	known   atomic.Pointer[map[string]*issuer] // by identifier; not changed afterwards
	begin   sync.Once
	said    *otter.Cache[[sha256.Size]byte, verdict]
	flights singleflight.Group
}

// issuer is one of them, and how it does.
type issuer struct {
	Issuer
	*pace
}

// pace holds back how often an issuer is asked.
type pace struct {
	askings *semaphore.Weighted
	rests   atomic.Int64 // Unix nanoseconds, until when it is not asked
}

// verdict is what an issuer said of a token. Whose application its client is
// may change meanwhile.
type verdict struct {
	active bool
	client string
	issued time.Time
	until  time.Time // from when on it is asked again
}

// Set puts these issuers in place of all others. One goes at a time.
func (s *Issuers) Set(list []Issuer) {
	next := make(map[string]*issuer, len(list))
	for _, one := range list {
		next[one.Identifier] = &issuer{one, &pace{askings: semaphore.NewWeighted(mostAskings)}}
		if before := s.issuer(one.Identifier); before != nil && before.URL == one.URL {
			next[one.Identifier].pace = before.pace
		}
	}
	s.known.Store(&next)
}

// issuer is the issuer of that identifier; nil: there is none.
func (s *Issuers) issuer(identifier string) *issuer {
	if known := s.known.Load(); known != nil {
		return (*known)[identifier]
	}
	return nil
}

// Token gives whose a token of an issuer is. It fails with Unauthorized
// (token-malformed, foreign-token-inactive, foreign-client-unknown) or
// Unavailable (foreign-issuer-absent, foreign-issuer-down).
func (s *Issuers) Token(ctx context.Context, identifier, token string) (Token, error) {
	if len(token) > maxToken {
		return Token{}, problem.Errorf(problem.Unauthorized, "the token is longer than %d bytes", maxToken).Coded("token-malformed")
	}
	from := s.issuer(identifier)
	if from == nil {
		return Token{}, problem.Errorf(problem.Unavailable, "tokens of %s are taken here, but that issuer is not set up", identifier).
			Coded("foreign-issuer-absent", "issuer", identifier)
	}
	v, err := s.verdict(ctx, from, token)
	if err != nil {
		return Token{}, problem.Errorf(problem.Unavailable, "%s, which made the token, cannot be asked about it; try again", identifier).
			Coded("foreign-issuer-down", "issuer", identifier).Sends("Retry-After", "2").Because(err)
	}
	if !v.active {
		return Token{}, problem.Errorf(problem.Unauthorized, "%s says that the token is not, or no longer, good for this platform; ask it for a new one", identifier).
			Coded("foreign-token-inactive", "issuer", identifier)
	}
	application, ours := from.Clients[v.client]
	if !ours {
		return Token{}, problem.Errorf(problem.Unauthorized, "%s knows the token, but its client %s is no application here", identifier, v.client).
			Coded("foreign-client-unknown", "issuer", identifier, "client", v.client)
	}
	return Token{Application: application, Issued: v.issued}, nil
}

// verdict is what the issuer said of the token lately, or says now. Those who
// bring the same token at once ask once.
func (s *Issuers) verdict(ctx context.Context, from *issuer, token string) (verdict, error) {
	s.begin.Do(func() {
		s.said = otter.Must(&otter.Options[[sha256.Size]byte, verdict]{MaximumSize: maxRemember})
	})
	// A verdict holds for the issuer as it is set up, so all of that is in the key.
	key := sha256.Sum256([]byte(from.Identifier + "\x00" + from.URL + "\x00" + from.ClientID + "\x00" + from.Audience + "\x00" + token))
	if v, ok := s.said.GetIfPresent(key); ok && s.Now().Before(v.until) {
		return v, nil
	}
	asked := s.flights.DoChan(string(key[:]), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin) // others wait for it too
		defer cancel()
		v, err := s.ask(ctx, from, token)
		if err == nil {
			s.said.Set(key, v)
		}
		return v, err
	})
	select {
	case <-ctx.Done():
		return verdict{}, ctx.Err()
	case got := <-asked:
		v, _ := got.Val.(verdict)
		return v, got.Err
	}
}

// errRests says that an issuer failed a moment ago.
var errRests = errors.New("it did not answer a moment ago")

// ask asks the issuer, unless it just failed.
func (s *Issuers) ask(ctx context.Context, from *issuer, token string) (verdict, error) {
	if err := from.askings.Acquire(ctx, 1); err != nil {
		return verdict{}, fmt.Errorf("wait for others who ask it: %w", err)
	}
	defer from.askings.Release(1)
	if s.Now().UnixNano() < from.rests.Load() {
		return verdict{}, errRests
	}
	v, err := from.introspect(ctx, s.Client, token, s.Now())
	if err != nil {
		from.rests.Store(s.Now().Add(restAfterBad).UnixNano())
		slog.ErrorContext(ctx, "an issuer cannot be asked about its tokens", "issuer", from.Identifier, "err", err)
	}
	return v, err
}
