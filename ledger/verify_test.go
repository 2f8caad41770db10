package ledger

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/tlog"

	"lgsp/auth"
	"lgsp/internal/pgtest"
)

// newLedger is a ledger of the test's own whose clock goes on by a minute at
// each batch.
func newLedger(t *testing.T) (*Ledger, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.New(t)
	now := noon
	l := &Ledger{
		DB: pool, Dir: t.TempDir(), Origin: "lgsp.example/ledger", Seed: [32]byte{1, 2, 3},
		Now:    func() time.Time { now = now.Add(time.Minute); return now },
		May:    func(context.Context, auth.Principal, string, uuid.UUID) error { return nil },
		Unpack: unpackJSON,
	}
	return l, pool
}

func unpackJSON(body []byte) (list []Exchange, err error) { return list, json.Unmarshal(body, &list) }

// ship ships exchanges, which the next sequence makes entries of.
func ship(t *testing.T, l *Ledger, again bool, exchanges ...Exchange) {
	t.Helper()
	body, err := json.Marshal(exchanges)
	if err == nil {
		err = l.Ship(t.Context(), Shipment{Count: len(exchanges), Again: again, Body: body})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// fill puts n exchanges into the log, in three batches, and gives their ids by number.
func fill(t *testing.T, l *Ledger, n int) []uuid.UUID {
	t.Helper()
	var ids []uuid.UUID
	var batch []Exchange
	for i := range n {
		e := exchange(uuid.New())
		ids, batch = append(ids, e.ID), append(batch, e)
		if (i+1)%(n/3) != 0 && i != n-1 {
			continue
		}
		ship(t, l, false, batch...)
		sequence(t, l)
		batch = nil
	}
	return ids
}

// sequencing is a transaction that sequences while no other of this database
// does: the lock is its own until it is rolled back.
func sequencing(t *testing.T) pgx.Tx {
	t.Helper()
	tx := pgtest.Tx(t)
	if _, err := tx.Exec(t.Context(), `select pg_advisory_xact_lock(hashtext('ledger sequencer'))`); err != nil {
		t.Fatal(err)
	}
	return tx
}

func sequence(t *testing.T, l *Ledger) int {
	t.Helper()
	n, err := l.Sequence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func verify(t *testing.T, l *Ledger) Report {
	t.Helper()
	report, err := l.Verify(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// brief is a finding without its words.
func brief(r Report) []string {
	out := []string{}
	for _, f := range r.Findings {
		if f.TextVI == "" || f.TextEN == "" || strings.Contains(f.TextVI+f.TextEN, "{") {
			out = append(out, fmt.Sprintf("no words for %s: %q %q", f.Code, f.TextVI, f.TextEN))
		}
		out = append(out, fmt.Sprintf("%s %d-%d", f.Code, f.Seq, f.Last))
	}
	return out
}

func TestVerifyNamesWhatSQLChanged(t *testing.T) {
	t.Parallel()
	leafRow := func(seq int64) string { return fmt.Sprint(tlog.StoredHashIndex(0, seq)) }
	for _, tt := range []struct {
		name string
		sql  string
		want []string
		id   int // the entry that the first finding names, when it can
	}{
		{name: "nothing", sql: `select 1`, want: []string{}, id: -1},
		{name: "payload altered", sql: `update ledger.entry set payload = replace(payload, '"status":200', '"status":404') where seq = 5`,
			want: []string{"altered 5-5"}, id: 5},
		{name: "nonce altered", sql: `update ledger.entry set nonce = sha256('x') where seq = 11`, want: []string{"altered 11-11"}, id: 11},
		{name: "payload and leaf altered together", sql: `update ledger.entry set payload = replace(payload, '"status":200', '"status":404'),
			leaf = sha256(nonce || convert_to(replace(payload, '"status":200', '"status":404'), 'UTF8')), status = 404 where seq = 5`,
			want: []string{"altered 5-5"}, id: 5},
		{name: "leaf column alone altered", sql: `update ledger.entry set leaf = sha256('x') where seq = 2`, want: []string{"columns 2-2"}, id: 2},
		{name: "look-up column altered", sql: `update ledger.entry set status = 500 where seq = 0`, want: []string{"columns 0-0"}, id: 0},
		{name: "look-up id altered", sql: `update ledger.entry set application_id = null where seq = 7`, want: []string{"columns 7-7"}, id: 7},
		{name: "time altered", sql: `update ledger.entry set at = at + interval '1 microsecond' where seq = 7`, want: []string{"columns 7-7"}, id: 7},
		{name: "kind altered", sql: `update ledger.entry set kind = 'act' where seq = 7`, want: []string{"columns 7-7"}, id: 7},
		{name: "entry's id altered", sql: `update ledger.entry set id = gen_random_uuid() where seq = 7`, want: []string{"columns 7-7"}, id: -1},
		{name: "one deleted", sql: `delete from ledger.entry where seq = 6`, want: []string{"missing 6-6"}, id: 6},
		{name: "one deleted with its tree row", sql: `with d as (delete from ledger.hash where position = ` + leafRow(6) + `)
			delete from ledger.entry where seq = 6`, want: []string{"missing 6-6"}, id: -1},
		{name: "two runs deleted", sql: `delete from ledger.entry where seq in (3, 4, 8)`, want: []string{"missing 3-4", "missing 8-8"}, id: 3},
		{name: "tail cut", sql: `delete from ledger.entry where seq >= 9`, want: []string{"cut 9-12"}, id: 9},
		{name: "tail cut, tree and checkpoints too", sql: `with h as (delete from ledger.hash where position >= ` + leafRow(9) + `),
			c as (delete from ledger.checkpoint where size > 9) delete from ledger.entry where seq >= 9`, want: []string{"cut 9-12"}, id: -1},
		{name: "all deleted", sql: `with h as (delete from ledger.hash), c as (delete from ledger.checkpoint) delete from ledger.entry`,
			want: []string{"cut 0-12"}, id: -1},
		{name: "number taken away", sql: `update ledger.entry set seq = null where seq = 4`, want: []string{"missing 4-4"}, id: 4},
		{name: "number out of line", sql: `update ledger.entry set seq = 1000000 where seq = 4`,
			want: []string{"misnumbered 14-1000000", "missing 4-4", "cut 13-13"}, id: -1},
		{name: "leaf row altered", sql: `update ledger.hash set hash = sha256('x') where position = ` + leafRow(4), want: []string{"tree-row 4-4"}, id: -1},
		{name: "inner row altered", sql: `update ledger.hash set hash = sha256('x') where position = ` + fmt.Sprint(tlog.StoredHashIndex(2, 1)),
			want: []string{"tree-row 4-7"}, id: -1},
		{name: "tree row deleted", sql: `delete from ledger.hash where position = ` + fmt.Sprint(tlog.StoredHashIndex(1, 0)), want: []string{"tree-row 0-1"}, id: -1},
		{name: "tree row's entry altered", sql: `update ledger.hash set entry_id = null where position = ` + leafRow(4), want: []string{"tree-row 4-4"}, id: -1},
		{name: "entry and tree row, apart", sql: `with h as (update ledger.hash set hash = sha256('x') where position = ` + fmt.Sprint(tlog.StoredHashIndex(1, 0)) + `)
			update ledger.entry set payload = '{}' where seq = 9`, want: []string{"altered 9-9", "tree-row 0-1"}, id: 9},
		{name: "two payloads swapped", sql: `update ledger.entry e set payload = o.payload, nonce = o.nonce, leaf = o.leaf
			from ledger.entry o where e.seq in (2, 8) and o.seq = 10 - e.seq`, want: []string{"columns 2-2", "columns 8-8", "altered 2-2", "altered 8-8"}, id: 2},
		{name: "two numbers swapped", sql: `update ledger.entry e set payload = o.payload, nonce = o.nonce, leaf = o.leaf, id = o.id, at = o.at,
			agency_id = o.agency_id, application_id = o.application_id, agreement_id = o.agreement_id, version_id = o.version_id, trace_id = o.trace_id
			from (select *, 10 - seq as to_seq from ledger.entry where seq in (2, 8)) o where e.seq = o.to_seq`,
			want: []string{"altered 2-2", "altered 8-8"}, id: -1},
		{name: "erased without an act", sql: `update ledger.entry set payload = null, nonce = null, erased_at = now() where seq = 3`,
			want: []string{"erased-without-act 3-3"}, id: 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, pool := newLedger(t)
			ids := fill(t, l, 13)
			if strings.Contains(tt.name, "swapped") {
				if _, err := pool.Exec(t.Context(), `alter table ledger.entry drop constraint entry_pkey`); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := pool.Exec(t.Context(), tt.sql); err != nil {
				t.Fatal(err)
			}
			report := verify(t, l)
			if got := brief(report); !reflect.DeepEqual(got, tt.want) {
				t.Fatalf("findings: got %q, want %q", got, tt.want)
			}
			if tt.id >= 0 && report.Findings[0].ID != ids[tt.id] {
				t.Errorf("entry: got %s, want %s", report.Findings[0].ID, ids[tt.id])
			}
			if report.Size != 13 || report.OK() != (len(tt.want) == 0) {
				t.Errorf("report: got size %d, ok %v", report.Size, report.OK())
			}
		})
	}
}

// An attacker who has the database but not the key makes the whole tree anew.
func TestVerifyKnowsATreeMadeAnew(t *testing.T) {
	t.Parallel()
	l, pool := newLedger(t)
	fill(t, l, 13) // signed at 4, 8, 12 and 13
	ctx := t.Context()
	if _, err := pool.Exec(ctx, `update ledger.entry set payload = replace(payload, '"status":200', '"status":404'), status = 404,
		leaf = sha256(nonce || convert_to(replace(payload, '"status":200', '"status":404'), 'UTF8')) where seq = 5`); err != nil {
		t.Fatal(err)
	}
	rebuild(t, pool)
	if got, want := brief(verify(t, l)), []string{"root 4-7"}; !reflect.DeepEqual(got, want) {
		t.Errorf("findings: got %q, want %q", got, want)
	}
	ship(t, l, false, exchange(uuid.New()))
	if _, err := l.Sequence(ctx); err == nil || !strings.Contains(err.Error(), "not the one that was signed") {
		t.Errorf("the sequencer goes on over a tree made anew: %v", err)
	}
}

// rebuild computes ledger.hash from the entries' leaves.
func rebuild(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	ctx := t.Context()
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select id, leaf from ledger.entry order by seq`)
		if err != nil {
			return err
		}
		entries, err := pgx.CollectRows(rows, pgx.RowToStructByName[waitingEntry])
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from ledger.hash`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update ledger.entry set seq = null`); err != nil {
			return err
		}
		return number(ctx, tx, 0, sequenceBatch{leaves: entries, waiting: len(entries)}, &cachedReader{ctx: ctx, db: tx, hashes: map[int64]tlog.Hash{}})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestVerifyAcceptsAnErasureThatIsRecorded(t *testing.T) {
	t.Parallel()
	l, _ := newLedger(t)
	ids := fill(t, l, 6)
	who := auth.Principal{Person: uuid.New()}
	if err := l.Erase(t.Context(), who, ids[2], "Điều 25"); err != nil {
		t.Fatal(err)
	}
	if err := l.Erase(t.Context(), who, ids[2], "again"); err == nil {
		t.Error("erased twice")
	}
	if err := l.Erase(t.Context(), who, ids[3], ""); err == nil {
		t.Error("erased without a reason")
	}
	sequence(t, l)
	report := verify(t, l)
	if !report.OK() || report.Erased != 1 || report.Size != 7 || report.Checked != 7 {
		t.Errorf("report: got %+v", report)
	}
}

func TestVerifyWithoutATrustedCheckpoint(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		harm func(t *testing.T, l *Ledger)
		want []string
	}{
		{"file gone", func(t *testing.T, l *Ledger) { remove(t, filepath.Join(l.Dir, headFile)) }, []string{"checkpoint-missing 0-0"}},
		{"signed by another key", func(_ *testing.T, l *Ledger) { l.Seed[0]++ }, []string{"checkpoint-invalid 0-0"}},
		{"kept one is no checkpoint", func(t *testing.T, l *Ledger) {
			if err := os.WriteFile(filepath.Join(l.Dir, historyDir, "x"), []byte("x\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"checkpoint-invalid 0-0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, _ := newLedger(t)
			fill(t, l, 4)
			tt.harm(t, l)
			if got := brief(verify(t, l)); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("findings: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestVerifyAnEmptyLog(t *testing.T) {
	t.Parallel()
	l, _ := newLedger(t)
	if n := sequence(t, l); n != 0 {
		t.Errorf("numbered %d", n)
	}
	if report := verify(t, l); !report.OK() || report.Size != 0 {
		t.Errorf("report: got %+v", report)
	}
}

func TestVerifyGoesThroughSeveralChunks(t *testing.T) {
	t.Parallel()
	l, pool := newLedger(t)
	const n = batchSize + chunkSize + 7
	batch := make([]Exchange, n)
	for i := range batch {
		batch[i] = exchange(uuid.Nil)
	}
	ship(t, l, false, batch...)
	if got := [2]int{sequence(t, l), sequence(t, l)}; got != [2]int{n, 0} {
		t.Errorf("numbered: got %v", got)
	}
	var heard int64
	report, err := l.Verify(t.Context(), func(done, all int64) { heard = done * 1000 / all })
	if err != nil || !report.OK() || report.Checked != n || heard != 1000 {
		t.Errorf("got %+v, %v, heard %d", report, err, heard)
	}
	if _, err := pool.Exec(t.Context(), `update ledger.entry set payload = '{}' where seq = $1`, n-1); err != nil {
		t.Fatal(err)
	}
	if got, want := brief(verify(t, l)), []string{fmt.Sprintf("altered %d-%d", n-1, n-1)}; !reflect.DeepEqual(got, want) {
		t.Errorf("findings: got %q, want %q", got, want)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func mustBase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
