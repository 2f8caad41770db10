package catalog

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// TestDocPages: pages are kept with the revisions of the document, and come
// back with it; whoever reads the version reads them.
func TestDocPages(t *testing.T) {
	t.Parallel()
	w, ctx := txWorld(t), t.Context()
	v := w.draft(t, procedures(t))
	begin := DocPage{Slug: "bat-dau", TitleVI: "Bắt đầu", BodyVI: "Gọi thử."}
	if _, err := w.PutDocPage(ctx, w.publisher, v.ID, "", DocPage{Slug: "bat-dau", TitleVI: " Bắt đầu ", BodyVI: "Gọi thử.\r\n"}); err != nil {
		t.Fatal(err)
	}
	codes := DocPage{Slug: "ma-loi", TitleVI: "Mã lỗi", TitleEN: "Errors", BodyVI: "- 404", BodyEN: "- 404"}
	if _, err := w.PutDocPage(ctx, w.publisher, v.ID, "", codes); err != nil {
		t.Fatal(err)
	}
	if got, err := w.DocPages(ctx, w.publisher, v.ID); err != nil || !reflect.DeepEqual(got, []DocPage{begin, codes}) {
		t.Fatalf("pages: %+v, %v", got, err)
	}
	_, err := w.DocPages(ctx, w.stranger, v.ID)
	refused(t, err, problem.NotFound)
	moved := codes
	moved.Slug, moved.BodyVI = "loi", "- 404: không có"
	if _, err := w.PutDocPage(ctx, w.publisher, v.ID, "ma-loi", moved); err != nil {
		t.Fatal(err)
	}
	if _, err := w.RemoveDocPage(ctx, w.publisher, v.ID, "bat-dau"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.RemoveDocPage(ctx, w.publisher, v.ID, "bat-dau"); !problem.Is(err, problem.NotFound) {
		t.Errorf("removed twice: %v", err)
	}
	list, _, err := w.Revisions(ctx, w.publisher, v.ID, 20, "")
	if err != nil || len(list) != 5 {
		t.Fatalf("revisions: %+v, %v", list, err)
	}
	if _, err := w.RestoreRevision(ctx, w.publisher, v.ID, 3, "lấy lại"); err != nil {
		t.Fatal(err)
	}
	if got, err := w.DocPages(ctx, w.publisher, v.ID); err != nil || !reflect.DeepEqual(got, []DocPage{begin, codes}) {
		t.Errorf("restored: %+v, %v", got, err)
	}
	if got, err := w.RevisionBundle(ctx, w.publisher, v.ID, 5); err != nil || !reflect.DeepEqual(got.Pages, []DocPage{moved}) {
		t.Errorf("as they were: %+v, %v", got, err)
	}
	if _, err := w.ReplaceSpec(ctx, w.publisher, v.ID, Save{Text: append(procedures(t), "\n# đổi\n"...)}); err != nil {
		t.Fatal(err)
	}
	if got, err := w.RevisionBundle(ctx, w.publisher, v.ID, 7); err != nil || len(got.Pages) != 2 {
		t.Errorf("a changed document keeps its pages: %+v, %v", got, err)
	}
	if _, err := w.RevisionBundle(ctx, w.publisher, v.ID, 99); !problem.Is(err, problem.NotFound) {
		t.Errorf("no such revision: %v", err)
	}
}

func TestDocPagesRefused(t *testing.T) {
	t.Parallel()
	w, ctx := txWorld(t), t.Context()
	v := w.draft(t, procedures(t))
	good := DocPage{Slug: "bat-dau", TitleVI: "Bắt đầu", BodyVI: "Gọi thử."}
	many := make([]DocPage, MaxDocPages+1)
	for i := range many {
		many[i] = good
		many[i].Slug = fmt.Sprintf("trang-%d", i)
	}
	for _, tt := range []struct {
		name   string
		who    auth.Principal
		pages  []DocPage
		why    string
		kind   problem.Kind
		fields []string
	}{
		{"nothing written", w.publisher, []DocPage{{}}, "", problem.Invalid, []string{"pages/0/title_vi:title-required", "pages/0/body_vi:page-body-required", "pages/0/slug:slug-invalid"}},
		{"a name twice", w.publisher, []DocPage{good, good}, "", problem.Invalid, []string{"pages/1/slug:page-twice"}},
		{"a name that is no name", w.publisher, []DocPage{{Slug: "Bắt đầu", TitleVI: "a", BodyVI: "b"}}, "", problem.Invalid, []string{"pages/0/slug:slug-invalid"}},
		{"too long", w.publisher, []DocPage{{Slug: "a-b", TitleVI: strings.Repeat("a", 201), BodyVI: "b", BodyEN: strings.Repeat("ệ", 20_001)}}, "", problem.Invalid, []string{"pages/0/title_vi:text-too-long", "pages/0/body_en:text-too-long"}},
		{"no text", w.publisher, []DocPage{{Slug: "a-b", TitleVI: "a", BodyVI: "b\x00"}}, "", problem.Invalid, []string{"pages/0/body_vi:page-text"}},
		{"too many", w.publisher, many, "", problem.Invalid, []string{"pages:pages-too-many"}},
		{"a long reason", w.publisher, []DocPage{good}, strings.Repeat("a", 1001), problem.Invalid, []string{"why:text-too-long"}},
		{"another agency's", w.stranger, []DocPage{good}, "", problem.NotFound, nil},
		{"nobody", auth.Principal{}, []DocPage{good}, "", problem.Forbidden, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.SetDocPages(ctx, tt.who, v.ID, tt.pages, tt.why)
			refused(t, err, tt.kind, tt.fields...)
		})
	}
	if _, err := w.PutDocPage(ctx, w.publisher, v.ID, "khong-co", good); !problem.Is(err, problem.NotFound) {
		t.Errorf("a page that is not there: %v", err)
	}
	if got, err := w.DocPages(ctx, w.publisher, v.ID); err != nil || len(got) != 0 {
		t.Errorf("after that: %+v, %v", got, err)
	}
}
