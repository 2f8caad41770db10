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
	FollowAPI     = "api"
	FollowAgency  = "agency" // all its datasets and APIs
)

// maxFollows is how much one person follows.
const maxFollows = 200

// Follow is one thing that a person follows.
type Follow struct {
	Kind      string    `json:"kind"` // dataset, api, agency
	Target    uuid.UUID `json:"target"`
	Slug      string    `json:"slug"`   // of an API within its agency
	Agency    string    `json:"agency"` // slug of an API's agency, else ""
	AgencyID  uuid.UUID `json:"-"`
	TitleVI   string    `json:"title_vi"`
	TitleEN   string    `json:"title_en"`
	CreatedAt time.Time `json:"created_at"`
}

// Address is where it stands on the portal, without the language.
func (f Follow) Address() string {
	switch f.Kind {
	case FollowAPI:
		return "/apis/" + f.Agency + "/" + f.Slug
	case FollowAgency:
		return "/agencies/" + f.Slug
	}
	return "/dataset/" + f.Slug
}

// Follows is what a person follows, and how often they are written to.
type Follows struct {
	Every string   `json:"every"` // daily, weekly; "" while there was nothing to write about
	Items []Follow `json:"items"`

	Searches []SavedSearch `json:"searches"` // kept ones that the letter tells of; New is not counted
}

