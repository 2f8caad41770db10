package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lgsp/auth"
)

const (
	seedRows  = 100_000
	pageRows  = 1_000_000  // of the table on the page that is measured
	largeRows = 10_000_000 // of the table whose rows are asked for
	manyDocs  = 100_000    // datasets whose facets are counted
	largeAsks = 40
)

// largeFigures are of what grows large: a table, and the number of datasets.
type largeFigures struct {
	Questions []searchFigures `json:"questions"`
	Refused   []string        `json:"refused"` // questions that were refused by code, in place of an answer
}

// measureLarge takes minutes, so it runs only when asked for: go run
// ./test/bench large. A table is imported and then multiplied inside the
// database, as is the catalogue.
func measureLarge(ctx context.Context, p *platform) (*largeFigures, error) {
	f := &largeFigures{}
	part, err := importSeed(ctx, p)
	if err != nil {
		return nil, err
	}
	say("a page with a table of %d rows", pageRows)
	if err := p.grow(ctx, part, pageRows); err != nil {
		return nil, err
	}
	if err := p.furnish(ctx); err != nil {
		return nil, err
	}
	for _, locale := range []string{"", "/en"} {
		if err := f.ask(ctx, "a dataset's page "+locale, p.portal+locale+"/dataset/bang-lon", "</html>"); err != nil {
			return nil, err
		}
	}
	say("a table of %d rows", largeRows)
	if err := p.grow(ctx, part, largeRows); err != nil {
		return nil, err
	}
	if err := f.askRows(ctx, p.portal+"/api/v1/datasets/bang-lon/distributions/"+part+"/rows?"); err != nil {
		return nil, err
	}
	say("facets of %d datasets", manyDocs)
	return f, f.askFacets(ctx, p)
}

// ask puts one question again and again.
func (f *largeFigures) ask(ctx context.Context, name, address, holds string) error {
	var took []float64
	for turn := range largeAsks + 2 {
		began := time.Now()
		text, err := get(ctx, address, http.Header{"Accept": {"text/html, application/json"}})
		if err != nil {
			return err
		}
		if !strings.Contains(text, holds) {
			return fmt.Errorf("%s: no %q in %.300s", address, holds, text)
		}
		if turn > 1 {
			took = append(took, milliseconds(time.Since(began)))
		}
	}
	f.Questions = append(f.Questions, searchFigures{Name: name, Calls: len(took), P50: percentile(took, 50), P95: percentile(took, 95)})
	return nil
}

// importSeed begins the dataset, and gives the id of its table.
func importSeed(ctx context.Context, p *platform) (string, error) {
	var b bytes.Buffer
	b.WriteString("stt,mã xã,ngày,năm,số hộ,doanh thu,ghi chú\n")
	for i := range seedRows {
		mixed := i * 7919 % 1_000_003
		other := int(uint32(i*2_654_435_761) >> 9) // nothing to do with mixed
		fmt.Fprintf(&b, "%d,%05d,%d/%d/%d,%d,%d,%d.%02d,Đơn vị số %d\n", i+1, 99001+mixed%96, other%28+1, other/28%12+1, 2000+other/336%26, 1990+mixed%36, mixed%90_000+1, mixed*311%1_000_000, mixed%100, i)
	}
	var agencyID string
	if err := p.db.QueryRow(ctx, `select id::text from auth.agency where slug = $1`, agency).Scan(&agencyID); err != nil {
		return "", fmt.Errorf("find the agency: %w", err)
	}
	body, err := json.Marshal(map[string]string{"agency": agencyID, "slug": "bang-lon", "title_vi": "Bảng lớn", "notes_vi": "Bảng lớn.", "theme": "TECH"})
	if err != nil {
		return "", err
	}
	if _, err := p.manage(ctx, auth.RolePublisher, "/datasets", "application/json", body); err != nil {
		return "", err
	}
	text, err := p.manage(ctx, auth.RolePublisher, "/datasets/bang-lon/distributions?filename=bang.csv", "application/octet-stream", b.Bytes())
	if err != nil {
		return "", err
	}
	var part struct{ ID string }
	if err := json.Unmarshal([]byte(text), &part); err != nil {
		return "", fmt.Errorf("read the distribution: %w", err)
	}
	for _, name := range []string{"mo-ta.txt", "bien-ban.txt", "huong-dan.txt", "phu-luc.txt"} {
		if _, err := p.manage(ctx, auth.RolePublisher, "/datasets/bang-lon/distributions?filename="+name, "application/octet-stream", []byte("Nội dung "+name)); err != nil {
			return "", err
		}
	}
	for _, step := range [][2]string{{auth.RolePublisher, "/submit"}, {auth.RoleSteward, "/approve"}, {auth.RolePublisher, "/publish"}} {
		if _, err := p.manage(ctx, step[0], "/datasets/bang-lon"+step[1], "application/json", []byte("{}")); err != nil {
			return "", err
		}
	}
	return part.ID, nil
}

