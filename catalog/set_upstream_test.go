package catalog

import (
	"testing"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

func TestSetUpstream(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, url, want, field string }{
		{name: "approved", url: " HTTPS://API.example.vn/tthc/ ", want: "https://api.example.vn/tthc"},
		{name: "the port said", url: "https://api.example.vn:443", want: "https://api.example.vn:443"},
		{name: "another port", url: "https://api.example.vn:8443", field: "upstream_url:upstream-not-approved"},
		{name: "plain http is another port", url: "http://api.example.vn", field: "upstream_url:upstream-not-approved"},
		{name: "only asked for", url: "https://wait.example.vn", field: "upstream_url:upstream-not-approved"},
		{name: "a listed simulator", url: "http://127.0.0.1:4012/tthc", want: "http://127.0.0.1:4012/tthc"},
		{name: "this machine", url: "http://127.0.0.1:9090", field: "upstream_url:upstream-not-approved"},
		{name: "a query", url: "https://api.example.vn/?a=b", field: "upstream_url:url-invalid"},
		{name: "a fragment", url: "https://api.example.vn/#a", field: "upstream_url:url-invalid"},
		{name: "a user", url: "https://a@api.example.vn/", field: "upstream_url:url-invalid"},
		{name: "dot segments", url: "https://api.example.vn/a/../b", field: "upstream_url:url-invalid"},
		{name: "double slash", url: "https://api.example.vn/a//b", field: "upstream_url:url-invalid"},
		{name: "encoded slash", url: "https://api.example.vn/a%2Fb", field: "upstream_url:url-invalid"},
		{name: "a file", url: "file:///etc", field: "upstream_url:url-invalid"},
		{name: "nothing", url: "", field: "upstream_url:url-invalid"},
		{name: "metadata", url: "http://169.254.169.254/latest", field: "host_port:host-port-invalid"},
		{name: "a number for an address", url: "http://2130706433/", field: "host_port:host-port-invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := txWorld(t)
			ctx := t.Context()
			for _, hostPort := range []string{"API.example.vn:443", "127.0.0.1:4012"} {
				if _, err := w.ApproveUpstream(ctx, w.operator, w.agency.ID, hostPort); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := w.RequestUpstream(ctx, w.publisher, w.agency.ID, "wait.example.vn:443"); err != nil {
				t.Fatal(err)
			}
			v, err := w.SetUpstream(ctx, w.publisher, w.draft(t, procedures(t)).ID, tt.url)
			if tt.field != "" {
				refused(t, err, problem.Invalid, tt.field)
			} else if err != nil || v.UpstreamURL != tt.want {
				t.Errorf("got %q, %v, want %q", v.UpstreamURL, err, tt.want)
			}
		})
	}
}

func TestRequestUpstream(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, hostPort, want, code string }{
		{"a name", "API.Example.vn:443", "api.example.vn:443", ""},
		{"a private address", "10.0.0.5:8080", "10.0.0.5:8080", ""},
		{"IPv6", "[FD00:0::1]:80", "[fd00::1]:80", ""},
		{"IPv4 in IPv6", "[::ffff:10.0.0.5]:80", "10.0.0.5:80", ""},
		{"no port", "api.example.vn", "", "host-port-invalid"},
		{"port 0", "a:0", "", "host-port-invalid"},
		{"port 65536", "a:65536", "", "host-port-invalid"},
		{"port 080", "a:080", "", "host-port-invalid"},
		{"no host", ":80", "", "host-port-invalid"},
		{"any address", "0.0.0.0:80", "", "host-port-invalid"},
		{"link-local", "[fe80::1]:80", "", "host-port-invalid"},
		{"multicast", "224.0.0.1:80", "", "host-port-invalid"},
		{"metadata in IPv6", "[::ffff:169.254.169.254]:80", "", "host-port-invalid"},
		{"short notation", "127.1:80", "", "host-port-invalid"},
		{"hexadecimal", "0x7f000001:80", "", "host-port-invalid"},
		{"a space", "a b:80", "", "host-port-invalid"},
		{"loopback", "127.0.0.1:9090", "", "loopback-upstream"},
		{"loopback in IPv6", "[::1]:9090", "", "loopback-upstream"},
		{"localhost", "x.LOCALHOST:9090", "", "loopback-upstream"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := txWorld(t)
			up, err := w.RequestUpstream(t.Context(), w.publisher, w.agency.ID, tt.hostPort)
			if tt.code != "" {
				refused(t, err, problem.Invalid, "host_port:"+tt.code)
			} else if err != nil || up.HostPort != tt.want || up.ApprovedAt != nil {
				t.Errorf("got %+v, %v, want %s", up, err, tt.want)
			}
		})
	}
}

func TestApproveUpstream(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx, id := t.Context(), w.agency.ID
	for range 2 { // asking twice is asking once
		if _, err := w.RequestUpstream(ctx, w.publisher, id, "a.vn:80"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.ApproveUpstream(ctx, w.publisher, id, "a.vn:80")
	refused(t, err, problem.Forbidden)
	_, err = w.RequestUpstream(ctx, w.stranger, id, "b.vn:80")
	refused(t, err, problem.Forbidden)
	_, err = w.ApproveUpstream(ctx, w.operator, uuid.Max, "a.vn:80")
	refused(t, err, problem.NotFound)
	up, err := w.ApproveUpstream(ctx, w.operator, id, "a.vn:80")
	if err != nil || up.ApprovedAt == nil {
		t.Errorf("got %+v, %v", up, err)
	}
	list, err := w.Upstreams(ctx, w.publisher, id)
	if err != nil || len(list) != 1 || list[0].HostPort != "a.vn:80" {
		t.Errorf("got %+v, %v", list, err)
	}
	_, err = w.Upstreams(ctx, w.stranger, id)
	refused(t, err, problem.Forbidden)
}

func TestSetPlan(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	plans, err := w.Plans(ctx)
	if err != nil || len(plans) != 4 || plans[0].Slug != "open" || plans[3].Decision != "approval" {
		t.Errorf("plans: got %+v, %v", plans, err)
	}
	v, err := w.SetPlan(ctx, w.publisher, w.draft(t, procedures(t)).ID, "free-automatic")
	if err != nil || v.PlanSlug != "free-automatic" {
		t.Errorf("got %+v, %v", v, err)
	}
	_, err = w.SetPlan(ctx, w.publisher, v.ID, "none")
	refused(t, err, problem.Invalid, "plan:plan-unknown")
	_, err = w.SetPlan(ctx, w.stranger, v.ID, "high")
	refused(t, err, problem.NotFound)
}
