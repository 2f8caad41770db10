package gateway

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/upstream"
)

// Health is how a node stands.
type Health struct {
	Ready   bool      // it serves calls
	Fresh   time.Time // when the change feed last answered, UTC
	Stale   bool      // too long ago: restricted and personal-data calls are refused
	Routes  int       // API versions served
	Out     int       // routes and agreements that cannot be read and are out of force
	Failing []Failing // versions with an upstream address that gets no calls for now, by prefix
}

// Failing is a version some of whose upstream addresses fail.
type Failing struct {
	Version   uuid.UUID
	Prefix    string // /{agency}/{api}/{number}
	TitleVI   string
	TitleEN   string
	Out       int  // how many addresses get no calls for now
	Down      bool // all of them: calls are answered with 503
	Addresses []upstream.Standing
}

// Health tells how the node stands.
func (n *Node) Health() Health {
	s := n.current.Load()
	if s == nil {
		return Health{}
	}
	return Health{Ready: true, Fresh: time.Unix(0, n.fresh.Load()).UTC(), Stale: n.stale(n.Now()),
		Routes: len(s.routes), Out: len(s.corrupt), Failing: s.failing()}
}

// failing lists the versions with an address that is out, by prefix.
func (s *snapshot) failing() []Failing {
	var list []Failing
	for _, v := range s.routes {
		addresses := v.pool.Standings()
		if addresses == nil {
			continue
		}
		f := Failing{Version: v.Version, Prefix: v.prefix, TitleVI: v.TitleVI, TitleEN: v.TitleEN, Addresses: addresses}
		for _, a := range addresses {
			if a.Out {
				f.Out++
			}
		}
		f.Down = f.Out == len(addresses)
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b Failing) int { return strings.Compare(a.Prefix, b.Prefix) })
	return list
}