// furnish adds discussions.
func (p *platform) furnish(ctx context.Context) error {
	_, err := p.db.Exec(ctx, `
with made as (
  insert into catalog.discussion (id, dataset_id, title, shown, created_at, updated_at)
  select gen_random_uuid(), d.id, 'Câu hỏi ' || n, true, now() - n * interval '1 hour', now() - n * interval '1 hour'
    from catalog.dataset d, generate_series(1, 20) n where d.slug = 'bang-lon'
  returning id)
insert into catalog.post (id, discussion_id, official, opening, text, fingerprint, state, why, created_at)
select gen_random_uuid(), id, n = 2, n = 1, 'Số liệu này lấy ở đâu?', 'x', 'shown', '', now() from made, generate_series(1, 3) n`)
	if err != nil {
		return fmt.Errorf("begin discussions: %w", err)
	}
	return nil
}

// grow multiplies the rows of a table, and makes its indexes anew as they were.
func (p *platform) grow(ctx context.Context, part string, size int) error {
	var name, columns string
	var rows int64
	err := p.db.QueryRow(ctx, `
select d.rows_table, d.rows, (select string_agg(attname, ', ' order by attnum) from pg_attribute where attrelid = ('catalog.' || d.rows_table)::regclass and attnum > 1)
  from catalog.distribution d where id = $1`, part).Scan(&name, &rows, &columns)
	if err != nil {
		return fmt.Errorf("find the table: %w", err)
	}
	found, err := p.db.Query(ctx, `select indexname, indexdef from pg_indexes where schemaname = 'catalog' and tablename = $1 and indexname not like '%_pkey'`, name)
	if err != nil {
		return fmt.Errorf("find its indexes: %w", err)
	}
	var statements []string
	var after []string
	for found.Next() {
		var index, definition string
		if err := found.Scan(&index, &definition); err != nil {
			return err
		}
		statements = append(statements, "drop index catalog."+index)
		after = append(after, definition)
	}
	statements = append(statements, fmt.Sprintf(`insert into catalog.%[1]s (_id, %[2]s) select _id + n * %[3]d, %[2]s from catalog.%[1]s, generate_series(1, %[4]d) n order by n, _id`,
		name, columns, rows, int64(size)/rows-1))
	statements = append(statements, after...)
	statements = append(statements, "vacuum (freeze, analyze) catalog."+name,
		fmt.Sprintf("update catalog.distribution set rows = %d where id = '%s'", size, part))
	for _, sql := range statements {
		if _, err := p.db.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%.60s: %w", sql, err)
		}
	}
	return nil
}

// askRows asks for pages and groups of the large table.
func (f *largeFigures) askRows(ctx context.Context, address string) error {
	for _, q := range []struct{ name, question string }{
		{"the first page", "limit=100"}, {"pages in the file's order", "limit=100"},
		{"pages along an indexed column", "sort=ma_xa&limit=100"}, {"pages backward along it", "sort=-ngay&limit=100"},
		{"pages of one commune by date", "ma_xa__exact=99003&sort=ngay&limit=100"}, {"pages of what a filter leaves", "nam__exact=2001&limit=100"},
	} {
		figures, err := askPages(ctx, strings.TrimSuffix(address, "?"), q.question)
		if err != nil {
			return err
		}
		figures.Name = fmt.Sprintf("%d rows: %s", largeRows, q.name)
		f.Questions = append(f.Questions, figures)
	}
	// deep in the table, where a count of rows would be dear
	for _, q := range []struct{ name, question string }{
		{"count by an indexed column", "group=ma_xa"}, {"average by an indexed column", "group=nam&avg=doanh_thu"}, {"count by one that is not", "group=ghi_chu"},
		{"sorted by one that is not", "sort=doanh_thu&limit=100"},
	} {
		if err := f.askOrRefused(ctx, fmt.Sprintf("%d rows: %s", largeRows, q.name), address+q.question); err != nil {
			return err
		}
	}
	return nil
}

