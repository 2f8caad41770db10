package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
	"lgsp/internal/webhook"
)

// The topics that an application may hear of.
const (
	TopicAgreement = "agreement" // what is decided of its agreements
	TopicVersion   = "version"   // the life of API versions that it has an agreement for
	TopicDataset   = "dataset"   // datasets that become public, change there, or are withdrawn
)

// Topics are all of them, in the order they are offered.
func Topics() []string { return []string{TopicAgreement, TopicVersion, TopicDataset} }

const (
	maxWebhooks   = 5 // an application
	maxWebhookURL = 2000
)

// Webhook is an address at which an application hears of what concerns it, in
// messages that it can be sure of (Standard Webhooks).
type Webhook struct {
	ID           uuid.UUID  `json:"id"`
	Application  uuid.UUID  `json:"application"`
	URL          string     `json:"url"`
	Topics       []string   `json:"topics"` // agreement, version, dataset
	CreatedAt    time.Time  `json:"created_at"`
	FailingSince *time.Time `json:"failing_since"` // nothing has arrived since; null: the last message did
}

// NewWebhook is an address to be told.
type NewWebhook struct {
	URL    string   `json:"url"`    // https, at a public address; at most 2,000 characters
	Topics []string `json:"topics"` // at least one of agreement, version, dataset
}

// IssuedWebhook is a new address with the secret that messages are signed
// with, shown once.
type IssuedWebhook struct {
	Webhook
	Secret string `json:"secret"`
}

func (n *NewWebhook) check() error {
	wrong := fieldsWrong()
	n.URL = strings.TrimSpace(n.URL)
	at, err := url.Parse(n.URL)
	if err != nil || at.Scheme != "https" || at.Hostname() == "" || at.User != nil || at.Fragment != "" || len(n.URL) > maxWebhookURL {
		wrong.Wrong("url", "webhook-url", "https, without a user's name, at most 2,000 characters")
	}
	slices.Sort(n.Topics)
	n.Topics = slices.Compact(n.Topics)
	if len(n.Topics) == 0 || slices.ContainsFunc(n.Topics, func(topic string) bool { return !slices.Contains(Topics(), topic) }) {
		wrong.Wrong("topics", "webhook-topics", "at least one of "+strings.Join(Topics(), ", "))
	}
	return asError(wrong)
}

const webhookColumns = `w.id, w.application_id as application, w.url, w.topics, w.created_at, w.failing_since`

const (
	webhooksSQL = `
select ` + webhookColumns + ` from auth.webhook w where w.application_id = $1 order by w.id`

	countWebhooksSQL = `select count(*) from auth.webhook where application_id = $1`

	addWebhookSQL = `
insert into auth.webhook as w (id, application_id, url, topics, sealed, seal_version, created_by, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning ` + webhookColumns
)

// Webhooks lists the addresses of an application, oldest first. It fails with
// NotFound unless who owns it.
func (a *Auth) Webhooks(ctx context.Context, who Principal, application uuid.UUID) ([]Webhook, error) {
	if err := a.OwnsApplication(ctx, who, application); err != nil {
		return nil, err
	}
	list, err := pg.All[Webhook](ctx, a.DB, webhooksSQL, application)
	if err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	return list, nil
}

