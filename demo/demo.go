// Package demo answers what stands in the demo province: its agencies and
// systems, simulated services, open datasets, and people to try them with.
package demo
