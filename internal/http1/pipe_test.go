package http1

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// piping counts what comes in pipes.
type piping struct {
	*response
	piped *atomic.Int64
}

// WritePipe is of PipeSink.
func (p piping) WritePipe(pipe *Pipe) (int64, error) {
	n, err := p.response.WritePipe(pipe)
	p.piped.Add(n)
	return n, err
}

// relay passes on what an upstream answers, and tells how each answer ended.
func relay(t *testing.T, to Address, stall time.Duration) (address string, piped *atomic.Int64, ends chan error) {
	transport := newTransport()
	transport.Stall = stall
	piped, ends = new(atomic.Int64), make(chan error, 16)
	return serve(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res, err := transport.Do(r.Context(), to, &Request{Method: r.Method, Target: r.RequestURI, Host: "h"})
		if err != nil {
			ends <- err
			panic(http.ErrAbortHandler)
		}
		defer res.Close()
		sink := piping{w.(*response), piped}
		sink.WriteFields(res.Status, res.Fields)
		if _, err = res.WriteTo(sink); err != nil {
			ends <- err
			panic(http.ErrAbortHandler)
		}
		ends <- nil
	})}), piped, ends
}

// TestLongBodiesPassInPipes: byte for byte, however they come, and the
// connections serve others after them.
func TestLongBodiesPassInPipes(t *testing.T) {
	t.Parallel()
	whole := make([]byte, 9<<20+123)
	_, _ = io.ReadFull(&counting{}, whole)
	to, conns := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		var size, step int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d/%d", &size, &step)
		w.Header().Set("Content-Length", fmt.Sprint(size))
		for at := 0; at < size; at += step {
			_, _ = w.Write(whole[at:min(at+step, size)])
		}
	})
	address, piped, ends := relay(t, to, 5*time.Second)
	for _, size := range []int{len(whole), 10, 0, leastPiped, leastPiped + 5<<10, 1 << 20, len(whole) - 7} {
		for _, step := range []int{len(whole), 70_001} {
			before := piped.Load()
			res, err := http.Get(fmt.Sprintf("http://%s/%d/%d", address, size, step))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.New()
			n, err := io.Copy(sum, res.Body)
			_ = res.Body.Close()
			want := sha256.Sum256(whole[:size])
			if err != nil || n != int64(size) || !bytes.Equal(sum.Sum(nil), want[:]) {
				t.Errorf("of %d bytes %d came, error %v, the same: %t", size, n, err, bytes.Equal(sum.Sum(nil), want[:]))
			}
			if err := <-ends; err != nil {
				t.Error(err)
			}
			if passed := piped.Load() - before; size >= 1<<20 && passed < int64(size)*9/10 || size < leastPiped && passed != 0 {
				t.Errorf("of %d bytes %d passed in pipes", size, passed)
			}
		}
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections", conns.Load())
	}
}

// TestPipedBodiesThatBreakOff: the caller sees no whole body, and it is told
// whose fault it was. What was in a pipe reaches nobody else.
func TestPipedBodiesThatBreakOff(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	hold := make(chan struct{})
	to, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(size))
		sent := size / 2
		if r.URL.Path == "/whole" {
			sent = size
		}
		_, _ = w.Write(bytes.Repeat([]byte("x"), sent))
		switch r.URL.Path {
		case "/breaks":
			panic(http.ErrAbortHandler)
		case "/stalls":
			_ = http.NewResponseController(w).Flush()
			<-hold
		}
	})
	t.Cleanup(func() { close(hold) }) // before the upstream waits for it
	address, _, ends := relay(t, to, 20*time.Second)
	impatient, _, given := relay(t, to, 500*time.Millisecond)
	for _, tt := range []struct {
		url  string
		ends chan error
		is   func(error) bool
	}{
		{"http://" + address + "/breaks", ends, func(err error) bool { return !IsSink(err) && !errors.Is(err, ErrSlow) }},
		{"http://" + impatient + "/stalls", given, func(err error) bool { return errors.Is(err, ErrSlow) }},
	} {
		res, err := http.Get(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if err == nil || n > size/2 {
			t.Errorf("%s: %d bytes came, error %v", tt.url, n, err)
		}
		if err := <-tt.ends; err == nil || !tt.is(err) {
			t.Errorf("%s: told %v", tt.url, err)
		}
	}
	leaver, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(leaver, "GET /whole HTTP/1.1\r\nHost: h\r\n\r\n")
	_, _ = io.ReadFull(leaver, make([]byte, 1<<20))
	_ = leaver.(*net.TCPConn).SetLinger(0)
	_ = leaver.Close()
	if err := <-ends; !IsSink(err) {
		t.Errorf("the caller left, and it is told %v", err)
	}
	res, err := http.Get("http://" + address + "/whole")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
		t.Errorf("after them %d bytes came, error %v", n, err)
	}
}
