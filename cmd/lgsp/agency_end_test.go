package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// historyOfAgencies are the columns that go on naming an agency whose service
// has ended: what was, not what is.
var historyOfAgencies = []string{
	"auth.agency.successor", // of those that merged into it earlier
	"auth.agency_alias.agency_id", "auth.invitation.agency_id", "catalog.api_former.agency_id", "catalog.field_schema.agency_id",
	"catalog.field_schema_version.agency_id", "catalog.package_kind.agency_id", "catalog.search_group.agency_id", "ledger.entry.agency_id", "ledger.entry.about", "ledger.day_use.agency_id", "ledger.hour_use.agency_id",
	"catalog.letter.agency_id", // sent ones; those that wait are counted by themselves
}

// pointing lists where an agency is named in columns that tell of something
// live. It reads the columns off the database, so that a new table is seen.
func (w *world) pointing(agency uuid.UUID) []string {
	w.t.Helper()
	const columns = `
select c.table_schema || '.' || c.table_name || '.' || c.column_name
  from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
 where t.table_type = 'BASE TABLE' and c.data_type = 'uuid' and c.table_schema in ('auth', 'catalog', 'agreement', 'gateway', 'ledger')
   and not (c.table_schema = 'auth' and c.table_name = 'agency' and c.column_name = 'id')
 order by 1`
	rows, err := w.db.Pool.Query(w.t.Context(), columns)
	w.must(err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	w.must(err)
	var found []string
	for _, name := range names {
		parts := strings.Split(name, ".")
		var n int
		w.must(w.db.Pool.QueryRow(w.t.Context(), fmt.Sprintf("select count(*) from %s.%s where %s = $1", parts[0], parts[1], parts[2]), agency).Scan(&n))
		if n > 0 && !slices.Contains(historyOfAgencies, name) {
			found = append(found, fmt.Sprintf("%s (%d)", name, n))
		}
	}
	for name, sql := range map[string]string{
		"letters":      `select count(*) from catalog.letter where agency_id = $1::uuid and sent_at is null`,
		"follows":      `select count(*) from catalog.follow where target = $1::uuid`,
		"invitations":  `select count(*) from auth.invitation where agency_id = $1::uuid and accepted_at is null and withdrawn_at is null`,
		"routes":       `select count(*) from gateway.route where document ->> 'agency' = $1`,
		"search texts": `select count(*) from catalog.search_doc where agency_id = $1::uuid`,
	} {
		var n int
		w.must(w.db.Pool.QueryRow(w.t.Context(), sql, agency.String()).Scan(&n))
		if n > 0 {
			found = append(found, fmt.Sprintf("%s (%d)", name, n))
		}
	}
	return found
}

// ends plans the end of agency A for yesterday, and has it happen.
func (w *world) ends(to *uuid.UUID) error {
	w.t.Helper()
	ctx := w.t.Context()
	if _, err := w.auth.PlanEnd(ctx, w.people["operator"], auth.AgencyEnd{AgencyID: w.uuid("so-a"), Successor: to, LastDay: time.Now().AddDate(0, 0, 1), Reason: "Nghị quyết sáp nhập"}); err != nil {
		return err
	}
	w.must(w.auth.EndAgencies(ctx)) // the day is still to come
	if a, err := w.auth.AgencyBySlug(ctx, "so-a"); err != nil || a.Ended() {
		w.t.Fatalf("it ended before its day: %v", err)
	}
	_, err := w.db.Pool.Exec(ctx, `update auth.agency_end set last_day = last_day - 3`)
	w.must(err)
	return w.auth.EndAgencies(ctx)
}

func (w *world) gets(address string, headers ...string) (int, http.Header, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	w.must(err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	w.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	w.must(err)
	return answer.StatusCode, answer.Header, string(text)
}

// TestMergedAgency: on its day everything live of an agency is its successor's,
// and whoever used it by its old address goes on.
func TestMergedAgency(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, a, b := t.Context(), w.uuid("so-a"), w.uuid("so-b")
	_, err := w.catalog.CreateAPI(ctx, w.people["other"], catalog.NewAPI{AgencyID: b, Slug: "dich-vu-public", APIText: catalog.APIText{TitleVI: "Trùng tên"}})
	w.must(err)
	_, err = w.catalog.RequestUpstream(ctx, w.people["other"], b, w.id["upstream"])
	w.must(err)
	_, _, err = w.auth.CreateApplication(ctx, w.people["publisher"], auth.NewApplication{Agency: a, Name: "Nữa"})
	w.must(err)
	w.serve()
	old, now := w.config.GatewayURL+"/so-a/dich-vu-public/v1", w.config.GatewayURL+"/so-b/dich-vu-public-so-a/v1"
	before := w.tokenFor(old)
	if status, _, body := w.gets(old+"/nguoi/"+subject, "Authorization", "Bearer "+before, "LGSP-Purpose", "dich-vu"); status != 200 {
		t.Fatalf("before: got %d %s", status, body)
	}
	seen, err := w.catalog.HeldBy(ctx, catalog.Agency{ID: a, Slug: "so-a"}, &catalog.Agency{ID: b, Slug: "so-b"})
	if err != nil || len(seen.APIs) != 2 || seen.APIs[1].Becomes != "dich-vu-public-so-a" || seen.APIs[0].Becomes != "dich-vu-hidden" || seen.Datasets != 5 {
		t.Errorf("shown beforehand: got %+v, %v", seen, err)
	}
	w.must(w.ends(&b))
	if found := w.pointing(a); len(found) > 0 {
		t.Errorf("still at the ended agency: %v", found)
	}
	w.until("called at the new address", func() bool { status, _, _ := w.gets(now + "/danh-muc"); return status == 200 })
	status, header, body := w.gets(old+"/nguoi/"+subject, "Authorization", "Bearer "+before, "LGSP-Purpose", "dich-vu")
	if status != 200 || header.Get("Deprecation") == "" || !strings.Contains(header.Get("Link")+strings.Join(header.Values("Link"), ","), now) {
		t.Errorf("with the token of before at the old address: got %d %v %s", status, header, body)
	}
	for _, audience := range []string{old, now} {
		if status, _, body := w.gets(old+"/nguoi/"+subject, "Authorization", "Bearer "+w.tokenFor(audience), "LGSP-Purpose", "dich-vu"); status != 200 {
			t.Errorf("with a new token for %s: got %d %s", audience, status, body)
		}
	}
	for path, to := range map[string]string{
		"/agencies/so-a": "/agencies/so-b", "/en/agencies/so-a": "/en/agencies/so-b",
		"/apis/so-a/dich-vu-public": "/apis/so-b/dich-vu-public-so-a/v1", "/apis/so-a/dich-vu-public/v1": "/apis/so-b/dich-vu-public-so-a/v1",
		"/apis/so-a/dich-vu-public/v1/nguoi": "/apis/so-b/dich-vu-public-so-a/v1/nguoi",
	} {
		if status, header, _ := w.gets(w.config.PortalURL + path); status != 303 || header.Get("Location") != to {
			t.Errorf("%s: got %d to %q, want %q", path, status, header.Get("Location"), to)
		}
	}
	if status, _, _ := w.gets(w.config.PortalURL + "/dataset/opened-data"); status != 200 {
		t.Errorf("a dataset: got %d", status)
	}
	who, err := w.auth.WhoByProof(ctx, w.people["publisher"].Person, auth.AAL2)
	if err != nil || len(who.Memberships) != 1 || who.Memberships[0] != (auth.Membership{Agency: b, Role: auth.RolePublisher}) {
		t.Errorf("the publisher is now: %+v, %v", who.Memberships, err)
	}
	if _, err := w.agreements.Approve(ctx, w.people["other"], w.uuid("asked agreement"), "Đồng ý."); err != nil {
		t.Errorf("the successor's steward decides what was asked: %v", err)
	}
	var acts int
	w.must(w.db.Pool.QueryRow(ctx, `select count(*) from ledger.entry where agency_id = $1 and kind = 'act' and payload::text like '%agency.end"%'`, a).Scan(&acts))
	if acts != 1 {
		t.Errorf("the ledger holds the end %d times", acts)
	}
	w.nothingBegins(a)
}

// nothingBegins: whoever may, nothing new is of an agency that has ended.
func (w *world) nothingBegins(agency uuid.UUID) {
	w.t.Helper()
	ctx, operator := w.t.Context(), w.people["operator"]
	for name, try := range map[string]func() error{
		"a member": func() error {
			return w.auth.AddMembership(ctx, operator, w.people["citizen"].Person, auth.Membership{Agency: agency, Role: auth.RoleSteward})
		},
		"an invitation": func() error {
			_, err := w.auth.Invite(ctx, operator, auth.NewInvitation{Agency: agency, Role: auth.RoleSteward, Email: "x@world.example", Name: "X"})
			return err
		},
		"an API": func() error {
			_, err := w.catalog.CreateAPI(ctx, operator, catalog.NewAPI{AgencyID: agency, Slug: "moi", APIText: catalog.APIText{TitleVI: "Mới"}})
			return err
		},
		"a dataset": func() error {
			_, err := w.catalog.CreateDataset(ctx, operator, agency, catalog.DatasetText{Slug: "moi", TitleVI: "Mới", NotesVI: "Mới", Theme: "TECH"})
			return err
		},
		"an upstream": func() error {
			_, err := w.catalog.ApproveUpstream(ctx, operator, agency, "10.9.9.9:80")
			return err
		},
		"another name": func() error {
			_, err := w.auth.ChangeAgency(ctx, operator, agency, auth.AgencyChange{Slug: "so-x", Code: "H48.90", NameVI: "X", NameEN: "X"})
			return err
		},
		"another end": func() error {
			_, err := w.auth.PlanEnd(ctx, operator, auth.AgencyEnd{AgencyID: agency, LastDay: time.Now().AddDate(0, 0, 1), Reason: "x"})
			return err
		},
	} {
		if err := pg.WhenAway(try()); problem.Code(err) != "agency-ended" {
			w.t.Errorf("%s at an agency that has ended: got %v", name, err)
		}
	}
}

// TestAgencyEndsWithoutSuccessor: not while anybody relies on it; then nothing
// live is left, and who was with it is with it no more.
func TestAgencyEndsWithoutSuccessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, a := t.Context(), w.uuid("so-a")
	w.must(w.ends(nil))
	if plan, err := w.auth.PlannedEnd(ctx, a); err != nil || plan == nil || plan.Failure != "agency-live" {
		t.Fatalf("while its API is called: got %+v, %v", plan, err)
	}
	publisher := w.people["publisher"]
	_, err := w.catalog.DeprecateVersion(ctx, publisher, w.uuid("published version"), catalog.Ending{Sunset: time.Now().Add(time.Hour)})
	w.must(err)
	_, err = w.db.Pool.Exec(ctx, `update catalog.version set sunset = now() - interval '1 hour' where id = $1`, w.uuid("published version"))
	w.must(err)
	w.must(w.catalog.RetireOver(ctx))
	w.must(w.auth.EndAgencies(ctx))
	if agency, _ := w.auth.AgencyBySlug(ctx, "so-a"); agency.Ended() {
		t.Fatal("it ended while its data are public")
	}
	for _, slug := range []string{"opened-data", "changed-data"} {
		d, err := w.catalog.DatasetBySlug(ctx, publisher, slug)
		w.must(err)
		_, err = w.catalog.WithdrawDataset(ctx, publisher, d.ID, "Cơ quan giải thể.")
		w.must(err)
	}
	w.must(w.auth.EndAgencies(ctx))
	agency, err := w.auth.AgencyBySlug(ctx, "so-a")
	if err != nil || !agency.Ended() || agency.EndReason != "Nghị quyết sáp nhập" || agency.Successor != nil || agency.ValidTo == nil {
		t.Fatalf("ended: got %+v, %v", agency, err)
	}
	var live []string
	for _, name := range w.pointing(a) {
		table, _, _ := strings.Cut(name, " ")
		switch table { // what is over keeps its agency
		case "catalog.api.agency_id", "catalog.dataset.agency_id", "catalog.package_index.agency_id", "agreement.agreement.agency_id", "agreement.agreement.owner_agency_id", "auth.application.owner_agency", "agreement.delegation.agency_id":
		default:
			live = append(live, name)
		}
	}
	if len(live) > 0 {
		t.Errorf("still at the ended agency: %v", live)
	}
	for name, sql := range map[string]string{
		"versions":     `select count(*) from catalog.version v join catalog.api a on a.id = v.api_id where a.agency_id = $1 and v.state in ('published', 'deprecated')`,
		"datasets":     `select count(*) from catalog.dataset where agency_id = $1 and (state = 'published' or publish_at is not null)`,
		"agreements":   `select count(*) from agreement.agreement where (agency_id = $1 or owner_agency_id = $1) and state in ('requested', 'active', 'suspended')`,
		"applications": `select count(*) from auth.application where owner_agency = $1 and disabled_at is null`,
		"delegations":  `select count(*) from agreement.delegation where agency_id = $1 and ended_at is null`,
		"invitations":  `select count(*) from auth.invitation where agency_id = $1 and accepted_at is null and withdrawn_at is null`,
	} {
		var n int
		w.must(w.db.Pool.QueryRow(ctx, sql, a).Scan(&n))
		if n > 0 {
			t.Errorf("%d %s are still live", n, name)
		}
	}
	if roles, err := w.auth.Memberships(ctx, publisher.Person); err != nil || len(roles) != 0 {
		t.Errorf("the publisher still is %v, %v", roles, err)
	}
	w.nothingBegins(a)
	if _, err := w.catalog.PublishVersion(ctx, w.people["operator"], w.uuid("reviewed version")); err == nil {
		t.Error("a draft of the ended agency was published")
	}
}

// TestWhoWritesWhileAnAgencyEnds: an API that is made at the same moment is the
// successor's or none.
func TestWhoWritesWhileAnAgencyEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, a, b := t.Context(), w.uuid("so-a"), w.uuid("so-b")
	_, err := w.auth.PlanEnd(ctx, w.people["operator"], auth.AgencyEnd{AgencyID: a, Successor: &b, LastDay: time.Now().AddDate(0, 0, 1), Reason: "x"})
	w.must(err)
	_, err = w.db.Pool.Exec(ctx, `update auth.agency_end set last_day = last_day - 3`)
	w.must(err)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			_, err := w.catalog.CreateAPI(context.WithoutCancel(ctx), w.people["operator"], catalog.NewAPI{AgencyID: a, Slug: fmt.Sprintf("luc-ay-%d", n), APIText: catalog.APIText{TitleVI: "Lúc ấy"}})
			if err != nil && problem.Code(pg.WhenAway(err)) != "agency-ended" {
				t.Errorf("an API at that moment: %v", err)
			}
		})
	}
	wg.Go(func() { w.must(w.auth.EndAgencies(ctx)) })
	wg.Go(func() { w.must(w.auth.EndAgencies(ctx)) })
	wg.Wait()
	if found := w.pointing(a); len(found) > 0 {
		t.Errorf("still at the ended agency: %v", found)
	}
}
