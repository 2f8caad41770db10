package wsdl

import (
	"encoding/xml"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/spec/tree"
)

// parts are those of a message that go into the Body: all, or those that the
// binding names, without those that go into the Header.
func (c *converter) parts(message, way *element) []*element {
	if message == nil {
		return nil
	}
	body := soapOf(way, "body")
	all := message.all(spaceWSDL, "part")
	kept := []*element{}
	names, some := strings.Fields(body.attr("parts")), body != nil && body.attr("parts") != ""
	headers := map[string]bool{}
	for _, h := range c.headers(way) {
		if c.messages[h.named("message")] == message {
			headers[h.attr("part")] = true
		}
	}
	for _, part := range all {
		if !c.types.step(part) {
			break
		}
		named := !some || slices.Contains(names, part.attr("name"))
		if named && !headers[part.attr("name")] {
			kept = append(kept, part)
		}
	}
	return kept
}

// headers are what a binding puts into the Header.
func (c *converter) headers(way *element) []*element {
	return append(way.all(spaceSOAP11, "header"), way.all(spaceSOAP12, "header")...)
}

// messageOf is the message of one way of an operation; nil for none.
func (c *converter) messageOf(of *element, way string) *element {
	return c.messages[of.first(spaceWSDL, way).named("message")]
}

// bodyOf is the name of what stands in the Body of a request: the element of
// its one part, or with rpc the operation's name. It reports false for a body
// that is neither that nor empty.
func (c *converter) bodyOf(b *bound, of *element) (xml.Name, bool) {
	way := b.op.first(spaceWSDL, "input")
	message := c.messageOf(of, "input")
	if message == nil {
		return xml.Name{}, false
	}
	if b.rpc {
		return xml.Name{Space: soapOf(way, "body").attr("namespace"), Local: of.attr("name")}, true
	}
	parts := c.parts(message, way)
	if len(parts) == 0 {
		return xml.Name{}, true
	}
	name := parts[0].named("element")
	return name, len(parts) == 1 && name.Local != ""
}

// write makes the OpenAPI operation.
func (c *converter) write(op *operation) {
	c.types.where = "POST " + op.path
	said := documentation(op.of)
	n := tree.Map("operationId", op.id, "summary", spaced(op.of.attr("name")), "description", said)
	soap := tree.Map("action", tree.Text(op.action))
	if op.body.Local != "" {
		tree.Put(soap, "element", tree.Map("namespace", op.body.Space, "name", op.body.Local))
	}
	tree.Put(n, "x-soap", soap)
	request, answer, fault := tree.Map(), tree.Map(), tree.Map()
	oneWay := op.of.first(spaceWSDL, "output") == nil
	for _, b := range op.soap {
		media := "text/xml"
		if b.is12 {
			media = "application/soap+xml"
		}
		tree.Put(request, media, tree.Map("schema", c.envelope(b, op.of, "input")))
		if !oneWay {
			tree.Put(answer, media, tree.Map("schema", c.envelope(b, op.of, "output")))
		}
		tree.Put(fault, media, tree.Map("schema", c.fault(b, op.of)))
	}
	c.contents = append(c.contents, request, answer)
	tree.Put(n, "requestBody", tree.Map("required", true, "content", request))
	answers := tree.Map()
	if oneWay {
		tree.Put(answers, "202", tree.Map("description", "Accepted"))
	} else {
		tree.Put(answers, "200", tree.Map("description", "OK", "content", answer))
	}
	tree.Put(answers, "500", tree.Map("description", "SOAP Fault", "content", fault))
	tree.Put(n, "responses", answers)
	tree.Put(c.paths, op.path, tree.Map("post", n))
	tree.At(c.paths.Content[len(c.paths.Content)-1], op.of.line)
	c.paths.Content[len(c.paths.Content)-2].Line = op.of.line
	c.types.where = ""
}

// spaced is a name as words: traCuuHoSo and TraCuuHoSo are "Tra cuu ho so".
func spaced(name string) string {
	var b strings.Builder
	lower := false
	for i, r := range name {
		switch {
		case r == '_' || r == '-' || r == '.':
			b.WriteByte(' ')
		case i == 0:
			b.WriteString(strings.ToUpper(string(r)))
		case lower && r >= 'A' && r <= 'Z':
			b.WriteString(" " + strings.ToLower(string(r)))
		default:
			b.WriteRune(r)
		}
		lower = r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
	}
	return b.String()
}

