package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

const liveOperationsSQL = `
select o.id, o.version_id, o.slug, o.method, o.path, o.access, o.classification, o.subject_in, o.subject_name, o.doc
  from catalog.operation o
  join catalog.version v on v.id = o.version_id
 where v.api_id = $1 and v.state in ('published', 'deprecated') and o.access <> ''
 order by v.id desc, o.position`

// indexAPI makes search find an API as it now stands, or no longer when
// nothing of it is published.
func (c *Catalog) indexAPI(ctx context.Context, tx pgx.Tx, id uuid.UUID, owner Agency) error {
	a, err := pg.One[API](ctx, tx, apiByIDSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return c.unindex(ctx, tx, "api", id)
	} else if err != nil {
		return fmt.Errorf("read api %s: %w", id, err)
	}
	operations, err := pg.All[Operation](ctx, tx, liveOperationsSQL, id)
	if err != nil {
		return fmt.Errorf("read operations of api %s: %w", id, err)
	}
	if len(operations) == 0 {
		return c.unindex(ctx, tx, "api", id)
	}
	vi, en, access := []string{lead(a.DescriptionVI)}, []string{lead(a.DescriptionEN)}, []string{}
	for _, op := range operations {
		vi, en = append(vi, op.Doc.SummaryVI), append(en, op.Doc.SummaryEN)
		if !slices.Contains(access, op.Access) {
			access = append(access, op.Access)
		}
	}
	slices.Sort(access)
	now := c.Now().UTC()
	if err := c.index(ctx, tx, SearchDoc{
		Kind: "api", ID: a.ID, Agency: owner, Slug: owner.Slug + "/" + a.Slug, TitleVI: a.TitleVI, TitleEN: a.TitleEN,
		TextVI: strings.Join(vi, "\n"), TextEN: strings.Join(en, "\n"), Access: access, At: now,
	}); err != nil {
		return err
	}
	return c.indexOperations(ctx, tx, a, owner, operations)
}

const versionNumberSQL = `select number from catalog.version where id = $1`

// indexOperations makes search find the operations of an API's newest version,
// and those of earlier ones no longer.
func (c *Catalog) indexOperations(ctx context.Context, tx pgx.Tx, a API, owner Agency, live []Operation) error {
	newest := live[0].VersionID
	var number string
	if err := tx.QueryRow(ctx, versionNumberSQL, newest).Scan(&number); err != nil {
		return fmt.Errorf("read number of version %s: %w", newest, err)
	}
	kept := []uuid.UUID{}
	for _, op := range live {
		if op.VersionID != newest {
			break
		}
		kept = append(kept, op.ID)
		d := SearchDoc{
			Kind: "operation", ID: op.ID, Parent: &a.ID, Agency: owner,
			Slug:    strings.Join([]string{owner.Slug, a.Slug, number, op.Slug}, "/"),
			TitleVI: cmp.Or(op.Doc.SummaryVI, op.Doc.SummaryEN, op.Method+" "+op.Path), TitleEN: op.Doc.SummaryEN,
			TextVI: a.TitleVI + ". " + lead(op.Doc.DescriptionVI) + "\n" + op.Method + " " + op.Path,
			TextEN: a.TitleEN + ". " + lead(op.Doc.DescriptionEN), Access: []string{op.Access}, At: c.Now().UTC(),
		}
		for _, f := range op.Doc.Fields {
			d.Columns = append(d.Columns, f.Path)
		}
		d.Fields = fieldKeys(fieldNames(op))
		if err := c.index(ctx, tx, d); err != nil {
			return err
		}
	}
	return c.unindexParts(ctx, tx, a.ID, kept)
}

var (
	markdownLink  = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	markdownMarks = strings.NewReplacer("**", "", "`", "", "__", "")
)

// lead is the first paragraph of a description (CommonMark) without its marks:
// what a search weighs and shows. What follows is often the same in all of an
// agency's documents, and would make every one of them a hit.
func lead(description string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(description), "\n\n")
	return markdownMarks.Replace(markdownLink.ReplaceAllString(first, "$1"))
}
