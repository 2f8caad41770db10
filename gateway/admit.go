package gateway

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"lgsp/gateway/project"
	"lgsp/internal/problem"
)

// admit judges the upstream's answer before anything of it leaves. Under
// agreed fields it fails closed: only a whole, plain, 2xx JSON answer passes,
// and of it what was agreed.
func (c *call) admit(r *http.Request, res *http.Response) error {
	if res.StatusCode == http.StatusSwitchingProtocols {
		return problem.Errorf(problem.BadGateway, "the agency's system tried to change the protocol").Coded("upstream-upgrade")
	}
	if filter := c.filter(); filter != nil {
		if err := c.project(r, res, filter); err != nil {
			return err
		}
	}
	for _, name := range []string{"Set-Cookie", "Server", "X-Powered-By", "Alt-Svc", "Clear-Site-Data", "DPoP-Nonce", "Strict-Transport-Security", "Service-Worker-Allowed"} {
		res.Header.Del(name)
	}
	for name := range res.Header {
		if strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "Lgsp-") || strings.Contains(name, "Ratelimit") {
			delete(res.Header, name)
		}
	}
	if c.caller.application != uuid.Nil {
		res.Header.Set("Cache-Control", "no-store") // what one application is answered is nobody else's
	}
	if c.ticket != nil {
		if err := c.ticket.Wait(r.Context()); err != nil {
			return noEvidence(err)
		}
	}
	return nil
}

func (c *call) project(r *http.Request, res *http.Response, filter *project.Filter) error {
	if err := refusedUpstream(res); err != nil {
		return err
	}
	header := http.Header{}
	for _, name := range []string{"Content-Type", "Content-Language", "Date"} {
		if values := res.Header.Values(name); len(values) == 1 {
			header[name] = values
		}
	}
	encoding := strings.Join(res.Header.Values("Content-Encoding"), ",")
	res.Header, res.Trailer = header, nil // ETag, Digest, Link, Location and all else tell of what is left out
	if r.Method == http.MethodHead || res.StatusCode == http.StatusNoContent {
		header.Del("Content-Type")
		return nil
	}
	if encoding != "" && !strings.EqualFold(encoding, "identity") {
		return notProjectable("it is compressed although it was asked not to be")
	}
	if !isJSON(header.Get("Content-Type")) {
		return notProjectable("it is not JSON in UTF-8")
	}
	limit := or(c.node.MaxAnswer, 10<<20)
	document, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	res.Trailer = nil // reading to the end has set it again
	if r.Context().Err() != nil {
		return r.Context().Err() // upstreamFault says which
	}
	if err != nil {
		return problem.Errorf(problem.BadGateway, "the agency's system broke its answer off").Coded("upstream-broken").Because(err)
	}
	if int64(len(document)) > limit {
		return notProjectable("it is larger than " + itoa(limit) + " bytes")
	}
	agreed, err := filter.Apply(document)
	if err != nil {
		return notProjectable("it is no JSON that can be read in one way only (" + err.Error() + ")")
	}
	_ = res.Body.Close() // read to its end or beyond use
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(agreed)), int64(len(agreed))
	header.Set("Content-Length", strconv.Itoa(len(agreed)))
	return nil
}

// refusedUpstream replaces an answer that is not 2xx, or is partial: its body
// may tell what was not agreed, its status may not be hidden from a caller who can act on it.
func refusedUpstream(res *http.Response) error {
	status := strconv.Itoa(res.StatusCode)
	switch code := res.StatusCode; {
	case code == http.StatusPartialContent:
		return notProjectable("it is a part only")
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return problem.Errorf(problem.NotFound, "the agency's system has no such record").Coded("upstream-not-found")
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity:
		return problem.Errorf(problem.Invalid, "the agency's system finds the request wrong (status %s); compare it with the API's documentation", status).
			Coded("upstream-invalid", "status", status)
	case code == http.StatusConflict:
		return problem.Errorf(problem.Conflict, "the agency's system says that this no longer fits what it holds").Coded("upstream-conflict")
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		e := problem.Errorf(problem.Unavailable, "the agency's system is busy").Coded("upstream-busy")
		if after, err := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 31); err == nil {
			e.Sends("Retry-After", strconv.FormatUint(after, 10))
		}
		return e
	}
	return problem.Errorf(problem.BadGateway, "the agency's system refused the call (status %s)", status).Coded("upstream-refused", "status", status)
}

func notProjectable(reason string) error {
	return problem.Errorf(problem.BadGateway, "the answer of the agency's system cannot be held to the agreed fields: %s", reason).
		Coded("answer-not-projectable", "reason", reason)
}

func isJSON(contentType string) bool {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	charset := parameters["charset"]
	return (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")) &&
		(charset == "" || strings.EqualFold(charset, "utf-8"))
}
