package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
)

// rotation is a platform whose secret is rotated, and everything that is said
// meanwhile.
type rotation struct {
	*world
	said bytes.Buffer
}

// runs runs a platform, lgsp serve or (alone) lgsp gateway, on the world's
// addresses, and gives what stops it.
func (w *rotation) runs(p *platform, alone bool) (stop func()) {
	w.t.Helper()
	var d doors
	for at, listener := range map[string]*net.Listener{p.config.PortalAddr: &d.portal, p.config.GatewayAddr: &d.gateway, p.config.OpsAddr: &d.ops} {
		if alone && listener == &d.portal {
			continue
		}
		l, err := net.Listen("tcp", at)
		w.must(err)
		*listener = l
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	if alone {
		go func() { ended <- p.runNode(ctx, d, nil) }()
	} else {
		go func() { ended <- p.run(ctx, d, func() {}) }()
	}
	w.until("the platform is ready", func() bool { return p.ready(ctx) == nil })
	once := false
	stop = func() {
		if once {
			return
		}
		once = true
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the platform ended with: %v", err)
		}
	}
	w.t.Cleanup(stop)
	return stop
}

// again wires the platform anew, as after a restart, with the file at path.
func (w *rotation) again(wiring func(context.Context, config, *database) (*platform, error), c config) *platform {
	w.t.Helper()
	p, err := wiring(w.t.Context(), c, w.db)
	w.must(err)
	p.upstreams.allowLoopback([]string{w.id["upstream"]})
	p.catalog.Loopback = []string{w.id["upstream"]}
	return p
}

// lgsp runs a command on the world's secret; it is to fail with a text, "": not.
func (w *rotation) lgsp(fails string, args ...string) string {
	w.t.Helper()
	var out bytes.Buffer
	err := run(w.t.Context(), program{Args: args, Stdout: &out, Stderr: &out, Environ: []string{
		"LGSP_DATA_DIR=" + w.config.DataDir, "LGSP_DATABASE_URL=" + w.db.URL, "LGSP_SECRET_FILE=" + w.config.SecretFile,
		"LGSP_ISSUER=" + w.config.Issuer, "LGSP_PORTAL_URL=" + w.config.PortalURL, "LGSP_GATEWAY_URL=" + w.config.GatewayURL}})
	w.said.WriteString(out.String())
	switch {
	case err != nil:
		w.said.WriteString(err.Error())
		if fails == "" || !strings.Contains(err.Error(), fails) {
			w.t.Errorf("lgsp %s: got %v, want %q", strings.Join(args, " "), err, fails)
		}
	case fails != "":
		w.t.Errorf("lgsp %s: went through, want %q:\n%s", strings.Join(args, " "), fails, out.String())
	}
	return out.String()
}

// goesOn checks that a platform takes a key at its gateway, and what stands for
// the developer everywhere else.
func (w *rotation) goesOn(when, gateway, key string) {
	w.t.Helper()
	status := func(what string, want int, got told) {
		w.t.Helper()
		if got.Status != want {
			w.t.Errorf("%s: %s: got %d %s, want %d", when, what, got.Status, got.Body, want)
		}
	}
	const call = "/so-a/dich-vu-public/v1/thua-dat/9"
	w.until(when+": the key opens", func() bool { // a node learns of a new one within a second
		return w.thief("GET", "http://"+gateway+call, nil, "X-API-Key", key, "LGSP-Purpose", "dich-vu").Status == http.StatusOK
	})
	token := w.tokenFor(w.config.GatewayURL + "/so-a/dich-vu-public/v1")
	status("a token by the client secret", 200, w.thief("GET", "http://"+gateway+call, nil, "Authorization", "Bearer "+token, "LGSP-Purpose", "dich-vu"))
	status("a token of before", 200, w.thief("GET", "http://"+gateway+call, nil, "Authorization", "Bearer "+w.id["access token"], "LGSP-Purpose", "dich-vu"))
	status("a personal token", 200, w.thief("GET", w.config.PortalURL+"/api/v1/me", nil, "Authorization", "Bearer "+w.token["developer"]))
	status("a session", 200, w.thief("GET", w.config.PortalURL+"/account", nil, "Cookie", "lgsp_session="+w.session["developer"]))
}

