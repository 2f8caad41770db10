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

// inTurn does what holds a connection while other rooms may be asked, which
// takes a second one.
func (c *Catalog) inTurn(ctx context.Context, do func() error) error {
	if c.Turn == nil {
		return do()
	}
	return c.Turn(ctx, do)
}

// Prepare changes what is prepared beside a version that is live, instead of
// the version: do does it with the catalogue it is given, by the methods that
// would change the version itself, and is held to the same. What was prepared
// before stays, brought onto what is live now; what was proposed has to be
// proposed anew. It fails as those methods do, with Conflict when the version
// is not live or what comes out is what is live already, and with what May says
// of api.edit.
func (c *Catalog) Prepare(ctx context.Context, who auth.Principal, version uuid.UUID, why string, do func(would *Catalog) error) error {
	v, err := c.ownVersion(ctx, who, version)
	if err != nil {
		return err
	}
	if err := c.May(ctx, who, "api.edit", v.AgencyID); err != nil {
		return err
	}
	if err := checkWhy(&why); err != nil {
		return err
	}
	return c.inTurn(ctx, func() error {
		return pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
			p, err := c.prepared(ctx, tx, who, v, do)
			if err != nil {
				return err
			}
			if p.same() {
				return nil
			}
			if why != "" {
				p.Why = why
			}
			if err := savePromotion(ctx, tx, p); err != nil {
				return err
			}
			return c.Record(ctx, tx, auth.Act{Who: who, Verb: "version.prepare", Agency: v.AgencyID, About: v.ID,
				Detail: map[string]any{"api": v.APISlug, "version": v.Number, "prepared": p.Hash}})
		})
	})
}

// same reports whether what was prepared is what is open already, so that a
// proposal stays one.
func (p Promotion) same() bool {
	return p.open != nil && p.open.State != Returned && p.open.Hash == p.Hash && p.open.Base == p.Base
}

// prepared is the promotion that comes of do.
func (c *Catalog) prepared(ctx context.Context, tx pgx.Tx, who auth.Principal, seen Version, do func(would *Catalog) error) (Promotion, error) {
	v, err := pg.One[Version](ctx, tx, lockVersionSQL, seen.ID)
	if err != nil {
		return Promotion{}, fmt.Errorf("lock version %s: %w", seen.ID, err)
	}
	v.Agency = seen.Agency
	if !live(v.State) {
		return Promotion{}, problem.Errorf(problem.Conflict, "%s/%s is %s", v.APISlug, v.Number, v.State).Coded("wrong-state", "state", v.State)
	}
	if _, err := c.revise(ctx, tx, v.ID, versionChange{who: who}); err != nil { // of a revision that the settings were not kept of
		return Promotion{}, err
	}
	number, now, err := lastRevision(ctx, tx, v.ID)
	if err != nil {
		return Promotion{}, err
	}
	open, err := openPromotion(ctx, tx, v.ID)
	if err != nil {
		return Promotion{}, err
	}
	p := c.begun(open, who, v.ID)
	p.open, p.Base = open, number
	undone := errors.New("undone")
	err = pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
		would := c.would(inner, nil)
		would.prepares = true
		if open != nil {
			if err := would.putPrepared(ctx, inner, v, *open, now); err != nil {
				return err
			}
		}
		if err := do(would); err != nil {
			return err
		}
		if p.Bundle, err = bundleOf(ctx, inner, v.ID); err != nil {
			return err
		}
		return undone
	})
	if err != undone { //nolint:errorlint // it is the very value
		return Promotion{}, err
	}
	if p.Hash = p.Bundle.Hash(); p.Hash == now.Hash() {
		return Promotion{}, problem.Errorf(problem.Conflict, "nothing is otherwise than what is live").Coded("promotion-same")
	}
	return p, nil
}

// putPrepared makes a locked version what is prepared beside it, brought onto
// what it is now.
func (c *Catalog) putPrepared(ctx context.Context, tx pgx.Tx, v Version, p Promotion, now Bundle) error {
	base, err := keptBundle(ctx, tx, v.ID, p.Base)
	if err != nil {
		return err
	}
	_, err = c.putParts(ctx, tx, v, p.Bundle.onto(base.Bundle, now), &Save{})
	return err
}

// AsPrepared lets do see the catalogue as if what is prepared beside a live
// version, if anything is, were live. It fails as putBundle does, and as do does.
func (c *Catalog) AsPrepared(ctx context.Context, who auth.Principal, version uuid.UUID, do func(would *Catalog) error) error {
	if _, err := c.ownVersion(ctx, who, version); err != nil {
		return err
	}
	return c.inTurn(ctx, func() error {
		return c.Foresee(ctx, func(would *Catalog) error {
			if err := would.PutPrepared(ctx, who, version); err != nil && problem.Code(err) != "promotion-none" {
				return err
			}
			return do(would)
		}, nil)
	})
}

// PutPrepared makes a version what is prepared beside it, in a catalogue whose
// changes are undone. It fails with Conflict when nothing is, and as putBundle
// does.
func (c *Catalog) PutPrepared(ctx context.Context, who auth.Principal, version uuid.UUID) error {
	if !c.asIf {
		return errors.New("what is prepared goes live by Promote only")
	}
	v, err := c.ownVersion(ctx, who, version)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		p, err := openPromotion(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		if p == nil || !live(v.State) {
			return noPromotion()
		}
		_, now, err := lastRevision(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		if err := c.putPrepared(ctx, tx, v, *p, now); err != nil {
			return err
		}
		return c.tell(ctx, tx, v)
	})
}
