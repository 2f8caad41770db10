package gateway

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
)

// letterhead is one with which the tests sign calls. What is left out is as it
// should be; a field of "-" is left out of the signature.
type letterhead struct {
	key        ed25519.PrivateKey
	keyID      string
	origin     string
	method     string
	target     string // behind {P}
	body       string
	digest     string   // Content-Digest; "": of the body
	covers     string   // components between spaces; "": all there is to cover
	created    string   // "": now
	nonce, tag string   // "": a new one, lgsp
	more       string   // parameters behind the others
	lines      []string // more of the header
}

// signer makes a key, registers it for an application, and gives its private half.
func (w *world) signer(application uuid.UUID, kid string) ed25519.PrivateKey {
	w.t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	jwk := fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":%q}`, base64.RawURLEncoding.EncodeToString(public))
	w.mu.Lock()
	w.signing = append(w.signing, auth.SigningKey{Application: application, KID: kid, JWK: []byte(jwk)})
	w.mu.Unlock()
	w.tell("credential " + application.String())
	w.until("the key is known", func() bool { return w.node.current.Load().signers.of(application, kid) != nil })
	return private
}

// takesSignatures puts the route in force with them, and an open POST beside.
func (w *world) takesSignatures() {
	w.t.Helper()
	w.route.Operations = append(w.route.Operations, Operation{ID: "nop", Method: "POST", Path: "/nop", Access: Open})
	w.route.Traffic.Signatures, w.route.Traffic.RequestBytes = true, 1<<20
	w.exposed(func(v *version) bool { return v.Traffic.Signatures })
}

func digestOfText(body string) string {
	sum := sha256.Sum256([]byte(body))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// fields are the header of a signed call.
func (w *world) fields(h letterhead) []string {
	h.method, h.origin, h.tag = or(h.method, "GET"), or(h.origin, w.node.GatewayURL), or(h.tag, signatureTag)
	h.nonce, h.created = or(h.nonce, rand.Text()), or(h.created, fmt.Sprint(w.now().Unix()))
	digest := or(h.digest, digestOfText(h.body))
	if h.covers == "" {
		h.covers = "@method @target-uri"
		if h.body != "" || h.digest != "" {
			h.covers += " content-digest"
		}
		if slices.ContainsFunc(h.lines, func(l string) bool { return strings.HasPrefix(l, "LGSP-Purpose: ") }) {
			h.covers += " lgsp-purpose"
		}
	}
	target := w.route.Prefix() + h.target
	path, query, _ := strings.Cut(target, "?")
	var base, names strings.Builder
	for i, name := range strings.Fields(strings.TrimPrefix(h.covers, "-")) {
		value := map[string]string{"@method": h.method, "@target-uri": h.origin + target, "@authority": strings.TrimPrefix(h.origin, "http://"),
			"@path": path, "@query": "?" + query, "content-digest": digest, "lgsp-purpose": "tra-cuu"}[name]
		fmt.Fprintf(&base, "%q: %s\n", name, value)
		fmt.Fprintf(&names, "%s%q", strings.Repeat(" ", min(i, 1)), name)
	}
	input := "(" + names.String() + ")"
	for _, p := range []struct{ name, value string }{{"created", h.created}, {"nonce", `"` + h.nonce + `"`}, {"keyid", `"` + h.keyID + `"`}, {"tag", `"` + h.tag + `"`}} {
		if strings.Trim(p.value, `"`) != "-" {
			input += ";" + p.name + "=" + p.value
		}
	}
	input += h.more
	base.WriteString(`"@signature-params": ` + input)
	sum := ed25519.Sign(h.key, []byte(base.String()))
	lines := append(slices.Clone(h.lines), "Signature-Input: lgsp="+input, "Signature: lgsp=:"+base64.StdEncoding.EncodeToString(sum)+":")
	if h.digest != "-" && (h.body != "" || h.digest != "") {
		lines = append(lines, "Content-Digest: "+digest)
	}
	return lines
}

// signed is a signed call as it is sent.
func (w *world) signed(h letterhead) string {
	lines := w.fields(h)
	if h.body != "" {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(h.body)))
	}
	return asks(or(h.method, "GET"), "{P}"+h.target, lines...) + h.body
}

