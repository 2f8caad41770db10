package gateway

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/gateway/project"
	"lgsp/internal/problem"
)

// listShape is how the answers of the operation tim stand in XML.
func listShape() *project.Shape {
	return &project.Shape{
		Root: []project.Edge{{Name: "DanhSach"}},
		Nodes: []project.Node{
			{Edges: []project.Edge{{Name: "tong", Attribute: true, Step: "/tong"}, {Name: "hoSo", Step: "/items/*", To: 1}}},
			{Edges: []project.Edge{{Name: "hoTen", Step: "/hoTen", To: 2}, {Name: "maHoSo", Step: "/maHoSo", To: 2}, {Name: "soDinhDanh", Step: "/soDinhDanh", To: 2}}},
			{Value: true},
		},
	}
}

// newXMLWorld is a world whose operation tim answers in XML too, of which
// numbers of persons are agreed masked.
func newXMLWorld(t *testing.T) *world {
	w := newWorld(t)
	w.route.Operations[1].XML = listShape()
	w.exposed(func(v *version) bool { return v.byID["tim"].xml != nil })
	w.put(func(g *Grant) {
		g.Operations[0].Fields = []string{"/tong", "/items"}
		g.Operations[0].Masks = []project.Masked{{Path: "/items/*/soDinhDanh", Mask: "last-4"}, {Path: "/items/*/hoTen", Mask: "hash"}}
	})
	return w
}

func (w *world) says(mediaType, body string) {
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		if mediaType != "" {
			rw.Header().Set("Content-Type", mediaType)
		}
		_, _ = io.WriteString(rw, body)
	})
}

// TestAgreedFields: JSON and XML answers are cut to the agreed fields and
// masked, or held back; the record and the explanation say how.
func TestAgreedFields(t *testing.T) {
	t.Parallel()
	w := newXMLWorld(t)
	const (
		an     = `<DanhSach tong="1" x="BIMAT"><hoSo><hoTen>An</hoTen><maHoSo>H1</maHoSo><soDinhDanh>000123BIMAT1234</soDinhDanh><x>BIMAT</x></hoSo></DanhSach>`
		head   = `<?xml version="1.0" encoding="UTF-8"?>`
		xmlNow = "application/xml; charset=UTF-8"
	)
	hashed := project.Mask("hash")
	f, err := project.CompileMasked([]string{"/a"}, []project.Masked{{Path: "/a", Mask: hashed}})
	if err != nil {
		t.Fatal(err)
	}
	hash, err := f.Keyed(maskKey(w.node.SubjectKey, w.app)).Apply([]byte(`{"a":"An"}`))
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Split(string(hash), `"`)[3]
	other, err := f.Keyed(maskKey(w.node.SubjectKey, uuid.New())).Apply([]byte(`{"a":"An"}`))
	if err != nil || string(other) == string(hash) {
		t.Errorf("two applications get one hash: %s, %v", other, err)
	}
	for i, tt := range []struct {
		name, mediaType, answer, want string
		status                        int
	}{
		{"JSON", "application/json", `{"tong":1,"items":[{"hoTen":"An","maHoSo":"H1","soDinhDanh":"000123BIMAT1234","x":1}],"x":"BIMAT"}`,
			`{"tong":1,"items":[{"hoTen":"` + name + `","maHoSo":"H1","soDinhDanh":"******1234","x":1}]}`, 200},
		{"XML", xmlNow, an, head + `<DanhSach tong="1"><hoSo><hoTen>` + name + `</hoTen><maHoSo>H1</maHoSo><soDinhDanh>******1234</soDinhDanh></hoSo></DanhSach>`, 200},
		{"text/xml", "text/xml", an, head + `<DanhSach tong="1"><hoSo><hoTen>` + name + `</hoTen><maHoSo>H1</maHoSo><soDinhDanh>******1234</soDinhDanh></hoSo></DanhSach>`, 200},
		{"SOAP's type", "application/soap+xml", `<DanhSach tong="1"/>`, head + `<DanhSach tong="1"/>`, 200},
		{"another charset", "application/xml; charset=windows-1258", an, "", 502},
		{"another charset inside", "application/xml", `<?xml version="1.0" encoding="windows-1258"?>` + an, "", 502},
		{"XML said to be JSON", "application/json", an, "", 502},
		{"JSON said to be XML", xmlNow, `{"items":["BIMAT"]}`, "", 502},
		{"HTML", "text/html", an, "", 502},
		{"another root", xmlNow, `<Loi>BIMAT</Loi>`, "", 502},
		{"a document type", xmlNow, `<!DOCTYPE DanhSach [<!ENTITY x "BIMAT">]>` + an, "", 502},
		{"an external entity", xmlNow, `<!DOCTYPE DanhSach [<!ENTITY x SYSTEM "file:///etc/passwd">]><DanhSach><hoSo><maHoSo>&x;</maHoSo></hoSo></DanhSach>`, "", 502},
		{"a masked list", "application/json", `{"items":[{"soDinhDanh":["BIMAT"]}]}`, "", 502},
		{"a masked object", "application/json", `{"items":[{"soDinhDanh":{"x":"BIMAT"}}]}`, "", 502},
		{"masked yes", "application/json", `{"items":[{"hoTen":true}]}`, "", 502},
		{"a masked element that holds others", xmlNow, `<DanhSach><hoSo><soDinhDanh><x>BIMAT</x></soDinhDanh></hoSo></DanhSach>`, "", 502},
		{"masked null", "application/json", `{"items":[{"soDinhDanh":null,"hoTen":null}]}`, `{"items":[{"soDinhDanh":null,"hoTen":null}]}`, 200},
		{"what holds masked values, of another shape", "application/json", `{"items":{"soDinhDanh":"BIMAT"}}`, `{}`, 200},
		{"a masked number", "application/json", `{"items":[{"soDinhDanh":1234567890123}]}`, `{"items":[{"soDinhDanh":"******0123"}]}`, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.says(tt.mediaType, tt.answer)
			trace := fmt.Sprintf("%032x", 0xf1e1d5+i)
			got := w.do("GET", "/ho-so", "X-API-Key", w.key, "Traceparent", traceparent(trace))
			if got.status != tt.status || tt.status == 200 && got.body != tt.want || tt.status != 200 && got.code != "answer-not-projectable" {
				t.Errorf("got %d %s, want %s", got.status, got.body, tt.want)
			}
			if strings.Contains(fmt.Sprint(got.body, got.header), "BIMAT") {
				t.Errorf("it left: %s", got.body)
			}
			if e := w.recorded(trace); !reflect.DeepEqual(e.Fields, w.grant.Operations[0].Fields) || !reflect.DeepEqual(e.Masks, w.grant.Operations[0].Masks) {
				t.Errorf("recorded %q, %q", e.Fields, e.Masks)
			}
		})
	}
	for _, target := range []string{"/ho-so?soDinhDanh=1", "/ho-so?sort=hoTen", "/ho-so?q=hoTen:An"} {
		if got := w.do("GET", target, "X-API-Key", w.key); got.code != "field-not-agreed" {
			t.Errorf("%s asks by a masked value: got %d %s", target, got.status, got.code)
		}
	}
	e, err := w.node.Explain(Imagined{Version: w.route.Version, Operation: "tim", Application: w.app, Credential: "api_key"})
	if err != nil || !e.Allowed || !reflect.DeepEqual(e.Masks, w.grant.Operations[0].Masks) {
		t.Errorf("explained %+v, %v", e, err)
	}
	t.Run("everything, but masked", func(t *testing.T) {
		w.put(func(g *Grant) {
			g.Operations[0].Fields, g.Operations[0].Masks = []string{""}, []project.Masked{{Path: "/items/*/soDinhDanh", Mask: "year"}}
		})
		w.says("application/json", `{"items":[{"soDinhDanh":"1990-05-17","x":1}],"y":2}`)
		if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.body != `{"items":[{"soDinhDanh":"1990","x":1}],"y":2}` {
			t.Errorf("got %s", got.body)
		}
	})
}

