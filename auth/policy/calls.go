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
	Conditions
}

// Conditions are what a call must meet beside its agreement. Whether it does is
// found by who asks (Facts); here stands what follows.
type Conditions struct {
	Hours     bool // at certain times
	Network   bool // from certain addresses
	Assurance bool // by a person who proved enough
	Purpose   bool // saying what for
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
	Lacking    Facts    // the operation's conditions that the call does not meet
}

// Facts are conditions that a call does not meet.
type Facts uint8

// The facts.
const (
	OutsideHours Facts = 1 << iota
	OutsideNetwork
	AssuranceLow
	PurposeUnsaid
	allFacts = 1 << iota
)

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
// key-for-personal-data, outside-network, outside-hours, assurance-low,
// purpose-unsaid and NoRule refuse.
type Verdict struct {
	Allowed bool
	Rule    string
}

// callsModel lets the first rule that fits decide. A request is what its
// agreement says of the operation, the credential, and whether it is within the
// hours, the network, the assurance and the purposes that the operation asks for.
const callsModel = `
[request_definition]
r = agreement, credential, hours, network, assurance, purpose

[policy_definition]
p = rule, agreement, credential, hours, network, assurance, purpose, eft

[policy_effect]
e = priority(p.eft) || deny

[matchers]
m = (p.agreement == "any" || r.agreement == p.agreement) && (p.credential == "any" || r.credential == p.credential) && (p.hours == "any" || r.hours == p.hours) && (p.network == "any" || r.network == p.network) && (p.assurance == "any" || r.assurance == p.assurance) && (p.purpose == "any" || r.purpose == p.purpose)
`

// callRules are the rules of each access, in the order in which they are
// tried: those that refuse, and the one that allows what is left.
var callRules = map[string][][]string{
	"open": {
		{"open", "any", "any", "any", "any", "any", "any", "allow"},
	},
	"restricted": {
		{"no-credential", "any", NoCredential, "any", "any", "any", "any", "deny"},
		{"no-agreement", noAgreement, "any", "any", "any", "any", "any", "deny"},
		{"operation-not-agreed", otherwise, "any", "any", "any", "any", "any", "deny"},
		{"restricted-agreement", covers, "any", "any", "any", "any", "any", "allow"},
	},
	"personal": {
		{"no-credential", "any", NoCredential, "any", "any", "any", "any", "deny"},
		{"key-for-personal-data", "any", APIKey, "any", "any", "any", "any", "deny"},
		{"no-agreement", noAgreement, Token, "any", "any", "any", "any", "deny"},
		{"operation-not-agreed", otherwise, Token, "any", "any", "any", "any", "deny"},
		{"personal-token", covers, Token, "any", "any", "any", "any", "allow"},
	},
}

// rulesOf are the rules of operations of one access under the same conditions:
// what a condition refuses stands before the rule that allows.
func rulesOf(access string, conditions Conditions) [][]string {
	rules := callRules[access]
	last := len(rules) - 1
	own := slices.Clone(rules[:last])
	if conditions.Network {
		own = append(own, []string{"outside-network", "any", "any", "any", "outside", "any", "any", "deny"})
	}
	if conditions.Hours {
		own = append(own, []string{"outside-hours", "any", "any", "outside", "any", "any", "any", "deny"})
	}
	if conditions.Assurance {
		own = append(own, []string{"assurance-low", "any", "any", "any", "any", "outside", "any", "deny"})
	}
	if conditions.Purpose {
		own = append(own, []string{"purpose-unsaid", "any", "any", "any", "any", "any", "outside", "deny"})
	}
	return append(own, rules[last])
}

// Calls decides the calls of one version. Its operations are of a few classes:
// an access with the same conditions. What is decided of a class is the same in
// every version, so versions share them: one small enforcer each, and the
// verdicts that Casbin gave, which are remembered. There are at most 144 a class,
// so the memory needs neither bound nor forgetting; a new revision of an
// agreement has another standing, not another verdict, and a decision costs the
// same with ten agreements or a million. Calls is safe for concurrent use.
type Calls struct {
	classes map[string]*class // by operation
}

// class is what operations of one access under the same conditions share.
type class struct {
	name       string
	remembered [3][3][allFacts]atomic.Pointer[Verdict] // by standing, credential, facts

	mu     sync.Mutex // one question at a time; they are few
	casbin *casbin.Enforcer
}

// shared are the classes that any version has needed: 48 at most.
var shared struct {
	mu      sync.Mutex
	classes map[string]*class
}

