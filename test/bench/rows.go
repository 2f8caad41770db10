package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"lgsp/auth"
)

const (
	tableRows    = 200_000
	tableColumns = 20
	tablePages   = 60 // one after the other
)

// rowsFigures are of one table, over HTTP at /api/v1.
type rowsFigures struct {
	Rows      int             `json:"rows"`
	Columns   int             `json:"columns"`
	Bytes     int             `json:"bytes"`
	ImportS   float64         `json:"import_s"` // typed, loaded, profiled, indexed
	Questions []searchFigures `json:"questions"`
	ExportS   float64         `json:"export_s"` // all rows as CSV
	GrowthMiB float64         `json:"export_growth_mib"`
}

// madeTable is a CSV as an agency would write it.
func madeTable() []byte {
	var b bytes.Buffer
	b.WriteString("stt,mã xã,tên xã,ngày,số hộ,diện tích,tỷ lệ,có sổ,loại,ghi chú,mã số thuế,năm,giá,số lượng,doanh thu,địa chỉ,ngày cấp,trạng thái,vĩ độ,kinh độ\n")
	places := []string{"Xã Nghĩa Hành", "Phường Đức Phổ", "Đặc khu Lý Sơn", "Xã Sơn Tịnh", "Xã Ba Tơ", "Xã Trà Bồng"}
	for i := range tableRows {
		mixed := i * 7919 % 1_000_003
		fmt.Fprintf(&b, "%d,%05d,%s,%d/%d/%d,%d,%d.%02d,\"%d,%02d\",%s,%c,Ghi chú số %d của đơn vị,%010d,%d,%d.%03d,%d,%d,\"Số %d, đường Phạm Văn Đồng\",20%02d-%02d-%02d,%s,15.%05d,108.%05d\n",
			i+1, 99001+mixed%6, places[mixed%6], mixed%28+1, mixed%12+1, 2000+mixed%26, mixed%90_000+1, mixed%1000, mixed%100, mixed%100, i%100,
			[]string{"có", "không"}[mixed%2], 'A'+rune(mixed%7), i, 1_000_000_000+i*37, 1990+mixed%36, mixed%999+1, mixed%1000, mixed%100, mixed*311%1_000_000_000,
			i%1000, mixed%26, mixed%12+1, mixed%28+1, []string{"đang hoạt động", "tạm ngừng", "giải thể"}[mixed%3], mixed%100_000, mixed*13%100_000)
	}
	return b.Bytes()
}

// measureRows imports a table, publishes it, and asks for its rows.
func measureRows(ctx context.Context, p *platform) (*rowsFigures, error) {
	content := madeTable()
	f := &rowsFigures{Rows: tableRows, Columns: tableColumns, Bytes: len(content)}
	var agencyID string
	if err := p.db.QueryRow(ctx, `select id::text from auth.agency where slug = $1`, agency).Scan(&agencyID); err != nil {
		return nil, fmt.Errorf("find the agency: %w", err)
	}
	body, err := json.Marshal(map[string]string{"agency": agencyID, "slug": "bang-do", "title_vi": "Bảng đo", "notes_vi": "Bảng đo.", "theme": "TECH"})
	if err != nil {
		return nil, err
	}
	at := "/datasets/bang-do"
	if _, err := p.manage(ctx, auth.RolePublisher, "/datasets", "application/json", body); err != nil {
		return nil, err
	}
	began := time.Now()
	text, err := p.manage(ctx, auth.RolePublisher, at+"/distributions?filename=bang.csv", "application/octet-stream", content)
	if err != nil {
		return nil, err
	}
	f.ImportS = time.Since(began).Seconds()
	var part struct{ ID string }
	if err := json.Unmarshal([]byte(text), &part); err != nil {
		return nil, fmt.Errorf("read the distribution: %w", err)
	}
	for _, step := range [][2]string{{auth.RolePublisher, "/submit"}, {auth.RoleSteward, "/approve"}, {auth.RolePublisher, "/publish"}} {
		if _, err := p.manage(ctx, step[0], at+step[1], "application/json", []byte("{}")); err != nil {
			return nil, err
		}
	}
	address := p.portal + "/api/v1" + at + "/distributions/" + part.ID + "/rows"
	for _, q := range []struct{ name, question string }{
		{"pages in the file's order", "limit=100"}, {"pages along an indexed column", "sort=ma_so_thue&limit=100"}, {"pages backward along it", "sort=-ma_so_thue&limit=100"},
		{"pages of one commune by date", "ma_xa__exact=99003&sort=ngay&limit=100"}, {"count by an indexed column", "group=ma_xa"}, {"average by an indexed column", "group=nam&avg=doanh_thu"},
	} {
		figures, err := askPages(ctx, address, q.question)
		if err != nil {
			return nil, err
		}
		figures.Name = q.name
		f.Questions = append(f.Questions, figures)
	}
	return f, f.export(ctx, p, address)
}

