package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/fields"
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
	PublishAt     *time.Time     `json:"publish_at"`   // when an approved one becomes public by itself
	ReviewBy      *time.Time     `json:"review_by"`    // until when the steward decides on what was submitted
	ReviewedAt    *time.Time     `json:"reviewed_at"`  // when a published one was last looked through
	WithdrawnAt   *time.Time     `json:"withdrawn_at"` // of one that was public
	WithdrawnWhy  string         `json:"-"`            // for everyone; see Tombstone
	ReplacedBy    *uuid.UUID     `json:"replaced_by"`
	Distributions []Distribution `json:"distributions" db:"-"`
	Edit          *DatasetEdit   `json:"edit,omitempty" db:"-"` // of a public one, pending; for those who work on it
	Schema        fields.Schema  `json:"-" db:"-"`              // of its agency, where it has values of the agency's own fields
}

// DatasetText is what people write about a dataset. Title, notes, theme and
// slug are required to publish; the rest may be empty. Dates are yyyy-mm-dd.
type DatasetText struct {
	Slug           string   `json:"slug"` // in the URL: a-z, 0-9 and hyphens, 2 to 100; "" at the beginning: of the title
	TitleVI        string   `json:"title_vi"`
	TitleEN        string   `json:"title_en"`
	NotesVI        string   `json:"notes_vi"`
	NotesEN        string   `json:"notes_en"`
	KeywordsVI     []string `json:"keywords_vi"` // at most 20; none in either language: the theme's words
	KeywordsEN     []string `json:"keywords_en"`
	Theme          string   `json:"theme"`     // code of Themes
	Licence        string   `json:"licence"`   // id of Licences; "" becomes CC-BY-4.0
	Frequency      string   `json:"frequency"` // code of Frequencies; "" becomes UNKNOWN
	Spatial        string   `json:"spatial"`   // the area, in words
	TemporalStart  string   `json:"temporal_start"`
	TemporalEnd    string   `json:"temporal_end"`
	SourceDocument string   `json:"source_document"` // number of the document: 4259/UBND-KGVX
	SourceURL      string   `json:"source_url"`
	ContactName    string   `json:"contact_name"` // no contact at all: the agency's
	ContactEmail   string   `json:"contact_email"`
	ContactPhone   string   `json:"contact_phone"`

	AccessRights   string    `json:"access_rights"` // id of AccessRights; "" becomes PUBLIC
	RightsVI       string    `json:"rights_vi"`     // what may be done with it, beside the licence
	RightsEN       string    `json:"rights_en"`
	Creator        string    `json:"creator"`   // unit or person who made it; "": the agency
	Languages      []string  `json:"languages"` // ids of Languages; none becomes VIE
	Version        string    `json:"version"`   // of the data, as people name it: 2025, 1.2
	VersionNotesVI string    `json:"version_notes_vi"`
	VersionNotesEN string    `json:"version_notes_en"`
	ConformsTo     []string  `json:"conforms_to"` // addresses of standards, at most 10
	ProvenanceVI   string    `json:"provenance_vi"`
	ProvenanceEN   string    `json:"provenance_en"`
	SpatialCodes   []string  `json:"spatial_codes"` // of provinces (2 digits) and communes (5)
	BBox           []float64 `json:"bbox"`          // west, south, east, north in degrees; empty: unknown
	LandingPage    string    `json:"landing_page"`  // another page about it

	Fields fields.Values `json:"fields" swaggertype:"object"` // what the agency's own schema asks for, by name
}

const insertDatasetSQL = `
insert into catalog.dataset (id, agency_id, slug, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en,
       theme, licence, frequency, spatial, temporal_start, temporal_end, source_document, source_url,
       contact_name, contact_email, contact_phone, access_rights, rights_vi, rights_en, creator, languages, version,
       version_notes_vi, version_notes_en, conforms_to, provenance_vi, provenance_en, spatial_codes, bbox, landing_page, fields,
       state, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, nullif($14, '')::date, nullif($15, '')::date,
       $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, 'draft', $36, $36)`

