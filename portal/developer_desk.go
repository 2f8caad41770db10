package portal

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
)

// soon is how long before an end the desk speaks of it.
const soon = 30 * 24 * time.Hour

// deskData is the data of the page "developer-desk".
type deskData struct {
	Waiting      []agreement.Agreement // requests that an agency has to decide
	Expiring     []expiring            // credentials, soonest first
	Ending       []agreement.Agreement // agreements, soonest first
	Applications []deskApplication
	Calls        []callRow
}

// Quiet reports that nothing needs the reader today.
func (d deskData) Quiet() bool { return len(d.Waiting)+len(d.Expiring)+len(d.Ending) == 0 }

// expiring is a credential that ends soon.
type expiring struct {
	auth.Credential
	Owner auth.Application
}

// deskApplication is one application of the reader.
type deskApplication struct {
	auth.Application
	Credentials int // in force
	Agreements  int // in force
}

// developer answers GET /developer.
func (p *Portal) developer(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	ctx := r.Context()
	apps, _, err := p.Auth.Applications(ctx, who, auth.Page{Limit: 20})
	if err != nil {
		return page{}, err
	}
	inForce, err := p.agreementsIn(ctx, who, agreement.Active)
	if err != nil {
		return page{}, err
	}
	var data deskData
	if data.Waiting, err = p.agreementsIn(ctx, who, agreement.Requested); err != nil {
		return page{}, err
	}
	counts := map[uuid.UUID]int{}
	for _, g := range inForce {
		switch left := p.daysLeft(g.Ends); {
		case left < 0:
			continue
		case left <= int(soon.Hours()/24):
			data.Ending = append(data.Ending, g)
		}
		counts[g.ApplicationID]++
	}
	slices.SortFunc(data.Ending, func(a, b agreement.Agreement) int { return cmp.Compare(a.Ends, b.Ends) })
	for _, app := range apps {
		credentials, err := p.Auth.Credentials(ctx, who, app.ID)
		if err != nil {
			return page{}, err
		}
		line := deskApplication{Application: app, Agreements: counts[app.ID]}
		for _, c := range credentials {
			if !p.live(c) {
				continue
			}
			line.Credentials++
			if c.ExpiresAt.Before(p.Now().Add(soon)) {
				data.Expiring = append(data.Expiring, expiring{c, app})
			}
		}
		data.Applications = append(data.Applications, line)
	}
	slices.SortFunc(data.Expiring, func(a, b expiring) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
	if data.Calls, err = p.latest(r, apps[:min(len(apps), 10)], 10); err != nil {
		return page{}, err
	}
	return page{Name: "developer-desk", Data: data}, nil
}

// agreementsIn are the newest agreements of the reader's applications in a state.
func (p *Portal) agreementsIn(ctx context.Context, who auth.Principal, state string) ([]agreement.Agreement, error) {
	list, err := p.Agreements.Mine(ctx, who, agreement.Filter{State: state, Limit: 100})
	return list.Items, err
}

// live reports whether a credential is in force.
func (p *Portal) live(c auth.Credential) bool {
	return c.RevokedAt == nil && c.ExpiresAt.After(p.Now())
}

// daysLeft is how many days a last day (YYYY-MM-DD, on the province's
// calendar) lies ahead: 0 on the day itself, less than 0 when it is over.
func (p *Portal) daysLeft(last string) int {
	end, err := time.Parse(time.DateOnly, last)
	if err != nil {
		return -1
	}
	today, err := time.Parse(time.DateOnly, p.today())
	if err != nil {
		return -1
	}
	return int(end.Sub(today).Hours() / 24)
}

// province is where clocks and calendars of the pages stand: UTC+7 all year.
var province = time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)

// today is the day on the province's calendar.
func (p *Portal) today() string { return p.Now().In(province).Format(time.DateOnly) }

// workedApplication is the application in the address, on which the reader
// works, with their role; to others it is NotFound.
func (p *Portal) workedApplication(r *http.Request) (auth.Application, auth.Principal, error) {
	who, err := signedIn(r)
	if err != nil {
		return auth.Application{}, who, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return auth.Application{}, who, err
	}
	app, err := p.Auth.Worked(r.Context(), who, id)
	return app, who, err
}

// ownApplication is the same for its owners; a developer of the team is told
// that one is needed.
func (p *Portal) ownApplication(r *http.Request) (auth.Application, auth.Principal, error) {
	app, who, err := p.workedApplication(r)
	if err == nil {
		err = p.Auth.OwnsApplication(r.Context(), who, app.ID)
	}
	return app, who, err
}
