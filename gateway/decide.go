package gateway

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/internal/problem"
)

// decide finds the agreement and asks the policy.
func (c *call) decide(r *http.Request) error {
	if c.operation.Access != Open && c.node.stale(c.now) {
		return problem.Errorf(problem.Unavailable, "this node has lost touch with the platform, and serves open operations only until it is back").
			Coded("config-stale").Sends("Retry-After", "30")
	}
	purposes, purpose := r.Header["Lgsp-Purpose"], ""
	if len(purposes) > 1 {
		return problem.Errorf(problem.Invalid, "LGSP-Purpose names one purpose, once").Coded("purpose-twice")
	}
	if len(purposes) == 1 {
		purpose = purposes[0]
	}
	q := question{version: c.version, operation: c.operation, application: c.caller.application,
		credential: c.caller.credential, purpose: purpose, level: c.caller.level, address: c.address, now: c.now}
	g, verdict, err := c.snapshot.judge(q)
	if g != nil {
		c.exchange.Agreement, c.exchange.Revision, c.exchange.Purpose = g.Agreement, g.Revision, g.Purpose
	}
	if err != nil {
		return err
	}
	if !verdict.Allowed {
		return c.challenge(refusal(verdict.Rule, q))
	}
	c.grant = g
	if g != nil {
		c.exchange.Fields, c.exchange.Masks = g.terms.fields(c.operation.ID)
	}
	return nil
}

// question is what a decision depends on.
type question struct {
	version     *version
	operation   *operation
	application uuid.UUID
	credential  string
	purpose     string // "": not named
	level       string // what its person signed in with; "": of no person
	address     netip.Addr
	anywhere    bool // of an imagined call: the address is not asked
	now         time.Time
}

// judge gives the agreement a call comes under, and the policy's verdict. When
// the verdict is no-agreement, and an agreement is there but not in force or
// not the one named, the error says so.
func (s *snapshot) judge(q question) (*grant, policy.Verdict, error) {
	if q.operation.Access == Open {
		verdict, err := ask(nil, q)
		return nil, verdict, err
	}
	seat := s.grants.find(q.application, q.version.Version)
	if seat == nil {
		verdict, err := ask(nil, q)
		return nil, verdict, err
	}
	if at := q.now.UnixNano(); seat.starts <= at && at < seat.ends && (q.purpose == "" || seat.first.Purpose == q.purpose) {
		verdict, err := ask(seat.terms, q)
		return seat.first, verdict, err
	}
	g, why := choose(seat.first, q)
	var agreed *terms
	if why == nil {
		agreed = g.terms
	}
	verdict, err := ask(agreed, q)
	if err == nil && verdict.Rule == "no-agreement" && why != nil {
		err = why
	}
	return g, verdict, err
}

// ask gives the policy's verdict under what is agreed and in force, or under
// nothing. The policy remembers it, so it costs the same however many
// agreements there are.
func ask(agreed *terms, q question) (policy.Verdict, error) {
	call := policy.Call{Operation: q.operation.ID, Credential: q.credential, Lacking: q.operation.lacking(q)}
	if agreed != nil {
		call.Agreed = agreed.agreed
	}
	return q.version.rules.Decide(call)
}

// choose takes the agreement in force of those there are, by purpose where
// there are several. With none in force it gives the latest, and says what is
// wrong with it.
func choose(first *grant, q question) (*grant, error) {
	var found, last *grant
	several := false
	for g := first; g != nil; g = g.next {
		if q.purpose != "" && g.Purpose != q.purpose {
			continue
		}
		if g.inForce(q.now) {
			several = several || found != nil
			found = g
		}
		if last == nil || g.ends > last.ends {
			last = g
		}
	}
	switch {
	case several:
		return nil, purposeRequired(first, q)
	case found != nil:
		return found, nil
	case last != nil:
		return last, notInForce(last, q.now)
	}
	return nil, problem.Errorf(problem.Forbidden, "the application has no agreement for purpose %q on this API", q.purpose).
		Coded("purpose-not-agreed", "purpose", q.purpose).Repeats()
}

