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
	State string
	Items []waitingRequest
	Next  string // address of the next page
	First string // of the first, "" when on it
}

// States are those that the page can be narrowed to, the waiting ones first.
func (requestsData) States() []string {
	return []string{agreement.Requested, agreement.Active, agreement.Suspended, agreement.Refused, agreement.Ended}
}

// requests answers GET /agency/{agency}/requests: the agreements on the
// agency's services in one state, those that wait by their clock.
func (p *Portal) requests(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	data := requestsData{desk: d, State: r.FormValue("state")}
	if !slices.Contains(data.States(), data.State) {
		data.State = agreement.Requested
	}
	var next string
	if data.Items, next, err = p.requestsIn(r, d, data.State); err != nil {
		return page{}, err
	}
	if next != "" {
		data.Next = d.At("requests") + "?" + withQuery("state", data.State, "after", next)
	}
	if r.FormValue("after") != "" {
		data.First = d.At("requests") + "?" + withQuery("state", data.State)
	}
	return page{Name: "agency-requests", Data: data}, nil
}

// requestsIn are agreements on the agency's services in a state, the newest
// first; those that wait stand by their clock, the most overdue first.
func (p *Portal) requestsIn(r *http.Request, d desk, state string) ([]waitingRequest, string, error) {
	if state == agreement.Requested {
		return p.waitingIn(r, d)
	}
	inbox, err := p.Agreements.Inbox(r.Context(), d.who, agreement.Filter{Agency: d.Agency.ID, State: state, Limit: 100, After: r.FormValue("after")})
	if err != nil {
		return nil, "", err
	}
	list := make([]waitingRequest, len(inbox.Items))
	for i, g := range inbox.Items {
		if g, err = p.inWords(r, g); err != nil {
			return nil, "", err
		}
		list[i] = waitingRequest{Agreement: g}
	}
	return list, inbox.Next, nil
}

// waitingIn are the requests that wait for the agency's decision.
func (p *Portal) waitingIn(r *http.Request, d desk) ([]waitingRequest, string, error) {
	inbox, err := p.Agreements.WaitingRequests(r.Context(), d.who, agreement.WaitingFilter{Agency: d.Agency.ID, Limit: 50, After: r.FormValue("after")})
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
