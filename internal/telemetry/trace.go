// Package telemetry answers what a process is doing: the id that joins a
// request's log lines, and the operator's listener with health and metrics.
package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"regexp"
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

var traceparent = regexp.MustCompile(`^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$`)

// TraceOf takes the trace id from a valid traceparent header (W3C Trace
// Context §3.2) or makes a new one.
func TraceOf(r *http.Request) string {
	const none = "00000000000000000000000000000000"
	if m := traceparent.FindStringSubmatch(r.Header.Get("Traceparent")); m != nil && m[1] != none {
		return m[1]
	}
	return NewTrace()
}

// NewTrace is a random trace id.
func NewTrace() string {
	var id [16]byte
	rand.Read(id[:]) // never fails (crypto/rand)
	return hex.EncodeToString(id[:])
}
