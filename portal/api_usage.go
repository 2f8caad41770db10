package portal

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

func (a *API) usageRoutes(r routes) {
	r.get("/usage", a.portalUsage)
	r.get("/usage/datasets", a.listUsage)
	r.post("/usage/dataset", a.publishUsage)
	r.get("/datasets/{slug}/usage", a.datasetUsage)
}

// monthsOf is the parameter months; none is twelve.
func monthsOf(values url.Values) (int, error) {
	text := values.Get("months")
	if text == "" {
		return usageMonths, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > catalog.MaxUsageMonths {
		return 0, problem.Errorf(problem.Invalid, "months is 1 to %d", catalog.MaxUsageMonths).
			Coded("usage-months", "most", strconv.Itoa(catalog.MaxUsageMonths))
	}
	return n, nil
}

// portalUsage answers GET /usage.
//
//	@Summary	How often all public datasets, and the catalogue as a whole, were used, month by month
//	@Tags		usage
//	@Param		months	query		int	false	"1 to 60, default 12; the running month is the last"
//	@Success	200		{object}	items[catalog.PortalUsage]
//	@Router		/usage [get]
func (a *API) portalUsage(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "months")
	if err != nil {
		return err
	}
	months, err := monthsOf(values)
	if err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[catalog.PortalUsage], error) {
		list, err := a.Catalog.PortalUsageOf(ctx, months)
		return items[catalog.PortalUsage]{Items: list}, err
	})
}

// listUsage answers GET /usage/datasets.
//
//	@Summary	Public datasets by their use, the most used first
//	@Tags		usage
//	@Param		agency	query		string	false	"id of an agency"
//	@Param		from	query		string	false	"first month, as 2026-01; none: twelve months ago"
//	@Param		to		query		string	false	"last month, as 2026-12; none: this one"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	items[catalog.DatasetUsage]
//	@Router		/usage/datasets [get]
func (a *API) listUsage(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "agency", "from", "to", "limit", "after")
	if err != nil {
		return err
	}
	f := catalog.UsageFilter{From: values.Get("from"), To: values.Get("to"), After: values.Get("after")}
	if f.Agency, err = idOf(values, "agency"); err != nil {
		return err
	}
	if f.Limit, err = limitOf(values); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[catalog.DatasetUsage], error) {
		list, next, err := a.Catalog.MostUsed(ctx, f)
		return items[catalog.DatasetUsage]{list, next}, err
	})
}

// usagePublisher is who publishes the use.
type usagePublisher struct {
	Agency uuid.UUID `json:"agency"` // id
}

// publishUsage answers POST /usage/dataset.
//
//	@Summary	Have an agency publish the use as a dataset of its own: a draft, kept new by the platform; the operator's
//	@Tags		usage
//	@Security	bearer
//	@Param		body	body		usagePublisher	true	"the agency"
//	@Success	201		{object}	catalog.Dataset
//	@Router		/usage/dataset [post]
func (a *API) publishUsage(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, by usagePublisher) (catalog.Dataset, string, error) {
		d, err := a.Catalog.BeginUsageDataset(ctx, who, by.Agency)
		return d, "/datasets/" + d.Slug, err
	})
}

// datasetUsage answers GET /datasets/{slug}/usage.
//
//	@Summary	How often a dataset was used, month by month and by distribution: openings of its page, downloads, calls for rows
//	@Tags		usage
//	@Param		slug	path		string	true	"slug"
//	@Param		months	query		int		false	"1 to 60, default 12; the running month is the last"
//	@Success	200		{object}	items[catalog.UsageMonth]
//	@Router		/datasets/{slug}/usage [get]
func (a *API) datasetUsage(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "months")
	if err != nil {
		return err
	}
	months, err := monthsOf(values)
	if err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[catalog.UsageMonth], error) {
		d, err := a.Catalog.DatasetBySlug(ctx, who, mux.Vars(r)["slug"])
		if err != nil {
			return items[catalog.UsageMonth]{}, err
		}
		list, err := a.Catalog.UsageOf(ctx, d, months)
		return items[catalog.UsageMonth]{Items: list}, err
	})
}
