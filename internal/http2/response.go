package http2

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"time"

	"lgsp/internal/http1"
)

// Response is what came; reading it gives the body.
type Response struct {
	Status   int
	Fields   http1.Fields
	response *http.Response
	host     *host
	upload   *upload // nil: the request had no stream
	end      func()  // of its context

	mu    sync.Mutex
	begun bool // it is here, or will not come
}

func (r *Response) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = true
}

// before does something unless the answer has begun, which waits for it.
func (r *Response) before(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.begun {
		do()
	}
}

// hinted lets the request hear of 1xx answers, until its own is here.
func (r *Response) hinted(ctx context.Context, of *http1.Request) context.Context {
	if of.Informational == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
		r.before(func() { of.Informational(code, http1.FieldsOf(http.Header(header))) })
		return nil
	}})
}

// failed ends a request that was not answered, and says why.
func (r *Response) failed(ctx context.Context, err error) error {
	slow := errors.Is(context.Cause(ctx), http1.ErrSlow)
	broken := r.upload.close()
	r.leave()
	switch {
	case broken != nil && !slow:
		return &http1.UploadError{Err: broken}
	case slow:
		return http1.ErrSlow
	}
	return err
}

// Read is of io.Reader.
func (r *Response) Read(p []byte) (int, error) { return r.response.Body.Read(p) }

// buffers are what bodies are passed on by.
var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// WriteTo is of io.WriterTo. What came is flushed before more is waited for,
// the head too where nobody said how long the body is.
func (r *Response) WriteTo(w io.Writer) (int64, error) {
	flusher, ok := w.(interface{ FlushError() error })
	if !ok {
		flusher = never{}
	}
	if r.response.ContentLength < 0 {
		if err := flusher.FlushError(); err != nil {
			return 0, err
		}
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	for sum := int64(0); ; {
		n, err := r.response.Body.Read(*buffer)
		if n > 0 {
			written, failed := w.Write((*buffer)[:n])
			sum += int64(written)
			if failed == nil && err == nil && sum != r.response.ContentLength {
				failed = flusher.FlushError()
			}
			if failed != nil {
				return sum, failed
			}
		}
		switch {
		case err == io.EOF:
			return sum, nil
		case err != nil:
			return sum, err
		}
	}
}

// never flushes nothing.
type never struct{}

// FlushError is of http.ResponseController.
func (never) FlushError() error { return nil }

// Trailer is what followed the body, once it is read to its end.
func (r *Response) Trailer() http1.Fields { return http1.FieldsOf(r.response.Trailer) }

// Close is of io.Closer. An answer that was not read to its end is given up,
// and so is a request that was not sent to its end.
func (r *Response) Close() error {
	_ = r.upload.close() // the server has answered: it wanted no more; what follows waits for it
	err := r.response.Body.Close()
	r.leave()
	return err
}

// leave ends the context, and the connection too when it is not to be kept.
func (r *Response) leave() {
	r.end()
	if r.host.dropped.Load() {
		r.host.CloseIdleConnections()
	}
}

// upload is a request's stream on its way. Nobody reads it once it is closed.
type upload struct {
	*http1.Request
	late   *time.Timer   // ends the request unless it is stopped, until the answer begins
	stall  time.Duration // for taking the next part
	unhook func() bool   // of its context's end
	turn   chan struct{} // whoever reads, or closes, has put something in

	mu     sync.Mutex
	closed bool
	ended  bool  // there is no more to be read
	err    error // of the stream, but for its end
}

// Read is of io.Reader. While the stream is waited for, the server's time does
// not run.
func (u *upload) Read(p []byte) (int, error) {
	u.turn <- struct{}{}
	defer func() { <-u.turn }()
	if u.isClosed() {
		return 0, http1.ErrBodyClosed
	}
	u.late.Stop()
	n, err := u.Stream.Read(p)
	switch {
	case err == nil:
		u.late.Reset(u.stall)
		return n, nil
	case err == io.EOF:
		u.late.Reset(u.Answer)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended = true; err != io.EOF {
		u.err = err
	}
	return n, err
}

func (u *upload) isClosed() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.closed
}

// interrupt lets a Read that is under way fail: net/http's client does not see
// the end of its context in it.
func (u *upload) interrupt() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.closed && !u.ended && u.Stop != nil {
		u.Stop()
	}
}

// Close is of io.Closer, for net/http, which does not wait for a Read.
func (u *upload) Close() error { return nil }

// uploadEnd is how long an upload may take that the server has answered: one
// that was read whole is about to end.
const uploadEnd = 5 * time.Millisecond

// close ends the upload, and gives what its stream failed with.
func (u *upload) close() error {
	if u == nil {
		return nil
	}
	u.unhook()
	select {
	case u.turn <- struct{}{}:
	case <-time.After(uploadEnd):
		u.interrupt()
		u.turn <- struct{}{}
	}
	defer func() { <-u.turn }()
	u.late.Stop()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	return u.err
}
