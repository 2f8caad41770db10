package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// step is one call, the upstream's answer if it is asked, and what is to come
// of it. Bodies are told apart by the number of the step they came in.
type step struct {
	after  time.Duration // the clock goes on first
	method string        // "": GET
	query  string
	send   string // headers of the call, "Name: value" in lines
	answer string // headers of the upstream's; @10s in a value is the date ten seconds on
	status int    // of the upstream's, 0: 200
	asked  int    // how often the upstream is asked
	sees   string // headers that it sees; "Name:" says that there is none
	want   int    // 0: 200
	from   int    // whose body comes, from 1; 0: this one's when the upstream is asked, else the first one's; -1: none
	has    string // headers that come, as in sees
}

// cached is a world whose upstream answers as the step says, with operations
// that are cached: /danh-muc/{ma} without rules, /tam/{ma} with all.
type cached struct {
	*world
	current atomic.Pointer[step]
	number  atomic.Int32
}

func newCached(t *testing.T) *cached {
	t.Helper()
	c := &cached{world: newWorld(t)}
	for _, method := range []string{"PUT", "POST", "DELETE", "PATCH"} {
		c.route.Operations = append(c.route.Operations, Operation{ID: "mo-" + strings.ToLower(method), Method: method, Path: "/danh-muc/{ma}", Access: Open})
	}
	c.route.Operations = append(c.route.Operations, Operation{ID: "tam", Method: "GET", Path: "/tam/{ma}", Access: Open}, Operation{ID: "khong", Method: "GET", Path: "/khong/{ma}", Access: Open})
	c.route.Plan.RatePerMinute = 1_000_000
	c.traffic(func(tr *Traffic) {
		tr.Cache = []Cache{{Operations: []string{"mo"}}, {Operations: []string{"tam"}, Seconds: 60, StaleWhileRevalidateSeconds: 60, StaleIfErrorSeconds: 600}}
	})
	c.answers(c.serve)
	return c
}

func (c *cached) serve(rw http.ResponseWriter, _ *http.Request) {
	s := c.current.Load()
	rw.Header().Set("Date", c.now().UTC().Format(http.TimeFormat))
	rw.Header().Set("Content-Type", "text/plain")
	c.lines(s.answer, func(name, value string) {
		if at, ok := strings.CutPrefix(value, "@"); ok {
			d, err := time.ParseDuration(at)
			if err != nil {
				panic(err)
			}
			value = c.now().UTC().Add(d).Format(http.TimeFormat)
		}
		if name == "Date" || name == "Content-Type" {
			rw.Header().Del(name)
		}
		rw.Header().Add(name, value)
	})
	rw.WriteHeader(or(s.status, 200))
	if s.status != 304 {
		fmt.Fprintf(rw, "body %d", c.number.Load())
	}
}

func (c *cached) lines(text string, do func(name, value string)) {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			c.t.Fatalf("no header: %q", line)
		}
		do(name, strings.TrimSpace(value))
	}
}

// play plays the steps of a case, each of which has an address of its own.
func (c *cached) play(t *testing.T, path string, steps []step) {
	t.Helper()
	for i, s := range steps {
		c.clock.Add(int64(s.after))
		c.current.Store(&s)
		c.number.Store(int32(i + 1))
		var headers []string
		c.lines(s.send, func(name, value string) { headers = append(headers, name, value) })
		before := c.reachedCount()
		got := c.do(or(s.method, "GET"), path+s.query, headers...)
		asked := c.reachedCount() - before
		if got.status != or(s.want, 200) || asked != s.asked {
			t.Errorf("step %d: got %d %s, the upstream was asked %d times: %v", i+1, got.status, got.code, asked, got.header)
		}
		from := s.from
		switch {
		case from == 0 && s.asked > 0:
			from = i + 1
		case from == 0:
			from = 1
		}
		if want := fmt.Sprintf("body %d", from); from > 0 && got.body != want || from < 0 && strings.HasPrefix(got.body, "body") {
			t.Errorf("step %d: got %q, want %q", i+1, got.body, want)
		}
		c.compare(t, i+1, got.header, s.has)
		if s.sees != "" {
			r, _ := c.last()
			c.compare(t, i+1, r.Header, s.sees)
		}
	}
}

