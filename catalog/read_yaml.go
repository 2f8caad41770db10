package catalog

import (
	"context"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog/spec"
)

// SpecYAML is SpecJSON as YAML.
func (c *Catalog) SpecYAML(ctx context.Context, who auth.Principal, version uuid.UUID, address string) ([]byte, error) {
	text, err := c.SpecJSON(ctx, who, version, address)
	if err != nil {
		return nil, err
	}
	return spec.YAML(text)
}
