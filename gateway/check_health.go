package gateway

import (
	"context"
	"io"
	"sync"
	"time"

	"lgsp/gateway/route"
	"lgsp/gateway/upstream"
	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// HealthCheck is how a version's addresses are asked, beside calls, whether
// they are well. The zero one asks nothing.
type HealthCheck struct {
	Path         string `json:"path,omitempty"`          // GET, below each address; 200 to 399 is well
	EverySeconds int    `json:"every_seconds,omitempty"` // 5 to 300; 0: 15
}

const (
	leastCheck, mostCheck, usualCheck = 5, 300, 15 // seconds

	checkWithin = 5 * time.Second        // for an answer
	checkTick   = 250 * time.Millisecond // that they are looked through
	checksAtOne = 64                     // on their way at most
	maxCheck    = 64 << 10               // bytes of an answer that are read
)

func (h HealthCheck) check(wrong *problem.Error) {
	if h.Path != "" {
		if canonical, err := route.Canonical(h.Path); err != nil || canonical != h.Path || len(h.Path) > 256 {
			wrong.Wrong("health/path", "traffic-health-path", "no plain path")
		}
	}
	if h.EverySeconds != 0 && (h.EverySeconds < leastCheck || h.EverySeconds > mostCheck) {
		wrong.Wrong("health/every_seconds", "traffic-range", "not 5 to 300", "least", itoa(leastCheck), "most", itoa(mostCheck))
	}
}

func (h HealthCheck) every() time.Duration {
	return time.Duration(or(h.EverySeconds, usualCheck)) * time.Second
}

// checkAlways asks the addresses of versions that want it, until ctx ends.
func (n *Node) checkAlways(ctx context.Context) error {
	tick := time.NewTicker(checkTick)
	defer tick.Stop()
	room := make(chan struct{}, checksAtOne)
	var group sync.WaitGroup
	defer group.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		s := n.current.Load()
		if s == nil {
			continue
		}
		for _, v := range s.byVersion {
			if v.Traffic.Health.Path == "" {
				continue
			}
			for _, pool := range v.pools() {
				for _, i := range pool.Due(v.Traffic.Health.every()) {
					group.Go(func() {
						room <- struct{}{}
						defer func() { <-room }()
						pool.Probed(i, n.isWell(ctx, v, pool.Targets()[i]))
					})
				}
			}
		}
	}
}

// isWell asks one address, as a call would, but with nothing of a caller's.
func (n *Node) isWell(ctx context.Context, v *version, to upstream.Target) bool {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	ask := http1.Request{Method: "GET", Host: to.Host, Target: to.Path + v.Traffic.Health.Path, Answer: checkWithin, Within: checkWithin,
		Fields: http1.Fields{{Name: "User-Agent", Value: "lgsp-health"}, {Name: "Via", Value: "1.1 " + n.via}}}
	res, err := n.transports.do(ctx, to, &ask, v.Traffic.Protocol)
	if err != nil {
		return false
	}
	defer res.body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.body, maxCheck)) // so that the connection may be kept
	return err == nil && res.status >= 200 && res.status < 400
}