// soapSchema is an object of SOAP's own namespace.
func soapSchema(is12 bool, name string, properties *yaml.Node, required ...string) *yaml.Node {
	space := envelope11
	if is12 {
		space = envelope12
	}
	n := tree.Map("type", "object", "xml", tree.Map("name", name, "namespace", space, "prefix", "soap"))
	if properties != nil && len(properties.Content) > 0 {
		tree.Put(n, "properties", properties)
	}
	if len(required) > 0 {
		list := tree.List()
		for _, r := range required {
			list.Content = append(list.Content, tree.Text(r))
		}
		tree.Put(n, "required", list)
	}
	return n
}

// envelope is the schema of a message of one way.
func (c *converter) envelope(b *bound, of *element, direction string) *yaml.Node {
	way := b.op.first(spaceWSDL, direction)
	properties := tree.Map()
	header := newMembers(c.types)
	for _, h := range c.headers(way) {
		for _, part := range c.messages[h.named("message")].all(spaceWSDL, "part") {
			if c.types.step(part) && part.attr("name") == h.attr("part") && part.attr("element") != "" {
				header.global(part, part.named("element"), false)
			}
		}
	}
	if len(header.properties.Content) > 0 {
		tree.Put(properties, "Header", soapSchema(b.is12, "Header", header.properties))
	}
	body := newMembers(c.types)
	message := c.messageOf(of, direction)
	if b.rpc {
		name := of.attr("name")
		if direction == "output" {
			name += "Response"
		}
		tree.Put(body.properties, name, c.wrapper(message, way, name))
		body.required = append(body.required, name)
	} else {
		for _, part := range c.parts(message, way) {
			if part.attr("element") == "" {
				c.types.note("wsdl-body", part, c.types.where, "what stands in the body is not one element")
				continue
			}
			body.global(part, part.named("element"), true)
		}
	}
	tree.Put(properties, "Body", soapSchema(b.is12, "Body", body.properties, body.required...))
	return soapSchema(b.is12, "Envelope", properties, "Body")
}

// wrapper is the element that rpc puts around the parts of a message
// (WS-I Basic Profile 1.1 §4.7.3): they have no namespace.
func (c *converter) wrapper(message, way *element, name string) *yaml.Node {
	inner := newMembers(c.types)
	for _, part := range c.parts(message, way) {
		if part.attr("type") == "" {
			inner.global(part, part.named("element"), true)
			continue
		}
		inner.add(member{name: xml.Name{Local: part.attr("name")}, schema: c.types.ofType(part, part.named("type")), required: true})
	}
	n := inner.object()
	tree.Put(n, "xml", tree.Map("name", name, "namespace", soapOf(way, "body").attr("namespace")))
	return n
}

// fault is the schema of a fault (SOAP 1.1 §4.4, SOAP 1.2 part 1 §5.4).
func (c *converter) fault(b *bound, of *element) *yaml.Node {
	details := newMembers(c.types)
	for _, f := range of.all(spaceWSDL, "fault") {
		for _, part := range c.messages[f.named("message")].all(spaceWSDL, "part") {
			if c.types.step(part) && part.attr("element") != "" {
				details.global(part, part.named("element"), false)
			}
		}
	}
	if len(details.properties.Content) > 0 {
		return faultWith(b.is12, details)
	}
	name := "SoapFault11"
	if b.is12 {
		name = "SoapFault12"
	}
	return c.types.shared(b.is12, name, func() *yaml.Node { return tree.At(faultWith(b.is12, details), c.root.line) })
}

func faultWith(is12 bool, details *members) *yaml.Node {
	detail := details.object()
	properties := tree.Map("faultcode", tree.Map("type", "string"), "faultstring", tree.Map("type", "string"), "faultactor", tree.Map("type", "string"), "detail", detail)
	required := []string{"faultcode", "faultstring"}
	if is12 {
		text := func(name string) *yaml.Node {
			return tree.Map("type", "string", "xml", tree.Map("name", name, "namespace", envelope12, "prefix", "soap"))
		}
		tree.Put(detail, "xml", tree.Map("name", "Detail", "namespace", envelope12, "prefix", "soap"))
		properties = tree.Map("Code", soapSchema(true, "Code", tree.Map("Value", text("Value"))), "Reason", soapSchema(true, "Reason", tree.Map("Text", text("Text"))),
			"Detail", detail)
		required = []string{"Code", "Reason"}
	}
	inner := soapSchema(is12, "Fault", properties, required...)
	return soapSchema(is12, "Envelope", tree.Map("Body", soapSchema(is12, "Body", tree.Map("Fault", inner), "Fault")), "Body")
}
