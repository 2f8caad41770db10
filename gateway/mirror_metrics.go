package gateway

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// mirrorMetrics are what became of copies of calls.
type mirrorMetrics struct {
	copies *prometheus.CounterVec
	took   prometheus.Histogram
}

func newMirrorMetrics() mirrorMetrics {
	return mirrorMetrics{
		copies: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lgsp_gateway_mirror_copies_total", Help: "Copies of calls for mirrors, by what came of them.",
		}, []string{"result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "lgsp_gateway_mirror_seconds", Help: "Until a mirror's answer began.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
}

func (m *mirrorMetrics) count(result string) { m.copies.WithLabelValues(result).Inc() }

func (m *mirrorMetrics) answered(status int, took time.Duration) {
	m.count(strconv.Itoa(status/100) + "xx")
	m.took.Observe(took.Seconds())
}

func (m *mirrorMetrics) describe(to chan<- *prometheus.Desc) {
	m.copies.Describe(to)
	m.took.Describe(to)
}

func (m *mirrorMetrics) collect(to chan<- prometheus.Metric) {
	m.copies.Collect(to)
	m.took.Collect(to)
}
