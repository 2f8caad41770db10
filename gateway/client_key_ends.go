package gateway

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// EndingCertificate is a certificate shown to upstreams that ends soon, or has
// ended.
type EndingCertificate struct {
	VersionID uuid.UUID
	NotAfter  time.Time // UTC
}

const allClientCertificatesSQL = `select version_id, certificate from gateway.client_key order by version_id`

// Ending lists the certificates that end within some time, the first to end
// first. There is one a version at most, so all are read.
func (k *ClientKeys) Ending(ctx context.Context, within time.Duration) ([]EndingCertificate, error) {
	type row struct {
		VersionID   uuid.UUID
		Certificate string
	}
	rows, err := pg.All[row](ctx, k.DB, allClientCertificatesSQL)
	if err != nil {
		return nil, fmt.Errorf("list client certificates: %w", err)
	}
	until := k.Now().Add(within)
	var list []EndingCertificate
	for _, r := range rows {
		c, err := clientCertificate(r.Certificate)
		if err != nil {
			return nil, fmt.Errorf("client certificate of %s: %w", r.VersionID, err)
		}
		if c.NotAfter.Before(until) {
			list = append(list, EndingCertificate{r.VersionID, c.NotAfter})
		}
	}
	slices.SortFunc(list, func(a, b EndingCertificate) int { return a.NotAfter.Compare(b.NotAfter) })
	return list, nil
}
