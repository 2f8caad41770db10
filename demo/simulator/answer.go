package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// answer is a handler that returns what it says; it becomes JSON.
type answer func(r *http.Request) (any, error)

// created is an answer with status 201.
type created struct{ body any }

// refusal is the error body of every system here.
type refusal struct {
	Status   int    `json:"-"`
	MaLoi    string `json:"maLoi"`
	ThongBao string `json:"thongBao"`
	ThamSo   string `json:"thamSo,omitempty"` // the parameter or field at fault
}

func (e *refusal) Error() string { return e.MaLoi + ": " + e.ThongBao }

func notFound(text string) error {
	return &refusal{Status: http.StatusNotFound, MaLoi: "khong-tim-thay", ThongBao: text}
}

func invalid(name, format string, args ...any) error {
	return &refusal{Status: http.StatusBadRequest, MaLoi: "tham-so-khong-hop-le", ThongBao: fmt.Sprintf(format, args...), ThamSo: name}
}

// ServeHTTP encodes the answer and marks it as invented data.
func (a answer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	body, err := a(r)
	if c, ok := body.(created); ok {
		status, body = http.StatusCreated, c.body
	}
	if err != nil {
		var e *refusal
		if !errors.As(err, &e) {
			e = &refusal{Status: http.StatusInternalServerError, MaLoi: "loi-he-thong", ThongBao: "Hệ thống gặp lỗi, xin thử lại sau."}
		}
		status, body = e.Status, e
	}
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Du-Lieu-Gia-Lap", "true")
	w.WriteHeader(status)
	_, _ = w.Write(text) // the caller may have gone
}

// page is one page of a list.
type page[T any] struct {
	TongSo    int `json:"tongSo"`
	Trang     int `json:"trang"`
	KichThuoc int `json:"kichThuoc"`
	DuLieu    []T `json:"duLieu"`
}

// paged answers the asked page of the rows that keep wants. It reads the
// parameters trang and kichThuoc, and refuses what q found wrong.
func paged[T any](q *query, rows []T, keep func(T) bool) (any, error) {
	number, size := q.number("trang", 1, 10_000, 1), q.number("kichThuoc", 1, 100, 20)
	if err := q.done(); err != nil {
		return nil, err
	}
	kept := []T{}
	for _, row := range rows {
		if keep(row) {
			kept = append(kept, row)
		}
	}
	from := min((number-1)*size, len(kept))
	to := min(from+size, len(kept))
	return page[T]{TongSo: len(kept), Trang: number, KichThuoc: size, DuLieu: kept[from:to]}, nil
}

// query reads the parameters of a call and keeps the first thing wrong.
type query struct {
	values url.Values
	known  []string
	err    error
}

func queryOf(r *http.Request) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		err = invalid("", "Không đọc được phần tham số của địa chỉ.")
	}
	return &query{values: values, err: err}
}

func (q *query) text(name string) string {
	q.known = append(q.known, name)
	values := q.values[name]
	if len(values) > 1 || len(values) == 1 && len(values[0]) > 200 {
		q.wrong(invalid(name, "Tham số %s phải xuất hiện một lần và dài không quá 200 byte.", name))
	}
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func (q *query) oneOf(name string, allowed ...string) string {
	value := q.text(name)
	if value != "" && !slices.Contains(allowed, value) {
		q.wrong(invalid(name, "Tham số %s phải là một trong: %s.", name, strings.Join(allowed, ", ")))
	}
	return value
}

func (q *query) number(name string, least, most, otherwise int) int {
	value := q.text(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		q.wrong(invalid(name, "Tham số %s phải là số nguyên từ %d đến %d.", name, least, most))
		return otherwise
	}
	return n
}

func (q *query) day(name string) string {
	value := q.text(name)
	if _, err := time.Parse(time.DateOnly, value); value != "" && err != nil {
		q.wrong(invalid(name, "Tham số %s phải là ngày dạng 2026-10-31.", name))
	}
	return value
}

func (q *query) wrong(err error) {
	if q.err == nil {
		q.err = err
	}
}

// done is the first thing wrong, a parameter nobody asked for included.
func (q *query) done() error {
	for name := range q.values {
		if !slices.Contains(q.known, name) {
			q.wrong(invalid(name, "Không có tham số %s.", name))
		}
	}
	return q.err
}

// same reports whether a filter, when given, equals the value.
func same(filter, value string) bool { return filter == "" || filter == value }

// fold takes the marks off Vietnamese letters, so that "thu tuc" finds "Thủ tục".
func fold(text string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(text)) {
		switch {
		case r == 'đ':
			b.WriteRune('d')
		case !unicode.Is(unicode.Mn, r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// body decodes a JSON body of at most 64 KiB into v.
func body(r *http.Request, v any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 64<<10))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return &refusal{Status: http.StatusBadRequest, MaLoi: "noi-dung-khong-hop-le", ThongBao: "Nội dung gửi lên không đúng cấu trúc JSON đã công bố."}
	}
	return nil
}
