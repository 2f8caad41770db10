package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/files"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const (
	// MaxUpload is the largest file taken, in bytes.
	MaxUpload = 1 << 30
	// maxWorkbook is that of a workbook, which is held packed in memory.
	maxWorkbook = 25 << 20
	// UploadLasts is how long a file may rest on its way in.
	UploadLasts = 24 * time.Hour
	// maxUploads is how many files one person may have on their way.
	maxUploads = 10
)

// Incoming is a file on its way in: it comes in pieces, and after a break goes
// on where it stopped.
type Incoming struct {
	ID        uuid.UUID `json:"id"`
	DatasetID uuid.UUID `json:"dataset_id"` // uuid.Nil: it becomes one, see Intake
	AgencyID  uuid.UUID `json:"-"`          // of which, then
	PersonID  uuid.UUID `json:"-"`
	FileName  string    `json:"file_name"`
	Size      int64     `json:"size"`            // bytes, of the whole file
	Received  int64     `json:"received" db:"-"` // bytes that have come
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"` // moved on by every piece
}

const insertUploadSQL = `
insert into catalog.upload (id, dataset_id, person_id, file_name, size, created_at, expires_at)
select $1, $2, $3, $4, $5, $6, $7
 where (select count(*) from catalog.upload where person_id = $3 and dataset_id is not null and expires_at > $6) < $8`

