package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/internal/mail"
)

// logged is every line that the tests of this package make the platform log.
var logged lockedBuffer

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps p.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is all that was written.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	os.Exit(m.Run())
}

// question stands in query strings, which no log may hold.
const question = "dau-vet-cua-cau-hoi"

// user goes through the platform like its users and remembers what they were
// told in confidence, and everything else that was said.
type user struct {
	*world
	client *http.Client
	secret map[string]string // what may stand in no output, by its name
	said   strings.Builder   // every answer but those that show a secret
}

var secretForm = regexp.MustCompile(`lgsp_(?:key|secret|pat|reg|client)_[0-9A-Za-z]+`)

// send makes a request and gives the answer's body.
func (u *user) send(r *http.Request, want int) string {
	u.t.Helper()
	answer, err := u.client.Do(r)
	u.must(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	u.must(err)
	if answer.StatusCode != want {
		u.t.Errorf("%s %s: got %d, want %d: %s", r.Method, r.URL.Path, answer.StatusCode, want, body)
	}
	return string(body)
}

// told keeps an answer that must not show any secret.
func (u *user) told(body string) { u.said.WriteString(body) }

// shown keeps the secrets of an answer that shows them, once.
func (u *user) shown(what, body string) {
	u.t.Helper()
	found := secretForm.FindAllString(body, -1)
	if len(found) == 0 {
		u.t.Errorf("%s shows no secret: %s", what, body)
	}
	for _, s := range found {
		u.secret[what+": "+s[:9]] = s
	}
}

func (u *user) get(address string) *http.Request {
	u.t.Helper()
	r, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, address, nil)
	u.must(err)
	return r
}

