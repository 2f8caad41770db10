package gateway

import "time"

// Health is how a node stands.
type Health struct {
	Ready  bool      // it serves calls
	Fresh  time.Time // when the change feed last answered, UTC
	Stale  bool      // too long ago: restricted and personal-data calls are refused
	Routes int       // API versions served
	Out    int       // routes and agreements that cannot be read and are out of force
}

// Health tells how the node stands.
func (n *Node) Health() Health {
	s := n.current.Load()
	if s == nil {
		return Health{}
	}
	return Health{Ready: true, Fresh: time.Unix(0, n.fresh.Load()).UTC(), Stale: n.stale(n.Now()), Routes: len(s.routes), Out: len(s.corrupt)}
}