// BeginUpload prepares for a file of size bytes for a dataset. It fails with
// what May says of dataset.edit, Conflict while the dataset is approved,
// UnsupportedMedia, TooLarge, Invalid for an empty file, and TooMany when the
// person has ten others on their way.
func (c *Catalog) BeginUpload(ctx context.Context, who auth.Principal, dataset uuid.UUID, name string, size int64) (Incoming, error) {
	d, err := c.Dataset(ctx, who, dataset)
	if err != nil {
		return Incoming{}, err
	}
	if err := c.May(ctx, who, "dataset.edit", d.AgencyID); err != nil {
		return Incoming{}, err
	}
	if err := d.inState(editable); err != nil {
		return Incoming{}, err
	}
	kind, err := kindOf(name)
	if err != nil {
		return Incoming{}, err
	}
	if err := kind.fits(size); err != nil {
		return Incoming{}, err
	}
	now := c.Now().UTC()
	up := Incoming{ID: uuid.Must(uuid.NewV7()), DatasetID: dataset, PersonID: who.Person, FileName: kind.name, Size: size,
		CreatedAt: now, ExpiresAt: now.Add(UploadLasts)}
	tag, err := c.DB.Exec(ctx, insertUploadSQL, up.ID, dataset, who.Person, up.FileName, size, now, up.ExpiresAt, maxUploads)
	if err != nil {
		return Incoming{}, fmt.Errorf("begin upload: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return Incoming{}, problem.Errorf(problem.TooMany, "%d files are on their way already", maxUploads).
			Coded("uploads-many", "most", fmt.Sprint(maxUploads))
	}
	return up, nil
}

const uploadSQL = `
select id, coalesce(dataset_id, '00000000-0000-0000-0000-000000000000') as dataset_id,
       coalesce(agency_id, '00000000-0000-0000-0000-000000000000') as agency_id, person_id, file_name, size, created_at, expires_at
  from catalog.upload
 where id = $1 and person_id = $2 and expires_at > $3`

// Upload gives a file on its way in to the person who sends it, as long as they
// may edit the dataset. To all others it is NotFound.
func (c *Catalog) Upload(ctx context.Context, who auth.Principal, id uuid.UUID) (Incoming, error) {
	unknown := problem.Errorf(problem.NotFound, "no upload %s", id).Coded("upload-unknown", "id", id.String())
	up, err := pg.One[Incoming](ctx, c.DB, uploadSQL, id, who.Person, c.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return up, unknown
	} else if err != nil {
		return up, fmt.Errorf("read upload %s: %w", id, err)
	}
	agency := up.AgencyID
	if up.DatasetID != uuid.Nil {
		d, err := c.Dataset(ctx, who, up.DatasetID)
		if isHidden(err) {
			return Incoming{}, unknown
		} else if err != nil {
			return Incoming{}, err
		}
		agency = d.AgencyID
	}
	if c.May(ctx, who, "dataset.edit", agency) != nil {
		return Incoming{}, unknown
	}
	if up.Received, err = c.Files.Received(ctx, id); err != nil {
		return Incoming{}, fmt.Errorf("measure upload %s: %w", id, err)
	}
	return up, nil
}

const moveUploadSQL = `update catalog.upload set expires_at = greatest(expires_at, $2) where id = $1`

// Receive takes a piece of a file that begins at offset, and gives how far the
// file has come. A piece that breaks off is kept as far as it came. It fails
// with NotFound, with Conflict when the file does not stand at offset or
// another piece of it is being taken, and with TooLarge for bytes beyond the
// file's size, of which none is kept.
func (c *Catalog) Receive(ctx context.Context, who auth.Principal, id uuid.UUID, offset int64, body io.Reader) (Incoming, error) {
	release, err := c.claim(id)
	if err != nil {
		return Incoming{}, err
	}
	defer release()
	up, err := c.Upload(ctx, who, id)
	if err != nil {
		return up, err
	}
	if offset != up.Received {
		return up, problem.Errorf(problem.Conflict, "the upload stands at %d, not at %d", up.Received, offset).
			Coded("upload-offset", "at", fmt.Sprint(up.Received))
	}
	n, err := c.Files.Receive(ctx, id, offset, up.Size-offset, body)
	switch {
	case errors.Is(err, files.ErrTooLong):
		err = errors.Join(err, problem.Errorf(problem.TooLarge, "the piece goes beyond the file's %d bytes", up.Size).
			Coded("upload-too-long", "size", fmt.Sprint(up.Size)))
	case errors.Is(err, files.ErrTaken):
		err = errors.Join(err, busy(id))
	}
	up.Received += n
	up.ExpiresAt = c.Now().UTC().Add(UploadLasts)
	if _, moved := c.DB.Exec(context.WithoutCancel(ctx), moveUploadSQL, id, up.ExpiresAt); moved != nil {
		err = errors.Join(err, fmt.Errorf("note upload %s: %w", id, moved))
	}
	if err != nil {
		return up, fmt.Errorf("receive upload %s: %w", id, err)
	}
	return up, nil
}

// claim keeps all others from an upload until it is released. Other processes
// work on it only where they share the store, and that takes no piece twice.
func (c *Catalog) claim(id uuid.UUID) (release func(), err error) {
	if _, taken := c.claimed.LoadOrStore(id, true); taken {
		return nil, busy(id)
	}
	return func() { c.claimed.Delete(id) }, nil
}

func busy(id uuid.UUID) error {
	return problem.Errorf(problem.Conflict, "the upload %s is busy with another piece", id).Coded("upload-busy")
}

const deleteUploadSQL = `delete from catalog.upload where id = $1`

// DropUpload forgets a file on its way in.
func (c *Catalog) DropUpload(ctx context.Context, who auth.Principal, id uuid.UUID) error {
	release, err := c.claim(id)
	if err != nil {
		return err
	}
	defer release()
	if _, err := c.Upload(ctx, who, id); err != nil {
		return err
	}
	return c.dropUpload(ctx, id)
}

func (c *Catalog) dropUpload(ctx context.Context, id uuid.UUID) error {
	if _, err := c.DB.Exec(ctx, deleteUploadSQL, id); err != nil {
		return fmt.Errorf("drop upload %s: %w", id, err)
	}
	if err := c.Files.Forget(ctx, id); err != nil {
		return fmt.Errorf("drop upload %s: %w", id, err)
	}
	return nil
}

const (
	expiredUploadsSQL = `select id from catalog.upload where expires_at <= $1 limit 1000`
	knownUploadSQL    = `select exists (select from catalog.upload where id = $1)`
)

// SweepUploads forgets files that rested too long on their way in, and what a
// process that was killed left behind.
func (c *Catalog) SweepUploads(ctx context.Context) error {
	now := c.Now().UTC()
	rows, err := c.DB.Query(ctx, expiredUploadsSQL, now)
	if err != nil {
		return fmt.Errorf("find expired uploads: %w", err)
	}
	expired, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("find expired uploads: %w", err)
	}
	for _, id := range expired {
		release, err := c.claim(id)
		if err != nil {
			continue // a piece came in after all
		}
		err = c.dropUpload(ctx, id)
		release()
		if err != nil {
			return err
		}
	}
	return c.Files.Sweep(ctx, now.Add(-UploadLasts), func(ctx context.Context, id uuid.UUID) (bool, error) {
		var known bool
		if err := c.DB.QueryRow(ctx, knownUploadSQL, id).Scan(&known); err != nil {
			return false, fmt.Errorf("look for upload %s: %w", id, err)
		}
		return known, nil
	})
}

