package http2

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"lgsp/internal/http1"
)

func newTransport() *Transport {
	return &Transport{Dial: (&net.Dialer{}).DialContext, MaxIdle: 16, IdleFor: time.Minute, Connect: 2 * time.Second, Stall: 200 * time.Millisecond}
}

// upstream starts a server that speaks HTTP/2 in the clear, and nothing else.
func upstream(t testing.TB, h http.HandlerFunc) Address {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return Address{http1.Address{HostPort: s.Listener.Addr().String()}, true}
}

// do sends a request and reads its answer.
func do(ctx context.Context, transport *Transport, to Address, r http1.Request) (body string, err error) {
	r.Host, r.Target = "h", "/a%2Fb?c=d"
	if r.Method = "GET"; r.Stream != nil {
		r.Method, r.Length = "POST", -1
	}
	if r.Answer == 0 {
		r.Answer = 5 * time.Second
	}
	res, err := transport.Do(ctx, to, &r)
	if err != nil {
		return "", err
	}
	defer res.Close()
	text, err := io.ReadAll(res)
	return string(text), err
}

// paced gives so many parts, each after a pause, and then err.
type paced struct {
	parts int
	pause time.Duration
	size  int
	err   error
}

// Read is of io.Reader.
func (p *paced) Read(b []byte) (int, error) {
	time.Sleep(p.pause)
	if p.parts--; p.parts < 0 {
		return 0, p.err
	}
	return min(p.size, len(b)), nil
}

// TestPatience: the server's time runs while it is waited for, and not while
// the caller is.
func TestPatience(t *testing.T) {
	t.Parallel()
	const short = 200 * time.Millisecond
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended) })
	hang := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	}
	takes := func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	}
	for _, tt := range []struct {
		name    string
		h       http.HandlerFunc
		request http1.Request
		slow    bool
		body    string
	}{
		{"never answers", hang, http1.Request{Answer: short}, true, ""},
		{"never answers what it took", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); hang(w, r) },
			http1.Request{Answer: short, Stream: &paced{3, short, 1, io.EOF}}, true, ""},
		{"does not take what is sent", hang, http1.Request{Answer: time.Hour, Stream: &paced{1 << 20, 0, 1 << 20, io.EOF}}, true, ""},
		{"a slow caller", takes, http1.Request{Answer: short, Stream: &paced{4, short, 1, io.EOF}}, false, "4"},
		{"a slow answer", func(w http.ResponseWriter, r *http.Request) {
			for range 4 {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(short)
			}
		}, http1.Request{Answer: short}, false, "xxxx"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body, err := do(t.Context(), newTransport(), upstream(t, tt.h), tt.request)
			if errors.Is(err, http1.ErrSlow) != tt.slow || !tt.slow && err != nil || body != tt.body {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
}

// TestWithin: a call that may take so long takes no longer, though its caller
// sends nothing, and its stream is read by nobody afterwards.
func TestWithin(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	to := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	})
	in, out := io.Pipe()
	stopped := 0
	begun := time.Now()
	_, err := do(t.Context(), newTransport(), to, http1.Request{Stream: in, Within: 200 * time.Millisecond, Stop: func() {
		stopped++
		_ = out.CloseWithError(errors.New("stopped"))
	}})
	var timeout net.Error
	if took := time.Since(begun); took > 5*time.Second || err == nil {
		t.Errorf("ended after %s with %v (%v)", took, err, errors.As(err, &timeout))
	}
	<-gone
	if stopped != 1 {
		t.Errorf("the stream was stopped %d times", stopped)
	}
	in, out = io.Pipe()
	go out.Close()
	never := upstream(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() })
	if _, err := do(t.Context(), newTransport(), never, http1.Request{Stream: in, Within: 200 * time.Millisecond, Stop: func() { stopped++ }}); err == nil || stopped != 1 {
		t.Errorf("a stream that was read to its end, without an answer: %v, stopped %d times", err, stopped)
	}
	in, out = io.Pipe()
	go out.Close()
	quick := upstream(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	if _, err := do(t.Context(), newTransport(), quick, http1.Request{Stream: in, Within: time.Minute, Stop: func() { stopped++ }}); err != nil || stopped != 1 {
		t.Errorf("a stream that was read to its end: %v, stopped %d times", err, stopped)
	}
}

// TestUploadFails: the server takes no part for the whole, and the caller's
// fault is told as such.
func TestUploadFails(t *testing.T) {
	t.Parallel()
	broken := make(chan error, 1)
	to := upstream(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		broken <- err
	})
	fault := errors.New("the caller left")
	var failed *http1.UploadError
	if _, err := do(t.Context(), newTransport(), to, http1.Request{Stream: &paced{2, 0, 10, fault}}); !errors.As(err, &failed) || !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
	if err := <-broken; err == nil {
		t.Error("the server took a part for the whole")
	}
}

// TestHintsEnd: no 1xx answer is told once Do has returned.
func TestHintsEnd(t *testing.T) {
	t.Parallel()
	to := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			w.WriteHeader(http.StatusProcessing)
			time.Sleep(100 * time.Microsecond)
		}
	})
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		over := false
		_, err := do(ctx, newTransport(), to, http1.Request{Informational: func(int, http1.Fields) {
			if over {
				t.Error("told after the end")
			}
		}})
		over = true // a race, were it told now
		cancel()
		if err == nil {
			t.Error("answered")
		}
	}
}

// TestFlat passes large bodies both ways in little memory.
func TestFlat(t *testing.T) {
	// Not parallel: it measures the heap, which others would add to.
	to := upstream(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	const size = 256 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res, err := newTransport().Do(t.Context(), to, &http1.Request{Method: "POST", Target: "/", Host: "h", Answer: time.Minute, Length: size,
		Stream: io.LimitReader(&paced{1 << 30, 0, 1 << 20, nil}, size)})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	sum := sha256.New()
	if n, err := res.WriteTo(sum); n != size || err != nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}
