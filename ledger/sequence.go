package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"lgsp/internal/pg"
	c2sp "lgsp/ledger/tlog"
)

const (
	sequenceEvery = 200 * time.Millisecond
	retryAfter    = 10 * time.Second
	batchSize     = 4096
)

// Run numbers new entries into the tree, each within a second of its commit,
// until ctx ends. Any number of nodes may run it; they take turns.
//
// It asks every 200 ms rather than LISTEN: a NOTIFY takes a lock that all
// notifying commits of the database share (PostgreSQL manual, NOTIFY), and no
// transaction is to wait for another because of the ledger.
func (l *Ledger) Run(ctx context.Context) error {
	for {
		_, more, err := l.sequence(ctx, false)
		if pg.IsUnique(err, "entry_pkey") { // something was shipped twice, and said to be new
			_, more, err = l.sequence(ctx, true)
		}
		pause := sequenceEvery
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			slog.ErrorContext(ctx, "ledger entries are kept but not numbered", "err", err)
			pause = retryAfter
		case more:
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

const (
	lockSequencerSQL = `select pg_try_advisory_xact_lock(hashtext('ledger sequencer'))`
	treeSizeSQL      = `select coalesce(max(seq) + 1, 0) from ledger.entry`

	// Rows become visible in any order; each is taken once it is, in some
	// later batch at the latest. Only the holder of the lock writes seq.
	waitingSQL = `select id, leaf from ledger.entry where seq is null order by id limit $1`

	numberSQL = `
update ledger.entry e
   set seq = n.seq
  from unnest($1::uuid[], $2::bigint[]) as n (id, seq)
 where e.id = n.id and e.seq is null`

	saveCheckpointSQL = `
insert into ledger.checkpoint (minute, size, note) values (date_trunc('minute', $1::timestamptz, 'UTC'), $2, $3)
on conflict (minute) do update set size = excluded.size, note = excluded.note`
)

// Sequence numbers one batch of waiting entries into the tree, signs the new
// tree head and keeps it outside the database. It returns how many entries it
// numbered: none when nothing waits or another node is at it. It refuses to
// sign a tree that does not extend the last signed one.
func (l *Ledger) Sequence(ctx context.Context) (int, error) {
	n, _, err := l.sequence(ctx, false)
	if pg.IsUnique(err, "entry_pkey") {
		n, _, err = l.sequence(ctx, true)
	}
	return n, err
}

// sequence does as Sequence, and says whether more is waiting. Careful, it
// looks for every exchange whether it is there already.
func (l *Ledger) sequence(ctx context.Context, careful bool) (numbered int, more bool, err error) {
	var head signedHead
	err = pgx.BeginFunc(ctx, l.DB, func(tx pgx.Tx) error {
		numbered, more, head = 0, false, signedHead{}
		var mine bool
		if err := tx.QueryRow(ctx, lockSequencerSQL).Scan(&mine); err != nil || !mine {
			return err
		}
		last, err := l.lastSigned(ctx, tx)
		if err != nil {
			return err
		}
		reader := &cachedReader{ctx: ctx, db: tx, hashes: map[int64]tlog.Hash{}}
		size, err := extends(ctx, tx, last, reader)
		if err != nil {
			return err
		}
		if head = last; size > last.N {
			return fmt.Errorf("%d entries are numbered but only %d signed", size, last.N)
		}
		waiting, err := pg.All[waitingEntry](ctx, tx, waitingSQL, batchSize)
		if err != nil {
			return fmt.Errorf("read waiting entries: %w", err)
		}
		shipped, err := l.unpack(ctx, tx, careful)
		if err != nil {
			return err
		}
		more = shipped.more || len(waiting) == batchSize
		if numbered = len(waiting) + len(shipped.entries); numbered == 0 {
			return nil
		}
		if err := number(ctx, tx, size, batchOf(waiting, shipped.entries), reader); err != nil {
			return err
		}
		if err := countUse(ctx, tx, shipped.entries); err != nil {
			return err
		}
		if err := countHours(ctx, tx, shipped.entries, l.Now()); err != nil {
			return err
		}
		if err := countFailures(ctx, tx, shipped.entries); err != nil {
			return err
		}
		if err := measure(ctx, tx, shipped.entries); err != nil {
			return err
		}
		head, err = l.sign(ctx, tx, size+int64(numbered), reader)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("number ledger entries: %w", err)
	}
	// After the commit: a head must not promise entries that were rolled back.
	// A crash just here is mended from ledger.checkpoint at the next call.
	if head.unsaved {
		return numbered, more, l.saveHead(head)
	}
	return numbered, more, nil
}

// extends gives the size of the tree in the database and checks that the last
// signed tree is its beginning.
func extends(ctx context.Context, tx pgx.Tx, last signedHead, reader tlog.HashReader) (int64, error) {
	var size int64
	if err := tx.QueryRow(ctx, treeSizeSQL).Scan(&size); err != nil {
		return 0, fmt.Errorf("read tree size: %w", err)
	}
	if size < last.N {
		return 0, fmt.Errorf("the database has %d numbered entries, the last signed checkpoint %d: run lgsp ledger verify", size, last.N)
	}
	root, err := tlog.TreeHash(last.N, reader)
	if err != nil {
		return 0, fmt.Errorf("read tree: %w", err)
	}
	if root != last.Root && last.N > 0 {
		return 0, errors.New("the tree in the database is not the one that was signed: run lgsp ledger verify")
	}
	return size, nil
}

type waitingEntry struct {
	ID   uuid.UUID
	Leaf []byte
}

// sequenceBatch is what is numbered at once: entries that are there, and
// behind them new ones.
type sequenceBatch struct {
	leaves  []waitingEntry // of all
	waiting int            // of them, how many are there
	entries []entry        // the new ones
}

func batchOf(waiting []waitingEntry, entries []entry) sequenceBatch {
	b := sequenceBatch{leaves: waiting, waiting: len(waiting), entries: entries}
	for _, e := range entries {
		b.leaves = append(b.leaves, waitingEntry{e.columns.ID, e.leaf})
	}
	return b
}

// number appends entries to the tree of size entries.
func number(ctx context.Context, tx pgx.Tx, size int64, b sequenceBatch, reader *cachedReader) error {
	hashes := make([][]any, 0, 2*len(b.leaves))
	for i, entry := range b.leaves {
		seq := size + int64(i)
		added, err := tlog.StoredHashes(seq, entry.Leaf, reader)
		if err != nil {
			return fmt.Errorf("hash entry %s: %w", entry.ID, err)
		}
		first := tlog.StoredHashIndex(0, seq)
		for level, hash := range added {
			name := uuid.Nil
			if level == 0 {
				name = entry.ID
			}
			reader.hashes[first+int64(level)] = hash
			hashes = append(hashes, []any{first + int64(level), hash[:], stored(name)})
		}
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"ledger", "hash"}, []string{"position", "hash", "entry_id"}, pgx.CopyFromRows(hashes)); err != nil {
		return fmt.Errorf("insert tree rows: %w", err)
	}
	if err := numberWaiting(ctx, tx, size, b.leaves[:b.waiting]); err != nil {
		return err
	}
	first := size + int64(b.waiting)
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"ledger", "entry"}, append([]string{"seq"}, entryColumns...),
		pgx.CopyFromSlice(len(b.entries), func(i int) ([]any, error) { return append([]any{first + int64(i)}, b.entries[i].row()...), nil }))
	if err != nil {
		return fmt.Errorf("insert %d ledger entries: %w", len(b.entries), err)
	}
	return nil
}

