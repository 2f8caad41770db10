package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
)

func (a *API) fieldRoutes(r routes) {
	r.get("/agencies/{id}/fields", a.showFields)
	r.put("/agencies/{id}/fields", a.setFields)
	r.post("/agencies/{id}/fields/check", a.checkFields)
	r.get("/agencies/{id}/fields/versions", a.listFieldVersions)
}

// showFields answers GET /agencies/{id}/fields.
//
//	@Summary	What an agency asks of its datasets beside what every dataset is asked; to others than its people, what concerns them
//	@Tags		datasets
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	catalog.FieldSchema
//	@Router		/agencies/{id}/fields [get]
func (a *API) showFields(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Catalog.FieldSchema)
}

// setFields answers PUT /agencies/{id}/fields.
//
//	@Summary	Put a schema, a YAML document, in the place of the agency's; no value is lost
//	@Tags		datasets
//	@Security	bearer
//	@Param		id		path		string					true	"id of the agency"
//	@Param		body	body		catalog.FieldSchemaText	true	"the YAML, and the version it was made from"
//	@Success	200		{object}	catalog.FieldSchema
//	@Router		/agencies/{id}/fields [put]
func (a *API) setFields(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Catalog.SetFieldSchema)
}

// checkFields answers POST /agencies/{id}/fields/check.
//
//	@Summary	Read a schema without keeping it: its fields, or what is wrong with each line
//	@Tags		datasets
//	@Security	bearer
//	@Param		id		path		string	true	"id of the agency"
//	@Param		body	body		remark	true	"the YAML"
//	@Success	200		{object}	catalog.FieldSchema
//	@Router		/agencies/{id}/fields/check [post]
func (a *API) checkFields(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, b remark) (catalog.FieldSchema, error) {
		return a.Catalog.CheckFieldSchema(ctx, who, id, b.Text)
	})
}

// listFieldVersions answers GET /agencies/{id}/fields/versions.
//
//	@Summary	The wordings that an agency's schema has had, newest first; for its own people
//	@Tags		datasets
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	items[catalog.FieldSchemaVersion]
//	@Router		/agencies/{id}/fields/versions [get]
func (a *API) listFieldVersions(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.FieldSchemaVersion], error) {
		list, err := a.Catalog.FieldSchemaVersions(ctx, who, id)
		return items[catalog.FieldSchemaVersion]{Items: list}, err
	})
}
