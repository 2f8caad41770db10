package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// ReleaseRule is what an agency demands of what goes live.
type ReleaseRule struct {
	TwoPersons bool `json:"two_persons"` // a version goes live, and what is live changes, by a bundle that one proposes and a steward promotes
}

const (
	releaseRuleSQL    = `select two_persons from catalog.release_rule where agency_id = $1`
	setReleaseRuleSQL = `
insert into catalog.release_rule (agency_id, two_persons) values ($1, $2)
on conflict (agency_id) do update set two_persons = excluded.two_persons`
	lockReleaseRuleSQL = `select pg_advisory_xact_lock(hashtextextended('catalog.release_rule ' || $1::uuid, 0))`
)

// ReleaseRuleOf gives an agency's rule to its own people and those of the
// platform; else it fails with NotFound.
func (c *Catalog) ReleaseRuleOf(ctx context.Context, who auth.Principal, agency uuid.UUID) (ReleaseRule, error) {
	if !sees(who, agency) {
		return ReleaseRule{}, problem.Errorf(problem.NotFound, "no agency %s", agency)
	}
	return releaseRule(ctx, c.DB, agency)
}

func releaseRule(ctx context.Context, db pg.DB, agency uuid.UUID) (ReleaseRule, error) {
	rule, err := pg.One[ReleaseRule](ctx, db, releaseRuleSQL, agency)
	if errors.Is(err, pgx.ErrNoRows) {
		return ReleaseRule{}, nil
	} else if err != nil {
		return rule, fmt.Errorf("read the release rule of agency %s: %w", agency, err)
	}
	return rule, nil
}

// SetReleaseRule sets an agency's rule; it holds at once, for what waits too.
// Who promotes for the agency may; but only the platform's operator sets it back
// to one person, so that nobody releases alone by first changing the rule. It
// fails with what May says of api.promote, and with Forbidden for that.
func (c *Catalog) SetReleaseRule(ctx context.Context, who auth.Principal, agency uuid.UUID, rule ReleaseRule) (ReleaseRule, error) {
	operates := c.May(ctx, who, "agency.edit", agency) == nil
	if !operates {
		if err := c.May(ctx, who, "api.promote", agency); err != nil {
			return ReleaseRule{}, err
		}
	}
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockReleaseRuleSQL, agency); err != nil {
			return fmt.Errorf("lock the release rule of agency %s: %w", agency, err)
		}
		was, err := releaseRule(ctx, tx, agency)
		if err != nil || was == rule {
			return err
		}
		if was.TwoPersons && !operates {
			return problem.Errorf(problem.Forbidden, "only the operator sets it back to one person").Coded("two-persons-stay")
		}
		_, err = tx.Exec(ctx, setReleaseRuleSQL, agency, rule.TwoPersons)
		if pg.IsForeign(err, "release_rule_agency_fkey") {
			return problem.Errorf(problem.NotFound, "no agency %s", agency)
		}
		if err != nil {
			return fmt.Errorf("set the release rule of agency %s: %w", agency, err)
		}
		return c.Record(ctx, tx, auth.Act{Who: who, Verb: "agency.release-rule", Agency: agency, About: agency,
			Detail: map[string]any{"two_persons": rule.TwoPersons}})
	})
	return rule, err
}

// partAll is a change of a whole bundle.
const partAll = "all"

// mayAlone refuses, with Conflict, what the agency demands a second person for:
// that a version goes live, and that a bundle which is live changes.
func (c *Catalog) mayAlone(ctx context.Context, tx pgx.Tx, ch versionChange, v Version) error {
	if ch.part == "" || c.asIf || ch.act == "api.promote" || !live(v.State) && ch.verb != "version.publish" {
		return nil
	}
	rule, err := releaseRule(ctx, tx, v.AgencyID)
	if err != nil || !rule.TwoPersons {
		return err
	}
	return problem.Errorf(problem.Conflict, "%s/%s goes live by two persons", v.APISlug, v.Number).Coded("promotion-needed")
}
