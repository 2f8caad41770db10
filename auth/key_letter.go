package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// The kinds of letter.
const (
	KeyExpiring = "expiring" // what it is about ends soon
	KeyLeaked   = "leaked"   // what it is about was found where it does not belong, and is revoked
	KeyHoney    = "honey"    // the honey key that it is about was shown
)

// KeyLetter is one to a person about a credential or token of theirs.
type KeyLetter struct {
	ID       uuid.UUID
	PersonID uuid.UUID
	Kind     string // KeyExpiring, KeyLeaked, KeyHoney
	About    uuid.UUID
	Mark     string // which of the letters about it
	Detail   KeyLetterDetail
}

// KeyLetterDetail is what a letter tells. It holds no secret.
type KeyLetterDetail struct {
	What        string     `json:"what"`        // APIKey, ClientSecret, TokenLeak, RefreshLeak, RegistrationLeak, ClientLeak, honeyLetter, ownHoneyLetter
	Name        string     `json:"name"`        // of what it is about, "" when it has none
	Shown       string     `json:"shown"`       // its public beginning and end, "" of a refresh token
	Application string     `json:"application"` // its name
	ID          *uuid.UUID `json:"id"`          // of the application; nil: a personal token, a honey key to who is not its owner
	Expires     *time.Time `json:"expires"`     // KeyExpiring
	Found       string     `json:"found"`       // KeyLeaked: the address where it was seen
	Scanner     string     `json:"scanner"`     // KeyLeaked: who saw it
	At          *time.Time `json:"at"`          // KeyHoney: when it was shown last
	From        string     `json:"from"`        // KeyHoney: and from which network, "" when that is not known
	Where       string     `json:"where"`       // KeyHoney: AtGateway, AtOAuth, AtAPI, AtLeaks
}

// What a letter is about, beside APIKey and ClientSecret.
const (
	TokenLeak   = "personal_token"
	RefreshLeak = "refresh_token"

	RegistrationLeak = "registration_token"        // KindRegistration
	ClientLeak       = "registration_access_token" // KindClient

	honeyLetter    = "honey_key"
	ownHoneyLetter = "application_honey_key"
)

// Told of an application is its person and team, or each publisher of its agency.
const remindSQL = `
with ending as (
  select c.id, o.person_id, c.expires_at, c.expiry_set_at as since,
         jsonb_build_object('what', c.kind, 'name', c.name, 'application', a.name, 'id', a.id, 'expires', c.expires_at,
           'shown', case c.kind when 'api_key' then 'lgsp_key_' else 'lgsp_secret_' end || c.lookup || '…' || c.last4) as detail
    from auth.credential c
    join auth.application a on a.id = c.application_id and a.disabled_at is null
    join lateral (
      select a.owner_person as person_id where a.owner_person is not null
      union
      select t.person_id from auth.application_member t where t.application_id = a.id
      union
      select m.person_id from auth.membership m where m.agency_id = a.owner_agency and m.role = 'publisher') o on true
   where c.revoked_at is null and c.expires_at > $1 and c.expires_at <= $1 + interval '30 days'
  union all
  select t.id, t.person_id, t.expires_at, t.created_at,
         jsonb_build_object('what', 'personal_token', 'name', t.name, 'expires', t.expires_at, 'shown', 'lgsp_pat_' || t.lookup || '…' || t.last4)
    from auth.personal_token t
   where t.expires_at > $1 and t.expires_at <= $1 + interval '30 days')
insert into auth.letter (id, person_id, kind, about, mark, detail, created_at)
select gen_random_uuid(), e.person_id, 'expiring', e.id, due.days::text, e.detail, $1
  from ending e
  join auth.person p on p.id = e.person_id and p.disabled_at is null
  join lateral (
    select min(days) as days from unnest(array[1, 7, 30]) as days
     where e.expires_at <= $1 + days * interval '1 day' and e.expires_at - e.since > days * interval '1 day') due on due.days is not null
 where not exists (select from auth.letter l
                    where l.person_id = e.person_id and l.kind = 'expiring' and l.about = e.id and l.mark = due.days::text)
 limit 1000
on conflict on constraint letter_once do nothing`

