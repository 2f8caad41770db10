package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/portal/report"
)

func (a *API) monthReportRoutes(r routes) {
	r.get("/reports/{month}", a.showProvinceReport)
	r.get("/agencies/{id}/reports/{month}", a.showAgencyReport)
}

// showProvinceReport answers GET /reports/{month}.
//
//	@Summary		What a month came to in the whole province, beside the month before; the operator's and the auditor's
//	@Description	From the first working day after the month it is kept and does not change (kept); until then it is counted when asked for.
//	@Tags			evidence
//	@Security		bearer
//	@Param			month	path		string	true	"YYYY-MM, at most 36 back"
//	@Success		200		{object}	report.Report
//	@Router			/reports/{month} [get]
func (a *API) showProvinceReport(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (report.Report, error) {
		return a.Reports.Of(ctx, who, uuid.Nil, mux.Vars(r)["month"])
	})
}

// showAgencyReport answers GET /agencies/{id}/reports/{month}.
//
//	@Summary		What a month came to for an agency, beside the month before, and which applications stopped calling
//	@Description	From the first working day after the month it is kept and does not change (kept); until then it is counted when asked for.
//	@Tags			evidence
//	@Security		bearer
//	@Param			id		path		string	true	"id of the agency"
//	@Param			month	path		string	true	"YYYY-MM, at most 36 back"
//	@Success		200		{object}	report.Report
//	@Router			/agencies/{id}/reports/{month} [get]
func (a *API) showAgencyReport(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (report.Report, error) {
		return a.Reports.Of(ctx, who, id, mux.Vars(r)["month"])
	})
}