// AddWebhook has an application told at an address from now on. It fails with
// NotFound unless who owns it, Invalid with the fields that are wrong, and
// Conflict when it has 5 (webhooks-many) or is disabled.
func (a *Auth) AddWebhook(ctx context.Context, who Principal, application uuid.UUID, n NewWebhook) (IssuedWebhook, error) {
	if err := n.check(); err != nil {
		return IssuedWebhook{}, err
	}
	id, made := uuid.Must(uuid.NewV7()), IssuedWebhook{Secret: webhook.NewSecret()}
	sealed, version, err := a.Seals.Seal([]byte(made.Secret), id[:])
	if err != nil {
		return IssuedWebhook{}, fmt.Errorf("seal a webhook's secret: %w", err)
	}
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		app, err := lockFor(ctx, tx, who, application, TeamOwner)
		if err != nil {
			return err
		}
		var have int
		if err := tx.QueryRow(ctx, countWebhooksSQL, application).Scan(&have); err != nil {
			return fmt.Errorf("count webhooks: %w", err)
		}
		if have >= maxWebhooks {
			return problem.Errorf(problem.Conflict, "an application is told at %d addresses at most", maxWebhooks).Coded("webhooks-many", "max", fmt.Sprint(maxWebhooks))
		}
		var by *uuid.UUID
		if who.Person != uuid.Nil {
			by = &who.Person
		}
		if made.Webhook, err = pg.One[Webhook](ctx, tx, addWebhookSQL, id, application, n.URL, n.Topics, sealed, version, by, a.Now().UTC()); err != nil {
			return fmt.Errorf("add webhook: %w", err)
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "webhook.add", Agency: agencyOf(app), About: id,
			Detail: map[string]any{"application": application, "url": n.URL, "topics": n.Topics}})
	})
	if err != nil {
		return IssuedWebhook{}, err
	}
	return made, nil
}

const (
	webhookSQL = `
select ` + webhookColumns + ` from auth.webhook w where w.id = $1`
	removeWebhookSQL = `delete from auth.webhook where id = $1`
)

// ownWebhook gives an address whose application who owns, or NotFound.
func (a *Auth) ownWebhook(ctx context.Context, who Principal, id uuid.UUID) (Webhook, error) {
	unknown := problem.Errorf(problem.NotFound, "no webhook %s", id).Coded("webhook-unknown")
	w, err := pg.One[Webhook](ctx, a.DB, webhookSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Webhook{}, unknown
	} else if err != nil {
		return Webhook{}, fmt.Errorf("read webhook %s: %w", id, err)
	}
	if err := a.OwnsApplication(ctx, who, w.Application); problem.Is(err, problem.NotFound) {
		return Webhook{}, unknown
	} else if err != nil {
		return Webhook{}, err
	}
	return w, nil
}

// RemoveWebhook has an address told no more, and what it was told forgotten. It
// fails with NotFound unless who owns its application.
func (a *Auth) RemoveWebhook(ctx context.Context, who Principal, id uuid.UUID) error {
	w, err := a.ownWebhook(ctx, who, id)
	if err != nil {
		return err
	}
	app, err := a.Application(ctx, w.Application)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, removeWebhookSQL, id); err != nil {
			return fmt.Errorf("remove webhook %s: %w", id, err)
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "webhook.remove", Agency: agencyOf(app), About: id,
			Detail: map[string]any{"application": w.Application, "url": w.URL}})
	})
}

const (
	oldWebhookSealsSQL = `select id, sealed, seal_version from auth.webhook where seal_version < $1 for update`
	resealWebhookSQL   = `update auth.webhook set sealed = $2, seal_version = $3 where id = $1`
)

// resealWebhooks seals the secrets of webhooks anew, by the current key, and
// gives how many no key opens any more.
func (a *Auth) resealWebhooks(ctx context.Context, tx pgx.Tx) (lost int, _ error) {
	type sealedWebhook struct {
		ID          uuid.UUID
		Sealed      []byte
		SealVersion int
	}
	list, err := pg.All[sealedWebhook](ctx, tx, oldWebhookSealsSQL, a.Seals.Current())
	if err != nil {
		return 0, fmt.Errorf("list what old keys have sealed: %w", err)
	}
	for _, old := range list {
		secret, err := a.Seals.Open(old.Sealed, old.SealVersion, old.ID[:])
		if err != nil {
			lost++
			continue
		}
		sealed, version, err := a.Seals.Seal(secret, old.ID[:])
		if err != nil {
			return lost, fmt.Errorf("seal the secret of webhook %s anew: %w", old.ID, err)
		}
		if _, err := tx.Exec(ctx, resealWebhookSQL, old.ID, sealed, version); err != nil {
			return lost, fmt.Errorf("seal the secret of webhook %s anew: %w", old.ID, err)
		}
	}
	return lost, nil
}