func classOf(access string, conditions Conditions) (*class, error) {
	if callRules[access] == nil {
		return nil, fmt.Errorf("access %q is unknown", access)
	}
	name := access
	for _, part := range []struct {
		name string
		is   bool
	}{{"+network", conditions.Network}, {"+hours", conditions.Hours}, {"+assurance", conditions.Assurance}, {"+purpose", conditions.Purpose}} {
		if part.is {
			name += part.name
		}
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if c := shared.classes[name]; c != nil {
		return c, nil
	}
	m, err := model.NewModelFromString(callsModel)
	if err != nil {
		return nil, fmt.Errorf("read model of calls: %w", err)
	}
	enforcer, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("make enforcer of calls: %w", err)
	}
	if _, err := enforcer.AddPolicies(rulesOf(access, conditions)); err != nil {
		return nil, fmt.Errorf("add rules of class %q: %w", name, err)
	}
	if shared.classes == nil {
		shared.classes = map[string]*class{}
	}
	c := &class{name: name, casbin: enforcer}
	shared.classes[name] = c
	return c, nil
}

// NewCalls compiles the rules of a version from its operations. It fails when
// an access is unknown or an ID is empty or there twice.
func NewCalls(operations []Operation) (*Calls, error) {
	c := &Calls{classes: make(map[string]*class, len(operations))}
	for _, operation := range operations {
		if _, twice := c.classes[operation.ID]; twice || operation.ID == "" {
			return nil, fmt.Errorf("operation %q: the id is empty or there twice", operation.ID)
		}
		class, err := classOf(operation.Access, operation.Conditions)
		if err != nil {
			return nil, fmt.Errorf("operation %q: %w", operation.ID, err)
		}
		c.classes[operation.ID] = class
	}
	return c, nil
}

// Decide says whether a call may go on. What is not known is refused.
func (c *Calls) Decide(call Call) (Verdict, error) {
	return c.classes[call.Operation].decide(call.standing(), call.Credential, call.Lacking)
}

func (c *class) decide(standing, credential string, lacking Facts) (Verdict, error) {
	s, k := slices.Index(standings, standing), slices.Index(credentials, credential)
	if c == nil || k < 0 || lacking >= allFacts {
		return Verdict{Rule: NoRule}, nil
	}
	if v := c.remembered[s][k][lacking].Load(); v != nil {
		return *v, nil
	}
	v, err := c.enforce(standing, credential, lacking)
	if err != nil {
		return Verdict{}, err
	}
	c.remembered[s][k][lacking].Store(&v)
	return v, nil
}

// enforce asks Casbin.
func (c *class) enforce(standing, credential string, lacking Facts) (Verdict, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	where := func(fact Facts) string {
		if lacking&fact != 0 {
			return "outside"
		}
		return "within"
	}
	allowed, rule, err := c.casbin.EnforceEx(standing, credential, where(OutsideHours), where(OutsideNetwork), where(AssuranceLow), where(PurposeUnsaid))
	if err != nil {
		return Verdict{}, fmt.Errorf("ask policy about class %q: %w", c.name, err)
	}
	if len(rule) == 0 {
		return Verdict{Rule: NoRule}, nil
	}
	return Verdict{Allowed: allowed, Rule: rule[0]}, nil
}

// Explain says which rule decides a call, and for one refused what is lacking:
// agreement (one in force), operation (agreed in it), api_key, token, and of
// its conditions network, hours, assurance, purpose.
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
	for _, lacking := range []Facts{call.Lacking, 0} { // the conditions stand last
		for _, try := range []struct {
			standing   string
			credential string
			change     []string
		}{
			{call.standing(), call.Credential, nil},
			{covers, call.Credential, []string{agree}},
			{call.standing(), APIKey, []string{APIKey}},
			{call.standing(), Token, []string{Token}},
			{covers, APIKey, []string{agree, APIKey}},
			{covers, Token, []string{agree, Token}},
		} {
			would, err := c.classes[call.Operation].decide(try.standing, try.credential, lacking)
			if err != nil {
				return Explanation{}, err
			}
			if would.Allowed {
				why.Change = append(why.Change, try.change...)
				if lacking != call.Lacking {
					why.Change = append(why.Change, call.Lacking.names()...)
				}
				return why, nil
			}
		}
	}
	return why, nil
}

func (f Facts) names() []string {
	var names []string
	for _, fact := range []struct {
		is   Facts
		name string
	}{{OutsideNetwork, "network"}, {OutsideHours, "hours"}, {AssuranceLow, "assurance"}, {PurposeUnsaid, "purpose"}} {
		if f&fact.is != 0 {
			names = append(names, fact.name)
		}
	}
	return names
}

// CallModel is the Casbin model that calls are decided by.
func CallModel() string { return callsModel }

// CallRules are the rules that calls are decided by: access, rule, agreement,
// credential, hours, network, assurance, purpose, effect, in the order in which
// they are tried. The rules of conditions are there for the operations that
// have them.
func CallRules() [][]string {
	var list [][]string
	for _, access := range []string{"open", "restricted", "personal"} {
		for _, rule := range rulesOf(access, Conditions{Hours: true, Network: true, Assurance: true, Purpose: true}) {
			list = append(list, append([]string{access}, rule...))
		}
	}
	return list
}
