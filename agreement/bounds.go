package agreement

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"lgsp/internal/problem"
)

// Bounds are what calls of one agreed operation are held to beside its fields.
type Bounds struct {
	Operation  string           `json:"operation"`
	Parameters []ParameterBound `json:"parameters,omitempty"` // each call meets all of them
	Rows       []RowBound       `json:"rows,omitempty"`       // of the answer's lists, a row is kept that meets all of them
	Dossier    bool             `json:"dossier,omitempty"`    // each call names a dossier, in LGSP-Dossier
	Purpose    bool             `json:"purpose,omitempty"`    // each call names its purpose, in LGSP-Purpose
}

// ParameterBound is what a parameter of the operation says: one of Values, or
// what begins with one of Prefixes. Titles are the document's.
type ParameterBound struct {
	In       string   `json:"in"` // query, path, header
	Name     string   `json:"name"`
	TitleVI  string   `json:"title_vi"`
	TitleEN  string   `json:"title_en"`
	Values   []string `json:"values,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"`
}

// RowBound keeps the rows of a list whose field has one of Values. Type and
// titles are the document's.
type RowBound struct {
	Field   string   `json:"field"` // JSON Pointer, * for each element of an array; of the innermost such list rows are kept
	Type    string   `json:"type"`  // string, integer, boolean
	TitleVI string   `json:"title_vi"`
	TitleEN string   `json:"title_en"`
	Values  []string `json:"values"`
}

// The bounds of bounds.
const (
	maxBound      = 8   // parameters of an operation, and fields
	maxValues     = 200 // of one of them
	maxValue      = 100 // characters
	maxBoundBytes = 16 << 10
)

// Words are what the parameter may say, an asterisk behind what it begins with.
func (p ParameterBound) Words() string {
	list := slices.Clone(p.Values)
	for _, prefix := range p.Prefixes {
		list = append(list, prefix+"*")
	}
	return strings.Join(list, ", ")
}

// Words are what the field says of the rows that are kept.
func (r RowBound) Words() string { return strings.Join(r.Values, ", ") }

// key tells a parameter of an operation from its others.
func (p ParameterBound) key() string { return p.In + " " + p.Name }

func (p ParameterBound) title(say func(vi, en string) string) string {
	return cmp.Or(say(p.TitleVI, p.TitleEN), p.Name)
}

func (r RowBound) title(say func(vi, en string) string) string {
	return cmp.Or(say(r.TitleVI, r.TitleEN), r.Field)
}

// IsEmpty reports whether nothing is bound.
func (b Bounds) IsEmpty() bool {
	return len(b.Parameters) == 0 && len(b.Rows) == 0 && !b.Dossier && !b.Purpose
}

// boundsOf are those of an operation.
func boundsOf(list []Bounds, operation string) Bounds {
	if i := slices.IndexFunc(list, func(b Bounds) bool { return b.Operation == operation }); i >= 0 {
		return list[i]
	}
	return Bounds{Operation: operation}
}

// BoundsOf are those of an agreed operation, empty when there are none.
func (g Agreement) BoundsOf(operation string) Bounds { return boundsOf(g.Bounds, operation) }

// stored are bounds as their column has them: no bound is an empty list.
func stored(list []Bounds) []Bounds { return append([]Bounds{}, list...) }

// checkBounds gives bounds as they are kept: of operations that are asked for,
// on parameters and fields that the offer knows, in one order, nil for none.
func checkBounds(wrong *problem.Error, given []Bounds, operations []Operation, offer Offer) []Bounds {
	var out []Bounds
	size := 0
	for _, b := range given {
		asked := slices.ContainsFunc(operations, func(o Operation) bool { return o.ID == b.Operation })
		if !asked || slices.ContainsFunc(out, func(have Bounds) bool { return have.Operation == b.Operation }) {
			if !b.IsEmpty() {
				wrong.Wrong("operations", "bound-operation", "conditions of "+b.Operation+", which is not asked for or stands there twice", "operation", b.Operation)
			}
			continue
		}
		kept := Bounds{Operation: b.Operation, Dossier: b.Dossier, Purpose: b.Purpose}
		kept.Parameters = checkParameters(wrong, b, offer.Boundable[b.Operation])
		kept.Rows = checkRows(wrong, b, offer.Boundable[b.Operation])
		for _, p := range kept.Parameters {
			size += len(p.Words())
		}
		for _, r := range kept.Rows {
			size += len(r.Words())
		}
		if !kept.IsEmpty() {
			out = append(out, kept)
		}
	}
	if size > maxBoundBytes {
		wrong.Wrong("operations", "bounds-too-many", "too many values: use what they begin with")
	}
	slices.SortFunc(out, func(a, b Bounds) int { return strings.Compare(a.Operation, b.Operation) })
	return out
}

