package agreement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Purpose is one of the purposes an agreement may be for.
type Purpose struct {
	Code    string `json:"code"`
	TitleVI string `json:"title_vi"`
	TitleEN string `json:"title_en"`
}

const purposesSQL = `select code, title_vi, title_en from agreement.purpose order by position`

// Purposes lists them, in the order that people choose from.
func (a *Agreements) Purposes(ctx context.Context) ([]Purpose, error) {
	purposes, err := pg.All[Purpose](ctx, a.DB, purposesSQL)
	if err != nil {
		return nil, fmt.Errorf("list purposes: %w", err)
	}
	return purposes, nil
}

// LegalBasis is a clause that agreements, refusals and clocks cite.
type LegalBasis struct {
	ID string `json:"id"`
	BasisText
	Version      int        `json:"version"`       // +1 where its wording or validity changed
	Follows      string     `json:"follows"`       // id of the version before, or ""
	FollowedBy   string     `json:"followed_by"`   // id of the version after, or ""
	WithdrawnAt  *time.Time `json:"withdrawn_at"`  // when it was taken out; nil: it was not
	WithdrawnWhy string     `json:"withdrawn_why"` // and why
	InForce      bool       `json:"in_force"`      // today: it can be cited
}

// BasisText is what is written about a clause.
type BasisText struct {
	DocumentVI  string  `json:"document_vi"`
	DocumentEN  string  `json:"document_en"`
	ArticleVI   string  `json:"article_vi"`
	ArticleEN   string  `json:"article_en"`
	TextVI      string  `json:"text_vi"`
	TextEN      string  `json:"text_en"`
	ValidFrom   *string `json:"valid_from"`   // YYYY-MM-DD; nil: not known here
	ValidTo     *string `json:"valid_to"`     // YYYY-MM-DD, inclusive; nil: still valid
	Confirmed   bool    `json:"confirmed"`    // false: never shown as law
	Source      string  `json:"source"`       // how it is known
	WorkingDays int     `json:"working_days"` // that a request may wait for its decision by this clause; 0: it says nothing of that
}

// The day asked about is $1.
const basisColumns = `
select b.id, b.document_vi, b.document_en, b.article_vi, b.article_en, b.text_vi, b.text_en,
       to_char(b.valid_from, 'YYYY-MM-DD') as valid_from, to_char(b.valid_to, 'YYYY-MM-DD') as valid_to, b.confirmed, b.source,
       coalesce(b.working_days, 0) as working_days, b.version, coalesce(b.follows, '') as follows,
       coalesce((select n.id from agreement.legal_basis n where n.follows = b.id), '') as followed_by, b.withdrawn_at, b.withdrawn_why,
       (b.valid_from is null or b.valid_from <= $1::date) and (b.valid_to is null or b.valid_to >= $1::date) as in_force
  from agreement.legal_basis b`

const (
	legalBasesSQL = basisColumns + `
 where (b.valid_from is null or b.valid_from <= $1::date) and (b.valid_to is null or b.valid_to >= $1::date)
 order by b.confirmed desc, b.document_vi, b.id`
	allBasesSQL   = basisColumns + ` order by b.document_vi, b.article_vi, b.version desc, b.id`
	legalBasisSQL = basisColumns + ` where b.id = $2`
)

// LegalBases lists the clauses that can be cited today, confirmed ones first.
func (a *Agreements) LegalBases(ctx context.Context) ([]LegalBasis, error) {
	bases, err := pg.All[LegalBasis](ctx, a.DB, legalBasesSQL, a.today())
	if err != nil {
		return nil, fmt.Errorf("list legal bases: %w", err)
	}
	return bases, nil
}

// AllBases lists every clause that was ever cited, those of the future and
// those withdrawn too, by document.
func (a *Agreements) AllBases(ctx context.Context) ([]LegalBasis, error) {
	bases, err := pg.All[LegalBasis](ctx, a.DB, allBasesSQL, a.today())
	if err != nil {
		return nil, fmt.Errorf("list all legal bases: %w", err)
	}
	return bases, nil
}

// Basis gives one clause, or NotFound.
func (a *Agreements) Basis(ctx context.Context, id string) (LegalBasis, error) {
	return a.basis(ctx, a.DB, id)
}

func (a *Agreements) basis(ctx context.Context, db pg.DB, id string) (LegalBasis, error) {
	b, err := pg.One[LegalBasis](ctx, db, legalBasisSQL, a.today(), id)
	if errors.Is(err, pgx.ErrNoRows) {
		return LegalBasis{}, problem.Errorf(problem.NotFound, "no legal basis %q", id).Coded("basis-unknown")
	} else if err != nil {
		return LegalBasis{}, fmt.Errorf("read legal basis %q: %w", id, err)
	}
	return b, nil
}

// citable tells whether a clause can be cited today: its field's error code if not.
func (a *Agreements) citable(ctx context.Context, db pg.DB, id string) (string, error) {
	if id == "" {
		return "basis-missing", nil
	}
	basis, err := a.basis(ctx, db, id)
	if problem.Is(err, problem.NotFound) {
		return "basis-unknown", nil
	} else if err != nil {
		return "", err
	}
	if !basis.InForce {
		return "basis-not-in-force", nil
	}
	return "", nil
}
