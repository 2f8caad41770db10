package portal

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/gateway"
	"lgsp/internal/jobs"
	"lgsp/internal/problem"
)

// quietRoom is a process of which nothing waits.
func quietRoom() OperatorRoom {
	return OperatorRoom{
		Jobs:               func(context.Context) ([]jobs.Standing, []jobs.Failure, error) { return nil, nil, nil },
		Certificate:        func() time.Time { return time.Time{} },
		ClientCertificates: func(context.Context, time.Duration) ([]gateway.EndingCertificate, error) { return nil, nil },
	}
}

// TestOverviewSaysFirstWhatWaits: the grave before the rest, to who may do it.
func TestOverviewSaysFirstWhatWaits(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Auth.May, w.Agreements.May, w.Ledger.May = w.Portal.Policy.May, w.Portal.Policy.May, w.Portal.Policy.May
	w.as(t, auth.RolePublisher)
	w.sees(t, "/operator", 403)
	if _, err := w.Catalog.RequestUpstream(t.Context(), auth.Platform("test"), w.version.AgencyID, "10.9.9.9:80"); err != nil {
		t.Fatal(err)
	}
	w.Portal.Room.Jobs = func(context.Context) ([]jobs.Standing, []jobs.Failure, error) {
		return nil, []jobs.Failure{{ID: 7, Kind: "catalog.harvest", At: monday, Times: 2, Error: "no route to host"}}, nil
	}
	w.Portal.Room.Certificate = func() time.Time { return monday.AddDate(0, 0, 9) }
	w.Portal.Room.ClientCertificates = func(context.Context, time.Duration) ([]gateway.EndingCertificate, error) {
		return []gateway.EndingCertificate{{VersionID: uuid.New(), NotAfter: monday.AddDate(0, 0, -1)}}, nil
	}
	w.as(t, auth.RoleOperator)
	body := w.sees(t, "/operator", 200, "1 máy chủ chờ duyệt", "1 việc nền đã hỏng", "Chứng thư của cổng", "lời gọi qua cổng", `href="/operator/rules"`)
	if strings.Index(body, "việc nền đã hỏng") > strings.Index(body, "máy chủ chờ duyệt") {
		t.Error("what is grave does not stand first")
	}
	w.as(t, auth.RoleAuditor)
	body = w.sees(t, "/operator", 200, "1 việc nền đã hỏng")
	if strings.Contains(body, "máy chủ chờ duyệt") {
		t.Error("an auditor is asked to approve servers")
	}
	if answer, _ := w.get(t, "/operator?email=a@x.vn&act=api.edit"); answer.Header.Get("Location") != "/operator/rules?email=a@x.vn&act=api.edit#ask" {
		t.Errorf("the old question leads to %q", answer.Header.Get("Location"))
	}
}

func TestRulesAreReadAndAsked(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Auth.May, w.Agreements.May = w.Portal.Policy.May, w.Portal.Policy.May
	g := w.wanted(t)
	const at = "/operator/rules"
	w.as(t, auth.RoleSteward)
	w.sees(t, at, 403)
	w.as(t, auth.RoleOperator)
	agency := w.version.AgencyID.String()
	body := w.sees(t, at, 200, "holds(r.who, p.role, r.agency)", "steward:agreement.decide", "Quyết định thoả thuận", "Gọi ngoài giờ cho phép")
	for _, row := range mustRules(t, w) {
		if !strings.Contains(body, row[1]) {
			t.Errorf("the rule %s is not shown", row[1])
		}
	}
	w.sees(t, at+"?email=steward@example.vn&act=agreement.decide&agency="+agency, 200, "được làm agreement.decide", "steward:agreement.decide")
	w.sees(t, at+"?email=lap@example.vn&act=api.publish&agency="+agency, 200, "không được làm api.publish", "Cán bộ công bố, Người vận hành")
	w.sees(t, at+"?role=steward&act=agreement.decide&agency="+agency, 200, "Người duyệt được làm agreement.decide", "steward:agreement.decide")
	w.sees(t, at+"?role=operator&act=agreement.decide&agency="+agency, 200, "không được làm agreement.decide")
	w.sees(t, at+"?role=steward&act=agreement.decide", 200, "usa-alert--error", "Chưa chọn cơ quan")
	w.sees(t, at+"?role=vua&act=agreement.decide", 200, "usa-alert--error")
	w.sees(t, at+"?email=khong-co@example.vn&act=api.publish", 200, "usa-alert--error", `value="khong-co@example.vn"`)

	w.Portal.ExplainCall = func(_ context.Context, call ImaginedCall) (CallExplanation, error) {
		if call.Application != g.ApplicationID || call.Version != g.VersionID || call.Operation != g.Operations[0].ID || call.Purpose != g.Purpose {
			t.Errorf("asked about %+v", call)
		}
		if call.Credential == "api_key" {
			return CallExplanation{Rule: "no-agreement", Code: "no-agreement", Change: []string{"ask-agreement"}}, nil
		}
		return CallExplanation{Allowed: true, Rule: "restricted-agreement"}, nil
	}
	w.sees(t, at+"?agreement="+g.ID.String(), 200, "được gọi "+g.Operations[0].ID, "restricted-agreement")
	w.sees(t, at+"?credential=api_key&agreement="+g.ID.String(), 200, "không được gọi", "no-agreement")
	w.sees(t, at+"?agreement=x", 200, "usa-alert--error", `value="x"`)
	w.sees(t, at+"?agreement="+uuid.NewString(), 200, "usa-alert--error")
	w.sees(t, at+"?operation=khong-co&agreement="+g.ID.String(), 200, "usa-alert--error")
}

