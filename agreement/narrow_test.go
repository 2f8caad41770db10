package agreement

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// fillDeskSQL makes agreements on 20 services of an agency, of 50 applicants:
// one in ten waits, and some of those are over their term.
const fillDeskSQL = `
insert into agreement.agreement (id, revision, state, application_id, application_name, owner_name, owner_agency_id, requester_id, requester_name,
       agency_id, version_id, service_vi, service_en, operations, purpose, purpose_text, legal_basis, starts, ends, note, plan,
       rate_per_minute, quota_per_day, requested_at, due_at, decided_at, decided_by, reason)
select gen_random_uuid(), 1, case when n % 10 = 0 then 'requested' else 'active' end, gen_random_uuid(), 'Ứng dụng ' || n, 'Đơn vị ' || n % 50,
       md5('owner ' || n % 50)::uuid, md5('person')::uuid, 'Người hỏi', $1, md5('service ' || n % 20)::uuid, 'Dịch vụ ' || n % 20, 'Service ' || n % 20,
       '[]', 'thu-tuc', 'Phục vụ thủ tục số ' || n, 'luat-60-2024-d11-2b', '2026-01-01', '2027-01-01', '', 'standard', 60, 1000,
       $2::timestamptz, $2::timestamptz + n % 7 * interval '1 day', case when n % 10 > 0 then $2::timestamptz end, null, ''
  from generate_series(1, $3::int) n`

