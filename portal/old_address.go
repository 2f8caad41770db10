package portal

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/catalog"
)

// movedTo is where a page about a version is now, when it was asked for by an
// agency or an API as they were once called; "" when it stands where it is.
func movedTo(r *http.Request, v catalog.Version) string {
	vars := mux.Vars(r)
	if r.Method == http.MethodPost || vars["agency"] == v.Agency.Slug && vars["api"] == v.APISlug {
		return ""
	}
	old := "/apis/" + vars["agency"] + "/" + vars["api"] + "/" + v.Number
	return "/apis" + v.Prefix() + strings.TrimPrefix(r.URL.Path, old)
}
