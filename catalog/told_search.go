package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
)

const (
	tellOfSearchSQL = `
update catalog.saved_search
   set told_since = coalesce(told_since, $3)
 where id = $1 and person_id = $2
returning ` + savedColumns

	tellNoMoreSQL = `update catalog.saved_search set told_since = null where id = $1 and person_id = $2 returning ` + savedColumns

	tellOfNothingSQL = `update catalog.saved_search set told_since = null where person_id = $1 and told_since is not null`

	toldSearchesSQL = `
select ` + savedColumns + `
  from catalog.saved_search
 where person_id = $1 and told_since is not null
 order by id desc`
)

// TellOfSearch has the digest of who tell what is new for a search that they
// keep. The first thing that is followed or told of begins a weekly digest. It
// fails with NotFound.
func (c *Catalog) TellOfSearch(ctx context.Context, who auth.Principal, id uuid.UUID) (SavedSearch, error) {
	var s SavedSearch
	now := c.Now().UTC()
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		var err error
		s, err = pg.One[SavedSearch](ctx, tx, tellOfSearchSQL, id, who.Person, now)
		if errors.Is(err, pgx.ErrNoRows) {
			return noSavedSearch(id)
		} else if err != nil {
			return fmt.Errorf("tell of search %s: %w", id, err)
		}
		if _, err := tx.Exec(ctx, beginFollowerSQL, who.Person, now, now.Add(interval(Weekly))); err != nil {
			return fmt.Errorf("begin follower %s: %w", who.Person, err)
		}
		return nil
	})
	return s, err
}

// TellNoMore ends that for one search. It fails with NotFound.
func (c *Catalog) TellNoMore(ctx context.Context, who auth.Principal, id uuid.UUID) (SavedSearch, error) {
	s, err := pg.One[SavedSearch](ctx, c.DB, tellNoMoreSQL, id, who.Person)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, noSavedSearch(id)
	} else if err != nil {
		return s, fmt.Errorf("tell no more of search %s: %w", id, err)
	}
	return s, nil
}

func (c *Catalog) toldSearches(ctx context.Context, person uuid.UUID) ([]SavedSearch, error) {
	list, err := pg.All[SavedSearch](ctx, c.DB, toldSearchesSQL, person)
	if err != nil {
		return nil, fmt.Errorf("list searches that %s is told of: %w", person, err)
	}
	return list, nil
}

// SearchNews is what is new for a search that a person keeps.
type SearchNews struct {
	SavedSearch
	Hits  []Hit // the best, at most 5
	Total int   // at least 1
}

// mostTold is how many hits of a search a letter names.
const mostTold = 5

// searchNews is what is new for the searches that a digest tells of.
func (c *Catalog) searchNews(ctx context.Context, d Digest) ([]SearchNews, error) {
	searches, err := c.toldSearches(ctx, d.Person)
	if err != nil {
		return nil, err
	}
	var news []SearchNews
	for _, s := range searches {
		since := d.Since
		if s.ToldSince.After(since) {
			since = *s.ToldSince
		}
		hits, total, err := c.NewSince(ctx, s.SavedQuery, since)
		if err != nil {
			return nil, err
		}
		if total > 0 {
			news = append(news, SearchNews{s, hits[:min(len(hits), mostTold)], total})
		}
	}
	return news, nil
}
