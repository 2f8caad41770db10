package oauth

import (
	"context"
	"net/http"
	"net/url"

	"github.com/ory/fosite"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// authenticate finds which client sends a request and that it is it (RFC 6749
// §2.3): client_secret_basic, client_secret_post, private_key_jwt, the
// certificate of its connection, or nothing but client_id for a public client. Two ways at once are refused, and so is
// another way than the one the application has chosen. The secret is compared
// by VerifySecret, with an HMAC: it holds 256 random bits, which no slow hash
// would protect better.
func (s *Server) authenticate(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		return s.byAssertion(ctx, r, form)
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if r.Header.Get("Authorization") != "" {
		if form.Has("client_secret") {
			return nil, fosite.ErrInvalidRequest.WithHint("The client proved itself twice, in the header and in the body; use one.")
		}
		user, pass, ok := r.BasicAuth()
		if !ok {
			return nil, fosite.ErrInvalidClient.WithHint("The Authorization header is not Basic.")
		}
		headerID, err1 := url.QueryUnescape(user)
		headerSecret, err2 := url.QueryUnescape(pass)
		if err1 != nil || err2 != nil {
			return nil, fosite.ErrInvalidClient.WithHint("client_id and secret in the Authorization header must be form-encoded (RFC 6749 §2.3.1).")
		}
		if id != "" && id != headerID {
			return nil, fosite.ErrInvalidRequest.WithHint("client_id in the body is not the one in the header.")
		}
		id, secret = headerID, headerSecret
	}
	if id == "" {
		return nil, fosite.ErrInvalidClient.WithHint("No client_id was sent.")
	}
	known, err := s.client(ctx, id)
	if err != nil {
		return nil, err
	}
	if known.IsPublic() {
		if secret != "" {
			return nil, fosite.ErrInvalidClient.WithHint("This client is public and has no secret; send client_id alone.")
		}
		return known, nil
	}
	if known.showsCertificate() && secret == "" && r.Header.Get("Authorization") == "" {
		if err := s.byCertificate(ctx, r, known); err != nil {
			return nil, err
		}
		return known, nil
	}
	if err := known.mayProve(auth.SecretBasic); err != nil {
		return nil, err
	}
	err = s.VerifySecret(ctx, id, secret, s.Address(r))
	if problem.Code(err) == "address-not-allowed" {
		return nil, fosite.ErrInvalidClient.WithHint("The client secret may not be used from this address: its owner limits it to certain networks (address-not-allowed).").WithWrap(err)
	}
	if isProblem(err) {
		return nil, fosite.ErrInvalidClient.WithHint("The client secret is wrong, expired or revoked.").WithWrap(err)
	} else if err != nil {
		return nil, err
	}
	return known, nil
}

// mayProve is nil when the client may prove itself in this way: the one it has
// chosen, or any while it has chosen none. FAPI 2.0 leaves no secrets (§5.3.2.1).
func (c *client) mayProve(method string) error {
	if c.AuthMethod != "" && c.AuthMethod != method {
		return fosite.ErrInvalidClient.WithHintf("This application proves itself by %s and in no other way.", c.AuthMethod)
	}
	if c.Profile == auth.FAPI2 && method == auth.SecretBasic {
		return fosite.ErrInvalidClient.WithHint("This application follows FAPI 2.0, which knows no client secrets.")
	}
	return nil
}
