package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/problem"
	"lgsp/ledger"
	"lgsp/portal"
)

const (
	effectDays = 30  // that calls are counted of
	effectRows = 200 // that are told
)

// foresee does one act as if, for as many at once as leave the pool enough
// connections: an act that is undone holds one while other rooms are asked.
func (p *platform) foresee(ctx context.Context, do func() error) error {
	select {
	case p.foreseeing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.foreseeing }()
	return do()
}

// agreementEffect says who would lose or gain what by an act of who on an
// agreement. It fails as the act does.
func (p *platform) agreementEffect(ctx context.Context, who auth.Principal, id uuid.UUID, act portal.AgreementAct) (portal.Effect, error) {
	var told []agreement.Granted
	var after agreement.Agreement
	err := p.foresee(ctx, func() error {
		var err error
		told, err = p.agreements.Foresee(ctx, func(would *agreement.Agreements) error {
			after, err = actOn(ctx, would, who, id, act)
			return err
		})
		return err
	})
	if err != nil {
		return portal.Effect{}, err
	}
	e := effect{Effect: portal.Effect{Since: time.Now().AddDate(0, 0, -effectDays), Waits: len(told) == 0 && after.State == agreement.Requested}}
	var would gateway.WouldBe
	var from time.Time // when the last of it begins, if that is to come
	for _, g := range told {
		if g.NotBefore.After(time.Now()) && g.NotBefore.After(from) {
			from = g.NotBefore
		}
	}
	done := map[uuid.UUID]bool{}
	for _, g := range told {
		done[g.AgreementID] = true
		would.Grants = append(would.Grants, grantOf(g))
		var operations []string
		for _, o := range g.Operations {
			operations = append(operations, o.Operation)
		}
		if err := p.addUnder(ctx, &e, g.AgreementID, operations, gateway.Made{Application: g.ApplicationID, Version: g.VersionID, Purpose: g.Purpose, From: from}); err != nil {
			return portal.Effect{}, err
		}
	}
	if len(told) == 0 {
		return p.tellEffect(ctx, &e, would)
	}
	others, err := p.agreements.InForceFor(ctx, after.ApplicationID, after.VersionID) // calls that name no purpose may be of them
	if err != nil {
		return portal.Effect{}, err
	}
	for _, held := range others {
		if done[held.ID] {
			continue
		}
		var operations []string
		for _, o := range held.Operations {
			operations = append(operations, o.ID)
		}
		if err := p.addUnder(ctx, &e, held.ID, operations, gateway.Made{Application: after.ApplicationID, Version: after.VersionID, Purpose: held.Purpose, From: from}); err != nil {
			return portal.Effect{}, err
		}
	}
	return p.tellEffect(ctx, &e, would)
}

// addUnder adds the calls under an agreement, by operation, also those that
// were not made.
func (p *platform) addUnder(ctx context.Context, e *effect, agreement uuid.UUID, operations []string, made gateway.Made) error {
	calls, err := p.ledger.CalledUnder(ctx, agreement, e.Since)
	if err != nil {
		return err
	}
	for _, operation := range operations {
		g := group{Made: made}
		g.Operation = operation
		for _, c := range calls {
			if c.Operation == operation {
				g.calls, g.Credential, g.Person = c.Calls, c.Credential, c.Person
			}
		}
		e.add(g)
	}
	return nil
}

// actOn does an act; a reason is not asked for.
func actOn(ctx context.Context, a *agreement.Agreements, who auth.Principal, id uuid.UUID, act portal.AgreementAct) (agreement.Agreement, error) {
	const reason = "–"
	switch act.Act {
	case "approve":
		var yes agreement.Approval
		if act.Approval != nil {
			yes = *act.Approval
		}
		return a.ApproveWith(ctx, who, id, yes)
	case "suspend":
		return a.Suspend(ctx, who, id, reason)
	case "resume":
		return a.Resume(ctx, who, id, "")
	case "end":
		return a.End(ctx, who, id, reason)
	}
	return agreement.Agreement{}, problem.Errorf(problem.Invalid, "act %q is none of approve, suspend, resume, end", act.Act).Coded("effect-act")
}

