package portal

import (
	"context"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/problem"
	"lgsp/ledger"
)

// PastCall is a call that was made, explained: what came, who it was taken for,
// where it stopped and why, and what the gateway would decide of it now.
type PastCall struct {
	Call      ledger.ExchangeEntry `json:"call"`
	Steps     []CallStep           `json:"steps"`     // of the pipeline, in their order
	Rule      string               `json:"rule"`      // the policy's, that decided it then; "": the call did not come as far
	Agreement *AgreementThen       `json:"agreement"` // null: none was found, or the caller may not see it
	Now       *CallExplanation     `json:"now"`       // null: what was called is not served now
	Change    []CallWay            `json:"change"`    // what would allow it: now where that is decided by policy, else what the refusal asks for
}

// CallStep is one step of the pipeline.
type CallStep struct {
	Step   string `json:"step"`   // address, credential, agreement, limits, request, record, upstream, answer
	Result string `json:"result"` // passed, refused, broken, unknown, not-reached, not-needed
	Code   string `json:"code"`   // of the refusal, ""
}

// AgreementThen is the agreement that a call came under, then and now.
type AgreementThen struct {
	ID       uuid.UUID         `json:"id"`
	Revision int               `json:"revision"` // as it was decided by
	Now      int               `json:"now"`      // the revision in force now
	State    string            `json:"state"`    // now
	Starts   string            `json:"starts"`
	Ends     string            `json:"ends"`  // last day, inclusive
	Since    []agreement.Event `json:"since"` // what happened to it since that revision
}

// CallWay is one thing that would change the decision.
type CallWay struct {
	Code string `json:"code"`
	Href string `json:"href"` // of the page where it is done, without language; "": there is none
}

// explainer explains calls that were made: it asks the rooms, and the gateway.
type explainer struct {
	Catalog     *catalog.Catalog
	Agreements  *agreement.Agreements
	ExplainCall func(ctx context.Context, call ImaginedCall) (CallExplanation, error)
}

// explain explains a call that who may see.
func (x explainer) explain(ctx context.Context, who auth.Principal, e ledger.ExchangeEntry) (PastCall, error) {
	record := gateway.Exchange{Operation: e.Operation, Access: e.Access, Credential: e.Credential, Code: e.Code}
	past := PastCall{Call: e, Steps: stepsOf(e, record.RefusedAt()), Change: []CallWay{}}
	var err error
	if past.Rule, err = record.RuleOf(); err != nil {
		return past, err
	}
	if e.AgreementID != uuid.Nil {
		if past.Agreement, err = x.agreementThen(ctx, who, e); err != nil {
			return past, err
		}
	}
	v, err := x.Catalog.VersionByID(ctx, who, e.VersionID)
	if err != nil && !problem.Is(err, problem.NotFound) {
		return past, err
	}
	to := callTarget{call: e}
	if err == nil {
		to.service = "/apis" + v.Prefix()
		if past.Now, err = x.now(ctx, e); err != nil {
			return past, err
		}
	}
	for _, code := range changesOf(past, record) {
		past.Change = append(past.Change, CallWay{code, to.way(code, past.Now)})
	}
	return past, nil
}

// now asks the gateway about the same call; nil when it does not serve it.
func (x explainer) now(ctx context.Context, e ledger.ExchangeEntry) (*CallExplanation, error) {
	if e.Operation == "" || e.ApplicationID == uuid.Nil && e.Credential != "none" && e.Access != gateway.Open {
		return nil, nil // it is not known who called: nothing can be asked
	}
	now, err := x.ExplainCall(ctx, ImaginedCall{Application: e.ApplicationID, Version: e.VersionID, Operation: e.Operation,
		Purpose: e.Purpose, Credential: e.Credential})
	if problem.Is(err, problem.NotFound) {
		return nil, nil
	}
	return &now, err
}

// changesOf are what would allow the call: what the gateway asks for now, or
// what the refusal asked for that the policy does not decide.
func changesOf(past PastCall, record gateway.Exchange) []string {
	if past.Now != nil && !past.Now.Allowed {
		return past.Now.Change
	}
	if at := record.RefusedAt(); at != "" && (at != gateway.StepAgreement || past.Now == nil) {
		return gateway.ChangeOf(record.Code)
	}
	return nil
}

// stepsOf tells of each step of the pipeline what became of a call there.
func stepsOf(e ledger.ExchangeEntry, refusedAt string) []CallStep {
	var steps []CallStep
	stopped := false
	for _, step := range gateway.Steps() {
		s := CallStep{Step: step, Result: "passed"}
		switch {
		case stopped:
			s.Result = "not-reached"
		case step == refusedAt:
			s.Result, s.Code, stopped = "refused", e.Code, true
		case step == gateway.StepRecord && e.Access != gateway.Personal, step == gateway.StepCredential && e.Credential == "none" && e.Access == gateway.Open:
			s.Result = "not-needed"
		case step == gateway.StepUpstream && e.Outcome == "unknown":
			s.Result, stopped = "unknown", true
		case step == gateway.StepAnswer && e.Outcome == "broken":
			s.Result = "broken"
		}
		if s.Result == "refused" && e.Outcome == "broken" {
			s.Result = "broken" // some of the answer had left
		}
		steps = append(steps, s)
	}
	return steps
}

// agreementThen reads the agreement of a call; nil when who may not see it.
func (x explainer) agreementThen(ctx context.Context, who auth.Principal, e ledger.ExchangeEntry) (*AgreementThen, error) {
	g, err := x.Agreements.Get(ctx, who, e.AgreementID)
	if problem.Is(err, problem.NotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	history, err := x.Agreements.History(ctx, who, e.AgreementID)
	if err != nil {
		return nil, err
	}
	then := &AgreementThen{ID: g.ID, Revision: e.Revision, Now: g.Revision, State: g.State, Starts: g.Starts, Ends: g.Ends, Since: []agreement.Event{}}
	for _, event := range history {
		if event.Revision > e.Revision {
			then.Since = append(then.Since, event)
		}
	}
	return then, nil
}

// callTarget is what a call was for, to say where something can be changed.
type callTarget struct {
	call    ledger.ExchangeEntry
	service string // address of the version's page, "" when it cannot be seen
}

// way is where a change can be made, "" when there is no such page.
func (to callTarget) way(code string, now *CallExplanation) string {
	agreed := to.call.AgreementID
	if now != nil && now.Agreement != uuid.Nil {
		agreed = now.Agreement
	}
	application := ""
	if to.call.ApplicationID != uuid.Nil {
		application = to.call.ApplicationID.String()
	}
	switch code {
	case "renew-agreement", "ask-agreement", "extend-agreement", "widen-bounds", "extend-fields":
		if to.service == "" {
			return ""
		}
		if code != "ask-agreement" && agreed != uuid.Nil {
			return to.service + "/request?from=" + agreed.String()
		}
		return to.service + "/request?" + withQuery("operation", to.call.Operation, "application", application)
	case "resume-agreement", "wait":
		if agreed == uuid.Nil {
			return ""
		}
		return "/agreements/" + agreed.String()
	case "widen-key", "new-credential", "send-credential":
		if application != "" {
			return "/developer/applications/" + application
		}
	}
	if to.service == "" || to.call.Operation == "" {
		return to.service
	}
	return to.service + "/" + to.call.Operation
}
