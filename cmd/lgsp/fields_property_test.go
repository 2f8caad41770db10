package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"lgsp/catalog/spec"
	"lgsp/gateway/project"
)

// invented is a schema made up for a test, and what of its answers is where.
type invented struct {
	*rand.Rand
	components []string
	tokens     map[string]string // a value that stands in an answer → the path where; "-": at none that is described
	clean      bool              // answers are as described
	names      int
}

// shape is one schema: what it is and how it stands in JSON and XML.
type shape struct {
	kind       string // object, array, string, number, open
	name       string // of a property
	xmlName    string // "": as the property
	space      string
	attribute  bool
	wrapped    bool
	ref        string // of a component
	mask       string
	properties []*shape
	items      *shape
}

// masksOfTests are all there are.
var masksOfTests = []string{"last-1", "last-4", "last-6", "initials", "year", "hash"}

func (v *invented) often(of float64) bool { return v.Float64() < of }

// shape makes up a schema.
func (v *invented) shape(depth int) *shape {
	kinds := []string{"string", "number", "string", "object", "array", "object", "open"}
	if depth == 0 {
		kinds = []string{"object", "object", "array"}
	} else if depth > 3 {
		kinds = kinds[:2]
	}
	s := &shape{kind: kinds[v.IntN(len(kinds))]}
	v.names++
	if v.often(.4) {
		s.xmlName = fmt.Sprintf("n%d", v.names)
	}
	if v.often(.2) {
		s.space = fmt.Sprintf("urn:s%d", v.IntN(3))
	}
	switch s.kind {
	case "object":
		for i, name := range v.Perm(len(propertyNames))[:1+v.IntN(4)] {
			p := v.shape(depth + 1)
			p.name = propertyNames[name]
			for in := p; in != nil && strings.ContainsAny(p.name, "/~ "); in = in.items {
				if in.xmlName == "" {
					in.xmlName = fmt.Sprintf("p%d_%d", v.names, i)
				}
			}
			p.attribute = (p.kind == "string" || p.kind == "number") && p.space == "" && v.often(.2)
			s.properties = append(s.properties, p)
		}
		if depth > 0 && v.often(.2) {
			v.names++
			s.ref = fmt.Sprintf("K%d", v.names)
		}
	case "array":
		s.items, s.wrapped = v.shape(depth+1), depth == 0 || v.often(.5)
		if depth == 0 && s.items.xmlName == "" {
			s.items.xmlName = "phan"
		}
	case "string", "number":
		if v.often(.4) {
			s.mask = masksOfTests[v.IntN(len(masksOfTests))]
		}
	}
	return s
}

var propertyNames = []string{"ma", "ten", "so", "họTên", "a/b", "c~d", "e f", "ngay", "dien_thoai", "x.y"}

// schema writes it as the document has it.
func (v *invented) schema(s *shape) string {
	var w strings.Builder
	kind := s.kind
	if kind == "open" {
		kind = "object"
	}
	fmt.Fprintf(&w, `{"type":%q`, kind)
	if s.mask != "" {
		fmt.Fprintf(&w, `,"x-lgsp-mask":%q`, s.mask)
	}
	x := map[string]any{}
	if s.xmlName != "" {
		x["name"] = s.xmlName
	}
	if s.space != "" {
		x["namespace"] = s.space
	}
	if s.attribute {
		x["attribute"] = true
	}
	if s.wrapped {
		x["wrapped"] = true
	}
	if text, err := json.Marshal(x); err == nil && len(x) > 0 {
		fmt.Fprintf(&w, `,"xml":%s`, text)
	}
	if s.items != nil {
		fmt.Fprintf(&w, `,"items":%s`, v.schema(s.items))
	}
	if s.kind == "object" {
		var list []string
		for _, p := range s.properties {
			list = append(list, fmt.Sprintf("%q:%s", p.name, v.schema(p)))
		}
		fmt.Fprintf(&w, `,"properties":{%s}`, strings.Join(list, ","))
	}
	w.WriteString("}")
	if s.ref != "" {
		v.components = append(v.components, fmt.Sprintf("%q:%s", s.ref, w.String()))
		return fmt.Sprintf(`{"$ref":"#/components/schemas/%s"}`, s.ref)
	}
	return w.String()
}

