package catalog

import (
	"bytes"
	"context"
	"encoding/json"
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

// The states of a promotion; Returned, by a steward with an answer, is one too.
const (
	Prepared = "prepared" // beside what is live
	Proposed = "proposed" // waits for a steward
	Promoted = "promoted" // is live
	Dropped  = "dropped"
)

// Promotion is a bundle on its way to being live: of a version that is public
// what is prepared beside it, of one that is not the version as it was proposed.
type Promotion struct {
	ID         uuid.UUID   `json:"id"`
	VersionID  uuid.UUID   `json:"version_id"`
	State      string      `json:"state"`
	Base       int         `json:"base"` // the revision that it was prepared on
	Hash       string      `json:"hash"` // of its bundle
	Why        string      `json:"why"`
	PreparedAt time.Time   `json:"prepared_at"`
	PreparedBy []uuid.UUID `json:"prepared_by"` // persons who had a hand in it
	ProposedAt *time.Time  `json:"proposed_at"`
	ProposedBy *uuid.UUID  `json:"proposed_by"`
	DecidedAt  *time.Time  `json:"decided_at"`
	DecidedBy  *uuid.UUID  `json:"decided_by"`
	Answer     string      `json:"answer"` // why it was returned, or ""
	Bundle     `json:"-"`

	open        *Promotion // that it takes the place of; nil: none
	PreparedFor string     `json:"prepared_by_name" db:"-"` // of who last had a hand in it
	ProposedFor string     `json:"proposed_by_name" db:"-"`
	DecidedFor  string     `json:"decided_by_name" db:"-"`
}

const promotionColumns = `
select id, version_id, state, base, hash, why, prepared_at, prepared_by, proposed_at, proposed_by, decided_at, decided_by, answer,
       spec_text as text, pages, settings ->> 'plan' as plan, settings -> 'upstreams' as upstreams, settings -> 'traffic' as traffic,
       settings -> 'operations' as operations
  from catalog.promotion`

const openPromotionSQL = promotionColumns + `
 where version_id = $1 and state in ('prepared', 'proposed', 'returned')`

// openPromotion is the promotion of a version that is not decided; nil: none.
// The version is locked, or nothing is about to be changed.
func openPromotion(ctx context.Context, db pg.DB, version uuid.UUID) (*Promotion, error) {
	p, err := pg.One[Promotion](ctx, db, openPromotionSQL, version)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read promotion of %s: %w", version, err)
	}
	return &p, nil
}

func noPromotion() error {
	return problem.Errorf(problem.Conflict, "nothing is prepared or proposed").Coded("promotion-none")
}

const savePromotionSQL = `
insert into catalog.promotion (id, version_id, state, base, spec_text, pages, settings, hash, why, prepared_at, prepared_by, proposed_at, proposed_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (id) do update
   set state = excluded.state, base = excluded.base, spec_text = excluded.spec_text, pages = excluded.pages, settings = excluded.settings,
       hash = excluded.hash, why = excluded.why, prepared_at = excluded.prepared_at, prepared_by = excluded.prepared_by,
       proposed_at = excluded.proposed_at, proposed_by = excluded.proposed_by`

func savePromotion(ctx context.Context, tx pgx.Tx, p Promotion) error {
	settings, err := json.Marshal(p.Settings)
	if err != nil {
		return fmt.Errorf("write settings of promotion %s: %w", p.ID, err)
	}
	if p.Pages == nil {
		p.Pages = []DocPage{}
	}
	_, err = tx.Exec(ctx, savePromotionSQL, p.ID, p.VersionID, p.State, p.Base, p.Text, p.Pages, settings, p.Hash, p.Why,
		p.PreparedAt, p.PreparedBy, p.ProposedAt, p.ProposedBy)
	if err != nil {
		return fmt.Errorf("save promotion %s: %w", p.ID, err)
	}
	return nil
}

// begun is a promotion of who's hand, not decided yet: p over again, or a new one.
func (c *Catalog) begun(p *Promotion, who auth.Principal, version uuid.UUID) Promotion {
	if p == nil {
		p = &Promotion{ID: uuid.Must(uuid.NewV7()), VersionID: version, PreparedBy: []uuid.UUID{}}
	}
	made := *p
	made.PreparedAt, made.State, made.ProposedAt, made.ProposedBy = c.Now().UTC(), Prepared, nil, nil
	made.PreparedBy = slices.DeleteFunc(slices.Clone(made.PreparedBy), func(id uuid.UUID) bool { return id == who.Person })
	if who.Person != uuid.Nil {
		made.PreparedBy = append(made.PreparedBy, who.Person) // the last is who had a hand in it last
	}
	return made
}

