package gateway

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth/policy"
)

// sent is the imagined call as the world's client makes it.
func (w *world) sent(call Imagined, path string) reply {
	w.t.Helper()
	var query, headers []string
	for _, p := range call.Parameters {
		switch p.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(p.Value))
		case "query":
			query = append(query, url.QueryEscape(p.Name)+"="+url.QueryEscape(p.Value))
		case "header":
			headers = append(headers, p.Name, p.Value)
		}
	}
	prefix := w.route.Prefix()
	if call.Sandbox {
		prefix += SandboxSuffix
	}
	switch call.Credential {
	case policy.APIKey:
		headers = append(headers, "X-API-Key", w.key)
	case policy.Token:
		headers = append(headers, "Authorization", "Bearer j|"+w.app.String()+"|"+w.node.GatewayURL+prefix)
	}
	for name, value := range map[string]string{"LGSP-Purpose": call.Purpose, "LGSP-Dossier": call.Dossier} {
		if value != "" {
			headers = append(headers, name, value)
		}
	}
	return w.send(w.server, "GET", "@"+prefix+strings.NewReplacer("{ma}", "", "{so}", "").Replace(path)+"?"+strings.Join(query, "&"), "", headers...)
}

// TestExplainedAsCalled: what is told of a call with its parameters, live and
// of the sandbox, is what the gateway does with the call.
func TestExplainedAsCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	communes, person := ParameterBound{In: "query", Name: "maXa", Values: []string{"25201"}, Prefixes: []string{"48-"}}, ParameterBound{In: "path", Name: "so", Values: []string{"000085012345"}}
	district := ParameterBound{In: "header", Name: "X-Huyen", Values: []string{"252"}}
	w.put(func(g *Grant) {
		g.Operations[0].Bounds = &Bounds{Parameters: []ParameterBound{communes, district}, Dossier: true, Purpose: true}
		g.Operations[1].Bounds = &Bounds{Parameters: []ParameterBound{person}}
	})
	w.route.Traffic.Check = Check{Requests: CheckEnforce}
	w.opensSandbox()
	described, _, err := Describe([]byte(sandboxDocument), w.route.Operations)
	if err != nil {
		t.Fatal(err)
	}
	w.route.Described = described
	w.exposed(func(v *version) bool { return v.Traffic.Check.Requests == CheckEnforce })
	said := func(pairs ...string) []Parameter {
		list := []Parameter{}
		for i := 0; i < len(pairs); i += 2 {
			in, name, _ := strings.Cut(pairs[i], ":")
			list = append(list, Parameter{in, name, pairs[i+1]})
		}
		return list
	}
	const dossier = "000.00.53.H48-220921-0099"
	list := Imagined{Operation: "tim", Credential: policy.APIKey, Purpose: w.grant.Purpose, Dossier: dossier}
	one := Imagined{Operation: "nguoi", Credential: policy.Token}
	shared := Imagined{Operation: "mo"}
	tried := func(call Imagined) Imagined { call.Sandbox = true; return call }
	for _, tt := range []struct {
		name   string
		call   Imagined
		says   []Parameter
		code   string
		bound  *ParameterBound
		change []string
	}{
		{"as agreed", list, said("query:maXa", "25201", "header:X-Huyen", "252"), "", nil, nil},
		{"begins as agreed", list, said("query:maXa", "48-Sa Huynh", "header:X-Huyen", "252"), "parameter-not-agreed", &communes, []string{"say-what-is-agreed", "widen-bounds"}},
		{"another commune", list, said("query:maXa", "25202", "header:X-Huyen", "252"), "parameter-not-agreed", &communes, []string{"say-what-is-agreed", "widen-bounds"}},
		{"no commune", list, said("header:X-Huyen", "252"), "agreed-parameter-missing", &communes, []string{"say-what-is-agreed"}},
		{"two communes", list, said("query:maXa", "25201", "query:MAXA", "25202"), "agreed-parameter-unclear", &communes, []string{"say-it-once"}},
		{"another district", list, said("query:maXa", "25201", "header:X-Huyen", "253"), "parameter-not-agreed", &district, []string{"say-what-is-agreed", "widen-bounds"}},
		{"no dossier", Imagined{Operation: "tim", Credential: policy.APIKey, Purpose: w.grant.Purpose}, said("query:maXa", "25201"), "dossier-missing", nil, []string{"name-dossier"}},
		{"no purpose", Imagined{Operation: "tim", Credential: policy.APIKey, Dossier: dossier}, said(), "purpose-unsaid", nil, []string{"name-purpose"}},
		{"by a field not agreed", list, said("query:maXa", "25201", "header:X-Huyen", "252", "query:hoTen", "An"), "field-not-agreed", nil, []string{"leave-field-out", "extend-fields"}},
		{"not as described", list, said("query:maXa", "25201", "header:X-Huyen", "252", "query:trang", "0"), "request-not-as-described", nil, []string{"mend-request"}},
		{"nobody", Imagined{Operation: "tim"}, said("query:maXa", "25202"), "no-credential", nil, []string{"send-credential"}},
		{"a person agreed", one, said("path:so", "000085012345"), "", nil, nil},
		{"another person", one, said("path:so", "000085012346"), "parameter-not-agreed", &person, []string{"say-what-is-agreed", "widen-bounds"}},
		{"a path in the path", one, said("path:so", "../ho-so"), "path-not-canonical", nil, []string{"look-at-address"}},
		{"up in the path", one, said("path:so", ".."), "path-not-canonical", nil, []string{"look-at-address"}},
		{"nobody in the path", one, said(), "no-such-operation", nil, []string{"look-at-address"}},
		{"open", shared, said("path:ma", "7"), "", nil, nil},
		{"open, not as described", shared, said("path:ma", "bảy"), "request-not-as-described", nil, []string{"mend-request"}},
		{"tried", tried(list), said("query:maXa", "25202"), "", nil, nil},
		{"tried, not as described", tried(list), said("query:trang", "0"), "request-not-as-described", nil, []string{"mend-request"}},
		{"tried, of a person, by a key", tried(Imagined{Operation: "nguoi", Credential: policy.APIKey}), said("path:so", "1"), "key-for-personal-data", nil, []string{"send-token"}},
		{"tried, of a person", tried(one), said("path:so", "000085012345"), "", nil, nil},
	} {
		call := tt.call
		call.Version, call.Parameters = w.route.Version, tt.says
		if call.Credential != "" {
			call.Application = w.app
		}
		e, err := w.node.Explain(call)
		if err != nil || e.Code != tt.code || e.Allowed != (tt.code == "") || !reflect.DeepEqual(e.Bound, tt.bound) || !slices.Equal(e.Change, tt.change) || e.Rule == "" {
			t.Errorf("%s: explained as %+v, %v", tt.name, e, err)
		}
		path := map[string]string{"tim": "/ho-so", "nguoi": "/nguoi/{so}", "mo": "/danh-muc/{ma}"}[call.Operation]
		if got := w.sent(call, path); got.code != tt.code || (got.status < 400) != e.Allowed {
			t.Errorf("%s: called: %d %s %s, explained %s", tt.name, got.status, got.code, got.body, e.Code)
		}
	}
	t.Run("with nothing said the bounds are told, not asked", func(t *testing.T) {
		e, err := w.node.Explain(Imagined{Version: w.route.Version, Operation: "tim", Application: w.app, Credential: policy.APIKey})
		if err != nil || !e.Allowed || e.Bounds == nil || e.Bound != nil {
			t.Errorf("got %+v, %v", e, err)
		}
	})
	t.Run("what stands in the body is not asked", func(t *testing.T) {
		e, err := w.node.Explain(Imagined{Version: w.route.Version, Operation: "tra-cuu", Application: w.app, Credential: policy.Token, Parameters: said()})
		if err != nil || !e.Allowed {
			t.Errorf("got %+v, %v", e, err)
		}
	})
	t.Run("no sandbox", func(t *testing.T) {
		if e, err := w.node.Explain(tried(Imagined{Version: uuid.New(), Operation: "tim"})); err == nil {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("the owner is told of no fault of it", func(t *testing.T) {
		w.checks(Check{Requests: CheckReport})
		e, err := w.node.Explain(Imagined{Version: w.route.Version, Operation: "mo", Parameters: said("path:ma", "bảy")})
		if err != nil || !e.Allowed {
			t.Errorf("got %+v, %v", e, err)
		}
		if told := w.drifts(); len(told) > 0 {
			t.Errorf("told %v", told)
		}
	})
}

// TestExplainedAfterItsEnd: of a version that is over the explanation says so,
// and where to go.
func TestExplainedAfterItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sunset := w.now().AddDate(0, 1, 0)
	w.route.Sunset = &sunset
	w.exposed(func(v *version) bool { return v.Sunset != nil })
	ask := Imagined{Version: w.route.Version, Operation: "mo"}
	for at, want := range map[int]string{0: "", 2: "version-ended"} {
		ask.At = w.now().AddDate(0, at, 0)
		if e, err := w.node.Explain(ask); err != nil || e.Code != want || fmt.Sprint(e.Change) == "[move-version]" != (want != "") {
			t.Errorf("in %d months: %+v, %v", at, e, err)
		}
	}
}
