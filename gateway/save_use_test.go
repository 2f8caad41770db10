package gateway

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/quota"
	"lgsp/internal/pgtest"
)

// TestYesterdayTwice: a save that failed over midnight leaves two counts of one
// agreement's day; both are saved by the next.
func TestYesterdayTwice(t *testing.T) {
	t.Parallel()
	late := time.Date(2026, 3, 2, 16, 59, 59, 0, time.UTC) // 23:59:59 in Vietnam
	next := late.Add(time.Second)
	n := &Node{DB: pgtest.New(t), Now: func() time.Time { return next }}
	a := uuid.Must(uuid.NewV7())
	n.limiter.Counts.Take(a, quota.Day, 10, late)
	given := n.limiter.Counts.Unsaved(late)
	n.limiter.Counts.Take(a, quota.Day, 10, late)
	n.limiter.Counts.Take(a, quota.Day, 10, next)
	n.limiter.Counts.Saved(given, nil) // it failed
	if err := n.saveUse(t.Context()); err != nil {
		t.Fatal(err)
	}
	var used int
	if err := n.DB.QueryRow(t.Context(), `select used from gateway.quota_count where key = $1 and begins = $2`, a, quota.Day.Begin(late)).Scan(&used); err != nil {
		t.Fatal(err)
	}
	if today, pending := n.limiter.Counts.Used(a, quota.Day, next); used != 2 || today != 1 || pending != 0 {
		t.Errorf("yesterday %d, today %d and %d; want 2, 1 and 0", used, today, pending)
	}
}
