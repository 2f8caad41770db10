package telemetry

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestOps(t *testing.T) {
	t.Parallel()
	notYet := errors.New("the first load is not done")
	for _, tt := range []struct {
		name   string
		path   string
		ready  error
		pprof  bool
		status int
	}{
		{name: "alive though not ready", path: "/healthz", ready: notYet, status: 200},
		{name: "not ready", path: "/readyz", ready: notYet, status: 503},
		{name: "ready", path: "/readyz", status: 200},
		{name: "metrics", path: "/metrics", status: 200},
		{name: "profiles are off", path: "/debug/pprof/", status: 404},
		{name: "profiles on", path: "/debug/pprof/", pprof: true, status: 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ops := Ops{Ready: func(context.Context) error { return tt.ready }, Metrics: prometheus.NewRegistry(), Pprof: tt.pprof}
			w := httptest.NewRecorder()
			ops.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, tt.path, nil))
			if w.Code != tt.status {
				t.Errorf("got %d, want %d", w.Code, tt.status)
			}
		})
	}
}

func TestTraceOf(t *testing.T) {
	t.Parallel()
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, tt := range []struct {
		name, header string
		kept         bool
	}{
		{name: "a valid traceparent is kept", header: "00-" + id + "-00f067aa0ba902b7-01", kept: true},
		{name: "none", header: ""},
		{name: "upper case is no hex here", header: "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"},
		{name: "all zero", header: "00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
		{name: "something behind", header: "00-" + id + "-00f067aa0ba902b7-01\r\nX: y"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Traceparent"] = []string{tt.header}
		got := TraceOf(r)
		if len(got) != 32 {
			t.Errorf("%s: %q is no trace id", tt.name, got)
		}
		if (got == id) != tt.kept {
			t.Errorf("%s: got %q", tt.name, got)
		}
	}
}
