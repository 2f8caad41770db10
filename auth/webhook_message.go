package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
	"lgsp/internal/webhook"
)

// How addresses are told.
const (
	messageEvery   = time.Second      // between two looks at what is due
	messageTimeout = 15 * time.Second // of one attempt, as Standard Webhooks has it
	messageLease   = time.Minute      // after which an attempt whose node died is made again
	messageBatch   = 32
	messageKept    = 30 * 24 * time.Hour
)

// messageDelays are the waits between attempts; after the last a message is
// given up, some three days after it came to be.
var messageDelays = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// Event is something that applications may want to hear of. It says what
// happened and where to read more, so that nobody learns what they may not.
type Event struct {
	Topic        string
	Type         string // verb of the act in the ledger, as agreement.approve
	About        uuid.UUID
	Path         string      // where more is to be read: under /api/v1, "" for nowhere
	Applications []uuid.UUID // whom it concerns; nil: all
}

const (
	announceSQL = `
insert into auth.webhook_message (id, webhook_id, type, body, created_at, due_at)
select gen_random_uuid(), w.id, $2, $3, $4, $4
  from auth.webhook w
  join auth.application a on a.id = w.application_id and a.disabled_at is null
 where $1 = any (w.topics) and ($5::uuid[] is null or w.application_id = any ($5))`
)

// Announce has those addresses told that want to hear of an event, once tx commits.
func (a *Auth) Announce(ctx context.Context, tx pgx.Tx, e Event) error {
	now := a.Now().UTC()
	data := map[string]any{"id": e.About}
	if e.Path != "" {
		data["path"] = e.Path
	}
	body, err := json.Marshal(map[string]any{"type": e.Type, "timestamp": now.Format(time.RFC3339), "data": data})
	if err != nil {
		return fmt.Errorf("encode event %s: %w", e.Type, err)
	}
	if _, err := tx.Exec(ctx, announceSQL, e.Topic, e.Type, string(body), now, e.Applications); err != nil {
		return fmt.Errorf("announce %s: %w", e.Type, err)
	}
	return nil
}

// WebhookMessage is what an address was told, or is to be.
type WebhookMessage struct {
	ID          uuid.UUID  `json:"id"` // webhook-id
	Type        string     `json:"type"`
	Body        string     `json:"body"` // JSON, as it is sent
	CreatedAt   time.Time  `json:"created_at"`
	Attempts    int        `json:"attempts"`
	DueAt       *time.Time `json:"next_attempt"` // null: it has arrived, or is given up
	DeliveredAt *time.Time `json:"delivered_at"`
	Failure     string     `json:"failure"` // of the last attempt: http-NNN, timeout, address-refused, unreachable, secret-lost, or ""
}

const messagesSQL = `
select id, type, body, created_at, attempts, due_at, delivered_at, failure
  from auth.webhook_message
 where webhook_id = $1
 order by created_at desc, id
 limit 50`

// WebhookMessages gives the last 50 messages to an address, newest first; they
// are kept for 30 days. It fails with NotFound unless who owns its application.
func (a *Auth) WebhookMessages(ctx context.Context, who Principal, id uuid.UUID) ([]WebhookMessage, error) {
	if _, err := a.ownWebhook(ctx, who, id); err != nil {
		return nil, err
	}
	list, err := pg.All[WebhookMessage](ctx, a.DB, messagesSQL, id)
	if err != nil {
		return nil, fmt.Errorf("list messages to webhook %s: %w", id, err)
	}
	return list, nil
}

const (
	testMessageSQL = `
insert into auth.webhook_message (id, webhook_id, type, body, created_at, due_at) values ($1, $2, 'webhook.test', $3, $4, $4)
returning id, type, body, created_at, attempts, due_at, delivered_at, failure`
	messageAgainSQL = `
update auth.webhook_message m
   set due_at = $3
 where m.id = $2 and m.webhook_id = $1 and (m.due_at is null or m.due_at > $3)
returning id, type, body, created_at, attempts, due_at, delivered_at, failure`
)

// TestWebhook has an address told within a second that it can be told. It
// fails with NotFound unless who owns its application.
func (a *Auth) TestWebhook(ctx context.Context, who Principal, id uuid.UUID) (WebhookMessage, error) {
	if _, err := a.ownWebhook(ctx, who, id); err != nil {
		return WebhookMessage{}, err
	}
	now := a.Now().UTC()
	body := fmt.Sprintf(`{"type":"webhook.test","timestamp":%q,"data":{"id":%q}}`, now.Format(time.RFC3339), id)
	m, err := pg.One[WebhookMessage](ctx, a.DB, testMessageSQL, uuid.Must(uuid.NewV7()), id, body, now)
	if err != nil {
		return WebhookMessage{}, fmt.Errorf("test webhook %s: %w", id, err)
	}
	return m, nil
}

