package ledger

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/telemetry"
)

// noon is when everything happens in these tests.
var noon = time.Date(2026, 11, 23, 5, 0, 0, 123456789, time.UTC)

func TestRecordKeepsTheActInTheTransactionThatDoesIt(t *testing.T) {
	t.Parallel()
	tx, ctx := pgtest.Tx(t), telemetry.WithTrace(t.Context(), "0af7651916cd43dd8448eb211c80319c")
	l := &Ledger{DB: tx, Now: func() time.Time { return noon }}
	act := auth.Act{
		Who: auth.Principal{Person: uuid.New(), Name: "Trần Thị Bưởi"}, Verb: "version.publish",
		Agency: uuid.New(), About: uuid.New(), Detail: map[string]any{"number": "v1", "operations": 12},
	}
	if err := l.Record(ctx, tx, act); err != nil {
		t.Fatal(err)
	}
	var payload, operation, trace string
	var nonce, leaf []byte
	var about uuid.UUID
	err := tx.QueryRow(ctx, `select payload, nonce, leaf, operation, about, trace_id from ledger.entry where agency_id = $1`, act.Agency).
		Scan(&payload, &nonce, &leaf, &operation, &about, &trace)
	if err != nil {
		t.Fatal(err)
	}
	if operation != act.Verb || about != act.About || trace != telemetry.Trace(ctx) {
		t.Errorf("look-up columns: got %s %s %s", operation, about, trace)
	}
	if strings.Contains(payload, act.Who.Name) {
		t.Errorf("the payload names the person: %s", payload)
	}
	if got, want := string(leaf), string(commitment(nonce, payload)); got != want {
		t.Errorf("leaf: got %x, want %x", got, want)
	}
}

func TestExchangesAreKeptOnce(t *testing.T) {
	t.Parallel()
	tx, ctx := pgtest.Tx(t), t.Context()
	l := &Ledger{DB: tx, Now: func() time.Time { return noon }}
	batch := []Exchange{exchange(uuid.New()), exchange(uuid.New())}
	for range 2 {
		if err := l.Exchanges(ctx, batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Exchanges(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if got := count(t, ctx, tx, `select count(*) from ledger.entry where agency_id = any($1)`, []uuid.UUID{batch[0].AgencyID, batch[1].AgencyID}); got != 2 {
		t.Errorf("entries: got %d, want 2", got)
	}
}

func TestRecordRefusesWhatIsNoPayload(t *testing.T) {
	t.Parallel()
	tx, ctx := pgtest.Tx(t), t.Context()
	l := &Ledger{DB: tx, Now: func() time.Time { return noon }}
	for name, detail := range map[string]any{
		"too large": string(make([]byte, maxPayload)), "no JSON": func() {}, "beyond a double": uint64(1<<53) + 2,
	} {
		if err := l.Record(ctx, tx, auth.Act{Verb: "x.y", Detail: map[string]any{"v": detail}}); err == nil {
			t.Errorf("%s: recorded", name)
		}
	}
}

func exchange(agency uuid.UUID) Exchange {
	return Exchange{
		ID: uuid.Must(uuid.NewV7()), At: noon, TraceID: telemetry.NewTrace(), Node: "n1", AgencyID: agency,
		VersionID: uuid.New(), ApplicationID: uuid.New(), AgreementID: uuid.New(), Revision: 2, Purpose: "tthc",
		Operation: "layHoSo", Access: "personal", Method: "GET", Credential: "token", Status: 200, Outcome: "complete",
		Micros: 1234, ResponseBytes: 512, Fields: []string{"/hoTen"},
	}
}

func count(t *testing.T, ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := db.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
