package policy

import (
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/google/uuid"
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
		{"open with an agreement for others", Call{"procedures-list", APIKey, agreed}, Explanation{true, "open", []string{}}},
		{"restricted, agreed, key", Call{"dossiers-get", APIKey, agreed}, Explanation{true, "restricted-agreement", []string{}}},
		{"restricted, agreed, token", Call{"dossiers-get", Token, agreed}, Explanation{true, "restricted-agreement", []string{}}},
		{"restricted, nothing", Call{Operation: "dossiers-get", Credential: NoCredential},
			Explanation{false, "no-credential", []string{"agreement", "api_key"}}},
		{"restricted, no agreement", Call{Operation: "dossiers-get", Credential: APIKey},
			Explanation{false, "no-agreement", []string{"agreement"}}},
		{"restricted, not agreed", Call{"dossiers-list", Token, agreed}, Explanation{false, "operation-not-agreed", []string{"operation"}}},
		{"restricted, an agreement for nothing", Call{"dossiers-list", Token, []string{}},
			Explanation{false, "operation-not-agreed", []string{"operation"}}},
		{"personal, agreed, token", Call{"merit-get", Token, agreed}, Explanation{true, "personal-token", []string{}}},
		{"personal, agreed, key", Call{"merit-get", APIKey, agreed}, Explanation{false, "key-for-personal-data", []string{"token"}}},
		{"personal, key, no agreement", Call{Operation: "merit-get", Credential: APIKey},
			Explanation{false, "key-for-personal-data", []string{"agreement", "token"}}},
		{"personal, nothing", Call{Operation: "merit-get", Credential: NoCredential},
			Explanation{false, "no-credential", []string{"agreement", "token"}}},
		{"personal, no agreement", Call{Operation: "merit-get", Credential: Token}, Explanation{false, "no-agreement", []string{"agreement"}}},
		{"personal, not agreed", Call{"merit-get", Token, []string{"dossiers-get"}},
			Explanation{false, "operation-not-agreed", []string{"operation"}}},
		{"no such operation", Call{"dossiers-delete", Token, []string{"dossiers-delete"}}, Explanation{false, NoRule, []string{}}},
		{"another version's operation named like an access", Call{"open", Token, nil}, Explanation{false, NoRule, []string{}}},
		{"no such credential", Call{"procedures-list", "cookie", nil}, Explanation{false, NoRule, []string{"api_key"}}},
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

func TestRememberedIsWhatCasbinSays(t *testing.T) {
	t.Parallel()
	c := newCalls(t, version)
	var all sync.WaitGroup
	for range 4 { // first asked, then remembered, and by several at once
		all.Go(func() {
			for _, operation := range version {
				for _, standing := range standings {
					for _, credential := range credentials {
						got, err := c.decide(standing, operation.ID, credential)
						if err != nil {
							t.Error(err)
						}
						want, err := c.enforce(standing, operation.ID, credential)
						if err != nil || got != want {
							t.Errorf("%s %s %s: got %+v, Casbin says %+v, %v", standing, operation.ID, credential, got, want, err)
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

func TestCallRulesAreReadable(t *testing.T) {
	t.Parallel()
	got, err := newCalls(t, []Operation{{ID: "a", Access: "open"}, {ID: "b", Access: "open"}}).Rules()
	want := [][]string{{"g", "a", "open"}, {"g", "b", "open"}, {"p", "open", "open", "any", "any", "allow"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// BenchmarkDecide shows that a decision costs the same however many
// agreements there are.
func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("agreements=%d", n), func(b *testing.B) {
			c := newCalls(b, version)
			agreements := make([][]string, n)
			byID := make(map[uuid.UUID][]string, n)
			ids := make([]uuid.UUID, n)
			for i := range agreements {
				ids[i] = uuid.New()
				byID[ids[i]] = []string{"dossiers-list", "dossiers-get"}
			}
			i := 0
			for b.Loop() {
				i = (i + 7919) % n
				if v, err := c.Decide(Call{"dossiers-get", APIKey, byID[ids[i]]}); err != nil || !v.Allowed {
					b.Fatal(v, err)
				}
			}
		})
	}
}

// BenchmarkNewCalls is what one version costs a gateway node.
func BenchmarkNewCalls(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newCalls(b, version)
	}
}
