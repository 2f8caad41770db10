package gateway

import (
	"io"
	"net/http"
	"testing"
)

// TestSlowAnswerIsNotHeldBack: each part of an answer leaves when it has come,
// whether its length is said or it comes in chunks.
func TestSlowAnswerIsNotHeldBack(t *testing.T) {
	t.Parallel()
	for _, length := range []string{"8", ""} {
		w := newWorld(t)
		read := make(chan struct{})
		w.answers(func(rw http.ResponseWriter, r *http.Request) {
			if length != "" {
				rw.Header().Set("Content-Length", length)
			}
			_, _ = io.WriteString(rw, "half")
			_ = http.NewResponseController(rw).Flush()
			select {
			case <-read:
				_, _ = io.WriteString(rw, "half")
			case <-r.Context().Done():
			}
		})
		res, err := w.server.Client().Get(w.server.URL + w.route.Prefix() + "/danh-muc/1")
		if err != nil {
			t.Fatal(err)
		}
		half := make([]byte, 4)
		if _, err := io.ReadFull(res.Body, half); err != nil { // while the upstream has not ended
			t.Fatal(err)
		}
		close(read)
		if rest, err := io.ReadAll(res.Body); err != nil || string(half)+string(rest) != "halfhalf" {
			t.Errorf("length %q: got %q, %v", length, rest, err)
		}
		_ = res.Body.Close()
	}
}
