package main

import (
	"context"
	"fmt"
	"runtime/debug"
)

// runMigrate brings the database to the newest schema and says how it went.
func runMigrate(ctx context.Context, p program) error {
	c, err := readConfig(p.Environ, false)
	if err != nil {
		return err
	}
	return withDatabase(ctx, c, func(*database) error {
		fmt.Fprintln(p.Stdout, "the database has the newest schema")
		return nil
	})
}

// runVersion prints what was built.
func runVersion(_ context.Context, p program) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("built without build information")
	}
	revision := "unknown revision"
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	fmt.Fprintln(p.Stdout, "lgsp", revision, info.GoVersion)
	return nil
}
