package policy

import (
	"fmt"
	"slices"
	"strings"
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
	Token        = "token"         // of ours
	ForeignToken = "foreign_token" // of another issuer, who says by introspection whose it is
	Signature    = "signature"     // with a key that the application registered (RFC 9421)
)

// What a call's agreement says of its operation.
const (
	noAgreement = "none"
	otherwise   = "other"  // there is one, for other operations
	covers      = "covers" // it covers this operation
)

var (
	credentials = []string{NoCredential, APIKey, Token, ForeignToken, Signature}
	standings   = []string{noAgreement, otherwise, covers}
)

// Call is all that the decision depends on.
type Call struct {
	Operation  string   // its ID
	Credential string   // NoCredential, APIKey, Token, ForeignToken, Signature
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
// key-for-personal-data, foreign-token-for-personal-data, signature-for-personal-data, outside-network, outside-hours, assurance-low,
// purpose-unsaid and NoRule refuse.
type Verdict struct {
	Allowed bool
	Rule    string
}

// callsModel lets the first rule that fits decide. A request is what its
// agreement says of the operation, the credential, and the first of the
// operation's conditions that it does not meet.
const callsModel = `
[request_definition]
r = agreement, credential, lacking

[policy_definition]
p = rule, agreement, credential, lacking, eft

[policy_effect]
e = priority(p.eft) || deny

[matchers]
m = (p.agreement == "any" || r.agreement == p.agreement) && (p.credential == "any" || r.credential == p.credential) && (p.lacking == "any" || r.lacking == p.lacking)
`

// callRules are the rules of each access, in the order in which they are
// tried: those that refuse, and the one that allows what is left.
var callRules = map[string][][]string{
	"open": {
		{"open", "any", "any", "any", "allow"},
	},
	"restricted": {
		{"no-credential", "any", NoCredential, "any", "deny"},
		{"no-agreement", noAgreement, "any", "any", "deny"},
		{"operation-not-agreed", otherwise, "any", "any", "deny"},
		{"restricted-agreement", covers, "any", "any", "allow"},
	},
	"personal": {
		{"no-credential", "any", NoCredential, "any", "deny"},
		{"key-for-personal-data", "any", APIKey, "any", "deny"},
		{"foreign-token-for-personal-data", "any", ForeignToken, "any", "deny"},
		{"signature-for-personal-data", "any", Signature, "any", "deny"},
		{"no-agreement", noAgreement, Token, "any", "deny"},
		{"operation-not-agreed", otherwise, Token, "any", "deny"},
		{"personal-token", covers, Token, "any", "allow"},
	},
}

// conditions are what an operation may ask for beside its agreement, in the
// order in which they are tried, and the rule that refuses who lacks it.
var conditions = []struct {
	fact       Facts
	name, rule string
}{
	{OutsideNetwork, "network", "outside-network"},
	{OutsideHours, "hours", "outside-hours"},
	{AssuranceLow, "assurance", "assurance-low"},
	{PurposeUnsaid, "purpose", "purpose-unsaid"},
}

// facts are the conditions as a set.
func (c Conditions) facts() Facts {
	var asked Facts
	for fact, is := range map[Facts]bool{OutsideNetwork: c.Network, OutsideHours: c.Hours, AssuranceLow: c.Assurance, PurposeUnsaid: c.Purpose} {
		if is {
			asked |= fact
		}
	}
	return asked
}

// first is the name of the first condition in f, in their order.
func (f Facts) first() string {
	for _, c := range conditions {
		if f&c.fact != 0 {
			return c.name
		}
	}
	return "none"
}

func (f Facts) names() []string {
	var names []string
	for _, c := range conditions {
		if f&c.fact != 0 {
			names = append(names, c.name)
		}
	}
	return names
}

// rulesOf are the rules of operations of one access under the same conditions:
// what a condition refuses stands before the rule that allows.
func rulesOf(access string, asked Facts) [][]string {
	rules := callRules[access]
	last := len(rules) - 1
	own := slices.Clone(rules[:last])
	for _, c := range conditions {
		if asked&c.fact != 0 {
			own = append(own, []string{c.rule, "any", "any", c.name, "deny"})
		}
	}
	return append(own, rules[last])
}

// Calls decides the calls of one version. Its operations are of a few classes:
// an access with the same conditions. What is decided of a class is the same in
// every version, so versions share them: one small enforcer each, and the
// verdicts that Casbin gave, which are remembered. There are at most 240 a class,
// so the memory needs neither bound nor forgetting; a new revision of an
// agreement has another standing, not another verdict, and a decision costs the
// same with ten agreements or a million. Calls is safe for concurrent use.
type Calls struct {
	classes map[string]*class // by operation
}

// class is what operations of one access under the same conditions share.
type class struct {
	name       string
	asked      Facts
	remembered [3][5][allFacts]atomic.Pointer[Verdict] // by standing, credential, facts

	mu     sync.Mutex // one question at a time; they are few
	casbin *casbin.Enforcer
}

// shared are the classes that any version has needed: 48 at most.
var shared struct {
	mu      sync.Mutex
	classes map[string]*class
}

func classOf(access string, under Conditions) (*class, error) {
	if callRules[access] == nil {
		return nil, fmt.Errorf("access %q is unknown", access)
	}
	asked := under.facts()
	name := strings.Join(append([]string{access}, asked.names()...), "+")
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
	if _, err := enforcer.AddPolicies(rulesOf(access, asked)); err != nil {
		return nil, fmt.Errorf("add rules of class %q: %w", name, err)
	}
	if shared.classes == nil {
		shared.classes = map[string]*class{}
	}
	c := &class{name: name, asked: asked, casbin: enforcer}
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
	allowed, rule, err := c.casbin.EnforceEx(standing, credential, (lacking & c.asked).first())
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

// CallModel is the Casbin model that calls are decided by.
func CallModel() string { return callsModel }

// CallRules are the rules that calls are decided by: access, rule, agreement,
// credential, lacking condition, effect, in the order in which
// they are tried. The rules of conditions are there for the operations that
// have them.
func CallRules() [][]string {
	var list [][]string
	for _, access := range []string{"open", "restricted", "personal"} {
		for _, rule := range rulesOf(access, allFacts-1) {
			list = append(list, append([]string{access}, rule...))
		}
	}
	return list
}

// IsRule reports whether calls are decided by a rule of that name.
func IsRule(name string) bool {
	return slices.ContainsFunc(CallRules(), func(rule []string) bool { return rule[1] == name })
}