// byPerson fails with Forbidden for a program, and for the platform itself: a
// release is answered for by people.
func byPerson(who auth.Principal) error {
	if who.Person == uuid.Nil {
		return problem.Errorf(problem.Forbidden, "a release is proposed and promoted by persons").Coded("release-by-person")
	}
	return nil
}

// ProposePromotion puts what is prepared, or of a version that is not public the
// version itself, before a steward. It fails with Conflict when nothing is
// prepared, with Invalid as PublishVersion does when something is missing, and
// as changeVersion does for api.publish.
func (c *Catalog) ProposePromotion(ctx context.Context, who auth.Principal, version uuid.UUID, why string) (Version, error) {
	if err := byPerson(who); err != nil {
		return Version{}, err
	}
	if err := checkWhy(&why); err != nil {
		return Version{}, err
	}
	ch := versionChange{who: who, version: version, act: "api.publish", verb: "version.propose",
		from: []string{Draft, Review, Sandbox, Published, Deprecated}, detail: map[string]any{}}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		open, err := openPromotion(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		if live(v.State) && open == nil {
			return noPromotion()
		}
		var p Promotion
		if live(v.State) {
			p = *open
		} else if p, err = c.asItIs(ctx, tx, who, v, open); err != nil {
			return err
		}
		now := c.Now().UTC()
		p.State, p.ProposedAt, p.ProposedBy = Proposed, &now, &who.Person
		if why != "" || !live(v.State) {
			p.Why = why
		}
		ch.detail["proposed"] = p.Hash
		if p.Why != "" {
			ch.detail["why"] = p.Why
		}
		if err := savePromotion(ctx, tx, p); err != nil {
			return err
		}
		return c.writeToAgency(ctx, tx, LetterPromotion, v.AgencyID, promotionTold(v, p, p.Why))
	})
}

// promotionTold is what a letter tells of a promotion, with the words of who
// proposed or returned it.
func promotionTold(v Version, p Promotion, words string) LetterDetail {
	d := LetterDetail{TitleVI: v.TitleVI, TitleEN: v.TitleEN, Subject: v.Number, Text: words,
		Path: "/agency/" + v.Agency.Slug + "/apis/" + v.APISlug + "/" + v.Number + "/promotion"}
	if p.State != Proposed {
		d.State = p.State
	}
	return d
}

// tellPreparers writes to those who prepared or proposed p what became of it.
func (c *Catalog) tellPreparers(ctx context.Context, tx pgx.Tx, v Version, p Promotion) error {
	told := append(slices.Clone(p.PreparedBy), *p.ProposedBy)
	slices.SortFunc(told, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	for _, person := range slices.Compact(told) {
		if err := c.writeTo(ctx, tx, LetterPromotionNow, person, promotionTold(v, p, p.Answer)); err != nil {
			return err
		}
	}
	return nil
}

// asItIs is a promotion of a version that is not public, as it is: it lacks
// nothing.
func (c *Catalog) asItIs(ctx context.Context, tx pgx.Tx, who auth.Principal, v Version, open *Promotion) (Promotion, error) {
	if err := c.ready(ctx, tx, v); err != nil {
		return Promotion{}, err
	}
	p := c.begun(open, who, v.ID)
	if _, err := c.revise(ctx, tx, v.ID, versionChange{who: who}); err != nil {
		return p, err
	}
	var err error
	if p.Base, p.Bundle, err = lastRevision(ctx, tx, v.ID); err != nil {
		return p, err
	}
	p.Hash = p.Bundle.Hash()
	return p, nil
}

const lastRevisionNumberSQL = `select max(number) from catalog.revision where version_id = $1`

// lastRevision is the last revision of a version, which is as the version is.
func lastRevision(ctx context.Context, db pg.DB, version uuid.UUID) (int, Bundle, error) {
	var number int
	if err := db.QueryRow(ctx, lastRevisionNumberSQL, version).Scan(&number); err != nil {
		return 0, Bundle{}, fmt.Errorf("read last revision of %s: %w", version, err)
	}
	b, err := bundleOf(ctx, db, version)
	return number, b, err
}

const decidePromotionSQL = `
update catalog.promotion set state = $2, decided_at = $3, decided_by = $4, answer = $5 where id = $1`

// decidePromotion keeps what who decided, which is p's state and answer.
func (c *Catalog) decidePromotion(ctx context.Context, tx pgx.Tx, who auth.Principal, p *Promotion) error {
	var by *uuid.UUID
	if who.Person != uuid.Nil {
		by = &who.Person
	}
	if _, err := tx.Exec(ctx, decidePromotionSQL, p.ID, p.State, c.Now().UTC(), by, p.Answer); err != nil {
		return fmt.Errorf("decide promotion %s: %w", p.ID, err)
	}
	return nil
}

// Promote makes a proposed bundle live, whole or not at all: hash is that of the
// bundle that who has read. It fails with Forbidden for a program and for those
// who prepared or proposed it; with Conflict when nothing is proposed, when the
// bundle is another one than was read, and when what is live, or the version
// that was proposed, has changed since; as putBundle and PublishVersion do; and
// as changeVersion does for api.promote.
func (c *Catalog) Promote(ctx context.Context, who auth.Principal, version uuid.UUID, hash string) (Version, error) {
	if err := byPerson(who); err != nil {
		return Version{}, err
	}
	s := Save{}
	ch := versionChange{who: who, version: version, act: "api.promote", verb: "version.promote",
		from: []string{Draft, Review, Sandbox, Published, Deprecated}, detail: map[string]any{}, save: &s}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		p, err := openPromotion(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		if p == nil || p.State != Proposed {
			return noPromotion()
		}
		if slices.Contains(p.PreparedBy, who.Person) || *p.ProposedBy == who.Person {
			return problem.Errorf(problem.Forbidden, "nobody promotes what they prepared").Coded("promotion-own")
		}
		if p.Hash != hash {
			return problem.Errorf(problem.Conflict, "the bundle is %s, not %s", p.Hash, hash).Coded("promotion-changed")
		}
		s.Why = p.Why
		ch.detail["proposed_by"], ch.detail["was"], ch.detail["base"] = *p.ProposedBy, v.State, p.Base
		if p.Why != "" {
			ch.detail["why"] = p.Why
		}
		if err := c.bringLive(ctx, tx, v, p, &s); err != nil {
			return err
		}
		p.State, p.Answer = Promoted, ""
		if err := c.decidePromotion(ctx, tx, who, p); err != nil {
			return err
		}
		return c.tellPreparers(ctx, tx, v, *p)
	})
}