func numberWaiting(ctx context.Context, tx pgx.Tx, size int64, waiting []waitingEntry) error {
	if len(waiting) == 0 {
		return nil
	}
	var ids []uuid.UUID
	var seqs []int64
	for i, entry := range waiting {
		ids, seqs = append(ids, entry.ID), append(seqs, size+int64(i))
	}
	tag, err := tx.Exec(ctx, numberSQL, ids, seqs)
	if err == nil && tag.RowsAffected() != int64(len(ids)) {
		err = fmt.Errorf("%d of %d entries were there", tag.RowsAffected(), len(ids))
	}
	if err != nil {
		return fmt.Errorf("write entries' numbers: %w", err)
	}
	return nil
}

// sign makes the signed head of the tree of n entries and puts it into the
// database.
func (l *Ledger) sign(ctx context.Context, tx pgx.Tx, n int64, reader tlog.HashReader) (signedHead, error) {
	root, err := tlog.TreeHash(n, reader)
	if err != nil {
		return signedHead{}, fmt.Errorf("read tree: %w", err)
	}
	checkpoint := c2sp.Checkpoint{Origin: l.Origin, N: n, Root: root}
	note, err := checkpoint.Sign(l.Seed)
	if err != nil {
		return signedHead{}, fmt.Errorf("sign checkpoint: %w", err)
	}
	if _, err := tx.Exec(ctx, saveCheckpointSQL, l.Now().UTC(), n, string(note)); err != nil {
		return signedHead{}, fmt.Errorf("save checkpoint: %w", err)
	}
	return signedHead{Checkpoint: checkpoint, note: note, unsaved: true}, nil
}

const readHashesSQL = `select position, hash from ledger.hash where position = any($1)`

// cachedReader reads stored hashes, each once.
type cachedReader struct {
	ctx    context.Context // of the one call that the reader lives for
	db     pg.DB
	hashes map[int64]tlog.Hash
}

// ReadHashes implements tlog.HashReader.
func (r *cachedReader) ReadHashes(positions []int64) ([]tlog.Hash, error) {
	var absent []int64
	for _, position := range positions {
		if _, ok := r.hashes[position]; !ok {
			absent = append(absent, position)
		}
	}
	if len(absent) > 0 {
		rows, err := pg.All[struct {
			Position int64
			Hash     []byte
		}](r.ctx, r.db, readHashesSQL, absent)
		if err != nil {
			return nil, fmt.Errorf("read tree rows: %w", err)
		}
		for _, row := range rows {
			r.hashes[row.Position] = tlog.Hash(row.Hash)
		}
	}
	out := make([]tlog.Hash, len(positions))
	for i, position := range positions {
		hash, ok := r.hashes[position]
		if !ok {
			return nil, fmt.Errorf("tree row %d is missing", position)
		}
		out[i] = hash
	}
	return out, nil
}
