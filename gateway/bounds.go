package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lgsp/gateway/project"
	"lgsp/gateway/route"
	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// Bounds are what calls of an agreed operation are held to beside its fields.
type Bounds struct {
	Parameters []ParameterBound `json:"parameters,omitempty"` // all are to be met
	Rows       []project.Row    `json:"rows,omitempty"`       // of the answer's lists, what is kept; needs fields agreed by name
	Dossier    bool             `json:"dossier,omitempty"`    // each call names a dossier, in LGSP-Dossier
	Purpose    bool             `json:"purpose,omitempty"`    // each call names its purpose, in LGSP-Purpose
}

// ParameterBound is what a parameter may say: one of Values, or what begins
// with one of Prefixes and goes on in letters, digits, hyphens and underscores.
type ParameterBound struct {
	In       string   `json:"in"` // query, path, header
	Name     string   `json:"name"`
	Values   []string `json:"values,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"`
}

// The bounds of bounds.
const (
	MaxParameterBounds = 8
	MaxBoundValues     = 200 // of one parameter or one field
)

// keptOperation is a GrantedOperation as it is kept. One with bounds or masks
// has another name for its operation: a node that does not know them yet reads
// none, and refuses its calls.
type keptOperation struct {
	Operation string           `json:"operation"`
	Bounded   string           `json:"bounded,omitempty"`
	Fields    []string         `json:"fields"`
	Masks     []project.Masked `json:"masks,omitempty"`
	Bounds    *Bounds          `json:"bounds,omitempty"`
}

// MarshalJSON is of json.Marshaler.
func (o GrantedOperation) MarshalJSON() ([]byte, error) {
	if o.Bounds != nil || len(o.Masks) > 0 {
		return json.Marshal(keptOperation{Bounded: o.Operation, Fields: o.Fields, Masks: o.Masks, Bounds: o.Bounds})
	}
	return json.Marshal(keptOperation{Operation: o.Operation, Fields: o.Fields})
}

// UnmarshalJSON is of json.Unmarshaler.
func (o *GrantedOperation) UnmarshalJSON(text []byte) error {
	var kept keptOperation
	if err := json.Unmarshal(text, &kept); err != nil {
		return err
	}
	*o = GrantedOperation{Operation: or(kept.Operation, kept.Bounded), Fields: kept.Fields, Masks: kept.Masks, Bounds: kept.Bounds}
	return nil
}

// bounds are compiled Bounds.
type bounds struct {
	*Bounds
	rows *project.Rows // nil: all rows
}

// compile makes bounds fit to be enforced, or says why they are not.
func (b *Bounds) compile(filter *project.Filter) (*bounds, error) {
	if b == nil {
		return nil, nil
	}
	if len(b.Parameters) > MaxParameterBounds {
		return nil, fmt.Errorf("more than %d parameters are bound", MaxParameterBounds)
	}
	for _, p := range b.Parameters {
		if !Boundable(p.In, p.Name) {
			return nil, fmt.Errorf("parameter %q in %q cannot be bound", p.Name, p.In)
		}
		if n := len(p.Values) + len(p.Prefixes); n == 0 || n > MaxBoundValues || slices.Contains(p.Prefixes, "") {
			return nil, fmt.Errorf("parameter %q has no values, an empty prefix, or more than %d", p.Name, MaxBoundValues)
		}
	}
	for _, row := range b.Rows {
		if len(row.Values) > MaxBoundValues {
			return nil, fmt.Errorf("field %q has more than %d values", row.Field, MaxBoundValues)
		}
	}
	rows, err := project.CompileRows(b.Rows)
	if err != nil {
		return nil, err
	}
	if rows != nil && filter.Whole() {
		return nil, fmt.Errorf("rows are bound where the whole answer is agreed: what is no list would pass")
	}
	return &bounds{b, rows}, nil
}

// Boundable reports whether a parameter can be bound: it stands in the query,
// the path or a header that the upstream gets from the caller.
func Boundable(in, name string) bool {
	switch header := http.CanonicalHeaderKey(name); in {
	case "query", "path":
		return name != ""
	case "header":
		return name != "" && !isOurs(header) && !hopByHop[header] && !partial[header]
	}
	return false
}

// bounds are those of the agreement on the operation; nil: none.
func (c *call) bounds() *bounds {
	if c.grant == nil {
		return nil
	}
	return c.grant.terms.bounds[c.operation.ID]
}

// rows are what the agreement keeps of the answer's rows; nil: all.
func (c *call) rows() *project.Rows {
	if b := c.bounds(); b != nil {
		return b.rows
	}
	return nil
}

// checkBounds holds the request to what is agreed of its parameters, and takes
// its dossier, which goes into the record.
func (c *call) checkBounds(r *http.Request) error {
	dossiers := r.Header["Lgsp-Dossier"]
	switch {
	case c.grant == nil:
		return nil
	case len(dossiers) > 1:
		return problem.Errorf(problem.Invalid, "LGSP-Dossier names one dossier, once").Coded("dossier-twice")
	case len(dossiers) == 1 && !isDossier(dossiers[0]):
		return problem.Errorf(problem.Invalid, "LGSP-Dossier is no number of a dossier").Coded("dossier-form")
	case len(dossiers) == 1:
		c.exchange.Dossier = dossiers[0]
	}
	b := c.bounds()
	if b == nil {
		return nil
	}
	if b.Purpose && r.Header["Lgsp-Purpose"] == nil {
		return problem.Errorf(problem.Invalid, "each call under the agreement says what for, in the header LGSP-Purpose").Coded("purpose-unsaid")
	}
	if b.Dossier && len(dossiers) == 0 {
		return problem.Errorf(problem.Invalid, "each call under the agreement names its dossier, in the header LGSP-Dossier").Coded("dossier-missing")
	}
	for _, p := range b.Parameters {
		if err := c.checkBound(r, p); err != nil {
			return err
		}
	}
	return nil
}

