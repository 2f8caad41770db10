package portal

import (
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/internal/certtest"
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
	w.sends(t, page+"/tls", url.Values{"tls/server_name": {" He-Thong.gov.vn"}}, page)
	w.refused(t, page+"/tls", url.Values{"tls/ca": {"không phải chứng thư"}}, 400, `id="f-tls/ca-error"`, "không phải chứng thư")
	w.sees(t, page, 200, `value="he-thong.gov.vn"`)
	w.sends(t, page+"/health", url.Values{"health/path": {"/suc-khoe"}, "health/every_seconds": {"30"}}, page)
	w.sees(t, page, 200, `value="/suc-khoe"`, `value="30"`)
	w.refused(t, page+"/health", url.Values{"health/path": {"suc-khoe"}, "health/every_seconds": {"nhanh"}}, 400, `id="f-health/path-error"`, `id="f-health/every_seconds-error"`)
	w.sends(t, page+"/cors", url.Values{"cors/origins": {"https://a.vn\r\nhttps://b.vn"}, "cors/headers": {"X-A, X-B"}}, page)
	w.sees(t, page, 200, "https://a.vn\nhttps://b.vn", `value="X-A, X-B"`)
	w.refused(t, page+"/cors", url.Values{"cors/origins": {"a.vn"}, "cors/exposed": {"x:y"}}, 400, `id="f-cors/origins-error"`, `id="f-cors/exposed-error"`)
	w.sends(t, page+"/rewrite", url.Values{"rewrite/strip_prefix": {"/a"}, "rewrite/request/set": {"X-B: 2\r\nX-A:  1:1 \r\n\r\n"}, "rewrite/answer/remove": {"X-C, X-D"}}, page)
	w.sees(t, page, 200, `value="/a"`, "X-A: 1:1\nX-B: 2", `value="X-C, X-D"`)
	w.refused(t, page+"/rewrite", url.Values{"rewrite/request/set": {"Authorization: x"}, "rewrite/answer/set": {"X-A"}, "rewrite/add_prefix": {"b"}}, 400,
		`id="f-rewrite/request/set-error"`, "Authorization do cổng giữ", `id="f-rewrite/answer/set-error"`, `id="f-rewrite/add_prefix-error"`)
	w.sends(t, page+"/canary", url.Values{"canary/upstreams": {"http://10.9.9.9/moi/ \r\nhttp://10.9.9.8 3\r\n\r\n"}, "canary/percent": {"5"}, "canary/header": {" X-Ban-Thu "}, "canary/value": {"co"}, "canary/keep": {"yes"}}, page)
	w.sees(t, page, 200, "http://10.9.9.9/moi\nhttp://10.9.9.8 3", `value="5"`, `value="X-Ban-Thu"`)
	w.refused(t, page+"/canary", url.Values{"canary/upstreams": {"http://10.9.9.9 nhieu"}, "canary/percent": {"101"}, "canary/header": {"Cookie"}, "canary/value": {"a"}}, 400,
		`id="f-canary/upstreams-error"`, `id="f-canary/percent-error"`, `id="f-canary/header-error"`, "Cookie mang nghĩa khác")
	w.sends(t, page+"/canary", url.Values{}, page)
	w.sends(t, page+"/mirror", url.Values{"mirror/url": {" http://10.9.9.7/sao/ "}, "mirror/percent": {"20"}}, page)
	w.sees(t, page, 200, `value="http://10.9.9.7/sao"`, `value="20"`)
	w.refused(t, page+"/mirror", url.Values{"mirror/url": {"10.9.9.7"}, "mirror/percent": {"0"}}, 400, `id="f-mirror/url-error"`, `id="f-mirror/percent-error"`)
	w.sends(t, page+"/mirror", url.Values{}, page)
	if got := w.traffic(t); strings.Contains(got, "canary") || strings.Contains(got, "mirror") {
		t.Errorf("neither is there: got %s", got)
	}
	w.refused(t, page+"/nothing", url.Values{}, 404)
	w.sends(t, version+"/traffic/callers", url.Values{"signatures": {"yes"}}, version+"/traffic")
	w.sees(t, version+"/traffic", 200, `name="signatures" value="yes" checked`)
	w.as(t, auth.RoleSteward)
	w.sees(t, page, 403)
	w.refused(t, page+"/protocol", url.Values{}, 403)
}

// TestClientKeyOfAVersion: it is set, shown by its certificate alone, and ended.
func TestClientKeyOfAVersion(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	page := office + "/apis/nguoi-co-cong/v1/upstream"
	pair := certtest.SelfSigned(t, monday)
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	secret := strings.Split(key, "\n")[1]
	w.sends(t, page+"/client-key", url.Values{"certificate": {certificate}, "key": {key}}, page)
	w.sees(t, page, 200, "CN=self", "Không đưa chứng thư nữa")
	answer, again := w.post(t, page+"/client-key", url.Values{"certificate": {"x"}, "key": {key}})
	if shown := w.sees(t, page, 200); answer.StatusCode != 400 || !strings.Contains(again, `id="f-certificate-error"`) || strings.Contains(again+shown, secret) {
		t.Errorf("got %d, and perhaps the key, from:\n%s", answer.StatusCode, again)
	}
	w.refused(t, page+"/client-key", url.Values{}, 400, `id="f-certificate-error"`)
	w.sees(t, page, 200, "CN=self")
	w.sends(t, page+"/client-key", url.Values{"end": {"yes"}}, page)
	w.sees(t, page, 200, "Chứng thư mới")
	w.as(t, auth.RoleSteward)
	w.refused(t, page+"/client-key", url.Values{"end": {"yes"}}, 403)
}
