package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"lgsp/gateway/check"
	"lgsp/internal/problem"
)

// Check is how a version's calls are held to what its document says. The zero
// Check holds them to nothing.
type Check struct {
	Requests      string `json:"requests,omitempty"`       // off (or ""), report: its owner is told, enforce: the caller is refused
	Answers       string `json:"answers,omitempty"`        // off (or ""), sample: some are looked at, enforce: all, and a wrong one is held back
	SamplePercent int    `json:"sample_percent,omitempty"` // of answers, 1 to 100; 0: 10
}

// The ways of checking.
const (
	CheckOff     = "off"
	CheckReport  = "report"
	CheckSample  = "sample"
	CheckEnforce = "enforce"
)

// standardSample is the share of answers that is looked at, in percent.
const standardSample = 10

// check adds what cannot be set to wrong.
func (c Check) check(wrong *problem.Error) {
	for _, one := range []struct{ field, value, some string }{
		{"check/requests", c.Requests, CheckReport}, {"check/answers", c.Answers, CheckSample},
	} {
		if known := []string{"", CheckOff, one.some, CheckEnforce}; !slices.Contains(known, one.value) {
			wrong.Wrong(one.field, "check-mode", "none of off, "+one.some+", enforce", "known", "off, "+one.some+", enforce")
		}
	}
	if c.SamplePercent < 0 || c.SamplePercent > 100 {
		wrong.Wrong("check/sample_percent", "traffic-range", "not 1 to 100", "least", "1", "most", "100")
	}
}

func (c Check) requests() bool { return c.Requests == CheckReport || c.Requests == CheckEnforce }
func (c Check) answers() bool  { return c.Answers == CheckSample || c.Answers == CheckEnforce }

// On reports whether anything is checked, so that the gateway needs the document.
func (c Check) On() bool { return c.requests() || c.answers() }

// Describe reads, of a version's OpenAPI document as JSON, what the gateway
// holds calls of these operations to, for Route.Described, and tells what of it
// is left unchecked. It fails with Invalid for a document of which too much
// would have to be held.
func Describe(document []byte, operations []Operation) (json.RawMessage, []check.Note, error) {
	source := check.Source{OpenAPI: document, Ignored: func(header string) bool {
		name := http.CanonicalHeaderKey(header)
		return hopByHop[name] || isOurs(name)
	}}
	for _, o := range operations {
		source.Operations = append(source.Operations, check.Wanted{ID: o.ID, Method: o.Method, Path: o.Path})
	}
	described, notes, err := check.Describe(source)
	if errors.Is(err, check.ErrTooLarge) {
		return nil, notes, problem.Errorf(problem.Invalid, "%s", err).Coded("check-too-large").Wrong("check", "check-too-large", err.Error())
	}
	if err != nil {
		return nil, notes, fmt.Errorf("describe: %w", err)
	}
	text, err := json.Marshal(described)
	return text, notes, err
}

// compileChecks gives the operations what their calls are held to.
func (v *version) compileChecks() error {
	if !v.Traffic.Check.On() || len(v.Described) == 0 {
		return nil
	}
	var document check.Document
	if err := json.Unmarshal(v.Described, &document); err != nil {
		return fmt.Errorf("read what the document describes: %w", err)
	}
	operations, err := check.Compile(&document)
	if err != nil {
		return fmt.Errorf("compile what the document describes: %w", err)
	}
	for id, checks := range operations {
		if o := v.byID[id]; o != nil {
			o.checks = checks
		}
	}
	return nil
}
