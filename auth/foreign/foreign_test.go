package foreign

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

var application = uuid.MustParse("0199f3c4-6b1e-7a52-9f0b-2d9d6f0c1a77")

// server is an authorization server that says what it is told to.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  atomic.Int64
	wrong  atomic.Pointer[string] // of the last request
}

func newServer(t *testing.T) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		id, secret, ok := r.BasicAuth()
		if r.Method != "POST" || !ok || id != "tinh%2Bqn" || secret != "b%C3%AD+m%E1%BA%ADt" || r.PostFormValue("token") == "" ||
			r.PostFormValue("token_type_hint") != "access_token" || r.Header.Get("Accept") != "application/json" {
			said := fmt.Sprintf("%s by %q %q with %v", r.Method, id, secret, r.PostForm)
			s.wrong.Store(&said)
		}
		s.mu.Lock()
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() {
		if said := s.wrong.Load(); said != nil {
			t.Errorf("asked by %s", *said)
		}
	})
	return s
}

func (s *server) says(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *server) saysText(text string) {
	s.says(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		_, _ = io.WriteString(w, text)
	})
}

func (s *server) issuer() Issuer {
	return Issuer{Identifier: "https://sso.example.vn", URL: s.URL + "/introspect", ClientID: "tinh+qn", Secret: "bí mật", Audience: "https://api.example.vn",
		Clients: map[string]uuid.UUID{"mot-cua": application}}
}

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.at.Add(int64(d)) }

func newIssuers(list ...Issuer) (*Issuers, *clock) {
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC).UnixNano())
	s := &Issuers{Client: &http.Client{Timeout: 10 * time.Second}, Now: c.now}
	s.Set(list)
	return s, c
}

const good = `{"active":true,"client_id":"mot-cua","token_type":"Bearer","aud":["x","https://api.example.vn"],"iss":"https://sso.example.vn","iat":1796025500,"exp":1796026500.5}`

// TestToken: what an issuer may say of a token, and what comes of it.
func TestToken(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for name, tt := range map[string]struct{ says, want string }{
		"good":                     {good, ""},
		"without times and type":   {`{"active":true,"client_id":"mot-cua","aud":"https://api.example.vn"}`, ""},
		"type in small letters":    {`{"active":true,"client_id":"mot-cua","token_type":"bearer","aud":"https://api.example.vn","cnf":null}`, ""},
		"not active":               {`{"active":false}`, "foreign-token-inactive"},
		"active is not said":       {strings.Replace(good, `"active":true,`, "", 1), "foreign-token-inactive"},
		"of no client":             {strings.Replace(good, `"client_id":"mot-cua",`, "", 1), "foreign-token-inactive"},
		"of a client nobody knows": {strings.Replace(good, "mot-cua", "ai-do", 1), "foreign-client-unknown"},
		"for others":               {strings.Replace(good, "api.example.vn", "khac.example.vn", 1), "foreign-token-inactive"},
		"for nobody":               {strings.Replace(good, `"aud":["x","https://api.example.vn"],`, "", 1), "foreign-token-inactive"},
		"of another issuer":        {strings.Replace(good, "sso.example", "sso2.example", 1), "foreign-token-inactive"},
		"over":                     {strings.Replace(good, "1796026500.5", "1796025600", 1), "foreign-token-inactive"},
		"over before time began":   {strings.Replace(good, "1796026500.5", "-1e300", 1), "foreign-token-inactive"},
		"over at the end of time":  {strings.Replace(good, "1796026500.5", "1e300", 1), "foreign-token-inactive"},
		"not yet":                  {strings.Replace(good, `"iat"`, `"nbf":1796025700,"iat"`, 1), "foreign-token-inactive"},
		"bound to a key":           {strings.Replace(good, `"iat"`, `"cnf":{"jkt":"x"},"iat"`, 1), "foreign-token-inactive"},
		"DPoP":                     {strings.Replace(good, "Bearer", "DPoP", 1), "foreign-token-inactive"},
		"a string for active":      {strings.Replace(good, "true", `"true"`, 1), "foreign-issuer-down"},
		"no JSON":                  {`active=true`, "foreign-issuer-down"},
		"a list":                   {`[` + good + `]`, "foreign-issuer-down"},
		"without end":              {`{"active":true,"client_id":"` + strings.Repeat("x", maxAnswer) + `"}`, "foreign-issuer-down"},
	} {
		issuers, _ := newIssuers(s.issuer())
		s.saysText(tt.says)
		token, err := issuers.Token(t.Context(), "https://sso.example.vn", "tok-"+name)
		if code(err) != tt.want {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
		if tt.want == "" && token.Application != application {
			t.Errorf("%s: got %+v", name, token)
		}
	}
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return problem.Code(err)
}

// TestTokenFaults: an issuer that answers otherwise than RFC 7662 has it cannot
// be asked; that is not the token's fault. It is left alone for a moment, and
// our secret goes nowhere else.
func TestTokenFaults(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("followed to %s", r.URL) }))
	defer elsewhere.Close()
	for name, answer := range map[string]http.HandlerFunc{
		"refuses us": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) },
		"sends us away": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
		"answers a JWT": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/token-introspection+jwt")
			_, _ = io.WriteString(w, good)
		},
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "500")
			_, _ = io.WriteString(w, good)
		},
		"says nothing": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		issuers, now := newIssuers(s.issuer())
		s.says(answer)
		before := s.asked.Load()
		begun := time.Now()
		if _, err := issuers.Token(t.Context(), "https://sso.example.vn", "a"); code(err) != "foreign-issuer-down" || problem.Of(err).Header.Get("Retry-After") == "" {
			t.Errorf("%s: got %v", name, err)
		}
		if took := time.Since(begun); took > askWithin+3*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
		s.saysText(good)
		if _, err := issuers.Token(t.Context(), "https://sso.example.vn", "a"); code(err) != "foreign-issuer-down" || s.asked.Load() != before+1 {
			t.Errorf("%s, asked again at once: got %v, asked %d times", name, err, s.asked.Load()-before)
		}
		now.pass(restAfterBad)
		if _, err := issuers.Token(t.Context(), "https://sso.example.vn", "a"); err != nil {
			t.Errorf("%s, once it is well: got %v", name, err)
		}
	}
	issuers, _ := newIssuers()
	if _, err := issuers.Token(t.Context(), "https://sso.example.vn", "a"); code(err) != "foreign-issuer-absent" {
		t.Errorf("no issuer: got %v", err)
	}
	issuers, _ = newIssuers(s.issuer())
	if _, err := issuers.Token(t.Context(), "https://sso.example.vn", strings.Repeat("a", maxToken+1)); code(err) != "token-malformed" {
		t.Errorf("a long token: got %v", err)
	}
}

