package portal

import (
	"context"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// The steps of an agency's beginning, in their order.
const (
	stepPublisher = "publisher" // somebody publishes
	stepStewards  = "stewards"  // two decide, so that one may be away
	stepContact   = "contact"   // somebody answers, as published
	stepUpstream  = "upstream"  // the operator approved where calls go to; not asked of who has datasets only
	stepOffer     = "offer"     // there is an API or a dataset
)

// onboardingStep is one thing that a new agency has to do.
type onboardingStep struct {
	Step string `json:"step"` // publisher, stewards, contact, upstream, offer
	Done bool   `json:"done"`
}

// beginning is what an agency's steps are judged by.
type beginning struct {
	Agency   auth.Agency
	Members  []auth.Member
	Upstream bool // one is approved
	APIs     []catalog.API
	Datasets []catalog.Dataset
}

// steps are what the agency has done of its beginning, and has not.
func (s beginning) steps() []onboardingStep {
	stewards := 0
	for _, m := range s.Members {
		if m.Role == auth.RoleSteward {
			stewards++
		}
	}
	return []onboardingStep{
		{stepPublisher, slices.ContainsFunc(s.Members, func(m auth.Member) bool { return m.Role == auth.RolePublisher })},
		{stepStewards, stewards >= 2},
		{stepContact, s.Agency.FocalEmail != "" || s.Agency.FocalPhone != ""},
		{stepUpstream, s.Upstream || len(s.APIs) == 0 && len(s.Datasets) > 0},
		{stepOffer, len(s.APIs)+len(s.Datasets) > 0},
	}
}

// undone are the steps, when one is left to do; else nil: nobody need see them.
func undone(steps []onboardingStep) []onboardingStep {
	if slices.ContainsFunc(steps, func(s onboardingStep) bool { return !s.Done }) {
		return steps
	}
	return nil
}

// onboardingSteps answers GET /agencies/{id}/onboarding.
//
//	@Summary	What a new agency has done of its beginning, for its stewards and the operator
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	items[onboardingStep]
//	@Router		/agencies/{id}/onboarding [get]
func (a *API) onboardingSteps(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[onboardingStep], error) {
		var s beginning
		var err error
		if s.Members, err = a.Auth.Members(ctx, who, id); err != nil {
			return items[onboardingStep]{}, err
		}
		agencies, err := a.Auth.Agencies(ctx, []uuid.UUID{id})
		if err != nil {
			return items[onboardingStep]{}, err
		}
		if s.Agency = agencies[id]; s.Agency.ID != id {
			return items[onboardingStep]{}, problem.Errorf(problem.NotFound, "no agency %s", id).Coded("agency-unknown")
		}
		if s.Upstream, err = a.Catalog.UpstreamStands(ctx, id); err != nil {
			return items[onboardingStep]{}, err
		}
		if s.APIs, _, err = a.Catalog.ListAPIs(ctx, who, catalog.APIFilter{Agency: id, Limit: 1}); err != nil {
			return items[onboardingStep]{}, err
		}
		s.Datasets, _, err = a.Catalog.ListDatasets(ctx, who, catalog.DatasetFilter{Agency: id, Limit: 1})
		return items[onboardingStep]{Items: s.steps()}, err
	})
}
