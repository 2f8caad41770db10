package catalog

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

const liveOperationsSQL = `
select o.id, o.version_id, o.slug, o.method, o.path, o.access, o.classification, o.subject_in, o.subject_name, o.doc
  from catalog.operation o
  join catalog.version v on v.id = o.version_id
 where v.api_id = $1 and v.state in ('published', 'deprecated')
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
	vi, en := []string{lead(a.DescriptionVI)}, []string{lead(a.DescriptionEN)}
	for _, op := range operations {
		vi, en = append(vi, op.Doc.SummaryVI), append(en, op.Doc.SummaryEN)
	}
	return c.index(ctx, tx, SearchDoc{
		Kind: "api", ID: a.ID, Agency: owner, Slug: owner.Slug + "/" + a.Slug, TitleVI: a.TitleVI, TitleEN: a.TitleEN,
		TextVI: strings.Join(vi, "\n"), TextEN: strings.Join(en, "\n"), At: c.Now().UTC(),
	})
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
