package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// dataRequestRoutes are read without an account; to ask, to vote and to decide
// takes one.
func (p *Portal) dataRequestRoutes(r *mux.Router) {
	r.Handle("/data-requests", p.page(p.dataRequests)).Methods("GET", "HEAD")
	r.Handle("/data-requests", p.page(p.requestData)).Methods("POST")
	r.Handle("/data-requests/{id}", p.page(p.dataRequest)).Methods("GET", "HEAD")
	r.Handle("/data-requests/{id}/vote", p.page(p.voteFor)).Methods("POST")
	r.Handle("/data-requests/{id}/decide", p.page(p.decideRequest)).Methods("POST")
	r.Handle("/data-requests/{id}/assign", p.page(p.assignRequest)).Methods("POST")
	r.Handle("/agency/{agency}/data-requests", p.page(p.agencyDataRequests)).Methods("GET", "HEAD")
}

// dataRequestsData is the data of the page "data-requests".
type dataRequestsData struct {
	List     []dataRequestView
	Next     string // address of the next page; "" when there is none
	SignedIn bool
	State    string
	ByVotes  bool
	Inbox    bool // of an agency, or of the operators: nothing is asked for here
	Agencies []web.Option
	Desk     *desk // of the agency whose inbox it is
	states   []string
}

// dataRequestView is a request with how it stands.
type dataRequestView struct {
	catalog.DataRequest
	Overdue bool
}

// States are what the list can be narrowed to.
func (d dataRequestsData) States() []string { return d.states }

var shownStates = []string{catalog.Received, catalog.Accepted, catalog.InProgress, catalog.Published, catalog.Declined}

// dataRequests answers GET /data-requests; with ?unassigned=1 those that no
// agency has, for the operator.
func (p *Portal) dataRequests(r *http.Request) (page, error) {
	q := r.URL.Query()
	f := catalog.DataRequestFilter{State: q.Get("state"), ByVotes: q.Get("sort") == "votes", Unassigned: q.Get("unassigned") == "1", After: q.Get("after")}
	data, err := p.listRequests(r, f)
	if err != nil {
		return page{}, err
	}
	data.Inbox = f.Unassigned
	if data.Agencies, err = p.agencyChoices(r); err != nil {
		return page{}, err
	}
	return page{Name: "data-requests", Data: data}, nil
}

func (p *Portal) listRequests(r *http.Request, f catalog.DataRequestFilter) (dataRequestsData, error) {
	data := dataRequestsData{SignedIn: whoever(r).SignedIn(), State: f.State, ByVotes: f.ByVotes, states: shownStates}
	if f.State != "" && !slices.Contains(append(slices.Clone(shownStates), catalog.Held, catalog.Hidden), f.State) {
		return data, problem.Errorf(problem.NotFound, "no state %s", f.State)
	}
	list, next, err := p.Catalog.DataRequests(r.Context(), whoever(r), f)
	if err != nil {
		return data, err
	}
	for _, one := range list {
		data.List = append(data.List, p.requestView(one))
	}
	if next != "" {
		data.Next = r.URL.Path + "?" + with(r.URL.Query(), "after", next).Encode()
	}
	return data, nil
}

func (p *Portal) requestView(r catalog.DataRequest) dataRequestView {
	return dataRequestView{DataRequest: r, Overdue: r.IsOpen() && p.Now().After(r.DueAt)}
}

// agencyChoices are the agencies that can be asked, by slug.
func (p *Portal) agencyChoices(r *http.Request) ([]web.Option, error) {
	var options []web.Option
	for after := ""; ; {
		list, next, err := p.Auth.ListAgencies(r.Context(), auth.Page{Limit: 100, After: after})
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			options = append(options, web.Option{Value: a.Slug, Text: inLanguage(r, a.NameVI, a.NameEN)})
		}
		if after = next; next == "" {
			break
		}
	}
	slices.SortFunc(options, func(a, b web.Option) int { return strings.Compare(a.Text, b.Text) })
	return options, nil
}

// agencyDataRequests answers GET /agency/{agency}/data-requests: the agency's inbox.
func (p *Portal) agencyDataRequests(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	data, err := p.listRequests(r, catalog.DataRequestFilter{Agency: d.Agency.ID, State: r.URL.Query().Get("state"),
		ByVotes: r.URL.Query().Get("sort") == "votes", After: r.URL.Query().Get("after")})
	data.Inbox, data.Desk = true, &d
	data.states = append([]string{catalog.Held}, append(slices.Clone(shownStates), catalog.Hidden)...)
	return page{Name: "data-requests", Data: data}, err
}

