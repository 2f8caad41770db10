package catalog

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// The bounds of what can be promised.
const (
	leastPromised  = 50.0   // percent
	longestPromise = 60_000 // ms
	maxSupportText = 300    // characters
)

// Promise is how an agency says that a version is going to answer (its SLA), to
// be held to what was measured. A part that is zero is not promised.
type Promise struct {
	Availability float64    `json:"availability"` // percent of calls answered over 30 days, 50 to 100, two decimals
	P95          int64      `json:"p95_ms"`       // 95 of 100 answers are complete within it, over 30 days
	SupportVI    string     `json:"support_vi"`   // when somebody is there to help
	SupportEN    string     `json:"support_en"`
	SetAt        *time.Time `json:"set_at"` // null: nothing is promised
}

func (p Promise) isEmpty() bool { return p.Availability == 0 && p.P95 == 0 && p.SupportVI == "" }

// check finds what cannot be promised.
func (p Promise) check() error {
	wrong := problem.Errorf(problem.Invalid, "that cannot be promised").Coded("promise-wrong")
	if p.Availability != 0 && (p.Availability < leastPromised || p.Availability > 100) {
		wrong.Wrong("availability", "promise-availability", "not 50 to 100", "least", "50", "most", "100")
	}
	if p.P95 < 0 || p.P95 > longestPromise {
		wrong.Wrong("p95_ms", "promise-p95", "not 1 to 60000", "most", strconv.Itoa(longestPromise))
	}
	if len([]rune(p.SupportVI)) > maxSupportText {
		wrong.Wrong("support_vi", "promise-support", "too long", "most", strconv.Itoa(maxSupportText))
	}
	if len([]rune(p.SupportEN)) > maxSupportText {
		wrong.Wrong("support_en", "promise-support", "too long", "most", strconv.Itoa(maxSupportText))
	}
	if len(wrong.Fields) > 0 {
		return wrong
	}
	return nil
}

const (
	setPromiseSQL = `
insert into catalog.promise (version_id, availability, p95_ms, support_vi, support_en, set_at)
values ($1, $2, $3, $4, $5, $6)
on conflict on constraint promise_pkey do update
   set availability = excluded.availability, p95_ms = excluded.p95_ms, support_vi = excluded.support_vi, support_en = excluded.support_en, set_at = excluded.set_at`
	dropPromiseSQL = `delete from catalog.promise where version_id = $1`
)

// SetPromise says how a version is going to answer, in place of what was said
// before; an empty promise takes it back. It fails with Invalid for what cannot
// be promised, and as changeVersion does for api.edit.
func (c *Catalog) SetPromise(ctx context.Context, who auth.Principal, version uuid.UUID, p Promise) (Promise, error) {
	p.SetAt, p.Availability = nil, math.Round(100*p.Availability)/100
	ch := versionChange{who: who, version: version, act: "api.edit", verb: "version.promise",
		from:   []string{Draft, Review, Sandbox, Published, Deprecated},
		detail: map[string]any{"availability": p.Availability, "p95_ms": p.P95, "support": p.SupportVI}}
	_, err := c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		if err := p.check(); err != nil {
			return err
		}
		if p.isEmpty() {
			if _, err := tx.Exec(ctx, dropPromiseSQL, v.ID); err != nil {
				return fmt.Errorf("drop promise of %s: %w", v.ID, err)
			}
			return nil
		}
		p.SetAt = new(c.Now().UTC())
		if _, err := tx.Exec(ctx, setPromiseSQL, v.ID, int(math.Round(100*p.Availability)), p.P95, p.SupportVI, p.SupportEN, p.SetAt); err != nil {
			return fmt.Errorf("set promise of %s: %w", v.ID, err)
		}
		return nil
	})
	if err != nil {
		return Promise{}, err
	}
	return p, nil
}
