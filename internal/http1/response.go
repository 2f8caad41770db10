package http1

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// bufferSize is what of an answer is gathered before it is sent.
const bufferSize = 8 << 10

var outBuffers = sync.Pool{New: func() any { b := make([]byte, 0, bufferSize); return &b }}

// errLength says that a body is longer than it was said to be.
var errLength = errors.New("the body is longer than its Content-Length")

// response is the answer to a request. A handler that knows this package
// writes its head with WriteFields; any other as net/http has it.
type response struct {
	c        *conn
	header   http.Header // of handlers that use Header
	fields   Fields      // of a head that waits for what the body will be
	status   int         // 0: none yet
	length   int64       // of the body, as said; -1: not said
	written  int64       // of the body
	received int64       // of the request's body, for its deadline
	sent     bool        // the head
	chunked  bool
	bodiless bool // to HEAD, and 204 and 304
	close    bool // the connection ends with it
	err      error
	out      *[]byte // what is not sent yet: head and body, or of an unsent head the body
	vector   net.Buffers
}

// reset makes the response that of the request the connection holds.
func (w *response) reset(c *conn) {
	header, fields := w.header, w.fields
	clear(header)
	*w = response{c: c, header: header, fields: fields[:0], length: -1, vector: w.vector[:0]}
	w.close = c.request.Close
}

// Header is of http.ResponseWriter.
func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

// WriteHeader is of http.ResponseWriter.
func (w *response) WriteHeader(status int) { w.WriteFields(status, FieldsOf(w.header)) }

// WriteFields sends a head. Of the fields, Content-Length says how long the
// body is; Connection and Transfer-Encoding are the connection's own and
// dropped, but for Connection: close. The fields are not kept.
func (w *response) WriteFields(status int, fields Fields) {
	if w.status != 0 {
		return
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		w.informational(status, fields)
		return
	}
	w.status = status
	w.bodiless = w.c.request.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified || status < 200
	w.fields = w.fields[:0]
	for _, line := range fields {
		switch line.Name {
		case "Content-Length":
			if n, ok := decimal(line.Value); ok && status != http.StatusNoContent && status >= 200 {
				w.length = n
			}
			continue
		case "Connection":
			w.close = w.close || line.Value == "close"
			continue
		case "Transfer-Encoding":
			continue
		}
		w.fields = append(w.fields, line)
	}
	w.out = emptyBuffer()
	if w.length >= 0 || w.bodiless {
		*w.out = w.appendHead(*w.out)
		w.sent = true
	}
}

// emptyBuffer lends a buffer of outBuffers, with nothing of its last use in it.
func emptyBuffer() *[]byte {
	b := outBuffers.Get().(*[]byte)
	*b = (*b)[:0]
	return b
}

// appendHead writes the head, once it is known how the body is framed.
func (w *response) appendHead(b []byte) []byte {
	w.close = w.close || w.c.server.draining.Load() || w.c.server.closing.Load()
	b = appendStatus(b, w.status)
	date := false
	for _, line := range w.fields {
		date = date || line.Name == "Date"
		b = appendField(b, line.Name, line.Value)
	}
	if !date {
		b = appendField(b, "Date", *w.c.server.date.Load())
	}
	switch {
	case w.length >= 0:
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, w.length, 10), "\r\n"...)
	case w.chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	if w.close {
		b = append(b, "Connection: close\r\n"...)
	} else if w.c.request.ProtoMinor == 0 {
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	return append(b, "\r\n"...)
}

func appendStatus(b []byte, status int) []byte {
	if status == http.StatusOK {
		return append(b, "HTTP/1.1 200 OK\r\n"...)
	}
	b = strconv.AppendInt(append(b, "HTTP/1.1 "...), int64(status), 10)
	b = append(append(b, ' '), http.StatusText(status)...)
	return append(b, "\r\n"...)
}

// appendField writes a line of a header. What would end the line is left out:
// values come from upstreams and from code, and the one is not trusted.
func appendField(b []byte, name, value string) []byte {
	if !isText(value) || !all(name, &isToken) {
		return b
	}
	b = append(append(b, name...), ": "...)
	return append(append(b, value...), "\r\n"...)
}

// informational sends a 1xx at once (RFC 9110 §15.2); HTTP/1.0 knows none.
func (w *response) informational(status int, fields Fields) {
	if w.c.request.ProtoMinor == 0 {
		return
	}
	b := appendStatus(nil, status)
	for _, line := range fields {
		b = appendField(b, line.Name, line.Value)
	}
	w.send(append(b, "\r\n"...), nil)
}

// goOn tells a client that waits for it to send its body.
func (w *response) goOn() {
	if w.status == 0 {
		w.send([]byte("HTTP/1.1 100 Continue\r\n\r\n"), nil)
	}
}

// Write is of http.ResponseWriter.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.err != nil {
		return 0, w.err
	}
	if w.bodiless {
		return len(p), nil
	}
	if w.length >= 0 && w.written+int64(len(p)) > w.length {
		w.err = errLength
		return 0, w.err
	}
	w.written += int64(len(p))
	if len(*w.out)+len(p) <= bufferSize && !w.chunked {
		*w.out = append(*w.out, p...)
		return len(p), nil
	}
	return len(p), w.push(p)
}