func (u *user) form(address string, pairs ...string) *http.Request {
	u.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequestWithContext(u.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	u.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func (u *user) api(method, address, token, body string) *http.Request {
	u.t.Helper()
	r, err := http.NewRequestWithContext(u.t.Context(), method, u.config.PortalURL+"/api/v1"+address, strings.NewReader(body))
	u.must(err)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// newUser is a browser on a running platform, without a session.
func newUser(w *world) *user {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	u := &user{world: w, secret: map[string]string{"client secret": w.secret, "API key": w.key},
		client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	for _, role := range roles[1:] {
		u.secret["token of "+role], u.secret["session of "+role], u.secret["password of "+role] = w.token[role], w.session[role], w.password[role]
	}
	held, err := readSecrets(w.config.SecretFile)
	w.must(err)
	root := held.versions[0]
	u.secret["the platform's secret"] = string(root)
	for _, purpose := range []string{"lgsp pepper v1", "lgsp seal v1", "lgsp oauth hmac v1", "lgsp ledger sign v1", "lgsp subject v1", "lgsp cookie v1"} {
		u.secret[purpose] = string(root.key(purpose))
	}
	return u
}

// letter is the token of the link in the letter to an address.
func (u *user) letter(to string) string {
	u.t.Helper()
	token := ""
	u.until("the letter to "+to, func() bool {
		letters, err := u.portal.Mailer.Files(100)
		u.must(err)
		for _, l := range letters {
			if found := linkToken.FindStringSubmatch(l.Text); l.To == to && found != nil {
				token = found[1]
			}
		}
		return token != ""
	})
	u.secret["link to "+to] = token
	return token
}

var linkToken = regexp.MustCompile(`\?token=([\w-]+)`)

// accounts signs up, in and out, sets a password and makes credentials.
func (u *user) accounts() {
	u.t.Helper()
	portal, password := u.config.PortalURL, "một mật khẩu của người mới"
	u.secret["password of the newcomer"], u.secret["wrong password"] = password, "mật khẩu gõ nhầm"
	u.told(u.send(u.form(portal+"/sign-up", "name", "Mới", "email", "moi@world.example"), 400))
	u.told(u.send(u.form(portal+"/sign-up", "name", "Mới", "email", "moi@world.example", "terms", "yes"), 202))
	link := u.letter("moi@world.example")
	u.send(u.get(portal+"/sign-up/confirm?token="+url.QueryEscape(link)), 200) // the page holds the link it was opened with
	u.shown("sign-up page", u.send(u.form(portal+"/sign-up/confirm", "token", link, "password", password), 201))
	u.told(u.send(u.form(portal+"/sign-up/confirm", "token", link, "password", password), 303)) // signed in by now
	u.told(u.send(u.form(portal+"/sign-out"), 303))
	u.told(u.send(u.form(portal+"/sign-in", "email", "moi@world.example", "password", "mật khẩu gõ nhầm"), 401))
	u.told(u.send(u.form(portal+"/sign-in", "email", "moi@world.example", "password", password), 303))
	at, err := url.Parse(portal)
	u.must(err)
	for _, cookie := range u.client.Jar.Cookies(at) {
		if cookie.Name == "lgsp_session" {
			u.secret["session cookie"] = cookie.Value
		}
	}
	u.send(u.get(portal+"/search?q="+question), 200) // the reader's own question comes back
	u.send(u.get(portal+"/khong-co?q="+question), 404)

	link, err = u.auth.CreateLink(u.t.Context(), auth.Platform("test"), u.people["operator"].Person, time.Hour)
	u.must(err)
	u.secret["one-time link"], u.secret["new password"] = link, "mật khẩu đặt qua liên kết"
	u.send(u.get(portal+"/set-password?token="+url.QueryEscape(link)), 200) // the page holds the link it was opened with
	u.told(u.send(u.form(portal+"/set-password", "token", link, "password", "mật khẩu đặt qua liên kết", "repeated", "mật khẩu đặt qua liên kết"), 303))
	u.send(u.get(portal+"/set-password?token="+url.QueryEscape(link)), 404) // so does the address, in the other language

	developer := u.token["developer"]
	u.told(u.send(u.api("POST", "/sign-up", "", `{"email":"nua@world.example","name":"Nữa"}`), 202))
	proof := `{"token":"` + u.letter("nua@world.example") + `","password":"` + password + `"}`
	u.shown("POST /sign-up/confirm", u.send(u.api("POST", "/sign-up/confirm", "", proof), 201))
	u.told(u.send(u.api("POST", "/sign-up/confirm", "", proof), 404))
	u.told(u.send(u.api("POST", "/sign-up", "", `{"email":"`+password+`"`), 400))
	u.shown("POST /tokens", u.send(u.api("POST", "/tokens", developer, `{"name":"một","hours":1}`), 201))
	u.shown("POST /credentials", u.send(u.api("POST", "/applications/"+u.id["application"]+"/credentials", developer, `{"kind":"api_key"}`), 201))
	u.shown("rotate", u.send(u.api("POST", "/credentials/"+u.id["client_secret"]+"/rotate", developer, `{"overlap_hours":1}`), 201))
	repeated := u.api("POST", "/tokens", developer, `{"name":"hai","hours":1}`)
	repeated.Header.Set("Idempotency-Key", "một lần thôi")
	u.shown("POST /tokens once", u.send(repeated, 201))
	for _, path := range []string{"/me", "/tokens", "/applications", "/applications/" + u.id["application"] + "/credentials"} {
		u.told(u.send(u.api("GET", path, developer, ""), 200))
	}
	u.told(u.send(u.api("GET", "/me", developer+"x", ""), 401))
	for _, query := range []string{"/apis?" + question + "=1", "/apis?agency=" + question, "/acts?since=" + question, "/search?after=" + question,
		"/datasets/opened-data/distributions/" + u.id["opened file"] + "/rows?" + question + "__exact=" + question, "/apis?limit=%zz" + question} {
		u.send(u.api("GET", query, developer, ""), 400)
	}
	u.send(u.api("POST", "/specs/inspect", u.token["publisher"], `{"url":"http://127.0.0.1:9/a?`+question+`"}`), 400)
}

// tokens takes tokens in both ways, and uses, shows and revokes them.
func (u *user) tokens() (personal string) {
	u.t.Helper()
	portal, id := u.config.PortalURL, u.id["application"]
	audience := u.config.GatewayURL + "/so-a/dich-vu-public/v1"
	ask := func(secret string, want int, pairs ...string) map[string]any {
		r := u.form(portal+"/oauth2/token", pairs...)
		r.SetBasicAuth(id, secret)
		body := u.send(r, want)
		if want != 200 {
			u.told(body)
			return nil
		}
		var token map[string]any
		u.must(json.Unmarshal([]byte(body), &token))
		for _, name := range []string{"access_token", "refresh_token", "id_token"} {
			if text, ok := token[name].(string); ok {
				u.secret[name+" "+text[len(text)-6:]] = text
			}
		}
		return token
	}
	ask(u.world.secret+"x", 401, "grant_type", "client_credentials", "resource", audience)
	personal, _ = ask(u.world.secret, 200, "grant_type", "client_credentials", "resource", audience)["access_token"].(string)

	callback := "https://ung-dung.example/tro-ve"
	u.send(u.api("PUT", "/applications/"+id, u.token["developer"], `{"name":"Tra cứu","redirect_uris":["`+callback+`"]}`), 200)
	verifier := oauth2.GenerateVerifier()
	u.secret["PKCE verifier"] = verifier
	conf := oauth2.Config{ClientID: id, RedirectURL: callback, Scopes: []string{"openid", "offline_access"}, Endpoint: oauth2.Endpoint{AuthURL: portal + "/oauth2/authorize"}}
	u.told(u.send(u.form(portal+"/sign-in", "email", "citizen@world.example", "password", u.password["citizen"]), 303))
	answer, err := u.client.Do(u.get(conf.AuthCodeURL("trạng thái", oauth2.S256ChallengeOption(verifier))))
	u.must(err)
	defer answer.Body.Close()
	consent, err := answer.Location()
	u.must(err)
	u.secret["consent handle"] = consent.Query().Get("request")
	u.send(u.get(consent.String()), 200) // the page holds its handle
	onward := u.send(u.form(portal+"/consent", "request", consent.Query().Get("request"), "answer", "allow"), 200)
	code := regexp.MustCompile(`[?&]code=([^&"]+)`).FindStringSubmatch(strings.ReplaceAll(onward, "&amp;", "&"))
	if code == nil {
		u.t.Fatalf("no code: %s", onward)
	}
	u.secret["authorization code"], err = url.QueryUnescape(code[1])
	u.must(err)
	token := ask(u.world.secret, 200, "grant_type", "authorization_code", "code", u.secret["authorization code"], "redirect_uri", callback, "code_verifier", verifier)
	refresh, _ := token["refresh_token"].(string)
	renewed := ask(u.world.secret, 200, "grant_type", "refresh_token", "refresh_token", refresh)
	ask(u.world.secret, 400, "grant_type", "refresh_token", "refresh_token", refresh)
	for _, path := range []string{"/oauth2/introspect", "/oauth2/revoke"} {
		r := u.form(portal+path, "token", renewed["access_token"].(string))
		r.SetBasicAuth(id, u.world.secret)
		u.told(u.send(r, 200))
	}
	return personal
}

// calls calls the gateway, rightly and wrongly.
func (u *user) calls(token string) int {
	u.t.Helper()
	service := u.config.GatewayURL + "/so-a/dich-vu-public/v1"
	for _, c := range []struct {
		path, header, value string
		status              int
	}{
		{"/danh-muc", "", "", 200},
		{"/thua-dat/9?q=" + question, "X-API-Key", u.key, 200},
		{"/nguoi/" + subject, "Authorization", "Bearer " + token, 200},
		{"/nguoi/" + subject, "X-API-Key", u.key, 401},
		{"/nguoi/" + subject + breaks, "Authorization", "Bearer " + token, 502},
		{"/nguoi/" + subject, "", "", 401},
		{"/thua-dat/9", "X-API-Key", u.key + "x", 401},
		{"/nguoi/" + subject, "Authorization", "Bearer " + token + "x", 401},
		{"/nguoi/" + subject + "/khac?access_token=" + token, "Authorization", "Bearer " + token, 404},
	} {
		r := u.get(service + c.path)
		r.Header.Set("LGSP-Purpose", "dich-vu")
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		u.told(u.send(r, c.status))
	}
	return 8 // the last is none of the version's operations, and no exchange
}

const exchangeCountSQL = `select count(*) from ledger.entry where kind = 'exchange' and seq is not null`

// outputs is everything that the platform has written, by where.
func (u *user) outputs() map[string]string {
	u.t.Helper()
	out := map[string]string{"log": logged.String(), "answers": u.said.String(),
		"metrics": u.send(u.get("http://"+u.config.OpsAddr+"/metrics"), 200)}
	u.must(filepath.WalkDir(u.config.DataDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path == u.config.SecretFile {
			return err
		}
		text, err := os.ReadFile(path)
		out["file "+path] = string(text)
		return err
	}))
	tables, err := u.db.Pool.Query(u.t.Context(), `select format('%I.%I', schemaname, tablename) from pg_tables
 where schemaname in ('auth', 'catalog', 'agreement', 'gateway', 'ledger', 'portal')`)
	u.must(err)
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	u.must(err)
	for _, name := range names {
		rows, err := u.db.Pool.Query(u.t.Context(), `select coalesce(string_agg(to_jsonb(t)::text, E'\n'), '') from `+name+` t`)
		u.must(err)
		out["table "+name], err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
		u.must(err)
	}
	if len(names) < 25 {
		u.t.Errorf("only %d tables were read", len(names))
	}
	return out
}

// spellings are the ways in which a text may be hidden in another.
func spellings(s string) []string {
	quoted, _ := json.Marshal(s)
	return []string{s, url.QueryEscape(s), url.PathEscape(s), strings.Trim(string(quoted), `"`), hex.EncodeToString([]byte(s)),
		base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))}
}

// TestNoSecretInAnyOutput goes through accounts, tokens and calls, and then
// looks for every secret that was used in everything that was written.
func TestNoSecretInAnyOutput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	u := newUser(w)
	u.accounts()
	exchanges := u.calls(u.tokens())
	wish, err := json.Marshal(w.wish("nghien-cuu"))
	w.must(err)
	u.told(u.send(u.api("POST", "/agreements", w.token["developer"], string(wish)), 201))
	w.until("the steward has a letter", func() bool {
		letters, err := w.portal.Mailer.Files(100)
		w.must(err)
		return slices.ContainsFunc(letters, func(l mail.Filed) bool { return l.To == "steward@world.example" })
	})
	w.until("the calls are in the ledger", func() bool {
		var n int
		w.must(w.db.Pool.QueryRow(t.Context(), exchangeCountSQL).Scan(&n))
		return n >= exchanges
	})
	u.secret["query string"], u.secret["personal number"] = question, subject
	if len(u.secret) < 40 {
		t.Errorf("only %d secrets were used", len(u.secret))
	}
	outputs := u.outputs()
	for where, text := range outputs {
		for what, secret := range u.secret {
			if strings.HasPrefix(what, "link to ") && strings.Contains(where, "/mail/") {
				continue // the letter itself
			}
			for _, spelling := range spellings(secret) {
				if at := strings.Index(text, spelling); at >= 0 {
					t.Errorf("%s holds %s: …%s…", where, what, text[max(0, at-120):min(len(text), at+120)])
				}
			}
		}
	}
	for where, mark := range map[string]string{"log": `"msg":"request"`, "metrics": "lgsp_gateway", "table ledger.entry": "exchange", "answers": "trace_id"} {
		if !strings.Contains(outputs[where], mark) {
			t.Errorf("%s was not collected: no %s in %d bytes", where, mark, len(outputs[where]))
		}
	}
}
