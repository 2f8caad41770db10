package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/catalog"
	"lgsp/catalog/search"
)

const (
	searchSize  = 10_000
	searchTurns = 20 // each query so often, the first not counted
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

// searchFigures are of one kind of query, in milliseconds over HTTP, one at a time.
type searchFigures struct {
	Name  string  `json:"name"`
	Calls int     `json:"calls"`
	P50   float64 `json:"p50_ms"`
	P95   float64 `json:"p95_ms"`
}

// measureSearch fills the catalogue's index and asks.
func measureSearch(ctx context.Context, p *platform) ([]searchFigures, error) {
	if err := fillIndex(ctx, p); err != nil {
		return nil, err
	}
	var list []searchFigures
	for _, kind := range kinds {
		var took []float64
		for turn := range searchTurns {
			for _, typed := range kind.typed {
				began := time.Now()
				text, err := get(ctx, p.portal+kind.address+url.QueryEscape(typed), nil)
				if err != nil {
					return nil, err
				}
				if turn > 0 {
					took = append(took, milliseconds(time.Since(began)))
				}
				if !json.Valid([]byte(text)) || !strings.Contains(text, `"slug"`) {
					return nil, fmt.Errorf("%s %q finds nothing: %s", kind.name, typed, text)
				}
			}
		}
		list = append(list, searchFigures{Name: kind.name, Calls: len(took), P50: percentile(took, 50), P95: percentile(took, 95)})
	}
	return list, nil
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
	if _, err := p.db.Exec(ctx, `create table bench_doc as select * from catalog.search_doc with no data;
		alter table bench_doc alter exact type text, alter folded type text`); err != nil {
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
		return []any{"dataset", uuid.Must(uuid.NewV7()), agencyID, fmt.Sprintf("d-%d", i), title, english, text, "", themes[i%len(themes)].ID,
			[]string{formats[i%3]}, doc.Exact, doc.Folded, search.Fold(title + ". " + english), now.Add(-time.Duration(i) * time.Minute)}, nil
	}
	if _, err := p.db.CopyFrom(ctx, pgx.Identifier{"bench_doc"}, searchColumns, pgx.CopyFromSlice(searchSize, rows)); err != nil {
		return fmt.Errorf("copy datasets: %w", err)
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
	if _, err := p.db.Exec(ctx, `drop table bench_doc; analyze catalog.search_doc, catalog.search_word`); err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	return nil
}
