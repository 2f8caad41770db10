package main

import (
	"context"
	"crypto"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/internal/problem"
	"lgsp/internal/recall"
)

// clients is what the authorization server asks of other rooms at every token,
// remembered until a notice says that one of them changed: an application, its
// keys, an agreement.
type clients struct {
	feed         *recall.Feed
	applications recall.Memory[uuid.UUID, auth.Application]
	secrets      recall.Memory[string, auth.KnownSecret]
	keys         recall.Memory[uuid.UUID, map[string]crypto.PublicKey]
	open         recall.Memory[uuid.UUID, []string]
	revocations  recall.Memory[struct{}, oauth.Revocations]
	honey        recall.Memory[struct{}, map[string]auth.KnownHoney]

	auth         *auth.Auth
	audiences    func(context.Context, uuid.UUID) ([]string, error)
	isSandbox    func(ctx context.Context, audience string) (bool, error)
	byAddressNow func(context.Context, string) (string, error)
}

// An agreement ends by the clock, without a notice: a token for it may be had
// for that much longer, and opens nothing then, for the gateway looks itself.
const (
	rememberFor = 10 * time.Second
	rememberMax = 10_000 // of each kind
)

func newClients(p *platform) *clients {
	feed := &recall.Feed{DB: p.db.Pool, Channel: "gateway"}
	return &clients{
		feed:         feed,
		applications: recall.Memory[uuid.UUID, auth.Application]{Feed: feed, Now: time.Now, Life: rememberFor, Most: rememberMax},
		secrets:      recall.Memory[string, auth.KnownSecret]{Feed: feed, Now: time.Now, Life: rememberFor, Most: rememberMax},
		keys:         recall.Memory[uuid.UUID, map[string]crypto.PublicKey]{Feed: feed, Now: time.Now, Life: rememberFor, Most: rememberMax},
		open:         recall.Memory[uuid.UUID, []string]{Feed: feed, Now: time.Now, Life: rememberFor, Most: rememberMax},
		revocations:  recall.Memory[struct{}, oauth.Revocations]{Feed: feed, Now: time.Now, Life: rememberFor, Most: 1},
		honey:        recall.Memory[struct{}, map[string]auth.KnownHoney]{Feed: feed, Now: time.Now, Life: rememberFor, Most: 1},
		auth:         p.auth, audiences: p.audiences, isSandbox: p.isSandbox, byAddressNow: p.byAddressNow,
	}
}

func (c *clients) application(ctx context.Context, id uuid.UUID) (auth.Application, error) {
	return c.applications.Get(ctx, id, func(ctx context.Context) (auth.Application, error) { return c.auth.Client(ctx, id) })
}

func (c *clients) publicKeys(ctx context.Context, id uuid.UUID) (map[string]crypto.PublicKey, error) {
	return c.keys.Get(ctx, id, func(ctx context.Context) (map[string]crypto.PublicKey, error) { return c.auth.PublicKeys(ctx, id) })
}

// openTo are the audiences that an application may have a token for. None is
// not remembered: an agreement may be a moment old.
func (c *clients) openTo(ctx context.Context, id uuid.UUID) ([]string, error) {
	open, err := c.open.Get(ctx, id, func(ctx context.Context) ([]string, error) { return c.audiences(ctx, id) })
	if err != nil || len(open) > 0 {
		return open, err
	}
	return c.audiences(ctx, id)
}

// mayHaveToken lets an application have a token for a version that it has an
// agreement for, and for a sandbox. Both are named by their address at the gateway.
func (c *clients) mayHaveToken(ctx context.Context, client uuid.UUID, audience string) error {
	open, err := c.openTo(ctx, client)
	if err == nil && !slices.Contains(open, audience) {
		open, err = c.audiences(ctx, client) // see openTo
	}
	if err != nil {
		return err
	}
	if !slices.Contains(open, audience) {
		if sandbox, err := c.isSandbox(ctx, audience); sandbox || err != nil {
			return err
		}
		now, err := c.byAddressNow(ctx, audience)
		if err != nil {
			return err
		}
		audience = now
	}
	if !slices.Contains(open, audience) {
		return problem.Errorf(problem.Forbidden, "the application has no agreement in force for %s", audience)
	}
	return nil
}
