package portal

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
)

// How a service stands now, as far as is known at the gateway.
const (
	standsWell    = "works"   // calls of the last 30 days were answered, and nothing is known against it
	standsPartly  = "limited" // one of its addresses gets no calls
	standsDown    = "down"    // none does
	standsUnknown = "unknown" // nobody called it for 30 days
)

// ServiceStatus is how a version stands now and how it answered in 30 days.
type ServiceStatus struct {
	VersionID uuid.UUID  `json:"version_id"`
	Agency    uuid.UUID  `json:"agency_id"`
	Prefix    string     `json:"prefix"` // /{agency}/{api}/{version}, at the gateway
	TitleVI   string     `json:"title_vi"`
	TitleEN   string     `json:"title_en"`
	State     string     `json:"state"`      // works, limited, down, unknown
	DownSince *time.Time `json:"down_since"` // null: it is not down, or not known since when
	Last30    Answering  `json:"last_30_days"`
}

// statusPage is how many APIs a page of the status lists.
const statusPage = 50

// serviceStatuses are a page of the versions that anybody may call, with the
// cursor of the next: those in trouble first, then by title.
func serviceStatuses(ctx context.Context, c *catalog.Catalog, m measured, health gateway.Health, page catalog.APIFilter) ([]ServiceStatus, string, error) {
	apis, next, err := c.ListAPIs(ctx, auth.Principal{}, page)
	if err != nil {
		return nil, "", err
	}
	list, ids := []ServiceStatus{}, []uuid.UUID{}
	for _, a := range apis {
		for _, v := range a.Versions {
			if v.State == catalog.Published || v.State == catalog.Deprecated {
				ids = append(ids, v.ID)
				list = append(list, ServiceStatus{VersionID: v.ID, Agency: a.AgencyID, Prefix: v.Prefix(), TitleVI: a.TitleVI, TitleEN: a.TitleEN})
			}
		}
	}
	all, err := m.of(ctx, figureDays, ids...)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		s := &list[i]
		s.Last30, s.DownSince = all[s.VersionID].Last30, all[s.VersionID].DownSince
		s.State = standingOf(*s, health)
	}
	rank := []string{standsDown, standsPartly, standsWell, standsUnknown}
	slices.SortStableFunc(list, func(a, b ServiceStatus) int {
		return cmp.Or(cmp.Compare(min(slices.Index(rank, a.State), 2), min(slices.Index(rank, b.State), 2)), cmp.Compare(a.TitleVI, b.TitleVI), cmp.Compare(a.Prefix, b.Prefix))
	})
	return list, next, nil
}

// standingOf is how a version stands: down when all nodes together know it, or
// this one alone finds it.
func standingOf(s ServiceStatus, health gateway.Health) string {
	at := slices.IndexFunc(health.Failing, func(f gateway.Failing) bool { return f.Version == s.VersionID })
	switch {
	case s.DownSince != nil, at >= 0 && health.Failing[at].Down:
		return standsDown
	case at >= 0:
		return standsPartly
	case s.Last30.Calls == 0:
		return standsUnknown
	}
	return standsWell
}
