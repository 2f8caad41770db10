package gateway

import (
	"net/http"
	"strings"
	"time"

	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// tunnelIdle is how long nothing may come either way over an upgraded connection.
const tunnelIdle = 2 * time.Minute

// wantsWebSocket reports whether the call asks to become a WebSocket (RFC 6455
// §4.2.1), and its version lets it. Where fields were agreed, or a call is about
// one person, it does not: what follows is no answer that could be held to that.
func (c *call) wantsWebSocket(r *http.Request) bool {
	return c.version.Traffic.WebSocket && c.version.Traffic.Protocol != HTTP2 && r.Method == http.MethodGet && r.ProtoMajor == 1 && c.filter() == nil && c.operation.Access != Personal &&
		hasToken(r.Header["Connection"], "upgrade") && hasToken(r.Header["Upgrade"], "websocket")
}

func hasToken(values []string, token string) bool {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// upgrade joins the caller and the upstream, which agreed to speak WebSocket,
// until one of them ends. The record has how much passed each way.
func (c *call) upgrade(res *response) error {
	plain, ok := res.body.(*http1.Response)
	if !ok || !c.webSocket || !hasToken([]string{res.fields.Get("Upgrade")}, "websocket") {
		return problem.Errorf(problem.BadGateway, "the agency's system tried to change the protocol").Coded("upstream-upgrade")
	}
	fields := append(append(c.merged[:0], cleaned(res.fields)...), c.answer.own...)
	fields = append(fields, http1.Field{Name: "Connection", Value: "Upgrade"}, http1.Field{Name: "Upgrade", Value: "websocket"})
	in, out, err := http1.Upgrade(c.answer.ResponseWriter, plain, fields, tunnelIdle)
	if err != nil {
		return problem.Errorf(problem.BadGateway, "the connection cannot be handed over").Coded("upstream-upgrade").Because(err)
	}
	c.answer.status, c.answer.hashes, c.answer.bytes, c.exchange.BytesIn = http.StatusSwitchingProtocols, false, out, in
	return nil
}
