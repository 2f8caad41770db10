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

// The states of a dataset, beside Draft, Review and Published.
const (
	Approved  = "approved"
	Withdrawn = "withdrawn"
)

// Dataset is a set of open data (dcat:Dataset, DCAT 3 §6.6).
type Dataset struct {
	ID       uuid.UUID `json:"id"`
	AgencyID uuid.UUID `json:"agency_id"` // the publisher
	Agency   Agency    `json:"agency" db:"-"`
	DatasetText
	State         string         `json:"state"`
	StateReason   string         `json:"state_reason"` // why it was returned or withdrawn
	CreatedAt     time.Time      `json:"created_at"`
	UpdatedAt     time.Time      `json:"updated_at"`
	PublishedAt   *time.Time     `json:"published_at"` // of the first publication
	Distributions []Distribution `json:"distributions" db:"-"`
}

// DatasetText is what people write about a dataset. Title, notes, theme and
// slug are required to publish; the rest may be empty. Dates are yyyy-mm-dd.
type DatasetText struct {
	Slug           string   `json:"slug"` // in the URL: a-z, 0-9 and hyphens, 2 to 100
	TitleVI        string   `json:"title_vi"`
	TitleEN        string   `json:"title_en"`
	NotesVI        string   `json:"notes_vi"`
	NotesEN        string   `json:"notes_en"`
	KeywordsVI     []string `json:"keywords_vi"` // at most 20
	KeywordsEN     []string `json:"keywords_en"`
	Theme          string   `json:"theme"`     // code of Themes
	Licence        string   `json:"licence"`   // id of Licences; "" becomes CC-BY-4.0
	Frequency      string   `json:"frequency"` // code of Frequencies; "" becomes UNKNOWN
	Spatial        string   `json:"spatial"`   // the area, in words
	TemporalStart  string   `json:"temporal_start"`
	TemporalEnd    string   `json:"temporal_end"`
	SourceDocument string   `json:"source_document"` // number of the document: 4259/UBND-KGVX
	SourceURL      string   `json:"source_url"`
	ContactName    string   `json:"contact_name"`
	ContactEmail   string   `json:"contact_email"`
	ContactPhone   string   `json:"contact_phone"`
}

const insertDatasetSQL = `
insert into catalog.dataset (id, agency_id, slug, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en,
       theme, licence, frequency, spatial, temporal_start, temporal_end, source_document, source_url,
       contact_name, contact_email, contact_phone, state, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, nullif($14, '')::date, nullif($15, '')::date,
       $16, $17, $18, $19, $20, 'draft', $21, $21)`

// CreateDataset begins a dataset of an agency, as a draft. It fails with
// Invalid (one field error each) or Conflict when the slug is taken, and with
// what May says of dataset.edit.
func (c *Catalog) CreateDataset(ctx context.Context, who auth.Principal, agency uuid.UUID, text DatasetText) (Dataset, error) {
	if err := c.May(ctx, who, "dataset.edit", agency); err != nil {
		return Dataset{}, err
	}
	if err := text.check(); err != nil {
		return Dataset{}, err
	}
	id := uuid.Must(uuid.NewV7())
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		args := append([]any{id, agency}, text.args()...)
		if err := datasetProblem(execOne(ctx, tx, insertDatasetSQL, append(args, c.Now().UTC())...), text); err != nil {
			return err
		}
		if err := putPackage(ctx, tx, id); err != nil {
			return err
		}
		return c.Record(ctx, tx, auth.Act{Who: who, Verb: "dataset.create", Agency: agency, About: id,
			Detail: map[string]any{"slug": text.Slug}})
	})
	if err != nil {
		return Dataset{}, err
	}
	return c.datasetByID(ctx, id)
}

const updateDatasetSQL = `
update catalog.dataset
   set slug = $2, title_vi = $3, title_en = $4, notes_vi = $5, notes_en = $6, keywords_vi = $7, keywords_en = $8,
       theme = $9, licence = $10, frequency = $11, spatial = $12, temporal_start = nullif($13, '')::date,
       temporal_end = nullif($14, '')::date, source_document = $15, source_url = $16,
       contact_name = $17, contact_email = $18, contact_phone = $19, updated_at = $20
 where id = $1`