// TestSignedCalls: a signature opens what its application may, once, and
// nothing when anything of it is otherwise.
func TestSignedCalls(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	a.takesSignatures()
	other := uuid.Must(uuid.NewV7())
	good := letterhead{key: a.signer(a.app, "may-chu/1"), keyID: a.app.String() + "/may-chu/1", target: "/ho-so?a=%20b"}
	others := a.signer(other, "may-chu/1")
	with := func(change func(h *letterhead)) string {
		h := good
		change(&h)
		return a.signed(h)
	}
	once := a.signed(good)
	at := func(d time.Duration) string { return fmt.Sprint(a.now().Add(d).Unix()) }
	replaced := func(from, to string) string { return strings.Replace(a.signed(good), from, to, 1) }
	a.secrets = append(a.secrets, between(once, "Signature: lgsp=:", ":"), between(once, `nonce="`, `"`))
	const wrong, malformed, little, late = "signature-wrong", "signature-malformed", "signature-covers-little", "signature-time"
	a.each(t, []attack{
		{name: "right", sent: once, status: 200, reached: 1},
		{name: "the same again", sent: once, status: 401, code: "signature-replayed"},
		{name: "parts in place of the target", sent: with(func(h *letterhead) { h.covers = "@query @path @method @authority" }), status: 200, reached: 1},
		{name: "with a purpose", sent: with(func(h *letterhead) { h.lines = []string{"LGSP-Purpose: tra-cuu"} }), status: 200, reached: 1},
		{name: "expires in time", sent: with(func(h *letterhead) { h.more = ";expires=" + at(30*time.Second) }), status: 200, reached: 1},
		{name: "the algorithm named", sent: with(func(h *letterhead) { h.more = `;alg="ed25519"` }), status: 200, reached: 1},
		{name: "another host in Host", sent: replaced("Host: gateway.test", "Host: evil.test"), status: 200, reached: 1},
		{name: "absolute form", sent: replaced("GET ", "GET http://evil.test"), status: 200, reached: 1},

		{name: "another path", sent: replaced("/ho-so?", "/danh-muc/1?"), status: 401, code: wrong},
		{name: "another query", sent: replaced("?a=%20b", "?a=%20c"), status: 401, code: wrong},
		{name: "another spelling of the query", sent: replaced("?a=%20b", "?a=+b"), status: 401, code: wrong},
		{name: "another method", sent: replaced("GET ", "HEAD "), status: 401, code: ""},
		{name: "for another gateway", sent: with(func(h *letterhead) { h.origin = "http://evil.test" }), status: 401, code: wrong},
		{name: "another's key", sent: with(func(h *letterhead) { h.key = others }), status: 401, code: wrong},
		{name: "another's key of the same kid", sent: with(func(h *letterhead) { h.keyID = other.String() + "/may-chu/1" }), status: 401, code: wrong},
		{name: "another's own key", sent: with(func(h *letterhead) { h.key, h.keyID = others, other.String()+"/may-chu/1" }), status: 403, code: "no-agreement"},
		{name: "no such application", sent: with(func(h *letterhead) { h.keyID = uuid.Max.String() + "/may-chu/1" }), status: 401, code: wrong},
		{name: "no such key", sent: with(func(h *letterhead) { h.keyID = a.app.String() + "/may-chu" }), status: 401, code: wrong},
		{name: "a changed parameter", sent: replaced(`;tag="lgsp"`, `;expires=9999999999;tag="lgsp"`), status: 401, code: wrong},

		{name: "a kid alone", sent: with(func(h *letterhead) { h.keyID = "may-chu/1" }), status: 401, code: malformed},
		{name: "no kid", sent: with(func(h *letterhead) { h.keyID = a.app.String() + "/" }), status: 401, code: malformed},
		{name: "no keyid", sent: with(func(h *letterhead) { h.keyID = "-" }), status: 401, code: malformed},
		{name: "an id in another spelling", sent: with(func(h *letterhead) { h.keyID = strings.ToUpper(a.app.String()) + "/may-chu/1" }), status: 401, code: malformed},
		{name: "no tag", sent: with(func(h *letterhead) { h.tag = "-" }), status: 401, code: malformed},
		{name: "made for others", sent: with(func(h *letterhead) { h.tag = "web-bot-auth" }), status: 401, code: malformed},
		{name: "no nonce", sent: with(func(h *letterhead) { h.nonce = "-" }), status: 401, code: malformed},
		{name: "a short nonce", sent: with(func(h *letterhead) { h.nonce = "123456789012345" }), status: 401, code: malformed},
		{name: "a long nonce", sent: with(func(h *letterhead) { h.nonce = strings.Repeat("n", 129) }), status: 401, code: malformed},
		{name: "no algorithm", sent: with(func(h *letterhead) { h.more = `;alg="none"` }), status: 401, code: malformed},
		{name: "a shared secret's", sent: with(func(h *letterhead) { h.more = `;alg="hmac-sha256"` }), status: 401, code: malformed},
		{name: "a key from elsewhere", sent: with(func(h *letterhead) { h.more = `;jku="http://evil.test/keys"` }), status: 401, code: malformed},
		{name: "two signatures", sent: replaced("Signature-Input: ", "Signature-Input: a=();created=1, "), status: 401, code: malformed},
		{name: "two lines", sent: replaced("Signature-Input: ", "Signature-Input: a=();created=1\r\nSignature-Input: "), status: 401, code: malformed},
		{name: "Signature alone", sent: asks("GET", "{P}/ho-so", "Signature: lgsp=:AAAA:"), status: 401, code: malformed},
		{name: "Signature-Input alone", sent: asks("GET", "{P}/ho-so", `Signature-Input: lgsp=("@method")`), status: 401, code: malformed},
		{name: "wrong where none is needed", sent: asks("GET", "{P}/danh-muc/1", "Signature: x"), status: 401, code: malformed},
		{name: "very long", sent: asks("GET", "{P}/ho-so", "Signature-Input: lgsp=("+strings.Repeat(`"a" `, 4000)+")", "Signature: lgsp=:AAAA:"), status: 401, code: malformed},

		{name: "an hour old", sent: with(func(h *letterhead) { h.created = at(-time.Hour) }), status: 401, code: late},
		{name: "62 s old", sent: with(func(h *letterhead) { h.created = at(-62 * time.Second) }), status: 401, code: late},
		{name: "of later", sent: with(func(h *letterhead) { h.created = at(65 * time.Second) }), status: 401, code: late},
		{name: "of no time", sent: with(func(h *letterhead) { h.created = "-" }), status: 401, code: late},
		{name: "expired", sent: with(func(h *letterhead) { h.created, h.more = at(-20*time.Second), ";expires="+at(-10*time.Second) }), status: 401, code: late},
		{name: "expires before it is made", sent: with(func(h *letterhead) { h.created, h.more = at(30*time.Second), ";expires="+at(20*time.Second) }), status: 401, code: late},

		{name: "nothing is covered", sent: with(func(h *letterhead) { h.covers = "-" }), status: 401, code: little},
		{name: "not the method", sent: with(func(h *letterhead) { h.covers = "@target-uri" }), status: 401, code: little},
		{name: "not the query", sent: with(func(h *letterhead) { h.covers = "@method @authority @path" }), status: 401, code: little},
		{name: "not the authority", sent: with(func(h *letterhead) { h.covers = "@method @path @query" }), status: 401, code: little},
		{name: "not the purpose", sent: with(func(h *letterhead) { h.covers, h.lines = "@method @target-uri", []string{"LGSP-Purpose: tra-cuu"} }), status: 401, code: little},
		{name: "a dossier put in", sent: replaced("Signature: ", "LGSP-Dossier: H48-0099\r\nSignature: "), status: 401, code: little},
		{name: "a purpose put in", sent: replaced("Signature: ", "LGSP-Purpose: tra-cuu\r\nSignature: "), status: 401, code: little},

		{name: "and a key", sent: replaced("Signature: ", "X-API-Key: {K}\r\nSignature: "), status: 400, code: "two-credentials"},
		{name: "and a token", sent: replaced("Signature: ", "Authorization: Bearer {T}\r\nSignature: "), status: 400, code: "two-credentials"},
		{name: "and Basic", sent: replaced("Signature: ", "Authorization: Basic YTpi\r\nSignature: "), status: 400, code: "two-credentials"},
		{name: "personal data", sent: with(func(h *letterhead) { h.target = "/nguoi/{N}"; h.target = strings.Replace(h.target, "{N}", number, 1) }), status: 401, code: "signature-for-personal-data"},
	})
}

