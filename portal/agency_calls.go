package portal

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/catalog"
	"lgsp/ledger"
)

// How many days the picture of an agency's calls shows; after how many without a
// call an agreement is called unused; and how many agreements are looked at.
const (
	callDays      = 30
	unusedDays    = 90
	mostInForce   = 1000
	labelEachDays = 5
)

// agencyCallsData is the data of the page "agency-calls".
type agencyCallsData struct {
	desk
	Usage       usage // of the last days
	Sum         ledger.Calls
	Within      int64 // up to how many milliseconds 95 of 100 calls took
	Callers     int   // applications, in the last 90 days
	Services    []serviceUse
	Connections []connectionUse
	Unused      []unusedAgreement
	Stopped     []connectionUse // called in the 90 days before, and not since
	More        bool            // there are more agreements than were looked at
}

// serviceUse is the use of a version in the days of the picture.
type serviceUse struct {
	Version catalog.Version
	Callers int64 // on the busiest day
	ledger.Calls
	Within int64
	times  ledger.Times
}

// connectionUse is an application that calls, under an agreement or without one.
type connectionUse struct {
	ledger.Connection
	Application string
	Version     catalog.Version
}

// unusedAgreement is one in force that nobody calls under.
type unusedAgreement struct {
	agreement.Agreement
	Since time.Time // when it was decided, or last called
	Never bool
}

// agencyCalls answers GET /agency/{agency}/calls: how the agency's services are
// called, by whom, and which agreements nobody uses.
func (p *Portal) agencyCalls(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	ctx, data := r.Context(), agencyCallsData{desk: d}
	today := day(p.Now().In(province).Format(time.DateOnly))
	since := today.AddDate(0, 0, 1-callDays)
	days, err := p.Ledger.ServiceDays(ctx, d.who, d.Agency.ID, since, today)
	if err != nil {
		return page{}, err
	}
	versions, err := p.versionsIn(ctx, d)
	if err != nil {
		return page{}, err
	}
	data.count(days, versions)
	data.Usage = usageByDay(r, days, since)
	connections, err := p.Ledger.Connections(ctx, d.who, d.Agency.ID, unusedDays, today)
	if err != nil {
		return page{}, err
	}
	if err := p.callersIn(ctx, &data, connections, versions); err != nil {
		return page{}, err
	}
	if err := p.unused(ctx, &data, connections); err != nil {
		return page{}, err
	}
	return page{Name: "agency-calls", Data: data}, nil
}

// versionsIn are the versions of the agency's APIs, by id.
func (p *Portal) versionsIn(ctx context.Context, d desk) (map[uuid.UUID]catalog.Version, error) {
	all := map[uuid.UUID]catalog.Version{}
	for after := ""; ; {
		list, next, err := p.Catalog.ListAPIs(ctx, d.who, catalog.APIFilter{Agency: d.Agency.ID, Limit: 100, After: after})
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			for _, v := range a.Versions {
				all[v.ID] = v
			}
		}
		if after = next; next == "" {
			return all, nil
		}
	}
}

// count sums the days up: of everything, and of each service, the most called first.
func (d *agencyCallsData) count(days []ledger.ServiceDay, versions map[uuid.UUID]catalog.Version) {
	var times ledger.Times
	at := map[uuid.UUID]int{}
	for _, one := range days {
		i, known := at[one.VersionID]
		if !known {
			i = len(d.Services)
			at[one.VersionID] = i
			d.Services = append(d.Services, serviceUse{Version: versions[one.VersionID]})
		}
		s := &d.Services[i]
		s.Callers = max(s.Callers, one.Callers)
		s.Calls, d.Sum = s.Plus(one.Calls), d.Sum.Plus(one.Calls)
		for step, n := range one.Times {
			s.times[step] += n
			times[step] += n
		}
	}
	d.Within = times.Within(95)
	for i := range d.Services {
		d.Services[i].Within = d.Services[i].times.Within(95)
	}
	slices.SortStableFunc(d.Services, func(a, b serviceUse) int { return int(b.Calls.Calls - a.Calls.Calls) })
}

// usageByDay draws the calls of all services together.
func usageByDay(r *http.Request, list []ledger.ServiceDay, since time.Time) usage {
	days := make([]usageDay, callDays)
	form := map[string]string{"vi": "2/1", "en": "2 Jan"}[localeOf(r)]
	for i := range days {
		days[i].Day = since.AddDate(0, 0, i)
		if (callDays-1-i)%labelEachDays == 0 {
			days[i].Label = days[i].Day.Format(form)
		}
	}
	for _, one := range list {
		if i := int(one.Day.Sub(since).Hours() / 24); i >= 0 && i < callDays {
			days[i].Calls += one.Calls.Calls
			days[i].Refused += one.Refused + one.Failed
		}
	}
	return drawUsage(days)
}

// callersIn tells who calls, and who does no more.
func (p *Portal) callersIn(ctx context.Context, data *agencyCallsData, connections []ledger.Connection, versions map[uuid.UUID]catalog.Version) error {
	var ids []uuid.UUID
	for _, c := range connections {
		if c.ApplicationID != uuid.Nil {
			ids = append(ids, c.ApplicationID)
		}
	}
	applications, err := p.Auth.ApplicationsByID(ctx, ids)
	if err != nil {
		return err
	}
	callers := map[uuid.UUID]bool{}
	for _, c := range connections {
		one := connectionUse{c, applications[c.ApplicationID].Name, versions[c.VersionID]}
		switch {
		case c.Calls.Calls > 0:
			data.Connections = append(data.Connections, one)
			if c.ApplicationID != uuid.Nil {
				callers[c.ApplicationID] = true
			}
		case c.ApplicationID != uuid.Nil:
			data.Stopped = append(data.Stopped, one)
		}
	}
	data.Callers = len(callers)
	return nil
}

// unused finds the agreements in force that were decided long ago and under
// which nobody has called for as long, the longest first.
func (p *Portal) unused(ctx context.Context, data *agencyCallsData, connections []ledger.Connection) error {
	last, called := map[uuid.UUID]time.Time{}, map[uuid.UUID]bool{}
	for _, c := range connections {
		if c.LastDay.After(last[c.AgreementID]) {
			last[c.AgreementID] = c.LastDay
		}
		called[c.AgreementID] = called[c.AgreementID] || c.Calls.Calls > 0
	}
	before, today := p.Now().AddDate(0, 0, -unusedDays), p.Now().In(province).Format(time.DateOnly)
	filter := agreement.Filter{Agency: data.Agency.ID, State: agreement.Active, Limit: 100}
	for range mostInForce / filter.Limit {
		inbox, err := p.Agreements.Inbox(ctx, data.who, filter)
		if err != nil {
			return err
		}
		for _, g := range inbox.Items {
			if called[g.ID] || g.Ends < today || g.DecidedAt == nil || g.DecidedAt.After(before) {
				continue
			}
			one := unusedAgreement{Agreement: g, Since: *g.DecidedAt, Never: true}
			if at, known := last[g.ID]; known {
				one.Since, one.Never = at, false
			}
			data.Unused = append(data.Unused, one)
		}
		if filter.After = inbox.Next; inbox.Next == "" {
			break
		}
	}
	data.More = filter.After != ""
	slices.SortStableFunc(data.Unused, func(a, b unusedAgreement) int { return a.Since.Compare(b.Since) })
	return nil
}
