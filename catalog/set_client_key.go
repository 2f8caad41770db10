package catalog

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
)

// SetClientKey says what the gateway shows the systems behind a version: a
// certificate and its private key, both PEM, in place of what it showed; two
// empty texts: nothing. Of a published version, at once. It fails as
// KeepClientKey does, and as changeVersion does for api.edit.
func (c *Catalog) SetClientKey(ctx context.Context, who auth.Principal, version uuid.UUID, certificate, key string) (Version, error) {
	ch := versionChange{who: who, version: version, act: "api.edit", verb: "version.client-key",
		from: []string{Draft, Review, Sandbox, Published, Deprecated}, detail: map[string]any{}}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		fingerprint, err := c.KeepClientKey(ctx, tx, v.ID, certificate, key)
		ch.detail["fingerprint"] = fingerprint // the change has the same map
		return err
	})
}
