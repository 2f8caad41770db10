package portal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/ledger"
	"lgsp/web"
)

// limitsData is the data of the page "developer-limits".
type limitsData struct {
	Application auth.Application
	Credential  credentialRow
	Networks    string       // one a line
	Versions    []web.Option // of APIs that the application has, or asked for, an agreement on
	Chosen      []string
	Read        string            // "yes": the key only reads
	Operations  []operationChoice // of those versions, where there are several
}

// operationChoice are the operations of one version, as scopes of a key.
type operationChoice struct {
	Service string
	Options []web.Option
	Open    bool // some of them are chosen
}

// ownCredential is the credential in the address, of the application in it.
func (p *Portal) ownCredential(r *http.Request) (auth.Application, credentialRow, error) {
	app, who, err := p.workedApplication(r)
	if err != nil {
		return app, credentialRow{}, err
	}
	id, err := idIn(r, "credential")
	if err != nil {
		return app, credentialRow{}, err
	}
	list, err := p.Auth.Credentials(r.Context(), who, app.ID)
	if err != nil {
		return app, credentialRow{}, err
	}
	for _, c := range list {
		if c.ID == id {
			return app, credentialRow{Credential: c, Live: p.live(c)}, nil
		}
	}
	return app, credentialRow{}, problem.Errorf(problem.NotFound, "no credential %s", id).Coded("credential-unknown")
}

// limits answers GET /developer/applications/{id}/credentials/{credential}.
func (p *Portal) limits(r *http.Request) (page, error) {
	app, c, err := p.ownCredential(r)
	if err != nil {
		return page{}, err
	}
	data := limitsData{Application: app, Credential: c}
	for _, network := range c.Networks {
		data.Networks += strings.TrimSuffix(strings.TrimSuffix(network.String(), "/32"), "/128") + "\n"
	}
	for _, id := range c.Versions {
		data.Chosen = append(data.Chosen, id.String())
	}
	if c.Kind == auth.APIKey {
		if slices.Contains(c.Scopes, auth.ScopeRead) {
			data.Read = "yes"
		}
		if data.Versions, err = p.versionsOf(r, app, c.Versions); err != nil {
			return page{}, err
		}
		data.Operations, err = p.operationsOf(r, data.Versions, c.Scopes)
	}
	return page{Name: "developer-limits", Data: data}, err
}

// operationsOf are the operations of versions that have more than one. What is
// not offered to the reader any more is passed over.
func (p *Portal) operationsOf(r *http.Request, versions []web.Option, chosen []string) ([]operationChoice, error) {
	var list []operationChoice
	for _, v := range versions {
		id, err := uuid.Parse(v.Value)
		if err != nil {
			return nil, err
		}
		operations, err := p.Catalog.Operations(r.Context(), whoever(r), id)
		if problem.Is(err, problem.NotFound) {
			continue
		} else if err != nil {
			return nil, err
		}
		choice := operationChoice{Service: v.Text, Open: len(auth.ScopeOperations(chosen, id)) > 0}
		for _, o := range operations {
			option := web.Option{Value: auth.OperationScope(id, o.Slug), Text: o.Doc.SummaryVI, Hint: o.Method + " " + o.Path}
			if localeOf(r) == "en" && o.Doc.SummaryEN != "" {
				option.Text = o.Doc.SummaryEN
			}
			if option.Text == "" {
				option.Text = o.Slug
			}
			choice.Options = append(choice.Options, option)
		}
		if len(choice.Options) > 1 {
			list = append(list, choice)
		}
	}
	return list, nil
}

// versionsOf are the versions that an application has agreements on, and those
// chosen before.
func (p *Portal) versionsOf(r *http.Request, app auth.Application, chosen []uuid.UUID) ([]web.Option, error) {
	agreements, err := p.Agreements.Mine(r.Context(), whoever(r), agreement.Filter{Application: app.ID, Limit: 50})
	if err != nil {
		return nil, err
	}
	var list []web.Option
	known := map[uuid.UUID]bool{}
	add := func(id uuid.UUID, text string) {
		if !known[id] {
			known[id] = true
			list = append(list, web.Option{Value: id.String(), Text: text})
		}
	}
	for _, g := range agreements.Items {
		text := g.ServiceVI
		if localeOf(r) == "en" && g.ServiceEN != "" {
			text = g.ServiceEN
		}
		add(g.VersionID, text)
	}
	for _, id := range chosen {
		add(id, id.String())
	}
	return list, nil
}

