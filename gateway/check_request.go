package gateway

import (
	"net/http"
	"strings"

	"lgsp/gateway/check"
	"lgsp/gateway/project"
	"lgsp/gateway/route"
	"lgsp/internal/problem"
)

// largestChecked is how large a JSON body may be that is held to the document.
const largestChecked = 10 << 20

// checksBody reports whether the request's body is JSON that is held to the
// document, and so is read whole before anything is sent on.
func (c *call) checksBody(r *http.Request) bool {
	return c.operation.checks != nil && c.version.Traffic.Check.requests() && c.operation.checks.TakesJSON(r.Header.Get("Content-Type"))
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
	}
	if len(c.body) > 0 && checks.TakesJSON(r.Header.Get("Content-Type")) {
		value, err := project.Value(c.body)
		if err != nil {
			reason := err.Error()
			return problem.Errorf(problem.Invalid, "the request's body is no JSON that can be read in one way only (%s)", reason).
				Coded("request-not-json", "reason", reason)
		}
		in.Body = &check.JSON{Value: value, Size: len(c.body)}
	}
	findings := checks.Request(in)
	if c.version.Traffic.Check.Requests == CheckReport {
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
		default:
			e.Wrong(f.At, "check-"+f.Code, "not as described: "+f.Code)
		}
	}
	return e
}
