package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
)

// secondSteward is another steward of the agency, with a token of their own.
func (w *world) secondSteward() {
	ctx, root := w.t.Context(), auth.Platform("test")
	person, err := w.auth.CreatePerson(ctx, root, auth.NewPerson{Email: "steward2@world.example", Name: "Người steward2", Password: "mật khẩu " + uuid.NewString()})
	w.must(err)
	w.must(w.auth.AddMembership(ctx, root, person.ID, auth.Membership{Agency: w.uuid("so-a"), Role: auth.RoleSteward}))
	who, err := w.auth.WhoByProof(ctx, person.ID, auth.AAL2)
	w.must(err)
	_, token, err := w.auth.CreateToken(ctx, who, "test", time.Hour)
	w.must(err)
	w.token["steward2"] = token
}

// toldPromotion is an answer of the management API as far as promotions are about it.
type toldPromotion struct {
	Code, Hash, Refusal string
	Behind              bool
	Promotion           *struct{ State string }
	Changes             struct {
		Items    []struct{ Operation, Kind string }
		Settings []struct{ Part, Name, Before, After string }
	}
	Applications int
	Items        []struct {
		Number int
		Hash   string
		Parts  []string
	}
}

// wants makes a call as a role, and fails the test for another status.
func (w *world) wants(status int, role, method, path, body string) toldPromotion {
	w.t.Helper()
	got, _, text := w.call(role, method, path, body, "")
	if got != status {
		w.t.Fatalf("%s %s as %s: got %d %s, want %d", method, path, role, got, text, status)
	}
	var told toldPromotion
	w.must(json.Unmarshal([]byte(text), &told))
	return told
}

// TestPromotionFromTheSandbox: a version that was tried goes live as the bundle
// that a steward has read, by another person than who proposed it, once.
func TestPromotionFromTheSandbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	w.secondSteward()
	const version = "/versions/{draft version}"
	answers := func() int {
		return w.thief("GET", w.config.GatewayURL+"/so-a/dich-vu-hidden/v1/danh-muc", nil).Status
	}
	w.wants(200, "publisher", "POST", version+"/sandbox", "")
	w.until("the sandbox answers", func() bool {
		return w.thief("GET", w.config.GatewayURL+"/so-a/dich-vu-hidden/v1-sandbox/danh-muc", nil).Status == 200
	})
	if got := answers(); got != 404 {
		t.Fatalf("before it is promoted a call is answered %d", got)
	}
	w.wants(200, "publisher", "POST", version+"/propose", `{"why":"Đã thử xong"}`)
	read := w.wants(200, "steward", "GET", version+"/promotion", "")
	if read.Promotion == nil || read.Promotion.State != "proposed" || read.Refusal != "" || len(read.Hash) != 64 {
		t.Errorf("what the steward reads: %+v", read)
	}
	promote := fmt.Sprintf(`{"hash":%q}`, read.Hash)
	w.wants(403, "publisher", "POST", version+"/promote", promote)
	if refusal := w.wants(409, "steward", "POST", version+"/promote", `{"hash":"khac"}`); refusal.Code != "promotion-changed" {
		t.Errorf("another bundle than was read: %+v", refusal)
	}

	w.wants(200, "publisher", "PUT", version+"/plan", `{"plan":"high"}`)
	if refusal := w.wants(409, "steward", "POST", version+"/promote", promote); refusal.Code != "promotion-behind" {
		t.Errorf("changed after it was proposed: %+v", refusal)
	}
	if got := answers(); got != 404 {
		t.Errorf("after refusals a call is answered %d", got)
	}
	w.wants(200, "publisher", "POST", version+"/propose", `{}`)
	promote = fmt.Sprintf(`{"hash":%q}`, w.wants(200, "steward", "GET", version+"/promotion", "").Hash)

	var people sync.WaitGroup
	var mu sync.Mutex
	seen := map[int]int{}
	for _, steward := range []string{"steward", "steward2"} {
		people.Go(func() {
			status, _, _ := w.call(steward, "POST", version+"/promote", promote, "")
			mu.Lock()
			defer mu.Unlock()
			seen[status]++
		})
	}
	people.Wait()
	if seen[200] != 1 || seen[409] != 1 {
		t.Errorf("two stewards at once: got %v, want one 200 and one 409", seen)
	}
	w.until("a call is answered", func() bool { return answers() == 200 })
	if _, _, body := w.call("publisher", "GET", version, "", ""); !strings.Contains(body, `"state":"published"`) || !strings.Contains(body, `"plan":"high"`) {
		t.Errorf("the version: %s", body)
	}
	if refusal := w.wants(409, "steward", "POST", version+"/promote", promote); refusal.Code != "promotion-none" {
		t.Errorf("once more: %+v", refusal)
	}
	w.recorded("version.promote", "draft version", "bundle", w.wants(200, "publisher", "GET", version+"/revisions", "").Items[0].Hash)
}

