package catalog

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// APIText is what people write about an API. The Vietnamese title is required.
type APIText struct {
	TitleVI       string `json:"title_vi"` // at most 200 characters, as the English one
	TitleEN       string `json:"title_en"`
	DescriptionVI string `json:"description_vi"` // at most 5,000 characters, as the English one
	DescriptionEN string `json:"description_en"`
}

// NewAPI is what CreateAPI takes.
type NewAPI struct {
	AgencyID uuid.UUID `json:"agency_id"`
	Slug     string    `json:"slug"` // in the URL: lower case letters, digits and hyphens, 2 to 60, never changed
	APIText
}

var apiSlugForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,58}[a-z0-9]$`)

// check trims the text and adds what is wrong with it to e.
func (t *APIText) check(e *problem.Error) {
	for _, f := range []struct {
		name string
		text *string
		most int
	}{
		{"title_vi", &t.TitleVI, 200}, {"title_en", &t.TitleEN, 200},
		{"description_vi", &t.DescriptionVI, 5000}, {"description_en", &t.DescriptionEN, 5000},
	} {
		*f.text = clean(*f.text)
		if strings.HasPrefix(f.name, "title") {
			*f.text = strings.Join(strings.Fields(*f.text), " ")
		}
		if utf8.RuneCountInString(*f.text) > f.most {
			e.Wrong(f.name, "text-too-long", "at most "+strconv.Itoa(f.most)+" characters", "max", strconv.Itoa(f.most))
		}
	}
	if t.TitleVI == "" {
		e.Wrong("title_vi", "title-required", "a Vietnamese title is required")
	}
}

const insertAPISQL = `
insert into catalog.api (id, agency_id, slug, title_vi, title_en, description_vi, description_en, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $8)`

// CreateAPI begins a data service of an agency; nobody else sees it before a
// version is published. It fails with what May says of api.edit, and with
// Invalid or Conflict, one field error each, for what is wrong in n.
func (c *Catalog) CreateAPI(ctx context.Context, who auth.Principal, n NewAPI) (API, error) {
	if err := c.May(ctx, who, "api.edit", n.AgencyID); err != nil {
		return API{}, err
	}
	wrong := problem.Errorf(problem.Invalid, "the API cannot be created as given")
	n.check(wrong)
	if !apiSlugForm.MatchString(n.Slug) {
		wrong.Wrong("slug", "slug-invalid", "not a short name for a URL")
	}
	if len(wrong.Fields) > 0 {
		return API{}, wrong
	}
	id := uuid.Must(uuid.NewV7())
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertAPISQL, id, n.AgencyID, n.Slug, n.TitleVI, n.TitleEN, n.DescriptionVI, n.DescriptionEN, c.Now().UTC())
		if pg.IsUnique(err, "api_slug_key") {
			return problem.Errorf(problem.Conflict, "the agency has an API %s", n.Slug).Coded("slug-taken", "slug", n.Slug).
				Wrong("slug", "slug-taken", "the agency has an API of that name", "slug", n.Slug)
		}
		if pg.IsForeign(err, "api_agency_fkey") {
			return problem.Errorf(problem.NotFound, "no agency %s", n.AgencyID)
		}
		if err != nil {
			return fmt.Errorf("insert api %s: %w", n.Slug, err)
		}
		return c.Record(ctx, tx, auth.Act{
			Who: who, Verb: "api.create", Agency: n.AgencyID, About: id, Detail: map[string]any{"api": n.Slug},
		})
	})
	if err != nil {
		return API{}, err
	}
	return c.APIByID(ctx, who, id)
}

const lockAPISQL = `
select id, agency_id, slug, title_vi, title_en, description_vi, description_en, created_at, updated_at
  from catalog.api
 where id = $1
   for update`

const updateAPISQL = `
update catalog.api
   set title_vi = $2, title_en = $3, description_vi = $4, description_en = $5, updated_at = $6
 where id = $1`

// EditAPI changes what is written about a data service, in search too. It
// fails with NotFound, with what May says of api.edit, and with Invalid, one
// field error each.
func (c *Catalog) EditAPI(ctx context.Context, who auth.Principal, id uuid.UUID, text APIText) (API, error) {
	before, err := c.APIByID(ctx, who, id)
	if err != nil {
		return API{}, err
	}
	if err := c.May(ctx, who, "api.edit", before.AgencyID); err != nil {
		return API{}, err
	}
	wrong := problem.Errorf(problem.Invalid, "the API cannot be changed as given")
	if text.check(wrong); len(wrong.Fields) > 0 {
		return API{}, wrong
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if _, err := pg.One[API](ctx, tx, lockAPISQL, id); errors.Is(err, pgx.ErrNoRows) {
			return problem.Errorf(problem.NotFound, "no API %s", id)
		} else if err != nil {
			return fmt.Errorf("lock api %s: %w", id, err)
		}
		if _, err := tx.Exec(ctx, updateAPISQL, id, text.TitleVI, text.TitleEN, text.DescriptionVI, text.DescriptionEN, c.Now().UTC()); err != nil {
			return fmt.Errorf("update api %s: %w", id, err)
		}
		if err := c.indexAPI(ctx, tx, id, before.Agency); err != nil {
			return err
		}
		return c.Record(ctx, tx, auth.Act{
			Who: who, Verb: "api.edit", Agency: before.AgencyID, About: id, Detail: map[string]any{"api": before.Slug},
		})
	})
	if err != nil {
		return API{}, err
	}
	return c.APIByID(ctx, who, id)
}
