package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"lgsp/auth"
)

// runAgency registers the agencies of a platform: lgsp agency create --slug
// so-noi-vu --code H48.11 --name-vi "Sở Nội vụ" --name-en "Department of Home Affairs".
func runAgency(ctx context.Context, p program) error {
	if len(p.Args) == 0 || p.Args[0] != "create" {
		return errors.New("usage: lgsp agency create --slug SLUG --code CODE --name-vi NAME --name-en NAME [--parent SLUG] [--from YYYY-MM-DD]")
	}
	flags := flag.NewFlagSet("agency create", flag.ContinueOnError)
	flags.SetOutput(p.Stderr)
	var a auth.Agency
	flags.StringVar(&a.Slug, "slug", "", "in addresses: lower case, digits, hyphens")
	flags.StringVar(&a.Code, "code", "", "the agency's identifier, as H48.11")
	flags.StringVar(&a.NameVI, "name-vi", "", "its name in Vietnamese")
	flags.StringVar(&a.NameEN, "name-en", "", "its name in English")
	parent := flags.String("parent", "", "slug of the agency it belongs to")
	from := flags.String("from", time.Now().UTC().Format(time.DateOnly), "the day since when it exists")
	if err := flags.Parse(p.Args[1:]); err != nil {
		return err
	}
	var err error
	if a.ValidFrom, err = time.Parse(time.DateOnly, *from); err != nil {
		return fmt.Errorf("--from is a day such as 2025-07-01, not %q", *from)
	}
	c, err := readConfig(p.Environ, false)
	if err != nil {
		return err
	}
	return withDatabase(ctx, c, func(db *database) error {
		platform, err := wire(ctx, c, db)
		if err != nil {
			return err
		}
		if *parent != "" {
			above, err := platform.auth.AgencyBySlug(ctx, *parent)
			if err != nil {
				return err
			}
			a.Parent = &above.ID
		}
		made, err := platform.auth.CreateAgency(ctx, auth.Platform("lgsp agency create"), a)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.Stdout, "%s is registered: %s/agencies/%s\n", made.NameVI, c.PortalURL, made.Slug)
		return nil
	})
}
