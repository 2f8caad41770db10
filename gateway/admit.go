package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"lgsp/gateway/project"
	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// admit judges the upstream's answer before anything of it leaves. Under
// agreed fields it fails closed: only a whole, plain, 2xx answer in JSON
// or the operation's XML passes, and of it what was agreed.
func (c *call) admit(r *http.Request, res *response) error {
	if err := c.checkAnswer(r, res); err != nil {
		return err
	}
	if filter := c.filter(); filter != nil {
		if err := c.project(r, res, filter); err != nil {
			return err
		}
	}
	res.fields = c.version.rewrite.answer.apply(cleaned(res.fields))
	if c.caller.application != uuid.Nil {
		res.fields.Set("Cache-Control", "no-store") // what one application is answered is nobody else's
	}
	if c.ticket != nil {
		if err := c.ticket.Wait(r.Context()); err != nil {
			return noEvidence(err)
		}
	}
	return nil
}

// notPassed are the fields of an answer that are not the upstream's to send
// from our address.
var notPassed = []string{"Set-Cookie", "Server", "X-Powered-By", "Alt-Svc", "Clear-Site-Data", "Dpop-Nonce", "Strict-Transport-Security", "Service-Worker-Allowed"}

// cleaned drops what is not passed on of an answer's fields, in place: what is
// ours to say, and what is of the upstream's connection.
func cleaned(fields http1.Fields) http1.Fields {
	named := perConnection(fields)
	fields.Keep(func(line http1.Field) bool {
		name := line.Name
		switch {
		case name == "Content-Length":
			return true
		case hopByHop[name], named[name], slices.Contains(notPassed, name):
			return false
		}
		return !strings.HasPrefix(name, "Access-Control-") && !strings.HasPrefix(name, "Lgsp-") && !strings.Contains(name, "Ratelimit")
	})
	return fields
}

func (c *call) project(r *http.Request, res *response, filter *project.Filter) error {
	if err := refusedUpstream(res); err != nil {
		return err
	}
	if length, ok := lengthOf(res.fields); ok {
		c.document = slices.Grow(c.document[:0], int(min(length, heldAnswer))+bytes.MinRead)
	}
	var fields http1.Fields // ETag, Digest, Link, Location and all else tell of what is left out
	encoding, mediaType := "", ""
	for _, line := range res.fields {
		switch line.Name {
		case "Content-Type", "Content-Language", "Date":
			if fields.Has(line.Name) {
				return notProjectable("it says twice what " + line.Name + " is")
			}
			fields.Add(line.Name, line.Value)
		case "Content-Encoding":
			encoding += line.Value
		}
	}
	res.fields, mediaType = fields, fields.Get("Content-Type")
	if r.Method == http.MethodHead || res.status == http.StatusNoContent {
		res.fields.Del("Content-Type")
		return c.replace(res, nil)
	}
	if encoding != "" && !strings.EqualFold(encoding, "identity") {
		return notProjectable("it is compressed although it was asked not to be")
	}
	cut, err := c.projectionOf(mediaType, filter)
	if err != nil {
		return err
	}
	document, err := c.firstOf(r, res, heldAnswer, c.document)
	if err != nil {
		return err
	}
	if len(document) > heldAnswer {
		res.fields = slices.Clone(res.fields) // our own, as in replace
		res.body = &projectedBody{responseBody: res.body, cut: cut, first: document, exchange: &c.exchange}
		return nil
	}
	agreed, err := cut.append(c.agreed, document)
	c.document, c.agreed = roomOf(document), roomOf(agreed)
	if err != nil {
		return notProjectable("it cannot be read in one way only (" + err.Error() + ")")
	}
	res.fields.Add("Content-Length", strconv.Itoa(len(agreed)))
	return c.replace(res, agreed)
}

// roomOf is the room of a text, for the next call, unless it is large.
func roomOf(text []byte) []byte {
	if cap(text) > largestRoom {
		return nil
	}
	return text[:0]
}

const largestRoom = 64 << 10

// heldAnswer is up to how many bytes an answer is read whole before a byte of
// its agreed fields leaves, so that one that cannot be held to them is refused
// by a problem. A larger one is held to them as it passes, and broken off.
const heldAnswer = 1 << 20

// projectedBody gives the agreed fields of an answer as it comes.
type projectedBody struct {
	responseBody
	cut      projection
	first    []byte    // was read already
	exchange *Exchange // learns when it is broken off for what it is
}

// WriteTo is of io.WriterTo.
func (b *projectedBody) WriteTo(w io.Writer) (int64, error) {
	counted := &countingWriter{to: w}
	err := b.cut.stream(counted, io.MultiReader(bytes.NewReader(b.first), b.responseBody))
	var fault *project.Fault
	if errors.As(err, &fault) {
		b.exchange.Code = "answer-not-projectable"
	}
	return counted.written, err
}

// Trailer is of responseBody: it may tell of what is left out.
func (b *projectedBody) Trailer() http1.Fields { return nil }

type countingWriter struct {
	to      io.Writer
	written int64
}

// Write is of io.Writer.
func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.written += int64(n)
	return n, err
}

// replace puts our body in place of the upstream's, which is read to its end or
// beyond use.
func (c *call) replace(res *response, with []byte) error {
	res.fields = slices.Clone(res.fields) // they are the connection's, which is the next call's from here on
	err := res.body.Close()
	c.leave() // the upstream is done, however slowly the caller takes the rest
	res.body = whole{bytes.NewReader(with)}
	return err
}

// refusedUpstream replaces an answer that is not 2xx, or is partial: its body
// may tell what was not agreed, its status may not be hidden from a caller who can act on it.
func refusedUpstream(res *response) error {
	status := strconv.Itoa(res.status)
	switch code := res.status; {
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
		if after, err := strconv.ParseUint(res.fields.Get("Retry-After"), 10, 31); err == nil {
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
