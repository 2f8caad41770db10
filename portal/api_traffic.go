package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/gateway"
)

// showTraffic answers GET /versions/{id}/traffic.
//
//	@Summary	How a version's calls are held and sent beside its plan; for its agency's own people
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	gateway.Traffic
//	@Router		/versions/{id}/traffic [get]
func (a *API) showTraffic(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.traffic)
}

// setTraffic answers PUT /versions/{id}/traffic.
//
//	@Summary	Say how a version's calls are held and sent, in place of all that was said; of a published one, within a second
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string			true	"id of the version"
//	@Param		body	body		gateway.Traffic	true	"what is left out is as the platform has it"
//	@Success	200		{object}	gateway.Traffic
//	@Router		/versions/{id}/traffic [put]
func (a *API) setTraffic(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, t gateway.Traffic) (gateway.Traffic, error) {
		return guarded(r, func() (gateway.Traffic, error) { return a.traffic(ctx, who, id) },
			func() (gateway.Traffic, error) {
				document, err := json.Marshal(t)
				if err != nil {
					return gateway.Traffic{}, fmt.Errorf("write traffic: %w", err)
				}
				v, err := a.Catalog.SetTraffic(ctx, who, id, document)
				if err != nil {
					return gateway.Traffic{}, err
				}
				return trafficOf(v.Traffic)
			})
	})
}

func (a *API) traffic(ctx context.Context, who auth.Principal, version uuid.UUID) (gateway.Traffic, error) {
	document, err := a.Catalog.Traffic(ctx, who, version)
	if err != nil {
		return gateway.Traffic{}, err
	}
	return trafficOf(document)
}

// trafficOf reads what the catalogue keeps; what a later version of the
// platform put there is left out.
func trafficOf(document json.RawMessage) (gateway.Traffic, error) {
	var t gateway.Traffic
	if err := json.Unmarshal(document, &t); err != nil {
		return t, fmt.Errorf("read traffic: %w", err)
	}
	return t, nil
}
