package portal

import (
	"net/http"
)

// sandboxRoutes are how a version is tried before its system is called.
func (a *API) sandboxRoutes(r routes) {
	r.post("/versions/{id}/sandbox", a.openSandbox)
	r.remove("/versions/{id}/sandbox", a.closeSandbox)
}

// openSandbox answers POST /versions/{id}/sandbox.
//
//	@Summary		Let everyone try a version with synthetic data
//	@Description	The gateway answers at the version's address with -sandbox behind its number, from the document's examples and schemas; any application may call, without an agreement. A version that is not published is in state sandbox then; a published one has its sandbox beside it.
//	@Tags			apis
//	@Security		bearer
//	@Param			id	path		string	true	"id of the version"
//	@Success		200	{object}	catalog.Version
//	@Router			/versions/{id}/sandbox [post]
func (a *API) openSandbox(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.OpenSandbox)
}

// closeSandbox answers DELETE /versions/{id}/sandbox.
//
//	@Summary		End a version's sandbox
//	@Description	A version in state sandbox is a draft again.
//	@Tags			apis
//	@Security		bearer
//	@Param			id	path		string	true	"id of the version"
//	@Success		200	{object}	catalog.Version
//	@Router			/versions/{id}/sandbox [delete]
func (a *API) closeSandbox(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.CloseSandbox)
}
