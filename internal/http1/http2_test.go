package http1

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// TestHTTP2 is handed on where it was agreed over TLS, and HTTP/1.1 is served
// beside it.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s tls=%v", r.Proto, body, r.TLS != nil)
	})
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	s := &Server{Handler: handler, HTTP2: &http.Server{Handler: handler, Protocols: protocols}}
	lent := httptest.NewTLSServer(handler) // for its certificate
	defer lent.Close()
	s.TLS = &tls.Config{Certificates: lent.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}
	known := lent.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	known.ServerName = "example.com"
	address := serve(t, s)
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		speaks := new(http.Protocols)
		speaks.SetHTTP1(version == "HTTP/1.1")
		speaks.SetHTTP2(version == "HTTP/2.0")
		client := &http.Client{Transport: &http.Transport{Protocols: speaks, TLSClientConfig: known.Clone()}}
		for range 2 {
			res, err := client.Post("https://"+address, "text/plain", strings.NewReader("abc"))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if want := version + " abc tls=true"; string(got) != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		client.CloseIdleConnections()
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestHandshakeIsBounded: who does not end a TLS handshake is let go.
func TestHandshakeIsBounded(t *testing.T) {
	t.Parallel()
	lent := httptest.NewTLSServer(http.NotFoundHandler())
	defer lent.Close()
	c := dial(t, serve(t, &Server{Handler: http.NotFoundHandler(), TLS: lent.TLS, HeadWithin: sweepEvery}))
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestNoRequestByAnotherProtocol: where a handshake is all that is agreed on,
// as the proof of a name by acme-tls/1 is, no request is read.
func TestNoRequestByAnotherProtocol(t *testing.T) {
	t.Parallel()
	lent := httptest.NewTLSServer(http.NotFoundHandler())
	defer lent.Close()
	secured := lent.TLS.Clone()
	secured.NextProtos = []string{"h2", "http/1.1", "acme-tls/1"}
	address := serve(t, &Server{Handler: http.NotFoundHandler(), TLS: secured, HeadWithin: time.Minute})
	for protocol, want := range map[string]string{"": "HTTP/1.1 404", "http/1.1": "HTTP/1.1 404", "acme-tls/1": ""} {
		known := &tls.Config{InsecureSkipVerify: true}
		if protocol != "" {
			known.NextProtos = []string{protocol}
		}
		conn, err := tls.Dial("tcp", address, known)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") // it may be closed already
		answer, err := io.ReadAll(conn)
		if errors.Is(err, os.ErrDeadlineExceeded) || !strings.HasPrefix(string(answer), want) || want == "" && len(answer) > 0 {
			t.Errorf("%q: got %q, %v, want %q", protocol, answer, err, want)
		}
		_ = conn.Close()
	}
}

// frames is a connection of HTTP/2 whose frames the test writes itself. The
// server may send no byte of a body on it until it is allowed to.
type frames struct {
	*http2.Framer
	t    *testing.T
	next uint32
	text bytes.Buffer
	pack *hpack.Encoder
}

func newFrames(t *testing.T, address string, known *tls.Config) *frames {
	t.Helper()
	known = known.Clone()
	known.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", address, known)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	f := &frames{Framer: http2.NewFramer(conn, conn), t: t, next: 1}
	f.pack = hpack.NewEncoder(&f.text)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err = io.WriteString(conn, http2.ClientPreface); err == nil {
		err = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// ask sends a request's head, and gives its stream.
func (f *frames) ask(method, path string) uint32 {
	f.t.Helper()
	id := f.next
	f.next += 2
	f.text.Reset()
	for _, field := range []hpack.HeaderField{{Name: ":method", Value: method}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "example.com"}, {Name: ":path", Value: path}} {
		_ = f.pack.WriteField(field) // to memory
	}
	if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: f.text.Bytes(), EndStream: method == http.MethodGet, EndHeaders: true}); err != nil {
		f.t.Fatal(err)
	}
	return id
}

// ends reads until every one of so many streams has ended: with "status body",
// or "reset".
func (f *frames) ends(streams int) map[uint32]string {
	f.t.Helper()
	got, over := map[uint32]string{}, map[uint32]bool{}
	for len(over) < streams {
		frame, err := f.ReadFrame()
		if err != nil {
			f.t.Fatalf("after %v: %v", got, err)
		}
		id := frame.Header().StreamID
		if over[id] {
			continue
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			got[id] = frame.PseudoValue("status") + " "
			over[id] = frame.StreamEnded()
		case *http2.DataFrame:
			got[id] += string(frame.Data())
			over[id] = frame.StreamEnded()
		case *http2.RSTStreamFrame:
			got[id], over[id] = "reset", true
		}
		if !over[id] {
			delete(over, id)
		}
	}
	return got
}

// TestSlowHTTP2: a body that stops, one that comes by drops, and an answer that
// is not taken end their request, and no other one of their connection.
func TestSlowHTTP2(t *testing.T) {
	t.Parallel()
	broken := make(chan error, 1)
	s := newHTTP2(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch _, err := io.Copy(io.Discard, r.Body); {
		case err != nil:
			w.WriteHeader(http.StatusRequestTimeout)
		case r.URL.Path == "/endless":
			for part := make([]byte, 64<<10); err == nil; {
				_, err = w.Write(part)
			}
			broken <- err
		case r.URL.Path == "/small": // it waits in net/http's own buffers when this has returned
			_, _ = io.WriteString(w, "small")
		case r.URL.Path == "/patient": // an upstream that takes its time is no client's fault
			for _, part := range []string{"here", " it", " is"} {
				time.Sleep(400 * time.Millisecond)
				_, _ = io.WriteString(w, part)
				_ = http.NewResponseController(w).Flush()
			}
		}
	}))
	s.Stall, s.SlowestBody = 300*time.Millisecond, 1000
	c := newFrames(t, serve(t, s.Server), s.known)
	want := map[uint32]string{
		c.ask("GET", "/endless"): "reset", c.ask("GET", "/small"): "reset",
		c.ask("POST", "/stops"): "408 ", c.ask("POST", "/drops"): "408 ", c.ask("GET", "/patient"): "200 here it is",
	}
	if err := c.WriteWindowUpdate(9, 1000); err != nil {
		t.Fatal(err)
	}
	ended, dropped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(dropped)
		for {
			select {
			case <-ended:
				return
			case <-time.After(50 * time.Millisecond):
				_ = c.WriteData(7, false, []byte("a")) // the stream may have ended
			}
		}
	}()
	began := time.Now()
	got := c.ends(len(want))
	close(ended)
	<-dropped
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	if err := <-broken; err == nil {
		t.Error("the endless answer has ended")
	}
}
