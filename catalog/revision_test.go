package catalog

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// edited is the document of the procedures with one text in place of another.
func edited(t *testing.T, pairs ...string) []byte {
	t.Helper()
	text := string(procedures(t))
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("no %q in the document", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return []byte(text)
}

// TestRevisions: each document that is saved stays as it was, with who, when
// and why; two are told apart in words; an earlier one comes back as a new one.
func TestRevisions(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	w.publisher.Person = uuid.Must(uuid.NewV7())
	w.Names = func(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
		return map[uuid.UUID]string{w.publisher.Person: "Lan"}, nil
	}
	v := w.draft(t, procedures(t))
	second := edited(t, "required: [maTTHC]", "required: [maTTHC, ten]", "ten: {type: string, title: Tên", "phi: {type: integer}\n        ten: {type: string, title: Tên")
	for range 2 { // the same once more is no revision
		if _, err := w.ReplaceSpec(ctx, w.publisher, v.ID, Save{Text: second, Why: " Thêm phí "}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.RestoreRevision(ctx, w.publisher, v.ID, 1, "Phí chưa duyệt"); err != nil {
		t.Fatal(err)
	}
	list, next, err := w.Revisions(ctx, w.publisher, v.ID, 0, "")
	if err != nil || next != "" || len(list) != 3 {
		t.Fatalf("got %+v, %q, %v", list, next, err)
	}
	one := 1
	for i, want := range []Revision{{Number: 3, Why: "Phí chưa duyệt", Restores: &one}, {Number: 2, Why: "Thêm phí"}, {Number: 1}} {
		r := list[i]
		if r.Number != want.Number || r.Why != want.Why || r.ByName != "Lan" || !r.At.Equal(w.Now()) || (r.Restores == nil) != (want.Restores == nil) || r.Bytes == 0 {
			t.Errorf("got %+v, want %+v", r, want)
		}
	}
	if text, err := w.SpecText(ctx, w.publisher, v.ID); err != nil || !bytes.Equal(text, procedures(t)) {
		t.Errorf("the document that was restored: %v", err)
	}
	if text, err := w.RevisionText(ctx, w.publisher, v.ID, 2); err != nil || !bytes.Equal(text, second) {
		t.Errorf("the one in between: %v", err)
	}
	changes, err := w.CompareRevisions(ctx, w.publisher, v.ID, 1, 2)
	said := []string{}
	for _, c := range changes.Document {
		if c.Operation == "lay-thu-tuc" {
			said = append(said, c.Words("vi")+" "+c.In+" "+c.Name)
		}
	}
	if want := []string{"Thêm trường /phi answer /phi", "Thành bắt buộc answer /ten"}; err != nil || !slices.Equal(said, want) {
		t.Errorf("changes: got %q, want %q, %v", said, want, err)
	}
	if back, err := w.CompareRevisions(ctx, w.publisher, v.ID, 3, 1); err != nil || len(back.Document)+len(back.Settings) != 0 {
		t.Errorf("the restored one and the first: %+v, %v", back, err)
	}
	if page, next, err := w.Revisions(ctx, w.publisher, v.ID, 2, ""); err != nil || len(page) != 2 || next != "2" {
		t.Errorf("a page: %+v, %q, %v", page, next, err)
	} else if page, next, err = w.Revisions(ctx, w.publisher, v.ID, 2, next); err != nil || len(page) != 1 || page[0].Number != 1 || next != "" {
		t.Errorf("the next: %+v, %q, %v", page, next, err)
	}

	_, _, err = w.Revisions(ctx, w.stranger, v.ID, 0, "")
	refused(t, err, problem.NotFound)
	_, err = w.RevisionText(ctx, w.publisher, v.ID, 4)
	refused(t, err, problem.NotFound)
	_, err = w.CompareRevisions(ctx, w.publisher, v.ID, 1, 9)
	refused(t, err, problem.NotFound)
	_, err = w.RestoreRevision(ctx, w.stranger, v.ID, 1, "")
	refused(t, err, problem.NotFound)
	_, _, err = w.Revisions(ctx, w.publisher, v.ID, 0, "x")
	refused(t, err, problem.Invalid)
	_, err = w.ReplaceSpec(ctx, w.publisher, v.ID, Save{Text: procedures(t), Why: strings.Repeat("ă", 1001)})
	refused(t, err, problem.Invalid, "why:text-too-long")
	for _, sql := range []string{`update catalog.revision set why = 'khác'`, `delete from catalog.revision`, `truncate catalog.revision`} {
		inner, err := w.DB.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := inner.Exec(ctx, sql); err == nil || !strings.Contains(err.Error(), "never changed") {
			t.Errorf("%s: %v", sql, err)
		}
		if err := inner.Rollback(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRevisionsOfTwoAtOnce are numbered one after the other.
func TestRevisionsOfTwoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.New(t))
	w.Record = func(context.Context, pgx.Tx, auth.Act) error { return nil }
	v := w.draft(t, procedures(t))
	var people sync.WaitGroup
	for i := range 4 {
		people.Go(func() {
			if _, err := w.ReplaceSpec(t.Context(), w.publisher, v.ID, Save{Text: edited(t, "version: 1.0.0", "version: 1.0."+string(rune('1'+i)))}); err != nil {
				t.Error(err)
			}
		})
	}
	people.Wait()
	list, _, err := w.Revisions(t.Context(), w.publisher, v.ID, 0, "")
	if err != nil || len(list) != 5 || list[0].Number != 5 {
		t.Errorf("got %+v, %v", list, err)
	}
}

// TestGate: of a published document only what breaks none of its callers
// changes, and a refusal says what breaks, what to do, and whom it breaks.
func TestGate(t *testing.T) {
	t.Parallel()
	lately := time.Date(2025, 7, 30, 0, 0, 0, 0, time.UTC)
	list := Caller{Name: "Một cửa", LastAt: &lately, Operations: []CallerOperation{{Operation: "danh-sach-thu-tuc", LastAt: &lately}}}
	one := Caller{Name: "Tra cứu", Agreed: true, Operations: []CallerOperation{{Operation: "lay-thu-tuc", Agreed: true, Fields: []string{"/ten", "/nguoiLienHe/hoTen"}}}}
	const phone = "thanhPhanHoSo: {type: array, title: Thành phần hồ sơ, x-title-en: Documents to file, items: {type: string}}"
	const required = "- {name: linhVuc, in: query, required: true,"
	for _, tt := range []struct {
		name    string
		text    []byte
		callers []Caller
		want    []string // level code name: whom; none: it passes
		code    string   // of another refusal
	}{
		{name: "the same"},
		{name: "more words", text: edited(t, "summary: Lấy một thủ tục", "summary: Xem một thủ tục")},
		{name: "another field", text: edited(t, "ten: {type: string, title: Tên", "phi: {type: integer}\n        ten: {type: string, title: Tên"), callers: []Caller{list, one}},
		{name: "another parameter", text: edited(t, "- {name: linhVuc, in: query,", "- {name: capXa, in: query, schema: {type: string}}\n        - {name: linhVuc, in: query,"), callers: []Caller{list, one}},
		{name: "a field less, that nobody has", text: edited(t, phone, "x-nothing: {}")},
		{name: "a field less, of two", text: edited(t, phone, "x-nothing: {}"), callers: []Caller{list, one},
			want: []string{"may-break break-answer-field-removed items/items/thanhPhanHoSo: Một cửa"}},
		{name: "a field less, that is agreed", text: edited(t, "ten: {type: string, title: Tên, x-title-en: Name}", "x-nothing: {}"), callers: []Caller{one},
			want: []string{"may-break break-answer-field-removed ten: Tra cứu"}},
		{name: "a parameter that all must send", text: edited(t, "- {name: linhVuc, in: query,", required), callers: []Caller{list, one},
			want: []string{"breaks break-parameter-required linhVuc: Một cửa"}},
		{name: "the same, and nobody calls", text: edited(t, "- {name: linhVuc, in: query,", required),
			want: []string{"breaks break-parameter-required linhVuc: "}},
		{name: "an operation less", text: edited(t, "  /thu-tuc/{maTTHC}:", "  x-thu-tuc:"), callers: []Caller{list, one},
			want: []string{"breaks break-operation-removed : Tra cứu"}},
		{name: "another name", text: edited(t, "operationId: layThuTuc", "operationId: xemThuTuc"), callers: []Caller{one},
			want: []string{"breaks break-operation-id xem-thu-tuc: Tra cứu"}},
		{name: "a field that becomes an array", text: edited(t, "ten: {type: string, title: Tên, x-title-en: Name}", "ten: {type: array, items: {type: string}, title: Tên, x-title-en: Name}"), callers: []Caller{one},
			want: []string{"breaks break-answer-type ten: Tra cứu", "breaks break-answer-type items/items/ten: "}},
		{name: "everything renamed", text: edited(t, "operationId: layThuTuc", "operationId: xemThuTuc", "operationId: danhSachThuTuc", "operationId: timThuTuc"), callers: []Caller{list, one},
			want: []string{"breaks break-operation-id xem-thu-tuc: Tra cứu", "breaks break-operation-id tim-thu-tuc: Một cửa"}},
		{name: "errors", text: edited(t, "operationId: layThuTuc", "operationId: danhSachThuTuc"), code: "published-spec-errors"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := txWorld(t)
			ctx := t.Context()
			v, err := w.PublishVersion(ctx, w.publisher, w.readyVersion(t).ID)
			if err != nil {
				t.Fatal(err)
			}
			w.CallersOf = func(context.Context, uuid.UUID, time.Time) ([]Caller, error) { return tt.callers, nil }
			if tt.text == nil {
				tt.text = procedures(t)
			}
			exposed := len(w.exposed)
			_, err = w.ReplaceSpec(ctx, w.publisher, v.ID, Save{Text: tt.text})
			if tt.code != "" {
				if problem.Code(err) != tt.code {
					t.Errorf("got %v, want %s", err, tt.code)
				}
				return
			}
			got := []string{}
			for _, b := range Findings(err) {
				whom := []string{}
				for _, c := range b.Callers {
					whom = append(whom, c.Name)
				}
				got = append(got, b.Level+" "+b.Code+" "+b.Name+": "+strings.Join(whom, ", "))
				for _, locale := range []string{"vi", "en"} {
					if words := b.Words(locale); words == b.Detail || strings.ContainsAny(words, "{}") {
						t.Errorf("%s in %s: %q", b.Code, locale, words)
					}
				}
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) && len(got)+len(tt.want) > 0 || (err == nil) != (len(tt.want) == 0) {
				t.Errorf("got %q, want %q, %v", got, tt.want, err)
			}
			text, readErr := w.SpecText(ctx, w.publisher, v.ID)
			if readErr != nil || bytes.Equal(text, tt.text) != (err == nil) || (len(w.exposed) > exposed) != (err == nil) {
				t.Errorf("refused %t, and saved %t, told the gateway %t", err != nil, bytes.Equal(text, tt.text), len(w.exposed) > exposed)
			}
		})
	}
}

// TestOperationsAPublishedDocumentGains are offered once they are marked, and
// not before, to nobody but their agency.
func TestOperationsAPublishedDocumentGains(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	v, err := w.PublishVersion(ctx, w.publisher, w.readyVersion(t).ID)
	if err != nil {
		t.Fatal(err)
	}
	more := edited(t, "components:\n", "  /linh-vuc:\n    get:\n      operationId: linhVuc\n      summary: Lĩnh vực\n      responses: {\"200\": {description: d}}\ncomponents:\n")
	if _, err := w.ReplaceSpec(ctx, w.publisher, v.ID, Save{Text: more}); err != nil {
		t.Fatal(err)
	}
	seen := func() (theirs, ours, exposed int) {
		all, err := w.Operations(ctx, w.stranger, v.ID)
		if err != nil {
			t.Fatal(err)
		}
		own, err := w.Operations(ctx, w.publisher, v.ID)
		if err != nil {
			t.Fatal(err)
		}
		return len(all), len(own), len(w.exposed[len(w.exposed)-1].Operations)
	}
	if a, b, c := seen(); a != 2 || b != 3 || c != 2 {
		t.Errorf("before it is marked: %d to others, %d to its own, %d at the gateway", a, b, c)
	}
	_, err = w.OperationBySlug(ctx, w.stranger, v.ID, "linh-vuc")
	refused(t, err, problem.NotFound)
	if offer, err := w.Offer(ctx, v.ID); err != nil || len(offer.Operations) != 1 {
		t.Errorf("offer: %+v, %v", offer.Operations, err)
	}
	if _, err := w.MarkOperations(ctx, w.publisher, v.ID, map[string]Mark{"linh-vuc": {Access: Open, Classification: "public"}}); err != nil {
		t.Fatal(err)
	}
	if a, b, c := seen(); a != 3 || b != 3 || c != 3 {
		t.Errorf("once it is marked: %d to others, %d to its own, %d at the gateway", a, b, c)
	}
	_, err = w.MarkOperations(ctx, w.publisher, v.ID, map[string]Mark{"linh-vuc": {Access: Restricted, Classification: "internal"}})
	if problem.Code(err) != "mark-fixed" {
		t.Errorf("a published mark: %v", err)
	}
}
