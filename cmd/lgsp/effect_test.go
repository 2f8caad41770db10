package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/problem"
	"lgsp/ledger"
	"lgsp/portal"
)

// shipCalls puts calls into the evidence as a node does that still wrote JSON.
func (w *world) shipCalls(list ...gateway.Exchange) {
	w.t.Helper()
	var body []byte
	for _, e := range list {
		record, err := json.Marshal(e)
		w.must(err)
		body = append(binary.AppendUvarint(body, uint64(len(record))), record...)
	}
	w.must(w.ledger.Ship(w.t.Context(), ledger.Shipment{Count: len(list), Body: body}))
}

// called is a call of the developer's application that was let through.
func (w *world) called(operation, access, credential string, at time.Time, n int) gateway.Exchange {
	id := uuid.UUID{6: 0x70, 8: 0x80, 15: byte(n)}
	binary.BigEndian.PutUint64(id[:], uint64(at.UnixMilli())<<16|0x7000)
	return gateway.Exchange{ID: id, Trace: fmt.Sprintf("%032x", n+1), At: at, Agency: w.uuid("so-a"), Version: w.uuid("published version"), Operation: operation, Access: access,
		Application: w.uuid("application"), Credential: credential, Agreement: w.uuid("agreed agreement"), Revision: 2, Purpose: "dich-vu", Method: "GET", Status: 200, Complete: true}
}

// TestEffect: who would lose what is told before it is done, from what was
// called; nothing is done by asking, and those who may not act may not ask.
func TestEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	ctx := t.Context()
	steward, publisher := w.people["steward"], w.people["publisher"]
	monday := time.Now().UTC().Add(-21 * 24 * time.Hour)
	for monday.Weekday() != time.Monday {
		monday = monday.AddDate(0, 0, 1)
	}
	monday = monday.Truncate(24 * time.Hour)
	var calls []gateway.Exchange
	for i := range 5 { // 10:00 in Vietnam
		calls = append(calls, w.called("thua-dat", "restricted", "api_key", monday.Add(3*time.Hour+time.Duration(i)*time.Second), i))
	}
	for i := range 3 { // 22:00
		calls = append(calls, w.called("thua-dat", "restricted", "api_key", monday.Add(15*time.Hour+time.Duration(i)*time.Second), 10+i))
	}
	calls = append(calls, w.called("nguoi", "personal", "token", monday.Add(3*time.Hour), 20))
	w.shipCalls(calls...)
	id, version, app := w.uuid("agreed agreement"), w.uuid("published version"), w.uuid("application")
	w.until("the calls are in the ledger", func() bool {
		list, err := w.ledger.CalledUnder(ctx, id, monday)
		w.must(err)
		return len(list) == 2
	})
	w.until("the node serves the version", func() bool {
		_, err := w.node.Explain(gateway.Imagined{Version: version, Operation: "thua-dat", Application: app, Credential: "api_key", Purpose: "dich-vu"})
		return err == nil
	})
	row := func(operation, what, code string, calls, of int, fields ...string) portal.EffectRow {
		return portal.EffectRow{ApplicationID: app, Application: "Tra cứu", Owner: "Người developer", Operation: operation, What: what, Code: code, Calls: calls, Of: of,
			Fields: append([]string{}, fields...)}
	}
	check := func(name string, got portal.Effect, err error, want portal.Effect) {
		t.Helper()
		got.Since = time.Time{}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v\nwant %+v", name, got, err, want)
		}
	}

	got, err := w.agreementEffect(ctx, steward, id, portal.AgreementAct{Act: "suspend"})
	check("suspend", got, err, portal.Effect{Applications: 1, Calls: 9, Rows: []portal.EffectRow{
		row("thua-dat", "loses", "agreement-suspended", 8, 8), row("nguoi", "loses", "agreement-suspended", 1, 1)}})
	got, err = w.agreementEffect(ctx, w.people["developer"], id, portal.AgreementAct{Act: "end"})
	check("end, by its owner", got, err, portal.Effect{Applications: 1, Calls: 9, Rows: []portal.EffectRow{
		row("thua-dat", "loses", "agreement-ended", 8, 8), row("nguoi", "loses", "agreement-ended", 1, 1)}})
	got, err = w.agreementEffect(ctx, steward, w.uuid("suspended agreement"), portal.AgreementAct{Act: "resume"})
	check("resume: what is called without a purpose has two to name", got, err, portal.Effect{MayLose: 1, Rows: []portal.EffectRow{
		row("thua-dat", "may-lose", "purpose-required", 8, 8), row("nguoi", "may-lose", "purpose-required", 1, 1)}})
	if g, err := w.agreements.Get(ctx, steward, id); err != nil || g.State != agreement.Active {
		t.Errorf("asking did it: %s, %v", g.State, err)
	}
	w.approvedNarrower(row, check)

	traffic := func(text string) portal.VersionChange { return portal.VersionChange{Traffic: json.RawMessage(text)} }
	got, err = w.versionEffect(ctx, publisher, version, traffic(`{"conditions":[{"access":"restricted","hours":{"from":"07:30","until":"17:00"}}]}`))
	check("hours", got, err, portal.Effect{MayLose: 1, Calls: 3, Rows: []portal.EffectRow{row("thua-dat", "loses-some", "outside-hours", 3, 8)}})
	got, err = w.versionEffect(ctx, publisher, version, traffic(`{"conditions":[{"access":"personal","two_factors":true},{"networks":["10.0.0.0/8"],"operations":["thua-dat","danh-muc"]}]}`))
	check("factors and networks", got, err, portal.Effect{Applications: 1, Calls: 1, Anonymous: "may-lose", Rows: []portal.EffectRow{
		row("nguoi", "loses", "assurance-low", 1, 1), row("thua-dat", "may-lose", "outside-network", 8, 8)}})
	got, err = w.versionEffect(ctx, publisher, version, portal.VersionChange{Plan: "high"})
	check("plan", got, err, portal.Effect{Rows: []portal.EffectRow{}, Rate: got.Rate})
	if got.Rate == nil || got.Rate.Was >= got.Rate.Is || got.Loses() {
		t.Errorf("plan: got %+v", got.Rate)
	}
	got, err = w.versionEffect(ctx, publisher, w.uuid("draft version"), traffic(`{"conditions":[{"purpose":true}]}`))
	check("of a draft", got, err, portal.Effect{})
	w.effectRefused(traffic)
}

