// Package telemetry answers what a process is doing: the id that joins a
// request's log lines, and the operator's listener with health and metrics.
package telemetry

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
)

type traceKey struct{}

// WithTrace puts the trace id of a request in ctx.
func WithTrace(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, traceKey{}, id)
}

// Trace is the trace id of the request in ctx: 32 lower-case hex digits, or ""
// outside a request.
func Trace(ctx context.Context) string {
	id, _ := ctx.Value(traceKey{}).(string)
	return id
}

// TraceOf takes the trace id from a valid traceparent header (W3C Trace
// Context §3.2) or makes a new one.
func TraceOf(r *http.Request) string {
	const none, form = "00000000000000000000000000000000", "00-00000000000000000000000000000000-0000000000000000-00"
	parent := r.Header.Get("Traceparent")
	if len(parent) != len(form) || parent[:3] != "00-" || parent[35] != '-' || parent[52] != '-' {
		return NewTrace()
	}
	id := parent[3:35]
	if id == none || !isHex(id) || !isHex(parent[36:52]) || !isHex(parent[53:]) {
		return NewTrace()
	}
	return id
}

func isHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// NewTrace is a random trace id, which nobody needs to be unable to guess.
func NewTrace() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	return hex.EncodeToString(id[:])
}
