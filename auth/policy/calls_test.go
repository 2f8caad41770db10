package policy

import (
	"reflect"
	"slices"
	"sync"
	"testing"
)

var version = []Operation{
	{ID: "procedures-list", Access: "open"},
	{ID: "dossiers-list", Access: "restricted"},
	{ID: "dossiers-get", Access: "restricted"},
	{ID: "merit-get", Access: "personal"},
}

func newCalls(t testing.TB, operations []Operation) *Calls {
	t.Helper()
	c, err := NewCalls(operations)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDecide(t *testing.T) {
	t.Parallel()
	c := newCalls(t, version)
	agreed := []string{"dossiers-get", "merit-get"}
	for _, tt := range []struct {
		name string
		call Call
		want Explanation
	}{
		{"open to anyone", Call{Operation: "procedures-list", Credential: NoCredential}, Explanation{true, "open", []string{}}},
		{"open with an agreement for others", Call{Operation: "procedures-list", Credential: APIKey, Agreed: agreed}, Explanation{true, "open", []string{}}},
		{"restricted, agreed, key", Call{Operation: "dossiers-get", Credential: APIKey, Agreed: agreed}, Explanation{true, "restricted-agreement", []string{}}},
		{"restricted, agreed, token", Call{Operation: "dossiers-get", Credential: Token, Agreed: agreed}, Explanation{true, "restricted-agreement", []string{}}},
		{"restricted, nothing", Call{Operation: "dossiers-get", Credential: NoCredential},
			Explanation{false, "no-credential", []string{"agreement", "api_key"}}},
		{"restricted, no agreement", Call{Operation: "dossiers-get", Credential: APIKey},
			Explanation{false, "no-agreement", []string{"agreement"}}},
		{"restricted, not agreed", Call{Operation: "dossiers-list", Credential: Token, Agreed: agreed}, Explanation{false, "operation-not-agreed", []string{"operation"}}},
		{"restricted, an agreement for nothing", Call{Operation: "dossiers-list", Credential: Token, Agreed: []string{}},
			Explanation{false, "operation-not-agreed", []string{"operation"}}},
		{"personal, agreed, token", Call{Operation: "merit-get", Credential: Token, Agreed: agreed}, Explanation{true, "personal-token", []string{}}},
		{"personal, agreed, key", Call{Operation: "merit-get", Credential: APIKey, Agreed: agreed}, Explanation{false, "key-for-personal-data", []string{"token"}}},
		{"personal, key, no agreement", Call{Operation: "merit-get", Credential: APIKey},
			Explanation{false, "key-for-personal-data", []string{"agreement", "token"}}},
		{"personal, nothing", Call{Operation: "merit-get", Credential: NoCredential},
			Explanation{false, "no-credential", []string{"agreement", "token"}}},
		{"restricted, agreed, another issuer's token", Call{Operation: "dossiers-get", Credential: ForeignToken, Agreed: agreed},
			Explanation{true, "restricted-agreement", []string{}}},
		{"personal, agreed, another issuer's token", Call{Operation: "merit-get", Credential: ForeignToken, Agreed: agreed},
			Explanation{false, "foreign-token-for-personal-data", []string{"token"}}},
		{"restricted, agreed, signed", Call{Operation: "dossiers-get", Credential: Signature, Agreed: agreed}, Explanation{true, "restricted-agreement", []string{}}},
		{"restricted, signed, no agreement", Call{Operation: "dossiers-get", Credential: Signature}, Explanation{false, "no-agreement", []string{"agreement"}}},
		{"personal, agreed, signed", Call{Operation: "merit-get", Credential: Signature, Agreed: agreed},
			Explanation{false, "signature-for-personal-data", []string{"token"}}},
		{"personal, no agreement", Call{Operation: "merit-get", Credential: Token}, Explanation{false, "no-agreement", []string{"agreement"}}},
		{"personal, not agreed", Call{Operation: "merit-get", Credential: Token, Agreed: []string{"dossiers-get"}},
			Explanation{false, "operation-not-agreed", []string{"operation"}}},
		{"no such operation", Call{Operation: "dossiers-delete", Credential: Token, Agreed: []string{"dossiers-delete"}}, Explanation{false, NoRule, []string{}}},
		{"another version's operation named like an access", Call{Operation: "open", Credential: Token, Agreed: nil}, Explanation{false, NoRule, []string{}}},
		{"no such credential", Call{Operation: "procedures-list", Credential: "cookie", Agreed: nil}, Explanation{false, NoRule, []string{"api_key"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.Explain(tt.call)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			verdict, err := c.Decide(tt.call)
			if err != nil || verdict != (Verdict{tt.want.Allowed, tt.want.Rule}) {
				t.Errorf("Decide: got %+v, %v; want as Explain: %+v", verdict, err, tt.want)
			}
		})
	}
}

// TestConditions: what an operation asks for beside its agreement is asked of
// no other, and each has its rule and its way out.
func TestConditions(t *testing.T) {
	t.Parallel()
	c := newCalls(t, []Operation{
		{ID: "plain", Access: "restricted"},
		{ID: "all", Access: "restricted", Conditions: Conditions{true, true, true, true}},
		{ID: "open", Access: "open", Conditions: Conditions{Network: true}},
		{ID: "merit", Access: "personal", Conditions: Conditions{Assurance: true}},
	})
	const every = OutsideHours | OutsideNetwork | AssuranceLow | PurposeUnsaid
	for _, tt := range []struct {
		operation, credential string
		lacking               Facts
		agreed                []string
		want                  Explanation
	}{
		{"plain", APIKey, every, []string{"plain"}, Explanation{true, "restricted-agreement", []string{}}},
		{"all", APIKey, 0, []string{"all"}, Explanation{true, "restricted-agreement", []string{}}},
		{"all", APIKey, every, []string{"all"}, Explanation{false, "outside-network", []string{"network", "hours", "assurance", "purpose"}}},
		{"all", APIKey, OutsideHours | AssuranceLow, []string{"all"}, Explanation{false, "outside-hours", []string{"hours", "assurance"}}},
		{"all", APIKey, AssuranceLow, []string{"all"}, Explanation{false, "assurance-low", []string{"assurance"}}},
		{"all", APIKey, PurposeUnsaid, []string{"all"}, Explanation{false, "purpose-unsaid", []string{"purpose"}}},
		{"all", APIKey, OutsideHours, nil, Explanation{false, "no-agreement", []string{"agreement", "hours"}}},
		{"all", NoCredential, every, nil, Explanation{false, "no-credential", []string{"agreement", "api_key", "network", "hours", "assurance", "purpose"}}},
		{"open", NoCredential, OutsideHours, nil, Explanation{true, "open", []string{}}},
		{"open", NoCredential, OutsideNetwork, nil, Explanation{false, "outside-network", []string{"network"}}},
		{"merit", Token, 0, []string{"merit"}, Explanation{true, "personal-token", []string{}}},
		{"merit", Token, AssuranceLow, []string{"merit"}, Explanation{false, "assurance-low", []string{"assurance"}}},
		{"merit", APIKey, AssuranceLow, []string{"merit"}, Explanation{false, "key-for-personal-data", []string{"token", "assurance"}}},
		{"merit", Token, 1 << 7, []string{"merit"}, Explanation{false, NoRule, []string{}}},
	} {
		got, err := c.Explain(Call{Operation: tt.operation, Credential: tt.credential, Agreed: tt.agreed, Lacking: tt.lacking})
		if tt.want.Rule == NoRule {
			got.Change = []string{}
		}
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s by %s lacking %v: got %+v, %v, want %+v", tt.operation, tt.credential, tt.lacking.names(), got, err, tt.want)
		}
	}
}

// TestRememberedIsWhatCasbinSays: Casbin is the oracle of every verdict there
// is, first asked and then remembered, by several at once.
func TestRememberedIsWhatCasbinSays(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for access := range callRules {
				for bits := range 16 {
					class, err := classOf(access, Conditions{bits&1 != 0, bits&2 != 0, bits&4 != 0, bits&8 != 0})
					if err != nil {
						t.Error(err)
						return
					}
					for _, standing := range standings {
						for _, credential := range credentials {
							for lacking := range Facts(allFacts) {
								got, err := class.decide(standing, credential, lacking)
								if err != nil {
									t.Error(err)
								}
								want, err := class.enforce(standing, credential, lacking)
								if err != nil || got != want || got.Rule == NoRule {
									t.Errorf("%s %s %s %d: got %+v, Casbin says %+v, %v", class.name, standing, credential, lacking, got, want, err)
								}
							}
						}
					}
				}
			}
		})
	}
	all.Wait()
}