func checkParameters(wrong *problem.Error, b Bounds, can Bounds) []ParameterBound {
	var out []ParameterBound
	for _, p := range b.Parameters {
		same := func(have ParameterBound) bool { return have.key() == p.key() }
		i := slices.IndexFunc(can.Parameters, same)
		if i < 0 || slices.ContainsFunc(out, same) {
			wrong.Wrong("operations", "bound-parameter", b.Operation+" takes no parameter "+p.Name+" that can be bound, or it stands there twice", "operation", b.Operation, "parameter", p.Name)
			continue
		}
		p.TitleVI, p.TitleEN = can.Parameters[i].TitleVI, can.Parameters[i].TitleEN
		p.Values, p.Prefixes = inOrder(p.Values), inOrder(p.Prefixes)
		if n := len(p.Values) + len(p.Prefixes); n == 0 || n > maxValues || slices.ContainsFunc(p.Values, isNoValue) || slices.ContainsFunc(p.Prefixes, isNoValue) {
			wrong.Wrong("operations", "bound-values", "1 to 200 values of "+p.Name+", each of 1 to 100 characters", "what", p.Name)
			continue
		}
		out = append(out, p)
	}
	if len(out) > maxBound {
		wrong.Wrong("operations", "bounds-too-many", "at most 8 parameters of an operation")
	}
	slices.SortFunc(out, func(a, b ParameterBound) int { return strings.Compare(a.key(), b.key()) })
	return out
}

func checkRows(wrong *problem.Error, b Bounds, can Bounds) []RowBound {
	var out []RowBound
	for _, r := range b.Rows {
		same := func(have RowBound) bool { return have.Field == r.Field }
		i := slices.IndexFunc(can.Rows, same)
		if i < 0 || slices.ContainsFunc(out, same) {
			wrong.Wrong("operations", "bound-rows", b.Operation+" answers with no field "+r.Field+" by which rows can be kept, or it stands there twice", "operation", b.Operation, "field", r.Field)
			continue
		}
		r.Type, r.TitleVI, r.TitleEN = can.Rows[i].Type, can.Rows[i].TitleVI, can.Rows[i].TitleEN
		r.Values = inOrder(r.Values)
		if len(r.Values) == 0 || len(r.Values) > maxValues || slices.ContainsFunc(r.Values, isNoValue) {
			wrong.Wrong("operations", "bound-values", "1 to 200 values of "+r.Field+", each of 1 to 100 characters", "what", r.Field)
			continue
		}
		if i := slices.IndexFunc(r.Values, func(v string) bool { return !ofType[r.Type].MatchString(v) }); i >= 0 {
			wrong.Wrong("operations", "bound-type", r.Field+" cannot be "+r.Values[i], "field", r.Field, "value", r.Values[i], "type", r.Type)
			continue
		}
		out = append(out, r)
	}
	if len(out) > maxBound {
		wrong.Wrong("operations", "bounds-too-many", "at most 8 fields of an operation")
	}
	slices.SortFunc(out, func(a, b RowBound) int { return strings.Compare(a.Field, b.Field) })
	return out
}

// ofType are what values of a type look like: in one spelling, as they are
// compared.
var ofType = map[string]*regexp.Regexp{
	"string": regexp.MustCompile(`(?s)^.*$`), "integer": regexp.MustCompile(`^(0|-?[1-9][0-9]{0,17})$`), "boolean": regexp.MustCompile(`^(true|false)$`),
}

// isNoValue reports whether a text is empty, too long, or not to be shown.
func isNoValue(text string) bool {
	return text == "" || utf8.RuneCountInString(text) > maxValue || !plain(text) || strings.ContainsAny(text, "\r\n\t")
}

// inOrder gives each value once; nil for none.
func inOrder(values []string) []string {
	if len(values) == 0 {
		return nil
	}
	values = slices.Clone(values)
	slices.Sort(values)
	return slices.Compact(values)
}

