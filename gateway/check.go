package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"lgsp/gateway/project"
	"lgsp/gateway/route"
	"lgsp/internal/problem"
)

// check takes the request's body, and refuses what the agreement or the
// operation does not allow in the request. Of an imagined call's body nothing
// is asked.
func (c *call) check(r *http.Request) error {
	if err := c.checkBounds(r); err != nil {
		return err
	}
	if err := c.takeBody(r); err != nil {
		return err
	}
	if filter := c.filter(); filter != nil {
		if err := checkParameters(c.query, c.operation, filter); err != nil {
			return err
		}
	}
	if err := c.checkRequest(r); err != nil {
		return err
	}
	if err := c.checkSOAP(r); err != nil {
		return err
	}
	if c.operation.Access != Personal || c.imagined && c.operation.SubjectIn == "body" {
		return nil
	}
	subject, err := c.subject(r)
	if err != nil {
		return err
	}
	if c.version.sandbox == nil { // there nobody is asked about, whoever's number stands in the call
		c.exchange.Subject = SubjectHash(c.node.SubjectKey, subject)
	}
	return nil
}

// filter is what the agreement lets through of the answer; nil: all of it.
func (c *call) filter() *project.Filter {
	if c.grant == nil {
		return nil
	}
	if f := c.grant.terms.filters[c.operation.ID]; f != nil && f.Whole() {
		return nil
	} else if f != nil {
		return f
	}
	return &project.Filter{}
}

// choosers are parameters whose values name fields.
var choosers = []string{"sort", "sortby", "sapxep", "order", "orderby", "field", "fields", "select", "columns", "cot", "truong",
	"filter", "loc", "where", "expand", "include", "embed", "group", "groupby", "distinct", "aggregate", "sum"}

// checkParameters refuses parameters that would tell of fields not agreed by
// filtering, sorting or choosing by them. A parameter is judged by the words of
// its name (hoTen__contains, filter[hoTen]); its value by the words of a
// chooser's (sort=-hoTen), and by a word before an operator (hoTen:An). Of an
// operation whose fields are not known, choosers may name agreed fields only.
func checkParameters(query map[string][]string, o *operation, filter *project.Filter) error {
	if len(query) == 0 {
		return nil
	}
	var agreed, hidden []string
	for i, name := range o.names {
		if filter.Covers(o.Fields[i]) {
			agreed = append(agreed, name)
		} else if name != "" {
			hidden = append(hidden, name)
		}
	}
	hidden = slices.DeleteFunc(hidden, func(name string) bool { return slices.Contains(agreed, name) })
	for name, values := range query {
		if o.SubjectIn == "query" && o.SubjectName == name {
			continue
		}
		parts := words(name)
		chooses := slices.ContainsFunc(parts, func(part string) bool { return slices.Contains(choosers, part) })
		if field, found := firstOf(append(parts, strings.ToLower(name)), hidden); found {
			return notAgreed(name, field)
		}
		for _, value := range values {
			if field, found := firstOf(judged(value, chooses), hidden); found {
				return notAgreed(name, field)
			}
			if chooses && len(o.Fields) == 0 && value != "" {
				return notAgreed(name, value)
			}
		}
	}
	return nil
}

func notAgreed(parameter, field string) error {
	return problem.Errorf(problem.Forbidden, "parameter %s asks by field %s, which the agreement does not cover", parameter, field).
		Coded("field-not-agreed", "parameter", parameter, "field", field).Repeats()
}

// words are the runs of letters, digits and underscores in lower case, whole
// and in the parts between double underscores.
func words(text string) []string {
	runs := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !isWordRune(r) })
	for _, run := range runs {
		if parts := strings.Split(run, "__"); len(parts) > 1 {
			runs = append(runs, parts...)
		}
	}
	return runs
}

func isWordRune(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r > 0x7f
}

// judged are the words of a value that may name a field.
func judged(value string, chooses bool) []string {
	if chooses {
		return words(value)
	}
	var names []string
	for i, r := range value {
		if strings.ContainsRune(":=<>!~", r) {
			if before := words(value[:i]); len(before) > 0 {
				names = append(names, before[len(before)-1])
			}
		}
	}
	return names
}

func firstOf(names, of []string) (string, bool) {
	for _, name := range names {
		if slices.Contains(of, name) {
			return name, true
		}
	}
	return "", false
}

// subject finds the number of the person the call asks about.
func (c *call) subject(r *http.Request) (string, error) {
	name := c.operation.SubjectName
	var found []string
	switch c.operation.SubjectIn {
	case "path":
		if value, ok := route.Variable(c.operation.Path, name, c.rest); ok {
			found = []string{value}
		}
	case "query":
		found = c.query[name]
	case "header":
		found = r.Header.Values(name)
	case "body":
		if c.operation.SOAP != nil {
			found = c.soapValues
		} else if value, ok := at(c.body, name); ok {
			found = []string{value}
		}
	}
	if len(found) > 1 {
		return "", problem.Errorf(problem.Invalid, "%s stands in the call %d times; a call asks about one person", name, len(found)).
			Coded("subject-twice", "name", name)
	}
	if len(found) == 0 || strings.TrimSpace(found[0]) == "" || len(found[0]) > 64 {
		return "", problem.Errorf(problem.Invalid, "the operation gives personal data and needs the person's number in the %s, as %s", c.operation.SubjectIn, name).
			Coded("subject-missing", "name", name, "in", c.operation.SubjectIn)
	}
	return strings.TrimSpace(found[0]), nil
}

// at gives the string or number at a JSON pointer of a body that is read in
// one way only.
func at(body []byte, pointer string) (string, bool) {
	whole, err := project.Compile([]string{""})
	if err != nil {
		return "", false
	}
	if body, err = whole.Apply(body); err != nil {
		return "", false
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		var members map[string]json.RawMessage
		if json.Unmarshal(body, &members) != nil {
			return "", false
		}
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		body = members[token]
	}
	var text string
	if json.Unmarshal(body, &text) == nil && text != "" {
		return text, true
	}
	var number json.Number
	if json.Unmarshal(body, &number) == nil && number != "" {
		return number.String(), true
	}
	return "", false
}

// SubjectHash is how a person's number is kept in records: HMAC-SHA-256 under
// the installation's subject key, hex. Spaces around it do not count.
func SubjectHash(key []byte, number string) string {
	mac := hmac.New(sha256.New, key)
	io.WriteString(mac, "subject:"+strings.TrimSpace(number)) // never fails (package hash)
	return hex.EncodeToString(mac.Sum(nil))
}
