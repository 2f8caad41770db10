package portal

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// promotionRoutes are how a version, or what is prepared beside it, goes live
// as one bundle.
func (a *API) promotionRoutes(r routes) {
	r.get("/versions/{id}/promotion", a.showPromotion)
	r.put("/versions/{id}/promotion", a.preparePromotion)
	r.remove("/versions/{id}/promotion", a.dropPromotion)
	r.post("/versions/{id}/propose", a.proposePromotion)
	r.post("/versions/{id}/promote", a.promote)
	r.post("/versions/{id}/return", a.returnPromotion)
	r.get("/agencies/{id}/promotions", a.listPromotions)
	r.get("/agencies/{id}/release-rule", a.showReleaseRule)
	r.put("/agencies/{id}/release-rule", a.setReleaseRule)
}

// toldRelease is what would go live, in words.
type toldRelease struct {
	catalog.Release
	Text    string          `json:"text"` // the bundle's document
	Changes revisionChanges `json:"changes"`
	Broken  []toldBroken    `json:"broken"`
	Refusal string          `json:"refusal"` // the problem code that it would be refused with; "": it may go live
	Missing []missing       `json:"missing"`
}

// toldBroken is something that callers rely on, in words.
type toldBroken struct {
	catalog.Broken
	VI string `json:"vi"`
	EN string `json:"en"`
}

// missing is one thing that keeps a bundle from going live.
type missing struct {
	Name string `json:"name"` // as the method that sets it calls it
	Code string `json:"code"`
	VI   string `json:"vi"`
	EN   string `json:"en"`
}

func tellRelease(r catalog.Release) toldRelease {
	told := toldRelease{Release: r, Text: r.Bundle.Text, Changes: toldChanges(r.Changes), Broken: []toldBroken{}, Missing: []missing{}}
	for _, b := range r.Broken {
		told.Broken = append(told.Broken, toldBroken{b, b.Words("vi"), b.Words("en")})
	}
	if r.Refusal() != nil {
		told.Refusal = problem.Code(r.Refusal())
	}
	for _, f := range r.Missing {
		told.Missing = append(told.Missing, missing{f.Name, f.Code, f.Words("vi"), f.Words("en")})
	}
	return told
}

// showPromotion answers GET /versions/{id}/promotion.
//
//	@Summary		What would go live of a version, whole: what is prepared beside it or the version itself, what is otherwise than now, and what keeps it from going live
//	@Description	For the agency's people. Of a version that is not public the comparison is with the newest version of the API that is.
//	@Tags			apis
//	@Security		bearer
//	@Param			id	path		string	true	"id of the version"
//	@Success		200	{object}	toldRelease
//	@Router			/versions/{id}/promotion [get]
func (a *API) showPromotion(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.release)
}

func (a *API) release(ctx context.Context, who auth.Principal, id uuid.UUID) (toldRelease, error) {
	release, err := a.Catalog.ReleaseOf(ctx, who, id)
	return tellRelease(release), err
}

// preparation is what is to be otherwise than what is live; what is left out
// stays as it is prepared already, or as it is live.
type preparation struct {
	Text       string                  `json:"text,omitempty"`       // document
	Plan       string                  `json:"plan,omitempty"`       // slug
	Operations map[string]catalog.Mark `json:"operations,omitempty"` // marks, by slug
	Upstreams  []upstreamShare         `json:"upstreams,omitempty"`
	Traffic    json.RawMessage         `json:"traffic,omitempty" swaggertype:"object"` // as PUT /versions/{id}/traffic takes it
	Pages      *[]catalog.DocPage      `json:"pages,omitempty"`
	Restore    int                     `json:"restore,omitempty"` // number of an earlier revision, before the others
	Why        string                  `json:"why,omitempty"`     // at most 1,000 characters
}

// do changes a version part by part.
func (p preparation) do(ctx context.Context, c *catalog.Catalog, who auth.Principal, id uuid.UUID) error {
	steps := []struct {
		given bool
		do    func() error
	}{
		{p.Restore != 0, func() error { _, err := c.RestoreRevision(ctx, who, id, p.Restore, ""); return err }},
		{p.Text != "", func() error { _, err := c.ReplaceSpec(ctx, who, id, catalog.Save{Text: []byte(p.Text)}); return err }},
		{p.Plan != "", func() error { _, err := c.SetPlan(ctx, who, id, p.Plan); return err }},
		{len(p.Operations) > 0, func() error { _, err := c.MarkOperations(ctx, who, id, p.Operations); return err }},
		{len(p.Upstreams) > 0, func() error { _, err := c.SetUpstreams(ctx, who, id, shares(p.Upstreams)); return err }},
		{len(p.Traffic) > 0, func() error { _, err := c.SetTraffic(ctx, who, id, p.Traffic); return err }},
		{p.Pages != nil, func() error { _, err := c.SetDocPages(ctx, who, id, *p.Pages, ""); return err }},
	}
	none := true
	for _, step := range steps {
		if !step.given {
			continue
		}
		none = false
		if err := step.do(); err != nil {
			return err
		}
	}
	if none {
		return problem.Errorf(problem.Invalid, "nothing is prepared").Coded("body-empty")
	}
	return nil
}

