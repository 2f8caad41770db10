// Command bench measures the platform beside real peers on this machine and
// prints one Markdown table: make bench. It uses loopback only, and ends every
// process that it started.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

const (
	timeLimit = 8 * time.Minute
	output    = "test/output"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	defer stop()
	work := run
	if len(os.Args) == 4 && os.Args[1] == bareProgram {
		work = func(ctx context.Context) error { return bare(ctx, os.Args[2], os.Args[3]) }
	}
	if err := work(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures everything, the quiet figures before the loaded ones. It stops
// at the first failure: half a table misleads.
func run(ctx context.Context) (err error) {
	for _, tool := range []string{"nginx", "wrk", "node", "bin/lgsp"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w; run it by: make bench", err)
		}
	}
	dir, err := os.MkdirTemp("", "lgsp-bench-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // the private PostgreSQL may run as another user
		return fmt.Errorf("open the directory: %w", err)
	}
	r := report{Machine: machine(ctx)}

	if wanted("micro") {
		say("Go micro benchmarks")
		if r.Micro, err = micro(ctx); err != nil {
			return err
		}
	}
	p, err := newPlatform(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	say("starts")
	if r.Starts, err = p.starts(ctx); err != nil {
		return err
	}
	if wanted("search") {
		say("search at %d datasets", searchSize)
		if r.Search, err = measureSearch(ctx, p); err != nil {
			return err
		}
	}
	if wanted("tokens") {
		if r.Tokens, err = measureTokens(ctx, p); err != nil {
			return err
		}
	}
	if wanted("people") {
		if r.Chains, r.Starved, err = measurePeople(ctx, p); err != nil {
			return err
		}
	}
	if len(os.Args) > 1 && wanted("million") {
		if r.Million, err = measureMillion(ctx, p); err != nil {
			return err
		}
	}
	if wanted("calls") {
		if r.Calls, err = measureCalls(ctx, p, dir); err != nil {
			return err
		}
	}
	r.Starts.LoadMiB, r.Machine.LoadAfter = residentMiB(p.pid()), loadAverage()
	return r.write()
}

// wanted reports whether a part is to be measured: any, unless parts are named
// (go run ./test/bench tokens calls).
func wanted(part string) bool { return len(os.Args) < 2 || slices.Contains(os.Args[1:], part) }

// say tells the person who waits what is going on.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }
