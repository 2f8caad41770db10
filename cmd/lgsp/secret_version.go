package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"

	"lgsp/auth"
)

// usedSecrets are the versions that the platform has begun to use. It fails
// unless the file holds them, and the newest: with another secret than the
// other nodes this one would fit no key and no token.
func (p *platform) usedSecrets(ctx context.Context) ([]auth.SecretVersion, error) {
	used, err := p.auth.SecretVersions(ctx)
	if err != nil {
		return nil, err
	}
	for i, one := range used {
		newest := i == len(used)-1
		switch {
		case newest && !p.secrets.has(one.Version):
			return nil, fmt.Errorf("LGSP_SECRET_FILE: the platform uses version %d of the secret, which %s does not hold; copy the file from where lgsp secret rotate was run",
				one.Version, p.config.SecretFile)
		case p.secrets.has(one.Version) && !bytes.Equal(p.secrets.check(one.Version), one.CheckValue):
			return nil, fmt.Errorf("LGSP_SECRET_FILE: version %d in %s is not the one that the platform uses; copy the file from where lgsp secret rotate was run",
				one.Version, p.config.SecretFile)
		}
	}
	return used, nil
}

// followSecret makes what is new by the version that lgsp serve uses; before it
// has ever run, by the first.
func (p *platform) followSecret(ctx context.Context) error {
	used, err := p.usedSecrets(ctx)
	switch {
	case err != nil:
		return err
	case len(used) > 0:
		p.secrets.inUse.Store(int64(used[len(used)-1].Version))
	case p.secrets.has(1):
		p.secrets.inUse.Store(1)
	}
	return nil
}

// beginSecret makes what is new by the newest version from now on, tells the
// other nodes, and seals anew what older versions have sealed.
func (p *platform) beginSecret(ctx context.Context) error {
	if _, err := p.usedSecrets(ctx); err != nil {
		return err
	}
	version := p.secrets.last()
	p.secrets.inUse.Store(int64(version))
	if err := p.auth.BeginSecret(ctx, version, p.secrets.check(version)); err != nil {
		return err
	}
	if err := p.oauth.Reseal(ctx); err != nil {
		return err
	}
	lost, err := p.auth.Reseal(ctx)
	if err != nil {
		return err
	}
	if lost > 0 {
		slog.ErrorContext(ctx, "authenticator apps are sealed by a secret that was dropped; their people need a rescue", "count", lost)
	}
	lost, err = p.clientKeys().Reseal(ctx)
	if err != nil {
		return err
	}
	if lost > 0 {
		slog.ErrorContext(ctx, "client keys of upstreams are sealed by a secret that was dropped; their agencies set them anew", "count", lost)
	}
	return nil
}

// watchSecret learns while a node runs which version makes what is new. What
// it has no key for is told each time, until the file is copied and the node
// started anew.
func (p *platform) watchSecret(ctx context.Context) {
	if err := p.followSecret(ctx); err != nil && ctx.Err() == nil {
		slog.ErrorContext(ctx, "the secret in use is not this node's", "err", err)
	}
}
