package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Discussion is a question about a dataset, with what was said since. Who may
// see the dataset may read it.
type Discussion struct {
	ID        uuid.UUID  `json:"id"`
	DatasetID uuid.UUID  `json:"dataset_id"`
	Title     string     `json:"title"`
	Author    uuid.UUID  `json:"-"`
	Shown     bool       `json:"shown"` // false while its first post is held or hidden: few see it
	ClosedAt  *time.Time `json:"closed_at"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"` // of the newest post that is shown
	Count     int        `json:"count"`      // of posts that are shown
	Answered  bool       `json:"answered"`   // the agency has
	Posts     []Post     `json:"posts,omitempty" db:"-"`
}

// Post is one thing said in a discussion, plain text.
type Post struct {
	ID           uuid.UUID `json:"id"`
	DiscussionID uuid.UUID `json:"discussion_id"`
	Author       uuid.UUID `json:"-"`
	Name         string    `json:"name" db:"-"` // who said it; "" once the account is gone, and for the agency
	Official     bool      `json:"official"`    // said for the dataset's agency
	Opening      bool      `json:"opening"`     // it began the discussion
	Text         string    `json:"text"`
	State        string    `json:"state"` // shown; held and hidden for few
	Why          string    `json:"why"`   // held: links, repeat, personal; hidden: the steward's reason
	CreatedAt    time.Time `json:"created_at"`
	Reports      int       `json:"reports"` // that wait for a steward, whom alone they are shown to
}

// mostPosts is how many posts a discussion takes.
const mostPosts = 200

const discussionColumns = `
select s.id, s.dataset_id, s.title, coalesce(s.author, '00000000-0000-0000-0000-000000000000') as author, s.shown, s.closed_at,
       s.created_at, s.updated_at, (select count(*) from catalog.post p where p.discussion_id = s.id and p.state = 'shown') as count,
       exists (select from catalog.post p where p.discussion_id = s.id and p.state = 'shown' and p.official) as answered
  from catalog.discussion s`

const (
	discussionsSQL = discussionColumns + `
 where s.dataset_id = $1 and (s.shown or $2 or s.author = $3)
   and ($4::uuid is null or (s.updated_at, s.id) < (select n.updated_at, n.id from catalog.discussion n where n.id = $4))
 order by s.updated_at desc, s.id desc
 limit $5`

	discussionSQL = discussionColumns + ` where s.id = $1`

	postsSQL = `
select p.id, p.discussion_id, coalesce(p.author, '00000000-0000-0000-0000-000000000000') as author, p.official, p.opening, p.text,
       p.state, p.why, p.created_at,
       case when $2 then (select count(*) from catalog.post_report r where r.post_id = p.id and r.settled_at is null) else 0 end as reports
  from catalog.post p
 where p.discussion_id = $1 and (p.state = 'shown' or $2 or p.author = $3 and p.state = 'held')
 order by p.id
 limit 500`
)

// Discussions lists what is asked about a dataset, the newest said first, and
// the cursor of the next page. What is held or hidden is listed to the agency's
// people, and what is held to who said it.
func (c *Catalog) Discussions(ctx context.Context, who auth.Principal, dataset uuid.UUID, after string, limit int) ([]Discussion, string, error) {
	d, err := c.Dataset(ctx, who, dataset)
	if err != nil {
		return nil, "", err
	}
	most, err := pageLimit(limit)
	if err != nil {
		return nil, "", err
	}
	var from *uuid.UUID
	if after != "" {
		id, err := uuid.Parse(after)
		if err != nil {
			return nil, "", badCursor()
		}
		from = &id
	}
	list, err := pg.All[Discussion](ctx, c.DB, discussionsSQL, dataset, c.worksOn(ctx, who, d.AgencyID), personOf(who), from, most+1)
	if err != nil {
		return nil, "", fmt.Errorf("list discussions of %s: %w", dataset, err)
	}
	next := ""
	if len(list) > most {
		list = list[:most]
		next = list[most-1].ID.String()
	}
	return list, next, nil
}

// personOf is the person who acts; nobody has a null author.
func personOf(who auth.Principal) *uuid.UUID {
	if who.Person == uuid.Nil {
		return nil
	}
	return &who.Person
}

