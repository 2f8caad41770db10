package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// OpenSession is a browser in which a person is signed in.
type OpenSession struct {
	ID        uuid.UUID `json:"id"`
	Browser   string    `json:"browser"` // "" when it is none that we know
	System    string    `json:"system"`  // the same
	Address   string    `json:"address"` // where it signed in from
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"` // to the minute
}

const knowBrowserSQL = `
update auth.session set agent = $2, address = $3 where hash = $1`

// maxAgent is what is kept of a User-Agent, in bytes.
const maxAgent = 300

// KnowBrowser notes in which browser and from where a session began, so that
// its person can tell it from others.
func (a *Auth) KnowBrowser(ctx context.Context, secret, agent, address string) error {
	if _, err := a.DB.Exec(ctx, knowBrowserSQL, hashSecret(secret), cleanAgent(agent), address); err != nil {
		return fmt.Errorf("note the browser of a session: %w", err)
	}
	return nil
}

// cleanAgent is as much of a User-Agent as is kept, in a form that PostgreSQL takes.
func cleanAgent(agent string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], ""), "\x00", "")
}

const (
	formerSessionSQL = `
select f.id, f.person_id = n.person_id as same
  from auth.session f, auth.session n
 where f.hash = $1 and n.hash = $2
   for update`
	dropSessionSQL = `
delete from auth.session where hash = $1
returning created_at, seen_at, proved_at, methods, agent, address`
	renewSessionSQL = `
update auth.session
   set hash = $2, created_at = $3, seen_at = $4, proved_at = $5, methods = $6, agent = $7, address = $8
 where id = $1`
)

// SucceedSession settles what a new session means for the former one of the
// same browser, whose cookie it takes. The same person's goes on in it, under
// its public id: the applications that know it can still sign out, and be told
// . Another person's ends.
func (a *Auth) SucceedSession(ctx context.Context, former, secret string) error {
	type sessions struct {
		ID   uuid.UUID
		Same bool
	}
	type begun struct {
		CreatedAt, SeenAt, ProvedAt time.Time
		Methods                     []string
		Agent, Address              string
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		both, err := pg.One[sessions](ctx, tx, formerSessionSQL, hashSecret(former), hashSecret(secret))
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // over already, or it is the same one
		} else if err != nil {
			return fmt.Errorf("find the former session: %w", err)
		}
		if !both.Same {
			return EndSessions(ctx, tx, a.Now().UTC(), []uuid.UUID{both.ID})
		}
		b, err := pg.One[begun](ctx, tx, dropSessionSQL, hashSecret(secret))
		if err != nil {
			return fmt.Errorf("take the new session: %w", err)
		}
		_, err = tx.Exec(ctx, renewSessionSQL, both.ID, hashSecret(secret), b.CreatedAt, b.SeenAt, b.ProvedAt, b.Methods, b.Agent, b.Address)
		if err != nil {
			return fmt.Errorf("renew session %s: %w", both.ID, err)
		}
		return nil
	})
}

const openSessionsSQL = `
select id, agent, address, created_at, seen_at
  from auth.session
 where person_id = $1 and created_at > $2 and seen_at > $3
 order by seen_at desc, id desc`

// OpenSessions lists where who is signed in, last seen first.
func (a *Auth) OpenSessions(ctx context.Context, who Principal) ([]OpenSession, error) {
	type row struct {
		ID        uuid.UUID
		Agent     string
		Address   string
		CreatedAt time.Time
		SeenAt    time.Time
	}
	now := a.Now().UTC()
	rows, err := pg.All[row](ctx, a.DB, openSessionsSQL, who.Person, now.Add(-sessionLast), now.Add(-sessionIdle))
	if err != nil {
		return nil, fmt.Errorf("list sessions of person %s: %w", who.Person, err)
	}
	list := make([]OpenSession, len(rows))
	for i, s := range rows {
		list[i] = OpenSession{ID: s.ID, Address: s.Address, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt}
		list[i].Browser, list[i].System = agentWords(s.Agent)
	}
	return list, nil
}

const ownSessionSQL = `
select exists (select from auth.session where id = $1 and person_id = $2)`

// EndSession ends a session of who; see EndSessions. It fails with NotFound
// when there is none of that id, or it is another's.
func (a *Auth) EndSession(ctx context.Context, who Principal, session uuid.UUID) error {
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var own bool
		if err := tx.QueryRow(ctx, ownSessionSQL, session, who.Person).Scan(&own); err != nil {
			return fmt.Errorf("find session %s: %w", session, err)
		}
		if !own {
			return problem.Errorf(problem.NotFound, "no session %s", session).Coded("session-unknown")
		}
		if err := EndSessions(ctx, tx, a.Now().UTC(), []uuid.UUID{session}); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "session.end", About: session})
	})
}

// EndOtherSessions ends every session of who but keep; uuid.Nil keeps none.
// It fails with Unauthorized unless who is a person.
func (a *Auth) EndOtherSessions(ctx context.Context, who Principal, keep uuid.UUID) error {
	if who.Person == uuid.Nil {
		return signInFirst()
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if err := endOthers(ctx, tx, a.Now().UTC(), who.Person, keep); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "session.end-others", About: who.Person})
	})
}

const sessionBySecretSQL = `
select id from auth.session where hash = $1`

// SignOut ends the session of a cookie; see EndSessions. An unknown one is no error.
func (a *Auth) SignOut(ctx context.Context, secret string) error {
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sessionBySecretSQL, hashSecret(secret))
		if err != nil {
			return fmt.Errorf("find session: %w", err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return fmt.Errorf("find session: %w", err)
		}
		return EndSessions(ctx, tx, a.Now().UTC(), found)
	})
}
