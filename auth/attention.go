package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// Attention is what of this room waits for an operator, and how many there are.
type Attention struct {
	Unled    int `json:"agencies_without_steward"` // in service, and nobody decides for them
	Ending   int `json:"keys_ending"`              // keys and secrets of applications that end within 30 days
	Unsent   int `json:"letters_unsent"`           // about accounts and keys, asked for over an hour ago
	Agencies int `json:"agencies"`                 // in service
	People   int `json:"people"`                   // who may sign in
	SignedIn int `json:"signed_in"`                // of those, with an open session
}

const attentionSQL = `
select (select count(*) from auth.agency a
         where a.ended_at is null and (a.valid_to is null or a.valid_to >= $1)
           and not exists (select from auth.membership m join auth.person p on p.id = m.person_id and p.disabled_at is null
                            where m.agency_id = a.id and m.role = 'steward'))::int as unled,
       (select count(*) from auth.credential c join auth.application o on o.id = c.application_id and o.disabled_at is null
         where c.revoked_at is null and c.expires_at > $2 and c.expires_at <= $2 + interval '30 days')::int as ending,
       ((select count(*) from auth.letter where sent_at is null and created_at < $2 - interval '1 hour')
        + (select count(*) from auth.account_letter where done_at is null and tries > 0 and asked_at < $2 - interval '1 hour'))::int as unsent,
       (select count(*) from auth.agency where ended_at is null and (valid_to is null or valid_to >= $1))::int as agencies,
       (select count(*) from auth.person where disabled_at is null)::int as people,
       (select count(distinct s.person_id) from auth.session s where s.created_at > $3 and s.seen_at > $4)::int as signed_in`

// Attention counts what waits for an operator, for who may platform.read.
func (a *Auth) Attention(ctx context.Context, who Principal) (Attention, error) {
	if err := a.May(ctx, who, "platform.read", uuid.Nil); err != nil {
		return Attention{}, err
	}
	now := a.Now().UTC()
	found, err := pg.One[Attention](ctx, a.DB, attentionSQL, a.today(), now, now.Add(-sessionLast), now.Add(-sessionIdle))
	if err != nil {
		return Attention{}, fmt.Errorf("count what waits for an operator: %w", err)
	}
	return found, nil
}