// Discussion gives one discussion with its posts, and the dataset it is about,
// to those who may see them. It fails with NotFound.
func (c *Catalog) Discussion(ctx context.Context, who auth.Principal, id uuid.UUID) (Discussion, Dataset, error) {
	s, err := pg.One[Discussion](ctx, c.DB, discussionSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, Dataset{}, noDiscussion(id)
	} else if err != nil {
		return s, Dataset{}, fmt.Errorf("read discussion %s: %w", id, err)
	}
	d, err := c.Dataset(ctx, who, s.DatasetID)
	if problem.Is(err, problem.NotFound) {
		return Discussion{}, Dataset{}, noDiscussion(id)
	} else if err != nil {
		return Discussion{}, Dataset{}, err
	}
	all := c.worksOn(ctx, who, d.AgencyID)
	if s.Posts, err = pg.All[Post](ctx, c.DB, postsSQL, id, all, personOf(who)); err != nil {
		return Discussion{}, Dataset{}, fmt.Errorf("read posts of %s: %w", id, err)
	}
	if len(s.Posts) == 0 || !s.Posts[0].Opening {
		return Discussion{}, Dataset{}, noDiscussion(id)
	}
	return s, d, c.nameAuthors(ctx, s.Posts)
}

// nameAuthors fills in who said each post; an agency speaks as itself.
func (c *Catalog) nameAuthors(ctx context.Context, posts []Post) error {
	var ids []uuid.UUID
	for _, p := range posts {
		if p.Author != uuid.Nil && !p.Official {
			ids = append(ids, p.Author)
		}
	}
	names, err := c.Names(ctx, ids)
	if err != nil {
		return err
	}
	for i := range posts {
		if !posts[i].Official {
			posts[i].Name = names[posts[i].Author]
		}
	}
	return nil
}

func noDiscussion(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no discussion %s", id).Coded("discussion-unknown", "id", id.String())
}

