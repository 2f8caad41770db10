//go:build !race

package gateway

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// TestReloadsAreFlat: loading everything again and again leaves the heap as it was.
func TestReloadsAreFlat(t *testing.T) {
	w := newWorld(t)
	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		for i := range 100 {
			r := w.route
			r.Version, r.APISlug = uuid.New(), fmt.Sprint("api-", i)
			if err := Expose(ctx, tx, r); err != nil {
				return err
			}
			for range 10 {
				g := w.newGrant(fmt.Sprint("muc-dich-", i))
				g.Version, g.Application = r.Version, uuid.New()
				if err := PutGrant(ctx, tx, g); err != nil {
					return err
				}
			}
		}
		return nil
	})
	held, err := w.db.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	f := &feed{node: w.node, conn: held.Conn()}
	load := func(times int) {
		for range times {
			if err := within(t.Context(), loadPatience, f.loadAll); err != nil {
				t.Fatal(err)
			}
		}
	}
	load(20)
	before := heap()
	load(1000) // 13 ms each
	if after := heap(); after > before+before/4+1<<20 {
		t.Errorf("the heap grew from %d to %d KiB", before>>10, after>>10)
	}
	if s := w.node.current.Load(); len(s.routes) != 101 || len(s.corrupt) != 0 {
		t.Errorf("%d routes, %d corrupt", len(s.routes), len(s.corrupt))
	}
}
