package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/problem"
)

const (
	noPlanSQL      = `update catalog.version set plan_slug = null where id = $1`
	noUpstreamsSQL = `update catalog.version set upstream_url = '', upstreams = '[]' where id = $1`
)

// live reports whether a version in that state can be called.
func live(state string) bool { return state == Published || state == Deprecated }

// putBundle gives a locked version another bundle: what is otherwise than
// before is set as the method for that part alone would set it, and refused as
// by that method, so that no bundle does what its parts may not. Of a version
// that can be called or tried it also fails with Invalid, one field error
// each, when the whole lacks something.
func (c *Catalog) putBundle(ctx context.Context, tx pgx.Tx, v Version, b Bundle, s *Save) error {
	v, err := c.putParts(ctx, tx, v, b, s)
	if err != nil {
		return err
	}
	return c.stillFits(ctx, tx, v)
}

// putParts is putBundle without a look at the whole; it gives the version as it
// then is.
func (c *Catalog) putParts(ctx context.Context, tx pgx.Tx, v Version, b Bundle, s *Save) (Version, error) {
	now, err := bundleOf(ctx, tx, v.ID)
	if err != nil {
		return v, err
	}
	if live(v.State) && (b.Plan == "" || len(b.Upstreams) == 0) { // a constraint would say so without words
		v.PlanSlug, v.Upstreams, v.UpstreamURL = b.Plan, b.Upstreams, ""
		return v, c.ready(ctx, tx, v)
	}
	if b.Text != now.Text {
		doc, err := c.read([]byte(b.Text))
		if err != nil {
			return v, err
		}
		if err := c.putSpec(ctx, tx, v, doc, s); err != nil {
			return v, err
		}
		v.Findings = doc.Findings
	}
	if b.Plan != now.Plan {
		if err := putPlan(ctx, tx, v, b.Plan); err != nil {
			return v, err
		}
		v.PlanSlug = b.Plan
	}
	if err := c.putMarks(ctx, tx, v, b.Operations); err != nil {
		return v, err
	}
	if !slices.Equal(b.Upstreams, now.Upstreams) {
		if err := putUpstreams(ctx, tx, v, b.Upstreams); err != nil {
			return v, err
		}
		v.Upstreams, v.UpstreamURL = b.Upstreams, ""
		if len(b.Upstreams) > 0 {
			v.UpstreamURL = b.Upstreams[0].URL
		}
	}
	if !maps.Equal(b.trafficWords(), now.trafficWords()) {
		if _, err := c.putTraffic(ctx, tx, v, b.Traffic); err != nil {
			return v, err
		}
		v.Traffic = b.Traffic
	}
	if !slices.Equal(b.Pages, now.Pages) {
		if err := checkPages(b.Pages); err != nil {
			return v, err
		}
		if err := setPages(ctx, tx, v.ID, b.Pages); err != nil {
			return v, err
		}
	}
	return v, nil
}

// stillFits fails with Invalid when a version, as it stands in v, lacks what it
// needs in its state.
func (c *Catalog) stillFits(ctx context.Context, tx pgx.Tx, v Version) error {
	if c.prepares {
		return nil // part by part; whoever promotes it is told what is missing
	}
	wrong := problem.Errorf(problem.Invalid, "%s/%s cannot be so", v.APISlug, v.Number).Coded("not-ready")
	switch {
	case live(v.State):
		return c.ready(ctx, tx, v)
	case v.State == Sandbox:
		if err := c.describedReady(ctx, tx, v, wrong); err != nil {
			return err
		}
	}
	if len(wrong.Fields) > 0 {
		return wrong
	}
	return nil
}

// putMarks marks a locked version's operations as a bundle has them; one that
// the bundle does not know stays as it is.
func (c *Catalog) putMarks(ctx context.Context, tx pgx.Tx, v Version, marks map[string]Mark) error {
	all, err := operationsOf(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	wrong := problem.Errorf(problem.Invalid, "the operations cannot be marked as given")
	changed := map[string]Mark{}
	for _, op := range all {
		m, known := marks[op.Slug]
		if !known || m == op.Mark {
			continue
		}
		changed[op.Slug] = m
		if m == (Mark{}) {
			continue // as before it was marked
		}
		for _, f := range m.wrong(op.Doc) {
			f.Name = "operations/" + op.Slug + "/" + f.Name
			wrong.Fields = append(wrong.Fields, f)
		}
	}
	if len(wrong.Fields) > 0 {
		return wrong
	}
	if len(changed) == 0 {
		return nil
	}
	if err := c.marksFit(ctx, tx, v, all, changed); err != nil {
		return err
	}
	return setMarks(ctx, tx, v.ID, changed)
}

// putPlan chooses a locked version's plan, "": none.
func putPlan(ctx context.Context, tx pgx.Tx, v Version, plan string) error {
	sql, args := setPlanSQL, []any{v.ID, plan}
	if plan == "" {
		sql, args = noPlanSQL, []any{v.ID}
	}
	_, err := tx.Exec(ctx, sql, args...)
	return planError(err, v.ID, plan)
}

// putUpstreams names where a locked version's calls go, none: nowhere yet.
func putUpstreams(ctx context.Context, tx pgx.Tx, v Version, list []UpstreamShare) error {
	if len(list) == 0 {
		if _, err := tx.Exec(ctx, noUpstreamsSQL, v.ID); err != nil {
			return fmt.Errorf("take upstreams of %s: %w", v.ID, err)
		}
		return nil
	}
	list, hosts, err := checkUpstreams(list)
	if err != nil {
		return err
	}
	return storeUpstreams(ctx, tx, v, list, hosts)
}
