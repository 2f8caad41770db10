package portal

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestCompressed(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	routes := p.Routes()
	for _, tt := range []struct {
		name, header, value, want string
	}{
		{name: "a reader who is nobody", want: "gzip"},
		{name: "who is signed in", header: "Cookie", value: p.sessionCookie() + "=x"},
		{name: "who sends a token", header: "Authorization", value: "Bearer x"},
		{name: "a browser that cannot", header: "Accept-Encoding", value: "identity"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/terms", nil)
			r.Header.Set("Accept-Encoding", "gzip")
			if tt.header != "" {
				r.Header.Set(tt.header, tt.value)
			}
			w := httptest.NewRecorder()
			routes.ServeHTTP(w, r)
			if got := w.Header().Get("Content-Encoding"); w.Code != http.StatusOK || got != tt.want {
				t.Errorf("got %d, packed as %q, want 200, %q", w.Code, got, tt.want)
			}
		})
	}
}
