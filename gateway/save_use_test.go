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
	n.days.Take(a, 10, late)
	given := n.days.Unsaved(late)
	n.days.Take(a, 10, late)
	n.days.Take(a, 10, next)
	n.days.Saved(given, nil) // it failed
	if err := n.saveUse(t.Context()); err != nil {
		t.Fatal(err)
	}
	var used int
	if err := n.DB.QueryRow(t.Context(), `select used from gateway.quota_use where agreement_id = $1 and day = $2`, a, quota.Day(late)).Scan(&used); err != nil {
		t.Fatal(err)
	}
	if used != 2 || n.days.Left(a, 10, next) != 9 {
		t.Errorf("yesterday %d, left today %d; want 2 and 9", used, n.days.Left(a, 10, next))
	}
}
