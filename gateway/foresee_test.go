package gateway

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

// foreseer is a node that decides, with one version and one agreement on it.
func foreseer(t *testing.T) (*Node, Route, Grant) {
	t.Helper()
	now := monday("10:00")
	n := &Node{Now: func() time.Time { return now }}
	r := Route{Version: uuid.New(), Agency: uuid.New(), AgencySlug: "so", APISlug: "ho-so", Number: "v1", Upstream: "http://10.0.0.1",
		Plan: Plan{RatePerMinute: 60}, Operations: []Operation{
			{ID: "mo", Method: "GET", Path: "/mo", Access: Open}, {ID: "tim", Method: "GET", Path: "/tim", Access: Restricted},
			{ID: "nguoi", Method: "GET", Path: "/nguoi/{so}", Access: Personal, SubjectIn: "path", SubjectName: "so"}}}
	g := Grant{Agreement: uuid.New(), Revision: 1, Application: uuid.New(), Version: r.Version, Purpose: "tra-cuu", State: "active",
		Starts: now.AddDate(0, -1, 0), Ends: now.AddDate(0, 1, 0), Plan: Plan{RatePerMinute: 60, QuotaPerDay: 100},
		Operations: []GrantedOperation{{Operation: "tim", Fields: []string{"/ma", "/ten"}}, {Operation: "nguoi", Fields: []string{"/ten"}}}}
	s, err := newSnapshot().with(WouldBe{Routes: []Route{r}, Grants: []Grant{g}})
	if err != nil {
		t.Fatal(err)
	}
	n.current.Store(s)
	return n, r, g
}

// TestForeseenAgreements: what is foreseen of an agreement is what Explain says
// once it is in force.
func TestForeseenAgreements(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(g *Grant)
		want   Foreseen // of tim
	}{
		{"as it is", func(*Grant) {}, Foreseen{Before: Always, After: Always}},
		{"suspended", func(g *Grant) { g.State = "suspended" }, Foreseen{Before: Always, Code: "agreement-suspended"}},
		{"ended", func(g *Grant) { g.State = "ended" }, Foreseen{Before: Always, Code: "agreement-ended"}},
		{"shortened to yesterday", func(g *Grant) { g.Ends = monday("00:00") }, Foreseen{Before: Always, Code: "agreement-expired"}},
		{"without the operation", func(g *Grant) { g.Operations = g.Operations[1:] }, Foreseen{Before: Always, Code: "operation-not-agreed"}},
		{"without a field", func(g *Grant) { g.Operations = []GrantedOperation{{Operation: "tim", Fields: []string{"/ma"}}} }, Foreseen{Before: Always, After: Always, Lost: []string{"/ten"}}},
		{"with another field", func(g *Grant) {
			g.Operations = []GrantedOperation{{Operation: "tim", Fields: []string{"/ma", "/ten", "/x"}}}
		},
			Foreseen{Before: Always, After: Always, Won: []string{"/x"}}},
		{"a second purpose", func(g *Grant) { g.Agreement, g.Purpose = uuid.New(), "thong-ke" }, Foreseen{Before: Always, After: Depends, Code: "purpose-required"}},
	} {
		n, r, g := foreseer(t)
		before := n.current.Load()
		tt.change(&g)
		g.Revision = 2
		w := WouldBe{Grants: []Grant{g}}
		got, err := n.Foresee(w, []Made{{Application: g.Application, Version: r.Version, Operation: "tim", Purpose: "tra-cuu"}})
		if err != nil || !reflect.DeepEqual(got[0], tt.want) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
		if n.current.Load() != before {
			t.Errorf("%s: it was put in force", tt.name)
		}
		if e, err := n.Explain(Imagined{Version: r.Version, Operation: "tim", Application: g.Application, Credential: "api_key"}); err != nil || !e.Allowed {
			t.Errorf("%s: the snapshot of the node is another: %+v, %v", tt.name, e, err)
		}
		then, err := before.with(w)
		if err != nil {
			t.Fatal(err)
		}
		n.current.Store(then)
		e, err := n.Explain(Imagined{Version: r.Version, Operation: "tim", Application: g.Application, Credential: "api_key", Purpose: "tra-cuu"})
		if err != nil || e.Allowed != (got[0].After != Never) || got[0].After == Never && e.Code != got[0].Code {
			t.Errorf("%s: foreseen %+v, and then %+v, %v", tt.name, got[0], e, err)
		}
	}
}

