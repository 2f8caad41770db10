package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// Report is what Verify found.
type Report struct {
	Checkpoint string    `json:"checkpoint"` // the signed note verified against; "" when nothing was ever signed
	Size       int64     `json:"size"`       // entries it covers
	SignedAt   time.Time `json:"signed_at"`  // when its file was written
	Checked    int64     `json:"checked"`    // entries read
	Unsigned   int64     `json:"unsigned"`   // of those, numbered after the checkpoint
	Waiting    int64     `json:"waiting"`    // not numbered yet: nothing vouches for them
	Erased     int64     `json:"erased"`     // payload erased by a recorded act
	Findings   []Finding `json:"findings"`   // empty: the log is whole
	More       int64     `json:"more"`       // findings beyond the first maxFindings
}

const (
	maxFindings = 1000
	chunkSize   = 2048
)

// OK reports whether nothing was found.
func (r Report) OK() bool { return len(r.Findings) == 0 }

func (r *Report) add(f Finding) {
	if len(r.Findings) == maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, f)
}

const (
	openSnapshot = `set transaction isolation level repeatable read, read only`
	extentSQL    = `
select count(*) filter (where seq >= $1) as unsigned, count(*) filter (where seq is null) as waiting,
       coalesce(max(seq) + 1, 0) as past, (select note from ledger.checkpoint order by size desc limit 1) as note
  from ledger.entry`
	entriesFromSQL = `
select id, kind, at, payload, nonce, leaf, seq, erased_at, agency_id, application_id, person_id, agreement_id,
       version_id, about, operation, status, trace_id, request_ref
  from ledger.entry
 where seq >= $1 and seq < $2
 order by seq`
	hashesFromSQL = `select position, hash, entry_id from ledger.hash where position >= $1 and position < $2 order by position`
)

// Verify checks the whole log against the last signed checkpoint in Dir, and
// every checkpoint kept there: each leaf from its payload, each look-up
// column, each tree row, each root. It reads one snapshot of the database, in
// pieces, whatever the log's size. progress, when not nil, hears how many
// entries of how many are done. An error means that it could not check; what
// is wrong with the log is in the report.
func (l *Ledger) Verify(ctx context.Context, progress func(done, all int64)) (Report, error) {
	head, err := l.readHead()
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return Report{}, err
	} else if err != nil {
		return Report{Findings: []Finding{found("checkpoint-invalid", place{}, "file", headFile)}}, nil
	}
	history, strange, err := l.history()
	if err != nil {
		return Report{}, err
	}
	report := Report{Checkpoint: string(head.note), Size: head.N, Findings: []Finding{}}
	if info, err := os.Stat(filepath.Join(l.Dir, headFile)); err == nil {
		report.SignedAt = info.ModTime().UTC()
	}
	for _, path := range strange {
		report.add(found("checkpoint-invalid", place{}, "file", path))
	}
	err = pgx.BeginFunc(ctx, l.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, openSnapshot); err != nil {
			return fmt.Errorf("open snapshot: %w", err)
		}
		extent, err := pg.One[struct {
			Unsigned, Waiting, Past int64
			Note                    *string
		}](ctx, tx, extentSQL, head.N)
		if err != nil {
			return fmt.Errorf("read the log's extent: %w", err)
		}
		report.Unsigned, report.Waiting = extent.Unsigned, extent.Waiting
		if head.note == nil && (extent.Past > 0 || extent.Note != nil) {
			report.add(found("checkpoint-missing", place{}, "file", filepath.Join(l.Dir, headFile)))
		}
		all := head.N + extent.Unsigned
		if extent.Past > all {
			report.add(found("misnumbered", place{Seq: all, Last: extent.Past - 1}))
		}
		v := &verifier{db: tx, head: head.Checkpoint, history: history, report: &report, seen: map[Finding]bool{}}
		for first := int64(0); first < all; first += chunkSize {
			past := min(first+chunkSize, all)
			if err := v.chunk(ctx, first, past); err != nil {
				return err
			}
			if progress != nil {
				progress(past, all)
			}
		}
		v.conclude()
		return nil
	})
	return report, err
}

// entryRow is one numbered entry.
type entryRow struct {
	ID            uuid.UUID
	Kind          string
	At            time.Time
	Payload       *string
	Nonce         []byte
	Leaf          []byte
	Seq           int64
	ErasedAt      *time.Time
	AgencyID      *uuid.UUID
	ApplicationID *uuid.UUID
	PersonID      *uuid.UUID
	AgreementID   *uuid.UUID
	VersionID     *uuid.UUID
	About         *uuid.UUID
	Operation     string
	Status        int32
	TraceID       string
	RequestRef    string
}

func (e entryRow) place() place { return place{Seq: e.Seq, Last: e.Seq, ID: e.ID, Kind: e.Kind} }

// commitment is the leaf data that the entry's payload gives; an erased
// entry's is the one kept.
func (e entryRow) commitment() []byte {
	if e.Payload == nil {
		return e.Leaf
	}
	return commitment(e.Nonce, *e.Payload)
}

func (e entryRow) columns() columns {
	return columns{ID: e.ID, Kind: e.Kind, At: e.At, AgencyID: orNil(e.AgencyID), ApplicationID: orNil(e.ApplicationID),
		PersonID: orNil(e.PersonID), AgreementID: orNil(e.AgreementID), VersionID: orNil(e.VersionID), About: orNil(e.About),
		Operation: e.Operation, Status: e.Status, TraceID: e.TraceID, RequestRef: e.RequestRef}
}

func orNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}
