package gateway

// Metrics are a node's figures for Prometheus.
type Metrics struct{}
