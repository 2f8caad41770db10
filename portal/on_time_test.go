package portal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/internal/mail"
)

// waits has the workshop's developer ask, for a purpose.
func (w *workshop) waits(t *testing.T, purpose string) agreement.Agreement {
	t.Helper()
	g, err := w.Agreements.Request(t.Context(), w.who, agreement.Request{
		ApplicationID: w.app.ID, VersionID: w.version.ID, Operations: []agreement.Wanted{{Operation: "xem-nguoi-co-cong", Fields: []string{"/hoTen"}}},
		Purpose: purpose, PurposeText: "Cho người dân xem hồ sơ của mình.", LegalBasis: "luat-60-2024-d11-2b", Starts: "2026-11-23", Ends: "2027-01-01",
		Subjects: "Người có công", VolumePerDay: 10, RetentionDays: new(0)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// at sets the clock of agreements and pages.
func (w *workshop) at(at time.Time) {
	w.Portal.Now, w.Agreements.Now = func() time.Time { return at }, func() time.Time { return at }
	w.Mailer.Now = w.Portal.Now
}

func TestOverdueIsSeenAndEscalated(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Agreements.EscalateAfter = 2
	first, second := w.waits(t, "thu-tuc"), w.waits(t, "quan-ly") // on a Monday: due the end of Wednesday
	w.Mailer = mail.Mailer{Dir: t.TempDir(), From: "lgsp@portal.test", Now: w.Now}
	told := func(days int) []mail.Filed {
		t.Helper()
		w.at(monday.AddDate(0, 0, days))
		if err := w.SendEscalations(t.Context()); err != nil {
			t.Fatal(err)
		}
		letters, err := w.Mailer.Files(10)
		if err != nil {
			t.Fatal(err)
		}
		return letters
	}
	if letters := told(2); len(letters) != 0 {
		t.Errorf("told on the last day: %+v", letters)
	}
	letters := told(3)
	if len(letters) != 1 || letters[0].To != "steward@example.vn" || strings.Count(letters[0].Text, "quá hạn 1 ngày làm việc") != 2 ||
		!strings.Contains(letters[0].Text, "http://portal.test"+office+"/requests") {
		t.Fatalf("on the first day late: %+v", letters)
	}
	if letters = told(3); len(letters) != 1 {
		t.Errorf("told twice: %+v", letters)
	}
	letters = told(4)
	to := map[string]string{}
	for _, l := range letters {
		to[l.To] = l.Text
	}
	if len(letters) != 2 || !strings.Contains(to["operator@example.vn"], "quá hạn 2 ngày làm việc") || !strings.Contains(to["operator@example.vn"], "/operator/clocks") {
		t.Errorf("on the second day late: %+v", letters)
	}
	if letters = told(10); len(letters) != 2 {
		t.Errorf("told again: %+v", letters)
	}
	w.at(monday.AddDate(0, 0, 4))
	w.as(t, auth.RoleSteward)
	w.sees(t, office, 200, "Quá hạn 2 ngày làm việc", "mục tiêu của tỉnh")
	w.sees(t, office+"/requests", 200, "Quá hạn 2 ngày làm việc", first.ID.String(), second.ID.String())
	w.sees(t, "/agreements/"+first.ID.String(), 200, "Quá hạn 2 ngày làm việc")
	w.sees(t, "/operator/clocks", 403)
	w.as(t, auth.RoleOperator)
	w.sees(t, "/operator/clocks", 200, first.ID.String(), "Quá hạn 2 ngày làm việc")
	w.sees(t, "/operator/clocks?all=1", 200, second.ID.String())
	w.as(t, auth.RoleSteward)
	w.sends(t, "/agreements/"+first.ID.String()+"/approve", nil, "")
	w.cookies = map[string]string{}
	w.sees(t, "/on-time", 200, "Trung vị", ">0 %<", "mục tiêu của tỉnh", `<rect width="0%"`)
	w.sees(t, "/on-time?from=2026-01&until=2026-02", 200, `value="2026-02"`)
	w.sees(t, "/on-time?from=2026-13", 400)
}

func TestAnEscalationThatCannotBeSentIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Agreements.EscalateAfter = 9
	w.waits(t, "thu-tuc")
	blocked := filepath.Join(t.TempDir(), "mail")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.Mailer = mail.Mailer{Dir: blocked, From: "lgsp@portal.test"}
	w.at(monday.AddDate(0, 0, 3))
	if err := w.SendEscalations(t.Context()); err == nil {
		t.Fatal("a letter went into a folder that is none")
	}
	w.Mailer.Dir = t.TempDir()
	w.at(monday.AddDate(0, 0, 3).Add(11 * time.Minute))
	if err := w.SendEscalations(t.Context()); err != nil {
		t.Fatal(err)
	}
	if letters, err := w.Mailer.Files(10); err != nil || len(letters) != 1 {
		t.Errorf("ten minutes later: %d letters, error %v; want one", len(letters), err)
	}
}

// TestAnAgencyWithoutAStewardIsEscalatedAtOnce: somebody has to hear of it.
func TestAnAgencyWithoutAStewardIsEscalatedAtOnce(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Agreements.EscalateAfter = 9
	w.waits(t, "thu-tuc")
	stewards, err := w.Auth.Holders(t.Context(), auth.RoleSteward, w.version.AgencyID)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range stewards {
		if err := w.Auth.RemoveMembership(t.Context(), auth.Platform("test"), id, auth.Membership{Agency: w.version.AgencyID, Role: auth.RoleSteward}); err != nil {
			t.Fatal(err)
		}
	}
	w.Mailer = mail.Mailer{Dir: t.TempDir(), From: "lgsp@portal.test"}
	w.at(monday.AddDate(0, 0, 3))
	if err := w.SendEscalations(t.Context()); err != nil {
		t.Fatal(err)
	}
	if letters, err := w.Mailer.Files(10); err != nil || len(letters) != 1 || letters[0].To != "operator@example.vn" {
		t.Errorf("got %+v, %v", letters, err)
	}
}
