package portal

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/ledger"
)

// TestACallIsExplained: a call of the reader's application, step by step, with
// the agreement as it was and as it is, found by each of its ids; another's is
// not there.
func TestACallIsExplained(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	ctx := t.Context()
	g, err := w.Agreements.Request(ctx, w.who, agreement.Request{ApplicationID: w.app.ID, VersionID: w.version.ID,
		Operations: []agreement.Wanted{{Operation: "xem-nguoi-co-cong", Fields: []string{"/hoTen"}}},
		Purpose:    "thu-tuc", PurposeText: "Cho người dân xem hồ sơ của mình.", LegalBasis: "luat-60-2024-d11-2b", Starts: "2026-11-23", Ends: "2027-01-01",
		Subjects: "Người hưởng trợ cấp", VolumePerDay: 50, RetentionDays: new(int)})
	if err != nil {
		t.Fatal(err)
	}
	steward := w.person(t, "can-bo@example.vn")
	steward.Memberships = []auth.Membership{{Agency: w.version.AgencyID, Role: auth.RoleSteward}}
	if g, err = w.Agreements.Approve(ctx, steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	then := g.Revision
	if g, err = w.Agreements.Suspend(ctx, steward, g.ID, "Kiểm tra đột xuất"); err != nil {
		t.Fatal(err)
	}
	w.ExplainCall = func(_ context.Context, call ImaginedCall) (CallExplanation, error) {
		if call.Purpose != "thu-tuc" || call.Credential != "token" {
			return CallExplanation{Allowed: true, Rule: "open"}, nil
		}
		return CallExplanation{Rule: "no-agreement", Code: "agreement-suspended", Agreement: g.ID, Change: []string{"resume-agreement"}}, nil
	}
	call := func(code, outcome string, status int) ledger.Exchange {
		return ledger.Exchange{ID: uuid.Must(uuid.NewV7()), At: monday, TraceID: uuid.NewString(), AgencyID: w.version.AgencyID, VersionID: w.version.ID,
			ApplicationID: w.app.ID, AgreementID: g.ID, Revision: then, Purpose: "thu-tuc", Operation: "xem-nguoi-co-cong", Access: "personal",
			Credential: "token", Status: status, Code: code, Outcome: outcome, Fields: []string{"/hoTen"}}
	}
	passed, slow, unknown, broken := call("", "complete", 200), call("rate-exceeded", "refused", 429), call("", "unknown", 0), call("answer-not-projectable", "broken", 200)
	w.Ledger.RequestRef = func(id string) string { return "ref " + id }
	slow.RequestRef, broken.RequestRef = "ref don-hang-7", "ref hai-lan"
	unknown.RequestRef = "ref hai-lan"
	foreign := call("no-agreement", "refused", 403)
	foreign.ApplicationID, foreign.AgencyID = uuid.New(), uuid.New()
	w.shipped(t, passed, slow, unknown, broken, foreign)

	at := "/calls/" + passed.ID.String()
	w.sees(t, at, 200, "Đã trả lời đầy đủ", "Xem hồ sơ người có công", "bằng mã truy cập", "personal-token", "Lần sửa 2", "Lần sửa 3", "Tạm dừng",
		"nếu gọi lúc này", "Cơ quan đã tạm dừng thoả thuận", "/agreements/"+g.ID.String(), "/explain?application="+w.app.ID.String())
	w.sees(t, "/calls/"+slow.ID.String(), 200, "429", "Hạn mức", "rate-exceeded", "Chưa tới bước này")
	w.sees(t, "/calls/"+unknown.ID.String(), 200, "Không rõ kết cục")
	w.sees(t, "/calls/"+broken.ID.String(), 200, "Bị đứt")
	w.sees(t, "/calls/"+foreign.ID.String(), 404)
	w.sees(t, "/calls/"+uuid.NewString(), 404)
	w.sees(t, "/calls/7", 404)

	w.sees(t, "/calls", 200, "request_id")
	for _, id := range []string{"don-hang-7", slow.TraceID, slow.ID.String(), " " + slow.TraceID + " "} {
		answer, _ := w.get(t, "/calls?id="+strings.ReplaceAll(id, " ", "+"))
		if got := answer.Header.Get("Location"); answer.StatusCode != 303 || got != "/calls/"+slow.ID.String() {
			t.Errorf("by %q: got %d to %q", id, answer.StatusCode, got)
		}
	}
	w.sees(t, "/calls?id=hai-lan", 200, "2 lời gọi mang mã này", "/calls/"+unknown.ID.String(), "/calls/"+broken.ID.String())
	w.sees(t, "/calls?id="+foreign.TraceID, 404, "Không có lời gọi nào mang mã này")
}

// TestTheSameWordsEverywhere: the row that an error's docs link leads to, and
// the page that explains the call, say the same as the error.
func TestTheSameWordsEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	refused := ledger.Exchange{ID: uuid.Must(uuid.NewV7()), At: monday, TraceID: uuid.NewString(), AgencyID: w.version.AgencyID, VersionID: w.version.ID,
		ApplicationID: w.app.ID, Operation: "xem-nguoi-co-cong", Access: "personal", Credential: "api_key", Status: 401, Code: "key-for-personal-data", Outcome: "refused"}
	w.shipped(t, refused)
	e := &problem.Error{Code: refused.Code}
	title, detail := e.Words("vi")
	for _, path := range []string{w.href + "/xem-nguoi-co-cong", "/calls/" + refused.ID.String()} {
		w.sees(t, path, 200, title, detail, "Dùng mã truy cập (token) thay cho khoá API")
	}
	body := w.sees(t, w.href+"/xem-nguoi-co-cong", 200, `id="refusal-key-for-personal-data"`, "Cố ý gọi sai một lần")
	if lesson := body[strings.Index(body, "Cố ý gọi sai"):]; strings.Contains(lesson[:min(len(lesson), 1500)], "LGSP_TOKEN") {
		t.Error("the lesson carries a credential")
	}
	if body := w.sees(t, w.href+"/danh-muc-doi-tuong", 200, `id="refusal-rate-exceeded"`); strings.Contains(body, "Cố ý gọi sai") {
		t.Error("an open operation has a lesson that would not fail")
	}
}

