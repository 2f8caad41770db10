package portal

import (
	"net/http"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/ledger"
)

// agencyDeskData is the data of the page "agency-desk".
type agencyDeskData struct {
	desk
	Requests    []waitingRequest
	Flagged     []agreement.Agreement // whose clause is no longer in force
	Drafts      []draftVersion        // not public yet, and what they lack
	Hosts       []catalog.Upstream    // asked for, not approved yet
	Due         int                   // duties about datasets
	Overdue     int                   // of those
	Moving      []catalog.Dataset     // in review, approved, or returned with a reason
	Posts       int                   // said about the agency's data, and waiting for a steward
	Reuses      int                   // made of the agency's data, and waiting for a steward
	Unconfirmed int                   // running agreements that are to be confirmed
	Wanted      int                   // data requests that wait for a decision
	APIs        []catalog.API
	Datasets    []catalog.Dataset
	Promotions  []catalog.WaitingPromotion // bundles on their way to being live
	Members     []auth.Member
	Steps       []onboardingStep // of the agency's beginning; none: all is done, or not the reader's to do
	Exchanges   []exchangeRow
}

// Quiet reports that nothing waits for anyone at this desk.
func (d agencyDeskData) Quiet() bool {
	return len(d.Requests)+len(d.Flagged)+len(d.Drafts)+len(d.Hosts)+len(d.Moving)+len(d.Promotions)+d.Posts+d.Reuses+d.Wanted+d.Due+d.Unconfirmed == 0
}

// EditsDatasets reports whether the reader may edit the agency's datasets.
func (d agencyDeskData) EditsDatasets() bool { return d.May("dataset.edit") }

// waitingRequest is a request that the agency has to decide.
type waitingRequest struct {
	agreement.Agreement
	Term agreement.Term // of what waits
}

// OwnedBy is whose application asks: an agency or a person; nil: nobody's any more.
func (r waitingRequest) OwnedBy() *uuid.UUID {
	for _, id := range []uuid.UUID{r.OwnerAgencyID, r.OwnerPersonID} {
		if id != uuid.Nil {
			return &id
		}
	}
	return nil
}

// draftVersion is a version that is not public yet.
type draftVersion struct {
	catalog.Version
	Errors int // in its document
}

// agencyDesk answers GET /agency/{agency}: what waits today, then what there is.
func (p *Portal) agencyDesk(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	data := agencyDeskData{desk: d}
	ctx, agency := r.Context(), d.Agency.ID
	if data.Requests, _, err = p.waitingIn(r, d, requestsData{}); err != nil {
		return page{}, err
	}
	if data.Flagged, err = p.Agreements.Flagged(ctx, d.who, agency); err != nil {
		return page{}, err
	}
	if data.APIs, _, err = p.Catalog.ListAPIs(ctx, d.who, catalog.APIFilter{Agency: agency, Limit: 100}); err != nil {
		return page{}, err
	}
	data.Drafts = drafts(data.APIs)
	if data.Promotions, err = p.Catalog.WaitingPromotions(ctx, d.who, agency); err != nil {
		return page{}, err
	}
	if data.Datasets, _, err = p.Catalog.ListDatasets(ctx, d.who, catalog.DatasetFilter{Agency: agency, Limit: 100}); err != nil {
		return page{}, err
	}
	for _, set := range data.Datasets {
		if set.State == catalog.Review || set.State == catalog.Approved || set.State == catalog.Draft && set.StateReason != "" {
			data.Moving = append(data.Moving, set)
		}
	}
	wanted, _, err := p.Catalog.DataRequests(ctx, d.who, catalog.DataRequestFilter{Agency: agency, State: catalog.Received, Limit: 100})
	if err != nil {
		return page{}, err
	}
	data.Wanted = len(wanted)
	if d.May("dataset.approve") {
		posts, err := p.Catalog.WaitingPosts(ctx, d.who, agency)
		if err != nil {
			return page{}, err
		}
		data.Posts = len(posts)
		if data.Reuses, err = p.Catalog.WaitingReuses(ctx, d.who, agency); err != nil {
			return page{}, err
		}
	}
	unconfirmed, err := p.Agreements.Unconfirmed(ctx, d.who, agency)
	if err != nil {
		return page{}, err
	}
	data.Unconfirmed = len(unconfirmed)
	if data.Due, data.Overdue, err = p.duties(ctx, d.who, d); err != nil {
		return page{}, err
	}
	hosts, err := p.hosts(r, d)
	if err != nil {
		return page{}, err
	}
	for _, host := range hosts {
		if host.ApprovedAt == nil {
			data.Hosts = append(data.Hosts, host)
		}
	}
	if d.May("member.edit") {
		if data.Members, err = p.Auth.Members(ctx, d.who, agency); err != nil {
			return page{}, err
		}
		stands, err := p.Catalog.UpstreamStands(ctx, agency)
		if err != nil {
			return page{}, err
		}
		data.Steps = undone(beginning{Agency: d.Agency, Members: data.Members, Upstream: stands, APIs: data.APIs, Datasets: data.Datasets}.steps())
	}
	list, err := p.Ledger.ListExchanges(ctx, d.who, ledger.ExchangeFilter{Agency: agency, Limit: 10})
	if err != nil {
		return page{}, err
	}
	data.Exchanges, err = p.exchangeRows(r, list.Items)
	return page{Name: "agency-desk", Data: data}, err
}

