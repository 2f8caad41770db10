package gateway

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// forward sends the call to the upstream and the answer to the caller.
func (c *call) forward(r *http.Request) {
	c.answer.hidesHints, c.webSocket = c.filter() != nil || c.ticket != nil || c.enforcesAnswers(), c.wantsWebSocket(r)
	defer c.leave()
	res, err := c.ask(r)
	if err != nil {
		c.refuse(r, c.upstreamFault(r, err))
		return
	}
	defer res.body.Close()
	if res.status == http.StatusSwitchingProtocols {
		if err := c.upgrade(res); err != nil {
			c.refuse(r, err)
		}
		return
	}
	if err := c.admit(r, res); err != nil {
		c.refuse(r, c.upstreamFault(r, err))
		return
	}
	c.deliver(r, res)
}

// response is what an upstream answered.
type response struct {
	status int
	fields http1.Fields
	body   responseBody
}

// responseBody is closed once by whoever has the response. Its trailer is there when
// it is read to its end.
type responseBody interface {
	io.ReadCloser
	io.WriterTo
	Trailer() http1.Fields
}

// whole is a body of which all is here.
type whole struct{ *bytes.Reader }

// Close is of io.Closer.
func (whole) Close() error { return nil }

// Trailer is of responseBody.
func (whole) Trailer() http1.Fields { return nil }

// outgoing is the upstream's request, but for where it goes. What the caller
// said of itself is left out, by whatever spelling of a header's name, and what
// is of the caller's connection (RFC 9110 §7.6.1); then what we know is added.
func (c *call) outgoing(r *http.Request) *http1.Request {
	lines, ok := http1.Lines(r)
	if !ok {
		lines = http1.FieldsOf(r.Header)
	}
	fields := c.out[:0]
	named := perConnection(lines)
	held, anyones := c.filter() != nil || c.enforcesAnswers(), c.operation.cached != nil && c.public()
	for _, line := range lines {
		if hopByHop[line.Name] || isOurs(line.Name) || named[line.Name] || held && partial[line.Name] || anyones && !ofAnyone[line.Name] {
			continue
		}
		fields = append(fields, line)
	}
	fields = c.soapAction(r, c.version.rewrite.request.apply(fields))
	if c.version.Traffic.Protocol == HTTP2 && hasToken(r.Header["Te"], "trailers") {
		fields = append(fields, http1.Field{Name: "Te", Value: "trailers"}) // servers of gRPC want it
	}
	if c.webSocket {
		fields = append(fields, http1.Field{Name: "Connection", Value: "Upgrade"}, http1.Field{Name: "Upgrade", Value: "websocket"})
	}
	if held { // the answer must be whole and readable
		fields.Add("Accept-Encoding", "identity")
	}
	c.out = c.said(fields, r.Proto)
	fields = c.out
	c.request = http1.Request{Method: r.Method, Fields: fields, Body: c.body,
		Answer: or(c.version.answerWithin, or(c.node.Patience, 30*time.Second)), Within: or(c.version.wholeWithin, or(c.node.Longest, 10*time.Minute))}
	if c.stream != nil {
		c.request.Stream, c.request.Length, c.request.Trailer = c.stream, r.ContentLength, c.stream.trailer
		c.request.Stop = func() { _ = http.NewResponseController(c.answer.ResponseWriter).SetReadDeadline(longAgo) }
	}
	if !c.answer.hidesHints {
		c.request.Informational = c.hint
	}
	return &c.request
}

// said adds what we say of the call ourselves. The values are parts of one text.
func (c *call) said(fields http1.Fields, proto string) http1.Fields {
	b := appendID(c.text[:0], c.exchange.Application)
	if c.grant != nil {
		b = appendID(b, c.grant.Agreement)
	}
	ids := len(b)
	b = c.appendTraceparent(b)
	trace := len(b)
	b = append(append(append(b, strings.TrimPrefix(proto, "HTTP/")...), ' '), c.node.via...)
	c.text = b
	all := string(b)
	fields.Add("Lgsp-Agency", c.version.AgencySlug)
	if c.exchange.Application != uuid.Nil {
		fields.Add("Lgsp-Application", all[:idLength])
	}
	if c.grant != nil {
		fields.Add("Lgsp-Agreement", all[idLength:ids])
		fields.Add("Lgsp-Purpose", c.grant.Purpose)
	}
	if c.exchange.Dossier != "" {
		fields.Add("Lgsp-Dossier", c.exchange.Dossier)
	}
	fields.Add("X-Request-Id", c.answer.requestID)
	fields.Add("Traceparent", all[ids:trace])
	fields.Add("Via", all[trace:]) // RFC 9110 §7.6.3
	return fields
}