func (c *cached) compare(t *testing.T, number int, header http.Header, want string) {
	t.Helper()
	c.lines(want, func(name, value string) {
		got := strings.Join(header.Values(name), ", ")
		if at, ok := strings.CutPrefix(value, "…"); ok {
			if !strings.Contains(got, at) {
				t.Errorf("step %d: %s is %q, want %q in it", number, name, got, at)
			}
			return
		}
		if got != value {
			t.Errorf("step %d: %s is %q, want %q", number, name, got, value)
		}
	})
}

// scenario is a case of a table: what is said, and the steps that show it.
type scenario struct {
	name  string
	steps []step
}

// playAll plays a table on one node, at /danh-muc unless rules are named.
func playAll(t *testing.T, under string, table []scenario) {
	t.Helper()
	c := newCached(t)
	for i, tt := range table {
		t.Run(tt.name, func(t *testing.T) { c.play(t, fmt.Sprintf("%s/%d", under, i), tt.steps) })
	}
}

// twice is a call that is answered so, and the same call a moment later.
func twice(answer string, again int) []step {
	return []step{{answer: answer, asked: 1}, {after: 2 * time.Second, asked: again}}
}

const reused, fetchedAnew = 0, 1

// TestCacheFreshness: an answer is given again for as long as it says, and
// never for a guess.
func TestCacheFreshness(t *testing.T) {
	t.Parallel()
	table := []scenario{
		{"max-age", twice("Cache-Control: max-age=60", reused)},
		{"max-age=0", twice("Cache-Control: max-age=0", fetchedAnew)},
		{"max-age that is over", twice("Cache-Control: max-age=1", fetchedAnew)},
		{"max-age, in capitals", twice("Cache-Control: MAX-AGE=60", reused)},
		{"max-age on a line of its own", twice("Cache-Control: public\nCache-Control: max-age=60", reused)},
		{"the shorter of two", twice("Cache-Control: max-age=60, max-age=1", fetchedAnew)},
		{"the shorter of two, the other way round", twice("Cache-Control: max-age=1\nCache-Control: max-age=60", fetchedAnew)},
		{"max-age that is no number", twice("Cache-Control: max-age=6O", fetchedAnew)},
		{"max-age within quotes of another", twice(`Cache-Control: extension="max-age=60", max-age=1`, fetchedAnew)},
		{"max-age with an enormous number", twice("Cache-Control: max-age=99999999999999999999", reused)},
		{"s-maxage goes before max-age", twice("Cache-Control: max-age=1, s-maxage=60", reused)},
		{"s-maxage goes before max-age, the other way round", twice("Cache-Control: s-maxage=1, max-age=60", fetchedAnew)},
		{"Expires ahead", twice("Expires: @60s", reused)},
		{"Expires past", twice("Expires: @-60s", fetchedAnew)},
		{"Expires that is no date", twice("Expires: 0", fetchedAnew)},
		{"Expires twice", twice("Expires: @60s\nExpires: @60s", fetchedAnew)},
		{"max-age goes before Expires", twice("Expires: @-60s\nCache-Control: max-age=60", reused)},
		{"max-age=0 goes before Expires", twice("Expires: @60s\nCache-Control: max-age=0", fetchedAnew)},
		{"nothing is said", twice("", fetchedAnew)},
		{"nothing is said but when it was changed", twice("Last-Modified: @-100000s", fetchedAnew)},
		{"older than it is good for", twice("Cache-Control: max-age=60\nAge: 90", fetchedAnew)},
		{"the oldest of its ages", twice("Cache-Control: max-age=60\nAge: 0\nAge: 0, 90", fetchedAnew)},
		{"an age that is no number", twice("Cache-Control: max-age=60\nAge: old", reused)},
		{"made long ago", twice("Cache-Control: max-age=60\nDate: @-90s", fetchedAnew)},
		{"made in times to come", twice("Cache-Control: max-age=60\nDate: @90s", reused)},
		{"another query is another address", []step{{query: "?a=1", answer: "Cache-Control: max-age=60", asked: 1}, {query: "?a=2", asked: 1}, {query: "?a=1"}}},
	}
	for _, status := range []int{200, 203, 301, 308, 404, 410} {
		steps := []step{{answer: "Cache-Control: max-age=60", status: status, asked: 1, want: status}, {want: status}}
		table = append(table, scenario{fmt.Sprintf("status %d", status), steps})
	}
	for _, status := range []int{201, 302, 307, 400, 401, 403, 429, 500, 501, 502, 503} {
		steps := []step{{answer: "Cache-Control: max-age=60", status: status, asked: 1, want: status}, {answer: "Cache-Control: max-age=60", status: status, asked: 1, want: status}}
		table = append(table, scenario{fmt.Sprintf("status %d passes", status), steps})
	}
	playAll(t, "/danh-muc", table)
}

