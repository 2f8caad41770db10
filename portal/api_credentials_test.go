package portal

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"lgsp/auth"
)

// asks calls /api/v1 as the workshop's developer and decodes the answer.
func (w *workshop) asks(t *testing.T, method, path, body string, into any) int {
	t.Helper()
	router := mux.NewRouter()
	(&API{Auth: w.Portal.Auth, WhoByAccessToken: func(context.Context, auth.Presented) (auth.Principal, error) { return w.who, nil }}).Routes(router)
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer x")
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, r)
	if err := json.Unmarshal(answer.Body.Bytes(), into); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, answer.Body)
	}
	return answer.Code
}

// TestRotationByAPI: a day when nothing is said, nothing at all when 0 is.
func TestRotationByAPI(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		status     int
		overlap    time.Duration
	}{
		{"nothing said", `{}`, 201, 24 * time.Hour},
		{"at once", `{"overlap_hours":0}`, 201, 0},
		{"a month", `{"overlap_hours":720}`, 201, 720 * time.Hour},
		{"the most", `{"overlap_hours":2160}`, 201, auth.MaxOverlap},
		{"more", `{"overlap_hours":2161}`, 400, 0},
		{"more than a number of nanoseconds", `{"overlap_hours":5124096}`, 400, 0},
		{"less than nothing", `{"overlap_hours":-1}`, 400, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkshop(t)
			var answer auth.Issued
			if status := w.asks(t, "POST", "/credentials/"+w.key.ID.String()+"/rotate", tt.body, &answer); status != tt.status {
				t.Fatalf("got %d, want %d", status, tt.status)
			}
			if old := w.credential(t, w.key.ID); tt.status == 201 && !old.ExpiresAt.Equal(w.Portal.Now().Add(tt.overlap)) {
				t.Errorf("the old one ends %v, want %v from now", old.ExpiresAt, tt.overlap)
			}
		})
	}
}

// TestScopesByAPI: set as a whole, shown, and wrong ones told by field.
func TestScopesByAPI(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	at, version := "/credentials/"+w.key.ID.String(), w.version.ID.String()
	var answer struct {
		auth.Credential
		Errors []struct{ Field, Code string }
	}
	want := []string{version + "/xem-nguoi-co-cong", "read"}
	if status := w.asks(t, "PUT", at, `{"versions":["`+version+`"],"scopes":["read","`+want[0]+`"]}`, &answer); status != 200 || !slices.Equal(answer.Scopes, want) {
		t.Errorf("set: got %d %q, want %q", status, answer.Scopes, want)
	}
	if status := w.asks(t, "PUT", at, `{"scopes":["`+want[0]+`"]}`, &answer); status != 400 || len(answer.Errors) != 1 ||
		answer.Errors[0].Field != "scopes" || answer.Errors[0].Code != "scope-of-other-version" {
		t.Errorf("without its version: got %d %+v", status, answer.Errors)
	}
	var list items[auth.Credential]
	status := w.asks(t, "GET", "/applications/"+w.app.ID.String()+"/credentials", "", &list)
	i := slices.IndexFunc(list.Items, func(c auth.Credential) bool { return c.ID == w.key.ID })
	if status != 200 || i < 0 || !slices.Equal(list.Items[i].Scopes, want) {
		t.Errorf("listed: got %d %+v, want the scopes as they were", status, list.Items)
	}
	answer.Scopes = nil
	if status := w.asks(t, "PUT", at, `{}`, &answer); status != 200 || len(answer.Scopes) != 0 {
		t.Errorf("lifted: got %d %q", status, answer.Scopes)
	}
}
