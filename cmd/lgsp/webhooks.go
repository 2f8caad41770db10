package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/egress"
)

// The acts that applications may hear of.
var (
	decided = []string{"agreement.approve", "agreement.refuse", "agreement.suspend", "agreement.resume", "agreement.end"}
	ending  = []string{"version.deprecate", "version.retire"}
	opened  = []string{"dataset.publish", "dataset.approve-edit", "dataset.withdraw"}
)

// record writes an act to the ledger, and has the applications told that it
// concerns.
func (p *platform) record(ctx context.Context, tx pgx.Tx, act auth.Act) error {
	if err := p.ledger.Record(ctx, tx, act); err != nil {
		return err
	}
	e := auth.Event{Type: act.Verb, About: act.About}
	switch {
	case slices.Contains(decided, act.Verb):
		application, ok := act.Detail["application"].(uuid.UUID)
		if !ok {
			return fmt.Errorf("act %s names no application", act.Verb)
		}
		e.Topic, e.Path, e.Applications = auth.TopicAgreement, "/api/v1/agreements/"+act.About.String(), []uuid.UUID{application}
	case slices.Contains(ending, act.Verb):
		applications, err := p.agreements.ApplicationsInForce(ctx, tx, act.About)
		if err != nil {
			return err
		}
		e.Topic, e.Path, e.Applications = auth.TopicVersion, "/api/v1/versions/"+act.About.String(), applications
	case slices.Contains(opened, act.Verb):
		slug, ok := act.Detail["slug"].(string)
		if !ok {
			return fmt.Errorf("act %s names no dataset", act.Verb)
		}
		e.Topic, e.Path = auth.TopicDataset, "/api/v1/datasets/"+slug
	default:
		return nil
	}
	return p.auth.Announce(ctx, tx, e)
}

// sendWebhooks sends what applications are to be told.
func (p *platform) sendWebhooks(ctx context.Context) error {
	return p.auth.RunWebhooks(ctx, p.webhookClient())
}

func (p *platform) webhookClient() *http.Client {
	return egress.Fetch{Allow: p.config.EgressAllow}.Client(20 * time.Second) // longer than an attempt has
}
