package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"lgsp/gateway/check"
	"lgsp/gateway/project"
	"lgsp/gateway/route"
	"lgsp/internal/problem"
)

// The bounds of reading JSON that is held to the document.
const (
	largestChecked = 10 << 20       // bytes of a request's body
	readAtOnce     = largestChecked // bytes of all large bodies that are read at the same time: what is read takes up to 45 times as much
	smallChecked   = 64 << 10       // bytes of a body that waits for no other
)

// turnToRead waits until a body of that size may be read; done gives the room to
// the next one.
func (n *Node) turnToRead(ctx context.Context, size int) (done func(), err error) {
	if size <= smallChecked {
		return func() {}, nil
	}
	weight := int64(min(size, readAtOnce))
	if err := n.reading.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	return func() { n.reading.Release(weight) }, nil
}

// checksBody reports whether the request's body is JSON that is held to the
// document, and so is read whole before anything is sent on.
func (c *call) checksBody(r *http.Request) bool {
	return c.operation.checks != nil && c.version.Traffic.Check.requests() && !isEncoded(r.Header["Content-Encoding"]) &&
		c.operation.checks.TakesJSON(check.ContentType(r.Header["Content-Type"]))
}

// isEncoded reports whether a body is compressed, so that it cannot be read.
func isEncoded(lines []string) bool {
	for _, line := range lines {
		if line != "" && !strings.EqualFold(line, "identity") {
			return true
		}
	}
	return false
}

// checkRequest holds the request to the version's document: what is not as
// described is told to its owner, or refused. JSON that two programs could read
// differently is refused either way.
func (c *call) checkRequest(r *http.Request) error {
	checks := c.operation.checks
	if checks == nil || !c.version.Traffic.Check.requests() {
		return nil
	}
	in := check.Request{
		Path:  func(name string) (string, bool) { return route.Variable(c.operation.Path, name, c.rest) },
		Query: c.query, Header: r.Header, Cookies: r.Cookies, HasBody: len(c.body) > 0 || c.stream != nil,
		Encoded: isEncoded(r.Header["Content-Encoding"]),
	}
	if len(c.body) > 0 && c.checksBody(r) {
		done, err := c.node.turnToRead(r.Context(), len(c.body))
		if err != nil {
			return err
		}
		defer done()
		value, err := project.Value(c.body)
		if err != nil {
			reason := err.Error()
			return problem.Errorf(problem.Invalid, "the request's body is no JSON that can be read in one way only (%s)", reason).
				Coded("request-not-json", "reason", reason)
		}
		in.Body = &check.JSON{Value: value, Size: len(c.body)}
	}
	findings := checks.Request(in)
	if c.imagined {
		findings = slices.DeleteFunc(findings, func(f check.Finding) bool { return f.At == "body" || c.version.Traffic.Check.Requests == CheckReport })
	} else if c.version.Traffic.Check.Requests == CheckReport {
		c.node.tellOwner(c.counted(inRequest), findings)
		return nil
	}
	if !check.Wrong(findings) {
		return nil
	}
	return notAsDescribed(checks, findings)
}

// notAsDescribed refuses a request, with what is wrong with it.
func notAsDescribed(checks *check.Operation, findings []check.Finding) error {
	e := problem.Errorf(problem.Invalid, "the request is not as the API's document describes it").Coded("request-not-as-described")
	for _, f := range findings {
		switch {
		case f.Told:
		case f.Code == check.MediaType:
			takes := strings.Join(checks.Takes(), ", ")
			return problem.Errorf(problem.UnsupportedMedia, "the operation takes %s", takes).
				Coded("content-type-not-taken", "takes", takes).Sends("Accept", takes) // RFC 9110 §12.5.1, §15.5.16
		case f.Code == check.Encoded:
			return problem.Errorf(problem.UnsupportedMedia, "the operation takes JSON that is not compressed").
				Coded("content-encoding-not-taken").Sends("Accept-Encoding", "identity") // RFC 9110 §15.5.16
		default:
			e.Wrong(f.At, "check-"+f.Code, "not as described: "+f.Code)
		}
	}
	return e
}