// TestCacheRules: what the agency sets holds for answers that say nothing, and
// for those only.
func TestCacheRules(t *testing.T) {
	t.Parallel()
	hour := time.Hour
	playAll(t, "/tam", []scenario{
		{"nothing is said", []step{{asked: 1}, {after: 59 * time.Second}, {after: hour, asked: 1}}},
		{"max-age=0 is said", twice("Cache-Control: max-age=0, stale-while-revalidate=0", fetchedAnew)},
		{"no-store is said", twice("Cache-Control: no-store", fetchedAnew)},
		{"private is said", twice("Cache-Control: private", fetchedAnew)},
		{"404 says nothing", []step{{status: 404, asked: 1, want: 404}, {status: 404, asked: 1, want: 404}}},
		{"204 says nothing", []step{{status: 204, asked: 1, want: 204, from: -1}, {want: 204, from: -1}}},
	})
}

// TestCacheValidation: a stored answer is given again once the upstream says
// that it still holds, and callers are told that they have it already.
func TestCacheValidation(t *testing.T) {
	t.Parallel()
	tagged := step{answer: "Cache-Control: max-age=1\nEtag: \"a\"\nX-Test: 1", asked: 1}
	fresh := step{answer: "Cache-Control: max-age=600\nEtag: \"a\"\nLast-Modified: Mon, 02 Jan 2006 15:04:05 GMT", asked: 1}
	unchanged := func(send string) step {
		return step{send: send, want: 304, from: -1, has: "Etag: \"a\"\nContent-Length:\nContent-Type:\nCache-Control: max-age=600"}
	}
	again := step{after: 2 * time.Second, status: 304, answer: "Cache-Control: max-age=600\nEtag: \"a\"\nX-Test: 2\nContent-Type: text/html", asked: 1, from: 1,
		sees: "If-None-Match: \"a\"", has: "X-Test: 2\nContent-Type: text/plain\nCache-Status: lgsp; fwd=stale; fwd-status=304; stored"}
	table := []scenario{
		{"by its tag, and freshened", []step{tagged, again, {after: 500 * time.Second, has: "X-Test: 2\nContent-Length: 6"}}},
		{"by a weak tag", []step{{answer: "Cache-Control: max-age=1\nEtag: W/\"a\"", asked: 1},
			{after: 2 * time.Second, status: 304, answer: "Etag: W/\"a\"", asked: 1, from: 1, sees: "If-None-Match: W/\"a\""}}},
		{"by its date", []step{{answer: "Cache-Control: max-age=1\nLast-Modified: Mon, 02 Jan 2006 15:04:05 GMT", asked: 1},
			{after: 2 * time.Second, status: 304, answer: "Cache-Control: max-age=60", asked: 1, from: 1, sees: "If-Modified-Since: Mon, 02 Jan 2006 15:04:05 GMT\nIf-None-Match:"}, {from: 1}}},
		{"it does not hold", []step{tagged, {after: 2 * time.Second, answer: "Cache-Control: max-age=60\nEtag: \"b\"", asked: 1}, {from: 2, has: "Etag: \"b\""}}},
		{"by neither", []step{{answer: "Cache-Control: max-age=1", asked: 1}, {after: 2 * time.Second, asked: 1, sees: "If-None-Match:\nIf-Modified-Since:"}}},
		{"what is no tag is none", []step{{answer: "Cache-Control: max-age=1\nEtag: a", asked: 1}, {after: 2 * time.Second, asked: 1, sees: "If-None-Match:"}}},
		{"no-cache is validated each time", []step{{answer: "Cache-Control: no-cache, max-age=60\nEtag: \"a\"", asked: 1},
			{status: 304, answer: "Cache-Control: no-cache\nEtag: \"a\"", asked: 1, from: 1, sees: "If-None-Match: \"a\""},
			{status: 304, answer: "Cache-Control: no-cache\nEtag: \"a\"", asked: 1, from: 1}}},
		{"must-revalidate while fresh", []step{{answer: "Cache-Control: max-age=60, must-revalidate\nEtag: \"a\"", asked: 1}, {}}},
		{"a call asks for it", []step{fresh, {send: "Cache-Control: no-cache", status: 304, answer: "Cache-Control: max-age=600\nEtag: \"a\"", asked: 1, from: 1,
			sees: "Cache-Control:\nIf-None-Match: \"a\"", has: "Cache-Status: lgsp; fwd=request; fwd-status=304; stored"}}},
		{"a call asks for it as of old", []step{fresh, {send: "Pragma: no-cache", status: 304, asked: 1, from: 1}}},
		{"a call wants it younger", []step{fresh, {after: 5 * time.Second, send: "Cache-Control: max-age=4", asked: 1}}},
		{"a call takes it as old", []step{fresh, {after: 5 * time.Second, send: "Cache-Control: max-age=6"}}},
		{"a call wants it newly fetched", []step{fresh, {send: "Cache-Control: max-age=0", asked: 1}}},
		{"a call wants it fresh for longer", []step{fresh, {send: "Cache-Control: min-fresh=601", asked: 1}}},
		{"a call takes it stale", []step{tagged, {after: 5 * time.Second, send: "Cache-Control: max-stale=10"}}},
		{"a call takes nothing else", []step{fresh, {send: "Cache-Control: only-if-cached"}}},
		{"a call takes nothing else, and there is nothing", []step{{send: "Cache-Control: only-if-cached", want: 504, from: -1}}},
		{"a call is not to be stored", []step{{send: "Cache-Control: no-store", answer: "Cache-Control: max-age=60", asked: 1, has: "Cache-Status: lgsp; fwd=bypass"}, {asked: 1}}},
		{"a 304 that forbids to store", []step{tagged, {after: 2 * time.Second, status: 304, answer: "Cache-Control: no-store\nEtag: \"a\"", asked: 2, want: 304, from: -1}}},
		{"a 304 of another answer", []step{tagged, {after: 2 * time.Second, status: 304, answer: "Etag: \"b\"", asked: 2, want: 304, from: -1, sees: "If-None-Match:"}}},
		{"a caller has it", []step{fresh, unchanged("If-None-Match: \"a\"")}},
		{"a caller has it, weakly", []step{fresh, unchanged("If-None-Match: W/\"a\"")}},
		{"a caller has it among others", []step{fresh, unchanged("If-None-Match: \"x\", \"a,\", \"a\"")}},
		{"a caller has any", []step{fresh, unchanged("If-None-Match: *")}},
		{"a caller has it since", []step{fresh, unchanged("If-Modified-Since: Mon, 02 Jan 2006 15:04:05 GMT")}},
		{"a caller has another", []step{fresh, {send: "If-None-Match: \"b\"\nIf-Modified-Since: Mon, 02 Jan 2026 15:04:05 GMT"}}},
		{"a caller has an older one", []step{fresh, {send: "If-Modified-Since: Mon, 02 Jan 2006 15:04:04 GMT"}}},
		{"a caller has it, and nothing is stored", []step{{send: "If-None-Match: \"a\"", answer: "Cache-Control: max-age=600\nEtag: \"a\"", asked: 1, want: 304, from: -1, sees: "If-None-Match:"}, {from: 1}}},
		{"a caller forbids another", []step{fresh, {send: "If-Match: \"a\"", asked: 1, sees: "If-Match: \"a\"", has: "Cache-Status: lgsp; fwd=bypass"}}},
	}
	playAll(t, "/danh-muc", table)
}

