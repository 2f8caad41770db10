package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/rows"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// mediaTypes are the formats taken, by the file's ending.
var mediaTypes = map[string]string{
	"csv": "text/csv", "tsv": "text/tab-separated-values", "json": "application/json",
	"xlsx":    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"geojson": "application/geo+json", "pdf": "application/pdf", "xml": "application/xml", "txt": "text/plain",
	"zip": "application/zip", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"ods": "application/vnd.oasis.opendocument.spreadsheet", "parquet": "application/vnd.apache.parquet",
}

// filePut is one file on its way into a distribution.
type filePut struct {
	who          auth.Principal
	dataset      uuid.UUID
	distribution uuid.UUID
	verb         string
	fresh        bool // it begins the distribution
	up           Upload
	prepared     *rows.Source // what is known of a table that was written here
}

// putFile spools the file, reads it when it is a table, looks for personal data
// in it, and then, in one transaction, begins the distribution, keeps the
// version and loads the rows.
func (c *Catalog) putFile(ctx context.Context, p filePut, begin func(pgx.Tx) error) (Distribution, error) {
	d, err := c.Dataset(ctx, p.who, p.dataset)
	if err != nil {
		return Distribution{}, err
	}
	if err := c.May(ctx, p.who, "dataset.edit", d.AgencyID); err != nil {
		return Distribution{}, err
	}
	file, path, tidy, err := c.take(ctx, p)
	if err != nil {
		return Distribution{}, err
	}
	kept, err := c.keepFile(ctx, p, file, path, begin)
	tidy(err)
	return kept, err
}

// take gives the facts of the file, where it lies on this machine, and what is
// to be done with it in the end. What was kept may have been moved from there.
func (c *Catalog) take(ctx context.Context, p filePut) (FileVersion, string, func(error), error) {
	if p.up.Incoming == uuid.Nil {
		file, path, err := c.spool(p.up)
		return file, path, func(error) { _ = os.Remove(path) }, err
	}
	file, path, release, err := c.received(ctx, p.who, p.dataset, p.up.Incoming)
	return file, path, func(err error) {
		after := context.WithoutCancel(ctx)
		switch {
		case err == nil: // its row has gone
			_ = c.Files.Forget(after, p.up.Incoming) // else it is swept
		case problem.Is(err, problem.Invalid): // nobody can mend it by asking again
			_ = c.dropUpload(after, p.up.Incoming) // the same
		}
		release()
	}, err
}

// keepFile reads a table, brings the file to the store, and in one transaction
// keeps it and its rows.
func (c *Catalog) keepFile(ctx context.Context, p filePut, file FileVersion, path string, begin func(pgx.Tx) error) (Distribution, error) {
	var table *rows.Table
	source := rows.Source{Format: file.Format}
	if p.prepared != nil {
		source = *p.prepared
	}
	source.Path = path
	if rows.IsTable(file.Format) {
		t, err := rows.Scan(ctx, source)
		switch {
		case err == nil:
			table = &t
		case problem.Code(err) != "rows-json-form":
			return Distribution{}, err
		case !beginsAsJSON(path):
			return Distribution{}, problem.Errorf(problem.Invalid, "%s is no JSON", file.FileName).Coded("file-not-json", "name", file.FileName)
		default: // JSON that is no table is a file like any other
		}
	}
	found, err := c.inspect(ctx, source)
	if err != nil {
		return Distribution{}, err
	}
	ch := datasetChange{who: p.who, id: p.dataset, act: "dataset.edit", verb: p.verb, from: editable,
		found: &partFindings{part: p.distribution, list: found}, held: p.distribution}
	if p.fresh {
		ch.held = partOfFile(p.dataset, file.Hash)
	}
	offered, err := c.Files.Offer(ctx, path)
	if err != nil {
		return Distribution{}, fmt.Errorf("offer file %s: %w", file.Hash, err)
	}
	defer func() { _ = c.Files.Drop(context.WithoutCancel(ctx), offered) }() // else it is swept
	ch.last = func() error {                                                 // what is refused never lies among the files
		if err := c.Files.Keep(ctx, offered, file.Hash); err != nil {
			return fmt.Errorf("keep file %s: %w", file.Hash, err)
		}
		return nil
	}
	var small *SmallGroups
	_, err = c.changeDataset(ctx, ch, func(tx pgx.Tx, _ Dataset) error {
		if err := begin(tx); err != nil {
			return err
		}
		if err := takeUpload(ctx, tx, p.up.Incoming); err != nil {
			return err
		}
		if err := endLink(ctx, tx, p.distribution); err != nil {
			return err
		}
		if err := c.keepVersion(ctx, tx, p, file); err != nil {
			return err
		}
		if p.fresh {
			if err := adopt(ctx, tx, p, file.Hash); err != nil {
				return err
			}
		}
		if err := replaceRows(ctx, tx, p.distribution, table); err != nil {
			return err
		}
		small, err = c.lookAgain(ctx, tx, p.distribution)
		return err
	})
	if problem.Code(err) == codeSmallGroups {
		if err := c.holdSmallGroups(ctx, p.distribution, small); err != nil {
			return Distribution{}, err
		}
	}
	if err != nil {
		return Distribution{}, err
	}
	return distributionOf(ctx, c.DB, p.distribution)
}

