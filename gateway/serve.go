package gateway

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// The limits of a caller's connection.
const (
	headWithin  = 10 * time.Second
	idleWithin  = 2 * time.Minute
	stallWithin = 30 * time.Second // for the next part of a body, or of an answer to be taken
	slowestBody = 1 << 10          // bytes a second
	maxStreams  = 100              // at once on one connection of HTTP/2
)

// Server serves the node to callers: HTTP/1.1 and HTTP/2, over TLS unless
// secured is nil.
func (n *Node) Server(secured *tls.Config) *http1.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	if secured != nil {
		secured = secured.Clone()
		secured.NextProtos = slices.Concat([]string{"h2", "http/1.1"}, secured.NextProtos)
	}
	return &http1.Server{
		Handler: n, TLS: secured, Malformed: n.malformed,
		HeadWithin: headWithin, Idle: idleWithin, Stall: stallWithin, SlowestBody: slowestBody,
		HTTP2: &http.Server{
			Handler: n, Protocols: protocols, ReadHeaderTimeout: headWithin, IdleTimeout: idleWithin, MaxHeaderBytes: 64 << 10,
			HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxStreams, WriteByteTimeout: stallWithin, SendPingTimeout: idleWithin},
			ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
		},
	}
}

// malformed refuses what is no request, and records that it came: not what it
// held, of which nothing is sure.
func (n *Node) malformed(w http.ResponseWriter, r *http.Request, why *http1.Refusal) {
	c := n.newCall(w, r)
	c.begin(r)
	code := "request-malformed"
	if why.Status == http.StatusRequestHeaderFieldsTooLarge {
		code = "header-too-large"
	}
	c.refuse(r, problem.Errorf(problem.Kind(why.Status), "the request cannot be read in one way only: %s", why.Reason).
		Coded(code, "reason", why.Reason, "status", strconv.Itoa(why.Status)))
	c.finish(r)
}
