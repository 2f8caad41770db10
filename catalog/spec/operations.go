package spec

import (
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"
)

// methods are those the gateway forwards, in the order pages show them.
var methods = []string{"get", "post", "put", "patch", "delete", "head", "options"}

// operations are those of the document, in its order.
func (r *reader) operations() []Operation {
	all := []Operation{}
	for path, item := range pairs(get(r.root, "paths")) {
		if strings.HasPrefix(path.Value, "x-") {
			continue
		}
		node := r.resolve(item)
		if get(node, "trace") != nil {
			r.found("spec-method-ignored", path.Line, "TRACE "+path.Value, "the gateway does not forward TRACE")
		}
		for _, method := range methods {
			if n := get(node, method); n != nil {
				all = append(all, r.operation(path, node, method, n))
			}
		}
	}
	return all
}

func (r *reader) operation(path, item *yaml.Node, method string, n *yaml.Node) Operation {
	op := Operation{
		Method: strings.ToUpper(method), Path: path.Value, OperationID: text(n, "operationId"),
		SummaryVI: text(n, "summary"), SummaryEN: text(n, "x-summary-en"),
		DescriptionVI: text(n, "description"), DescriptionEN: text(n, "x-description-en"),
		Tags: texts(n, "tags"), Deprecated: isTrue(n, "deprecated"),
	}
	if op.SummaryVI == "" {
		op.SummaryVI, op.SummaryEN = text(item, "summary"), text(item, "x-summary-en")
	}
	op.Slug = r.slug(op)
	where := op.Method + " " + op.Path
	op.Parameters = r.parameters(get(item, "parameters"), get(n, "parameters"))
	op.Body = r.body(where, get(n, "requestBody"))
	agreed, inXML := []*yaml.Node{}, []*yaml.Node{}
	for status, answer := range pairs(get(n, "responses")) {
		if strings.HasPrefix(status.Value, "x-") {
			continue
		}
		a, schemas := r.answer(where, status.Value, answer)
		op.Answers = append(op.Answers, a)
		if strings.HasPrefix(status.Value, "2") {
			agreed = append(agreed, schemas...)
			inXML = append(inXML, r.inXML(answer)...)
		}
	}
	if op.Answers == nil {
		op.Answers = []Answer{}
	}
	op.Fields = []Field{}
	if len(agreed) > 0 {
		op.Fields, op.Sensitive = r.agreeable(where, agreed)
	}
	op.XML = r.shape(where, inXML)
	op.Personal = personal(op)
	r.judgeOperation(op, n)
	return op
}

// parameters are those of the path, each replaced by the operation's own of
// the same name and place (OpenAPI 3.1 §4.8.10).
func (r *reader) parameters(ofPath, own *yaml.Node) []Parameter {
	all, index := []Parameter{}, map[[2]string]int{}
	for _, n := range append(slices.Clone(items(ofPath)), items(own)...) {
		node := r.resolve(n)
		schema := r.resolve(get(node, "schema"))
		for _, media := range pairs(get(node, "content")) {
			schema = r.resolve(get(media, "schema"))
		}
		kind, _ := r.kind(schema)
		p := Parameter{
			Name: r.spend(text(node, "name")), In: text(node, "in"), Required: isTrue(node, "required"),
			Type: kind, Format: text(schema, "format"),
			DescriptionVI: r.say(n, "description"), DescriptionEN: r.say(n, "x-description-en"),
			Example: r.example(node), Enum: r.values(get(schema, "enum")), Default: r.compact(get(schema, "default")),
		}
		if p.Example == "" {
			p.Example = r.example(schema)
		}
		place := [2]string{p.In, p.Name}
		if i, ok := index[place]; ok {
			all[i] = p
			continue
		}
		index[place] = len(all)
		all = append(all, p)
	}
	return all
}

func (r *reader) body(where string, n *yaml.Node) *Body {
	node := r.resolve(n)
	if node == nil {
		return nil
	}
	b := &Body{
		Required:      isTrue(node, "required"),
		DescriptionVI: r.say(n, "description"), DescriptionEN: r.say(n, "x-description-en"),
		MediaTypes: []string{}, Fields: []Field{},
	}
	schemas := []*yaml.Node{}
	for media, content := range pairs(get(node, "content")) {
		b.MediaTypes = append(b.MediaTypes, r.spend(media.Value))
		if schema := get(content, "schema"); schema != nil {
			schemas = append(schemas, schema)
		}
		if b.Example == "" {
			b.Example = r.bodyExample(content)
		}
	}
	if len(schemas) > 0 {
		b.Fields = r.flatten(where, schemas...)
	}
	return b
}

