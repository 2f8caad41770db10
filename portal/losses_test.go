package portal

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
)

// TestLossesOnPages: the publisher sees on a draft whose agreements would lose
// what, and the holder on the agreement's page once it is published.
func TestLossesOnPages(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	ctx := t.Context()
	operator := auth.Principal{Memberships: []auth.Membership{{Role: auth.RoleOperator}}}
	g := w.wanted(t)
	w.Catalog.CallersOf = func(_ context.Context, version uuid.UUID, _ time.Time) ([]catalog.Caller, error) {
		if version != w.version.ID {
			return nil, nil
		}
		return []catalog.Caller{{ApplicationID: w.app.ID, Name: w.app.Name, Agreed: true, OwnerPerson: w.who.Person, Operations: agreedOf(g)}}, nil
	}
	text, err := os.ReadFile("../demo/specs/nguoi-co-cong.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(text), "hoTen:", "tenDayDu:")
	if changed == string(text) {
		t.Fatal("the document has no hoTen")
	}
	v2, err := w.Catalog.CreateVersion(ctx, operator, w.version.APIID, "v2", []byte(changed))
	if err != nil {
		t.Fatal(err)
	}
	at := "/agreements/" + g.ID.String()
	w.sees(t, at, 200)
	if lacks, err := w.Catalog.Lacks(ctx, w.version.ID, agreedOf(g)); err != nil || len(lacks) != 0 {
		t.Fatalf("a draft is told: %+v, %v", lacks, err)
	}
	w.as(t, auth.RolePublisher)
	for _, page := range []string{"", "/publish"} {
		w.sees(t, office+"/apis/nguoi-co-cong/v2"+page, 200, "Thoả thuận sẽ mất gì", "trường Họ và tên của xem-nguoi-co-cong", "chưa báo")
	}
	w.publishLike(t, operator, v2.ID)
	w.cookies = map[string]string{}
	w.signIn(t, "lap@example.vn")
	w.sees(t, at, 200, "Phiên bản v2 không có:", "trường Họ và tên của xem-nguoi-co-cong", v2.Prefix())
	if rows, err := w.lacksInWords("en", []catalog.LostPart{{Operation: "a", TitleVI: "Tên", Field: "/ten", Now: "array"}, {Operation: "b", Now: "c"}, {Operation: "d"}, {Operation: "a", Field: "/x", Now: "string"}}); err != nil ||
		rows != "– field Tên of a (now a list)\n– operation b (now c)\n– operation d\n– field /x of a (now a single value)" {
		t.Errorf("got %q, %v", rows, err)
	}
	if g.State != agreement.Requested {
		t.Errorf("got %s", g.State)
	}
}

// publishLike publishes a version with the marks that the first one has.
func (w *workshop) publishLike(t *testing.T, operator auth.Principal, version uuid.UUID) {
	t.Helper()
	ctx := t.Context()
	operations, err := w.Catalog.Operations(ctx, operator, w.version.ID)
	marks := map[string]catalog.Mark{}
	for _, o := range operations {
		marks[o.Slug] = o.Mark
	}
	if err == nil {
		_, err = w.Catalog.MarkOperations(ctx, operator, version, marks)
	}
	if err == nil {
		_, err = w.Catalog.SetPlan(ctx, operator, version, "standard-approval")
	}
	if err == nil {
		_, err = w.Catalog.SetUpstream(ctx, operator, version, "https://api.example.vn/secret-upstream")
	}
	if err == nil {
		_, err = w.Catalog.PublishVersion(ctx, operator, version)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestLackingLetter says which parts, in both languages.
func TestLackingLetter(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	for locale, want := range map[string]string{"vi": "trường Tên của xem", "en": "field Tên of xem"} {
		got, err := p.lifeWords(auth.Person{Email: "lan@example.vn", Name: "Lan", Locale: locale}, catalog.LetterVersion+catalog.NoticeLacking, catalog.LetterDetail{
			TitleVI: "Hồ sơ v2", TitleEN: "Dossiers v2", Path: "/apis/so/ho-so/v2",
			Ending: &catalog.EndingTold{Applications: []string{"Tra cứu"}, Lacks: []catalog.LostPart{{Operation: "xem", TitleVI: "Tên", Field: "/ten"}}}})
		if err != nil || !strings.Contains(got.Text, want) || !strings.Contains(got.Text, "Tra cứu") || strings.ContainsAny(got.Subject+got.Text, "{}") {
			t.Errorf("%s: got %q %q, %v", locale, got.Subject, got.Text, err)
		}
	}
}