func between(text, from, to string) string {
	_, rest, _ := strings.Cut(text, from)
	part, _, _ := strings.Cut(rest, to)
	return part
}

// TestSignedBodies: a body that is not the one signed is refused, and never
// reaches the upstream whole.
func TestSignedBodies(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	a.takesSignatures()
	good := letterhead{key: a.signer(a.app, "1"), keyID: a.app.String() + "/1", method: "POST", target: "/nop", body: "mot-hai-ba"}
	with := func(change func(h *letterhead)) string {
		h := good
		change(&h)
		return a.signed(h)
	}
	large := strings.Repeat("b", 300_000)
	chunked := func(body, of string) string {
		h := good
		h.body = of
		return asks("POST", "{P}/nop", append(a.fields(h), "Transfer-Encoding: chunked")...) + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	}
	a.each(t, []attack{
		{name: "small", sent: a.signed(good), status: 200, reached: 1},
		{name: "large", sent: with(func(h *letterhead) { h.body = large }), status: 200, reached: 1},
		{name: "in chunks", sent: chunked(large, large), status: 200, reached: 1},
		{name: "small, another", sent: strings.Replace(a.signed(good), "\r\n\r\nmot", "\r\n\r\nMot", 1), status: 400, code: "digest-wrong"},
		{name: "the digest of another", sent: with(func(h *letterhead) { h.digest = digestOfText("bon") }), status: 400, code: "digest-wrong"},
		{name: "another digest beside", sent: strings.Replace(a.signed(good), "Content-Digest: ", "Content-Digest: sha-512=:AAAA:\r\nContent-Digest: ", 1), status: 401, code: "signature-malformed"},
		{name: "no digest", sent: with(func(h *letterhead) { h.covers = "@method @target-uri" }), status: 401, code: "signature-covers-little"},
		{name: "a digest that is not there", sent: with(func(h *letterhead) { h.digest, h.covers = "-", "@method @target-uri content-digest" }), status: 401, code: "signature-malformed"},
		{name: "MD5", sent: with(func(h *letterhead) { h.digest = "md5=:AAAA:" }), status: 401, code: "signature-malformed"},
		{name: "taken away", sent: strings.Replace(strings.TrimSuffix(a.signed(good), good.body), "Content-Length: 10", "Content-Length: 0", 1), status: 400, code: "digest-wrong"},
		{name: "put in", sent: strings.Replace(with(func(h *letterhead) { h.body = "" }), "\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nabc", 1), status: 401, code: "signature-covers-little"},
	})
	for name, sent := range map[string]string{
		"large, another": strings.Replace(with(func(h *letterhead) { h.body = large }), "bbb", "bab", 1),
		"in chunks":      chunked(large[1:]+"c", large),
	} {
		t.Run(name, func(t *testing.T) {
			type got struct {
				size int
				err  error
			}
			arrived := make(chan got, 1)
			a.streams(func(_ http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				arrived <- got{len(body), err}
			})
			answer := a.exchangeBytes(t, sent)
			if !strings.HasPrefix(answer, "HTTP/1.1 400 ") || !strings.Contains(answer, `"digest-wrong"`) {
				t.Errorf("got %.300s", answer)
			}
			select {
			case g := <-arrived:
				if g.err == nil || g.size >= len(large) {
					t.Errorf("the upstream got %d bytes, %v", g.size, g.err)
				}
			case <-time.After(2 * time.Second): // broken before the system had read a byte: it got nothing
			}
		})
	}
}

