package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lgsp/gateway/upstream"
)

// canaryMetrics compare the groups of versions that have a canary; of other
// versions nothing is counted.
type canaryMetrics struct {
	calls  *prometheus.CounterVec
	counts [2][3]prometheus.Counter // by group and upstream.Outcome
	took   *prometheus.HistogramVec
	times  [2]prometheus.Observer // by group
}

var canariesOutDesc = prometheus.NewDesc("lgsp_gateway_canaries_out", "API versions none of whose canary's addresses gets calls: their own take them.", nil, nil)

func newCanaryMetrics() canaryMetrics {
	m := canaryMetrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lgsp_gateway_canary_calls_total", Help: "Requests sent to upstreams of versions that have a canary, by group and what came of them.",
		}, []string{"group", "result"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lgsp_gateway_canary_seconds", Help: "Until such an upstream's answer began, by group.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"group"}),
	}
	for i, group := range []string{"version", "canary"} {
		for what, result := range map[upstream.Outcome]string{upstream.Left: "left", upstream.Answered: "answered", upstream.Failed: "failed"} {
			m.counts[i][what] = m.calls.WithLabelValues(group, result)
		}
		m.times[i] = m.took.WithLabelValues(group)
	}
	return m
}

// observe counts one request.
func (m *canaryMetrics) observe(own bool, what upstream.Outcome, took time.Duration) {
	group := 1
	if own {
		group = 0
	}
	m.counts[group][what].Inc()
	m.times[group].Observe(took.Seconds())
}

func (m *canaryMetrics) describe(to chan<- *prometheus.Desc) {
	m.calls.Describe(to)
	m.took.Describe(to)
	to <- canariesOutDesc
}

// collect tells the figures; n is nil before a node runs.
func (m *canaryMetrics) collect(n *Node, to chan<- prometheus.Metric) {
	m.calls.Collect(to)
	m.took.Collect(to)
	if n == nil || n.current.Load() == nil {
		return
	}
	out := 0
	for _, v := range n.current.Load().byVersion {
		if v.canary != nil && v.canary.pool.Down() {
			out++
		}
	}
	to <- prometheus.MustNewConstMetric(canariesOutDesc, prometheus.GaugeValue, float64(out))
}
