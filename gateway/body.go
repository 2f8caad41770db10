package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"

	"lgsp/internal/problem"
)

// The sizes of requests, in bytes.
const (
	standardRequest = 1 << 20  // the most, where the version sets none
	largestRequest  = 16 << 30 // that a version may set
	heldRequest     = 64 << 10 // up to which a body is read before it is sent on
)

// takeBody reads the body of a request that is small, or whose body decides
// what becomes of it; then the upstream sees one request or none. Any other is
// sent on as it comes, and counted and hashed on its way.
func (c *call) takeBody(r *http.Request) error {
	limit := or(c.version.Traffic.RequestBytes, standardRequest)
	checked := c.checksBody(r) || c.operation.SOAP != nil || c.version.sandbox != nil // nobody takes it as it comes
	if checked {
		limit = min(limit, largestChecked)
	}
	if r.ContentLength > limit {
		return tooLarge(limit)
	}
	if r.Body == http.NoBody || r.ContentLength == 0 {
		c.exchange.RequestSum = c.requestSum(r.Method, nil)
		return nil
	}
	if c.operation.Access != Personal && !checked && (r.ContentLength < 0 || r.ContentLength > heldRequest || len(r.Trailer) > 0) {
		c.stream = &streamedBody{from: r.Body, follows: r.Trailer, trailer: c.followed(r), left: limit, limit: limit, sum: newSum()}
		c.stream.sum.line(r.Method, c.path, c.rawQuery)
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	c.exchange.BytesIn = int64(len(body))
	if err != nil {
		return bodyFault(err)
	}
	if int64(len(body)) > limit {
		return tooLarge(limit)
	}
	c.body = body
	c.exchange.RequestSum = c.requestSum(r.Method, body)
	return nil
}

// bodyFault says what went wrong with a request's body.
func bodyFault(err error) error {
	var e *problem.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem.Errorf(http.StatusRequestTimeout, "the request's body came too slowly").Coded("body-too-slow").Sends("Connection", "close").Because(err)
	}
	return problem.Errorf(problem.Invalid, "the request's body broke off").Coded("body-broken").Sends("Connection", "close").Because(err)
}

func tooLarge(limit int64) error {
	return problem.Errorf(problem.TooLarge, "the request's body is larger than %d bytes", limit).
		Coded("request-too-large", "limit", itoa(limit)).Sends("Connection", "close")
}

// requestSum is the hash of method, target and body.
func (c *call) requestSum(method string, body []byte) Sum {
	s := newSum()
	defer sums.Put(s)
	s.line(method, c.path, c.rawQuery)
	s.Write(body) // never fails (package hash)
	return s.take()
}

func (s *sum) line(method, path, query string) {
	line := append(append(s.text[:0], method...), ' ')
	line = append(append(append(line, path...), '?'), query...)
	s.text = append(line, '\n')
	s.Write(s.text) // never fails (package hash)
}

// streamedBody is a body on its way to the upstream. It fails when it grows too
// large, so that the upstream takes no part for the whole.
type streamedBody struct {
	from    io.Reader
	follows http.Header // what follows it, once it is read to its end
	trailer http.Header // the same, of what is passed on
	limit   int64

	mu    sync.Mutex // the upstream may still read when the answer is over
	left  int64      // of limit
	sum   *sum
	ended bool // read to its end
}

// Read is of io.Reader.
func (b *streamedBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sum == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge(b.limit)
	}
	b.sum.Write(p[:n]) // never fails (package hash)
	if err == io.EOF {
		b.ended = true
		for name := range b.trailer {
			b.trailer[name] = b.follows[name]
		}
	} else if err != nil {
		err = bodyFault(err)
	}
	return n, err
}

// close ends the reading, and gives how much was read and, of a body that was
// read to its end, the hash of the request.
func (b *streamedBody) close() (size int64, whole Sum) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sum
	b.sum = nil
	if b.ended {
		whole = s.take()
	}
	sums.Put(s)
	return b.limit - b.left, whole
}