// TestSignedCallsElsewhere: where a version takes no signatures they are no
// credential, and go on; where it does, the system is not shown them.
func TestSignedCallsElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := letterhead{key: w.signer(w.app, "1"), keyID: w.app.String() + "/1", target: "/ho-so"}
	send := func(target string) (reply, http.Header) {
		h.target = target
		var headers []string
		for _, line := range append(w.fields(h), "signature_input: x") {
			name, value, _ := strings.Cut(line, ": ")
			headers = append(headers, name, value)
		}
		got := w.do("GET", target, headers...)
		if w.reachedCount() == 0 {
			return got, nil
		}
		r, _ := w.last()
		return got, r.Header
	}
	if got, _ := send("/ho-so"); got.status != 401 || got.code != "no-credential" || got.header.Get("Accept-Signature") != "" {
		t.Errorf("not taken: got %d %s %v", got.status, got.code, got.header)
	}
	if got, seen := send("/danh-muc/1"); got.status != 200 || seen.Get("Signature") == "" || seen.Get("Signature-Input") == "" {
		t.Errorf("open: got %d %s, the system saw %v", got.status, got.code, seen)
	}
	w.takesSignatures()
	got := w.do("GET", "/ho-so")
	if ask := got.header.Get("Accept-Signature"); got.status != 401 || !strings.HasPrefix(ask, `lgsp=("@method" "@target-uri" "content-digest");created;nonce="`) || !strings.HasSuffix(ask, `;tag="lgsp"`) {
		t.Errorf("asked for: got %d %q", got.status, ask)
	}
	if again := w.do("GET", "/ho-so").header.Get("Accept-Signature"); again == got.header.Get("Accept-Signature") {
		t.Error("one nonce is handed out twice")
	}
	if got := w.do("GET", "/nguoi/0123").header.Get("Accept-Signature"); got != "" {
		t.Errorf("personal data: asked for %s", got)
	}
	h.nonce = between(got.header.Get("Accept-Signature"), `nonce="`, `"`)
	got, seen := send("/ho-so")
	if got.status != 200 || got.header.Get("Cache-Control") != "no-store" || seen.Get("Lgsp-Application") != w.app.String() {
		t.Errorf("with the nonce that was handed out: got %d %s, the system saw %v", got.status, got.code, seen)
	}
	for name := range seen {
		if strings.HasPrefix(strings.ReplaceAll(strings.ToLower(name), "_", "-"), "signature") {
			t.Errorf("the system saw %s", name)
		}
	}
}

