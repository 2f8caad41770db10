package portal

import (
	"context"
	"net/http"
	"slices"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/web"
)

func (p *Portal) requestDeskRoutes(r *mux.Router) {
	r.Handle("/agency/{agency}/requests", p.page(p.requests)).Methods("GET", "HEAD")
	for verb, do := range map[string]decision{
		"refuse": p.refuse, "suspend": p.suspend, "resume": p.resume, "end": p.end, "ask": p.askRequester, "confirm": p.confirmNeed,
	} {
		r.Handle("/agreements/{id}/"+verb, p.page(p.decide(verb, do))).Methods("POST")
	}
	r.Handle("/agreements/{id}/approve", p.page(p.approve)).Methods("POST")
}

// requestsData is the data of the page "agency-requests".
type requestsData struct {
	desk
	State    string
	Overdue  bool // only those over their term, of those that wait
	Narrow   agreement.Narrow
	Owner    string // the name of Narrow.Owner, as the list has it
	Services []agreement.Service
	Items    []waitingRequest
	Next     string // address of the next page
	First    string // of the first, "" when on it
}

// States are those that the page can be narrowed to, the waiting ones first.
func (requestsData) States() []string {
	return []string{agreement.Requested, agreement.Active, agreement.Suspended, agreement.Refused, agreement.Ended}
}

// Narrowed reports whether the list leaves anything of its state out.
func (d requestsData) Narrowed() bool { return d.Overdue || d.Narrow != agreement.Narrow{} }

// Owned reports whether the list is of one applicant.
func (d requestsData) Owned() bool { return d.Narrow.Owner != uuid.Nil }

// OfAll is the address of the same list of all applicants.
func (d requestsData) OfAll() string { return d.Of(d.State, uuid.Nil, "") }

// Of is an address of the list in a state, narrowed as it is but for the owner.
func (d requestsData) Of(state string, owner uuid.UUID, after string) string {
	overdue := ""
	if d.Overdue && state == agreement.Requested {
		overdue = "yes"
	}
	id := func(id uuid.UUID) string {
		if id == uuid.Nil {
			return ""
		}
		return id.String()
	}
	return d.At("requests") + "?" + withQuery("state", state, "q", d.Narrow.Text, "service", id(d.Narrow.Service), "owner", id(owner), "overdue", overdue, "after", after)
}

// requests answers GET /agency/{agency}/requests: the agreements on the
// agency's services in one state, those that wait by their clock.
func (p *Portal) requests(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	data := requestsData{desk: d, State: r.FormValue("state"), Overdue: r.FormValue("overdue") == "yes", Narrow: agreement.Narrow{Text: r.FormValue("q")}}
	if !slices.Contains(data.States(), data.State) {
		data.State = agreement.Requested
	}
	for name, into := range map[string]*uuid.UUID{"service": &data.Narrow.Service, "owner": &data.Narrow.Owner} {
		if *into, err = idOf(r.Form, name); err != nil {
			return page{}, err
		}
	}
	var next string
	if data.Items, next, err = p.requestsIn(r, d, data); err != nil {
		return page{}, err
	}
	if data.Services, err = p.Agreements.Services(r.Context(), d.who, d.Agency.ID); err != nil {
		return page{}, err
	}
	if data.Narrow.Owner != uuid.Nil && len(data.Items) > 0 {
		data.Owner = data.Items[0].OwnerName
	}
	if next != "" {
		data.Next = data.Of(data.State, data.Narrow.Owner, next)
	}
	if r.FormValue("after") != "" {
		data.First = data.Of(data.State, data.Narrow.Owner, "")
	}
	return page{Name: "agency-requests", Data: data}, nil
}

// requestsIn are agreements on the agency's services in a state, the newest
// first; those that wait stand by their clock, the most overdue first.
func (p *Portal) requestsIn(r *http.Request, d desk, data requestsData) ([]waitingRequest, string, error) {
	if data.State == agreement.Requested {
		return p.waitingIn(r, d, data)
	}
	list, err := p.Agreements.Desk(r.Context(), d.who, agreement.Filter{Agency: d.Agency.ID, State: data.State, Limit: 50, After: r.FormValue("after")}, data.Narrow)
	if err != nil {
		return nil, "", err
	}
	rows := make([]waitingRequest, len(list.Items))
	for i, g := range list.Items {
		if g, err = p.inWords(r, g); err != nil {
			return nil, "", err
		}
		rows[i] = waitingRequest{Agreement: g}
	}
	return rows, list.Next, nil
}

