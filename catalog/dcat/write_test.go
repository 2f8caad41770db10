package dcat

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"
	"testing"
)

// small is a graph with everything that has to be escaped somewhere.
func small(text, typed string) *graph {
	g := newGraph()
	g.typed("https://mo.example/a", "dcat:Dataset", "foaf:Document")
	g.words("https://mo.example/a", "dct:title", text, text+"!")
	g.add("https://mo.example/a", "dct:identifier", plain(text))
	g.add("https://mo.example/a", "dcat:startDate", valued(text, "xsd:date"))
	g.link("https://mo.example/a", "foaf:page", address(typed), "foaf:Document")
	g.add("https://mo.example/a", "vcard:hasEmail", term{iri: escaped("mailto:" + text)})
	return g
}

func TestSyntaxes(t *testing.T) {
	t.Parallel()
	g := newGraph()
	g.typed("https://mo.example/a", "dcat:Dataset")
	g.words("https://mo.example/a", "dct:title", "Nói \"hai\\ba\"\r\n<b>&\t]]>", "")
	g.link("https://mo.example/a", "foaf:page", "https://mo.example/?a=1&b=%27", "foaf:Document")
	g.add("https://mo.example/a", "dcat:startDate", valued("2026-01-02", "xsd:date"))
	g.add("https://mo.example/a", "dcat:startDate", valued("2026-01-02", "xsd:date")) // once
	g.typed("https://mo.example/a", "foaf:Document")
	want := map[string]string{
		"ttl": `
<https://mo.example/a> a dcat:Dataset ,
        foaf:Document ;
    dct:title "Nói \"hai\\ba\"\r\n<b>&\t]]>"@vi ;
    foaf:page <https://mo.example/?a=1&b=%27> ;
    dcat:startDate "2026-01-02"^^xsd:date .

<https://mo.example/?a=1&b=%27> a foaf:Document .
`,
		"rdf": `>
  <rdf:Description rdf:about="https://mo.example/a">
    <rdf:type rdf:resource="http://www.w3.org/ns/dcat#Dataset"/>
    <rdf:type rdf:resource="http://xmlns.com/foaf/0.1/Document"/>
    <dct:title xml:lang="vi">Nói &#34;hai\ba&#34;&#xD;&#xA;&lt;b&gt;&amp;&#x9;]]&gt;</dct:title>
    <foaf:page rdf:resource="https://mo.example/?a=1&amp;b=%27"/>
    <dcat:startDate rdf:datatype="http://www.w3.org/2001/XMLSchema#date">2026-01-02</dcat:startDate>
  </rdf:Description>
  <rdf:Description rdf:about="https://mo.example/?a=1&amp;b=%27">
    <rdf:type rdf:resource="http://xmlns.com/foaf/0.1/Document"/>
  </rdf:Description>
</rdf:RDF>
`,
		"jsonld": `"@graph":[{"@id":"https://mo.example/a","@type":["dcat:Dataset","foaf:Document"],` +
			`"dct:title":[{"@value":"Nói \"hai\\ba\"\r\n<b>&\t]]>","@language":"vi"}],"foaf:page":[{"@id":"https://mo.example/?a=1&b=%27"}],` +
			`"dcat:startDate":[{"@value":"2026-01-02","@type":"xsd:date"}]},{"@id":"https://mo.example/?a=1&b=%27","@type":["foaf:Document"]}]}` + "\n",
	}
	for ending, text := range want {
		var b bytes.Buffer
		syntaxOf(ending).write(&b, g)
		if !strings.HasSuffix(b.String(), text) {
			t.Errorf("%s ends otherwise:\n%s\nwant\n%s", ending, b.String(), text)
		}
	}
}

