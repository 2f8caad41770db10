package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// PostReport is what somebody objects to.
type PostReport struct {
	Reason string `json:"reason"` // plain text, at most 500 characters
}

const (
	reportPostSQL = `
insert into catalog.post_report (post_id, person, reason, created_at)
select $1, $2, $3, $4
 where (select count(*) from catalog.post_report where person = $2 and created_at > $4::timestamptz - interval '1 day') < 20
on conflict on constraint post_report_key do update set reason = excluded.reason, created_at = excluded.created_at, settled_at = null`

	postSQL = `
select p.id, p.discussion_id, coalesce(p.author, '00000000-0000-0000-0000-000000000000') as author, p.official, p.opening, p.text, p.state, p.why, p.created_at,
       (select count(*) from catalog.post_report r where r.post_id = p.id and r.settled_at is null) as reports
  from catalog.post p
 where p.id = $1`

	lockPostSQL = `select state from catalog.post where id = $1 for update`
)

// post finds a post where who can see it, with its discussion and what that is about.
func (c *Catalog) post(ctx context.Context, who auth.Principal, id uuid.UUID) (Post, Discussion, Topic, error) {
	p, err := pg.One[Post](ctx, c.DB, postSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, Discussion{}, Topic{}, noPost(id)
	} else if err != nil {
		return p, Discussion{}, Topic{}, fmt.Errorf("read post %s: %w", id, err)
	}
	s, t, err := c.Discussion(ctx, who, p.DiscussionID)
	if problem.Is(err, problem.NotFound) {
		return Post{}, Discussion{}, Topic{}, noPost(id)
	} else if err != nil {
		return Post{}, Discussion{}, Topic{}, err
	}
	for _, seen := range s.Posts {
		if seen.ID == id {
			return p, s, t, nil
		}
	}
	return Post{}, Discussion{}, Topic{}, noPost(id)
}

func noPost(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no post %s", id).Coded("post-unknown", "id", id.String())
}

// ReportPost tells the steward that somebody objects to a post; a second report
// of the same person takes the place of the first. It fails with Unauthorized,
// Forbidden, Invalid without a reason, NotFound, and TooMany after 20 in a day.
func (c *Catalog) ReportPost(ctx context.Context, who auth.Principal, id uuid.UUID, report PostReport) (Post, error) {
	if err := aPerson(who); err != nil {
		return Post{}, err
	}
	p, _, _, err := c.post(ctx, who, id)
	if err != nil {
		return Post{}, err
	}
	reason := clean(report.Reason)
	if reason == "" || len([]rune(reason)) > 500 {
		return Post{}, problem.Errorf(problem.Invalid, "a reason is required, of at most 500 characters").Coded("reason-required").
			Wrong("reason", "reason-required", "is required")
	}
	tag, err := c.DB.Exec(ctx, reportPostSQL, id, who.Person, reason, c.Now().UTC())
	if err != nil {
		return Post{}, fmt.Errorf("report post %s: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return Post{}, problem.Errorf(problem.TooMany, "this person has reported much today").Coded("said-too-much").Sends("Retry-After", "3600")
	}
	p.Reports, p.Author = 0, uuid.Nil
	return p, nil
}

// WaitingPost is a post that a steward should look at.
type WaitingPost struct {
	Post
	Dataset string   `json:"dataset"` // slug of what it is about, "": it is about an API
	API     string   `json:"api"`     // the same of an API
	Title   string   `json:"title"`   // of the discussion
	Reasons []string `json:"reasons"` // of the reports that wait
}

// The type of a row of waitingPostsSQL: WaitingPost has the fields of Post.
type waitingRow struct {
	ID, DiscussionID, Author uuid.UUID
	Official, Opening        bool
	Text, State, Why         string
	CreatedAt                time.Time
	Reports                  int
	Dataset, API, Title      string
	Reasons                  []string
}

const waitingPostsSQL = `
select p.id, p.discussion_id, coalesce(p.author, '00000000-0000-0000-0000-000000000000') as author, p.official, p.opening, p.text, p.state, p.why,
       p.created_at, coalesce(r.count, 0) as reports, coalesce(d.slug, '') as dataset,
       coalesce(a.slug, '') as api, s.title, coalesce(r.reasons, '{}') as reasons
  from catalog.post p
  join catalog.discussion s on s.id = p.discussion_id
  left join catalog.dataset d on d.id = s.dataset_id
  left join catalog.api a on a.id = s.api_id
  left join lateral (select count(*) as count, array_agg(reason order by created_at) as reasons
                       from catalog.post_report where post_id = p.id and settled_at is null) r on true
 where coalesce(d.agency_id, a.agency_id) = $1 and (p.state = 'held' or p.state = 'shown' and r.count > 0)
 order by p.id
 limit 100`

// WaitingPosts lists the posts about an agency's datasets and APIs that are held or
// reported, oldest first, at most 100. It fails with what May says of
// dataset.approve.
func (c *Catalog) WaitingPosts(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]WaitingPost, error) {
	if err := c.May(ctx, who, "dataset.approve", agency); err != nil {
		return nil, err
	}
	found, err := pg.All[waitingRow](ctx, c.DB, waitingPostsSQL, agency)
	if err != nil {
		return nil, fmt.Errorf("list waiting posts of agency %s: %w", agency, err)
	}
	posts := make([]Post, len(found))
	for i, r := range found {
		posts[i] = Post{ID: r.ID, DiscussionID: r.DiscussionID, Author: r.Author, Official: r.Official, Opening: r.Opening, Text: r.Text,
			State: r.State, Why: r.Why, CreatedAt: r.CreatedAt, Reports: r.Reports}
	}
	if err := c.nameAuthors(ctx, posts); err != nil {
		return nil, err
	}
	list := make([]WaitingPost, len(found))
	for i, r := range found {
		list[i] = WaitingPost{Post: posts[i], Dataset: r.Dataset, API: r.API, Title: r.Title, Reasons: r.Reasons}
	}
	return list, nil
}

