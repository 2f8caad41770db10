package catalog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Ratings are how many of those whose applications call an API find it useful.
type Ratings struct {
	Useful    int   `json:"useful"`
	NotUseful int   `json:"not_useful"`
	Mine      *bool `json:"mine"` // the reader's own; null: none, or nobody reads
}

const (
	ratingsSQL = `
select count(*) filter (where useful) as useful, count(*) filter (where not useful) as not_useful,
       bool_or(useful) filter (where person = $2) as mine
  from catalog.rating
 where api_id = $1`

	rateSQL = `
insert into catalog.rating (api_id, person, useful, updated_at)
values ($1, $2, $3, $4)
on conflict on constraint rating_key do update set useful = excluded.useful, updated_at = excluded.updated_at`

	unrateSQL = `delete from catalog.rating where api_id = $1 and person = $2`
)

// Ratings counts those of an API that who may see. It fails with NotFound.
func (c *Catalog) Ratings(ctx context.Context, who auth.Principal, api uuid.UUID) (Ratings, error) {
	if _, err := c.APIByID(ctx, who, api); err != nil {
		return Ratings{}, err
	}
	r, err := pg.One[Ratings](ctx, c.DB, ratingsSQL, api, personOf(who))
	if err != nil {
		return r, fmt.Errorf("count ratings of %s: %w", api, err)
	}
	return r, nil
}

// Rate says whether who finds an API useful; a person says so once, and may
// change it. It fails with Unauthorized or Forbidden unless a person does,
// NotFound, and Conflict when no application that they work on called the API
// within 90 days.
func (c *Catalog) Rate(ctx context.Context, who auth.Principal, api uuid.UUID, useful bool) (Ratings, error) {
	if err := aPerson(who); err != nil {
		return Ratings{}, err
	}
	a, err := c.APIByID(ctx, who, api)
	if err != nil {
		return Ratings{}, err
	}
	if called, err := c.calledBy(ctx, who, a); err != nil {
		return Ratings{}, err
	} else if !called {
		return Ratings{}, problem.Errorf(problem.Conflict, "no application of this person called %s within 90 days", a.Slug).Coded("rating-not-called")
	}
	if _, err := c.DB.Exec(ctx, rateSQL, api, who.Person, useful, c.Now().UTC()); err != nil {
		return Ratings{}, fmt.Errorf("rate %s: %w", api, err)
	}
	return c.Ratings(ctx, who, api)
}

// Unrate takes who's rating of an API back; there need be none. It fails with
// Unauthorized or Forbidden unless a person does, and NotFound.
func (c *Catalog) Unrate(ctx context.Context, who auth.Principal, api uuid.UUID) (Ratings, error) {
	if err := aPerson(who); err != nil {
		return Ratings{}, err
	}
	if _, err := c.DB.Exec(ctx, unrateSQL, api, who.Person); err != nil {
		return Ratings{}, fmt.Errorf("take a rating of %s back: %w", api, err)
	}
	return c.Ratings(ctx, who, api)
}

// calledBy reports whether an application that the person works on called a
// version of the API within 90 days.
func (c *Catalog) calledBy(ctx context.Context, who auth.Principal, a API) (bool, error) {
	for _, v := range a.Versions {
		callers, err := c.callers(ctx, v.ID)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(callers, func(one Caller) bool { return one.LastAt != nil && one.isOf(who) }) {
			return true, nil
		}
	}
	return false, nil
}

// isOf reports whether who works on the application: for themselves, in its
// team, or for the agency that owns it.
func (c Caller) isOf(who auth.Principal) bool {
	return c.OwnerPerson == who.Person || slices.Contains(c.Team, who.Person) ||
		c.OwnerAgency != uuid.Nil && slices.ContainsFunc(who.Memberships, func(m auth.Membership) bool { return m.Agency == c.OwnerAgency })
}

// SaidRating is a rating that a person gave.
type SaidRating struct {
	API       uuid.UUID `json:"api" db:"api_id"`
	Useful    bool      `json:"useful"`
	UpdatedAt time.Time `json:"updated_at"`
}

const saidRatingsSQL = `select api_id, useful, updated_at from catalog.rating where person = $1 order by updated_at, api_id`
