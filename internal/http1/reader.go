package http1

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

// The sizes of a connection's buffer: as it waits, and while much passes.
const (
	smallBuffer = 4 << 10
	largeBuffer = 64 << 10
)

var largeBuffers = sync.Pool{New: func() any { b := make([]byte, largeBuffer); return &b }}

// reader reads from a connection through a buffer: buf[r:w] is read and not
// taken yet.
type reader struct {
	from io.Reader
	buf  []byte
	r, w int
}

func newReader(from io.Reader) reader { return reader{from: from, buf: make([]byte, smallBuffer)} }

func (b *reader) buffered() []byte { return b.buf[b.r:b.w] }

// fill reads once and adds at least a byte, or says why it cannot. The buffer
// grows when it is full, up to most bytes.
func (b *reader) fill(most int) error {
	if b.r == b.w {
		b.r, b.w = 0, 0
	} else if b.w == len(b.buf) {
		b.makeRoom(most)
		if b.w == len(b.buf) {
			return errHeadLarge
		}
	}
	n, err := b.from.Read(b.buf[b.w:])
	b.w += n
	if n > 0 {
		return nil // an error comes again
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func (b *reader) makeRoom(most int) {
	if b.r > 0 {
		b.w = copy(b.buf, b.buf[b.r:b.w])
		b.r = 0
		return
	}
	if size := min(2*len(b.buf), most); size > len(b.buf) {
		b.resize(make([]byte, size))
	}
}

func (b *reader) resize(buf []byte) {
	n := copy(buf, b.buf[b.r:b.w])
	b.buf, b.r, b.w = buf, 0, n
}

// widen takes a large buffer while much is read; narrow gives it back.
func (b *reader) widen() *[]byte {
	if len(b.buf) >= largeBuffer {
		return nil
	}
	large := largeBuffers.Get().(*[]byte)
	b.resize(*large)
	return large
}

func (b *reader) narrow(large *[]byte) {
	if large == nil || b.w-b.r > smallBuffer {
		return
	}
	b.resize(make([]byte, smallBuffer))
	largeBuffers.Put(large)
}

// head gives the lines up to and with the empty one. It fails with io.EOF when
// not a byte came. Lines end with CRLF: some take LF alone for an end and some
// do not, and what they disagree on becomes a second request. More is called
// once when the first read did not bring the whole.
func (b *reader) head(more func()) (string, error) {
	if b.r == b.w && len(b.buf) > smallBuffer {
		b.resize(make([]byte, smallBuffer)) // the last head was a large one
	}
	line, at := 0, 0 // from b.r: where the line begins, what was looked at
	for first := true; ; first = false {
		for at < b.w-b.r {
			i := bytes.IndexByte(b.buf[b.r+at:b.w], '\n')
			if i < 0 {
				at = b.w - b.r
				break
			}
			end := at + i
			if end == line || b.buf[b.r+end-1] != '\r' {
				return "", errBareLF
			}
			if end-line == 1 {
				text := string(b.buf[b.r : b.r+end+1])
				b.r += end + 1
				return text, nil
			}
			at, line = end+1, end+1
		}
		if b.w > b.r && !isToken[b.buf[b.r]] {
			return "", refuse(http.StatusBadRequest, "this is no HTTP/1.1")
		}
		if b.w > b.r && !first {
			more()
		}
		if err := b.fill(maxHead); err != nil {
			if errors.Is(err, io.EOF) && b.w > b.r {
				return "", io.ErrUnexpectedEOF
			}
			return "", err
		}
	}
}

// line gives the next line without its CRLF; it is good until the next read.
func (b *reader) line(most int) ([]byte, error) {
	for at := 0; ; {
		if i := bytes.IndexByte(b.buf[b.r+at:b.w], '\n'); i >= 0 {
			end := b.r + at + i
			if at+i == 0 || b.buf[end-1] != '\r' {
				return nil, errBareLF
			}
			if end-b.r > most {
				return nil, errChunk
			}
			text := b.buf[b.r : end-1]
			b.r = end + 1
			return text, nil
		}
		if at = b.w - b.r; at > most {
			return nil, errChunk
		}
		if err := b.fill(maxHead); err != nil {
			return nil, unexpected(err)
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