// EditDataset replaces what is written about a dataset. The text of a
// published one changes at once, in search too, and its slug then stays.
func (c *Catalog) EditDataset(ctx context.Context, who auth.Principal, id uuid.UUID, text DatasetText) (Dataset, error) {
	if err := text.check(); err != nil {
		return Dataset{}, err
	}
	return c.changeDataset(ctx, datasetChange{who: who, id: id, act: "dataset.edit", verb: "dataset.edit", from: editable},
		func(tx pgx.Tx, d Dataset) error {
			if d.PublishedAt != nil && d.Slug != text.Slug {
				return problem.Errorf(problem.Conflict, "the address of a published dataset stays %s", d.Slug).
					Coded("dataset-slug-fixed", "slug", d.Slug)
			}
			args := append([]any{id}, text.args()...)
			return datasetProblem(execOne(ctx, tx, updateDatasetSQL, append(args, c.Now().UTC())...), text)
		})
}

const datasetColumns = `id, agency_id, slug, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en, theme,
       licence, frequency, spatial, coalesce(to_char(temporal_start, 'YYYY-MM-DD'), '') as temporal_start,
       coalesce(to_char(temporal_end, 'YYYY-MM-DD'), '') as temporal_end, source_document, source_url,
       contact_name, contact_email, contact_phone, state, state_reason, created_at, updated_at, published_at`

const datasetByIDSQL = `select ` + datasetColumns + ` from catalog.dataset where id = $1`

const lockDatasetSQL = `select ` + datasetColumns + ` from catalog.dataset where id = $1 for update`

const datasetBySlugSQL = `select ` + datasetColumns + ` from catalog.dataset where slug = $1`

// DatasetBySlug gives a dataset with its distributions: a published one to
// anyone, another to those who may edit or approve it. It fails with NotFound.
func (c *Catalog) DatasetBySlug(ctx context.Context, who auth.Principal, slug string) (Dataset, error) {
	d, err := pg.One[Dataset](ctx, c.DB, datasetBySlugSQL, slug)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, noDataset(slug)
	} else if err != nil {
		return d, fmt.Errorf("read dataset %s: %w", slug, err)
	}
	if err := c.seeDataset(ctx, who, d); err != nil {
		return Dataset{}, err
	}
	return c.withParts(ctx, d)
}

// Dataset is DatasetBySlug by id.
func (c *Catalog) Dataset(ctx context.Context, who auth.Principal, id uuid.UUID) (Dataset, error) {
	d, err := c.datasetByID(ctx, id)
	if err != nil {
		return d, err
	}
	if err := c.seeDataset(ctx, who, d); err != nil {
		return Dataset{}, err
	}
	return d, nil
}

// seeDataset is the one answer to who may see a dataset, its files, its rows
// and its columns.
func (c *Catalog) seeDataset(ctx context.Context, who auth.Principal, d Dataset) error {
	if d.State == Published || c.worksOn(ctx, who, d.AgencyID) {
		return nil
	}
	return noDataset(d.Slug)
}

// worksOn reports whether who may edit or approve an agency's datasets, and so
// sees those that are not public.
func (c *Catalog) worksOn(ctx context.Context, who auth.Principal, agency uuid.UUID) bool {
	return who.SignedIn() && (c.May(ctx, who, "dataset.edit", agency) == nil || c.May(ctx, who, "dataset.approve", agency) == nil)
}

func noDataset(name string) error {
	return problem.Errorf(problem.NotFound, "no dataset %s", name).Coded("dataset-unknown", "name", name)
}

func (c *Catalog) datasetByID(ctx context.Context, id uuid.UUID) (Dataset, error) {
	d, err := pg.One[Dataset](ctx, c.DB, datasetByIDSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, noDataset(id.String())
	} else if err != nil {
		return d, fmt.Errorf("read dataset %s: %w", id, err)
	}
	return c.withParts(ctx, d)
}

// withParts adds the agency and the distributions.
func (c *Catalog) withParts(ctx context.Context, d Dataset) (Dataset, error) {
	agencies, err := c.Agencies(ctx, []uuid.UUID{d.AgencyID})
	if err != nil {
		return d, err
	}
	d.Agency = agencies[d.AgencyID]
	d.Distributions, err = distributionsOf(ctx, c.DB, d.ID)
	return d, err
}

func execOne(ctx context.Context, tx pgx.Tx, sql string, args ...any) error {
	tag, err := tx.Exec(ctx, sql, args...)
	if err == nil && tag.RowsAffected() != 1 {
		return fmt.Errorf("changed %d rows, not one", tag.RowsAffected())
	}
	return err
}
