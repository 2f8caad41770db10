package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/ledger"
)

// runLedger checks the log, proves that an entry is in it, or erases what an
// exchange holds.
func runLedger(ctx context.Context, p program) error {
	const usage = "usage: lgsp ledger verify [--json] | prove ENTRY-ID | erase ENTRY-ID REASON"
	if len(p.Args) == 0 {
		return errors.New(usage)
	}
	c, err := readConfig(p.Environ, false)
	if err != nil {
		return err
	}
	verb, rest := p.Args[0], p.Args[1:]
	return withDatabase(ctx, c, func(db *database) error {
		platform, err := wire(ctx, c, db)
		if err != nil {
			return err
		}
		switch {
		case verb == "verify":
			return verifyLedger(ctx, p, platform.ledger, rest)
		case verb == "prove" && len(rest) == 1:
			return proveEntry(ctx, p, platform.ledger, rest[0])
		case verb == "erase" && len(rest) == 2:
			return eraseEntry(ctx, p, platform.ledger, rest)
		default:
			return errors.New(usage)
		}
	})
}

func verifyLedger(ctx context.Context, p program, l *ledger.Ledger, args []string) error {
	flags := flag.NewFlagSet("ledger verify", flag.ContinueOnError)
	flags.SetOutput(p.Stderr)
	asJSON := flags.Bool("json", false, "print the report as JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	report, err := l.Verify(ctx, func(done, all int64) {
		if done%100_000 == 0 && done > 0 {
			fmt.Fprintf(p.Stderr, "%d of %d entries\n", done, all)
		}
	})
	if err != nil {
		return err
	}
	if *asJSON {
		if err := json.NewEncoder(p.Stdout).Encode(report); err != nil {
			return err
		}
	} else {
		printReport(p, report)
	}
	if !report.OK() {
		return fmt.Errorf("the log was tampered with: %d findings", len(report.Findings))
	}
	return nil
}

func printReport(p program, r ledger.Report) {
	fmt.Fprintf(p.Stdout, "checkpoint of %s, signed over %d entries\n", r.SignedAt.Format("2006-01-02 15:04:05Z07:00"), r.Size)
	fmt.Fprintf(p.Stdout, "%d entries read, %d erased, %d numbered since the checkpoint, %d waiting for a number\n",
		r.Checked, r.Erased, r.Unsigned, r.Waiting)
	for _, f := range r.Findings {
		fmt.Fprintf(p.Stdout, "✗ %s\n  %s\n", f.TextVI, f.TextEN)
	}
	if r.OK() {
		fmt.Fprintln(p.Stdout, "✓ Nhật ký nguyên vẹn / the log is whole")
	}
}

// eraseEntry removes what an exchange holds, for a person's right or by a
// court's order. Its place in the log stays, and so does the reason.
func eraseEntry(ctx context.Context, p program, l *ledger.Ledger, args []string) error {
	id, err := entryID(args[0])
	if err != nil {
		return err
	}
	if err := l.Erase(ctx, auth.Platform("lgsp ledger erase"), id, args[1]); err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout, "erased; the log is still whole, and says who erased it and why")
	return nil
}

func entryID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return id, fmt.Errorf("%q is not the id of an entry", text)
	}
	return id, nil
}

func proveEntry(ctx context.Context, p program, l *ledger.Ledger, text string) error {
	id, err := entryID(text)
	if err != nil {
		return err
	}
	proof, err := l.Prove(ctx, id)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(p.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(proof)
}
