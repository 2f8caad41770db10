package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/gateway"
	"lgsp/gateway/upstream"
	"lgsp/internal/problem"
	"lgsp/ledger"
)

// answered has calls of the workshop's version recorded, on so many days before.
func (w *workshop) answered(t *testing.T, days, n, status int, code string) {
	t.Helper()
	list := make([]ledger.Exchange, n)
	for i := range list {
		list[i] = ledger.Exchange{ID: uuid.Must(uuid.NewV7()), At: monday.AddDate(0, 0, -days), AgencyID: w.version.AgencyID, VersionID: w.version.ID,
			Operation: "danh-muc-doi-tuong", Status: status, Code: code, Outcome: "complete", Micros: 40_000}
	}
	w.shipped(t, list...)
}

func (w *workshop) down(t *testing.T, from, seen time.Time, ended *time.Time) {
	t.Helper()
	if _, err := w.Portal.Nodes.DB.(pgx.Tx).Exec(t.Context(), `insert into gateway.outage (version_id, began, seen, ended) values ($1, $2, $3, $4)`, w.version.ID, from, seen, ended); err != nil {
		t.Fatal(err)
	}
}

// TestAvailabilityIsPublic: on the API's page, on /status and in /api/v1, for who
// has no account; a day without calls is none of 100 %.
func TestAvailabilityIsPublic(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.cookies = map[string]string{}
	page := "/apis/so-noi-vu/nguoi-co-cong/v1"
	w.sees(t, page, 200, `id="availability"`, "chưa có lời gọi nào để đo", `class="none"`)
	w.sees(t, "/status", 200, "Từng dịch vụ trong 30 ngày qua", "không có lời gọi", "Chưa biết")

	w.answered(t, 0, 2, 200, "")
	w.answered(t, 29, 1, 503, "upstream-down")
	w.answered(t, 30, 1, 500, "") // not among the 30 days
	w.answered(t, 90, 1, 500, "") // nor among the 90
	w.answered(t, 1, 5, 401, "no-credential")
	w.down(t, monday.AddDate(0, 0, -2), monday.AddDate(0, 0, -2), new(monday.AddDate(0, 0, -2).Add(90*time.Second)))
	body := w.sees(t, page, 200, "66,66 % của 3 lời gọi được trả lời", "95 trong 100 câu trả lời xong trong 46 ms", "ngừng trong 2 phút", `class="well"`, `class="failed"`, `<td class="number" data-label="Được trả lời">100,00 %</td>`)
	if strings.Contains(body, "100 %</td>") {
		t.Error("a share is written without its decimals")
	}
	if _, english := w.get(t, "/en"+page); !strings.Contains(english, "66.66 % of 3 calls were answered") {
		t.Errorf("in English:\n%s", english)
	}
	w.sees(t, "/status", 200, "66,66 %", "46 ms", `href="`+page+`#availability"`, "Hoạt động")

	w.down(t, monday.Add(-time.Hour), monday.Add(-time.Minute), nil)
	w.sees(t, page, 200, "đang không trả lời")
	w.sees(t, "/status", 200, `<span class="tag bad">Ngừng</span>`)

	api := (&API{Catalog: w.Catalog, Auth: w.Auth, Ledger: w.Ledger, Nodes: w.Portal.Nodes, Health: w.Portal.Health}).router()
	ask := func(path string, v any) int {
		r := httptest.NewRecorder()
		api.ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/api/v1"+path, nil))
		if err := json.Unmarshal(r.Body.Bytes(), v); err != nil {
			t.Fatalf("%s: %v:\n%s", path, err, r.Body)
		}
		return r.Code
	}
	var a Availability
	if status := ask("/versions/"+w.version.ID.String()+"/availability?days=31", &a); status != 200 || len(a.Days) != 31 || a.Days[30].Answered != 2 || a.Days[0].Failed != 1 || a.Days[0].P95 != nil ||
		a.Days[29].Calls != 0 || a.Days[29].Availability != nil || a.Last30.Calls != 3 || *a.Last30.Availability != 66.66 || a.DownSince == nil || a.Days[28].DownMinutes != 2 {
		t.Errorf("got %d %+v", status, a)
	}
	var list items[ServiceStatus]
	if status := ask("/status", &list); status != 200 || len(list.Items) != 1 || list.Items[0].State != "down" || list.Items[0].VersionID != w.version.ID || list.Items[0].Last30.Calls != 3 {
		t.Errorf("got %d %+v", status, list)
	}
	for path, want := range map[string]string{
		"/versions/" + w.version.ID.String() + "/availability?days=29": "availability-days",
		"/versions/" + w.version.ID.String() + "/availability?days=x":  "availability-days",
		"/nodes": "token-required",
	} {
		var refused struct{ Code string }
		if ask(path, &refused); refused.Code != want {
			t.Errorf("%s: got %q, want %q", path, refused.Code, want)
		}
	}
}

