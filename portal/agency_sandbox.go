package portal

import (
	"net/http"

	"github.com/gorilla/mux"

	"lgsp/catalog"
)

// sandboxRoutes are the buttons of a version's sandbox.
func (p *Portal) sandboxRoutes(r *mux.Router) {
	const version = "/agency/{agency}/apis/{api}/{version:v[0-9]+}"
	r.Handle(version+"/sandbox", p.page(p.openSandbox)).Methods("POST")
	r.Handle(version+"/sandbox/close", p.page(p.closeSandbox)).Methods("POST")
}

// SandboxAddress is where the version can be tried; "" where it cannot.
func (d versionPage) SandboxAddress() string {
	if !d.Version.HasSandbox() {
		return ""
	}
	return d.Address + catalog.SandboxSuffix
}

// openSandbox answers POST …/{version}/sandbox. A version whose system is not
// there yet may choose its plan with it.
func (p *Portal) openSandbox(r *http.Request) (page, error) {
	return p.moveVersion(r, p.versionDesk, "sandbox.done-open", func(d apiDesk, v catalog.Version) error {
		if plan := r.PostFormValue("plan"); plan != "" && v.PlanSlug == "" {
			if _, err := p.Catalog.SetPlan(r.Context(), d.who, v.ID, plan); err != nil {
				return err
			}
		}
		_, err := p.Catalog.OpenSandbox(r.Context(), d.who, v.ID)
		return err
	})
}

// closeSandbox answers POST …/{version}/sandbox/close.
func (p *Portal) closeSandbox(r *http.Request) (page, error) {
	return p.moveVersion(r, p.versionDesk, "sandbox.done-close", func(d apiDesk, v catalog.Version) error {
		_, err := p.Catalog.CloseSandbox(r.Context(), d.who, v.ID)
		return err
	})
}