const (
	insertDiscussionSQL = `
insert into catalog.discussion (id, dataset_id, author, title, shown, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $6)`

	insertPostSQL = `
insert into catalog.post (id, discussion_id, author, official, opening, text, fingerprint, state, why, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

	lockDiscussionSQL = `
select closed_at, (select count(*) from catalog.post p where p.discussion_id = s.id) as count
  from catalog.discussion s
 where s.id = $1
   for update`

	touchDiscussionSQL = `update catalog.discussion set updated_at = $2 where id = $1`
)

// Ask begins a discussion of a dataset that who may see. It is held when it
// looks suspicious, else the agency gets a letter. It fails with Unauthorized
// or Forbidden unless a person asks, Invalid, TooMany, and NotFound.
func (c *Catalog) Ask(ctx context.Context, who auth.Principal, dataset uuid.UUID, title, text string) (Discussion, error) {
	if err := aPerson(who); err != nil {
		return Discussion{}, err
	}
	d, err := c.Dataset(ctx, who, dataset)
	if err != nil {
		return Discussion{}, err
	}
	if err := checkSaid(&title, &text); err != nil {
		return Discussion{}, err
	}
	id := uuid.Must(uuid.NewV7())
	p := Post{ID: uuid.Must(uuid.NewV7()), DiscussionID: id, Author: who.Person, Official: c.worksOn(ctx, who, d.AgencyID), Opening: true, Text: text}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if err := c.judge(ctx, tx, &p, title+"\n"); err != nil {
			return err
		}
		if err := execOne(ctx, tx, insertDiscussionSQL, id, dataset, who.Person, title, p.State == Shown, c.Now().UTC()); err != nil {
			return fmt.Errorf("begin discussion of %s: %w", dataset, err)
		}
		if err := c.insertPost(ctx, tx, p, title+"\n"); err != nil {
			return err
		}
		return c.tellOf(ctx, tx, p, Discussion{ID: id, Title: title, Author: who.Person}, d)
	})
	if err != nil {
		return Discussion{}, err
	}
	s, _, err := c.Discussion(ctx, who, id)
	return s, err
}

// judge holds back who says too much, and decides whether a post is shown. What
// an agency says of its own data is.
func (c *Catalog) judge(ctx context.Context, tx pgx.Tx, p *Post, title string) error {
	bound := 1
	if p.Official {
		bound = officially
	}
	if err := c.maySpeak(ctx, tx, p.Author, bound); err != nil {
		return err
	}
	p.State = Shown
	if p.Official {
		return nil
	}
	var err error
	if p.Why, err = c.suspicious(ctx, tx, title+p.Text); p.Why != "" {
		p.State = Held
	}
	return err
}

func (c *Catalog) insertPost(ctx context.Context, tx pgx.Tx, p Post, title string) error {
	err := execOne(ctx, tx, insertPostSQL, p.ID, p.DiscussionID, p.Author, p.Official, p.Opening, p.Text, fingerprint(title+p.Text),
		p.State, p.Why, c.Now().UTC())
	if err != nil {
		return fmt.Errorf("say in discussion %s: %w", p.DiscussionID, err)
	}
	return nil
}

// Answer adds a post to a discussion. It fails like Ask, and with Conflict when
// the discussion is closed or full.
func (c *Catalog) Answer(ctx context.Context, who auth.Principal, discussion uuid.UUID, text string) (Post, error) {
	if err := aPerson(who); err != nil {
		return Post{}, err
	}
	s, d, err := c.Discussion(ctx, who, discussion)
	if err != nil {
		return Post{}, err
	}
	if err := checkSaid(nil, &text); err != nil {
		return Post{}, err
	}
	p := Post{ID: uuid.Must(uuid.NewV7()), DiscussionID: discussion, Author: who.Person, Official: c.worksOn(ctx, who, d.AgencyID), Text: text, CreatedAt: c.Now().UTC()}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		var closed *time.Time
		var count int
		if err := tx.QueryRow(ctx, lockDiscussionSQL, discussion).Scan(&closed, &count); err != nil {
			return fmt.Errorf("lock discussion %s: %w", discussion, err)
		}
		if closed != nil || count >= mostPosts {
			return problem.Errorf(problem.Conflict, "discussion %s is closed", discussion).Coded("discussion-closed")
		}
		if err := c.judge(ctx, tx, &p, ""); err != nil {
			return err
		}
		if err := c.insertPost(ctx, tx, p, ""); err != nil {
			return err
		}
		return c.tellOf(ctx, tx, p, s, d)
	})
	if err != nil {
		return Post{}, err
	}
	posts := []Post{p}
	err = c.nameAuthors(ctx, posts)
	return posts[0], err
}

const takePartSQL = `
select distinct author
  from catalog.post
 where discussion_id = $1 and state = 'shown' and author is not null and author <> $2 and not official
 limit 50`

// tellOf brings the discussion's time in line with a post that is shown, and
// has letters written: of a question to the agency, of an answer to those who
// took part, and to the agency unless it answered itself.
func (c *Catalog) tellOf(ctx context.Context, tx pgx.Tx, p Post, s Discussion, d Dataset) error {
	if p.State != Shown {
		return nil
	}
	if err := execOne(ctx, tx, touchDiscussionSQL, s.ID, c.Now().UTC()); err != nil {
		return fmt.Errorf("touch discussion %s: %w", s.ID, err)
	}
	letter := LetterDetail{TitleVI: d.TitleVI, TitleEN: d.TitleEN, Subject: s.Title, Text: p.Text,
		Path: "/dataset/" + d.Slug + "/discussions/" + s.ID.String()}
	if !p.Official {
		if err := c.writeToAgency(ctx, tx, LetterQuestion, d.AgencyID, letter); err != nil {
			return err
		}
	}
	if p.Opening {
		return nil
	}
	rows, _ := tx.Query(ctx, takePartSQL, s.ID, p.Author) // the error comes back from Collect
	people, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("find who takes part in %s: %w", s.ID, err)
	}
	for _, person := range people {
		if err := c.writeTo(ctx, tx, LetterAnswer, person, letter); err != nil {
			return err
		}
	}
	return nil
}

const closeDiscussionSQL = `update catalog.discussion set closed_at = $2 where id = $1 and closed_at is null`

// CloseDiscussion ends a discussion: who began it may, and the agency's people.
// It fails with Forbidden, and with Conflict when it is closed.
func (c *Catalog) CloseDiscussion(ctx context.Context, who auth.Principal, id uuid.UUID) (Discussion, error) {
	if err := aPerson(who); err != nil {
		return Discussion{}, err
	}
	s, d, err := c.Discussion(ctx, who, id)
	if err != nil {
		return Discussion{}, err
	}
	if s.Author != who.Person {
		if !c.worksOn(ctx, who, d.AgencyID) {
			return Discussion{}, c.May(ctx, who, "dataset.approve", d.AgencyID)
		}
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, closeDiscussionSQL, id, c.Now().UTC())
		if err != nil {
			return fmt.Errorf("close discussion %s: %w", id, err)
		}
		if tag.RowsAffected() == 0 {
			return problem.Errorf(problem.Conflict, "discussion %s is closed", id).Coded("discussion-closed")
		}
		return c.Record(ctx, tx, auth.Act{Who: who, Verb: "discussion.close", Agency: d.AgencyID, About: id, Detail: map[string]any{"dataset": d.Slug}})
	})
	if err != nil {
		return Discussion{}, err
	}
	s, _, err = c.Discussion(ctx, who, id)
	return s, err
}