// TestWaysOut: where each change is made, for what is known of the call.
func TestWaysOut(t *testing.T) {
	t.Parallel()
	g, app := uuid.New(), uuid.New()
	to := callTarget{call: ledger.ExchangeEntry{Exchange: ledger.Exchange{ApplicationID: app, AgreementID: g, Operation: "xem"}}, service: "/apis/a/b/v1"}
	for code, want := range map[string]string{
		"renew-agreement": "/apis/a/b/v1/request?from=" + g.String(), "extend-agreement": "/apis/a/b/v1/request?from=" + g.String(),
		"ask-agreement":    "/apis/a/b/v1/request?application=" + app.String() + "&operation=xem",
		"resume-agreement": "/agreements/" + g.String(), "wait": "/agreements/" + g.String(),
		"new-credential": "/developer/applications/" + app.String(), "send-token": "/apis/a/b/v1/xem",
	} {
		if got := to.way(code, nil); got != want {
			t.Errorf("%s: got %q, want %q", code, got, want)
		}
	}
	nowhere := callTarget{}
	for _, code := range []string{"renew-agreement", "wait", "new-credential", "mend-request"} {
		if got := nowhere.way(code, nil); got != "" {
			t.Errorf("%s of a call to nowhere: got %q", code, got)
		}
	}
	other := uuid.New()
	if got := to.way("wait", &CallExplanation{Agreement: other}); got != "/agreements/"+other.String() {
		t.Errorf("the agreement that counts now: got %q", got)
	}
}
