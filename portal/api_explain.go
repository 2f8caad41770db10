package portal

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/gateway"
	"lgsp/internal/problem"
)

// ImaginedCall is a call that was not made.
type ImaginedCall struct {
	Application uuid.UUID // uuid.Nil: anonymous
	Version     uuid.UUID
	Operation   string              // slug
	Purpose     string              // as in LGSP-Purpose, or ""
	Credential  string              // none, api_key, token
	Key         string              // of an API key the 12 characters after its prefix, or ""
	Sandbox     bool                // it is made to the version's sandbox
	Parameters  []gateway.Parameter // what it says, in order; nil: nothing is asked of parameters and dossier
	Dossier     string              // as in LGSP-Dossier, or ""
	From        netip.Addr
	Level       string    // what the person signed in with, aal1 or aal2; "": enough
	At          time.Time // the zero Time: now
}

// CallExplanation is what the gateway would decide, by which rule, and what would change it.
type CallExplanation struct {
	Allowed bool   `json:"allowed"`
	Rule    string `json:"rule"`   // the policy's
	Code    string `json:"code"`   // of the problem the caller would get, "" when allowed
	Detail  string `json:"detail"` // English
	// Agreement is the one that was looked at; left out: none was.
	Agreement uuid.UUID `json:"agreement,omitzero"`

	Fields []string `json:"fields"` // that would be let through; null: the whole answer, or nothing when refused
	Change []string `json:"change"` // codes of what would allow it

	Masks      []string `json:"masks"`      // of those fields, what would leave masked: "/path mask"
	Conditions []string `json:"conditions"` // of the operation, beside its agreement: hours, network, two-factors, purpose

	Bounds *gateway.Bounds `json:"bounds"` // that the agreement holds its calls to besides; null: none

	Operation string                  `json:"operation"` // slug of the operation that the call would reach: with what it says in its path, perhaps another one
	Asked     bool                    `json:"asked"`     // its parameters were looked at; false: it said none
	Bound     *gateway.ParameterBound `json:"bound"`     // that what it says does not meet; null: none
	Errors    []CallError             `json:"errors"`    // what is not as the document describes it
	Problem   *problem.Error          `json:"-"`         // that the caller would get, for words; nil when allowed
}

// CallError is one place of a call that is not as the document describes it.
type CallError struct {
	Field string `json:"field"` // path/so, query/trang
	Code  string `json:"code"`
}

// explainCall answers GET /explain/call.
//
//	@Summary	Would the gateway let this call through, by which rule, and what would change that
//	@Tags		evidence
//	@Security	bearer
//	@Param		application	query		string	false	"id of the calling application; none: anonymous"
//	@Param		version		query		string	true	"id of the version"
//	@Param		operation	query		string	true	"slug of the operation"
//	@Param		purpose		query		string	false	"as in LGSP-Purpose"
//	@Param		credential	query		string	false	"none, api_key, token"
//	@Param		from		query		string	false	"address that it would come from; none: from wherever it may"
//	@Param		level		query		string	false	"aal1, aal2: what the token's person signed in with; none: enough"
//	@Param		at			query		string	false	"RFC 3339; none: now"
//	@Param		key			query		string	false	"with api_key, whose limits count too: its lookup, the 12 characters after lgsp_key_"
//	@Param		sandbox		query		boolean	false	"true: made to the version's sandbox"
//	@Param		parameter	query		[]string	false	"what the call says, each as in:name=value, in being path, query or header; one that is empty: the call says nothing; none: parameters are not asked about"	collectionFormat(multi)
//	@Param		dossier		query		string	false	"as in LGSP-Dossier"
//	@Success	200			{object}	CallExplanation
//	@Router		/explain/call [get]
func (a *API) explainCall(w http.ResponseWriter, r *http.Request) error {
	said, r := withoutParameters(r)
	values, err := query(r, "application", "version", "operation", "purpose", "credential", "key", "from", "level", "at", "sandbox", "dossier")
	if err != nil {
		return err
	}
	call := ImaginedCall{Key: values.Get("key"), Operation: values.Get("operation"), Purpose: values.Get("purpose"), Credential: values.Get("credential")}
	if call.Application, err = idOf(values, "application"); err != nil {
		return err
	}
	if call.Version, err = idOf(values, "version"); err != nil {
		return err
	}
	if err := call.imagine(values); err != nil {
		return err
	}
	if err := call.say(said, values); err != nil {
		return err
	}
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (CallExplanation, error) {
		if _, err := a.Catalog.VersionByID(ctx, who, call.Version); err != nil {
			return CallExplanation{}, err
		}
		if call.Application != uuid.Nil {
			if err := a.mayExplain(ctx, who, call); err != nil {
				return CallExplanation{}, err
			}
		}
		return a.ExplainCall(ctx, call)
	})
}