func TestAddressesThatPeopleType(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"https://a.vn/x y":               "https://a.vn/x%20y",
		" https://a.vn/ ":                "https://a.vn/",
		"https://a.vn/<script>\"{|}^`\\": "https://a.vn/%3Cscript%3E%22%7B%7C%7D%5E%60%5C",
		"https://a.vn/địa-chỉ?q=%20":     "https://a.vn/địa-chỉ?q=%20",
		"javascript:alert(1)":            "",
		"ftp://a.vn/":                    "",
		"":                               "",
	} {
		if got := address(typed); got != want {
			t.Errorf("address(%q) = %q, want %q", typed, got, want)
		}
	}
	for number, want := range map[string]string{"0255 3822 111": "02553822111", "+84 (255) 382": "+84255382", "12+3": "", "không có": ""} {
		if got := dialled(number); got != want {
			t.Errorf("dialled(%q) = %q, want %q", number, got, want)
		}
	}
}

// FuzzRoundTrip writes a graph and reads it back with readers that know
// nothing of the writers. What other people's parsers read is in
// test/dcat.test.mjs.
func FuzzRoundTrip(f *testing.F) {
	for _, text := range []string{"", "Thuê bao", "\"\\\n\r\t\x00\x07'", "]]><!--&amp;", "\ufffe\uffff\xff\xed\xa0\x80", "😀 e\u0323\u0302", "\u2028\u0085"} {
		f.Add(text, "https://a.vn/"+text)
	}
	f.Fuzz(func(t *testing.T, text, typed string) {
		g := small(text, typed)
		want := map[triple]bool{}
		for subject, arcs := range g.arcs {
			for _, a := range arcs {
				a.predicate = expand(a.predicate)
				want[triple{subject, a}] = true
			}
		}
		for ending, read := range map[string]func(string) (map[triple]bool, error){"ttl": readTurtle, "rdf": readXML, "jsonld": readJSON} {
			var b bytes.Buffer
			syntaxOf(ending).write(&b, g)
			got, err := read(b.String())
			if err != nil {
				t.Fatalf("%s cannot be read: %v\n%s", ending, err, b.String())
			}
			if !maps.Equal(got, want) {
				t.Fatalf("%s says %+v, want %+v\n%s", ending, got, want, b.String())
			}
		}
	})
}

// readTurtle reads Turtle as far as it is written here: IRIs, names with a
// prefix, strings, commas and semicolons.
func readTurtle(text string) (map[triple]bool, error) {
	prefixes, found := map[string]string{}, map[triple]bool{}
	var statement []term
	for len(text) > 0 {
		token, rest, err := turtleToken(text, prefixes)
		if err != nil {
			return nil, err
		}
		text = rest
		switch token.text {
		case "":
			if token.iri != "" {
				statement = append(statement, token)
			}
			continue
		case "@prefix":
			var name, iri string
			if _, err := fmt.Sscanf(text, "%s <%s", &name, &iri); err != nil {
				return nil, err
			}
			prefixes[strings.TrimSuffix(name, ":")] = strings.TrimSuffix(iri, ">")
			text = text[strings.Index(text, "> .")+3:]
			continue
		case ".", ";", ",":
			if token.lang != "mark" {
				break
			}
			if len(statement) != 3 {
				return nil, fmt.Errorf("a statement of %d terms", len(statement))
			}
			found[triple{statement[0].iri, arc{statement[1].iri, statement[2]}}] = true
			statement = statement[:map[string]int{".": 0, ";": 1, ",": 2}[token.text]]
			continue
		}
		statement = append(statement, token)
	}
	return found, nil
}

