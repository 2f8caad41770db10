package portal

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
)

// endsSoon is how long before the end of a certificate somebody should know.
const endsSoon = 30 * 24 * time.Hour

// need is one thing that waits for the operator.
type need struct {
	Key   string // of its words: room.need-KEY, and room.tag-KEY
	N     int
	Grave bool // somebody is kept from something already
	Until time.Time
	Href  string // "" where there is nothing to be done on a page
}

// Count is how many there are, as people write it: a year is no number.
func (n need) Count() any {
	if n.Key == "holidays" {
		return strconv.Itoa(n.N)
	}
	return n.N
}

// needs is what waits for who, the grave first, and the figures that were
// counted with it.
func (p *Portal) needs(ctx context.Context, who auth.Principal) ([]need, auth.Attention, error) {
	counts, err := p.Auth.Attention(ctx, who)
	if err != nil {
		return nil, counts, err
	}
	var list []need
	add := func(n need) {
		if n.N > 0 {
			list = append(list, n)
		}
	}
	waiting, err := p.upstreamsWaiting(ctx, who)
	if err != nil {
		return nil, counts, err
	}
	add(need{Key: "upstreams", N: waiting, Href: "/operator/upstreams"})
	clocks, err := p.Agreements.WaitingInAll(ctx, who)
	if err != nil {
		return nil, counts, err
	}
	add(need{Key: "clocks", N: clocks.Overdue, Grave: true, Href: "/operator/clocks"})
	add(need{Key: "unled", N: counts.Unled, Href: "/operator/agencies?state=unled"})
	if err := p.endingCertificates(ctx, add); err != nil {
		return nil, counts, err
	}
	_, failures, err := p.Room.Jobs(ctx)
	if err != nil {
		return nil, counts, err
	}
	add(need{Key: "jobs", N: len(failures), Grave: true, Href: "/operator/jobs"})
	unsent, err := p.Notices.Unsent(ctx)
	if err != nil {
		return nil, counts, err
	}
	add(need{Key: "letters", N: unsent + counts.Unsent, Grave: true, Href: "/operator/jobs"})
	year, err := p.yearUnknown(ctx)
	if err != nil {
		return nil, counts, err
	}
	add(need{Key: "holidays", N: year, Href: "/operator/holidays"})
	slices.SortStableFunc(list, func(a, b need) int {
		switch {
		case a.Grave == b.Grave:
			return 0
		case a.Grave:
			return -1
		}
		return 1
	})
	return list, counts, nil
}

// upstreamsWaiting is how many hosts wait for who to approve them; 0 for who may not.
func (p *Portal) upstreamsWaiting(ctx context.Context, who auth.Principal) (int, error) {
	if p.Policy.May(ctx, who, "upstream.approve", uuid.Nil) != nil {
		return 0, nil
	}
	hosts, err := p.Catalog.Upstreams(ctx, who, uuid.Nil)
	waiting := slices.DeleteFunc(hosts, func(h catalog.Upstream) bool { return h.ApprovedAt != nil })
	return len(waiting), err
}

// endingCertificates adds what of the platform's own certificates ends soon.
func (p *Portal) endingCertificates(ctx context.Context, add func(need)) error {
	now := p.Now()
	if ends := p.Room.Certificate(); !ends.IsZero() && ends.Before(now.Add(endsSoon)) {
		add(need{Key: "certificate", N: 1, Grave: ends.Before(now), Until: ends})
	}
	list, err := p.Room.ClientCertificates(ctx, endsSoon)
	if err != nil || len(list) == 0 {
		return err
	}
	add(need{Key: "client-certificates", N: len(list), Grave: list[0].NotAfter.Before(now), Until: list[0].NotAfter})
	return nil
}

// yearUnknown is the next year when its days off should be known and are not,
// from October on; else 0.
func (p *Portal) yearUnknown(ctx context.Context) (int, error) {
	now := p.Now().In(province)
	if now.Month() < time.October {
		return 0, nil
	}
	years, err := p.Agreements.Years(ctx)
	if slices.ContainsFunc(years, func(y agreement.Year) bool { return y.Year == now.Year()+1 }) {
		return 0, err
	}
	return now.Year() + 1, err
}