// CreateDataset begins a dataset of an agency, as a draft; one without a slug
// gets that of its title. It fails with Invalid (one field error each) or Conflict when the slug is taken, and with
// what May says of dataset.edit.
func (c *Catalog) CreateDataset(ctx context.Context, who auth.Principal, agency uuid.UUID, text DatasetText) (Dataset, error) {
	return c.createDataset(ctx, who, agency, text, func(pgx.Tx, uuid.UUID) error { return nil })
}

// createDataset is CreateDataset; also is done in the same transaction, with the
// new dataset's id.
func (c *Catalog) createDataset(ctx context.Context, who auth.Principal, agency uuid.UUID, text DatasetText, also func(pgx.Tx, uuid.UUID) error) (Dataset, error) {
	if err := c.May(ctx, who, "dataset.edit", agency); err != nil {
		return Dataset{}, err
	}
	if text.Slug == "" {
		var err error
		if text.Slug, err = freeSlug(ctx, c.DB, text.TitleVI); err != nil {
			return Dataset{}, err
		}
	}
	agencies, err := c.Agencies(ctx, []uuid.UUID{agency})
	if err != nil {
		return Dataset{}, err
	}
	text.answeredBy(agencies[agency])
	id := uuid.Must(uuid.NewV7())
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		schema, err := schemaIn(ctx, tx, agency)
		if err != nil {
			return err
		}
		if err := text.checkWith(schema, nil); err != nil {
			return err
		}
		args := append([]any{id, agency}, text.args()...)
		if err := datasetProblem(execOne(ctx, tx, insertDatasetSQL, append(args, c.Now().UTC())...), text); err != nil {
			return err
		}
		if err := putPackage(ctx, tx, id); err != nil {
			return err
		}
		if err := also(tx, id); err != nil {
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
       contact_name = $17, contact_email = $18, contact_phone = $19, access_rights = $20, rights_vi = $21, rights_en = $22,
       creator = $23, languages = $24, version = $25, version_notes_vi = $26, version_notes_en = $27, conforms_to = $28,
       provenance_vi = $29, provenance_en = $30, spatial_codes = $31, bbox = $32, landing_page = $33, fields = $34, updated_at = $35
 where id = $1`

// EditDataset replaces what is written about a dataset, whose slug stays once
// it was public. Of a public one the public sees the old text until a steward
// approves the new: see DatasetEdit.
func (c *Catalog) EditDataset(ctx context.Context, who auth.Principal, id uuid.UUID, text DatasetText) (Dataset, error) {
	seen, err := c.Dataset(ctx, who, id)
	if err != nil {
		return Dataset{}, err
	}
	text.answeredBy(seen.Agency)
	if seen.State == Published {
		return c.proposeEdit(ctx, who, id, text)
	}
	ch := datasetChange{who: who, id: id, act: "dataset.edit", verb: "dataset.edit", from: []string{Draft, Withdrawn}}
	return c.changeDataset(ctx, ch, func(tx pgx.Tx, d Dataset) error {
		schema, err := schemaIn(ctx, tx, d.AgencyID)
		if err != nil {
			return err
		}
		if err := text.checkWith(schema, d.Fields); err != nil {
			return err
		}
		if d.PublishedAt != nil && d.Slug != text.Slug {
			return slugFixed(d)
		}
		return c.writeText(ctx, tx, id, text)
	})
}

func (c *Catalog) writeText(ctx context.Context, tx pgx.Tx, id uuid.UUID, text DatasetText) error {
	args := append([]any{id}, text.args()...)
	return datasetProblem(execOne(ctx, tx, updateDatasetSQL, append(args, c.Now().UTC())...), text)
}

func slugFixed(d Dataset) error {
	return problem.Errorf(problem.Conflict, "the address of a published dataset stays %s", d.Slug).
		Coded("dataset-slug-fixed", "slug", d.Slug)
}

const datasetColumns = `id, agency_id, slug, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en, theme,
       licence, frequency, spatial, coalesce(to_char(temporal_start, 'YYYY-MM-DD'), '') as temporal_start,
       coalesce(to_char(temporal_end, 'YYYY-MM-DD'), '') as temporal_end, source_document, source_url,
       contact_name, contact_email, contact_phone, access_rights, rights_vi, rights_en, creator, languages, version,
       version_notes_vi, version_notes_en, conforms_to, provenance_vi, provenance_en, spatial_codes, bbox, landing_page, fields,
       state, state_reason, created_at, updated_at, published_at, publish_at, review_by, reviewed_at,
       withdrawn_at, withdrawn_why, replaced_by`

const datasetByIDSQL = `select ` + datasetColumns + ` from catalog.dataset where id = $1`

const lockDatasetSQL = `select ` + datasetColumns + ` from catalog.dataset where id = $1 for update`

const datasetBySlugSQL = `select ` + datasetColumns + ` from catalog.dataset where slug = $1`

// DatasetBySlug gives a dataset with its distributions: a published one to
// anyone, another to those who may edit or approve it, with the pending edit.
// It fails with NotFound, and with Gone when it was withdrawn.
func (c *Catalog) DatasetBySlug(ctx context.Context, who auth.Principal, slug string) (Dataset, error) {
	d, err := pg.One[Dataset](ctx, c.DB, datasetBySlugSQL, slug)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, noDataset(slug)
	} else if err != nil {
		return d, fmt.Errorf("read dataset %s: %w", slug, err)
	}
	return c.asSeen(ctx, who, d)
}

// Dataset is DatasetBySlug by id.
func (c *Catalog) Dataset(ctx context.Context, who auth.Principal, id uuid.UUID) (Dataset, error) {
	d, err := pg.One[Dataset](ctx, c.DB, datasetByIDSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, noDataset(id.String())
	} else if err != nil {
		return d, fmt.Errorf("read dataset %s: %w", id, err)
	}
	return c.asSeen(ctx, who, d)
}

// asSeen is a dataset with those of its parts that who may have.
func (c *Catalog) asSeen(ctx context.Context, who auth.Principal, d Dataset) (Dataset, error) {
	err := c.seeDataset(ctx, who, d)
	if err == nil {
		d, err = c.withParts(ctx, d)
	}
	if err != nil {
		return Dataset{}, c.told(ctx, err, d)
	}
	if c.seeData(ctx, who, d) != nil {
		d.Distributions = []Distribution{}
	}
	if c.worksOn(ctx, who, d.AgencyID) {
		if d.Edit, err = editOf(ctx, c.DB, d); err != nil {
			return Dataset{}, err
		}
	}
	one := []Dataset{d}
	err = c.seeFields(ctx, who, one)
	return one[0], err
}

// seeData is the one answer to who may have a dataset's files, rows and
// columns: who sees the dataset, but of a restricted one its agency's people.
func (c *Catalog) seeData(ctx context.Context, who auth.Principal, d Dataset) error {
	if d.AccessRights != AccessRestricted || c.worksOn(ctx, who, d.AgencyID) {
		return c.seeDataset(ctx, who, d)
	}
	return noDataset(d.Slug)
}

// seeDataset is the one answer to who may see a dataset: that it is there, and
// what is written about it. What was public and is withdrawn is Gone.
func (c *Catalog) seeDataset(ctx context.Context, who auth.Principal, d Dataset) error {
	if d.State == Published || c.worksOn(ctx, who, d.AgencyID) {
		return nil
	}
	if d.WithdrawnAt != nil {
		return wasWithdrawn(d)
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
	one := []Dataset{d}
	if err := giveSchemas(ctx, c.DB, one); err != nil {
		return d, err
	}
	return c.withParts(ctx, one[0])
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
