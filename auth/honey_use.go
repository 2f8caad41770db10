package auth

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// Where a honey key was shown.
const (
	AtGateway = "gateway"
	AtOAuth   = "oauth"
	AtAPI     = "api"
	AtLeaks   = "leaks" // in the report of a scanner, which found it where it lies
)

// KeysShown are the keys of ours, or what looks like one, that a request
// holds: in Authorization and X-API-Key, and in its form when that was read.
func KeysShown(r *http.Request) []Key {
	texts := append([]string{}, r.Header.Values("X-Api-Key")...)
	for _, header := range r.Header.Values("Authorization") {
		scheme, rest, _ := strings.Cut(header, " ")
		rest = strings.TrimSpace(rest)
		if !strings.EqualFold(scheme, "Basic") {
			texts = append(texts, rest)
			continue
		}
		if pair, err := base64.StdEncoding.DecodeString(rest); err == nil {
			user, pass, _ := strings.Cut(string(pair), ":")
			texts = append(texts, user, pass)
		}
	}
	for _, values := range r.Form {
		texts = append(texts, values...)
	}
	return ReadKeys(texts)
}

// ReadKeys are those of the texts that are well-formed keys.
func ReadKeys(texts []string) []Key {
	var keys []Key
	for _, text := range texts {
		if key, err := ParseKey(text); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// KnownHoney is what a honey key is recognised by.
type KnownHoney struct {
	Lookup        string
	Hash          []byte
	PepperVersion int
}

const knownHoneySQL = `
select lookup, hash, pepper_version from auth.honey_key where revoked_at is null`

func (a *Auth) knownHoney(ctx context.Context) (map[string]KnownHoney, error) {
	list, err := pg.All[KnownHoney](ctx, a.DB, knownHoneySQL)
	if err != nil {
		return nil, fmt.Errorf("list known honey keys: %w", err)
	}
	known := make(map[string]KnownHoney, len(list))
	for _, h := range list {
		known[h.Lookup] = h
	}
	return known, nil
}

// NoteShown counts those of the keys that are honey keys, as shown there and
// from that address, until SaveUses. It is asked about any key, after the
// answer is decided, so that a honey key is answered like an unknown one and
// takes as long.
func (a *Auth) NoteShown(ctx context.Context, keys []Key, where string, from netip.Addr) {
	if len(keys) == 0 {
		return
	}
	known, err := a.Honey.Get(ctx, struct{}{}, a.knownHoney)
	if err != nil {
		slog.ErrorContext(ctx, "honey keys are not known; what is shown meanwhile is not told", "err", err)
		return
	}
	for _, key := range keys {
		if h := known[key.Lookup]; key.Matches(a.Peppers, h.PepperVersion, h.Hash) {
			a.uses.Note(Use{Lookup: key.Lookup, At: a.Now().UTC(), From: from, Where: where})
		}
	}
}

// A letter is owed an hour after the last one, at the earliest.
const touchHoneySQL = `
with shown as (
  select h.id, u.at, u.network, u.place, u.count, h.told_at is null or h.told_at <= $6::timestamptz - interval '1 hour' as tell
    from auth.honey_key h
    join unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[]) as u (lookup, at, network, place, count) on u.lookup = h.lookup
   where h.revoked_at is null
     for update of h)
update auth.honey_key h
   set uses = h.uses + s.count,
       last_used_from = case when h.last_used_at >= s.at then h.last_used_from else s.network end,
       last_used_where = case when h.last_used_at >= s.at then h.last_used_where else s.place end,
       last_used_at = greatest(h.last_used_at, s.at),
       told_at = case when s.tell then $6 else h.told_at end
  from shown s
 where h.id = s.id
returning h.id, h.application_id as application, h.kind, h.lookup, h.last4, h.name, h.created_by, h.created_at, h.revoked_at,
  h.uses, h.last_used_at, h.last_used_from, h.last_used_where, s.tell`

// touchHoney keeps the use of honey keys. Of each that nobody was told of in
// the last hour it writes letters, and an entry of the ledger.
func (a *Auth) touchHoney(ctx context.Context, tx pgx.Tx, uses []Use) error {
	type row struct {
		HoneyKey
		Tell bool
	}
	c, places := columnsOf(uses), make([]string, len(uses))
	for i, u := range uses {
		places[i] = u.Where
	}
	now := a.Now().UTC().Truncate(time.Microsecond)
	shown, err := pg.All[row](ctx, tx, touchHoneySQL, c.lookups, c.times, c.networks, places, c.counts, now)
	if err != nil {
		return fmt.Errorf("note use of honey keys: %w", err)
	}
	for _, k := range shown {
		if !k.Tell {
			continue
		}
		if err := a.tellHoney(ctx, tx, k.HoneyKey, now); err != nil {
			return err
		}
	}
	return nil
}

const operatorsSQL = `
select person_id from auth.membership where role = 'operator'`

// tellHoney writes to the owners of a honey key's application and to every
// operator; and to the ledger, without the address.
func (a *Auth) tellHoney(ctx context.Context, tx pgx.Tx, k HoneyKey, now time.Time) error {
	l := KeyLetter{Kind: KeyHoney, About: k.ID, Mark: now.Format(time.RFC3339Nano), Detail: KeyLetterDetail{What: honeyLetter, Name: k.Name, Shown: k.Shown(),
		At: k.LastUsedAt, From: k.LastUsedFrom, Where: k.LastUsedWhere}}
	agency := uuid.Nil
	if k.Application != nil {
		app, err := readApplication(ctx, tx, applicationSQL, *k.Application)
		if err != nil {
			return err
		}
		to, err := owners(ctx, tx, app.ID)
		if err != nil {
			return err
		}
		agency, l.Detail.What, l.Detail.Application, l.Detail.ID = agencyOf(app), ownHoneyLetter, app.Name, &app.ID
		if err := a.write(ctx, tx, to, l); err != nil {
			return err
		}
	}
	rows, _ := tx.Query(ctx, operatorsSQL) // the error comes back from Collect
	to, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("list operators: %w", err)
	}
	l.Detail.ID = nil // their page is that of all honey keys
	if err := a.write(ctx, tx, to, l); err != nil {
		return err
	}
	return a.Record(ctx, tx, Act{Who: Platform("honey keys"), Verb: "honey-key.used", Agency: agency, About: k.ID,
		Detail: map[string]any{"lookup": k.Lookup, "where": k.LastUsedWhere, "at": k.LastUsedAt, "uses": k.Uses}})
}
