package ledger

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"lgsp/auth"

	"lgsp/internal/problem"
	c2sp "lgsp/ledger/tlog"
)

// A verifier of someone else's, which knows only the public key, checks that
// an entry is in the log.
func TestAStrangerChecksAnEntry(t *testing.T) {
	t.Parallel()
	l, _ := newLedger(t)
	ids := fill(t, l, 300)
	router := mux.NewRouter()
	l.Routes(router)
	get := func(path string) *httptest.ResponseRecorder {
		t.Helper()
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			t.Fatalf("GET %s: got %d %s", path, w.Code, w.Body)
		}
		return w
	}
	key := get("/ledger/key").Body.String()
	verifier, err := note.NewVerifier(key[:len(key)-1])
	if err != nil {
		t.Fatal(err)
	}
	open := func(signed string) c2sp.Checkpoint {
		t.Helper()
		n, err := note.Open([]byte(signed), note.VerifierList(verifier))
		if err != nil {
			t.Fatal(err)
		}
		c, err := c2sp.ParseCheckpoint(n.Text)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	head := open(get("/ledger/checkpoint").Body.String())
	if want := (c2sp.Checkpoint{Origin: l.Origin, N: 300, Root: head.Root}); head != want {
		t.Errorf("checkpoint: got %+v, want %+v", head, want)
	}
	var proof Proof
	if err := json.Unmarshal(get("/ledger/proof/"+ids[257].String()).Body.Bytes(), &proof); err != nil {
		t.Fatal(err)
	}
	leaf := tlog.RecordHash(mustBase64(t, proof.Commitment))
	signed := open(proof.Checkpoint)
	if err := tlog.CheckRecord(proof.Hashes, signed.N, signed.Root, proof.Index, leaf); err != nil || proof.Index != 257 {
		t.Errorf("proof of %d: %v", proof.Index, err)
	}
	bundle := get("/ledger/tile/entries/000").Body.Bytes()
	tile := get("/ledger/tile/0/000").Body.Bytes()
	if len(bundle) != 256*34 || len(tile) != 256*32 {
		t.Fatalf("got a bundle of %d and a tile of %d bytes", len(bundle), len(tile))
	}
	if got, want := tlog.RecordHash(bundle[7*34+2:8*34]), tlog.Hash(tile[7*32:8*32]); got != want {
		t.Errorf("leaf 7: bundle says %s, tile says %s", got, want)
	}
	if got := get("/ledger/tile/1/000.p/1").Body.Len(); got != 32 {
		t.Errorf("partial tile: got %d bytes, want 32", got)
	}
}

func TestRoutesRefuse(t *testing.T) {
	t.Parallel()
	l, pool := newLedger(t)
	router := mux.NewRouter()
	l.Routes(router)
	code := func(path string) string {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		var body struct{ Code string }
		_ = json.Unmarshal(w.Body.Bytes(), &body)
		return body.Code
	}
	if got := code("/ledger/checkpoint"); got != "nothing-signed" {
		t.Errorf("empty log's checkpoint: got %q", got)
	}
	fill(t, l, 3)
	var waiting uuid.UUID
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return l.Record(t.Context(), tx, auth.Act{Verb: "x.y"}) })
	if err == nil {
		err = pool.QueryRow(t.Context(), `select id from ledger.entry where seq is null`).Scan(&waiting)
	}
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/ledger/tile/0/000":                "no-tile",
		"/ledger/tile/0/000.p/4":            "no-tile",
		"/ledger/tile/entries/001":          "no-tile",
		"/ledger/tile/9/000":                "no-tile",
		"/ledger/tile/data/000.p/1":         "no-tile",
		"/ledger/tile/x":                    "no-tile",
		"/ledger/proof/x":                   "no-entry",
		"/ledger/proof/" + uuid.NewString(): "no-entry",
		"/ledger/proof/" + waiting.String(): "not-signed-yet",
	} {
		if got := code(path); got != want {
			t.Errorf("GET %s: got %q, want %q", path, got, want)
		}
		for _, locale := range []string{"vi", "en"} {
			if title, _ := problem.Errorf(problem.NotFound, "x").Coded(want).Words(locale); title == "x" {
				t.Errorf("no words in %s for %s", locale, want)
			}
		}
	}
}
