package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// measureInGo runs the gateway's own benchmarks.
func measureInGo(ctx context.Context, r *report) (err error) {
	if wanted("micro") {
		say("Go micro benchmarks")
		if r.Micro, err = micro(ctx); err != nil {
			return err
		}
	}
	if wanted("in-force") {
		say("an approval on two nodes")
		r.InForce, err = measureInForce(ctx)
	}
	return err
}

// inForceFigures are how long an approval or a suspension takes from its commit
// until both of two nodes answer calls by it, while 100 agreements change a second.
type inForceFigures struct {
	P50 float64 `json:"p50"` // ms
	P99 float64 `json:"p99"`
}

var inForceLine = regexp.MustCompile(`([\d.]+) p50-ms\s+([\d.]+) p99-ms`)

// measureInForce runs the gateway's own benchmark of it, over 200 changes.
func measureInForce(ctx context.Context) (*inForceFigures, error) {
	text, err := exec.CommandContext(ctx, "go", "run", "./internal/pgtest/withdb", "go", "test", "-run", "^$", "-bench", "InForce", "-benchtime", "1x", "./gateway").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test -bench: %w\n%s", err, text)
	}
	m := inForceLine.FindStringSubmatch(string(text))
	if m == nil {
		return nil, fmt.Errorf("no figures in %s", text)
	}
	var f inForceFigures
	f.P50, _ = strconv.ParseFloat(m[1], 64) // digits
	f.P99, _ = strconv.ParseFloat(m[2], 64) // digits
	return &f, nil
}

func (f *inForceFigures) table(b *strings.Builder) {
	if f == nil {
		return
	}
	b.WriteString("\n## An approval or a suspension, on two nodes, while 100 agreements change a second\n\n")
	table(b, "from its commit until both answer by it", "ms", "to be")
	fmt.Fprintf(b, "| p50 | %.0f | |\n| p99 | %.0f | ≤ 1000 |\n", f.P50, f.P99)
}