// approvedNarrower: a renewal under conditions takes from what runs.
func (w *world) approvedNarrower(row func(operation, what, code string, calls, of int, fields ...string) portal.EffectRow, check func(string, portal.Effect, error, portal.Effect)) {
	w.t.Helper()
	ctx := w.t.Context()
	wish := w.wish("dich-vu")
	wish.Replaces = new(w.uuid("agreed agreement"))
	renewed, err := w.agreements.Request(ctx, w.people["developer"], wish)
	w.must(err)
	got, err := w.agreementEffect(ctx, w.people["steward"], renewed.ID, portal.AgreementAct{Act: "approve"})
	check("approve as asked", got, err, portal.Effect{Rows: []portal.EffectRow{}})
	narrower := &agreement.Approval{Conditions: &agreement.Conditions{Operations: []agreement.Wanted{{Operation: "thua-dat", Fields: []string{"/ma"}}}}}
	got, err = w.agreementEffect(ctx, w.people["steward"], renewed.ID, portal.AgreementAct{Act: "approve", Approval: narrower})
	check("approve narrower", got, err, portal.Effect{Applications: 1, Calls: 1, Rows: []portal.EffectRow{row("nguoi", "loses", "operation-not-agreed", 1, 1)}})
	_, err = w.agreements.SetRules(ctx, w.people["steward"], w.uuid("so-a"), agreement.Rules{TwoPersons: true, ConfirmMonths: 12})
	w.must(err)
	got, err = w.agreementEffect(ctx, w.people["steward"], renewed.ID, portal.AgreementAct{Act: "approve"})
	check("approve as the first of two", got, err, portal.Effect{Rows: []portal.EffectRow{}, Waits: true})
}

