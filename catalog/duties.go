package catalog

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
)

const day = 24 * time.Hour

// Terms are how long things may take with the datasets of the province. They
// are its own practice, not law; zero is the usual one.
type Terms struct {
	Decide time.Duration // a steward, on what was submitted; 5 days
	Review time.Duration // until a public dataset is looked through again; 183 days
	Renew  time.Duration // until new data comes, where no frequency is stated; 92 days
}

func (t Terms) decide() time.Duration { return cmp.Or(t.Decide, 5*day) }
func (t Terms) review() time.Duration { return cmp.Or(t.Review, 183*day) }
func (t Terms) renew() time.Duration  { return cmp.Or(t.Renew, 92*day) }

// ByKind are the terms in force, by the kind of duty.
func (t Terms) ByKind() map[string]time.Duration {
	return map[string]time.Duration{DutyDecide: t.decide(), DutyReview: t.review(), DutyRenew: t.renew()}
}

// renewals are how long each frequency leaves until new data comes: for
// irregular data and what comes once, nothing is ever due.
func (t Terms) renewals() (frequencies []string, seconds []float64) {
	for _, f := range []struct {
		frequency string
		every     time.Duration
	}{
		{"UNKNOWN", t.renew()}, {"DAILY", day}, {"WEEKLY", 7 * day}, {"MONTHLY", 31 * day}, {"QUARTERLY", 92 * day},
		{"ANNUAL_2", 183 * day}, {"ANNUAL", 366 * day},
	} {
		frequencies, seconds = append(frequencies, f.frequency), append(seconds, f.every.Seconds())
	}
	return frequencies, seconds
}

// The kinds of duty.
const (
	DutyDecide = "decide" // a submitted dataset waits for the steward
	DutyEdit   = "edit"   // so does the edit of a public one
	DutyReview = "review" // a public dataset is to be looked through again
	DutyRenew  = "renew"  // new data is expected
)

// Duty is something that an agency has to do with one of its datasets.
type Duty struct {
	Kind      string    `json:"kind"`
	DatasetID uuid.UUID `json:"dataset_id"`
	Slug      string    `json:"slug"`
	TitleVI   string    `json:"title_vi"`
	TitleEN   string    `json:"title_en"`
	Due       time.Time `json:"due"`
	Overdue   bool      `json:"overdue" db:"-"`
}

// comingDuties is how long beforehand reviews and renewals are listed at most, and
// mostDuties how many of an agency.
const (
	comingDuties = 30 * day
	mostDuties   = 500
)

// dutiesSQL lists what is due within $7 seconds, and whatever waits for a
// steward. New data is not spoken of before the last quarter of its time, or
// daily data would always be due. Each kind is read in its order off an index
// of its own (00114), so that it costs what is listed and not what there is.
const dutiesSQL = `
select kind, id as dataset_id, slug, title_vi, title_en, due
  from ((select 'decide' as kind, id, slug, title_vi, title_en, review_by as due
           from catalog.dataset
          where agency_id = $1 and state = 'review' and review_by is not null
          order by review_by, id
          limit $6)
        union all
        (select 'edit', o.id, o.slug, o.title_vi, o.title_en, e.review_by
           from catalog.dataset_edit e
           join catalog.dataset o on o.id = e.dataset_id
          where o.agency_id = $1 and e.state = 'review'
          order by e.review_by, e.dataset_id
          limit $6)
        union all
        (select 'review', id, slug, title_vi, title_en, coalesce(reviewed_at, published_at) + make_interval(secs => $3)
           from catalog.dataset
          where agency_id = $1 and state = 'published'
            and coalesce(reviewed_at, published_at) <= $2::timestamptz + make_interval(secs => $7) - make_interval(secs => $3)
          order by coalesce(reviewed_at, published_at), id
          limit $6)
        union all
        (select 'renew', r.id, r.slug, r.title_vi, r.title_en, r.data_at + make_interval(secs => f.seconds)
           from unnest($4::text[], $5::float8[]) as f (frequency, seconds)
          cross join lateral (select id, slug, title_vi, title_en, data_at
                                from catalog.dataset
                               where agency_id = $1 and state = 'published' and frequency = f.frequency
                                 and data_at <= $2::timestamptz + make_interval(secs => least($7, f.seconds / 4)) - make_interval(secs => f.seconds)
                               order by data_at, id
                               limit $6) r)) every
 order by due, id, kind
 limit $6`