// versionEffect says who would lose or gain what if a version were changed. It
// fails as the change does.
func (p *platform) versionEffect(ctx context.Context, who auth.Principal, id uuid.UUID, change portal.VersionChange) (portal.Effect, error) {
	e := effect{Effect: portal.Effect{Since: time.Now().AddDate(0, 0, -effectDays)}}
	before, err := p.catalog.VersionByID(ctx, who, id)
	if err != nil {
		return portal.Effect{}, err
	}
	var would gateway.WouldBe
	err = p.foresee(ctx, func() error {
		return p.catalog.Foresee(ctx, func(would *catalog.Catalog) error { return changeVersion(ctx, would, who, id, change) }, func(x catalog.Exposure) error {
			route, err := routeOf(x)
			route.Upstream = x.Upstreams[0].URL   // no decision depends on it
			route.Traffic.Check = gateway.Check{} // for which the document would be needed
			would.Routes = []gateway.Route{route} // of several changes the last
			return err
		})
	})
	if err != nil || len(would.Routes) == 0 {
		return e.Effect, err // nobody calls what is not public
	}
	route := would.Routes[0]
	if e.Rate, err = p.rateChange(ctx, before.PlanSlug, route); err != nil {
		return portal.Effect{}, err
	}
	by := ledger.Together
	if slices.ContainsFunc(route.Traffic.Conditions, func(c gateway.Condition) bool { return c.Hours != nil }) {
		by = ledger.ByQuarter
	}
	calls, err := p.ledger.CalledOf(ctx, id, e.Since, by)
	if err != nil {
		return portal.Effect{}, err
	}
	for _, c := range calls {
		e.add(group{calls: c.Calls, Made: gateway.Made{Application: c.ApplicationID, Version: id, Operation: c.Operation,
			Credential: c.Credential, Purpose: c.Purpose, Person: c.Person, At: c.At}})
	}
	held, err := p.agreements.HoldersOf(ctx, id)
	if err != nil {
		return portal.Effect{}, err
	}
	for _, h := range held {
		for _, o := range h.Operations {
			e.addIfNew(gateway.Made{Application: h.ApplicationID, Version: id, Operation: o.ID, Purpose: h.Purpose})
		}
	}
	for _, o := range route.Operations {
		if o.Access == gateway.Open {
			e.add(group{Made: gateway.Made{Version: id, Operation: o.ID}})
		}
	}
	return p.tellEffect(ctx, &e, would)
}

// changeVersion sets what is about to be set.
func changeVersion(ctx context.Context, c *catalog.Catalog, who auth.Principal, id uuid.UUID, change portal.VersionChange) error {
	if change.Prepared {
		return c.PutPrepared(ctx, who, id)
	}
	if change.Plan == "" && len(change.Traffic) == 0 && len(change.Operations) == 0 {
		return problem.Errorf(problem.Invalid, "nothing is about to be set").Coded("body-empty")
	}
	if change.Plan != "" {
		if _, err := c.SetPlan(ctx, who, id, change.Plan); err != nil {
			return err
		}
	}
	if len(change.Traffic) > 0 {
		if _, err := c.SetTraffic(ctx, who, id, change.Traffic); err != nil {
			return err
		}
	}
	if len(change.Operations) > 0 {
		if _, err := c.MarkOperations(ctx, who, id, change.Operations); err != nil {
			return err
		}
	}
	return nil
}

// rateChange is how the rate of callers without an agreement would change; nil:
// it stays, or there is no open operation.
func (p *platform) rateChange(ctx context.Context, was string, route gateway.Route) (*portal.RateChange, error) {
	open := slices.ContainsFunc(route.Operations, func(o gateway.Operation) bool { return o.Access == gateway.Open })
	plans, err := p.catalog.Plans(ctx)
	i := slices.IndexFunc(plans, func(plan catalog.Plan) bool { return plan.Slug == was })
	if err != nil || !open || i < 0 || plans[i].RatePerMinute == route.Plan.RatePerMinute {
		return nil, err
	}
	return &portal.RateChange{Was: plans[i].RatePerMinute, Is: route.Plan.RatePerMinute}, nil
}

// effect is an effect while it is found out.
type effect struct {
	portal.Effect
	groups []group
	known  map[gateway.Made]bool // application, operation and purpose
}

// group is calls that are judged together.
type group struct {
	gateway.Made
	calls int
}

// pair is an application and an operation.
type pair struct {
	application uuid.UUID
	operation   string
}

func (g group) pair() pair { return pair{g.Application, g.Operation} }

// named is what a group is told from others by, however its calls were made.
func (g group) named() gateway.Made {
	return gateway.Made{Application: g.Application, Operation: g.Operation, Purpose: g.Purpose}
}

func (e *effect) add(g group) {
	if e.known == nil {
		e.known = map[gateway.Made]bool{}
	}
	e.known[g.named()] = true
	e.groups = append(e.groups, g)
}

// addIfNew adds what may be called and was not.
func (e *effect) addIfNew(m gateway.Made) {
	if g := (group{Made: m}); !e.known[g.named()] {
		e.add(g)
	}
}

