package catalog

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"lgsp/auth"
	"lgsp/internal/problem"
)

const nameDistributionSQL = `update catalog.distribution set title_vi = $2, title_en = $3 where id = $1`

const touchDatasetSQL = `update catalog.dataset set updated_at = $2 where id = $1`

// NameDistribution gives a distribution its titles. It fails with Invalid, and
// with what May says of dataset.edit.
func (c *Catalog) NameDistribution(ctx context.Context, who auth.Principal, id uuid.UUID, vi, en string) (Distribution, error) {
	d, err := c.Distribution(ctx, who, id)
	if err != nil {
		return d, err
	}
	vi, en = norm.NFC.String(strings.TrimSpace(vi)), norm.NFC.String(strings.TrimSpace(en))
	e := problem.Errorf(problem.Invalid, "the titles are not right").Coded("dataset-invalid")
	if vi == "" {
		e.Wrong("name", "required", "is required")
	}
	if utf8.RuneCountInString(vi) > 300 || utf8.RuneCountInString(en) > 300 {
		e.Wrong("name", "text-too-long", "longer than allowed", "max", "300")
	}
	if !utf8.ValidString(vi+en) || strings.ContainsRune(vi+en, 0) {
		e.Wrong("name", "text-unreadable", "holds characters that are not text")
	}
	if len(e.Fields) > 0 {
		return Distribution{}, e
	}
	ch := datasetChange{who: who, id: d.DatasetID, act: "dataset.edit", verb: "distribution.name", from: editable}
	_, err = c.changeDataset(ctx, ch, func(tx pgx.Tx, _ Dataset) error {
		if err := execOne(ctx, tx, nameDistributionSQL, id, vi, en); err != nil {
			return err
		}
		return execOne(ctx, tx, touchDatasetSQL, d.DatasetID, c.Now().UTC())
	})
	if err != nil {
		return Distribution{}, err
	}
	return distributionOf(ctx, c.DB, id)
}
