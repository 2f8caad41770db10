package portal

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
)

func TestFigures(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	p.Catalog.Files = catalog.OnDisk(t.TempDir())
	now := monday
	p.Now = func() time.Time { return now }
	b := newBrowser(p)
	if _, body := b.get(t, "/"); strings.Contains(body, "Tỉnh qua vài con số") {
		t.Error("figures without a dataset")
	}
	publishSubscribers(t, p)
	if _, body := b.get(t, "/"); strings.Contains(body, "970.000") {
		t.Error("the figures were read again at once")
	}
	now = now.Add(homeLasts)
	_, body := b.get(t, "/")
	for _, want := range []string{`<span class="qualifier">ước</span><b>970.000</b>thuê bao điện thoại di động`, `href="/dataset/thue-bao-vien-thong"`} {
		if !strings.Contains(body, want) {
			t.Errorf("Vietnamese lacks %s:\n%s", want, body)
		}
	}
	if _, body = b.get(t, "/en/"); !strings.Contains(body, `<span class="qualifier">estimated</span><b>970,000</b>mobile subscriptions`) {
		t.Errorf("English:\n%s", body)
	}
}

// publishSubscribers publishes the dataset of subscriptions with one row.
func publishSubscribers(t *testing.T, p *Portal) {
	t.Helper()
	ctx := t.Context()
	agency, err := p.Auth.CreateAgency(ctx, auth.Platform("test"), auth.Agency{Slug: "so-khcn", Code: "H48.11", NameVI: "Sở", NameEN: "Department", ValidFrom: monday})
	if err != nil {
		t.Fatal(err)
	}
	var people [2]auth.Principal
	for i, email := range []string{"a@example.vn", "b@example.vn"} {
		person, err := p.Auth.CreatePerson(ctx, auth.Platform("test"), auth.NewPerson{Email: email, Name: email})
		if err != nil {
			t.Fatal(err)
		}
		people[i] = auth.Principal{Person: person.ID, Name: person.Name}
	}
	dataset, err := p.Catalog.CreateDataset(ctx, people[0], agency.ID, catalog.DatasetText{
		Slug: "thue-bao-vien-thong", TitleVI: "Thuê bao", TitleEN: "Subscriptions", NotesVI: "Theo công văn.", NotesEN: "From a letter.", Theme: "TECH"})
	if err != nil {
		t.Fatal(err)
	}
	table := "loai_thue_bao,so_thue_bao,uoc_luong\nĐiện thoại di động,970000,ước\n"
	if _, err := p.Catalog.AddDistribution(ctx, people[0], dataset.ID, catalog.Upload{FileName: "a.csv", Body: strings.NewReader(table)}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(uuid.UUID) error{
		func(id uuid.UUID) error { _, err := p.Catalog.SubmitDataset(ctx, people[0], id); return err },
		func(id uuid.UUID) error { _, err := p.Catalog.ApproveDataset(ctx, people[1], id); return err },
		func(id uuid.UUID) error { _, err := p.Catalog.PublishDataset(ctx, people[0], id); return err },
	} {
		if err := step(dataset.ID); err != nil {
			t.Fatal(err)
		}
	}
}