// TestSecretRotation: the answer to "the secret leaked", as docs/operators.md
// has it, on a platform that goes on all the while.
func TestSecretRotation(t *testing.T) {
	t.Parallel()
	w := &rotation{world: newWorld(t)}
	ctx := t.Context()
	w.doors.close()
	w.must(w.beginSecret(ctx))
	stop := w.runs(w.platform, false)
	w.id["access token"] = w.tokenFor(w.config.GatewayURL + "/so-a/dich-vu-public/v1")
	w.must(w.auth.StartApp(ctx, w.session["citizen"]))
	app, err := w.auth.StartedApp(ctx, w.session["citizen"])
	w.must(err)
	w.goesOn("before", w.config.GatewayAddr, w.key)
	before := w.config
	before.SecretFile = filepath.Join(t.TempDir(), "secret")
	w.copySecret(w.config.SecretFile, before.SecretFile)

	w.lgsp("usage", "secret")
	w.lgsp("usage", "secret", "list", "--force")
	w.lgsp("usage", "secret", "drop", "one")
	w.lgsp("is in use", "secret", "drop", "1")
	w.lgsp("holds no version 2", "secret", "drop", "2")
	if out := w.lgsp("", "secret", "rotate"); !strings.Contains(out, "version 2") || !strings.Contains(out, "lgsp gateway") {
		t.Errorf("rotate says: %s", out)
	}
	w.lgsp("not in use yet", "secret", "rotate")
	w.lgsp("is in use", "secret", "drop", "1", "--force")
	if out := w.lgsp("", "secret", "list"); !strings.Contains(out, "waits for lgsp serve") || !strings.Contains(out, "2 API keys") {
		t.Errorf("list says: %s", out)
	}
	if info, err := os.Stat(w.config.SecretFile); err != nil || info.Size() != 64 || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}

	// A gateway node first: it accepts every version, and makes by the old one.
	alone := w.config
	alone.DataDir, alone.GatewayAddr, alone.OpsAddr = t.TempDir(), freeAddress(t), freeAddress(t)
	node := w.again(wire, alone)
	stopNode := w.runs(node, true)
	w.goesOn("the gateway restarted", alone.GatewayAddr, w.key)
	if got := node.secrets.inUse.Load(); got != 1 {
		t.Errorf("the gateway makes by version %d before lgsp serve does", got)
	}

	// Then lgsp serve.
	stop()
	next := w.again(wireToServe, w.config)
	w.platform = next
	stop = w.runs(next, false)
	w.until("the gateway has heard", func() bool { return node.secrets.inUse.Load() == 2 })
	made, err := w.auth.AddCredential(ctx, w.people["developer"], w.uuid("application"), auth.NewCredential{Kind: auth.APIKey})
	w.must(err)
	for _, at := range []string{w.config.GatewayAddr, alone.GatewayAddr} {
		w.goesOn("serve restarted, an old key at "+at, at, w.key)
		w.goesOn("serve restarted, a new key at "+at, at, made.Secret)
	}
	if again, err := w.auth.StartedApp(ctx, w.session["citizen"]); err != nil || again != app {
		t.Errorf("the authenticator app: %v, and the same secret: %v", err, again == app)
	}
	for name, spoil := range map[string]func(path string){
		"the platform uses version 2":                func(path string) { w.copySecret(before.SecretFile, path) },
		"version 2 in":                               func(path string) { w.spoilSecret(path, 40) },
		"version 1 in":                               func(path string) { w.spoilSecret(path, 8) },
		"must hold 32 random bytes for each version": func(path string) { w.cutSecret(path) },
	} {
		c := alone
		c.SecretFile = filepath.Join(t.TempDir(), "secret")
		spoil(c.SecretFile)
		if _, err := wire(ctx, c, w.db); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("with another file: got %v, want %q", err, name)
		}
	}

	// What was used is stored anew once the nodes have told; the rest is named.
	stopNode()
	stop()
	out := w.lgsp("", "secret", "list")
	// The key and the secret that are left are of the agency's application, which nobody used.
	const unused = "1 API key, 1 client secret, 6 personal tokens, 1 registration token, 1 honey key"
	if first := strings.Split(out, "\n")[1]; !strings.HasSuffix(first, unused+", the ledger's key, subject hashes") {
		t.Errorf("list says:\n%s", out)
	}
	w.lgsp("still needed by: "+unused+".", "secret", "drop", "1")
	if out := w.lgsp("", "secret", "drop", "1", "--force"); !strings.Contains(out, "Lost: 6 personal tokens: ") || !strings.Contains(out, "Lost: 1 honey key: ") || !strings.Contains(out, "ledger") {
		t.Errorf("drop says: %s", out)
	}
	w.lgsp("was dropped before", "secret", "drop", "1")
	w.platform = w.again(wireToServe, w.config)
	stop = w.runs(w.platform, false)
	w.goesOn("without version 1", w.config.GatewayAddr, w.key)
	if got := w.thief("GET", w.config.PortalURL+"/api/v1/me", nil, "Authorization", "Bearer "+w.token["auditor"]); got.Status != http.StatusUnauthorized {
		t.Errorf("a token that was given up: got %d %s", got.Status, got.Body)
	}
	if again, err := w.auth.StartedApp(ctx, w.session["citizen"]); err != nil || again != app {
		t.Errorf("the authenticator app without version 1: %v", err)
	}
	time.Sleep(1500 * time.Millisecond) // the sequencer's turn
	stop()
	if out := w.lgsp("", "ledger", "verify"); strings.Contains(out, "checkpoint-invalid") {
		t.Errorf("the ledger: %s", out)
	}
	w.hidesSecrets(before.SecretFile)
}

