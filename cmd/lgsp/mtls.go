package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"lgsp/internal/problem"
)

// clientPaths are what programs that show a certificate ask of the portal; the
// rest of their door is the gateway's. A browser has no business there: it
// would ask its person which certificate to show.
var clientPaths = []string{
	"/oauth2/token", "/oauth2/par", "/oauth2/device_authorization", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/userinfo",
}

// forClients is the door for clients with certificates (RFC 8705 §5).
func forClients(portal, gateway http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(clientPaths, r.URL.Path) || strings.HasPrefix(r.URL.Path, "/api/v1/") {
			portal.ServeHTTP(w, r)
			return
		}
		gateway.ServeHTTP(w, r)
	})
}

// withCertificate lets a handler find the client's certificate in one place,
// r.TLS, also when a proxy of ours ended the TLS and tells of it in Client-Cert
// (RFC 9440 §2). A proxy's own certificate is nobody's; from anybody else the
// header means nothing.
func withCertificate(proxies []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err == nil && slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) }) {
			told, err := toldCertificate(r.Header.Values("Client-Cert"))
			if err != nil {
				problem.Write(w, r, problem.Errorf(problem.Invalid, "the Client-Cert header cannot be read").Coded("client-cert-form").Because(err))
				return
			}
			r.TLS = &tls.ConnectionState{PeerCertificates: told}
		}
		next.ServeHTTP(w, r)
	})
}

// toldCertificate reads Client-Cert: one byte sequence of RFC 9651 §3.3.5,
// without parameters. Without the header there is no certificate.
func toldCertificate(values []string) ([]*x509.Certificate, error) {
	if len(values) == 0 {
		return nil, nil
	}
	text, opened := strings.CutPrefix(strings.TrimSpace(values[0]), ":")
	text, closed := strings.CutSuffix(text, ":")
	if !opened || !closed || len(values) > 1 {
		return nil, errors.New("it is not one byte sequence between colons")
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(raw)
	return []*x509.Certificate{certificate}, err
}
