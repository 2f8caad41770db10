// Command lgsp is the whole platform in one program.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // a third of the collector's work at twice a small heap
	}
	if err := run(ctx, program{Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr}); err != nil {
		fmt.Fprintln(os.Stderr, "lgsp:", err)
		os.Exit(1)
	}
}

// program is what a run of the binary is given from outside.
type program struct {
	Args    []string
	Environ []string
	Stdout  io.Writer
	Stderr  io.Writer
}

// command is one subcommand.
type command struct {
	name  string
	about string
	run   func(context.Context, program) error
}

var commands = []command{
	{"serve", "run the whole platform in one process (--demo: with the demo province)", runServe},
	{"gateway", "run a data-plane node alone", runGateway},
	{"migrate", "bring the database to the newest schema", runMigrate},
	{"user", "accounts: user create --role operator --email … --name …; user rescue --email …", runUser},
	{"agency", "register an agency: agency create --slug … --code … --name-vi … --name-en …", runAgency},
	{"export", "an agency as a YAML document: export AGENCY > FILE", runExport},
	{"apply", "put an agency's YAML document in force, and show the difference: apply -f FILE [--dry-run]", runApply},
	{"demo", "what a script needs to try the running demo: demo info --json", runDemo},
	{"keys", "the keys that sign tokens: keys list; keys rotate; keys revoke KID", runKeys},
	{"secret", "the secret that every other key comes from: secret list; secret rotate; secret drop VERSION [--force]", runSecret},
	{"files", "the files of datasets: files to-s3; files to-disk", runFiles},
	{"ledger", "the log: ledger verify; ledger prove ID; ledger erase ID REASON", runLedger},
	{"version", "print what was built", runVersion},
}

// run is the program; tests call it.
func run(ctx context.Context, p program) error {
	if len(p.Args) == 0 || p.Args[0] == "help" || p.Args[0] == "-h" || p.Args[0] == "--help" {
		usage(p.Stdout)
		return nil
	}
	for _, c := range commands {
		if c.name == p.Args[0] {
			p.Args = p.Args[1:]
			return c.run(ctx, p)
		}
	}
	usage(p.Stderr)
	return fmt.Errorf("no command %q", p.Args[0])
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: lgsp COMMAND [flags]")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.about)
	}
}
