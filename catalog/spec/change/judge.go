package change

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
	"github.com/oasdiff/oasdiff/load"

	"lgsp/internal/problem"
)

// The levels of a finding.
const (
	Breaks   = "breaks"    // a program that calls as documented fails
	MayBreak = "may-break" // one that relies on what the document let it believe
)

// Finding is one change that breaks callers, or may.
type Finding struct {
	Level  string `json:"level"`
	Code   string `json:"code"` // break-answer-field-removed …
	Rule   string `json:"rule"` // oasdiff's name for it, or ""
	Method string `json:"method"`
	Path   string `json:"path"`   // as the earlier document writes it
	Name   string `json:"name"`   // parameter, status, or field: names of properties with slashes, "items" for an element
	Detail string `json:"detail"` // English, exactly what changed
}

// Words gives the text of the finding in a locale, "vi" or "en": what breaks,
// and what to do.
func (f Finding) Words(locale string) string {
	return problem.Field{Code: f.Code, Detail: f.Detail, Args: map[string]string{"name": f.Name, "detail": f.Detail}}.Words(locale)
}

const (
	maxFindings = 500
	maxJudging  = 10 * time.Second
)

// Judge tells what of a change breaks those who call by the earlier document:
// both are OpenAPI 3.0 or 3.1 as JSON, at most 500 findings, worst first. It
// fails with Invalid for documents that cannot be compared, also within 10
// seconds; who asks must take that for a break.
func Judge(before, after []byte) ([]Finding, error) {
	type result struct {
		found []Finding
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil { // the parsers are other people's
				slog.Error("comparing documents panicked", "panic", fmt.Sprint(p))
				done <- result{nil, unjudged("the comparison failed")}
			}
		}()
		found, err := judge(before, after)
		done <- result{found, err}
	}()
	timer := time.NewTimer(maxJudging)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.found, r.err
	case <-timer.C:
		return nil, unjudged("the comparison took longer than 10 seconds")
	}
}

func unjudged(why string) error {
	return problem.Errorf(problem.Invalid, "the documents cannot be compared: %s", why).Coded("change-unjudged", "why", why)
}

func judge(before, after []byte) ([]Finding, error) {
	var pair [2]*load.SpecInfo
	for i, text := range [][]byte{before, after} {
		document := &openapi3.T{}
		err := json.Unmarshal(text, document) // the loader would read it as YAML, at a square of an object's keys
		if err == nil {
			err = openapi3.NewLoader().ResolveRefsIn(document, nil) // which follows no reference out of the document
		}
		if err != nil {
			return nil, unjudged(shorten(err.Error()))
		}
		pair[i] = &load.SpecInfo{Spec: document}
	}
	report, sources, err := diff.GetWithOperationsSourcesMap(diff.NewConfig(), pair[0], pair[1])
	if err != nil {
		return nil, unjudged(shorten(err.Error()))
	}
	words := checker.NewDefaultLocalizer()
	found := []Finding{}
	for _, c := range checker.CheckBackwardCompatibilityUntilLevel(checker.NewConfig(checker.GetAllChecks()), report, sources, checker.INFO) {
		code, level := classify(c.GetId(), c.GetLevel() >= checker.WARN)
		if level == "" {
			continue
		}
		f := Finding{Level: level, Code: code, Rule: c.GetId(), Method: strings.ToUpper(c.GetOperation()), Path: c.GetPath(),
			Name: named(c.GetId(), code, c.GetArgs()), Detail: strings.ReplaceAll(c.GetUncolorizedText(words), "`", "")}
		if f.Path == "" || slices.Contains(found, f) {
			continue
		}
		found = append(found, f)
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(rank(a.Level), rank(b.Level)) })
	return found[:min(len(found), maxFindings)], nil
}

func rank(level string) int {
	if level == Breaks {
		return 0
	}
	return 1
}

// class is what one of oasdiff's rules comes to here. The first whose parts
// all stand in the rule's name counts.
type class struct {
	parts []string
	code  string // "": nothing that concerns callers of the platform
	level string
}

