package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// exportedFile is the notices of /account/export.
type exportedFile struct {
	Notices struct {
		Since time.Time
		Items []struct {
			Kind, Subject, Text, Path string
			CreatedAt                 time.Time `json:"created_at"`
		}
		More   bool
		Chosen map[string]string
	}
}

// TestExportHoldsNotices: the file with all that is held about a person has the
// notices that they got, in words, those of nobody else, and says where they
// end.
func TestExportHoldsNotices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tellDeveloper()
	w.serve()
	ctx := t.Context()
	if status, _, body := w.call("developer", "PUT", "/notices/settings", `{"mail":{"answer":"daily"}}`, ""); status != 200 {
		t.Fatalf("settings: %d %s", status, body)
	}
	export := func(role string) (all exportedFile) {
		status, _, body := w.gets(w.config.PortalURL+"/account/export", "Cookie", "lgsp_session="+w.session[role])
		if status != 200 {
			t.Fatalf("%s: %d %s", role, status, body)
		}
		w.must(json.Unmarshal([]byte(body), &all))
		return all
	}
	all := export("developer").Notices
	found := 0
	for _, n := range all.Items {
		if n.Subject == "" || n.CreatedAt.IsZero() {
			t.Errorf("without words: %+v", n)
		}
		if n.Kind == "answer" && n.Path == "/dataset/opened-data" {
			found++
		}
	}
	if found != 1 || all.More || fmt.Sprint(all.Chosen) != "map[answer:daily]" || time.Since(all.Since) < 179*24*time.Hour {
		t.Errorf("got %+v", all)
	}
	for _, n := range export("citizen").Notices.Items {
		if n.Path == "/dataset/opened-data" {
			t.Errorf("a citizen has the developer's: %+v", n)
		}
	}
	_, err := w.db.Pool.Exec(ctx, `
insert into portal.notice (id, event, person_id, kind, what, body, created_at, mail)
select gen_random_uuid(), gen_random_uuid(), person_id, kind, what, body, created_at - interval '1 day', mail
  from portal.notice, generate_series(1, 2001) where id = $1`, w.uuid("notice"))
	w.must(err)
	if all := export("developer").Notices; len(all.Items) != 2000 || !all.More {
		t.Errorf("of many: %d, more: %t", len(all.Items), all.More)
	}
}
