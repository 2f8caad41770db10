package gateway

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"lgsp/gateway/cache"
	"lgsp/internal/problem"
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

// MaxCaches is how many a version has at most.
const MaxCaches = 8

// The bounds of a Cache.
const (
	maxFresh = 86_400
	maxStale = 604_800
)

// compileCache lets the operations know how they are cached. It is called when
// the version knows them, and fails with Invalid, one field error each, named as
// in Traffic: cache/0/operations.
func (v *version) compileCache() error {
	wrong := problem.Errorf(problem.Invalid, "answers cannot be stored as given").Coded("traffic-wrong")
	list := v.Traffic.Cache
	if len(list) > MaxCaches {
		wrong.Wrong("cache", "caches-too-many", fmt.Sprintf("more than %d", MaxCaches), "max", strconv.Itoa(MaxCaches))
		list = nil
	}
	for i, c := range list {
		field := "cache/" + strconv.Itoa(i)
		for _, number := range []struct {
			name        string
			value, most int
		}{{"/seconds", c.Seconds, maxFresh}, {"/stale_while_revalidate_seconds", c.StaleWhileRevalidateSeconds, maxFresh}, {"/stale_if_error_seconds", c.StaleIfErrorSeconds, maxStale}} {
			if number.value < 0 || number.value > number.most {
				wrong.Wrong(field+number.name, "traffic-range", fmt.Sprintf("not 0 to %d", number.most), "least", "0", "most", strconv.Itoa(number.most))
			}
		}
		if len(c.Operations) == 0 {
			wrong.Wrong(field+"/operations", "cache-empty", "names no operation")
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
				wrong.Wrong(field+"/operations", "cache-operation", fmt.Sprintf("there is no operation %q", id), "operation", id)
			case o.Access != Open || o.Method != http.MethodGet:
				wrong.Wrong(field+"/operations", "cache-not-open", fmt.Sprintf("operation %q is no open GET: only such answers are everybody's", id), "operation", id)
			case o.cached != nil:
				wrong.Wrong(field+"/operations", "cache-twice", fmt.Sprintf("operation %q is there twice", id), "operation", id)
			default:
				o.cached = rules
			}
		}
	}
	if len(wrong.Fields) > 0 {
		wrong.Detail += ": " + wrong.Fields[0].Name + ": " + wrong.Fields[0].Detail
		return wrong
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
