package main

import "testing"

// TestQuotaOfAMonth: what a plan allows in a month is agreed, is in force at
// the gateway, and is told.
func TestQuotaOfAMonth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	_, err := w.db.Pool.Exec(ctx, `update catalog.plan set quota_per_month = 2000000`)
	w.must(err)
	asked, err := w.agreements.Request(ctx, w.people["developer"], w.wish("nghien-cuu"))
	w.must(err)
	g, err := w.agreements.Approve(ctx, w.people["steward"], asked.ID, "")
	w.must(err)
	var granted int
	w.must(w.db.Pool.QueryRow(ctx, `select quota_per_month from gateway.grant where agreement_id = $1`, g.ID).Scan(&granted))
	if g.QuotaPerMonth != 2_000_000 || granted != 2_000_000 {
		t.Errorf("agreed %d, granted %d", g.QuotaPerMonth, granted)
	}
	left, err := w.remaining(ctx, g) // the node does not know it yet
	if err != nil || left.PerMonth != 2_000_000 || left.RemainingMonth != 2_000_000 {
		t.Errorf("before it is known: %+v, %v", left, err)
	}
	w.serve()
	w.until("known at the gateway", func() bool {
		left, err = w.remaining(ctx, g)
		return err == nil && !left.MonthResetsAt.IsZero()
	})
	if left.PerMonth != 2_000_000 || left.RemainingMonth != 2_000_000 || left.ResetsAt.IsZero() {
		t.Errorf("known: %+v", left)
	}
	v, err := w.catalog.SetPlan(ctx, w.people["publisher"], w.uuid("published version"), "high")
	w.must(err)
	w.must(w.db.Pool.QueryRow(ctx, `select (document->'plan'->>'quota_per_month')::int from gateway.route where version_id = $1`, v.ID).Scan(&granted))
	if granted != 2_000_000 {
		t.Errorf("of the version: %d", granted)
	}
}
