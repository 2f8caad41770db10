package ledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// maxFound is how many calls one id is looked for in: a caller may use an id of
// its own for several.
const maxFound = 20

const findExchangesSQL = `
select id, kind, at, payload, nonce, leaf, coalesce(seq, -1) as seq, erased_at, agency_id, application_id, person_id,
       agreement_id, version_id, about, operation, status, trace_id, request_ref
  from ledger.entry
 where kind = 'exchange' and (id = $1 or trace_id = $2 and $2 <> '' or request_ref = $3 and request_ref <> '')
 order by id desc
 limit $4`

// FindExchanges gives the calls that an id is of, newest first, of the latest
// 20: the id of the exchange, the trace_id or the request_id of an error. Each
// sees those that ListExchanges would show: an application's owner its own,
// an agency's people those of its services, the auditor all. It fails with
// NotFound when there is none that who may see.
func (l *Ledger) FindExchanges(ctx context.Context, who auth.Principal, id string) ([]ExchangeEntry, error) {
	var of *uuid.UUID
	if parsed, err := uuid.Parse(id); err == nil {
		of = &parsed
	}
	if id == "" || len(id) > 64 {
		return nil, callUnknown(id)
	}
	ref := ""
	if l.RequestRef != nil {
		ref = l.RequestRef(id)
	}
	rows, err := pg.All[entryRow](ctx, l.DB, findExchangesSQL, of, id, ref, maxFound)
	if err != nil {
		return nil, fmt.Errorf("find exchanges: %w", err)
	}
	type side struct{ agency, application uuid.UUID }
	seen := map[side]bool{}
	var list []ExchangeEntry
	for _, row := range rows {
		of := side{orNil(row.AgencyID), orNil(row.ApplicationID)}
		if _, asked := seen[of]; !asked {
			err := l.mayRead(ctx, who, of.agency, of.application)
			if err != nil && problem.Of(err).Kind >= problem.Internal {
				return nil, err
			}
			seen[of] = err == nil
		}
		if !seen[of] {
			continue
		}
		entry, err := row.exchange()
		if err != nil {
			return nil, err
		}
		list = append(list, entry)
	}
	if len(list) == 0 {
		return nil, callUnknown(id)
	}
	return list, nil
}

// Exchange gives one call by its id. It fails as FindExchanges does.
func (l *Ledger) Exchange(ctx context.Context, who auth.Principal, id uuid.UUID) (ExchangeEntry, error) {
	list, err := l.FindExchanges(ctx, who, id.String())
	if err != nil {
		return ExchangeEntry{}, err
	}
	for _, e := range list {
		if e.ID == id {
			return e, nil
		}
	}
	return ExchangeEntry{}, callUnknown(id.String())
}

func callUnknown(id string) error {
	return problem.Errorf(problem.NotFound, "no call %q", id).Coded("call-unknown")
}
