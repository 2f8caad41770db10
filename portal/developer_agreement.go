package portal

import (
	"net/http"
	"slices"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// agreementData is the data of the page "developer-agreement".
type agreementData struct {
	Agreement agreement.Agreement
	Summary   agreement.Summary
	Review    agreement.Review // what it is read against
	deciding
	History   []agreement.Event
	Over      bool                   // its last day has passed
	Days      int                    // left, 0 on the last day
	Quota     *Quota                 // while it is in force
	Own       bool                   // the reader's application asked for it
	MayDecide bool                   // the reader may decide it, as the partial agreement-decide asks
	Term      agreement.Term         // of its decision, for who may decide
	Bases     []agreement.LegalBasis // that a refusal can cite, for who may decide
	Service   string                 // address of the version's page, "" when it is gone
	Calls     []sample
	TokenCall string
	Lacking   []lackingRow // versions that lack something of it
}

// agreementPage answers GET /agreements/{id}, for requester and steward alike.
func (p *Portal) agreementPage(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	ctx := r.Context()
	g, err := p.Agreements.Get(ctx, who, id)
	if err != nil {
		return page{}, err
	}
	if g, err = p.inWords(r, g); err != nil {
		return page{}, err
	}
	row, err := p.withQuota(r, g)
	if err != nil {
		return page{}, err
	}
	data := agreementData{
		Agreement: g, Over: row.Over, Days: p.daysLeft(g.Ends), Quota: row.Quota,
		Own:       p.Agreements.OwnsApplication(ctx, who, g.ApplicationID) == nil,
		MayDecide: p.Agreements.MayDecide(ctx, who, g) == nil,
	}
	if data.MayDecide {
		if data.Term, err = p.Agreements.TermOf(ctx, id); err != nil {
			return page{}, err
		}
		if data.Bases, err = p.Agreements.LegalBases(ctx); err != nil {
			return page{}, err
		}
	}
	if data.Summary, err = p.Agreements.Summary(ctx, g, localeOf(r)); err != nil {
		return page{}, err
	}
	if data.Review, err = p.Agreements.Review(ctx, who, id, localeOf(r)); err != nil {
		return page{}, err
	}
	if data.deciding, err = p.decidingOf(r, who, g); err != nil {
		return page{}, err
	}
	if data.History, err = p.history(r, who, id); err != nil {
		return page{}, err
	}
	if data.Lacking, err = p.lacking(r, g); err != nil {
		return page{}, err
	}
	if err := p.howToCall(r, who, &data); err != nil {
		return page{}, err
	}
	return page{Name: "developer-agreement", Data: data}, nil
}

// history is what happened to an agreement, the names of deleted accounts in words.
func (p *Portal) history(r *http.Request, who auth.Principal, id uuid.UUID) ([]agreement.Event, error) {
	events, err := p.Agreements.History(r.Context(), who, id)
	if err != nil {
		return nil, err
	}
	for i := range events {
		for _, name := range []*string{&events[i].Name, &events[i].ForName} {
			if *name, err = p.person(r, *name); err != nil {
				return nil, err
			}
		}
	}
	return events, nil
}

// inWords is an agreement with the names of accounts that are deleted in the
// page's language.
func (p *Portal) inWords(r *http.Request, g agreement.Agreement) (agreement.Agreement, error) {
	var err error
	if g.ApplicationName == auth.Deleted {
		if g.ApplicationName, err = p.Pages.Text(localeOf(r), "agreement.deleted-application"); err != nil {
			return g, err
		}
	}
	for _, name := range []*string{&g.OwnerName, &g.RequesterName} {
		if *name, err = p.person(r, *name); err != nil {
			return g, err
		}
	}
	return g, nil
}

// person is a name that another room keeps, or that the account is deleted.
func (p *Portal) person(r *http.Request, name string) (string, error) {
	if name != auth.Deleted {
		return name, nil
	}
	return p.Pages.Text(localeOf(r), "agreement.deleted-account")
}

// howToCall fills in one call for each agreed operation, as curl.
func (p *Portal) howToCall(r *http.Request, who auth.Principal, data *agreementData) error {
	v, err := p.Catalog.VersionByID(r.Context(), who, data.Agreement.VersionID)
	if problem.Is(err, problem.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	data.Service = "/apis" + v.Prefix()
	operations, err := p.Catalog.Operations(r.Context(), who, v.ID)
	if err != nil {
		return err
	}
	for _, agreed := range data.Agreement.Operations {
		i := slices.IndexFunc(operations, func(o catalog.Operation) bool { return o.Slug == agreed.ID })
		if i < 0 {
			continue
		}
		label := agreed.TitleVI
		if localeOf(r) == "en" && agreed.TitleEN != "" {
			label = agreed.TitleEN
		}
		call := boundSample(p.Gateway+v.Prefix(), operations[i], data.Agreement.BoundsOf(agreed.ID))
		data.Calls = append(data.Calls, sample{Label: label, Lang: "shell", Code: call})
	}
	data.TokenCall = p.tokenCall(data.Agreement.ApplicationID.String(), p.Gateway+v.Prefix())
	return nil
}

// requestSent answers GET /agreements/{id}/sent: what happens now, and by when.
func (p *Portal) requestSent(r *http.Request) (page, error) {
	answer, err := p.agreementPage(r)
	answer.Name = "developer-request-sent"
	return answer, err
}

// withdrawAgreement answers POST /agreements/{id}/withdraw: its requester
// takes the request back, or ends the agreement.
func (p *Portal) withdrawAgreement(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	g, err := p.Agreements.Get(r.Context(), who, id)
	if err != nil {
		return page{}, err
	}
	if err := p.Agreements.OwnsApplication(r.Context(), who, g.ApplicationID); err != nil {
		return page{}, err
	}
	if first, shown := p.agreementEffectFirst(r, who, id, "withdraw", AgreementAct{Act: "end"}); shown {
		return first, nil
	}
	if _, err := p.Agreements.End(r.Context(), who, id, r.PostFormValue("reason")); err != nil {
		return again(r, p.agreementPage, err)
	}
	return page{To: "/agreements/" + id.String(), Flash: &web.Flash{Key: "agreement.withdrawn"}}, nil
}
