package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"lgsp/agreement"
)

// TestBoundsAreInForce: what a steward sets while approving holds at the
// gateway, is explained, and the dossier that a call names is evidence.
func TestBoundsAreInForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	bounds := []agreement.Bounds{{Operation: "thua-dat", Dossier: true, Parameters: []agreement.ParameterBound{{In: "path", Name: "so", Values: []string{"9"}}}}}
	_, err := w.agreements.ApproveWith(ctx, w.people["steward"], w.uuid("asked agreement"), agreement.Approval{Conditions: &agreement.Conditions{Bounds: bounds}})
	w.must(err)
	w.serve()
	call := func(path string, headers ...string) (int, string) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.config.GatewayURL+"/so-a/dich-vu-public/v1"+path, nil)
		w.must(err)
		r.Header.Set("X-API-Key", w.key)
		r.Header.Set("LGSP-Purpose", "thu-tuc")
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		w.must(err)
		defer answer.Body.Close()
		var p struct{ Code string }
		_ = json.NewDecoder(answer.Body).Decode(&p) // an answer has none
		return answer.StatusCode, p.Code
	}
	const dossier = "000.00.53.H48-220921-0099"
	w.until("the agreement is in force", func() bool { status, _ := call("/thua-dat/9", "LGSP-Dossier", dossier); return status == http.StatusOK })
	for _, tt := range []struct {
		path, dossier, code string
	}{{"/thua-dat/8", dossier, "parameter-not-agreed"}, {"/thua-dat/9", "", "dossier-missing"}, {"/thua-dat/9", "?", "dossier-form"}} {
		headers := []string{"LGSP-Dossier", tt.dossier}
		if tt.dossier == "" {
			headers = nil
		}
		if status, code := call(tt.path, headers...); code != tt.code {
			t.Errorf("%s, dossier %q: got %d %s, want %s", tt.path, tt.dossier, status, code, tt.code)
		}
	}
	var payload string
	w.until("the call is evidence", func() bool {
		return w.db.Pool.QueryRow(ctx, `select payload::text from ledger.entry where agreement_id = $1 and status = 200 and kind = 'exchange'`, w.uuid("asked agreement")).Scan(&payload) == nil
	})
	if !strings.Contains(payload, dossier) {
		t.Errorf("recorded %s", payload)
	}
}
