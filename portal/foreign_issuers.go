package portal

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// foreignRoutes are the pages of other authorization servers, for operators.
func (p *Portal) foreignRoutes(r *mux.Router) {
	const at = "/operator/issuers"
	r.Handle(at, p.page(p.foreignIssuers)).Methods("GET", "HEAD")
	r.Handle(at, p.page(p.addForeignIssuer)).Methods("POST")
	r.Handle(at+"/{id}", p.page(p.foreignIssuer)).Methods("GET", "HEAD")
	r.Handle(at+"/{id}", p.page(p.editForeignIssuer)).Methods("POST")
	r.Handle(at+"/{id}/clients", p.page(p.setForeignClient)).Methods("POST")
	r.Handle(at+"/{id}/remove", p.page(p.removeForeignIssuer)).Methods("POST")
}

// foreignIssuersData is the data of the page "operator-issuers".
type foreignIssuersData struct {
	Issuers []auth.ForeignIssuer
	Offer   auth.ForeignIssuer // what a new one begins with
}

// foreignIssuers answers GET /operator/issuers.
func (p *Portal) foreignIssuers(r *http.Request) (page, error) {
	list, err := p.Auth.ForeignIssuers(r.Context(), whoever(r))
	return page{Name: "operator-issuers", Data: foreignIssuersData{Issuers: list, Offer: auth.ForeignIssuer{Audience: p.Gateway}}}, err
}

// foreignIssuerData is the data of the page "operator-issuer".
type foreignIssuerData struct {
	auth.ForeignIssuer
	Names map[uuid.UUID]string // of the applications
}

// foreignIssuer answers GET /operator/issuers/{id}.
func (p *Portal) foreignIssuer(r *http.Request) (page, error) {
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	data := foreignIssuerData{Names: map[uuid.UUID]string{}}
	if data.ForeignIssuer, err = p.Auth.ForeignIssuer(r.Context(), whoever(r), id); err != nil {
		return page{}, err
	}
	for _, c := range data.Clients {
		app, err := p.Auth.Application(r.Context(), c.Application)
		if err != nil {
			return page{}, err
		}
		data.Names[app.ID] = app.Name
	}
	return page{Name: "operator-issuer", Data: data}, nil
}

func typedIssuer(r *http.Request) auth.NewForeignIssuer {
	return auth.NewForeignIssuer{Name: r.PostFormValue("name"), Issuer: r.PostFormValue("issuer"), URL: r.PostFormValue("introspection_url"),
		ClientID: r.PostFormValue("client_id"), Secret: r.PostFormValue("client_secret"), Audience: r.PostFormValue("audience")}
}

// addForeignIssuer answers POST /operator/issuers.
func (p *Portal) addForeignIssuer(r *http.Request) (page, error) {
	made, err := p.Auth.AddForeignIssuer(r.Context(), whoever(r), typedIssuer(r))
	if err != nil {
		return again(r, p.foreignIssuers, err)
	}
	return page{To: "/operator/issuers/" + made.ID.String(), Flash: &web.Flash{Key: "issuers.added"}}, nil
}

// changeIssuer does something about the issuer of the page, and goes back there.
func (p *Portal) changeIssuer(r *http.Request, said string, do func(id uuid.UUID) error) (page, error) {
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	if err := do(id); err != nil {
		return again(r, p.foreignIssuer, err)
	}
	return page{To: "/operator/issuers/" + id.String(), Flash: &web.Flash{Key: said}}, nil
}

// editForeignIssuer answers POST /operator/issuers/{id}.
func (p *Portal) editForeignIssuer(r *http.Request) (page, error) {
	return p.changeIssuer(r, "issuers.saved", func(id uuid.UUID) error {
		_, err := p.Auth.EditForeignIssuer(r.Context(), whoever(r), id, typedIssuer(r))
		return err
	})
}

// setForeignClient answers POST /operator/issuers/{id}/clients. No application
// ends what the client was.
func (p *Portal) setForeignClient(r *http.Request) (page, error) {
	return p.changeIssuer(r, "issuers.client-saved", func(id uuid.UUID) error {
		c := auth.ForeignClient{ClientID: r.PostFormValue("client")}
		if r.PostFormValue("end") == "" {
			application, err := uuid.Parse(r.PostFormValue("application"))
			if err != nil {
				application = uuid.Max // which is told to be none
			}
			c.Application = application
		}
		err := p.Auth.SetForeignClient(r.Context(), whoever(r), id, c)
		if e := problem.Of(err); e != nil {
			for i := range e.Fields {
				if e.Fields[i].Name == "client_id" { // which the page's other form has
					e.Fields[i].Name = "client"
				}
			}
		}
		return err
	})
}

// removeForeignIssuer answers POST /operator/issuers/{id}/remove.
func (p *Portal) removeForeignIssuer(r *http.Request) (page, error) {
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	if err := p.Auth.RemoveForeignIssuer(r.Context(), whoever(r), id); err != nil {
		return page{}, err
	}
	return page{To: "/operator/issuers", Flash: &web.Flash{Key: "issuers.removed"}}, nil
}
