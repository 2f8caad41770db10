package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// versionChange is one change of a version: by whom, what the policy is asked, what
// the ledger keeps, and the states it may happen in.
type versionChange struct {
	who     auth.Principal
	version uuid.UUID
	act     string
	verb    string
	from    []string
	detail  map[string]any
	part    string // of the version's bundle, that it is about; "": of none
	save    *Save  // what the revision says of it; nil: nothing
}

const lockVersionSQL = versionColumns + `
 where v.id = $1
   for update of v`

const touchVersionSQL = `update catalog.version set updated_at = $2 where id = $1`

// changeVersion does one change in one transaction: the version is locked, do
// changes it, its bundle is kept as a revision where it became another, the
// gateway and search learn of it when it is live, and the ledger keeps it with
// the bundle's hash. It fails with NotFound for a version that is unknown or not
// to be seen, with what May says, with Conflict in another state or where the
// agency demands two persons for it, and with what do returns.
func (c *Catalog) changeVersion(ctx context.Context, ch versionChange, do func(tx pgx.Tx, v Version) error) (Version, error) {
	seen, err := c.VersionByID(ctx, ch.who, ch.version)
	if err != nil {
		return Version{}, err
	}
	if err := c.May(ctx, ch.who, ch.act, seen.AgencyID); err != nil {
		return Version{}, err
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		v, err := pg.One[Version](ctx, tx, lockVersionSQL, ch.version)
		if errors.Is(err, pgx.ErrNoRows) {
			return problem.Errorf(problem.NotFound, "no version %s", ch.version)
		} else if err != nil {
			return fmt.Errorf("lock version %s: %w", ch.version, err)
		}
		v.Agency = seen.Agency
		if !slices.Contains(ch.from, v.State) {
			return problem.Errorf(problem.Conflict, "%s/%s is %s", v.APISlug, v.Number, v.State).Coded("wrong-state", "state", v.State)
		}
		if err := c.mayAlone(ctx, tx, ch, v); err != nil {
			return err
		}
		if err := do(tx, v); err != nil {
			return err
		}
		hash, err := c.revise(ctx, tx, v.ID, ch)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, touchVersionSQL, v.ID, c.Now().UTC()); err != nil {
			return fmt.Errorf("touch version %s: %w", v.ID, err)
		}
		if err := c.tell(ctx, tx, v); err != nil {
			return err
		}
		detail := map[string]any{"api": v.APISlug, "version": v.Number, "bundle": hash}
		for name, value := range ch.detail {
			detail[name] = value
		}
		return c.Record(ctx, tx, auth.Act{Who: ch.who, Verb: ch.verb, Agency: v.AgencyID, About: v.ID, Detail: detail})
	})
	if err != nil {
		return Version{}, err
	}
	return c.VersionByID(ctx, ch.who, ch.version)
}

// tell lets the gateway and search know how a version now stands; before is
// how it stood.
func (c *Catalog) tell(ctx context.Context, tx pgx.Tx, before Version) error {
	v, err := pg.One[Version](ctx, tx, versionByIDSQL, before.ID)
	if err != nil {
		return fmt.Errorf("read version %s: %w", before.ID, err)
	}
	v.Agency = before.Agency
	one := []Version{v}
	if err := c.nameSuccessors(ctx, tx, one); err != nil {
		return err
	}
	v = one[0]
	if err := c.tellSandbox(ctx, tx, before, v); err != nil {
		return err
	}
	switch {
	case live(v.State):
		if err := c.expose(ctx, tx, v); err != nil {
			return err
		}
	case v.State == Retired && before.State != Retired:
		if err := c.Withdraw(ctx, tx, Ended{VersionID: v.ID, At: *v.Sunset, Successor: v.Successor, Docs: v.DocsURL}); err != nil {
			return err
		}
	default:
		return nil
	}
	return c.indexAPI(ctx, tx, v.APIID, v.Agency)
}

// expose hands the gateway everything it must know of v.
func (c *Catalog) expose(ctx context.Context, tx pgx.Tx, v Version) error {
	e, err := c.exposure(ctx, tx, v)
	if err != nil {
		return err
	}
	return c.Expose(ctx, tx, e)
}

func (c *Catalog) exposure(ctx context.Context, tx pgx.Tx, v Version) (Exposure, error) {
	plan, err := pg.One[Plan](ctx, tx, planSQL, v.PlanSlug)
	if err != nil {
		return Exposure{}, fmt.Errorf("read plan %s: %w", v.PlanSlug, err)
	}
	operations, err := operationsOf(ctx, tx, v.ID)
	if err != nil {
		return Exposure{}, err
	}
	operations = marked(operations)
	return Exposure{
		VersionID: v.ID, AgencyID: v.AgencyID, AgencySlug: v.Agency.Slug, APIID: v.APIID, APISlug: v.APISlug,
		Number: v.Number, State: v.State, Upstreams: v.Upstreams, Plan: plan, Traffic: v.Traffic,
		Operations: operations, Document: documentOf(ctx, tx, v.ID),
		Deprecated: v.DeprecatedAt, Sunset: v.Sunset, Successor: v.Successor, Docs: v.DocsURL,
	}, nil
}
