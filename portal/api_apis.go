package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/catalog/spec"
	"lgsp/internal/problem"
)

func (a *API) apiRoutes(r routes) {
	r.get("/apis", a.listAPIs)
	r.post("/apis", a.createAPI)
	r.get("/apis/{id}", a.showAPI)
	r.put("/apis/{id}", a.editAPI)
	r.post("/apis/{id}/versions", a.createVersion)
	r.post("/specs/inspect", a.inspectSpec)
	r.get("/versions/{id}", a.showVersion)
	r.get("/versions/{id}/operations", a.showOperations)
	r.put("/versions/{id}/operations", a.markOperations)
	r.get("/versions/{id}/openapi.json", a.versionSpec)
	r.get("/versions/{id}/service.wsdl", a.versionWSDL)
	r.put("/versions/{id}/upstream", a.setUpstream)
	r.put("/versions/{id}/plan", a.setPlan)
	r.get("/versions/{id}/traffic", a.showTraffic)
	r.put("/versions/{id}/traffic", a.setTraffic)
	r.get("/versions/{id}/client-key", a.showClientKey)
	r.put("/versions/{id}/client-key", a.setClientKey)
	r.remove("/versions/{id}/client-key", a.endClientKey)
	r.get("/versions/{id}/drift", a.showDrift)
	r.remove("/versions/{id}/drift", a.clearDrift)
	r.post("/versions/{id}/submit", a.submitVersion)
	r.post("/versions/{id}/publish", a.publishVersion)
	a.sandboxRoutes(r)
	a.docPageRoutes(r)
	r.get("/plans", a.listPlans)
	r.get("/agencies/{id}/upstreams", a.listUpstreams)
	r.post("/agencies/{id}/upstreams", a.requestUpstream)
	r.post("/agencies/{id}/upstreams/approve", a.approveUpstream)
}

// listAPIs answers GET /apis.
//
//	@Summary	APIs that the caller may see, newest first
//	@Tags		apis
//	@Param		agency	query		string	false	"id of an agency"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	items[catalog.API]
//	@Router		/apis [get]
func (a *API) listAPIs(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "agency", "limit", "after")
	if err != nil {
		return err
	}
	f := catalog.APIFilter{After: values.Get("after")}
	if f.Limit, err = limitOf(values); err != nil {
		return err
	}
	if f.Agency, err = idOf(values, "agency"); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[catalog.API], error) {
		list, next, err := a.Catalog.ListAPIs(ctx, who, f)
		return items[catalog.API]{list, next}, err
	})
}

// createAPI answers POST /apis.
//
//	@Summary	Begin a data service of an agency
//	@Tags		apis
//	@Security	bearer
//	@Param		body	body		catalog.NewAPI	true	"what it is"
//	@Success	201		{object}	catalog.API
//	@Router		/apis [post]
func (a *API) createAPI(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n catalog.NewAPI) (catalog.API, string, error) {
		api, err := a.Catalog.CreateAPI(ctx, who, n)
		return api, "/apis/" + api.ID.String(), err
	})
}

// showAPI answers GET /apis/{id}.
//
//	@Summary	One API with the versions that the caller may see
//	@Tags		apis
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.API
//	@Router		/apis/{id} [get]
func (a *API) showAPI(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Catalog.APIByID)
}

// editAPI answers PUT /apis/{id}.
//
//	@Summary	Change the words of an API
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string			true	"id"
//	@Param		body	body		catalog.APIText	true	"the words"
//	@Success	200		{object}	catalog.API
//	@Router		/apis/{id} [put]
func (a *API) editAPI(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, e catalog.APIText) (catalog.API, error) {
		return guarded(r, func() (catalog.API, error) { return a.Catalog.APIByID(ctx, who, id) },
			func() (catalog.API, error) { return a.Catalog.EditAPI(ctx, who, id, e) })
	})
}

// specSource is a document, as text or at a public address: OpenAPI 3.0 or 3.1,
// Swagger 2.0, WSDL 1.1 or a Postman collection, told apart by what it says.
type specSource struct {
	Text string `json:"text"` // YAML, JSON or XML, at most 10 MB
	URL  string `json:"url"`  // read once, now; public addresses only
}

