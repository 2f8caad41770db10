package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Agency is a state body of the province. Its identifiers are dated: what it
// was called before is in its aliases.
type Agency struct {
	ID         uuid.UUID  `json:"id"`
	Slug       string     `json:"slug"`      // lower case, in URLs
	Code       string     `json:"code"`      // H48.11
	Synthetic  bool       `json:"synthetic"` // the code is made up for the demo
	NameVI     string     `json:"name_vi"`
	NameEN     string     `json:"name_en"`
	Parent     *uuid.UUID `json:"parent"`
	ValidFrom  time.Time  `json:"valid_from"` // a day
	ValidTo    *time.Time `json:"valid_to"`   // the last day; nil: still there
	NoteVI     string     `json:"note_vi"`
	NoteEN     string     `json:"note_en"`
	FocalName  string     `json:"focal_name"` // the focal-point officer, as published; may be ""
	FocalEmail string     `json:"focal_email"`
	FocalPhone string     `json:"focal_phone"`

	SlugFrom  *time.Time `json:"slug_from"`  // the day since when it has its slug; nil: since ValidFrom
	CodeFrom  *time.Time `json:"code_from"`  // and its code
	Source    string     `json:"source"`     // the decision that gave it name and code; may be ""
	Successor *uuid.UUID `json:"successor"`  // what it merged into
	EndedAt   *time.Time `json:"ended_at"`   // when its service here was ended; nil: it was not
	EndReason string     `json:"end_reason"` // why
}

// Ended reports whether the agency has no service here any more.
func (a Agency) Ended() bool { return a.EndedAt != nil }

// Alias is a slug or code that an agency once had.
type Alias struct {
	Kind      string     `json:"kind"` // slug, code
	Value     string     `json:"value"`
	ValidFrom time.Time  `json:"valid_from"`
	ValidTo   *time.Time `json:"valid_to"`
	Source    string     `json:"source"` // the decision that ended it; may be ""
}

const agencyColumns = `id, slug, code, synthetic, name_vi, name_en, parent, valid_from, valid_to,
       note_vi, note_en, focal_name, focal_email, focal_phone, slug_from, code_from, source, successor, ended_at, end_reason`

