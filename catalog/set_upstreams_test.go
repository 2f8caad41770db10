package catalog

import (
	"slices"
	"testing"

	"lgsp/internal/problem"
)

func TestSetUpstreams(t *testing.T) {
	t.Parallel()
	const a, b = "https://a.vn/goc", "http://10.1.1.2:8080"
	for _, tt := range []struct {
		name  string
		list  []UpstreamShare
		want  []UpstreamShare
		field string
	}{
		{name: "two", list: []UpstreamShare{{" HTTPS://A.vn/goc/ ", 2}, {b, 1}}, want: []UpstreamShare{{a, 2}, {b, 1}}},
		{name: "one", list: []UpstreamShare{{b, 7}}, want: []UpstreamShare{{b, 7}}},
		{name: "one host, two paths", list: []UpstreamShare{{b + "/x", 1}, {b + "/y", 100}}, want: []UpstreamShare{{b + "/x", 1}, {b + "/y", 100}}},
		{name: "none", list: nil, field: "upstreams:upstream-count"},
		{name: "nine", list: slices.Repeat([]UpstreamShare{{b, 1}}, 9), field: "upstreams:upstream-count"},
		{name: "twice", list: []UpstreamShare{{a, 1}, {a + "/", 1}}, field: "upstreams/1/url:upstream-twice"},
		{name: "no weight", list: []UpstreamShare{{a, 1}, {b, 0}}, field: "upstreams/1/weight:upstream-weight"},
		{name: "too heavy", list: []UpstreamShare{{a, 101}, {b, 1}}, field: "upstreams/0/weight:upstream-weight"},
		{name: "the second is not approved", list: []UpstreamShare{{a, 1}, {"http://10.1.1.3", 1}}, field: "upstreams/1/url:upstream-not-approved"},
		{name: "the second is metadata", list: []UpstreamShare{{a, 1}, {"http://169.254.169.254/", 1}}, field: "host_port:host-port-invalid"},
		{name: "the second is no address", list: []UpstreamShare{{a, 1}, {"b.vn", 1}}, field: "upstreams/1/url:url-invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := txWorld(t)
			ctx := t.Context()
			for _, hostPort := range []string{"a.vn:443", "10.1.1.2:8080"} {
				if _, err := w.ApproveUpstream(ctx, w.operator, w.agency.ID, hostPort); err != nil {
					t.Fatal(err)
				}
			}
			v, err := w.SetUpstreams(ctx, w.publisher, w.draft(t, procedures(t)).ID, tt.list)
			if tt.field != "" {
				refused(t, err, problem.Invalid, tt.field)
			} else if err != nil || !slices.Equal(v.Upstreams, tt.want) || v.UpstreamURL != tt.want[0].URL {
				t.Errorf("got %+v, %s, %v, want %+v", v.Upstreams, v.UpstreamURL, err, tt.want)
			}
		})
	}
}

// TestUpstreamsOfAnOlderRelease: what a release that knows one address only has
// written is what holds.
func TestUpstreamsOfAnOlderRelease(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	for _, hostPort := range []string{"a.vn:80", "b.vn:80"} {
		if _, err := w.ApproveUpstream(ctx, w.operator, w.agency.ID, hostPort); err != nil {
			t.Fatal(err)
		}
	}
	v := w.draft(t, procedures(t))
	if len(v.Upstreams) != 0 || v.Upstreams == nil {
		t.Errorf("none chosen: got %#v", v.Upstreams)
	}
	if _, err := w.SetUpstreams(ctx, w.publisher, v.ID, []UpstreamShare{{"http://a.vn", 1}, {"http://b.vn", 3}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DB.Exec(ctx, `update catalog.version set upstream_url = 'http://b.vn' where id = $1`, v.ID); err != nil {
		t.Fatal(err)
	}
	if v, err := w.VersionByID(ctx, w.publisher, v.ID); err != nil || !slices.Equal(v.Upstreams, []UpstreamShare{{"http://b.vn", 1}}) {
		t.Errorf("got %+v, %v", v.Upstreams, err)
	}
}

// TestEveryUpstreamIsApprovedToPublish: also one whose approval is gone since.
func TestEveryUpstreamIsApprovedToPublish(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	v := w.readyVersion(t)
	if _, err := w.ApproveUpstream(ctx, w.operator, w.agency.ID, "b.vn:80"); err != nil {
		t.Fatal(err)
	}
	both := []UpstreamShare{{"https://api.example.vn/tthc", 1}, {"http://b.vn", 1}}
	if _, err := w.SetUpstreams(ctx, w.publisher, v.ID, both); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DB.Exec(ctx, `update catalog.upstream set approved_at = null where host_port = 'b.vn:80'`); err != nil {
		t.Fatal(err)
	}
	_, err := w.PublishVersion(ctx, w.publisher, v.ID)
	refused(t, err, problem.Invalid, "upstreams/1/url:upstream-not-approved")
	if _, err := w.ApproveUpstream(ctx, w.operator, w.agency.ID, "b.vn:80"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.PublishVersion(ctx, w.publisher, v.ID); err != nil || !slices.Equal(w.exposed[0].Upstreams, both) {
		t.Errorf("exposed %+v, %v", w.exposed, err)
	}
}