func (a *API) specText(ctx context.Context, who auth.Principal, s specSource) ([]byte, error) {
	if s.URL != "" && s.Text != "" {
		return nil, problem.Errorf(problem.Invalid, "give the document's text or its address, not both").Coded("spec-source")
	}
	if s.URL != "" {
		return a.Catalog.FetchSpec(ctx, who, s.URL)
	}
	return []byte(s.Text), nil
}

// inspectSpec answers POST /specs/inspect.
//
//	@Summary	What stands in a document (OpenAPI, Swagger, WSDL, Postman), and what is wrong with it; nothing is saved
//	@Tags		apis
//	@Security	bearer
//	@Param		body	body		specSource	true	"the document"
//	@Success	200		{object}	spec.Document
//	@Router		/specs/inspect [post]
func (a *API) inspectSpec(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	source, err := decode[specSource](w, r)
	if err != nil {
		return err
	}
	text, err := a.specText(r.Context(), who, source)
	if err != nil {
		return err
	}
	var document *spec.Document
	if document, err = a.Catalog.InspectSpec(r.Context(), who, text); err != nil {
		return err
	}
	return answer(w, r, document)
}

// newVersion is a version to be made: its number and its document.
type newVersion struct {
	Number string `json:"number"` // v1, v2 …
	specSource
}

// createVersion answers POST /apis/{id}/versions.
//
//	@Summary	Make a draft version from a document: OpenAPI, Swagger 2.0, WSDL 1.1, a Postman collection
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string		true	"id of the API"
//	@Param		body	body		newVersion	true	"number and document"
//	@Success	201		{object}	catalog.Version
//	@Router		/apis/{id}/versions [post]
func (a *API) createVersion(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n newVersion) (catalog.Version, string, error) {
		text, err := a.specText(ctx, who, n.specSource)
		if err != nil {
			return catalog.Version{}, "", err
		}
		v, err := a.Catalog.CreateVersion(ctx, who, id, n.Number, text)
		return v, "/versions/" + v.ID.String(), err
	})
}

// showVersion answers GET /versions/{id}.
//
//	@Summary	One version with its findings
//	@Tags		apis
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.Version
//	@Router		/versions/{id} [get]
func (a *API) showVersion(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Catalog.VersionByID)
}

// showOperations answers GET /versions/{id}/operations.
//
//	@Summary	The operations of a version, in the order of its document
//	@Tags		apis
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	items[catalog.Operation]
//	@Router		/versions/{id}/operations [get]
func (a *API) showOperations(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.Operation], error) {
		list, err := a.Catalog.Operations(ctx, who, id)
		return items[catalog.Operation]{Items: list}, err
	})
}

// markOperations answers PUT /versions/{id}/operations.
//
//	@Summary	Mark operations open, restricted or personal data; all of them or none
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string					true	"id of the version"
//	@Param		body	body		map[string]catalog.Mark	true	"marks by the operations' slugs"
//	@Success	200		{object}	items[catalog.Operation]
//	@Router		/versions/{id}/operations [put]
func (a *API) markOperations(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, marks map[string]catalog.Mark) (items[catalog.Operation], error) {
		list, err := a.Catalog.MarkOperations(ctx, who, id, marks)
		return items[catalog.Operation]{Items: list}, err
	})
}

// versionSpec answers GET /versions/{id}/openapi.json.
//
//	@Summary	The OpenAPI document of a version, as JSON
//	@Tags		apis
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	map[string]any
//	@Router		/versions/{id}/openapi.json [get]
func (a *API) versionSpec(w http.ResponseWriter, r *http.Request) error {
	who, err := a.who(r)
	if err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	text, err := a.Catalog.SpecJSON(r.Context(), who, id, a.Gateway)
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, text)
}

// upstreamChoice is where the gateway forwards to: one address, or several.
type upstreamChoice struct {
	URL       string          `json:"url,omitempty"`       // http or https; its host and port must be approved for the agency
	Upstreams []upstreamShare `json:"upstreams,omitempty"` // in place of url: 1 to 8 addresses
}

// upstreamShare is one of several addresses.
type upstreamShare struct {
	URL    string `json:"url"`              // as the only one's, with its own base path
	Weight *int   `json:"weight,omitempty"` // 1 to 100, absent: 1; its share of the calls
}

