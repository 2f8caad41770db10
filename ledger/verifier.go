package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"lgsp/internal/pg"
	c2sp "lgsp/ledger/tlog"
)

// verifier goes through the log once, from the first entry on. It grows three
// trees at a time: from the payloads, from the tree's leaf rows, and from the
// stored children of each tree row. In the end the signed root says which of
// the first two is true, and so whether an entry or a tree row was changed.
type verifier struct {
	db      pg.DB
	head    c2sp.Checkpoint
	history []c2sp.Checkpoint // smallest first; those passed are dropped
	report  *Report
	seen    map[Finding]bool // codes and numbers of entries' findings, at most maxFindings

	entries, leaves, stored tree
	entriesRoot, leavesRoot tlog.Hash // at the head

	blind []int64 // numbers of which neither the entry nor its tree row is left, the first maxFindings

	good int64 // up to here the entries agree with the checkpoints
	bad  int64 // here they first do not; 0: nowhere

	gap                                *place    // missing entries, still counting
	doubted                            []place   // entries and their leaf rows differ
	offEntries, offLeaves, offChildren []treeRow // tree rows that differ from the tree of that name
}

// treeRow is the place of a stored hash.
type treeRow struct {
	level int
	n     int64
}

// tree is the right edge of a growing Merkle tree (RFC 6962 §2.1): edge[l] is
// the complete subtree of 2^l leaves that n's bit l stands for.
type tree struct {
	n    int64
	edge [64]tlog.Hash
}

// grow adds a leaf; each complete subtree that this makes is passed to
// complete, which gives the hash to go on with.
func (t *tree) grow(leaf tlog.Hash, complete func(level int, n int64, hash tlog.Hash) tlog.Hash) {
	hash, level := leaf, 0
	for ; t.n>>level&1 == 1; level++ {
		hash = complete(level+1, t.n>>(level+1), tlog.NodeHash(t.edge[level], hash))
	}
	t.edge[level] = hash
	t.n++
}

func (t *tree) root() tlog.Hash {
	var root tlog.Hash
	begun := false
	for level := range t.edge {
		if t.n>>level&1 == 0 {
			continue
		}
		if !begun {
			root, begun = t.edge[level], true
			continue
		}
		root = tlog.NodeHash(t.edge[level], root)
	}
	return root
}

type hashRow struct {
	Position int64
	Hash     []byte
	EntryID  *uuid.UUID
}

// chunk checks the entries from first up to past and the tree rows that came
// with them.
func (v *verifier) chunk(ctx context.Context, first, past int64) error {
	entries, err := pg.All[entryRow](ctx, v.db, entriesFromSQL, first, past)
	if err != nil {
		return fmt.Errorf("read entries from %d: %w", first, err)
	}
	from := tlog.StoredHashIndex(0, first)
	hashes, err := pg.All[hashRow](ctx, v.db, hashesFromSQL, from, tlog.StoredHashIndex(0, past))
	if err != nil {
		return fmt.Errorf("read tree rows from %d: %w", from, err)
	}
	rows := make(map[int64]hashRow, len(hashes))
	for _, row := range hashes {
		rows[row.Position] = row
	}
	if err := v.erasures(ctx, entries); err != nil {
		return err
	}
	next := 0
	for seq := first; seq < past; seq++ {
		var entry *entryRow
		if next < len(entries) && entries[next].Seq == seq {
			entry = &entries[next]
			next++
		}
		v.entry(seq, entry, rows)
	}
	return nil
}

// entry checks one number of the log: its entry, nil when there is none, and
// its tree rows.
func (v *verifier) entry(seq int64, entry *entryRow, rows map[int64]hashRow) {
	position := tlog.StoredHashIndex(0, seq)
	row, hasRow := rows[position]
	var ofRow, ofEntry tlog.Hash
	if hasRow {
		ofRow = tlog.Hash(row.Hash)
	}
	if entry == nil {
		ofEntry = ofRow // what the row says; the gap is a finding by itself
		v.missing(seq, orNil(row.EntryID))
		if !hasRow && len(v.blind) < maxFindings {
			v.blind = append(v.blind, seq)
		}
	} else {
		v.endGap()
		v.report.Checked++
		ofEntry = tlog.RecordHash(entry.commitment())
		v.own(entry, hasRow && ofRow == ofEntry)
	}
	if !hasRow && entry != nil {
		ofRow = ofEntry
		v.note(&v.offEntries, treeRow{0, seq})
		v.note(&v.offLeaves, treeRow{0, seq})
	} else if hasRow && ofRow != ofEntry {
		v.note(&v.offEntries, treeRow{0, seq})
		if len(v.doubted) < maxFindings {
			v.doubted = append(v.doubted, entry.place())
		}
	} else if entry != nil && orNil(row.EntryID) != entry.ID && !v.seen[Finding{Code: "columns", Seq: seq}] {
		v.note(&v.offEntries, treeRow{0, seq})
		v.note(&v.offLeaves, treeRow{0, seq})
	}
	compare := func(off *[]treeRow) func(int, int64, tlog.Hash) tlog.Hash {
		return func(level int, n int64, hash tlog.Hash) tlog.Hash {
			if row, ok := rows[position+int64(level)]; (hasRow || entry != nil) && (!ok || tlog.Hash(row.Hash) != hash) {
				v.note(off, treeRow{level, n})
			}
			return hash
		}
	}
	v.entries.grow(ofEntry, compare(&v.offEntries))
	v.leaves.grow(ofRow, compare(&v.offLeaves))
	children := compare(&v.offChildren)
	v.stored.grow(ofRow, func(level int, n int64, hash tlog.Hash) tlog.Hash {
		children(level, n, hash)
		if row, ok := rows[position+int64(level)]; ok {
			return tlog.Hash(row.Hash)
		}
		return hash
	})
	v.checkpoints()
}

