package catalog

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// digests gives "kind about" of the news that are due, and sends them.
func digests(t *testing.T, s *Catalog) map[uuid.UUID][]string {
	t.Helper()
	claimed, err := s.ClaimDigests(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	all := map[uuid.UUID][]string{}
	for _, d := range claimed {
		all[d.Person] = []string{}
		for _, n := range d.News {
			all[d.Person] = append(all[d.Person], n.Kind+" "+n.Slug+" "+n.About)
		}
		for _, n := range d.Searches {
			for _, hit := range n.Hits {
				all[d.Person] = append(all[d.Person], "search "+n.Name+" "+hit.Slug)
			}
		}
		slices.Sort(all[d.Person])
		if err := s.DigestSent(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestDigests(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	one, part := s.published(t, "thue-bao", "Thuê bao", subscribers)
	s.now = s.now.Add(time.Minute)
	reader, other := citizen(), citizen()
	for range 2 { // twice is once
		if err := s.Follow(ctx, reader, FollowDataset, one.ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Follow(ctx, other, FollowAgency, s.agency.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Follow(ctx, other, FollowDataset, one.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.SetDigest(ctx, other, Daily); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Follows(ctx, other); err != nil || f.Every != Daily || len(f.Items) != 2 {
		t.Errorf("followed %+v, error %v", f, err)
	}
	s.now = s.now.Add(time.Hour)
	if _, err := s.ReplaceFile(ctx, s.publisher, part.ID, Upload{FileName: "moi.csv", Body: strings.NewReader(subscribers)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ask(ctx, citizen(), one.Topic(), "Hỏi", "Câu hỏi."); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ask(ctx, citizen(), one.Topic(), "Chợ", "Xem shop.example.com"); err != nil {
		t.Fatal(err)
	}
	s.published(t, "moi-mo", "Mới mở", subscribers)
	if got := digests(t, s.Catalog); len(got) != 0 {
		t.Errorf("too early: %v", got)
	}
	s.now = s.now.Add(24 * time.Hour)
	want := []string{"file thue-bao moi.csv", "published moi-mo ", "question thue-bao Hỏi"}
	if got := digests(t, s.Catalog); len(got) != 1 || !slices.Equal(got[other.Person], want) {
		t.Errorf("after a day: %v, want %q", got, want)
	}
	s.now = s.now.Add(7 * 24 * time.Hour)
	got := digests(t, s.Catalog)
	if want := []string{"file thue-bao moi.csv", "question thue-bao Hỏi"}; len(got) != 2 || len(got[other.Person]) != 0 || !slices.Equal(got[reader.Person], want) {
		t.Errorf("after a week: %v", got)
	}
	if got := digests(t, s.Catalog); len(got) != 0 {
		t.Errorf("sent twice: %v", got)
	}
	s.now = s.now.Add(7 * 24 * time.Hour)
	if _, err := s.ClaimDigests(ctx, 10); err != nil {
		t.Fatal(err)
	}
	if got := digests(t, s.Catalog); len(got) != 0 {
		t.Errorf("claimed by two: %v", got)
	}
	s.now = s.now.Add(11 * time.Minute)
	if got := digests(t, s.Catalog); len(got) != 2 {
		t.Errorf("what was not sent is not due again: %v", got)
	}
}

// TestDigestsOfAPIs: who follows an API, or its agency, is told of a version that
// is new, whose document changed, that is going to end and that ended, each once.
func TestDigestsOfAPIs(t *testing.T) {
	t.Parallel()
	s, ctx, now := txWorld(t), t.Context(), time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
	s.Now = func() time.Time { return now }
	s.Names = func(context.Context, []uuid.UUID) (map[uuid.UUID]string, error) { return nil, nil }
	v, reader, other := s.readyVersion(t), citizen(), citizen()
	if err := s.Follow(ctx, reader, FollowAPI, v.APIID); problem.Code(err) != "follow-unknown" {
		t.Errorf("an API that is not public yet: %v", err)
	}
	if err := s.Follow(ctx, other, FollowAgency, s.agency.ID); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	publish := func(v Version) {
		t.Helper()
		if _, err := s.SubmitVersion(ctx, s.publisher, v.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.PublishVersion(ctx, s.publisher, v.ID); err != nil {
			t.Fatal(err)
		}
	}
	publish(v)
	if err := s.Follow(ctx, reader, FollowAPI, v.APIID); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Follows(ctx, reader); err != nil || len(f.Items) != 1 || f.Items[0].Address() != "/apis/"+s.agency.Slug+"/thu-tuc" {
		t.Errorf("followed %+v, error %v", f, err)
	}
	week := func(toReader, toOther []string) {
		t.Helper()
		now = now.Add(7*24*time.Hour + time.Minute)
		got := digests(t, s.Catalog)
		if !slices.Equal(got[reader.Person], toReader) || !slices.Equal(got[other.Person], toOther) {
			t.Errorf("told %q, want %q to who follows the API and %q to who follows the agency", got, toReader, toOther)
		}
	}
	week(nil, []string{"version thu-tuc v1"})
	now = now.Add(time.Hour)
	for _, word := range []string{"Tra cứu một", "Tra cứu hai"} {
		text := strings.Replace(string(procedures(t)), "title: ", "title: "+word+" ", 1)
		if _, err := s.ReplaceSpec(ctx, s.publisher, v.ID, Save{Text: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	changed := []string{"changed thu-tuc v1"}
	week(changed, changed)
	now = now.Add(time.Hour)
	if _, err := s.SetPlan(ctx, s.publisher, v.ID, "high"); err != nil {
		t.Fatal(err)
	}
	week(nil, nil) // a revision of the same document
	now = now.Add(time.Hour)
	api, err := s.APIByID(ctx, reader, v.APIID)
	if err != nil {
		t.Fatal(err)
	}
	if q, err := s.Ask(ctx, citizen(), api.Topic(), "Hỏi", "Mã xã là mã nào?"); err != nil || q.APIID == nil || *q.APIID != api.ID || q.DatasetID != nil {
		t.Fatalf("asked %+v, error %v", q, err)
	}
	if list, _, err := s.Discussions(ctx, reader, api.Topic(), "", 0); err != nil || len(list) != 1 || list[0].Title != "Hỏi" {
		t.Errorf("discussed %+v, error %v", list, err)
	}
	week([]string{"question thu-tuc Hỏi"}, nil) // a question is news to who follows the thing itself
	now = now.Add(time.Hour)
	if _, err := s.DeprecateVersion(ctx, s.publisher, v.ID, Ending{Sunset: now.AddDate(0, 0, 10)}); err != nil {
		t.Fatal(err)
	}
	ending, ended := []string{"ending thu-tuc v1"}, []string{"ended thu-tuc v1"}
	week(ending, ending)
	week(ended, ended)
	week(nil, nil)
}

func TestFollowRefusals(t *testing.T) {
	t.Parallel()
	db := pgtest.Tx(t)
	s, ctx := newShelf(t, db), t.Context()
	draft, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("nhap", "Nháp"))
	if err != nil {
		t.Fatal(err)
	}
	open, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	who := citizen()
	for name, tt := range map[string]struct {
		who    auth.Principal
		kind   string
		target uuid.UUID
		want   string
	}{
		"nobody":         {auth.Principal{}, FollowDataset, open.ID, "said-sign-in"},
		"an application": {auth.Principal{Application: uuid.New()}, FollowDataset, open.ID, "said-person"},
		"a draft":        {s.publisher, FollowDataset, draft.ID, "dataset-unknown"},
		"no agency":      {who, FollowAgency, uuid.New(), "follow-unknown"},
		"no API":         {who, FollowAPI, uuid.New(), "follow-unknown"},
		"another kind":   {who, "person", open.ID, "follow-unknown"},
	} {
		if err := s.Follow(ctx, tt.who, tt.kind, tt.target); problem.Code(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.SetDigest(ctx, who, "hourly"); problem.Code(err) != "follow-every" {
		t.Errorf("hourly: %v", err)
	}
	if err := s.Follow(ctx, who, FollowDataset, open.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(ctx, `insert into catalog.follow select $1, 'agency', gen_random_uuid(), now() from generate_series(1, 199)`, who.Person); err != nil {
		t.Fatal(err)
	}
	if err := s.Follow(ctx, who, FollowAgency, s.agency.ID); problem.Code(err) != "follow-many" {
		t.Errorf("beyond 200: %v", err)
	}
	if _, err := s.WithdrawDataset(ctx, s.publisher, open.ID, "sai"); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Follows(ctx, who); err != nil || slices.ContainsFunc(f.Items, func(f Follow) bool { return f.Target == open.ID }) {
		t.Errorf("a withdrawn dataset is told of: %+v, error %v", f, err)
	}
	if err := s.Unsubscribe(ctx, who.Person); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Follows(ctx, who); err != nil || len(f.Items) != 0 || f.Every != "" {
		t.Errorf("after the end: %+v, error %v", f, err)
	}
}