// setUpstream answers PUT /versions/{id}/upstream.
//
//	@Summary	Name where the gateway forwards to
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string		true	"id of the version"
//	@Param		body	body		upstreamChoice	true	"the address, or several with weights"
//	@Success	200		{object}	catalog.Version
//	@Router		/versions/{id}/upstream [put]
func (a *API) setUpstream(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, u upstreamChoice) (catalog.Version, error) {
		if len(u.Upstreams) == 0 {
			return a.Catalog.SetUpstream(ctx, who, id, u.URL)
		}
		if u.URL != "" {
			return catalog.Version{}, problem.Errorf(problem.Invalid, "url and upstreams are given").Coded("upstream-one-or-several").
				Wrong("url", "upstream-one-or-several", "given beside upstreams")
		}
		return a.Catalog.SetUpstreams(ctx, who, id, shares(u.Upstreams))
	})
}

// shares are addresses with their weights, 1 where none is given.
func shares(given []upstreamShare) []catalog.UpstreamShare {
	list := make([]catalog.UpstreamShare, len(given))
	for i, share := range given {
		list[i] = catalog.UpstreamShare{URL: share.URL, Weight: 1}
		if share.Weight != nil {
			list[i].Weight = *share.Weight
		}
	}
	return list
}

// planChoice names a plan.
type planChoice struct {
	Plan string `json:"plan"` // slug
}

// setPlan answers PUT /versions/{id}/plan.
//
//	@Summary	Choose the plan
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string		true	"id of the version"
//	@Param		body	body		planChoice	true	"the plan"
//	@Success	200		{object}	catalog.Version
//	@Router		/versions/{id}/plan [put]
func (a *API) setPlan(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, p planChoice) (catalog.Version, error) {
		return a.Catalog.SetPlan(ctx, who, id, p.Plan)
	})
}

// submitVersion answers POST /versions/{id}/submit.
//
//	@Summary	Put a draft up for review
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	catalog.Version
//	@Router		/versions/{id}/submit [post]
func (a *API) submitVersion(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.SubmitVersion)
}

// publishVersion answers POST /versions/{id}/publish.
//
//	@Summary	Make a version public and callable
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	catalog.Version
//	@Router		/versions/{id}/publish [post]
func (a *API) publishVersion(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.PublishVersion)
}

// listPlans answers GET /plans.
//
//	@Summary	The plans, the freest first
//	@Tags		apis
//	@Success	200	{object}	items[catalog.Plan]
//	@Router		/plans [get]
func (a *API) listPlans(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[catalog.Plan], error) {
		list, err := a.Catalog.Plans(ctx)
		return items[catalog.Plan]{Items: list}, err
	})
}

// listUpstreams answers GET /agencies/{id}/upstreams.
//
//	@Summary	Hosts and ports that an agency's versions may forward to
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	items[catalog.Upstream]
//	@Router		/agencies/{id}/upstreams [get]
func (a *API) listUpstreams(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.Upstream], error) {
		list, err := a.Catalog.Upstreams(ctx, who, id)
		return items[catalog.Upstream]{Items: list}, err
	})
}

// hostPort names a host and port.
type hostPort struct {
	HostPort string `json:"host_port"` // 10.1.2.3:8080, one-stop.example.vn:443
}

// requestUpstream answers POST /agencies/{id}/upstreams.
//
//	@Summary	Ask for a host and port to be approved
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string		true	"id of the agency"
//	@Param		body	body		hostPort	true	"where"
//	@Success	200		{object}	catalog.Upstream
//	@Router		/agencies/{id}/upstreams [post]
func (a *API) requestUpstream(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, h hostPort) (catalog.Upstream, error) {
		return a.Catalog.RequestUpstream(ctx, who, id, h.HostPort)
	})
}

// approveUpstream answers POST /agencies/{id}/upstreams/approve.
//
//	@Summary	Approve a host and port of an agency
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string		true	"id of the agency"
//	@Param		body	body		hostPort	true	"where"
//	@Success	200		{object}	catalog.Upstream
//	@Router		/agencies/{id}/upstreams/approve [post]
func (a *API) approveUpstream(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, h hostPort) (catalog.Upstream, error) {
		return a.Catalog.ApproveUpstream(ctx, who, id, h.HostPort)
	})
}