// The length of a dossier's number.
const (
	shortestDossier = 4
	longestDossier  = 64
)

// isDossier reports whether a text has the form of a dossier's number: letters,
// digits, and . - / _ between them, as in 000.00.53.H48-220921-0099.
func isDossier(text string) bool {
	if len(text) < shortestDossier || len(text) > longestDossier {
		return false
	}
	for i := range len(text) {
		if !isAlphanumeric(text[i]) && (i == 0 || i == len(text)-1 || !strings.ContainsRune("./-_", rune(text[i]))) {
			return false
		}
	}
	return true
}

// checkBound wants a parameter in the call once, plainly, and saying what is
// agreed: what an upstream could read in another way is refused.
func (c *call) checkBound(r *http.Request, p ParameterBound) error {
	var found []string
	clear := true
	switch p.In {
	case "path":
		if value, ok := route.Variable(c.operation.Path, p.Name, c.rest); ok {
			found = []string{value}
		}
	case "query":
		found, clear = queryValues(c.rawQuery, p.Name)
		clear = clear && !isForm(r.Header["Content-Type"]) // some read a form's names as the query's
	case "header":
		found, clear = headerValues(r.Header, p.Name)
	}
	switch {
	case !clear || len(found) > 1:
		return p.refusal(problem.Invalid, "agreed-parameter-unclear", "stands in the call more than once, or is spelled in a way that could be read otherwise")
	case len(found) == 0:
		return p.refusal(problem.Invalid, "agreed-parameter-missing", "is missing")
	case !p.allows(found[0]):
		return p.refusal(problem.Forbidden, "parameter-not-agreed", "says what is not agreed")
	}
	return nil
}

// refusal tells which values are agreed, and nothing of what the call said.
func (p ParameterBound) refusal(kind problem.Kind, code, why string) error {
	agreed := p.Words()
	e := problem.Errorf(kind, "parameter %s %s; agreed: %s", p.Name, why, agreed).Coded(code, "parameter", p.Name, "agreed", agreed)
	e.Extra = map[string]any{"parameter": p}
	return e
}

// Words are what is agreed, the first 20, an asterisk behind what a value may begin with.
func (p ParameterBound) Words() string {
	list := slices.Clone(p.Values)
	for _, prefix := range p.Prefixes {
		list = append(list, prefix+"*")
	}
	const most = 20
	if len(list) > most {
		list = append(list[:most], "…")
	}
	return strings.Join(list, ", ")
}

func (p ParameterBound) allows(value string) bool {
	if slices.Contains(p.Values, value) {
		return true
	}
	return slices.ContainsFunc(p.Prefixes, func(prefix string) bool {
		rest, begins := strings.CutPrefix(value, prefix)
		return begins && !strings.ContainsFunc(rest, func(c rune) bool { return c > 0x7f || !isAlphanumeric(byte(c)) && c != '-' && c != '_' })
	})
}

// queryValues are what a query says under a name, and whether it does so
// clearly: once in the name's own spelling, with nothing encoded that need not
// be. Frameworks differ on the rest (MAXA, ma_xa[], %6daXa).
func queryValues(raw, name string) ([]string, bool) {
	var found []string
	clear := true
	for pair := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(pair, "=")
		said, err := url.QueryUnescape(key)
		if err != nil || folded(said) != folded(name) {
			continue
		}
		text, err := url.QueryUnescape(value)
		clear = clear && err == nil && said == name && isPlain(key) && isPlain(value)
		found = append(found, text)
	}
	return found, clear
}

// isPlain reports whether nothing is encoded in a part of a query that never
// has to be (RFC 3986 §2.3).
func isPlain(raw string) bool {
	for i := range len(raw) {
		if raw[i] != '%' {
			continue
		}
		c, err := url.PathUnescape(raw[i:min(i+3, len(raw))])
		if err != nil || isAlphanumeric(c[0]) || strings.Contains("-._~", c) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// folded is what is left of a name that sloppy readers tell apart from others:
// its letters and digits, in lower case.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || !isWordRune(r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// isForm reports whether a body is a form, whose names upstreams read with the query's.
func isForm(types []string) bool {
	return slices.ContainsFunc(types, func(one string) bool {
		one = strings.ToLower(one)
		return strings.Contains(one, "x-www-form-urlencoded") || strings.Contains(one, "multipart/form-data")
	})
}

// headerValues are what headers say under a name, and whether they do so
// clearly: under no other spelling of it, and the upstream gets it too.
func headerValues(header http.Header, name string) ([]string, bool) {
	var found []string
	clear := true
	own := http.CanonicalHeaderKey(name)
	for key, values := range header {
		if folded(key) != folded(name) {
			continue
		}
		clear = clear && http.CanonicalHeaderKey(key) == own
		found = append(found, values...)
	}
	for _, line := range header["Connection"] {
		clear = clear && !perConnection(http1.Fields{{Name: "Connection", Value: line}})[own]
	}
	return found, clear
}