func (v *verifier) note(rows *[]treeRow, row treeRow) {
	if len(*rows) < maxFindings {
		*rows = append(*rows, row)
	}
}

// own checks what an entry says about itself. vouched tells that its payload
// agrees with the tree.
func (v *verifier) own(entry *entryRow, vouched bool) {
	if entry.Payload == nil {
		return // its act was looked for in erasures
	}
	if !bytes.Equal(entry.Leaf, entry.commitment()) {
		if vouched {
			v.find("columns", entry.place(), "column", "leaf")
		} else {
			v.find("altered", entry.place())
		}
		return
	}
	said, err := columnsOf(*entry.Payload)
	if err != nil {
		v.find("altered", entry.place())
	} else if column := said.differing(entry.columns()); column != "" {
		v.find("columns", entry.place(), "column", column)
	}
}

// find adds a finding about an entry, once.
func (v *verifier) find(code string, p place, pairs ...string) {
	once := Finding{Code: code, Seq: p.Seq}
	if v.seen[once] {
		return
	}
	if len(v.seen) < maxFindings {
		v.seen[once] = true
	}
	v.report.add(found(code, p, pairs...))
}

// missing counts one number without an entry; a run of them is one finding.
func (v *verifier) missing(seq int64, id uuid.UUID) {
	if v.gap == nil {
		v.gap = &place{Seq: seq, ID: id, Kind: "entry"}
	}
	v.gap.Last = seq
}

func (v *verifier) endGap() {
	if v.gap == nil {
		return
	}
	v.report.add(found("missing", *v.gap))
	v.gap = nil
}

// checkpoints compares the tree of the entries with the checkpoints of its size.
func (v *verifier) checkpoints() {
	n := v.entries.n
	if n == v.head.N {
		v.entriesRoot, v.leavesRoot = v.entries.root(), v.leaves.root()
	}
	for len(v.history) > 0 && v.history[0].N <= n {
		if v.history[0].N == n {
			v.passed(v.history[0], v.entries.root())
		}
		v.history = v.history[1:]
	}
	if n == v.head.N {
		v.passed(v.head, v.entriesRoot)
	}
}

func (v *verifier) passed(checkpoint c2sp.Checkpoint, root tlog.Hash) {
	if checkpoint.Root == root && v.bad == 0 {
		v.good = checkpoint.N
	} else if checkpoint.Root != root && v.bad == 0 {
		v.bad = checkpoint.N
	}
}

const erasureActsSQL = `
select distinct about
  from ledger.entry
 where kind = 'act' and operation = 'ledger.erase' and about = any($1) and seq is not null and payload is not null`

// erasures looks for the act behind each erased entry.
func (v *verifier) erasures(ctx context.Context, entries []entryRow) error {
	var erased []uuid.UUID
	for _, entry := range entries {
		if entry.ErasedAt != nil {
			erased = append(erased, entry.ID)
		}
	}
	if len(erased) == 0 {
		return nil
	}
	rows, err := pg.All[struct{ About uuid.UUID }](ctx, v.db, erasureActsSQL, erased)
	if err != nil {
		return fmt.Errorf("read acts of erasure: %w", err)
	}
	acts := map[uuid.UUID]bool{}
	for _, row := range rows {
		acts[row.About] = true
	}
	for _, entry := range entries {
		if entry.ErasedAt == nil {
			continue
		}
		if !acts[entry.ID] || entry.Kind == kindAct {
			v.find("erased-without-act", entry.place())
			continue
		}
		v.report.Erased++
	}
	return nil
}

// conclude lets the signed root say what is true, and names what is not.
func (v *verifier) conclude() {
	if v.gap != nil {
		v.report.add(found("cut", *v.gap))
	}
	signed := v.head.N > 0
	switch {
	case signed && v.entriesRoot == v.head.Root || !signed:
		v.treeRows(v.offEntries)
	case v.leavesRoot == v.head.Root:
		v.altered()
		v.treeRows(v.offLeaves)
	default:
		v.altered()
		v.treeRows(v.offChildren)
	}
	if v.bad > 0 && (len(v.report.Findings) == 0 || len(v.blind) == 0 && v.leavesRoot != v.head.Root && v.entriesRoot != v.head.Root) {
		v.report.add(found("root", place{Seq: v.good, Last: v.bad - 1}))
	}
}

func (v *verifier) altered() {
	for _, p := range v.doubted {
		v.find("altered", p)
	}
}

func (v *verifier) treeRows(rows []treeRow) {
	for _, row := range rows {
		p := place{Seq: row.n << row.level, Last: (row.n+1)<<row.level - 1}
		if i, _ := slices.BinarySearch(v.blind, p.Seq); i < len(v.blind) && v.blind[i] <= p.Last {
			continue // what it should be is not known any more
		}
		v.report.add(found("tree-row", p, "level", fmt.Sprint(row.level), "position", fmt.Sprint(row.n)))
	}
}
