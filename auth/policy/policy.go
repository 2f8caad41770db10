// Package policy answers whether who may do what, and why: one Casbin
// enforcer for management, and one for the calls of each version. Casbin scans
// its rules, so each enforcer has few, with exact names and no patterns.
package policy

import (
	"context"
	"fmt"
	"strings"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// Explanation is a decision with its reason and what would turn it. It comes
// from the same enforcer as the decision.
type Explanation struct {
	Allowed bool     `json:"allowed"`
	Rule    string   `json:"rule"`   // that decided; NoRule when none applied
	Change  []string `json:"change"` // what would allow it: one of these roles, or for a call all of these steps; empty: nothing would
}

// NoRule stands where no rule applied, and what no rule allows is refused.
const NoRule = "no-rule"

// managementModel is role-based access with domains: the agency is the domain,
// and the memberships that say who holds a role there come with the request.
const managementModel = `
[request_definition]
r = who, act, agency

[policy_definition]
p = rule, role, act

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.act == p.act && holds(r.who, p.role, r.agency)
`

// managementRules are the acts of each role. The operator runs the platform
// but decides no agreement: that is the owning agency's.
var managementRules = map[string][]string{
	auth.RolePublisher: {"api.edit", "api.publish", "dataset.edit", "dataset.publish", "agreement.read", "exchange.read", "person.act-through"},
	auth.RoleSteward:   {"api.promote", "agreement.decide", "agreement.read", "dataset.approve", "schema.edit", "exchange.read", "member.edit", "agency.contact", "person.act-through"},
	auth.RoleAuditor:   {"agreement.read", "exchange.read", "platform.read"},
	auth.RoleOperator: {"api.edit", "api.publish", "api.promote", "dataset.edit", "dataset.publish", "dataset.approve", "schema.edit", "agreement.read", "exchange.read",
		"exchange.erase", "member.edit", "upstream.approve", "agency.edit", "agency.contact", "person.edit", "job.edit", "scanner.edit", "foreign-issuer.edit", "honey-key.edit", "search.edit", "calendar.edit", "legal-basis.edit", "code-list.edit", "platform.read"},
}

// roles in the order in which people read them.
var roles = []string{auth.RolePublisher, auth.RoleSteward, auth.RoleOperator, auth.RoleAuditor}

// Enforcer decides what may be managed. It never changes, and is safe for
// concurrent use.
type Enforcer struct{ casbin *casbin.Enforcer }

// New compiles the management rules.
func New() (*Enforcer, error) {
	m, err := model.NewModelFromString(managementModel)
	if err != nil {
		return nil, fmt.Errorf("read management model: %w", err)
	}
	enforcer, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("make management enforcer: %w", err)
	}
	enforcer.AddFunction("holds", holds)
	for _, role := range roles {
		for _, act := range managementRules[role] {
			if _, err := enforcer.AddPolicy(role+":"+act, role, act); err != nil {
				return nil, fmt.Errorf("add rule %s:%s: %w", role, act, err)
			}
		}
	}
	return &Enforcer{casbin: enforcer}, nil
}

// holds is the model's function of that name: does this principal hold the
// role in the agency or on the whole platform.
func holds(args ...any) (any, error) {
	if len(args) != 3 {
		return false, fmt.Errorf("holds takes a principal, a role and an agency, not %d values", len(args))
	}
	who, isPrincipal := args[0].(auth.Principal)
	role, isRole := args[1].(string)
	agency, isAgency := args[2].(uuid.UUID)
	if !isPrincipal || !isRole || !isAgency {
		return false, fmt.Errorf("holds(%T, %T, %T): wrong types", args[0], args[1], args[2])
	}
	return who.Has(role, agency), nil
}

// May is nil when who may do act to an object of agency. Else it is a
// Forbidden problem, code policy-refused, that names the rules that would have
// allowed it, or Unauthorized when who is nobody yet.
func (e *Enforcer) May(ctx context.Context, who auth.Principal, act string, agency uuid.UUID) error {
	allowed, err := e.casbin.Enforce(who, act, agency)
	if err != nil {
		return fmt.Errorf("ask policy about %s: %w", act, err)
	}
	if allowed {
		return nil
	}
	if !who.SignedIn() && len(who.Memberships) == 0 {
		return problem.Errorf(problem.Unauthorized, "sign in first").Coded("sign-in-first")
	}
	why, err := e.Explain(ctx, who, act, agency)
	if err != nil {
		return err
	}
	rules := make([]string, len(why.Change))
	for i, role := range why.Change {
		rules[i] = role + ":" + act
	}
	if len(rules) == 0 {
		rules = []string{NoRule}
	}
	return problem.Errorf(problem.Forbidden, "%s needs one of the rules %s", act, strings.Join(rules, ", ")).
		Coded("policy-refused", "act", act, "rule", strings.Join(rules, ", "))
}

// Explain says which rule decides what May answers, and which roles may.
func (e *Enforcer) Explain(_ context.Context, who auth.Principal, act string, agency uuid.UUID) (Explanation, error) {
	allowed, rule, err := e.casbin.EnforceEx(who, act, agency)
	if err != nil {
		return Explanation{}, fmt.Errorf("explain %s: %w", act, err)
	}
	if allowed {
		return Explanation{Allowed: true, Rule: rule[0], Change: []string{}}, nil
	}
	why := Explanation{Rule: NoRule, Change: []string{}}
	for _, role := range roles {
		if agency == uuid.Nil && (role == auth.RolePublisher || role == auth.RoleSteward) {
			continue // these are of an agency only
		}
		with := auth.Principal{Memberships: []auth.Membership{{Agency: agency, Role: role}}}
		would, err := e.casbin.Enforce(with, act, agency)
		if err != nil {
			return Explanation{}, fmt.Errorf("explain %s for a %s: %w", act, role, err)
		}
		if would {
			why.Change = append(why.Change, role)
		}
	}
	return why, nil
}

// Model is the text of the Casbin model, for the operator to read.
func (e *Enforcer) Model() string { return managementModel }

// Rules are the compiled rules, one a row: p, rule, role, act.
func (e *Enforcer) Rules() ([][]string, error) { return rows(e.casbin, "p") }

// rows reads the rules of an enforcer back, each with its section before it.
func rows(enforcer *casbin.Enforcer, sections ...string) ([][]string, error) {
	var all [][]string
	for _, section := range sections {
		read := enforcer.GetPolicy
		if section == "g" {
			read = enforcer.GetGroupingPolicy
		}
		rules, err := read()
		if err != nil {
			return nil, fmt.Errorf("read rules: %w", err)
		}
		for _, rule := range rules {
			all = append(all, append([]string{section}, rule...))
		}
	}
	return all, nil
}
