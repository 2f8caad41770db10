package agreement

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
)

const keptSQL = `
select (select string_agg(g::text, E'\n') from agreement.agreement g) || (select string_agg(e::text, E'\n') from agreement.event e)`

// Who deletes their account is named nowhere in agreements any more, as owner,
// as who asked and as who decided; others are, and the ids tell what happened.
func TestForgetPerson(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	g := w.request(t, w.asked())
	if _, err := w.Approve(ctx, w.steward, g.ID, "Đồng ý"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.End(ctx, w.developer, g.ID, "Không dùng nữa"); err != nil {
		t.Fatal(err)
	}
	forget := func(who auth.Principal, applications ...uuid.UUID) string {
		t.Helper()
		var kept string
		err := pgx.BeginFunc(ctx, w.DB, func(tx pgx.Tx) error { return ForgetPerson(ctx, tx, who.Person, applications) })
		if err == nil {
			err = w.DB.QueryRow(ctx, keptSQL).Scan(&kept)
		}
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	if kept := forget(w.other, uuid.New()); !strings.Contains(kept, w.developer.Name) || !strings.Contains(kept, "Ứng dụng xã") {
		t.Errorf("another person's account, and it forgot: %s", kept)
	}
	kept := forget(w.developer, w.application)
	if strings.Contains(kept, w.developer.Name) || strings.Contains(kept, "Ứng dụng xã") || !strings.Contains(kept, w.steward.Name) {
		t.Errorf("kept: %s", kept)
	}
	got, err := w.Get(ctx, w.developer, g.ID)
	if err != nil || got.RequesterID != w.developer.Person || got.RequesterName != auth.Deleted || got.OwnerName != auth.Deleted || got.ApplicationName != auth.Deleted {
		t.Errorf("got %+v, %v", got, err)
	}
	history, err := pg.All[Event](ctx, w.DB, historySQL, g.ID)
	if err != nil || len(history) != 3 || history[0].Name != auth.Deleted || *history[0].PersonID != w.developer.Person || history[1].Name != w.steward.Name || history[2].Text != "Không dùng nữa" {
		t.Errorf("history: got %+v, %v", history, err)
	}
	if kept := forget(w.steward); strings.Contains(kept, w.steward.Name) {
		t.Errorf("who decided: %s", kept)
	}
}

// The name that is kept is the one that auth has when it is kept.
func TestTheNameIsAskedForInside(t *testing.T) {
	t.Parallel()
	w := newWorld(pgtest.Tx(t))
	w.names[w.developer.Person] = auth.Deleted // between two looks
	g := w.request(t, w.asked())
	if g.RequesterName != auth.Deleted || g.OwnerName != auth.Deleted {
		t.Errorf("got %+v", g)
	}
	history, err := w.History(t.Context(), w.developer, g.ID)
	if err != nil || history[0].Name != auth.Deleted {
		t.Errorf("history: got %+v, %v", history, err)
	}
}
