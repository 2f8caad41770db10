package portal

import (
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/ledger"
	"lgsp/portal/notice"
	"lgsp/portal/report"
)

// reports lets the workshop count months at a moment.
func (w *workshop) reports(at time.Time) {
	w.at(at)
	w.Reports.Ledger, w.Reports.Agreements, w.Reports.May = w.Ledger, w.Agreements, w.Ledger.May
	w.Reports.Now, w.Catalog.Now = w.Portal.Now, w.Portal.Now
	w.Notices.Now = w.Portal.Now
}

// TestMonthReport: what is counted of a month and the one before, that who may
// not read it does not, that it is filed and told once, on the first working
// day, and stays as it was filed.
func TestMonthReport(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	ctx, page := t.Context(), office+"/report/"
	g, err := w.Agreements.Request(ctx, w.who, agreement.Request{
		ApplicationID: w.app.ID, VersionID: w.version.ID, Operations: []agreement.Wanted{{Operation: "xem-nguoi-co-cong", Fields: []string{"/hoTen"}}},
		Purpose: "thu-tuc", PurposeText: "Cho người dân xem hồ sơ của mình.", LegalBasis: "luat-60-2024-d11-2b", Starts: "2026-11-23", Ends: "2026-11-27",
		Subjects: "Người có công", VolumePerDay: 10, RetentionDays: new(0)})
	if err != nil {
		t.Fatal(err)
	}
	steward := auth.Principal{Person: w.person(t, "lan@example.vn").Person, Name: "Lan", Memberships: []auth.Membership{{Agency: w.version.AgencyID, Role: auth.RoleSteward}}}
	w.at(monday.AddDate(0, 0, 2)) // two working days later
	if _, err := w.Agreements.Approve(ctx, steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	other, _, err := w.Auth.CreateApplication(ctx, w.who, auth.NewApplication{Name: "=Ngừng gọi"})
	if err != nil {
		t.Fatal(err)
	}
	call := func(day string, app uuid.UUID, status int) ledger.Exchange {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		return ledger.Exchange{ID: uuid.Must(uuid.NewV7()), At: at.Add(-time.Hour), AgencyID: w.version.AgencyID, VersionID: w.version.ID, // six in the morning there
			ApplicationID: app, Operation: "danh-muc-doi-tuong", Status: status, Outcome: "complete", Micros: 40_000}
	}
	w.shipped(t, call("2026-10-01", w.app.ID, 200), call("2026-10-31", other.ID, 200), call("2026-10-31", other.ID, 404),
		call("2026-11-01", w.app.ID, 200), call("2026-11-20", w.app.ID, 502))

	w.reports(monday.AddDate(0, 0, 7)) // 30 November, in the afternoon
	w.as(t, auth.RoleSteward)
	body := w.sees(t, page+"2026-11", 200, "Báo cáo tháng 11/2026", "Tháng chưa hết", "=Ngừng gọi: ", "2 lời gọi trong tháng trước",
		`Lời gọi</th><td class="number">2</td><td class="number">3</td><td class="number">−1</td>`,
		`Ứng dụng đã gọi</th><td class="number">1</td><td class="number">2</td>`,
		`Lời gọi hỏng (5xx, đứt giữa chừng)</th><td class="number">1</td><td class="number">0</td><td class="number">&#43;1</td>`,
		`Thoả thuận mới có hiệu lực</th><td class="number">1</td>`, `Thoả thuận kết thúc</th><td class="number">1</td>`)
	if !strings.Contains(body, `Mục tiêu của tỉnh: 2 ngày</span></th><td class="number">2</td><td class="number">—</td>`) {
		t.Errorf("the days of a decision are not told:\n%s", body)
	}
	w.sees(t, page+"2026-12", 400)
	w.sees(t, page+"2023-10", 400)
	w.sees(t, "/operator/report/2026-11", 403)

	answer, text := w.get(t, page+"2026-11.csv")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || answer.StatusCode != 200 || !slices.Equal(rows[1], []string{"Tổng", "Lời gọi", "2", "3"}) {
		t.Fatalf("the CSV: got %d %v %v", answer.StatusCode, rows, err)
	}
	if last := rows[len(rows)-1]; last[0] != "'=Ngừng gọi: Người có công v1" {
		t.Errorf("a name can be a formula: %q", last)
	}

	file := func(at time.Time) {
		t.Helper()
		w.reports(at)
		if err := w.Reports.File(ctx); err != nil {
			t.Fatal(err)
		}
	}
	told := func() int {
		t.Helper()
		n := 0
		for _, role := range []string{auth.RoleSteward, auth.RoleOperator} {
			person, err := w.Auth.PersonByEmail(ctx, auth.Platform("test"), uuid.Nil, role+"@example.vn")
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Auth.DB.QueryRow(ctx, `select count(*) + $1::int from portal.notice where kind = $2 and person_id = $3`, n, notice.MonthReport, person.ID).Scan(&n); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	file(time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC)) // 06:59 on Tuesday, 1 December
	if n := told(); n != 0 {
		t.Errorf("told %d times before the hour", n)
	}
	file(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	if n := told(); n != 2 {
		t.Errorf("steward and operator were told %d times, not once each", n)
	}
	w.shipped(t, call("2026-11-25", other.ID, 200)) // that came late
	file(time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC))
	if n := told(); n != 2 {
		t.Errorf("told again: %d", n)
	}
	w.sees(t, page+"2026-11", 200, "Báo cáo chốt lúc", `Lời gọi</th><td class="number">2</td>`)
	w.sees(t, page+"2026-12", 200, "Tháng chưa hết", `Lời gọi</th><td class="number">0</td><td class="number">2</td>`) // as it was filed

	_, text = w.get(t, page+"2026-11.json")
	var kept report.Report
	if err := json.Unmarshal([]byte(text), &kept); err != nil || !kept.Kept || kept.This.Calls != 2 || kept.This.Overdue == nil || *kept.This.Overdue != 0 || kept.This.Median != 2 {
		t.Errorf("the JSON: %+v, %v", kept, err)
	}
	w.as(t, auth.RoleOperator)
	w.sees(t, "/operator/report/2026-11", 200, `href="/agency/so-noi-vu/report/2026-11">Sở Nội vụ</a></th>`)
	w.as(t, auth.RoleAuditor) // has no desks
	w.sees(t, page+"2026-11", 404)
	w.sees(t, "/operator/report/2026-11", 200, "Tỉnh Quảng Ngãi", `<th scope="row">Sở Nội vụ</th><td class="number" data-label="Lời gọi">2</td>`)
}
