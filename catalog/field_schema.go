package catalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/fields"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// FieldSchema is what an agency asks of its datasets beside what every dataset
// is asked.
type FieldSchema struct {
	AgencyID uuid.UUID      `json:"agency_id"`
	Version  int            `json:"version"` // 0: the agency never had one
	Fields   []fields.Field `json:"fields"`  // those for everyone, to who does not work on the agency's datasets
	Text     string         `json:"text"`    // the YAML as it was written; "" to those
}

// FieldSchemaVersion is one wording of an agency's schema.
type FieldSchemaVersion struct {
	Version   int        `json:"version"`
	Text      string     `json:"text"`
	WrittenBy *uuid.UUID `json:"-"`
	Author    string     `json:"author" db:"-"` // the name of who wrote it
	WrittenAt time.Time  `json:"written_at"`
}

// FieldSchemaText is a schema to be put in the place of the one in force.
type FieldSchemaText struct {
	Text    string `json:"text"`    // YAML, at most 64 KiB
	Version int    `json:"version"` // the one that was read before; 0: there was none
}

const fieldSchemaSQL = `
select s.agency_id, s.version, s.fields, v.text
  from catalog.field_schema s
  join catalog.field_schema_version v on v.agency_id = s.agency_id and v.version = s.version
 where s.agency_id = $1`

// FieldSchema gives the schema of an agency: whole to those who work on its
// datasets, to others what concerns them. An agency that has none asks nothing.
func (c *Catalog) FieldSchema(ctx context.Context, who auth.Principal, agency uuid.UUID) (FieldSchema, error) {
	s, err := pg.One[FieldSchema](ctx, c.DB, fieldSchemaSQL, agency)
	if errors.Is(err, pgx.ErrNoRows) {
		return FieldSchema{AgencyID: agency, Fields: []fields.Field{}}, nil
	} else if err != nil {
		return s, fmt.Errorf("read the fields of agency %s: %w", agency, err)
	}
	if !c.worksOn(ctx, who, agency) {
		s.Fields, s.Text = s.Schema().Public().Fields, ""
	}
	return s, nil
}

// Schema is what is asked.
func (s FieldSchema) Schema() fields.Schema { return fields.Schema{Fields: s.Fields} }

const fieldSchemaVersionsSQL = `
select version, text, written_by, written_at
  from catalog.field_schema_version
 where agency_id = $1
 order by version desc
 limit 100`

// FieldSchemaVersions gives the newest hundred wordings of an agency's schema,
// newest first. It fails with what May says of dataset.edit.
func (c *Catalog) FieldSchemaVersions(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]FieldSchemaVersion, error) {
	if !c.worksOn(ctx, who, agency) {
		if err := c.May(ctx, who, "dataset.edit", agency); err != nil {
			return nil, err
		}
	}
	list, err := pg.All[FieldSchemaVersion](ctx, c.DB, fieldSchemaVersionsSQL, agency)
	if err != nil {
		return nil, fmt.Errorf("list schemas of agency %s: %w", agency, err)
	}
	var ids []uuid.UUID
	for _, v := range list {
		if v.WrittenBy != nil {
			ids = append(ids, *v.WrittenBy)
		}
	}
	names, err := c.Names(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, v := range list {
		if v.WrittenBy != nil {
			list[i].Author = names[*v.WrittenBy]
		}
	}
	return list, nil
}

// CheckFieldSchema reads a schema without keeping it. It fails with what May
// says of schema.edit, and as fields.Read does.
func (c *Catalog) CheckFieldSchema(ctx context.Context, who auth.Principal, agency uuid.UUID, text string) (FieldSchema, error) {
	if err := c.May(ctx, who, "schema.edit", agency); err != nil {
		return FieldSchema{}, err
	}
	schema, err := fields.Read([]byte(text))
	return FieldSchema{AgencyID: agency, Fields: schema.Fields, Text: text}, err
}

const (
	beginFieldSchemaSQL = `
insert into catalog.field_schema (agency_id, version, fields) values ($1, 1, $2)
on conflict on constraint field_schema_key do nothing`

	changeFieldSchemaSQL = `
update catalog.field_schema set version = version + 1, fields = $3 where agency_id = $1 and version = $2`

	keepFieldSchemaSQL = `
insert into catalog.field_schema_version (agency_id, version, text, written_by, written_at) values ($1, $2, $3, $4, $5)`
)

// SetFieldSchema puts a schema in the place of the agency's, as a new version.
// No value is lost: one whose field is gone stays with its dataset. It fails as
// CheckFieldSchema does, with Conflict when another version came meanwhile, and
// when a public dataset would show what looks like personal data.
func (c *Catalog) SetFieldSchema(ctx context.Context, who auth.Principal, agency uuid.UUID, said FieldSchemaText) (FieldSchema, error) {
	s, err := c.CheckFieldSchema(ctx, who, agency, said.Text)
	if err != nil {
		return s, err
	}
	agencies, err := c.Agencies(ctx, []uuid.UUID{agency})
	if err != nil {
		return s, err
	}
	s.Version = said.Version + 1
	var found []partFindings
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		sql, args := changeFieldSchemaSQL, []any{agency, said.Version, s.Fields}
		if said.Version == 0 {
			sql, args = beginFieldSchemaSQL, []any{agency, s.Fields}
		}
		tag, err := tx.Exec(ctx, sql, args...)
		if err != nil {
			return fmt.Errorf("set the fields of agency %s: %w", agency, err)
		}
		if tag.RowsAffected() == 0 {
			return problem.Errorf(problem.Conflict, "the schema was changed meanwhile").Coded("schema-changed", "version", strconv.Itoa(said.Version))
		}
		if err := execOne(ctx, tx, keepFieldSchemaSQL, agency, s.Version, said.Text, who.Person, c.Now().UTC()); err != nil {
			return fmt.Errorf("keep the schema of agency %s: %w", agency, err)
		}
		if found, err = c.showFields(ctx, tx, agencies[agency], s.Schema()); err != nil {
			return err
		}
		return c.Record(ctx, tx, auth.Act{Who: who, Verb: "schema.set", Agency: agency, About: agency,
			Detail: map[string]any{"version": s.Version, "fields": len(s.Fields)}})
	})
	if problem.Code(err) == codeUndecided {
		for _, f := range found {
			if err := c.holdFindings(ctx, f.part, f); err != nil {
				return FieldSchema{}, err
			}
		}
	}
	return s, err
}

const datasetsWithFieldsSQL = `
select ` + datasetColumns + `
  from catalog.dataset
 where agency_id = $1 and state = 'published' and fields <> '{}'
 order by id`

// showFields brings the search in line with what a new schema lets everyone see
// of an agency's public datasets, once that is looked through for personal data.
func (c *Catalog) showFields(ctx context.Context, tx pgx.Tx, agency Agency, schema fields.Schema) ([]partFindings, error) {
	list, err := pg.All[Dataset](ctx, tx, datasetsWithFieldsSQL, agency.ID)
	if err != nil {
		return nil, fmt.Errorf("list datasets with fields of %s: %w", agency.ID, err)
	}
	for _, d := range list {
		d.Agency, d.Schema = agency, schema
		if d.Distributions, err = distributionsOf(ctx, tx, d.ID); err != nil {
			return nil, err
		}
		texts, err := c.textFindings(ctx, tx, d)
		if err != nil {
			return nil, err
		}
		if err := c.keepFindings(ctx, tx, d.ID, texts); err != nil {
			return nil, err
		}
		if err := requireDecided(ctx, tx, d.ID); err != nil {
			return []partFindings{texts}, err
		}
		if err := c.indexDataset(ctx, tx, d); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
