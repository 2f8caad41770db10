package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// TestDocumentIsTheRouter compares openapi.json with what is served, so that
// neither has an address the other lacks (make openapi).
func TestDocumentIsTheRouter(t *testing.T) {
	t.Parallel()
	var d struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	var documented []string
	for path, methods := range d.Paths {
		for method := range methods {
			documented = append(documented, strings.ToUpper(method)+" /api/v1"+path)
		}
	}
	served := servedRoutes(t)
	sort.Strings(documented)
	if got, want := strings.Join(documented, "\n"), strings.Join(served, "\n"); got != want {
		t.Errorf("openapi.json has\n%s\nthe router has\n%s", got, want)
	}
}

func servedRoutes(t *testing.T) []string {
	t.Helper()
	var list []string
	own := (&API{}).router()
	err := own.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, err := route.GetMethods()
		if err != nil {
			return err
		}
		for _, method := range methods {
			list = append(list, method+" "+path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 40 {
		t.Fatalf("found only %d routes", len(list))
	}
	sort.Strings(list)
	return list
}

func TestAPIRefusals(t *testing.T) {
	t.Parallel()
	router := mux.NewRouter()
	(&API{}).Routes(router)
	for _, tt := range []struct {
		name, method, path, header, value string
		status                            int
		code                              string
	}{
		{name: "no such address", method: "GET", path: "/api/v1/nothing", status: 404, code: "no-such-address"},
		{name: "no such method", method: "PATCH", path: "/api/v1/me", status: 405, code: "no-such-method"},
		{name: "nobody", method: "GET", path: "/api/v1/me", status: 401, code: "token-required"},
		{name: "another scheme", method: "GET", path: "/api/v1/me", header: "Authorization", value: "Basic eDp5", status: 401, code: "token-invalid"},
		{name: "a session's cookie counts for nothing", method: "GET", path: "/api/v1/me", header: "Cookie", value: "lgsp_session=x", status: 401, code: "token-required"},
		{name: "a limit that is too high", method: "GET", path: "/api/v1/apis?limit=101", status: 400, code: "parameter-invalid"},
		{name: "a parameter twice", method: "GET", path: "/api/v1/apis?limit=1&limit=2", status: 400, code: "parameter-invalid"},
		{name: "a parameter that is none", method: "GET", path: "/api/v1/apis?offset=5", status: 400, code: "parameter-unknown"},
		{name: "an id that is none", method: "GET", path: "/api/v1/versions/7", status: 400, code: "id-invalid"},
		{name: "a status that is none", method: "GET", path: "/api/v1/exchanges?status=7", status: 400, code: "parameter-invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tt.method, tt.path, nil)
			if tt.header != "" {
				r.Header.Set(tt.header, tt.value)
			}
			w := httptest.NewRecorder()
			router.ServeHTTP(w, r)
			var body struct{ Code string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("no problem body: %s", w.Body)
			}
			if w.Code != tt.status || body.Code != tt.code {
				t.Errorf("got %d %s, want %d %s", w.Code, body.Code, tt.status, tt.code)
			}
			if tt.status == http.StatusMethodNotAllowed && w.Header().Get("Allow") != "GET" {
				t.Errorf("Allow: got %q, want GET", w.Header().Get("Allow"))
			}
		})
	}
}

// An official's token of one factor opens nothing, and says what would (RFC 9470).
func TestAPIAsksForTwoFactors(t *testing.T) {
	t.Parallel()
	a := &API{
		Nonce: func() string { return "nonce-1" },
		WhoByAccessToken: func(context.Context, auth.Presented) (auth.Principal, error) {
			return auth.Principal{Person: uuid.Must(uuid.NewV7()), Level: auth.AAL1, Needs: auth.AAL2}, nil
		},
	}
	router := mux.NewRouter()
	a.Routes(router)
	for scheme, want := range map[string]int{"Bearer": 2, "DPoP": 1} {
		for _, path := range []string{"/api/v1/me", "/api/v1/apis"} { // also where nobody need be known
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Header.Set("Authorization", scheme+" x")
			if scheme == "DPoP" {
				r.Header.Set("DPoP", "y")
			}
			w := httptest.NewRecorder()
			router.ServeHTTP(w, r)
			challenge := w.Header().Values("WWW-Authenticate")
			if w.Code != http.StatusUnauthorized || len(challenge) != want || !strings.HasPrefix(challenge[0], scheme+" ") ||
				!strings.Contains(challenge[0], `error="insufficient_user_authentication"`) || !strings.Contains(challenge[0], `acr_values="aal2"`) {
				t.Errorf("%s %s: got %d %v", scheme, path, w.Code, challenge)
			}
			if nonce := w.Header().Get("DPoP-Nonce"); (nonce == "nonce-1") != (scheme == "DPoP") {
				t.Errorf("%s %s: DPoP-Nonce %q", scheme, path, nonce)
			}
			if !strings.Contains(w.Body.String(), `"code":"proof-weak"`) {
				t.Errorf("%s %s: %s", scheme, path, w.Body)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range []string{`{"name":"x"}`, `{"name":5}`, `{"a":{"b":[1,2]}}`, `{`, ``, `{} {}`, `{"agency":"no"}`, "\xff"} {
		f.Add(text)
	}
	code := regexp.MustCompile(`^(body|field)-`)
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		if _, err := decode[applicationText](httptest.NewRecorder(), r); err != nil && !code.MatchString(problem.Code(err)) {
			t.Errorf("%q: %v is no problem of the body", text, err)
		}
	})
}

// What an application is allowed does not outlive it as a token of its person.
func TestAnApplicationMakesNoPersonalToken(t *testing.T) {
	t.Parallel()
	a := &API{
		Nonce: func() string { return "nonce-1" },
		WhoByAccessToken: func(context.Context, auth.Presented) (auth.Principal, error) {
			return auth.Principal{Person: uuid.Must(uuid.NewV7()), Level: auth.AAL2}, nil
		},
	}
	router := mux.NewRouter()
	a.Routes(router)
	for _, scheme := range []string{"Bearer", "DPoP", "bearer"} {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/tokens", strings.NewReader(`{"name":"","hours":1}`))
		r.Header.Set("Authorization", scheme+" eyJ")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), `"token-by-application"`) {
			t.Errorf("%s: got %d %s", scheme, w.Code, w.Body)
		}
	}
}
