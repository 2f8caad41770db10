package agreement

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// Review is what a request is read against by who decides it.
type Review struct {
	Running        *Agreement   `json:"running"`         // the application's on this version now: what is replaced, else of the same purpose, else any; null: none
	AgainstRunning []Difference `json:"against_running"` // in what the request differs from it
	AgainstAsked   []Difference `json:"against_asked"`   // in what it differs from what was asked for first
	Others         []Agreement  `json:"others"`          // what else the application's owner has, or asks for, of this agency; at most 50, newest first
}

const (
	runningSQL = agreementColumns + `
 where application_id = $1 and version_id = $2 and state in ('active', 'suspended') and ends >= $3::date and id <> $4
 order by (id = $5) is true desc, purpose = $6 desc, id desc
 limit 1`
	othersSQL = agreementColumns + `
 where agency_id = $1 and (owner_agency_id = $2 or owner_person_id = $3)
   and (state = 'requested' or state in ('active', 'suspended') and ends >= $4::date) and id <> all($5)
 order by id desc
 limit 50`
)

// Review gives what an agreement is read against, its words in locale "vi" or
// "en". It fails as Get does.
func (a *Agreements) Review(ctx context.Context, who auth.Principal, id uuid.UUID, locale string) (Review, error) {
	g, err := a.Get(ctx, who, id)
	if err != nil {
		return Review{}, err
	}
	out := Review{AgainstRunning: []Difference{}}
	first, err := a.firstTerms(ctx, g)
	if err != nil {
		return Review{}, err
	}
	if out.AgainstAsked, err = a.Differences(ctx, first, g.Terms(), locale); err != nil {
		return Review{}, err
	}
	shown := []uuid.UUID{g.ID}
	if g.State == Requested {
		running, err := pg.One[Agreement](ctx, a.DB, runningSQL, g.ApplicationID, g.VersionID, a.today(), g.ID, g.Replaces, g.Purpose)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return Review{}, fmt.Errorf("read what runs beside agreement %s: %w", g.ID, err)
		}
		if err == nil {
			out.Running = &running
			shown = append(shown, running.ID)
			if out.AgainstRunning, err = a.Differences(ctx, running.Terms(), g.Terms(), locale); err != nil {
				return Review{}, err
			}
		}
	}
	if out.Others, err = pg.All[Agreement](ctx, a.DB, othersSQL, g.AgencyID, known(g.OwnerAgencyID), known(g.OwnerPersonID), a.today(), shown); err != nil {
		return Review{}, fmt.Errorf("list what else the owner of agreement %s has: %w", g.ID, err)
	}
	return out, nil
}
