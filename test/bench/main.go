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
	timeLimit = 20 * time.Minute
	output    = "test/output"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	defer stop()
	if err := program(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// program is what this program is to be: by its first argument one of those
// that are measured, else the benchmark.
func program(ctx context.Context, args []string) error {
	if len(args) > 1 {
		switch args[0] {
		case bareProgram:
			return bare(ctx, args[1], args[2])
		case upstreamProgram:
			return benchUpstream(ctx, args[1])
		case reverseProgram:
			return reverseProxy(ctx, args[1], args[2])
		case plainProgram:
			return plainProxy(ctx, args[1], args[2])
		case authProgram:
			return authService(ctx, args[1], args[2], args[3])
		case nodeProgram:
			return runBenchNode(ctx, args[1])
		}
	}
	return run(ctx)
}

// run measures everything, the quiet figures before the loaded ones. It stops
// at the first failure: half a table misleads.
func run(ctx context.Context) (err error) {
	for _, tool := range []string{"nginx", "haproxy", "wrk", "h2load", "node", "bin/lgsp"} {
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

	if err := measureInGo(ctx, &r); err != nil {
		return err
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
	if err := measureCatalogue(ctx, p, &r); err != nil {
		return err
	}
	if wanted("apply") {
		say("a document of %d APIs", applySize)
		if r.Apply, err = measureApply(ctx, p, dir); err != nil {
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
	if len(os.Args) > 1 && wanted("large") {
		if r.Large, err = measureLarge(ctx, p); err != nil {
			return err
		}
	}
	if wanted("calls") {
		if r.Calls, err = measureCalls(ctx, p, dir); err != nil {
			return err
		}
	}
	if wanted("gateway") {
		if err = measureGateway(ctx, p, dir, &r); err != nil {
			return err
		}
	}
	if len(os.Args) > 1 && wanted("scale") {
		if r.Scale, err = measureScale(ctx, p, dir); err != nil {
			return err
		}
	}
	r.Starts.LoadMiB, r.Machine.LoadAfter = residentMiB(p.pid()), loadAverage()
	return r.write()
}

// measureCatalogue measures what people and programs ask of the open data, and
// stewards of their desk.
func measureCatalogue(ctx context.Context, p *platform, r *report) (err error) {
	if wanted("search") {
		say("search at %d datasets", searchSize)
		if r.Search, err = measureSearch(ctx, p); err != nil {
			return err
		}
		say("packages, as CKAN's clients ask for them")
		if r.Packages, err = measurePackages(ctx, p); err != nil {
			return err
		}
	}
	if wanted("dump") {
		say("harvests of %d datasets", dumpSize)
		if r.Dump, err = measureDump(ctx, p); err != nil {
			return err
		}
	}
	if wanted("inbox") {
		say("a steward's desk of %d agreements", inboxSize)
		if r.Inbox, err = measureInbox(ctx, p); err != nil {
			return err
		}
	}
	if wanted("rows") {
		say("a table of %d rows", tableRows)
		if r.Rows, err = measureRows(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// wanted reports whether a part is to be measured: any, unless parts are named
// (go run ./test/bench tokens calls).
func wanted(part string) bool { return len(os.Args) < 2 || slices.Contains(os.Args[1:], part) }

// say tells the person who waits what is going on.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }
