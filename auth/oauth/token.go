package oauth

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/ory/fosite"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
	"lgsp/internal/telemetry"
)

var grantTypes = []string{auth.GrantCode, auth.GrantClient, auth.GrantRefresh, auth.GrantDevice, auth.GrantExchange}

// token answers POST /oauth2/token (RFC 6749 §3.2).
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := readForm(w, r); err != nil {
		s.refuse(w, r, err)
		return
	}
	if err := checkGrantType(r.PostForm.Get("grant_type")); err != nil {
		s.refuse(w, r, err)
		return
	}
	shown, err := s.shownProof(w, r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	request, err := s.fosite.NewAccessRequest(ctx, r, &session{binding: binding{JKT: shown.jkt}})
	if err == nil {
		err = bindCertificate(r, request)
	}
	if err == nil {
		err = s.bind(ctx, request, shown)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	response, err := s.fosite.NewAccessResponse(ctx, request)
	if errors.Is(err, errSpent) || errors.Is(err, fosite.ErrInvalidatedAuthorizeCode) || errors.Is(err, fosite.ErrInactiveToken) {
		// Another request spent it between our look and ours: reuse, like any other.
		if ended := s.store.endGrant(ctx, request.GetID()); ended != nil {
			s.refuse(w, r, ended)
			return
		}
		err = fosite.ErrInvalidGrant.WithHint("It was already used; all that came of it is revoked.").WithWrap(err)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	response.SetTokenType(bindingOf(request).tokenType())
	response.SetExpiresIn(lifeOf(request, s.Now()))
	s.fosite.WriteAccessResponse(ctx, w, request, response)
}

// checkGrantType refuses what fosite would call an invalid request (F10).
func checkGrantType(asked string) error {
	if asked == "" {
		return fosite.ErrInvalidRequest.WithHint("grant_type is missing.")
	}
	for _, known := range grantTypes {
		if asked == known {
			return nil
		}
	}
	return fosite.ErrUnsupportedGrantType.WithHintf("grant_type is one of %s.", strings.Join(grantTypes, ", "))
}

// errAway is what everybody hears while the database, or what else is needed,
// cannot be reached: nothing was done.
var errAway = fosite.ErrTemporarilyUnavailable.WithHint("Nothing was done; try again in a few seconds.")

func isAway(err error) bool { return pg.IsAway(err) || problem.Is(err, problem.Unavailable) }

// refuse answers with an RFC 6749 §5.2 error, through fosite's writer, and
// logs it. An error that is none of fosite's is server_error, with no text.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var said *fosite.RFC6749Error
	switch {
	case isAway(err):
		err = errAway.WithWrap(err)
	case errors.Is(err, fosite.ErrNotFound): // it expired between two looks
		err = notFoundIsInvalidGrant(err)
	case !errors.As(err, &said):
		err = fosite.ErrServerError.WithWrap(err)
	}
	e := owned(fosite.ErrorToRFC6749Error(err))
	level := slog.LevelInfo
	if e.CodeField >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	slog.Log(r.Context(), level, "oauth refused", "error", e.ErrorField, "hint", e.HintField, "err", errors.Unwrap(e),
		"status", e.CodeField, "trace_id", telemetry.Trace(r.Context()))
	if e.CodeField == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	if e.CodeField == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="lgsp"`)
	}
	s.fosite.WriteAccessError(r.Context(), w, nil, e)
}

// owned is a copy that fosite may write into: it fills an error's hint in when
// the error is told, without a lock, and all requests share some errors (F17).
func owned(e *fosite.RFC6749Error) *fosite.RFC6749Error {
	own := *e
	return &own
}