const (
	setPostSQL = `update catalog.post set state = $2, why = $3 where id = $1`

	showDiscussionSQL = `update catalog.discussion set shown = $2 where id = $1`

	settleReportsSQL = `update catalog.post_report set settled_at = $2 where post_id = $1 and settled_at is null`
)

// HidePost takes a post away from everybody but the agency's people, and with
// the first one the discussion, with a reason. It fails with what May says of
// dataset.approve, Invalid and NotFound.
func (c *Catalog) HidePost(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) (Post, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > 4000 {
		return Post{}, problem.Errorf(problem.Invalid, "a reason is required, of at most 4000 bytes").Coded("reason-required").
			Wrong("reason", "reason-required", "is required")
	}
	return c.moderate(ctx, who, id, Hidden, reason)
}

// ShowPost opens a post that was held or hidden to everybody, and settles the
// reports of one that is shown. Letters about one that was held go out now.
func (c *Catalog) ShowPost(ctx context.Context, who auth.Principal, id uuid.UUID) (Post, error) {
	return c.moderate(ctx, who, id, Shown, "")
}

func (c *Catalog) moderate(ctx context.Context, who auth.Principal, id uuid.UUID, state, reason string) (Post, error) {
	p, s, t, err := c.post(ctx, who, id)
	if err != nil {
		return Post{}, err
	}
	if err := c.May(ctx, who, "dataset.approve", t.Agency.ID); err != nil {
		return Post{}, err
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		var former string
		if err := tx.QueryRow(ctx, lockPostSQL, id).Scan(&former); err != nil {
			return fmt.Errorf("lock post %s: %w", id, err)
		}
		if err := execOne(ctx, tx, setPostSQL, id, state, reason); err != nil {
			return fmt.Errorf("set post %s %s: %w", id, state, err)
		}
		if p.Opening {
			if err := execOne(ctx, tx, showDiscussionSQL, s.ID, state == Shown); err != nil {
				return fmt.Errorf("set discussion %s: %w", s.ID, err)
			}
		}
		if _, err := tx.Exec(ctx, settleReportsSQL, id, c.Now().UTC()); err != nil {
			return fmt.Errorf("settle reports of %s: %w", id, err)
		}
		p.State, p.Why, p.Reports = state, reason, 0
		if former == Held && state == Shown {
			if err := c.tellOf(ctx, tx, p, s, t); err != nil {
				return err
			}
		}
		verb := map[string]string{Shown: "post.show", Hidden: "post.hide"}[state]
		detail := map[string]any{t.Kind: t.Slug}
		if reason != "" {
			detail["reason"] = reason
		}
		return c.Record(ctx, tx, auth.Act{Who: who, Verb: verb, Agency: t.Agency.ID, About: id, Detail: detail})
	})
	return p, err
}
