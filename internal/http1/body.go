package http1

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
)

var errChunk = refuse(http.StatusBadRequest, "the body's chunks are malformed")

// ErrBodyClosed is what reading a closed body gives.
var ErrBodyClosed = errors.New("the body is closed")

// body is what follows a head on a connection. It reads no byte behind its
// end. It is not safe for concurrent use.
type body struct {
	in      *reader
	left    int64 // of the body, or of the chunk
	chunked bool
	begun   bool // a chunk was read, and its CRLF is due
	toEnd   bool // the connection's end is the body's
	over    bool // read to its end
	err     error
	trailer Fields
	link    *link  // nil, or whose connection it may be taken from without being looked at
	before  func() // nil, or called once before the first read
	after   func() // nil, or called once when it was read to its end, or failed
}

// frame makes a body ready to be read: of chunks, or of length bytes, or, when
// that is negative, up to the connection's end.
func (b *body) frame(in *reader, chunked bool, length int64) {
	*b = body{in: in, left: length, chunked: chunked, toEnd: !chunked && length < 0, trailer: b.trailer[:0]}
	if chunked {
		b.left = 0
	}
	b.over = !chunked && length == 0
}

// Read is of io.Reader.
func (b *body) Read(p []byte) (int, error) {
	view, err := b.next()
	if err != nil {
		b.settle()
		return 0, err
	}
	n := copy(p, view)
	b.take(n)
	return n, nil
}

// WriteTo is of io.WriterTo. What is there already is written, and flushed where
// w can be, before more is waited for.
func (b *body) WriteTo(w io.Writer) (int64, error) {
	var sum int64
	var large *[]byte
	flusher, _ := w.(interface{ FlushError() error })
	for {
		if large == nil && (sum > smallBuffer || b.left > smallBuffer) {
			large = b.in.widen()
		}
		view, err := b.next()
		if err != nil {
			b.in.narrow(large)
			b.settle()
			if err == io.EOF {
				err = nil
			}
			return sum, err
		}
		n, err := w.Write(view)
		sum += int64(n)
		b.take(n)
		if err == nil && !b.over && flusher != nil && b.waits() {
			err = flusher.FlushError()
		}
		if err == nil && b.passes(w) {
			var passed int64
			passed, err = b.pass(w.(PipeSink))
			sum += passed
		}
		if err != nil {
			b.in.narrow(large)
			return sum, &sinkError{err}
		}
	}
}

// PipeSink is a writer that can take bytes which never were in the program's
// memory.
type PipeSink interface {
	// TakesPipes reports whether it can now.
	TakesPipes() bool
	// WritePipe takes all that the pipe holds, and says how much it was.
	WritePipe(p *Pipe) (int64, error)
}

// passes reports whether the rest is long, and nobody is to look at it.
func (b *body) passes(w io.Writer) bool {
	if b.link == nil || b.link.tcp == nil || b.chunked || b.toEnd || b.left < leastPiped || b.in.r != b.in.w {
		return false
	}
	sink, ok := w.(PipeSink)
	return ok && sink.TakesPipes()
}

// pass sends the rest from one connection to the other inside the kernel. Only
// the sink's errors are given: the body's own come from what is read next.
func (b *body) pass(sink PipeSink) (int64, error) {
	p := takePipe()
	if p == nil {
		return 0, nil
	}
	defer p.putBack()
	var sum int64
	for b.left > 0 {
		if err := b.link.fill(p, b.left); err != nil {
			_ = b.end(unexpected(err))
			break
		}
		n, err := sink.WritePipe(p)
		sum += n
		b.left -= n
		if err != nil {
			return sum, err
		}
	}
	b.over = b.left == 0
	return sum, nil
}

// waits reports whether more must be read before there is more of the body:
// what ends a chunk, or begins one, is none of it.
func (b *body) waits() bool {
	rest := b.in.buffered()
	if !b.chunked || b.left > 0 {
		return len(rest) == 0
	}
	end := min(2, len(rest)) // CRLF
	line := bytes.IndexByte(rest[end:], '\n')
	return line < 0 || end+line+1 == len(rest)
}

