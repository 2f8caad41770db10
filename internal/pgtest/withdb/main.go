// Command withdb runs a command with a throw-away PostgreSQL at
// LGSP_TEST_DATABASE_URL: go run ./internal/pgtest/withdb go test ./...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"lgsp/internal/devdb"
	"lgsp/internal/pgtest"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withdb:", err)
		code = 1
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	if len(args) == 0 {
		return 0, errors.New("which command?")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := pgtest.Dir()
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	db, err := devdb.Start(ctx, devdb.Config{Dir: dir, Settings: pgtest.FastSettings})
	if err != nil {
		return 0, err
	}
	defer db.Stop()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "LGSP_TEST_DATABASE_URL="+db.URL)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
