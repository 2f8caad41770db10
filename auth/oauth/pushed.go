package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/ory/fosite"
)

// pushedPrefix begins the request_uri of a pushed request (RFC 9126 §2.2).
const pushedPrefix = "urn:ietf:params:oauth:request_uri:"

// How long a pushed request waits: for the browser to bring it, and for its
// person to sign in.
const (
	pushedLife = time.Minute
	signInLife = 10 * time.Minute
)

// par answers POST /oauth2/par (RFC 9126 §2): the client proves itself and
// leaves its authorization request here, which is checked at once; the browser
// then carries a request_uri. No parameter may stand in the address, where
// stock fosite takes even a secret from (F12); see readForm.
func (s *Server) par(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := readForm(w, r); err != nil {
		s.refuse(w, r, err)
		return
	}
	shown, err := s.shownProof(w, r)
	var uri string
	if err == nil {
		uri, err = s.pushNew(ctx, r, shown)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the caller may have gone
		"request_uri": uri, "expires_in": int(pushedLife / time.Second),
	})
}

// pushNew checks and keeps a request. A DPoP proof binds its code to the key,
// as dpop_jkt would (RFC 9449 §10.1).
func (s *Server) pushNew(ctx context.Context, r *http.Request, shown proof) (string, error) {
	caller, err := s.authenticate(ctx, r, r.PostForm)
	if err != nil {
		return "", err
	}
	form := url.Values{}
	for name, values := range r.PostForm {
		if name != "client_secret" && name != "client_assertion" && name != "client_assertion_type" {
			form[name] = values
		}
	}
	if form.Has("request_uri") {
		return "", fosite.ErrInvalidRequest.WithHint("A pushed request names no request_uri (RFC 9126 §2.1).")
	}
	form.Set("client_id", caller.GetID()) // which Basic and an assertion may leave out
	if asked := form.Get("dpop_jkt"); shown.jkt != "" {
		if asked != "" && asked != shown.jkt {
			return "", errInvalidProof.WithHint("dpop_jkt names another key than the DPoP proof is made with.")
		}
		form.Set("dpop_jkt", shown.jkt)
	}
	if _, err := s.readAuthorize(ctx, form); err != nil {
		return "", err
	}
	if err := s.takeProof(ctx, shown); err != nil {
		return "", err
	}
	return s.push(ctx, form, pushedLife)
}

const pushSQL = `
insert into auth.oauth_pushed (handle, client_id, request, expires_at)
values ($1, $2, $3, $4)`

// push keeps a checked request and gives its request_uri.
func (s *Server) push(ctx context.Context, form url.Values, life time.Duration) (string, error) {
	handle := newHandle()
	if _, err := s.DB.Exec(ctx, pushSQL, hashHandle(handle), form.Get("client_id"), form.Encode(), s.Now().UTC().Add(life)); err != nil {
		return "", fmt.Errorf("keep pushed request: %w", err)
	}
	return pushedPrefix + handle, nil
}

const takePushedSQL = `
delete from auth.oauth_pushed
 where handle = $1 and client_id = $2 and expires_at > $3
returning request`

// takePushed gives the parameters behind a request_uri, once: of any number of
// browsers one gets them. It fails with invalid_request_uri when the
// request_uri is unknown, another client's, used or expired.
func (s *Server) takePushed(ctx context.Context, uri, client string) (url.Values, error) {
	gone := fosite.ErrInvalidRequestURI.WithHint("The request_uri is unknown, another client's, used or expired; start again from the application.")
	id, err := uuid.Parse(client)
	if err != nil {
		return nil, gone
	}
	var text string
	err = s.DB.QueryRow(ctx, takePushedSQL, hashHandle(strings.TrimPrefix(uri, pushedPrefix)), id, s.Now().UTC()).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, gone
	} else if err != nil {
		return nil, fmt.Errorf("take pushed request: %w", err)
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		return nil, fmt.Errorf("take pushed request: %w", err)
	}
	return form, nil
}

// asking is a browser with an authorization request, in its address or pushed.
type asking struct {
	browser *http.Request
	form    url.Values
	pushed  bool
}

// readAsking takes the parameters of a request that was pushed in the place of
// those that stand beside its request_uri (RFC 9126 §4).
func (s *Server) readAsking(r *http.Request) (asking, error) {
	uri := r.Form.Get("request_uri")
	if !strings.HasPrefix(uri, pushedPrefix) {
		return asking{browser: r, form: r.Form}, nil
	}
	form, err := s.takePushed(r.Context(), uri, r.Form.Get("client_id"))
	return asking{browser: r, form: form, pushed: true}, err
}

// address is where the browser comes back to after the sign-in. A pushed
// request waits under a new request_uri: the old one is used.
func (s *Server) address(a asking) (string, error) {
	query := a.form
	if a.pushed {
		uri, err := s.push(a.browser.Context(), a.form, signInLife)
		if err != nil {
			return "", err
		}
		query = url.Values{"client_id": {a.form.Get("client_id")}, "request_uri": {uri}}
	}
	return "/oauth2/authorize?" + query.Encode(), nil
}
