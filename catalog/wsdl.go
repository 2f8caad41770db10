package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog/spec/wsdl"
	"lgsp/internal/problem"
)

// WSDL gives the WSDL that a version was made of, with address (the version's
// at the gateway) in place of the agency's own. It fails as VersionByID does,
// and with NotFound for a version that was made of something else.
func (c *Catalog) WSDL(ctx context.Context, who auth.Principal, version uuid.UUID, address string) ([]byte, error) {
	if _, err := c.VersionByID(ctx, who, version); err != nil {
		return nil, err
	}
	var text string
	if err := c.DB.QueryRow(ctx, specTextSQL, version).Scan(&text); err != nil {
		return nil, fmt.Errorf("read text of %s: %w", version, err)
	}
	if !wsdl.Is([]byte(text)) {
		return nil, problem.Errorf(problem.NotFound, "version %s has no WSDL", version)
	}
	return wsdl.At([]byte(text), address)
}
