package ckan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/catalog"
	"lgsp/internal/pg"
)

// A group of CKAN's is a theme here, an organization an agency. Both are told
// in the same form.
type groupFull struct {
	ApprovalStatus  string    `json:"approval_status"`
	Created         string    `json:"created"`
	Description     string    `json:"description"`
	DisplayName     string    `json:"display_name"`
	Extras          []pair    `json:"extras"`
	Groups          []string  `json:"groups"`
	ID              uuid.UUID `json:"id"`
	ImageDisplayURL string    `json:"image_display_url"`
	ImageURL        string    `json:"image_url"`
	IsOrganization  bool      `json:"is_organization"`
	Name            string    `json:"name"`
	NumFollowers    int       `json:"num_followers"`
	PackageCount    *int      `json:"package_count,omitempty"`
	Packages        *[]pack   `json:"packages,omitempty"`
	State           string    `json:"state"`
	Tags            []tag     `json:"tags"`
	Title           string    `json:"title"`
	Type            string    `json:"type"`
	Users           []string  `json:"users"`

	count int
}

// theme is a theme as a group.
type theme struct{ catalog.Code }

func (t theme) name() string { return strings.ToLower(t.ID) }

func (t theme) brief() groupBrief {
	return groupBrief{DisplayName: t.TitleVI, ID: named("group", t.name()), Name: t.name(), Title: t.TitleVI, Description: t.TitleEN}
}

// groupNamed finds a theme by its code, in either case, or by its id as a group.
func groupNamed(name string) (theme, bool) {
	id, err := uuid.Parse(name)
	for _, code := range catalog.Themes() {
		t := theme{code}
		if strings.EqualFold(code.ID, name) || err == nil && id == named("group", t.name()) {
			return t, true
		}
	}
	return theme{}, false
}

// full is the theme as a group. Themes are as old as the province in its present borders.
func (t theme) full() groupFull {
	return groupFull{ApprovalStatus: "approved", Created: naive(time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)), Description: t.TitleEN, DisplayName: t.TitleVI,
		ID: named("group", t.name()), Name: t.name(), State: "active", Title: t.TitleVI, Type: "group",
		Extras: []pair{{"uri", t.URL}}, Groups: []string{}, Tags: []tag{}, Users: []string{}}
}

func (o Organization) full() groupFull {
	return groupFull{ApprovalStatus: "approved", Created: naive(o.Created), Description: o.Description, DisplayName: o.TitleVI,
		ID: o.ID, IsOrganization: true, Name: o.Slug, State: "active", Title: o.TitleVI, Type: "organization",
		Extras: []pair{}, Groups: []string{}, Tags: []tag{}, Users: []string{}}
}

const countByAgencySQL = `select agency_id::text as value, count(*) as count from catalog.package_index where state = 'published' group by agency_id`

const countByThemeSQL = `select lower(theme) as value, count(*) as count from catalog.package_index where state = 'published' group by theme`

// groups are all of one kind, each with the number of its packages: two
// queries, however many there are.
func (s *Server) groups(c *call, organizations bool) ([]groupFull, error) {
	var list []groupFull
	sql := countByThemeSQL
	key := func(g groupFull) string { return g.Name }
	if organizations {
		every, err := s.EveryOrganization(c.ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range every {
			list = append(list, o.full())
		}
		sql = countByAgencySQL
		key = func(g groupFull) string { return g.ID.String() }
	} else {
		for _, code := range catalog.Themes() {
			list = append(list, theme{code}.full())
		}
	}
	type row struct {
		Value string
		Count int
	}
	rows, err := pg.All[row](c.ctx, s.DB, sql)
	if err != nil {
		return nil, fmt.Errorf("count packages: %w", err)
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Value] = r.Count
	}
	for i := range list {
		list[i].count = counts[key(list[i])]
		list[i].PackageCount = &list[i].count
	}
	return list, nil
}

func organizationList(s *Server, c *call) (any, error) { return s.groupList(c, true, "organizations") }

func groupList(s *Server, c *call) (any, error) { return s.groupList(c, false, "groups") }

// The most that one answer lists: names, or whole ones.
const (
	maxGroupNames = 1000
	maxGroupsFull = 25
)

