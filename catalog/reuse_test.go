package catalog

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func made(url string) ReuseText {
	return ReuseText{Kind: "app", TitleVI: " Bản đồ\n trạm ", DescriptionEN: "Where the stations are.\u202e", URL: url}
}

func TestReuse(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	maker, other := citizen(), citizen()
	names := map[uuid.UUID]string{maker.Person: "maker", s.publisher.Person: "publisher", s.steward.Person: "steward"}
	r, err := s.AddReuse(ctx, maker, d.ID, made("HTTPS://Example.vn/ban-do#dau"))
	if err != nil || r.State != Waiting || r.TitleVI != "Bản đồ trạm" || r.DescriptionEN != "Where the stations are." || r.URL != "https://Example.vn/ban-do" ||
		r.Slug != "thue-bao" || r.Theme != "TECH" || r.Name == "" {
		t.Fatalf("added %+v, error %v", r, err)
	}
	if got, want := s.letters(t, names), []string{"reuse to publisher", "reuse to steward"}; !slices.Equal(got, want) {
		t.Errorf("letters %q, want %q", got, want)
	}
	if _, err := s.AddReuse(ctx, other, d.ID, made("https://Example.vn/ban-do")); problem.Code(err) != "reuse-known" {
		t.Errorf("the same link again: %v", err)
	}
	sees := func(state string, readers map[*auth.Principal]bool) {
		t.Helper()
		for who, want := range readers {
			if got, err := s.Reuse(ctx, *who, r.ID); (err == nil) != want || want && got.State != state {
				t.Errorf("%s, to %v: %+v, error %v", state, who.Person, got, err)
			}
		}
	}
	nobody := auth.Principal{}
	few := map[*auth.Principal]bool{&nobody: false, &other: false, &s.publisher: false, &maker: true, &s.steward: true}
	sees(Waiting, few)
	if list, _, err := s.Reuses(ctx, ReuseFilter{}); err != nil || len(list) != 0 {
		t.Errorf("listed while it waits: %+v, error %v", list, err)
	}
	if n, err := s.WaitingReuses(ctx, s.steward, s.agency.ID); err != nil || n != 1 {
		t.Errorf("%d wait, error %v", n, err)
	}
	for _, step := range []struct {
		state, reason string
		letter        string
	}{{Shown, "", "reuse-now to maker"}, {Refused, "Liên kết hỏng.", "reuse-now to maker"}, {Shown, "", "reuse-now to maker"}} {
		got, err := s.DecideReuse(ctx, s.steward, r.ID, ReuseDecision{step.state, step.reason})
		if err != nil || got.State != step.state || got.Reason != step.reason || got.DecidedAt == nil {
			t.Errorf("%s: %+v, error %v", step.state, got, err)
		}
		if got := s.letters(t, names); !slices.Equal(got, []string{step.letter}) {
			t.Errorf("%s: letters %q", step.state, got)
		}
	}
	sees(Shown, map[*auth.Principal]bool{&nobody: true, &other: true})
	if want := []string{"reuse.approve", "reuse.refuse", "reuse.approve"}; !slices.Equal(s.acts[len(s.acts)-3:], want) {
		t.Errorf("recorded %q, want %q", s.acts, want)
	}
	for f, want := range map[ReuseFilter]int{{}: 1, {Dataset: d.ID}: 1, {Dataset: uuid.New()}: 0, {Kind: "app"}: 1, {Kind: "study"}: 0, {Theme: "TECH"}: 1, {Theme: "AGRI"}: 0} {
		if list, next, err := s.Reuses(ctx, f); err != nil || len(list) != want || next != "" {
			t.Errorf("%+v lists %d, want %d, next %q, error %v", f, len(list), want, next, err)
		}
	}
	if _, err := s.WithdrawDataset(ctx, s.publisher, d.ID, "sai"); err != nil {
		t.Fatal(err)
	}
	sees(Shown, few)
	if list, _, err := s.Reuses(ctx, ReuseFilter{}); err != nil || len(list) != 0 {
		t.Errorf("of a withdrawn dataset: %+v, error %v", list, err)
	}
	if err := s.DropReuse(ctx, other, r.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("dropped by somebody else: %v", err)
	}
	if err := s.DropReuse(ctx, maker, r.ID); err != nil {
		t.Error(err)
	}
	if list, err := s.OwnReuses(ctx, maker); err != nil || len(list) != 0 {
		t.Errorf("after it was taken back: %+v, error %v", list, err)
	}
}