// SendAgain has a message sent again within a second, also one that arrived. It
// fails with NotFound unless who owns the application and the message is there.
func (a *Auth) SendAgain(ctx context.Context, who Principal, id, message uuid.UUID) (WebhookMessage, error) {
	if _, err := a.ownWebhook(ctx, who, id); err != nil {
		return WebhookMessage{}, err
	}
	m, err := pg.One[WebhookMessage](ctx, a.DB, messageAgainSQL, id, message, a.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return WebhookMessage{}, problem.Errorf(problem.NotFound, "no message %s that could be sent again", message).Coded("webhook-message-unknown")
	} else if err != nil {
		return WebhookMessage{}, fmt.Errorf("send message %s again: %w", message, err)
	}
	return m, nil
}

// dueMessage is a message that an attempt is made for now.
type dueMessage struct {
	ID          uuid.UUID
	WebhookID   uuid.UUID
	Body        string
	Attempts    int // this one included
	URL         string
	Sealed      []byte
	SealVersion int
}

const takeMessagesSQL = `
with due as (
  select m.id from auth.webhook_message m
   where m.due_at <= $1 order by m.due_at limit $3 for update skip locked)
update auth.webhook_message m
   set attempts = m.attempts + 1, due_at = $2
  from due, auth.webhook w
 where m.id = due.id and w.id = m.webhook_id
returning m.id, m.webhook_id, m.body, m.attempts, w.url, w.sealed, w.seal_version`

// RunWebhooks sends what is due through client until ctx ends. Any number of
// nodes may do so at once.
func (a *Auth) RunWebhooks(ctx context.Context, client *http.Client) error {
	tick := time.NewTicker(messageEvery)
	defer tick.Stop()
	for {
		if err := a.sendMessages(ctx, client); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "send webhook messages", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sendMessages makes the attempts that are due, all at once. No transaction is
// open meanwhile: a message taken is let alone by others for messageLease.
func (a *Auth) sendMessages(ctx context.Context, client *http.Client) error {
	now := a.Now().UTC()
	due, err := pg.All[dueMessage](ctx, a.DB, takeMessagesSQL, now, now.Add(messageLease), messageBatch)
	if err != nil {
		return fmt.Errorf("take webhook messages: %w", err)
	}
	errs := make([]error, len(due))
	var attempts sync.WaitGroup
	for i, m := range due {
		attempts.Go(func() { errs[i] = a.sendMessage(ctx, client, m) })
	}
	attempts.Wait()
	return errors.Join(errs...)
}

const (
	messageArrivedSQL = `
with done as (update auth.webhook_message set due_at = null, delivered_at = $2, failure = '' where id = $1 returning webhook_id)
update auth.webhook w set failing_since = null from done where w.id = done.webhook_id and w.failing_since is not null`
	messageFailedSQL = `
with done as (update auth.webhook_message set due_at = $2, failure = $3 where id = $1 returning webhook_id)
update auth.webhook w set failing_since = $4 from done where w.id = done.webhook_id and w.failing_since is null`
)

func (a *Auth) sendMessage(ctx context.Context, client *http.Client, m dueMessage) error {
	secret, err := a.Seals.Open(m.Sealed, m.SealVersion, m.WebhookID[:])
	failure := "secret-lost"
	if err == nil {
		within, cancel := context.WithTimeout(ctx, messageTimeout)
		defer cancel()
		failure = webhook.Send(within, client, m.URL, webhook.Message{ID: m.ID.String(), Body: []byte(m.Body), Secret: string(secret)}, a.Now())
	}
	if ctx.Err() != nil && failure != "" {
		return nil // the node ends; the lease runs out and another sends it
	}
	now := a.Now().UTC()
	if failure == "" {
		if _, err := a.DB.Exec(ctx, messageArrivedSQL, m.ID, now); err != nil {
			return fmt.Errorf("note that message %s arrived: %w", m.ID, err)
		}
		return nil
	}
	var again *time.Time
	if m.Attempts <= len(messageDelays) && failure != "http-410" { // Gone: it wants to hear no more of it
		at := now.Add(messageDelays[m.Attempts-1])
		again = &at
	}
	slog.InfoContext(ctx, "webhook message failed", "webhook_id", m.WebhookID, "message_id", m.ID, "attempt", m.Attempts, "failure", failure, "given_up", again == nil)
	if _, err := a.DB.Exec(ctx, messageFailedSQL, m.ID, again, failure, now); err != nil {
		return fmt.Errorf("note that message %s did not arrive: %w", m.ID, err)
	}
	return nil
}

const purgeMessagesSQL = `delete from auth.webhook_message where created_at < $1 and due_at is null`

// PurgeMessages forgets what was told 30 days ago.
func (a *Auth) PurgeMessages(ctx context.Context) error {
	if _, err := a.DB.Exec(ctx, purgeMessagesSQL, a.Now().UTC().Add(-messageKept)); err != nil {
		return fmt.Errorf("purge webhook messages: %w", err)
	}
	return nil
}
