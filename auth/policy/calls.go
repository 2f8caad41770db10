package policy

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
)

// Operation is one operation of a version, as the policy sees it.
type Operation struct {
	ID     string // unique in its version
	Access string // open, restricted, personal
}

// What a call proves itself with.
const (
	NoCredential = "none"
	APIKey       = "api_key"
	Token        = "token"
)

// What a call's agreement says of its operation.
const (
	noAgreement = "none"
	otherwise   = "other"  // there is one, for other operations
	covers      = "covers" // it covers this operation
)

var (
	credentials = []string{NoCredential, APIKey, Token}
	standings   = []string{noAgreement, otherwise, covers}
)

// Call is all that the decision depends on.
type Call struct {
	Operation  string   // its ID
	Credential string   // NoCredential, APIKey, Token
	Agreed     []string // IDs of the operations that the agreement in force covers; nil: there is no agreement
}

// standing is what the call's agreement says of its operation. Here the
// agreement is looked up, so that no rule is needed for each.
func (c Call) standing() string {
	switch {
	case c.Agreed == nil:
		return noAgreement
	case slices.Contains(c.Agreed, c.Operation):
		return covers
	}
	return otherwise
}

// Verdict is the answer, and the rule that gave it: open, restricted-agreement
// and personal-token allow; no-credential, no-agreement, operation-not-agreed,
// key-for-personal-data and NoRule refuse.
type Verdict struct {
	Allowed bool
	Rule    string
}

// callsModel lets the first rule that fits decide. Its subject is what the
// agreement says of the operation, its object the operation, grouped by access.
const callsModel = `
[request_definition]
r = agreement, operation, credential

[policy_definition]
p = rule, access, agreement, credential, eft

[role_definition]
g = _, _

[policy_effect]
e = priority(p.eft) || deny

[matchers]
m = g(r.operation, p.access) && (p.agreement == "any" || r.agreement == p.agreement) && (p.credential == "any" || r.credential == p.credential)
`

// callRules are the rules of each access, in the order in which they are tried.
var callRules = map[string][][]string{
	"open": {
		{"open", "open", "any", "any", "allow"},
	},
	"restricted": {
		{"no-credential", "restricted", "any", NoCredential, "deny"},
		{"no-agreement", "restricted", noAgreement, "any", "deny"},
		{"operation-not-agreed", "restricted", otherwise, "any", "deny"},
		{"restricted-agreement", "restricted", covers, "any", "allow"},
	},
	"personal": {
		{"no-credential", "personal", "any", NoCredential, "deny"},
		{"key-for-personal-data", "personal", "any", APIKey, "deny"},
		{"no-agreement", "personal", noAgreement, Token, "deny"},
		{"operation-not-agreed", "personal", otherwise, Token, "deny"},
		{"personal-token", "personal", covers, Token, "allow"},
	},
}

// Calls decides the calls of one version. A verdict is remembered once Casbin
// has given it. There are nine an operation, one for each standing of an
// agreement and each credential, so the memory needs neither bound nor
// forgetting: a new revision of an agreement has another standing, not another
// verdict, and a decision costs the same with ten agreements or a million.
// Calls is safe for concurrent use.
type Calls struct {
	remembered map[string]*[3][3]atomic.Pointer[Verdict] // by operation; then by standing and credential

	mu     sync.Mutex // one question at a time; they are few
	casbin *casbin.Enforcer
}

// NewCalls compiles the rules of a version from its operations. It fails when
// an access is unknown or an ID is empty or there twice.
func NewCalls(operations []Operation) (*Calls, error) {
	m, err := model.NewModelFromString(callsModel)
	if err != nil {
		return nil, fmt.Errorf("read model of calls: %w", err)
	}
	enforcer, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("make enforcer of calls: %w", err)
	}
	c := &Calls{remembered: make(map[string]*[3][3]atomic.Pointer[Verdict], len(operations)), casbin: enforcer}
	for _, operation := range operations {
		rules, known := callRules[operation.Access]
		if !known {
			return nil, fmt.Errorf("operation %q: access %q is unknown", operation.ID, operation.Access)
		}
		if _, twice := c.remembered[operation.ID]; twice || operation.ID == "" {
			return nil, fmt.Errorf("operation %q: the id is empty or there twice", operation.ID)
		}
		c.remembered[operation.ID] = new([3][3]atomic.Pointer[Verdict])
		if _, err := enforcer.AddGroupingPolicy(operation.ID, operation.Access); err != nil {
			return nil, fmt.Errorf("add operation %q: %w", operation.ID, err)
		}
		if _, err := enforcer.AddPoliciesEx(rules); err != nil {
			return nil, fmt.Errorf("add rules of access %q: %w", operation.Access, err)
		}
	}
	return c, nil
}

// Decide says whether a call may go on. What is not known is refused.
func (c *Calls) Decide(call Call) (Verdict, error) {
	return c.decide(call.standing(), call.Operation, call.Credential)
}

func (c *Calls) decide(standing, operation, credential string) (Verdict, error) {
	table, known := c.remembered[operation]
	s, k := slices.Index(standings, standing), slices.Index(credentials, credential)
	if !known || k < 0 {
		return Verdict{Rule: NoRule}, nil
	}
	if v := table[s][k].Load(); v != nil {
		return *v, nil
	}
	v, err := c.enforce(standing, operation, credential)
	if err != nil {
		return Verdict{}, err
	}
	table[s][k].Store(&v)
	return v, nil
}

// enforce asks Casbin.
func (c *Calls) enforce(standing, operation, credential string) (Verdict, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	allowed, rule, err := c.casbin.EnforceEx(standing, operation, credential)
	if err != nil {
		return Verdict{}, fmt.Errorf("ask policy about operation %q: %w", operation, err)
	}
	if len(rule) == 0 {
		return Verdict{Rule: NoRule}, nil
	}
	return Verdict{Allowed: allowed, Rule: rule[0]}, nil
}

// Explain says which rule decides a call, and for one refused what is lacking:
// agreement (one in force), operation (agreed in it), api_key or token.
func (c *Calls) Explain(call Call) (Explanation, error) {
	verdict, err := c.Decide(call)
	if err != nil {
		return Explanation{}, err
	}
	why := Explanation{Allowed: verdict.Allowed, Rule: verdict.Rule, Change: []string{}}
	if verdict.Allowed {
		return why, nil
	}
	agree := "agreement"
	if call.Agreed != nil {
		agree = "operation"
	}
	for _, try := range []struct {
		standing   string
		credential string
		change     []string
	}{
		{covers, call.Credential, []string{agree}},
		{call.standing(), APIKey, []string{APIKey}},
		{call.standing(), Token, []string{Token}},
		{covers, APIKey, []string{agree, APIKey}},
		{covers, Token, []string{agree, Token}},
	} {
		would, err := c.decide(try.standing, call.Operation, try.credential)
		if err != nil {
			return Explanation{}, err
		}
		if would.Allowed {
			why.Change = try.change
			return why, nil
		}
	}
	return why, nil
}

// Model is the text of the Casbin model, for the operator to read.
func (c *Calls) Model() string { return callsModel }

// Rules are the compiled rules, one a row: g, operation, access; and
// p, rule, access, agreement, credential, effect, in the order they are tried.
func (c *Calls) Rules() ([][]string, error) { return rows(c.casbin, "g", "p") }
