package portal

import (
	"context"
	"encoding/json"
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
	"lgsp/ledger"
)

// workshop is a portal with one service on offer and a developer signed in.
type workshop struct {
	*Portal
	*browser
	who     auth.Principal
	app     auth.Application
	key     auth.Issued
	version catalog.Version
	href    string // of the version's page
}

// newWorkshop publishes the demo's service on people of merit: two of its
// operations are open, three give personal data.
func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	p := newPortal(t)
	ctx := t.Context()
	enforcer, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	operator := auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}
	agency, err := p.Auth.CreateAgency(ctx, auth.Platform("test"), auth.Agency{Slug: "so-noi-vu", Code: "H48.05", NameVI: "Sở Nội vụ", NameEN: "Home Affairs", ValidFrom: monday})
	if err != nil {
		t.Fatal(err)
	}
	as := catalog.Agency{ID: agency.ID, Slug: agency.Slug, TitleVI: agency.NameVI, TitleEN: agency.NameEN}
	p.Catalog.Agencies = func(context.Context, []uuid.UUID) (map[uuid.UUID]catalog.Agency, error) {
		return map[uuid.UUID]catalog.Agency{as.ID: as}, nil
	}
	bySlug := p.Catalog.AgencyBySlug
	p.Catalog.AgencyBySlug = func(ctx context.Context, slug string) (catalog.Agency, error) {
		if slug == as.Slug {
			return as, nil
		}
		return bySlug(ctx, slug)
	}
	p.Catalog.Expose = func(context.Context, pgx.Tx, catalog.Exposure) error { return nil }
	p.Ledger = &ledger.Ledger{DB: p.Auth.DB, Now: p.Now, May: enforcer.May, WorksOn: p.Auth.WorksOn,
		Names: func(context.Context, []uuid.UUID) (map[uuid.UUID]string, error) { return nil, nil }}
	p.Agreements = &agreement.Agreements{
		DB: p.Auth.DB, Now: p.Now, May: enforcer.May, Record: p.Auth.Record, NameOf: auth.NameIn, Holders: p.Auth.Holders,
		Grant:           func(context.Context, pgx.Tx, agreement.Granted) error { return nil },
		OwnsApplication: p.Auth.OwnsApplication, WorksOn: p.Auth.WorksOn,
		Offer: offerOf(p), Applicant: applicantOf(p), OwnApplications: ownOf(p),
	}
	p.Remaining = func(_ context.Context, g agreement.Agreement) (Quota, error) {
		return Quota{PerMinute: g.RatePerMinute, PerDay: g.QuotaPerDay, RemainingNow: 7, RemainingToday: 98765, ResetsAt: monday.Add(9 * time.Hour),
			PerMonth: g.QuotaPerMonth, RemainingMonth: g.QuotaPerMonth / 2, MonthResetsAt: monday.AddDate(0, 0, 7)}, nil
	}
	p.ExplainCall = func(_ context.Context, call ImaginedCall) (CallExplanation, error) {
		if call.Credential == "token" {
			return CallExplanation{Allowed: true, Rule: "personal-token", Fields: []string{"/hoTen"}}, nil
		}
		if call.Key != "" {
			return CallExplanation{Rule: "key " + call.Key, Code: "key-scope", Change: []string{"widen-key"}}, nil
		}
		return CallExplanation{Rule: "key-for-personal-data", Code: "key-for-personal-data", Change: []string{"send-token", "of-tomorrow"}}, nil
	}
	w := &workshop{Portal: p, browser: newBrowser(p), version: publishMerit(t, p.Catalog, operator, as)}
	w.href = "/apis" + w.version.Prefix()
	w.signUp(t)
	return w
}

