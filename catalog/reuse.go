package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The states of a reuse beside Shown.
const (
	Waiting = "waiting" // for the steward
	Refused = "refused" // with a reason
)

// ReuseKinds are what can be made of data, in the order people read them.
func ReuseKinds() []string { return []string{"app", "service", "picture", "article", "study", "other"} }

// Reuse is something that somebody made of a public dataset. Everybody sees it
// once a steward has approved it.
type Reuse struct {
	ID        uuid.UUID `json:"id"`
	DatasetID uuid.UUID `json:"dataset_id"`
	Slug      string    `json:"dataset"`
	SetVI     string    `json:"dataset_title_vi"`
	SetEN     string    `json:"dataset_title_en"`
	Theme     string    `json:"theme"` // of the dataset
	AgencyID  uuid.UUID `json:"agency_id"`
	Author    uuid.UUID `json:"-"`
	Name      string    `json:"name" db:"-"` // who added it; "" once the account is gone
	ReuseText
	State         string     `json:"state"`  // waiting, shown, refused
	Reason        string     `json:"reason"` // why it was refused
	CreatedAt     time.Time  `json:"created_at"`
	DecidedAt     *time.Time `json:"decided_at"`
	LinkState     string     `json:"link_state"` // unchecked, ok, broken
	LinkCheckedAt *time.Time `json:"link_checked_at"`
}

// ReuseText is what somebody says of a reuse, in one language at least; plain.
type ReuseText struct {
	Kind          string `json:"kind"`     // of ReuseKinds
	TitleVI       string `json:"title_vi"` // at most 150 characters
	TitleEN       string `json:"title_en"`
	DescriptionVI string `json:"description_vi"` // at most 2000 characters
	DescriptionEN string `json:"description_en"`
	URL           string `json:"url"` // http or https
}

// maxReuseText is how many characters a description has.
const maxReuseText = 2000

// check brings the text to one form and gives the host that it leads to; it
// fails with Invalid, one field error each.
func (t *ReuseText) check() (string, error) {
	e := problem.Errorf(problem.Invalid, "the reuse is not complete").Coded("reuse-invalid")
	if !slices.Contains(ReuseKinds(), t.Kind) {
		e.Wrong("kind", "not-in-list", "is not in the list")
	}
	for _, f := range []struct {
		name   string
		vi, en *string
		most   int
	}{{"title", &t.TitleVI, &t.TitleEN, maxSaidTitle}, {"description", &t.DescriptionVI, &t.DescriptionEN, maxReuseText}} {
		for end, text := range map[string]*string{"_vi": f.vi, "_en": f.en} {
			*text = clean(*text)
			if f.name == "title" {
				*text = strings.Join(strings.Fields(*text), " ")
			}
			if utf8.RuneCountInString(*text) > f.most {
				e.Wrong(f.name+end, "text-too-long", "longer than allowed", "max", strconv.Itoa(f.most))
			}
		}
		if *f.vi == "" && *f.en == "" {
			e.Wrong(f.name+"_vi", "required", "is required")
		}
	}
	at, _, err := linkAddress(t.URL)
	if err != nil {
		e.Wrong("url", "link-address", "is no http or https address")
	}
	if len(e.Fields) > 0 {
		return "", e
	}
	t.URL = at.String()
	return strings.ToLower(at.Host), nil
}

const reuseColumns = `
select r.id, r.dataset_id, d.slug, d.title_vi as set_vi, d.title_en as set_en, d.theme, d.agency_id,
       coalesce(r.author, '00000000-0000-0000-0000-000000000000') as author, r.kind, r.title_vi, r.title_en, r.description_vi,
       r.description_en, r.url, r.state, r.reason, r.created_at, r.decided_at, r.link_state, r.link_checked_at
  from catalog.reuse r
  join catalog.dataset d on d.id = r.dataset_id`

const (
	reuseSQL = reuseColumns + ` where r.id = $1`

	reusesSQL = reuseColumns + `
 where r.state = 'shown' and d.state = 'published'
   and ($1 = '00000000-0000-0000-0000-000000000000'::uuid or r.dataset_id = $1)
   and ($2 = '' or r.kind = $2)
   and ($3 = '' or d.theme = $3)
   and ($4::uuid is null or r.id < $4)
 order by r.id desc
 limit $5`

	agencyReusesSQL = reuseColumns + `
 where d.agency_id = $1
 order by r.state = 'waiting' desc, r.id desc
 limit 100`

	ownReusesSQL = reuseColumns + ` where r.author = $1 order by r.id desc limit 100`

	waitingReusesSQL = `
select count(*)
  from catalog.reuse r
  join catalog.dataset d on d.id = r.dataset_id
 where d.agency_id = $1 and r.state = 'waiting'`
)

// ReuseFilter narrows a list.
type ReuseFilter struct {
	Dataset uuid.UUID // uuid.Nil: of all
	Kind    string
	Theme   string // code of Themes, of the dataset
	Limit   int    // 1 to 100, 0 is 20
	After   string // next of the page before
}