// TestCacheAge: what is given again says how old it is and when it was made.
func TestCacheAge(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	for i, tt := range []struct{ name, answer, age string }{
		{"from when it came", "Cache-Control: max-age=600", "7"},
		{"and how old it was then", "Cache-Control: max-age=600\nAge: 30", "37"},
		{"by Expires", "Expires: @600s\nAge: 30", "37"},
		{"by when it was made", "Cache-Control: max-age=600\nDate: @-50s", "57"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := fmt.Sprintf("/danh-muc/a%d", i)
			c.play(t, path, []step{{answer: tt.answer, asked: 1}, {after: 7 * time.Second, has: "Cache-Status: …lgsp; hit; ttl="}})
			first := c.do("GET", path)
			if got := first.header.Get("Age"); !slices.Contains([]string{tt.age, tt.age[:len(tt.age)-1] + "8"}, got) { // a second may end between
				t.Errorf("Age: got %s, want %s", got, tt.age)
			}
			c.clock.Add(int64(10 * time.Second))
			if later := c.do("GET", path); later.header.Get("Date") != first.header.Get("Date") || later.header.Get("Age") == first.header.Get("Age") {
				t.Errorf("Date %s and Age %s, then %s and %s", first.header.Get("Date"), first.header.Get("Age"), later.header.Get("Date"), later.header.Get("Age"))
			}
		})
	}
}

