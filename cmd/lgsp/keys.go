package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"lgsp/auth"
	"lgsp/auth/oauth"
)

// runKeys shows the keys that sign tokens, and changes them. It prints no
// secret: a kid is the thumbprint of the public half.
func runKeys(ctx context.Context, p program) error {
	const usage = "usage: lgsp keys list | rotate | revoke KID"
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
		case verb == "list" && len(rest) == 0:
			return listKeys(ctx, p, platform.oauth)
		case verb == "rotate" && len(rest) == 0:
			kids, err := platform.oauth.RotateKeys(ctx, auth.Platform("lgsp keys rotate"))
			if err != nil {
				return err
			}
			fmt.Fprintf(p.Stdout, "%s are published now and sign in two minutes; the keys before them are believed until their last token has expired.\n",
				strings.Join(kids, " and "))
			return nil
		case verb == "revoke" && len(rest) == 1:
			if err := platform.oauth.RevokeKey(ctx, auth.Platform("lgsp keys revoke"), rest[0]); err != nil {
				return err
			}
			fmt.Fprintf(p.Stdout, "%s is revoked: no token that it signed is believed any more. Refresh tokens and keys of applications go on.\n", rest[0])
			return nil
		default:
			return errors.New(usage)
		}
	})
}

func listKeys(ctx context.Context, p program, server *oauth.Server) error {
	keys, err := server.SigningKeys(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KID\tALGORITHM\tCREATED\tSIGNS FROM\tBELIEVED UNTIL")
	for _, k := range keys {
		until := "-"
		if k.RetiresAt != nil {
			until = k.RetiresAt.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Algorithm, k.CreatedAt.Format(time.RFC3339), k.SignsFrom.Format(time.RFC3339), until)
	}
	return table.Flush()
}