func TestReuseRefusals(t *testing.T) {
	t.Parallel()
	db := pgtest.Tx(t)
	s, ctx := newShelf(t, db), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	draft, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("nhap", "Nháp"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*ReuseText)) ReuseText {
		r := made("https://example.vn/a")
		change(&r)
		return r
	}
	for name, tt := range map[string]struct {
		who     auth.Principal
		dataset uuid.UUID
		text    ReuseText
		want    string
	}{
		"nobody":           {auth.Principal{}, d.ID, made("https://example.vn/a"), "said-sign-in"},
		"an application":   {auth.Principal{Application: uuid.New()}, d.ID, made("https://example.vn/a"), "said-person"},
		"a draft":          {s.publisher, draft.ID, made("https://example.vn/a"), "dataset-unknown"},
		"another kind":     {citizen(), d.ID, with(func(r *ReuseText) { r.Kind = "game" }), "reuse-invalid"},
		"no title":         {citizen(), d.ID, with(func(r *ReuseText) { r.TitleVI = "\u200b " }), "reuse-invalid"},
		"no description":   {citizen(), d.ID, with(func(r *ReuseText) { r.DescriptionEN = "" }), "reuse-invalid"},
		"a long title":     {citizen(), d.ID, with(func(r *ReuseText) { r.TitleEN = strings.Repeat("ă", 151) }), "reuse-invalid"},
		"a long story":     {citizen(), d.ID, with(func(r *ReuseText) { r.DescriptionVI = strings.Repeat("ă", 2001) }), "reuse-invalid"},
		"a script":         {citizen(), d.ID, made("javascript:alert(1)"), "reuse-invalid"},
		"a password in it": {citizen(), d.ID, made("https://a:b@example.vn"), "reuse-invalid"},
	} {
		if _, err := s.AddReuse(ctx, tt.who, tt.dataset, tt.text); problem.Code(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := s.AddReuse(ctx, s.steward, d.ID, made("https://example.vn/a"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		who  auth.Principal
		id   uuid.UUID
		m    ReuseDecision
		want string
	}{
		"by a citizen":     {citizen(), r.ID, ReuseDecision{State: Shown}, "reuse-unknown"},
		"by the publisher": {s.publisher, r.ID, ReuseDecision{State: Shown}, "reuse-unknown"},
		"one's own":        {s.steward, r.ID, ReuseDecision{State: Shown}, "reuse-own"},
		"without a reason": {s.steward, r.ID, ReuseDecision{State: Refused, Reason: " \n"}, "reason-required"},
		"a long reason":    {s.steward, r.ID, ReuseDecision{State: Refused, Reason: strings.Repeat("ă", 1001)}, "reason-required"},
		"another state":    {s.steward, r.ID, ReuseDecision{State: Waiting}, "reuse-invalid"},
		"none":             {s.steward, uuid.New(), ReuseDecision{State: Shown}, "reuse-unknown"},
	} {
		if _, err := s.DecideReuse(ctx, tt.who, tt.id, tt.m); problem.Code(err) != tt.want {
			t.Errorf("decided %s: %v", name, err)
		}
	}
	if _, err := s.DecideReuse(ctx, s.steward, r.ID, ReuseDecision{Refused, "Không dùng dữ liệu này."}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DecideReuse(ctx, s.steward, r.ID, ReuseDecision{Refused, "Lần nữa."}); problem.Code(err) != "reuse-state" {
		t.Errorf("refused twice: %v", err)
	}
	again, err := s.AddReuse(ctx, citizen(), d.ID, made("https://example.vn/a")) // the first was refused
	if err != nil {
		t.Fatal(err)
	}
	if err := ForgetPerson(ctx, db, again.Author); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Reuse(ctx, s.steward, again.ID); err != nil || got.Author != uuid.Nil || got.Name != "" {
		t.Errorf("after the account is gone: %+v, error %v", got, err)
	}
	for name, err := range map[string]error{
		"list of the agency": second(s.AgencyReuses(ctx, s.publisher, s.agency.ID)), "count": second(s.WaitingReuses(ctx, s.publisher, s.agency.ID)),
	} {
		if !problem.Is(err, problem.Forbidden) {
			t.Errorf("%s, to a publisher: %v", name, err)
		}
	}
	if _, err := s.OwnReuses(ctx, auth.Principal{}); !problem.Is(err, problem.Unauthorized) {
		t.Errorf("nobody's own: %v", err)
	}
	for _, f := range []ReuseFilter{{Limit: 101}, {After: "x"}} {
		if _, _, err := s.Reuses(ctx, f); !problem.Is(err, problem.Invalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	many := citizen()
	for i := range saidInTenMinutes {
		if _, err := s.AddReuse(ctx, many, d.ID, made("https://example.vn/"+strings.Repeat("n", i+1))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.AddReuse(ctx, many, d.ID, made("https://example.vn/nua")); !problem.Is(err, problem.TooMany) {
		t.Errorf("a sixth in ten minutes: %v", err)
	}
	if list, next, err := s.Reuses(ctx, ReuseFilter{Limit: 1}); err != nil || len(list) != 0 || next != "" {
		t.Errorf("shown: %+v, error %v", list, err)
	}
}

// TestOneReuseIsDecidedOnce: of two stewards at once one decides.
func TestOneReuseIsDecidedOnce(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.New(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	r, err := s.AddReuse(ctx, citizen(), d.ID, made("https://example.vn/a"))
	if err != nil {
		t.Fatal(err)
	}
	steward := s.node(func(context.Context, pgx.Tx, auth.Act) error {
		time.Sleep(50 * time.Millisecond) // the others come while this one is not committed
		return nil
	})
	steward.Names = s.Names
	var decided atomic.Int32
	var both sync.WaitGroup
	for range 8 {
		both.Go(func() {
			_, err := steward.DecideReuse(ctx, s.steward, r.ID, ReuseDecision{State: Shown})
			switch {
			case err == nil:
				decided.Add(1)
			case problem.Code(err) != "reuse-state":
				t.Error(err)
			}
		})
	}
	both.Wait()
	if n := decided.Load(); n != 1 {
		t.Errorf("decided %d times", n)
	}
}

func TestLinksOfReusesAreChecked(t *testing.T) {
	t.Parallel()
	l, ctx := newLinked(t, here), t.Context()
	var status atomic.Int32
	status.Store(200)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	t.Cleanup(server.Close)
	d, _ := l.published(t, "thue-bao", "Thuê bao", subscribers)
	maker := citizen()
	good, err := l.AddReuse(ctx, maker, d.ID, made(server.URL+"/a"))
	if err != nil {
		t.Fatal(err)
	}
	inside, err := l.AddReuse(ctx, maker, d.ID, made("http://10.0.0.1/a"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(id uuid.UUID, want string) {
		t.Helper()
		if err := l.CheckReuses(ctx); err != nil {
			t.Fatal(err)
		}
		if r, err := l.Reuse(ctx, maker, id); err != nil || r.LinkState != want || r.LinkCheckedAt == nil {
			t.Errorf("link %+v, want %s, error %v", r, want, err)
		}
	}
	check(good.ID, LinkOK)
	check(inside.ID, LinkBroken) // a private address is never asked
	status.Store(500)
	check(good.ID, LinkOK) // it is not its turn
	l.now = l.now.Add(reuseWorks)
	check(good.ID, LinkOK) // failed once
	l.now = l.now.Add(reuseDoubt)
	check(good.ID, LinkBroken)
	status.Store(200)
	l.now = l.now.Add(reuseBroken)
	check(good.ID, LinkOK)
}