func (s *Server) groupList(c *call, organizations bool, chosen string) (any, error) {
	list, err := s.groups(c, organizations)
	if err != nil {
		return nil, err
	}
	only, err := c.commas(chosen)
	if err != nil {
		return nil, err
	}
	typed, err := c.text("q")
	if err != nil {
		return nil, err
	}
	typed = strings.ToLower(typed)
	list = slices.DeleteFunc(list, func(g groupFull) bool {
		return len(only) > 0 && !slices.Contains(only, g.Name) && !slices.Contains(only, g.ID.String()) ||
			!strings.Contains(strings.ToLower(g.Name+"\n"+g.Title), typed)
	})
	if err := sortGroups(c, list); err != nil {
		return nil, err
	}
	whole := c.yes("all_fields", false)
	most := maxGroupNames
	if whole {
		most = maxGroupsFull
	}
	limit, offset, err := c.page(&most)
	if err != nil {
		return nil, err
	}
	list = list[min(offset, len(list)):]
	list = list[:min(*limit, most, len(list))]
	if whole {
		return append([]groupFull{}, list...), nil
	}
	names := make([]string, len(list))
	for i, g := range list {
		names[i] = g.Name
	}
	return names, nil
}

// sortGroups sorts by one of the fields that CKAN takes, by title without any.
func sortGroups(c *call, list []groupFull) error {
	text, err := c.text("sort", "order_by")
	if err != nil {
		return err
	}
	words := strings.Fields(strings.ReplaceAll(text, ",", " "))
	if len(words) == 0 {
		words = []string{"title"}
	}
	desc := len(words) > 1 && strings.EqualFold(words[1], "desc")
	var by func(a, b groupFull) int
	switch words[0] {
	case "name":
		by = func(a, b groupFull) int { return strings.Compare(a.Name, b.Name) }
	case "title":
		by = func(a, b groupFull) int { return strings.Compare(a.Title+"\n"+a.Name, b.Title+"\n"+b.Name) }
	case "package_count", "packages":
		by = func(a, b groupFull) int { return a.count - b.count }
		desc = desc || len(words) == 1
	default:
		return invalid("sort", "Cannot sort by field `%s`", shorten(words[0]))
	}
	slices.SortStableFunc(list, func(a, b groupFull) int {
		if desc {
			return by(b, a)
		}
		return by(a, b)
	})
	return nil
}

func organizationShow(s *Server, c *call) (any, error) { return s.groupShow(c, true) }

func groupShow(s *Server, c *call) (any, error) { return s.groupShow(c, false) }

// groupByName gives one organization or group, by id or name.
func (s *Server) groupByName(c *call, organizations bool) (groupFull, error) {
	name, err := c.needed("id")
	if err != nil {
		return groupFull{}, err
	}
	list, err := s.groups(c, organizations)
	if err != nil {
		return groupFull{}, err
	}
	i := slices.IndexFunc(list, func(g groupFull) bool { return g.Name == name || g.ID.String() == strings.ToLower(name) })
	if i < 0 {
		return groupFull{}, missing("")
	}
	return list[i], nil
}

func (s *Server) groupShow(c *call, organizations bool) (any, error) {
	g, err := s.groupByName(c, organizations)
	if err != nil {
		return nil, err
	}
	if c.yes("include_datasets", false) {
		packages, err := s.packagesOf(c, g, defaultGroupPackages, 0)
		if err != nil {
			return nil, err
		}
		g.Packages = &packages
	}
	if !c.yes("include_dataset_count", true) {
		g.PackageCount = nil
	}
	return g, nil
}

// defaultGroupPackages is how many packages a group shows when asked for them.
const defaultGroupPackages = 10

func (s *Server) packagesOf(c *call, g groupFull, limit, start int) ([]pack, error) {
	name := "groups"
	if g.IsOrganization {
		name = "owner_org"
	}
	value := g.Name
	if g.IsOrganization {
		value = g.ID.String()
	}
	q := search{query: &node{kind: term, field: name, value: value}, sort: []order{{"metadata_modified", true}}, rows: min(limit, maxRows), start: start}
	f, err := s.find(c, q)
	if err != nil {
		return nil, err
	}
	return s.packages(c, f.ids)
}

func groupPackageShow(s *Server, c *call) (any, error) {
	g, err := s.groupByName(c, false)
	if err != nil {
		return nil, err
	}
	most := maxRows
	limit, _, err := c.page(&most)
	if err != nil {
		return nil, err
	}
	return s.packagesOf(c, g, *limit, 0)
}

// organizationsOfUser lists the agencies for which the caller may edit.
func organizationsOfUser(s *Server, c *call) (any, error) {
	list, err := s.groups(c, true)
	if err != nil {
		return nil, err
	}
	reach := s.Catalog.Reach(c.ctx, c.who)
	return slices.DeleteFunc(list, func(g groupFull) bool { return !reach.All && !slices.Contains(reach.Agencies, g.ID) }), nil
}
