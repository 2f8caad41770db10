package portal

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// TestOnceOutlivesItsCaller: a caller who gives up before the answer gets it
// by asking again, and may try again what failed meanwhile.
func TestOnceOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	who := auth.Principal{Person: uuid.Must(uuid.NewV7())}
	a := &API{
		Auth:             &auth.Auth{DB: pgtest.Tx(t), Now: time.Now},
		WhoByAccessToken: func(context.Context, auth.Presented) (auth.Principal, error) { return who, nil },
	}
	calls, failure := 0, problem.Errorf(problem.Conflict, "not now").Coded("not-now")
	send := func(key string, fails bool) *httptest.ResponseRecorder {
		ctx, giveUp := context.WithCancel(t.Context())
		defer giveUp()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/things", strings.NewReader("{}"))
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Idempotency-Key", key)
		w := httptest.NewRecorder()
		a.once(func(w http.ResponseWriter, _ *http.Request) error {
			calls++
			giveUp()
			if fails {
				return failure
			}
			return created(w, "/things/1", map[string]int{"id": 1})
		}).ServeHTTP(w, r)
		return w
	}
	send("k1", false)
	if again := send("k1", false); again.Code != http.StatusCreated || again.Body.String() != "{\"id\":1}\n" || again.Header().Get("Location") != "/api/v1/things/1" || calls != 1 {
		t.Errorf("asked again: got %d %s after %d calls", again.Code, again.Body, calls)
	}
	send("k2", true)
	if again := send("k2", false); again.Code != http.StatusCreated || calls != 3 {
		t.Errorf("tried again: got %d %s after %d calls", again.Code, again.Body, calls)
	}
}
