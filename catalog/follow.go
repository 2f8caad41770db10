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

// How often a digest comes.
const (
	Daily  = "daily"
	Weekly = "weekly"
)

// What can be followed.
const (
	FollowDataset = "dataset"
	FollowAgency  = "agency"
)

// maxFollows is how much one person follows.
const maxFollows = 200

// Follow is one thing that a person follows.
type Follow struct {
	Kind      string    `json:"kind"` // dataset, agency
	Target    uuid.UUID `json:"target"`
	Slug      string    `json:"slug"`
	TitleVI   string    `json:"title_vi"`
	TitleEN   string    `json:"title_en"`
	CreatedAt time.Time `json:"created_at"`
}

// Follows is what a person follows, and how often they are written to.
type Follows struct {
	Every string   `json:"every"` // daily, weekly; "" while there was nothing to write about
	Items []Follow `json:"items"`

	Searches []SavedSearch `json:"searches"` // kept ones that the letter tells of; New is not counted
}

const (
	followsSQL = `
select f.kind, f.target, coalesce(d.slug, '') as slug, coalesce(d.title_vi, '') as title_vi, coalesce(d.title_en, '') as title_en, f.created_at
  from catalog.follow f
  left join catalog.dataset d on f.kind = 'dataset' and d.id = f.target and d.state = 'published'
 where f.person = $1
 order by f.created_at desc, f.target`

	everySQL = `select every from catalog.follower where person = $1`

	beginFollowerSQL = `
insert into catalog.follower (person, every, read_to, next_at) values ($1, 'weekly', $2, $3)
on conflict (person) do update set person = excluded.person`

	followSQL = `
insert into catalog.follow (person, kind, target, created_at)
select $1, $2, $3, $4
 where (select count(*) from catalog.follow where person = $1) < $5
    or exists (select from catalog.follow where person = $1 and kind = $2 and target = $3)
on conflict on constraint follow_key do nothing`

	followsThisSQL = `select exists (select from catalog.follow where person = $1 and kind = $2 and target = $3)`

	unfollowSQL = `delete from catalog.follow where person = $1 and kind = $2 and target = $3`

	setEverySQL = `
update catalog.follower
   set every = $2, next_at = least(next_at, $3)
 where person = $1`

	unsubscribeSQL = `delete from catalog.follower where person = $1`
)

// Follows gives what who follows; what is not public any more is left out.
func (c *Catalog) Follows(ctx context.Context, who auth.Principal) (Follows, error) {
	if err := aPerson(who); err != nil {
		return Follows{}, err
	}
	var f Follows
	err := c.DB.QueryRow(ctx, everySQL, who.Person).Scan(&f.Every)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return f, fmt.Errorf("read follower %s: %w", who.Person, err)
	}
	list, err := pg.All[Follow](ctx, c.DB, followsSQL, who.Person)
	if err != nil {
		return f, fmt.Errorf("list follows of %s: %w", who.Person, err)
	}
	var ids []uuid.UUID
	for _, one := range list {
		if one.Kind == FollowAgency {
			ids = append(ids, one.Target)
		}
	}
	agencies, err := c.Agencies(ctx, ids)
	if err != nil {
		return f, err
	}
	if f.Searches, err = c.toldSearches(ctx, who.Person); err != nil {
		return f, err
	}
	f.Items = []Follow{}
	for _, one := range list {
		if a, ok := agencies[one.Target]; ok && one.Kind == FollowAgency {
			one.Slug, one.TitleVI, one.TitleEN = a.Slug, a.TitleVI, a.TitleEN
		}
		if one.Slug != "" {
			f.Items = append(f.Items, one)
		}
	}
	return f, nil
}

