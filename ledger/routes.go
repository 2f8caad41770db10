package ledger

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
	c2sp "lgsp/ledger/tlog"
)

// Routes adds what other people's verifiers read: the checkpoint (C2SP
// tlog-checkpoint), tiles and entry bundles (C2SP tlog-tiles), the public key,
// and the proof of one entry. They hold commitments only.
func (l *Ledger) Routes(r *mux.Router) {
	r.Handle("/ledger/checkpoint", problem.HandlerFunc(l.serveCheckpoint)).Methods("GET", "HEAD")
	r.Handle("/ledger/key", problem.HandlerFunc(l.serveKey)).Methods("GET", "HEAD")
	r.Handle("/ledger/tile/{path:.+}", told(l.serveTile)).Methods("GET", "HEAD")
	r.Handle("/ledger/proof/{id}", told(l.serveProof)).Methods("GET", "HEAD")
}

// told says of a database that is away that it is.
func told(h problem.HandlerFunc) problem.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error { return pg.WhenAway(h(w, r)) }
}

func (l *Ledger) serveCheckpoint(w http.ResponseWriter, _ *http.Request) error {
	head, err := l.readHead()
	if err != nil {
		return err
	}
	if head.note == nil {
		return problem.Errorf(problem.NotFound, "nothing is signed yet").Coded("nothing-signed")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, err = w.Write(head.note)
	return gone(err)
}

func (l *Ledger) serveKey(w http.ResponseWriter, _ *http.Request) error {
	key, err := c2sp.VerifierKey(l.Origin, l.Seed)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err = fmt.Fprintln(w, key)
	return gone(err)
}

const leavesSQL = `select leaf from ledger.entry where seq >= $1 and seq < $2 order by seq`

// serveTile answers with a tile of hashes, or with the commitments of a
// bundle's entries. A tile is there once a signed checkpoint covers it.
func (l *Ledger) serveTile(w http.ResponseWriter, r *http.Request) error {
	tile, err := c2sp.ParseTilePath(mux.Vars(r)["path"])
	if err != nil {
		return problem.Errorf(problem.NotFound, "no tile at %s", r.URL.Path).Coded("no-tile")
	}
	head, err := l.readHead()
	if err != nil {
		return err
	}
	if !c2sp.InTree(tile, head.N) {
		return problem.Errorf(problem.NotFound, "no tile at %s", r.URL.Path).Coded("no-tile")
	}
	var data []byte
	if tile.L == c2sp.EntriesLevel {
		rows, err := pg.All[struct{ Leaf []byte }](r.Context(), l.DB, leavesSQL, tile.N<<c2sp.Height, tile.N<<c2sp.Height+int64(tile.W))
		if err != nil {
			return fmt.Errorf("read leaves of tile %s: %w", tile.Path(), err)
		}
		leaves := make([][]byte, len(rows))
		for i, row := range rows {
			leaves[i] = row.Leaf
		}
		data, err = c2sp.Bundle(leaves)
		if err != nil {
			return err
		}
	} else if data, err = tlog.ReadTileData(tile, l.reader(r.Context())); err != nil {
		return fmt.Errorf("read tile %s: %w", tile.Path(), err)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, err = w.Write(data)
	return gone(err)
}

// Proof shows that an entry is in the signed log: RecordHash(Commitment) is
// the leaf at Index, and Hashes lead from it to the root of Checkpoint (RFC
// 6962 §2.1.1). Who holds the entry's payload and nonce can check that
// Commitment is SHA-256(nonce ‖ payload).
type Proof struct {
	Entry      uuid.UUID        `json:"entry"`
	Index      int64            `json:"index"`
	Commitment string           `json:"commitment"` // base64
	Hashes     tlog.RecordProof `json:"hashes"`     // base64, from the leaf upward
	Checkpoint string           `json:"checkpoint"` // the signed note
}

const entryLeafSQL = `select seq, leaf from ledger.entry where id = $1`

func (l *Ledger) serveProof(w http.ResponseWriter, r *http.Request) error {
	id, err := uuid.Parse(mux.Vars(r)["id"])
	if err != nil {
		return problem.Errorf(problem.NotFound, "no ledger entry %q", mux.Vars(r)["id"]).Coded("no-entry")
	}
	proof, err := l.Prove(r.Context(), id)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	return gone(json.NewEncoder(w).Encode(proof))
}

// Prove gives the proof of an entry against the last signed checkpoint. It
// fails with NotFound when there is no such entry, or not in a checkpoint yet.
func (l *Ledger) Prove(ctx context.Context, id uuid.UUID) (Proof, error) {
	head, err := l.readHead()
	if err != nil {
		return Proof{}, err
	}
	var seq *int64
	var leaf []byte
	err = l.DB.QueryRow(ctx, entryLeafSQL, id).Scan(&seq, &leaf)
	if errors.Is(err, pgx.ErrNoRows) {
		return Proof{}, problem.Errorf(problem.NotFound, "no ledger entry %s", id).Coded("no-entry")
	} else if err != nil {
		return Proof{}, fmt.Errorf("read ledger entry %s: %w", id, err)
	}
	if seq == nil || *seq >= head.N {
		return Proof{}, problem.Errorf(problem.NotFound, "entry %s is not in a signed checkpoint yet", id).Coded("not-signed-yet").Sends("Retry-After", "1")
	}
	hashes, err := tlog.ProveRecord(head.N, *seq, l.reader(ctx))
	if err != nil {
		return Proof{}, fmt.Errorf("prove ledger entry %s: %w", id, err)
	}
	return Proof{Entry: id, Index: *seq, Commitment: base64.StdEncoding.EncodeToString(leaf),
		Hashes: hashes, Checkpoint: string(head.note)}, nil
}

func (l *Ledger) reader(ctx context.Context) *cachedReader {
	return &cachedReader{ctx: ctx, db: l.DB, hashes: map[int64]tlog.Hash{}}
}

// gone drops the error of writing to a caller that went away: the answer has
// begun, and nothing can be said to them.
func gone(error) error { return nil }