// classes, from the particular to the general. How callers prove themselves,
// and when something ends, is the platform's and not the document's to say.
var classes = []class{
	{[]string{"security"}, "", ""},
	{[]string{"webhook"}, "", ""},
	{[]string{"stability"}, "", ""},
	{[]string{"api-removed"}, "break-operation-removed", Breaks},
	{[]string{"api-path-removed"}, "break-operation-removed", Breaks},
	{[]string{"response-optional-property-removed"}, "break-answer-field-removed", MayBreak},
	{[]string{"response-optional-property-became-write-only"}, "break-answer-field-removed", MayBreak},
	{[]string{"response", "property-removed"}, "break-answer-field-removed", Breaks},
	{[]string{"request", "parameter-removed"}, "break-parameter-removed", MayBreak},
	{[]string{"request", "property-removed"}, "break-request-field-removed", MayBreak},
	{[]string{"sunset"}, "", ""},
	{[]string{"new-required-request", "parameter"}, "break-parameter-required", Breaks},
	{[]string{"new-request-path-parameter"}, "break-parameter-required", Breaks},
	{[]string{"new-required-request-header"}, "break-parameter-required", Breaks},
	{[]string{"request-header", "became-required"}, "break-parameter-required", Breaks},
	{[]string{"request-parameter-became-required"}, "break-parameter-required", Breaks},
	{[]string{"new-required-request-property-with-default"}, "break-request-field-required", MayBreak},
	{[]string{"new-required-request-property"}, "break-request-field-required", Breaks},
	{[]string{"request-property-became-required"}, "break-request-field-required", Breaks},
	{[]string{"request-body-added-required"}, "break-body-required", Breaks},
	{[]string{"request-body-became-required"}, "break-body-required", Breaks},
	{[]string{"request-body-removed"}, "break-body-media", Breaks},
	{[]string{"request-body-media-type-removed"}, "break-body-media", Breaks},
	{[]string{"request-parameter"}, "break-parameter-narrowed", Breaks},
	{[]string{"request-header"}, "break-parameter-narrowed", Breaks},
	{[]string{"request"}, "break-request-narrowed", Breaks},
	{[]string{"response-success-status-removed"}, "break-answer-removed", Breaks},
	{[]string{"response-media-type"}, "break-answer-media", Breaks},
	{[]string{"response-header"}, "break-answer-header", MayBreak},
	{[]string{"required-response-header"}, "break-answer-header", Breaks},
	{[]string{"response", "became-optional"}, "break-answer-field-optional", Breaks},
	{[]string{"response", "became-nullable"}, "break-answer-field-optional", Breaks},
	{[]string{"response", "became-write-only"}, "break-answer-field-removed", Breaks},
	{[]string{"response", "type-changed"}, "break-answer-type", Breaks},
	{[]string{"response", "type-generalized"}, "break-answer-type", Breaks},
	{[]string{"response", "list-of-types"}, "break-answer-type", Breaks},
	{[]string{"response", "one-of"}, "break-answer-type", Breaks},
	{[]string{"response", "any-of"}, "break-answer-type", Breaks},
	{[]string{"response", "schema-removed"}, "break-answer-type", Breaks},
	{[]string{"response", "schema-became"}, "break-answer-type", Breaks},
	{[]string{"response"}, "break-answer-widened", MayBreak}, // limits, listed values, patterns
}

// told are the rules that oasdiff only informs of, and that break here.
var told = []string{"api-removed", "api-path-removed", "response-optional-property-removed", "response-optional-property-became-write-only", "parameter-removed", "property-removed"}

// classify gives a rule's code and level, "" where it breaks nobody.
func classify(rule string, warned bool) (code, level string) {
	if !warned && !slices.ContainsFunc(told, func(t string) bool { return strings.Contains(rule, t) }) {
		return "", ""
	}
	for _, c := range classes {
		if !slices.ContainsFunc(c.parts, func(part string) bool { return !strings.Contains(rule, part) }) {
			return c.code, c.level
		}
	}
	return "break-other", Breaks
}

// named is what a finding is about: the arguments of oasdiff's sentence begin
// with it, but that of a parameter ends with it, after where it stands.
func named(rule, code string, args []any) string {
	texts := []string{}
	for _, a := range args {
		texts = append(texts, fmt.Sprint(a))
	}
	if strings.HasPrefix(code, "break-parameter") {
		for i, t := range texts {
			if slices.Contains([]string{"query", "path", "header", "cookie"}, t) && i+1 < len(texts) {
				return texts[i+1]
			}
		}
	}
	switch {
	case len(texts) == 0:
		return ""
	case strings.Contains(rule, "enum-value") && len(texts) > 1:
		return texts[1] // after the value
	case code == "break-answer-widened" || code == "break-request-narrowed":
		for _, t := range texts { // a value stands before the field in some
			if strings.Contains(t, "/") {
				return t
			}
		}
	}
	return texts[0]
}

// shorten makes another program's message fit a line.
func shorten(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	if runes := []rune(message); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return message
}