// RemindOfExpiry writes the letters that are due 30, 7 and 1 days before a
// key, a secret or a personal token ends, at most 1,000 at a time: each once,
// whatever stops and however many nodes ask. What was made, or put to an end
// by a rotation, for no longer than that needs no reminder. After a pause only
// the nearest of the three is written.
func (a *Auth) RemindOfExpiry(ctx context.Context) (int64, error) {
	done, err := a.DB.Exec(ctx, remindSQL, a.Now().UTC())
	if err != nil {
		return 0, fmt.Errorf("write reminders of expiry: %w", err)
	}
	return done.RowsAffected(), nil
}

const ownersSQL = `
select a.owner_person as person_id from auth.application a where a.id = $1 and a.owner_person is not null
union
select t.person_id from auth.application_member t where t.application_id = $1
union
select m.person_id from auth.application a join auth.membership m on m.agency_id = a.owner_agency and m.role = 'publisher' where a.id = $1`

// owners are the persons who are told about an application.
func owners(ctx context.Context, db pg.DB, application uuid.UUID) ([]uuid.UUID, error) {
	rows, _ := db.Query(ctx, ownersSQL, application) // the error comes back from Collect
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("list owners of application %s: %w", application, err)
	}
	return ids, nil
}

const writeKeyLetterSQL = `
insert into auth.letter (id, person_id, kind, about, mark, detail, created_at)
select gen_random_uuid(), person, $2, $3, $6, $4, $5 from unnest($1::uuid[]) as person
on conflict on constraint letter_once do nothing`

// write writes a letter to each person, once for what it is about and its mark.
func (a *Auth) write(ctx context.Context, tx pgx.Tx, to []uuid.UUID, l KeyLetter) error {
	if _, err := tx.Exec(ctx, writeKeyLetterSQL, to, l.Kind, l.About, l.Detail, a.Now().UTC(), l.Mark); err != nil {
		return fmt.Errorf("write letter about %s: %w", l.About, err)
	}
	return nil
}

const claimKeyLettersSQL = `
with waiting as (
  select l.id from auth.letter l join auth.person p on p.id = l.person_id and p.disabled_at is null
   where l.sent_at is null and l.tries < 5 and (l.claimed_at is null or l.claimed_at < $1::timestamptz - l.tries * interval '10 minutes')
   order by l.created_at
   limit $2
     for update of l skip locked)
update auth.letter l
   set claimed_at = $1, tries = l.tries + 1
  from waiting
 where l.id = waiting.id
returning l.id, l.person_id, l.kind, l.about, l.mark, l.detail`

// ClaimKeyLetters gives at most n letters to send, to this caller alone. A letter
// that is not told to be sent with KeyLetterSent may be claimed again ten minutes
// later, then twenty, five times in all.
func (a *Auth) ClaimKeyLetters(ctx context.Context, n int) ([]KeyLetter, error) {
	letters, err := pg.All[KeyLetter](ctx, a.DB, claimKeyLettersSQL, a.Now().UTC(), n)
	if err != nil {
		return nil, fmt.Errorf("claim letters: %w", err)
	}
	return letters, nil
}

const keyLetterSentSQL = `
update auth.letter set sent_at = $2 where id = $1`

// KeyLetterSent says that a letter left.
func (a *Auth) KeyLetterSent(ctx context.Context, id uuid.UUID) error {
	if _, err := a.DB.Exec(ctx, keyLetterSentSQL, id, a.Now().UTC()); err != nil {
		return fmt.Errorf("note letter %s: %w", id, err)
	}
	return nil
}

const sweepKeyLettersSQL = `
delete from auth.letter where created_at < $1`

// SweepKeyLetters forgets letters of 100 days ago: what a reminder was about has
// ended long before.
func (a *Auth) SweepKeyLetters(ctx context.Context) error {
	if _, err := a.DB.Exec(ctx, sweepKeyLettersSQL, a.Now().UTC().AddDate(0, 0, -100)); err != nil {
		return fmt.Errorf("forget old letters: %w", err)
	}
	return nil
}