// TestDropASecret: what nothing needs goes without force, what the signing keys
// need stays for all the force there is.
func TestDropASecret(t *testing.T) {
	t.Parallel()
	url, dir := pgtest.NewURL(t), t.TempDir()
	pool, err := pg.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w := &rotation{world: &world{t: t, platform: &platform{
		db:     &database{URL: url, Pool: pool},
		config: config{DataDir: dir, SecretFile: filepath.Join(dir, "secret"), PortalURL: "http://localhost:8080", GatewayURL: "http://localhost:8000", Issuer: "http://localhost:8080"},
	}}}
	w.lgsp("no such file", "secret", "list")
	serve := func() {
		t.Helper()
		_, err := wireToServe(t.Context(), w.config, w.db)
		w.must(err)
	}
	var byTwo []byte // the signing key as version 2 has sealed it
	for version := 1; version <= 3; version++ {
		serve()
		if version == 2 {
			w.must(pool.QueryRow(t.Context(), `select sealed from auth.token_key where seal_version = 2 and algorithm = 'ES256'`).Scan(&byTwo))
		}
		w.lgsp("", "secret", "rotate")
	}
	serve()
	_, err = pool.Exec(t.Context(), `update auth.token_key set sealed = $1, seal_version = 2 where algorithm = 'ES256'`, byTwo)
	w.must(err)
	w.lgsp("seals 1 signing key,", "secret", "drop", "2")
	w.lgsp("seals 1 signing key,", "secret", "drop", "2", "--force")
	serve()
	for _, version := range []string{"2", "1"} {
		if out := w.lgsp("", "secret", "drop", version); !strings.Contains(out, "Version "+version+" is dropped") || strings.Contains(out, "Lost") {
			t.Errorf("drop %s says: %s", version, out)
		}
	}
	w.lgsp("was dropped before", "secret", "drop", "2")
	w.lgsp("is in use", "secret", "drop", "4")
	out := w.lgsp("", "secret", "list")
	for i, want := range []string{"VERSION", "1        dropped", "2        dropped", "3        accepted", "4        makes what is new"} {
		if line := strings.Split(out, "\n")[i]; !strings.HasPrefix(line, want) {
			t.Errorf("line %d is %q, want %q …", i, line, want)
		}
	}
	serve()
	var acts []string
	w.must(pool.QueryRow(t.Context(), `select array_agg(distinct substring(payload from 'secret\.[a-z]+')) from ledger.entry where payload::text like '%secret.%'`).Scan(&acts))
	slices.Sort(acts)
	if want := []string{"secret.begin", "secret.drop", "secret.rotate"}; !slices.Equal(acts, want) {
		t.Errorf("the ledger has %v, want %v", acts, want)
	}
}

func (w *rotation) copySecret(from, to string) {
	w.t.Helper()
	text, err := os.ReadFile(from)
	w.must(err)
	w.must(os.WriteFile(to, text, 0o600))
}

// spoilSecret makes a file with one byte of the world's secret changed.
func (w *rotation) spoilSecret(path string, at int) {
	w.t.Helper()
	text, err := os.ReadFile(w.config.SecretFile)
	w.must(err)
	text[at] ^= 1
	w.must(os.WriteFile(path, text, 0o600))
}

func (w *rotation) cutSecret(path string) {
	w.t.Helper()
	text, err := os.ReadFile(w.config.SecretFile)
	w.must(err)
	w.must(os.WriteFile(path, text[:48], 0o600))
}

// hidesSecrets looks for every secret there was in all that was said.
func (w *rotation) hidesSecrets(first string) {
	w.t.Helper()
	now, err := readSecrets(w.config.SecretFile)
	w.must(err)
	before, err := readSecrets(first)
	w.must(err)
	all := w.said.String() + logged.String()
	for i, one := range append(before.versions, now.versions...) {
		for _, form := range []string{string(one), hex.EncodeToString(one), strings.ToUpper(hex.EncodeToString(one)),
			base64.StdEncoding.EncodeToString(one), base64.RawURLEncoding.EncodeToString(one)} {
			if strings.Contains(all, form) {
				w.t.Errorf("secret %d stands in what was said", i)
			}
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
