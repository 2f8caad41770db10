package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// microFigures are of one Go benchmark.
type microFigures struct {
	Name        string    `json:"name"` // package and benchmark
	Nanoseconds []float64 `json:"ns"`   // an operation, one a count
	Allocations float64   `json:"allocations"`
}

var microLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op.*?(\d+) allocs/op`)

// micro runs the gateway's own benchmarks: route, decision, explanation, token, projection.
func micro(ctx context.Context) ([]*microFigures, error) {
	text, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "Decide|Explain|First|Route|Match|Verify|Apply", "-benchmem", "-benchtime", "100ms", "-count", "3", "-cpu", "1",
		"./gateway", "./gateway/route", "./gateway/project", "./auth/policy", "./auth/oauth").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test -bench: %w\n%s", err, text)
	}
	var list []*microFigures
	byName := map[string]*microFigures{}
	folder := ""
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "pkg: lgsp/"); ok {
			folder = strings.TrimSpace(rest)
		}
		m := microLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := folder + " " + m[1]
		if byName[name] == nil {
			byName[name] = &microFigures{Name: name}
			list = append(list, byName[name])
		}
		f := byName[name]
		took, _ := strconv.ParseFloat(m[2], 64)         // digits
		f.Allocations, _ = strconv.ParseFloat(m[3], 64) // digits
		f.Nanoseconds = append(f.Nanoseconds, took)
	}
	return list, nil
}