// preparePromotion answers PUT /versions/{id}/promotion.
//
//	@Summary		Prepare a change of a live version beside it: several parts together, none of them in force
//	@Description	It is held to what setting the parts would be held to, and fails as that does. What was proposed has to be proposed anew. If what is live changed meanwhile, the other parts are brought onto it.
//	@Tags			apis
//	@Security		bearer
//	@Param			id		path		string		true	"id of the version"
//	@Param			body	body		preparation	true	"what is to be otherwise"
//	@Success		200		{object}	toldRelease
//	@Router			/versions/{id}/promotion [put]
func (a *API) preparePromotion(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, p preparation) (toldRelease, error) {
		err := a.Catalog.Prepare(ctx, who, id, p.Why, func(would *catalog.Catalog) error { return p.do(ctx, would, who, id) })
		if err != nil {
			return toldRelease{}, err
		}
		return a.release(ctx, who, id)
	})
}

// dropPromotion answers DELETE /versions/{id}/promotion.
//
//	@Summary	Give up what is prepared or proposed; the version stays as it is
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	catalog.Version
//	@Router		/versions/{id}/promotion [delete]
func (a *API) dropPromotion(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.DropPromotion)
}

// proposing says why a bundle is to go live.
type proposing struct {
	Why string `json:"why,omitempty"` // at most 1,000 characters; kept with the revision
}

// proposePromotion answers POST /versions/{id}/propose.
//
//	@Summary	Put what is prepared, or a version that is not public, before a steward
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string		true	"id of the version"
//	@Param		body	body		proposing	true	"why"
//	@Success	200		{object}	catalog.Version
//	@Router		/versions/{id}/propose [post]
func (a *API) proposePromotion(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, b proposing) (catalog.Version, error) {
		return a.Catalog.ProposePromotion(ctx, who, id, b.Why)
	})
}

// promoting names the bundle that was read.
type promoting struct {
	Hash string `json:"hash"` // of GET /versions/{id}/promotion
}

// promote answers POST /versions/{id}/promote.
//
//	@Summary		Make a proposed bundle live, whole or not at all, on every gateway at once
//	@Description	A steward's or the operator's, and never of those who prepared or proposed it (403 promotion-own). 409 promotion-changed: it is another bundle than was read; promotion-behind: what it was prepared on has changed.
//	@Tags			apis
//	@Security		bearer
//	@Param			id		path		string		true	"id of the version"
//	@Param			body	body		promoting	true	"the bundle that was read"
//	@Success		200		{object}	catalog.Version
//	@Router			/versions/{id}/promote [post]
func (a *API) promote(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, b promoting) (catalog.Version, error) {
		return a.Catalog.Promote(ctx, who, id, b.Hash)
	})
}

// returning says what is to be done before a bundle goes live.
type returning struct {
	Answer string `json:"answer"` // at most 1,000 characters
}

// returnPromotion answers POST /versions/{id}/return.
//
//	@Summary	Give a proposed bundle back with what is to be done; a steward's or the operator's
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string		true	"id of the version"
//	@Param		body	body		returning	true	"what is to be done"
//	@Success	200		{object}	catalog.Version
//	@Router		/versions/{id}/return [post]
func (a *API) returnPromotion(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, b returning) (catalog.Version, error) {
		return a.Catalog.ReturnPromotion(ctx, who, id, b.Answer)
	})
}

// listPromotions answers GET /agencies/{id}/promotions.
//
//	@Summary	Bundles of an agency that are prepared or proposed and not decided, at most 100, for its own people
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	items[catalog.WaitingPromotion]
//	@Router		/agencies/{id}/promotions [get]
func (a *API) listPromotions(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.WaitingPromotion], error) {
		list, err := a.Catalog.WaitingPromotions(ctx, who, id)
		return items[catalog.WaitingPromotion]{Items: list}, err
	})
}

// showReleaseRule answers GET /agencies/{id}/release-rule.
//
//	@Summary	Whether an agency demands two persons for what goes live
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	catalog.ReleaseRule
//	@Router		/agencies/{id}/release-rule [get]
func (a *API) showReleaseRule(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Catalog.ReleaseRuleOf)
}

// setReleaseRule answers PUT /agencies/{id}/release-rule.
//
//	@Summary	Demand two persons for what goes live; only the operator sets it back
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string				true	"id of the agency"
//	@Param		body	body		catalog.ReleaseRule	true	"the rule"
//	@Success	200		{object}	catalog.ReleaseRule
//	@Router		/agencies/{id}/release-rule [put]
func (a *API) setReleaseRule(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Catalog.SetReleaseRule)
}
