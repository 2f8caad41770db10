package catalog

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func citizen() auth.Principal {
	return auth.Principal{Person: uuid.Must(uuid.NewV7()), Name: "Người dân"}
}

// letters gives "kind to whom" of the letters that wait, and sends them.
func (s *shelf) letters(t *testing.T, names map[uuid.UUID]string) []string {
	t.Helper()
	var list []string
	claimed, err := s.ClaimLetters(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range claimed {
		to := []uuid.UUID{l.Person}
		if l.Agency != nil { // whoever tells it tells these
			to = []uuid.UUID{s.publisher.Person, s.steward.Person}
		}
		if l.Agency != nil && *l.Agency == uuid.Nil {
			to = []uuid.UUID{s.operator.Person}
		}
		for _, person := range to {
			list = append(list, l.Kind+" to "+names[person])
		}
		if err := s.LetterSent(t.Context(), l.ID); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(list)
	return list
}

func TestDiscussion(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	asker, other := citizen(), citizen()
	names := map[uuid.UUID]string{asker.Person: "asker", other.Person: "other", s.publisher.Person: "publisher", s.steward.Person: "steward"}
	q, err := s.Ask(ctx, asker, d.Topic(), "  Cột  “ước”\n là gì? ", "Xin giải thích\u202e cột ước.\r\nCảm ơn.")
	if err != nil || q.Title != "Cột “ước” là gì?" || !q.Shown || len(q.Posts) != 1 || q.Posts[0].Text != "Xin giải thích cột ước.\nCảm ơn." {
		t.Fatalf("asked %+v, error %v", q, err)
	}
	if got, want := s.letters(t, names), []string{"question to publisher", "question to steward"}; !slices.Equal(got, want) {
		t.Errorf("letters %q, want %q", got, want)
	}
	if p, err := s.Answer(ctx, s.publisher, q.ID, "Ước nghĩa là số ước tính, xem https://example.vn/4259."); err != nil || !p.Official || p.State != Shown || p.Name != "" {
		t.Errorf("the agency's answer %+v, error %v", p, err)
	}
	if p, err := s.Answer(ctx, other, q.ID, "Tôi cũng thấy vậy."); err != nil || p.Official || p.Name == "" {
		t.Errorf("another's answer %+v, error %v", p, err)
	}
	want := []string{"answer to asker", "answer to asker", "question to publisher", "question to steward"}
	if got := s.letters(t, names); !slices.Equal(got, want) {
		t.Errorf("letters %q, want %q", got, want)
	}
	if read, _, err := s.Discussion(ctx, auth.Principal{}, q.ID); err != nil || read.Count != 3 || !read.Answered || len(read.Posts) != 3 {
		t.Errorf("a citizen reads %+v, error %v", read, err)
	}
	if _, err := s.CloseDiscussion(ctx, other, q.ID); !problem.Is(err, problem.Forbidden) {
		t.Errorf("closed by somebody else: %v", err)
	}
	if _, err := s.CloseDiscussion(ctx, asker, q.ID); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"answer":      second(s.Answer(ctx, other, q.ID, "Còn nữa.")),
		"close again": second(s.CloseDiscussion(ctx, s.steward, q.ID)),
	} {
		if problem.Code(err) != "discussion-closed" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.WithdrawDataset(ctx, s.publisher, d.ID, "sai"); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"read": third(s.Discussion(ctx, asker, q.ID)),
		"ask":  second(s.Ask(ctx, asker, d.Topic(), "a", "b")), "answer": second(s.Answer(ctx, asker, q.ID, "b")),
		"report": second(s.ReportPost(ctx, asker, q.Posts[0].ID, PostReport{"vì"})),
	} {
		if !problem.Is(err, problem.Gone) {
			t.Errorf("%s of a withdrawn dataset: %v", name, err)
		}
	}
}

func second[A any](_ A, err error) error { return err }

func third[A, B any](_ A, _ B, err error) error { return err }

func TestSaidRefusals(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	for name, tt := range map[string]struct {
		who         auth.Principal
		title, text string
		want        string
	}{
		"nobody":         {auth.Principal{}, "a", "b", "said-sign-in"},
		"an application": {auth.Principal{Application: uuid.New()}, "a", "b", "said-person"},
		"no title":       {citizen(), " \u200b", "b", "said-invalid"},
		"no text":        {citizen(), "a", "\n\x00", "said-invalid"},
		"a long title":   {citizen(), strings.Repeat("a", 151), "b", "said-invalid"},
		"a long text":    {citizen(), "a", strings.Repeat("ă", 4001), "said-invalid"},
	} {
		if _, err := s.Ask(ctx, tt.who, d.Topic(), tt.title, tt.text); problem.Code(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Ask(ctx, citizen(), Topic{Kind: "dataset", ID: uuid.New()}, "a", "b"); !problem.Is(err, problem.NotFound) {
		t.Errorf("no dataset: %v", err)
	}
	if _, err := s.Ask(ctx, citizen(), Topic{Kind: "api", ID: uuid.New()}, "a", "b"); !problem.Is(err, problem.NotFound) {
		t.Errorf("no API: %v", err)
	}
}

func TestSuspiciousPostsAreHeld(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	const long = "Số liệu tháng bảy của huyện đảo có tính khách du lịch không?"
	if _, err := s.Ask(ctx, citizen(), d.Topic(), "Hỏi", long); err != nil {
		t.Fatal(err)
	}
	if got := s.letters(t, nil); len(got) != 2 {
		t.Fatalf("letters %q", got)
	}
	var held []Discussion
	author := citizen()
	for _, tt := range []struct{ title, text, why string }{
		{"Vay nhanh", "Xem tại vaynhanh.xyz nhé", "links"},
		{"Hỏi", "số liệu  THÁNG BẢY của huyện đảo có tính khách du lịch không", "repeat"},
		{"Hỏi chị", "Gọi cho tôi 0905 123 456", "personal"},
	} {
		q, err := s.Ask(ctx, author, d.Topic(), tt.title, tt.text)
		if err != nil || q.Shown || q.Posts[0].State != Held || q.Posts[0].Why != tt.why {
			t.Errorf("%s: %+v, error %v", tt.why, q, err)
		}
		held = append(held, q)
	}
	if got := s.letters(t, nil); len(got) != 0 {
		t.Errorf("letters about what is held: %q", got)
	}
	for who, want := range map[*auth.Principal]int{{}: 1, ptr(citizen()): 1, &author: 4, &s.steward: 4} {
		if list, _, err := s.Discussions(ctx, *who, d.Topic(), "", 0); err != nil || len(list) != want {
			t.Errorf("%s sees %d, want %d, error %v", who.Person, len(list), want, err)
		}
	}
	if _, _, err := s.Discussion(ctx, citizen(), held[0].ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("a held question is read: %v", err)
	}
	waiting, err := s.WaitingPosts(ctx, s.steward, s.agency.ID)
	if err != nil || len(waiting) != 3 || waiting[0].Dataset != "thue-bao" || waiting[0].Name == "" {
		t.Errorf("waiting %+v, error %v", waiting, err)
	}
	if _, err := s.WaitingPosts(ctx, s.publisher, s.agency.ID); !problem.Is(err, problem.Forbidden) {
		t.Errorf("a publisher moderates: %v", err)
	}
	post := held[0].Posts[0].ID
	for _, who := range []auth.Principal{s.stranger, citizen()} {
		if _, err := s.ShowPost(ctx, who, post); !problem.Is(err, problem.NotFound) {
			t.Errorf("shown by somebody: %v", err)
		}
	}
	if _, err := s.ShowPost(ctx, author, post); !problem.Is(err, problem.Forbidden) {
		t.Errorf("shown by its author: %v", err)
	}
	if _, err := s.ShowPost(ctx, s.steward, post); err != nil {
		t.Fatal(err)
	}
	if got := s.letters(t, nil); len(got) != 2 {
		t.Errorf("letters after it is shown: %q", got)
	}
	if _, err := s.ShowPost(ctx, s.steward, post); err != nil || len(s.letters(t, nil)) != 0 {
		t.Errorf("shown twice, error %v", err)
	}
	if _, _, err := s.Discussion(ctx, auth.Principal{}, held[0].ID); err != nil {
		t.Errorf("not read after it is shown: %v", err)
	}
}

func ptr[A any](a A) *A { return &a }

func TestReportAndHide(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	asker, reader := citizen(), citizen()
	q, err := s.Ask(ctx, asker, d.Topic(), "Hỏi", "Một câu hỏi bình thường.")
	if err != nil {
		t.Fatal(err)
	}
	rude, err := s.Answer(ctx, asker, q.ID, "Một câu thô lỗ.")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReportPost(ctx, reader, rude.ID, PostReport{" "}); problem.Code(err) != "reason-required" {
		t.Errorf("reported without a reason: %v", err)
	}
	for range 2 {
		if p, err := s.ReportPost(ctx, reader, rude.ID, PostReport{"thô lỗ"}); err != nil || p.Reports != 0 {
			t.Errorf("reported %+v, error %v", p, err)
		}
	}
	waiting, err := s.WaitingPosts(ctx, s.steward, s.agency.ID)
	if err != nil || len(waiting) != 1 || waiting[0].Reports != 1 || !slices.Equal(waiting[0].Reasons, []string{"thô lỗ"}) {
		t.Fatalf("waiting %+v, error %v", waiting, err)
	}
	if _, err := s.HidePost(ctx, s.steward, rude.ID, ""); problem.Code(err) != "reason-required" {
		t.Errorf("hidden without a reason: %v", err)
	}
	if _, err := s.HidePost(ctx, reader, rude.ID, "vì"); !problem.Is(err, problem.Forbidden) {
		t.Errorf("hidden by a reader: %v", err)
	}
	if _, err := s.HidePost(ctx, s.steward, rude.ID, "thô lỗ"); err != nil {
		t.Fatal(err)
	}
	if waiting, err := s.WaitingPosts(ctx, s.steward, s.agency.ID); err != nil || len(waiting) != 0 {
		t.Errorf("still waiting %+v, error %v", waiting, err)
	}
	for who, want := range map[*auth.Principal]int{{}: 1, &asker: 1, &s.steward: 2} {
		if read, _, err := s.Discussion(ctx, *who, q.ID); err != nil || len(read.Posts) != want {
			t.Errorf("%s reads %d posts, want %d, error %v", who.Person, len(read.Posts), want, err)
		}
	}
	if _, err := s.HidePost(ctx, s.steward, q.Posts[0].ID, "lạc đề"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Discussion(ctx, reader, q.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("read without its first post: %v", err)
	}
	if got := strings.Join(s.acts[len(s.acts)-2:], " "); got != "post.hide post.hide" {
		t.Errorf("recorded %s", got)
	}
}

func TestSayingIsBraked(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	who := citizen()
	q, err := s.Ask(ctx, who, d.Topic(), "Hỏi", "Câu thứ nhất.")
	if err != nil {
		t.Fatal(err)
	}
	said := 1
	for range 4 * 24 {
		s.now = s.now.Add(11 * time.Minute)
		for i := range 7 {
			_, err := s.Answer(ctx, who, q.ID, fmt.Sprint("Câu ", said, i))
			if err == nil {
				said++
			} else if problem.Code(err) != "said-too-much" || problem.Of(err).Header.Get("Retry-After") == "" {
				t.Fatal(err)
			}
		}
		if said == 20 {
			break
		}
	}
	if said != 20 {
		t.Errorf("%d posts in a day", said)
	}
	if _, err := s.Answer(ctx, citizen(), q.ID, "Người khác."); err != nil {
		t.Errorf("somebody else: %v", err)
	}
}

// Twenty posts of one person at once are as many as one after another.
func TestSayingAtOnceIsBraked(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.New(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	who := citizen()
	var all sync.WaitGroup
	var mu sync.Mutex
	said := 0
	for i := range 20 {
		all.Go(func() {
			_, err := s.Ask(ctx, who, d.Topic(), fmt.Sprint("Hỏi ", i), "Câu hỏi.")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				said++
			} else if problem.Code(err) != "said-too-much" {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if said != saidInTenMinutes {
		t.Errorf("%d were said", said)
	}
}

func TestForgetPersonInDiscussions(t *testing.T) {
	t.Parallel()
	db := pgtest.Tx(t)
	s, ctx := newShelf(t, db), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	who := citizen()
	q, err := s.Ask(ctx, who, d.Topic(), "Hỏi", "Câu hỏi.")
	if err == nil {
		_, err = s.Answer(ctx, s.publisher, q.ID, "Trả lời.")
	}
	if err == nil {
		_, err = s.ClaimLetters(ctx, 1)
	}
	if err == nil {
		err = ForgetPerson(ctx, db, who.Person)
	}
	if err != nil {
		t.Fatal(err)
	}
	if read, _, err := s.Discussion(ctx, auth.Principal{}, q.ID); err != nil || read.Author != uuid.Nil || read.Posts[0].Author != uuid.Nil || read.Posts[0].Text != "Câu hỏi." {
		t.Errorf("read %+v, error %v", read, err)
	}
	var left int
	if err := db.QueryRow(ctx, `select count(*) from catalog.letter where person = $1`, who.Person).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d letters left, error %v", left, err)
	}
}
