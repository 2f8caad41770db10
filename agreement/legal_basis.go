package agreement

import (
	"context"
	"errors"
	"fmt"

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
	ID         string  `json:"id"`
	DocumentVI string  `json:"document_vi"`
	DocumentEN string  `json:"document_en"`
	ArticleVI  string  `json:"article_vi"`
	ArticleEN  string  `json:"article_en"`
	TextVI     string  `json:"text_vi"`
	TextEN     string  `json:"text_en"`
	ValidFrom  *string `json:"valid_from"` // YYYY-MM-DD; nil: not known here
	ValidTo    *string `json:"valid_to"`   // YYYY-MM-DD, inclusive; nil: still valid
	Confirmed  bool    `json:"confirmed"`  // false: never shown as law
	Source     string  `json:"source"`     // how it is known
}

const (
	legalBasesSQL = `
select id, document_vi, document_en, article_vi, article_en, text_vi, text_en,
       to_char(valid_from, 'YYYY-MM-DD') as valid_from, to_char(valid_to, 'YYYY-MM-DD') as valid_to, confirmed, source
  from agreement.legal_basis
 where (valid_from is null or valid_from <= $1::date) and (valid_to is null or valid_to >= $1::date)
 order by confirmed desc, document_vi, id`
	legalBasisSQL = `
select id, document_vi, document_en, article_vi, article_en, text_vi, text_en,
       to_char(valid_from, 'YYYY-MM-DD') as valid_from, to_char(valid_to, 'YYYY-MM-DD') as valid_to, confirmed, source
  from agreement.legal_basis
 where id = $1`
)

// LegalBases lists the clauses that can be cited today, confirmed ones first.
func (a *Agreements) LegalBases(ctx context.Context) ([]LegalBasis, error) {
	bases, err := pg.All[LegalBasis](ctx, a.DB, legalBasesSQL, a.today())
	if err != nil {
		return nil, fmt.Errorf("list legal bases: %w", err)
	}
	return bases, nil
}

// LegalBasis gives one clause, in force or not. It fails with NotFound.
func (a *Agreements) LegalBasis(ctx context.Context, id string) (LegalBasis, error) {
	basis, err := pg.One[LegalBasis](ctx, a.DB, legalBasisSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return LegalBasis{}, problem.Errorf(problem.NotFound, "no legal basis %q", id).Coded("basis-unknown")
	} else if err != nil {
		return LegalBasis{}, fmt.Errorf("read legal basis %q: %w", id, err)
	}
	return basis, nil
}

// citable tells whether a clause can be cited today: its field's error code if not.
func (a *Agreements) citable(ctx context.Context, db pg.DB, id string) (string, error) {
	if id == "" {
		return "basis-missing", nil
	}
	basis, err := pg.One[LegalBasis](ctx, db, legalBasisSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "basis-unknown", nil
	} else if err != nil {
		return "", fmt.Errorf("read legal basis %q: %w", id, err)
	}
	today := a.today()
	if basis.ValidFrom != nil && *basis.ValidFrom > today || basis.ValidTo != nil && *basis.ValidTo < today {
		return "basis-not-in-force", nil
	}
	return "", nil
}
