package catalog

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Ending is what an agency announces of a version's end.
type Ending struct {
	Sunset    time.Time  `json:"sunset"`              // from when calls are answered 410, RFC 3339
	Successor *uuid.UUID `json:"successor,omitempty"` // id of the version to move to, which is published
	Docs      string     `json:"docs_url,omitempty"`  // where the agency writes about it: http or https, at most 500 characters
	Reason    string     `json:"reason,omitempty"`    // at most 1,000 characters; required when an announced day moves
}

const (
	maxEndReason = 1000
	maxDocsURL   = 500
)

const deprecateVersionSQL = `
update catalog.version
   set state = 'deprecated', sunset = $2, successor_id = $3, docs_url = $4, deprecated_at = coalesce(deprecated_at, $5)
 where id = $1`

// DeprecateVersion announces that a published version ends (RFC 9745, RFC
// 8594); until then it is called as before, and who calls it is written to.
// Announcing again moves the day, later only and with a reason, or names
// another successor or page. It fails with Invalid, one field error each, for
// what is wrong in e, with Conflict once the day has come, and as
// changeVersion does for api.publish.
func (c *Catalog) DeprecateVersion(ctx context.Context, who auth.Principal, version uuid.UUID, e Ending) (Version, error) {
	e.Sunset, e.Reason = e.Sunset.UTC().Truncate(time.Second), strings.TrimSpace(e.Reason)
	detail := map[string]any{"sunset": e.Sunset.Format(time.RFC3339)}
	if e.Successor != nil {
		detail["successor"] = e.Successor.String()
	}
	if e.Reason != "" {
		detail["reason"] = e.Reason
	}
	ch := versionChange{who: who, version: version, act: "api.publish", verb: "version.deprecate", from: []string{Published, Deprecated}, detail: detail}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		if err := c.notYetOver(v); err != nil {
			return err
		}
		if err := c.checkEnding(ctx, tx, v, &e); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, deprecateVersionSQL, v.ID, e.Sunset, e.Successor, e.Docs, c.Now().UTC().Truncate(time.Second)); err != nil {
			return fmt.Errorf("deprecate version %s: %w", v.ID, err)
		}
		if v.Sunset == nil {
			return c.oweNotices(ctx, tx, v.ID, notice{Kind: NoticeDeprecated, Sunset: &e.Sunset, Reason: e.Reason})
		}
		if !v.Sunset.Equal(e.Sunset) {
			return c.oweNotices(ctx, tx, v.ID, notice{Kind: NoticeMoved, Sunset: &e.Sunset, Reason: e.Reason})
		}
		return nil
	})
}

// notYetOver refuses to change an end that has come: callers were answered so.
func (c *Catalog) notYetOver(v Version) error {
	if v.Sunset == nil || c.Now().Before(*v.Sunset) {
		return nil
	}
	at := v.Sunset.UTC().Format(time.DateOnly)
	return problem.Errorf(problem.Conflict, "%s/%s ended on %s", v.APISlug, v.Number, at).Coded("sunset-passed", "at", at)
}

// checkEnding tells what is wrong with the announcement of v's end, and
// writes the page's address as it is sent to callers.
func (c *Catalog) checkEnding(ctx context.Context, tx pgx.Tx, v Version, e *Ending) error {
	wrong := problem.Errorf(problem.Invalid, "the end cannot be announced as given")
	if !e.Sunset.After(c.Now()) {
		wrong.Coded("sunset-invalid").Wrong("sunset", "sunset-invalid", "must be in the future")
	} else if v.Sunset != nil && e.Sunset.Before(*v.Sunset) {
		wrong.Wrong("sunset", "sunset-earlier", "an announced day moves later only", "at", v.Sunset.UTC().Format(time.DateOnly))
	} else if v.Sunset != nil && e.Sunset.After(*v.Sunset) && e.Reason == "" {
		wrong.Wrong("reason", "life-reason", "say why the day moves")
	}
	checkReason(wrong, e.Reason)
	if err := c.checkSuccessor(ctx, tx, v, e.Successor, wrong); err != nil {
		return err
	}
	if e.Docs = strings.TrimSpace(e.Docs); e.Docs != "" {
		u, err := url.Parse(e.Docs)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || len(u.String()) > maxDocsURL {
			wrong.Wrong("docs_url", "docs-url-invalid", "not a full http or https address", "max", strconv.Itoa(maxDocsURL))
		} else {
			e.Docs = u.String() // with everything escaped that could end a header's value
		}
	}
	if len(wrong.Fields) > 0 {
		return wrong
	}
	return nil
}

func checkReason(wrong *problem.Error, reason string) {
	if utf8.RuneCountInString(reason) > maxEndReason {
		wrong.Wrong("reason", "text-too-long", "at most "+strconv.Itoa(maxEndReason)+" characters", "max", strconv.Itoa(maxEndReason))
	}
}

const stateOfVersionSQL = `select state from catalog.version where id = $1`

