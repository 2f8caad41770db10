// Package policy answers whether who may do what: one Casbin enforcer for
// management, one for the calls of each version.
package policy

import (
	"context"

	"github.com/google/uuid"

	"lgsp/auth"
)

// Explanation is a decision with its reason and what would turn it.
type Explanation struct {
	Allowed bool     `json:"allowed"`
	Rule    string   `json:"rule"`   // that decided
	Change  []string `json:"change"` // what would allow it: roles, or what the call lacks
}

// Enforcer decides what people may manage.
type Enforcer struct{}

// New compiles the management rules.
func New() (*Enforcer, error) { return &Enforcer{}, nil }

// May is nil when who may do act to an object of agency, else a Forbidden problem that names the rule.
func (e *Enforcer) May(ctx context.Context, who auth.Principal, act string, agency uuid.UUID) error {
	return nil
}

// Explain says why May decides as it does, and what would change it.
func (e *Enforcer) Explain(ctx context.Context, who auth.Principal, act string, agency uuid.UUID) (Explanation, error) {
	return Explanation{}, nil
}

// Model is the text of the Casbin model.
func (e *Enforcer) Model() string { return "" }

// Rules are the compiled rules, one a row.
func (e *Enforcer) Rules() [][]string { return nil }