// narrowedBounds joins what a steward sets to what was asked for, which stays:
// of what both bind, the steward's values are among those asked for.
func narrowedBounds(wrong *problem.Error, asked, set []Bounds) []Bounds {
	out := slices.Clone(set)
	for _, was := range asked {
		i := slices.IndexFunc(out, func(b Bounds) bool { return b.Operation == was.Operation })
		if i < 0 {
			out = append(out, was)
			continue
		}
		b := &out[i]
		b.Dossier, b.Purpose = b.Dossier || was.Dossier, b.Purpose || was.Purpose
		for _, p := range was.Parameters {
			k := slices.IndexFunc(b.Parameters, func(have ParameterBound) bool { return have.key() == p.key() })
			if k < 0 {
				b.Parameters = append(b.Parameters, p)
			} else if !p.holds(b.Parameters[k]) {
				wrong.Wrong("operations", "bound-wider", p.Name+" would say more than was asked for", "what", p.Name, "asked", p.Words())
			}
		}
		for _, r := range was.Rows {
			k := slices.IndexFunc(b.Rows, func(have RowBound) bool { return have.Field == r.Field })
			if k < 0 {
				b.Rows = append(b.Rows, r)
			} else if slices.ContainsFunc(b.Rows[k].Values, func(v string) bool { return !slices.Contains(r.Values, v) }) {
				wrong.Wrong("operations", "bound-wider", r.Field+" would say more than was asked for", "what", r.Field, "asked", r.Words())
			}
		}
	}
	for i := range out {
		slices.SortFunc(out[i].Parameters, func(a, b ParameterBound) int { return strings.Compare(a.key(), b.key()) })
		slices.SortFunc(out[i].Rows, func(a, b RowBound) int { return strings.Compare(a.Field, b.Field) })
	}
	slices.SortFunc(out, func(a, b Bounds) int { return strings.Compare(a.Operation, b.Operation) })
	return out
}

// holds reports whether all that is allowed of a parameter is among what p allows.
func (p ParameterBound) holds(narrower ParameterBound) bool {
	begins := func(text string) bool {
		return slices.ContainsFunc(p.Prefixes, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
	}
	return !slices.ContainsFunc(narrower.Values, func(v string) bool { return !slices.Contains(p.Values, v) && !begins(v) }) &&
		!slices.ContainsFunc(narrower.Prefixes, func(prefix string) bool { return !begins(prefix) })
}

// boundsDiffer gives in what bounds differ, by operation.
func boundsDiffer(was, is Terms, say func(vi, en string) string) []Difference {
	var out []Difference
	var ids []string
	titles := map[string]string{}
	for _, o := range append(slices.Clone(was.Operations), is.Operations...) {
		if _, known := titles[o.ID]; !known {
			ids = append(ids, o.ID)
		}
		titles[o.ID] = o.title(say)
	}
	for _, id := range ids {
		before, after := wordsOf(boundsOf(was.Bounds, id), say), wordsOf(boundsOf(is.Bounds, id), say)
		for _, w := range before {
			i := slices.IndexFunc(after, func(now boundWords) bool { return now.key == w.key })
			if i >= 0 && after[i].words != w.words {
				out = append(out, Difference{What: w.what, Operation: titles[id], Was: w.words, Is: after[i].words})
			} else if i < 0 {
				out = append(out, Difference{What: w.what, Operation: titles[id], Was: w.words})
			}
		}
		for _, w := range after {
			if !slices.ContainsFunc(before, func(then boundWords) bool { return then.key == w.key }) {
				out = append(out, Difference{What: w.what, Operation: titles[id], Is: w.words})
			}
		}
	}
	return out
}

// boundWords is one thing that is bound, as differences show it.
type boundWords struct{ what, key, words string }

func wordsOf(b Bounds, say func(vi, en string) string) []boundWords {
	var out []boundWords
	for _, p := range b.Parameters {
		out = append(out, boundWords{"parameter", "p " + p.key(), p.title(say) + ": " + p.Words()})
	}
	for _, r := range b.Rows {
		out = append(out, boundWords{"rows", "r " + r.Field, r.title(say) + ": " + r.Words()})
	}
	if b.Dossier {
		out = append(out, boundWords{"dossier", "dossier", say("mỗi lời gọi nêu số hồ sơ", "each call names its dossier")})
	}
	if b.Purpose {
		out = append(out, boundWords{"purpose-said", "purpose", say("mỗi lời gọi nêu mục đích", "each call names its purpose")})
	}
	return out
}
