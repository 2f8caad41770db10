package gateway

import (
	"io"
	"net/http"
	"testing"
)

func TestSlowAnswerIsNotHeldBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	read := make(chan struct{})
	w.answers(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Length", "8")
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
	defer res.Body.Close()
	half := make([]byte, 4)
	if _, err := io.ReadFull(res.Body, half); err != nil { // while the upstream has not ended
		t.Fatal(err)
	}
	close(read)
	if rest, err := io.ReadAll(res.Body); err != nil || string(half)+string(rest) != "halfhalf" {
		t.Errorf("got %q, %v", rest, err)
	}
}
