package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// dutiesOf are the duties of the shelf's agency, as "kind slug", "!" before
// what is overdue.
func (s *shelf) dutiesOf(t *testing.T) []string {
	t.Helper()
	list, err := s.Duties(t.Context(), s.steward, s.agency.ID)
	if err != nil {
		t.Fatal(err)
	}
	words := []string{}
	for _, d := range list {
		mark := ""
		if d.Overdue {
			mark = "!"
		}
		words = append(words, mark+d.Kind+" "+d.Slug)
	}
	return words
}

func TestDuties(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	start := s.now
	for slug, frequency := range map[string]string{"hang-ngay": "DAILY", "hang-nam": "ANNUAL", "mot-lan": "NEVER", "chua-ro": "UNKNOWN"} {
		text := text(slug, slug)
		text.Frequency = frequency
		d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.upload(ctx, d.ID, "a.csv", "a\n1\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SubmitDataset(ctx, s.publisher, d.ID); err != nil {
			t.Fatal(err)
		}
	}
	says := func(what string, want ...string) {
		t.Helper()
		got := s.dutiesOf(t)
		slices.Sort(got)
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	says("submitted", "decide hang-ngay", "decide hang-nam", "decide mot-lan", "decide chua-ro")
	s.now = start.Add(5*day + time.Second)
	says("after five days", "!decide hang-ngay", "!decide hang-nam", "!decide mot-lan", "!decide chua-ro")
	s.now = start.Add(time.Minute)
	ids := map[string]uuid.UUID{}
	for _, slug := range []string{"hang-ngay", "hang-nam", "mot-lan", "chua-ro"} {
		d, err := s.DatasetBySlug(ctx, s.publisher, slug)
		if err == nil {
			ids[slug] = d.ID
			_, err = s.ApproveDataset(ctx, s.steward, d.ID)
		}
		if err == nil {
			d, err = s.PublishDataset(ctx, s.publisher, d.ID)
		}
		if err != nil || d.ReviewBy != nil {
			t.Fatal(d.ReviewBy, err)
		}
	}
	says("published")
	s.now = start.Add(19 * time.Hour)
	says("in the last quarter of a day", "renew hang-ngay")
	s.now = start.Add(day + time.Second)
	says("after a day", "!renew hang-ngay")
	if list, err := s.Duties(ctx, s.publisher, s.agency.ID); err != nil || !list[0].Due.Equal(start.Add(day)) {
		t.Errorf("due %+v, error %v; want a day after the upload", list, err)
	}
	d, err := s.Dataset(ctx, s.publisher, ids["hang-ngay"])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReplaceFile(ctx, s.publisher, d.Distributions[0].ID, Upload{FileName: "b.csv", Body: strings.NewReader("a\n2\n")}); err != nil {
		t.Fatal(err)
	}
	says("with new data")
	s.now = start.Add(69*day + time.Second)
	says("in the last quarter of three months", "!renew hang-ngay", "renew chua-ro")
	s.now = start.Add(93 * day)
	says("after three months", "!renew hang-ngay", "!renew chua-ro")
	s.now = start.Add(183*day + 2*time.Minute)
	all := []string{"!renew hang-ngay", "!renew chua-ro", "!review hang-ngay", "!review chua-ro", "!review hang-nam", "!review mot-lan"}
	says("after six months", all...)
	if _, err := s.ReviewedDataset(ctx, s.publisher, ids["mot-lan"]); err != nil {
		t.Fatal(err)
	}
	says("looked through", all[:5]...)
	if _, err := s.WithdrawDataset(ctx, s.publisher, ids["hang-ngay"], "sai"); err != nil {
		t.Fatal(err)
	}
	changed, err := s.Dataset(ctx, s.publisher, ids["hang-nam"])
	if err != nil {
		t.Fatal(err)
	}
	changed.TitleVI = "Khác"
	pending, err := s.EditDataset(ctx, s.publisher, changed.ID, changed.DatasetText)
	if err != nil {
		t.Fatal(err)
	}
	says("withdrawn, and an edit", "!renew chua-ro", "!review chua-ro", "!review hang-nam", "edit hang-nam")
	if _, err := s.ReturnEdit(ctx, s.steward, changed.ID, pending.Edit.ID, "vì"); err != nil {
		t.Fatal(err)
	}
	says("returned", "!renew chua-ro", "!review chua-ro", "!review hang-nam")
	s.Terms = Terms{Review: 400 * day, Renew: 400 * day}
	says("by other terms")
	if _, err := s.Duties(ctx, s.stranger, s.agency.ID); !problem.Is(err, problem.Forbidden) {
		t.Errorf("another agency: %v", err)
	}
}

func TestDutyLettersComeOnceAWeek(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	start := s.now
	s.published(t, "thue-bao", "Thuê bao", subscribers) // unknown frequency: due in 92 days
	claims := func(what string, at time.Duration, want string) {
		t.Helper()
		s.now = start.Add(at)
		letters, err := s.ClaimDutyLetters(ctx)
		got := ""
		for _, duty := range letters[s.agency.ID] {
			got += fmt.Sprintf("%s %s overdue %t;", duty.Kind, duty.Slug, duty.Overdue)
		}
		if err != nil || got != want {
			t.Errorf("%s: claimed %q, error %v; want %q", what, got, err, want)
		}
	}
	claims("early", 77*day, "")
	claims("two weeks before", 78*day+time.Second, "renew thue-bao overdue false;")
	claims("an hour later", 78*day+time.Hour, "")
	claims("a week later", 85*day+time.Minute, "renew thue-bao overdue false;")
	if err := s.UnclaimDutyLetter(ctx, s.agency.ID); err != nil {
		t.Fatal(err)
	}
	claims("half an hour after it could not be sent", 85*day+31*time.Minute, "")
	claims("an hour after", 85*day+62*time.Minute, "renew thue-bao overdue false;")
	claims("overdue", 93*day, "renew thue-bao overdue true;")
	claims("by then a review is overdue too", 190*day, "renew thue-bao overdue true;review thue-bao overdue true;")
}
