package oauth

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/ory/fosite"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Logout is what an application asks for when it sends a browser to us to be
// signed out (OpenID Connect RP-Initiated Logout 1.0 §2).
type Logout struct {
	ClientID   string // "" when it does not say who it is
	ClientName string
	Next       string // where the browser goes afterwards, state included; "" when nowhere

	hint idClaims // of the ID token that it was given; zero without one
}

// logout answers GET and POST /oauth2/logout. The browser's session ends at
// once when the application shows the ID token it was given in it. Anyone can
// send a browser here, so without that the portal asks the person first.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	err := readForm(w, r)
	if err != nil {
		s.refuseBrowser(w, r, err)
		return
	}
	form := r.Form
	if uri := form.Get("request_uri"); strings.HasPrefix(uri, pushedPrefix) {
		if form, err = s.takePushed(r.Context(), uri, form.Get("client_id")); err != nil {
			s.refuseBrowser(w, r, err)
			return
		}
	}
	next, err := s.endOrAsk(w, r, form)
	if err != nil {
		s.refuseBrowser(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer") // the address may hold an ID token
	w.Header().Set("Location", next)
	w.WriteHeader(http.StatusSeeOther)
}

// endOrAsk ends the browser's session if it may, and gives the address to send
// the browser to: the application's, or a page of the portal.
func (s *Server) endOrAsk(w http.ResponseWriter, r *http.Request, form url.Values) (string, error) {
	ctx := r.Context()
	asked, err := s.ReadLogout(ctx, form)
	if err != nil {
		return "", err
	}
	if r.Method == http.MethodPost && asked.hint.Audience != "" {
		// A form that another site sends comes without our cookie (SameSite=Lax),
		// so what it says waits until the browser comes again by itself.
		// Nothing of it may pass for an authorization request that a client has
		// pushed: nobody has proved to be one here.
		waiting := url.Values{"client_id": {asked.ClientID}}
		for _, name := range []string{"id_token_hint", "post_logout_redirect_uri", "state", "ui_locales"} {
			if form.Has(name) {
				waiting.Set(name, form.Get(name))
			}
		}
		uri, err := s.push(ctx, waiting, pushedLife)
		return s.Issuer + "/oauth2/logout?" + url.Values{"client_id": {asked.ClientID}, "request_uri": {uri}}.Encode(), err
	}
	if r.Method == http.MethodGet {
		done := asked.Next
		if done == "" {
			done = s.pages(form) + "/signed-out"
		}
		signedIn, err := s.SessionPerson(r)
		switch {
		case problem.Is(err, problem.Unauthorized): // nobody is signed in here
			return done, nil
		case err != nil:
			return "", fmt.Errorf("read session: %w", err)
		case asked.hint.Session == signedIn.Session.String() && asked.hint.Subject == signedIn.Who.Person.String():
			return done, s.EndBrowser(w, r)
		}
	}
	query := url.Values{}
	for name, value := range map[string]string{
		"client_id": asked.ClientID, "post_logout_redirect_uri": form.Get("post_logout_redirect_uri"), "state": form.Get("state"),
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return s.pages(form) + "/sign-out" + "?" + query.Encode(), nil
}

// ReadLogout checks the parameters of a logout request. It fails with Invalid:
// logout-hint when id_token_hint is none of ours or another client's,
// client-unknown, and logout-redirect when post_logout_redirect_uri is not,
// letter by letter, one that the application has registered.
func (s *Server) ReadLogout(ctx context.Context, form url.Values) (Logout, error) {
	asked := Logout{ClientID: form.Get("client_id")}
	if text := form.Get("id_token_hint"); text != "" {
		var err error
		if asked.hint, err = s.readHint(ctx, text); err != nil {
			return Logout{}, err
		}
		if asked.ClientID != "" && asked.ClientID != asked.hint.Audience {
			return Logout{}, badHint(errors.New("it was issued to another client"))
		}
		asked.ClientID = asked.hint.Audience
	}
	address := form.Get("post_logout_redirect_uri")
	if asked.ClientID == "" {
		if address != "" {
			return Logout{}, badLogoutAddress()
		}
		return asked, nil
	}
	known, err := s.client(ctx, asked.ClientID)
	if errors.Is(err, fosite.ErrInvalidClient) {
		return Logout{}, clientUnknown()
	} else if err != nil {
		return Logout{}, err
	}
	asked.ClientName = known.Name
	if address == "" {
		return asked, nil
	}
	if !slices.Contains(known.LogoutURIs, address) {
		return Logout{}, badLogoutAddress()
	}
	next, err := url.Parse(address)
	if err != nil {
		return Logout{}, badLogoutAddress()
	}
	if state := form.Get("state"); state != "" {
		query := next.Query()
		query.Set("state", state)
		next.RawQuery = query.Encode()
	}
	asked.Next = next.String()
	return asked, nil
}

func badLogoutAddress() error {
	return problem.Errorf(problem.Invalid, "post_logout_redirect_uri is not, letter by letter, one that is registered for this client").
		Coded("logout-redirect")
}

func badHint(why error) error {
	return problem.Errorf(problem.Invalid, "id_token_hint is not an ID token that was issued to this client here").
		Coded("logout-hint").Because(why)
}

func clientUnknown() error {
	return problem.Errorf(problem.Invalid, "client_id names no enabled application").Coded("client-unknown")
}

// readHint reads an ID token of ours. It may have expired, and its key may have
// been retired: a session lasts longer than both (RP-Initiated Logout 1.0 §4).
func (s *Server) readHint(ctx context.Context, text string) (idClaims, error) {
	parts := strings.Split(text, ".")
	if len(text) > maxToken || len(parts) != 3 {
		return idClaims{}, badHint(errors.New("it is no JWT of ours"))
	}
	var header jwtHeader
	if err := decodePart(parts[0], &header); err != nil {
		return idClaims{}, badHint(err)
	}
	if !slices.Contains(tokenAlgorithms, header.Algorithm) || header.Type != "JWT" {
		return idClaims{}, badHint(fmt.Errorf("its alg is %q, its typ %q", header.Algorithm, header.Type))
	}
	key, err := s.everKey(ctx, header.Algorithm, header.Key)
	if err != nil {
		return idClaims{}, err
	}
	if key == nil {
		return idClaims{}, badHint(errors.New("its key is not ours"))
	}
	signature, err := strict64.DecodeString(parts[2])
	if err != nil || !signedWith(key, parts[0]+"."+parts[1], signature) {
		return idClaims{}, badHint(errors.New("its signature does not hold"))
	}
	var claims idClaims
	if err := decodePart(parts[1], &claims); err != nil {
		return idClaims{}, badHint(err)
	}
	if claims.Issuer != s.Issuer || uuid.Validate(claims.Audience) != nil {
		return idClaims{}, badHint(errors.New("it is from another issuer"))
	}
	return claims, nil
}

const formerKeySQL = `
select id, algorithm, public_x, public_y, public_n, sealed, seal_version as version, signs_from, retires_at
  from auth.token_key
 where id = $1`

// everKey is a key of ours for an algorithm, also one that has retired; nil when
// there is none.
func (s *Server) everKey(ctx context.Context, algorithm, kid string) (crypto.PublicKey, error) {
	if key := s.keys.Load().public(algorithm, kid); key != nil {
		return key, nil
	}
	rows, err := pg.All[tokenKey](ctx, s.DB, formerKeySQL, kid)
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	former, err := readKeys(rows)
	if err != nil {
		return nil, err
	}
	return former.public(algorithm, kid), nil
}
