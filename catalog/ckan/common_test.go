package ckan_test

import (
	"strings"
	"testing"
)

// Words that stand nearly everywhere are not weighed everywhere: what has them in
// its title comes first, what has them elsewhere is found behind it, by date.
func TestCommonWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	for _, sql := range []string{`
insert into catalog.dataset (id, agency_id, slug, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en, theme, licence, frequency, spatial,
       source_document, source_url, contact_name, contact_email, contact_phone, state, created_at, updated_at, published_at)
select gen_random_uuid(), d.agency_id, 'nhieu-' || n, 'Bảng ' || n, '', d.notes_vi, '', array['nhiều'], '{}', d.theme, d.licence, '', '', '', '', '', '', '', 'published',
       d.created_at + n * interval '1 second', d.updated_at + n * interval '1 second', now()
  from catalog.dataset d, generate_series(1, 2005) n where d.slug = 'san-luong-lua'`, `
insert into catalog.package_index (id, agency_id, name, title, state, theme, licence, tags, formats, created_at, modified_at)
select id, agency_id, slug, title_vi, state, theme, licence, keywords_vi, array['PDF'], created_at, updated_at
  from catalog.dataset where slug like 'nhieu-%'`, `
insert into catalog.search_doc (kind, id, agency_id, slug, title_vi, title_en, summary_vi, summary_en, theme, formats, exact, folded, letters, updated_at)
select 'dataset', id, agency_id, slug, title_vi, '', '', '', theme, array['PDF'], '''lúa'':3C', '''lua'':3C', 'bang', updated_at
  from catalog.dataset where slug like 'nhieu-%'`} {
		_, err := w.db.Exec(t.Context(), sql)
		w.must(err)
	}
	var a struct {
		Count   int
		Results []struct{ Name string }
		Facets  map[string]map[string]int
	}
	w.result(post("package_search", `{"q": "lúa", "rows": 4, "facet.field": ["tags", "res_format", "organization"]}`), &a)
	var names []string
	for _, p := range a.Results {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, " "); a.Count != 2007 || got != "san-luong-lua gia-lua-gao nhieu-2005 nhieu-2004" && got != "gia-lua-gao san-luong-lua nhieu-2005 nhieu-2004" {
		t.Errorf("%d were found, first %s", a.Count, got)
	}
	if f := a.Facets; f["tags"]["nhiều"] != 2005 || f["tags"]["nông nghiệp"] != 2 || f["res_format"]["PDF"] != 2005 || f["res_format"]["CSV"] != 2 || f["organization"]["so-y-te"] != 1 {
		t.Errorf("facets %v", f)
	}
	seen := map[string]bool{}
	for start := 0; start < 2007; start += 500 {
		for _, name := range w.found("", map[string]any{"q": "lúa", "rows": 500, "start": start}) {
			seen[name] = true
		}
	}
	if len(seen) != 2007 {
		t.Errorf("%d are on all pages", len(seen))
	}
	if got := w.found("", map[string]any{"q": "lúa", "sort": "score asc, name asc, score desc", "rows": 1}); len(got) != 1 || got[0] != "nhieu-1" {
		t.Errorf("in the other order %v is first", got)
	}
}
