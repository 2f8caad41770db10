package portal

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// keyData is the data of the page "developer-key".
type keyData struct {
	Operation    string       // address of the page that the reader comes from, ""
	Applications []web.Option // the reader's own that may hold a key; none: one is made
}

// getKey answers GET /developer/key: one press from a key of one's own.
func (p *Portal) getKey(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	data := keyData{Operation: localPath(r.FormValue("operation"))}
	apps, err := p.ownApplications(r.Context(), who)
	for _, app := range apps {
		data.Applications = append(data.Applications, web.Option{Value: app.ID.String(), Text: app.Name})
	}
	return page{Name: "developer-key", Data: data}, err
}

// ownApplications are the person's own that may hold a key, newest first.
func (p *Portal) ownApplications(ctx context.Context, who auth.Principal) ([]auth.Application, error) {
	apps, _, err := p.Auth.Applications(ctx, who, auth.Page{Limit: 100})
	var own []auth.Application
	for _, app := range apps {
		if app.OwnerPerson != nil && app.Kind == auth.Confidential && app.DisabledAt == nil {
			own = append(own, app)
		}
	}
	return own, err
}

// giveKey answers POST /developer/key: a key for the application chosen, or
// for a first one that is made without asking for anything.
func (p *Portal) giveKey(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	ctx := r.Context()
	own, err := p.ownApplications(ctx, who)
	if err != nil {
		return page{}, err
	}
	if len(own) == 0 {
		app, issued, err := p.Auth.CreateApplication(ctx, who, auth.NewApplication{Name: firstName(localeOf(r))})
		if err != nil {
			return page{}, err
		}
		return p.showSecrets(r, app, issued...)
	}
	app := own[0]
	if chosen := r.PostFormValue("application"); chosen != "" {
		id, err := uuid.Parse(chosen)
		if err != nil {
			return page{}, problem.Errorf(problem.Invalid, "application is not a UUID")
		}
		i := indexOf(own, id)
		if i < 0 {
			return page{}, problem.Errorf(problem.NotFound, "no application %s", id)
		}
		app = own[i]
	}
	issued, err := p.Auth.AddCredential(ctx, who, app.ID, auth.NewCredential{Kind: auth.APIKey})
	if err != nil {
		return again(r, p.getKey, err)
	}
	return p.showSecrets(r, app, issued)
}

func indexOf(apps []auth.Application, id uuid.UUID) int {
	for i, app := range apps {
		if app.ID == id {
			return i
		}
	}
	return -1
}

// firstCallData is what a page that has just shown a key shows beside it: the
// same call in every language with the key in it, and the form that makes it.
type firstCallData struct {
	Samples []sample
	Try     *tryData
	Sandbox bool   // the call is of the sandbox: what it answers is made up
	Asked   string // address of the operation that the reader came for, "" when it is the one called
	Ask     string // address where an agreement for it is asked for, ""
}

// firstCallWith is the first call with a new key ("": with none): of the operation that the
// reader came from, if it is open, or of its sandbox, if a key is all that this
// asks for; else of any that is open.
func (p *Portal) firstCallWith(r *http.Request, key string) (firstCallData, error) {
	var data firstCallData
	s, o, conditions, err := p.operationAt(r, localPath(r.FormValue("operation")))
	if err != nil {
		return data, err
	}
	if o.Access == catalog.Restricted || o.Access == catalog.Personal {
		data.Asked = s.Href + "/" + o.Slug
		if s.OnOffer() {
			data.Ask = s.Href + "/request?operation=" + o.Slug
		}
	}
	data.Sandbox = key != "" && o.Access == catalog.Restricted && s.Sandbox != "" && !slices.Contains(conditions, "two-factors")
	switch {
	case data.Sandbox:
		s.Base = s.Sandbox
	case o.Access != catalog.Open:
		base, open, found, err := p.firstOperation(r.Context())
		if err != nil {
			return data, err
		}
		if !found { // the gateway's own list is always there
			base, open = p.Gateway, catalog.Operation{Method: "GET", Path: "/.well-known/api-catalog", Mark: catalog.Mark{Access: catalog.Open}}
		}
		s, o = service{Base: base, Version: catalog.Version{State: catalog.Published}}, open
	}
	call := callOf(s.Base, o)
	if key != "" {
		call = call.withKey(key)
	}
	data.Try = tryForm(s, o)
	if data.Sandbox && slices.Contains(conditions, "purpose") {
		call.Headers = append(call.Headers, sandboxPurpose)
		data.Try.Sends = append(data.Try.Sends, sandboxPurpose)
	}
	data.Samples = call.samples()
	if data.Try != nil {
		data.Try.Key = key
	}
	return data, nil
}

// operationAt is the operation whose page is at a path, as the reader sees it,
// with the kinds of its conditions; the zero Operation where there is none.
func (p *Portal) operationAt(r *http.Request, path string) (service, catalog.Operation, []string, error) {
	parts := strings.Split(strings.TrimPrefix(path, "/apis/"), "/")
	if !strings.HasPrefix(path, "/apis/") || len(parts) != 4 {
		return service{}, catalog.Operation{}, nil, nil
	}
	there := mux.SetURLVars(r, map[string]string{"agency": parts[0], "api": parts[1], "version": parts[2]})
	s, err := p.versionAt(there)
	if problem.Is(err, problem.NotFound) {
		return service{}, catalog.Operation{}, nil, nil
	} else if err != nil {
		return service{}, catalog.Operation{}, nil, err
	}
	told, err := p.Catalog.Told(r.Context(), whoever(r), s.Version, parts[3])
	if problem.Is(err, problem.NotFound) {
		return service{}, catalog.Operation{}, nil, nil
	} else if err != nil {
		return service{}, catalog.Operation{}, nil, err
	}
	traffic, err := trafficOf(told.Traffic)
	o := told.Operations[0]
	return s, o, traffic.ConditionsOf(o.Slug, o.Access), err
}
