package portal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// settingsData is the data of the page "developer-settings".
type settingsData struct {
	Application auth.Application
	Redirects   string // one address a line
	Logouts     string
	Methods     []web.Option
	Grants      []web.Option
	IDTokens    []web.Option // algorithms
	Agencies    []web.Option // that the reader may give the application to
}

// settings answers GET /developer/applications/{id}/settings.
func (p *Portal) settings(r *http.Request) (page, error) {
	app, who, err := p.ownApplication(r)
	if err != nil {
		return page{}, err
	}
	data := settingsData{Application: app, Redirects: strings.Join(app.RedirectURIs, "\n"), Logouts: strings.Join(app.LogoutURIs, "\n")}
	methods, grants := []string{"", auth.SecretBasic, auth.PrivateKeyJWT, auth.TLSAuth, auth.TLSSelfSigned},
		[]string{auth.GrantCode, auth.GrantRefresh, auth.GrantClient, auth.GrantDevice, auth.GrantExchange}
	if app.OwnerAgency == nil {
		grants = grants[:4] // only an agency's exchanges tokens
	}
	if app.Kind == auth.Public {
		methods, grants = []string{"", auth.NoAuth}, []string{auth.GrantCode, auth.GrantRefresh, auth.GrantDevice}
	}
	if data.Methods, err = p.choices(r, "keys.method-", methods); err != nil {
		return page{}, err
	}
	if data.Grants, err = p.choices(r, "keys.grant-", grants); err != nil {
		return page{}, err
	}
	if data.IDTokens, err = p.choices(r, "keys.id-token-", []string{auth.ES256, auth.RS256}); err != nil {
		return page{}, err
	}
	if app.OwnerPerson != nil {
		if data.Agencies, err = p.agenciesOf(r, who); err != nil {
			return page{}, err
		}
	}
	return page{Name: "developer-settings", Data: data}, nil
}

// choices are options whose words stand under prefix and the last word of their value.
func (p *Portal) choices(r *http.Request, prefix string, values []string) ([]web.Option, error) {
	var list []web.Option
	for _, value := range values {
		word := value[strings.LastIndexByte(value, ':')+1:] // of urn:ietf:params:oauth:grant-type:device_code
		if word == "" {
			word = "any"
		}
		text, err := p.Pages.Text(localeOf(r), prefix+word)
		if err != nil {
			return nil, err
		}
		list = append(list, web.Option{Value: value, Text: text})
	}
	return list, nil
}

// agenciesOf are the agencies that who speaks for.
func (p *Portal) agenciesOf(r *http.Request, who auth.Principal) ([]web.Option, error) {
	var ids []uuid.UUID
	for _, m := range who.Memberships {
		if m.Agency != uuid.Nil && (m.Role == auth.RolePublisher || m.Role == auth.RoleSteward) && !slices.Contains(ids, m.Agency) {
			ids = append(ids, m.Agency)
		}
	}
	agencies, err := p.Auth.Agencies(r.Context(), ids)
	var list []web.Option
	for _, id := range ids {
		a := agencies[id]
		name := a.NameVI
		if localeOf(r) == "en" && a.NameEN != "" {
			name = a.NameEN
		}
		list = append(list, web.Option{Value: id.String(), Text: name})
	}
	return list, err
}

// saveSettings answers POST /developer/applications/{id}/settings. What the
// page does not ask for stays as it was.
func (p *Portal) saveSettings(r *http.Request) (page, error) {
	app, who, err := p.ownApplication(r)
	if err != nil {
		return page{}, err
	}
	n := auth.NewApplication{Name: r.PostFormValue("name"), Description: r.PostFormValue("description"),
		RedirectURIs: strings.Fields(r.PostFormValue("redirect_uris")), Protocol: app.Protocol}
	ticked := func(name string) bool { return r.PostFormValue(name) == "yes" }
	n.Profile = ""
	if ticked("profile") {
		n.Profile = auth.FAPI2
	}
	n.AuthMethod, n.GrantTypes = r.PostFormValue("token_endpoint_auth_method"), r.PostForm["grant_types"]
	n.PushedOnly, n.DPoPBound = ticked("require_pushed_authorization_requests"), ticked("dpop_bound_access_tokens")
	n.RefreshGrace, n.LogoutURIs = ticked("refresh_grace"), strings.Fields(r.PostFormValue("post_logout_redirect_uris"))
	n.BackchannelLogoutURI = strings.TrimSpace(r.PostFormValue("backchannel_logout_uri"))
	n.IDTokenAlgorithm = r.PostFormValue("id_token_signed_response_alg")
	for name, into := range map[string]*string{"client_uri": &n.ClientURI, "policy_uri": &n.PolicyURI, "tos_uri": &n.TermsURI} {
		*into = strings.TrimSpace(r.PostFormValue(name))
	}
	if app.Kind == auth.Confidential {
		n.CertBound, n.LegacyAudience = ticked("tls_client_certificate_bound_access_tokens"), ticked("legacy_audience")
		n.CertSubjectDN, n.CertSANDNS = strings.TrimSpace(r.PostFormValue("tls_client_auth_subject_dn")), strings.TrimSpace(r.PostFormValue("tls_client_auth_san_dns"))
	}
	if _, err := p.Auth.EditApplication(r.Context(), who, app.ID, n); err != nil {
		return again(r, p.settings, err)
	}
	return page{To: "/developer/applications/" + app.ID.String() + "/settings", Flash: &web.Flash{Key: "keys.saved"}}, nil
}

// transferApplication answers POST /developer/applications/{id}/transfer.
func (p *Portal) transferApplication(r *http.Request) (page, error) {
	app, who, err := p.ownApplication(r)
	if err != nil {
		return page{}, err
	}
	agency, err := uuid.Parse(r.PostFormValue("agency"))
	if err != nil {
		return page{}, problem.Errorf(problem.Invalid, "agency is not a UUID")
	}
	if _, err := p.Auth.TransferApplication(r.Context(), who, app.ID, agency); err != nil {
		return again(r, p.settings, err)
	}
	return page{To: "/developer/applications/" + app.ID.String(), Flash: &web.Flash{Key: "keys.transferred"}}, nil
}