const (
	// hasPublicVersion is a condition on an API a.
	hasPublicVersion = `exists (select from catalog.version v where v.api_id = a.id and v.state in ('published', 'deprecated', 'retired'))`

	followableAPISQL = `select exists (select from catalog.api a where a.id = $1 and ` + hasPublicVersion + `)`

	followsSQL = `
select f.kind, f.target, coalesce(d.slug, a.slug, '') as slug, '' as agency, coalesce(a.agency_id, f.target) as agency_id,
       coalesce(d.title_vi, a.title_vi, '') as title_vi, coalesce(d.title_en, a.title_en, '') as title_en, f.created_at
  from catalog.follow f
  left join catalog.dataset d on f.kind = 'dataset' and d.id = f.target and d.state = 'published'
  left join catalog.api a on f.kind = 'api' and a.id = f.target and ` + hasPublicVersion + `
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
		if one.Kind != FollowDataset {
			ids = append(ids, one.AgencyID)
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
		switch a, ok := agencies[one.AgencyID]; {
		case ok && one.Kind == FollowAgency:
			one.Slug, one.TitleVI, one.TitleEN = a.Slug, a.TitleVI, a.TitleEN
		case ok && one.Kind == FollowAPI:
			one.Agency = a.Slug
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

// Follow has who written to about a public dataset or API, or all of an agency's. The
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
	case FollowAPI:
		var public bool
		if err := c.DB.QueryRow(ctx, followableAPISQL, target).Scan(&public); err != nil {
			return fmt.Errorf("look for API %s: %w", target, err)
		}
		if !public {
			return problem.Errorf(problem.NotFound, "no API %s", target).Coded("follow-unknown")
		}
		return nil
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

// News is one thing that happened to a public dataset or API.
type News struct {
	Kind     string // published, file, question; of an API version, changed, ending, ended
	Slug     string // of the dataset, or of the API within its agency
	Agency   string // slug of an API's agency, else ""
	AgencyID uuid.UUID
	TitleVI  string
	TitleEN  string
	About    string // the file's name, the question, or the API's version, as v2
	At       time.Time
	Ends     *time.Time // of ending and ended: when the version's last day was over
}

// Address is where it stands on the portal, without the language.
func (n News) Address() string {
	if n.Agency != "" {
		return "/apis/" + n.Agency + "/" + n.Slug + "/" + n.About
	}
	return "/dataset/" + n.Slug
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

	// Of a version that changed twice the last time is told.
	newsSQL = `
with followed as (
  select d.id, d.slug, d.title_vi, d.title_en, d.published_at, greatest(f.created_at, $2) as since, f.kind
    from catalog.follow f
    join catalog.dataset d on d.state = 'published'
         and (f.kind = 'dataset' and d.id = f.target or f.kind = 'agency' and d.agency_id = f.target)
   where f.person = $1),
versions as (
  select v.*, a.slug, a.agency_id, a.title_vi, a.title_en, greatest(f.created_at, $2) as since, f.kind
    from catalog.follow f
    join catalog.api a on f.kind = 'api' and a.id = f.target or f.kind = 'agency' and a.agency_id = f.target
    join catalog.version v on v.api_id = a.id and v.state in ('published', 'deprecated', 'retired')
   where f.person = $1),
happened as (
  select 'published' as kind, slug, null::uuid as agency_id, title_vi, title_en, '' as about, published_at as at, null::timestamptz as ends
    from followed
   where kind = 'agency' and published_at > since and published_at <= $3
   union
  select 'file', s.slug, null, s.title_vi, s.title_en, v.file_name, v.uploaded_at, null
    from followed s
    join catalog.distribution p on p.dataset_id = s.id
    join catalog.file_version v on v.distribution_id = p.id
   where v.uploaded_at > s.since and v.uploaded_at <= $3 and v.uploaded_at > s.published_at
   union
  select 'question', s.slug, null, s.title_vi, s.title_en, q.title, q.created_at, null
    from followed s
    join catalog.discussion q on q.dataset_id = s.id and q.shown
   where s.kind = 'dataset' and q.created_at > s.since and q.created_at <= $3
   union
  select 'question', v.slug, v.agency_id, v.title_vi, v.title_en, q.title, q.created_at, null
    from versions v
    join catalog.discussion q on q.api_id = v.api_id and q.shown
   where v.kind = 'api' and q.created_at > v.since and q.created_at <= $3
   union
  select 'version', slug, agency_id, title_vi, title_en, number, published_at, null
    from versions
   where state <> 'retired' and published_at > since and published_at <= $3
   union
  select 'ending', slug, agency_id, title_vi, title_en, number, deprecated_at, sunset
    from versions
   where state = 'deprecated' and sunset > $3 and deprecated_at > since and deprecated_at <= $3
   union
  select 'ended', slug, agency_id, title_vi, title_en, number, sunset, sunset
    from versions
   where sunset > since and sunset <= $3
   union
  select 'changed', v.slug, v.agency_id, v.title_vi, v.title_en, v.number, max(r.at), null
    from versions v
    join catalog.revision r on r.version_id = v.id and r.at > v.since and r.at <= $3 and r.at > v.published_at
    join catalog.revision b on b.version_id = v.id and b.number = r.number - 1 and b.spec_text <> r.spec_text
   group by v.id, v.slug, v.agency_id, v.title_vi, v.title_en, v.number)
select kind, slug, '' as agency, coalesce(agency_id, '00000000-0000-0000-0000-000000000000') as agency_id, title_vi, title_en, about, at, ends
  from happened
 order by at desc, slug, kind, about
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
		news, err := c.news(ctx, d.Person, d.Since, d.Until)
		if err != nil {
			return nil, err
		}
		digest := Digest{Person: d.Person, Every: d.Every, Since: d.Since, Until: d.Until, News: news}
		if digest.Searches, err = c.searchNews(ctx, digest); err != nil {
			return nil, err
		}
		list = append(list, digest)
	}
	return list, nil
}

// news is what happened to what a person follows between two moments.
func (c *Catalog) news(ctx context.Context, person uuid.UUID, since, until time.Time) ([]News, error) {
	list, err := pg.All[News](ctx, c.DB, newsSQL, person, since, until)
	if err != nil {
		return nil, fmt.Errorf("read news for %s: %w", person, err)
	}
	var ids []uuid.UUID
	for _, n := range list {
		if n.AgencyID != uuid.Nil {
			ids = append(ids, n.AgencyID)
		}
	}
	agencies, err := c.Agencies(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, n := range list {
		list[i].Agency = agencies[n.AgencyID].Slug
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
