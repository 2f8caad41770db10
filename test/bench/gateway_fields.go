package main

import (
	"fmt"
	"strings"
)

// The rows that tell what cutting an answer of 10 KB to agreed fields takes: the
// same call, its answer passed whole, or cut to five of nine fields.
const (
	wholeRows  = "lgsp, API key, 10 KB"
	agreedRows = "lgsp, API key, 10 KB, 5 agreed fields of 9"
	rowsPath   = "/ho-so"
)

// fieldsOfRows are agreed of rowsOfTenKB.
var fieldsOfRows = []string{"/tong", "/items/*/maHoSo", "/items/*/diaChi", "/items/*/ngayNop", "/items/*/trangThai"}

// rowsOfTenKB is an answer as they are.
func rowsOfTenKB() []byte {
	row := `{"maHoSo":"H48.11-2026-000123","hoTen":"Nguyễn Văn An","soDinhDanh":"000123456789","diaChi":{"xa":"Đình Lập","thon":"3"},"ngayNop":"2026-03-02","lePhi":125000,"trangThai":"dang-xu-ly"}`
	return []byte(`{"tong":50,"items":[` + strings.TrimSuffix(strings.Repeat(row+",", 50), ",") + `]}`)
}

// fieldsTable says what those rows differ by, in the node alone.
func fieldsTable(b *strings.Builder, list []*gatewayFigures) {
	var whole, agreed float64
	for _, f := range list {
		switch f.Name {
		case wholeRows:
			whole = median(f.Proxy)
		case agreedRows:
			agreed = median(f.Proxy)
		}
	}
	if whole > 0 && agreed > 0 {
		fmt.Fprintf(b, "\nCutting 10 KB of JSON to agreed fields takes the node %.0f%% more CPU a call than passing them whole (%.1f µs).\n", 100*(agreed/whole-1), agreed-whole)
	}
}
