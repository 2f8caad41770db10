package oauth

import (
	"context"
	"net/http"

	"github.com/ory/fosite"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// The errors of RFC 9449 §12.2 at the server's own addresses.
var (
	errInvalidProof = &fosite.RFC6749Error{ErrorField: "invalid_dpop_proof", CodeField: http.StatusBadRequest, DescriptionField: "The DPoP proof does not hold."}
	errUseNonce     = &fosite.RFC6749Error{ErrorField: "use_dpop_nonce", CodeField: http.StatusBadRequest, DescriptionField: "The DPoP proof needs the nonce that stands in DPoP-Nonce."}
)

// shownProof reads the DPoP proof of a request to the server itself (RFC 9449
// §5, §10.1) and answers with the nonce for the next. Without a DPoP header it
// gives the zero proof. A nonce is asked of everybody, so that no proof can be
// made in advance. The proof is not taken yet: see Server.takeProof.
func (s *Server) shownProof(w http.ResponseWriter, r *http.Request) (proof, error) {
	proofs := r.Header.Values("DPoP")
	if len(proofs) == 0 {
		return proof{}, nil
	}
	w.Header().Set("DPoP-Nonce", s.Nonce())
	shown, err := s.verifier.readProof(auth.Presented{Proofs: proofs, Method: r.Method, URL: auth.OriginOf(r, s.Issuer, s.ClientURL) + r.URL.EscapedPath()})
	return shown, proofError(err)
}

// takeProof makes that a shown proof counts once. It comes when the client has
// proved itself, so that nobody else can fill the table.
func (s *Server) takeProof(ctx context.Context, shown proof) error {
	if shown.jkt == "" {
		return nil
	}
	return proofError(s.verifier.spend(ctx, shown))
}

// proofError is a problem with a proof in the words of the token endpoint.
func proofError(err error) error {
	if !isProblem(err) {
		return err
	}
	e := problem.Of(err)
	if e.Code == "dpop-nonce" {
		return errUseNonce.WithHint(e.Detail).WithWrap(err)
	}
	return errInvalidProof.WithHint(e.Detail).WithWrap(err)
}

// bind binds what a token request gives to the key that it shows, and to
// nothing that an earlier one showed, and takes the proof. It comes before
// anything is spent.
func (s *Server) bind(ctx context.Context, request fosite.AccessRequester, shown proof) error {
	if known, ok := request.GetSession().(*session); ok {
		known.binding.JKT = shown.jkt
	}
	if err := checkBound(request); err != nil {
		return err
	}
	return s.takeProof(ctx, shown)
}

// bindingOf is what the token of a request is bound to, or is shown with.
func bindingOf(request fosite.Requester) binding {
	if known, ok := request.GetSession().(*session); ok {
		return known.binding
	}
	return binding{}
}

// shownTo refuses a code, or a public client's refresh token, that is bound to
// another key than the request shows (RFC 9449 §5, §10).
func (g granted) shownTo(request fosite.Requester) error {
	if g.JKT != "" && g.JKT != bindingOf(request).JKT {
		return fosite.ErrInvalidGrant.WithHint("It is bound to a DPoP key; send a proof made with that key.")
	}
	return nil
}
