package check

import (
	"maps"
	"slices"
)

// maxTangle is how many schemas may be asked about one value at most.
const maxTangle = 10_000

// untangler goes through the schemas that are asked about the same value as the
// one they stand in.
type untangler struct {
	document *Document
	cost     map[*Schema]int // schemas that are asked when this one is; 0: under way
	name     string          // of the schema that was referred to last
	tangled  []Note
}

// untangle takes out what would have no end: a schema that asks itself about
// the same value, and one that multiplies by itself too often.
func (r *reader) untangle() {
	u := untangler{document: r.document, cost: map[*Schema]int{}}
	r.document.each(u.below)
	for _, n := range u.tangled {
		r.note(n.Reason, n.What)
	}
}

// each does something to every schema that stands by itself.
func (d *Document) each(do func(*Schema)) {
	for _, name := range slices.Sorted(maps.Keys(d.Schemas)) {
		do(d.Schemas[name])
	}
	for _, id := range slices.Sorted(maps.Keys(d.Operations)) {
		o := d.Operations[id]
		for _, p := range o.Parameters {
			do(p.Schema)
		}
		contents := slices.Collect(maps.Values(o.Answers))
		if o.Body != nil {
			contents = append(contents, o.Body.Content)
		}
		for _, content := range contents {
			for _, schema := range content {
				do(schema)
			}
		}
	}
}

// inside are the schemas that are written within a schema.
func (s *Schema) inside() []*Schema {
	if s.Ref != "" {
		return nil
	}
	all := slices.Concat(s.First, []*Schema{s.Items, s.Others, s.Not}, s.AllOf, s.OneOf, s.AnyOf)
	all = slices.AppendSeq(all, maps.Values(s.Properties))
	all = slices.AppendSeq(all, maps.Values(s.Patterned))
	return slices.DeleteFunc(all, func(s *Schema) bool { return s == nil })
}

// below goes through a schema and all that is written within it.
func (u *untangler) below(s *Schema) {
	if s == nil {
		return
	}
	u.count(s)
	for _, part := range s.inside() {
		u.below(part)
	}
}

// count is how many schemas are asked about a value when s is.
func (u *untangler) count(s *Schema) int {
	if known, is := u.cost[s]; is {
		return known
	}
	u.cost[s] = 0
	sum := 1
	if s.Ref != "" {
		target := u.document.Schemas[s.Ref]
		if target == nil {
			u.cost[s] = sum
			return sum
		}
		was := u.name
		u.name = s.Ref
		inner := u.count(target)
		u.name = was
		if sum += inner; inner == 0 {
			u.tangled = append(u.tangled, Note{Reason: NoteRef, What: s.Ref})
			*s = Schema{Loose: true}
		}
	}
	for _, part := range slices.Concat(s.AllOf, s.OneOf, s.AnyOf, []*Schema{s.Not}) {
		if part != nil {
			sum += u.count(part)
		}
	}
	if sum > maxTangle {
		u.tangled = append(u.tangled, Note{Reason: NoteSchema, What: u.name})
		*s, sum = Schema{Loose: true}, 1
	}
	u.cost[s] = sum
	return sum
}

// loosen sees to it that what is left unchecked refuses nothing: it makes a
// schema take more, and so a not, and a oneOf that counts, take less. Those are
// left out, or made to count no more.
func (r *reader) loosen() {
	loose := r.document.loose()
	var mend func(*Schema)
	mend = func(s *Schema) {
		if s == nil {
			return
		}
		if s.Not != nil && s.Not.isLoose(loose) {
			r.note(NoteKeyword, "not")
			s.Not = nil
		}
		if slices.ContainsFunc(s.OneOf, func(one *Schema) bool { return one.isLoose(loose) }) {
			r.note(NoteKeyword, "oneOf")
			any := &Schema{AnyOf: s.OneOf}
			if s.Discriminator != nil {
				any.Discriminator, s.Discriminator = s.Discriminator, nil
			}
			s.AllOf, s.OneOf = append(s.AllOf, any), nil
		}
		for _, part := range s.inside() {
			mend(part)
		}
	}
	r.document.each(mend)
}

// loose are the named schemas of which something within, or within what they
// refer to, takes more than the document says.
func (d *Document) loose() map[string]bool {
	loose, users := map[string]bool{}, map[string][]string{}
	var spread []string
	for name, s := range d.Schemas {
		s.walk(func(part *Schema) {
			if part.Ref != "" {
				users[part.Ref] = append(users[part.Ref], name)
			}
			if part.Loose && !loose[name] {
				loose[name], spread = true, append(spread, name)
			}
		})
	}
	for len(spread) > 0 {
		for _, name := range users[spread[0]] {
			if !loose[name] {
				loose[name], spread = true, append(spread, name)
			}
		}
		spread = spread[1:]
	}
	return loose
}

// walk goes through a schema and all that is written within it.
func (s *Schema) walk(do func(*Schema)) {
	do(s)
	for _, part := range s.inside() {
		part.walk(do)
	}
}

// isLoose reports whether anything within a schema, or that it refers to, takes
// more than the document says.
func (s *Schema) isLoose(named map[string]bool) bool {
	return s.Loose || named[s.Ref] || slices.ContainsFunc(s.inside(), func(part *Schema) bool { return part.isLoose(named) })
}
