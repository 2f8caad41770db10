package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// Said is all that a person wrote and voted for in public, whatever became of it.
type Said struct {
	Posts    []SaidPost    `json:"posts"`
	Reports  []SaidReport  `json:"reports"`
	Requests []SaidRequest `json:"data_requests"`
	Votes    []SaidVote    `json:"votes"`
	Ratings  []SaidRating  `json:"ratings"` // of APIs
}

// SaidPost is a post in a discussion, or the one that began it.
type SaidPost struct {
	ID         uuid.UUID `json:"id"`
	Discussion uuid.UUID `json:"discussion" db:"discussion_id"`
	Dataset    string    `json:"dataset"` // slug of what it is about, "": it is about an API
	API        string    `json:"api"`     // the same of an API
	Title      string    `json:"title"`   // of the discussion
	Opening    bool      `json:"opening"`
	Text       string    `json:"text"`
	State      string    `json:"state"` // shown, held, hidden
	Why        string    `json:"why"`   // it is held or hidden
	CreatedAt  time.Time `json:"created_at"`
}

// SaidReport is what the person said of somebody's post.
type SaidReport struct {
	Post      uuid.UUID `json:"post" db:"post_id"`
	Reason    string    `json:"reason"`
	CreatedAt time.Time `json:"created_at"`
}

// SaidRequest is a request for data.
type SaidRequest struct {
	ID        uuid.UUID `json:"id"`
	Title     string    `json:"title"`
	Text      string    `json:"text"`
	State     string    `json:"state"`
	Reason    string    `json:"reason"`
	CreatedAt time.Time `json:"created_at"`
}

// SaidVote is a vote for a request.
type SaidVote struct {
	Request   uuid.UUID `json:"request" db:"request_id"`
	CreatedAt time.Time `json:"created_at"`
}

const (
	saidPostsSQL = `
select p.id, p.discussion_id, coalesce(s.slug, '') as dataset, coalesce(a.slug, '') as api, d.title, p.opening, p.text, p.state, p.why, p.created_at
  from catalog.post p
  join catalog.discussion d on d.id = p.discussion_id
  left join catalog.dataset s on s.id = d.dataset_id
  left join catalog.api a on a.id = d.api_id
 where p.author = $1
 order by p.id`

	saidReportsSQL = `select post_id, reason, created_at from catalog.post_report where person = $1 order by created_at, post_id`

	saidRequestsSQL = `select id, title, text, state, reason, created_at from catalog.data_request where author = $1 order by id`

	saidVotesSQL = `select request_id, created_at from catalog.data_request_vote where person = $1 order by created_at, request_id`
)

// SaidBy gathers what who is signed in said in discussions and requests for
// data. It fails with Unauthorized, and Forbidden for an application.
func (c *Catalog) SaidBy(ctx context.Context, who auth.Principal) (Said, error) {
	var said Said
	if err := aPerson(who); err != nil {
		return said, err
	}
	var err error
	if said.Posts, err = pg.All[SaidPost](ctx, c.DB, saidPostsSQL, who.Person); err != nil {
		return said, fmt.Errorf("read posts of %s: %w", who.Person, err)
	}
	if said.Reports, err = pg.All[SaidReport](ctx, c.DB, saidReportsSQL, who.Person); err != nil {
		return said, fmt.Errorf("read reports of %s: %w", who.Person, err)
	}
	if said.Requests, err = pg.All[SaidRequest](ctx, c.DB, saidRequestsSQL, who.Person); err != nil {
		return said, fmt.Errorf("read data requests of %s: %w", who.Person, err)
	}
	if said.Votes, err = pg.All[SaidVote](ctx, c.DB, saidVotesSQL, who.Person); err != nil {
		return said, fmt.Errorf("read votes of %s: %w", who.Person, err)
	}
	if said.Ratings, err = pg.All[SaidRating](ctx, c.DB, saidRatingsSQL, who.Person); err != nil {
		return said, fmt.Errorf("read ratings of %s: %w", who.Person, err)
	}
	return said, nil
}
