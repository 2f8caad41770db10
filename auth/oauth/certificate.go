package oauth

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"

	"github.com/ory/fosite"

	"lgsp/auth"
)

// showsCertificate reports whether the client proves itself by a certificate.
func (c *client) showsCertificate() bool {
	return c.AuthMethod == auth.TLSAuth || c.AuthMethod == auth.TLSSelfSigned
}

// byCertificate authenticates a client by the certificate of its connection
// (RFC 8705 §2), whose key the TLS handshake has proved it to hold.
func (s *Server) byCertificate(ctx context.Context, r *http.Request, known *client) error {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return fosite.ErrInvalidClient.WithHint("This application proves itself by a certificate, and the connection has none; use the addresses under mtls_endpoint_aliases.")
	}
	if known.AuthMethod == auth.TLSSelfSigned {
		return s.byOwnCertificate(ctx, known, r.TLS.PeerCertificates[0])
	}
	return s.byCertified(known, r.TLS.PeerCertificates)
}

// byCertified is tls_client_auth (RFC 8705 §2.1): an authority of ours vouches
// for the certificate, now and for clients, and it has the application's name.
func (s *Server) byCertified(known *client, shown []*x509.Certificate) error {
	roots := s.ClientCAs()
	if roots == nil {
		return fosite.ErrInvalidClient.WithHint("No authority is set here that could vouch for the certificate.")
	}
	between := x509.NewCertPool()
	for _, certificate := range shown[1:] {
		between.AddCert(certificate)
	}
	_, err := shown[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: s.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return fosite.ErrInvalidClient.WithHint("The certificate is expired, not for clients, or not from an authority that is known here.").WithWrap(err)
	}
	if known.CertSANDNS != "" {
		for _, name := range shown[0].DNSNames {
			if strings.EqualFold(name, known.CertSANDNS) {
				return nil
			}
		}
		return fosite.ErrInvalidClient.WithHint("No dNSName of the certificate is tls_client_auth_san_dns of this application.")
	}
	name, err := auth.ParseDN(known.CertSubjectDN)
	if err != nil || !name.Names(shown[0].RawSubject) {
		return fosite.ErrInvalidClient.WithHint("The subject of the certificate is not tls_client_auth_subject_dn of this application.").WithWrap(err)
	}
	return nil
}

// byOwnCertificate is self_signed_tls_client_auth (RFC 8705 §2.2): the key is
// one of the application's. All else that the certificate says, its dates too,
// is said by nobody but the application, which can take the key away.
func (s *Server) byOwnCertificate(ctx context.Context, known *client, shown *x509.Certificate) error {
	key, ok := shown.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return fosite.ErrInvalidClient.WithHint("The key of the certificate is of a kind that is not taken.")
	}
	for _, kid := range []string{"", "of a certificate"} { // no such kid: keys at an address are read again
		keys, err := s.keysOf(ctx, known.Application, kid)
		if err != nil {
			return err
		}
		for _, own := range keys {
			if key.Equal(own) {
				return nil
			}
		}
	}
	return fosite.ErrInvalidClient.WithHint("The certificate's key is not one that is set for this application.")
}

// bindCertificate binds the token that a request is about to get to the
// certificate of its connection (RFC 8705 §3), when the client has chosen so or
// its family of tokens began with a certificate, which can only be a public
// client's (§4), or the token it is exchanged for has one: then it must be the same.
func bindCertificate(r *http.Request, request fosite.Requester) error {
	known, ok := request.GetClient().(*client)
	held, fine := request.GetSession().(*session)
	if !ok || !fine {
		return errors.New("bind token: not a client or session of ours")
	}
	if !known.CertBound && held.binding.X5T == "" {
		return nil
	}
	shown := auth.CertificateHash(r)
	switch {
	case shown == "":
		return fosite.ErrInvalidRequest.WithHint("The tokens of this application are bound to its certificate, and the connection has none; use the addresses under mtls_endpoint_aliases.")
	case held.binding.X5T != "" && held.binding.X5T != shown && held.exchange != nil:
		return badSubject("it is bound to another certificate than that of the connection")
	case held.binding.X5T != "" && held.binding.X5T != shown:
		return fosite.ErrInvalidGrant.WithHint("The grant is bound to another certificate than that of the connection.")
	}
	held.binding.X5T = shown
	return nil
}

// certificateMethods are the ways to prove oneself by a certificate that work here.
func (s *Server) certificateMethods() []string {
	switch {
	case s.ClientURL == "":
		return nil
	case s.ClientCAs() == nil:
		return []string{auth.TLSSelfSigned}
	}
	return []string{auth.TLSAuth, auth.TLSSelfSigned}
}

// aliases are where a client that shows a certificate finds what all clients
// find at the issuer (RFC 8705 §5).
func (s *Server) aliases() map[string]string {
	if s.ClientURL == "" {
		return nil
	}
	return map[string]string{
		"token_endpoint":                        s.ClientURL + "/oauth2/token",
		"pushed_authorization_request_endpoint": s.ClientURL + "/oauth2/par",
		"introspection_endpoint":                s.ClientURL + "/oauth2/introspect",
		"revocation_endpoint":                   s.ClientURL + "/oauth2/revoke",
		"userinfo_endpoint":                     s.ClientURL + "/oauth2/userinfo",
		"device_authorization_endpoint":         s.ClientURL + "/oauth2/device_authorization",
	}
}
