package portal

import (
	"net/url"
	"testing"

	"lgsp/auth"
)

// traffic is what the catalogue keeps of the office's version.
func (w *workshop) traffic(t *testing.T) string {
	t.Helper()
	operator := auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}
	text, err := w.Portal.Catalog.Traffic(t.Context(), operator, w.version.ID)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestUpstreamOfAVersion: how it is reached is set part by part, and what the
// other page says stays.
func TestUpstreamOfAVersion(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	version := office + "/apis/nguoi-co-cong/v1"
	page := version + "/upstream"
	w.sees(t, version, 200, page)
	w.sees(t, page, 200, "Hệ thống phía sau", `name="protocol"`, "Theo thoả thuận của hai bên")
	w.sends(t, version+"/traffic/sizes", url.Values{"request_bytes": {"100"}}, version+"/traffic")
	w.sends(t, page+"/protocol", url.Values{"protocol": {"h2"}}, page)
	if got := w.traffic(t); got != `{"protocol": "h2", "request_bytes": 100}` {
		t.Errorf("got %s", got)
	}
	w.sees(t, page, 200, `<option value="h2" selected>`)
	w.refused(t, page+"/protocol", url.Values{"protocol": {"h3"}}, 400, `id="f-protocol-error"`, "Chọn h2 cho HTTP/2")
	w.refused(t, page+"/nothing", url.Values{}, 404)
	w.as(t, auth.RoleSteward)
	w.sees(t, page, 403)
	w.refused(t, page+"/protocol", url.Values{}, 403)
}
