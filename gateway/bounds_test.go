package gateway

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"lgsp/auth/policy"
	"lgsp/gateway/project"
	"lgsp/internal/problem"
)

// ofCommunes are bounds of an agency that sees its own communes only.
func ofCommunes() *Bounds {
	return &Bounds{
		Parameters: []ParameterBound{{In: "query", Name: "maXa", Values: []string{"25201", "25204"}, Prefixes: []string{"48-"}}},
		Rows:       []project.Row{{Field: "/items/*/maXa", Type: "string", Values: []string{"25201"}}},
	}
}

// bind gives the first operation of the agreement bounds.
func (w *world) bind(b *Bounds) {
	w.t.Helper()
	w.put(func(g *Grant) { g.Operations[0].Bounds = b })
}

// TestBoundParameters: a call says what is agreed, once and plainly; what is
// refused never reaches the upstream.
func TestBoundParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	header := &Bounds{Parameters: []ParameterBound{{In: "header", Name: "X-Ma-Xa", Values: []string{"25201"}}}}
	query := &Bounds{Parameters: ofCommunes().Parameters}
	for _, tt := range []struct {
		name    string
		bounds  *Bounds
		target  string
		headers []string
		code    string
	}{
		{"one of the values", query, "/ho-so?maXa=25201&trang=2", nil, ""},
		{"begins as agreed", query, "/ho-so?maXa=48-Sa_Huynh-1", nil, ""},
		{"missing", query, "/ho-so", nil, "agreed-parameter-missing"},
		{"empty", query, "/ho-so?maXa=", nil, "parameter-not-agreed"},
		{"another", query, "/ho-so?maXa=25202", nil, "parameter-not-agreed"},
		{"longer", query, "/ho-so?maXa=252011", nil, "parameter-not-agreed"},
		{"two in one", query, "/ho-so?maXa=25201,25202", nil, "parameter-not-agreed"},
		{"a wildcard after the prefix", query, "/ho-so?maXa=48-%25", nil, "parameter-not-agreed"},
		{"a path after the prefix", query, "/ho-so?maXa=48-..%2F25202", nil, "parameter-not-agreed"},
		{"a line end after the prefix", query, "/ho-so?maXa=48-%0A", nil, "parameter-not-agreed"},
		{"encoded twice", query, "/ho-so?maXa=2520%2531", nil, "parameter-not-agreed"},
		{"repeated", query, "/ho-so?maXa=25201&maXa=25201", nil, "agreed-parameter-unclear"},
		{"repeated in another case", query, "/ho-so?maXa=25201&MAXA=25202", nil, "agreed-parameter-unclear"},
		{"repeated as a list", query, "/ho-so?maXa=25201&maXa[]=25202", nil, "agreed-parameter-unclear"},
		{"repeated with a line beneath", query, "/ho-so?maXa=25201&ma_xa=25202", nil, "agreed-parameter-unclear"},
		{"another spelling alone", query, "/ho-so?maxa=25201", nil, "agreed-parameter-unclear"},
		{"the name encoded", query, "/ho-so?m%61Xa=25201", nil, "agreed-parameter-unclear"},
		{"the value encoded", query, "/ho-so?maXa=2520%31", nil, "agreed-parameter-unclear"},
		{"a form beside it", query, "/ho-so?maXa=25201", []string{"Content-Type", "Application/x-www-form-urlencoded"}, "agreed-parameter-unclear"},
		{"in a header", header, "/ho-so", []string{"X-Ma-Xa", "25201"}, ""},
		{"another in a header", header, "/ho-so", []string{"X-Ma-Xa", "25202"}, "parameter-not-agreed"},
		{"no header", header, "/ho-so?X-Ma-Xa=25201", nil, "agreed-parameter-missing"},
		{"a header twice", header, "/ho-so", []string{"X-Ma-Xa", "25201", "X-Ma-Xa", "25202"}, "agreed-parameter-unclear"},
		{"a header in two spellings", header, "/ho-so", []string{"X-Ma-Xa", "25201", "X_Ma_Xa", "25202"}, "agreed-parameter-unclear"},
		{"a header that is of the connection", header, "/ho-so", []string{"X-Ma-Xa", "25201", "Connection", "x-ma-xa"}, "agreed-parameter-unclear"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if w.grant.Operations[0].Bounds != tt.bounds {
				w.bind(tt.bounds)
			}
			before := w.reachedCount()
			got := w.do("GET", tt.target, append([]string{"X-API-Key", w.key}, tt.headers...)...)
			if got.code != tt.code || (got.status == 200) != (tt.code == "") {
				t.Errorf("got %d %s, want %s: %s", got.status, got.code, tt.code, got.body)
			}
			if reached := w.reachedCount() > before; reached != (tt.code == "") {
				t.Errorf("reached the upstream: %t", reached)
			}
			if tt.code != "" && !strings.Contains(got.body, "25201") {
				t.Errorf("it does not say what is agreed: %s", got.body)
			}
		})
	}
}

