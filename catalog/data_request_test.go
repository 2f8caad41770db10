package catalog

import (
	"context"
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

// newCounter is a shelf under the platform's rules, with requests due in 15 days.
func newCounter(t *testing.T) *shelf {
	t.Helper()
	s := newShelf(t, pgtest.New(t))
	s.RequestDue = 15 * 24 * time.Hour
	s.May = func(_ context.Context, who auth.Principal, act string, agency uuid.UUID) error {
		if who.Has("operator", agency) || who.Has("publisher", agency) && act != "dataset.approve" || who.Has("steward", agency) && act == "dataset.approve" {
			return nil
		}
		return problem.Errorf(problem.Forbidden, "may not %s", act)
	}
	s.Agencies = func(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]Agency, error) {
		found := map[uuid.UUID]Agency{}
		for _, id := range ids {
			if id == s.agency.ID {
				found[id] = s.agency
			}
		}
		return found, nil
	}
	return s
}

func TestDataRequestFromAskedToPublished(t *testing.T) {
	t.Parallel()
	s, ctx := newCounter(t), t.Context()
	asker, other := citizen(), citizen()
	names := map[uuid.UUID]string{asker.Person: "asker", s.publisher.Person: "publisher", s.steward.Person: "steward", s.operator.Person: "operator"}
	r, err := s.RequestData(ctx, asker, NewDataRequest{Title: "Giá đất theo đường", Text: "Để làm bản đồ."})
	if err != nil || r.State != Received || r.Votes != 1 || !r.Voted || !r.DueAt.Equal(s.now.AddDate(0, 0, 15)) || r.AgencyID != uuid.Nil {
		t.Fatalf("asked %+v, error %v", r, err)
	}
	if got := s.letters(t, names); !slices.Equal(got, []string{"request to operator"}) {
		t.Errorf("letters %q", got)
	}
	for who, want := range map[*auth.Principal]problem.Kind{{}: problem.Forbidden, &asker: problem.Forbidden, &s.publisher: problem.Forbidden} {
		if _, err := s.AssignDataRequest(ctx, *who, r.ID, s.agency.ID); !problem.Is(err, want) {
			t.Errorf("assigned by somebody: %v", err)
		}
		if _, err := s.MoveDataRequest(ctx, *who, r.ID, DataRequestMove{State: Accepted}); !problem.Is(err, want) {
			t.Errorf("decided by somebody: %v", err)
		}
	}
	if _, err := s.AssignDataRequest(ctx, s.operator, r.ID, uuid.New()); !problem.Is(err, problem.Invalid) {
		t.Errorf("assigned to no agency: %v", err)
	}
	if _, err := s.AssignDataRequest(ctx, s.operator, r.ID, s.agency.ID); err != nil {
		t.Fatal(err)
	}
	if got := s.letters(t, names); !slices.Equal(got, []string{"request to publisher", "request to steward"}) {
		t.Errorf("letters %q", got)
	}
	d, _ := s.published(t, "gia-dat", "Giá đất", subscribers)
	for name, tt := range map[string]struct {
		move DataRequestMove
		want string
	}{
		"no such state":        {DataRequestMove{State: "done"}, "data-request-move"},
		"held":                 {DataRequestMove{State: Held}, "data-request-move"},
		"declined, no reason":  {DataRequestMove{State: Declined, Reason: " "}, "data-request-move"},
		"published, no set":    {DataRequestMove{State: Published}, "data-request-move"},
		"published, not there": {DataRequestMove{State: Published, Dataset: "khong-co"}, "data-request-move"},
		"where it is":          {DataRequestMove{State: Received}, "data-request-state"},
	} {
		if _, err := s.MoveDataRequest(ctx, s.publisher, r.ID, tt.move); problem.Code(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.MoveDataRequest(ctx, s.publisher, r.ID, DataRequestMove{State: Hidden, Reason: "vì"}); !problem.Is(err, problem.Forbidden) {
		t.Errorf("hidden by a publisher: %v", err)
	}
	for _, m := range []DataRequestMove{{State: Accepted}, {State: InProgress, Reason: "đang số hoá"}, {State: Published, Dataset: d.Slug}} {
		if _, err := s.MoveDataRequest(ctx, s.publisher, r.ID, m); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.letters(t, names); len(got) != 3 || got[0] != "request-now to asker" {
		t.Errorf("letters %q", got)
	}
	if r, err = s.DataRequest(ctx, auth.Principal{}, r.ID); err != nil || r.State != Published || r.Slug != "gia-dat" || r.Agency.Slug != s.agency.Slug || r.IsOpen() {
		t.Errorf("a citizen reads %+v, error %v", r, err)
	}
	if _, err := s.Vote(ctx, other, r.ID); problem.Code(err) != "data-request-state" {
		t.Errorf("voted for what is decided: %v", err)
	}
	if _, err := s.WithdrawDataset(ctx, s.publisher, d.ID, "sai"); err != nil {
		t.Fatal(err)
	}
	if r, err = s.DataRequest(ctx, auth.Principal{}, r.ID); err != nil || r.Slug != "" || r.SetVI != "" {
		t.Errorf("a withdrawn dataset is told of: %+v, error %v", r, err)
	}
}

func TestHeldDataRequests(t *testing.T) {
	t.Parallel()
	s, ctx := newCounter(t), t.Context()
	asker := citizen()
	if _, err := s.RequestData(ctx, auth.Principal{}, NewDataRequest{Title: "a", Text: "b"}); problem.Code(err) != "said-sign-in" {
		t.Errorf("asked by nobody: %v", err)
	}
	if _, err := s.RequestData(ctx, asker, NewDataRequest{Title: "a", Text: "b", Agency: uuid.New()}); problem.Code(err) != "said-invalid" {
		t.Errorf("asked of no agency: %v", err)
	}
	r, err := s.RequestData(ctx, asker, NewDataRequest{Title: "Mua hàng", Text: "xem shop.example.com", Agency: s.agency.ID})
	if err != nil || r.State != Held || len(s.letters(t, nil)) != 0 {
		t.Fatalf("asked %+v, error %v", r, err)
	}
	for who, want := range map[*auth.Principal]bool{{}: false, ptr(citizen()): false, &s.stranger: false, &asker: true, &s.steward: true} {
		if _, err := s.DataRequest(ctx, *who, r.ID); (err == nil) != want || err != nil && !problem.Is(err, problem.NotFound) {
			t.Errorf("%s sees it: %v", who.Person, err)
		}
		list, _, err := s.DataRequests(ctx, *who, DataRequestFilter{Agency: s.agency.ID})
		if err != nil || (len(list) == 1) != want {
			t.Errorf("%s lists %d, error %v", who.Person, len(list), err)
		}
	}
	if _, err := s.Vote(ctx, citizen(), r.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("voted for what is held: %v", err)
	}
	if _, err := s.MoveDataRequest(ctx, asker, r.ID, DataRequestMove{State: Received}); !problem.Is(err, problem.Forbidden) {
		t.Errorf("shown by who asked: %v", err)
	}
	if _, err := s.MoveDataRequest(ctx, s.publisher, r.ID, DataRequestMove{State: Received}); !problem.Is(err, problem.Forbidden) {
		t.Errorf("shown by a publisher: %v", err)
	}
	if _, err := s.MoveDataRequest(ctx, s.steward, r.ID, DataRequestMove{State: Received}); err != nil {
		t.Fatal(err)
	}
	if got := s.letters(t, nil); len(got) != 2 {
		t.Errorf("letters %q", got)
	}
	if _, err := s.MoveDataRequest(ctx, s.steward, r.ID, DataRequestMove{State: Hidden, Reason: "quảng cáo"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DataRequest(ctx, asker, r.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("a hidden one is read: %v", err)
	}
	if got := strings.Join(s.acts, " "); got != "data-request.move data-request.move" {
		t.Errorf("recorded %s", got)
	}
}

// A person votes once, however often and however fast.
func TestVotes(t *testing.T) {
	t.Parallel()
	s, ctx := newCounter(t), t.Context()
	r, err := s.RequestData(ctx, citizen(), NewDataRequest{Title: "Giá đất", Text: "Theo đường."})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	voters := []auth.Principal{citizen(), citizen(), citizen()}
	for i := range 30 {
		all.Go(func() {
			if _, err := s.Vote(ctx, voters[i%3], r.ID); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for range 2 {
		if r, err = s.Unvote(ctx, voters[0], r.ID); err != nil || r.Votes != 3 || r.Voted {
			t.Errorf("after it is taken back: %d votes, error %v", r.Votes, err)
		}
	}
	if _, err := s.Vote(ctx, auth.Principal{Application: uuid.New()}, r.ID); problem.Code(err) != "said-person" {
		t.Errorf("an application votes: %v", err)
	}
}

func TestDataRequestsInPages(t *testing.T) {
	t.Parallel()
	s, ctx := newCounter(t), t.Context()
	var want []string
	for i := range 5 {
		r, err := s.RequestData(ctx, citizen(), NewDataRequest{Title: fmt.Sprint("Thứ ", i), Text: "Số liệu."})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, r.Title)
		if i%2 == 1 {
			if _, err := s.Vote(ctx, citizen(), r.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Reverse(want)
	walk := func(f DataRequestFilter) (got []string) {
		for f.Limit = 2; ; {
			list, next, err := s.DataRequests(ctx, auth.Principal{}, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list {
				got = append(got, r.Title)
			}
			if f.After = next; next == "" {
				return got
			}
		}
	}
	if got := walk(DataRequestFilter{}); !slices.Equal(got, want) {
		t.Errorf("newest first: %q", got)
	}
	if got := walk(DataRequestFilter{ByVotes: true}); !slices.Equal(got, []string{"Thứ 3", "Thứ 1", "Thứ 4", "Thứ 2", "Thứ 0"}) {
		t.Errorf("most wanted first: %q", got)
	}
	if got := walk(DataRequestFilter{State: Declined}); got != nil {
		t.Errorf("declined: %q", got)
	}
	for _, f := range []DataRequestFilter{{Limit: 101}, {After: "x"}} {
		if _, _, err := s.DataRequests(ctx, auth.Principal{}, f); !problem.Is(err, problem.Invalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}
