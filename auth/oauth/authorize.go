package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/ory/fosite"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// authorize answers GET and POST /oauth2/authorize (RFC 6749 §4.1.1): it sends
// the browser on to the sign-in page, to the consent page, or back to the
// client with a code or an error. Only when client or redirect URI are in
// doubt does it answer by itself.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := readForm(w, r); err != nil {
		s.refuseBrowser(w, r, err)
		return
	}
	asked, err := s.readAsking(r)
	if err != nil {
		s.refuseBrowser(w, r, err)
		return
	}
	request, err := s.readAuthorize(ctx, asked.form)
	if request == nil {
		s.refuseBrowser(w, r, err)
		return
	}
	next := ""
	if err == nil {
		next, err = s.advance(asked, request)
	}
	if err != nil {
		next, err = s.errorURL(request, err)
	}
	if err != nil {
		s.refuseBrowser(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", next)
	w.WriteHeader(http.StatusSeeOther)
}

// readAuthorize checks a request, all but who makes it. Without a request
// there is no client and redirect URI to send the error to.
func (s *Server) readAuthorize(ctx context.Context, form url.Values) (*fosite.AuthorizeRequest, error) {
	known, err := s.client(ctx, form.Get("client_id"))
	if errors.Is(err, fosite.ErrInvalidClient) {
		// not 401, which would open the browser's password box
		return nil, fosite.ErrInvalidRequest.WithHint("client_id names no enabled application.").WithWrap(clientUnknown())
	} else if err != nil {
		return nil, err
	}
	if !redirectMatches(form.Get("redirect_uri"), known.RedirectURIs) {
		return nil, fosite.ErrInvalidRequest.WithHint("redirect_uri is not, letter by letter, one that is registered for this client.").WithWrap(badRedirect())
	}
	// fosite reads request objects unsigned (F4) and refuses to do without a
	// state (F10): it sees neither.
	seen := url.Values{"state": {"none"}}
	for name, values := range form {
		if name != "request" && name != "request_uri" && name != "registration" && (name != "state" || values[0] != "") {
			seen[name] = values
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/oauth2/authorize?"+seen.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("read authorization request: %w", err)
	}
	read, err := s.fosite.NewAuthorizeRequest(ctx, r)
	request, ok := read.(*fosite.AuthorizeRequest)
	if !ok {
		return nil, errors.New("read authorization request: not fosite's own")
	}
	request.State = form.Get("state")
	if request.RedirectURI == nil { // fosite stopped before it came so far
		if request.RedirectURI, err = url.Parse(form.Get("redirect_uri")); err != nil {
			return nil, fosite.ErrInvalidRequest.WithWrap(err)
		}
		return request, fosite.ErrUnsupportedResponseMode.WithHint("The only response_mode is query.")
	}
	if err != nil {
		return request, err
	}
	return request, s.checkAuthorize(ctx, request, form)
}

func badRedirect() error {
	return problem.Errorf(problem.Invalid, "redirect_uri is not, letter by letter, one that is registered for this client").Coded("authorize-redirect")
}

func (s *Server) checkAuthorize(ctx context.Context, request *fosite.AuthorizeRequest, form url.Values) error {
	switch {
	case form.Get("request") != "":
		return fosite.ErrRequestNotSupported
	case form.Get("request_uri") != "":
		return fosite.ErrRequestURINotSupported
	case form.Get("registration") != "":
		return fosite.ErrRegistrationNotSupported
	}
	if err := checkChallenge(request); err != nil {
		return err
	}
	prompt := strings.Fields(form.Get("prompt"))
	for _, word := range prompt {
		if word != "none" && word != "login" && word != "consent" || word == "none" && len(prompt) > 1 {
			return fosite.ErrInvalidRequest.WithHint("prompt is none, login, consent, or the last two together.")
		}
	}
	if age := form.Get("max_age"); age != "" {
		if n, err := strconv.Atoi(age); err != nil || n < 0 {
			return fosite.ErrInvalidRequest.WithHint("max_age is a number of seconds.")
		}
	}
	if jkt := form.Get("dpop_jkt"); jkt != "" && !challengeForm.MatchString(jkt) {
		return fosite.ErrInvalidRequest.WithHint("dpop_jkt is the SHA-256 thumbprint of a key, in base64url (RFC 9449 §10).")
	}
	if request.RequestedScope == nil {
		request.RequestedScope = fosite.Arguments{} // an empty list in the database, not null
	}
	if len(request.GetRequestedAudience()) == 0 {
		request.SetRequestedAudience(fosite.Arguments{s.Issuer})
	}
	return s.audience(ctx, request.GetClient(), request.GetRequestedAudience()[0])
}

// advance gives the address to send the browser to next: sign-in, consent, or
// the client, with a code.
func (s *Server) advance(asked asking, request *fosite.AuthorizeRequest) (string, error) {
	ctx := asked.browser.Context()
	if known, ok := request.GetClient().(*client); ok && known.mustPush() && asked.pushed == nil {
		return "", fosite.ErrInvalidRequest.WithHint("This client must push every request to /oauth2/par first (RFC 9126).")
	}
	prompt := strings.Fields(request.Form.Get("prompt"))
	silent := slices.Contains(prompt, "none")
	signedIn, err := s.SessionPerson(asked.browser)
	switch {
	case problem.Is(err, problem.Unauthorized) || err == nil && signedIn.Who.Person == uuid.Nil:
		if silent {
			return "", fosite.ErrLoginRequired.WithHint("Nobody is signed in.")
		}
		return s.signInURL(asked, ""), nil
	case err != nil:
		return "", fmt.Errorf("read session: %w", err)
	case s.signInIsOld(asked, signedIn.At):
		if silent {
			return "", fosite.ErrLoginRequired.WithHint("The sign-in is older than max_age.")
		}
		return s.signInURL(asked, "fresh=1&"), nil
	case levelIsLow(request, signedIn.Level()):
		if silent {
			return "", errUnmet
		}
		return s.pages(asked.form) + "/sign-in/confirm?raise=1&next=" + url.QueryEscape(asked.address()), nil
	}
	if err := s.checkHint(ctx, request, signedIn.Who.Person); err != nil {
		return "", err
	}
	allowed := false
	if !slices.Contains(prompt, "consent") {
		if allowed, err = s.remembered(ctx, signedIn.Who.Person, request); err != nil {
			return "", err
		}
	}
	if allowed {
		return s.codeAtOnce(ctx, asked.pushed, request, signedIn)
	}
	if silent {
		return "", fosite.ErrConsentRequired.WithHint("The person has not allowed this yet.")
	}
	return s.askConsent(asked, request, signedIn)
}

// signInURL is the portal's sign-in page, which comes back here afterwards.
// With fresh=1 it asks for the password although somebody is signed in.
func (s *Server) signInURL(asked asking, query string) string {
	return s.pages(asked.form) + "/sign-in?" + query + "next=" + url.QueryEscape(asked.address())
}

// pages is where the pages are, in the first language of ui_locales that they
// are written in (OpenID Connect Core §3.1.2.1): Vietnamese unless English is
// asked for before it. A tag that is not known is passed over.
func (s *Server) pages(form url.Values) string {
	if Language(form) == "en" {
		return s.Portal + "/en"
	}
	return s.Portal
}

// Language is the first language of a request's ui_locales that the pages are
// written in, "vi" or "en"; "" when it names neither.
func Language(form url.Values) string {
	for _, tag := range strings.Fields(form.Get("ui_locales")) {
		language, _, _ := strings.Cut(strings.ToLower(tag), "-") // RFC 5646 §2.1.1
		if language == "vi" || language == "en" {
			return language
		}
	}
	return ""
}

// errUnmet is what a client is told that asked for a level that is not reached
// without asking the person (OpenID Connect Core Error Code
// unmet_authentication_requirements 1.0, RFC 9470 §5).
var errUnmet = &fosite.RFC6749Error{
	ErrorField:       "unmet_authentication_requirements",
	DescriptionField: "The person has not shown two factors, and prompt=none forbids to ask for them.",
	CodeField:        http.StatusBadRequest,
}

// levelIsLow reports whether acr_values ask for two factors and one was shown.
// Values are a wish in the client's order (OpenID Connect Core §3.1.2.1): who
// takes one factor too is content, and words we do not know are passed over.
func levelIsLow(request *fosite.AuthorizeRequest, level string) bool {
	asked := strings.Fields(request.Form.Get("acr_values"))
	return level != auth.AAL2 && slices.Contains(asked, auth.AAL2) && !slices.Contains(asked, auth.AAL1)
}

// signInIsOld reports whether prompt=login or max_age ask for a newer sign-in
// (OpenID Connect Core §3.1.2.1). One made since this request first came is
// new: it is the one that was asked for.
func (s *Server) signInIsOld(asked asking, at time.Time) bool {
	age, err := strconv.Atoi(asked.form.Get("max_age"))
	return asked.wantsFresh() && at.Before(asked.since) &&
		(err != nil || asked.promptsLogin() || s.Now().Sub(at) > time.Duration(age)*time.Second)
}

// checkHint refuses to answer a request about one person with another (OpenID
// Connect Core §3.1.2.2): id_token_hint may be an ID token of any of our
// clients, and may have expired.
func (s *Server) checkHint(ctx context.Context, request *fosite.AuthorizeRequest, person uuid.UUID) error {
	text := request.Form.Get("id_token_hint")
	if text == "" {
		return nil
	}
	hint, err := s.readHint(ctx, text)
	if isProblem(err) {
		return fosite.ErrInvalidRequest.WithHint("id_token_hint is no ID token of ours.").WithWrap(err)
	} else if err != nil {
		return err
	}
	if hint.Subject != person.String() {
		return fosite.ErrLoginRequired.WithHint("Somebody else is signed in than id_token_hint names.")
	}
	return nil
}

const rememberedSQL = `
select exists (select from auth.oauth_allowed
 where person_id = $1 and client_id = $2 and audience = $3 and scopes @> $4)`

// remembered reports whether the person has allowed all this before. A public
// client is only believed to be itself at an https address (RFC 8252 §8.6).
func (s *Server) remembered(ctx context.Context, person uuid.UUID, request *fosite.AuthorizeRequest) (bool, error) {
	if request.GetClient().IsPublic() && request.RedirectURI.Scheme != "https" {
		return false, nil
	}
	var yes bool
	err := s.DB.QueryRow(ctx, rememberedSQL, person, request.GetClient().GetID(), request.GetRequestedAudience()[0],
		[]string(request.GetRequestedScopes())).Scan(&yes)
	if err != nil {
		return false, fmt.Errorf("look up consent: %w", err)
	}
	return yes, nil
}

// codeAtOnce issues a code without asking, and uses up the pushed request.
func (s *Server) codeAtOnce(ctx context.Context, pushed []byte, request *fosite.AuthorizeRequest, who SignedIn) (string, error) {
	var next string
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if err := spendPushed(ctx, tx, pushed); err != nil {
			return err
		}
		// fosite passes the context on to the store, and so the transaction.
		var err error
		next, err = s.codeURL(context.WithValue(ctx, txKey{}, tx), request, who)
		return err
	})
	return next, err
}

