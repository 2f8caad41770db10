package catalog

import (
	"context"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/catalog/search"
	"lgsp/internal/pg"
)

// Suggestion is one thing offered while somebody types.
type Suggestion struct {
	Kind     string        `json:"kind"` // dataset, api, agency, keyword
	ID       *uuid.UUID    `json:"id"`   // null of a keyword
	Slug     string        `json:"slug"` // address below its kind; of a keyword, its letters
	TitleVI  string        `json:"title_vi"`
	TitleEN  string        `json:"title_en"`
	Path     string        `json:"path"` // where it leads on the portal, as /dataset/tau-ca
	MarkedVI template.HTML `json:"-"`    // the title, escaped, with <mark> around what matched
	MarkedEN template.HTML `json:"-"`
}

// path is where a suggestion leads.
func (s Suggestion) path() string {
	switch s.Kind {
	case "dataset":
		return "/dataset/" + s.Slug
	case "api":
		return "/apis/" + s.Slug
	case "agency":
		return "/agencies/" + s.Slug
	}
	return "/search?q=" + url.QueryEscape(s.TitleVI)
}

const putSuggestionSQL = `
insert into catalog.search_suggestion (kind, id, slug, title_vi, title_en, letters, words)
values ($1, $2, $3, $4, $5, $6, $7::text::tsvector)
on conflict (kind, id) where kind in ('dataset', 'api')
do update set slug = excluded.slug, title_vi = excluded.title_vi, title_en = excluded.title_en,
       letters = excluded.letters, words = excluded.words`

const putCommonSuggestionSQL = `
insert into catalog.search_suggestion (kind, id, slug, title_vi, title_en, letters, words)
select $1, $2::uuid, $3, $4, $5, $6, $7::text::tsvector
 where not exists (select from catalog.search_suggestion s where s.kind = $1 and s.slug = $3 and s.title_vi = $4 and s.title_en = $5)`

// suggestible makes a dataset or API, its agency and its keywords come up
// while somebody types.
func (c *Catalog) suggestible(ctx context.Context, tx pgx.Tx, d SearchDoc) error {
	if _, err := tx.Exec(ctx, putSuggestionSQL, d.Kind, d.ID, d.Slug, d.TitleVI, d.TitleEN, lettersOf(d.TitleVI, d.TitleEN),
		wordsOf(d.TitleVI, d.TitleEN)); err != nil {
		return fmt.Errorf("suggest %s %s: %w", d.Kind, d.ID, err)
	}
	common := []Suggestion{{Kind: "agency", ID: &d.Agency.ID, Slug: d.Agency.Slug, TitleVI: d.Agency.TitleVI, TitleEN: d.Agency.TitleEN}}
	for _, keyword := range d.Keywords {
		if key := search.Fold(keyword); key != "" && utf8.RuneCountInString(keyword) <= maxKeyword {
			common = append(common, Suggestion{Kind: "keyword", Slug: key, TitleVI: keyword, TitleEN: keyword})
		}
	}
	for _, s := range common {
		if !c.written.fresh(s.Kind + " " + s.Slug + " " + s.TitleVI) {
			continue
		}
		if _, err := tx.Exec(ctx, putCommonSuggestionSQL, s.Kind, s.ID, s.Slug, s.TitleVI, s.TitleEN, lettersOf(s.TitleVI, s.TitleEN),
			wordsOf(s.TitleVI, s.TitleEN)); err != nil {
			return fmt.Errorf("suggest %s %q: %w", s.Kind, s.Slug, err)
		}
	}
	return nil
}

// maxKeyword is how long a keyword may be to be suggested, in characters.
const maxKeyword = 60

func lettersOf(vi, en string) string {
	if en == "" || en == vi {
		return search.Fold(vi)
	}
	return search.Fold(vi + ". " + en)
}

func wordsOf(vi, en string) string {
	return search.Index([]search.Field{{Text: vi, Weight: 'A'}, {Text: en, Weight: 'A'}}).Folded
}

// A suggestion that begins as typed comes first, then one that is marked as
// typed, then the shorter. A keyword or an agency of which nothing is published
// any more is not suggested.
const suggestSQL = `
select s.kind, s.id, s.slug, s.title_vi, s.title_en
  from (values ('dataset'), ('api'), ('agency'), ('keyword')) as wanted (kind)
 cross join lateral (
       select c.kind, c.id, c.slug, c.title_vi, c.title_en,
              c.letters like $2 || '%' as begins, length(c.letters) as size
         from catalog.search_suggestion c
        where c.kind = wanted.kind and c.words @@ $1::text::tsquery
        order by begins desc, size, c.slug
        limit 24) s
 where s.kind in ('dataset', 'api')
    or s.kind = 'keyword' and exists (select from catalog.search_doc d where d.keywords @> array[s.slug])
    or s.kind = 'agency' and exists (select from catalog.search_doc d where d.agency_id = s.id)
 order by begins desc, size, slug`

// Suggest gives at most 8 datasets, APIs, agencies and keywords whose title
// holds what was typed so far, the last word only begun; none for nothing, or
// for more than maxQuery characters.
func (c *Catalog) Suggest(ctx context.Context, typed string) ([]Suggestion, error) {
	q := search.Parse(typed)
	if q.Empty() || utf8.RuneCountInString(typed) > maxQuery {
		return []Suggestion{}, nil
	}
	list, err := pg.All[suggestionRow](ctx, c.DB, suggestSQL, q.Prefix(), likeText(strings.Join(q.Folded(), " ")))
	if err != nil {
		return nil, fmt.Errorf("suggest: %w", err)
	}
	return choose(q, list), nil
}

// likeText is text that LIKE takes as it is.
func likeText(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

type suggestionRow struct {
	Kind    string
	ID      *uuid.UUID
	Slug    string
	TitleVI string
	TitleEN string
}

// How many lines there are, and how many of them agencies and keywords may
// take; what they leave goes to datasets and APIs.
const (
	mostSuggestions = 8
	mostAgencies    = 1
	mostKeywords    = 2
)

// choose takes eight: those marked as typed before those that only sound alike,
// otherwise in the order given.
func choose(q search.Query, list []suggestionRow) []Suggestion {
	slices.SortStableFunc(list, func(a, b suggestionRow) int {
		return q.Alike(b.TitleVI+". "+b.TitleEN) - q.Alike(a.TitleVI+". "+a.TitleEN)
	})
	taken := map[string]bool{}
	list = slices.DeleteFunc(list, func(row suggestionRow) bool { // a keyword may stand twice, or be written in two ways
		same := row.Kind + " " + row.Slug
		again := taken[same]
		taken[same] = true
		return again
	})
	room := map[string]int{"agency": mostAgencies, "keyword": mostKeywords}
	others := mostSuggestions
	for _, row := range list {
		if room[row.Kind] > 0 {
			room[row.Kind]--
			others--
		}
	}
	room = map[string]int{"agency": mostAgencies, "keyword": mostKeywords, "dataset": others}
	chosen := []Suggestion{}
	for _, row := range list {
		of := row.Kind
		if of == "api" {
			of = "dataset"
		}
		if room[of] == 0 {
			continue
		}
		room[of]--
		s := Suggestion{Kind: row.Kind, ID: row.ID, Slug: row.Slug, TitleVI: row.TitleVI, TitleEN: row.TitleEN,
			MarkedVI: template.HTML(q.Mark(row.TitleVI)), MarkedEN: template.HTML(q.Mark(row.TitleEN))} // Mark escapes
		s.Path = s.path()
		chosen = append(chosen, s)
	}
	return chosen
}
