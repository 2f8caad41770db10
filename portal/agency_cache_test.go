package portal

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
)

// TestStoredAnswersOfAVersion are set on the traffic page all at once, told by
// their fields when they are wrong, and leave the rest as it was.
func TestStoredAnswersOfAVersion(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	version := office + "/apis/nguoi-co-cong/v1"
	page := version + "/traffic"
	set := func() string {
		t.Helper()
		var text string
		if err := w.Portal.Catalog.DB.QueryRow(t.Context(), "select traffic::text from catalog.version where id = $1", w.version.ID).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(text, " ", "")
	}
	const list, statistics = `name="cache/0/operations" value="danh-muc-doi-tuong"`, `name="cache/0/operations" value="thong-ke-nguoi-co-cong"`
	body := w.sees(t, page, 200, "Lưu sẵn câu trả lời, và nén", "Thêm câu trả lời cần lưu sẵn", list, statistics, "còn mới trong (giây)")
	for _, other := range []string{`name="cache/0/operations" value="xem-nguoi-co-cong"`, `name="cache/0/operations" value="xac-nhan-nguoi-co-cong"`, "cache/0/delete", "cache/1/"} {
		if strings.Contains(body, other) {
			t.Errorf("%s is offered", other)
		}
	}
	w.sends(t, page+"/limits", url.Values{"limits/0/per": {"api"}, "limits/0/calls": {"5"}, "limits/0/window": {"1s"}}, page)
	w.sends(t, page+"/cache", url.Values{"cache/0/seconds": {" "}, "cache/1/operations": {"danh-muc-doi-tuong"}, "cache/1/seconds": {"300"},
		"cache/1/stale_while_revalidate_seconds": {"60"}, "cache/1/stale_if_error_seconds": {"86.400"}, "compress": {"yes"}}, page)
	const stored = `{"cache":[{"seconds":300,"operations":["danh-muc-doi-tuong"],"stale_if_error_seconds":86400,"stale_while_revalidate_seconds":60}],"limits":[{"per":"api","calls":5,"window":"1s"}],"compress":true}`
	if got := set(); got != stored {
		t.Errorf("set: got %s", got)
	}
	w.sees(t, version, 200, "1 giới hạn riêng · có lưu sẵn câu trả lời")
	w.sees(t, page, 200, "Nhóm lưu sẵn 1", list+" checked", `value="300"`, `value="86400"`, "cache/0/delete", "Thêm câu trả lời cần lưu sẵn", `name="compress" value="yes" checked`)

	w.refused(t, page+"/cache", url.Values{"cache/0/operations": {"danh-muc-doi-tuong"}, "cache/0/seconds": {"mãi mãi"},
		"cache/1/operations": {"danh-muc-doi-tuong", "xem-nguoi-co-cong"}, "cache/1/stale_if_error_seconds": {"604801"}}, 400,
		`id="f-cache/0/seconds-error"`, `value="mãi mãi"`, `id="f-cache/1/stale_if_error_seconds-error"`, "từ 0 đến 604800", `id="f-cache/1/operations-error"`, "đã nằm ở một mục khác")
	w.refused(t, page+"/cache", url.Values{"cache/1/seconds": {"60"}}, 400, `id="f-cache/1/operations-error"`, "Hãy nêu các thao tác")
	if got := set(); got != stored {
		t.Errorf("after what was refused: got %s", got)
	}
	w.sends(t, page+"/cache", url.Values{"cache/0/operations": {"danh-muc-doi-tuong", "thong-ke-nguoi-co-cong"}}, page)
	if strings.Contains(w.sees(t, page, 200, list+" checked", statistics+" checked"), "cache/1/") {
		t.Error("more can be stored than all")
	}
	w.restricts(t, "danh-muc-doi-tuong")
	w.sees(t, page, 200, list+" checked") // to be taken out
	w.sends(t, page+"/cache", url.Values{"cache/0/operations": {"danh-muc-doi-tuong"}, "cache/0/delete": {"yes"}}, page)
	if got := set(); got != `{"limits":[{"per":"api","calls":5,"window":"1s"}]}` {
		t.Errorf("taken away: got %s", got)
	}
	w.as(t, auth.RoleSteward)
	w.sees(t, page, 403)
}

// checkTraffic asks the gateway, of operations without fields.
func checkTraffic(traffic json.RawMessage, operations []catalog.Operation, document func() ([]byte, error)) error {
	var list []gateway.Operation
	for _, o := range operations {
		list = append(list, gateway.Operation{ID: o.Slug, Method: o.Method, Path: o.Path, Access: o.Access, SubjectIn: o.SubjectIn, SubjectName: o.SubjectName})
	}
	return gateway.CheckTraffic(traffic, list, document)
}

// restricts marks open operations, as could be done while the version was no more than a draft.
func (w *workshop) restricts(t *testing.T, slugs ...string) {
	t.Helper()
	if _, err := w.Portal.Catalog.DB.Exec(t.Context(), "update catalog.operation set access = 'restricted' where slug = any($1)", slugs); err != nil {
		t.Fatal(err)
	}
}

// TestNothingToStore: a version without an open GET operation says so.
func TestNothingToStore(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	w.restricts(t, "danh-muc-doi-tuong", "thong-ke-nguoi-co-cong")
	page := office + "/apis/nguoi-co-cong/v1/traffic"
	body := w.sees(t, page, 200, "không có thao tác mở nào", `name="compress"`)
	if strings.Contains(body, "cache/0/") {
		t.Error("something can be stored")
	}
	w.sends(t, page+"/cache", url.Values{"compress": {"yes"}}, page)
	w.sees(t, page, 200, `name="compress" value="yes" checked`)
}
