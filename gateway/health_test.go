package gateway

import (
	"reflect"
	"testing"
	"time"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	if got := (&Node{Now: time.Now}).Health(); !reflect.DeepEqual(got, Health{}) {
		t.Errorf("before the first load: got %+v", got)
	}
	w := newWorld(t)
	if got := w.node.Health(); !got.Ready || got.Stale || got.Routes == 0 || got.Fresh.IsZero() {
		t.Errorf("serving: got %+v", got)
	}
	w.node.fresh.Store(w.now().Add(-11 * time.Minute).UnixNano())
	if got := w.node.Health(); !got.Ready || !got.Stale {
		t.Errorf("with a silent feed: got %+v", got)
	}
}