// turtleToken reads one token; a mark of punctuation has the language "mark".
func turtleToken(text string, prefixes map[string]string) (term, string, error) {
	text = strings.TrimLeft(text, " \n")
	switch {
	case text == "":
		return term{}, "", nil
	case strings.HasPrefix(text, "@prefix "):
		return term{text: "@prefix"}, text[len("@prefix "):], nil
	case text[0] == '<':
		iri, rest, ok := strings.Cut(text[1:], ">")
		if !ok || strings.ContainsAny(iri, "<\"{}|^`\\ \n\r\t\x00") {
			return term{}, "", fmt.Errorf("bad IRI %q", iri)
		}
		return term{iri: iri}, rest, nil
	case text[0] == '"':
		return turtleString(text[1:], prefixes)
	case strings.ContainsRune(".;,", rune(text[0])):
		return term{text: text[:1], lang: "mark"}, text[1:], nil
	}
	name, rest, _ := strings.Cut(text, " ")
	name, rest = strings.TrimSpace(name), " "+rest
	if name == "a" {
		name = "rdf:type"
	}
	prefix, local, ok := strings.Cut(name, ":")
	if !ok || prefixes[prefix] == "" {
		return term{}, "", fmt.Errorf("bad name %q", name)
	}
	return term{iri: prefixes[prefix] + local}, rest, nil
}

func turtleString(text string, prefixes map[string]string) (term, string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\n', '\r':
			return term{}, "", errors.New("a line ends in a string")
		case '\\':
			i++
			b.WriteByte(map[byte]byte{'\\': '\\', '"': '"', 'n': '\n', 'r': '\r', 't': '\t'}[text[i]])
		case '"':
			t, rest := term{text: b.String()}, text[i+1:]
			if after, ok := strings.CutPrefix(rest, "@"); ok {
				t.lang, rest = after[:2], after[2:]
			} else if after, ok := strings.CutPrefix(rest, "^^"); ok {
				datatype, rest, err := turtleToken(after, prefixes)
				t.datatype = datatype.iri
				return t, rest, err
			}
			return t, rest, nil
		default:
			b.WriteByte(text[i])
		}
	}
	return term{}, "", errors.New("a string does not end")
}

func readXML(text string) (map[triple]bool, error) {
	var document struct {
		Nodes []struct {
			About string `xml:"about,attr"`
			Arcs  []struct {
				XMLName  xml.Name
				Resource *string `xml:"resource,attr"`
				Lang     string  `xml:"lang,attr"`
				Datatype string  `xml:"datatype,attr"`
				Text     string  `xml:",chardata"`
			} `xml:",any"`
		} `xml:"Description"`
	}
	if err := xml.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	found := map[triple]bool{}
	for _, node := range document.Nodes {
		for _, a := range node.Arcs {
			object := term{text: a.Text, lang: a.Lang, datatype: a.Datatype}
			if a.Resource != nil {
				object = term{iri: *a.Resource}
			}
			found[triple{node.About, arc{a.XMLName.Space + a.XMLName.Local, object}}] = true
		}
	}
	return found, nil
}

func readJSON(text string) (map[triple]bool, error) {
	var document struct {
		Context map[string]string            `json:"@context"`
		Graph   []map[string]json.RawMessage `json:"@graph"`
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("something stands behind the document")
	}
	name := func(s string) string {
		prefix, local, _ := strings.Cut(s, ":")
		if iri, ok := document.Context[prefix]; ok {
			return iri + local
		}
		return s
	}
	found := map[triple]bool{}
	for _, node := range document.Graph {
		subject, err := strconv.Unquote(string(node["@id"]))
		if err != nil {
			return nil, err
		}
		for key, value := range node {
			if key == "@id" {
				continue
			}
			if key == "@type" {
				var types []string
				if err := json.Unmarshal(value, &types); err != nil {
					return nil, err
				}
				for _, class := range types {
					found[triple{subject, arc{expand("rdf:type"), term{iri: name(class)}}}] = true
				}
				continue
			}
			var objects []map[string]string
			if err := json.Unmarshal(value, &objects); err != nil {
				return nil, err
			}
			for _, o := range objects {
				found[triple{subject, arc{name(key), term{iri: o["@id"], text: o["@value"], lang: o["@language"], datatype: name(o["@type"])}}}] = true
			}
		}
	}
	return found, nil
}
