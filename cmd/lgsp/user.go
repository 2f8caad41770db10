package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
)

// runUser makes accounts, and lets in again who has lost every second factor.
func runUser(ctx context.Context, p program) error {
	switch {
	case len(p.Args) > 0 && p.Args[0] == "create":
		return createUser(ctx, p)
	case len(p.Args) > 0 && p.Args[0] == "rescue":
		return rescueUser(ctx, p)
	}
	return errors.New("usage: lgsp user create --role ROLE --email ADDRESS --name NAME [--agency SLUG], or lgsp user rescue --email ADDRESS")
}

// createUser is lgsp user create --role operator --email an@example.vn --name "Nguyễn An".
func createUser(ctx context.Context, p program) error {
	flags := flag.NewFlagSet("user create", flag.ContinueOnError)
	flags.SetOutput(p.Stderr)
	role := flags.String("role", "", "operator or auditor of the platform; publisher or steward of an agency")
	email := flags.String("email", "", "the person's address")
	name := flags.String("name", "", "the person's name")
	agency := flags.String("agency", "", "slug of the agency, for publisher and steward")
	if err := flags.Parse(p.Args[1:]); err != nil {
		return err
	}
	platformRole := slices.Contains([]string{auth.RoleOperator, auth.RoleAuditor}, *role)
	agencyRole := slices.Contains([]string{auth.RolePublisher, auth.RoleSteward}, *role)
	switch {
	case !platformRole && !agencyRole:
		return fmt.Errorf("--role is one of operator, auditor, publisher, steward, not %q", *role)
	case platformRole && *agency != "", agencyRole && *agency == "":
		return errors.New("--agency goes with publisher and steward, and only with them")
	case *email == "":
		return errors.New("--email is needed: it is what the person signs in with")
	}
	if *name == "" {
		*name, _, _ = strings.Cut(*email, "@")
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
		link, err := platform.createUser(ctx, auth.NewPerson{Email: *email, Name: *name}, *role, *agency)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.Stdout, "%s may sign in after choosing a password here, once, within 24 hours:\n%s\n", *email, link)
		return nil
	})
}

func (p *platform) createUser(ctx context.Context, n auth.NewPerson, role, agency string) (string, error) {
	who := auth.Platform("lgsp user create")
	membership := auth.Membership{Role: role}
	if agency != "" {
		a, err := p.auth.AgencyBySlug(ctx, agency)
		if err != nil {
			return "", err
		}
		membership.Agency = a.ID
	}
	person, err := p.auth.CreatePerson(ctx, who, n)
	if err != nil {
		return "", err
	}
	if err := p.auth.AddMembership(ctx, who, person.ID, membership); err != nil {
		return "", err
	}
	token, err := p.auth.CreateLink(ctx, who, person.ID, 24*time.Hour)
	return p.config.PortalURL + "/set-password?token=" + token, err
}

// rescueUser takes two-step verification off an account and gives a link to
// choose a new password: for who has lost phone and recovery codes, and has
// shown the operator who they are.
func rescueUser(ctx context.Context, p program) error {
	flags := flag.NewFlagSet("user rescue", flag.ContinueOnError)
	flags.SetOutput(p.Stderr)
	email := flags.String("email", "", "the person's address")
	if err := flags.Parse(p.Args[1:]); err != nil {
		return err
	}
	if *email == "" {
		return errors.New("--email is needed: whose account it is")
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
		who := auth.Platform("lgsp user rescue")
		person, err := platform.auth.PersonByEmail(ctx, who, uuid.Nil, *email)
		if err != nil {
			return err
		}
		if err := platform.auth.DropFactors(ctx, who, person.ID); err != nil {
			return err
		}
		token, err := platform.auth.CreateLink(ctx, who, person.ID, 24*time.Hour)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.Stdout, "two-step verification is off and every session of %s has ended; a new password may be chosen here, once, within 24 hours:\n%s/set-password?token=%s\n",
			*email, platform.config.PortalURL, token)
		return nil
	})
}
