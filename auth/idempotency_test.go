package auth

import (
	"crypto/sha256"
	"testing"
	"time"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func TestOnce(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	a := &Auth{DB: pgtest.Tx(t), Now: func() time.Time { return now }}
	key := func(caller, text string) OnceKey {
		sum := sha256.Sum256([]byte(text))
		return OnceKey{Caller: caller, Key: "k1", Request: sum[:]}
	}
	begin := func(k OnceKey, wantCode string, wantBody string) {
		t.Helper()
		got, err := a.BeginOnce(ctx, k)
		if problem.Code(err) != wantCode {
			t.Fatalf("got %v, want code %q", err, wantCode)
		}
		if (got == nil) != (wantBody == "") || got != nil && string(got.Body) != wantBody {
			t.Fatalf("got %+v, want body %q", got, wantBody)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	begin(key("an", "post /x {}"), "", "")
	begin(key("an", "post /x {}"), "idempotency-busy", "")
	do(a.EndOnce(ctx, key("an", ""), OnceAnswer{Status: 201, Location: "/x/1", Body: []byte(`{"id":1}`)}))
	begin(key("an", "post /x {}"), "", `{"id":1}`)
	begin(key("an", "post /x {2}"), "idempotency-reused", "")
	begin(key("binh", "post /x {2}"), "", "") // another caller's key is another key
	do(a.EndOnce(ctx, key("binh", ""), OnceAnswer{Status: 201, Location: "/x/2"}))
	begin(key("binh", "post /x {2}"), "idempotency-secret", "")
	begin(key("chi", "post /x {}"), "", "")
	do(a.DropOnce(ctx, key("chi", "")))
	begin(key("chi", "post /x {}"), "", "") // failed before: may be tried again
	now = now.Add(25 * time.Hour)
	begin(key("an", "post /x {2}"), "", "") // forgotten after a day
	do(a.PurgeOnce(ctx))
	begin(key("an", "post /x {2}"), "idempotency-busy", "")
}