// IsFollowed reports whether who follows something; nobody follows nothing.
func (c *Catalog) IsFollowed(ctx context.Context, who auth.Principal, kind string, target uuid.UUID) (bool, error) {
	if who.Person == uuid.Nil {
		return false, nil
	}
	var yes bool
	if err := c.DB.QueryRow(ctx, followsThisSQL, who.Person, kind, target).Scan(&yes); err != nil {
		return false, fmt.Errorf("look for a follow of %s: %w", target, err)
	}
	return yes, nil
}

// Follow has who written to about a public dataset, or all of an agency's. The
// first begins a weekly digest. It fails with Unauthorized, Forbidden, NotFound,
// Invalid for another kind, and Conflict beyond 200.
func (c *Catalog) Follow(ctx context.Context, who auth.Principal, kind string, target uuid.UUID) error {
	if err := c.followable(ctx, who, kind, target); err != nil {
		return err
	}
	now := c.Now().UTC()
	return pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, beginFollowerSQL, who.Person, now, now.Add(interval(Weekly))); err != nil {
			return fmt.Errorf("begin follower %s: %w", who.Person, err)
		}
		if _, err := tx.Exec(ctx, followSQL, who.Person, kind, target, now, maxFollows); err != nil {
			return fmt.Errorf("follow %s: %w", target, err)
		}
		var yes bool
		if err := tx.QueryRow(ctx, followsThisSQL, who.Person, kind, target).Scan(&yes); err != nil {
			return fmt.Errorf("look for a follow of %s: %w", target, err)
		}
		if !yes {
			return problem.Errorf(problem.Conflict, "more than %d are followed", maxFollows).Coded("follow-many")
		}
		return nil
	})
}

func (c *Catalog) followable(ctx context.Context, who auth.Principal, kind string, target uuid.UUID) error {
	if err := aPerson(who); err != nil {
		return err
	}
	switch kind {
	case FollowDataset:
		_, err := c.Dataset(ctx, auth.Principal{}, target)
		return err
	case FollowAgency:
		if c.isAgency(ctx, target) != nil {
			return problem.Errorf(problem.NotFound, "no agency %s", target).Coded("follow-unknown")
		}
		return nil
	}
	return problem.Errorf(problem.Invalid, "%q cannot be followed", kind).Coded("follow-unknown")
}

// Unfollow ends that; what was not followed is no mistake.
func (c *Catalog) Unfollow(ctx context.Context, who auth.Principal, kind string, target uuid.UUID) error {
	if err := aPerson(who); err != nil {
		return err
	}
	if _, err := c.DB.Exec(ctx, unfollowSQL, who.Person, kind, target); err != nil {
		return fmt.Errorf("unfollow %s: %w", target, err)
	}
	return nil
}

// SetDigest says how often who is written to: daily or weekly, else Invalid.
func (c *Catalog) SetDigest(ctx context.Context, who auth.Principal, every string) error {
	if err := aPerson(who); err != nil {
		return err
	}
	if every != Daily && every != Weekly {
		return problem.Errorf(problem.Invalid, "a digest is daily or weekly").Coded("follow-every").Wrong("every", "not-in-list", "is not in the list")
	}
	if _, err := c.DB.Exec(ctx, setEverySQL, who.Person, every, c.Now().UTC().Add(interval(every))); err != nil {
		return fmt.Errorf("set digest of %s: %w", who.Person, err)
	}
	return nil
}

// Unsubscribe ends every digest and follow of a person; their searches are kept,
// and not told of. Whoever asks has shown the link of a digest, and need not
// sign in.
func (c *Catalog) Unsubscribe(ctx context.Context, person uuid.UUID) error {
	return pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		for _, sql := range []string{unsubscribeSQL, tellOfNothingSQL} {
			if _, err := tx.Exec(ctx, sql, person); err != nil {
				return fmt.Errorf("unsubscribe %s: %w", person, err)
			}
		}
		return nil
	})
}

func interval(every string) time.Duration {
	if every == Daily {
		return 24 * time.Hour
	}
	return 7 * 24 * time.Hour
}

