package notice

import (
	"context"
	"fmt"
	"time"
)

// unsentAfter is how long a letter that is to go at once may take before
// somebody should look.
const unsentAfter = time.Hour

const unsentSQL = `
select count(*)::int from portal.notice where mail = 'now' and mailed_at is null and created_at < $1`

// Unsent counts the notices whose letter was to go at once and has not gone for
// over an hour. They lie in the portal all the same.
func (n *Notices) Unsent(ctx context.Context) (int, error) {
	var count int
	if err := n.DB.QueryRow(ctx, unsentSQL, n.Now().UTC().Add(-unsentAfter)).Scan(&count); err != nil {
		return 0, fmt.Errorf("count unsent notices: %w", err)
	}
	return count, nil
}
