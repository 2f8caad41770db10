package mock

import (
	"encoding/json"
	"errors"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Call is what a call asks.
type Call struct {
	Path  [][2]string // name and value of each variable, in the order of the path
	Query url.Values
	Body  []byte // as far as it was read
	Code  int    // the status that is wished for (RFC 7240); 0: none
	Kinds string // Accept
}

// Given is an answer.
type Given struct {
	Status int
	Kind   string // media type; "": there is no body
	Body   []byte
	Wished bool // it has the status that was wished for
}

// The ways that no answer can be given.
var (
	ErrNoAnswer = errors.New("the document describes no answer")
	ErrLacks    = errors.New("the document gives no example, and none can be made")
	ErrTooMuch  = errors.New("an answer would be larger than a sandbox gives")
)

// Answer is the answer to a call. It fails with ErrNoAnswer, ErrLacks and ErrTooMuch.
func (o *Operation) Answer(c Call) (Given, error) {
	found, status := o.ofStatus(c.Code)
	wished := found != nil
	if !wished {
		if found, status = o.usual(); found == nil {
			return Given{}, ErrNoAnswer
		}
	}
	a := accepted(found, c.Kinds)
	given := Given{Status: status, Kind: a.Kind, Wished: wished && c.Code != 0}
	switch {
	case a.Lacks:
		return Given{}, ErrLacks
	case a.Shape == nil:
		given.Body = []byte(a.Text)
		return given, nil
	}
	m := maker{random: rand.New(rand.NewPCG(o.seed(c), 1)), asked: asked(c), most: 3}
	for _, name := range []string{"limit", "size", "pagesize", "soluong", "kichthuoc"} {
		if n, err := strconv.Atoi(m.asked[name].value); err == nil && n >= 0 && n < m.most {
			m.most = n
		}
	}
	m.value(a.Shape, spot{})
	if m.made > maxValues || len(m.out) > MaxAnswer {
		return Given{}, ErrTooMuch
	}
	given.Body = m.out
	return given, nil
}

// ofStatus are the answers that the document has for a status (OpenAPI 3.1 §4.8.16).
func (o *Operation) ofStatus(code int) ([]Answer, int) {
	if code < 200 || code > 599 {
		return nil, 0
	}
	text := strconv.Itoa(code)
	for _, key := range []string{text, text[:1] + "XX", "DEFAULT"} {
		if found := o.under(key); found != nil {
			return found, code
		}
	}
	return nil, 0
}

// usual are the answers to a call that went well.
func (o *Operation) usual() ([]Answer, int) {
	for _, a := range o.answers {
		if code, err := strconv.Atoi(a.Status); err == nil && code >= 200 && code < 300 {
			return o.under(a.Status), code
		}
	}
	for _, key := range []string{"2XX", "DEFAULT"} {
		if found := o.under(key); found != nil {
			return found, 200
		}
	}
	for _, a := range o.answers {
		if code, err := strconv.Atoi(a.Status); err == nil && code >= 200 && code <= 599 {
			return o.under(a.Status), code
		}
	}
	return nil, 0
}

func (o *Operation) under(status string) []Answer {
	var found []Answer
	for _, a := range o.answers {
		if a.Status == status {
			found = append(found, a)
		}
	}
	return found
}

// accepted is the answer of a media type that the caller names, else the first
// (RFC 9110 §12.4.1: what is wished for in vain is not counted against the call).
func accepted(found []Answer, accept string) Answer {
	for part := range strings.SplitSeq(accept, ",") {
		kind := mediaType(part)
		if i := slices.IndexFunc(found, func(a Answer) bool { return a.Kind == kind }); i >= 0 {
			return found[i]
		}
	}
	return found[0]
}

// seed is what the made up parts of the answer to a call begin with.
func (o *Operation) seed(c Call) uint64 {
	h := fnv.New64a()
	say := func(text string) {
		_, _ = h.Write([]byte(text)) // never fails (package hash)
		_, _ = h.Write([]byte{0})
	}
	say(o.id)
	for _, variable := range c.Path {
		say(variable[0])
		say(variable[1])
	}
	for _, name := range slices.Sorted(maps.Keys(c.Query)) {
		say(name)
		for _, value := range c.Query[name] {
			say(value)
		}
	}
	_, _ = h.Write(c.Body)
	return h.Sum64()
}

// parameter is a value that a call names.
type parameter struct {
	value  string
	inPath bool
}

// asked are the values that a call names, by their plain names.
func asked(c Call) map[string]parameter {
	all := map[string]parameter{}
	for name, values := range c.Query {
		if len(values) == 1 {
			all[plain(name)] = parameter{value: values[0]}
		}
	}
	for _, variable := range c.Path {
		all[plain(variable[0])] = parameter{variable[1], true}
	}
	return all
}

// maker makes one answer.
type maker struct {
	random *rand.Rand
	asked  map[string]parameter
	most   int // elements of an array, where the document says nothing
	out    []byte
	made   int
}

// spot is where a value stands.
type spot struct {
	name    string
	listed  bool // within an array
	further bool // not the first of it
}

// value appends a value of the shape.
func (m *maker) value(s *Shape, at spot) {
	if m.made++; m.made > maxValues || len(m.out) > MaxAnswer {
		return // told at the end
	}
	switch {
	case s == nil:
		m.out = append(m.out, "null"...)
	case len(s.Forms) > 0:
		m.value(pick(m.random, s.Forms), at)
	case len(s.Values) > 0:
		m.oneOf(s, at)
	case s.Kind == "object":
		m.object(s, at)
	case s.Kind == "array":
		m.array(s, at)
	default:
		m.out = append(m.out, m.leaf(s, at)...)
	}
}

// oneOf appends one of the values: that which the call names, if it is there.
func (m *maker) oneOf(s *Shape, at spot) {
	if wanted, ok := m.echo(at); ok {
		for _, value := range s.Values {
			if string(value) == wanted || string(value) == encoded(wanted) {
				m.out = append(m.out, value...)
				return
			}
		}
	}
	m.out = append(m.out, pick(m.random, s.Values)...)
}

func (m *maker) object(s *Shape, at spot) {
	m.out = append(m.out, '{')
	n := 0
	member := func(name string, inner *Shape) {
		if n > 0 {
			m.out = append(m.out, ',')
		}
		n++
		m.out = append(append(m.out, encoded(name)...), ':')
		m.value(inner, spot{name, at.listed, at.further})
	}
	for _, one := range s.Members {
		member(one.Name, one.Shape)
	}
	if s.Others != nil {
		least := max(s.Fewest-n, 2)
		if s.AtMost != nil {
			least = min(least, *s.AtMost-n)
		}
		for i := range max(least, 0) {
			member("mau"+strconv.Itoa(i+1), s.Others)
		}
	}
	m.out = append(m.out, '}')
}

func (m *maker) array(s *Shape, at spot) {
	m.out = append(m.out, '[')
	for i, first := range s.First {
		if i > 0 {
			m.out = append(m.out, ',')
		}
		m.value(first, spot{at.name, true, i > 0})
	}
	n := max(s.Fewest, m.most) - len(s.First)
	if s.AtMost != nil {
		n = min(n, *s.AtMost-len(s.First))
	}
	if s.Element == nil || len(s.First) > 0 && s.Fewest <= len(s.First) {
		n = 0
	}
	seen := map[string]bool{}
	for i, tries := 0, 0; i < n && tries < 8*maxElements; tries++ {
		from := len(m.out)
		if i+len(s.First) > 0 {
			m.out = append(m.out, ',')
		}
		begin := len(m.out)
		m.value(s.Element, spot{at.name, true, i > 0})
		if text := string(m.out[begin:]); s.Unique && seen[text] {
			m.out = m.out[:from]
			continue
		} else if s.Unique {
			seen[text] = true
		}
		i++
	}
	m.out = append(m.out, ']')
}

// echo is what the call names for a member. Within an array a bare id is each
// element's own, and what stands further in the path than it is not.
func (m *maker) echo(at spot) (string, bool) {
	name := plain(at.name)
	if p, ok := m.asked[name]; ok && name != "" && !(at.listed && (name == "id" || name == "ma")) {
		return p.value, true
	}
	if (name == "id" || name == "ma") && !at.listed {
		var only []string
		for asked, p := range m.asked {
			if p.inPath && (strings.HasSuffix(asked, "id") || strings.HasPrefix(asked, "ma")) {
				only = append(only, p.value)
			}
		}
		if len(only) == 1 {
			return only[0], true
		}
	}
	return "", false
}

// leaf is a text, number or truth value as JSON.
func (m *maker) leaf(s *Shape, at spot) string {
	wanted, named := m.echo(at)
	switch s.Kind {
	case "string":
		return encoded(m.text(s, at, wanted, named))
	case "boolean":
		if named && (wanted == "true" || wanted == "false") {
			return wanted
		}
		if s.Example != nil {
			return string(s.Example)
		}
		return strconv.FormatBool(m.random.IntN(2) == 0)
	case "integer", "number":
		return m.number(s, at, wanted)
	}
	return "null"
}

// text is a text of the shape: what the call names, what the document has as an
// example, what its topic says, else what fits the pattern or the lengths.
func (m *maker) text(s *Shape, at spot, wanted string, named bool) string {
	if named && s.fits(wanted) {
		return wanted
	}
	var example string
	has := s.Example != nil && json.Unmarshal(s.Example, &example) == nil
	if s.Given {
		return example
	}
	topical := madeUp(s.Topic, m.random)
	if slices.Contains(personal, s.Topic) && s.fits(topical) {
		return topical
	}
	if has && s.fits(example) && !slices.Contains(personal, s.Topic) {
		if other := otherDigits(example, m.random); at.further && s.fits(other) && (s.Topic == topicCode || s.Topic == "") {
			return other
		}
		return example
	}
	if topical != "" && s.fits(topical) {
		return topical
	}
	if s.parsed != nil {
		for try := range mostTries {
			f := fill{random: m.random, times: try - fewTries}
			if text := string(f.from(nil, s.parsed)); s.fits(text) {
				return text
			}
		}
	}
	longest := -1
	if s.Longest != nil {
		longest = *s.Longest
	}
	return sized("Mẫu "+strconv.Itoa(m.random.IntN(1000)), s.Shortest, longest)
}

// number is a number of the shape.
func (m *maker) number(s *Shape, at spot, wanted string) string {
	if n, err := strconv.ParseFloat(wanted, 64); err == nil && s.fitsNumber(n) && json.Valid([]byte(wanted)) {
		return wanted
	}
	if s.Example != nil {
		if n, err := strconv.ParseFloat(string(s.Example), 64); s.Given || err == nil && s.fitsNumber(n) {
			return string(s.Example)
		}
	}
	least, most := 1.0, 1000.0
	switch s.Topic {
	case topicYear:
		least, most = 2020, 2025
	case topicMoney:
		least, most = 100_000, 9_900_000
	case topicTotal:
		least, most = float64(m.most), float64(m.most)
	case topicLatitude:
		least, most = 14.8, 15.4
	case topicLongitude:
		least, most = 108.2, 109.1
	}
	least, most = s.within(least, most)
	n := least + m.random.Float64()*(most-least)
	step := s.Step
	if step == 0 && s.Kind == "integer" {
		step = 1
	}
	if step == 0 {
		step = 0.01
	}
	for _, candidate := range []float64{math.Round(n/step) * step, math.Floor(n/step) * step, math.Ceil(n/step) * step, math.Ceil(least/step) * step, n, least} {
		if s.fitsNumber(candidate) && (s.Kind == "number" || candidate == math.Trunc(candidate)) {
			return strconv.FormatFloat(round(candidate, step), 'f', -1, 64)
		}
	}
	return strconv.FormatFloat(math.Ceil(least), 'f', -1, 64)
}

// round takes away what binary fractions add to a multiple of a step.
func round(n, step float64) float64 {
	if rounded := math.Round(n*1e6) / 1e6; math.Abs(n) < 1e9 && step >= 1e-6 {
		return rounded
	}
	return n
}

// within are the bounds that a number has, as near to those wished for as may be.
func (s *Shape) within(least, most float64) (float64, float64) {
	if s.Least != nil && *s.Least > least {
		least = *s.Least
		most = max(most, least+100)
	}
	if s.Most != nil && *s.Most < most {
		most = *s.Most
		if most < least {
			least = most - 100
		}
	}
	if s.Least != nil {
		least = max(least, *s.Least)
	}
	return least, max(least, most)
}