func purposeRequired(first *grant, q question) error {
	var names []string
	for g := first; g != nil; g = g.next {
		if g.inForce(q.now) && (q.purpose == "" || g.Purpose == q.purpose) {
			names = append(names, g.Purpose)
		}
	}
	slices.Sort(names)
	e := problem.Errorf(problem.Invalid, "the application has several agreements on this API; name one purpose in the header LGSP-Purpose: %s", strings.Join(names, ", ")).
		Coded("purpose-required", "purposes", strings.Join(names, ", "))
	e.Extra = map[string]any{"purposes": names}
	return e
}

// notInForce says why an agreement does not open its operations now.
func notInForce(g *grant, now time.Time) error {
	id, from, to := g.Agreement.String(), local(time.Unix(0, g.starts)), local(time.Unix(0, g.ends))
	switch {
	case g.state == grantSuspended:
		return problem.Errorf(problem.Forbidden, "agreement %s is suspended by the agency", id).Coded("agreement-suspended", "agreement", id)
	case g.state == grantEnded:
		return problem.Errorf(problem.Forbidden, "agreement %s was ended", id).Coded("agreement-ended", "agreement", id)
	case now.UnixNano() < g.starts:
		return problem.Errorf(problem.Forbidden, "agreement %s begins at %s", id, from).Coded("agreement-not-begun", "agreement", id, "at", from)
	}
	return problem.Errorf(problem.Forbidden, "agreement %s expired at %s; renew it", id, to).Coded("agreement-expired", "agreement", id, "at", to)
}

// local prints a moment as people in Vietnam read it.
func local(at time.Time) string {
	return at.In(vietnam).Format("2006-01-02 15:04 -07:00")
}

// outsideHours tells when the operation is open again.
func (q question) outsideHours() *problem.Error {
	at, _ := q.operation.opens(q.now) // there is one: compileConditions saw to it
	return problem.Errorf(problem.Forbidden, "the operation is closed at this time; it opens at %s", local(at)).Coded("outside-hours", "at", local(at)).
		Sends("Retry-After", strconv.Itoa(int(at.Sub(q.now)/time.Second)+1))
}

// refusal is the problem for a rule of the policy that said no.
func refusal(rule string, q question) *problem.Error {
	switch rule {
	case "no-credential":
		return problem.Errorf(problem.Unauthorized, "the operation needs a credential, and the call carries none").Coded("no-credential")
	case "key-for-personal-data":
		return problem.Errorf(problem.Unauthorized, "the operation gives personal data; it needs an access token, not an API key").Coded("key-for-personal-data")
	case "foreign-token-for-personal-data":
		return problem.Errorf(problem.Unauthorized, "the operation gives personal data; it needs an access token of this platform, not another issuer's").Coded(rule)
	case "signature-for-personal-data":
		return problem.Errorf(problem.Unauthorized, "the operation gives personal data; it needs an access token, not a signature alone").Coded(rule)
	case "operation-not-agreed":
		return problem.Errorf(problem.Forbidden, "the agreement does not cover this operation").Coded("operation-not-agreed")
	case "outside-hours":
		return q.outsideHours()
	case "outside-network":
		return problem.Errorf(problem.Forbidden, "the operation is not open to %s, which the call comes from", q.address).Coded("outside-network", "address", q.address.String())
	case "assurance-low":
		return problem.Errorf(problem.Unauthorized, "the operation is for persons who signed in with two factors; ask for a token with acr_values=%s", auth.AAL2).
			Coded(auth.CodeAssuranceLow, "acr", auth.AAL2)
	case "purpose-unsaid":
		return problem.Errorf(problem.Invalid, "each call of the operation says what for, in the header LGSP-Purpose").Coded("purpose-unsaid")
	case "no-agreement":
		return problem.Errorf(problem.Forbidden, "the application has no agreement on this API").Coded("no-agreement")
	}
	return problem.Errorf(problem.Forbidden, "the policy refuses the call by rule %s", rule).Coded("refused-by-rule", "rule", rule)
}
