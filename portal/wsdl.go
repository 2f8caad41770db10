package portal

import (
	"net/http"

	"github.com/gorilla/mux"

	"lgsp/catalog"
)

// sendWSDL writes a version's WSDL, whose one address is the version's at the
// gateway, with a slash.
func sendWSDL(w http.ResponseWriter, v catalog.Version, text []byte) error {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+v.APISlug+"-"+v.Number+`.wsdl"`)
	w.Header().Set("Access-Control-Allow-Origin", "*") // it is public
	_, err := w.Write(text)
	return err
}

// wsdl answers GET /apis/{agency}/{api}/{version}/service.wsdl.
func (p *Portal) wsdl(w http.ResponseWriter, r *http.Request) error {
	r, err := p.identified(r)
	if err != nil {
		return err
	}
	vars := mux.Vars(r)
	v, err := p.Catalog.VersionBySlug(r.Context(), whoever(r), vars["agency"], vars["api"], vars["version"])
	if err != nil {
		return err
	}
	text, err := p.Catalog.WSDL(r.Context(), whoever(r), v.ID, p.Gateway+v.Prefix()+"/")
	if err != nil {
		return err
	}
	return sendWSDL(w, v, text)
}

// versionWSDL answers GET /versions/{id}/service.wsdl.
//
//	@Summary	The WSDL that a version was made of, with the gateway's address in it
//	@Tags		apis
//	@Produce	xml
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{string}	string
//	@Router		/versions/{id}/service.wsdl [get]
func (a *API) versionWSDL(w http.ResponseWriter, r *http.Request) error {
	who, err := a.who(r)
	if err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	v, err := a.Catalog.VersionByID(r.Context(), who, id)
	if err != nil {
		return err
	}
	text, err := a.Catalog.WSDL(r.Context(), who, id, a.Gateway+v.Prefix()+"/")
	if err != nil {
		return err
	}
	return sendWSDL(w, v, text)
}