// token makes up a value that is told from all others, and where it stands.
func (v *invented) token(path string, number bool) string {
	token := fmt.Sprintf("9%012d", v.Int64N(1e12))
	if !number {
		token = "gia" + token
	}
	v.tokens[token] = path
	return token
}

// json makes up an answer; any is one of whatever shape.
func (v *invented) json(s *shape, path string) string {
	if !v.clean && v.often(.05) {
		return v.any(path, 0)
	}
	if !v.clean && v.often(.05) {
		return "null"
	}
	switch s.kind {
	case "string":
		return `"` + v.token(path, false) + `"`
	case "number":
		return v.token(path, true)
	case "open":
		return v.any(path, 0)
	case "array":
		var list []string
		for range v.IntN(4) {
			list = append(list, v.json(s.items, path+"/*"))
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	var list []string
	add := func(name, value string) {
		key, _ := json.Marshal(name)
		if v.often(.2) {
			key = fmt.Appendf(nil, `"\u%04x%s`, name[0], key[2:])
			if name[0] >= 0x80 {
				key, _ = json.Marshal(name)
			}
		}
		list = append(list, string(key)+": "+value)
	}
	for _, p := range s.properties {
		if v.clean || v.often(.85) {
			add(p.name, v.json(p, path+"/"+pointer(p.name)))
		}
		if !v.clean && v.often(.15) {
			add("la"+fmt.Sprint(v.IntN(1e6)), v.any(path+"/la", 0))
		}
		if !v.clean && v.often(.01) {
			add(p.name, v.any(path+"/"+pointer(p.name), 0))
		}
	}
	v.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return "{" + strings.Join(list, ",\n") + "}"
}

func pointer(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func (v *invented) any(path string, depth int) string {
	switch n := v.IntN(5); {
	case n == 0 && depth < 3:
		return "[" + v.any(path+"/*", depth+1) + "," + v.any(path+"/*", depth+1) + "]"
	case n == 1 && depth < 3:
		name := propertyNames[v.IntN(len(propertyNames))]
		return fmt.Sprintf(`{%q:%s}`, name, v.any(path+"/"+pointer(name), depth+1))
	case n == 2:
		return v.token(path, true)
	}
	return `"` + v.token(path, false) + `"`
}

// xml makes up an answer in XML: the elements of s, which is called name.
func (v *invented) xml(w *strings.Builder, s *shape, name, path, space string) {
	if s.xmlName != "" && (s.kind != "array" || s.wrapped) {
		name = s.xmlName
	}
	if s.kind == "array" && !s.wrapped {
		for range v.IntN(4) {
			v.xml(w, s.items, name, path+"/*", space)
		}
		return
	}
	prefix, declared := "", ""
	if s.space != "" && s.space != space {
		declared = fmt.Sprintf(` xmlns=%q`, s.space)
		if v.often(.5) {
			prefix = "q:"
			declared, space = fmt.Sprintf(` xmlns:q=%q xmlns=""`, s.space), ""
		} else {
			space = s.space
		}
	} else if s.space == "" && space != "" && v.often(.2) {
		declared, space = ` xmlns=""`, ""
	}
	fmt.Fprintf(w, "<%s%s%s", prefix, name, declared)
	for _, p := range s.properties {
		if p.attribute && s.kind == "object" {
			attribute := p.name
			if p.xmlName != "" {
				attribute = p.xmlName
			}
			fmt.Fprintf(w, " %s='%s'", attribute, v.token(path+"/"+pointer(p.name), p.kind == "number"))
		}
	}
	if !v.clean && v.often(.2) {
		undescribed := "-"
		if s.kind == "open" {
			undescribed = path
		}
		fmt.Fprintf(w, ` la="%s"`, v.token(undescribed, false))
	}
	w.WriteString(">")
	switch s.kind {
	case "string", "number":
		v.text(w, path, s.kind == "number")
	case "open":
		fmt.Fprintf(w, `<o k="%s">%s</o>`, v.token(path, false), v.token(path, true))
	case "array":
		for range v.IntN(4) {
			v.xml(w, s.items, name, path+"/*", space)
		}
	}
	for _, p := range s.properties {
		if !p.attribute && (v.clean || v.often(.85)) {
			v.xml(w, p, p.name, path+"/"+pointer(p.name), space)
		}
		v.noise(w, p)
	}
	fmt.Fprintf(w, "</%s%s>", prefix, name)
}

func (v *invented) text(w *strings.Builder, path string, number bool) {
	switch token := v.token(path, number); {
	case v.often(.2):
		fmt.Fprintf(w, "<![CDATA[%s]]>", token)
	case v.often(.1):
		fmt.Fprintf(w, "%s<!-- %s -->%s", token[:4], v.token("-", false), token[4:])
	default:
		w.WriteString(token)
	}
	if !v.clean && v.often(.05) {
		fmt.Fprintf(w, "<la>%s</la>", v.token("-", false))
	}
}

// noise writes what no schema describes.
func (v *invented) noise(w *strings.Builder, like *shape) {
	if v.clean {
		return
	}
	name := "ma"
	if like.xmlName != "" {
		name = like.xmlName
	}
	switch v.IntN(12) {
	case 0:
		fmt.Fprintf(w, "<la>%s<ma>%s</ma></la>", v.token("-", false), v.token("-", true))
	case 1:
		fmt.Fprintf(w, `<%s xmlns="urn:la" ma="%s">%s</%s>`, name, v.token("-", false), v.token("-", true), name)
	case 2:
		fmt.Fprintf(w, `<q:%s xmlns:q="urn:la">%s</q:%s>`, name, v.token("-", false), name)
	case 3:
		fmt.Fprintf(w, " %s ", v.token("-", false))
	case 4:
		fmt.Fprintf(w, "<!-- %s -->", v.token("-", false))
	case 5:
		fmt.Fprintf(w, "<![CDATA[<ma>%s</ma>]]>", v.token("-", false))
	}
}

// agreed is an agreement made up on an operation.
type agreed struct {
	fields []string
	masks  []project.Masked
}

func (v *invented) agreed(doc spec.Operation) agreed {
	a := agreed{fields: []string{}}
	for _, f := range doc.Fields {
		if v.often(.35) {
			a.fields = append(a.fields, f.Path)
		}
	}
	for _, s := range doc.Sensitive {
		if v.often(.7) { // whether or not a field covers it
			a.masks = append(a.masks, project.Masked{Path: s.Path, Mask: project.Mask(s.Mask)})
		}
	}
	return a
}

// allows reports whether the value at a path may leave as it is. That lists
// stand where none is described, or none where they are, opens no mask.
func (a agreed) allows(path string) bool {
	within := func(of, path string) bool { return path == of || strings.HasPrefix(path, of+"/") }
	bare := func(path string) string { return strings.ReplaceAll(path+"/", "/*/", "/") }
	if slices.ContainsFunc(a.masks, func(m project.Masked) bool { return strings.HasPrefix(bare(path), bare(m.Path)) }) {
		return false
	}
	return slices.ContainsFunc(a.fields, func(f string) bool { return within(f, path) })
}

// holds fails for a value in an answer that may not be there; of a clean answer
// also for one that is missing. values are what others read of it.
func (v *invented) holds(t *testing.T, a agreed, in, out string, values []string) {
	t.Helper()
	told := strings.Join(values, "\x00")
	for token, path := range v.tokens {
		there := strings.Contains(told, token) || strings.Contains(out, token)
		switch may := path != "-" && a.allows(path); {
		case there && !may:
			t.Fatalf("%s at %s left under %q, masked %v\nanswer %s\nbecame %s", token, path, a.fields, a.masks, in, out)
		case v.clean && may && !there:
			t.Fatalf("%s at %s is missing under %q, masked %v\nanswer %s\nbecame %s", token, path, a.fields, a.masks, in, out)
		}
	}
}

// agreementHolds makes up a document, answers and agreements, and holds the
// gateway to them.
func agreementHolds(t *testing.T, seed uint64) {
	t.Helper()
	v := &invented{Rand: rand.New(rand.NewPCG(seed, 7)), tokens: map[string]string{}}
	root := v.shape(0)
	root.xmlName = "goc"
	schema := v.schema(root)
	doc, err := spec.Read([]byte(`{"openapi":"3.1.0","info":{"title":"T","version":"1"},"paths":{"/a":{"get":{"operationId":"a","responses":{"200":{"description":"A","content":{"application/json":{"schema":` + schema +
		`},"application/xml":{"schema":` + schema + `}}}}}}},"components":{"schemas":{` + strings.Join(v.components, ",") + `}}}`))
	if err != nil {
		t.Fatal(err)
	}
	operation := doc.Operations[0]
	described, err := xmlOf(operation.XML).Compile()
	if err != nil {
		t.Fatal(err)
	}
	for n := range 24 {
		a := v.agreed(operation)
		filter, err := project.CompileMasked(a.fields, a.masks)
		if err != nil {
			t.Fatal(err)
		}
		filter = filter.Keyed([]byte("key"))
		v.clean, v.tokens = n%4 == 0, map[string]string{}
		in := v.json(root, "")
		out, err := filter.Apply([]byte(in))
		if err == nil {
			v.holds(t, a, in, string(out), valuesOfJSON(t, out))
		} else if v.clean {
			t.Fatalf("%s is refused: %v", in, err)
		}
		v.tokens = map[string]string{}
		var w strings.Builder
		v.xml(&w, root, "goc", "", "")
		out, err = filter.ApplyXML([]byte(w.String()), described)
		if err == nil {
			v.holds(t, a, w.String(), string(out), valuesOfXML(t, out))
		} else if v.clean {
			t.Fatalf("%s is refused: %v", w.String(), err)
		}
	}
}

// valuesOfJSON are the texts and numbers that encoding/json reads, and the names.
func valuesOfJSON(t *testing.T, out []byte) []string {
	t.Helper()
	var values []string
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return values
		}
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		values = append(values, fmt.Sprint(token))
	}
}

// valuesOfXML are what encoding/xml reads: the text of each element and what is
// in it, attributes, comments.
func valuesOfXML(t *testing.T, out []byte) []string {
	t.Helper()
	var values []string
	var texts []*strings.Builder
	d := xml.NewDecoder(bytes.NewReader(out))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return values
		}
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			texts = append(texts, &strings.Builder{})
			for _, a := range token.Attr {
				values = append(values, a.Name.Space+a.Name.Local+a.Value)
			}
		case xml.EndElement:
			values = append(values, texts[len(texts)-1].String())
			texts = texts[:len(texts)-1]
		case xml.CharData:
			for i := range texts {
				texts[i].Write(token)
			}
		case xml.ProcInst:
		default:
			t.Fatalf("%s has %T", out, token)
		}
	}
}

// TestAgreementHolds: whatever the schema, the answer and the agreement, no
// value leaves that was not agreed, and none open that was agreed masked.
func TestAgreementHolds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		agreementHolds(t, seed)
	}
}

// FuzzAgreementHolds is the same for any seed.
func FuzzAgreementHolds(f *testing.F) {
	f.Add(uint64(1 << 40))
	f.Fuzz(agreementHolds)
}
