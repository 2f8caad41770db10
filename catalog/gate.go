package catalog

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/catalog/spec"
	"lgsp/catalog/spec/change"
	"lgsp/internal/problem"
)

// Broken is one change of a published document that breaks callers, and whom.
type Broken struct {
	change.Finding
	Operation string         `json:"operation"` // slug
	Callers   []BrokenCaller `json:"callers"`   // who called the operation within 90 days, or may by agreement; the latest first
}

// BrokenCaller is an application that a change breaks.
type BrokenCaller struct {
	ApplicationID uuid.UUID  `json:"application_id"`
	Name          string     `json:"name"`
	LastAt        *time.Time `json:"last_at"` // its last call of the operation; null: none within 90 days, but it holds an agreement
}

// gate lets a change of a published document pass that breaks no caller, and
// gives what might have, had anyone called it. What breaks a caller who keeps
// to the earlier document fails with Conflict, whether or not one is known;
// what may break one fails so when somebody called the operation within 90 days
// or holds an agreement that includes it, and the field. Documents that are
// not public change freely.
func (c *Catalog) gate(ctx context.Context, tx pgx.Tx, v Version, before []Operation, doc *spec.Document) ([]Broken, error) {
	if !live(v.State) {
		return nil, nil
	}
	found, err := c.weigh(ctx, tx, v, before, doc)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	var stops, passes []Broken
	for _, b := range found {
		if b.Level == change.Breaks || len(b.Callers) > 0 {
			stops = append(stops, b)
			continue
		}
		passes = append(passes, b)
	}
	if len(stops) == 0 {
		return passes, nil
	}
	return nil, breaking(stops)
}

// breaking is the refusal of a change: each finding in words, and whom it
// breaks, for people and for programs.
func breaking(stops []Broken) error {
	e := problem.Errorf(problem.Conflict, "the change breaks %d things that callers rely on", len(stops)).
		Coded("change-breaks", "count", strconv.Itoa(len(stops)))
	type told struct {
		Broken
		VI string `json:"vi"`
		EN string `json:"en"`
	}
	list := make([]told, len(stops))
	for i, b := range stops {
		list[i] = told{b, b.Words("vi"), b.Words("en")}
	}
	e.Extra = map[string]any{"findings": list}
	return e
}

// Findings are what a refused change breaks; none of another error.
func Findings(err error) []Broken {
	e := problem.Of(err)
	if e == nil || e.Code != "change-breaks" {
		return nil
	}
	text, err := json.Marshal(e.Extra["findings"])
	if err != nil {
		return nil
	}
	var list []Broken
	if json.Unmarshal(text, &list) != nil {
		return nil
	}
	return list
}

// weigh gives everything in a change that breaks callers or may, with them.
func (c *Catalog) weigh(ctx context.Context, tx pgx.Tx, v Version, before []Operation, doc *spec.Document) ([]Broken, error) {
	if n := slices.IndexFunc(doc.Findings, func(f Finding) bool { return f.Severity == spec.Error }); n >= 0 {
		return nil, problem.Errorf(problem.Invalid, "the document has errors").Coded("published-spec-errors").
			Wrong("spec", "spec-has-errors", doc.Findings[n].Detail, "count", strconv.Itoa(countErrors(doc.Findings)))
	}
	was, err := documentOf(ctx, tx, v.ID)()
	if err != nil {
		return nil, err
	}
	findings, err := change.Judge(was, doc.JSON)
	if err != nil {
		return nil, err
	}
	findings = append(findings, ownFindings(before, doc)...)
	if len(findings) == 0 {
		return nil, nil
	}
	callers, err := c.callers(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	var list []Broken
	for _, f := range findings {
		b := Broken{Finding: f, Callers: []BrokenCaller{}}
		if n := slices.IndexFunc(before, func(o Operation) bool { return o.Method == f.Method && o.Path == f.Path }); n >= 0 {
			if before[n].Access == "" {
				continue // it was never offered: nobody can have called it
			}
			b.Operation = before[n].Slug
		}
		for _, caller := range callers {
			if called, ok := caller.breaksOn(b); ok {
				b.Callers = append(b.Callers, called)
			}
		}
		list = append(list, b)
	}
	return list, nil
}

func countErrors(list []Finding) int {
	n := 0
	for _, f := range list {
		if f.Severity == spec.Error {
			n++
		}
	}
	return n
}

// ownFindings are breaks of what the platform itself keeps of an operation: its
// name, by which agreements and records know it, and its mark.
func ownFindings(before []Operation, doc *spec.Document) []change.Finding {
	var list []change.Finding
	for _, d := range doc.Operations {
		n := slices.IndexFunc(before, func(o Operation) bool { return change.SameAddress(o.Doc, d) })
		if n < 0 {
			continue
		}
		was := before[n]
		add := func(code, name, detail string) {
			list = append(list, change.Finding{Level: change.Breaks, Code: code, Method: was.Method, Path: was.Path, Name: name, Detail: detail})
		}
		if was.Slug != d.Slug {
			add("break-operation-id", d.Slug, "the operation "+was.Slug+" is called "+d.Slug)
		}
		if was.Access != "" && len(was.Mark.wrong(d)) > 0 {
			add("break-mark", was.SubjectName, "the mark "+was.Access+" fits the operation no more: "+was.SubjectName+" is gone")
		}
	}
	return list
}

// breaksOn reports whether a change breaks the application: it called the
// operation of late, or may by agreement, and where its agreement names fields
// of the answer, the one that changes is among them.
func (c Caller) breaksOn(b Broken) (BrokenCaller, bool) {
	for _, o := range c.Operations {
		if o.Operation != b.Operation || b.Operation == "" {
			continue
		}
		if strings.HasPrefix(b.Code, "break-answer-") && b.Name != "" && len(o.Fields) > 0 && !slices.ContainsFunc(o.Fields, func(f string) bool { return within(f, b.Name) }) {
			return BrokenCaller{}, false
		}
		return BrokenCaller{ApplicationID: c.ApplicationID, Name: c.Name, LastAt: o.LastAt}, true
	}
	return BrokenCaller{}, false
}

// within reports whether an agreed field is the one that changes, or one holds
// the other. The first is a JSON pointer with * for each element; the second
// has names of properties, "items" for an element. What is not a field's name
// (a status, a media type, a schema put together) concerns everybody.
func within(agreed, changed string) bool {
	if agreed == "" || strings.ContainsAny(changed, "[]#") || !strings.Contains(changed, "/") && isStatus(changed) {
		return true
	}
	a := strings.Split(strings.ReplaceAll(strings.TrimPrefix(agreed, "/"), "*", "items"), "/")
	b := strings.Split(strings.TrimPrefix(changed, "/"), "/")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// isStatus reports whether a name is that of an answer's status or media type.
func isStatus(name string) bool {
	return len(name) == 3 && name[0] >= '1' && name[0] <= '5' || name == "default"
}
