package catalog

import (
	"slices"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func TestFieldKey(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"tenTram", "ten_tram", "Tên trạm", "TEN-TRAM", "tên trạm"} {
		if got := fieldKey(name); got != "tentram" {
			t.Errorf("%q is compared as %q", name, got)
		}
	}
	if got := fieldKeys([]string{"Mã trạm", "STT", "ma_tram", "", "x", "data", strings.Repeat("a", 300)}); !slices.Equal(got, []string{strings.Repeat("a", 60), "matram"}) {
		t.Errorf("keys %q", got)
	}
}

// TestAlike: a draft is told of what is public and has three names or more of its
// own, however they are written; never of itself, of drafts, or of columns that
// are not for everyone.
func TestAlike(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	const stations = "Mã trạm,Tên trạm,Vĩ độ,Kinh độ\nT1,Một,15.1,108.8\n"
	public, _ := s.published(t, "tram", "Trạm\u202e\u200b", stations)
	s.published(t, "it-giong", "Ít giống", "ma_tram,ten_tram,Ghi chú\nT1,Một,x\n")
	closed, _ := s.published(t, "tram-han-che", "Trạm hạn chế", stations)
	text := closed.DatasetText
	text.AccessRights = AccessRestricted
	s.rewritten(t, closed, text)
	draft, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, DatasetText{Slug: "tram-moi", TitleVI: "Trạm mới", NotesVI: "Trạm.", Theme: "TECH"})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := s.AlikeDataset(ctx, s.publisher, draft.ID); err != nil || len(list) != 0 {
		t.Errorf("a draft without files is like %v, error %v", list, err)
	}
	if err := s.upload(ctx, draft.ID, "tram.csv", "STT,maTram,tenTram,viDo,caoDo\n1,T1,Một,15.1,3\n"); err != nil {
		t.Fatal(err)
	}
	list, err := s.AlikeDataset(ctx, s.publisher, draft.ID)
	if err != nil || len(list) != 1 {
		t.Fatalf("got %v, error %v", list, err)
	}
	if got := list[0]; got.ID != public.ID || got.Address() != "/dataset/tram" || got.TitleVI != "Trạm" || got.Agency.ID != s.agency.ID || !slices.Equal(got.Shared, []string{"maTram", "tenTram", "viDo"}) {
		t.Errorf("got %+v", got)
	}
	if list, err := s.AlikeDataset(ctx, s.publisher, public.ID); err != nil || len(list) != 0 {
		t.Errorf("a public one is like %v, error %v", list, err)
	}
	if list, err := s.AlikeDataset(ctx, s.publisher, closed.ID); err != nil || len(list) != 1 {
		t.Errorf("a restricted one is like %v to its agency, error %v", list, err)
	}
	if list, err := s.AlikeDataset(ctx, s.stranger, closed.ID); err != nil || len(list) != 0 {
		t.Errorf("the columns of a restricted one are told to another agency: %v, error %v", list, err)
	}
	if _, err := s.AlikeDataset(ctx, auth.Principal{}, draft.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("a citizen asks about a draft: %v", err)
	}
}

// TestAlikeVersions: the fields that operations answer are compared with those of
// other APIs, whatever their version, and with no field of the same API.
func TestAlikeVersions(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	first := w.readyVersion(t)
	if _, err := w.SubmitVersion(ctx, w.publisher, first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.PublishVersion(ctx, w.publisher, first.ID); err != nil {
		t.Fatal(err)
	}
	second, err := w.CreateVersion(ctx, w.publisher, first.APIID, "v2", procedures(t))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := w.AlikeVersion(ctx, w.publisher, second.ID); err != nil || len(list) != 0 {
		t.Errorf("a version is like its own API: %v, error %v", list, err)
	}
	other, err := w.CreateAPI(ctx, w.publisher, NewAPI{AgencyID: w.agency.ID, Slug: "thu-tuc-khac", APIText: APIText{TitleVI: "Thủ tục khác"}})
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.CreateVersion(ctx, w.publisher, other.ID, "v1", procedures(t))
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.AlikeVersion(ctx, w.publisher, again.ID)
	if err != nil || len(list) != 1 || list[0].Address() != "/apis/"+w.agency.Slug+"/thu-tuc" || !slices.Contains(list[0].Shared, "maTTHC") {
		t.Errorf("got %+v, error %v", list, err)
	}
	if _, err := w.AlikeVersion(ctx, w.stranger, again.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("another agency asks about a draft: %v", err)
	}
}