// Reuses lists what was approved, of public datasets, the newest first, and the
// cursor of the next page.
func (c *Catalog) Reuses(ctx context.Context, f ReuseFilter) ([]Reuse, string, error) {
	limit, err := pageLimit(f.Limit)
	if err != nil {
		return nil, "", err
	}
	var after *uuid.UUID
	if f.After != "" {
		id, err := uuid.Parse(f.After)
		if err != nil {
			return nil, "", badCursor()
		}
		after = &id
	}
	list, err := pg.All[Reuse](ctx, c.DB, reusesSQL, f.Dataset, f.Kind, f.Theme, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list reuses: %w", err)
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].ID.String()
	}
	return list, next, c.nameReusers(ctx, list)
}

// AgencyReuses lists the hundred newest reuses of an agency's datasets in any
// state, those that wait first. It fails with what May says of dataset.approve.
func (c *Catalog) AgencyReuses(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]Reuse, error) {
	if err := c.May(ctx, who, "dataset.approve", agency); err != nil {
		return nil, err
	}
	list, err := pg.All[Reuse](ctx, c.DB, agencyReusesSQL, agency)
	if err != nil {
		return nil, fmt.Errorf("list reuses of agency %s: %w", agency, err)
	}
	return list, c.nameReusers(ctx, list)
}

// WaitingReuses counts the reuses of an agency's datasets that wait. It fails
// with what May says of dataset.approve.
func (c *Catalog) WaitingReuses(ctx context.Context, who auth.Principal, agency uuid.UUID) (int, error) {
	if err := c.May(ctx, who, "dataset.approve", agency); err != nil {
		return 0, err
	}
	var n int
	if err := c.DB.QueryRow(ctx, waitingReusesSQL, agency).Scan(&n); err != nil {
		return 0, fmt.Errorf("count reuses of agency %s: %w", agency, err)
	}
	return n, nil
}

// OwnReuses lists what who added, in any state, newest first.
func (c *Catalog) OwnReuses(ctx context.Context, who auth.Principal) ([]Reuse, error) {
	if err := aPerson(who); err != nil {
		return nil, err
	}
	list, err := pg.All[Reuse](ctx, c.DB, ownReusesSQL, who.Person)
	if err != nil {
		return nil, fmt.Errorf("list reuses by %s: %w", who.Person, err)
	}
	return list, c.nameReusers(ctx, list)
}

func (c *Catalog) nameReusers(ctx context.Context, list []Reuse) error {
	var ids []uuid.UUID
	for _, r := range list {
		if r.Author != uuid.Nil {
			ids = append(ids, r.Author)
		}
	}
	names, err := c.Names(ctx, ids)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Name = names[list[i].Author]
	}
	return nil
}

// Reuse gives one reuse: what was approved, of a public dataset, to anyone; any
// other to who added it and to who decides of it. It fails with NotFound.
func (c *Catalog) Reuse(ctx context.Context, who auth.Principal, id uuid.UUID) (Reuse, error) {
	r, err := pg.One[Reuse](ctx, c.DB, reuseSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, noReuse(id)
	} else if err != nil {
		return r, fmt.Errorf("read reuse %s: %w", id, err)
	}
	d, err := c.Dataset(ctx, who, r.DatasetID)
	if err != nil && !isHidden(err) {
		return Reuse{}, err
	}
	own := who.Person != uuid.Nil && r.Author == who.Person
	public := err == nil && d.State == Published && r.State == Shown
	if !public && !own && (!who.SignedIn() || c.May(ctx, who, "dataset.approve", r.AgencyID) != nil) {
		return Reuse{}, noReuse(id)
	}
	list := []Reuse{r}
	err = c.nameReusers(ctx, list)
	return list[0], err
}

func noReuse(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no reuse %s", id).Coded("reuse-unknown", "id", id.String())
}

const insertReuseSQL = `
insert into catalog.reuse (id, dataset_id, author, kind, title_vi, title_en, description_vi, description_en, url, host, state, reason, created_at, link_next_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', '', $11, $11)`

// AddReuse says what who made of a public dataset; it waits for a steward of the
// dataset's agency, who gets a letter, and its link is checked within a minute.
// It fails with Unauthorized or Forbidden unless a person acts, Invalid,
// TooMany, NotFound, and Conflict for a link that the dataset has already.
func (c *Catalog) AddReuse(ctx context.Context, who auth.Principal, dataset uuid.UUID, t ReuseText) (Reuse, error) {
	if err := aPerson(who); err != nil {
		return Reuse{}, err
	}
	d, err := c.Dataset(ctx, auth.Principal{}, dataset)
	if err != nil {
		return Reuse{}, err
	}
	host, err := t.check()
	if err != nil {
		return Reuse{}, err
	}
	id := uuid.Must(uuid.NewV7())
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if err := c.maySpeak(ctx, tx, who.Person, 1); err != nil {
			return err
		}
		err := execOne(ctx, tx, insertReuseSQL, id, dataset, who.Person, t.Kind, t.TitleVI, t.TitleEN, t.DescriptionVI, t.DescriptionEN,
			t.URL, host, c.Now().UTC())
		if pg.IsUnique(err, "reuse_once") {
			return reuseKnown(t.URL)
		} else if err != nil {
			return fmt.Errorf("add reuse of %s: %w", dataset, err)
		}
		return c.writeToAgency(ctx, tx, LetterReuse, d.AgencyID, LetterDetail{TitleVI: d.TitleVI, TitleEN: d.TitleEN,
			Subject: t.name(), Text: t.URL, Path: "/agency/" + d.Agency.Slug + "/reuses"})
	})
	if err != nil {
		return Reuse{}, err
	}
	return c.Reuse(ctx, who, id)
}

