package oauth

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
)

// How the keys at a client's jwks_uri are kept.
const (
	keysFresh     = 10 * time.Minute // read again after it
	keysPause     = time.Minute      // between two attempts, whatever a client sends
	keysKept      = 24 * time.Hour   // believed while their address does not answer
	keysTimeout   = 2 * time.Second
	keysLimit     = 64 << 10 // bytes
	maxRemoteSets = 10_000   // clients whose keys are kept
)

// remoteKeys are the keys of clients that keep them at an address of their
// own. The zero value is ready.
type remoteKeys struct {
	mu   sync.Mutex
	sets map[uuid.UUID]*remoteSet
}

// remoteSet is what one address said. Who holds mu may read the address;
// others wait for it, two seconds at most.
type remoteSet struct {
	uri string

	mu      sync.Mutex
	keys    map[string]crypto.PublicKey
	readAt  time.Time // when keys were read
	triedAt time.Time
}

// of gives the set of an application, a new one when its address has changed.
func (k *remoteKeys) of(app auth.Application) *remoteSet {
	k.mu.Lock()
	defer k.mu.Unlock()
	if set := k.sets[app.ID]; set != nil && set.uri == app.JWKSURI {
		return set
	}
	if k.sets == nil {
		k.sets = map[uuid.UUID]*remoteSet{}
	}
	if len(k.sets) >= maxRemoteSets {
		for id := range k.sets { // the order of a map is random
			delete(k.sets, id)
			break
		}
	}
	set := &remoteSet{uri: app.JWKSURI}
	k.sets[app.ID] = set
	return set
}

// keysOf are the public keys that a client may have signed with: those at its
// jwks_uri, else those set here. A kid that is not among them has the address
// read again, once a minute at most. An address that does not answer as it
// should leaves the keys that were read before, for a day.
func (s *Server) keysOf(ctx context.Context, app auth.Application, kid string) (map[string]crypto.PublicKey, error) {
	if app.JWKSURI == "" {
		return s.ClientKeys(ctx, app.ID)
	}
	set := s.remote.of(app)
	set.mu.Lock()
	defer set.mu.Unlock()
	now := s.Now()
	wanted := now.Sub(set.readAt) >= keysFresh || kid != "" && set.keys[kid] == nil
	if wanted && (set.triedAt.IsZero() || now.Sub(set.triedAt) >= keysPause) {
		set.triedAt = now
		// A caller that hangs up would else spend the minute's attempt.
		keys, err := s.fetchKeys(context.WithoutCancel(ctx), app.JWKSURI)
		if err != nil {
			slog.InfoContext(ctx, "read keys of a client", "client_id", app.ID, "err", err)
		} else {
			set.keys, set.readAt = keys, now
		}
	}
	if now.Sub(set.readAt) >= keysKept {
		return nil, nil
	}
	return set.keys, nil
}

// fetchKeys reads a JWK set: 200 at the first address, 64 KiB, 2 s.
func (s *Server) fetchKeys(ctx context.Context, uri string) (map[string]crypto.PublicKey, error) {
	if s.Fetch == nil {
		return nil, errors.New("this server fetches nothing")
	}
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	client := *s.Fetch
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d", uri, response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, keysLimit+1))
	if err != nil {
		return nil, err
	}
	if len(text) > keysLimit {
		return nil, fmt.Errorf("%s answered more than %d KiB", uri, keysLimit>>10)
	}
	return auth.ReadJWKS(text)
}
