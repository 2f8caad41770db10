package portal

import (
	"net/http"
	"slices"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/ledger"
)

// decisionData is the data of the page "agreement-decision".
type decisionData struct {
	Agreement agreement.Agreement
	Summary   agreement.Summary
	Changed   []agreement.Difference // from what was asked for first
	Decided   []agreement.Event      // the decision, and the first of two
	Clause    *agreement.LegalBasis  // of a refusal
	Agency    auth.Agency
	Receipt   *ledger.Receipt // of the decision; nil: the ledger has none
	Proof     string          // address of its proof
	QR        string          // the same, as the path of an SVG
	Size      int
}

// decisive are the events that decide a request.
var decisive = []string{"approved-first", "approved", "approved-narrower", "refused"}

// decided are the acts that decide a request, as the ledger calls them.
var decided = []string{"agreement.approve", "agreement.refuse"}

// printedDecision answers GET /agreements/{id}/decision: the decision as it is
// printed, with its receipt in the ledger. A request that waits has none.
func (p *Portal) printedDecision(r *http.Request) (page, error) {
	answer, err := p.agreementPage(r)
	if err != nil {
		return page{}, err
	}
	read := answer.Data.(agreementData)
	g := read.Agreement
	if g.DecidedAt == nil {
		return page{}, problem.Errorf(problem.NotFound, "agreement %s is not decided", g.ID).Coded("not-decided")
	}
	data := decisionData{Agreement: g, Summary: read.Summary, Changed: read.Review.AgainstAsked}
	for _, e := range read.History {
		if slices.Contains(decisive, e.What) {
			data.Decided = append(data.Decided, e)
		}
	}
	ctx := r.Context()
	if g.RefusalBasis != "" {
		clause, err := p.Agreements.Basis(ctx, g.RefusalBasis)
		if err != nil {
			return page{}, err
		}
		data.Clause = &clause
	}
	agencies, err := p.Auth.Agencies(ctx, []uuid.UUID{g.AgencyID})
	if err != nil {
		return page{}, err
	}
	data.Agency = agencies[g.AgencyID]
	receipt, err := p.Ledger.ReceiptOf(ctx, g.ID, decided...)
	if problem.Is(err, problem.NotFound) {
		return page{Name: "agreement-decision", Data: data}, nil
	} else if err != nil {
		return page{}, err
	}
	data.Receipt, data.Proof = &receipt, p.Origin+"/ledger/proof/"+receipt.Entry.String()
	data.QR, data.Size, err = qrCode(data.Proof)
	return page{Name: "agreement-decision", Data: data}, err
}