// bringLive makes a locked version what a promotion says, and public.
func (c *Catalog) bringLive(ctx context.Context, tx pgx.Tx, v Version, p *Promotion, s *Save) error {
	number, now, err := lastRevision(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	if !live(v.State) {
		if now.Hash() != p.Hash {
			return problem.Errorf(problem.Conflict, "%s/%s is not as it was proposed", v.APISlug, v.Number).Coded("promotion-behind")
		}
		return c.putLive(ctx, tx, v)
	}
	if number != p.Base {
		return problem.Errorf(problem.Conflict, "revision %d is live, prepared on %d", number, p.Base).Coded("promotion-behind")
	}
	if err := c.putBundle(ctx, tx, v, p.Bundle, s); err != nil {
		return err
	}
	if now, err = bundleOf(ctx, tx, v.ID); err != nil {
		return err
	}
	if now.Hash() != p.Hash {
		return fmt.Errorf("promote %s: the bundle became %s, not %s", v.ID, now.Hash(), p.Hash)
	}
	return nil
}

// ReturnPromotion gives what is proposed back to those who prepare, with what
// is to be done. It fails with Invalid without an answer, with Conflict when
// nothing is proposed, and as changeVersion does for api.promote.
func (c *Catalog) ReturnPromotion(ctx context.Context, who auth.Principal, version uuid.UUID, answer string) (Version, error) {
	answer = strings.TrimSpace(answer)
	if n := utf8.RuneCountInString(answer); n == 0 || n > maxEndReason {
		most := strconv.Itoa(maxEndReason)
		return Version{}, problem.Errorf(problem.Invalid, "say in at most %s characters what is to be done", most).Coded("promotion-answer", "max", most).
			Wrong("answer", "promotion-answer", "1 to "+most+" characters", "max", most)
	}
	ch := versionChange{who: who, version: version, act: "api.promote", verb: "version.return",
		from: []string{Draft, Review, Sandbox, Published, Deprecated}, detail: map[string]any{"answer": answer}}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		p, err := openPromotion(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		if p == nil || p.State != Proposed {
			return noPromotion()
		}
		ch.detail["proposed"] = p.Hash
		p.State, p.Answer = Returned, answer
		if err := c.decidePromotion(ctx, tx, who, p); err != nil {
			return err
		}
		return c.tellPreparers(ctx, tx, v, *p)
	})
}

// DropPromotion gives up what is prepared or proposed; the version stays as it
// is. It fails with Conflict when there is none, and as changeVersion does for
// api.edit.
func (c *Catalog) DropPromotion(ctx context.Context, who auth.Principal, version uuid.UUID) (Version, error) {
	ch := versionChange{who: who, version: version, act: "api.edit", verb: "version.drop",
		from: []string{Draft, Review, Sandbox, Published, Deprecated, Retired}, detail: map[string]any{}}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		p, err := openPromotion(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		if p == nil {
			return noPromotion()
		}
		ch.detail["dropped"] = p.Hash
		p.State = Dropped
		return c.decidePromotion(ctx, tx, who, p)
	})
}
