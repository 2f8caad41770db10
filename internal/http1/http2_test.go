package http1

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
