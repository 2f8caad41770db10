package portal

import (
	"net/http"
	"net/url"
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

// settingsSections are the forms of the page, each saved by itself: what a
// section's form says of the application. Profile, proof and protection of
// tokens are one, since they depend on each other.
var settingsSections = map[string]func(r *http.Request, n *auth.NewApplication, kind string){
	"about": func(r *http.Request, n *auth.NewApplication, _ string) {
		n.Name, n.Description = r.PostFormValue("name"), r.PostFormValue("description")
		for name, into := range map[string]*string{"client_uri": &n.ClientURI, "policy_uri": &n.PolicyURI, "tos_uri": &n.TermsURI} {
			*into = strings.TrimSpace(r.PostFormValue(name))
		}
	},
	"people": func(r *http.Request, n *auth.NewApplication, _ string) {
		n.GrantTypes, n.RedirectURIs = r.PostForm["grant_types"], strings.Fields(r.PostFormValue("redirect_uris"))
		n.IDTokenAlgorithm = r.PostFormValue("id_token_signed_response_alg")
	},
	"logout": func(r *http.Request, n *auth.NewApplication, _ string) {
		n.LogoutURIs = strings.Fields(r.PostFormValue("post_logout_redirect_uris"))
		n.BackchannelLogoutURI = strings.TrimSpace(r.PostFormValue("backchannel_logout_uri"))
	},
	"proof": func(r *http.Request, n *auth.NewApplication, kind string) {
		ticked := func(name string) bool { return r.PostFormValue(name) == "yes" }
		n.Profile = ""
		if ticked("profile") {
			n.Profile = auth.FAPI2
		}
		n.AuthMethod, n.RefreshGrace = r.PostFormValue("token_endpoint_auth_method"), ticked("refresh_grace")
		n.PushedOnly, n.DPoPBound = ticked("require_pushed_authorization_requests"), ticked("dpop_bound_access_tokens")
		if kind == auth.Confidential {
			n.CertBound, n.LegacyAudience = ticked("tls_client_certificate_bound_access_tokens"), ticked("legacy_audience")
			n.CertSubjectDN, n.CertSANDNS = strings.TrimSpace(r.PostFormValue("tls_client_auth_subject_dn")), strings.TrimSpace(r.PostFormValue("tls_client_auth_san_dns"))
		}
	},
}

// saveSettings answers POST /developer/applications/{id}/settings: one section
// of the page. All else stays as it was.
func (p *Portal) saveSettings(r *http.Request) (page, error) {
	app, who, err := p.ownApplication(r)
	if err != nil {
		return page{}, err
	}
	section := r.PostFormValue("section")
	say, known := settingsSections[section]
	if !known {
		return page{}, problem.Errorf(problem.Invalid, "no section %q of the settings", section)
	}
	n := auth.NewApplication{Name: app.Name, Description: app.Description, RedirectURIs: app.RedirectURIs, Protocol: app.Protocol}
	say(r, &n, app.Kind)
	if _, err := p.Auth.EditApplication(r.Context(), who, app.ID, n); err != nil {
		keepBoxes(r.PostForm, section, app)
		return again(r, p.settings, err)
	}
	return page{To: "/developer/applications/" + app.ID.String() + "/settings", Flash: &web.Flash{Key: "keys.saved-" + section}}, nil
}

// keepBoxes fills in what the boxes of the sections say that did not come back:
// of a box nothing is sent when it is not ticked.
func keepBoxes(form url.Values, section string, app auth.Application) {
	if section != "people" {
		form["grant_types"] = app.GrantTypes
	}
	if section == "proof" {
		return
	}
	for name, ticked := range map[string]bool{
		"profile": app.Profile == auth.FAPI2, "require_pushed_authorization_requests": app.PushedOnly, "refresh_grace": app.RefreshGrace,
		"dpop_bound_access_tokens": app.DPoPBound, "tls_client_certificate_bound_access_tokens": app.CertBound, "legacy_audience": app.LegacyAudience,
	} {
		if ticked {
			form.Set(name, "yes")
		}
	}
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
