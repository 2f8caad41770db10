package portal

import (
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
)

// TestCodesAreImportedAfterALook: begun, compared, imported; what is wrong is
// told by line and column, and a list that moved on is compared anew.
func TestCodesAreImportedAfterALook(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Auth.May, w.Agreements.May = w.Portal.Policy.May, w.Portal.Policy.May
	const lists, at = "/operator/code-lists", "/operator/code-lists/linh-vuc"
	form := url.Values{"slug": {"linh-vuc"}, "title_vi": {"Lĩnh vực"}, "source": {"Quyết định 1"}}
	w.as(t, auth.RoleSteward)
	w.sees(t, lists, 403)
	w.as(t, auth.RoleAuditor)
	w.refused(t, lists, form, 403)
	w.as(t, auth.RoleOperator)
	w.sees(t, lists, 200, "Chưa có danh mục nào", "Chủ đề của dữ liệu", "Mục đích khai thác")
	w.sees(t, lists+"/themes", 200, "AGRI", "/api/v1/code-lists/themes/codes.csv")
	w.sees(t, lists+"/agencies", 200, "H48.05", "Sở Nội vụ")
	w.sees(t, lists+"/khong-co", 404)
	w.refused(t, lists, url.Values{"slug": {"themes"}, "title_vi": {"x"}, "source": {"x"}}, 409, `id="f-slug-error"`)
	w.refused(t, lists, url.Values{"slug": {"linh-vuc"}}, 400, `id="f-title_vi-error"`, `id="f-source-error"`)
	w.sends(t, lists, form, at)
	w.sees(t, at, 200, "chưa nhập mã nào", "Nhập từ tệp")

	if status, body := w.codesFile(t, at+"/preview", "code,name_vi\n-A,Một\nB,\n"); status != 400 || !strings.Contains(body, "Dòng 2, cột code") || !strings.Contains(body, "Dòng 3, cột name_vi") {
		t.Errorf("a file with faults: got %d:\n%s", status, body)
	}
	w.refused(t, at+"/preview", url.Values{}, 400, `id="f-file-error"`)
	const text = "code,name_vi\nNV,Nội vụ\n"
	if status, body := w.codesFile(t, at+"/preview", text); status != 200 || !strings.Contains(body, "Thêm 1, sửa 0, bỏ 0") || !strings.Contains(body, `name="version" value="0"`) {
		t.Errorf("a file that is right: got %d:\n%s", status, body)
	}
	w.sees(t, at, 200, "chưa nhập mã nào") // looking kept nothing
	put := url.Values{"text": {text}, "version": {"0"}, "reason": {"vì"}}
	w.refused(t, at+"/import", put, 400, `id="f-reason-error"`, "Thêm 1, sửa 0, bỏ 0")
	put.Set("reason", "Lần đầu nhập")
	w.sends(t, at+"/import", put, at)
	w.sees(t, at, 200, "Nội vụ", "Phiên bản 1", "Lần đầu nhập")
	put.Set("text", "code,name_vi\nYT,Y tế\n")
	w.refused(t, at+"/import", put, 409, "Danh mục vừa thay đổi", `name="version" value="1"`, "Tệp bỏ 1 mã")
	put.Set("version", "1")
	w.sends(t, at+"/import", put, at)
	w.sees(t, at+"?version=1", 200, "Đang xem phiên bản 1", "Nội vụ")
	w.as(t, auth.RoleAuditor)
	if body := w.sees(t, at, 200, "Y tế", "Phiên bản 2"); strings.Contains(body, "Nhập từ tệp") {
		t.Error("an auditor is offered to import")
	}
	w.refused(t, at+"/import", put, 403)
}

// codesFile posts a file of codes, and gives the status and the page.
func (w *workshop) codesFile(t *testing.T, path, text string) (int, string) {
	t.Helper()
	answer, page := w.uploads(t, path, "ma.csv", text)
	return answer.StatusCode, page
}