// effectRefused: what may not be done may not be asked about either.
func (w *world) effectRefused(traffic func(string) portal.VersionChange) {
	w.t.Helper()
	ctx, id, version := w.t.Context(), w.uuid("agreed agreement"), w.uuid("published version")
	for name, tt := range map[string]struct {
		ask  func() error
		kind problem.Kind
		code string
	}{
		"the developer suspends":   {w.asks("developer", id, "suspend"), problem.Forbidden, "policy-refused"},
		"another agency's steward": {w.asks("other", id, "suspend"), problem.NotFound, "agreement-unknown"},
		"no such act":              {w.asks("steward", id, "delete"), problem.Invalid, "effect-act"},
		"resumed though it runs":   {w.asks("steward", id, "resume"), problem.Conflict, ""},
		"another agency's publisher": {func() error {
			_, err := w.versionEffect(ctx, w.people["other"], version, traffic(`{}`))
			return err
		}, problem.Forbidden, "policy-refused"},
		"conditions that do not fit": {func() error {
			_, err := w.versionEffect(ctx, w.people["publisher"], version, traffic(`{"conditions":[{}]}`))
			return err
		}, problem.Invalid, "traffic-wrong"},
		"a mark that is fixed": {func() error {
			_, err := w.versionEffect(ctx, w.people["publisher"], version, portal.VersionChange{Operations: map[string]catalog.Mark{
				"thua-dat": {Access: catalog.Open, Classification: "public"}}})
			return err
		}, problem.Conflict, "mark-fixed"},
		"nothing": {func() error {
			_, err := w.versionEffect(ctx, w.people["publisher"], version, portal.VersionChange{})
			return err
		}, problem.Invalid, "body-empty"},
	} {
		if err := tt.ask(); !problem.Is(err, tt.kind) || tt.code != "" && problem.Code(err) != tt.code {
			w.t.Errorf("%s: got %v", name, err)
		}
	}
}

func (w *world) asks(role string, id uuid.UUID, act string) func() error {
	return func() error {
		_, err := w.agreementEffect(w.t.Context(), w.people[role], id, portal.AgreementAct{Act: act})
		return err
	}
}

// TestEffectIsShownFirst: a form that takes something away shows it before it
// does it, and does it when it is sent again from there; one that takes nothing
// is done at once.
func TestEffectIsShownFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	pages := w.portal.Routes()
	at := "/agreements/" + w.id["agreed agreement"]
	w.until("the node knows the agreement", func() bool {
		e, err := w.node.Explain(gateway.Imagined{Version: w.uuid("published version"), Operation: "thua-dat", Application: w.uuid("application"), Credential: "api_key", Purpose: "dich-vu"})
		return err == nil && e.Allowed
	})
	w.errorsLead()
	desk := "/agency/so-a/apis/dich-vu-public/v1"
	for _, tt := range []struct {
		role, path, body string
		status           int
		says             string
	}{
		{"steward", at + "/suspend", "reason=", 400, "usa-alert--error"},
		{"steward", at + "/suspend", "reason=Kiểm tra đột xuất", 200, `name="reason" value="Kiểm tra đột xuất"`},
		{"steward", at + "/suspend", "reason=Kiểm tra đột xuất", 200, "1 ứng dụng mất quyền gọi"},
		{"developer", at + "/withdraw", "reason=Không cần nữa", 200, `action="` + at + `/withdraw"`},
		{"citizen", at + "/suspend", "reason=Kiểm tra đột xuất", 404, ""},
		{"publisher", desk + "/conditions", "conditions/0/access=restricted&conditions/0/purpose=yes", 200, "Có thể bị từ chối"},
		{"publisher", desk + "/conditions", "conditions/0/access=restricted&conditions/0/purpose=yes&seen=yes", 303, ""},
		{"publisher", desk + "/conditions", "", 303, ""},
		{"publisher", desk + "/connection", "plan=high&upstream_url=http://" + w.id["upstream"], 303, ""},
		{"publisher", desk + "/connection", "plan=standard-approval&upstream_url=http://" + w.id["upstream"], 200, "lời gọi mỗi phút"},
		{"publisher", desk + "/connection", "plan=standard-approval&seen=yes&upstream_url=http://" + w.id["upstream"], 303, ""},
		{"steward", at + "/suspend", "reason=Kiểm tra đột xuất&seen=yes", 303, ""},
		{"steward", at + "/resume", "note=", 303, ""},
		{"developer", at + "/withdraw", "reason=Không cần nữa&seen=yes", 303, ""},
	} {
		status, body := w.look(pages, tt.role, attempt{"POST " + tt.path, "", tt.path, tt.body})
		if status != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s as %s with %s: got %d, lacks %q", tt.path, tt.role, tt.body, status, tt.says)
		}
	}
}

