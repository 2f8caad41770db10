package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/ory/fosite"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// clientMetadata is what an application may say of itself (RFC 7591 §2, and
// the specifications named beside). A member that is not here is ignored, as
// §2 asks: logo_uri too, for no picture of anybody's choice stands on a page
// where people decide whom to trust.
type clientMetadata struct {
	RedirectURIs  []string `json:"redirect_uris"`
	AuthMethod    string   `json:"token_endpoint_auth_method"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	Name          string   `json:"client_name"`
	Scope         string   `json:"scope"`
	JWKS          *jwkSet  `json:"jwks,omitempty"`
	JWKSURI       string   `json:"jwks_uri,omitempty"`
	ClientURI     string   `json:"client_uri,omitempty"`
	PolicyURI     string   `json:"policy_uri,omitempty"`
	TermsURI      string   `json:"tos_uri,omitempty"`

	IDTokenAlgorithm string   `json:"id_token_signed_response_alg,omitempty"`     // OpenID Connect Registration §2
	LogoutURIs       []string `json:"post_logout_redirect_uris,omitempty"`        // RP-Initiated Logout §3.1
	BackchannelURI   string   `json:"backchannel_logout_uri,omitempty"`           // Back-Channel Logout §2.2
	PushedOnly       bool     `json:"require_pushed_authorization_requests"`      // RFC 9126 §6
	DPoPBound        bool     `json:"dpop_bound_access_tokens"`                   // RFC 9449 §5.2
	CertBound        bool     `json:"tls_client_certificate_bound_access_tokens"` // RFC 8705 §3.4
	CertSubjectDN    string   `json:"tls_client_auth_subject_dn,omitempty"`       // RFC 8705 §2.1.2
	CertSANDNS       string   `json:"tls_client_auth_san_dns,omitempty"`
}

type jwkSet struct {
	Keys []json.RawMessage `json:"keys"`
}

// sentMetadata is clientMetadata as it comes, with what is refused by name,
// and what belongs to an update (RFC 7592 §2.2).
type sentMetadata struct {
	clientMetadata
	Statement json.RawMessage `json:"software_statement"`
	ClientID  string          `json:"client_id"`
	Secret    string          `json:"client_secret"`

	Token     json.RawMessage `json:"registration_access_token"`
	Address   json.RawMessage `json:"registration_client_uri"`
	IssuedAt  json.RawMessage `json:"client_id_issued_at"`
	ExpiresAt json.RawMessage `json:"client_secret_expires_at"`
}

var (
	errMetadata = &fosite.RFC6749Error{ErrorField: "invalid_client_metadata", CodeField: 400, DescriptionField: "The client metadata will not do."}
	errRedirect = &fosite.RFC6749Error{ErrorField: "invalid_redirect_uri", CodeField: 400, DescriptionField: "A redirect URI will not do."}
	errSoftware = &fosite.RFC6749Error{ErrorField: "unapproved_software_statement", CodeField: 400,
		DescriptionField: "Software statements are not taken here; register without one."}
	errInitial = &fosite.RFC6749Error{ErrorField: "invalid_token", CodeField: 401,
		DescriptionField: "Send a registration token of this platform as Authorization: Bearer; this one is absent, unknown, used up, revoked or expired."}
)

// registerClient answers POST /oauth2/register (RFC 7591 §3): an application
// registers itself with an initial access token, never without.
func (s *Server) registerClient(w http.ResponseWriter, r *http.Request) {
	token, err := bearerOf(r)
	var asked auth.Registering
	if err == nil {
		asked, err = s.readClient(w, r, nil)
	}
	var made auth.Registered
	if err == nil {
		made, err = s.Register(r.Context(), token, asked)
	}
	if err != nil {
		s.refuseClient(w, r, err)
		return
	}
	s.showClient(w, http.StatusCreated, made)
}

// manageClient answers GET, PUT and DELETE /oauth2/register/{id} (RFC 7592):
// an application reads, replaces and ends its own registration.
func (s *Server) manageClient(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	token, err := bearerOf(r)
	id, notID := uuid.Parse(mux.Vars(r)["id"])
	if err == nil && notID != nil {
		err = errInitial
	}
	var now auth.Registered
	if err == nil { // whose it is comes before what is wrong with it
		now, err = s.Registration(ctx, id, token)
	}
	switch {
	case err != nil:
	case r.Method == http.MethodDelete:
		if err = s.EndRegistration(ctx, id, token); err == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
	case r.Method == http.MethodPut:
		var asked auth.Registering
		if asked, err = s.readClient(w, r, &now); err == nil {
			now, err = s.EditRegistration(ctx, id, token, asked)
		}
	}
	if err != nil {
		s.refuseClient(w, r, err)
		return
	}
	s.showClient(w, http.StatusOK, now)
}

func bearerOf(r *http.Request) (string, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || r.URL.RawQuery != "" {
		return "", errInitial
	}
	return token, nil
}

// readClient reads the metadata in a body of at most 64 KiB: for a new client,
// or for one that is there already.
func (s *Server) readClient(w http.ResponseWriter, r *http.Request, now *auth.Registered) (auth.Registering, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return auth.Registering{}, errMetadata.WithHint("Send the metadata as application/json.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err != nil {
		return auth.Registering{}, tooLarge()
	}
	sent, err := parseMetadata(body)
	if err != nil {
		return auth.Registering{}, err
	}
	if now != nil {
		if err := s.checkUpdate(r, sent, *now); err != nil {
			return auth.Registering{}, err
		}
	} else if sent.ClientID != "" || sent.Secret != "" {
		return auth.Registering{}, errMetadata.WithHint("client_id and client_secret are chosen here.")
	}
	profile := ""
	if now != nil {
		profile = now.Profile
	}
	return sent.registering(profile)
}

// checkUpdate holds an update to RFC 7592 §2.2: it names the client, and
// nothing that only we say.
func (s *Server) checkUpdate(r *http.Request, sent sentMetadata, now auth.Registered) error {
	if sent.ClientID != now.ID.String() {
		return errMetadata.WithHint("client_id is to be the one in the address.")
	}
	if sent.Token != nil || sent.Address != nil || sent.IssuedAt != nil || sent.ExpiresAt != nil {
		return errMetadata.WithHint("Leave out registration_access_token, registration_client_uri, client_id_issued_at and client_secret_expires_at (RFC 7592 §2.2).")
	}
	if sent.Secret == "" {
		return nil
	}
	err := s.VerifySecret(r.Context(), sent.ClientID, sent.Secret, s.Address(r))
	if isProblem(err) {
		return errMetadata.WithHint("client_secret is not the one in force; it cannot be chosen.")
	}
	return err
}

// maxDepth is how deep metadata may nest: jwks is an object with a list of
// objects, and a member that is not known is looked through, too.
const maxDepth = 8

// parseMetadata reads one JSON object, no member of it twice: whoever reads the
// other one reads another registration.
func parseMetadata(body []byte) (sentMetadata, error) {
	var sent sentMetadata
	if !utf8.Valid(body) {
		return sent, errMetadata.WithHint("The body is no UTF-8.")
	}
	if err := plainObject(body); err != nil {
		return sent, errMetadata.WithHintf("The body is no JSON object that is taken here: %s.", err)
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return sent, errMetadata.WithHintf("%s is not what it should be: %s.", clip(kind.Field), kind.Type)
		}
		return sent, errMetadata.WithHint("The body is no JSON object.").WithWrap(err)
	}
	return sent, nil
}

// plainObject checks that text is one JSON object, at most maxDepth deep, with
// each member of its own once.
func plainObject(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	depth, seen, name := 0, map[string]bool{}, true
	for begun := false; ; begun = true {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			if depth > 0 || !begun {
				return errors.New("it is cut off")
			}
			return nil
		} else if err != nil {
			return errors.New("it cannot be read")
		}
		if depth == 0 && (token != json.Delim('{') || begun) {
			return errors.New("it is not one object")
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > maxDepth {
				return errors.New("it nests too deep")
			}
			continue
		case json.Delim('}'), json.Delim(']'):
			depth--
			name = true // where it matters: at depth 1
			continue
		}
		if depth != 1 {
			continue
		}
		if !name {
			name = true
			continue
		}
		// encoding/json takes a member in any case of its letters.
		member := strings.ToLower(fmt.Sprint(token))
		if seen[member] {
			return fmt.Errorf("%q stands there twice", clip(member))
		}
		seen[member], name = true, false
	}
}

// registering puts defaults where nothing was said (RFC 7591 §2) and refuses
// what does not go together. What is wrong with an address or a key is found
// where applications are kept. profile is what the owner has set, "" for a new
// application.
func (m sentMetadata) registering(profile string) (auth.Registering, error) {
	if m.Statement != nil {
		return auth.Registering{}, errSoftware
	}
	if m.AuthMethod == "" || m.AuthMethod == "client_secret_post" { // which is the same to us
		m.AuthMethod = auth.SecretBasic
	}
	if len(m.GrantTypes) == 0 {
		m.GrantTypes = []string{auth.GrantCode}
	}
	code := slices.Contains(m.GrantTypes, auth.GrantCode)
	switch {
	case m.JWKS != nil && m.JWKSURI != "":
		return auth.Registering{}, errMetadata.WithHint("jwks and jwks_uri are two places for the same; send one of them.")
	case m.JWKS != nil && m.AuthMethod == auth.NoAuth:
		return auth.Registering{}, errMetadata.WithHint("A client without authentication has no use for jwks.")
	case m.AuthMethod == auth.PrivateKeyJWT && (m.JWKS == nil || len(m.JWKS.Keys) == 0) && m.JWKSURI == "":
		return auth.Registering{}, errMetadata.WithHint("private_key_jwt needs jwks or jwks_uri.")
	case code && len(m.RedirectURIs) == 0:
		return auth.Registering{}, errRedirect.WithHint("authorization_code needs redirect_uris.")
	case m.ResponseTypes != nil && !(code && slices.Equal(m.ResponseTypes, []string{"code"}) || !code && len(m.ResponseTypes) == 0):
		return auth.Registering{}, errMetadata.WithHint(`response_types is ["code"] with the grant authorization_code, and empty without.`)
	}
	scopes := strings.Fields(m.Scope)
	for _, scope := range scopes {
		if scope == ScopeManage {
			return auth.Registering{}, errMetadata.WithHintf("An application that registers itself may not ask for %s.", ScopeManage)
		}
		if !slices.Contains(allScopes, scope) {
			return auth.Registering{}, errMetadata.WithHintf("There is no scope %q.", clip(scope))
		}
	}
	if len(scopes) == 0 {
		scopes = []string{scopeOpenID, scopeProfile, scopeEmail, scopeOffline}
	}
	if m.IDTokenAlgorithm == "" && profile != auth.FAPI2 && slices.Contains(scopes, scopeOpenID) {
		m.IDTokenAlgorithm = auth.RS256 // OpenID Connect Registration §2
	}
	asked := auth.Registering{Scopes: scopes, NewApplication: auth.NewApplication{
		Name: m.name(), Kind: auth.Confidential, RedirectURIs: m.RedirectURIs,
		Protocol: auth.Protocol{
			AuthMethod: m.AuthMethod, GrantTypes: m.GrantTypes, PushedOnly: m.PushedOnly, DPoPBound: m.DPoPBound, CertBound: m.CertBound,
			CertSubjectDN: m.CertSubjectDN, CertSANDNS: m.CertSANDNS, JWKSURI: m.JWKSURI, LogoutURIs: m.LogoutURIs, BackchannelLogoutURI: m.BackchannelURI,
			IDTokenAlgorithm: m.IDTokenAlgorithm, ClientURI: m.ClientURI, PolicyURI: m.PolicyURI, TermsURI: m.TermsURI,
		},
	}}
	if m.AuthMethod == auth.NoAuth {
		asked.Kind = auth.Public
	}
	if m.JWKS != nil {
		asked.Keys = m.JWKS.Keys
	}
	return asked, nil
}

// name is what people will read on the consent page.
func (m sentMetadata) name() string {
	if m.Name != "" {
		return m.Name
	}
	for _, uri := range m.RedirectURIs {
		if u, err := url.Parse(uri); err == nil && u.Hostname() != "" {
			return u.Hostname()
		}
	}
	return "Ứng dụng tự đăng ký"
}

// clientInformation is the answer of RFC 7591 §3.2.1 and RFC 7592 §3.
type clientInformation struct {
	ClientID  string `json:"client_id"`
	IssuedAt  int64  `json:"client_id_issued_at"`
	Secret    string `json:"client_secret,omitempty"`
	ExpiresAt int64  `json:"client_secret_expires_at,omitempty"`
	Token     string `json:"registration_access_token"`
	Address   string `json:"registration_client_uri"`
	clientMetadata
}

func (s *Server) showClient(w http.ResponseWriter, status int, c auth.Registered) {
	out := clientInformation{
		ClientID: c.ID.String(), IssuedAt: c.CreatedAt.Unix(), Token: c.Token, Address: s.Issuer + "/oauth2/register/" + c.ID.String(),
		clientMetadata: clientMetadata{
			RedirectURIs: c.RedirectURIs, AuthMethod: c.AuthMethod, GrantTypes: c.GrantTypes, ResponseTypes: []string{}, Name: c.Name,
			Scope: strings.Join(c.ScopeLimit, " "), JWKSURI: c.JWKSURI, IDTokenAlgorithm: c.IDTokenAlgorithm,
			LogoutURIs: c.LogoutURIs, BackchannelURI: c.BackchannelLogoutURI, PushedOnly: c.PushedOnly, DPoPBound: c.DPoPBound,
			CertBound: c.CertBound, CertSubjectDN: c.CertSubjectDN, CertSANDNS: c.CertSANDNS,
			ClientURI: c.ClientURI, PolicyURI: c.PolicyURI, TermsURI: c.TermsURI,
		},
	}
	if slices.Contains(c.GrantTypes, auth.GrantCode) {
		out.ResponseTypes = []string{"code"}
	}
	if len(c.Keys) > 0 {
		out.JWKS = &jwkSet{}
		for _, key := range c.Keys {
			out.JWKS.Keys = append(out.JWKS.Keys, key.JWK)
		}
	}
	if c.Secret != nil {
		out.Secret, out.ExpiresAt = c.Secret.Secret, c.Secret.ExpiresAt.Truncate(time.Second).Unix()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out) // the caller may have gone
}

// refuseClient answers with an error of RFC 7591 §3.2.2, or of RFC 6750 §3.1
// about the token.
func (s *Server) refuseClient(w http.ResponseWriter, r *http.Request, err error) {
	var wrong *problem.Error
	if errors.As(err, &wrong) {
		switch {
		case wrong.Kind == problem.Unauthorized:
			err = errInitial.WithWrap(err)
		case isProblem(err) && len(wrong.Fields) > 0 && wrong.Fields[0].Name == "redirect_uris":
			err = errRedirect.WithHint(wrong.Fields[0].Words("en")).WithWrap(err)
		case isProblem(err) && len(wrong.Fields) > 0:
			err = errMetadata.WithHintf("%s: %s", wrong.Fields[0].Name, wrong.Fields[0].Words("en")).WithWrap(err)
		case isProblem(err):
			err = errMetadata.WithHint(wrong.Detail).WithWrap(err)
		}
	}
	if errors.Is(err, errInitial) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="lgsp", error="invalid_token"`)
	}
	s.refuse(w, r, err)
}