// publishMerit publishes the demo's document, each operation as it says itself.
func publishMerit(t *testing.T, c *catalog.Catalog, operator auth.Principal, agency catalog.Agency) catalog.Version {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile("../demo/specs/nguoi-co-cong.yaml")
	must(err)
	api, err := c.CreateAPI(ctx, operator, catalog.NewAPI{AgencyID: agency.ID, Slug: "nguoi-co-cong", APIText: catalog.APIText{
		TitleVI: "Người có công", TitleEN: "People of merit", DescriptionVI: "Hồ sơ người có công. Dữ liệu **giả lập**."}})
	must(err)
	v, err := c.CreateVersion(ctx, operator, api.ID, "v1", text)
	must(err)
	operations, err := c.Operations(ctx, operator, v.ID)
	must(err)
	marks := map[string]catalog.Mark{}
	for _, o := range operations {
		marks[o.Slug] = catalog.Mark{Access: catalog.Open, Classification: "public"}
		switch {
		case strings.Contains(o.Path, "{soDinhDanh}"):
			marks[o.Slug] = catalog.Mark{Access: catalog.Personal, Classification: "confidential", SubjectIn: "path", SubjectName: "soDinhDanh"}
		case o.Method == "POST":
			marks[o.Slug] = catalog.Mark{Access: catalog.Personal, Classification: "confidential", SubjectIn: "body", SubjectName: "/soDinhDanh"}
		}
	}
	_, err = c.MarkOperations(ctx, operator, v.ID, marks)
	must(err)
	_, err = c.SetPlan(ctx, operator, v.ID, "standard-approval")
	must(err)
	_, err = c.ApproveUpstream(ctx, operator, agency.ID, "api.example.vn:443")
	must(err)
	_, err = c.SetUpstream(ctx, operator, v.ID, "https://api.example.vn/secret-upstream")
	must(err)
	v, err = c.PublishVersion(ctx, operator, v.ID)
	must(err)
	return v
}

func offerOf(p *Portal) func(context.Context, uuid.UUID) (agreement.Offer, error) {
	return func(ctx context.Context, id uuid.UUID) (agreement.Offer, error) {
		o, err := p.Catalog.Offer(ctx, id)
		out := agreement.Offer{VersionID: id, AgencyID: o.Version.AgencyID, ServiceVI: o.Version.TitleVI, ServiceEN: o.Version.TitleEN,
			Plan: o.Plan.Slug, RatePerMinute: o.Plan.RatePerMinute, QuotaPerDay: o.Plan.QuotaPerDay, QuotaPerMonth: o.Plan.QuotaPerMonth, Decision: o.Plan.Decision}
		for _, operation := range o.Operations {
			one := agreement.Operation{ID: operation.Slug, Method: operation.Method, Path: operation.Path, Access: operation.Access,
				TitleVI: operation.Doc.SummaryVI, TitleEN: operation.Doc.SummaryEN}
			for _, f := range operation.Doc.Fields {
				one.Fields = append(one.Fields, agreement.Field{Path: f.Path, TitleVI: f.TitleVI, TitleEN: f.TitleEN})
			}
			for _, s := range operation.Doc.Sensitive {
				one.Sensitive = append(one.Sensitive, agreement.Sensitive{Path: s.Path, Mask: s.Mask, Open: true, TitleVI: s.TitleVI, TitleEN: s.TitleEN})
			}
			out.Operations = append(out.Operations, one)
		}
		return out, err
	}
}

func applicantOf(p *Portal) func(context.Context, uuid.UUID) (agreement.Applicant, error) {
	return func(ctx context.Context, id uuid.UUID) (agreement.Applicant, error) {
		app, err := p.Auth.Application(ctx, id)
		return agreement.Applicant{ApplicationID: id, Name: app.Name, OwnerName: "Chủ", OwnerPerson: *app.OwnerPerson}, err
	}
}

func ownOf(p *Portal) func(context.Context, auth.Principal) ([]uuid.UUID, error) {
	return func(ctx context.Context, who auth.Principal) ([]uuid.UUID, error) {
		apps, _, err := p.Auth.Applications(ctx, who, auth.Page{Limit: 100})
		var ids []uuid.UUID
		for _, app := range apps {
			ids = append(ids, app.ID)
		}
		return ids, err
	}
}

// signUp makes the developer, with an application, and signs them in.
func (w *workshop) signUp(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	w.who = w.person(t, "lap@example.vn")
	app, issued, err := w.Auth.CreateApplication(ctx, w.who, auth.NewApplication{Name: "Tra cứu <b>một</b> cửa"})
	if err != nil {
		t.Fatal(err)
	}
	w.app, w.key = app, issued[0]
	w.signIn(t, "lap@example.vn")
}

