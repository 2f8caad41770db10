package portal

import (
	"context"
	"net/http"
	"time"

	"lgsp/auth"
	"lgsp/catalog"
)

// dueData is the data of the page "agency-due".
type dueData struct {
	desk
	Overdue, Coming []dutyRow
	Terms           map[string]int // the province's, in days: decide, review, renew
}

// dutyRow is one duty and its term.
type dutyRow struct {
	catalog.Duty
	Clock clock
}

// agencyDue answers GET /agency/{agency}/due: what is overdue with the
// agency's datasets, and what comes.
func (p *Portal) agencyDue(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	list, err := p.Catalog.Duties(r.Context(), d.who, d.Agency.ID)
	if err != nil {
		return page{}, err
	}
	data := dueData{desk: d, Terms: map[string]int{}}
	for kind, term := range p.Catalog.Terms.ByKind() {
		data.Terms[kind] = int(term / (24 * time.Hour))
	}
	for _, duty := range list {
		row := dutyRow{Duty: duty, Clock: p.clockOf(duty.Due)}
		if duty.Overdue {
			data.Overdue = append(data.Overdue, row)
		} else {
			data.Coming = append(data.Coming, row)
		}
	}
	return page{Name: "agency-due", Data: data}, nil
}

// duties are the agency's, for its desk; none for who has nothing to do with
// datasets.
func (p *Portal) duties(ctx context.Context, who auth.Principal, d desk) (all, overdue int, err error) {
	if !d.May("dataset.edit") && !d.May("dataset.approve") {
		return 0, 0, nil
	}
	list, err := p.Catalog.Duties(ctx, who, d.Agency.ID)
	for _, duty := range list {
		if duty.Overdue {
			overdue++
		}
	}
	return len(list), overdue, err
}
