package portal

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
)

// TestQuotaOfAMonth is told wherever the quota of a day is, of a plan that has
// one; an agreement keeps what was agreed.
func TestQuotaOfAMonth(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	set := func(quota int) {
		t.Helper()
		if _, err := w.Auth.DB.Exec(t.Context(), `update catalog.plan set quota_per_month = $1`, quota); err != nil {
			t.Fatal(err)
		}
	}
	tells := func(path string, month bool, words, english string) {
		t.Helper()
		for locale, want := range map[string]string{"": words, "/en": english} {
			answer, body := w.get(t, locale+path)
			if answer.StatusCode != 200 || strings.Contains(body, want) != month {
				t.Errorf("%s%s: got %d, tells %q: %v, want %v", locale, path, answer.StatusCode, want, !month, month)
			}
		}
	}
	desk := office + "/apis/nguoi-co-cong/v1"
	form := url.Values{
		"application": {w.app.ID.String()}, "operations": {"xem-nguoi-co-cong"}, "fields.xem-nguoi-co-cong": {"/hoTen"},
		"purpose": {"thu-tuc"}, "purpose_text": {"Giải quyết hồ sơ trợ cấp tại bộ phận một cửa."}, "legal_basis": {"luat-60-2024-d11-2b"},
		"starts": {"2026-11-23"}, "ends": {"2027-11-22"}, "step": {"check"}, "subjects": {"Người có công"}, "volume_per_day": {"10"}, "retention_days": {"30"},
	}
	for _, month := range []bool{false, true} {
		if month {
			set(2_000_000)
		}
		w.as(t, auth.RolePublisher)
		for _, path := range []string{desk, desk + "/connection", desk + "/publish"} {
			tells(path, month, "2.000.000 lời gọi mỗi tháng", "2,000,000 calls a month")
		}
		w.signIn(t, "lap@example.vn")
		tells(w.href, month, "2.000.000 lời gọi mỗi tháng", "2,000,000 calls a month")
		if _, body := w.post(t, w.href+"/request", form); strings.Contains(body, "2.000.000 lời gọi mỗi tháng") != month || !strings.Contains(body, "mỗi ngày") {
			t.Errorf("before it is sent, with a quota of a month %v:\n%s", month, body)
		}
	}
	form.Set("step", "send")
	answer, _ := w.post(t, w.href+"/request", form)
	at := strings.TrimSuffix(answer.Header.Get("Location"), "/sent")
	id, err := uuid.Parse(strings.TrimPrefix(at, "/agreements/"))
	if err != nil {
		t.Fatalf("send: got %d to %q", answer.StatusCode, at)
	}
	steward := auth.Principal{Person: w.person(t, "lan@example.vn").Person, Name: "Lan", Memberships: []auth.Membership{{Agency: w.version.AgencyID, Role: auth.RoleSteward}}}
	if _, err := w.Agreements.Approve(t.Context(), steward, id, ""); err != nil {
		t.Fatal(err)
	}
	set(0) // the plan gives it up, the agreement does not
	w.signIn(t, "lap@example.vn")
	tells(at, true, "2.000.000 lời gọi mỗi tháng", "2,000,000 calls a month")
	for _, path := range []string{at, "/developer/applications/" + w.app.ID.String()} {
		tells(path, true, "Tháng này còn 1.000.000 trên 2.000.000 lời gọi.", "1,000,000 of 2,000,000 calls left this month.")
	}
	tells(w.href, false, "2.000.000 lời gọi mỗi tháng", "2,000,000 calls a month")
}
