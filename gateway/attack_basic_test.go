package gateway

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/policy"
)

// TestAttackBasic: HTTP Basic is taken where the version says so, over https,
// of an application that names itself with a key of its own; it opens what the
// key opens, and whatever is wrong with it is told like any wrong key.
func TestAttackBasic(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	basic := func(scheme, name, password string) string {
		text := base64.StdEncoding.EncodeToString([]byte(name + ":" + password))
		a.secrets = append(a.secrets, text)
		return "Authorization: " + scheme + " " + text
	}
	good := basic("Basic", a.app.String(), a.key)
	asBasic := func(line string, more ...string) string {
		return asks("GET", "{P}/ho-so", append([]string{line}, more...)...)
	}
	plain := a.server
	header, _ := a.try(t, plain, attack{sent: asBasic(good), status: 401, code: "credential-scheme"})
	if challenged(header) {
		t.Errorf("it is asked for where it is not taken: %v", header)
	}

	a.route.Traffic.Basic = true
	a.exposed(func(v *version) bool { return v.Traffic.Basic })
	if header, _ := a.try(t, plain, attack{sent: asBasic(good), status: 403, code: "basic-not-private"}); challenged(header) {
		t.Errorf("it is asked for in the clear: %v", header)
	}
	if header, _ := a.try(t, plain, attack{sent: asks("GET", "{P}/ho-so"), status: 401, code: "no-credential"}); challenged(header) {
		t.Errorf("it is asked for in the clear: %v", header)
	}
	a.node, a.server = a.another(func(n *Node) { n.GatewayURL = "https://gateway.test" })
	stranger, unknown, secret := uuid.Must(uuid.NewV7()).String(), auth.NewKey(auth.KindKey).Secret(), auth.NewKey(auth.KindSecret).Secret()
	a.secrets = append(a.secrets, unknown, secret)
	for _, tt := range []attack{
		{name: "taken", sent: asBasic(good), status: 200, reached: 1},
		{name: "in small letters", sent: asBasic(basic("basic", a.app.String(), a.key)), status: 200, reached: 1},
		{name: "an open operation", sent: asks("GET", "{P}/danh-muc/1", good), status: 200, reached: 1},
		{name: "a wrong one at an open operation", sent: asks("GET", "{P}/danh-muc/1", basic("Basic", stranger, a.key)), status: 401, code: "key-wrong"},
		{name: "personal data", sent: asks("GET", "{P}/nguoi/{N}", good), status: 401, code: "key-for-personal-data"},
		{name: "another's name", sent: asBasic(basic("Basic", stranger, a.key)), status: 401, code: "key-wrong"},
		{name: "another's key", sent: asBasic(basic("Basic", a.app.String(), unknown)), status: 401, code: "key-wrong"},
		{name: "a secret", sent: asBasic(basic("Basic", a.app.String(), secret)), status: 401, code: "not-a-key"},
		{name: "no password", sent: asBasic(basic("Basic", a.app.String(), "")), status: 401, code: "key-malformed"},
		{name: "key and colon", sent: asBasic(basic("Basic", a.app.String(), a.key+":")), status: 401, code: "key-malformed"},
		{name: "no name", sent: asBasic(basic("Basic", "", a.key)), status: 401, code: "basic-malformed"},
		{name: "the name of nobody", sent: asBasic(basic("Basic", uuid.Nil.String(), a.key)), status: 401, code: "basic-malformed"},
		{name: "key as the name", sent: asBasic(basic("Basic", a.key, "")), status: 401, code: "basic-malformed"},
		{name: "a name spelt otherwise", sent: asBasic(basic("Basic", "{"+a.app.String()+"}", a.key)), status: 401, code: "basic-malformed"},
		{name: "a name with a NUL", sent: asBasic(basic("Basic", a.app.String()+"\x00", a.key)), status: 401, code: "basic-malformed"},
		{name: "no colon", sent: asBasic("Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(a.app.String()))), status: 401, code: "basic-malformed"},
		{name: "no base64", sent: asBasic("Authorization: Basic {K}"), status: 401, code: "basic-malformed"},
		{name: "nothing", sent: asBasic("Authorization: Basic"), status: 401, code: "basic-malformed"},
		{name: "bits behind the end", sent: asBasic("Authorization: Basic YTpi" + "YR=="), status: 401, code: "basic-malformed"},
		{name: "twice", sent: asBasic(good, good), status: 400, code: "two-credentials"},
		{name: "beside a key", sent: asBasic(good, "X-API-Key: {K}"), status: 400, code: "two-credentials"},
		{name: "a proxy took it in the clear", sent: asBasic(good, "X-Forwarded-Proto: HTTP"), status: 403, code: "basic-not-private"},
		{name: "no credential", sent: asks("GET", "{P}/ho-so"), status: 401, code: "no-credential"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header, text := a.try(t, a.server, tt)
			if want := tt.status == 401 && tt.code != "key-for-personal-data"; challenged(header) != want {
				t.Errorf("asked for: %v", header.Values("Www-Authenticate"))
			}
			if tt.status != 200 && strings.Contains(text, a.app.String()) {
				t.Errorf("it tells of the application: %s", text)
			}
			if r, _ := a.last(); r.Header.Get("Authorization") != "" || tt.name == "taken" && r.Header.Get("Lgsp-Application") != a.app.String() {
				t.Errorf("the upstream got %v", r.Header)
			}
		})
	}
	a.settle()
	for _, e := range a.exchanges {
		if e.Status == 200 && (e.Credential != policy.APIKey || e.Application != a.app) || e.Code == "key-wrong" && e.Application != uuid.Nil {
			t.Errorf("recorded %+v", e)
		}
	}
}

// challenged reports whether a refusal asks for HTTP Basic.
func challenged(header map[string][]string) bool {
	return slices.ContainsFunc(header["Www-Authenticate"], func(v string) bool { return strings.HasPrefix(v, "Basic ") })
}

// TestBasicCountsWithTheKey: a rate is one bucket, whichever way the key comes.
func TestBasicCountsWithTheKey(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	a.route.Traffic.Basic = true
	a.exposed(func(v *version) bool { return v.Traffic.Basic })
	a.put(func(g *Grant) { g.Plan.RatePerMinute = 1 })
	a.node, a.server = a.another(func(n *Node) { n.GatewayURL = "https://gateway.test" })
	a.try(t, a.server, attack{sent: keyed("{P}/ho-so"), status: 200, reached: 1})
	a.try(t, a.server, attack{sent: asks("GET", "{P}/ho-so", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(a.app.String()+":"+a.key))), status: 429, code: "rate-exceeded"})
}
