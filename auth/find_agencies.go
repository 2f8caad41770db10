package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The states of AgencyFilter.
const (
	AgencyLive  = "live"
	AgencyEnded = "ended"
	AgencyUnled = "unled" // live, and without a steward
)

// AgencyFilter narrows FindAgencies.
type AgencyFilter struct {
	Query string // words of names, slugs and codes, former ones too; marks and case do not matter
	State string // live, ended, unled; "": all
	Page
}

// FoundAgency is an agency with what it was once called.
type FoundAgency struct {
	Agency
	Former []string `json:"former"` // slugs and codes
}

// A province has some hundred agencies: they are read and compared here, where
// marks are taken off as everywhere else.
const findAgenciesSQL = `
select ` + agencyColumns + `,
       coalesce((select array_agg(l.value order by l.value) from auth.agency_alias l where l.agency_id = a.id), '{}') as former
  from auth.agency a
 where slug > $1
   and ($2 = '' or $2 = 'live' and ended_at is null and (valid_to is null or valid_to >= $3) or $2 = 'ended' and (ended_at is not null or valid_to < $3)
        or $2 = 'unled' and ended_at is null and (valid_to is null or valid_to >= $3)
           and not exists (select from auth.membership m join auth.person p on p.id = m.person_id and p.disabled_at is null
                            where m.agency_id = a.id and m.role = 'steward'))
 order by slug
 limit 10000`

// FindAgencies lists agencies by slug; next is "" at the end. It fails with
// Invalid for a state that is none.
func (a *Auth) FindAgencies(ctx context.Context, f AgencyFilter) ([]FoundAgency, string, error) {
	if f.State != "" && f.State != AgencyLive && f.State != AgencyEnded && f.State != AgencyUnled {
		return nil, "", problem.Errorf(problem.Invalid, "state must be live, ended or unled").Coded("parameter-invalid", "parameter", "state", "type", "live, ended, unled")
	}
	all, err := pg.All[FoundAgency](ctx, a.DB, findAgenciesSQL, f.After, f.State, a.today())
	if err != nil {
		return nil, "", fmt.Errorf("find agencies: %w", err)
	}
	words := strings.Fields(plainLetters(f.Query))
	found := []FoundAgency{}
	for _, agency := range all {
		text := plainLetters(strings.Join(append(agency.Former, agency.NameVI, agency.NameEN, agency.Slug, agency.Code), " "))
		if !holdsAll(text, words) {
			continue
		}
		if found = append(found, agency); len(found) > f.size() {
			break
		}
	}
	found, next := cut(found, f.size(), func(a FoundAgency) string { return a.Slug })
	return found, next, nil
}

func holdsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

const agencyByCodeSQL = `
select ` + agencyColumns + `
  from auth.agency
 where id = coalesce((select id from auth.agency where code = $1),
                     (select agency_id from auth.agency_alias where kind = 'code' and value = $1))`

// AgencyByCode finds an agency by its code, or by one it once had. It fails with NotFound.
func (a *Auth) AgencyByCode(ctx context.Context, code string) (Agency, error) {
	agency, err := pg.One[Agency](ctx, a.DB, agencyByCodeSQL, code)
	if errors.Is(err, pgx.ErrNoRows) {
		return Agency{}, problem.Errorf(problem.NotFound, "no agency with the code %q", code).Coded("agency-unknown")
	} else if err != nil {
		return Agency{}, fmt.Errorf("find agency by code: %w", err)
	}
	return agency, nil
}