// waitingIn are the requests that wait for the agency's decision.
func (p *Portal) waitingIn(r *http.Request, d desk, data requestsData) ([]waitingRequest, string, error) {
	inbox, err := p.Agreements.WaitingRequests(r.Context(), d.who, agreement.WaitingFilter{Agency: d.Agency.ID, Overdue: data.Overdue,
		Limit: 50, After: r.FormValue("after"), Narrow: data.Narrow})
	if err != nil {
		return nil, "", err
	}
	list := make([]waitingRequest, len(inbox.Items))
	for i, item := range inbox.Items {
		g, err := p.inWords(r, item.Agreement)
		if err != nil {
			return nil, "", err
		}
		list[i] = waitingRequest{g, item.Term}
	}
	return list, inbox.Next, nil
}

// decision is one step of a steward; the form gives its reason or note.
type decision func(ctx context.Context, who auth.Principal, id uuid.UUID, r *http.Request) error

// decide answers POST /agreements/{id}/{verb}.
func (p *Portal) decide(verb string, do decision) pageFunc {
	return func(r *http.Request) (page, error) {
		who, err := signedIn(r)
		if err != nil {
			return page{}, err
		}
		id, err := idIn(r, "id")
		if err != nil {
			return page{}, err
		}
		if first, shown := p.agreementEffectFirst(r, who, id, verb, AgreementAct{Act: verb}); shown {
			return first, nil
		}
		if err := do(r.Context(), who, id, r); err != nil {
			return again(r, p.agreementPage, err)
		}
		return page{To: "/agreements/" + id.String(), Flash: &web.Flash{Key: "agency.done-" + verb}}, nil
	}
}

// approve answers POST /agreements/{id}/approve: as asked for, or under conditions.
func (p *Portal) approve(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	yes, err := approvalOf(r.PostForm)
	var g agreement.Agreement
	if err == nil {
		if first, shown := p.agreementEffectFirst(r, who, id, "approve", AgreementAct{Act: "approve", Approval: &yes}); shown {
			return first, nil
		}
		g, err = p.Agreements.ApproveWith(r.Context(), who, id, yes)
	}
	if err != nil {
		return again(r, p.agreementPage, err)
	}
	done := "agency.done-approve"
	if g.State == agreement.Requested {
		done = "decision.done-first"
	}
	return page{To: "/agreements/" + id.String(), Flash: &web.Flash{Key: done}}, nil
}

func (p *Portal) refuse(ctx context.Context, who auth.Principal, id uuid.UUID, r *http.Request) error {
	_, err := p.Agreements.Refuse(ctx, who, id, agreement.Refusal{Reason: r.PostFormValue("reason"), LegalBasis: r.PostFormValue("legal_basis")})
	return err
}

func (p *Portal) suspend(ctx context.Context, who auth.Principal, id uuid.UUID, r *http.Request) error {
	_, err := p.Agreements.Suspend(ctx, who, id, r.PostFormValue("reason"))
	return err
}

func (p *Portal) resume(ctx context.Context, who auth.Principal, id uuid.UUID, r *http.Request) error {
	_, err := p.Agreements.Resume(ctx, who, id, r.PostFormValue("note"))
	return err
}

func (p *Portal) end(ctx context.Context, who auth.Principal, id uuid.UUID, r *http.Request) error {
	_, err := p.Agreements.End(ctx, who, id, r.PostFormValue("reason"))
	return err
}

// Clauses are the clauses that a refusal can cite, after none.
func (d agreementData) Clauses(locale, none string) []web.Option {
	options := []web.Option{{Text: none}}
	for _, b := range d.Bases {
		o := web.Option{Value: b.ID, Text: b.DocumentVI + ", " + b.ArticleVI}
		if locale == "en" {
			o.Text = b.DocumentEN + ", " + b.ArticleEN
		}
		options = append(options, o)
	}
	return options
}