// tellEffect asks the gateway and puts its answers in rows.
func (p *platform) tellEffect(ctx context.Context, e *effect, would gateway.WouldBe) (portal.Effect, error) {
	made := make([]gateway.Made, len(e.groups))
	for i, g := range e.groups {
		made[i] = g.Made
	}
	answers, err := p.node.Foresee(would, made)
	if err != nil {
		return portal.Effect{}, err
	}
	rows := map[pair]*portal.EffectRow{}
	for i, g := range e.groups {
		if g.Application == uuid.Nil {
			e.anonymous(answers[i])
			continue
		}
		row := rows[g.pair()]
		if row == nil {
			row = &portal.EffectRow{ApplicationID: g.Application, Operation: g.Operation, Fields: []string{}}
			rows[g.pair()] = row
		}
		row.Of += g.calls
		take(row, g.calls, answers[i])
	}
	e.sum(rows)
	return e.Effect, p.nameRows(ctx, e.Rows)
}

// worse are what may become of calls, the worst first; take keeps the worst.
var worse = []string{"loses", "loses-fields", "may-lose", "gains", "gains-fields", ""}

// take puts an answer about some of an application's calls into its row.
func take(row *portal.EffectRow, calls int, f gateway.Foreseen) {
	what := ""
	switch {
	case f.After == gateway.Never && f.Before != gateway.Never:
		what = "loses"
	case f.After < f.Before:
		what = "may-lose"
	case f.After != gateway.Never && f.Before == gateway.Never:
		what = "gains"
	case len(f.Lost) > 0:
		what = "loses-fields"
	case len(f.Won) > 0:
		what = "gains-fields"
	}
	if what == "" || slices.Index(worse, what) > slices.Index(worse, row.What) {
		return
	}
	if what != row.What {
		*row = portal.EffectRow{ApplicationID: row.ApplicationID, Operation: row.Operation, Of: row.Of, What: what, Code: f.Code, Fields: []string{}}
	}
	row.Calls += calls
	fields := f.Lost
	if what == "gains-fields" {
		fields = f.Won
	}
	for _, field := range fields {
		if (what == "loses-fields" || what == "gains-fields") && !slices.Contains(row.Fields, field) {
			row.Fields = append(row.Fields, field)
		}
	}
}

// anonymous keeps the worst of what becomes of callers nobody knows.
func (e *effect) anonymous(f gateway.Foreseen) {
	switch {
	case f.After == gateway.Never && f.Before != gateway.Never:
		e.Anonymous = "loses"
	case f.After < f.Before && e.Anonymous == "":
		e.Anonymous = "may-lose"
	}
}

// sum counts applications and keeps the rows that tell most.
func (e *effect) sum(rows map[pair]*portal.EffectRow) {
	e.Rows = []portal.EffectRow{}
	worst := map[uuid.UUID]string{}
	for _, row := range rows {
		if row.What == "" {
			continue
		}
		if row.What == "loses" {
			e.Calls += row.Calls
			if row.Calls < row.Of {
				row.What = "loses-some"
			}
		}
		rank := map[string]string{"loses": "1", "loses-some": "2", "loses-fields": "1", "may-lose": "2", "gains": "3", "gains-fields": "3"}[row.What]
		if was, known := worst[row.ApplicationID]; !known || rank < was {
			worst[row.ApplicationID] = rank
		}
		e.Rows = append(e.Rows, *row)
	}
	for _, rank := range worst {
		switch rank {
		case "1":
			e.Applications++
		case "2":
			e.MayLose++
		default:
			e.Gain++
		}
	}
	order := []string{"loses", "loses-some", "loses-fields", "may-lose", "gains", "gains-fields"}
	slices.SortFunc(e.Rows, func(a, b portal.EffectRow) int {
		return cmp.Or(slices.Index(order, a.What)-slices.Index(order, b.What), b.Calls-a.Calls, cmp.Compare(a.ApplicationID.String(), b.ApplicationID.String()),
			cmp.Compare(a.Operation, b.Operation))
	})
	e.Rows = e.Rows[:min(len(e.Rows), effectRows)]
}

// nameRows fills in what applications are called, and whose they are.
func (p *platform) nameRows(ctx context.Context, rows []portal.EffectRow) error {
	list := make([]catalog.Caller, len(rows))
	for i, row := range rows {
		list[i] = catalog.Caller{ApplicationID: row.ApplicationID, Agreed: true}
	}
	if err := p.nameCallers(ctx, list); err != nil {
		return err
	}
	for i := range rows {
		rows[i].Application, rows[i].Owner = list[i].Name, list[i].Owner
	}
	return nil
}