// TestOutagesCountByDayOfTheProvince: one that goes through midnight there.
func TestOutagesCountByDayOfTheProvince(t *testing.T) {
	t.Parallel()
	a := Availability{Days: []AnsweringDay{{Day: "2026-11-21"}, {Day: "2026-11-22"}, {Day: "2026-11-23"}}}
	began := time.Date(2026, 11, 21, 16, 50, 0, 0, time.UTC) // ten minutes before midnight in Vietnam
	a.add(gateway.Outage{Began: began, Seen: began.Add(25 * time.Minute)}, monday)
	if a.Days[0].DownMinutes != 10 || a.Days[1].DownMinutes != 15 || a.Days[2].DownMinutes != 0 || a.Last30.DownMinutes != 25 || a.DownSince != nil {
		t.Errorf("got %+v", a)
	}
}

// TestNodesOfTheOperator: each node with what is wrong with it, each address as
// each node finds it, those in trouble first; to nobody else.
func TestNodesOfTheOperator(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Portal.Nodes.May = w.Portal.Policy.May
	w.as(t, auth.RoleSteward)
	if answer, _ := w.get(t, "/operator/nodes"); answer.StatusCode != 403 && answer.StatusCode != 404 {
		t.Errorf("for a steward: %d", answer.StatusCode)
	}
	w.as(t, auth.RoleAuditor)
	w.sees(t, "/operator/nodes", 200, "Chưa nút nào báo tình trạng")
	tell := func(s gateway.NodeState) {
		t.Helper()
		body, err := json.Marshal(s)
		if err == nil {
			_, err = w.Portal.Nodes.DB.(pgx.Tx).Exec(t.Context(), `insert into gateway.node (node, at, state) values ($1, $2, $3)`, s.Node, s.At, body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	version := func(id uuid.UUID, prefix string, down bool) gateway.VersionState {
		return gateway.VersionState{Version: id, Prefix: prefix, Down: down,
			Addresses: []gateway.AddressState{{Part: "main", State: upstream.State{Host: "10.1.1.1:80", Out: down, Until: monday, Since: monday, Ejected: 7, UnderWay: 3}}}}
	}
	well := gateway.NodeState{Node: "may-1 :8000", At: monday, StartedAt: monday, Release: "0123abcd", Ready: true, Config: 12, Fresh: monday, KeptAt: monday, Routes: 2, Journal: 600, Limit: 1000, Lost: 4,
		Versions: []gateway.VersionState{version(uuid.New(), "/a/a/v1", false), version(w.version.ID, "/so-noi-vu/nguoi-co-cong/v1", true)}}
	silent := well
	silent.Node, silent.At, silent.Config, silent.Versions = "may-2 :8000", monday.Add(-31*time.Second), 9, []gateway.VersionState{version(uuid.New(), "/im/lang/v1", true)}
	behind := gateway.NodeState{Node: "may-3 :8000", At: monday, Ready: true, Config: 10, Limit: 1000}
	tell(well)
	tell(silent)
	tell(behind)
	w.down(t, monday.Add(-time.Hour), monday, nil)
	body := w.sees(t, "/operator/nodes", 200, "Im lặng", "Đang phục vụ", "Thay đổi số 12", "chậm 2", "60 %", "4 dòng không ghi được", "0123abcd", "1 trong 2 phiên bản", "10.1.1.1:80", "Bị loại vì lời gọi hỏng", `<span class="tag bad">Ngừng</span>`)
	if strings.Index(body, ">/so-noi-vu") > strings.Index(body, ">/a/a") {
		t.Error("what is in trouble does not come first")
	}
	if strings.Contains(body, "/im/lang") {
		t.Error("what a silent node found is told as if it were so now")
	}
	body = w.sees(t, "/operator/topology", 200, "10.1.1.1:80", "1 không nhận lời gọi", "Sở Nội vụ", "may-1 :8000", "Im lặng")
	if strings.Contains(body, "/im/lang") {
		t.Error("the topology holds what only a silent node knows")
	}
}

// TestTopologyTellsWhoCalls: applications of agencies by agency, others
// together, those nobody knows apart; to who may read all calls, and no other.
func TestTopologyTellsWhoCalls(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Ledger.May = w.Portal.Policy.May
	run := func(sql string, args ...any) {
		t.Helper()
		if _, err := w.Catalog.DB.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	for _, use := range []struct {
		owner string // column, "": no application
		calls int
	}{{"owner_agency", 30}, {"owner_agency", 12}, {"owner_person", 7}, {"", 5}} {
		var app uuid.UUID
		if use.owner != "" {
			app = uuid.New()
			run(`insert into auth.application (id, `+use.owner+`, name, description, kind, redirect_uris, created_at)
				select $1, case $2 when 'owner_agency' then $3::uuid else (select id from auth.person order by id limit 1) end, 'Ứng dụng', '', 'confidential', '{}', $4`, app, use.owner, w.version.AgencyID, monday)
		}
		run(`insert into ledger.day_use values ($1, $2, 'xem', $3, $4, $5, $6, 0, 2, 100, array[1,0,0,0,0,0,0,0,0,0])`, monday, w.version.ID, app, uuid.Nil, w.version.AgencyID, use.calls)
	}
	w.as(t, auth.RoleAuditor)
	w.sees(t, "/operator/topology", 200, "Sở Nội vụ</a>", "2 ứng dụng; 42 lời gọi; 4 hỏng", "1 ứng dụng của người và tổ chức", "7 lời gọi", "5 lời gọi")
	w.as(t, auth.RoleSteward)
	w.sees(t, "/operator/topology", 403)
}

// TestOutageIsToldToPublishers: once, of their agency, in words with the times.
func TestOutageIsToldToPublishers(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	var publisher uuid.UUID
	if err := w.Auth.DB.QueryRow(t.Context(), `select id from auth.person where email = $1`, auth.RolePublisher+"@example.vn").Scan(&publisher); err != nil {
		t.Fatal(err)
	}
	w.Portal.Notices.Holders = func(_ context.Context, role string, agency uuid.UUID) ([]uuid.UUID, error) {
		if agency != w.version.AgencyID {
			return nil, problem.Errorf(problem.NotFound, "no agency")
		}
		if role == auth.RolePublisher {
			return []uuid.UUID{publisher}, nil
		}
		return nil, nil
	}
	v, err := w.Catalog.VersionByID(t.Context(), auth.Platform("test"), w.version.ID)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		e, err := OutageEvent(v, gateway.Outage{VersionID: v.ID, Began: monday})
		if err == nil {
			err = w.Portal.Notices.Tell(t.Context(), nil, e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.sees(t, "/account/notices", 200, "Hệ thống phía sau Người có công v1 không trả lời")
	var told int
	if err := w.Auth.DB.QueryRow(t.Context(), `select count(*) from portal.notice where person_id = $1`, publisher).Scan(&told); err != nil || told != 1 {
		t.Errorf("told %d times, error %v", told, err)
	}
}