func TestNewCallsRefuses(t *testing.T) {
	t.Parallel()
	for name, operations := range map[string][]Operation{
		"an unknown access": {{ID: "a", Access: "secret"}},
		"an empty id":       {{ID: "", Access: "open"}},
		"an id twice":       {{ID: "a", Access: "open"}, {ID: "a", Access: "restricted"}},
	} {
		if _, err := NewCalls(operations); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// TestCallRulesAreReadable: every rule there is stands in the list, in a form
// that the model reads.
func TestCallRulesAreReadable(t *testing.T) {
	t.Parallel()
	list := CallRules()
	for _, rule := range list {
		if len(rule) != 6 || (rule[5] != "allow" && rule[5] != "deny") {
			t.Errorf("got the rule %v", rule)
		}
	}
	want := []string{"restricted", "outside-hours", "any", "any", "hours", "deny"}
	if !slices.ContainsFunc(list, func(rule []string) bool { return slices.Equal(rule, want) }) {
		t.Errorf("lacks %v:\n%v", want, list)
	}
	if last := list[len(list)-1]; last[0] != "personal" || last[1] != "personal-token" || last[5] != "allow" {
		t.Errorf("the last rule is %v", last)
	}
}

// BenchmarkDecide is a verdict that is remembered. Where the agreement is found
// is the gateway's benchmark.
func BenchmarkDecide(b *testing.B) {
	c := newCalls(b, version)
	call := Call{Operation: "dossiers-get", Credential: APIKey, Agreed: []string{"dossiers-list", "dossiers-get"}}
	b.ReportAllocs()
	for b.Loop() {
		if v, err := c.Decide(call); err != nil || !v.Allowed {
			b.Fatal(v, err)
		}
	}
}

// BenchmarkFirst is a verdict that is not remembered: Casbin tries every rule
// of the class that has the most.
func BenchmarkFirst(b *testing.B) {
	c, err := classOf("personal", Conditions{Hours: true, Network: true, Assurance: true, Purpose: true})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if v, err := c.enforce(covers, Token, 0); err != nil || !v.Allowed {
			b.Fatal(v, err)
		}
	}
}

// BenchmarkNewCalls is what one version costs a gateway node.
func BenchmarkNewCalls(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newCalls(b, version)
	}
}
