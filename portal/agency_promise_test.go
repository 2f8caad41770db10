package portal

import (
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/catalog"
)

// TestPromiseIsHeldToWhatWasMeasured: a publisher sets it, everybody reads it
// beside the figures, an empty form takes it back, and what is no promise is refused.
func TestPromiseIsHeldToWhatWasMeasured(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	desk, page := office+"/apis/nguoi-co-cong/v1", "/apis/so-noi-vu/nguoi-co-cong/v1"
	w.sees(t, desk, 200, `href="`+desk+`/promise"`)
	w.sees(t, desk+"/promise", 200, "Trong 30 ngày qua chưa có lời gọi nào để đo")
	form := url.Values{"availability": {"99,5"}, "p95_ms": {"500"}, "support_vi": {"Ngày làm việc, 7 giờ 30 đến 17 giờ"}}
	w.sends(t, desk+"/promise", form, desk)
	w.sees(t, page, 200, "ít nhất 99,5 %", "trong 500 ms", "Ngày làm việc, 7 giờ 30 đến 17 giờ", "Chưa đo được")
	w.answered(t, 0, 3, 200, "")
	w.sees(t, page, 200, `<span class="tag good">Đạt</span>`)
	w.answered(t, 0, 1, 503, "upstream-down")
	w.sees(t, page, 200, `<span class="tag bad">Chưa đạt</span>`, `<span class="tag good">Đạt</span>`)
	for field, wrong := range map[string][2]string{
		"availability": {"100,5", "Ghi phần trăm từ 50 đến 100"}, "p95_ms": {"nhanh", "Ghi mili giây từ 1 đến"},
	} {
		w.refused(t, desk+"/promise", url.Values{field: {wrong[0]}}, 400, wrong[1])
	}
	w.refused(t, desk+"/promise", url.Values{"support_vi": {strings.Repeat("a", 301)}}, 400, "Ghi tối đa 300 ký tự")
	w.sends(t, desk+"/promise", url.Values{}, desk)
	w.sees(t, page, 200, `id="availability"`)
	if v, err := w.Catalog.VersionByID(t.Context(), auth.Principal{}, w.version.ID); err != nil || v.Promise != (catalog.Promise{}) {
		t.Errorf("after it was taken back: %v, error %v", v.Promise, err)
	}
}