// drafts are the versions that are not public yet.
func drafts(apis []catalog.API) []draftVersion {
	var list []draftVersion
	for _, api := range apis {
		for _, v := range api.Versions {
			if v.State == catalog.Draft || v.State == catalog.Review || v.State == catalog.Sandbox {
				list = append(list, draftVersion{Version: v, Errors: countErrors(v.Findings)})
			}
		}
	}
	return list
}

// hosts are the agency's upstreams; none for who has nothing to do with them.
func (p *Portal) hosts(r *http.Request, d desk) ([]catalog.Upstream, error) {
	list, err := p.Catalog.Upstreams(r.Context(), d.who, d.Agency.ID)
	if problem.Is(err, problem.Forbidden) {
		return nil, nil
	}
	return list, err
}

// exchangeRow is one call as officials and auditors read it.
type exchangeRow struct {
	ledger.ExchangeEntry
	Application string           // its name, "" when nobody was recognised
	Version     *catalog.Version // nil when no route matched
	Refusal     string           // what the gateway refused it with, in words
}

// Milliseconds is how long the call took, as exact as a reader wants it.
func (e exchangeRow) Milliseconds() float64 { return milliseconds(e.Micros) }

// exchangeRows adds to calls the names of who called what.
func (p *Portal) exchangeRows(r *http.Request, list []ledger.ExchangeEntry) ([]exchangeRow, error) {
	ctx := r.Context()
	var ids []uuid.UUID
	for _, e := range list {
		ids = append(ids, e.ApplicationID)
	}
	applications, err := p.Auth.ApplicationsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	versions := map[uuid.UUID]*catalog.Version{}
	rows := make([]exchangeRow, len(list))
	for i, e := range list {
		v, known := versions[e.VersionID]
		if !known && e.VersionID != uuid.Nil {
			found, err := p.Catalog.VersionByID(ctx, whoever(r), e.VersionID)
			if err != nil && !problem.Is(err, problem.NotFound) {
				return nil, err
			}
			if err == nil {
				v = &found
			}
			versions[e.VersionID] = v
		}
		rows[i] = exchangeRow{ExchangeEntry: e, Application: applications[e.ApplicationID].Name, Version: v}
		if e.Code != "" {
			rows[i].Refusal, _ = wordsOfCode(r, e.Code)
		}
	}
	return rows, nil
}
