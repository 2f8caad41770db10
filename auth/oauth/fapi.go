package oauth

import (
	"github.com/ory/fosite"

	"lgsp/auth"
)

// The FAPI 2.0 Security Profile, for the clients that follow it. What it asks
// of everybody is so for everybody here: PKCE with S256, codes of a minute and
// one use, iss in the answer, 303, request_uris of a minute, an issuer as aud,
// ES256, PS256 or EdDSA. What it asks beyond that is:
//
//   - no secrets, and the issuer alone as aud (client.mayProve, Server.byAssertion)
//   - every request pushed (client.mustPush)
//   - every token bound to a key or certificate (checkBound)
//   - no rotation of refresh tokens (refreshGrant.PopulateTokenEndpointResponse)
//   - confidential, https addresses, and settings that go together
//     (auth.Protocol, when the application is saved)

// mustPush reports whether the client's authorization requests are to be
// pushed (RFC 9126).
func (c *client) mustPush() bool { return c.PushedOnly || c.Profile == auth.FAPI2 }

// checkBound refuses a token that would be good for whoever holds it, to a
// client of FAPI 2.0 (§5.3.2.1) or one that has chosen so (RFC 9449 §5.2). It
// comes before anything is spent.
func checkBound(request fosite.Requester) error {
	known, ok := request.GetClient().(*client)
	switch held := bindingOf(request); {
	case !ok:
	case known.Profile == auth.FAPI2 && held == (binding{}):
		return fosite.ErrInvalidRequest.WithHint("This application follows FAPI 2.0: its tokens are bound to a key or a certificate. Send a DPoP proof (RFC 9449), or call with its certificate (RFC 8705).")
	case known.DPoPBound && held.JKT == "":
		return errInvalidProof.WithHint("This application has chosen that its tokens are bound to a key: send a DPoP proof (RFC 9449).")
	}
	return nil
}