// chosenAgency is the agency of the form; none is uuid.Nil.
func (p *Portal) chosenAgency(r *http.Request) (uuid.UUID, error) {
	slug := r.PostFormValue("agency")
	if slug == "" {
		return uuid.Nil, nil
	}
	a, err := p.Auth.AgencyBySlug(r.Context(), slug)
	if problem.Is(err, problem.NotFound) {
		return uuid.Nil, problem.Errorf(problem.Invalid, "no agency %s", slug).Coded("said-invalid").Wrong("agency", "not-in-list", "is not in the list")
	}
	return a.ID, err
}

// requestData answers POST /data-requests.
func (p *Portal) requestData(r *http.Request) (page, error) {
	agency, err := p.chosenAgency(r)
	var made catalog.DataRequest
	if err == nil {
		made, err = p.Catalog.RequestData(r.Context(), whoever(r),
			catalog.NewDataRequest{Title: r.PostFormValue("title"), Text: r.PostFormValue("text"), Agency: agency})
	}
	if err != nil {
		return again(r, p.dataRequests, err)
	}
	return page{To: "/data-requests/" + made.ID.String(), Flash: saidFlash(made.State != catalog.Held)}, nil
}

// dataRequestData is the data of the page "data-request".
type dataRequestData struct {
	dataRequestView
	SignedIn   bool
	MayDecide  bool
	MayAssign  bool
	Agencies   []web.Option
	Choices    []string // states it can be moved to by the reader
	AgencySlug string
}

// dataRequest answers GET /data-requests/{id}.
func (p *Portal) dataRequest(r *http.Request) (page, error) {
	ctx, who := r.Context(), whoever(r)
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	one, err := p.Catalog.DataRequest(ctx, who, id)
	if err != nil {
		return page{}, err
	}
	data := dataRequestData{dataRequestView: p.requestView(one), SignedIn: who.SignedIn(), AgencySlug: one.Agency.Slug}
	if who.SignedIn() {
		steward := p.Catalog.May(ctx, who, "dataset.approve", one.AgencyID) == nil
		moderated := one.State == catalog.Held || one.State == catalog.Hidden
		data.MayDecide = steward || !moderated && p.Catalog.May(ctx, who, "dataset.edit", one.AgencyID) == nil
		data.MayAssign = one.IsOpen() && p.Catalog.May(ctx, who, "dataset.approve", uuid.Nil) == nil
		for _, state := range one.Moves() {
			if state != catalog.Hidden || steward {
				data.Choices = append(data.Choices, state)
			}
		}
	}
	if data.MayAssign {
		if data.Agencies, err = p.agencyChoices(r); err != nil {
			return page{}, err
		}
	}
	return page{Name: "data-request", Data: data}, nil
}

// changeRequest runs a change of the request of the address.
func (p *Portal) changeRequest(r *http.Request, told string, do func(id uuid.UUID) error) (page, error) {
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	if err := do(id); err != nil {
		return again(r, p.dataRequest, err)
	}
	return page{To: "/data-requests/" + id.String(), Flash: &web.Flash{Key: told}}, nil
}

// voteFor answers POST /data-requests/{id}/vote; vote=no takes it back.
func (p *Portal) voteFor(r *http.Request) (page, error) {
	vote, told := p.Catalog.Vote, "wanted.voted"
	if r.PostFormValue("vote") == "no" {
		vote, told = p.Catalog.Unvote, "wanted.unvoted"
	}
	return p.changeRequest(r, told, func(id uuid.UUID) error {
		_, err := vote(r.Context(), whoever(r), id)
		return err
	})
}

// decideRequest answers POST /data-requests/{id}/decide.
func (p *Portal) decideRequest(r *http.Request) (page, error) {
	return p.changeRequest(r, "wanted.decided", func(id uuid.UUID) error {
		_, err := p.Catalog.MoveDataRequest(r.Context(), whoever(r), id, catalog.DataRequestMove{
			State: r.PostFormValue("state"), Reason: r.PostFormValue("reason"), Dataset: slugIn(r.PostFormValue("dataset"))})
		return err
	})
}

// slugIn is a dataset's slug, given as such or as the address of its page.
func slugIn(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return text
	}
	_, slug, found := strings.Cut(u.Path, "/dataset/")
	if !found {
		return u.Path
	}
	return strings.Trim(slug, "/")
}

// assignRequest answers POST /data-requests/{id}/assign.
func (p *Portal) assignRequest(r *http.Request) (page, error) {
	return p.changeRequest(r, "wanted.assigned", func(id uuid.UUID) error {
		agency, err := p.chosenAgency(r)
		if err != nil {
			return err
		}
		_, err = p.Catalog.AssignDataRequest(r.Context(), whoever(r), id, agency)
		return err
	})
}

// WithNone are the agencies as choices, after none.
func (d dataRequestsData) WithNone(none string) []web.Option {
	return append([]web.Option{{Text: none}}, d.Agencies...)
}
