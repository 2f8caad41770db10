package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/portal/notice"
)

// states are those of the developer's agreements.
func (w *world) states() map[string]string {
	w.t.Helper()
	got := map[string]string{}
	for _, name := range []string{"asked", "questioned", "agreed", "suspended"} {
		g, err := w.agreements.Get(w.t.Context(), w.people["steward"], w.uuid(name+" agreement"))
		w.must(err)
		got[name] = g.State
	}
	return got
}

// TestAgreementsGoWithTheirApplication: whether it is taken out of service or
// its owner's account is deleted, and the gateway learns of it.
func TestAgreementsGoWithTheirApplication(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(ctx context.Context, w *world) error{
		"disabled": func(ctx context.Context, w *world) error {
			return w.auth.DisableApplication(ctx, w.people["developer"], w.uuid("application"))
		},
		"its owner deletes their account": func(ctx context.Context, w *world) error {
			return w.auth.DeletePerson(ctx, w.people["developer"], "developer@world.example")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(do(t.Context(), w))
			for name, state := range w.states() {
				if state != agreement.Ended {
					t.Errorf("%s: got %s", name, state)
				}
			}
			var left int
			w.must(w.db.Pool.QueryRow(t.Context(), `select count(*) from gateway.grant where application_id = $1 and state <> 'ended'`, w.uuid("application")).Scan(&left))
			if left != 0 {
				t.Errorf("the gateway still has %d", left)
			}
		})
	}
}

// TestEndLettersAreAskedFor: the job that reminds asks for a letter to each
// side, kept until it is sent, once however often it runs, at once too.
func TestEndLettersAreAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	ends := time.Now().UTC().Add(7*time.Hour).AddDate(0, 0, 7).Format(time.DateOnly)
	_, err := w.db.Pool.Exec(ctx, `update agreement.agreement set ends = $2, starts = least(starts, $2::date), decided_at = now() - interval '2 months' where id = $1`,
		w.uuid("agreed agreement"), ends)
	w.must(err)
	failed := make(chan error, 4)
	for range 4 {
		go func() { failed <- w.agreements.RemindOfEnds(context.WithoutCancel(ctx)) }()
	}
	for range 4 {
		w.must(<-failed)
	}
	rows, err := w.db.Pool.Query(ctx, `select args::text from jobs.river_job where kind = $1 and args->>'what' like 'ending%' order by id`, notice.TellJob)
	w.must(err)
	defer rows.Close()
	var letters []string
	for rows.Next() {
		var args string
		w.must(rows.Scan(&args))
		letters = append(letters, args)
	}
	w.must(rows.Err())
	if len(letters) != 2 || !strings.Contains(letters[0], w.people["developer"].Person.String()) || !strings.Contains(letters[1], w.uuid("so-a").String()) {
		t.Fatalf("got %d letters: %q", len(letters), letters)
	}
	for range 2 { // a job that is done again tells nobody twice
		w.must(w.portal.Notices.Told(ctx, []byte(letters[1])))
	}
	var n int
	w.must(w.db.Pool.QueryRow(ctx, `select count(*) from portal.notice n join jobs.river_job j on j.kind = $2 and j.args->>'notice' = n.id::text where n.person_id = $1`,
		w.people["steward"].Person, notice.MailJob).Scan(&n))
	if n != 1 {
		t.Errorf("the steward has %d letters", n)
	}
	w.must(w.portal.ToldOfEnd(ctx, fmt.Appendf(nil, `{"what":"ending","agreement":%q,"person":%q,"agency":%q,"ends":%q}`,
		w.uuid("agreed agreement"), w.people["steward"].Person, w.uuid("so-a"), ends))) // a job of before there were notices
	w.must(w.db.Pool.QueryRow(ctx, `select count(*) from portal.notice where person_id = $1 and kind = 'agree-end' and what = 'ending-agency'`, w.people["steward"].Person).Scan(&n))
	if n != 2 {
		t.Errorf("the steward was told %d times", n)
	}
	var event struct{ Body map[string]any }
	w.must(json.Unmarshal([]byte(letters[0]), &event))
	if first := event.Body; first["ends"] != ends || first["agreement"] != w.uuid("agreed agreement").String() || first["agency"] != uuid.Nil.String() {
		t.Errorf("got %v", first)
	}
}
