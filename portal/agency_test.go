package portal

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/gateway/upstream"
)

const office = "/agency/so-noi-vu"

// newOffice is a workshop whose agency has people, under the true policy.
func newOffice(t *testing.T) *workshop {
	t.Helper()
	w := newWorkshop(t)
	enforcer, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	w.Portal.Policy, w.Portal.Catalog.May, w.Portal.Catalog.Files = enforcer, enforcer.May, catalog.OnDisk(t.TempDir())
	w.Portal.Catalog.Withdraw = func(context.Context, pgx.Tx, catalog.Ended) error { return nil }
	w.Portal.Drifts.May, w.Portal.Notices.May = enforcer.May, enforcer.May
	w.Portal.Drifts.Agency = func(ctx context.Context, who auth.Principal, version uuid.UUID) (uuid.UUID, error) {
		v, err := w.Portal.Catalog.VersionByID(ctx, who, version)
		return v.AgencyID, err
	}
	w.Portal.Ledger.Dir, w.Portal.Ledger.Origin = t.TempDir(), "portal.test/ledger"
	w.Portal.Health = func() gateway.Health { return gateway.Health{Ready: true, Fresh: monday, Routes: 7} }
	w.Portal.Room = quietRoom()
	for _, m := range []auth.Membership{
		{Agency: w.version.AgencyID, Role: auth.RolePublisher}, {Agency: w.version.AgencyID, Role: auth.RoleSteward},
		{Role: auth.RoleOperator}, {Role: auth.RoleAuditor},
	} {
		who := w.person(t, m.Role+"@example.vn")
		if err := w.Auth.AddMembership(t.Context(), auth.Platform("test"), who.Person, m); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// as signs somebody else in.
func (w *workshop) as(t *testing.T, role string) {
	t.Helper()
	w.cookies = map[string]string{}
	w.signIn(t, role+"@example.vn")
}

// sends posts a form and checks where it leads; "" stands for any.
func (w *workshop) sends(t *testing.T, path string, form url.Values, to string) {
	t.Helper()
	answer, body := w.post(t, path, form)
	if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || (to != "" && got != to) {
		t.Fatalf("post %s: got %d to %q, want 303 to %q:\n%s", path, answer.StatusCode, got, to, body)
	}
}

// refused posts a form and checks that it comes back with the texts.
func (w *workshop) refused(t *testing.T, path string, form url.Values, status int, texts ...string) {
	t.Helper()
	answer, body := w.post(t, path, form)
	if answer.StatusCode != status {
		t.Errorf("post %s: got %d, want %d:\n%s", path, answer.StatusCode, status, body)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			t.Errorf("post %s lacks %q:\n%s", path, text, body)
		}
	}
}

// uploads posts a form with a file.
func (w *workshop) uploads(t *testing.T, path, name, text string) (*http.Response, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = file.Write([]byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := form.WriteField("number", "v1"); err != nil {
		t.Fatal(err)
	}
	form.Close()
	r := httptest.NewRequest(http.MethodPost, path, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.do(t, r)
}

func TestDesksAreForTheirPeople(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	version := office + "/apis/nguoi-co-cong/v1"
	paths := []string{office, office + "/requests", office + "/apis/new", version, version + "/marks", office + "/datasets/new"}
	for _, path := range paths {
		w.sees(t, path, 404) // a developer of no agency
	}
	w.sees(t, "/agency", 403)
	w.sees(t, "/operator", 403)
	w.sees(t, "/operator/upstreams", 403)
	w.sees(t, "/audit", 403)
	w.cookies = map[string]string{}
	for _, path := range append(paths, "/agency", "/operator", "/audit", "/audit/acts", "/audit/ledger") {
		if answer, _ := w.get(t, path); answer.StatusCode != 303 || !strings.HasPrefix(answer.Header.Get("Location"), "/sign-in?next=") {
			t.Errorf("%s for nobody: got %d %q", path, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	w.as(t, auth.RolePublisher)
	if answer, _ := w.get(t, "/agency"); answer.Header.Get("Location") != office {
		t.Errorf("who has one desk is taken to %q, want %s", answer.Header.Get("Location"), office)
	}
	w.sees(t, office, 200, "Sở Nội vụ", "Không có việc nào đang chờ", "Người có công", office+"/apis/new")
	w.sees(t, version, 200, "https://api.example.vn/secret-upstream", "Làm phiên bản mới", "Ngừng phiên bản")
	w.sees(t, office+"/apis/nguoi-co-cong/v9", 404)
	w.sees(t, office+"/apis/khong-co/v1", 404)
	w.sees(t, "/audit", 200, "Lời gọi")
	w.sees(t, "/audit/acts", 403)
	w.as(t, auth.RoleSteward)
	w.sees(t, office, 200, "Người của cơ quan trên nền tảng", auth.RolePublisher+"@example.vn")
	w.sees(t, version, 403) // to edit is the publisher's
}

func TestFromADocumentToAService(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	w.sees(t, office+"/apis/new", 200, "Sáu bước", `aria-current="step"`)
	w.refused(t, office+"/apis/new", url.Values{"title_vi": {"Tên đã gõ"}, "slug": {"Không Đúng"}}, 400, `value="Tên đã gõ"`, `id="f-slug-error"`)
	api := office + "/apis/dat-dai"
	w.sends(t, office+"/apis/new", url.Values{"title_vi": {"Đất đai"}, "slug": {"dat-dai"}}, api+"/new")
	w.sees(t, api+"/new", 200, "Dán nội dung", `value="v1"`)
	w.refused(t, api+"/new", url.Values{"number": {"v1"}}, 400, "Chưa có tài liệu")
	w.refused(t, api+"/new", url.Values{"number": {"v1"}, "spec": {"openapi: 3.0.3\ninfo: [<b>\n"}}, 400, "info: [&lt;b&gt;", "Đoạn không đọc được", "<mark>")
	w.refused(t, api+"/new", url.Values{"number": {"v1"}, "url": {"ftp://x"}}, 400, `value="ftp://x"`, `id="f-url-error"`)
	if answer, body := w.uploads(t, api+"/new", "x.yaml", "openapi: 3.0.3\n\tinfo:"); answer.StatusCode != 400 || !strings.Contains(body, "openapi: 3.0.3\n\tinfo:</textarea>") {
		t.Errorf("a file that cannot be read is not kept: got %d:\n%s", answer.StatusCode, body)
	}
	version := api + "/v1"
	w.sends(t, api+"/new", url.Values{"number": {"v1"}, "spec": {"openapi: 3.0.3\ninfo: {title: '', version: '1'}\npaths: {}\n"}}, version+"/found")
	w.sees(t, version+"/found", 200, "Tài liệu còn lỗi", "Sửa tài liệu")
	w.refused(t, version+"/publish", nil, 400, "Chưa công bố được", `href="#f-spec"`, `id="f-spec"`)
	text, err := os.ReadFile("../demo/specs/nguoi-co-cong.yaml")
	if err != nil {
		t.Fatal(err)
	}
	answer, body := w.uploads(t, version+"/document", "nguoi-co-cong.yaml", string(text))
	if got := answer.Header.Get("Location"); got != version+"/found" {
		t.Fatalf("replace document: got %d %q:\n%s", answer.StatusCode, got, body)
	}
	w.sees(t, version+"/found", 200, "Xem hồ sơ người có công", "Tài liệu đầy đủ", "Tiếp tục: kết nối")
	w.sees(t, version, 200, "Bước tiếp theo", "Chưa xong")
	w.sees(t, version+"/connection", 200, `value="http://api.example.vn:443"`, "100.000 lời gọi mỗi ngày")
	w.refused(t, version+"/connection", url.Values{"upstream_url": {"http://10.1.1.1:80"}, "plan": {"standard-approval"}}, 400, "10.1.1.1:80", `id="f-upstream_url-error"`)
	w.refused(t, version+"/hosts", url.Values{"host_port": {"127.0.0.1:80"}}, 400, `id="f-host_port-error"`)
	w.sends(t, version+"/hosts", url.Values{"host_port": {"10.1.1.1:80"}}, version+"/connection")
	w.sees(t, office, 200, "Chờ người vận hành", "10.1.1.1:80")
	w.refused(t, version+"/connection", url.Values{"upstream_url": {"https://api.example.vn"}}, 400, `id="f-plan"`)
	w.sends(t, version+"/connection", url.Values{"upstream_url": {"https://api.example.vn"}, "plan": {"standard-approval"}}, version+"/marks")

	body = w.sees(t, version+"/marks", 200, "Gợi ý", "theo x-lgsp trong tài liệu", "Bí mật nhà nước")
	if !strings.Contains(body, `<option value="path soDinhDanh" selected>`) {
		t.Errorf("the subject that the document names is not filled in:\n%s", body)
	}
	marks := w.marks(t, version)
	secret := marks.clone()
	secret.Set("operations/xem-nguoi-co-cong/classification", "state-secret")
	w.refused(t, version+"/marks", secret, 400, "Không nhận bí mật nhà nước", `<option value="state-secret" selected>`)
	w.sends(t, version+"/marks", url.Values(marks), version+"/publish")
	w.sees(t, version+"/publish", 200, "http://gateway.test/so-noi-vu/dat-dai/v1", "3 thao tác có dữ liệu cá nhân")
	w.sees(t, version+"/publish", 200, `name="report" value="yes" checked`)
	w.sends(t, version+"/publish", url.Values{"report": {"yes"}}, version)
	w.sees(t, version, 200, "Đang cung cấp", "Chưa thấy chỗ nào khác với tài liệu")
	w.sees(t, version+"/traffic", 200, `value="report" checked`, `value="sample" checked`)

	w.sees(t, version, 200, version+"/document", version+"/revisions")
	w.sees(t, version+"/document", 200, "chỉ nhận thay đổi không làm hỏng", `name="why"`)
	broken := strings.Replace(string(text), "operationId: xemNguoiCoCong", "operationId: layNguoiCoCong", 1)
	w.refused(t, version+"/document", url.Values{"spec": {broken}, "why": {"Đặt lại tên"}}, 409, "làm hỏng chương trình đang gọi", "lay-nguoi-co-cong", "Giữ operationId cũ", "Đặt lại tên", "operationId: layNguoiCoCong")
	more := strings.Replace(string(text), "paths:\n", "paths:\n  /moi:\n    get: {operationId: moi, summary: Mới <i>, responses: {'200': {description: d}}}\n", 1)
	w.sends(t, version+"/document", url.Values{"spec": {more}, "why": {"Thêm <b>thao tác</b>"}}, version+"/found")
	w.sees(t, version, 200, "Có thao tác chưa được cung cấp", version+"/marks")
	w.sees(t, version+"/revisions", 200, "Thêm &lt;b&gt;thao tác&lt;/b&gt;", "Bản đầu tiên")
	w.sees(t, version+"/revisions/7", 200, "Thay đổi từ bản 6 đến bản 7", "Thêm thao tác", "GET /moi", "Đang dùng")
	w.sees(t, version+"/revisions/6?from=7", 200, "Thay đổi từ bản 7 đến bản 6", "Bỏ thao tác", "Khôi phục bản này")
	w.sees(t, version+"/revisions/9", 404)
	w.refused(t, version+"/revisions/1/restore", url.Values{"why": {"thử"}}, 400, "Chưa công bố được", "Hãy chọn gói hạn mức")
	w.sends(t, version+"/revisions/6/restore", url.Values{"why": {"Chưa làm xong"}}, version+"/revisions")
	w.sees(t, version+"/revisions", 200, "khôi phục bản 6", "Chưa làm xong")

	w.refused(t, version+"/deprecate", url.Values{"sunset": {"2020-01-01"}}, 400, `id="f-sunset-error"`)
	w.sends(t, version+"/deprecate", url.Values{"sunset": {"2027-03-31"}}, version)
	w.sees(t, version, 200, "Sắp ngừng", "31/3/2027")
	w.sees(t, version+"/end", 200, "Chưa thấy ứng dụng nào gọi", "Báo ngày ngừng", "Nhắc sắp đến ngày ngừng", `value="2027-03-31"`, `min="2027-03-31"`)
	w.refused(t, version+"/deprecate", url.Values{"sunset": {"2027-04-30"}, "docs_url": {"tờ rơi"}, "successor": {"x"}}, 400, `id="f-successor-error"`)
	w.refused(t, version+"/deprecate", url.Values{"sunset": {"2027-04-30"}, "docs_url": {"tờ rơi"}}, 400, `id="f-reason-error"`, `id="f-docs_url-error"`)
	w.sends(t, version+"/deprecate", url.Values{"sunset": {"2027-04-30"}, "docs_url": {"https://so.example.vn/chuyen"}, "reason": {"Chờ đơn vị <b>X</b>"}}, version)
	w.sees(t, version+"/end", 200, "Chờ đơn vị &lt;b&gt;X&lt;/b&gt;", "https://so.example.vn/chuyen", "Báo lùi ngày ngừng")
	w.sees(t, "/apis"+strings.Replace(api, office+"/apis", "/so-noi-vu", 1)+"/v1", 200, "phục vụ đến hết ngày", "30/4/2027", "https://so.example.vn/chuyen")
	w.refused(t, version+"/keep", nil, 400, `id="f-keep_reason-error"`)
	w.sends(t, version+"/keep", url.Values{"keep_reason": {"Còn nhiều người dùng"}}, version)
	w.sees(t, version, 200, "Đang cung cấp")
	w.refused(t, version+"/retire", url.Values{"confirm": {"dat-dai"}}, 400, `id="f-confirm-error"`)
	w.sends(t, version+"/retire", url.Values{"confirm": {"dat-dai/v1"}}, version)
	w.sees(t, version, 200, "Phiên bản này đã ngừng")
	w.sends(t, api+"/about", url.Values{"title_vi": {"Thửa đất"}}, version)
	w.sees(t, api+"/new", 200, "Thửa đất", `value="v2"`)
}

// markForm is a form of marks.
type markForm url.Values

func (f markForm) clone() url.Values {
	c := url.Values{}
	for name, values := range f {
		c[name] = values
	}
	return c
}

// marks are the marks that the page suggests, as a browser would send them.
func (w *workshop) marks(t *testing.T, version string) markForm {
	t.Helper()
	form := markForm{}
	operations, err := w.Catalog.Operations(t.Context(), auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}, w.versionAt(t, version))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range operations {
		mark := [3]string{"open", "public", ""}
		switch {
		case strings.Contains(o.Path, "{soDinhDanh}"):
			mark = [3]string{"personal", "confidential", "path soDinhDanh"}
		case o.Method == "POST":
			mark = [3]string{"personal", "confidential", "body /soDinhDanh"}
		}
		for i, field := range []string{"access", "classification", "subject_name"} {
			form[markName(o.Slug, field)] = []string{mark[i]}
		}
	}
	return form
}

// versionAt is the id of the version at an address of its desk.
func (w *workshop) versionAt(t *testing.T, desk string) uuid.UUID {
	t.Helper()
	parts := strings.Split(desk, "/") // /agency/{agency}/apis/{api}/{version}
	v, err := w.Catalog.VersionBySlug(t.Context(), auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}, parts[2], parts[4], parts[5])
	if err != nil {
		t.Fatal(err)
	}
	return v.ID
}

func TestStewardDecides(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	g, err := w.Agreements.Request(t.Context(), w.who, agreement.Request{
		ApplicationID: w.app.ID, VersionID: w.version.ID, Operations: []agreement.Wanted{{Operation: "xem-nguoi-co-cong", Fields: []string{"/hoTen"}}},
		Purpose: "thu-tuc", PurposeText: "Cho người dân xem hồ sơ của mình.", LegalBasis: "luat-60-2024-d11-2b", Starts: "2026-11-23", Ends: "2027-01-01",
		Subjects: "Người có công", VolumePerDay: 10, RetentionDays: new(0)})
	if err != nil {
		t.Fatal(err)
	}
	at := "/agreements/" + g.ID.String()
	w.refused(t, at+"/approve", nil, 403) // a developer decides nothing
	if err := w.Auth.AddMembership(t.Context(), auth.Platform("test"), w.who.Person, auth.Membership{Agency: w.version.AgencyID, Role: auth.RoleSteward}); err != nil {
		t.Fatal(err)
	}
	if body := w.sees(t, at, 200, "Đây là đề nghị của chính bạn"); strings.Contains(body, at+"/approve") {
		t.Error("a steward is offered to approve their own request")
	}
	w.refused(t, at+"/approve", nil, 403, "Không được tự duyệt")
	w.as(t, auth.RoleSteward)
	w.sees(t, office, 200, "xin quyền gọi", "Còn 2 ngày")
	w.sees(t, office+"/requests", 200, at, ">25/11/2026<")
	w.sees(t, office+"/requests?state=refused", 200, "Không có mục nào")
	w.sees(t, at, 200, "Họ và tên", "Duyệt", "Hoặc từ chối", "— Chọn —")
	w.refused(t, at+"/refuse", url.Values{"reason": {"Lý do đã gõ"}}, 400, "Lý do đã gõ", `id="f-legal_basis-error"`)
	w.sends(t, at+"/approve", url.Values{"note": {"Được"}}, at)
	w.refused(t, at+"/approve", nil, 409, "usa-alert--error")
	w.refused(t, at+"/suspend", nil, 400, `id="f-reason-error"`)
	w.sends(t, at+"/suspend", url.Values{"reason": {"Kiểm tra"}}, at)
	w.sends(t, at+"/resume", nil, at)
	w.sends(t, at+"/end", url.Values{"reason": {"Xong việc"}}, at)
	w.sees(t, at, 200, "Đã kết thúc", "Xong việc")
	w.as(t, auth.RolePublisher)
	w.refused(t, at+"/suspend", url.Values{"reason": {"x"}}, 403)
	w.cookies = map[string]string{}
	if answer, _ := w.post(t, at+"/approve", nil); answer.StatusCode != 401 {
		t.Errorf("approved by nobody: got %d, want 401", answer.StatusCode)
	}
}

func TestOverdueIsSaidInWords(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	for _, tt := range []struct {
		name string
		due  int // hours from monday 15:00 on the province's clock
		want clock
	}{
		{"today", 9, clock{}},
		{"tomorrow", 33, clock{Days: 1}},
		{"over since this morning", -1, clock{Overdue: true}},
		{"over for two days", -49, clock{Days: 2, Overdue: true}},
	} {
		got := p.clockOf(monday.Add(hours(tt.due)))
		if got.Days != tt.want.Days || got.Overdue != tt.want.Overdue {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestDatasetFromDraftToPublic(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	w.refused(t, office+"/datasets/new", url.Values{"title_vi": {"Tên đã gõ"}, "slug": {"A"}}, 400, `value="Tên đã gõ"`, `id="f-slug-error"`)
	set := office + "/datasets/ho-ngheo"
	text := url.Values{"title_vi": {"Hộ nghèo"}, "slug": {"ho-ngheo"}, "keywords_vi": {"nghèo\nxã"}}
	w.sends(t, office+"/datasets/new", text, set)
	w.sees(t, set, 200, "Bản nháp", "Ít nhất một tệp")
	w.refused(t, set+"/submit", nil, 400, "usa-alert--error")
	w.refused(t, set+"/files", nil, 400, "Chưa chọn tệp")
	if answer, body := w.uploads(t, set+"/files", "x.exe", "x"); answer.StatusCode != 415 || !strings.Contains(body, "x.exe") {
		t.Errorf("a kind that is not taken: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, body := w.uploads(t, set+"/files", "x.csv", "a,b\n\"mở\n"); answer.StatusCode != 400 || !strings.Contains(body, "Dấu nháy chưa đóng") {
		t.Errorf("a table that cannot be read: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, body := w.uploads(t, set+"/files", "bang.csv", "xa,so\nA,1\nB\n"); answer.Header.Get("Location") != set {
		t.Fatalf("upload: got %d:\n%s", answer.StatusCode, body)
	}
	w.sees(t, set, 200, "2 hàng đọc được", "Hàng có 1 ô thay vì 2")
	_, body := w.get(t, set)
	columns := regexp.MustCompile(set + `/files/[0-9a-f-]+/columns`).FindString(body)
	w.sees(t, columns, 200, "số nguyên")
	w.sends(t, columns, url.Values{"unit.so": {"hộ"}}, set)
	w.sees(t, columns, 200, `value="hộ"`)
	w.sees(t, set+"/files/"+uuid.NewString()+"/columns", 404)
	text.Set("notes_vi", "Số hộ nghèo.")
	text.Set("theme", "SOCI")
	w.sends(t, set+"/edit", text, set)
	w.sends(t, set+"/submit", nil, set)
	w.refused(t, set+"/approve", nil, 403) // a publisher approves nothing
	w.as(t, auth.RoleSteward)
	w.sees(t, office, 200, "Duyệt bộ dữ liệu: Hộ nghèo")
	w.sees(t, office+"/datasets/new", 403)
	w.refused(t, set+"/return", nil, 400, `id="f-reason-error"`)
	w.sends(t, set+"/return", url.Values{"reason": {"Thiếu nguồn"}}, set)
	w.as(t, auth.RolePublisher)
	w.sees(t, office, 200, "Bổ sung bộ dữ liệu bị trả lại", "Thiếu nguồn")
	w.sends(t, set+"/submit", nil, set)
	w.as(t, auth.RoleSteward)
	w.sends(t, set+"/approve", nil, set)
	w.as(t, auth.RolePublisher)
	w.sends(t, set+"/publish", nil, set)
	w.sees(t, set, 200, "Ai cũng xem và tải được", "/dataset/ho-ngheo")
	w.sends(t, set+"/withdraw", url.Values{"reason": {"Sai số"}}, set)
	w.sees(t, set, 200, "Đã rút", "Sai số")
}

func TestLargeFormsAreForOfficials(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	path, large := office+"/datasets/x/files", strings.Repeat("x", bodyLimit+1)
	if answer, _ := w.uploads(t, path, "x.csv", large); answer.StatusCode != 413 {
		t.Errorf("a developer's large form: got %d, want 413", answer.StatusCode)
	}
	w.as(t, auth.RolePublisher)
	if answer, _ := w.uploads(t, path, "x.csv", large); answer.StatusCode != 404 {
		t.Errorf("an official's: got %d, want 404, as there is no such dataset", answer.StatusCode)
	}
}

func TestOperatorAndAuditor(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RoleOperator)
	agency := w.version.AgencyID.String()
	w.sees(t, "/operator", 200, "Cổng gọi đang phục vụ")
	w.refused(t, "/operator/upstreams", url.Values{"host_port": {"10.1.1.1:80"}}, 400, `id="f-agency-error"`, `value="10.1.1.1:80"`)
	w.refused(t, "/operator/upstreams", url.Values{"agency": {agency}, "host_port": {"169.254.169.254:80"}}, 400, `id="f-host_port-error"`)
	w.sends(t, "/operator/upstreams", url.Values{"agency": {agency}, "host_port": {"10.1.1.1:80"}}, "/operator/upstreams")
	w.sees(t, "/operator/upstreams", 200, "10.1.1.1:80", "Không có đề nghị nào đang chờ")
	w.Portal.Health = func() gateway.Health {
		return gateway.Health{Ready: true, Fresh: monday, Failing: []gateway.Failing{{Prefix: "/so-noi-vu/ho-so/v1", TitleVI: "Hồ sơ", Out: 1,
			Addresses: []upstream.Standing{{Host: "10.1.1.1:80", Out: true, Until: monday}, {Host: "10.1.1.2:80"}}}}}
	}
	w.sees(t, "/operator", 200, "Hệ thống nguồn không trả lời", "/so-noi-vu/ho-so/v1", "1 địa chỉ tạm không nhận lời gọi", "10.1.1.1:80", "10.1.1.2:80")
	w.Portal.Health = func() gateway.Health { return gateway.Health{} }
	w.sees(t, "/operator", 200, "Cổng gọi chưa sẵn sàng")

	w.as(t, auth.RoleAuditor)
	w.sees(t, "/audit", 200, "Mọi cơ quan")
	w.sees(t, "/audit?application=x&since=hôm+qua", 400, `id="f-application-error"`, `id="f-since-error"`)
	w.sees(t, "/audit?agency="+agency+"&status=4&since=2026-11-01", 200, "Không có mục nào khớp")
	w.sees(t, "/audit/acts", 200, "Việc quản lý")
	w.sees(t, "/audit/ledger", 200, "Chưa có mốc nào được ký", "lgsp ledger verify")
	w.sees(t, "/operator", 200, "Cổng gọi")
	w.sees(t, "/operator/upstreams", 403)
	w.sees(t, office, 404)
}

func hours(n int) time.Duration { return time.Duration(n) * time.Hour }

func TestActsAreToldPlainly(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]any{
		"":  nil,
		"2": 2.0,
		"xem: /hoTen, /maXa, kiem-tra: /co": []any{
			map[string]any{"operation": "xem", "fields": []any{"/hoTen", "/maXa"}},
			map[string]any{"operation": "kiem-tra", "fields": []any{"/co"}},
		},
	} {
		if got := plainDetail(v); got != want {
			t.Errorf("%v: got %q, want %q", v, got, want)
		}
	}
}
