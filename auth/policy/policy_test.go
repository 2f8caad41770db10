package policy

import (
	"reflect"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

func TestMay(t *testing.T) {
	t.Parallel()
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	mine, other, platform := uuid.New(), uuid.New(), uuid.Nil
	person := func(memberships ...auth.Membership) auth.Principal {
		return auth.Principal{Person: uuid.New(), Memberships: memberships}
	}
	publisher := person(auth.Membership{Agency: mine, Role: auth.RolePublisher})
	steward := person(auth.Membership{Agency: mine, Role: auth.RoleSteward})
	operator := person(auth.Membership{Role: auth.RoleOperator})
	auditor := person(auth.Membership{Role: auth.RoleAuditor})
	both := person(auth.Membership{Role: auth.RoleOperator}, auth.Membership{Agency: mine, Role: auth.RoleSteward})
	for _, tt := range []struct {
		name   string
		who    auth.Principal
		act    string
		agency uuid.UUID
		want   Explanation
	}{
		{"publisher publishes", publisher, "api.publish", mine, Explanation{true, "publisher:api.publish", []string{}}},
		{"publisher elsewhere", publisher, "api.publish", other, Explanation{false, NoRule, []string{"publisher", "operator"}}},
		{"publisher does not decide", publisher, "agreement.decide", mine, Explanation{false, NoRule, []string{"steward"}}},
		{"publisher does not approve", publisher, "dataset.approve", mine, Explanation{false, NoRule, []string{"steward", "operator"}}},
		{"steward decides", steward, "agreement.decide", mine, Explanation{true, "steward:agreement.decide", []string{}}},
		{"steward decides nothing elsewhere", steward, "agreement.decide", other, Explanation{false, NoRule, []string{"steward"}}},
		{"steward does not publish", steward, "api.publish", mine, Explanation{false, NoRule, []string{"publisher", "operator"}}},
		{"steward edits no person", steward, "person.edit", platform, Explanation{false, NoRule, []string{"operator"}}},
		{"members of the platform", steward, "member.edit", platform, Explanation{false, NoRule, []string{"operator"}}},
		{"publisher acts through the agency's applications", publisher, "person.act-through", mine, Explanation{true, "publisher:person.act-through", []string{}}},
		{"steward acts through the agency's applications", steward, "person.act-through", mine, Explanation{true, "steward:person.act-through", []string{}}},
		{"nobody acts through those of others", steward, "person.act-through", other, Explanation{false, NoRule, []string{"publisher", "steward"}}},
		{"operator acts through none", operator, "person.act-through", mine, Explanation{false, NoRule, []string{"publisher", "steward"}}},
		{"operator publishes anywhere", operator, "api.publish", other, Explanation{true, "operator:api.publish", []string{}}},
		{"operator decides no agreement", operator, "agreement.decide", mine, Explanation{false, NoRule, []string{"steward"}}},
		{"operator who is steward there decides", both, "agreement.decide", mine, Explanation{true, "steward:agreement.decide", []string{}}},
		{"operator edits agencies", operator, "agency.edit", platform, Explanation{true, "operator:agency.edit", []string{}}},
		{"auditor reads anywhere", auditor, "exchange.read", other, Explanation{true, "auditor:exchange.read", []string{}}},
		{"auditor edits nothing", auditor, "api.edit", mine, Explanation{false, NoRule, []string{"publisher", "operator"}}},
		{"the platform itself", auth.Platform("demo"), "person.edit", platform, Explanation{true, "operator:person.edit", []string{}}},
		{"developer", person(), "api.edit", mine, Explanation{false, NoRule, []string{"publisher", "operator"}}},
		{"no such act", operator, "api.*", mine, Explanation{false, NoRule, []string{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := e.Explain(t.Context(), tt.who, tt.act, tt.agency)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Explain: got %+v, %v, want %+v", got, err, tt.want)
			}
			err = e.May(t.Context(), tt.who, tt.act, tt.agency)
			if tt.want.Allowed && err != nil {
				t.Errorf("May: got %v, want nil", err)
			}
			if !tt.want.Allowed && (!problem.Is(err, problem.Forbidden) || problem.Code(err) != "policy-refused") {
				t.Errorf("May: got %v, want Forbidden policy-refused", err)
			}
		})
	}
	if err := e.May(t.Context(), auth.Principal{}, "api.edit", mine); !problem.Is(err, problem.Unauthorized) {
		t.Errorf("a citizen who has not signed in: got %v, want Unauthorized", err)
	}
	refusal := problem.Of(e.May(t.Context(), publisher, "dataset.approve", mine))
	want := map[string]string{"act": "dataset.approve", "rule": "steward:dataset.approve, operator:dataset.approve"}
	if !reflect.DeepEqual(refusal.Args, want) {
		t.Errorf("the refusal names %v, want %v", refusal.Args, want)
	}
}

func TestManagementRulesAreReadable(t *testing.T) {
	t.Parallel()
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := e.Rules()
	if err != nil || len(rules) == 0 || !reflect.DeepEqual(rules[0], []string{"p", "publisher:api.edit", "publisher", "api.edit"}) {
		t.Errorf("got %v, %v", rules, err)
	}
}
