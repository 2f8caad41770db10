package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/egress"
	"lgsp/internal/pg"
)

// How applications are told that a session has ended.
const (
	logoutTokenLife = 2 * time.Minute
	noticeEvery     = time.Second      // between two looks at what is due
	noticeTimeout   = 2 * time.Second  // of one call
	noticeLease     = 30 * time.Second // after which a call whose node died is made again
	noticeBatch     = 64
)

// noticeDelays are the waits between attempts; after the last the notice is
// given up, some three hours after the session's end.
var noticeDelays = []time.Duration{10 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, 2 * time.Hour}

// logoutClaims are the claims of a logout token (OpenID Connect Back-Channel
// Logout 1.0 §2.4). There is no nonce, so that it cannot pass for an ID token.
type logoutClaims struct {
	Issuer   string              `json:"iss"`
	Audience string              `json:"aud"`
	Subject  string              `json:"sub"`
	Issued   int64               `json:"iat"`
	Expires  int64               `json:"exp"`
	ID       string              `json:"jti"`
	Events   map[string]struct{} `json:"events"`
	Session  string              `json:"sid,omitempty"` // without it every session of the person is meant
}

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutNotice is what an application is to be told now.
type logoutNotice struct {
	ID        uuid.UUID
	ClientID  uuid.UUID
	PersonID  uuid.UUID
	SessionID *uuid.UUID
	Attempts  int    // this one included
	Address   string // "" when the application does not want to hear any more
	Algorithm string // of its ID tokens, and so of its logout tokens (§2.4: the same keys)
}

// RunLogouts tells applications of sessions that have ended, until ctx ends.
// Any number of nodes may do so at once.
func (s *Server) RunLogouts(ctx context.Context) error {
	tick := time.NewTicker(noticeEvery)
	defer tick.Stop()
	for {
		if err := s.tellLogouts(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "tell applications of logouts", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

const takeNoticesSQL = `
with due as (
  select id from auth.logout_notice where due_at <= $1 order by due_at limit $3 for update skip locked)
update auth.logout_notice n
   set attempts = n.attempts + 1, due_at = $2
  from due, auth.application a
 where n.id = due.id and a.id = n.client_id
returning n.id, n.client_id, n.person_id, n.session_id, n.attempts,
          case when a.disabled_at is null then a.backchannel_logout_uri else '' end as address,
          a.id_token_algorithm as algorithm`

// tellLogouts makes the calls that are due, all at once. No transaction is
// open meanwhile: a notice taken is let alone by others for noticeLease.
func (s *Server) tellLogouts(ctx context.Context) error {
	now := s.Now().UTC()
	due, err := pg.All[logoutNotice](ctx, s.DB, takeNoticesSQL, now, now.Add(noticeLease), noticeBatch)
	if err != nil {
		return fmt.Errorf("take logout notices: %w", err)
	}
	errs := make([]error, len(due))
	var calls sync.WaitGroup
	for i, n := range due {
		calls.Go(func() { errs[i] = s.tellLogout(ctx, n) })
	}
	calls.Wait()
	return errors.Join(errs...)
}

const (
	noticeToldSQL = `
delete from auth.logout_notice where id = $1`
	noticeFailedSQL = `
update auth.logout_notice set due_at = $2, failure = $3 where id = $1`
)

func (s *Server) tellLogout(ctx context.Context, n logoutNotice) error {
	failure := ""
	if n.Address != "" {
		text, err := s.logoutToken(n)
		if err != nil {
			return err
		}
		failure = s.postLogout(ctx, n.Address, text)
	}
	if failure == "" {
		if _, err := s.DB.Exec(ctx, noticeToldSQL, n.ID); err != nil {
			return fmt.Errorf("note that application %s was told: %w", n.ClientID, err)
		}
		return nil
	}
	var again *time.Time
	if n.Attempts <= len(noticeDelays) {
		at := s.Now().UTC().Add(noticeDelays[n.Attempts-1])
		again = &at
	}
	slog.InfoContext(ctx, "logout notice failed", "client_id", n.ClientID, "attempt", n.Attempts, "failure", failure, "given_up", again == nil)
	if _, err := s.DB.Exec(ctx, noticeFailedSQL, n.ID, again, failure); err != nil {
		return fmt.Errorf("note that application %s was not told: %w", n.ClientID, err)
	}
	return nil
}

// logoutToken makes a token for one attempt: a repeated one has a jti of its own.
func (s *Server) logoutToken(n logoutNotice) (string, error) {
	now := s.Now()
	claims := logoutClaims{
		Issuer: s.Issuer, Audience: n.ClientID.String(), Subject: n.PersonID.String(),
		Issued: now.Unix(), Expires: now.Add(logoutTokenLife).Unix(), ID: uuid.NewString(),
		Events: map[string]struct{}{logoutEvent: {}},
	}
	if n.SessionID != nil {
		claims.Session = n.SessionID.String()
	}
	return s.sign(n.Algorithm, "logout+jwt", claims)
}

// postLogout sends a logout token (§2.5) and gives why that failed, "" when it
// did not: http-NNN, timeout, address-refused or unreachable. What the
// application says beyond its status is not looked at.
func (s *Server) postLogout(ctx context.Context, address, token string) string {
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	body := url.Values{"logout_token": {token}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return "address-refused" // checked when it was registered
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := *s.Fetch
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(r)
	switch {
	case errors.Is(err, egress.ErrRefused):
		return "address-refused"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case err != nil:
		return "unreachable"
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, bodyLimit) // so that the connection can serve again
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Sprintf("http-%d", answer.StatusCode)
	}
	return ""
}

// Untold is the end of a session that an application was not told of yet.
type Untold struct {
	ID        uuid.UUID  `json:"id"`
	SessionID *uuid.UUID `json:"sid"` // null: every session of the person
	CreatedAt time.Time  `json:"created_at"`
	Attempts  int        `json:"attempts"`
	DueAt     *time.Time `json:"next_attempt"` // null: given up
	Failure   string     `json:"failure"`      // of the last attempt: http-NNN, timeout, address-refused, unreachable, or ""
}

const untoldSQL = `
select id, session_id, created_at, attempts, due_at, failure
  from auth.logout_notice
 where client_id = $1
 order by created_at desc, id
 limit 100`

// UntoldLogouts lists what an application was not told yet, newest first, at
// most 100. A notice given up is kept for 30 days.
func (s *Server) UntoldLogouts(ctx context.Context, application uuid.UUID) ([]Untold, error) {
	list, err := pg.All[Untold](ctx, s.DB, untoldSQL, application)
	if err != nil {
		return nil, fmt.Errorf("list logout notices of application %s: %w", application, err)
	}
	return list, nil
}
