package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decode reads one JSON value, numbers as they are written.
func decode(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return value, nil
}

// visit is one body or parameter on its way through schemas.
type visit struct {
	way      int // inRequest, inAnswer
	steps    int // left
	levels   int
	probing  bool // whether a value fits is asked, not why not
	findings []Finding
	told     int
	path     []step
}

// step is one way down: a member, or an element.
type step struct {
	pointer string // "": an element
	element int
}

// stepsFor is how many steps a text of that size may take: a schema or two for
// each value that can stand in it, and some for what is small.
func stepsFor(size int) int { return 50_000 + 4*size }

// spend takes steps; false when there are none left.
func (v *visit) spend(steps int) bool {
	if v.steps < 0 {
		return false
	}
	if v.steps -= steps; v.steps >= 0 {
		return true
	}
	v.path = v.path[:1]
	if len(v.findings) < maxFindings {
		v.findings = append(v.findings, v.here(TooComplex))
	}
	return false
}

// full reports whether nothing more is to be found out.
func (v *visit) full() bool { return v.steps < 0 || len(v.findings) >= maxFindings }

// find adds a finding here; it gives false, for the value does not fit.
func (v *visit) find(code string) bool {
	if !v.probing && !v.full() {
		v.findings = append(v.findings, v.here(code))
	}
	return false
}

// tell adds a finding that nothing is refused for.
func (v *visit) tell(code string) {
	if !v.probing && v.told < maxTold && !v.full() {
		v.told++
		f := v.here(code)
		f.Told = true
		v.findings = append(v.findings, f)
	}
}

func (v *visit) here(code string) Finding {
	var place, at []byte
	for _, s := range v.path {
		if s.pointer == "" {
			place = append(place, "/*"...)
			at = strconv.AppendInt(append(at, '/'), int64(s.element), 10)
			continue
		}
		if len(place) > 0 {
			place, at = append(place, '/'), append(at, '/')
		}
		place, at = append(place, s.pointer...), append(at, s.pointer...)
	}
	return Finding{Place: string(place), At: string(at), Code: code}
}

// below holds a value further down to a schema.
func (v *visit) below(s step, n *node, value any) bool {
	if n == nil {
		return true
	}
	depth := len(v.path)
	v.path = append(v.path, s)
	ok := v.value(n, n, value)
	v.path = v.path[:min(depth, len(v.path))] // shorter once the steps are used up
	return ok
}

// value holds a value to a schema, and tells why it does not fit. Top is the
// schema that the value is held to first.
func (v *visit) value(top, n *node, value any) bool {
	if n == nil {
		return true
	}
	if v.levels++; v.levels > maxLevels {
		v.spend(math.MaxInt / 2)
	}
	defer func() { v.levels-- }()
	if !v.spend(1) {
		return false
	}
	if value == nil && n.nullable {
		return true
	}
	if n.never {
		return v.find(NotAllowed)
	}
	kind := kindOf(value)
	if n.kinds != 0 && n.kinds&kind == 0 {
		return v.find(Type)
	}
	fits := v.listed(n, value)
	switch value := value.(type) {
	case string:
		fits = v.textFits(n, value) && fits
	case json.Number:
		fits = v.numberFits(n, value) && fits
	case []any:
		fits = v.elements(n, value) && fits
	case map[string]any:
		fits = v.object(top, n, value) && fits
	}
	if !fits && (v.probing || v.full()) {
		return false
	}
	return v.together(top, n, value) && fits
}

func kindOf(value any) kindSet {
	switch value := value.(type) {
	case nil:
		return kindNull
	case bool:
		return kindBoolean
	case string:
		return kindText
	case []any:
		return kindArray
	case map[string]any:
		return kindObject
	case json.Number:
		if f, err := value.Float64(); err != nil || f == math.Trunc(f) {
			return kindNumber | kindInteger
		}
		return kindNumber
	}
	return 0
}

// listed reports whether a value is one of those that a schema lists.
func (v *visit) listed(n *node, value any) bool {
	if n.enum == nil {
		return true
	}
	if text, is := value.(string); is {
		return n.enum.texts[text] || v.find(Value)
	}
	if !v.spend(len(n.enum.others)) {
		return false
	}
	for _, one := range n.enum.others {
		if v.equal(one, value) {
			return true
		}
	}
	return v.find(Value)
}

