package catalog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/spec"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Release is what would go live, whole, with all that whoever decides of it
// must know.
type Release struct {
	Promotion  *Promotion      `json:"promotion"`   // that is not decided; null: none
	Bundle     Bundle          `json:"bundle"`      // what is prepared, or what the version is
	Hash       string          `json:"hash"`        // of the bundle
	Beside     string          `json:"beside"`      // what it is compared with: the number of a live version; "": nothing is live
	Changes    BundleChanges   `json:"-"`           // from that
	Findings   []Finding       `json:"findings"`    // in its document
	Missing    []problem.Field `json:"-"`           // that keep it from going live
	Broken     []Broken        `json:"broken"`      // what callers rely on, that it breaks
	Behind     bool            `json:"behind"`      // what it was prepared on, or proposed of, has changed since
	TwoPersons bool            `json:"two_persons"` // the agency demands it
	Operations []Operation     `json:"-"`           // as they would be

	refusal error // why it could not go live
}

// Refusal is why the bundle could not go live as it is; nil: it could.
func (r Release) Refusal() error { return r.refusal }

// ReleaseOf gives what would go live of a version to those who may change or
// promote it; others get NotFound. A version that is retired has none: Conflict.
func (c *Catalog) ReleaseOf(ctx context.Context, who auth.Principal, version uuid.UUID) (Release, error) {
	v, err := c.ownVersion(ctx, who, version)
	if err != nil {
		return Release{}, err
	}
	if v.State == Retired {
		return Release{}, problem.Errorf(problem.Conflict, "%s/%s is retired", v.APISlug, v.Number).Coded("wrong-state", "state", v.State)
	}
	r := Release{Findings: []Finding{}, Broken: []Broken{}}
	rule, err := releaseRule(ctx, c.DB, v.AgencyID)
	if err != nil {
		return Release{}, err
	}
	r.TwoPersons = rule.TwoPersons
	if r.Promotion, err = openPromotion(ctx, c.DB, version); err != nil {
		return Release{}, err
	}
	before, err := c.besideOf(ctx, who, v, &r)
	if err != nil {
		return Release{}, err
	}
	if err := c.judgeRelease(ctx, v, &r); err != nil {
		return Release{}, err
	}
	r.Hash = r.Bundle.Hash()
	if r.Changes, err = compareBundles(before, r.Bundle); err != nil {
		return Release{}, err
	}
	if p := r.Promotion; p != nil {
		if err := c.namePromotion(ctx, p); err != nil {
			return Release{}, err
		}
	}
	return r, nil
}

// besideOf gives the bundle that the release is compared with: what is live of
// the version, else the newest version of the API that is live, else nothing.
func (c *Catalog) besideOf(ctx context.Context, who auth.Principal, v Version, r *Release) (Bundle, error) {
	if live(v.State) {
		r.Beside = v.Number
		return bundleOf(ctx, c.DB, v.ID)
	}
	api, err := c.APIByID(ctx, who, v.APIID)
	if err != nil {
		return Bundle{}, err
	}
	i := slices.IndexFunc(api.Versions, func(other Version) bool { return live(other.State) })
	if i < 0 {
		return Bundle{}, nil
	}
	r.Beside = api.Versions[i].Number
	return bundleOf(ctx, c.DB, api.Versions[i].ID)
}

