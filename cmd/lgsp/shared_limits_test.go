package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"lgsp/internal/redistest"
)

// TestSharedLimits: with LGSP_REDIS_URL calls are counted there, and the
// portal tells what is left by it.
func TestSharedLimits(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, func(_ *world, c *config) { c.RedisURL = "redis://" + redistest.Start(t).Addr })
	w.serve()
	w.until("metrics say that the store answers", func() bool {
		res, err := http.Get("http://" + w.config.OpsAddr + "/metrics")
		w.must(err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		w.must(err)
		return strings.Contains(string(text), "\nlgsp_gateway_shared_limits_up 1\n")
	})
	agreed, err := w.agreements.Get(t.Context(), w.people["developer"], w.uuid("agreed agreement"))
	w.must(err)
	w.until("calls are counted in the store", func() bool {
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.config.GatewayURL+"/so-a/dich-vu-public/v1/thua-dat/7", nil)
		w.must(err)
		r.Header.Set("X-API-Key", w.key)
		res, err := http.DefaultClient.Do(r)
		w.must(err)
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return false // the agreement is not there yet
		}
		left, err := w.remaining(t.Context(), agreed)
		w.must(err)
		return w.node.Shared.Up() && left.RemainingNow < left.PerMinute
	})
}