// Duties lists what an agency has to do with its datasets, the most urgent
// first, for those who edit or approve them; others get what May says.
func (c *Catalog) Duties(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]Duty, error) {
	if !c.worksOn(ctx, who, agency) {
		if err := c.May(ctx, who, "dataset.edit", agency); err != nil {
			return nil, err
		}
	}
	return c.duties(ctx, agency, comingDuties)
}

func (c *Catalog) duties(ctx context.Context, agency uuid.UUID, coming time.Duration) ([]Duty, error) {
	now := c.Now().UTC()
	frequencies, seconds := c.Terms.renewals()
	list, err := pg.All[Duty](ctx, c.DB, dutiesSQL, agency, now, c.Terms.review().Seconds(), frequencies, seconds, mostDuties, coming.Seconds())
	if err != nil {
		return nil, fmt.Errorf("list duties of agency %s: %w", agency, err)
	}
	for i := range list {
		list[i].Overdue = list[i].Due.Before(now)
	}
	return list, nil
}

// dutyLetters is how long lies between two letters to the same agency, and
// letterDuties how long beforehand a letter names what is due.
const (
	dutyLetters  = 7 * day
	letterDuties = 14 * day
)

// claimDutyLettersSQL takes, for this node alone, the agencies that have
// something due within $1 seconds and had no letter since $4.
const claimDutyLettersSQL = `
insert into catalog.duty_letter (agency_id, sent_at)
select distinct d.agency_id, $5::timestamptz
  from catalog.dataset d
  left join unnest($2::text[], $3::float8[]) as f (frequency, seconds) on f.frequency = d.frequency
 where d.state = 'published'
   and (coalesce(d.reviewed_at, d.published_at) + make_interval(secs => $6) <= $5::timestamptz + make_interval(secs => $1)
        or d.data_at + make_interval(secs => f.seconds) <= $5::timestamptz + make_interval(secs => least($1, f.seconds / 4)))
    on conflict (agency_id) do update set sent_at = excluded.sent_at where duty_letter.sent_at <= $4
returning agency_id`

// ClaimDutyLetters gives, by agency, the reviews and renewals that its
// publishers are to be told of now. An agency comes up once a week, whatever
// the number of nodes; UnclaimDutyLetter has it come up again in an hour.
func (c *Catalog) ClaimDutyLetters(ctx context.Context) (map[uuid.UUID][]Duty, error) {
	now := c.Now().UTC()
	frequencies, seconds := c.Terms.renewals()
	rows, _ := c.DB.Query(ctx, claimDutyLettersSQL, letterDuties.Seconds(), frequencies, seconds, now.Add(-dutyLetters), now,
		c.Terms.review().Seconds()) // the error comes back from Collect
	agencies, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("claim letters about duties: %w", err)
	}
	letters := map[uuid.UUID][]Duty{}
	for _, agency := range agencies {
		list, err := c.duties(ctx, agency, letterDuties)
		if err != nil {
			return nil, err
		}
		for _, duty := range list {
			if duty.Kind == DutyReview || duty.Kind == DutyRenew {
				letters[agency] = append(letters[agency], duty)
			}
		}
	}
	return letters, nil
}

const unclaimDutyLetterSQL = `update catalog.duty_letter set sent_at = $2 where agency_id = $1`

// UnclaimDutyLetter gives back a letter that could not be sent.
func (c *Catalog) UnclaimDutyLetter(ctx context.Context, agency uuid.UUID) error {
	if _, err := c.DB.Exec(ctx, unclaimDutyLetterSQL, agency, c.Now().UTC().Add(time.Hour-dutyLetters)); err != nil {
		return fmt.Errorf("give back the letter to agency %s: %w", agency, err)
	}
	return nil
}

const reviewedSQL = `update catalog.dataset set reviewed_at = $2 where id = $1`

// ReviewedDataset notes that a public dataset was looked through and is right
// as it stands.
func (c *Catalog) ReviewedDataset(ctx context.Context, who auth.Principal, id uuid.UUID) (Dataset, error) {
	ch := datasetChange{who: who, id: id, act: "dataset.edit", verb: "dataset.reviewed", from: []string{Published}}
	return c.changeDataset(ctx, ch, func(tx pgx.Tx, _ Dataset) error {
		return execOne(ctx, tx, reviewedSQL, id, c.Now().UTC())
	})
}