// sinkError is an error of where a body is written to, not of the body.
type sinkError struct{ error }

// Unwrap is of package errors.
func (e *sinkError) Unwrap() error { return e.error }

// IsSink reports whether err, of WriteTo, is of the writer.
func IsSink(err error) bool {
	var sink *sinkError
	return errors.As(err, &sink)
}

// next gives what can be taken now, at least a byte.
func (b *body) next() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	if b.before != nil {
		b.before()
		b.before = nil
	}
	for !b.over {
		if b.left == 0 && b.chunked {
			if err := b.chunk(); err != nil {
				return nil, b.end(err)
			}
			continue
		}
		if b.in.r == b.in.w {
			if err := b.in.fill(len(b.in.buf)); err != nil {
				if b.toEnd && errors.Is(err, io.EOF) {
					break
				}
				return nil, b.end(unexpected(err))
			}
		}
		view := b.in.buffered()
		if !b.toEnd && int64(len(view)) > b.left {
			view = view[:b.left]
		}
		return view, nil
	}
	return nil, b.end(io.EOF)
}

// take counts what was used of next's.
func (b *body) take(n int) {
	b.in.r += n
	if b.toEnd {
		return
	}
	b.left -= int64(n)
	b.over = b.left == 0 && !b.chunked
}

func (b *body) end(err error) error {
	b.over, b.err = err == io.EOF, err
	return err
}

// settle tells, once, that nothing more is read.
func (b *body) settle() {
	if b.after != nil {
		b.after()
		b.after = nil
	}
}

// chunk reads the line that begins the next chunk (RFC 9112 §7.1), or what
// follows the last one.
func (b *body) chunk() error {
	if b.begun {
		if end, err := b.in.line(2); err != nil || len(end) > 0 {
			return errors.Join(errChunk, err)
		}
	}
	line, err := b.in.line(maxChunk)
	if err != nil {
		return err
	}
	size, extensions, extended := strings.Cut(string(line), ";")
	if !extended {
		size = strings.TrimRight(size, " \t") // some servers fill up
	}
	if size == "" || len(size) > 15 || !all(extensions, &isValue) {
		return errChunk
	}
	for i := range len(size) {
		digit, ok := unhex(size[i])
		if !ok {
			return errChunk
		}
		b.left = b.left<<4 | int64(digit)
	}
	if b.begun = true; b.left > 0 {
		return nil
	}
	return b.readTrailer()
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// notTrailers would change how a message is read, or by whom, after it was
// (RFC 9110 §6.5.1).
var notTrailers = map[string]bool{"Content-Length": true, "Transfer-Encoding": true, "Host": true, "Trailer": true, "Connection": true,
	"Authorization": true, "Set-Cookie": true, "Content-Encoding": true, "Content-Type": true, "Content-Range": true, "Te": true, "Cookie": true}

func (b *body) readTrailer() error {
	for left := maxTrailer; ; {
		line, err := b.in.line(left)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			b.over = true
			return nil
		}
		left -= len(line)
		name, value, ok := strings.Cut(string(line), ":")
		value = strings.Trim(value, " \t")
		if !ok || name == "" || left <= 0 || !all(name, &isToken) || !all(value, &isValue) {
			return errChunk
		}
		if name = canonical(name); !notTrailers[name] {
			b.trailer.Add(name, value)
		}
	}
}

// Close lets the rest go unread.
func (b *body) Close() error {
	if b.err == nil {
		b.err = ErrBodyClosed
	}
	return nil
}

// skip reads on to the end, up to most bytes, and reports whether it came.
func (b *body) skip(most int64) bool {
	if errors.Is(b.err, ErrBodyClosed) {
		b.err = nil
	}
	for most > 0 && b.err == nil {
		view, err := b.next()
		if err != nil {
			break
		}
		most -= int64(len(view))
		b.take(len(view))
	}
	return b.over
}
