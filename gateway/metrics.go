package gateway

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are a node's figures for Prometheus; whoever makes them registers
// them. Labels never grow with callers or routes.
type Metrics struct {
	node      atomic.Pointer[Node]
	calls     *prometheus.CounterVec
	answered  [6]prometheus.Counter // of calls without a problem, by class of status
	durations prometheus.Histogram
	retries   prometheus.Counter
	sandbox   prometheus.Counter
	changes   *prometheus.CounterVec // of upstream addresses
	checked   *prometheus.CounterVec // against documents
	cache     cacheMetrics
	canary    canaryMetrics
	mirror    mirrorMetrics
	loads     prometheus.Histogram // of changes
}

// The figures that are read off the node when they are asked for.
var (
	versionDesc  = prometheus.NewDesc("lgsp_gateway_config_version", "The last change of the configuration that is in force.", nil, nil)
	ageDesc      = prometheus.NewDesc("lgsp_gateway_config_age_seconds", "Since the change feed last answered.", nil, nil)
	routesDesc   = prometheus.NewDesc("lgsp_gateway_routes", "API versions served.", nil, nil)
	corruptDesc  = prometheus.NewDesc("lgsp_gateway_corrupt_rows", "Routes and agreements that cannot be read and are out of force.", nil, nil)
	outDesc      = prometheus.NewDesc("lgsp_gateway_upstreams_out", "Upstream addresses that failed and get no calls for a time.", nil, nil)
	downDesc     = prometheus.NewDesc("lgsp_gateway_upstreams_down", "API versions none of whose upstream addresses gets calls.", nil, nil)
	underWayDesc = prometheus.NewDesc("lgsp_gateway_held_calls", "Calls under way to API versions that are sent so many at once.", nil, nil)
	waitingDesc  = prometheus.NewDesc("lgsp_gateway_waiting_calls", "Calls that wait for their turn at such a version.", nil, nil)
	bytesDesc    = prometheus.NewDesc("lgsp_gateway_journal_bytes", "Evidence on disk, not delivered or not yet removed.", nil, nil)
	unsyncedDesc = prometheus.NewDesc("lgsp_gateway_journal_unsynced_lines", "Lines that a power failure now would lose.", nil, nil)
	lostDesc     = prometheus.NewDesc("lgsp_gateway_journal_lost_lines_total", "Lines that could not be written.", nil, nil)
	damagedDesc  = prometheus.NewDesc("lgsp_gateway_journal_damaged_lines_total", "Lines that could not be read back.", nil, nil)
	sharedDesc   = prometheus.NewDesc("lgsp_gateway_shared_limits_up", "1 while rates are counted for all nodes together, 0 while the store is away and this node counts by itself.", nil, nil)
	fallbackDesc = prometheus.NewDesc("lgsp_gateway_shared_limits_fallbacks_total", "Calls that this node counted by itself because the store of shared rates was away.", nil, nil)
)

// NewMetrics makes the figures of one node.
func NewMetrics() *Metrics {
	m := &Metrics{
		cache:  newCacheMetrics(),
		canary: newCanaryMetrics(),
		mirror: newMirrorMetrics(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lgsp_gateway_calls_total", Help: "Calls answered, by class of status and code of the problem.",
		}, []string{"class", "code"}),
		durations: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "lgsp_gateway_call_seconds", Help: "From the call's headers to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lgsp_gateway_retries_total", Help: "Calls sent to a second address because the first one failed.",
		}),
		sandbox: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lgsp_gateway_sandbox_calls_total", Help: "Calls of sandboxes, which count among no others.",
		}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lgsp_gateway_upstream_changes_total", Help: "Upstream addresses that went out, came back, or were the last to go (down).",
		}, []string{"change"}),
		checked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lgsp_gateway_checked_total", Help: "Requests and answers held to the document, by what came of it.",
		}, []string{"what", "result"}),
	}
	m.loads = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "lgsp_gateway_config_load_seconds", Help: "What loading changes of the configuration took.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	})
	for class := 2; class < len(m.answered); class++ {
		m.answered[class] = m.calls.WithLabelValues(strconv.Itoa(class)+"xx", "")
	}
	return m
}

func (m *Metrics) attach(n *Node) { m.node.Store(n) }

func (m *Metrics) observe(e *Exchange) {
	if e.Sandbox {
		m.sandbox.Inc()
		return
	}
	if class := e.Status / 100; e.Code == "" && class > 1 && class < len(m.answered) {
		m.answered[class].Inc()
	} else {
		m.calls.WithLabelValues(strconv.Itoa(class)+"xx", e.Code).Inc()
	}
	m.durations.Observe(e.Duration.Seconds())
}

// Describe is of prometheus.Collector.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	m.calls.Describe(to)
	m.durations.Describe(to)
	m.retries.Describe(to)
	m.sandbox.Describe(to)
	m.changes.Describe(to)
	m.checked.Describe(to)
	m.cache.describe(to)
	m.canary.describe(to)
	m.mirror.describe(to)
	m.loads.Describe(to)
	for _, d := range []*prometheus.Desc{versionDesc, ageDesc, routesDesc, corruptDesc, outDesc, downDesc, bytesDesc, unsyncedDesc, lostDesc, damagedDesc,
		sharedDesc, fallbackDesc, underWayDesc, waitingDesc} {
		to <- d
	}
}

// Collect is of prometheus.Collector.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	m.calls.Collect(to)
	m.durations.Collect(to)
	m.retries.Collect(to)
	m.sandbox.Collect(to)
	m.changes.Collect(to)
	m.checked.Collect(to)
	m.loads.Collect(to)
	n := m.node.Load()
	m.cache.collect(n, to)
	m.canary.collect(n, to)
	m.mirror.collect(to)
	if n == nil {
		return
	}
	gauge := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	counter := func(d *prometheus.Desc, value int64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value))
	}
	if s := n.current.Load(); s != nil {
		gauge(versionDesc, float64(s.version))
		gauge(ageDesc, n.Now().Sub(time.Unix(0, n.fresh.Load())).Seconds())
		gauge(routesDesc, float64(len(s.routes)))
		gauge(corruptDesc, float64(len(s.corrupt)))
		out, down := 0, 0
		for _, u := range s.failing() {
			out += u.Out
			if u.Down {
				down++
			}
		}
		gauge(outDesc, float64(out))
		gauge(downDesc, float64(down))
		underWay, waiting := s.held()
		gauge(underWayDesc, float64(underWay))
		gauge(waitingDesc, float64(waiting))
	}
	figures := n.journal.Figures()
	gauge(bytesDesc, float64(figures.Bytes))
	gauge(unsyncedDesc, float64(figures.Unsynced))
	counter(lostDesc, figures.Lost)
	counter(damagedDesc, figures.Damaged)
	if n.Shared != nil {
		up := 0.0
		if n.Shared.Up() {
			up = 1
		}
		gauge(sharedDesc, up)
		counter(fallbackDesc, n.Shared.Fallbacks())
	}
}
