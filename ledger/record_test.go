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
	l, pool := newLedger(t)
	ctx := t.Context()
	one, two, three, four := exchange(uuid.New()), exchange(uuid.New()), exchange(uuid.New()), exchange(uuid.New())
	for _, step := range []struct {
		name     string
		shipped  [][]Exchange
		again    bool
		numbered int
	}{
		{"new ones", [][]Exchange{{one, two}}, false, 2},
		{"some of them again", [][]Exchange{{two, three}}, true, 1},
		{"one twice at once", [][]Exchange{{four}, {four, one}}, true, 1},
		{"again, but said to be new", [][]Exchange{{three, one}}, false, 0},
	} {
		for _, exchanges := range step.shipped {
			ship(t, l, step.again, exchanges...)
		}
		if got := sequence(t, l); got != step.numbered {
			t.Errorf("%s: numbered %d, want %d", step.name, got, step.numbered)
		}
	}
	if got := count(t, ctx, pool, `select count(*) from ledger.entry`) + count(t, ctx, pool, `select count(*) from ledger.shipment`); got != 4 {
		t.Errorf("entries and shipments: got %d, want 4", got)
	}
	if report := verify(t, l); !report.OK() || report.Size != 4 {
		t.Errorf("report: got %+v", report)
	}
}

// TestShipmentThatCannotBeUnpacked is kept aside, and holds nothing up.
func TestShipmentThatCannotBeUnpacked(t *testing.T) {
	t.Parallel()
	l, pool := newLedger(t)
	ctx := t.Context()
	if err := l.Ship(ctx, Shipment{Count: 1, Body: []byte("?")}); err != nil {
		t.Fatal(err)
	}
	ship(t, l, false, exchange(uuid.New()))
	if got := sequence(t, l); got != 1 {
		t.Errorf("numbered %d", got)
	}
	if got := count(t, ctx, pool, `select count(*) from ledger.shipment where failed_at is not null`); got != 1 {
		t.Errorf("kept aside: %d", got)
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