// recorded is whether the ledger has an act about an object whose detail says so.
func (w *world) recorded(verb, about, name, value string) {
	w.t.Helper()
	w.until("the ledger has "+verb, func() bool {
		status, _, body := w.call("auditor", "GET", "/acts?limit=100&verb="+verb+"&about={"+about+"}", "", "")
		return status == 200 && strings.Contains(body, fmt.Sprintf("%q:%q", name, value))
	})
}

// TestPromotionBesideLive: document, marks, plan and limits that are prepared
// beside a live version change nothing for who calls, and are all in force with
// one step; what may not be restored is refused.
func TestPromotionBesideLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	const version = "/versions/{published version}"
	call := func(path string) (int, string) {
		answer := w.thief("GET", w.config.GatewayURL+"/so-a/dich-vu-public/v1/"+path, nil)
		return answer.Status, answer.Header.Get("RateLimit-Policy")
	}
	w.until("served", func() bool { status, _ := call("danh-muc"); return status == 200 })
	longer, err := json.Marshal(strings.Replace(worldSpec, "components:", `  /ban-do:
    get:
      operationId: banDo
      summary: Bản đồ
      responses: { '200': { description: Bản đồ, content: { application/json: { schema: { $ref: '#/components/schemas/HoSo' } } } } }
components:`, 1))
	w.must(err)
	w.wants(200, "publisher", "PUT", version+"/promotion", `{"text":`+string(longer)+`,"plan":"high","why":"Thêm bản đồ"}`)
	w.wants(200, "publisher", "PUT", version+"/promotion", `{"operations":{"ban-do":{"access":"open","classification":"public","subject_in":"","subject_name":""}},
		"traffic":{"limits":[{"per":"address","calls":300,"window":"12h"}]}}`)
	w.wants(409, "steward", "POST", version+"/promote", `{"hash":"x"}`) // not proposed yet
	w.wants(403, "developer", "POST", version+"/propose", `{}`)
	w.wants(200, "publisher", "POST", version+"/propose", `{}`)
	read := w.wants(200, "steward", "GET", version+"/promotion", "")
	parts := map[string]bool{}
	for _, s := range read.Changes.Settings {
		parts[s.Part] = true
	}
	if len(read.Changes.Items) == 0 || !parts["plan"] || !parts["traffic"] || !parts["operations"] || read.Refusal != "" || read.Behind {
		t.Errorf("what becomes otherwise: %+v", read)
	}
	w.wants(200, "publisher", "POST", version+"/effect", `{"prepared":true}`)
	if status, policy := call("ban-do"); status != 404 || strings.Contains(policy, "address-12h") {
		t.Errorf("what is prepared is in force: %d %s", status, policy)
	}
	w.wants(200, "steward", "POST", version+"/promote", fmt.Sprintf(`{"hash":%q}`, read.Hash))
	w.until("the new operation answers, under the new limit", func() bool {
		status, policy := call("ban-do")
		return status == 200 && strings.Contains(policy, `"address-12h";q=300;w=43200`)
	})
	history := w.wants(200, "publisher", "GET", version+"/revisions", "")
	if got := strings.Join(history.Items[0].Parts, " "); got != "document plan traffic operations" || history.Items[0].Hash != read.Hash {
		t.Errorf("the revision of it: %+v", history.Items[0])
	}
	w.recorded("version.promote", "published version", "bundle", read.Hash)

	promoted := history.Items[0].Number
	if refusal := w.wants(409, "publisher", "POST", fmt.Sprintf("%s/revisions/%d/restore", version, promoted-1), `{}`); refusal.Code != "change-breaks" {
		t.Errorf("restoring what takes an operation away: %+v", refusal)
	}
	w.wants(200, "publisher", "PUT", version+"/traffic", `{}`)
	w.until("the limit is gone", func() bool { _, policy := call("ban-do"); return !strings.Contains(policy, "address-12h") })
	w.wants(200, "publisher", "POST", fmt.Sprintf("%s/revisions/%d/restore", version, promoted), `{"why":"Cần giới hạn"}`)
	w.until("the limit is back", func() bool { _, policy := call("ban-do"); return strings.Contains(policy, "address-12h") })
	if again := w.wants(200, "publisher", "GET", version+"/revisions", ""); again.Items[0].Hash != read.Hash {
		t.Errorf("restored is not the same: %+v", again.Items[0])
	}
	w.alone()
}