// saveLimits answers POST /developer/applications/{id}/credentials/{credential}.
func (p *Portal) saveLimits(r *http.Request) (page, error) {
	app, c, err := p.ownCredential(r)
	if err != nil {
		return page{}, err
	}
	l := auth.Limits{Name: r.PostFormValue("name"), Networks: strings.Fields(r.PostFormValue("networks"))}
	for _, text := range r.PostForm["versions"] {
		id, err := uuid.Parse(text)
		if err != nil {
			return page{}, problem.Errorf(problem.Invalid, "a version is not a UUID")
		}
		l.Versions = append(l.Versions, id)
	}
	if r.PostFormValue("read") == "yes" {
		l.Scopes = append(l.Scopes, auth.ScopeRead)
	}
	for _, scope := range r.PostForm["scopes"] { // whoever chooses an operation chooses its version
		version, _, _ := strings.Cut(scope, "/")
		if id, err := uuid.Parse(version); err == nil && !slices.Contains(l.Versions, id) {
			l.Versions = append(l.Versions, id)
		}
		l.Scopes = append(l.Scopes, scope)
	}
	if _, err := p.Auth.LimitCredential(r.Context(), whoever(r), c.ID, l); err != nil {
		return again(r, p.limits, err)
	}
	return page{To: "/developer/applications/" + app.ID.String() + "#credentials", Flash: &web.Flash{Key: "keys.saved"}}, nil
}

// leakData is the data of the page "developer-leak".
type leakData struct {
	Application auth.Application
	Choices     []web.Option // the live credentials, and all of them
	Calls       []callRow    // the last 50
}

// leak answers GET /developer/applications/{id}/leak: what can be ended, and the
// last 50 calls, which is where its end leads to as well.
func (p *Portal) leak(r *http.Request) (page, error) {
	app, who, err := p.ownApplication(r)
	if err != nil {
		return page{}, err
	}
	data := leakData{Application: app}
	text, err := p.Pages.Text(localeOf(r), "keys.leak-all")
	if err != nil {
		return page{}, err
	}
	data.Choices = []web.Option{{Value: uuid.Nil.String(), Text: text}}
	credentials, err := p.Auth.Credentials(r.Context(), who, app.ID)
	if err != nil {
		return page{}, err
	}
	for _, c := range credentials {
		if !p.live(c) {
			continue
		}
		kind, err := p.Pages.Text(localeOf(r), "developer.kind-"+c.Kind)
		if err != nil {
			return page{}, err
		}
		data.Choices = append(data.Choices, web.Option{Value: c.ID.String(), Text: kind + " " + credentialRow{Credential: c}.Prefix() + "…" + c.Last4, Hint: c.Name})
	}
	data.Calls, _, err = p.calls(r, app, ledger.ExchangeFilter{Limit: 50})
	return page{Name: "developer-leak", Data: data}, err
}

// endLeak answers POST /developer/applications/{id}/leak: everything that the
// leak gave away ends now.
func (p *Portal) endLeak(r *http.Request) (page, error) {
	app, who, err := p.ownApplication(r)
	if err != nil {
		return page{}, err
	}
	credential, err := uuid.Parse(r.PostFormValue("credential"))
	if err != nil {
		return page{}, problem.Errorf(problem.Invalid, "credential is not a UUID")
	}
	if _, err := p.Auth.RevokeEverything(r.Context(), who, app.ID, credential); err != nil {
		return page{}, err
	}
	return page{To: "/developer/applications/" + app.ID.String() + "/leak", Flash: &web.Flash{Key: "keys.leak-ended"}}, nil
}
