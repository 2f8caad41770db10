package gateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/internal/problem"
)

// WouldBe is what would be put in force: versions as they would be exposed, and
// agreements as they would be granted.
type WouldBe struct {
	Routes []Route
	Grants []Grant
}

// Made is how an application calls an operation.
type Made struct {
	Application uuid.UUID // uuid.Nil: nobody
	Version     uuid.UUID
	Operation   string
	Credential  string // "": what the operation is usually called with
	Purpose     string
	Person      bool      // for persons
	At          time.Time // the zero Time: whenever it may, from From on
	From        time.Time // a past one: now
}

// Passes says whether calls pass.
type Passes int

// From the worst to the best.
const (
	Never   Passes = iota
	Depends        // on what no record tells: where they come from, how their person signed in, whether they say their purpose
	Always
)

// Foreseen is what becomes of such calls now, and what would.
type Foreseen struct {
	Before, After Passes
	Code          string   // what they would be refused with, unless After is Always
	Lost, Won     []string // fields of the answer, when they pass before and after
}

// Foresee says of calls what would become of them, by the decision of the
// pipeline itself over the snapshot as it would be. It fails with Unavailable
// before the first load, and with Invalid for what could not be put in force.
func (n *Node) Foresee(w WouldBe, calls []Made) ([]Foreseen, error) {
	s := n.current.Load()
	if s == nil {
		return nil, problem.Errorf(problem.Unavailable, "the gateway is starting").Coded("gateway-starting")
	}
	would, err := s.with(w)
	if err != nil {
		return nil, err
	}
	now := n.Now()
	list := make([]Foreseen, len(calls))
	for i, m := range calls {
		before, err := s.look(m, now)
		if err != nil {
			return nil, err
		}
		after, err := would.look(m, now)
		if err != nil {
			return nil, err
		}
		list[i].Before, list[i].After, list[i].Code = before.becomes(after)
		if list[i].Before != Never && list[i].After != Never {
			list[i].Lost, list[i].Won = without(before.fields, after.fields), without(after.fields, before.fields)
		}
	}
	return list, nil
}

// with is the snapshot as it would be, sharing what stays the same.
func (s *snapshot) with(w WouldBe) (*snapshot, error) {
	would := *s
	would.byVersion = maps.Clone(s.byVersion)
	for _, r := range w.Routes {
		v, err := compileRoute(r)
		if err != nil {
			return nil, problem.Errorf(problem.Invalid, "%s", err.Error()).Coded("route-unservable", "reason", err.Error())
		}
		would.byVersion[r.Version] = v
	}
	shared := newInterned()
	var grants []*grant
	for _, g := range w.Grants {
		operations, err := json.Marshal(g.Operations)
		if err != nil {
			return nil, fmt.Errorf("encode operations of agreement %s: %w", g.Agreement, err)
		}
		compiled, err := shared.grant(grantRow{AgreementID: g.Agreement, Revision: g.Revision, ApplicationID: g.Application, VersionID: g.Version,
			Purpose: g.Purpose, State: g.State, Starts: g.Starts, Ends: g.Ends, RatePerMinute: g.Plan.RatePerMinute,
			QuotaPerDay: g.Plan.QuotaPerDay, QuotaPerMonth: g.Plan.QuotaPerMonth, Operations: operations})
		if err != nil {
			return nil, fmt.Errorf("compile agreement %s: %w", g.Agreement, err)
		}
		grants = append(grants, compiled)
	}
	would.grants = s.grants.copyFor(grants)
	for _, g := range grants {
		would.grants.put(g)
	}
	return &would, nil
}

// sight is what becomes of calls in each way in which they may be made.
type sight struct {
	ways   [2]way   // naming no purpose, and that of their agreement
	fields []string // that they are let through
}

// way is what refuses calls; nil: they pass. At their best they come from where
// they may, by a person who proved enough, at the time that is asked about.
type way struct {
	best, worst *problem.Error
	own         bool // they pass under the agreement that they are of, not under another
}

// becomes compares what passes with what would. A way in which the calls did
// not pass under their agreement is none in which they were made.
func (l sight) becomes(then sight) (before, after Passes, code string) {
	made := [2]bool{l.ways[0].best == nil && l.ways[0].own, l.ways[1].best == nil && l.ways[1].own}
	if !made[0] && !made[1] { // whatever passes is gained
		made = [2]bool{then.ways[0].best == nil && then.ways[0].own, then.ways[1].best == nil && then.ways[1].own}
		if !made[0] && !made[1] {
			return Never, Never, codeOf(then.ways[1].best)
		}
		after, code = then.passes(made)
		return Never, after, code
	}
	before, _ = l.passes(made)
	after, code = then.passes(made)
	return before, after, code
}