// errorsLead: what a refused caller is told is enough to
// find the call, also by an id of its own; to others it is not there.
func (w *world) errorsLead() {
	w.t.Helper()
	t, ctx := w.t, w.t.Context()
	for _, own := range []string{"", "don-hang-2026.7"} {
		r, err := http.NewRequestWithContext(ctx, "GET", w.config.GatewayURL+"/so-a/dich-vu-public/v1/nguoi/"+subject, nil)
		w.must(err)
		r.Header.Set("X-API-Key", w.key)
		if own != "" {
			r.Header.Set("X-Request-Id", own)
		}
		answer, err := http.DefaultClient.Do(r)
		w.must(err)
		var refusal struct{ Code, Explain, RequestID string }
		w.must(json.NewDecoder(answer.Body).Decode(&struct {
			Code      *string `json:"code"`
			Explain   *string `json:"explain"`
			RequestID *string `json:"request_id"`
		}{&refusal.Code, &refusal.Explain, &refusal.RequestID}))
		_ = answer.Body.Close()
		if refusal.Code != "key-for-personal-data" || own != "" && refusal.RequestID != own || refusal.Explain != w.config.PortalURL+"/calls?id="+refusal.RequestID {
			t.Fatalf("refused with %+v", refusal)
		}
		var past struct{ Items []portal.PastCall }
		w.until("the call is in the ledger", func() bool {
			status, _, body := w.call("developer", "GET", "/explain/past?id="+refusal.RequestID, "", "")
			if status == http.StatusOK {
				w.must(json.Unmarshal([]byte(body), &past))
			}
			return status == http.StatusOK
		})
		got := past.Items[0]
		if len(past.Items) != 1 || got.Call.Code != refusal.Code || got.Rule != "key-for-personal-data" || got.Now == nil || got.Now.Code != refusal.Code ||
			len(got.Change) != 1 || got.Change[0].Code != "send-token" || got.Change[0].Href != "/apis/so-a/dich-vu-public/v1/nguoi" {
			t.Errorf("explained %+v", got)
		}
		if own == "" {
			continue
		}
		if e := got.Call.RequestRef; e == "" || strings.Contains(e, own) {
			t.Errorf("the id stands in the record as %q", e)
		}
		for _, role := range []string{"other", "citizen"} {
			if status, _, body := w.call(role, "GET", "/explain/past?id="+own, "", ""); status != http.StatusNotFound {
				t.Errorf("as %s: got %d %s", role, status, body)
			}
		}
		if status, body := w.look(w.portal.Routes(), "developer", attempt{"GET /calls", "", "/calls?id=" + own, ""}); status != http.StatusSeeOther {
			t.Errorf("the page: got %d %s", status, body)
		}
	}
}
