// Package report answers what a month came to: for an agency, and for the whole
// province. What is told of a month that is over is kept as it was told first.
package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
	"lgsp/ledger"
)

// Reports counts months, and keeps what it counted.
type Reports struct {
	DB         pg.DB
	Now        func() time.Time
	May        auth.MayFunc
	Auth       *auth.Auth
	Catalog    *catalog.Catalog
	Agreements *agreement.Agreements
	Ledger     *ledger.Ledger

	// Tell has an agency's officials, of uuid.Nil the operators, told of a
	// report once tx commits.
	Tell func(ctx context.Context, tx pgx.Tx, r Report) error
}

// Layout is how a month is written.
const Layout = "2006-01"

// Oldest is how many months back can be asked for.
const Oldest = 36

// here is the zone whose months are counted: UTC+7 all year.
var here = time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)

// Report is what a month came to.
type Report struct {
	AgencyID uuid.UUID `json:"agency_id"` // zero: the province
	Month    string    `json:"month"`     // YYYY-MM
	MadeAt   time.Time `json:"made_at"`
	Kept     bool      `json:"kept"` // as it was filed; else counted now, and the figures may still move
	This     Figures   `json:"this"`
	Before   Figures   `json:"before"` // the month before

	Services []Service    `json:"services"` // that were called in one of the two months, the most called first, at most 200
	Stopped  []Stopped    `json:"stopped"`  // called in the month before and not in this one, at most 100
	Agencies []AgencyLine `json:"agencies"` // of the province, by name of their address
	Target   Target       `json:"target"`   // of decisions
}

// Figures are what is counted of a month.
type Figures struct {
	Calls   int64 `json:"calls"`
	Refused int64 `json:"refused"` // of those, answered with 4xx
	Failed  int64 `json:"failed"`  // of those, answered with 5xx, or not to the end
	Callers int64 `json:"callers"` // applications
	Within  int64 `json:"ms_95"`   // 95 of 100 calls took up to so many milliseconds, by steps; 0: there were none

	Asked   int     `json:"agreements_asked"`
	Granted int     `json:"agreements_granted"`
	Renewed int     `json:"agreements_renewed"` // of those
	Denied  int     `json:"agreements_refused"`
	Ended   int     `json:"agreements_ended"`
	Decided int     `json:"decided"`        // by people
	InTime  int     `json:"decided_within"` // of those, within the term
	Median  float64 `json:"median_days"`    // working days from the request to the decision

	Published int  `json:"datasets_published"`
	Updated   int  `json:"datasets_updated"`
	Overdue   *int `json:"datasets_overdue,omitempty"` // when the report was made; none: not known of a month that is over and was not kept
}

// Target is how many working days a decision may take.
type Target struct {
	Days      int  `json:"working_days"`
	Confirmed bool `json:"confirmed"` // by a clause that was confirmed; else it is the province's target
}

// Service is the use of a version.
type Service struct {
	catalog.ServiceName
	Calls   int64 `json:"calls"`
	Refused int64 `json:"refused"`
	Failed  int64 `json:"failed"`
	Callers int64 `json:"callers"`
	Within  int64 `json:"ms_95"`
	Before  int64 `json:"calls_before"` // in the month before
}

// Stopped is an application that called a version and does no more.
type Stopped struct {
	catalog.ServiceName
	ApplicationID uuid.UUID `json:"application_id"`
	Application   string    `json:"application,omitempty"` // its name now
	LastDay       string    `json:"last_day"`
	Before        int64     `json:"calls_before"`
}

// AgencyLine is an agency in the report of the province.
type AgencyLine struct {
	Agency uuid.UUID `json:"agency_id"`
	Slug   string    `json:"slug"`
	NameVI string    `json:"name_vi"`
	NameEN string    `json:"name_en"`
	Figures
}

// IsEmpty reports whether there is nothing to tell of.
func (r Report) IsEmpty() bool {
	f := r.This
	return f.Calls+r.Before.Calls == 0 && f.Asked+f.Granted+f.Denied+f.Ended+f.Decided+f.Published+f.Updated == 0 && (f.Overdue == nil || *f.Overdue == 0)
}

const keptSQL = `select made_at, body from portal.month_report where month = $1 and agency_id = $2`

// Of gives the report of an agency's month, YYYY-MM; of uuid.Nil the province's.
// What was kept comes as it was kept. It fails with what May says of reading the
// agency's calls (of the platform, for the province), and Invalid for a month
// that is none, has not begun, or began more than 36 months ago.
func (s *Reports) Of(ctx context.Context, who auth.Principal, agency uuid.UUID, month string) (Report, error) {
	act := "exchange.read"
	if agency == uuid.Nil {
		act = "platform.read"
	}
	if err := s.May(ctx, who, act, agency); err != nil {
		return Report{}, err
	}
	first, err := s.begins(month)
	if err != nil {
		return Report{}, err
	}
	r, kept, err := s.kept(ctx, s.DB, agency, first)
	if err == nil && !kept {
		r, err = s.count(ctx, agency, first)
	}
	if err != nil {
		return Report{}, err
	}
	return r, s.name(ctx, &r)
}

// begins is the first moment of a month that can be asked for.
func (s *Reports) begins(month string) (time.Time, error) {
	first, err := time.ParseInLocation(Layout, month, here)
	now := s.Now().In(here)
	if err != nil || first.After(now) || first.AddDate(0, Oldest, 0).Before(now) {
		return time.Time{}, problem.Errorf(problem.Invalid, "%q is no month like 2026-11 that has begun, at most %d back", month, Oldest).
			Coded("report-month", "most", fmt.Sprint(Oldest))
	}
	return first, nil
}

// kept is the report as it was kept; false: it was not.
func (s *Reports) kept(ctx context.Context, db pg.DB, agency uuid.UUID, first time.Time) (Report, bool, error) {
	row, err := pg.One[struct {
		MadeAt time.Time
		Body   json.RawMessage
	}](ctx, db, keptSQL, first.Format(time.DateOnly), agency)
	if errors.Is(err, pgx.ErrNoRows) {
		return Report{}, false, nil
	} else if err != nil {
		return Report{}, false, fmt.Errorf("read report of agency %s: %w", agency, err)
	}
	var r Report
	if err := json.Unmarshal(row.Body, &r); err != nil {
		return Report{}, false, fmt.Errorf("decode report of agency %s: %w", agency, err)
	}
	r.MadeAt, r.Kept = row.MadeAt, true
	return r, true, nil
}

// name adds the names that applications have now: a report keeps none of them,
// so that what its owner deletes is gone from there as well.
func (s *Reports) name(ctx context.Context, r *Report) error {
	var ids []uuid.UUID
	for _, one := range r.Stopped {
		ids = append(ids, one.ApplicationID)
	}
	applications, err := s.Auth.ApplicationsByID(ctx, ids)
	for i := range r.Stopped {
		r.Stopped[i].Application = applications[r.Stopped[i].ApplicationID].Name
	}
	return err
}
