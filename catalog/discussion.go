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

// Topic is what a discussion is about: a dataset or an API.
type Topic struct {
	Kind    string // dataset, api
	ID      uuid.UUID
	Agency  Agency // whose it is
	Slug    string
	TitleVI string
	TitleEN string
	Path    string // of its page on the portal, without the language
}

// Topic is the dataset as people discuss it.
func (d Dataset) Topic() Topic {
	return Topic{"dataset", d.ID, d.Agency, d.Slug, d.TitleVI, d.TitleEN, "/dataset/" + d.Slug}
}

// Topic is the API as people discuss it.
func (a API) Topic() Topic {
	return Topic{"api", a.ID, a.Agency, a.Slug, a.TitleVI, a.TitleEN, "/apis/" + a.Agency.Slug + "/" + a.Slug}
}

// Discussions is the address of what is asked about it.
func (t Topic) Discussions() string { return t.Path + "/discussions" }

// Discussion is a question about a dataset or an API, with what was said since.
// Who may see what it is about may read it.
type Discussion struct {
	ID        uuid.UUID  `json:"id"`
	DatasetID *uuid.UUID `json:"dataset_id"` // null: it is about an API
	APIID     *uuid.UUID `json:"api_id"`     // null: it is about a dataset
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
	Official     bool      `json:"official"`    // said for the agency whose it is
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
select s.id, s.dataset_id, s.api_id, s.title, coalesce(s.author, '00000000-0000-0000-0000-000000000000') as author, s.shown, s.closed_at,
       s.created_at, s.updated_at, (select count(*) from catalog.post p where p.discussion_id = s.id and p.state = 'shown') as count,
       exists (select from catalog.post p where p.discussion_id = s.id and p.state = 'shown' and p.official) as answered
  from catalog.discussion s`

const (
	datasetDiscussionsSQL = discussionColumns + ` where s.dataset_id = $1` + newestSaid

	apiDiscussionsSQL = discussionColumns + ` where s.api_id = $1` + newestSaid

	newestSaid = `
   and (s.shown or $2 or s.author = $3)
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

// Discussions lists what is asked about a topic that who has just read, the newest
// said first, and the cursor of the next page. What is held or hidden is listed
// to the agency's people, and what is held to who said it.
func (c *Catalog) Discussions(ctx context.Context, who auth.Principal, t Topic, after string, limit int) ([]Discussion, string, error) {
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
	sql := map[string]string{"dataset": datasetDiscussionsSQL, "api": apiDiscussionsSQL}[t.Kind]
	list, err := pg.All[Discussion](ctx, c.DB, sql, t.ID, c.worksOn(ctx, who, t.Agency.ID), personOf(who), from, most+1)
	if err != nil {
		return nil, "", fmt.Errorf("list discussions of %s: %w", t.ID, err)
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

// Discussion gives one discussion with its posts, and what it is about, to
// those who may see that. It fails with NotFound.
func (c *Catalog) Discussion(ctx context.Context, who auth.Principal, id uuid.UUID) (Discussion, Topic, error) {
	s, err := pg.One[Discussion](ctx, c.DB, discussionSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, Topic{}, noDiscussion(id)
	} else if err != nil {
		return s, Topic{}, fmt.Errorf("read discussion %s: %w", id, err)
	}
	about, kind := s.DatasetID, "dataset"
	if s.APIID != nil {
		about, kind = s.APIID, "api"
	}
	t, err := c.topic(ctx, who, kind, *about)
	if problem.Is(err, problem.NotFound) {
		return Discussion{}, Topic{}, noDiscussion(id)
	} else if err != nil {
		return Discussion{}, Topic{}, err
	}
	all := c.worksOn(ctx, who, t.Agency.ID)
	if s.Posts, err = pg.All[Post](ctx, c.DB, postsSQL, id, all, personOf(who)); err != nil {
		return Discussion{}, Topic{}, fmt.Errorf("read posts of %s: %w", id, err)
	}
	if len(s.Posts) == 0 || !s.Posts[0].Opening {
		return Discussion{}, Topic{}, noDiscussion(id)
	}
	return s, t, c.nameAuthors(ctx, s.Posts)
}

// topic reads what is discussed, as who may see it.
func (c *Catalog) topic(ctx context.Context, who auth.Principal, kind string, id uuid.UUID) (Topic, error) {
	if kind == "api" {
		a, err := c.APIByID(ctx, who, id)
		return a.Topic(), err
	}
	d, err := c.Dataset(ctx, who, id)
	return d.Topic(), err
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
insert into catalog.discussion (id, dataset_id, api_id, author, title, shown, created_at, updated_at)
values ($1, case when $2 = 'dataset' then $3::uuid end, case when $2 = 'api' then $3::uuid end, $4, $5, $6, $7, $7)`

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

// Ask begins a discussion of a topic that who may see. It is held when it
// looks suspicious, else the agency gets a letter. It fails with Unauthorized
// or Forbidden unless a person asks, Invalid, TooMany, and NotFound.
func (c *Catalog) Ask(ctx context.Context, who auth.Principal, t Topic, title, text string) (Discussion, error) {
	if err := aPerson(who); err != nil {
		return Discussion{}, err
	}
	t, err := c.topic(ctx, who, t.Kind, t.ID)
	if err != nil {
		return Discussion{}, err
	}
	if err := checkSaid(&title, &text); err != nil {
		return Discussion{}, err
	}
	id := uuid.Must(uuid.NewV7())
	p := Post{ID: uuid.Must(uuid.NewV7()), DiscussionID: id, Author: who.Person, Official: c.worksOn(ctx, who, t.Agency.ID), Opening: true, Text: text}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if err := c.judge(ctx, tx, &p, title+"\n"); err != nil {
			return err
		}
		if err := execOne(ctx, tx, insertDiscussionSQL, id, t.Kind, t.ID, who.Person, title, p.State == Shown, c.Now().UTC()); err != nil {
			return fmt.Errorf("begin discussion of %s: %w", t.ID, err)
		}
		if err := c.insertPost(ctx, tx, p, title+"\n"); err != nil {
			return err
		}
		return c.tellOf(ctx, tx, p, Discussion{ID: id, Title: title, Author: who.Person}, t)
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
	s, t, err := c.Discussion(ctx, who, discussion)
	if err != nil {
		return Post{}, err
	}
	if err := checkSaid(nil, &text); err != nil {
		return Post{}, err
	}
	p := Post{ID: uuid.Must(uuid.NewV7()), DiscussionID: discussion, Author: who.Person, Official: c.worksOn(ctx, who, t.Agency.ID), Text: text, CreatedAt: c.Now().UTC()}
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
		return c.tellOf(ctx, tx, p, s, t)
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
func (c *Catalog) tellOf(ctx context.Context, tx pgx.Tx, p Post, s Discussion, t Topic) error {
	if p.State != Shown {
		return nil
	}
	if err := execOne(ctx, tx, touchDiscussionSQL, s.ID, c.Now().UTC()); err != nil {
		return fmt.Errorf("touch discussion %s: %w", s.ID, err)
	}
	letter := LetterDetail{TitleVI: t.TitleVI, TitleEN: t.TitleEN, Subject: s.Title, Text: p.Text,
		Path: t.Discussions() + "/" + s.ID.String()}
	if !p.Official {
		if err := c.writeToAgency(ctx, tx, LetterQuestion, t.Agency.ID, letter); err != nil {
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
	s, t, err := c.Discussion(ctx, who, id)
	if err != nil {
		return Discussion{}, err
	}
	if s.Author != who.Person {
		if !c.worksOn(ctx, who, t.Agency.ID) {
			return Discussion{}, c.May(ctx, who, "dataset.approve", t.Agency.ID)
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
		return c.Record(ctx, tx, auth.Act{Who: who, Verb: "discussion.close", Agency: t.Agency.ID, About: id, Detail: map[string]any{t.Kind: t.Slug}})
	})
	if err != nil {
		return Discussion{}, err
	}
	s, _, err = c.Discussion(ctx, who, id)
	return s, err
}
