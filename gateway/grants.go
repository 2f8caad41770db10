package gateway

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/project"
)

// grant is an agreement to decide by, in few bytes: a node holds a million.
type grant struct {
	Application uuid.UUID
	Version     uuid.UUID
	starts      int64      // Unix nanoseconds
	ends        int64      // the first one that it is over
	next        *grant     // another of the application on the version; never changed
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
		filter, err := project.CompileMasked(o.Fields, o.Masks)
		if err != nil {
			return nil, fmt.Errorf("operation %s: %w", o.Operation, err)
		}
		t.agreed = append(t.agreed, o.Operation)
		t.filters[o.Operation] = filter
	}
	return t, nil
}

// fields are those agreed of an operation, and what of them leaves masked.
func (t *terms) fields(operation string) ([]string, []project.Masked) {
	for _, o := range t.operations {
		if o.Operation == operation {
			return o.Fields, o.Masks
		}
	}
	return nil, nil
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

// grants are the agreements by who calls what: an open-addressed table. It lies
// in pages, so that a change copies one of those and not all of it.
type grants struct {
	pages *[grantPages]grantPage
}

// grantPage has a seat for each application on a version whose agreements it
// holds, and some free ones.
type grantPage struct {
	seats []seat // a power of two; none: the page is empty
	taken int    // three quarters of them at most
}

// seat is where the agreements of an application on a version are found. It is
// one line of the processor's memory: with a million agreements no line is
// there yet when it is needed, and most decisions need no other.
type seat struct {
	application, version uuid.UUID
	starts, ends         int64  // when its only agreement is in force; never, where there are several, or it is not active
	terms                *terms // of first
	first                *grant // nil: the seat is free
}

const (
	grantPages = 4096
	leastSeats = 4 // of a page that holds any
)

func newGrants() grants { return grants{pages: new([grantPages]grantPage)} }

// place says on which page the agreements of an application on a version are,
// and from which seat on: the last bytes of both ids are random.
func place(application, version uuid.UUID) (page, from uint32) {
	mixed := binary.LittleEndian.Uint32(application[12:]) ^ bits.RotateLeft32(binary.LittleEndian.Uint32(version[12:]), 7)
	return mixed % grantPages, mixed / grantPages
}

// find gives the seat of an application on a version; nil when there is none.
func (g grants) find(application, version uuid.UUID) *seat {
	if g.pages == nil {
		return nil
	}
	page, from := place(application, version)
	if s := g.pages[page].find(application, version, from); s != nil && s.first != nil {
		return s
	}
	return nil
}

// find gives the seat of an application on a version, or the free one where it
// would be; nil when the page has none.
func (p *grantPage) find(application, version uuid.UUID, from uint32) *seat {
	for i := range uint32(len(p.seats)) {
		s := &p.seats[(from+i)&uint32(len(p.seats)-1)]
		if s.first == nil || s.application == application && s.version == version {
			return s
		}
	}
	return nil
}

// of gives the agreements of an application on a version, in whatever state,
// one after the other by next; nil when there is none.
func (g grants) of(application, version uuid.UUID) *grant {
	if s := g.find(application, version); s != nil {
		return s.first
	}
	return nil
}

// put puts an agreement into a table nobody else sees yet, in place of its
// older self. Those that it is to stand before are copied: an older table has
// them too.
func (g grants) put(c *grant) {
	last := c
	for old := g.of(c.Application, c.Version); old != nil; old = old.next {
		if old.Agreement != c.Agreement {
			again := *old
			last.next, last = &again, &again
		}
	}
	last.next = nil
	page, _ := place(c.Application, c.Version)
	g.pages[page].put(c)
}

// put gives agreements their seat.
func (p *grantPage) put(first *grant) {
	if 4*(p.taken+1) > 3*len(p.seats) {
		p.grow()
	}
	_, from := place(first.Application, first.Version)
	s := p.find(first.Application, first.Version, from) // a free one is left
	if s.first == nil {
		p.taken++
	}
	*s = seat{application: first.Application, version: first.Version, terms: first.terms, first: first}
	if first.next == nil && first.state == grantActive {
		s.starts, s.ends = first.starts, first.ends
	}
}

// grow doubles the seats.
func (p *grantPage) grow() {
	old := p.seats
	p.seats = make([]seat, max(2*len(old), leastSeats))
	for i := range old {
		if s := &old[i]; s.first != nil {
			_, from := place(s.application, s.version)
			*p.find(s.application, s.version, from) = *s
		}
	}
}

// copyFor gives a table that put may change for these agreements, sharing all
// other pages with this one.
func (g grants) copyFor(list []*grant) grants {
	pages := *g.pages
	copied := map[uint32]bool{}
	for _, c := range list {
		page, _ := place(c.Application, c.Version)
		if !copied[page] {
			pages[page].seats = slices.Clone(pages[page].seats)
		}
		copied[page] = true
	}
	return grants{pages: &pages}
}

// all gives every agreement.
func (g grants) all(yield func(*grant) bool) {
	for i := range g.pages {
		for j := range g.pages[i].seats {
			for c := g.pages[i].seats[j].first; c != nil; c = c.next {
				if !yield(c) {
					return
				}
			}
		}
	}
}