// TestCacheVary: who asks otherwise is answered otherwise.
func TestCacheVary(t *testing.T) {
	t.Parallel()
	vi, en := "Accept-Language: vi", "Accept-Language: en"
	fresh := "Cache-Control: max-age=60\nVary: "
	playAll(t, "/danh-muc", []scenario{
		{"the same language", []step{{send: vi, answer: fresh + "Accept-Language", asked: 1, sees: vi}, {send: vi}}},
		{"another language, and the first again", []step{{send: vi, answer: fresh + "Accept-Language", asked: 1}, {send: en, answer: fresh + "Accept-Language", asked: 1, sees: en}, {send: vi}, {send: en, from: 2}}},
		{"no language", []step{{send: vi, answer: fresh + "Accept-Language", asked: 1}, {asked: 1, sees: "Accept-Language:"}}},
		{"another type", []step{{send: "Accept: text/xml", answer: fresh + "Accept", asked: 1}, {asked: 1, sees: "Accept: */*"}}},
		{"another type, though it is not said to matter", []step{{send: "Accept: text/xml", answer: "Cache-Control: max-age=60", asked: 1}, {asked: 1}}},
		{"any type and none said are the same", []step{{send: "Accept: */*", answer: fresh + "Accept", asked: 1}, {}}},
		{"spaces and lines make no difference", []step{{send: "Accept-Language: vi, en;q=0.5", answer: fresh + "Accept-Language", asked: 1}, {send: "Accept-Language: vi\nAccept-Language:  en; q=0.5"}}},
		{"what is not sent on does not matter", []step{{send: "X-Other: 1", answer: fresh + "X-Other, Accept", asked: 1, sees: "X-Other:"}, {send: "X-Other: 2"}}},
		{"everything matters", []step{{answer: fresh + "*", asked: 1}, {asked: 1}}},
		{"everything matters too", []step{{answer: fresh + "Accept\nVary: *", asked: 1}, {asked: 1}}},
		{"who asks matters", []step{{answer: fresh + "Authorization", asked: 1}, {asked: 1}}},
		{"who asks matters, by a cookie", []step{{answer: fresh + "Accept, cookie", asked: 1}, {asked: 1}}},
		{"who asks matters, by our word", []step{{answer: fresh + "LGSP-Application", asked: 1}, {asked: 1}}},
		{"what cannot be read", []step{{answer: fresh + "Accept Language", asked: 1}, {asked: 1}}},
	})
}