// TestForeseenConditions: what conditions of a version would do to calls, as
// far as records tell.
func TestForeseenConditions(t *testing.T) {
	t.Parallel()
	office, night := monday("10:00").AddDate(0, 0, -7), monday("22:00").AddDate(0, 0, -7)
	const hours = `{"conditions":[{"hours":{"days":[1,2,3,4,5],"from":"07:30","until":"17:00"}}]}`
	for _, tt := range []struct {
		name, traffic string
		made          Made
		want          Foreseen
	}{
		{"in hours", hours, Made{Operation: "tim", At: office}, Foreseen{Before: Always, After: Always}},
		{"out of hours", hours, Made{Operation: "tim", At: night}, Foreseen{Before: Always, Code: "outside-hours"}},
		{"without calls: some time", hours, Made{Operation: "tim"}, Foreseen{Before: Always, After: Depends, Code: "outside-hours"}},
		{"nobody, of an open one", hours, Made{Operation: "mo"}, Foreseen{Before: Always, After: Depends, Code: "outside-hours"}},
		{"networks: nobody knows whence", `{"conditions":[{"networks":["10.0.0.0/8"]}]}`, Made{Operation: "tim", At: office}, Foreseen{Before: Always, After: Depends, Code: "outside-network"}},
		{"two factors, of itself", `{"conditions":[{"access":"personal","two_factors":true}]}`, Made{Operation: "nguoi", At: office}, Foreseen{Before: Always, Code: "assurance-low"}},
		{"two factors, of persons", `{"conditions":[{"access":"personal","two_factors":true}]}`, Made{Operation: "nguoi", At: office, Person: true}, Foreseen{Before: Always, After: Depends, Code: "assurance-low"}},
		{"two factors of others", `{"conditions":[{"access":"personal","two_factors":true}]}`, Made{Operation: "tim", At: office}, Foreseen{Before: Always, After: Always}},
		{"a purpose each time", `{"conditions":[{"access":"restricted","purpose":true}]}`, Made{Operation: "tim", At: office}, Foreseen{Before: Always, After: Depends, Code: "purpose-unsaid"}},
		{"a key where none may", `{}`, Made{Operation: "nguoi", At: office, Credential: "api_key"}, Foreseen{Code: "key-for-personal-data"}},
		{"no such operation", `{}`, Made{Operation: "khac", At: office}, Foreseen{Code: "no-such-operation"}},
	} {
		n, r, g := foreseer(t)
		if err := json.Unmarshal([]byte(tt.traffic), &r.Traffic); err != nil {
			t.Fatal(err)
		}
		tt.made.Version, tt.made.Purpose = r.Version, "tra-cuu"
		if tt.made.Operation != "mo" {
			tt.made.Application = g.Application
		}
		got, err := n.Foresee(WouldBe{Routes: []Route{r}}, []Made{tt.made})
		if err != nil || !reflect.DeepEqual(got[0], tt.want) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
}

// TestForeseenMarks: an operation that becomes personal data shuts out keys, and
// one that goes is lost.
func TestForeseenMarks(t *testing.T) {
	t.Parallel()
	n, r, g := foreseer(t)
	r.Operations = append([]Operation{}, r.Operations[1:]...)
	r.Operations[0].Access, r.Operations[0].SubjectIn, r.Operations[0].SubjectName = Personal, "query", "so"
	made := func(operation, credential string) Made {
		return Made{Application: g.Application, Version: r.Version, Operation: operation, Credential: credential, At: monday("10:00")}
	}
	got, err := n.Foresee(WouldBe{Routes: []Route{r}}, []Made{made("tim", "api_key"), made("tim", "token"), made("mo", "none")})
	want := []Foreseen{{Before: Always, Code: "key-for-personal-data"}, {Before: Always, After: Always}, {Before: Always, Code: "no-such-operation"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	r.Plan.RatePerMinute = 0
	if _, err := n.Foresee(WouldBe{Routes: []Route{r}}, nil); problem.Code(err) != "route-unservable" {
		t.Errorf("what cannot be served: got %v", err)
	}
	if _, err := new(Node).Foresee(WouldBe{}, nil); problem.Code(err) != "gateway-starting" {
		t.Errorf("before the first load: got %v", err)
	}
}