func fillDesk(t *testing.T, w world, n int) {
	t.Helper()
	for _, agency := range []uuid.UUID{w.agency, uuid.New()} {
		if _, err := w.DB.Exec(t.Context(), fillDeskSQL, agency, now, n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.DB.Exec(t.Context(), `analyze agreement.agreement`); err != nil {
		t.Fatal(err)
	}
}

func TestTheDeskIsNarrowed(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	fillDesk(t, w, 400)
	*w.clock = now.AddDate(0, 0, 3)
	service, owner := md5ID(t, w.DB, "service 10"), md5ID(t, w.DB, "owner 30")
	for _, tt := range []struct {
		name           string
		n              Narrow
		overdue        bool
		waiting, other int // of 40 that wait and 360 that do not
	}{
		{"all", Narrow{}, false, 40, 360},
		{"with marks", Narrow{Text: "ỨNG dụng 397"}, false, 0, 1},
		{"without", Narrow{Text: "ung dung 390"}, false, 1, 0},
		{"words in any order, of any field", Narrow{Text: "390  thủ don VỊ"}, false, 1, 0},
		{"đ as d", Narrow{Text: "DON vi 397"}, false, 0, 1},
		{"in English", Narrow{Text: "service 397"}, false, 0, 1},
		{"many words, the last in order", Narrow{Text: "390 ung don thu tuc so"}, false, 1, 0},
		{"many words, out of order", Narrow{Text: "390 ung don tuc so thu"}, false, 0, 0},
		{"what stands nowhere", Narrow{Text: "hộ tịch"}, false, 0, 0},
		{"signs of patterns stand for themselves", Narrow{Text: `100% _ \`}, false, 0, 0},
		{"a service", Narrow{Service: service}, false, 20, 0},
		{"an applicant", Narrow{Owner: owner}, false, 8, 0},
		{"both", Narrow{Owner: owner, Service: service}, false, 4, 0},
		{"another's", Narrow{Owner: uuid.New()}, false, 0, 0},
		{"overdue", Narrow{Service: service}, true, 12, 0},
	} {
		if got := len(walk(t, func(after string) (int, string, error) {
			page, err := w.WaitingRequests(ctx, w.steward, WaitingFilter{Agency: w.agency, Overdue: tt.overdue, Limit: 7, After: after, Narrow: tt.n})
			return len(page.Items), page.Next, err
		})); got != tt.waiting {
			t.Errorf("%s: %d wait, want %d", tt.name, got, tt.waiting)
		}
		if tt.overdue {
			continue
		}
		if got := len(walk(t, func(after string) (int, string, error) {
			page, err := w.Desk(ctx, w.steward, Filter{Agency: w.agency, State: Active, Limit: 50, After: after}, tt.n)
			return len(page.Items), page.Next, err
		})); got != tt.other {
			t.Errorf("%s: %d are active, want %d", tt.name, got, tt.other)
		}
	}
}

// walk reads all pages, and gives one for each item.
func walk(t *testing.T, read func(after string) (int, string, error)) []int {
	t.Helper()
	var all []int
	for after := ""; ; {
		n, next, err := read(after)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, make([]int, n)...)
		if next == "" {
			return all
		}
		after = next
	}
}

func md5ID(t *testing.T, db pg.DB, text string) uuid.UUID {
	t.Helper()
	var id uuid.UUID
	if err := db.QueryRow(t.Context(), `select md5($1)::uuid`, text).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestNarrowingIsRefused(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	long := Narrow{Text: strings.Repeat("ă", 101)}
	_, waiting := w.WaitingRequests(ctx, w.steward, WaitingFilter{Agency: w.agency, Narrow: long})
	_, desk := w.Desk(ctx, w.steward, Filter{Agency: w.agency, State: Active}, long)
	_, zero := w.Desk(ctx, w.steward, Filter{Agency: w.agency, State: Active}, Narrow{Text: "a\x00b"})
	for _, err := range []error{waiting, desk, zero} {
		if problem.Code(err) != "search-too-long" {
			t.Errorf("too long: got %v", err)
		}
	}
	if _, err := w.Desk(ctx, w.steward, Filter{Agency: w.agency, State: Active, Limit: 101}, Narrow{}); !problem.Is(err, problem.Invalid) {
		t.Errorf("a page of 101: got %v", err)
	}
	_, list := w.Desk(ctx, auth.Principal{}, Filter{Agency: w.agency, State: Active}, Narrow{})
	_, services := w.Services(ctx, auth.Principal{}, w.agency)
	for _, err := range []error{list, services} {
		if !problem.Is(err, problem.Forbidden) {
			t.Errorf("who may not read: got %v", err)
		}
	}
}

// TestTheDeskWalksAlongItsIndexes: a page reads what it shows and no more,
// however much there is.
func TestTheDeskWalksAlongItsIndexes(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	fillDesk(t, w, 3000)
	services, err := w.Services(ctx, w.steward, w.agency)
	if err != nil || len(services) != 20 || services[0].TitleVI != "Dịch vụ 0" || services[19].TitleEN != "Service 9" {
		t.Fatalf("got %d services, %v: %v", len(services), err, services)
	}
	for name, tt := range map[string]struct {
		sql, index string
		args       []any
	}{
		"what waits":  {waitingInAgencySQL, "agreement_waiting_by_agency", []any{w.agency, now.AddDate(1, 0, 0), now.AddDate(-1, 0, 0), uuid.Nil, 51, nil, nil}},
		"the rest":    {deskSQL, "agreement_by_agency", []any{w.agency, Active, nil, 51, nil, nil}},
		"rare words":  {deskSoughtSQL, "agreement_sought", []any{w.agency, Active, nil, 51, nil, nil, "%ung%", "%dung%", "%2999%", "%"}},
		"usual words": {deskSoughtSQL, "agreement_by_agency", []any{w.agency, Active, nil, 51, nil, nil, "%ứng%", "%dụng%", "%", "%"}},
		"a service":   {deskSQL, "agreement_by_service", []any{w.agency, Active, nil, 51, services[3].ID, nil}},
		"services":    {servicesSQL, "agreement_by_service", []any{w.agency}},
	} {
		rows, err := w.DB.Query(ctx, "explain "+tt.sql, tt.args...)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		text := strings.Join(plan, "\n")
		if err != nil || !strings.Contains(text, tt.index) || strings.Contains(text, "Seq Scan on agreement") || slices.ContainsFunc(plan, func(line string) bool {
			return strings.Contains(line, "Sort") && tt.sql != servicesSQL && name != "rare words"
		}) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}
