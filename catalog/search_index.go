package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/catalog/search"
)

// SearchDoc is what the search knows of one published thing.
type SearchDoc struct {
	Kind             string // dataset, api, operation, document
	ID               uuid.UUID
	Agency           Agency     // none of a document
	Parent           *uuid.UUID // of an operation, its API
	Slug             string     // its address below its kind, without a leading slash
	TitleVI, TitleEN string
	TextVI, TextEN   string // notes, summaries
	Keywords         []string
	Theme            string
	Formats          []string
	Licence          string
	Access           []string // open, restricted, personal
	Columns          []string // names of columns
	Fields           []string // keys of what a row or an answer holds, see fieldKeys
	At               time.Time
}

// maxIndexed is how much of one text is indexed, in bytes.
const maxIndexed = 60_000

// The document's number of change is for engines beside.
const putSearchDocSQL = `
with change as (
  insert into catalog.search_change (kind, id, number) values ($1, $2, nextval('catalog.search_change_number'))
  on conflict on constraint search_change_key do update set number = excluded.number)
insert into catalog.search_doc (kind, id, agency_id, slug, title_vi, title_en, summary_vi, summary_en, theme, formats,
       exact, folded, letters, updated_at, licence, access, keywords, parent, fields)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::tsvector, $12::text::tsvector, $13, $14, $15, $16, $17, $18, $19)
on conflict on constraint search_doc_key
do update set agency_id = excluded.agency_id, slug = excluded.slug, title_vi = excluded.title_vi, title_en = excluded.title_en,
       summary_vi = excluded.summary_vi, summary_en = excluded.summary_en, theme = excluded.theme, formats = excluded.formats,
       exact = excluded.exact, folded = excluded.folded, letters = excluded.letters, updated_at = excluded.updated_at,
       licence = excluded.licence, access = excluded.access, keywords = excluded.keywords, parent = excluded.parent,
       fields = excluded.fields`

const putSearchWordsSQL = `
insert into catalog.search_word (word)
select word
  from unnest($1::text[]) word
 where not exists (select from catalog.search_word w where w.word = word.word)`

// indexed remembers what was written of words and common suggestions, so that
// it is written once for many documents; nil remembers nothing.
type indexed map[string]bool

// fresh reports whether it is the first time, and remembers.
func (i indexed) fresh(what string) bool {
	if i == nil {
		return true
	}
	was := i[what]
	i[what] = true
	return !was
}

// index makes a published thing findable, in the transaction that publishes or
// changes it.
func (c *Catalog) index(ctx context.Context, tx pgx.Tx, d SearchDoc) error {
	keywords := strings.Join(d.Keywords, ", ")
	doc := search.Index([]search.Field{
		{Text: d.TitleVI, Weight: 'A'}, {Text: d.TitleEN, Weight: 'A'}, {Text: keywords, Weight: 'B'},
		{Text: d.Agency.TitleVI, Weight: 'B'}, {Text: d.Agency.TitleEN, Weight: 'B'},
		{Text: cut(d.TextVI, maxIndexed), Weight: 'C'}, {Text: cut(d.TextEN, maxIndexed), Weight: 'C'},
		{Text: cut(strings.Join(d.Columns, ", "), maxIndexed), Weight: 'D'},
	})
	letters := search.Fold(strings.Join([]string{d.TitleVI, d.TitleEN, keywords, d.Agency.TitleVI}, ". "))
	keys := []string{}
	for _, keyword := range d.Keywords {
		if key := search.Fold(keyword); key != "" {
			keys = append(keys, key)
		}
	}
	if _, err := tx.Exec(ctx, putSearchDocSQL, d.Kind, d.ID, d.Agency.ID, d.Slug, d.TitleVI, d.TitleEN,
		summary(d.TextVI), summary(d.TextEN), d.Theme, orNone(d.Formats), doc.Exact, doc.Folded, letters, d.At.UTC(),
		d.Licence, orNone(d.Access), keys, d.Parent, orNone(d.Fields)); err != nil {
		return fmt.Errorf("index %s %s: %w", d.Kind, d.ID, err)
	}
	words := slices.DeleteFunc(doc.Words, func(word string) bool { return !c.written.fresh("word " + word) })
	if len(words) > 0 {
		if _, err := tx.Exec(ctx, putSearchWordsSQL, words); err != nil {
			return fmt.Errorf("index words of %s %s: %w", d.Kind, d.ID, err)
		}
	}
	if d.Kind != "dataset" && d.Kind != "api" {
		return nil
	}
	return c.suggestible(ctx, tx, d)
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

const dropSearchDocSQL = `
with gone as (
  delete from catalog.search_doc where (kind = $1 and id = $2) or (parent = $2 and id <> all($3)) returning kind, id),
silent as (
  delete from catalog.search_suggestion where kind = $1 and id = $2)
insert into catalog.search_change (kind, id, number)
select kind, id, nextval('catalog.search_change_number') from gone
on conflict on constraint search_change_key do update set number = excluded.number`

// unindex makes a thing and what belongs to it unfindable; one that is not
// indexed is fine.
func (c *Catalog) unindex(ctx context.Context, tx pgx.Tx, kind string, id uuid.UUID) error {
	if _, err := tx.Exec(ctx, dropSearchDocSQL, kind, id, []uuid.UUID{}); err != nil {
		return fmt.Errorf("unindex %s %s: %w", kind, id, err)
	}
	return nil
}

// unindexParts makes what belonged to a thing unfindable but for those kept.
func (c *Catalog) unindexParts(ctx context.Context, tx pgx.Tx, parent uuid.UUID, kept []uuid.UUID) error {
	if _, err := tx.Exec(ctx, dropSearchDocSQL, "", parent, kept); err != nil {
		return fmt.Errorf("unindex parts of %s: %w", parent, err)
	}
	return nil
}

// summary is a text's beginning, at most 240 characters, on one line.
func summary(text string) string {
	r := []rune(strings.Join(strings.Fields(text), " "))
	if len(r) <= 240 {
		return string(r)
	}
	return string(r[:239]) + "…"
}

// cut takes at most n bytes of a text, whole characters.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}
