package gateway

import (
	"fmt"
	"net/url"

	"lgsp/internal/problem"
)

// Traffic is how a version's calls are held and sent, as its agency sets it
// beside plan and agreements. The zero Traffic adds nothing.
type Traffic struct {
	Limits       []Limit     `json:"limits,omitempty"`        // beside the plan's
	Concurrency  Concurrency `json:"concurrency,omitzero"`    // calls at once
	RequestBytes int64       `json:"request_bytes,omitempty"` // of a request's body at most; 0: 1 MiB
	Timeouts     Timeouts    `json:"timeouts,omitzero"`
	Conditions   []Condition `json:"conditions,omitempty"` // beside agreements
	Cache        []Cache     `json:"cache,omitempty"`      // of open GET operations
	Compress     bool        `json:"compress,omitempty"`   // answers of open operations to calls without a credential
	WebSocket    bool        `json:"websocket,omitempty"`  // calls may become WebSockets, where no fields were agreed and Protocol is not h2
	Protocol     string      `json:"protocol,omitempty"`   // of the upstream: HTTP1, HTTP2; "": HTTP/1.1 in the clear, over TLS as both ends agree
	TLS          UpstreamTLS `json:"tls,omitzero"`         // of the upstream
	Health       HealthCheck `json:"health,omitzero"`      // of each address
	CORS         CORS        `json:"cors,omitzero"`        // pages that may call
	Rewrite      Rewrite     `json:"rewrite,omitzero"`     // of calls and answers
	Basic        bool        `json:"basic,omitempty"`      // old clients may send application id and API key by HTTP Basic, over https
	Check        Check       `json:"check,omitzero"`
	Canary       Canary      `json:"canary,omitzero"` // addresses that a part of the calls goes to
	Mirror       Mirror      `json:"mirror,omitzero"` // a system that a part of the calls is copied to

	// Signatures lets applications sign their calls with a key that they
	// registered (RFC 9421), but for personal data. Then Signature and
	// Signature-Input are credentials, which the system is not shown.
	Signatures bool `json:"signatures,omitempty"`

	// ForeignIssuer is the identifier of another authorization server whose bearer
	// tokens are taken beside our own, but for personal data; "": none.
	ForeignIssuer string `json:"foreign_issuer,omitempty"`
}

// Timeouts are how long the upstream may take, in seconds; 0: the node's own.
type Timeouts struct {
	AnswerSeconds int `json:"answer_seconds,omitempty"` // for the first byte of its answer, 1 to 600; the node's: 30
	WholeSeconds  int `json:"whole_seconds,omitempty"`  // for all of a call, 1 to 86,400; the node's: 600
}

// check says what no node could serve: Invalid, one field error each.
func (t Traffic) check() error {
	wrong := problem.Errorf(problem.Invalid, "the traffic cannot be set as given").Coded("traffic-wrong")
	outside := func(field string, value, least, most int64) {
		wrong.Detail += fmt.Sprintf(": %s of %d is not %d to %d", field, value, least, most)
		wrong.Wrong(field, "traffic-range", fmt.Sprintf("not %d to %d", least, most), "least", itoa(least), "most", itoa(most))
	}
	for _, number := range []struct {
		field       string
		value, most int64 // 1 to most, or 0: not set
	}{
		{"request_bytes", t.RequestBytes, largestRequest},
		{"timeouts/answer_seconds", int64(t.Timeouts.AnswerSeconds), 600},
		{"timeouts/whole_seconds", int64(t.Timeouts.WholeSeconds), 86_400},
		{"concurrency/calls", int64(t.Concurrency.Calls), maxAtOnce},
		{"concurrency/queue", int64(t.Concurrency.Queue), maxWaiting},
		{"concurrency/wait_seconds", int64(t.Concurrency.WaitSeconds), maxWaitSeconds},
	} {
		if number.value < 0 || number.value > number.most {
			outside(number.field, number.value, 1, number.most)
		}
	}
	if field, most := t.Concurrency.missing(); field != "" {
		outside(field, 0, 1, most)
	}
	if t.Protocol != "" && t.Protocol != HTTP1 && t.Protocol != HTTP2 {
		wrong.Wrong("protocol", "traffic-protocol", "neither http/1.1 nor h2")
	}
	if u, err := url.Parse(t.ForeignIssuer); t.ForeignIssuer != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(t.ForeignIssuer) > 2000) {
		wrong.Wrong("foreign_issuer", "traffic-foreign-issuer", "no identifier of an issuer")
	}
	t.TLS.check(wrong)
	t.Health.check(wrong)
	t.CORS.check(wrong)
	t.Rewrite.check(wrong)
	t.Check.check(wrong)
	t.Canary.check(wrong)
	t.Mirror.check(wrong)
	if len(wrong.Fields) > 0 {
		return wrong
	}
	return nil
}