// askOrRefused takes the refusal of what would take too long for an answer.
func (f *largeFigures) askOrRefused(ctx context.Context, name, address string) error {
	var took []float64
	refused := map[string]bool{}
	for turn := range 6 {
		began := time.Now()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		var said struct{ Code string }
		err = json.NewDecoder(answer.Body).Decode(&said)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusGatewayTimeout {
			return fmt.Errorf("%s: %d %v", address, answer.StatusCode, err)
		}
		if said.Code != "" {
			refused[said.Code] = true
		}
		if turn > 0 {
			took = append(took, milliseconds(time.Since(began)))
		}
	}
	for code := range refused {
		f.Refused = append(f.Refused, name+": "+code)
	}
	f.Questions = append(f.Questions, searchFigures{Name: name, Calls: len(took), P50: percentile(took, 50), P95: percentile(took, 95)})
	return nil
}

// askFacets multiplies the catalogue's index, and asks for all facets.
func (f *largeFigures) askFacets(ctx context.Context, p *platform) error {
	if err := fillIndex(ctx, p); err != nil {
		return err
	}
	if err := fillPackages(ctx, p); err != nil {
		return err
	}
	columns := strings.Replace(strings.Join(searchColumns, ", "), "id, ", "", 1)
	for _, sql := range []string{
		fmt.Sprintf(`create table bench_copied as select id as old, gen_random_uuid() as id, n from catalog.search_doc, generate_series(1, %d) n where kind = 'dataset' and slug like 'd-%%'`, manyDocs/searchSize-1),
		`insert into catalog.search_doc (id, ` + columns + `) select c.id, ` + strings.NewReplacer("slug", "d.slug || '-' || c.n", "kind", "d.kind", "agency_id", "d.agency_id").Replace(columns) +
			` from bench_copied c join catalog.search_doc d on d.kind = 'dataset' and d.id = c.old`,
		`insert into catalog.dataset (id, agency_id, slug, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en, theme, licence, frequency, spatial,
		        source_document, source_url, contact_name, contact_email, contact_phone, state, created_at, updated_at, published_at)
		 select c.id, agency_id, slug || '-' || c.n, title_vi, title_en, notes_vi, '', keywords_vi, keywords_en, theme, licence, frequency, spatial, '', '', '', '', '', state, created_at, updated_at, published_at
		   from bench_copied c join catalog.dataset d on d.id = c.old`,
		`insert into catalog.package_index (id, agency_id, name, title, state, theme, licence, tags, formats, created_at, modified_at)
		 select c.id, agency_id, name || '-' || c.n, title, state, theme, licence, tags, formats, created_at, modified_at
		   from bench_copied c join catalog.package_index d on d.id = c.old`,
		`drop table bench_copied`, `vacuum (analyze) catalog.search_doc, catalog.package_index, catalog.dataset`,
	} {
		if _, err := p.db.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%.60s: %w", sql, err)
		}
	}
	fields := url.QueryEscape(`["organization","tags","res_format","groups","license_id"]`)
	for _, q := range []struct{ name, address, holds string }{
		{"all facets of everything", "/api/v1/search?limit=1", `"facets"`},
		{"all facets of a theme", "/api/v1/search?limit=1&theme=ENVI", `"facets"`},
		{"all facets of words that 830 in 10,000 hold", "/api/v1/search?limit=1&q=tau+ca", `"facets"`},
		{"CKAN's facets of everything", "/api/3/action/package_search?rows=0&facet.field=" + fields, `"search_facets"`},
		{"CKAN's facets of a format", "/api/3/action/package_search?rows=0&fq=res_format:CSV&facet.field=" + fields, `"search_facets"`},
		{"CKAN's facets of words that 830 in 10,000 hold", "/api/3/action/package_search?rows=0&q=tau+ca&facet.field=" + fields, `"search_facets"`},
	} {
		if err := f.ask(ctx, fmt.Sprintf("%d datasets: %s", manyDocs, q.name), p.portal+q.address, q.holds); err != nil {
			return err
		}
	}
	return nil
}

// table writes the figures.
func (f *largeFigures) table(b *strings.Builder) {
	b.WriteString("\n## Large\n\n")
	table(b, "question", "calls", "p50 ms", "p95 ms")
	for _, q := range f.Questions {
		fmt.Fprintf(b, "| %s | %d | %.1f | %.1f |\n", q.Name, q.Calls, q.P50, q.P95)
	}
	fmt.Fprintf(b, "\nOver HTTP, one at a time. Refused in place of an answer: %s.\n", strings.Join(append([]string{}, f.Refused...), "; "))
}
