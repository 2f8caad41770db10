package catalog

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func TestDigestsTellOfSearches(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	who := s.person(t)
	var kept []SavedSearch
	for _, text := range []string{"giá đất", "trường học", "bệnh viện"} {
		k, err := s.SaveSearch(ctx, who, SavedQuery{Query: text})
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, k)
	}
	first := s.now.Add(time.Minute)
	at := func(slug, title string, when time.Time) {
		t.Helper()
		s.published(t, slug, title, subscribers)
		if _, err := s.DB.Exec(ctx, `update catalog.search_doc set first_at = $2 where slug = $1`, slug, when); err != nil {
			t.Fatal(err)
		}
	}
	at("gia-dat-cu", "Giá đất cũ", first)
	s.now = first.Add(time.Minute)
	for range 2 { // twice is once
		if got, err := s.TellOfSearch(ctx, who, kept[0].ID); err != nil || got.ToldSince == nil {
			t.Fatalf("told %+v, error %v", got, err)
		}
	}
	if _, err := s.TellOfSearch(ctx, who, kept[2].ID); err != nil {
		t.Fatal(err)
	}
	if err := s.SetDigest(ctx, who, Daily); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Follows(ctx, who); err != nil || f.Every != Daily || len(f.Searches) != 2 || f.Searches[1].ID != kept[0].ID {
		t.Errorf("followed %+v, error %v", f, err)
	}
	at("gia-dat-moi", "Giá đất mới", s.now.Add(time.Minute))
	at("truong-hoc", "Trường học", s.now.Add(time.Minute)) // nobody asked to be told
	s.now = s.now.Add(25 * time.Hour)
	if got := digests(t, s.Catalog); !slices.Equal(got[who.Person], []string{"search giá đất gia-dat-moi"}) {
		t.Errorf("after a day: %v", got)
	}
	at("truong-hoc-hai", "Trường học thứ hai", s.now.Add(time.Minute)) // before it was asked for
	s.now = s.now.Add(2 * time.Minute)
	if _, err := s.TellOfSearch(ctx, who, kept[1].ID); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(25 * time.Hour)
	if got := digests(t, s.Catalog); len(got) != 1 || len(got[who.Person]) != 0 {
		t.Errorf("nothing new: %v", got)
	}
	for i := range 7 {
		at(fmt.Sprintf("gia-dat-%d", i), fmt.Sprintf("Giá đất xã %d", i), s.now.Add(time.Minute))
	}
	s.now = s.now.Add(25 * time.Hour)
	claimed, err := s.ClaimDigests(ctx, 10)
	if err != nil || len(claimed) != 1 || len(claimed[0].Searches) != 1 || claimed[0].Searches[0].Total != 7 || len(claimed[0].Searches[0].Hits) != mostTold {
		t.Errorf("seven new ones: %+v, error %v", claimed, err)
	}
	if got, err := s.TellNoMore(ctx, who, kept[0].ID); err != nil || got.ToldSince != nil {
		t.Errorf("told no more: %+v, error %v", got, err)
	}
	s.now = s.now.Add(time.Hour)
	if got := digests(t, s.Catalog); len(got[who.Person]) != 0 {
		t.Errorf("told of what it tells of no more: %v", got)
	}
	if err := s.Unsubscribe(ctx, who.Person); err != nil {
		t.Fatal(err)
	}
	list, err := s.SavedSearches(ctx, who)
	if err != nil || len(list) != 3 || slices.ContainsFunc(list, func(s SavedSearch) bool { return s.ToldSince != nil }) {
		t.Errorf("after the end %+v, error %v", list, err)
	}
	other := s.person(t)
	for name, err := range map[string]error{
		"another's": second(s.TellOfSearch(ctx, other, kept[0].ID)), "none": second(s.TellOfSearch(ctx, who, uuid.New())),
		"another's, to end": second(s.TellNoMore(ctx, other, kept[0].ID)), "nobody's": second(s.TellOfSearch(ctx, auth.Principal{}, kept[0].ID)),
	} {
		if !problem.Is(err, problem.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f, err := s.Follows(ctx, other); err != nil || f.Every != "" {
		t.Errorf("a refusal began a digest: %+v, error %v", f, err)
	}
}
