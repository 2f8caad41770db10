package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	resourcesEach = 5  // of each made-up dataset
	packagesRate  = 50 // package_search a second
	packagesLast  = 6 * time.Second
)

// packageKinds are what clients of CKAN ask, by what it costs.
var packageKinds = []struct {
	name  string
	asked []string
}{
	{"package_search, words, facets and filters mixed", []string{
		"package_search?q=tau+ca", "package_search?q=s%E1%BB%91+li%E1%BB%87u&rows=20", "package_search?q=thu+vien+mo+duc&facet.field=" + url.QueryEscape(`["organization","tags","res_format","groups","license_id"]`),
		"package_search?fq=" + url.QueryEscape("res_format:CSV -groups:tech") + "&sort=metadata_modified+desc", "package_search?q=*:*&facet.field=" + url.QueryEscape(`["organization","tags","res_format","groups","license_id"]`) + "&rows=0",
		"package_search?q=" + url.QueryEscape("title:rừng AND tags:thử"), "package_search?fq=" + url.QueryEscape("metadata_modified:[NOW-7DAYS TO *]") + "&rows=20"}},
	{"package_search, a harvester's page of 100 with 500 resources", []string{
		"package_search?sort=id+asc&rows=100&start=0", "package_search?sort=id+asc&rows=100&start=5000", "package_search?sort=id+asc&rows=100&start=9900"}},
	{"package_search, words nowhere", []string{
		"package_search?q=" + url.QueryEscape("rừng phòng hộ thành phố Hà Nội"), "package_search?q=thu+vien+mo+duk", "package_search?q=" + url.QueryEscape("nhà ở xã hộii")}},
	{"package_show", []string{"package_show?id=d-1", "package_show?id=d-77", "package_show?id=d-4242", "package_show?id=d-9999"}},
	{"package_list of all", []string{"package_list"}},
	{"package_autocomplete", []string{"package_autocomplete?q=rung+ph", "package_autocomplete?q=tau", "package_autocomplete?q=d-99"}},
}

// measurePackages makes whole datasets of what stands in the search index, and
// asks for them as clients of CKAN do: the first kind at a steady rate, the
// others one at a time.
func measurePackages(ctx context.Context, p *platform) ([]searchFigures, error) {
	if err := fillPackages(ctx, p); err != nil {
		return nil, err
	}
	var list []searchFigures
	for i, kind := range packageKinds {
		ask := askInTurn
		if i == 0 {
			ask = askSteadily
		}
		took, err := ask(ctx, p, kind.asked)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.name, err)
		}
		list = append(list, searchFigures{Name: kind.name, Calls: len(took), P50: percentile(took, 50), P95: percentile(took, 95)})
	}
	return list, nil
}

// askPackage makes one call and gives the milliseconds it took.
func askPackage(ctx context.Context, p *platform, asked string) (float64, error) {
	began := time.Now()
	text, err := get(ctx, p.portal+"/api/3/action/"+asked, nil)
	if err != nil {
		return 0, err
	}
	took := milliseconds(time.Since(began))
	var a struct {
		Success bool
		Result  json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil || !a.Success || len(a.Result) < 10 {
		return 0, fmt.Errorf("%s: %.300s", asked, text)
	}
	return took, nil
}

func askInTurn(ctx context.Context, p *platform, asked []string) ([]float64, error) {
	var list []float64
	for turn := range searchTurns {
		for _, one := range asked {
			took, err := askPackage(ctx, p, one)
			if err != nil {
				return nil, err
			}
			if turn > 0 {
				list = append(list, took)
			}
		}
	}
	return list, nil
}

// askSteadily asks whether or not the answers have come, so that a slow one
// makes the others wait as it would.
func askSteadily(ctx context.Context, p *platform, asked []string) ([]float64, error) {
	if _, err := askInTurn(ctx, p, asked[:1]); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var list []float64
	var failed []error
	ticks := time.NewTicker(time.Second / packagesRate)
	defer ticks.Stop()
	for i := range int(packagesLast.Seconds()) * packagesRate {
		<-ticks.C
		wg.Go(func() {
			took, err := askPackage(ctx, p, asked[i%len(asked)])
			mu.Lock()
			defer mu.Unlock()
			list, failed = append(list, took), append(failed, err)
		})
	}
	wg.Wait()
	return list, errors.Join(failed...)
}

// fillPackages writes a dataset with its files for every made-up document of
// the search index, over what the measuring of the search made of it: published,
// with keywords, without rows.
func fillPackages(ctx context.Context, p *platform) error {
	datasets := `
insert into catalog.dataset (id, agency_id, slug, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en, theme, licence, frequency, spatial,
       source_document, source_url, contact_name, contact_email, contact_phone, state, created_at, updated_at, published_at)
select id, agency_id, slug, title_vi, title_en, repeat(summary_vi || E'\n\n', 4), '', array['thử', split_part(title_vi, ' ', 1) || ' ' || split_part(title_vi, ' ', 2), 'năm ' || right(title_vi, 4)],
       array[theme], theme, 'CC-BY-4.0', 'QUARTERLY', 'Tỉnh Quảng Ngãi', '', '', 'Phòng Tổng hợp', 'tong-hop@example.vn', '', 'published', updated_at, updated_at, updated_at
  from catalog.search_doc where kind = 'dataset' and slug like 'd-%'
    on conflict (id) do update set notes_vi = excluded.notes_vi, keywords_vi = excluded.keywords_vi, keywords_en = excluded.keywords_en, frequency = excluded.frequency, spatial = excluded.spatial`
	files := `
with part as (
  insert into catalog.distribution (id, dataset_id, position, title_vi, title_en, version, rows_table, created_at)
  select gen_random_uuid(), d.id, n, 'Tệp ' || n, '', 1, '', d.created_at
    from catalog.dataset d, generate_series(1, {n}) n where d.slug like 'd-%'
      on conflict on constraint distribution_position_key do nothing
  returning id, position, created_at)
insert into catalog.file_version (distribution_id, version, format, media_type, file_name, size, hash, uploaded_at)
select id, 1, (array['CSV','XLSX','JSON','PDF','GEOJSON'])[position], 'text/csv', 'so-lieu-' || position || '.csv', 12345, encode(sha256(id::text::bytea), 'hex'), created_at
  from part`
	index := `
insert into catalog.package_index (id, agency_id, name, title, state, theme, licence, tags, formats, created_at, modified_at)
select id, agency_id, name, title, state, theme, licence, tags, formats, created_at, modified_at from catalog.package_row where name like 'd-%'
    on conflict (id) do update set tags = excluded.tags, formats = excluded.formats, modified_at = excluded.modified_at`
	for _, sql := range []string{datasets, strings.ReplaceAll(files, "{n}", fmt.Sprint(resourcesEach)), index,
		`analyze catalog.dataset, catalog.distribution, catalog.file_version, catalog.package_index`} {
		if _, err := p.db.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make packages: %w", err)
		}
	}
	return nil
}

func (r report) packages(b *strings.Builder) {
	fmt.Fprintf(b, "\n## CKAN's API, %d datasets with %d resources each\n\n", searchSize, resourcesEach)
	table(b, "action", "calls", "p50 ms", "p95 ms")
	for _, s := range r.Packages {
		fmt.Fprintf(b, "| %s | %d | %.1f | %.1f |\n", s.Name, s.Calls, s.P50, s.P95)
	}
	fmt.Fprintf(b, "\nOver HTTP at /api/3; the first row at %d requests a second, the others one at a time.\n", packagesRate)
}