// fileKind is what a file's name says of it.
type fileKind struct {
	name, ending, media string
}

// kindOf reads a file's name, or fails with UnsupportedMedia.
func kindOf(name string) (fileKind, error) {
	k := fileKind{name: baseName(name)}
	k.ending = strings.ToLower(strings.TrimPrefix(filepath.Ext(k.name), "."))
	var ok bool
	if k.media, ok = mediaTypes[k.ending]; !ok || !utf8.ValidString(k.name) || len(k.name) > 250 {
		return k, problem.Errorf(problem.UnsupportedMedia, "files named %q are not taken", k.name).Coded("file-format", "name", k.name)
	}
	return k, nil
}

// most is how large a file of the kind may be.
func (k fileKind) most() int64 {
	if k.ending == "xlsx" {
		return maxWorkbook
	}
	return MaxUpload
}

// fits fails with TooLarge or, for no bytes at all, Invalid.
func (k fileKind) fits(size int64) error {
	switch {
	case size > k.most():
		return problem.Errorf(problem.TooLarge, "the file is larger than %d MiB", k.most()>>20).
			Coded("file-too-large", "most", fmt.Sprint(k.most()>>20))
	case size <= 0:
		return problem.Errorf(problem.Invalid, "the file is empty").Coded("file-empty")
	}
	return nil
}

// file are the facts of a file of that kind.
func (k fileKind) file(size int64, sum []byte) FileVersion {
	return FileVersion{Format: strings.ToUpper(k.ending), MediaType: k.media, FileName: k.name, Size: size, Hash: hex.EncodeToString(sum)}
}

// received gives the facts of a file that has come whole, and where it lies on
// this machine. The upload is claimed until it is released.
func (c *Catalog) received(ctx context.Context, who auth.Principal, dataset, id uuid.UUID) (FileVersion, string, func(), error) {
	release, err := c.claim(id)
	if err != nil {
		return FileVersion{}, "", nil, err
	}
	up, kind, err := c.whole(ctx, who, dataset, id)
	if err != nil {
		release()
		return FileVersion{}, "", nil, err
	}
	path, done, err := c.Files.Local(ctx, id)
	if err != nil {
		release()
		return FileVersion{}, "", nil, fmt.Errorf("fetch upload %s: %w", id, err)
	}
	sum, err := sumOf(path, up.Size)
	if err != nil {
		done()
		release()
		return FileVersion{}, "", nil, fmt.Errorf("read upload %s: %w", id, err)
	}
	return kind.file(up.Size, sum), path, func() { done(); release() }, nil
}

// whole is an upload for a dataset that has come whole.
func (c *Catalog) whole(ctx context.Context, who auth.Principal, dataset, id uuid.UUID) (Incoming, fileKind, error) {
	up, err := c.Upload(ctx, who, id)
	if err != nil {
		return up, fileKind{}, err
	}
	if up.DatasetID != dataset {
		return up, fileKind{}, problem.Errorf(problem.NotFound, "no upload %s for this dataset", id).Coded("upload-unknown", "id", id.String())
	}
	if up.Received != up.Size {
		return up, fileKind{}, problem.Errorf(problem.Conflict, "of the upload's %d bytes %d have come", up.Size, up.Received).
			Coded("upload-unfinished", "at", fmt.Sprint(up.Received), "size", fmt.Sprint(up.Size))
	}
	kind, err := kindOf(up.FileName)
	return up, kind, err
}

// sumOf is the SHA-256 of a file of that size.
func sumOf(path string, size int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sum := sha256.New()
	if n, err := io.Copy(sum, file); err != nil || n != size {
		return nil, errors.Join(err, fmt.Errorf("%d of %d bytes are there", n, size))
	}
	return sum.Sum(nil), nil
}

// takeUpload ends an upload whose file is kept, in the transaction that keeps
// it.
func takeUpload(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if id == uuid.Nil {
		return nil
	}
	if err := execOne(ctx, tx, deleteUploadSQL, id); err != nil {
		return fmt.Errorf("take upload %s: %w", id, err)
	}
	return nil
}
