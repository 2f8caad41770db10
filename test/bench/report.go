package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// report is everything that was measured.
type report struct {
	Machine  facts             `json:"machine"`
	Calls    []*callFigures    `json:"calls,omitempty"`
	Scale    *scaleFigures     `json:"scale,omitempty"`
	Gateway  []*gatewayFigures `json:"gateway,omitempty"`
	More     []*moreFigures    `json:"gateway_more,omitempty"`
	Slow     *slowNeighbour    `json:"slow_neighbour,omitempty"`
	InForce  *inForceFigures   `json:"in_force,omitempty"`
	Tokens   []*tokenFigures   `json:"tokens"`
	Chains   []chainFigures    `json:"chains"`
	Million  []memoryFigure    `json:"million,omitempty"`
	Starved  []starvation      `json:"starved"`
	Search   []searchFigures   `json:"search"`
	Packages []searchFigures   `json:"packages"`
	Dump     []searchFigures   `json:"dump"`
	Inbox    []searchFigures   `json:"inbox,omitempty"`
	Rows     *rowsFigures      `json:"rows,omitempty"`
	Large    *largeFigures     `json:"large,omitempty"`
	Apply    *applyFigures     `json:"apply,omitempty"`
	Starts   starts            `json:"starts"`
	Micro    []*microFigures   `json:"micro"`
}

// facts are what the figures depend on.
type facts struct {
	Cores      int      `json:"cores"`
	Processor  string   `json:"processor"`
	LoadBefore string   `json:"load_before"`
	LoadAfter  string   `json:"load_after"`
	Versions   []string `json:"versions"`
}

func machine(ctx context.Context) facts {
	f := facts{Cores: runtime.NumCPU(), Processor: "unknown processor", LoadBefore: loadAverage()}
	text, _ := os.ReadFile("/proc/cpuinfo") // unknown when it cannot be read
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			f.Processor = strings.TrimSpace(value)
			break
		}
	}
	for _, command := range [][]string{{"bin/lgsp", "version"}, {"go", "version"}, {"nginx", "-v"}, {"haproxy", "-v"}, {"wrk", "-v"}, {"uname", "-sr"}} {
		said, _ := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput() // wrk -v ends with 1
		first, _, _ := strings.Cut(string(said), "\n")
		f.Versions = append(f.Versions, strings.TrimSpace(first))
	}
	return f
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg") // "" when it cannot be read
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// write prints the report and keeps it.
func (r report) write() error {
	text := r.markdown()
	fmt.Print(text)
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if err := os.MkdirAll(output, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", output, err)
	}
	for name, content := range map[string][]byte{"bench.md": []byte(text), "bench.json": append(encoded, '\n')} {
		if err := os.WriteFile(filepath.Join(output, name), content, 0o644); err != nil {
			return fmt.Errorf("keep the report: %w", err)
		}
	}
	return nil
}

