package gateway

import (
	"net/netip"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/gateway/project"
	"lgsp/internal/problem"
)

// Imagined is a call that nobody makes, to ask what would become of it.
type Imagined struct {
	Version     uuid.UUID `json:"version"`
	Operation   string    `json:"operation"`   // Operation.ID
	Application uuid.UUID `json:"application"` // uuid.Nil: nobody
	Credential  string    `json:"credential"`  // none, api_key, token, foreign_token, signature
	Purpose     string    `json:"purpose"`     // "": not named
	Key         string    `json:"key"`         // Lookup of an API key of the application; "": one without limits of its own

	From  netip.Addr // where it would come from; the zero Addr: from wherever it may
	Level string     // what its person signed in with; "": enough
	At    time.Time  // when; the zero Time: now
}

// Explanation is what the gateway would decide, by which rule, and what would
// turn it.
type Explanation struct {
	Allowed   bool             `json:"allowed"`
	Rule      string           `json:"rule"`      // the policy's
	Code      string           `json:"code"`      // of the problem the caller would get, "" when allowed
	Detail    string           `json:"detail"`    // English
	Agreement uuid.UUID        `json:"agreement"` // that was looked at; uuid.Nil: none
	Fields    []string         `json:"fields"`    // that would be let through; nil: the whole answer, or nothing when refused
	Masks     []project.Masked `json:"masks"`     // of those, what leaves masked
	Change    []string         `json:"change"`    // codes of what would allow the call, each enough or all needed, in order

	Conditions []string `json:"conditions"` // that the operation has beside its agreement: hours, network, two-factors, purpose
}

// Explain answers for an imagined call as the pipeline's decision would, from
// the same snapshot and the same policy. It fails with NotFound for a version
// or operation that is not served, Unavailable before the first load.
func (n *Node) Explain(call Imagined) (Explanation, error) {
	s := n.current.Load()
	if s == nil {
		return Explanation{}, problem.Errorf(problem.Unavailable, "the gateway is starting").Coded("gateway-starting")
	}
	v := s.byVersion[call.Version]
	if v == nil {
		return Explanation{}, problem.Errorf(problem.NotFound, "version %s is not served", call.Version)
	}
	o := v.byID[call.Operation]
	if o == nil {
		return Explanation{}, problem.Errorf(problem.NotFound, "version %s has no operation %s", call.Version, call.Operation)
	}
	q := call.question(v, o, n.Now())
	if err := s.explainKey(call, v, o); err != nil {
		p := problem.Of(err)
		return Explanation{Rule: p.Code, Code: p.Code, Detail: p.Detail, Change: change(p.Code), Conditions: v.Traffic.ConditionsOf(o.ID, o.Access)}, nil
	}
	g, verdict, err := s.judge(q)
	e := Explanation{Allowed: verdict.Allowed && err == nil, Rule: verdict.Rule, Conditions: v.Traffic.ConditionsOf(o.ID, o.Access)}
	if g != nil {
		e.Agreement = g.Agreement
	}
	if e.Allowed {
		if g != nil && !g.terms.filters[o.ID].Whole() {
			e.Fields, e.Masks = g.terms.fields(o.ID)
		}
		return e, nil
	}
	if err == nil {
		err = refusal(verdict.Rule, q)
	}
	p := problem.Of(err)
	e.Code, e.Detail, e.Change = p.Code, p.Detail, change(p.Code)
	if o.Access == Personal && q.credential == policy.APIKey && e.Code != "key-for-personal-data" {
		e.Change = append(e.Change, "send-token")
	}
	return e, nil
}

// question is what decides the imagined call: what it does not say is as the
// operation asks for.
func (call Imagined) question(v *version, o *operation, now time.Time) question {
	q := question{version: v, operation: o, application: call.Application, credential: or(call.Credential, policy.NoCredential),
		purpose: call.Purpose, level: call.Level, address: call.From, anywhere: !call.From.IsValid(), now: call.At}
	if q.level == "" && q.credential == policy.Token {
		q.level = auth.AAL2
	}
	if q.now.IsZero() {
		q.now = now
	}
	return q
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
	case "purpose-required", "purpose-not-agreed", "purpose-unsaid":
		return []string{"name-purpose"}
	}
	return []string{}
}