// push sends what is gathered, and p behind it.
func (w *response) push(p []byte) error {
	if !w.sent {
		w.sent = true
		w.chunked = w.c.request.ProtoMinor > 0
		w.close = w.close || !w.chunked
		gathered := w.out
		w.out = emptyBuffer()
		*w.out = w.appendHead(*w.out)
		w.appendChunk(*gathered)
		outBuffers.Put(gathered)
	}
	if w.chunked {
		w.appendChunk(p)
		p = nil
	}
	w.send(*w.out, p)
	*w.out = (*w.out)[:0]
	return w.err
}

// appendChunk gathers a part of the body as a chunk, or as it is where there
// are none.
func (w *response) appendChunk(p []byte) {
	if len(p) == 0 {
		return
	}
	if !w.chunked {
		*w.out = append(*w.out, p...)
		return
	}
	b := strconv.AppendInt(*w.out, int64(len(p)), 16)
	b = append(append(b, "\r\n"...), p...)
	*w.out = append(b, "\r\n"...)
}

// send writes to the connection, which has so long to take it.
func (w *response) send(first, second []byte) {
	c := w.c
	if w.err != nil {
		return
	}
	c.stalled.Store(c.server.now.Load() + int64(c.server.Stall))
	switch {
	case len(second) == 0:
		_, w.err = c.net.Write(first)
	case len(first) == 0:
		_, w.err = c.net.Write(second)
	case c.tcp != nil:
		w.vector = append(w.vector[:0], first, second)
		whole := w.vector
		_, w.err = w.vector.WriteTo(c.tcp)
		w.vector = whole[:0]
	default:
		if _, w.err = c.net.Write(first); w.err == nil {
			_, w.err = c.net.Write(second)
		}
	}
	c.stalled.Store(0)
	if w.err != nil {
		w.close = true
	}
}

// TakesPipes is of PipeSink: a body that goes out as it is, and unencrypted.
func (w *response) TakesPipes() bool {
	return w.sent && w.err == nil && w.c.tcp != nil && w.length >= 0 && !w.bodiless
}

// WritePipe is of PipeSink.
func (w *response) WritePipe(p *Pipe) (int64, error) {
	if err := w.FlushError(); err != nil {
		return 0, err
	}
	c := w.c
	if w.written+int64(p.held) > w.length {
		w.err = errLength
		return 0, w.err
	}
	c.stalled.Store(c.server.now.Load() + int64(c.server.Stall))
	n, err := p.drain(c.tcp)
	c.stalled.Store(0)
	w.written += n
	if err != nil {
		w.err, w.close = err, true
	}
	return n, err
}

// FlushError sends what is gathered (http.ResponseController).
func (w *response) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.err == nil && (!w.sent || len(*w.out) > 0) {
		return w.push(nil)
	}
	return w.err
}

// Flush is of http.Flusher.
func (w *response) Flush() { _ = w.FlushError() } // Write tells it again

// SetReadDeadline is of http.ResponseController.
func (w *response) SetReadDeadline(at time.Time) error { return w.c.net.SetReadDeadline(at) }

// finish sends the rest and reports whether the connection may go on.
func (w *response) finish() bool {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.sent && w.err == nil && w.hasTrailer() {
		_ = w.push(nil) // what follows the body follows chunks only
	}
	if !w.sent && w.err == nil { // all of a body whose length nobody said is here
		w.sent, w.length = true, int64(len(*w.out))
		gathered := w.out
		w.out = emptyBuffer()
		*w.out = append(w.appendHead(*w.out), *gathered...)
		outBuffers.Put(gathered)
	}
	if w.chunked {
		*w.out = w.appendTrailer(append(*w.out, "0\r\n"...))
	}
	short := w.length >= 0 && !w.bodiless && w.written < w.length
	if len(*w.out) > 0 {
		w.send(*w.out, nil)
	}
	if cap(*w.out) <= 2*largeBuffer {
		outBuffers.Put(w.out)
	}
	w.out = nil
	return w.err == nil && !short
}

// appendTrailer ends the chunks. Trailers are, as net/http has it, the fields
// set with http.TrailerPrefix.
func (w *response) appendTrailer(b []byte) []byte {
	for _, line := range FieldsOf(w.header) {
		if name, ok := trailerName(line.Name); ok {
			b = appendField(b, name, line.Value)
		}
	}
	return append(b, "\r\n"...)
}

func (w *response) hasTrailer() bool {
	for name := range w.header {
		if _, ok := trailerName(name); ok {
			return w.c.request.ProtoMinor > 0
		}
	}
	return false
}

func trailerName(name string) (string, bool) {
	if len(name) <= len(http.TrailerPrefix) || name[:len(http.TrailerPrefix)] != http.TrailerPrefix {
		return "", false
	}
	return name[len(http.TrailerPrefix):], true
}

// Hijack is of http.Hijacker: the connection is the handler's from now on. It
// fails when the request's body is not read.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c := w.c
	if !c.body.over || w.status != 0 {
		return nil, nil, errors.New("the request is not read, or answered already")
	}
	c.unwatch()
	c.state.Store(ended)
	c.deadline.Store(0)
	c.stolen = true
	first := append([]byte(nil), c.in.buffered()...)
	reader := bufio.NewReader(&replayed{Conn: c.net, first: first})
	return c.net, bufio.NewReadWriter(reader, bufio.NewWriter(c.net)), nil
}