// equal reports whether two values are the same, numbers by what they are worth.
func (v *visit) equal(a, b any) bool {
	if !v.spend(1) {
		return false
	}
	switch a := a.(type) {
	case json.Number:
		b, is := b.(json.Number)
		if !is {
			return false
		}
		x, errX := a.Float64()
		y, errY := b.Float64()
		return a == b || errX == nil && errY == nil && x == y
	case []any:
		b, is := b.([]any)
		return is && slices.EqualFunc(a, b, v.equal)
	case map[string]any:
		b, is := b.(map[string]any)
		if !is || len(a) != len(b) {
			return false
		}
		for name, value := range a {
			if other, there := b[name]; !there || !v.equal(value, other) {
				return false
			}
		}
		return true
	}
	return a == b
}

func (v *visit) textFits(n *node, text string) bool {
	fits := true
	if n.minLength > 0 || n.maxLength >= 0 {
		if length := utf8.RuneCountInString(text); length < n.minLength || n.maxLength >= 0 && length > n.maxLength {
			fits = v.find(Length)
		}
	}
	if n.pattern != nil {
		if !v.spend(n.pattern.cost * (len(text) + 16) / 1024) {
			return false
		}
		if !n.pattern.MatchString(text) {
			fits = v.find(Pattern)
		}
	}
	if n.text != nil && !n.text(text) {
		fits = v.find(Format)
	}
	return fits
}

func (v *visit) numberFits(n *node, number json.Number) bool {
	fits := true
	if n.number != nil && !n.number(number) {
		fits = v.find(Format)
	}
	f, err := number.Float64()
	if err != nil {
		return fits // beyond what any bound here says
	}
	if n.minimum != nil && f < *n.minimum || n.maximum != nil && f > *n.maximum || n.above != nil && f <= *n.above || n.below != nil && f >= *n.below {
		fits = v.find(Range)
	}
	if n.multipleOf > 0 {
		if times := f / n.multipleOf; math.Abs(times-math.Round(times)) > 1e-9*max(1, math.Abs(times)) {
			fits = v.find(Multiple)
		}
	}
	return fits
}

func (v *visit) elements(n *node, list []any) bool {
	fits := true
	if len(list) < n.minItems || n.maxItems >= 0 && len(list) > n.maxItems {
		fits = v.find(Count)
	}
	if n.unique && !v.distinct(list) {
		fits = v.find(Unique)
	}
	for i, value := range list {
		schema := n.items
		if i < len(n.first) {
			schema = n.first[i]
		} else if n.items == nil {
			break
		}
		if !v.below(step{element: i}, schema, value) {
			if fits = false; v.probing || v.full() {
				return false
			}
		}
	}
	return fits
}

// distinct reports whether no value stands twice.
func (v *visit) distinct(list []any) bool {
	seen := make(map[string]bool, len(list))
	var text []byte
	for _, value := range list {
		if text = v.canonical(text[:0], value); v.steps < 0 {
			return false
		}
		if seen[string(text)] {
			return false
		}
		seen[string(text)] = true
	}
	return true
}

// canonical writes a value so that equal ones are written the same.
func (v *visit) canonical(b []byte, value any) []byte {
	if !v.spend(1) {
		return b
	}
	switch value := value.(type) {
	case nil:
		return append(b, 'n')
	case bool:
		return strconv.AppendBool(b, value)
	case string:
		v.spend(len(value) / 64)
		return strconv.AppendQuote(b, value)
	case json.Number:
		if f, err := value.Float64(); err == nil {
			return strconv.AppendFloat(b, f, 'g', -1, 64)
		}
		return append(b, value...)
	case []any:
		b = append(b, '[')
		for _, one := range value {
			b = append(v.canonical(b, one), ',')
		}
		return append(b, ']')
	case map[string]any:
		names := make([]string, 0, len(value))
		for name := range value {
			names = append(names, name)
		}
		slices.Sort(names)
		b = append(b, '{')
		for _, name := range names {
			b = append(strconv.AppendQuote(b, name), ':')
			b = append(v.canonical(b, value[name]), ',')
		}
		return append(b, '}')
	}
	return b
}