// TestRemembered: a yes is asked for again after half a minute or when the
// token ends, a no after 5 s; whose application a client is holds at once; and
// many who bring the same token at once ask once.
func TestRemembered(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	issuers, now := newIssuers(s.issuer())
	ask := func() string {
		_, err := issuers.Token(t.Context(), "https://sso.example.vn", "a")
		return code(err)
	}
	expect := func(what, want string, asked int64) {
		t.Helper()
		if got := ask(); got != want || s.asked.Load() != asked {
			t.Errorf("%s: got %q after %d askings, want %q after %d", what, got, s.asked.Load(), want, asked)
		}
	}
	s.saysText(good)
	release := make(chan struct{})
	s.says(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, good)
	})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got := ask(); got != "" {
				t.Errorf("together: got %s", got)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	close(release)
	all.Wait()
	s.saysText(`{"active":false}`)
	now.pass(believed - time.Second)
	expect("within half a minute", "", 1)
	issuer := s.issuer()
	issuer.Clients = nil
	issuers.Set([]Issuer{issuer})
	expect("its client is none any more", "foreign-client-unknown", 1)
	issuers.Set([]Issuer{s.issuer()})
	expect("and is again", "", 1)
	now.pass(time.Second)
	expect("after half a minute", "foreign-token-inactive", 2)
	s.saysText(good)
	now.pass(disbelieved - time.Second)
	expect("within 5 s of a no", "foreign-token-inactive", 2)
	now.pass(time.Second)
	expect("after 5 s", "", 3)
	issuer = s.issuer()
	issuer.Audience = "https://khac.example.vn"
	issuers.Set([]Issuer{issuer})
	expect("for another audience", "foreign-token-inactive", 4)
	issuers.Set([]Issuer{s.issuer()})
	now.pass(believed)
	s.saysText(strings.Replace(good, "1796026500.5", fmt.Sprint(now.now().Unix()+2), 1))
	expect("a token that ends soon", "", 5)
	now.pass(2 * time.Second)
	s.saysText(`{"active":false}`)
	expect("once it has ended", "foreign-token-inactive", 6)
}

// FuzzAnswer: no answer is believed that is not active, of a client, for us.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{good, `{"active":false}`, `{"active":true,"aud":[]}`, `null`, `{"active":true,"client_id":"a","exp":1e400}`, `{"aud":{"a":1}}`} {
		f.Add([]byte(text))
	}
	i := &issuer{Issuer: Issuer{Identifier: "https://sso.example.vn", Audience: "https://api.example.vn"}}
	at := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := i.read(text, at)
		if err != nil || !v.active {
			return
		}
		var said map[string]any
		if json.Unmarshal(text, &said) != nil || v.client == "" || !v.until.After(at) || v.until.After(at.Add(believed)) {
			t.Errorf("%q is believed: %+v", text, v)
		}
	})
}
