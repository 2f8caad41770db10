package ckan

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// $1 is text that a tag holds, in either case; $2 and $3 are the page.
const tagsSQL = `
select tag, count(*) over () as total
  from (select distinct tag
          from catalog.package_index p cross join unnest(p.tags) tag
         where p.state = 'published' and ($1 = '' or strpos(lower(tag), lower($1)) > 0)) t
 order by tag collate "C"
 limit $2 offset $3`

// tags lists the tags of what is published, and how many there are in all.
func (s *Server) tags(c *call, typed string, limit *int, offset int) ([]string, int, error) {
	type row struct {
		Tag   string
		Total int
	}
	rows, err := pg.All[row](c.ctx, s.DB, tagsSQL, typed, limit, offset)
	if err != nil {
		return nil, 0, fmt.Errorf("list tags: %w", err)
	}
	names, total := make([]string, len(rows)), 0
	for i, r := range rows {
		names[i], total = r.Tag, r.Total
	}
	return names, total, nil
}

// tagRow is a tag as lists have it.
type tagRow struct {
	DisplayName  string    `json:"display_name"`
	ID           uuid.UUID `json:"id"`
	Name         string    `json:"name"`
	VocabularyID *string   `json:"vocabulary_id"`
}

func tagRows(names []string) []tagRow {
	list := make([]tagRow, len(names))
	for i, name := range names {
		list[i] = tagRow{DisplayName: name, ID: named("tag", name), Name: name}
	}
	return list
}

// typedTag is the text that tags are looked for by; several are taken as one.
func typedTag(c *call, names ...string) (string, error) {
	for _, name := range names {
		list, err := c.list(name)
		if err != nil || len(list) > 0 {
			return strings.TrimSpace(strings.Join(list, " ")), err
		}
	}
	return "", nil
}

func tagList(s *Server, c *call) (any, error) {
	if c.has("vocabulary_id") && c.params["vocabulary_id"] != "" {
		return nil, missing("could not find vocabulary")
	}
	typed, err := typedTag(c, "query", "q")
	if err != nil {
		return nil, err
	}
	names, _, err := s.tags(c, typed, nil, 0)
	if err != nil || !c.yes("all_fields", false) {
		return names, err
	}
	return tagRows(names), nil
}

func tagSearch(s *Server, c *call) (any, error) {
	typed, err := typedTag(c, "query", "q")
	if err != nil {
		return nil, err
	}
	limit, offset, err := c.page(nil)
	if err != nil {
		return nil, err
	}
	names, total, err := s.tags(c, typed, limit, offset)
	return map[string]any{"count": total, "results": tagRows(names)}, err
}

func tagAutocomplete(s *Server, c *call) (any, error) {
	typed, err := typedTag(c, "query", "q")
	if err != nil {
		return nil, err
	}
	ten := 10
	limit, offset, err := c.page(&ten)
	if err != nil {
		return nil, err
	}
	if typed == "" {
		return []string{}, nil
	}
	names, _, err := s.tags(c, typed, limit, offset)
	return names, err
}

func tagShow(s *Server, c *call) (any, error) {
	name, err := c.needed("id")
	if err != nil {
		return nil, err
	}
	names, _, err := s.tags(c, "", nil, 0)
	if err != nil {
		return nil, err
	}
	for _, known := range names {
		if known != name && named("tag", known).String() != strings.ToLower(name) {
			continue
		}
		shown := tagRows([]string{known})[0]
		if !c.yes("include_datasets", false) {
			return shown, nil
		}
		q := search{query: &node{kind: term, field: "tags", value: known}, sort: []order{{"metadata_modified", true}}, rows: maxRows}
		f, err := s.find(c, q)
		if err != nil {
			return nil, err
		}
		packages, err := s.packages(c, f.ids)
		return map[string]any{"display_name": shown.DisplayName, "id": shown.ID, "name": shown.Name, "vocabulary_id": nil, "packages": packages}, err
	}
	return nil, missing("")
}

// vocabularyList is empty: keywords are free.
func vocabularyList(*Server, *call) (any, error) { return []string{}, nil }
