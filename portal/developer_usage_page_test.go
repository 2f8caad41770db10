package portal

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/ledger"
)

// TestUseByOperationAndDay: each operation by day, what failed by its code with
// what to do about it, and none of it for anybody else.
func TestUseByOperationAndDay(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	here := "/developer/applications/" + w.app.ID.String()
	w.sees(t, here+"/usage", 200, "Chưa có lời gọi nào trong những ngày này", "Không có lời gọi nào bị từ chối hay hỏng")
	call := func(days, status int, operation, code string) ledger.Exchange {
		return ledger.Exchange{ID: uuid.Must(uuid.NewV7()), At: monday.AddDate(0, 0, days), AgencyID: w.version.AgencyID, VersionID: w.version.ID,
			ApplicationID: w.app.ID, Operation: operation, Status: status, Code: code, Outcome: "complete"}
	}
	sandbox := call(0, 403, "xem-nguoi-co-cong", "no-agreement")
	sandbox.Sandbox = true
	nobody := call(0, 401, "xem-nguoi-co-cong", "credential-required")
	nobody.ApplicationID = uuid.Nil
	w.shipped(t, call(0, 200, "danh-muc-doi-tuong", ""), call(-1, 404, "danh-muc-doi-tuong", ""), call(-1, 403, "xem-nguoi-co-cong", "no-agreement"),
		call(0, 403, "xem-nguoi-co-cong", "no-agreement"), call(-29, 0, "danh-muc-doi-tuong", ""), call(-30, 503, "danh-muc-doi-tuong", "upstream-down"), sandbox, nobody)

	body := w.sees(t, here+"/usage", 200, "5 lời gọi, trong đó 4 bị từ chối hoặc hỏng", "Xin quyền truy cập cho ứng dụng này", `href="/docs/problems/no-agreement"`,
		`data-label="Lời gọi">2</td>`, "Dịch vụ của cơ quan không nhận lời gọi này", "Câu trả lời không tới nơi", `<time datetime="2026-11-22">22/11/2026</time>`)
	if strings.Contains(body, "upstream-down") || strings.Contains(body, "credential-required") {
		t.Errorf("a call of earlier days, or of nobody, is told of:\n%s", body)
	}
	w.sees(t, here, 200, "Lỗi trong 7 ngày qua", "2 lần", "Xin quyền truy cập cho ứng dụng này", here+"/usage")

	answer, text := w.get(t, here+"/usage.csv")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || answer.StatusCode != 200 || len(rows) != 6 || strings.Join(rows[1], " ") != "2026-11-23 "+w.version.Prefix()+" danh-muc-doi-tuong 1 0" {
		t.Errorf("the CSV: got %d, %q, %v", answer.StatusCode, rows, err)
	}

	later := call(1, 403, "xem-nguoi-co-cong", "no-agreement")
	w.shipped(t, later, call(1, 403, "xem-nguoi-co-cong", "no-agreement"))
	failures, err := w.Ledger.FailuresOf(t.Context(), w.who, w.app.ID, monday.AddDate(0, 0, -7), 1)
	if err != nil || len(failures) != 1 || failures[0].Calls != 4 || !failures[0].LastAt.Equal(later.At.Truncate(time.Microsecond)) {
		t.Errorf("the latest: %+v, %v", failures, err)
	}
	w.person(t, "khac@example.vn")
	w.cookies = map[string]string{}
	w.signIn(t, "khac@example.vn")
	w.sees(t, here+"/usage", 404)
	w.sees(t, here+"/usage.csv", 404)
	if _, err := w.Ledger.FailuresOf(t.Context(), w.person(t, "nua@example.vn"), w.app.ID, monday, 1); err == nil {
		t.Error("anybody reads what fails")
	}
}
