package gateway

import "testing"

// What an application is answered is kept by nobody between, not even where
// it needed no agreement: its quota and its name are in the answer.
func TestNoSharedCacheOfACallersAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		name, target string
		headers      []string
		want         bool
	}{
		{"nobody, open", "/danh-muc/1", nil, false},
		{"a key, open", "/danh-muc/1", []string{"X-API-Key", w.key}, true},
		{"a key, restricted", "/ho-so", []string{"X-API-Key", w.key}, true},
	} {
		got := w.do("GET", tt.target, tt.headers...)
		if got.status != 200 || (got.header.Get("Cache-Control") == "no-store") != tt.want {
			t.Errorf("%s: got %d, Cache-Control %q; no-store wanted: %t", tt.name, got.status, got.header.Get("Cache-Control"), tt.want)
		}
	}
}
