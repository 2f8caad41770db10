package portal

import (
	_ "embed"
	"net/http"
)

// document is the OpenAPI 3.0 document of /api/v1, written by `make openapi`.
//
//go:embed openapi.json
var document []byte

// openapi answers GET /openapi.json.
//
//	@Summary	This document
//	@Tags		about
//	@Success	200	{object}	map[string]any
//	@Router		/openapi.json [get]
func (a *API) openapi(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Cache-Control", "public, max-age=300")
	return write(w, http.StatusOK, document)
}