// checkSuccessor adds to wrong what keeps callers from moving to successor.
func (c *Catalog) checkSuccessor(ctx context.Context, tx pgx.Tx, v Version, successor *uuid.UUID, wrong *problem.Error) error {
	if successor == nil {
		return nil
	}
	var state string
	err := tx.QueryRow(ctx, stateOfVersionSQL, successor).Scan(&state)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read state of version %s: %w", successor, err)
	}
	if *successor == v.ID || state != Published { // one that is not to be seen is told apart from none by nobody
		wrong.Wrong("successor", "successor-invalid", "no other version that is published")
	}
	return nil
}

const keepVersionSQL = `
update catalog.version
   set state = 'published', sunset = null, successor_id = null, docs_url = '', deprecated_at = null
 where id = $1`

// KeepVersion takes the announcement of a version's end back, before the day
// has come; who was written to is written to again. It fails with Invalid
// without a reason, with Conflict once the day has come, and as changeVersion
// does for api.publish.
func (c *Catalog) KeepVersion(ctx context.Context, who auth.Principal, version uuid.UUID, reason string) (Version, error) {
	reason = strings.TrimSpace(reason)
	wrong := problem.Errorf(problem.Invalid, "the announcement cannot be taken back as given")
	if reason == "" {
		wrong.Wrong("reason", "life-reason", "say why the version stays")
	}
	if checkReason(wrong, reason); len(wrong.Fields) > 0 {
		return Version{}, wrong
	}
	ch := versionChange{who: who, version: version, act: "api.publish", verb: "version.keep", from: []string{Deprecated}, detail: map[string]any{"reason": reason}}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		if err := c.notYetOver(v); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, keepVersionSQL, v.ID); err != nil {
			return fmt.Errorf("keep version %s: %w", v.ID, err)
		}
		return c.oweNotices(ctx, tx, v.ID, notice{Kind: NoticeKept, Sunset: v.Sunset, Reason: reason})
	})
}

const retireVersionSQL = `
update catalog.version
   set state = 'retired', sunset = $2
 where id = $1`

// RetireVersion ends a version now: its documentation stays, its calls are
// answered 410, and who called it is written to. It fails as changeVersion
// does for api.publish.
func (c *Catalog) RetireVersion(ctx context.Context, who auth.Principal, version uuid.UUID) (Version, error) {
	ch := versionChange{who: who, version: version, act: "api.publish", verb: "version.retire", from: []string{Published, Deprecated}}
	return c.changeVersion(ctx, ch, c.retire(ctx))
}

// retire ends a version that is locked.
func (c *Catalog) retire(ctx context.Context) func(pgx.Tx, Version) error {
	return func(tx pgx.Tx, v Version) error {
		at := c.Now().UTC().Truncate(time.Second)
		if v.Sunset != nil && v.Sunset.Before(at) {
			at = *v.Sunset
		}
		if _, err := tx.Exec(ctx, retireVersionSQL, v.ID, at); err != nil {
			return fmt.Errorf("retire version %s: %w", v.ID, err)
		}
		return c.oweNotices(ctx, tx, v.ID, notice{Kind: NoticeEnded, Sunset: &at})
	}
}

const overSQL = `select id from catalog.version where state = 'deprecated' and sunset <= $1 order by sunset limit 100`

// RetireOver retires the versions whose announced day has come; nodes answer
// 410 from that moment on by their own clocks, before and without it. It is
// done by one of several nodes.
func (c *Catalog) RetireOver(ctx context.Context) error {
	type row struct{ ID uuid.UUID }
	over, err := pg.All[row](ctx, c.DB, overSQL, c.Now().UTC())
	if err != nil {
		return fmt.Errorf("list versions that are over: %w", err)
	}
	var failed []error // one that fails keeps no other back
	for _, v := range over {
		ch := versionChange{who: auth.Platform("sunset"), version: v.ID, act: "api.publish", verb: "version.retire", from: []string{Deprecated}}
		_, err := c.changeVersion(ctx, ch, c.retire(ctx))
		if !problem.Is(err, problem.Conflict) { // another node was first
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

const successorsSQL = `
select v.id, a.agency_id, a.slug, v.number
  from catalog.version v
  join catalog.api a on a.id = v.api_id
 where v.id = any($1)`

// nameSuccessors fills in where those go on that have a successor.
func (c *Catalog) nameSuccessors(ctx context.Context, db pg.DB, list []Version) error {
	var ids []uuid.UUID
	for _, v := range list {
		if v.SuccessorID != nil {
			ids = append(ids, *v.SuccessorID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	type row struct {
		ID, AgencyID uuid.UUID
		Slug, Number string
	}
	rows, err := pg.All[row](ctx, db, successorsSQL, ids)
	if err != nil {
		return fmt.Errorf("read successors: %w", err)
	}
	agencies := []uuid.UUID{}
	for _, r := range rows {
		agencies = append(agencies, r.AgencyID)
	}
	owners, err := c.Agencies(ctx, agencies)
	if err != nil {
		return err
	}
	prefixes := map[uuid.UUID]string{}
	for _, r := range rows {
		prefixes[r.ID] = Version{Agency: owners[r.AgencyID], APISlug: r.Slug, Number: r.Number}.Prefix()
	}
	for i, v := range list {
		if v.SuccessorID != nil {
			list[i].Successor = prefixes[*v.SuccessorID]
		}
	}
	return nil
}