// imagine takes where from, by whom and when the call would be made.
func (call *ImaginedCall) imagine(values url.Values) error {
	var err error
	if text := values.Get("from"); text != "" {
		if call.From, err = netip.ParseAddr(text); err != nil {
			return problem.Errorf(problem.Invalid, "from=%s is no IP address", text)
		}
	}
	if text := values.Get("at"); text != "" {
		if call.At, err = time.Parse(time.RFC3339, text); err != nil {
			return problem.Errorf(problem.Invalid, "at=%s is no RFC 3339 time", text)
		}
	}
	if call.Level = values.Get("level"); call.Level != "" && call.Level != auth.AAL1 && call.Level != auth.AAL2 {
		return problem.Errorf(problem.Invalid, "level=%s is not aal1 or aal2", call.Level)
	}
	return nil
}

// withoutParameters takes out of a question what the call it is about says,
// which may stand there many times.
func withoutParameters(r *http.Request) ([]string, *http.Request) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, r // query says so
	}
	said := values["parameter"]
	values.Del("parameter")
	without, address := *r, *r.URL
	address.RawQuery = values.Encode()
	without.URL = &address
	return said, &without
}

// mostSaid is how many parameters an imagined call says.
const mostSaid = 50

// say takes what the call says, and whether it is the sandbox that it says it to.
func (call *ImaginedCall) say(said []string, values url.Values) error {
	switch text := values.Get("sandbox"); text {
	case "", "false", "true":
		call.Sandbox = text == "true"
	default:
		return wrongParameter("sandbox", "true, false")
	}
	if call.Dossier = values.Get("dossier"); len(said) == 0 && call.Dossier == "" {
		return nil
	}
	if len(said) > mostSaid {
		return wrongParameter("parameter", "… 50")
	}
	call.Parameters = []gateway.Parameter{}
	for _, text := range said {
		place, value, ok := strings.Cut(text, "=")
		in, name, _ := strings.Cut(place, ":")
		switch {
		case text == "":
		case !ok || name == "" || in != "path" && in != "query" && in != "header":
			return wrongParameter("parameter", "path:…=…, query:…=…, header:…=…")
		default:
			call.Parameters = append(call.Parameters, gateway.Parameter{In: in, Name: name, Value: value})
		}
	}
	return nil
}

// mayExplain lets the application's owner ask, the called agency's people, and auditors.
func (a *API) mayExplain(ctx context.Context, who auth.Principal, call ImaginedCall) error {
	owns := a.Auth.WorksOn(ctx, who, call.Application)
	if owns == nil {
		return nil
	}
	v, err := a.Catalog.VersionByID(ctx, who, call.Version)
	if err != nil {
		return err
	}
	if a.Policy.May(ctx, who, "exchange.read", v.AgencyID) == nil {
		return nil
	}
	return owns
}

// explainAct answers GET /explain/act.
//
//	@Summary	May the caller do an act to an object of an agency, by which rule, and what would change that
//	@Tags		evidence
//	@Security	bearer
//	@Param		act		query		string	true	"api.publish, agreement.decide …"
//	@Param		agency	query		string	false	"id of the agency; none: the platform"
//	@Success	200		{object}	policy.Explanation
//	@Router		/explain/act [get]
func (a *API) explainAct(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "act", "agency")
	if err != nil {
		return err
	}
	agency, err := idOf(values, "agency")
	if err != nil {
		return err
	}
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	explanation, err := a.Policy.Explain(r.Context(), who, values.Get("act"), agency)
	if err != nil {
		return err
	}
	return answer(w, r, explanation)
}

// policyText is the policy as it runs.
type policyText struct {
	Model string     `json:"model"` // Casbin's model
	Rules [][]string `json:"rules"`

	CallModel string     `json:"call_model"` // that calls are decided by
	CallRules [][]string `json:"call_rules"` // access, rule, agreement, credential, lacking condition, effect; the first that fits decides
}

// showPolicy answers GET /policy.
//
//	@Summary	The policy of management and of calls as it runs, for operators and auditors
//	@Tags		evidence
//	@Security	bearer
//	@Success	200	{object}	policyText
//	@Router		/policy [get]
func (a *API) showPolicy(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	if err := a.Policy.May(r.Context(), who, "platform.read", uuid.Nil); err != nil {
		return err
	}
	rules, err := a.Policy.Rules()
	if err != nil {
		return err
	}
	return answer(w, r, policyText{Model: a.Policy.Model(), Rules: rules, CallModel: policy.CallModel(), CallRules: policy.CallRules()})
}
