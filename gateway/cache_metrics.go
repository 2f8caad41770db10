package gateway

import "github.com/prometheus/client_golang/prometheus"

// cacheMetrics are the figures of what is stored.
type cacheMetrics struct {
	answers *prometheus.CounterVec
	counts  map[string]prometheus.Counter
}

// cacheResults are what becomes of a call of a cached operation: given as it
// is stored, given stale, given with another call's, fetched, found still good,
// not fit to be stored, and failed.
var cacheResults = []string{"hit", "stale", "shared", "miss", "validated", "bypass", "failed"}

var (
	cacheBytesDesc     = prometheus.NewDesc("lgsp_gateway_cache_bytes", "Stored answers, in bytes.", nil, nil)
	cacheAnswersDesc   = prometheus.NewDesc("lgsp_gateway_cache_answers", "Stored answers.", nil, nil)
	cacheBesideDesc    = prometheus.NewDesc("lgsp_gateway_cache_beside_bytes", "Bodies being fetched to be stored, and large answers being given, in bytes.", nil, nil)
	cacheEvictionsDesc = prometheus.NewDesc("lgsp_gateway_cache_evictions_total", "Stored answers let go for want of room.", nil, nil)
)

func newCacheMetrics() cacheMetrics {
	m := cacheMetrics{
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lgsp_gateway_cache_calls_total", Help: "Calls of cached operations, by what became of them.",
		}, []string{"result"}),
		counts: map[string]prometheus.Counter{},
	}
	for _, result := range cacheResults {
		m.counts[result] = m.answers.WithLabelValues(result)
	}
	return m
}

func (m cacheMetrics) count(result string) { m.counts[result].Inc() }

func (m cacheMetrics) describe(to chan<- *prometheus.Desc) {
	m.answers.Describe(to)
	for _, d := range []*prometheus.Desc{cacheBytesDesc, cacheAnswersDesc, cacheBesideDesc, cacheEvictionsDesc} {
		to <- d
	}
}

// collect tells the figures; n is nil before a node runs.
func (m cacheMetrics) collect(n *Node, to chan<- prometheus.Metric) {
	m.answers.Collect(to)
	if n == nil || n.stored == nil {
		return
	}
	f := n.stored.Figures()
	to <- prometheus.MustNewConstMetric(cacheBytesDesc, prometheus.GaugeValue, float64(f.Bytes))
	to <- prometheus.MustNewConstMetric(cacheAnswersDesc, prometheus.GaugeValue, float64(f.Answers))
	to <- prometheus.MustNewConstMetric(cacheBesideDesc, prometheus.GaugeValue, float64(f.Beside))
	to <- prometheus.MustNewConstMetric(cacheEvictionsDesc, prometheus.CounterValue, float64(f.Evictions))
}
