package portal

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/web"
)

// honeyRoutes are the pages of honey keys: of an application, for its owners,
// and all there are, for operators.
func (p *Portal) honeyRoutes(r *mux.Router) {
	for _, at := range []string{"/developer/applications/{id}/honey-keys", "/operator/honey-keys"} {
		r.Handle(at, p.page(p.honeyKeys)).Methods("GET", "HEAD")
		r.Handle(at, p.page(p.addHoneyKey)).Methods("POST")
		r.Handle(at+"/{key}/end", p.page(p.endHoneyKey)).Methods("POST")
	}
}

// honeyData is the data of the page "honey-keys".
type honeyData struct {
	Application *auth.Application // nil: all honey keys, for operators
	At          string            // address of the page, without language
	Keys        []honeyRow
	Kinds       []web.Option
}

// honeyRow is one honey key, and who made it, "" when that is not known.
type honeyRow struct {
	auth.HoneyKey
	By    string
	Owner string // name of its application, on the page of all; "": the platform's
}

// honeyOf is whose honey keys the page is about.
func (p *Portal) honeyOf(r *http.Request) (honeyData, error) {
	if mux.Vars(r)["id"] == "" {
		_, err := signedIn(r)
		return honeyData{At: "/operator/honey-keys"}, err
	}
	app, _, err := p.ownApplication(r)
	return honeyData{Application: &app, At: "/developer/applications/" + app.ID.String() + "/honey-keys"}, err
}

// application is the id of the application the page is about, or uuid.Nil.
func (d honeyData) application() uuid.UUID {
	if d.Application == nil {
		return uuid.Nil
	}
	return d.Application.ID
}

// honeyKeys answers GET …/honey-keys.
func (p *Portal) honeyKeys(r *http.Request) (page, error) {
	data, err := p.honeyOf(r)
	if err != nil {
		return page{}, err
	}
	ctx := r.Context()
	list, err := p.Auth.HoneyKeys(ctx, whoever(r), data.application())
	if err != nil {
		return page{}, err
	}
	var makers []uuid.UUID
	for _, k := range list {
		if k.CreatedBy != nil {
			makers = append(makers, *k.CreatedBy)
		}
	}
	people, err := p.Auth.Persons(ctx, makers)
	if err != nil {
		return page{}, err
	}
	for _, k := range list {
		row := honeyRow{HoneyKey: k}
		if k.CreatedBy != nil {
			row.By = people[*k.CreatedBy].Name
		}
		if data.Application == nil && k.Application != nil {
			app, err := p.Auth.Application(ctx, *k.Application)
			if err != nil {
				return page{}, err
			}
			row.Owner = app.Name
		}
		data.Keys = append(data.Keys, row)
	}
	for _, kind := range auth.HoneyKinds() {
		text, err := p.Pages.Text(localeOf(r), "honey.looks-"+kind)
		if err != nil {
			return page{}, err
		}
		data.Kinds = append(data.Kinds, web.Option{Value: kind, Text: text})
	}
	return page{Name: "honey-keys", Data: data}, nil
}

// honeySecretData is the data of the page "honey-secret", the only one that
// ever shows the key.
type honeySecretData struct {
	honeyData
	Issued auth.IssuedHoneyKey
}

// addHoneyKey answers POST …/honey-keys.
func (p *Portal) addHoneyKey(r *http.Request) (page, error) {
	data, err := p.honeyOf(r)
	if err != nil {
		return page{}, err
	}
	made, err := p.Auth.AddHoneyKey(r.Context(), whoever(r), auth.NewHoneyKey{
		Application: data.application(), Kind: r.PostFormValue("kind"), Name: r.PostFormValue("name")})
	if err != nil {
		return again(r, p.honeyKeys, err)
	}
	return page{Name: "honey-secret", Status: http.StatusCreated, Data: honeySecretData{data, made}}, nil
}

// endHoneyKey answers POST …/honey-keys/{key}/end.
func (p *Portal) endHoneyKey(r *http.Request) (page, error) {
	data, err := p.honeyOf(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "key")
	if err != nil {
		return page{}, err
	}
	if err := p.Auth.EndHoneyKey(r.Context(), whoever(r), id); err != nil {
		return page{}, err
	}
	return page{To: data.At, Flash: &web.Flash{Key: "honey.ended"}}, nil
}
