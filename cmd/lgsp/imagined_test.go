package main

import (
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"testing"

	"lgsp/agreement"
)

// TestImaginedCallsAreAsMade: what /api/v1 and the page tell of a call with its
// parameters, live and of the sandbox, is what the gateway does with it.
func TestImaginedCallsAreAsMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	bounds := []agreement.Bounds{{Operation: "thua-dat", Dossier: true, Parameters: []agreement.ParameterBound{{In: "path", Name: "so", Values: []string{"9"}, Prefixes: []string{"48-"}}}}}
	_, err := w.agreements.ApproveWith(ctx, w.people["steward"], w.uuid("asked agreement"), agreement.Approval{Conditions: &agreement.Conditions{Bounds: bounds}})
	w.must(err)
	w.serve()
	w.wants(200, "publisher", "POST", "/versions/{published version}/sandbox", "")
	const dossier = "000.00.53.H48-220921-0099"
	call := func(sandbox, number, dossier string) (int, string) {
		prefix := w.config.GatewayURL + "/so-a/dich-vu-public/v1"
		if sandbox == "true" {
			prefix += "-sandbox"
		}
		headers := []string{"X-API-Key", w.key, "LGSP-Purpose", "thu-tuc"}
		if dossier != "" {
			headers = append(headers, "LGSP-Dossier", dossier)
		}
		status, _, body := w.gets(prefix+"/thua-dat/"+url.PathEscape(number), headers...)
		var p struct{ Code string }
		_ = json.Unmarshal([]byte(body), &p) // an answer has none
		return status, p.Code
	}
	w.until("the agreement is in force, the sandbox open", func() bool {
		live, _ := call("false", "9", dossier)
		tried, _ := call("true", "9", "")
		return live == 200 && tried == 200
	})
	for _, tt := range []struct{ sandbox, number, dossier, code, change, says string }{
		{"false", "9", dossier, "", "", "Cổng sẽ chuyển lời gọi này đi."},
		{"false", "48-12", dossier, "", "", "Cổng sẽ chuyển lời gọi này đi."},
		{"false", "8", dossier, "parameter-not-agreed", "say-what-is-agreed widen-bounds", "Chỉ gọi khi so là: 9, 48-*"},
		{"false", "9", "", "dossier-missing", "name-dossier", "Nêu số hồ sơ trong tiêu đề LGSP-Dossier."},
		{"false", "..", dossier, "path-not-canonical", "look-at-address", "So địa chỉ và phương thức với tài liệu"},
		{"true", "8", "", "", "", "Cổng sẽ chuyển lời gọi này đi."},
	} {
		ask := url.Values{"application": {w.id["application"]}, "version": {w.id["published version"]}, "operation": {"thua-dat"}, "credential": {"api_key"},
			"purpose": {"thu-tuc"}, "dossier": {tt.dossier}}
		page := url.Values{"said": {"yes"}, "path:so": {tt.number}}
		for name := range ask {
			page.Set(name, ask.Get(name))
		}
		if tt.sandbox == "true" {
			page.Set("sandbox", "yes")
		}
		ask.Set("sandbox", tt.sandbox)
		ask.Set("parameter", "path:so="+tt.number)
		status, _, body := w.call("developer", "GET", "/explain/call?"+ask.Encode(), "", "")
		var told struct {
			Allowed, Asked bool
			Code           string
			Change         []string
			Bound          *struct{ Name string }
		}
		w.must(json.Unmarshal([]byte(body), &told))
		if status != 200 || told.Code != tt.code || told.Allowed != (tt.code == "") || !told.Asked || strings.Join(told.Change, " ") != tt.change || (told.Bound != nil) != (tt.code == "parameter-not-agreed") {
			t.Errorf("%+v: told %d %s", tt, status, body)
		}
		if made, code := call(tt.sandbox, tt.number, tt.dossier); code != told.Code || (made == 200) != told.Allowed {
			t.Errorf("%+v: made: %d %s, told %s", tt, made, code, told.Code)
		}
		if status, _, text := w.gets(w.config.PortalURL+"/explain?"+page.Encode(), "Cookie", "lgsp_session="+w.session["developer"]); status != 200 || !strings.Contains(html.UnescapeString(text), tt.says) {
			t.Errorf("%+v: the page: %d, without %q", tt, status, tt.says)
		}
	}
	for _, tt := range []struct{ query, code string }{
		{"parameter=so%3D9", "parameter-invalid"}, {"parameter=cookie:so%3D9", "parameter-invalid"}, {"parameter=path:so", "parameter-invalid"},
		{"sandbox=maybe", "parameter-invalid"}, {"parameter=" + strings.Repeat("&parameter=", 50), "parameter-invalid"}, {"path=9", "parameter-unknown"},
	} {
		if status, _, body := w.call("developer", "GET", "/explain/call?version={published version}&operation=thua-dat&"+tt.query, "", ""); status != 400 || !strings.Contains(body, `"`+tt.code+`"`) {
			t.Errorf("%.60s: %d %s", tt.query, status, body)
		}
	}
}
