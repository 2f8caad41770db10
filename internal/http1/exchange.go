package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// ErrSlow says that the upstream took too long.
var ErrSlow net.Error = slow{}

type slow struct{}

// Error is of error.
func (slow) Error() string { return "the upstream did not answer in time" }

// Timeout is of net.Error.
func (slow) Timeout() bool { return true }

// Temporary is of net.Error.
func (slow) Temporary() bool { return false }

// source reads from the upstream within the time that is given for the next part.
type linkSource link

// Read is of io.Reader.
func (l *linkSource) Read(p []byte) (int, error) {
	if l.patience > 0 && !l.sending.Load() {
		(*link)(l).allow(l.patience)
	}
	n, err := l.net.Read(p)
	if l.patience > 0 && !l.sending.Load() {
		(*link)(l).allow(0) // what takes its time now is who reads
	}
	return n, err
}

// fill is Read into a pipe.
func (l *link) fill(p *Pipe, most int64) error {
	l.allow(l.patience)
	err := p.fill(l.tcp, most)
	l.allow(0)
	return err
}

// allow gives the upstream so long for what is next, 0: any time. A connection
// that was over its time stays so.
func (l *link) allow(within time.Duration) {
	at := l.deadline.Load()
	if at < 0 {
		return // the next read or write says so
	}
	next := int64(0)
	if within > 0 {
		next = l.transport.now.Load() + int64(within)
	}
	l.deadline.CompareAndSwap(at, next)
}

// do sends the request and reads the head of its answer.
func (l *link) do(ctx context.Context, r *Request) (*Response, error) {
	c := &caller{ctx: ctx}
	if r.Within > 0 {
		c.latest = l.transport.now.Load() + int64(r.Within)
	}
	l.caller.Store(c)
	l.uploading, l.status = nil, 0
	l.patience = l.transport.Stall
	if err := l.send(r); err != nil {
		return nil, l.fault(err)
	}
	l.patience = l.answerWithin(r)
	for {
		text, err := l.in.head(func() {})
		if err != nil {
			return nil, l.fault(err)
		}
		minor, err := l.read(text)
		if err != nil {
			return nil, err
		}
		if l.status >= 200 || l.status == http.StatusSwitchingProtocols {
			return l.answer(r, minor)
		}
		if r.Informational != nil {
			r.Informational(l.status, l.head.fields)
		}
	}
}

