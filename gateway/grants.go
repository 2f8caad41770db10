package gateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/project"
)

// grant is an agreement to decide by, in few bytes: a node holds a million.
type grant struct {
	Agreement   uuid.UUID
	Application uuid.UUID
	Version     uuid.UUID
	Revision    int
	Purpose     string
	*Plan                  // shared by those with the same
	terms       *terms     // shared by those with the same
	starts      int64      // Unix nanoseconds
	ends        int64      // the first one that it is over
	state       grantState // whatever starts and ends say
	next        *grant     // another of the application on the version; never changed
}

type grantState uint8

// The states of a grant.
const (
	grantEnded grantState = iota
	grantActive
	grantSuspended
)

func (g *grant) inForce(now time.Time) bool {
	at := now.UnixNano()
	return g.state == grantActive && g.starts <= at && at < g.ends
}

// terms are what agreements have agreed on.
type terms struct {
	operations []GrantedOperation
	agreed     []string // their ids
	filters    map[string]*project.Filter
}

// nothing is agreed on by an agreement that cannot be read.
var nothing = &terms{agreed: []string{}}

func compileTerms(operations []GrantedOperation) (*terms, error) {
	t := &terms{operations: operations, agreed: []string{}, filters: make(map[string]*project.Filter, len(operations))}
	for _, o := range operations {
		filter, err := project.Compile(o.Fields)
		if err != nil {
			return nil, fmt.Errorf("operation %s: %w", o.Operation, err)
		}
		t.agreed = append(t.agreed, o.Operation)
		t.filters[o.Operation] = filter
	}
	return t, nil
}

// fields are those agreed of an operation.
func (t *terms) fields(operation string) []string {
	for _, o := range t.operations {
		if o.Operation == operation {
			return o.Fields
		}
	}
	return nil
}

// interned gives what grants have in common once: few plans and purposes, and
// terms that many applications agree on.
type interned struct {
	terms    map[string]*terms // by their JSON
	plans    map[Plan]*Plan
	purposes map[string]string
}

func newInterned() *interned {
	return &interned{terms: map[string]*terms{}, plans: map[Plan]*Plan{}, purposes: map[string]string{}}
}

// grant makes a row a grant. One that cannot be read is over, and the error
// says why.
func (p *interned) grant(row grantRow) (*grant, error) {
	g := &grant{Agreement: row.AgreementID, Application: row.ApplicationID, Version: row.VersionID, Revision: row.Revision,
		starts: row.Starts.UnixNano(), ends: row.Ends.UnixNano(), terms: nothing}
	plan := Plan{RatePerMinute: row.RatePerMinute, QuotaPerDay: row.QuotaPerDay, QuotaPerMonth: row.QuotaPerMonth}
	g.Plan, g.Purpose = p.plan(plan), p.purpose(row.Purpose)
	agreed := p.terms[string(row.Operations)]
	if agreed == nil {
		var operations []GrantedOperation
		err := json.Unmarshal(row.Operations, &operations)
		if err == nil {
			agreed, err = compileTerms(operations)
		}
		if err != nil {
			return g, err
		}
		p.terms[string(row.Operations)] = agreed
	}
	g.terms = agreed
	switch row.State {
	case "active":
		g.state = grantActive
	case "suspended":
		g.state = grantSuspended
	}
	return g, nil
}

func (p *interned) plan(plan Plan) *Plan {
	if p.plans[plan] == nil {
		p.plans[plan] = &plan
	}
	return p.plans[plan]
}

func (p *interned) purpose(text string) string {
	if p.purposes[text] == "" {
		p.purposes[text] = text
	}
	return p.purposes[text]
}

// grants are the agreements by who calls what. They lie in many small maps, so
// that a change copies one of them.
type grants struct {
	shards *[grantShards]map[grantKey]*grant
}

const grantShards = 4096

type grantKey struct{ application, version uuid.UUID }

func (k grantKey) shard() int {
	return (int(k.application[14])<<8 | int(k.application[15]) ^ int(k.version[15])) % grantShards
}

func newGrants() grants { return grants{shards: new([grantShards]map[grantKey]*grant)} }

// of gives the agreements of an application on a version, in whatever state,
// one after the other by next; nil when there is none.
func (g grants) of(application, version uuid.UUID) *grant {
	if g.shards == nil {
		return nil
	}
	k := grantKey{application, version}
	return g.shards[k.shard()][k]
}

// put puts an agreement into a table nobody else sees yet, in place of its
// older self. Those beside it are copied: an older table has them too.
func (g grants) put(c *grant) {
	k := grantKey{c.Application, c.Version}
	shard := g.shards[k.shard()]
	if shard == nil {
		shard = map[grantKey]*grant{}
		g.shards[k.shard()] = shard
	}
	last := c
	for old := shard[k]; old != nil; old = old.next {
		if old.Agreement != c.Agreement {
			beside := *old
			last.next = &beside
			last = &beside
		}
	}
	last.next = nil
	shard[k] = c
}

// copyFor gives a table that put may change for these agreements, sharing all
// other maps with this one.
func (g grants) copyFor(list []*grant) grants {
	shards := *g.shards
	copied := map[int]bool{}
	for _, c := range list {
		i := grantKey{c.Application, c.Version}.shard()
		if !copied[i] {
			shards[i], copied[i] = maps.Clone(shards[i]), true
		}
	}
	return grants{shards: &shards}
}

// all gives every agreement.
func (g grants) all(yield func(*grant) bool) {
	for _, shard := range g.shards {
		for _, first := range shard {
			for c := first; c != nil; c = c.next {
				if !yield(c) {
					return
				}
			}
		}
	}
}
