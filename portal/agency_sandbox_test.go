package portal

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog"
)

// TestSandboxPages: a publisher opens the sandbox of a published version and of
// a draft without a system behind it; readers find where and how to try it.
func TestSandboxPages(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Portal.Catalog.ExposeSandbox = func(context.Context, pgx.Tx, catalog.Exposure) error { return nil }
	w.Portal.Catalog.ConcealSandbox = func(context.Context, pgx.Tx, uuid.UUID) error { return nil }
	version, address := office+"/apis/nguoi-co-cong/v1", "http://gateway.test/so-noi-vu/nguoi-co-cong/v1-sandbox"
	w.refused(t, version+"/sandbox", nil, 404) // of no agency
	if _, body := w.get(t, w.href); strings.Contains(body, "-sandbox") {
		t.Error("a sandbox that is not open is shown")
	}
	w.as(t, auth.RolePublisher)
	w.sees(t, version, 200, "Môi trường thử nghiệm", version+"/sandbox")
	w.refused(t, version+"/sandbox/close", nil, 409, "Thử nghiệm chưa mở")
	w.sends(t, version+"/sandbox", nil, version)
	w.sees(t, version, 200, address, version+"/sandbox/close")
	w.refused(t, version+"/sandbox", nil, 409, "Thử nghiệm đang mở")
	w.sees(t, w.href, 200, "Gọi thử ngay, không cần thoả thuận", address)
	w.sees(t, w.href+"/openapi.json", 200, `"url":"http://gateway.test/so-noi-vu/nguoi-co-cong/v1"`, `"url":"`+address+`"`)
	for operation, texts := range map[string][]string{
		"thong-tin-chi-tra": {"resource=" + address, "Authorization: Bearer $LGSP_TOKEN", "ứng dụng nào cũng xin được"},
	} {
		operations, err := w.Portal.Catalog.Operations(t.Context(), w.who, w.version.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range operations {
			if o.Access == catalog.Personal && o.Method == "GET" {
				operation = o.Slug
			}
		}
		w.sees(t, w.href+"/"+operation, 200, texts...)
	}
	w.sends(t, version+"/sandbox/close", nil, version)

	a, err := w.Portal.Catalog.CreateAPI(t.Context(), auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}},
		catalog.NewAPI{AgencyID: w.version.AgencyID, Slug: "thu", APIText: catalog.APIText{TitleVI: "Dịch vụ thử"}})
	if err != nil {
		t.Fatal(err)
	}
	text := `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"operationId":"a","responses":{"200":{"description":"d"}}}}}}`
	v, err := w.Portal.Catalog.CreateVersion(t.Context(), auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}, a.ID, "v1", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	draft := office + "/apis/thu/v1"
	w.refused(t, draft+"/sandbox", url.Values{"plan": {"open"}}, 400, "Chưa công bố được")
	if _, err := w.Portal.Catalog.MarkOperations(t.Context(), auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}, v.ID,
		map[string]catalog.Mark{"a": {Access: catalog.Open, Classification: "public"}}); err != nil {
		t.Fatal(err)
	}
	w.sends(t, draft+"/sandbox", nil, draft) // the plan is chosen since then
	w.cookies = map[string]string{}
	w.sees(t, "/apis/so-noi-vu/thu/v1", 200, "Phiên bản đang thử nghiệm", "http://gateway.test/so-noi-vu/thu/v1-sandbox")
	w.sees(t, "/apis/so-noi-vu/thu", 303)
}