// Digest is what happened to what a person follows.
type Digest struct {
	Person uuid.UUID
	Every  string
	Since  time.Time
	Until  time.Time
	News   []News // the newest first, at most 100

	Searches []SearchNews // what is new for searches that the person keeps
}

// IsEmpty reports that there is nothing to write about.
func (d Digest) IsEmpty() bool { return len(d.News)+len(d.Searches) == 0 }

// News is one thing that happened to a public dataset.
type News struct {
	Kind    string // published, file, question
	Slug    string
	TitleVI string
	TitleEN string
	About   string // the file's name, or the question
	At      time.Time
}

const (
	// The lease of ten minutes is for a portal that dies while it writes.
	claimDigestsSQL = `
with due as (
  select person, read_to from catalog.follower
   where next_at <= $1
   order by next_at
   limit $2
     for update skip locked)
update catalog.follower f
   set next_at = $1::timestamptz + interval '10 minutes'
  from due
 where f.person = due.person
returning f.person, f.every, f.read_to as since, $1::timestamptz as until`

	newsSQL = `
with followed as (
  select d.id, d.slug, d.title_vi, d.title_en, d.published_at, greatest(f.created_at, $2) as since, f.kind
    from catalog.follow f
    join catalog.dataset d on d.state = 'published'
         and (f.kind = 'dataset' and d.id = f.target or f.kind = 'agency' and d.agency_id = f.target)
   where f.person = $1),
happened as (
  select 'published' as kind, id, slug, title_vi, title_en, '' as about, published_at as at
    from followed
   where kind = 'agency' and published_at > since and published_at <= $3
   union
  select 'file', s.id, s.slug, s.title_vi, s.title_en, v.file_name, v.uploaded_at
    from followed s
    join catalog.distribution p on p.dataset_id = s.id
    join catalog.file_version v on v.distribution_id = p.id
   where v.uploaded_at > s.since and v.uploaded_at <= $3 and v.uploaded_at > s.published_at
   union
  select 'question', s.id, s.slug, s.title_vi, s.title_en, q.title, q.created_at
    from followed s
    join catalog.discussion q on q.dataset_id = s.id and q.shown
   where s.kind = 'dataset' and q.created_at > s.since and q.created_at <= $3)
select kind, slug, title_vi, title_en, about, at
  from happened
 order by at desc, slug, kind
 limit 100`

	digestSentSQL = `
update catalog.follower
   set read_to = $2, next_at = $2::timestamptz + case every when 'daily' then interval '1 day' else interval '7 days' end
 where person = $1`
)

// ClaimDigests gives at most n digests that are due, to this caller alone. One
// that is not told to be sent with DigestSent is due again in ten minutes.
func (c *Catalog) ClaimDigests(ctx context.Context, n int) ([]Digest, error) {
	type due struct {
		Person       uuid.UUID
		Every        string
		Since, Until time.Time
	}
	claimed, err := pg.All[due](ctx, c.DB, claimDigestsSQL, c.Now().UTC(), n)
	if err != nil {
		return nil, fmt.Errorf("claim digests: %w", err)
	}
	var list []Digest
	for _, d := range claimed {
		news, err := pg.All[News](ctx, c.DB, newsSQL, d.Person, d.Since, d.Until)
		if err != nil {
			return nil, fmt.Errorf("read news for %s: %w", d.Person, err)
		}
		digest := Digest{Person: d.Person, Every: d.Every, Since: d.Since, Until: d.Until, News: news}
		if digest.Searches, err = c.searchNews(ctx, digest); err != nil {
			return nil, err
		}
		list = append(list, digest)
	}
	return list, nil
}

// DigestSent says that a digest left, or had nothing to tell.
func (c *Catalog) DigestSent(ctx context.Context, d Digest) error {
	if _, err := c.DB.Exec(ctx, digestSentSQL, d.Person, d.Until); err != nil {
		return fmt.Errorf("note digest of %s: %w", d.Person, err)
	}
	return nil
}