// fault says what an error of the connection means.
func (l *link) fault(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrSlow
	case l.used && l.status == 0 && (errors.Is(err, io.EOF) || isBroken(err)):
		return fmt.Errorf("%w: %w", errStale, err)
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

func (l *link) answerWithin(r *Request) time.Duration {
	if r.Answer > 0 {
		return r.Answer
	}
	return l.transport.Answer
}

func isBroken(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}

// send writes the request; a stream is sent beside what comes back.
func (l *link) send(r *Request) error {
	b := append(l.out[:0], r.Method...)
	b = append(append(b, ' '), r.Target...)
	b = append(append(b, " HTTP/1.1\r\nHost: "...), r.Host...)
	b = append(b, "\r\n"...)
	for _, line := range r.Fields {
		b = appendField(b, line.Name, line.Value)
	}
	switch {
	case r.Stream != nil && r.Length < 0:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		if len(r.Trailer) > 0 {
			b = appendField(b, "Trailer", strings.Join(sortedNames(r.Trailer), ", "))
		}
	case r.Stream != nil:
		b = appendLength(b, r.Length)
	case len(r.Body) > 0 || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch:
		b = appendLength(b, int64(len(r.Body)))
	}
	b = append(b, "\r\n"...)
	if cap(b) <= smallBuffer {
		l.out = b
	}
	l.allow(l.transport.Stall)
	if err := l.write(b, r.Body); err != nil || r.Stream == nil {
		return err
	}
	sent := make(chan error, 1)
	l.uploading, l.stop = sent, r.Stop
	l.sending.Store(true)
	go func() {
		err := l.upload(r)
		l.sending.Store(false)
		l.allow(l.answerWithin(r))
		sent <- err
	}()
	return nil
}

func appendLength(b []byte, length int64) []byte {
	return append(strconv.AppendInt(append(b, "Content-Length: "...), length, 10), "\r\n"...)
}

func (l *link) write(head, rest []byte) error {
	var err error
	switch {
	case len(rest) == 0:
		_, err = l.net.Write(head)
	case l.tcp != nil:
		l.vector = append(l.vector[:0], head, rest)
		whole := l.vector
		_, err = l.vector.WriteTo(l.tcp)
		l.vector = whole[:0]
	default:
		_, err = l.net.Write(append(head, rest...))
	}
	return err
}

// upload sends a stream as it comes. The upstream's time runs only while it is
// to take something.
func (l *link) upload(r *Request) error {
	large := largeBuffers.Get().(*[]byte)
	defer largeBuffers.Put(large)
	buf := (*large)[room : len(*large)-room]
	for left := r.Length; ; {
		l.allow(0)
		n, err := r.Stream.Read(buf)
		if n > 0 {
			part := buf[:n]
			if r.Length < 0 {
				part = chunkIn(*large, n)
			} else if left -= int64(n); left < 0 {
				return l.breakOff(errLength)
			}
			l.allow(l.transport.Stall)
			if _, err := l.net.Write(part); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF && r.Length < 0:
			_, err = l.net.Write(appendLast(nil, FieldsOf(r.Trailer)))
			return err
		case err == io.EOF && left == 0:
			return nil
		case err == io.EOF:
			return l.breakOff(io.ErrUnexpectedEOF)
		case err != nil:
			return l.breakOff(err)
		}
	}
}

// UploadError says that the stream of a request's body failed.
type UploadError struct{ Err error }

// Error is of error.
func (e *UploadError) Error() string { return "the request's body broke off: " + e.Err.Error() }

// Unwrap is of package errors.
func (e *UploadError) Unwrap() error { return e.Err }

// breakOff ends the connection of an upload whose stream failed, so that the
// upstream takes no part for the whole, and nobody waits for its answer.
func (l *link) breakOff(err error) error {
	broken := &UploadError{err}
	l.broken.Store(broken) // before whoever reads the answer finds the connection closed
	_ = l.net.Close()
	return broken
}

// appendLast writes the last chunk, and what follows it.
func appendLast(b []byte, trailer Fields) []byte {
	b = append(b, "0\r\n"...)
	for _, line := range trailer {
		b = appendField(b, line.Name, line.Value)
	}
	return append(b, "\r\n"...)
}

// chunkIn makes a chunk of the n bytes behind the room in buf, in place.
func chunkIn(buf []byte, n int) []byte {
	var line [room]byte
	first := append(strconv.AppendInt(line[:0], int64(n), 16), "\r\n"...)
	start := room - len(first)
	copy(buf[start:], first)
	return append(buf[start:room+n], "\r\n"...)
}

// room is for a chunk's first line, and more than its end takes.
const room = 20

// read reads the head of an answer.
func (l *link) read(text string) (minor int, err error) {
	first, lines, _ := strings.Cut(text, "\r\n")
	status, minor, err := statusLine(first)
	if err != nil {
		return 0, err
	}
	if err := l.head.parse(lines); err != nil {
		return 0, fmt.Errorf("the answer's head: %w", err)
	}
	l.status = status
	return minor, nil
}

// answer frames the body (RFC 9112 §6.3).
func (l *link) answer(r *Request, minor int) (*Response, error) {
	h := &l.head
	l.keep = !h.close && (minor > 0 || h.keep)
	l.patience = l.transport.Stall
	switch {
	case l.status == http.StatusSwitchingProtocols:
		l.keep, l.patience = false, 0
		l.allow(0)
		l.body.frame(&l.in, false, -1)
	case r.Method == http.MethodHead || l.status == http.StatusNoContent || l.status == http.StatusNotModified:
		l.body.frame(&l.in, false, 0)
	case h.chunked && minor == 0:
		return nil, errNoAnswer
	default:
		l.body.frame(&l.in, h.chunked, h.length)
		l.body.link = l
		l.keep = l.keep && !l.body.toEnd
	}
	return &Response{Status: l.status, Fields: h.fields, Length: h.length, link: l}, nil
}

// Read is of io.Reader: the body.
func (r *Response) Read(p []byte) (int, error) {
	if r.link == nil {
		return 0, ErrBodyClosed
	}
	n, err := r.link.body.Read(p)
	if err != nil && err != io.EOF {
		err = r.link.fault(err)
	}
	return n, err
}

// WriteTo is of io.WriterTo: the body.
func (r *Response) WriteTo(w io.Writer) (int64, error) {
	if r.link == nil {
		return 0, ErrBodyClosed
	}
	n, err := r.link.body.WriteTo(w)
	if err != nil && !IsSink(err) {
		err = r.link.fault(err)
	}
	return n, err
}

// Write sends to an upstream that agreed to change the protocol (101).
func (r *Response) Write(p []byte) (int, error) {
	if r.link == nil || r.Status != http.StatusSwitchingProtocols {
		return 0, ErrBodyClosed
	}
	return r.link.net.Write(p)
}

// Trailer is what followed a body of chunks, once it is read to its end.
func (r *Response) Trailer() Fields {
	if r.link == nil {
		return nil
	}
	return r.link.body.trailer
}

// Close gives the connection back, or closes it when the answer was not read
// to its end or the request was not sent to its end.
func (r *Response) Close() error {
	l := r.link
	if l == nil {
		return nil
	}
	r.link, r.Fields = nil, nil
	over := l.body.over
	if over {
		over = l.uploaded() == nil
	} else {
		_ = l.net.Close() // an upload ends by it
		_ = l.uploaded()
	}
	if over && l.keep && l.in.r == l.in.w {
		l.rest()
	} else {
		l.end()
	}
	return nil
}

// uploadEnd is how long an upload may take that the upstream has answered: one
// that was read whole is about to end.
const uploadEnd = 5 * time.Millisecond

// uploaded ends the upload, if there is one that is not at its end, and gives
// its error.
func (l *link) uploaded() error {
	if l.uploading == nil {
		return nil
	}
	select {
	case err := <-l.uploading:
		return err
	case <-time.After(uploadEnd):
	}
	_ = l.net.Close() // it is of no use with half a request sent
	if l.stop != nil {
		l.stop()
	}
	<-l.uploading
	return io.ErrUnexpectedEOF
}