func mustRules(t *testing.T, w *workshop) [][]string {
	t.Helper()
	rows, err := w.Portal.Policy.Rules()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d rules, error %v", len(rows), err)
	}
	return rows
}

func TestJobsAndSettingsAreShown(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Portal.Room.Settings = []Setting{{Name: "LGSP_DRAIN", Value: "40s", Source: "file", Set: true}, {Name: "LGSP_S3_SECRET", Secret: true, Set: true, Source: "environment"},
		{Name: "LGSP_MTLS_URL", Source: "default", Unused: true}}
	w.Portal.Room.Jobs = func(context.Context) ([]jobs.Standing, []jobs.Failure, error) {
		return []jobs.Standing{{Kind: "catalog.harvest", EverySeconds: 60, Failed: 1}}, []jobs.Failure{{ID: 7, Kind: "catalog.harvest", At: monday, Times: 2, Error: "no <route>"}}, nil
	}
	var again int64
	w.Portal.Room.JobAgain = func(ctx context.Context, who auth.Principal, id int64) error {
		if err := w.Portal.Policy.May(ctx, who, "job.edit", uuid.Nil); err != nil {
			return err
		}
		if again = id; id != 7 {
			return problem.Errorf(problem.NotFound, "no").Coded("job-unknown")
		}
		return nil
	}
	w.as(t, auth.RoleSteward)
	w.sees(t, "/operator/jobs", 403)
	w.sees(t, "/operator/settings", 403)
	w.as(t, auth.RoleAuditor)
	if body := w.sees(t, "/operator/jobs", 200, "catalog.harvest", "no &lt;route&gt;", "2 lần"); strings.Contains(body, "/again") {
		t.Error("an auditor is offered to do work again")
	}
	w.refused(t, "/operator/jobs/7/again", url.Values{}, 403)
	w.sees(t, "/operator/settings", 200, "LGSP_DRAIN", "40s", "đã đặt, không hiện", "phần liên quan đang tắt", "Tất cả (3)", "Đã đặt (2)")
	if body := w.sees(t, "/operator/settings?only=set", 200, "LGSP_DRAIN"); strings.Contains(body, "LGSP_MTLS_URL") {
		t.Error("a default is among those that were set")
	}
	w.as(t, auth.RoleOperator)
	w.sees(t, "/operator/jobs", 200, "/operator/jobs/7/again")
	w.sends(t, "/operator/jobs/7/again", url.Values{}, "/operator/jobs")
	if again != 7 {
		t.Errorf("asked again for %d", again)
	}
	w.refused(t, "/operator/jobs/8/again", url.Values{}, 404)
	w.refused(t, "/operator/jobs/x/again", url.Values{}, 404)
}

func TestOperatorFindsPeople(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Auth.May = w.Portal.Policy.May
	who := w.person(t, "tim@example.vn")
	at := "/operator/accounts/" + who.Person.String()
	w.as(t, auth.RoleAuditor)
	w.sees(t, "/operator/accounts", 403)
	w.sees(t, at, 403)
	w.refused(t, at+"/lock", url.Values{"lock_reason": {"Nghỉ việc rồi"}}, 403)
	w.as(t, auth.RoleOperator)
	w.sees(t, "/operator/accounts", 200, "steward@example.vn", "Người duyệt, Sở Nội vụ")
	w.sees(t, "/operator/accounts?q=tim", 200, "tim@example.vn", at)
	w.sees(t, "/operator/accounts?q=khong-co-ai", 200, "Không tìm thấy ai như vậy")
	w.sees(t, "/operator/accounts?state=x", 400)
	w.sees(t, "/operator/accounts/x", 404)
	w.sees(t, at, 200, "Khoá tài khoản", "không có vai trò")
	w.refused(t, at+"/lock", url.Values{"lock_reason": {"vì"}}, 400, `id="f-lock_reason-error"`)
	w.sends(t, at+"/lock", url.Values{"lock_reason": {"Nghỉ việc rồi"}}, at)
	w.sees(t, at, 200, "đã khoá", "Mở lại tài khoản")
	w.refused(t, at+"/lock", url.Values{"lock_reason": {"Nghỉ việc rồi"}}, 409)
	w.sends(t, at+"/unlock", url.Values{"unlock_reason": {"Nhầm người"}}, at)
	w.sends(t, at+"/sessions", url.Values{"sessions_reason": {"Mất máy tính"}}, at)
	if err := w.Auth.AddMembership(t.Context(), auth.Platform("test"), who.Person, auth.Membership{Agency: w.version.AgencyID, Role: auth.RolePublisher}); err != nil {
		t.Fatal(err)
	}
	role := url.Values{"agency": {w.version.AgencyID.String()}, "role": {auth.RolePublisher}}
	w.sends(t, at+"/remove", role, at)
	w.refused(t, at+"/remove", role, 404)
}
