package portal

import (
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
)

// TestCallersAreToldOfTraffic: a page of an operation tells everybody the part
// of its version's traffic that concerns callers, and no more.
func TestCallersAreToldOfTraffic(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	version := office + "/apis/nguoi-co-cong/v1"
	w.sends(t, version+"/traffic/callers", url.Values{"basic": {"yes"}}, version+"/traffic")
	w.sends(t, version+"/conditions", url.Values{"conditions/0/networks": {"10.1.0.0/16"}, "conditions/0/access": {"personal"}}, version+"/conditions")
	open := w.operation(t, "open")
	w.cookies = map[string]string{} // nobody
	body := w.sees(t, w.href+"/xem-nguoi-co-cong", 200, "chỉ từ một số mạng")
	if strings.Contains(body, "10.1.0.0") || strings.Contains(body, "HTTP Basic") {
		t.Errorf("it tells too much:\n%s", body)
	}
	if body := w.sees(t, w.href+"/"+open, 200); strings.Contains(body, "HTTP Basic") {
		t.Errorf("an open operation needs no credential:\n%s", body)
	}
	if _, err := w.Catalog.DB.Exec(t.Context(), `update catalog.operation set access = 'restricted' where version_id = $1 and slug = $2`, w.version.ID, open); err != nil {
		t.Fatal(err)
	}
	w.sees(t, w.href+"/"+open, 200, "HTTP Basic qua https")
}

// operation is the slug of one of the version's operations of that access.
func (w *workshop) operation(t *testing.T, access string) string {
	t.Helper()
	list, err := w.Catalog.Operations(t.Context(), auth.Principal{}, w.version.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		if o.Access == access {
			return o.Slug
		}
	}
	t.Fatalf("no operation is %s", access)
	return ""
}
