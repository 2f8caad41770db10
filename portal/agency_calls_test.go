package portal

import (
	"html/template"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/ledger"
)

// TestCallsOfTheNightAreOfTheProvincesDay: what is called at one in the morning
// there, while it is the day before in UTC, stands under today.
func TestCallsOfTheNightAreOfTheProvincesDay(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	night := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	call := ledger.Exchange{ID: uuid.Must(uuid.NewV7()), At: night, AgencyID: w.version.AgencyID, VersionID: w.version.ID,
		ApplicationID: w.app.ID, Operation: "danh-muc-doi-tuong", Status: 200, Outcome: "complete"}
	tried := call
	tried.ID, tried.Sandbox = uuid.Must(uuid.NewV7()), true // told to its owner, and explained and counted nowhere
	w.shipped(t, call, tried)
	w.at(night)
	w.sees(t, "/developer/applications/"+w.app.ID.String(), 200, `<rect class="bar"`, `<time datetime="2026-11-24">24/11/2026</time></th><td class="number">1</td>`)
	if body := w.sees(t, "/developer/applications/"+w.app.ID.String(), 200, `href="/calls/`+call.ID.String()); strings.Contains(body, `href=""`) || strings.Contains(body, "/calls/"+tried.ID.String()) {
		t.Errorf("a call of a sandbox leads to an explanation:\n%s", body)
	}
}

// TestCallsOfAnAgency: who calls, how it goes, and which agreement nobody uses;
// an agreement is unused after 90 days without a call, not before, and no more
// once one comes.
func TestCallsOfAnAgency(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	g, err := w.Agreements.Request(t.Context(), w.who, agreement.Request{
		ApplicationID: w.app.ID, VersionID: w.version.ID, Operations: []agreement.Wanted{{Operation: "xem-nguoi-co-cong", Fields: []string{"/hoTen"}}},
		Purpose: "thu-tuc", PurposeText: "Cho người dân xem hồ sơ của mình.", LegalBasis: "luat-60-2024-d11-2b", Starts: "2026-11-23", Ends: "2027-11-01",
		Subjects: "Người có công", VolumePerDay: 10, RetentionDays: new(0)})
	if err != nil {
		t.Fatal(err)
	}
	steward := auth.Principal{Person: w.person(t, "lan@example.vn").Person, Name: "Phạm Hoàng Lập", Memberships: []auth.Membership{{Agency: w.version.AgencyID, Role: auth.RoleSteward}}}
	if _, err := w.Agreements.Approve(t.Context(), steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	w.as(t, auth.RoleSteward)
	page, agreementLink := office+"/calls", `href="/agreements/`+g.ID.String()
	w.sees(t, office, 200, `href="`+page+`"`)
	w.sees(t, page, 200, "Chưa có lời gọi nào trong 30 ngày qua", "Không có. Mọi thoả thuận")

	w.at(monday.AddDate(0, 0, unusedDays+1))
	if body := w.sees(t, page, 200, "Chưa gọi lần nào"); !strings.Contains(body, agreementLink) {
		t.Errorf("the unused agreement is not named:\n%s", body)
	}
	call := func(days, status int) ledger.Exchange {
		return ledger.Exchange{ID: uuid.Must(uuid.NewV7()), At: monday.AddDate(0, 0, days), AgencyID: w.version.AgencyID, VersionID: w.version.ID, AgreementID: g.ID,
			ApplicationID: w.app.ID, Operation: "xem-nguoi-co-cong", Credential: "token", Status: status, Outcome: "complete", Micros: 40_000, ResponseBytes: 2000}
	}
	w.shipped(t, call(90, 200), call(90, 429), call(91, 502))
	body := w.sees(t, page, 200, "<b>3</b>lời gọi", "<b>1</b>ứng dụng", "50 ms", "6 kB", "1 + 1", template.HTMLEscapeString(w.app.Name), `<rect class="refused"`, "Không có. Mọi thoả thuận")
	if strings.Contains(body, agreementLink) {
		t.Error("an agreement that is used is called unused")
	}

	w.at(monday.AddDate(0, 0, 91+unusedDays))
	if body := w.sees(t, page, 200, "Đã ngừng gọi", "3 lời gọi trong 90 ngày trước đó", "Gọi lần cuối"); !strings.Contains(body, agreementLink) {
		t.Errorf("the agreement is unused again, and not named:\n%s", body)
	}
	w.as(t, auth.RoleAuditor)
	w.sees(t, page, 404)
}
