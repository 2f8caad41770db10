package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"lgsp/auth"
)

// oneTime is what differs between two answers that say the same.
var oneTime = regexp.MustCompile(`[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// told is an answer as a thief compares it with another.
type told struct {
	Status int
	Header http.Header
	Body   string
}

func (w *world) thief(method, target string, form url.Values, headers ...string) told {
	w.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, target, body)
	w.must(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	w.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	w.must(err)
	for _, name := range []string{"Date", "X-Request-Id", "Lgsp-Trace", "Content-Length"} {
		answer.Header.Del(name)
	}
	return told{answer.StatusCode, answer.Header, oneTime.ReplaceAllString(string(text), "")}
}

// TestHoneyKeysFromCallToLetter: a developer and an operator lay out keys that
// open nothing; a thief tries them everywhere, and is told what is told of a
// key that nobody has; the people get their letters, the ledger its acts.
func TestHoneyKeysFromCallToLetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.serve()
	laid := map[string]auth.IssuedHoneyKey{}
	for _, kind := range auth.HoneyKinds() {
		who, body := "developer", `{"application":"`+w.id["application"]+`","kind":"`+kind+`","name":"Kho mã nguồn"}`
		if kind == auth.ClientSecret {
			who, body = "operator", `{"kind":"`+kind+`","name":"Hộp thư chung"}`
		}
		r, err := http.NewRequestWithContext(t.Context(), "POST", w.config.PortalURL+"/api/v1/honey-keys", strings.NewReader(body))
		w.must(err)
		r.Header.Set("Authorization", "Bearer "+w.token[who])
		r.Header.Set("Content-Type", "application/json")
		made, err := http.DefaultClient.Do(r)
		w.must(err)
		var k auth.IssuedHoneyKey
		w.must(json.NewDecoder(made.Body).Decode(&k))
		made.Body.Close()
		if made.StatusCode != 201 || k.Secret == "" {
			t.Fatalf("make %s: got %d %+v", kind, made.StatusCode, k.HoneyKey)
		}
		laid[kind] = k
	}
	call, token := w.config.GatewayURL+"/so-a/dich-vu-public/v1/thua-dat/7", w.config.PortalURL+"/oauth2/token"
	introspect, me := w.config.PortalURL+"/oauth2/introspect", w.config.PortalURL+"/api/v1/me"
	client := func(id, secret string) url.Values {
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
	}
	tries := map[string]func(key string) told{
		"gateway, X-API-Key":       func(key string) told { return w.thief("GET", call, nil, "X-API-Key", key) },
		"gateway, Bearer":          func(key string) told { return w.thief("GET", call, nil, "Authorization", "Bearer "+key) },
		"token, in the form":       func(key string) told { return w.thief("POST", token, client(w.id["application"], key)) },
		"token, of no client":      func(key string) told { return w.thief("POST", token, client("may-chu", key)) },
		"introspection, as token":  func(key string) told { return w.thief("POST", introspect, url.Values{"token": {key}}) },
		"/api/v1, Bearer":          func(key string) told { return w.thief("GET", me, nil, "Authorization", "Bearer "+key) },
		"/api/v1, X-API-Key":       func(key string) told { return w.thief("GET", me, nil, "X-API-Key", key) },
		"/api/v1, no such address": func(key string) told { return w.thief("GET", me+"x", nil, "Authorization", "Bearer "+key) },
		"userinfo, Bearer": func(key string) told {
			return w.thief("GET", w.config.PortalURL+"/oauth2/userinfo", nil, "Authorization", "Bearer "+key)
		},
		"registration, as its token": func(key string) told {
			return w.thief("POST", w.config.PortalURL+"/oauth2/register", nil, "Authorization", "Bearer "+key)
		},
	}
	// Nothing that a thief sees tells when they are known: a true key made after
	// them does.
	later, err := w.auth.AddCredential(t.Context(), w.people["developer"], w.uuid("application"), auth.NewCredential{Kind: auth.APIKey})
	w.must(err)
	w.until("what was made last is known", func() bool { return w.thief("GET", call, nil, "X-API-Key", later.Secret).Status == 200 })
	w.clients.feed.Forget() // which hears the same notice
	for kind, k := range laid {
		parsed, err := auth.ParseKey(k.Secret)
		w.must(err)
		for _, name := range slices.Sorted(maps.Keys(tries)) {
			got, want := tries[name](k.Secret), tries[name](auth.NewKey(parsed.Kind).Secret())
			if got.Status < 400 || !reflect.DeepEqual(got, want) {
				t.Errorf("%s at %s: got %+v, want %+v", kind, name, got, want)
			}
		}
	}
	if answer := w.thief("GET", call, nil, "X-API-Key", w.key); answer.Status != 200 {
		t.Errorf("a true key: got %+v", answer)
	}
	stop() // each node tells what it has seen
	w.expectHoney(laid, int64(len(tries)))
}

// expectHoney checks what people, the list and the ledger are told.
func (w *world) expectHoney(laid map[string]auth.IssuedHoneyKey, least int64) {
	w.t.Helper()
	list, err := w.auth.HoneyKeys(w.t.Context(), w.people["operator"], [16]byte{})
	w.must(err)
	for _, k := range list {
		if _, is := laid[k.Kind]; !is || laid[k.Kind].ID != k.ID {
			continue // nobody has shown it
		}
		if k.Uses < least || k.LastUsedAt == nil || k.LastUsedFrom != "127.0.0.1" || !slices.Contains([]string{auth.AtGateway, auth.AtOAuth, auth.AtAPI}, k.LastUsedWhere) {
			w.t.Errorf("listed %+v, want at least %d uses from here", k, least)
		}
	}
	if len(list) != len(laid)+1 {
		w.t.Errorf("%d honey keys are listed, want all there are", len(list))
	}
	var acts int
	w.must(w.db.Pool.QueryRow(w.t.Context(), `select count(*) from ledger.entry where payload::text like '%honey-key.used%'`).Scan(&acts))
	if acts != 3 {
		w.t.Errorf("the ledger has %d acts of use, want one a key", acts)
	}
	sending, stop := context.WithCancel(w.t.Context())
	var told sync.WaitGroup
	defer func() { stop(); told.Wait() }()
	for _, run := range []func(context.Context) error{w.portal.GatherNotices, w.jobs.Run} {
		told.Go(func() { _ = run(sending) })
	}
	want := map[string]int{"developer@world.example": 2, "operator@world.example": 3}
	letters := func() map[string]int {
		files, err := filepath.Glob(filepath.Join(w.config.DataDir, "mail", "*.eml"))
		w.must(err)
		got := map[string]int{}
		for _, file := range files {
			text, err := os.ReadFile(file)
			w.must(err)
			letter := strings.ReplaceAll(string(text), "=\r\n", "")
			for _, k := range laid {
				if strings.Contains(letter, k.Secret) {
					w.t.Errorf("a letter holds a honey key whole")
				}
				for to := range want {
					if strings.Contains(letter, "<"+to+">") && strings.Contains(letter, k.Lookup) {
						got[to]++
					}
				}
			}
		}
		return got
	}
	w.until("letters to the owner and the operator", func() bool { return reflect.DeepEqual(letters(), want) })
}
