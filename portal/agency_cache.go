package portal

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/problem"
	"lgsp/web"
)

// cacheRow is a gateway.Cache as a part of the form.
type cacheRow struct {
	Row int
	gateway.Cache
	Names []web.Option // operations whose answers can be stored
}

// Name is the name of one of the row's fields in the form.
func (c cacheRow) Name(field string) string { return "cache/" + strconv.Itoa(c.Row) + "/" + field }

// cacheRows are what is stored of the version's answers, and one more to fill
// in for open GET operations whose answers are not; none when there is nothing
// that can be stored.
func cacheRows(r *http.Request, v versionPage) []cacheRow {
	can := func(o catalog.Operation) bool { return o.Method == http.MethodGet && o.Access == gateway.Open }
	var list []cacheRow
	stored := map[string]bool{}
	for row, set := range v.Traffic.Cache {
		c := cacheRow{Row: row, Cache: set}
		var offered []catalog.Operation
		for _, o := range v.Operations {
			in := slices.Contains(set.Operations, o.Slug)
			stored[o.Slug] = stored[o.Slug] || in
			if can(o) || in { // what was marked otherwise since is to be seen, and taken out
				offered = append(offered, o)
			}
		}
		c.Names = operationNames(r, offered)
		list = append(list, c)
	}
	left := slices.DeleteFunc(slices.Clone(v.Operations), func(o catalog.Operation) bool { return !can(o) || stored[o.Slug] })
	if len(left) > 0 && len(list) < gateway.MaxCaches {
		list = append(list, cacheRow{Row: len(list), Names: operationNames(r, left)})
	}
	return list
}

// operationNames are operations to choose from, in the page's language.
func operationNames(r *http.Request, operations []catalog.Operation) []web.Option {
	var list []web.Option
	for _, o := range operations {
		text := o.Method + " " + o.Path
		if o.Doc.SummaryVI != "" {
			text = o.Doc.SummaryVI
		}
		if localeOf(r) == "en" && o.Doc.SummaryEN != "" {
			text = o.Doc.SummaryEN
		}
		list = append(list, web.Option{Value: o.Slug, Text: text})
	}
	return list
}

// setCache answers POST …/{version}/traffic/cache: which answers are stored,
// all of it anew, and whether answers are compressed.
func (p *Portal) setCache(r *http.Request) (page, error) {
	var list []gateway.Cache
	var rows []int // of the form, by place in the list
	for row := range gateway.MaxCaches {
		at := cacheRow{Row: row}
		c := gateway.Cache{Operations: r.PostForm[at.Name("operations")], Seconds: int(wholeNumber(r, at.Name("seconds"))),
			StaleWhileRevalidateSeconds: int(wholeNumber(r, at.Name("stale_while_revalidate_seconds"))), StaleIfErrorSeconds: int(wholeNumber(r, at.Name("stale_if_error_seconds")))}
		says := len(c.Operations) > 0 || c.Seconds != 0 || c.StaleWhileRevalidateSeconds != 0 || c.StaleIfErrorSeconds != 0
		if says && r.PostFormValue(at.Name("delete")) != "yes" {
			list, rows = append(list, c), append(rows, row)
		}
	}
	answer, err := p.setTraffic(r, "traffic.saved", func(t *gateway.Traffic) { t.Cache, t.Compress = list, r.PostFormValue("compress") == "yes" })
	if err != nil {
		inRows(err, rows)
		return again(r, p.trafficForm, err)
	}
	return answer, nil
}

// inRows names the fields of a problem by the row of the form that they were
// typed in: list/0/field is of the list's first, which rows has the row of.
func inRows(err error, rows []int) {
	var told *problem.Error
	if !errors.As(err, &told) {
		return
	}
	for i, f := range told.Fields {
		list, rest, _ := strings.Cut(f.Name, "/")
		number, field, ok := strings.Cut(rest, "/")
		if n, err := strconv.Atoi(number); ok && err == nil && n < len(rows) {
			told.Fields[i].Name = list + "/" + strconv.Itoa(rows[n]) + "/" + field
		}
	}
}