// codeURL issues a code for all that was asked and gives the client's address with it.
func (s *Server) codeURL(ctx context.Context, request *fosite.AuthorizeRequest, who SignedIn) (string, error) {
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	request.GrantAudience(request.GetRequestedAudience()[0])
	response, err := s.fosite.NewAuthorizeResponse(ctx, request, &session{
		person: who.Who.Person, nonce: request.Form.Get("nonce"), proof: who.Proof,
		binding: binding{JKT: request.Form.Get("dpop_jkt")},
	})
	if err != nil {
		return "", err
	}
	return s.answerURL(request, url.Values{"code": {response.GetParameters().Get("code")}}), nil
}

// errorURL is the client's address with an RFC 6749 §4.1.2.1 error. What is
// our own fault comes back as the error, but for a database that is away: the
// client may send the browser again.
func (s *Server) errorURL(request *fosite.AuthorizeRequest, err error) (string, error) {
	var said *fosite.RFC6749Error
	if isAway(err) {
		return s.answerURL(request, owned(errAway).ToValues()), nil
	}
	if !errors.As(err, &said) || said.CodeField >= http.StatusInternalServerError {
		return "", err
	}
	return s.answerURL(request, owned(said).ToValues()), nil
}

// answerURL adds to the client's address what every answer carries: its state,
// and who we are (RFC 9207).
func (s *Server) answerURL(request *fosite.AuthorizeRequest, values url.Values) string {
	address := *request.RedirectURI
	query := address.Query()
	for name := range values {
		query.Set(name, values.Get(name))
	}
	query.Set("iss", s.Issuer)
	if request.State != "" {
		query.Set("state", request.State)
	}
	address.RawQuery = query.Encode()
	return address.String()
}

const askConsentSQL = `
insert into auth.oauth_consent (handle, person_id, client_id, request, session_id, auth_time, methods, expires_at, pushed)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// askConsent keeps the request and gives the address of the page that asks.
func (s *Server) askConsent(asked asking, request *fosite.AuthorizeRequest, who SignedIn) (string, error) {
	handle := newHandle()
	form := url.Values{}
	for name, values := range request.Form {
		form[name] = values
	}
	form.Del("prompt") // obeyed by now
	form.Set("state", request.State)
	_, err := s.DB.Exec(asked.browser.Context(), askConsentSQL, hashHandle(handle), who.Who.Person, request.GetClient().GetID(), form.Encode(),
		who.Session, who.At, who.Methods, s.Now().UTC().Add(consentLife), asked.pushed)
	if err != nil {
		return "", fmt.Errorf("keep authorization request: %w", err)
	}
	return s.pages(form) + "/consent?request=" + handle, nil
}