func (w *workshop) person(t *testing.T, email string) auth.Principal {
	t.Helper()
	person, err := w.Auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Email: email, Name: "Phạm Hoàng Lập", Password: goodPassword, Locale: "vi"})
	if err != nil {
		t.Fatal(err)
	}
	who, err := w.Auth.WhoByPerson(t.Context(), person.ID)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// signIn signs somebody in with two factors, as officials have to.
func (w *workshop) signIn(t *testing.T, email string) {
	t.Helper()
	person, err := w.Auth.PersonByEmail(t.Context(), auth.Platform("test"), uuid.Nil, email)
	if err != nil {
		t.Fatal(err)
	}
	begun, err := w.Auth.BeginSession(t.Context(), person.ID, auth.ByPassword, auth.ByCode, auth.ByTwo)
	if err != nil {
		t.Fatal(err)
	}
	w.cookies["lgsp_session"] = begun.Session.Secret
}

// sees checks that a page is answered with a status, in both languages, and
// holds the texts, and nothing that its policy forbids.
func (w *workshop) sees(t *testing.T, path string, status int, texts ...string) string {
	t.Helper()
	var vi string
	for _, locale := range []string{"/en", ""} {
		answer, body := w.get(t, locale+path)
		if answer.StatusCode != status {
			t.Errorf("%s%s: got %d, want %d:\n%s", locale, path, answer.StatusCode, status, body)
		}
		if strings.Contains(body, " style=") || strings.Contains(body, " onclick=") || strings.Contains(body, "ZgotmplZ") {
			t.Errorf("%s%s has what its policy forbids", locale, path)
		}
		vi = body
	}
	for _, text := range texts {
		if !strings.Contains(vi, text) {
			t.Errorf("%s lacks %q:\n%s", path, text, vi)
		}
	}
	return vi
}

func TestDocumentationForEveryone(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.cookies = map[string]string{} // nobody
	w.sees(t, "/apis", 200, "Sở Nội vụ", `href="/apis/so-noi-vu/nguoi-co-cong"`)
	w.sees(t, "/apis?q=nguoi+co+cong", 200, "1 dịch vụ cho “nguoi co cong”", "<mark>")
	w.sees(t, "/apis?q=khongcogi", 200, "Không thấy dịch vụ nào")
	answer, _ := w.get(t, "/apis/so-noi-vu/nguoi-co-cong")
	if got := answer.Header.Get("Location"); got != w.href {
		t.Errorf("the API goes to %q, want %q", got, w.href)
	}
	body := w.sees(t, w.href, 200, "http://gateway.test/so-noi-vu/nguoi-co-cong/v1", "Mở cho mọi người", "Dữ liệu cá nhân",
		"<strong>giả lập</strong>", "2 ngày làm việc", "chưa phải hạn luật định", "100.000 lời gọi mỗi ngày", w.href+"/request")
	if strings.Contains(body, "secret-upstream") {
		t.Error("the upstream is shown")
	}
	operations := regexp.MustCompile(`href="(`+w.href+`/[a-z-]+)"`).FindAllStringSubmatch(body, -1)
	if len(operations) < 6 {
		t.Fatalf("found only %d operations", len(operations))
	}
	for _, o := range operations {
		if strings.HasSuffix(o[1], "/request") {
			continue
		}
		w.sees(t, o[1], 200, "Câu trả lời", "Khi cổng từ chối", "curl ", "JavaScript", "import urllib.request", "http.NewRequest", "class Call", "HttpRequestMessage")
	}
	w.sees(t, w.href+"/xem-nguoi-co-cong", 200, "soDinhDanh", "Họ và tên", "$LGSP_TOKEN", "grant_type=client_credentials",
		"resource=http://gateway.test/so-noi-vu/nguoi-co-cong/v1", "Xin quyền truy cập", "key-for-personal-data")
	for _, path := range []string{"/apis/so-noi-vu/khong-co", "/apis/khong-co/x", "/apis/so-noi-vu/nguoi-co-cong/v9", w.href + "/khong-co",
		"/apis/so-noi-vu/nguoi-co-cong/v9/openapi.json"} {
		if answer, _ := w.get(t, path); answer.StatusCode != 404 {
			t.Errorf("%s: got %d, want 404", path, answer.StatusCode)
		}
	}
	answer, body = w.get(t, w.href+"/openapi.json")
	if answer.StatusCode != 200 || !strings.Contains(body, "http://gateway.test/so-noi-vu/nguoi-co-cong/v1") || strings.Contains(body, "127.0.0.1") {
		t.Errorf("openapi.json: got %d:\n%.500s", answer.StatusCode, body)
	}
	if answer, _ := w.get(t, w.href+"/request"); answer.StatusCode != 303 || !strings.HasPrefix(answer.Header.Get("Location"), "/sign-in?next=") {
		t.Errorf("asking without an account: got %d %s", answer.StatusCode, answer.Header.Get("Location"))
	}
}

