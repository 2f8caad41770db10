package gateway

import (
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth/policy"
	"lgsp/gateway/project"
	"lgsp/internal/problem"
)

// Explanation is what the gateway would decide, by which rule, and what would
// turn it.
type Explanation struct {
	Allowed   bool             `json:"allowed"`
	Operation string           `json:"operation"` // that the call would reach: with what it says in its path, perhaps another one
	Rule      string           `json:"rule"`      // the policy's; of what is refused before or after it, the code
	Code      string           `json:"code"`      // of the problem the caller would get, "" when allowed
	Detail    string           `json:"detail"`    // English
	Agreement uuid.UUID        `json:"agreement"` // that was looked at; uuid.Nil: none
	Fields    []string         `json:"fields"`    // that would be let through; nil: the whole answer, or nothing when refused
	Masks     []project.Masked `json:"masks"`     // of those, what leaves masked
	Change    []string         `json:"change"`    // codes of what would allow the call, each enough or all needed, in order

	Conditions []string `json:"conditions"` // that the operation has beside its agreement: hours, network, two-factors, purpose
	Bounds     *Bounds  `json:"bounds"`     // that the agreement holds its calls to besides; nil: none

	Bound   *ParameterBound `json:"bound"` // that what the call says does not meet; nil: none, or nothing was asked of it
	Problem *problem.Error  `json:"-"`     // that the caller would get; nil when allowed
}

// Explain answers for an imagined call as the pipeline would, by the same code
// on the same snapshot: its address, its key's limits, the policy, and where
// the call says parameters, what it is held to of them. Limits, the request's
// body and the upstream are not asked. It fails with NotFound for a version or
// operation that is not served, Unavailable before the first load.
func (n *Node) Explain(asked Imagined) (Explanation, error) {
	s := n.current.Load()
	if s == nil {
		return Explanation{}, problem.Errorf(problem.Unavailable, "the gateway is starting").Coded("gateway-starting")
	}
	v, o, err := asked.target(s)
	if err != nil {
		return Explanation{}, err
	}
	q := asked.question(v, o, n.Now())
	c, r := &call{node: n, snapshot: s, now: q.now, version: v, operation: o, imagined: true}, asked.request(v, o)
	err = c.reach(r, asked)
	if err != nil {
		c.version, c.operation = v, o // find forgets what it refuses
	}
	q.operation = c.operation
	e := Explanation{Operation: c.operation.ID, Conditions: v.Traffic.ConditionsOf(c.operation.ID, c.operation.Access)}
	if err == nil {
		err = s.explainKey(asked, v, c.operation)
	}
	if err == nil {
		err = c.explainDecision(q, &e)
	}
	if err == nil && asked.Parameters != nil {
		if err = c.check(r); err != nil {
			e.Rule = "" // the policy let it through
		}
	}
	if err != nil {
		e.refused(c, q, err)
		return e, nil
	}
	e.Allowed = true
	if c.grant != nil && !c.grant.terms.filters[c.operation.ID].Whole() {
		e.Fields, e.Masks = c.grant.terms.fields(c.operation.ID)
	}
	return e, nil
}

// reach finds the address that the imagined call says, or where it says
// nothing of its path, takes it to be the operation's; and asks whether the
// version has ended.
func (c *call) reach(r *http.Request, asked Imagined) error {
	if asked.Parameters == nil {
		return c.life()
	}
	return c.find(r)
}

// explainDecision takes the policy's decision, with its rule and agreement.
func (c *call) explainDecision(q question, e *Explanation) error {
	g, verdict, err := c.snapshot.judge(q)
	e.Rule = verdict.Rule
	if g != nil {
		e.Agreement = g.Agreement
		e.Bounds = g.terms.boundsOf(c.operation.ID)
	}
	if err != nil {
		return err
	}
	if !verdict.Allowed {
		return refusal(verdict.Rule, q)
	}
	c.grant = g
	return nil
}

// refused says why, and what would turn it.
func (e *Explanation) refused(c *call, q question, err error) {
	p := problem.Of(err)
	e.Problem, e.Code, e.Detail, e.Change = p, p.Code, p.Detail, ChangeOf(p.Code)
	e.Rule = or(e.Rule, p.Code)
	if bound, ok := p.Extra["parameter"].(ParameterBound); ok {
		e.Bound = &bound
	}
	if c.operation.Access == Personal && q.credential == policy.APIKey && e.Code != "key-for-personal-data" {
		e.Change = append(e.Change, "send-token")
	}
}

// change names what the caller or the agency would have to do.
func change(code string) []string {
	switch code {
	case "no-credential":
		return []string{"send-credential"}
	case "key-for-personal-data", "foreign-token-for-personal-data", "signature-for-personal-data":
		return []string{"send-token"}
	case "key-scope", "key-for-another-api":
		return []string{"widen-key"}
	case "key-wrong":
		return []string{"send-credential"}
	case "no-agreement":
		return []string{"ask-agreement"}
	case "operation-not-agreed":
		return []string{"extend-agreement"}
	case "agreement-expired", "agreement-ended":
		return []string{"renew-agreement"}
	case "agreement-suspended":
		return []string{"resume-agreement"}
	case "agreement-not-begun":
		return []string{"wait"}
	case "outside-hours":
		return []string{"wait-for-hours"}
	case "outside-network":
		return []string{"call-from-network"}
	case "assurance-low":
		return []string{"show-two-factors"}
	case "purpose-required", "purpose-not-agreed", "purpose-unsaid", "purpose-twice":
		return []string{"name-purpose"}
	case "parameter-not-agreed":
		return []string{"say-what-is-agreed", "widen-bounds"}
	case "agreed-parameter-missing":
		return []string{"say-what-is-agreed"}
	case "agreed-parameter-unclear":
		return []string{"say-it-once"}
	case "field-not-agreed":
		return []string{"leave-field-out", "extend-fields"}
	case "dossier-missing", "dossier-form":
		return []string{"name-dossier"}
	}
	return []string{}
}
