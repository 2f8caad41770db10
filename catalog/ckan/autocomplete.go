package ckan

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"lgsp/internal/pg"
)

// $1 is what was typed as a query of titles, $2 the same as letters, $3 as a
// name begins, for LIKE.
const completePackagesSQL = `
with hit as (
  select s.id from catalog.search_doc s where s.kind = 'dataset' and s.folded @@ nullif($1, '')::text::tsquery
  union
  select p.id from catalog.package_index p where p.name like $3)
select p.name, p.title, p.name like $3 as named
  from hit
  join catalog.package_index p on p.id = hit.id and p.state = 'published'
  left join catalog.search_doc s on s.kind = 'dataset' and s.id = p.id
 order by s.letters like $2 || '%' desc nulls last, length(p.title), p.name
 limit $4`

// completion is a package as it is offered while its name is typed.
type completion struct {
	MatchDisplayed string `json:"match_displayed"`
	MatchField     string `json:"match_field"`
	Name           string `json:"name"`
	Title          string `json:"title"`
}

// maxCompletions is the most that is offered.
const maxCompletions = 100

func (s *Server) completions(c *call, typed string, limit int) ([]completion, error) {
	list := []completion{}
	if strings.TrimSpace(typed) == "" {
		return list, nil
	}
	q, err := s.Catalog.TextQuery(c.ctx, typed)
	if err != nil {
		return nil, err
	}
	type row struct {
		Name  string
		Title string
		Named bool
	}
	begin := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(strings.TrimSpace(typed))) + "%"
	rows, err := pg.All[row](c.ctx, s.DB, completePackagesSQL, q.Begun, q.Letters, begin, min(limit, maxCompletions))
	if err != nil {
		return nil, fmt.Errorf("complete packages: %w", err)
	}
	for _, r := range rows {
		one := completion{MatchField: "title", MatchDisplayed: r.Title + " (" + r.Name + ")", Name: r.Name, Title: r.Title}
		if r.Named {
			one.MatchField, one.MatchDisplayed = "name", r.Name
		}
		list = append(list, one)
	}
	return list, nil
}

// typed is what an autocomplete is asked: q, and how many.
func (c *call) typed() (string, int, error) {
	q, err := c.needed("q")
	if err != nil {
		return "", 0, err
	}
	limit, err := c.number("limit", 10)
	return q, limit, err
}

func packageAutocomplete(s *Server, c *call) (any, error) {
	q, limit, err := c.typed()
	if err != nil {
		return nil, err
	}
	return s.completions(c, q, limit)
}

// serveIncomplete answers GET /api/2/util/dataset/autocomplete?incomplete=.
func (s *Server) serveIncomplete(w http.ResponseWriter, r *http.Request) {
	c := &call{ctx: r.Context()}
	list, err := s.completions(c, r.URL.Query().Get("incomplete"), 10)
	if err != nil {
		open(w)
		s.fail(w, r, "package_autocomplete", err)
		return
	}
	bare(w, http.StatusOK, map[string]any{"ResultSet": map[string]any{"Result": list}})
}

const formatsSQL = `
select lower(format) as name
  from catalog.package_index p cross join unnest(p.formats) format
 where p.state = 'published' and strpos(lower(format), lower($1)) > 0
 group by 1
 order by count(*) desc, 1
 limit $2`

func formatAutocomplete(s *Server, c *call) (any, error) {
	q, limit, err := c.typed()
	if err != nil {
		return nil, err
	}
	rows, err := pg.All[struct{ Name string }](c.ctx, s.DB, formatsSQL, q, limit)
	if err != nil {
		return nil, fmt.Errorf("complete formats: %w", err)
	}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Name
	}
	return names, nil
}

func organizationAutocomplete(s *Server, c *call) (any, error) { return s.completeGroups(c, true) }

func groupAutocomplete(s *Server, c *call) (any, error) { return s.completeGroups(c, false) }

func (s *Server) completeGroups(c *call, organizations bool) (any, error) {
	q, limit, err := c.typed()
	if err != nil {
		return nil, err
	}
	all, err := s.groups(c, organizations)
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	slices.SortStableFunc(all, func(a, b groupFull) int { return cmp.Or(b.count-a.count, strings.Compare(a.Name, b.Name)) })
	for _, g := range all {
		if len(list) < limit && strings.Contains(strings.ToLower(g.Name+"\n"+g.Title), strings.ToLower(q)) {
			list = append(list, map[string]any{"id": g.ID, "name": g.Name, "title": g.Title})
		}
	}
	return list, nil
}