// TestBoundPath: the variable of a path is held to what is agreed too.
func TestBoundPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(func(g *Grant) {
		g.Operations[1].Bounds = &Bounds{Parameters: []ParameterBound{{In: "path", Name: "so", Values: []string{"0123"}}}}
	})
	for path, code := range map[string]string{"/nguoi/0123": "", "/nguoi/0124": "parameter-not-agreed", "/nguoi/01%323": "path-not-canonical", "/nguoi/0123%2F": "parameter-not-agreed"} {
		if got := w.do("GET", path, "Authorization", "Bearer "+w.token("j")); got.code != code {
			t.Errorf("%s: got %d %s, want %q", path, got.status, got.code, code)
		}
	}
}

// TestBoundRows: of a list only agreed rows leave, at once and as they come; XML
// is refused, and so is a list that has become something else.
func TestBoundRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bind(&Bounds{Rows: ofCommunes().Rows})
	say := func(kind, text string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(rw, text)
		}
	}
	many := strings.Repeat(`{"maHoSo":"BIMAT","maXa":"25202"},{"maXa":"25201","maHoSo":"H1"},`, heldAnswer/40)
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		code   string
		body   string
	}{
		{"rows", say("application/json", `{"tong":2,"items":[{"maHoSo":"BIMAT","maXa":"25202"},{"maXa":"25201","maHoSo":"H1"},{"maHoSo":"BIMAT"}]}`), "", `{"tong":2,"items":[{"maHoSo":"H1"}]}`},
		{"a field that became a list", say("application/json", `{"items":[{"maHoSo":"BIMAT","maXa":["25201"]}]}`), "", `{"items":[]}`},
		{"a list that became an object", say("application/json", `{"items":{"maHoSo":"BIMAT","maXa":"25201"}}`), "answer-not-projectable", ""},
		{"a list of another name", say("application/json", `{"tong":1,"hoSo":[{"maHoSo":"BIMAT"}]}`), "", `{"tong":1}`},
		{"a name twice", say("application/json", `{"items":[{"maHoSo":"BIMAT","maXa":"25202","maXa":"25201"}]}`), "answer-not-projectable", ""},
		{"XML", say("application/xml", `<items><maHoSo>BIMAT</maHoSo></items>`), "answer-not-projectable", ""},
		{"many", say("application/json", `{"items":[`+many+`null]}`), "", `{"items":[` + strings.TrimSuffix(strings.Repeat(`{"maHoSo":"H1"},`, heldAnswer/40), ",") + `]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.answers(tt.answer)
			got := w.do("GET", "/ho-so", "X-API-Key", w.key)
			if got.code != tt.code || tt.code == "" && got.body != tt.body || strings.Contains(got.body, "BIMAT") {
				t.Errorf("got %d %s %.200s, want %s %.200s", got.status, got.code, got.body, tt.code, tt.body)
			}
		})
	}
	t.Run("broken off", func(t *testing.T) {
		w.answers(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			out := bufio.NewWriter(rw)
			_, _ = io.WriteString(out, `{"items":[`+many+`{"maHoSo":"BIMAT","maXa":"25201","maXa":"25201"}]}`)
			_ = out.Flush()
		})
		trace := fmt.Sprintf("%032x", 0xb0)
		r, err := http.NewRequest("GET", w.server.URL+w.route.Prefix()+"/ho-so", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-API-Key", w.key)
		r.Header.Set("Traceparent", traceparent(trace))
		res, err := w.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if body, err := io.ReadAll(res.Body); err == nil || strings.Contains(string(body), "BIMAT") {
			t.Errorf("got %d bytes, %v", len(body), err)
		}
		if e := w.recorded(trace); e.Complete || e.Code != "answer-not-projectable" {
			t.Errorf("recorded %+v", e)
		}
	})
}

// TestDossier: where it is agreed each call names one, which its record keeps
// and the upstream is told.
func TestDossier(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bind(&Bounds{Dossier: true, Purpose: true})
	const number = "000.00.53.H48-220921-0099"
	for i, tt := range []struct {
		name    string
		headers []string
		code    string
	}{
		{"named", []string{"LGSP-Purpose", "tra-cuu", "LGSP-Dossier", number}, ""},
		{"no dossier", []string{"LGSP-Purpose", "tra-cuu"}, "dossier-missing"},
		{"no purpose", []string{"LGSP-Dossier", number}, "purpose-unsaid"},
		{"empty", []string{"LGSP-Purpose", "tra-cuu", "LGSP-Dossier", ""}, "dossier-form"},
		{"too short", []string{"LGSP-Purpose", "tra-cuu", "LGSP-Dossier", "H48"}, "dossier-form"},
		{"too long", []string{"LGSP-Purpose", "tra-cuu", "LGSP-Dossier", strings.Repeat("9", 65)}, "dossier-form"},
		{"with a space", []string{"LGSP-Purpose", "tra-cuu", "LGSP-Dossier", "H48 0099"}, "dossier-form"},
		{"with a mark", []string{"LGSP-Purpose", "tra-cuu", "LGSP-Dossier", "Hồ-sơ"}, "dossier-form"},
		{"twice", []string{"LGSP-Purpose", "tra-cuu", "LGSP-Dossier", number, "LGSP-Dossier", number}, "dossier-twice"},
	} {
		trace := fmt.Sprintf("%032x", 0xd0+i)
		got := w.do("GET", "/ho-so", append([]string{"X-API-Key", w.key, "Traceparent", traceparent(trace)}, tt.headers...)...)
		if got.code != tt.code {
			t.Errorf("%s: got %d %s, want %q", tt.name, got.status, got.code, tt.code)
		}
		e := w.recorded(trace)
		if told := e.Dossier == number; told != (tt.code == "" || tt.code == "purpose-unsaid") {
			t.Errorf("%s: recorded dossier %q", tt.name, e.Dossier)
		}
		if tt.code == "" {
			if r, _ := w.last(); r.Header.Get("Lgsp-Dossier") != number {
				t.Errorf("the upstream was told %q", r.Header.Get("Lgsp-Dossier"))
			}
		}
	}
	w.bind(nil)
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 200 {
		t.Errorf("not agreed any more: got %d %s", got.status, got.code)
	}
}

// TestBoundsThatCannotBe are refused when they are put in force; and a node
// that knows no bounds finds no operation agreed where there are some.
func TestBoundsThatCannotBe(t *testing.T) {
	t.Parallel()
	parameter := func(p ParameterBound) *Bounds { return &Bounds{Parameters: []ParameterBound{p}} }
	for name, b := range map[string]*Bounds{
		"no place":                   parameter(ParameterBound{In: "body", Name: "a", Values: []string{"1"}}),
		"no name":                    parameter(ParameterBound{In: "query", Values: []string{"1"}}),
		"no value":                   parameter(ParameterBound{In: "query", Name: "a"}),
		"an empty prefix":            parameter(ParameterBound{In: "query", Name: "a", Prefixes: []string{""}}),
		"too many values":            parameter(ParameterBound{In: "query", Name: "a", Values: make([]string, MaxBoundValues+1)}),
		"a header of ours":           parameter(ParameterBound{In: "header", Name: "LGSP-Purpose", Values: []string{"1"}}),
		"a header that stays behind": parameter(ParameterBound{In: "header", Name: "cookie", Values: []string{"1"}}),
		"too many parameters":        {Parameters: make([]ParameterBound, MaxParameterBounds+1)},
		"no list":                    {Rows: []project.Row{{Field: "/a", Type: "string", Values: []string{"1"}}}},
		"too many of a row":          {Rows: []project.Row{{Field: "/*/a", Type: "string", Values: make([]string, MaxBoundValues+1)}}},
	} {
		err := PutGrant(t.Context(), nil, Grant{Operations: []GrantedOperation{{Operation: "tim", Fields: []string{"/items"}, Bounds: b}}})
		if problem.Code(err) != "field-path" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	err := PutGrant(t.Context(), nil, Grant{Operations: []GrantedOperation{{Operation: "tim", Fields: []string{""}, Bounds: ofCommunes()}}})
	if problem.Code(err) != "field-path" {
		t.Errorf("rows of the whole answer: got %v", err)
	}
	bounded := GrantedOperation{Operation: "tim", Fields: []string{"/items"}, Bounds: ofCommunes()}
	text, err := json.Marshal(bounded)
	if err != nil {
		t.Fatal(err)
	}
	var old struct {
		Operation string   `json:"operation"`
		Fields    []string `json:"fields"`
	}
	var back GrantedOperation
	if err := json.Unmarshal(text, &old); err != nil || old.Operation != "" {
		t.Errorf("an older node reads %+v, %v", old, err)
	}
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, bounded) {
		t.Errorf("got %+v, %v", back, err)
	}
}

// TestRecordWithDossier: a record without one is as an earlier version reads it.
func TestRecordWithDossier(t *testing.T) {
	t.Parallel()
	e := Exchange{Fields: []string{"/a"}, Purpose: "tra-cuu"}
	without := e.appendTo(nil)
	e.Dossier = "H48-1"
	with := e.appendTo(nil)
	if string(with[2:len(without)]) != string(without[2:]) || len(with) != len(without)+1+len(e.Dossier) {
		t.Errorf("got %d bytes beside %d", len(with), len(without))
	}
	if back, err := readExchange(with); err != nil || back.Dossier != e.Dossier || back.Purpose != e.Purpose {
		t.Errorf("got %+v, %v", back, err)
	}
	if _, err := readExchange(with[:len(with)-1]); err == nil {
		t.Error("a record that is cut short is read")
	}
}

// TestExplainTellsBounds: what an allowed call is held to besides.
func TestExplainTellsBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := ofCommunes()
	b.Dossier = true
	w.bind(b)
	e, err := w.node.Explain(Imagined{Version: w.route.Version, Operation: "tim", Application: w.app, Credential: policy.APIKey})
	if err != nil || !e.Allowed || !reflect.DeepEqual(e.Bounds, b) {
		t.Errorf("got %+v, %v", e, err)
	}
}