// spool writes the file to disk while hashing it, and gives its facts and where
// it lies.
func (c *Catalog) spool(up Upload) (FileVersion, string, error) {
	kind, err := kindOf(up.FileName)
	if err != nil {
		return FileVersion{}, "", err
	}
	file, err := c.Files.Scratch()
	if err != nil {
		return FileVersion{}, "", fmt.Errorf("spool upload: %w", err)
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(file, sum), io.LimitReader(up.Body, kind.most()+1))
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		err = fmt.Errorf("spool upload: %w", err)
	} else {
		err = kind.fits(size)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return FileVersion{}, "", err
	}
	return kind.file(size, sum.Sum(nil)), file.Name(), nil
}

// beginsAsJSON reports whether a file's first 4 KiB begin a JSON text, and not
// a page of a server that said no.
func beginsAsJSON(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	_, err = json.NewDecoder(io.LimitReader(file, 4<<10)).Token()
	var wrong *json.SyntaxError
	return !errors.As(err, &wrong)
}

// baseName is the last part of a path as either kind of system writes it.
func baseName(name string) string {
	return strings.TrimSpace(name[strings.LastIndexAny(name, `/\`)+1:])
}

const insertFileVersionSQL = `
insert into catalog.file_version (distribution_id, version, format, media_type, file_name, size, hash, uploaded_by, uploaded_at)
select $1, version + 1, $2, $3, $4, $5, $6, $7, $8
  from catalog.distribution
 where id = $1`

const newVersionSQL = `update catalog.distribution set version = version + 1 where id = $1`

func (c *Catalog) keepVersion(ctx context.Context, tx pgx.Tx, p filePut, f FileVersion) error {
	err := execOne(ctx, tx, insertFileVersionSQL, p.distribution, f.Format, f.MediaType, f.FileName, f.Size, f.Hash,
		p.who.Person, c.Now().UTC())
	if err == nil {
		err = execOne(ctx, tx, newVersionSQL, p.distribution)
	}
	if err != nil {
		return fmt.Errorf("keep version of %s: %w", p.distribution, err)
	}
	return nil
}

const fileVersionsSQL = `
select version, format, media_type, file_name, size, hash, uploaded_at, changes
  from catalog.file_version
 where distribution_id = $1 and version >= $2
 order by version desc
 limit 100`

// FileVersions gives the newest hundred files of a distribution, newest first.
// What was replaced before the dataset was published is its agency's own.
func (c *Catalog) FileVersions(ctx context.Context, who auth.Principal, distribution uuid.UUID) ([]FileVersion, error) {
	d, err := c.Distribution(ctx, who, distribution)
	if err != nil {
		return nil, err
	}
	first, err := c.firstShown(ctx, who, d)
	if err != nil {
		return nil, err
	}
	list, err := pg.All[FileVersion](ctx, c.DB, fileVersionsSQL, distribution, first)
	if err != nil {
		return nil, fmt.Errorf("read versions of %s: %w", distribution, err)
	}
	if n := len(list); n > 0 && list[n-1].Version == first {
		list[n-1].Changes = nil // it says something of a version that is not shown
	}
	return list, nil
}

const firstShownSQL = `
select s.agency_id as agency,
       coalesce((select max(f.version) from catalog.file_version f
                  where f.distribution_id = d.id and f.uploaded_at < s.published_at), 1) as version
  from catalog.distribution d
  join catalog.dataset s on s.id = d.dataset_id
 where d.id = $1`

// firstShown is the oldest version of a file that who sees: for readers the one
// that was current at publication.
func (c *Catalog) firstShown(ctx context.Context, who auth.Principal, d Distribution) (int, error) {
	type row struct {
		Agency  uuid.UUID
		Version int
	}
	first, err := pg.One[row](ctx, c.DB, firstShownSQL, d.ID)
	if err != nil {
		return 0, fmt.Errorf("find first public version of %s: %w", d.ID, err)
	}
	if c.worksOn(ctx, who, first.Agency) {
		return 1, nil
	}
	return first.Version, nil
}

const fileVersionSQL = `
select version, format, media_type, file_name, size, hash, uploaded_at, changes
  from catalog.file_version
 where distribution_id = $1 and version = $2`

// OpenFile opens a file of a distribution: the version asked for, or with 0 the
// newest. The caller closes it. It fails with NotFound, also for a version
// that FileVersions does not give, and with Unavailable while the store is away.
func (c *Catalog) OpenFile(ctx context.Context, who auth.Principal, distribution uuid.UUID, version int) (io.ReadSeekCloser, FileVersion, error) {
	d, err := c.Distribution(ctx, who, distribution)
	if err != nil {
		return nil, FileVersion{}, err
	}
	f := d.FileVersion
	if version == 0 && d.Version == 0 {
		return nil, f, problem.Errorf(problem.NotFound, "distribution %s is a link to %s", distribution, d.LinkURL).Coded("file-elsewhere", "url", d.LinkURL)
	}
	if version != 0 {
		first, err := c.firstShown(ctx, who, d)
		if err != nil {
			return nil, f, err
		}
		if version < first {
			return nil, f, noDistribution(distribution)
		}
		f, err = pg.One[FileVersion](ctx, c.DB, fileVersionSQL, distribution, version)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, f, noDistribution(distribution)
		} else if err != nil {
			return nil, f, fmt.Errorf("read version %d of %s: %w", version, distribution, err)
		}
	}
	file, err := c.Files.Open(ctx, f.Hash)
	if err != nil {
		return nil, f, fmt.Errorf("open version %d of %s: %w", f.Version, distribution, err)
	}
	return file, f, nil
}
