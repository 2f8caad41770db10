package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
)

// agreementEffect answers POST /agreements/{id}/effect.
//
//	@Summary	Who would lose or gain what if an agreement were approved, suspended, resumed or ended; nothing is done
//	@Description	It fails as the act itself would; a reason is not asked for.
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string			true	"id"
//	@Param		body	body		AgreementAct	true	"what is about to be done"
//	@Success	200		{object}	Effect
//	@Router		/agreements/{id}/effect [post]
func (a *API) agreementEffect(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, act AgreementAct) (Effect, error) {
		return a.AgreementEffect(ctx, who, id, act)
	})
}

// versionEffect answers POST /versions/{id}/effect.
//
//	@Summary	Who would lose or gain what if a version's plan, traffic (with its conditions) or marks were set, or what is prepared went live; nothing is set
//	@Description	It fails as setting them would. Of a version that is not public nobody loses anything.
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string			true	"id of the version"
//	@Param		body	body		VersionChange	true	"what is about to be set"
//	@Success	200		{object}	Effect
//	@Router		/versions/{id}/effect [post]
func (a *API) versionEffect(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, change VersionChange) (Effect, error) {
		return a.VersionEffect(ctx, who, id, change)
	})
}
