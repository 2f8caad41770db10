package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"lgsp/catalog"
	"lgsp/catalog/search"
)

const (
	searchSize  = 10_000
	searchPace  = 50 // requests a second
	searchTurns = 250
)

// kinds of queries: what people type, by what it costs.
var kinds = []struct {
	name    string
	address string
	typed   []string
}{
	{"search, every word found", "/api/v1/search?q=", []string{"rừng phòng hộ Ba Tơ", "rung phong ho ba to", "danh sách tàu cá", "tau ca", "huyện Bình Sơn", "số liệu", "dataset 4242", "di tích lịch sử Mộ Đức năm 2019", "nông sản"}},
	{"search, typing errors or words nowhere", "/api/v1/search?q=", []string{"rừng phòng hộ thành phố Hà Nội", "thu vien mo duk", "nhà ở xã hộii", "chất thải rắn nguy hại", "di tich lich su van mieu"}},
	{"suggest, while typing", "/api/v1/suggest?q=", []string{"r", "run", "rung ph", "tàu c", "so lieu c", "di tích l", "dataset 9"}},
}

// searchFigures are of one kind of query, in milliseconds over HTTP, at
// searchPace requests a second whether or not the one before was answered.
type searchFigures struct {
	Name  string  `json:"name"`
	Calls int     `json:"calls"`
	P50   float64 `json:"p50_ms"`
	P95   float64 `json:"p95_ms"`
}

// measureSearch fills the catalogue's index and asks; then it has the index
// written anew from as many published datasets, and asks meanwhile.
func measureSearch(ctx context.Context, p *platform) ([]searchFigures, error) {
	if err := fillIndex(ctx, p); err != nil {
		return nil, err
	}
	var list []searchFigures
	for _, kind := range kinds {
		if _, err := askAtPace(ctx, p, kind.address, kind.typed, len(kind.typed)); err != nil { // warm
			return nil, err
		}
		took, err := askAtPace(ctx, p, kind.address, kind.typed, searchTurns)
		if err != nil {
			return nil, err
		}
		list = append(list, searchFigures{Name: kind.name, Calls: len(took), P50: percentile(took, 50), P95: percentile(took, 95)})
	}
	more, err := measureReindex(ctx, p)
	return append(list, more...), err
}

// askAtPace asks n times, one question after the other, searchPace times a second.
func askAtPace(ctx context.Context, p *platform, address string, typed []string, n int) ([]float64, error) {
	took := make([]float64, n)
	tick := time.NewTicker(time.Second / searchPace)
	defer tick.Stop()
	var all errgroup.Group
	for i := range n {
		<-tick.C
		all.Go(func() error {
			began, question := time.Now(), typed[i%len(typed)]
			text, err := get(ctx, p.portal+address+url.QueryEscape(question), nil)
			if err != nil {
				return err
			}
			took[i] = milliseconds(time.Since(began))
			if !json.Valid([]byte(text)) || !strings.Contains(text, `"slug"`) {
				return fmt.Errorf("%s %q finds nothing: %s", address, question, text)
			}
			return nil
		})
	}
	return took, all.Wait()
}

// measureReindex publishes what the index holds, behind the catalogue's back
// and without its files, and has the index written anew. The first row is how
// long that takes, the second what searches take meanwhile.
func measureReindex(ctx context.Context, p *platform) ([]searchFigures, error) {
	if _, err := p.db.Exec(ctx, `
		insert into catalog.dataset (id, agency_id, slug, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en, theme, licence, frequency,
		       spatial, source_document, source_url, contact_name, contact_email, contact_phone, state, created_at, updated_at, published_at)
		select id, agency_id, slug, title_vi, title_en, summary_vi, '', array['số liệu', 'thống kê'], '{}', theme, 'CC-BY-4.0', 'ANNUAL', '', '', '', '', '', '', 'published', now(), updated_at, now()
		  from catalog.search_doc where slug like 'd-%';
		insert into catalog.distribution (id, dataset_id, position, title_vi, title_en, version, rows, rows_table, created_at)
		select gen_random_uuid(), id, 1, 'Bảng', '', 1, null, '', now() from catalog.dataset where slug like 'd-%';
		insert into catalog.file_version (distribution_id, version, format, media_type, file_name, size, hash, uploaded_at)
		select d.id, 1, 'CSV', 'text/csv', 'a.csv', 1, repeat('0', 64), now() from catalog.distribution d join catalog.dataset s on s.id = d.dataset_id where s.slug like 'd-%';
		insert into catalog.column_info (distribution_id, key, position, field, name, type)
		select d.id, 'c' || i, i, 'c' || i, 'Cột ' || i, 'text' from catalog.distribution d join catalog.dataset s on s.id = d.dataset_id cross join generate_series(1, 4) i where s.slug like 'd-%'`); err != nil {
		return nil, fmt.Errorf("publish datasets: %w", err)
	}
	var token string
	for _, account := range p.info.Accounts {
		if account.Role == "operator" {
			token = account.Token
		}
	}
	done := make(chan error, 1)
	began := time.Now()
	var lasted float64
	go func() {
		_, err := post(ctx, p.portal+"/api/v1/search/reindex", token)
		lasted = milliseconds(time.Since(began))
		done <- err
	}()
	var took []float64
	for {
		part, err := askAtPace(ctx, p, kinds[0].address, kinds[0].typed, searchPace)
		if err != nil {
			return nil, err
		}
		took = append(took, part...)
		select {
		case err := <-done:
			return []searchFigures{
				{Name: "the index written anew", Calls: 1, P50: lasted, P95: lasted},
				{Name: "search meanwhile, every word found", Calls: len(took), P50: percentile(took, 50), P95: percentile(took, 95)},
			}, err
		default:
		}
	}
}

