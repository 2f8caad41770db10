package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"lgsp/gateway/upstream"
	"lgsp/internal/http1"
	"lgsp/internal/http2"
)

// What a version may say that its upstream speaks. With nothing said it is
// HTTP/1.1 in the clear, and over TLS whatever both ends agree on.
const (
	HTTP1 = "http/1.1" // over TLS too
	HTTP2 = "h2"       // in the clear too, which the upstream has to know
)

// transports are the ways to upstreams. Each goes by first, which costs least,
// but for those that speak HTTP/2.
type transports struct {
	first  *http1.Transport
	second *http2.Transport
}

const (
	maxIdle         = 128              // connections kept to one address
	idleFor         = 60 * time.Second // how long they are
	connectPatience = 2 * time.Second  // for connecting
	stall           = 30 * time.Second // for the next part of a body
)

func (n *Node) newTransports() transports {
	return transports{
		first:  &http1.Transport{Dial: n.Dial, MaxIdle: maxIdle, IdleFor: idleFor, Connect: connectPatience, Stall: stall},
		second: &http2.Transport{Dial: n.Dial, MaxIdle: maxIdle, IdleFor: idleFor, Connect: connectPatience, Stall: stall},
	}
}

// protocol is what the call's upstream speaks. What is to become a WebSocket
// goes by HTTP/1.1.
func (c *call) protocol() string {
	if c.webSocket {
		return HTTP1
	}
	return c.version.Traffic.Protocol
}

// do sends a request to an upstream by one of Traffic's protocols.
func (t transports) do(ctx context.Context, to upstream.Target, out *http1.Request, protocol string) (*response, error) {
	address := http1.Address{HostPort: to.HostPort, TLS: to.TLS}
	if protocol == HTTP2 || protocol == "" && to.TLS != nil {
		res, err := t.second.Do(ctx, http2.Address{Address: address, Only: protocol == HTTP2}, out)
		if err == nil {
			return &response{status: res.Status, fields: res.Fields, body: res}, nil
		}
		if !errors.Is(err, http2.ErrHTTP1) {
			return nil, err
		}
	}
	res, err := t.first.Do(ctx, address, out)
	if err != nil {
		return nil, err
	}
	return &response{status: res.Status, fields: res.Fields, body: res}, nil
}

// leaveUpstreams closes the connections to addresses that no version of the
// snapshot has, or that are approved no more. One of TLS is a version's own.
func (n *Node) leaveUpstreams(s *snapshot) {
	kept := make(map[http1.Address]bool, len(s.byVersion))
	for _, v := range s.byVersion {
		for _, to := range v.targets() {
			kept[http1.Address{HostPort: to.HostPort, TLS: to.TLS}] = n.Approved == nil || n.Approved(to.HostPort)
		}
	}
	n.first.CloseIdle(func(to http1.Address) bool { return kept[to] })
	n.second.CloseIdle(func(to http2.Address) bool { return kept[to.Address] })
}

// followed are the names of what a request says will follow its body, as far as
// that is passed on; nil for none.
func (c *call) followed(r *http.Request) http.Header {
	var names http.Header
	for name := range r.Trailer {
		if hopByHop[name] || isOurs(name) || c.version.rewrite.request.drops(name) {
			continue
		}
		if names == nil {
			names = http.Header{}
		}
		names[name] = nil
	}
	return names
}