// idLength is the length of a UUID's text (RFC 9562 §4).
const idLength = 36

func appendID(b []byte, id uuid.UUID) []byte {
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// hint passes a 1xx answer on, where nothing of the answer is held back.
func (c *call) hint(status int, fields http1.Fields) {
	if status == http.StatusContinue { // that one is ours to say
		return
	}
	fields = cleaned(fields)
	header := c.answer.Header()
	for _, line := range fields {
		header.Add(line.Name, line.Value)
	}
	c.answer.WriteHeader(status)
	clear(header)
}

// hopByHop are the fields of one connection, and those the transport writes.
var hopByHop = map[string]bool{"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Content-Length": true, "Host": true, "Expect": true, "Http2-Settings": true}

// partial are the fields that ask for a part of an answer, or for none.
var partial = map[string]bool{"Accept-Encoding": true, "Range": true, "If-Range": true, "If-Match": true, "If-None-Match": true,
	"If-Modified-Since": true, "If-Unmodified-Since": true}

// perConnection are the fields that Connection names; nil when it names none.
func perConnection(lines http1.Fields) map[string]bool {
	var named map[string]bool
	for _, line := range lines {
		if line.Name != "Connection" {
			continue
		}
		for token := range strings.SplitSeq(line.Value, ",") {
			if token = strings.TrimSpace(token); token == "" || strings.EqualFold(token, "close") || strings.EqualFold(token, "keep-alive") {
				continue
			}
			if named == nil {
				named = map[string]bool{}
			}
			named[http.CanonicalHeaderKey(token)] = true
		}
	}
	return named
}

// dashes is made once: making one costs more than using it.
var dashes = strings.NewReplacer("_", "-", ".", "-")

// ours are the headers of a caller's that are taken away: credentials, our
// identity headers, what proxies say of the client, and what some frameworks
// let override the method or the path.
var ours = map[string]bool{
	"Authorization": true, "Dpop": true, "Cookie": true, "X-Api-Key": true, "Forwarded": true, "X-Real-Ip": true, "X-Client-Ip": true, "True-Client-Ip": true,
	"Cf-Connecting-Ip": true, "Client-Cert": true, "Client-Cert-Chain": true,
	"X-Http-Method-Override": true, "X-Http-Method": true, "X-Method-Override": true, "X-Original-Url": true, "X-Rewrite-Url": true, "X-Original-Host": true,
	"Traceparent": true, "X-Request-Id": true,
}

// isOurs reports whether a caller's header is taken away. Some upstreams read
// _ and . as -.
func isOurs(name string) bool {
	if strings.ContainsAny(name, "_.") {
		name = http.CanonicalHeaderKey(dashes.Replace(name))
		if hopByHop[name] {
			return true
		}
	}
	return ours[name] || strings.HasPrefix(name, "Lgsp-") || strings.HasPrefix(name, "X-Forwarded") || strings.HasPrefix(name, "X-Lgsp-")
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// upstreamFault makes a problem of what went wrong behind us; nil when the
// caller has gone.
func (c *call) upstreamFault(r *http.Request, err error) error {
	var e *problem.Error
	var timeout net.Error
	var upload *http1.UploadError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &upload):
		return bodyFault(upload.Err)
	case errors.Is(r.Context().Err(), context.Canceled):
		return context.Canceled
	case errors.As(err, &timeout) && timeout.Timeout():
		return problem.Errorf(problem.Timeout, "the agency's system did not answer in time").Coded("upstream-timeout").Because(err)
	}
	return problem.Errorf(problem.BadGateway, "the agency's system cannot be reached").Coded("upstream-unreachable").Because(err)
}

// appendTraceparent names the call and a span of its own (W3C Trace Context
// §3.2), which nobody needs to be unable to guess.
func (c *call) appendTraceparent(b []byte) []byte {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], rand.Uint64())
	b = append(append(b, "00-"...), c.exchange.Trace...)
	b = hex.AppendEncode(append(b, '-'), id[:])
	return append(b, "-01"...)
}