// alone: where the agency demands two persons nobody releases alone.
func (w *world) alone() {
	t := w.t
	t.Helper()
	const live, draft = "/versions/{published version}", "/versions/{reviewed version}"
	w.wants(403, "publisher", "PUT", "/agencies/{so-a}/release-rule", `{"two_persons":true}`)
	w.wants(200, "steward", "PUT", "/agencies/{so-a}/release-rule", `{"two_persons":true}`)
	for _, tt := range []struct{ method, path, body string }{
		{"PUT", live + "/plan", `{"plan":"standard-approval"}`}, {"PUT", live + "/traffic", `{}`}, {"PUT", live + "/pages", `{"pages":[]}`},
		{"PUT", live + "/upstream", `{"url":"http://{upstream}/khac"}`}, {"POST", live + "/revisions/1/restore", `{}`}, {"POST", draft + "/publish", ""},
	} {
		if refusal := w.wants(409, "publisher", tt.method, tt.path, strings.ReplaceAll(tt.body, "{upstream}", w.id["upstream"])); refusal.Code != "promotion-needed" {
			t.Errorf("%s %s: got %s", tt.method, tt.path, refusal.Code)
		}
	}
	w.wants(200, "publisher", "PUT", draft+"/plan", `{"plan":"high"}`) // nobody calls it yet
	w.wants(200, "publisher", "PUT", live+"/promotion", `{"plan":"standard-approval"}`)
	w.wants(200, "publisher", "POST", live+"/propose", `{}`)
	w.wants(200, "steward", "POST", live+"/return", `{"answer":"Giữ gói cao"}`)
	w.wants(409, "steward", "POST", live+"/return", `{"answer":"Giữ gói cao"}`)
	w.wants(200, "publisher", "DELETE", live+"/promotion", "")
	if refusal := w.wants(403, "steward", "PUT", "/agencies/{so-a}/release-rule", `{"two_persons":false}`); refusal.Code != "two-persons-stay" {
		t.Errorf("a steward sets it back: %+v", refusal)
	}
	w.wants(200, "operator", "PUT", "/agencies/{so-a}/release-rule", `{"two_persons":false}`)
}

// TestManifestByTwoPersons: where the agency demands two persons a document
// becomes one bundle that waits for a steward; applied once more it stays the
// same proposal, and once it is live there is nothing to change.
func TestManifestByTwoPersons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	const version = "/versions/{published version}"
	w.wants(200, "steward", "PUT", "/agencies/{so-a}/release-rule", `{"two_persons":true}`)
	before := w.export("operator", "so-a")
	want := changed(t, before, "state: published\n        plan: standard-approval\n", "state: published\n        plan: high\n")
	var hash string
	for range 2 {
		if _, said, err := w.apply("publisher", withoutMembers(want)); err != nil || !strings.Contains(said, "dich-vu-public/v1: made it live") {
			t.Fatalf("applied: %v\n%s", err, said)
		}
		read := w.wants(200, "steward", "GET", version+"/promotion", "")
		if read.Promotion == nil || read.Promotion.State != "proposed" || hash != "" && read.Hash != hash {
			t.Errorf("what waits: %+v, before %s", read, hash)
		}
		hash = read.Hash
	}
	if got := w.export("operator", "so-a"); got != before {
		t.Errorf("the agency has changed:\n%s", got)
	}
	w.wants(200, "steward", "POST", version+"/promote", fmt.Sprintf(`{"hash":%q}`, hash))
	if got := w.export("operator", "so-a"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, said, err := w.apply("publisher", withoutMembers(want)); err != nil || !strings.Contains(said, "nothing to change\n") {
		t.Errorf("applied again: %v\n%s", err, said)
	}
}
