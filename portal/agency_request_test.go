package portal

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// counted is a database that counts what it is asked.
type counted struct {
	pg.DB
	n *atomic.Int32
}

func (c counted) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	c.n.Add(1)
	return c.DB.Exec(ctx, sql, args...)
}

func (c counted) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	c.n.Add(1)
	return c.DB.Query(ctx, sql, args...)
}

func (c counted) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	c.n.Add(1)
	return c.DB.QueryRow(ctx, sql, args...)
}

// TestTheStewardsInbox is searched and narrowed, and asks the database no more
// than eight times a page, however much is on it.
func TestTheStewardsInbox(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	first, second := w.waits(t, "thu-tuc"), w.waits(t, "quan-ly")
	if _, err := w.Agreements.DB.Exec(t.Context(), `
insert into agreement.agreement (id, revision, state, application_id, application_name, owner_name, requester_id, requester_name, agency_id, version_id,
       service_vi, service_en, operations, purpose, purpose_text, legal_basis, starts, ends, note, plan, rate_per_minute, quota_per_day, requested_at, due_at, decided_at, reason)
select gen_random_uuid(), 1, state, gen_random_uuid(), 'Hộ tịch <' || n || '>', 'Xã Đông', requester_id, 'Ai', agency_id, gen_random_uuid(),
       'Khai sinh v1', 'Births v1', operations, purpose, 'Khai sinh', legal_basis, starts, ends, '', plan, 1, 1, requested_at, due_at + interval '9 days', null, ''
  from agreement.agreement, generate_series(1, 60) n where id = $1`, first.ID); err != nil {
		t.Fatal(err)
	}
	w.as(t, auth.RoleSteward)
	page := office + "/requests"
	body := w.sees(t, page, 200, first.ID.String(), second.ID.String(), "Khai sinh v1", "Hộ tịch &lt;", `name="overdue"`)
	next := between(body, `href="`+page+`?after=`, `"`)
	w.sees(t, page+"?after="+next, 200, "Hộ tịch &lt;")
	shows := func(query string, want, not string) {
		t.Helper()
		if body := w.sees(t, page+query, 200, want); strings.Contains(body, not) {
			t.Errorf("%s shows %s", query, not)
		}
	}
	shows("?q=DONG+khai+sinh", "Hộ tịch &lt;", first.ID.String())
	shows("?service="+w.version.ID.String(), first.ID.String(), "Hộ tịch &lt;")
	shows("?owner="+w.who.Person.String(), first.ID.String(), "Hộ tịch &lt;")
	shows("?q=khong+co+gi", "Không có mục nào như vậy", first.ID.String())
	shows("?overdue=yes", "Không có mục nào như vậy", first.ID.String())
	shows("?state=active&q=dong", "Không có mục nào như vậy", `name="overdue"`)
	shows("?state=active", "Không có mục nào", "Không có mục nào như vậy")
	w.sees(t, page+"?service=x", 400)
	w.sees(t, page+"?owner=x", 400)
	w.sees(t, page+"?after=x", 400)
	w.sees(t, page+"?q="+strings.Repeat("a", 101), 400, "tối đa 100 ký tự")

	var n atomic.Int32
	db := counted{w.Auth.DB, &n}
	w.Auth.DB, w.Agreements.DB, w.Portal.Catalog.DB, w.Notices.DB, w.Portal.Ledger.DB = db, db, db, db, db
	for _, query := range []string{"", "?q=ho+tich", "?overdue=yes", "?state=active", "?owner=" + uuid.NewString()} {
		n.Store(0)
		if answer, _ := w.get(t, page+query); answer.StatusCode != http.StatusOK || n.Load() > 8 || n.Load() < 4 {
			t.Errorf("%s: %d, asked the database %d times, want 8 at most", query, answer.StatusCode, n.Load())
		}
	}
}
