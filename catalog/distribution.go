package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/rows"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Distribution is one form in which a dataset is given away (dcat:Distribution,
// DCAT 3 §6.8): a file with versions, and its rows when it is a table; or a
// link to elsewhere, whose version is 0. Its permanent address is /r/{id}.
type Distribution struct {
	ID        uuid.UUID `json:"id"`
	DatasetID uuid.UUID `json:"dataset_id"`
	Position  int       `json:"position"` // from 1
	TitleVI   string    `json:"title_vi"`
	TitleEN   string    `json:"title_en"`
	FileVersion
	Link
	Rows      *int64       `json:"rows"`             // number of rows; null: not a table
	Report    *rows.Report `json:"report,omitempty"` // what was found while reading the table
	RowsTable string       `json:"-"`                // physical table, "" for none
	CreatedAt time.Time    `json:"created_at"`
}

// FileVersion is one file as it was uploaded; it never changes.
type FileVersion struct {
	Version    int       `json:"version"` // from 1, the newest is current
	Format     string    `json:"format"`  // CSV, TSV, JSON, XLSX, PDF …
	MediaType  string    `json:"media_type"`
	FileName   string    `json:"file_name"`
	Size       int64     `json:"size"` // bytes
	Hash       string    `json:"hash"` // SHA-256, hex
	UploadedAt time.Time `json:"uploaded_at"`

	Changes *rows.Changes `json:"changes,omitempty"` // of the table, since the version before; FileVersions gives it
}

// Upload is a file that comes in.
type Upload struct {
	TitleVI, TitleEN string // of the distribution; "" takes the file's name
	FileName         string // its ending decides the format
	Body             io.Reader

	Incoming uuid.UUID // a file that has come by Receive, in place of name and body
}

const insertDistributionSQL = `
insert into catalog.distribution (id, dataset_id, position, title_vi, title_en, version, rows, report, rows_table, created_at)
select $1, $2, coalesce(max(position), 0) + 1, $3, $4, 0, null, null, '', $5
  from catalog.distribution
 where dataset_id = $2`

// AddDistribution keeps a file as a new distribution of a dataset, and loads
// its rows when it is a table. It fails with what May says of dataset.edit,
// TooLarge, UnsupportedMedia, Invalid when the table cannot be read (the text
// names row and column), and Conflict while the dataset is approved. What was
// found in a table that could be read is in Report.
func (c *Catalog) AddDistribution(ctx context.Context, who auth.Principal, dataset uuid.UUID, up Upload) (Distribution, error) {
	id := uuid.Must(uuid.NewV7())
	if up.TitleVI == "" && up.Incoming != uuid.Nil {
		of, err := c.Upload(ctx, who, up.Incoming)
		if err != nil {
			return Distribution{}, err
		}
		up.FileName = of.FileName
	}
	if up.TitleVI == "" {
		up.TitleVI = baseName(up.FileName)
	}
	if utf8.RuneCountInString(up.TitleVI) > 300 || utf8.RuneCountInString(up.TitleEN) > 300 {
		return Distribution{}, problem.Errorf(problem.Invalid, "the title is too long").Coded("text-too-long", "max", "300")
	}
	return c.putFile(ctx, filePut{who: who, dataset: dataset, distribution: id, verb: "distribution.add", fresh: true, up: up},
		func(tx pgx.Tx) error {
			return execOne(ctx, tx, insertDistributionSQL, id, dataset, up.TitleVI, up.TitleEN, c.Now().UTC())
		})
}

// ReplaceFile makes a file the newest version of a distribution. Former
// versions stay; the data dictionary stays for columns of the same name. It
// fails like AddDistribution, and then nothing has changed.
func (c *Catalog) ReplaceFile(ctx context.Context, who auth.Principal, distribution uuid.UUID, up Upload) (Distribution, error) {
	d, err := c.Distribution(ctx, who, distribution)
	if err != nil {
		return d, err
	}
	return c.putFile(ctx, filePut{who: who, dataset: d.DatasetID, distribution: distribution, verb: "distribution.replace", up: up},
		func(pgx.Tx) error { return nil })
}

const distributionColumns = `d.id, d.dataset_id, d.position, d.title_vi, d.title_en, d.version,
       coalesce(f.format, l.format) as format, coalesce(f.media_type, l.media_type) as media_type,
       coalesce(f.file_name, '') as file_name, coalesce(f.size, l.size) as size, coalesce(f.hash, '') as hash,
       coalesce(f.uploaded_at, l.set_at) as uploaded_at, null::jsonb as changes,
       coalesce(l.url, '') as link_url, coalesce(l.state, '') as link_state, coalesce(l.reason, '') as link_reason,
       coalesce(l.status, 0) as link_status, l.checked_at as link_checked_at, l.broken_since as link_broken_since,
       d.rows, d.report, d.rows_table, d.created_at
  from catalog.distribution d
  left join catalog.file_version f on f.distribution_id = d.id and f.version = d.version
  left join catalog.link l on l.distribution_id = d.id`

const distributionsSQL = `select ` + distributionColumns + ` where d.dataset_id = $1 order by d.position`

const distributionSQL = `select ` + distributionColumns + ` where d.id = $1`

func distributionsOf(ctx context.Context, db pg.DB, dataset uuid.UUID) ([]Distribution, error) {
	list, err := pg.All[Distribution](ctx, db, distributionsSQL, dataset)
	if err != nil {
		return nil, fmt.Errorf("read distributions of %s: %w", dataset, err)
	}
	return list, nil
}

// Distribution gives one distribution to those who may have its dataset's data;
// it fails with NotFound, and with Gone when the dataset was withdrawn.
func (c *Catalog) Distribution(ctx context.Context, who auth.Principal, id uuid.UUID) (Distribution, error) {
	d, err := distributionOf(ctx, c.DB, id)
	if err != nil {
		return d, err
	}
	of, err := pg.One[Dataset](ctx, c.DB, datasetByIDSQL, d.DatasetID)
	if err != nil {
		return Distribution{}, fmt.Errorf("read dataset %s: %w", d.DatasetID, err)
	}
	if err := c.seeData(ctx, who, of); problem.Is(err, problem.Gone) {
		return Distribution{}, c.told(ctx, err, of)
	} else if err != nil {
		return Distribution{}, noDistribution(id)
	}
	return d, nil
}

func distributionOf(ctx context.Context, db pg.DB, id uuid.UUID) (Distribution, error) {
	d, err := pg.One[Distribution](ctx, db, distributionSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, noDistribution(id)
	} else if err != nil {
		return d, fmt.Errorf("read distribution %s: %w", id, err)
	}
	return d, nil
}

func noDistribution(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no distribution %s", id).Coded("distribution-unknown", "id", id.String())
}