// table begins a Markdown table, its first column left, all others right.
func table(b *strings.Builder, columns ...string) {
	fmt.Fprintf(b, "| %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("--:|", len(columns)-1))
}

func (r report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmark\n\n%d cores of %s; load %s before, %s after.\n%s.\n\n", r.Machine.Cores, r.Machine.Processor,
		r.Machine.LoadBefore, r.Machine.LoadAfter, strings.Join(r.Machine.Versions, "; "))
	fmt.Fprintf(&b, "Medians of %d rounds (A B C …, A B C …), least to most in brackets. Everything shares the cores over loopback.\n", rounds)
	if len(r.Calls) > 0 {
		r.calls(&b)
	}
	if len(r.Gateway) > 0 {
		gatewayTable(&b, r.Gateway)
	}
	moreTable(&b, r.More)
	r.Slow.table(&b)
	r.InForce.table(&b)
	if r.Scale != nil {
		scaleTable(&b, r.Scale)
	}
	if len(r.Tokens) > 0 {
		r.tokens(&b)
	}
	if len(r.Million) > 0 {
		r.million(&b)
	}
	if len(r.Chains) > 0 {
		r.people(&b)
	}
	if len(r.Search) > 0 {
		fmt.Fprintf(&b, "\n## Search, %d datasets and the demo province\n\n", searchSize)
		table(&b, "query", "calls", "p50 ms", "p95 ms")
		for _, s := range r.Search {
			fmt.Fprintf(&b, "| %s | %d | %.1f | %.1f |\n", s.Name, s.Calls, s.P50, s.P95)
		}
		b.WriteString("\nOver HTTP at /api/v1, 50 requests a second whether or not the one before was answered.\n")
	}
	if len(r.Inbox) > 0 {
		r.inbox(&b)
	}
	if len(r.Packages) > 0 {
		r.packages(&b)
	}
	if len(r.Dump) > 0 {
		fmt.Fprintf(&b, "\n## Harvests, %d datasets of two files\n\n", dumpSize)
		table(&b, "document", "calls", "p50 ms", "p95 ms")
		for _, d := range r.Dump {
			fmt.Fprintf(&b, "| %s | %d | %.1f | %.1f |\n", d.Name, d.Calls, d.P50, d.P95)
		}
		b.WriteString("\nOver HTTP, one at a time, to the last byte.\n")
	}
	if r.Rows != nil {
		r.Rows.table(&b)
	}
	if r.Large != nil {
		r.Large.table(&b)
	}
	if r.Apply != nil {
		r.Apply.table(&b)
	}
	b.WriteString("\n## Start\n\n")
	table(&b, "start", "ms from exec to ready")
	fmt.Fprintf(&b, "| first: database made, demo province loaded | %.0f |\n| with its data | %s |\n\nlgsp holds %.0f MiB 2 s after a start, %.0f MiB after all calls, PostgreSQL apart.\n",
		r.Starts.FirstMS, spread(r.Starts.AgainMS, "%.0f"), r.Starts.RSSMiB, r.Starts.LoadMiB)
	if len(r.Micro) > 0 {
		b.WriteString("\n## Go benchmarks, one core\n\n")
		table(&b, "benchmark", "ns", "allocations")
		for _, m := range r.Micro {
			fmt.Fprintf(&b, "| %s | %s | %.0f |\n", m.Name, spread(m.Nanoseconds, "%.0f"), m.Allocations)
		}
	}
	return b.String()
}

// calls writes the table of the ways to one answer.
func (r report) calls(b *strings.Builder) {
	b.WriteString("\n## Calls\n\n")
	table(b, "row", fmt.Sprintf("calls/s, %d connections", connections), "CPU µs/call, all servers", "lgsp", "PostgreSQL", "nginx",
		"calls per CPU-s, × nginx", "without upstream, × nginx", "ms until in the ledger", fmt.Sprintf("p50 ms at %d/s", fixedRate), "p99 ms", "p99, × direct")
	direct, nginx := r.Calls[0], r.Calls[1]
	upstream := median(direct.ServersCPU)
	for _, f := range r.Calls {
		beside := "–"
		if own := median(f.ServersCPU) - upstream; f != direct && own > 0 {
			beside = fmt.Sprintf("%.2f", (median(nginx.ServersCPU)-upstream)/own)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %.0f | %.0f | %.0f | %.2f | %s | %.0f | %s | %s | %.2f |\n", f.Name,
			spread(f.PerSecond, "%.0f"), spread(f.ServersCPU, "%.0f"), median(f.LgspCPU), median(f.DBCPU), median(f.NginxCPU),
			median(nginx.ServersCPU)/median(f.ServersCPU), beside, median(f.Settle), spread(f.P50, "%.2f"), spread(f.P99, "%.2f"), median(f.P99)/median(direct.P99))
	}
	b.WriteString(callNotes)
}

const callNotes = `
Each row ends at the simulated agriculture system of the demo, which answers 833 bytes of JSON from within the lgsp process: its
CPU time is in every row, and "without upstream" takes the direct row's off. The lgsp rows are the whole pipeline of
` + "`lgsp serve --demo`" + ` as it is delivered: route, credential, agreement, policy, rate and day quota, hashes, journal on disk, and the
evidence signed into the ledger; a row's CPU time is counted until the ledger holds its last call. Log level info (no line a call).
nginx checks and records nothing: no log, no limit. Limits are out of the way by a plan of 600,000,000 calls/min inserted into the
throw-away database. One caller, one token: verified once, then remembered. Latencies are counted from when a call was due.
`

// spread is the median with the least and the most.
func spread(values []float64, format string) string {
	if len(values) == 0 {
		return "–"
	}
	return fmt.Sprintf(format+" ("+format+"–"+format+")", median(values), slices.Min(values), slices.Max(values))
}