// post calls /api/v1 without a body.
func post(ctx context.Context, address, token string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		return "", fmt.Errorf("post: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", address, answer.StatusCode, text)
	}
	return string(text), err
}

var searchColumns = []string{"kind", "id", "agency_id", "slug", "title_vi", "title_en", "summary_vi", "summary_en", "theme", "formats",
	"exact", "folded", "letters", "updated_at"}

// fillIndex writes made-up datasets into the index alone, by the catalogue's
// own normaliser: publishing each through /api/v1 would take longer than all the rest.
func fillIndex(ctx context.Context, p *platform) error {
	var agencyID uuid.UUID
	if err := p.db.QueryRow(ctx, `select id from auth.agency where slug = $1`, agency).Scan(&agencyID); err != nil {
		return fmt.Errorf("find the agency: %w", err)
	}
	subjects := strings.Split("Báo cáo|Danh sách|Kế hoạch|Số liệu|Bảng kê|Tổng hợp|Hồ sơ|Kết quả", "|")
	things := strings.Split("phương tiện vận tải|cấp phép xây dựng|doanh nghiệp thành lập|lễ hội văn hoá|di tích lịch sử|rừng phòng hộ|tàu cá|giống cây ăn quả|thư viện|sân vận động|nhà ở xã hội|chất thải rắn", "|")
	places := strings.Split("Bình Sơn|Sơn Tịnh|Mộ Đức|Đức Phổ|Ba Tơ|Trà Bồng|Sơn Hà|Minh Long|Nghĩa Hành|Sơn Tây", "|")
	formats, themes, now := []string{"CSV", "XLSX", "JSON"}, catalog.Themes(), time.Now().UTC()
	words := map[string]bool{}
	var suggestions [][]any
	if _, err := p.db.Exec(ctx, `create table bench_doc as select * from catalog.search_doc with no data;
		alter table bench_doc alter exact type text, alter folded type text;
		create table bench_suggestion as select * from catalog.search_suggestion with no data;
		alter table bench_suggestion alter words type text`); err != nil {
		return fmt.Errorf("make room for datasets: %w", err)
	}
	rows := func(i int) ([]any, error) {
		title := fmt.Sprintf("%s %s huyện %s năm %d", subjects[i%8], things[i/8%12], places[i/96%10], 2015+i/960%10)
		english := fmt.Sprintf("Dataset %d", i)
		text := title + ", do cơ quan chuyên môn tổng hợp hằng quý từ các xã, phường, thị trấn; đơn vị tính và kỳ số liệu ghi trong bảng."
		doc := search.Index([]search.Field{{Text: title, Weight: 'A'}, {Text: english, Weight: 'A'}, {Text: text, Weight: 'C'}, {Text: "Mã, Tên, Xã, Giá trị", Weight: 'D'}})
		for _, word := range doc.Words {
			words[word] = true
		}
		id := uuid.Must(uuid.NewV7())
		titles := search.Index([]search.Field{{Text: title, Weight: 'A'}, {Text: english, Weight: 'A'}})
		suggestions = append(suggestions, []any{"dataset", id, fmt.Sprintf("d-%d", i), title, english, search.Fold(title + ". " + english), titles.Folded})
		return []any{"dataset", id, agencyID, fmt.Sprintf("d-%d", i), title, english, text, "", themes[i%len(themes)].ID,
			[]string{formats[i%3]}, doc.Exact, doc.Folded, search.Fold(title + ". " + english), now.Add(-time.Duration(i) * time.Minute)}, nil
	}
	if _, err := p.db.CopyFrom(ctx, pgx.Identifier{"bench_doc"}, searchColumns, pgx.CopyFromSlice(searchSize, rows)); err != nil {
		return fmt.Errorf("copy datasets: %w", err)
	}
	if _, err := p.db.CopyFrom(ctx, pgx.Identifier{"bench_suggestion"}, []string{"kind", "id", "slug", "title_vi", "title_en", "letters", "words"},
		pgx.CopyFromSlice(len(suggestions), func(i int) ([]any, error) { return suggestions[i], nil })); err != nil {
		return fmt.Errorf("copy suggestions: %w", err)
	}
	list := make([]string, 0, len(words))
	for word := range words {
		list = append(list, word)
	}
	columns := strings.Join(searchColumns, ", ")
	typed := strings.Replace(columns, "exact, folded", "exact::tsvector, folded::tsvector", 1)
	if _, err := p.db.Exec(ctx, `insert into catalog.search_doc (`+columns+`) select `+typed+` from bench_doc`); err != nil {
		return fmt.Errorf("index datasets: %w", err)
	}
	if _, err := p.db.Exec(ctx, `insert into catalog.search_word (word) select unnest($1::text[])`, list); err != nil {
		return fmt.Errorf("index words: %w", err)
	}
	if _, err := p.db.Exec(ctx, `
		insert into catalog.search_suggestion (kind, id, slug, title_vi, title_en, letters, words) select kind, id, slug, title_vi, title_en, letters, words::tsvector from bench_suggestion;
		drop table bench_doc, bench_suggestion; analyze catalog.search_doc, catalog.search_word, catalog.search_suggestion`); err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	return nil
}
