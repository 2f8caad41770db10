package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
)

// holding lists the tables that hold a text.
func (w *world) holding(text string) []string {
	w.t.Helper()
	ctx := w.t.Context()
	tables, err := w.db.Pool.Query(ctx, `select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('auth', 'catalog', 'agreement', 'gateway', 'ledger', 'portal')`)
	w.must(err)
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	w.must(err)
	var found []string
	for _, name := range names {
		rows, err := w.db.Pool.Query(ctx, `select to_jsonb(t)::text from `+name+` t`)
		w.must(err)
		all, err := pgx.CollectRows(rows, pgx.RowTo[string])
		w.must(err)
		if strings.Contains(strings.Join(all, "\n"), text) {
			found = append(found, name)
		}
	}
	return found
}

// Who deletes their account is named in no table any more, not even by an
// agreement that they are just asking for.
func TestADeletedPersonIsNamedNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, developer := t.Context(), w.people["developer"]
	const name = "Người developer"
	if got := w.holding(name); len(got) < 3 {
		t.Errorf("before: only %v hold the name", got)
	}
	deleted, record := make(chan error, 1), w.agreements.Record
	w.agreements.Record = func(ctx context.Context, tx pgx.Tx, act auth.Act) error {
		if act.Verb == "agreement.request" { // the name is written, and not committed
			go func() {
				deleted <- w.auth.DeletePerson(context.WithoutCancel(ctx), developer, "developer@world.example")
			}()
			w.until("the deletion waits", func() bool {
				var n int
				w.must(w.db.Pool.QueryRow(ctx, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&n))
				return n > 0
			})
		}
		return record(ctx, tx, act)
	}
	g, err := w.agreements.Request(ctx, developer, w.wish("nghien-cuu"))
	w.must(err)
	select {
	case err := <-deleted:
		w.must(err)
	case <-time.After(10 * time.Second):
		t.Fatal("the account is not deleted")
	}
	if got := w.holding(name); len(got) != 0 {
		t.Errorf("the name is held by %v", got)
	}
	if got := w.holding("developer@world.example"); len(got) != 0 {
		t.Errorf("the address is held by %v", got)
	}
	w.serve()
	for path, want := range map[string]string{"/agreements/" + g.ID.String(): "tài khoản đã xoá", "/en/agreements/" + g.ID.String(): "a deleted account"} {
		status, _, body := w.sendAsked(asked{method: http.MethodGet, path: path, cookie: w.session["auditor"]})
		if status != 200 || !strings.Contains(body, want) || strings.Contains(body, auth.Deleted) || strings.Contains(body, name) {
			t.Errorf("%s: got %d:\n%s", path, status, body)
		}
	}
}
