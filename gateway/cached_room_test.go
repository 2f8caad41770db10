package gateway

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"lgsp/gateway/cache"
)

// stuck is a caller who takes nothing of an answer until it is let go.
type stuck struct {
	taker
	begun func() // called once
	goOn  <-chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	s.begun()
	<-s.goOn
	return len(p), nil
}

// TestSlowCallersHoldLittle: answers that leave the store while slow callers
// still take them are bounded too; beyond that, answers pass as they come.
func TestSlowCallersHoldLittle(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	for _, said := range []bool{true, false} {
		c := newCached(t)
		c.storage = size
		c.node, c.server = c.start(t.TempDir())
		body := bytes.Repeat([]byte("x"), cache.MaxBody)
		c.answers(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Cache-Control", "max-age=60")
			if said {
				rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
			}
			_, _ = rw.Write(body)
		})
		goOn := make(chan struct{})
		var callers sync.WaitGroup
		for i := range 20 {
			begun := make(chan struct{})
			target := fmt.Sprintf("%s/danh-muc/1?%d", c.route.Prefix(), i)
			r := httptest.NewRequest("GET", target, nil)
			r.RequestURI, r.Body = target, http.NoBody
			callers.Go(func() {
				c.node.ServeHTTP(&stuck{taker{http.Header{}}, sync.OnceFunc(func() { close(begun) }), goOn}, r)
			})
			<-begun
			if f := c.node.stored.Figures(); f.Bytes > size || f.Beside > size {
				t.Fatalf("caller %d, length said: %v: %+v", i, said, f)
			}
		}
		if f := c.node.stored.Figures(); f.Beside < size/2 {
			t.Errorf("%+v", f)
		}
		for range 2 {
			before := c.reachedCount()
			if got := c.do("GET", "/danh-muc/2"); len(got.body) != len(body) || got.header.Get("Cache-Status") != "lgsp; fwd=miss" || c.reachedCount() != before+1 {
				t.Errorf("one more: got %d bytes, %s", len(got.body), got.header.Get("Cache-Status"))
			}
		}
		before := c.reachedCount()
		if got := c.do("GET", "/danh-muc/1?0"); len(got.body) != len(body) || c.reachedCount() != before {
			t.Errorf("what is stored is not given: %s", got.header.Get("Cache-Status"))
		}
		close(goOn)
		callers.Wait()
		if f := c.node.stored.Figures(); f.Beside != 0 {
			t.Errorf("when all are gone: %+v", f)
		}
		if got := c.do("GET", "/danh-muc/3"); got.header.Get("Cache-Status") != "lgsp; fwd=miss; stored" {
			t.Errorf("nothing is stored any more: %s", got.header.Get("Cache-Status"))
		}
	}
}