// name is what letters call it.
func (t ReuseText) name() string {
	if t.TitleVI != "" {
		return t.TitleVI
	}
	return t.TitleEN
}

func reuseKnown(url string) error {
	return problem.Errorf(problem.Conflict, "the dataset has the link %s already", url).Coded("reuse-known")
}

// ReuseDecision is what a steward decides of a reuse.
type ReuseDecision struct {
	State  string `json:"state"`  // shown, refused
	Reason string `json:"reason"` // required to refuse, at most 1000 characters; who added it reads it
}

const (
	lockReuseSQL = `select state from catalog.reuse where id = $1 for update`

	decideReuseSQL = `update catalog.reuse set state = $2, reason = $3, decided_at = $4 where id = $1`

	dropReuseSQL = `delete from catalog.reuse where id = $1 and author = $2`
)

// DecideReuse shows a reuse to everybody, or refuses it, also one that was
// shown; who added it gets a letter. It fails with what May says of
// dataset.approve, Invalid without a reason, NotFound, and Conflict when it is so
// already, for one's own, and when another with the link is shown.
func (c *Catalog) DecideReuse(ctx context.Context, who auth.Principal, id uuid.UUID, m ReuseDecision) (Reuse, error) {
	r, err := c.Reuse(ctx, who, id)
	if err != nil {
		return r, err
	}
	if err := c.May(ctx, who, "dataset.approve", r.AgencyID); err != nil {
		return Reuse{}, err
	}
	m.Reason = clean(m.Reason)
	switch {
	case m.State != Shown && m.State != Refused:
		return Reuse{}, problem.Errorf(problem.Invalid, "a reuse is shown or refused").Coded("reuse-invalid").Wrong("state", "not-in-list", "is not in the list")
	case m.State == Refused && m.Reason == "", utf8.RuneCountInString(m.Reason) > 1000:
		return Reuse{}, problem.Errorf(problem.Invalid, "a reason is required, of at most 1000 characters").Coded("reason-required").
			Wrong("reason", "reason-required", "is required")
	case m.State == Shown && who.Person != uuid.Nil && who.Person == r.Author:
		return Reuse{}, problem.Errorf(problem.Conflict, "somebody else approves it").Coded("reuse-own")
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		var former string
		if err := tx.QueryRow(ctx, lockReuseSQL, id).Scan(&former); errors.Is(err, pgx.ErrNoRows) {
			return noReuse(id)
		} else if err != nil {
			return fmt.Errorf("lock reuse %s: %w", id, err)
		}
		if former == m.State {
			return problem.Errorf(problem.Conflict, "reuse %s is %s", id, former).Coded("reuse-state", "state", former)
		}
		err := execOne(ctx, tx, decideReuseSQL, id, m.State, m.Reason, c.Now().UTC())
		if pg.IsUnique(err, "reuse_once") {
			return reuseKnown(r.URL)
		} else if err != nil {
			return fmt.Errorf("decide reuse %s: %w", id, err)
		}
		if err := c.writeTo(ctx, tx, LetterReuseNow, r.Author, LetterDetail{TitleVI: r.SetVI, TitleEN: r.SetEN, Subject: r.name(),
			Text: m.Reason, State: m.State, Path: "/account/reuses"}); err != nil {
			return err
		}
		verb := map[string]string{Shown: "reuse.approve", Refused: "reuse.refuse"}[m.State]
		return c.Record(ctx, tx, auth.Act{Who: who, Verb: verb, Agency: r.AgencyID, About: id,
			Detail: map[string]any{"dataset": r.Slug, "url": r.URL, "reason": m.Reason}})
	})
	if err != nil {
		return Reuse{}, err
	}
	return c.Reuse(ctx, who, id)
}

// DropReuse takes back what who added. It fails with NotFound.
func (c *Catalog) DropReuse(ctx context.Context, who auth.Principal, id uuid.UUID) error {
	if err := aPerson(who); err != nil {
		return err
	}
	tag, err := c.DB.Exec(ctx, dropReuseSQL, id, who.Person)
	if err != nil {
		return fmt.Errorf("drop reuse %s: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return noReuse(id)
	}
	return nil
}