func (v *visit) object(top, n *node, members map[string]any) bool {
	fits := true
	if len(members) < n.minMembers || n.maxMembers >= 0 && len(members) > n.maxMembers {
		fits = v.find(Count)
	}
	if !v.spend(len(n.members)) {
		return false
	}
	known := 0
	for i := range n.members {
		m := &n.members[i]
		value, there := members[m.name]
		ok := true
		switch {
		case there:
			if m.named {
				known++
			}
			ok = v.member(m, value)
		case m.required && !top.about.free[v.way][m.name]:
			v.path = append(v.path, step{pointer: m.pointer})
			ok = v.find(Required)
			v.path = v.path[:len(v.path)-1]
		}
		if !ok {
			if fits = false; v.probing || v.full() {
				return false
			}
		}
	}
	if known < len(members) && (n.others != nil || n.patterned != nil) {
		fits = v.othersFit(n, members) && fits
	}
	if top == n && !v.probing && !n.about.open && len(n.about.named) > 0 && (fits || !v.full()) {
		v.unnamed(n, members)
	}
	return fits
}

func (v *visit) member(m *member, value any) bool {
	if v.way == inAnswer && m.writeOnly {
		v.path = append(v.path, step{pointer: m.pointer})
		v.find(WriteOnly)
		v.path = v.path[:len(v.path)-1]
		return false
	}
	return v.below(step{pointer: m.pointer}, m.schema, value)
}

// others is any member that the document does not name: what it is called may
// be somebody's number.
var others = step{pointer: "*"}

// othersFit holds the members that have no schema of their own to what the
// schema says of others.
func (v *visit) othersFit(n *node, members map[string]any) bool {
	if !v.spend(len(members)) {
		return false
	}
	fits := true
	for name, value := range members {
		i, named := slices.BinarySearchFunc(n.members, name, func(m member, name string) int { return strings.Compare(m.name, name) })
		named = named && n.members[i].named
		ok := true
		for _, p := range n.patterned {
			if !v.spend(p.pattern.cost * (len(name) + 16) / 1024) {
				return false
			}
			if p.pattern.MatchString(name) {
				named = true
				ok = v.below(others, p.schema, value) && ok
			}
		}
		if !named && n.others != nil {
			ok = v.below(others, n.others, value) && ok
		}
		if !ok {
			if fits = false; v.probing || v.full() {
				return false
			}
		}
	}
	return fits
}

// unnamed tells of members that nothing in the document names.
func (v *visit) unnamed(n *node, members map[string]any) {
	if !v.spend(len(members)) {
		return
	}
	for name := range members {
		if !n.about.named[name] {
			v.path = append(v.path, others)
			v.tell(NotNamed)
			v.path = v.path[:len(v.path)-1]
			return
		}
	}
}

// together holds a value to the schemas that a schema is put together of.
func (v *visit) together(top, n *node, value any) bool {
	fits := true
	for _, part := range n.allOf {
		if !v.value(top, part, value) {
			if fits = false; v.probing || v.full() {
				return false
			}
		}
	}
	if n.not != nil && v.probe(top, n.not, value) {
		fits = v.find(Not)
	}
	forms := n.oneOf
	if forms == nil {
		forms = n.anyOf
	}
	switch i, told := n.meant(value); {
	case forms == nil:
		return fits && v.steps >= 0
	case told && i < len(forms): // this form says more exactly what is wrong
		fits = v.value(top, forms[i], value) && fits
	default:
		fits = v.count(top, n, value) && fits
	}
	if n.oneOf != nil && n.anyOf != nil && !slices.ContainsFunc(n.anyOf, func(form *node) bool { return v.probe(top, form, value) }) {
		fits = v.find(OneOf)
	}
	return fits && v.steps >= 0
}

// meant is the form that an object means by its discriminator; false when it
// does not say.
func (n *node) meant(value any) (int, bool) {
	if n.discriminator == nil {
		return 0, false
	}
	members, _ := value.(map[string]any)
	text, is := members[n.discriminator.Member].(string)
	if !is {
		return 0, false
	}
	i, told := n.discriminator.Means[text]
	return i, told
}

// count holds a value to forms of which it is to fit one only, or one at least.
func (v *visit) count(top, n *node, value any) bool {
	if n.oneOf == nil {
		return slices.ContainsFunc(n.anyOf, func(form *node) bool { return v.probe(top, form, value) }) || v.find(OneOf)
	}
	fitting := 0
	for _, form := range n.oneOf {
		if v.probe(top, form, value) {
			fitting++
		}
	}
	switch fitting {
	case 0:
		return v.find(OneOf)
	case 1:
		return true
	}
	return v.find(Several)
}

// probe reports whether a value fits, and finds nothing.
func (v *visit) probe(top, n *node, value any) bool {
	was := v.probing
	v.probing = true
	fits := v.value(top, n, value)
	v.probing = was
	return fits
}
