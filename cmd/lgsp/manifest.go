package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"lgsp/portal/manifest"
)

const remoteUsage = "the portal is --portal or LGSP_PORTAL_URL, the personal access token LGSP_TOKEN or what the file LGSP_TOKEN_FILE holds"

// runExport is lgsp export so-noi-vu > so-noi-vu.yaml.
func runExport(ctx context.Context, p program) error {
	flags := flag.NewFlagSet("export", flag.ContinueOnError)
	flags.SetOutput(p.Stderr)
	portal := flags.String("portal", "", "origin of the portal")
	if err := flags.Parse(p.Args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("usage: lgsp export [--portal URL] AGENCY; " + remoteUsage)
	}
	c, err := remote(p.Environ, *portal)
	if err != nil {
		return err
	}
	d, unseen, err := manifest.Export(ctx, c, flags.Arg(0))
	if err != nil {
		return err
	}
	if len(unseen) > 0 {
		fmt.Fprintf(p.Stderr, "left out, because the token's person may not see it: %s\n", strings.Join(unseen, ", "))
	}
	return d.Write(p.Stdout)
}

// runApply is lgsp apply -f so-noi-vu.yaml.
func runApply(ctx context.Context, p program) error {
	flags := flag.NewFlagSet("apply", flag.ContinueOnError)
	flags.SetOutput(p.Stderr)
	portal := flags.String("portal", "", "origin of the portal")
	file := flags.String("f", "", "the document; - is standard input")
	dry := flags.Bool("dry-run", false, "show the difference, and change nothing")
	if err := flags.Parse(p.Args); err != nil {
		return err
	}
	if *file == "" || flags.NArg() != 0 {
		return errors.New("usage: lgsp apply -f FILE [--dry-run] [--portal URL]; " + remoteUsage)
	}
	c, err := remote(p.Environ, *portal)
	if err != nil {
		return err
	}
	d, err := readManifest(*file)
	if err != nil {
		return fmt.Errorf("%s: %w", *file, err)
	}
	plan, err := manifest.Compare(ctx, c, d)
	if err != nil {
		return err
	}
	fmt.Fprint(p.Stdout, plan.Diff)
	said(p.Stderr, "not compared, because the token's person may not see it: ", plan.Unseen)
	said(p.Stderr, "not in the document, left as it is: ", plan.Left)
	said(p.Stderr, "ended in the document and never here, not begun: ", plan.Over)
	if plan.Steps() == 0 {
		fmt.Fprintln(p.Stderr, "nothing to change")
		return nil
	}
	if *dry {
		fmt.Fprintf(p.Stderr, "%d changes, none made (--dry-run)\n", plan.Steps())
		return nil
	}
	report := plan.Apply(ctx, c)
	said(p.Stderr, "", report.Done)
	said(p.Stderr, "waits for somebody else: ", report.Waiting)
	return errors.Join(report.Failed...)
}

func said(w io.Writer, what string, lines []string) {
	for _, line := range lines {
		fmt.Fprintln(w, what+line)
	}
}

func readManifest(file string) (manifest.Document, error) {
	if file == "-" {
		return manifest.Read(os.Stdin)
	}
	f, err := os.Open(file)
	if err != nil {
		return manifest.Document{}, err
	}
	defer f.Close()
	return manifest.Read(f)
}

// remote is the API of a portal, as the person of the token.
func remote(environ []string, portal string) (*manifest.Client, error) {
	settings := map[string]string{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		settings[name] = value
	}
	c := &manifest.Client{Portal: portal, Token: settings["LGSP_TOKEN"]}
	if c.Portal == "" {
		c.Portal = settings["LGSP_PORTAL_URL"]
	}
	if file := settings["LGSP_TOKEN_FILE"]; c.Token == "" && file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("LGSP_TOKEN_FILE: %w", err)
		}
		c.Token = strings.TrimSpace(string(text))
	}
	if c.Portal == "" || c.Token == "" {
		return nil, errors.New("the portal or the token is missing: " + remoteUsage)
	}
	return c, nil
}
