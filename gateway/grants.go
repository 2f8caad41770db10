package gateway

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/bits"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/project"
)

// grant is an agreement to decide by, in few bytes: a node holds a million. What
// finds it stands first, in one line of the processor's memory.
type grant struct {
	Application uuid.UUID
	Version     uuid.UUID
	starts      int64      // Unix nanoseconds
	ends        int64      // the first one that it is over
	next        *grant     // another of the application on the version; never changed
	beside      *grant     // the first of another application or version in the same chain; never changed
	state       grantState // whatever starts and ends say
	Revision    int
	terms       *terms // shared by those with the same
	*Plan              // shared by those with the same
	Purpose     string
	Agreement   uuid.UUID
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

// grants are the agreements by who calls what, in many short chains. The chains
// lie in pages, so that a change copies one of those and not the table.
type grants struct {
	pages *[grantPages]*[chainsInPage]*grant
}

const (
	grantPages   = 4096
	chainsInPage = 1024 // four chains to an agreement, where there are a million
)

func newGrants() grants { return grants{pages: new([grantPages]*[chainsInPage]*grant)} }

// place says where the agreements of an application on a version are: the last
// bytes of both ids are random.
func place(application, version uuid.UUID) (page, chain int) {
	mixed := binary.LittleEndian.Uint32(application[12:]) ^ bits.RotateLeft32(binary.LittleEndian.Uint32(version[12:]), 7)
	return int(mixed / chainsInPage % grantPages), int(mixed % chainsInPage)
}

// of gives the agreements of an application on a version, in whatever state,
// one after the other by next; nil when there is none.
func (g grants) of(application, version uuid.UUID) *grant {
	page, chain := place(application, version)
	if g.pages == nil || g.pages[page] == nil {
		return nil
	}
	first := g.pages[page][chain]
	for first != nil && (first.Application != application || first.Version != version) {
		first = first.beside
	}
	return first
}

// put puts an agreement into a table nobody else sees yet, in place of its
// older self. Those that it is to stand before are copied: an older table has
// them too.
func (g grants) put(c *grant) {
	page, chain := place(c.Application, c.Version)
	if g.pages[page] == nil {
		g.pages[page] = new([chainsInPage]*grant)
	}
	first := &g.pages[page][chain]
	last := c
	for old := g.of(c.Application, c.Version); old != nil; old = old.next {
		if old.Agreement != c.Agreement {
			again := *old
			last.next, last = &again, &again
		}
	}
	last.next = nil
	c.beside = (*first).without(c)
	*first = c
}

// without gives a chain without those of c's application and version.
func (g *grant) without(c *grant) *grant {
	if g == nil {
		return nil
	}
	if g.Application == c.Application && g.Version == c.Version {
		return g.beside
	}
	rest := g.beside.without(c)
	if rest == g.beside {
		return g
	}
	again := *g
	again.beside = rest
	return &again
}

// copyFor gives a table that put may change for these agreements, sharing all
// other pages with this one.
func (g grants) copyFor(list []*grant) grants {
	pages := *g.pages
	copied := map[int]bool{}
	for _, c := range list {
		page, _ := place(c.Application, c.Version)
		if !copied[page] && pages[page] != nil {
			again := *pages[page]
			pages[page] = &again
		}
		copied[page] = true
	}
	return grants{pages: &pages}
}

// all gives every agreement.
func (g grants) all(yield func(*grant) bool) {
	for _, page := range g.pages {
		if page == nil {
			continue
		}
		for _, first := range page {
			for ; first != nil; first = first.beside {
				for c := first; c != nil; c = c.next {
					if !yield(c) {
						return
					}
				}
			}
		}
	}
}