func codeOf(refused *problem.Error) string {
	if refused == nil {
		return ""
	}
	return refused.Code
}

// passes sums up the ways in which calls are made, and gives the code of what
// refuses those that do not pass.
func (l sight) passes(made [2]bool) (Passes, string) {
	passed, code := false, ""
	for i, w := range l.ways {
		if !made[i] {
			continue
		}
		passed = passed || w.best == nil
		if code == "" && w.best != nil {
			code = w.best.Code
		}
	}
	switch {
	case !passed:
		return Never, code
	case code != "":
		return Depends, code
	}
	for i, w := range l.ways {
		if made[i] && w.worst != nil {
			return Depends, w.worst.Code
		}
	}
	return Always, ""
}

// look judges calls.
func (s *snapshot) look(m Made, now time.Time) (sight, error) {
	v := s.byVersion[m.Version]
	if v == nil || v.byID[m.Operation] == nil {
		gone := problem.Errorf(problem.NotFound, "nothing is served there").Coded("no-such-operation")
		return sight{ways: [2]way{{best: gone}, {best: gone}}}, nil
	}
	o := v.byID[m.Operation]
	best := question{version: v, operation: o, application: m.Application, credential: or(m.Credential, usual(o.Access)), anywhere: true, now: m.At}
	worst := best
	if age := now.Sub(m.At); !m.At.IsZero() && age > 0 { // the same hour of the week, to come
		const week = 7 * 24 * time.Hour
		best.now = m.At.Add((age + week - 1) / week * week)
		worst.now = best.now
	}
	if m.At.IsZero() {
		if m.From.After(now) {
			now = m.From
		}
		best.now, worst.now = o.bestAndWorst(now)
	}
	worst.anywhere, worst.address = false, netip.IPv6Unspecified()
	if m.Person {
		best.level, worst.level = auth.AAL2, auth.AAL1
	}
	var l sight
	for i, purpose := range []string{"", m.Purpose} {
		best.purpose, worst.purpose = purpose, purpose
		g, refused, err := s.refusalOf(best)
		if err != nil {
			return sight{}, err
		}
		_, refusedThen, err := s.refusalOf(worst)
		if err != nil {
			return sight{}, err
		}
		l.ways[i] = way{refused, refusedThen, g == nil || m.Purpose == "" || g.Purpose == m.Purpose}
		if refused == nil && g != nil {
			l.fields, _ = g.terms.fields(o.ID)
		}
	}
	return l, nil
}

// bestAndWorst are a moment that all hours of an operation allow, and one that
// they do not, from now on; now itself where there are no hours.
func (o *operation) bestAndWorst(now time.Time) (best, worst time.Time) {
	closed := func(at time.Time) bool {
		return slices.ContainsFunc(o.conditions, func(c *condition) bool { return !c.open(at) })
	}
	if closed(now) {
		best, _ = o.opens(now)
		return best, now
	}
	today := now.In(vietnam)
	for day := range 9 {
		for _, c := range o.conditions {
			at := time.Date(today.Year(), today.Month(), today.Day()+day, 0, c.until, 0, 0, vietnam)
			if c.until != 0 && at.After(now) && closed(at) {
				return now, at
			}
		}
	}
	return now, now
}

// refusalOf is what a call is refused with; nil: it passes.
func (s *snapshot) refusalOf(q question) (*grant, *problem.Error, error) {
	g, verdict, err := s.judge(q)
	if err != nil {
		p := problem.Of(err)
		if p == nil || p.Kind >= problem.Internal {
			return g, nil, err
		}
		return g, p, nil
	}
	if verdict.Allowed {
		return g, nil, nil
	}
	return g, refusal(verdict.Rule, q), nil
}

// usual is what an operation is called with when nothing else is known.
func usual(access string) string {
	switch access {
	case Open:
		return policy.NoCredential
	case Restricted:
		return policy.APIKey
	}
	return policy.Token
}

// without are the items of a list that another has not.
func without(list, other []string) []string {
	var left []string
	for _, item := range list {
		if !slices.Contains(other, item) {
			left = append(left, item)
		}
	}
	return left
}
