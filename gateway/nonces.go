package gateway

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/google/uuid"
)

// The bounds of what is remembered of signed calls: what would go beyond is
// refused, not forgotten. A share keeps one application from taking all of it.
const (
	noncesOfNode        = 1 << 18
	noncesOfApplication = noncesOfNode / 4
)

// nonces are those that calls were signed with, for as long as the same
// signature would be taken again: two rooms, of which the older is emptied each
// time that this has passed. Each node remembers its own.
type nonces struct {
	mu         sync.Mutex
	young, old nonceRoom
	since      time.Time // that young is used
}

type nonceRoom struct {
	used  map[[16]byte]struct{}
	share map[uuid.UUID]int // by application
}

// take reports whether an application's nonce is new, and whether there is room
// to remember it.
func (n *nonces) take(application uuid.UUID, nonce string, now time.Time, lasts time.Duration) (fresh, room bool) {
	sum := sha256.Sum256(append(application[:], nonce...))
	id := [16]byte(sum[:16])
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.since) > lasts {
		n.old = n.young
		if now.Sub(n.since) > 2*lasts {
			n.old = nonceRoom{}
		}
		n.young = nonceRoom{used: map[[16]byte]struct{}{}, share: map[uuid.UUID]int{}}
		n.since = now
	}
	_, young := n.young.used[id]
	_, old := n.old.used[id]
	switch {
	case young || old:
		return false, true
	case len(n.young.used) >= noncesOfNode || n.young.share[application] >= noncesOfApplication:
		return false, false
	}
	n.young.used[id] = struct{}{}
	n.young.share[application]++
	return true, true
}
