package wsdl

import (
	"encoding/xml"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/spec/tree"
)

// types makes OpenAPI schemas of a description's XML Schemas.
type types struct {
	schemas    map[string][]*element // by target namespace
	elements   map[xml.Name]*element
	complex    map[xml.Name]*element
	simple     map[xml.Name]*element
	groups     map[xml.Name]*element
	attributes map[xml.Name]*element
	attrGroups map[xml.Name]*element

	components *yaml.Node
	keys       map[any]string // of components, by what they are of
	taken      map[string]int

	notes   []Note
	noted   map[string]bool
	where   string
	parts   int
	values  int
	said    int
	inside  map[*element]bool // groups and simple types that are being written out
	refused error
	pending []func() // components that are named and not made yet
}

func newTypes() *types {
	return &types{
		schemas: map[string][]*element{}, elements: map[xml.Name]*element{}, complex: map[xml.Name]*element{}, simple: map[xml.Name]*element{},
		groups: map[xml.Name]*element{}, attributes: map[xml.Name]*element{}, attrGroups: map[xml.Name]*element{},
		components: tree.Map(), keys: map[any]string{}, taken: map[string]int{}, noted: map[string]bool{}, inside: map[*element]bool{},
	}
}

// note tells something once for each line.
func (t *types) note(code string, at *element, where, detail string, pairs ...string) {
	key := code + " " + strconv.Itoa(at.line) + " " + strings.Join(pairs, " ")
	if t.noted[key] {
		return
	}
	t.noted[key] = true
	t.notes = append(t.notes, Note{Code: code, Line: at.line, Where: cut(where), Detail: detail, Pairs: pairs})
}

// step counts one part that is looked at, and reports whether there may be more.
func (t *types) step(at *element) bool {
	if t.parts++; t.parts > maxParts && t.refused == nil {
		t.refused = refuse("wsdl-too-large", at.line, "with its groups written out, the schemas have more than 300,000 parts")
	}
	return t.refused == nil
}

// schemasFromElsewhere are namespaces whose schemas nobody writes into a file.
var schemasFromElsewhere = []string{spaceXML, "http://schemas.xmlsoap.org/soap/encoding/", envelope11, envelope12, spaceXSD, spaceWSDL,
	"http://www.w3.org/2005/05/xmlmime", "http://schemas.microsoft.com/2003/10/Serialization/"}

