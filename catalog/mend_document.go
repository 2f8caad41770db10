package catalog

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog/spec"
)

// Mendable reports whether MendDocument can mend a finding of a version.
func (v Version) Mendable(f Finding) bool { return spec.Mendable(f.Code, v.Findings) }

// MendDocument saves a version's document without the findings of a code, or
// without all that can be mended (spec.All), as its next revision. It fails as SpecText and ReplaceSpec do, and with Conflict
// for findings that cannot be mended without knowing the service.
func (c *Catalog) MendDocument(ctx context.Context, who auth.Principal, version uuid.UUID, code string) (Version, error) {
	text, err := c.SpecText(ctx, who, version)
	if err != nil {
		return Version{}, err
	}
	mended, codes := []byte(nil), []string{code}
	if code == spec.All {
		mended, codes, err = spec.MendAll(text)
	} else {
		mended, err = spec.Mend(text, code)
	}
	if err != nil {
		return Version{}, err
	}
	return c.ReplaceSpec(ctx, who, version, Save{Text: mended, Why: strings.Join(codes, ", ")})
}
