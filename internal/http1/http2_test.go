package http1

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestHTTP2 is handed on, over TLS by agreement and in the clear by its first
// bytes, and HTTP/1.1 is served beside it.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s tls=%v", r.Proto, body, r.TLS != nil)
	})
	for _, secured := range []bool{false, true} {
		protocols := new(http.Protocols)
		protocols.SetHTTP2(true)
		protocols.SetUnencryptedHTTP2(true)
		s := &Server{Handler: handler, HTTP2: &http.Server{Handler: handler, Protocols: protocols}}
		dialed := &tls.Config{}
		scheme := "http"
		if secured {
			lent := httptest.NewTLSServer(handler) // for its certificate
			s.TLS = &tls.Config{Certificates: lent.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}
			dialed = lent.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
			dialed.ServerName = "example.com"
			scheme = "https"
			lent.Close()
		}
		address := serve(t, s)
		for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
			speaks := new(http.Protocols)
			speaks.SetHTTP1(version == "HTTP/1.1")
			speaks.SetHTTP2(version == "HTTP/2.0" && secured)
			speaks.SetUnencryptedHTTP2(version == "HTTP/2.0" && !secured)
			client := &http.Client{Transport: &http.Transport{Protocols: speaks, TLSClientConfig: dialed.Clone(), ForceAttemptHTTP2: version == "HTTP/2.0",
				DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, network, address)
				}}}
			for range 2 {
				res, err := client.Post(scheme+"://"+address, "text/plain", strings.NewReader("abc"))
				if err != nil {
					t.Fatal(err)
				}
				got, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if want := fmt.Sprintf("%s abc tls=%v", version, secured); string(got) != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			client.CloseIdleConnections()
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
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