// manage calls the management API as a role of the demo.
func (p *platform) manage(ctx context.Context, role, path, kind string, body []byte) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.portal+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("manage: %w", err)
	}
	request.Header.Set("Content-Type", kind)
	for _, account := range p.info.Accounts {
		if account.Role == role {
			request.Header.Set("Authorization", "Bearer "+account.Token)
		}
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s: %d %s", path, answer.StatusCode, text)
	}
	return string(text), err
}

// askPages asks a question and follows its pages; one that has none is asked
// again.
func askPages(ctx context.Context, address, question string) (searchFigures, error) {
	var took []float64
	after := ""
	for turn := range tablePages + 1 {
		began := time.Now()
		text, err := get(ctx, address+"?"+question+after, nil)
		if err != nil {
			return searchFigures{}, err
		}
		if turn > 0 {
			took = append(took, milliseconds(time.Since(began)))
		}
		var page struct {
			Items []json.RawMessage
			Next  string
		}
		if err := json.Unmarshal([]byte(text), &page); err != nil || len(page.Items) == 0 {
			return searchFigures{}, fmt.Errorf("%s: no rows in %.300s", question, text)
		}
		if after = ""; page.Next != "" {
			after = "&after=" + url.QueryEscape(page.Next)
		}
	}
	return searchFigures{Calls: len(took), P50: percentile(took, 50), P95: percentile(took, 95)}, nil
}

// export takes all rows as CSV while it watches how much memory they need.
func (f *rowsFigures) export(ctx context.Context, p *platform, address string) error {
	before, most := residentMiB(p.pid()), atomic.Value{}
	most.Store(before)
	watched, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for watched.Err() == nil {
			if now := residentMiB(p.pid()); now > most.Load().(float64) {
				most.Store(now)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	began := time.Now()
	text, err := get(ctx, address+"?format=csv", nil)
	f.ExportS = time.Since(began).Seconds()
	stop()
	<-ended
	f.GrowthMiB = most.Load().(float64) - before
	if lines := strings.Count(text, "\n"); err == nil && lines != tableRows+1 {
		err = fmt.Errorf("the export has %d lines, not %d", lines, tableRows+1)
	}
	return err
}

// table writes the figures.
func (f *rowsFigures) table(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Rows, a table of %d rows and %d columns, %d MiB as CSV\n\n", f.Rows, f.Columns, f.Bytes>>20)
	table(b, "question", "calls", "p50 ms", "p95 ms")
	for _, q := range f.Questions {
		fmt.Fprintf(b, "| %s | %d | %.1f | %.1f |\n", q.Name, q.Calls, q.P50, q.P95)
	}
	fmt.Fprintf(b, "\nImport with types, profile and indexes: %.1f s, %.0f rows/s. Export of all rows as CSV: %.1f s, %.0f rows/s, lgsp grew by %.0f MiB.\n",
		f.ImportS, float64(f.Rows)/f.ImportS, f.ExportS, float64(f.Rows)/f.ExportS, f.GrowthMiB)
}