// answer reads one answer and gives the schemas of its JSON and XML forms.
func (r *reader) answer(where, status string, n *yaml.Node) (Answer, []*yaml.Node) {
	node := r.resolve(n)
	a := Answer{
		Status:        status,
		DescriptionVI: r.say(n, "description"), DescriptionEN: r.say(n, "x-description-en"),
		MediaTypes: []string{}, Fields: []Field{},
	}
	schemas := []*yaml.Node{}
	for media, content := range pairs(get(node, "content")) {
		a.MediaTypes = append(a.MediaTypes, r.spend(media.Value))
		if schema := get(content, "schema"); schema != nil && isStructured(media.Value) {
			schemas = append(schemas, schema)
		}
		if a.Example == "" {
			a.Example = r.bodyExample(content)
		}
	}
	if len(schemas) > 0 {
		a.Fields = r.flatten(where+" → "+status, schemas...)
	}
	return a, schemas
}

// bodyExample is the first example of a media type.
func (r *reader) bodyExample(content *yaml.Node) string {
	if one := get(content, "example"); one != nil {
		return r.pretty(one)
	}
	for _, named := range pairs(get(content, "examples")) {
		return r.pretty(get(r.resolve(named), "value"))
	}
	return r.pretty(get(r.resolve(get(content, "schema")), "example"))
}

// isStructured reports whether fields can be cut out of the media type: JSON or XML.
func isStructured(media string) bool {
	media, _, _ = strings.Cut(strings.ToLower(media), ";")
	_, sub, _ := strings.Cut(strings.TrimSpace(media), "/")
	return sub == "json" || sub == "xml" || sub == "*" ||
		strings.HasSuffix(sub, "+json") || strings.HasSuffix(sub, "+xml")
}

// slug is the operation's name in the address of its page.
func (r *reader) slug(op Operation) string {
	base := kebab(op.OperationID)
	if base == "" {
		base = kebab(op.Method + " " + op.Path)
	}
	slug := base
	for r.slugs[slug] > 0 { // how often the base was taken so far; its numbered forms may be taken too
		r.slugs[base]++
		slug = base + "-" + itoa(r.slugs[base])
	}
	r.slugs[slug]++
	return slug
}

// kebab is a name in lower case letters, digits and hyphens: layThuTuc and
// "Lấy thủ tục" both give lay-thu-tuc.
func kebab(name string) string {
	var b strings.Builder
	wasLower := false
	for _, c := range norm.NFD.String(name) {
		if b.Len() >= 80 {
			break
		}
		switch {
		case unicode.Is(unicode.Mn, c):
			continue // a mark above or below a letter
		case c == 'đ', c == 'Đ':
			c = 'd'
		}
		if wasLower && unicode.IsUpper(c) {
			b.WriteByte('-')
		}
		wasLower = unicode.IsLower(c) || unicode.IsDigit(c)
		c = unicode.ToLower(c)
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			c = '-'
		}
		if c != '-' || (b.Len() > 0 && !strings.HasSuffix(b.String(), "-")) {
			b.WriteRune(c)
		}
	}
	return strings.Trim(b.String(), "-")
}

// personalNames are names, bare of case and marks, that suggest personal data
// (Law 91/2025/QH15 counts what identifies a person).
var personalNames = []string{
	"sodinhdanh", "socccd", "cccd", "socmnd", "cmnd", "hoten", "hovaten", "ngaysinh", "ngaythangnamsinh",
	"sobhxh", "masobhxh", "sothebhyt", "sodienthoai", "dienthoai", "diachithuongtru", "noithuongtru",
	"personalid", "nationalid", "fullname", "dateofbirth", "birthdate", "dob",
}

// personal gives the names in the operation that suggest personal data.
func personal(op Operation) []string {
	found := []string{}
	look := func(name string) {
		bare := strings.ReplaceAll(kebab(name), "-", "")
		if slices.Contains(personalNames, bare) && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	for _, p := range op.Parameters {
		look(p.Name)
	}
	fields := slices.Clone(op.Fields)
	if op.Body != nil {
		fields = append(fields, op.Body.Fields...)
	}
	for _, f := range fields {
		look(f.Path[strings.LastIndexByte(f.Path, '/')+1:])
	}
	return found
}
