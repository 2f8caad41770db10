package gateway

import (
	"fmt"
	"net/http"
	"reflect"
	"time"

	"lgsp/gateway/cache"
)

// Cache lets answers of open GET operations be stored, and given to whoever
// asks for the same without a credential. What an answer says of itself goes
// first; the seconds here are for what it does not say.
type Cache struct {
	Operations                  []string `json:"operations"`                               // IDs; each in one Cache only
	Seconds                     int      `json:"seconds,omitempty"`                        // a 2xx answer is fresh, 0 to 86,400
	StaleWhileRevalidateSeconds int      `json:"stale_while_revalidate_seconds,omitempty"` // and may be given while it is fetched anew, 0 to 86,400
	StaleIfErrorSeconds         int      `json:"stale_if_error_seconds,omitempty"`         // and when the upstream fails, 0 to 604,800
}

// The bounds of a Cache.
const (
	maxFresh = 86_400
	maxStale = 604_800
)

// compileCache lets the operations know how they are cached, or says why it
// cannot be. It is called when the version knows them.
func (v *version) compileCache() error {
	for i, c := range v.Traffic.Cache {
		if c.Seconds < 0 || c.Seconds > maxFresh || c.StaleWhileRevalidateSeconds < 0 || c.StaleWhileRevalidateSeconds > maxFresh ||
			c.StaleIfErrorSeconds < 0 || c.StaleIfErrorSeconds > maxStale {
			return fmt.Errorf("cache %d: seconds are not 0 to %d, and %d after an error", i+1, maxFresh, maxStale)
		}
		if len(c.Operations) == 0 {
			return fmt.Errorf("cache %d: names no operation", i+1)
		}
		rules := &cache.Rules{
			Fresh:      time.Duration(c.Seconds) * time.Second,
			WhileAsked: time.Duration(c.StaleWhileRevalidateSeconds) * time.Second,
			AfterError: time.Duration(c.StaleIfErrorSeconds) * time.Second,
		}
		for _, id := range c.Operations {
			o := v.byID[id]
			switch {
			case o == nil:
				return fmt.Errorf("cache %d: there is no operation %s", i+1, id)
			case o.Access != Open || o.Method != http.MethodGet:
				return fmt.Errorf("cache %d: operation %s is no open GET, and only such answers are everybody's", i+1, id)
			case o.cached != nil:
				return fmt.Errorf("cache %d: operation %s is in another one too", i+1, id)
			}
			o.cached = rules
		}
	}
	return nil
}

// attachCache gives a version that is loaded its edition: what was stored of
// another one is not given any more. When everything is loaded anew, a version
// that stayed the same keeps it; one that was published is a new one.
func (n *Node) attachCache(v *version, published bool) {
	if s := n.current.Load(); s != nil && !published {
		if old := s.byVersion[v.Version]; old != nil && reflect.DeepEqual(old.Route, v.Route) {
			v.edition = old.edition
			return
		}
	}
	v.edition = n.editions.Add(1)
}

// forgetEditions drops what is stored of versions that are not served any more.
func (n *Node) forgetEditions() {
	if n.stored == nil {
		return
	}
	live := map[uint64]bool{}
	for _, v := range n.current.Load().byVersion {
		if len(v.Traffic.Cache) > 0 {
			live[v.edition] = true
		}
	}
	n.stored.Keep(live)
}
