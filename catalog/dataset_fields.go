package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/fields"
	"lgsp/internal/pg"
)

// What an agency asks of its datasets by a schema of its own: see fields.
type (
	OwnSchema = fields.Schema
	OwnField  = fields.Field
	OwnValue  = fields.Value
	OwnValues = fields.Values
	OwnType   = fields.Type
)

// The types of an agency's own fields.
const (
	OwnText    = fields.Text
	OwnLong    = fields.Long
	OwnNumber  = fields.Number
	OwnDate    = fields.Date
	OwnURL     = fields.URL
	OwnEmail   = fields.Email
	OwnChoice  = fields.Choice
	OwnChoices = fields.Choices
	OwnYesNo   = fields.YesNo
)

const lockSchemaSQL = `select fields from catalog.field_schema where agency_id = $1 for share`

// schemaIn is the schema of an agency, which stays it until tx ends: a change
// of the schema and one of a dataset see each other. An agency's first schema
// needs no such care, for no dataset has values before it.
func schemaIn(ctx context.Context, tx pgx.Tx, agency uuid.UUID) (fields.Schema, error) {
	var s fields.Schema
	err := tx.QueryRow(ctx, lockSchemaSQL, agency).Scan(&s.Fields)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return s, fmt.Errorf("read the fields of agency %s: %w", agency, err)
	}
	return s, nil
}

const schemasSQL = `select agency_id, fields from catalog.field_schema where agency_id = any($1)`

// giveSchemas gives datasets that have values the schemas of their agencies.
func giveSchemas(ctx context.Context, db pg.DB, list []Dataset) error {
	var agencies []uuid.UUID
	for _, d := range list {
		if len(d.Fields) > 0 && !slices.Contains(agencies, d.AgencyID) {
			agencies = append(agencies, d.AgencyID)
		}
	}
	if len(agencies) == 0 {
		return nil
	}
	type row struct {
		AgencyID uuid.UUID
		Fields   []fields.Field
	}
	rows, err := pg.All[row](ctx, db, schemasSQL, agencies)
	if err != nil {
		return fmt.Errorf("read the fields of %d agencies: %w", len(agencies), err)
	}
	of := make(map[uuid.UUID][]fields.Field, len(rows))
	for _, r := range rows {
		of[r.AgencyID] = r.Fields
	}
	for i := range list {
		list[i].Schema.Fields = of[list[i].AgencyID]
	}
	return nil
}

// seeFields gives datasets the schemas of their agencies, and takes away the
// values that who may not see: what a schema shows to its agency alone, and
// what it has no field for any more.
func (c *Catalog) seeFields(ctx context.Context, who auth.Principal, list []Dataset) error {
	if err := giveSchemas(ctx, c.DB, list); err != nil {
		return err
	}
	for i, d := range list {
		if len(d.Fields) > 0 && !c.worksOn(ctx, who, d.AgencyID) {
			list[i].Schema, list[i].Fields = d.Schema.Public(), d.Schema.PublicOf(d.Fields)
		}
	}
	return nil
}

// OwnFields are the values of the fields that the agency asks for, as far as the
// reader may see them, in the schema's order.
func (d Dataset) OwnFields() []fields.Held { return d.Schema.Held(d.Fields) }

// KeptFields are the names of values whose field is gone from the schema.
func (d Dataset) KeptFields() []string { return d.Schema.Kept(d.Fields) }

// checkWith is check, and holds the agency's own fields to its schema. Stored
// are the values that the text comes in place of.
func (t *DatasetText) checkWith(schema fields.Schema, stored fields.Values) error {
	e := t.faults()
	t.Fields = schema.Check(e, t.Fields, stored)
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

// values are the text's own fields as they are stored.
func (t DatasetText) values() fields.Values {
	if t.Fields == nil {
		return fields.Values{}
	}
	return t.Fields
}

// changesOfFields compares the values of the agency's own fields, by name.
func changesOfFields(before, after fields.Values) []Change {
	names := maps.Clone(map[string]fields.Value(before))
	if names == nil {
		names = map[string]fields.Value{}
	}
	maps.Copy(names, after)
	var list []Change
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if old, now := before[name], after[name]; !old.Equal(now) {
			list = append(list, Change{"fields/" + name, strings.Join(old.Texts(), "\n"), strings.Join(now.Texts(), "\n")})
		}
	}
	return list
}