// TestLargeXMLIsProjectedAsItComes: what turns out wrong breaks off.
func TestLargeXMLIsProjectedAsItComes(t *testing.T) {
	t.Parallel()
	w := newXMLWorld(t)
	row := `<hoSo><maHoSo>H1</maHoSo><x>BIMAT</x><!-- BIMAT --></hoSo>`
	rows := strings.Repeat(row, heldAnswer/len(row)+100)
	w.says("application/xml", "<DanhSach>"+rows+"</DanhSach>")
	want := `<?xml version="1.0" encoding="UTF-8"?><DanhSach>` + strings.Repeat(`<hoSo><maHoSo>H1</maHoSo></hoSo>`, len(rows)/len(row)) + `</DanhSach>`
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 200 || got.body != want {
		t.Errorf("got %d, %d bytes, want %d", got.status, len(got.body), len(want))
	}
	w.says("application/xml", "<DanhSach>"+rows+"&BIMAT;</DanhSach>")
	trace := fmt.Sprintf("%032x", 0xf1e1)
	r, err := http.NewRequest("GET", w.server.URL+w.route.Prefix()+"/ho-so", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Traceparent", traceparent(trace))
	r.Header.Set("X-API-Key", w.key)
	res, err := w.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err == nil || strings.Contains(string(body), "BIMAT") {
		t.Errorf("it did not break off: %d bytes, %v", len(body), err)
	}
	if e := w.recorded(trace); e.Complete || e.Code != "answer-not-projectable" {
		t.Errorf("recorded %+v", e)
	}
}

// TestMasksAreRefused: a grant with a mask that is none is not kept, nor is a
// route whose XML does not hold together.
func TestMasksAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, m := range []project.Masked{{Path: "/a", Mask: "last-9"}, {Path: "", Mask: "hash"}, {Path: "a", Mask: "hash"}} {
		err := pgx.BeginFunc(t.Context(), w.db, func(tx pgx.Tx) error {
			g := w.newGrant("khac")
			g.Operations[0].Masks = []project.Masked{m}
			return PutGrant(t.Context(), tx, g)
		})
		if problem.Code(err) != "field-path" {
			t.Errorf("%v was taken: %v", m, err)
		}
	}
	err := pgx.BeginFunc(t.Context(), w.db, func(tx pgx.Tx) error {
		r := w.route
		r.Operations[1].XML = &project.Shape{Root: []project.Edge{{To: 7}}}
		return Expose(t.Context(), tx, r)
	})
	if problem.Code(err) != "route-unservable" {
		t.Errorf("a shape that leads to nothing was taken: %v", err)
	}
}