const createAgencySQL = `
insert into auth.agency (id, slug, code, synthetic, name_vi, name_en, parent, valid_from, valid_to,
                         note_vi, note_en, focal_name, focal_email, focal_phone, code_from, source)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

const addAliasSQL = `
insert into auth.agency_alias (kind, value, agency_id, valid_from, valid_to, source) values ($1, $2, $3, $4, $5, $6)`

// CreateAgency adds an agency with what it was once called. A Nil ID is given
// one. It fails with Forbidden unless who may agency.edit, Conflict when the
// slug, the code or an alias is taken, and Invalid when one has not its form.
func (a *Auth) CreateAgency(ctx context.Context, who Principal, agency Agency, aliases ...Alias) (Agency, error) {
	if err := a.May(ctx, who, "agency.edit", uuid.Nil); err != nil {
		return Agency{}, err
	}
	if agency.ID == uuid.Nil {
		agency.ID = uuid.Must(uuid.NewV7())
	}
	agency, wrong := agency.tidy()
	if err := asError(wrong); err != nil {
		return Agency{}, err
	}
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, createAgencySQL, agency.ID, agency.Slug, agency.Code, agency.Synthetic, agency.NameVI, agency.NameEN,
			agency.Parent, agency.ValidFrom, agency.ValidTo, agency.NoteVI, agency.NoteEN,
			agency.FocalName, agency.FocalEmail, agency.FocalPhone, agency.CodeFrom, agency.Source)
		if err != nil {
			return agencyProblem(err)
		}
		for _, alias := range aliases {
			if err := addAlias(ctx, tx, agency.ID, alias); err != nil {
				return err
			}
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "agency.create", Agency: agency.ID, About: agency.ID,
			Detail: map[string]any{"slug": agency.Slug, "code": agency.Code}})
	})
	return agency, err
}

func addAlias(ctx context.Context, tx pgx.Tx, agency uuid.UUID, alias Alias) error {
	_, err := tx.Exec(ctx, addAliasSQL, alias.Kind, alias.Value, agency, alias.ValidFrom, alias.ValidTo, alias.Source)
	if err != nil {
		return agencyProblem(err)
	}
	return nil
}

// agencyProblem turns the name of a broken constraint into the field it is about.
func agencyProblem(err error) error {
	switch {
	case pg.IsUnique(err, "agency_slug_key"):
		return problem.Errorf(problem.Conflict, "another agency has this slug").Coded("agency-taken").
			Wrong("slug", "agency-taken", "another agency has this slug")
	case pg.IsUnique(err, "agency_code_key"):
		return problem.Errorf(problem.Conflict, "another agency has this code").Coded("agency-taken").
			Wrong("code", "agency-taken", "another agency has this code")
	case pg.IsUnique(err, "agency_alias_key"):
		return problem.Errorf(problem.Conflict, "another agency was called so").Coded("agency-taken").
			Wrong("aliases", "agency-taken", "another agency was called so")
	case pg.IsCheck(err, "agency_slug_form"):
		return fieldsWrong().Wrong("slug", "slug-form", "lower-case letters, digits and single hyphens, at most 63")
	case pg.IsCheck(err, "agency_code_form"):
		return fieldsWrong().Wrong("code", "agency-code-form", "capital letters and digits in groups parted by dots, at most 35")
	case pg.IsCheck(err, "agency_name_vi_given"):
		return fieldsWrong().Wrong("name_vi", "name-missing", "a name is needed")
	case pg.IsCheck(err, "agency_name_en_given"):
		return fieldsWrong().Wrong("name_en", "name-missing", "a name is needed")
	case pg.IsCheck(err, "agency_valid_order"):
		return fieldsWrong().Wrong("valid_to", "dates-order", "the end is before the beginning")
	case pg.IsForeign(err, "agency_parent_fk"):
		return fieldsWrong().Wrong("parent", "agency-unknown", "no such agency")
	}
	return fmt.Errorf("write agency: %w", err)
}

// The agency that has the slug now comes before one that once had it.
const agencyBySlugSQL = `
select ` + agencyColumns + `
  from auth.agency
 where id = coalesce((select id from auth.agency where slug = $1),
                     (select agency_id from auth.agency_alias where kind = 'slug' and value = $1))`

// AgencyBySlug finds an agency by its slug, or by one it once had: the answer's
// Slug then differs from what was asked. It fails with NotFound.
func (a *Auth) AgencyBySlug(ctx context.Context, slug string) (Agency, error) {
	agency, err := pg.One[Agency](ctx, a.DB, agencyBySlugSQL, slug)
	if errors.Is(err, pgx.ErrNoRows) {
		return Agency{}, problem.Errorf(problem.NotFound, "no agency %q", slug).Coded("agency-unknown")
	} else if err != nil {
		return Agency{}, fmt.Errorf("find agency %q: %w", slug, err)
	}
	return agency, nil
}

const aliasesSQL = `
select kind, value, valid_from, valid_to, source from auth.agency_alias where agency_id = $1 order by valid_from, kind, value`

// Aliases lists what an agency was once called, oldest first.
func (a *Auth) Aliases(ctx context.Context, agency uuid.UUID) ([]Alias, error) {
	aliases, err := pg.All[Alias](ctx, a.DB, aliasesSQL, agency)
	if err != nil {
		return nil, fmt.Errorf("list aliases of agency %s: %w", agency, err)
	}
	return aliases, nil
}

const listAgenciesSQL = `
select ` + agencyColumns + `
  from auth.agency
 where slug > $1
 order by slug
 limit $2`

// ListAgencies lists agencies by slug, those that have ended too; next is ""
// at the end.
func (a *Auth) ListAgencies(ctx context.Context, page Page) ([]Agency, string, error) {
	agencies, err := pg.All[Agency](ctx, a.DB, listAgenciesSQL, page.After, page.size()+1)
	if err != nil {
		return nil, "", fmt.Errorf("list agencies: %w", err)
	}
	agencies, next := cut(agencies, page.size(), func(a Agency) string { return a.Slug })
	return agencies, next, nil
}

const agenciesBySlugSQL = `
select ` + agencyColumns + `
  from auth.agency
 where slug = any($1)`

// AgenciesBySlug gives the agencies of these slugs, by slug; unknown ones are
// left out.
func (a *Auth) AgenciesBySlug(ctx context.Context, slugs []string) (map[string]Agency, error) {
	agencies, err := pg.All[Agency](ctx, a.DB, agenciesBySlugSQL, slugs)
	if err != nil {
		return nil, fmt.Errorf("read %d agencies by slug: %w", len(slugs), err)
	}
	bySlug := make(map[string]Agency, len(agencies))
	for _, agency := range agencies {
		bySlug[agency.Slug] = agency
	}
	return bySlug, nil
}

const agenciesSQL = `
select ` + agencyColumns + `
  from auth.agency
 where id = any($1)`

// Agencies gives the agencies of these ids, by id; unknown ids are left out.
func (a *Auth) Agencies(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Agency, error) {
	agencies, err := pg.All[Agency](ctx, a.DB, agenciesSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d agencies: %w", len(ids), err)
	}
	byID := make(map[uuid.UUID]Agency, len(agencies))
	for _, agency := range agencies {
		byID[agency.ID] = agency
	}
	return byID, nil
}