// judgeRelease fills in the bundle, and finds what keeps it from going live by
// bringing it live as if.
func (c *Catalog) judgeRelease(ctx context.Context, v Version, r *Release) error {
	number, now, err := lastRevision(ctx, c.DB, v.ID)
	if err != nil {
		return err
	}
	r.Bundle = now
	if p := r.Promotion; p != nil {
		r.Behind = p.Base != number
		if live(v.State) {
			r.Bundle = p.Bundle
		} else {
			r.Behind = p.State == Proposed && p.Hash != now.Hash()
		}
	}
	err = c.inTurn(ctx, func() error {
		return c.Foresee(ctx, func(would *Catalog) error {
			return pgx.BeginFunc(ctx, would.DB, func(tx pgx.Tx) error {
				var err error
				if live(v.State) {
					err = would.putBundle(ctx, tx, v, r.Bundle, &Save{})
				} else {
					err = would.putLive(ctx, tx, v)
				}
				if r.refusal = err; err != nil {
					return err
				}
				r.Operations, err = operationsOf(ctx, tx, v.ID)
				return err
			})
		}, nil)
	})
	if r.refusal == nil && err != nil {
		return err
	}
	r.Findings = v.Findings
	if r.Bundle.Text != now.Text {
		doc, err := c.read([]byte(r.Bundle.Text))
		if err != nil {
			return err
		}
		r.Findings = doc.Findings
		if r.Operations == nil {
			r.Operations = unsavedOperations(doc, r.Bundle.Operations)
		}
	}
	if r.Operations == nil {
		if r.Operations, err = operationsOf(ctx, c.DB, v.ID); err != nil {
			return err
		}
	}
	return r.explain()
}

// unsavedOperations are the operations of a document that could not be saved,
// with the marks that a bundle has for them.
func unsavedOperations(doc *spec.Document, marks map[string]Mark) []Operation {
	var list []Operation
	for _, d := range doc.Operations {
		list = append(list, Operation{Slug: d.Slug, Method: d.Method, Path: d.Path, Mark: marks[d.Slug], Doc: d})
	}
	return list
}

// explain tells the refusal thing by thing, and fails with one that is none.
func (r *Release) explain() error {
	if r.refusal == nil {
		return nil
	}
	e := problem.Of(r.refusal)
	if e == nil || e.Kind >= 500 {
		return r.refusal
	}
	r.Broken = Findings(r.refusal)
	if r.Broken == nil {
		r.Broken = []Broken{}
	}
	r.Missing = e.Fields
	return nil
}

// namePromotion fills in what those are called who had a hand in a promotion.
func (c *Catalog) namePromotion(ctx context.Context, p *Promotion) error {
	ids := slices.Clone(p.PreparedBy)
	for _, id := range []*uuid.UUID{p.ProposedBy, p.DecidedBy} {
		if id != nil {
			ids = append(ids, *id)
		}
	}
	if len(ids) == 0 || c.Names == nil {
		return nil
	}
	names, err := c.Names(ctx, ids)
	if err != nil {
		return err
	}
	if len(p.PreparedBy) > 0 {
		p.PreparedFor = names[p.PreparedBy[len(p.PreparedBy)-1]]
	}
	if p.ProposedBy != nil {
		p.ProposedFor = names[*p.ProposedBy]
	}
	if p.DecidedBy != nil {
		p.DecidedFor = names[*p.DecidedBy]
	}
	return nil
}

const waitingPromotionsSQL = `
select p.version_id, a.slug as api_slug, a.title_vi, a.title_en, v.number, p.state, p.proposed_at
  from catalog.promotion p
  join catalog.version v on v.id = p.version_id
  join catalog.api a on a.id = v.api_id
 where a.agency_id = $1 and p.state in ('prepared', 'proposed', 'returned')
 order by p.proposed_at nulls last, p.prepared_at
 limit 100`

// WaitingPromotion is a promotion that is not decided.
type WaitingPromotion struct {
	VersionID  uuid.UUID  `json:"version_id"`
	APISlug    string     `json:"api_slug"`
	TitleVI    string     `json:"title_vi"`
	TitleEN    string     `json:"title_en"`
	Number     string     `json:"number"`
	State      string     `json:"state"`
	ProposedAt *time.Time `json:"proposed_at"`
}

// WaitingPromotions are those of an agency that are not decided, proposed ones
// first, at most 100, for its own people and those of the platform; else it
// fails with NotFound.
func (c *Catalog) WaitingPromotions(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]WaitingPromotion, error) {
	if !sees(who, agency) {
		return nil, problem.Errorf(problem.NotFound, "no agency %s", agency)
	}
	list, err := pg.All[WaitingPromotion](ctx, c.DB, waitingPromotionsSQL, agency)
	if err != nil {
		return nil, fmt.Errorf("list promotions of %s: %w", agency, err)
	}
	return list, nil
}
