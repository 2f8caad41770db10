package gateway

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"lgsp/auth"
)

// plant gives the province a honey key of a kind, known to its node.
func (w *world) plant(kind string) auth.Key {
	w.t.Helper()
	key := auth.NewKey(kind)
	w.mu.Lock()
	w.keys = append(w.keys, auth.GatewayCredential{Lookup: key.Lookup, Hash: key.Hash(pepper), PepperVersion: 1, Honey: true})
	w.mu.Unlock()
	w.tell("credential")
	w.until("planted", func() bool { return w.node.knows(key.Lookup).Honey })
	return key
}

var callID = regexp.MustCompile(`[0-9a-f]{32}`)

// same is an answer without what differs from call to call.
func same(r reply) reply {
	for _, name := range []string{"X-Request-Id", "Date", "Content-Length"} {
		delete(r.header, name)
	}
	r.body = callID.ReplaceAllString(r.body, "")
	return r
}

// TestHoneyKeyAtTheGateway: wherever in a call it stands, the answer is that to
// a key that nobody has, nothing reaches the upstream, and it is told.
func TestHoneyKeyAtTheGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, kind := range []string{auth.KindKey, auth.KindSecret, auth.KindToken} {
		honey, unknown := w.plant(kind), auth.NewKey(kind)
		for name, call := range map[string]func(key string) reply{
			"X-API-Key":      func(key string) reply { return w.do("GET", "/ho-so", "X-API-Key", key) },
			"ApiKey":         func(key string) reply { return w.do("GET", "/ho-so", "Authorization", "ApiKey "+key) },
			"Bearer":         func(key string) reply { return w.do("GET", "/ho-so", "Authorization", "Bearer "+key) },
			"query":          func(key string) reply { return w.do("GET", "/ho-so?a="+key) },
			"open operation": func(key string) reply { return w.do("GET", "/danh-muc/1", "X-API-Key", key) },
			"two at once": func(key string) reply {
				return w.do("GET", "/ho-so", "X-API-Key", key, "Authorization", "Bearer a.b.c")
			},
			"personal data":    func(key string) reply { return w.do("GET", "/nguoi/079", "X-API-Key", key) },
			"another language": func(key string) reply { return w.do("GET", "/ho-so", "X-API-Key", key, "Accept-Language", "en") },
		} {
			reached := w.reachedCount()
			got, want := same(call(honey.Secret())), same(call(unknown.Secret()))
			if got.status < 400 || !reflect.DeepEqual(got, want) {
				t.Errorf("%s as %s: got %+v, want %+v as with an unknown key", kind, name, got, want)
			}
			if w.reachedCount() != reached {
				t.Errorf("%s as %s: it reached the upstream", kind, name)
			}
		}
		if err := within(t.Context(), askPatience, w.node.touch); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		if len(w.used) != 1 || w.used[0].Lookup != honey.Lookup || w.used[0].Count != 8 || w.used[0].Where != auth.AtGateway || !w.used[0].From.IsLoopback() {
			t.Errorf("%s: told %+v, want eight uses of the honey key at the gateway, from this machine", kind, w.used)
		}
		w.used = nil
		w.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.exchanges {
		if e.Application != (Exchange{}).Application {
			t.Errorf("recorded under an application: %+v", e)
		}
	}
}

// TestHoneyKeyTakesAsLong: the answer to a honey key comes as late as that to
// an unknown one: the medians of many calls in turn lie close together. Not
// parallel: other tests would be in its way.
func TestHoneyKeyTakesAsLong(t *testing.T) {
	w := newWorld(t)
	keys := map[string]string{"honey": w.plant(auth.KindKey).Secret(), "unknown": auth.NewKey(auth.KindKey).Secret()}
	took := map[string][]time.Duration{}
	for range 600 {
		for _, name := range slices.Sorted(maps.Keys(keys)) {
			r := httptest.NewRequest(http.MethodGet, w.route.Prefix()+"/ho-so", nil)
			r.Header.Set("X-API-Key", keys[name])
			begun := time.Now()
			w.node.ServeHTTP(httptest.NewRecorder(), r)
			took[name] = append(took[name], time.Since(begun))
		}
	}
	median := func(name string) time.Duration {
		slices.Sort(took[name])
		return took[name][len(took[name])/2]
	}
	if honey, unknown := median("honey"), median("unknown"); honey > unknown*4/3 || unknown > honey*4/3 {
		t.Errorf("a honey key takes %v, an unknown one %v", honey, unknown)
	} else {
		t.Logf("a honey key takes %v, an unknown one %v", honey, unknown)
	}
}