// TestCacheInvalidation: what may have changed is fetched again.
func TestCacheInvalidation(t *testing.T) {
	t.Parallel()
	fresh := step{answer: "Cache-Control: max-age=600", asked: 1}
	var table []scenario
	for _, method := range []string{"PUT", "POST", "DELETE", "PATCH"} {
		table = append(table,
			scenario{method, []step{fresh, {method: method, asked: 1}, {asked: 1}}},
			scenario{method + " is the whole path's", []step{{query: "?a=1", answer: "Cache-Control: max-age=600", asked: 1}, {method: method, asked: 1}, {query: "?a=1", asked: 1}}},
			scenario{method + " was refused", []step{fresh, {method: method, status: 409, want: 409, asked: 1}, {}}},
			scenario{method + " failed, perhaps after it was done", []step{fresh, {method: method, status: 500, want: 500, asked: 1}, {asked: 1}}})
	}
	table = append(table,
		scenario{"HEAD changes nothing", []step{fresh, {method: "HEAD", from: -1, has: "Content-Length: 6\nCache-Status: …hit"}, {}}},
		scenario{"HEAD is not stored", []step{{method: "HEAD", answer: "Cache-Control: max-age=60", asked: 1, from: -1, has: "Cache-Status: lgsp; fwd=miss"}, {asked: 1}}},
		scenario{"GET of a stale one replaces it", []step{{answer: "Cache-Control: max-age=1", asked: 1}, {after: 2 * time.Second, answer: "Cache-Control: max-age=60", asked: 1}, {from: 2}}},
		scenario{"one that may not be stored replaces it", []step{{answer: "Cache-Control: max-age=1", asked: 1}, {after: 2 * time.Second, answer: "Cache-Control: no-store", asked: 1}, {send: "Cache-Control: max-stale", asked: 1}}},
	)
	playAll(t, "/danh-muc", table)
}

// TestCacheStale: what is stale is given where the answer or its agency says
// so, and never where it is forbidden.
func TestCacheStale(t *testing.T) {
	t.Parallel()
	broken := step{after: 2 * time.Second, status: 503, answer: "Retry-After: 1", asked: 1}
	var table []scenario
	for _, control := range []string{"must-revalidate", "proxy-revalidate", "s-maxage=1", "no-cache"} {
		failed := broken
		failed.want = 503
		first := step{answer: "Cache-Control: max-age=1, stale-if-error=600, stale-while-revalidate=600, " + control + "\nEtag: \"a\"", asked: 1}
		table = append(table, scenario{control, []step{first, failed}})
	}
	given := broken
	given.from, given.has = 1, "Cache-Status: lgsp; fwd=stale; detail=failed"
	over := broken
	over.after, over.want = 20*time.Second, 503
	elsewhere := broken
	elsewhere.status, elsewhere.want = 429, 429
	table = append(table,
		scenario{"stale-if-error", []step{{answer: "Cache-Control: max-age=1, stale-if-error=10", asked: 1}, given, {from: 1, after: time.Second, has: "Cache-Status: …lgsp; hit; ttl=-"}}},
		scenario{"stale-if-error, and the fault is not to be stored", []step{{answer: "Cache-Control: max-age=1, stale-if-error=10", asked: 1},
			{after: 2 * time.Second, status: 500, answer: "Cache-Control: no-store", asked: 1, from: 1}, {from: 1}}},
		scenario{"a fault that is not to be stored is soon forgotten", []step{{status: 500, answer: "Cache-Control: no-store", asked: 1, want: 500}, {answer: "Cache-Control: max-age=60", asked: 1}, {from: 2}}},
		scenario{"a refusal is soon forgotten", []step{{status: 403, asked: 1, want: 403}, {answer: "Cache-Control: max-age=60", asked: 1}, {from: 2}}},
		scenario{"what is not stored is not stored for a while", []step{{answer: "Cache-Control: no-store", asked: 1}, {answer: "Cache-Control: max-age=60", asked: 1}, {asked: 1},
			{after: 31 * time.Second, answer: "Cache-Control: max-age=60", asked: 1}, {from: 4}}},
		scenario{"stale-if-error that is over", []step{{answer: "Cache-Control: max-age=1, stale-if-error=10", asked: 1}, over}},
		scenario{"nothing is said", []step{{answer: "Cache-Control: max-age=1", asked: 1}, {after: 2 * time.Second, status: 503, asked: 1, want: 503}}},
		scenario{"429 is no fault", []step{{answer: "Cache-Control: max-age=1, stale-if-error=10", asked: 1}, elsewhere}},
	)
	playAll(t, "/danh-muc", table)
}