// index finds what the schemas name. Every schema that is needed must be here.
func (t *types) index(holder *element) error {
	all := holder.all(spaceXSD, "schema")
	for _, s := range all {
		space := s.attr("targetNamespace")
		t.schemas[space] = append(t.schemas[space], s)
	}
	for _, s := range all {
		for _, e := range s.children {
			if err := t.one(s, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *types) one(schema, e *element) error {
	if e.name.Space != spaceXSD {
		return nil
	}
	name := xml.Name{Space: schema.attr("targetNamespace"), Local: e.attr("name")}
	into := map[string]map[xml.Name]*element{"element": t.elements, "complexType": t.complex, "simpleType": t.simple, "group": t.groups,
		"attribute": t.attributes, "attributeGroup": t.attrGroups}[e.name.Local]
	switch {
	case into != nil:
		if _, taken := into[name]; !taken {
			into[name] = e
		}
	case e.name.Local == "import":
		space := e.attr("namespace")
		if t.schemas[space] == nil && e.attr("schemaLocation") != "" && !slices.Contains(schemasFromElsewhere, space) {
			return elsewhere(e, e.attr("schemaLocation"))
		}
	case e.name.Local == "include", e.name.Local == "redefine":
		return elsewhere(e, e.attr("schemaLocation"))
	}
	return nil
}

// schemaOf is the xs:schema that e stands in.
func schemaOf(e *element) *element {
	for ; e != nil; e = e.parent {
		if e.name == (xml.Name{Space: spaceXSD, Local: "schema"}) {
			return e
		}
	}
	return nil
}

// ofType is the schema of a named type: a $ref for a complex one, written out
// for a simple one. at is where it is named.
func (t *types) ofType(at *element, name xml.Name) *yaml.Node {
	if name.Space == spaceXSD {
		return t.builtin(name.Local)
	}
	if e := t.complex[name]; e != nil {
		return t.component(e, name.Local, func() *yaml.Node { return t.complexType(e) })
	}
	if e := t.simple[name]; e != nil {
		return t.simpleType(e)
	}
	if !slices.Contains(schemasFromElsewhere, name.Space) {
		t.note("wsdl-reference", at, t.where, "nothing is named "+cut(name.Local), "name", cut(name.Local))
	}
	return tree.Map()
}

// finish makes the components that were named, and those that they name.
func (t *types) finish() error {
	for len(t.pending) > 0 && t.refused == nil {
		next := t.pending[0]
		t.pending = t.pending[1:]
		next()
	}
	return t.refused
}

var oddInKey = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// component is a $ref to the schema of e, which is made once, later.
func (t *types) component(e *element, name string, make func() *yaml.Node) *yaml.Node {
	return t.shared(e, name, func() *yaml.Node { return tree.At(make(), e.line) })
}

// shared is a $ref to the schema of a key, which is made once, later.
func (t *types) shared(of any, name string, make func() *yaml.Node) *yaml.Node {
	key, known := t.keys[of]
	if !known {
		key = oddInKey.ReplaceAllString(cut(name), "_")
		for base := key; t.taken[key] > 0; {
			t.taken[base]++
			key = base + "_" + strconv.Itoa(t.taken[base])
		}
		t.taken[key]++
		t.keys[of] = key
		place := tree.Map()
		tree.Put(t.components, key, place)
		t.pending = append(t.pending, func() { *place = *make() })
	}
	return tree.Map("$ref", "#/components/schemas/"+key)
}

// said is what a description says of a part, while there is room: groups repeat
// what they say.
func (t *types) saidOf(e *element) string {
	text := documentation(e)
	if t.said += len(text); t.said > maxSaidAll {
		return ""
	}
	return text
}

// complexType is the object that a complex type is.
func (t *types) complexType(e *element) *yaml.Node {
	m := newMembers(t)
	var base *yaml.Node
	if e.attr("mixed") == "true" {
		t.note("wsdl-text", e, t.where, "text stands between the elements")
	}
	if content := e.first(spaceXSD, "complexContent"); content != nil {
		base = t.derived(m, content)
	} else if content := e.first(spaceXSD, "simpleContent"); content != nil {
		t.simpleContent(m, content)
	} else {
		m.content(e, once)
	}
	n := m.object()
	if said := t.saidOf(e); said != "" {
		tree.Put(n, "description", said)
	}
	if base == nil {
		return n
	}
	return tree.Map("allOf", tree.List(base, n))
}

// derived reads an extension, and gives its base, or a restriction, which says
// all of what it holds.
func (t *types) derived(m *members, content *element) *yaml.Node {
	if r := content.first(spaceXSD, "restriction"); r != nil {
		if r.named("base").Local == "Array" {
			t.note("wsdl-encoded", r, t.where, "SOAP encoding")
			m.open = true
		}
		m.content(r, once)
		return nil
	}
	x := content.first(spaceXSD, "extension")
	if x == nil {
		return nil
	}
	m.content(x, once)
	if base := x.named("base"); base != (xml.Name{Space: spaceXSD, Local: "anyType"}) {
		return t.ofType(x, base)
	}
	return nil
}

// simpleContent reads a text with attributes. OpenAPI 3.0 has no word for the
// text of an element that has attributes: under agreed fields they leave and it
// does not (ARCHITECTURE, known limits).
func (t *types) simpleContent(m *members, content *element) {
	for _, e := range content.children {
		if e.name.Local != "extension" && e.name.Local != "restriction" {
			continue
		}
		if base := t.complex[e.named("base")]; base != nil && t.step(e) && !t.inside[base] {
			t.inside[base] = true
			t.simpleContent(m, base.first(spaceXSD, "simpleContent"))
			delete(t.inside, base)
		}
		m.content(e, once)
	}
	if content != nil {
		t.note("wsdl-text", content, t.where, "a text with attributes")
	}
}

// member is one property of an object.
type member struct {
	name      xml.Name
	schema    *yaml.Node
	required  bool
	attribute bool
	many      bool
	most      string // of many, "" for no limit
	at        *element
}

// members gathers the properties of one object.
type members struct {
	t          *types
	properties *yaml.Node
	required   []string
	open       bool // it may hold more
	index      map[string]int
	names      map[string]xml.Name
}

func newMembers(t *types) *members {
	return &members{t: t, properties: tree.Map(), index: map[string]int{}, names: map[string]xml.Name{}}
}

// occurs is how often what surrounds an element lets it occur.
type occurs struct{ optional, many bool }

var once = occurs{}

// of is how often e may occur, within what surrounds it.
func (o occurs) of(e *element) occurs {
	if e.attr("minOccurs") == "0" {
		o.optional = true
	}
	if most := e.attr("maxOccurs"); most != "" && most != "0" && most != "1" {
		o.many = true
	}
	return o
}

// content reads what stands in a type, a group, a sequence, a choice.
func (m *members) content(holder *element, o occurs) {
	for _, e := range holder.children {
		if !m.t.step(e) {
			return
		}
		if e.name.Space != spaceXSD || e.attr("maxOccurs") == "0" {
			continue
		}
		switch e.name.Local {
		case "sequence", "all":
			m.content(e, o.of(e))
		case "choice":
			within := o.of(e)
			within.optional = true
			m.content(e, within)
		case "element":
			m.element(e, o.of(e))
		case "group":
			m.within(m.t.groups[e.named("ref")], e, o.of(e))
		case "attributeGroup":
			m.within(m.t.attrGroups[e.named("ref")], e, o)
		case "attribute":
			m.attribute(e)
		case "any":
			m.open = true
			m.t.note("wsdl-any", e, m.t.where, "anything may stand here")
		}
	}
}

// within reads a group where it is named, but not inside itself.
func (m *members) within(group, at *element, o occurs) {
	if group == nil {
		m.t.note("wsdl-reference", at, m.t.where, "nothing is named "+cut(at.attr("ref")), "name", cut(at.attr("ref")))
		return
	}
	if m.t.inside[group] {
		return
	}
	m.t.inside[group] = true
	m.content(group, o)
	delete(m.t.inside, group)
}

// element reads a declaration, or a reference to one.
func (m *members) element(e *element, o occurs) {
	if ref := e.attr("ref"); ref != "" {
		name := e.named("ref")
		target := m.t.elements[name]
		if target == nil {
			m.t.note("wsdl-reference", e, m.t.where, "nothing is named "+cut(ref), "name", cut(ref))
			return
		}
		m.add(member{name: name, schema: m.t.declared(target), required: !o.optional, many: o.many, most: e.attr("maxOccurs"), at: e})
		return
	}
	if e.attr("name") == "" {
		return
	}
	schema, name := schemaOf(e), xml.Name{Local: e.attr("name")}
	if form := e.attr("form"); form == "qualified" || form == "" && schema.attr("elementFormDefault") == "qualified" {
		name.Space = schema.attr("targetNamespace")
	}
	m.add(member{name: name, schema: m.t.declared(e), required: !o.optional, many: o.many, most: e.attr("maxOccurs"), at: e})
}

// attribute reads an attribute's declaration, or a reference to one.
func (m *members) attribute(e *element) {
	of, name := e, xml.Name{Local: e.attr("name")}
	if e.attr("ref") != "" {
		if name = e.named("ref"); m.t.attributes[name] == nil {
			if name.Space != spaceXML {
				m.t.note("wsdl-reference", e, m.t.where, "nothing is named "+cut(e.attr("ref")), "name", cut(e.attr("ref")))
			}
			return
		}
		of = m.t.attributes[name]
	} else if schema := schemaOf(e); e.attr("form") == "qualified" || e.attr("form") == "" && schema.attr("attributeFormDefault") == "qualified" {
		name.Space = schema.attr("targetNamespace")
	}
	if use := e.attr("use"); use != "prohibited" && name.Local != "" {
		m.add(member{name: name, schema: m.t.valueOf(of), required: use == "required", attribute: true, at: e})
	}
}

// global adds a global element by its name.
func (m *members) global(at *element, name xml.Name, required bool) {
	e := m.t.elements[name]
	if e == nil {
		m.t.note("wsdl-reference", at, m.t.where, "nothing is named "+cut(name.Local), "name", cut(name.Local))
		return
	}
	m.add(member{name: name, schema: m.t.declared(e), required: required, at: e})
}

// add makes a property. Two of one name in one object are a list; of one local
// name in two namespaces the second has a number.
func (m *members) add(one member) {
	key, kind := one.name.Local, ""
	if one.attribute {
		kind = "@"
	}
	identity := xml.Name{Space: kind + one.name.Space, Local: one.name.Local}
	for base, i := key, 2; ; i++ {
		if taken, ok := m.names[key]; !ok || taken == identity {
			break
		}
		key = base + "_" + strconv.Itoa(i)
	}
	about := tree.Map()
	if key != one.name.Local {
		tree.Put(about, "name", one.name.Local)
	}
	tree.Put(about, "namespace", one.name.Space)
	if one.attribute {
		tree.Put(about, "attribute", true)
	}
	schema := one.schema
	i, again := m.index[key]
	if again {
		one.many, one.most = true, ""
		if old := m.properties.Content[i]; len(old.Content) > 1 && old.Content[1].Value == "array" {
			return // already a list
		}
	}
	if len(about.Content) > 0 {
		schema = with(schema, "xml", about)
	}
	if one.many {
		schema = tree.Map("type", "array", "items", schema)
		if most, err := strconv.Atoi(one.most); err == nil && most > 1 {
			tree.Put(schema, "maxItems", tree.Number(strconv.Itoa(most)))
		}
	}
	if one.at != nil {
		tree.At(schema, one.at.line)
	}
	if again {
		m.properties.Content[i] = schema
		return
	}
	m.names[key] = identity
	tree.Put(m.properties, key, schema)
	m.index[key] = len(m.properties.Content) - 1
	if one.required {
		m.required = append(m.required, key)
	}
}

// object is the schema of the members.
func (m *members) object() *yaml.Node {
	n := tree.Map("type", "object")
	if len(m.properties.Content) > 0 {
		tree.Put(n, "properties", m.properties)
	}
	if len(m.required) > 0 {
		list := tree.List()
		for _, name := range m.required {
			list.Content = append(list.Content, tree.Text(name))
		}
		tree.Put(n, "required", list)
	}
	if m.open {
		tree.Put(n, "additionalProperties", true)
	}
	return n
}

// with is a schema that says one thing more. A $ref says nothing beside itself
// (OpenAPI 3.0 §4.7.23), so it goes into an allOf.
func with(schema *yaml.Node, key string, value *yaml.Node) *yaml.Node {
	if len(schema.Content) > 0 && schema.Content[0].Value == "$ref" {
		schema = tree.Map("allOf", tree.List(schema))
	}
	set(schema, key, value)
	return schema
}

// declared is the schema of an element's declaration, without its name. One
// that is global and has a type of its own may name itself inside, so it is a
// component.
func (t *types) declared(e *element) *yaml.Node {
	own := e.first(spaceXSD, "complexType")
	var schema *yaml.Node
	switch {
	case own != nil && e.parent != nil && e.parent.name.Local == "schema":
		schema = t.component(e, e.attr("name"), func() *yaml.Node { return t.complexType(own) })
	case own != nil:
		schema = t.complexType(own)
	default:
		schema = t.valueOf(e)
	}
	if e.attr("abstract") == "true" {
		t.note("wsdl-abstract", e, t.where, "others stand in its place: "+cut(e.attr("name")), "name", cut(e.attr("name")))
	}
	if said := t.saidOf(e); said != "" {
		schema = with(schema, "description", tree.Text(said))
	}
	if e.attr("nillable") == "true" {
		schema = with(schema, "nullable", tree.Bool(true))
	}
	return schema
}