// TestSigningKeysEnd: a key that is taken away opens nothing within a second,
// nor does one of an application that is disabled; a node that starts with the
// database away knows those there were.
func TestSigningKeysEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.takesSignatures()
	h := letterhead{key: w.signer(w.app, "1"), keyID: w.app.String() + "/1", target: "/danh-muc/1"}
	code := func(to *site, n *Node) string {
		h.origin = n.GatewayURL
		var headers []string
		for _, line := range w.fields(h) {
			name, value, _ := strings.Cut(line, ": ")
			headers = append(headers, name, value)
		}
		got := w.send(to, "GET", h.target, "", headers...)
		return fmt.Sprint(got.status, " ", got.code)
	}
	if got := code(w.server, w.node); got != "200 " {
		t.Fatalf("got %s", got)
	}
	if err := w.node.keep(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	kept, err := os.ReadFile(filepath.Join(w.node.DataDir, keptFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, keptFile), kept, 0o600); err != nil {
		t.Fatal(err)
	}
	second, site := w.startAway(dir, func(*Node) {})
	if got := code(site, second); got != "200 " {
		t.Errorf("by what was kept: got %s", got)
	}
	w.mu.Lock()
	w.disabled = []uuid.UUID{w.app}
	w.mu.Unlock()
	w.tell("credential")
	w.until("disabled", func() bool { return code(w.server, w.node) == "401 caller-disabled" })
	w.mu.Lock()
	w.disabled, w.signing = nil, nil
	w.mu.Unlock()
	begun := time.Now()
	w.tell("credential " + w.app.String())
	w.until("the key has ended", func() bool { return w.node.current.Load().signers.of(w.app, "1") == nil })
	if took := time.Since(begun); took > time.Second {
		t.Errorf("after %s, want within a second", took)
	}
	w.tell("credential")
	w.until("refused", func() bool { return code(w.server, w.node) == "401 signature-wrong" })
}

// TestNonces: one is taken once for as long as it matters, by its application
// only; what there is no room for is refused.
func TestNonces(t *testing.T) {
	t.Parallel()
	var n nonces
	a, b, now := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), time.Unix(1_700_000_000, 0)
	take := func(application uuid.UUID, nonce string, after time.Duration) string {
		fresh, room := n.take(application, nonce, now.Add(after), 2*signatureWindow)
		return fmt.Sprint(fresh, room)
	}
	for i, step := range []struct {
		who   uuid.UUID
		after time.Duration
		want  string
	}{
		{a, 0, "true true"}, {a, 0, "false true"}, {b, 0, "true true"}, {a, 119 * time.Second, "false true"}, {a, 121 * time.Second, "false true"},
		{a, 10 * time.Minute, "true true"}, {a, 10*time.Minute + 121*time.Second, "false true"}, {a, time.Hour, "true true"},
	} {
		if got := take(step.who, "nonce", step.after); got != step.want {
			t.Errorf("step %d: got %s, want %s", i, got, step.want)
		}
	}
	for i := range noncesOfApplication - 1 {
		if got := take(a, fmt.Sprint(i), time.Hour); got != "true true" {
			t.Fatalf("%d: got %s", i, got)
		}
	}
	if got := take(a, "more", time.Hour); got != "false false" {
		t.Errorf("beyond its share: got %s", got)
	}
	if got := take(b, "more", time.Hour); got != "true true" {
		t.Errorf("another: got %s", got)
	}
}