func TestAVersionThatIsGoingAway(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	operator := auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}
	if _, err := w.Catalog.DeprecateVersion(t.Context(), operator, w.version.ID, catalog.Ending{Sunset: monday.AddDate(1, 0, 0)}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{w.href, w.href + "/xem-nguoi-co-cong"} {
		if body := w.sees(t, path, 200, "Phiên bản này sắp ngừng", "23/11/2027"); strings.Contains(body, w.href+"/request") {
			t.Errorf("%s still offers to ask", path)
		}
	}
}

func TestDeveloperPagesWantSomebody(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	own := "/developer/applications/" + w.app.ID.String()
	w.sees(t, "/developer", 200, "Tra cứu &lt;b&gt;một&lt;/b&gt; cửa", "Hôm nay không có việc gì")
	w.sees(t, "/developer/applications/new", 200, "Tên ứng dụng")
	w.sees(t, own, 200, w.key.Lookup+"…"+w.key.Last4, "Chưa dùng lần nào", "Chưa có lời gọi")
	w.sees(t, "/account", 200, "lap@example.vn", "Bạn chưa có mã nào")
	w.sees(t, w.href+"/request", 200, "Xem hồ sơ người có công", `value="/hoTen"`, "Luật Dữ liệu", "chưa xác nhận")
	w.person(t, "khac@example.vn")
	w.cookies = map[string]string{}
	for _, path := range []string{"/developer", "/developer/applications/new", own, "/account", "/explain?application=" + w.app.ID.String(), "/agreements/" + uuid.NewString()} {
		answer, _ := w.get(t, path)
		if answer.StatusCode != 303 || !strings.HasPrefix(answer.Header.Get("Location"), "/sign-in?next=") {
			t.Errorf("%s for nobody: got %d %q", path, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	w.signIn(t, "khac@example.vn")
	for _, path := range []string{own, "/explain?application=" + w.app.ID.String(), "/developer/applications/7", "/agreements/" + uuid.NewString(), "/explain?application=7"} {
		w.sees(t, path, 404)
	}
	for _, path := range []string{own + "/credentials", own + "/credentials/" + w.key.ID.String() + "/rotate", own + "/credentials/" + w.key.ID.String() + "/revoke"} {
		if answer, _ := w.post(t, path, url.Values{"kind": {"api_key"}}); answer.StatusCode != 404 {
			t.Errorf("another's %s: got %d, want 404", path, answer.StatusCode)
		}
	}
}

func TestApplicationAndItsCredentials(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	answer, body := w.post(t, "/developer/applications/new", url.Values{"name": {" "}, "description": {"Để thử"}, "kind": {"confidential"}})
	if answer.StatusCode != 400 || !strings.Contains(body, "Để thử") {
		t.Errorf("without a name: got %d:\n%s", answer.StatusCode, body)
	}
	answer, body = w.post(t, "/developer/applications/new", url.Values{"name": {"Mới"}, "kind": {"confidential"}})
	if answer.StatusCode != 201 || !strings.Contains(body, "lgsp_key_") || !strings.Contains(body, "lgsp_secret_") {
		t.Fatalf("create: got %d:\n%s", answer.StatusCode, body)
	}
	own := "/developer/applications/" + w.app.ID.String()
	answer, body = w.post(t, own+"/credentials/"+w.key.ID.String()+"/rotate", url.Values{"overlap": {"24"}})
	if answer.StatusCode != 201 || strings.Count(body, "lgsp_key_") < 2 { // the key, and its first call
		t.Fatalf("rotate: got %d:\n%s", answer.StatusCode, body)
	}
	w.sees(t, own, 200, "24/11/2026") // the old one ends in a day
	answer, body = w.post(t, own+"/credentials", url.Values{"kind": {"api_key"}})
	if answer.StatusCode != 409 || !strings.Contains(body, "usa-alert--error") {
		t.Errorf("a third key: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, _ = w.post(t, own+"/credentials/"+w.key.ID.String()+"/rotate", url.Values{"overlap": {"99999999999"}}); answer.StatusCode != 400 && answer.StatusCode != 409 {
		t.Errorf("an overlap out of bounds: got %d", answer.StatusCode)
	}
	answer, _ = w.post(t, own+"/credentials/"+w.key.ID.String()+"/revoke", nil)
	if got := answer.Header.Get("Location"); answer.StatusCode != 303 || got != own {
		t.Errorf("revoke: got %d %q", answer.StatusCode, got)
	}
	w.sees(t, own, 200, "Đã thu hồi")
}

func TestPersonalTokens(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	answer, body := w.post(t, "/account/tokens", url.Values{"name": {"Của tôi"}, "lasts": {"9999"}})
	if answer.StatusCode != 400 || !strings.Contains(body, `value="Của tôi"`) || !strings.Contains(body, `id="f-lasts-error"`) {
		t.Errorf("lasts too long: got %d:\n%s", answer.StatusCode, body)
	}
	answer, body = w.post(t, "/account/tokens", url.Values{"name": {"Của tôi"}, "lasts": {"30"}})
	secret := regexp.MustCompile(`lgsp_pat_[0-9A-Za-z]{49}`).FindString(body)
	if answer.StatusCode != 201 || secret == "" {
		t.Fatalf("create: got %d:\n%s", answer.StatusCode, body)
	}
	if body = w.sees(t, "/account", 200, "Của tôi"); strings.Contains(body, secret) {
		t.Error("the token is shown again")
	}
	revoke := regexp.MustCompile(`action="(/account/tokens/[0-9a-f-]+/revoke)"`).FindStringSubmatch(body)
	if revoke == nil {
		t.Fatal("no way to revoke")
	}
	for range 2 { // twice is the same as once
		if answer, _ = w.post(t, revoke[1], nil); answer.StatusCode != 303 {
			t.Errorf("revoke: got %d", answer.StatusCode)
		}
	}
	if _, err := w.Auth.WhoByToken(t.Context(), secret); err == nil {
		t.Error("a revoked token is somebody")
	}
}

func TestAskingForAnAgreement(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	form := url.Values{
		"application": {w.app.ID.String()}, "operations": {"xem-nguoi-co-cong"}, "fields.xem-nguoi-co-cong": {"/hoTen", "/trangThai"},
		"purpose": {"thu-tuc"}, "purpose_text": {"ngắn"}, "legal_basis": {"luat-60-2024-d11-2b"}, "starts": {"2026-11-23"}, "ends": {"2027-11-22"},
		"note": {"Công văn số 12"}, "step": {"check"}, "subjects": {"Người hưởng trợ cấp"}, "volume_per_day": {"nhiều"}, "retention_days": {"90"},
		"onward": {"Bưu điện xã"},
	}
	answer, body := w.post(t, w.href+"/request", form)
	if answer.StatusCode != 400 || !strings.Contains(body, `id="f-volume_per_day-error"`) || !strings.Contains(body, `value="nhiều"`) {
		t.Errorf("no number of calls: got %d:\n%s", answer.StatusCode, body)
	}
	form.Set("volume_per_day", "50")
	answer, body = w.post(t, w.href+"/request", form)
	for _, want := range []string{`id="f-purpose_text-error"`, ">ngắn</textarea>", "Công văn số 12", `value="/hoTen" checked`, `value="thu-tuc" selected`, `value="luat-60-2024-d11-2b" checked`} {
		if answer.StatusCode != 400 || !strings.Contains(body, want) {
			t.Errorf("a short text: got %d, lacks %q", answer.StatusCode, want)
		}
	}
	form.Set("purpose_text", "Giải quyết hồ sơ trợ cấp tại bộ phận một cửa.")
	form.Del("operations") // a ticked field ticks its operation
	answer, body = w.post(t, w.href+"/request", form)
	for _, want := range []string{"Họ và tên, ", "Trạng thái", "Giải quyết hồ sơ trợ cấp", "23/11/2026", "365 ngày", "Người hưởng trợ cấp", "50 lời gọi mỗi ngày", "90 ngày", "Bưu điện xã", `name="fields.xem-nguoi-co-cong" value="/hoTen"`} {
		if answer.StatusCode != 200 || !strings.Contains(body, want) {
			t.Fatalf("the summary: got %d, lacks %q:\n%s", answer.StatusCode, want, body)
		}
	}
	if list, err := w.Agreements.Mine(t.Context(), w.who, agreement.Filter{}); err != nil || len(list.Items) != 0 {
		t.Fatalf("the summary kept something: %v %v", list, err)
	}
	form.Set("step", "mend")
	if answer, body = w.post(t, w.href+"/request", form); answer.StatusCode != 200 || !strings.Contains(body, "Giải quyết hồ sơ trợ cấp") || !strings.Contains(body, `value="/hoTen" checked`) {
		t.Errorf("mend: got %d:\n%s", answer.StatusCode, body)
	}
	form.Set("step", "send")
	answer, body = w.post(t, w.href+"/request", form)
	sent := answer.Header.Get("Location")
	if answer.StatusCode != 303 || !strings.HasSuffix(sent, "/sent") {
		t.Fatalf("send: got %d %q:\n%s", answer.StatusCode, sent, body)
	}
	w.sees(t, sent, 200, "25/11/2026") // two working days after a Monday
	at := strings.TrimSuffix(sent, "/sent")
	w.sees(t, at, 200, "Chờ quyết định", "Họ và tên, Trạng thái", "Giải quyết hồ sơ trợ cấp", "Gửi đề nghị", "Rút đề nghị")
	w.sees(t, "/developer", 200, "đang chờ cơ quan quyết định", "25/11/2026")
	if answer, body = w.post(t, w.href+"/request", form); answer.StatusCode != 409 || !strings.Contains(body, "Công văn số 12") {
		t.Errorf("the same again: got %d", answer.StatusCode)
	}
	w.decided(t, at)
}

// decided goes on with an agreement from its approval to its end.
func (w *workshop) decided(t *testing.T, at string) {
	t.Helper()
	id := uuid.MustParse(strings.TrimPrefix(at, "/agreements/"))
	steward := auth.Principal{Person: w.person(t, "lan@example.vn").Person, Name: "Phạm Hoàng Lập", Memberships: []auth.Membership{{Agency: w.version.AgencyID, Role: auth.RoleSteward}}}
	if _, err := w.Agreements.Approve(t.Context(), steward, id, ""); err != nil {
		t.Fatal(err)
	}
	w.sees(t, at, 200, "Đang hiệu lực", "98.765", "Authorization: Bearer $LGSP_TOKEN", "Được duyệt · Phạm Hoàng Lập", w.href+"/request?from=")
	w.sees(t, "/developer/applications/"+w.app.ID.String(), 200, "98.765", at)
	w.sees(t, w.href, 200, "Bạn đã có thoả thuận", at)
	w.sees(t, w.href+"/request?from="+id.String(), 200, `name="replaces" value="`+id.String(), `value="/hoTen" checked`, "Giải quyết hồ sơ trợ cấp")
	w.person(t, "khac@example.vn")
	w.signIn(t, "khac@example.vn")
	w.sees(t, at, 404)
	w.sees(t, at+"/sent", 404)
	if answer, _ := w.post(t, at+"/withdraw", url.Values{"reason": {"vì sao"}}); answer.StatusCode != 404 {
		t.Errorf("another ends it: got %d, want 404", answer.StatusCode)
	}
	w.signIn(t, "lap@example.vn")
	if answer, body := w.post(t, at+"/withdraw", url.Values{"reason": {" "}}); answer.StatusCode != 400 || !strings.Contains(body, "usa-alert--error") {
		t.Errorf("no reason: got %d", answer.StatusCode)
	}
	if answer, _ := w.post(t, at+"/withdraw", url.Values{"reason": {"Không cần nữa"}}); answer.StatusCode != 303 {
		t.Errorf("withdraw: got %d", answer.StatusCode)
	}
	w.sees(t, at, 200, "Đã kết thúc", "Không cần nữa")
	w.sees(t, "/explain", 200, "Giải thích lời gọi nào?", "/explain?application="+w.app.ID.String()+"&amp;version="+w.version.ID.String())
}

func TestCallsAndWhyTheyAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	exchange := func(trace, code string, status int) ledger.Exchange {
		return ledger.Exchange{ID: uuid.Must(uuid.NewV7()), At: monday, TraceID: trace, AgencyID: w.version.AgencyID, VersionID: w.version.ID,
			ApplicationID: w.app.ID, Operation: "xem-nguoi-co-cong", Credential: "api_key", Status: status, Code: code, Outcome: "complete", Micros: 1234}
	}
	passed, refused := exchange("00000000000000000000000000000001", "", 200), exchange("00000000000000000000000000000002", "key-for-personal-data", 401)
	w.shipped(t, passed, refused,
		ledger.Exchange{ID: uuid.Must(uuid.NewV7()), At: monday, TraceID: "00000000000000000000000000000003", ApplicationID: w.app.ID, Status: 404, Code: "no-such-operation", Outcome: "refused"},
	)
	explain := "/calls/" + refused.ID.String()
	for _, path := range []string{"/developer", "/developer/applications/" + w.app.ID.String()} {
		w.sees(t, path, 200, "Xem hồ sơ người có công", "1,2 ms", "15:00:00", "Dữ liệu cá nhân cần mã truy cập", explain, "không có thao tác ở địa chỉ đã gọi")
	}
	w.sees(t, "/developer/applications/"+w.app.ID.String(), 200, `<rect class="refused"`, "23/11")
	w.sees(t, "/developer", 200, "/calls/"+passed.ID.String())
	w.sees(t, explain, 200, "401", "key-for-personal-data", "Dùng mã truy cập (token) thay cho khoá API")
	w.sees(t, "/explain", 200, "Giải thích lời gọi nào?", "chưa có thoả thuận nào")
	w.sees(t, "/explain?application="+w.app.ID.String()+"&version="+w.version.ID.String(), 200, "Nếu gọi lúc này")
	imagined := "/explain?application=" + w.app.ID.String() + "&version=" + w.version.ID.String() + "&operation=xem-nguoi-co-cong&credential="
	w.sees(t, imagined+"token", 200, "Được nhận", "/hoTen")
	w.sees(t, imagined+"none", 200, "Bị từ chối")
	if answer, _ := w.get(t, "/explain?application="+w.app.ID.String()+"&trace=00000000000000000000000000000003"); answer.Header.Get("Location") != "/calls?id=00000000000000000000000000000003" {
		t.Errorf("by trace: got %d to %s", answer.StatusCode, answer.Header.Get("Location"))
	}
}

// shipped puts exchanges into the ledger as a gateway node and the sequencer do.
func (w *workshop) shipped(t *testing.T, exchanges ...ledger.Exchange) {
	t.Helper()
	w.Ledger.Dir, w.Ledger.Origin = t.TempDir(), "portal.test/ledger"
	w.Ledger.Unpack = func(body []byte) (list []ledger.Exchange, err error) { return list, json.Unmarshal(body, &list) }
	body, err := json.Marshal(exchanges)
	if err == nil {
		err = w.Ledger.Ship(t.Context(), ledger.Shipment{Count: len(exchanges), Body: body})
	}
	if err == nil {
		_, err = w.Ledger.Sequence(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}
