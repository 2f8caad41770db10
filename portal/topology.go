package portal

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/ledger"
)

// topologyDays is over how many days, today among them, callers are counted.
const topologyDays = 7

// topologyData is the data of the page "operator-topology": who calls, the
// platform between, and the systems behind it.
type topologyData struct {
	At      time.Time
	Days    int
	Callers *callers // nil: the reader may not know who calls
	Nodes   []nodeRow
	Systems []agencySystems // those in trouble first
	Hosts   int             // of all of them
	Trouble int             // of those, how many get no calls
}

// callers are those who called in some days, by the side of the platform that
// they are on.
type callers struct {
	Inside  []callerGroup // of an agency each, the most calls first
	Outside callerGroup   // of people and organisations
	Nobody  int64         // calls in which nobody was recognised
}

// callerGroup are applications together.
type callerGroup struct {
	Agency       auth.Agency // the zero Agency: outside
	Applications int
	ledger.Calls
}

// agencySystems are the systems of an agency that calls are sent to.
type agencySystems struct {
	Agency auth.Agency
	Calls  *ledger.VersionCalls // of the last day; nil: the reader may not know
	Hosts  []systemRow
	Wrong  int // hosts that get no calls
}

// systemRow is one host and port, and the versions that it answers.
type systemRow struct {
	Host     string
	Out      bool     // some node sends it no calls
	Prefixes []string // of the versions, sorted
}

// topology answers GET /operator/topology.
func (p *Portal) topology(r *http.Request) (page, error) {
	who, err := p.readsPlatform(r)
	if err != nil {
		return page{}, err
	}
	ctx := r.Context()
	list, err := p.Nodes.List(ctx, who)
	if err != nil {
		return page{}, err
	}
	stand := nodesData{At: p.Now().UTC()}
	stand.read(list)
	data := topologyData{At: stand.At, Days: topologyDays, Nodes: stand.Nodes}
	if data.Systems, err = p.systems(ctx, who, stand.Versions); err != nil {
		return page{}, err
	}
	for _, s := range data.Systems {
		data.Hosts, data.Trouble = data.Hosts+len(s.Hosts), data.Trouble+s.Wrong
	}
	data.Callers, err = p.callers(ctx, who)
	return page{Name: "operator-topology", Data: data}, err
}

// systems sorts the hosts behind the versions by agency.
func (p *Portal) systems(ctx context.Context, who auth.Principal, versions []versionStanding) ([]agencySystems, error) {
	bySlug := map[string]map[string]*systemRow{}
	var slugs []string
	for _, v := range versions {
		slug, _, _ := strings.Cut(strings.TrimPrefix(v.Prefix, "/"), "/")
		hosts, known := bySlug[slug]
		if !known {
			hosts, slugs = map[string]*systemRow{}, append(slugs, slug)
			bySlug[slug] = hosts
		}
		for _, a := range v.Addresses {
			row := hosts[a.Host]
			if row == nil {
				row = &systemRow{Host: a.Host}
				hosts[a.Host] = row
			}
			row.Out = row.Out || a.Out || a.Sick
			if !slices.Contains(row.Prefixes, v.Prefix) {
				row.Prefixes = append(row.Prefixes, v.Prefix)
			}
		}
	}
	agencies, err := p.Auth.AgenciesBySlug(ctx, slugs)
	if err != nil {
		return nil, err
	}
	calls, err := p.Ledger.LastDay(ctx, who)
	mayKnow := !problem.Is(err, problem.Forbidden)
	if err != nil && mayKnow {
		return nil, err
	}
	list := make([]agencySystems, 0, len(slugs))
	for _, slug := range slugs {
		agency, known := agencies[slug]
		if !known {
			agency.NameVI = slug // its address changed a moment ago, and a node knows the former one
		}
		s := agencySystems{Agency: agency}
		if mayKnow {
			s.Calls = &ledger.VersionCalls{}
			for _, c := range calls {
				if c.AgencyID == s.Agency.ID {
					s.Calls.Calls, s.Calls.Failed = s.Calls.Calls+c.Calls, s.Calls.Failed+c.Failed
				}
			}
		}
		for _, row := range bySlug[slug] {
			slices.Sort(row.Prefixes)
			s.Hosts = append(s.Hosts, *row)
			if row.Out {
				s.Wrong++
			}
		}
		slices.SortFunc(s.Hosts, func(a, b systemRow) int { return cmp.Compare(a.Host, b.Host) })
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b agencySystems) int {
		return cmp.Or(cmp.Compare(min(b.Wrong, 1), min(a.Wrong, 1)), cmp.Compare(a.Agency.NameVI, b.Agency.NameVI))
	})
	return list, nil
}

// callers sorts who called in the last days by the side they are on; nil when
// who may not know.
func (p *Portal) callers(ctx context.Context, who auth.Principal) (*callers, error) {
	today := day(p.Now().In(province).Format(time.DateOnly))
	calls, err := p.Ledger.CallsByApplication(ctx, who, today.AddDate(0, 0, 1-topologyDays), today)
	if problem.Is(err, problem.Forbidden) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(calls))
	for i, c := range calls {
		ids[i] = c.ApplicationID
	}
	apps, err := p.Auth.ApplicationsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	all, byAgency, owners := callers{}, map[uuid.UUID]*callerGroup{}, []uuid.UUID{}
	for _, c := range calls {
		if c.ApplicationID == uuid.Nil {
			all.Nobody = c.Calls.Calls
			continue
		}
		group := &all.Outside
		if owner := apps[c.ApplicationID].OwnerAgency; owner != nil {
			if byAgency[*owner] == nil {
				byAgency[*owner], owners = &callerGroup{}, append(owners, *owner)
			}
			group = byAgency[*owner]
		}
		group.Applications++
		group.Calls = group.Calls.Plus(c.Calls)
	}
	agencies, err := p.Auth.Agencies(ctx, owners)
	if err != nil {
		return nil, err
	}
	for _, owner := range owners {
		byAgency[owner].Agency = agencies[owner]
		all.Inside = append(all.Inside, *byAgency[owner])
	}
	slices.SortStableFunc(all.Inside, func(a, b callerGroup) int { return cmp.Compare(b.Calls.Calls, a.Calls.Calls) })
	return &all, nil
}
