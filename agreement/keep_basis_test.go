package agreement

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

const clause = "luat-60-2024-d11-2b" // that w.asked cites

func day(s string) *string { return &s }

func aBasis() NewBasis {
	return NewBasis{ID: "qd-1-2026", Reason: "Đã đọc văn bản", BasisText: BasisText{
		DocumentVI: "Quyết định 1/2026", DocumentEN: "Decision 1/2026", ArticleVI: "Điều 1", ArticleEN: "Article 1",
		TextVI: "Chia sẻ dữ liệu", TextEN: "Data is shared", Source: "Đã đọc văn bản", Confirmed: true}}
}

func TestAClauseGetsANewVersion(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	added, err := w.AddBasis(ctx, operator, aBasis())
	if err != nil || added.Version != 1 || !added.InForce || !added.Confirmed {
		t.Fatalf("added %+v, %v", added, err)
	}
	r := w.asked()
	r.LegalBasis = added.ID
	g := w.request(t, r)
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	next := aBasis()
	next.TextVI, next.ValidFrom, next.WorkingDays, next.Reason = "Chia sẻ trong 3 ngày", day("2026-12-01"), 3, "Văn bản sửa đổi"
	second, err := w.SucceedBasis(ctx, operator, added.ID, next)
	if err != nil || second.ID != "qd-1-2026-v2" || second.Version != 2 || second.Follows != added.ID || second.InForce {
		t.Fatalf("second %+v, %v", second, err)
	}
	if list, err := w.Flagged(ctx, w.steward, w.agency); err != nil || len(list) != 0 {
		t.Errorf("flagged before its time: %v, %v", list, err)
	}
	if c, err := w.DecisionClock(ctx); err != nil || c != (Clock{"nd-194-2025-d40-3", 2, false}) {
		t.Errorf("clock before: %+v, %v", c, err)
	}
	*w.clock = w.clock.AddDate(0, 0, 8) // 1 December
	first, err := w.Basis(ctx, added.ID)
	if err != nil || first.InForce || first.FollowedBy != second.ID || *first.ValidTo != "2026-11-30" {
		t.Errorf("first %+v, %v", first, err)
	}
	if list, err := w.Flagged(ctx, w.steward, w.agency); err != nil || len(list) != 1 || list[0].ID != g.ID || list[0].State != Active {
		t.Errorf("flagged %v, %v", list, err)
	}
	if c, err := w.DecisionClock(ctx); err != nil || c != (Clock{"qd-1-2026-v2", 3, true}) {
		t.Errorf("clock after: %+v, %v", c, err)
	}
	if s, err := w.Summary(ctx, g, "vi"); err != nil || !s.DueIsTarget { // its own clause, not the new one
		t.Errorf("the term of a request before: target %v, %v", s.DueIsTarget, err)
	}
	newer := w.asked()
	newer.Purpose, newer.Starts = "quan-ly", "2026-12-01"
	if s, err := w.Summary(ctx, w.request(t, newer), "vi"); err != nil || s.DueIsTarget {
		t.Errorf("the term of a request after: target %v, %v", s.DueIsTarget, err)
	}
	if _, err := w.SucceedBasis(ctx, operator, added.ID, next); problem.Of(err) == nil || problem.Of(err).Code != "basis-followed" {
		t.Errorf("followed twice: %v", err)
	}
	third := next
	third.ValidFrom = day("2027-01-01")
	if b, err := w.SucceedBasis(ctx, operator, second.ID, third); err != nil || b.ID != "qd-1-2026-v3" {
		t.Errorf("third %+v, %v", b, err)
	}
	history, err := w.BasisHistory(ctx, operator, second.ID)
	if err != nil || len(history) != 2 || history[0].What != "succeeded" || history[1].Reason != "Văn bản sửa đổi" {
		t.Errorf("history %+v, %v", history, err)
	}
}

// TestAWithdrawnClauseEndsNothing: what stands on it goes on and is flagged,
// nothing new stands on it, and a request that cites it is refused or withdrawn.
func TestAWithdrawnClauseEndsNothing(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	running := w.request(t, w.asked())
	if _, err := w.Approve(ctx, w.steward, running.ID, ""); err != nil {
		t.Fatal(err)
	}
	other := w.asked()
	other.Purpose = "quan-ly"
	waiting := w.request(t, other)
	grants := len(*w.grants)
	b, err := w.WithdrawBasis(ctx, operator, clause, Withdrawal{Reason: "Bị bãi bỏ"})
	if err != nil || b.InForce || b.WithdrawnAt == nil || b.WithdrawnWhy != "Bị bãi bỏ" {
		t.Fatalf("withdrawn %+v, %v", b, err)
	}
	if got, err := w.Get(ctx, w.steward, running.ID); err != nil || got.State != Active || len(*w.grants) != grants {
		t.Errorf("the running one became %s, %v; grants %v", got.State, err, (*w.grants)[grants:])
	}
	if page, err := w.Standing(ctx, operator, clause, Filter{Limit: 1}); err != nil || len(page.Items) != 1 || page.Next != waiting.ID.String() {
		t.Errorf("standing %+v, %v", page, err)
	} else if page, err = w.Standing(ctx, operator, clause, Filter{After: page.Next}); err != nil || len(page.Items) != 1 || page.Items[0].ID != running.ID {
		t.Errorf("standing, second page %+v, %v", page, err)
	}
	if counts, err := w.StandingCounts(ctx, operator); err != nil || counts[clause] != 2 {
		t.Errorf("counts %v, %v", counts, err)
	}
	if list, err := w.Flagged(ctx, w.steward, w.agency); err != nil || len(list) != 2 {
		t.Errorf("flagged %v, %v", list, err)
	}
	if s, err := w.Summary(ctx, running, "vi"); err != nil || s.Basis.InForce {
		t.Errorf("summary %+v, %v", s.Basis, err)
	}
	third := w.asked()
	third.Purpose = "thong-ke"
	if _, err := w.Request(ctx, w.developer, third); problem.Of(err) == nil || problem.Of(err).Fields[0].Code != "basis-not-in-force" {
		t.Errorf("asked anew: %v", err)
	}
	if _, err := w.Approve(ctx, w.steward, waiting.ID, ""); problem.Of(err) == nil || problem.Of(err).Code != "basis-over" {
		t.Errorf("approved: %v", err)
	}
	if got, err := w.Refuse(ctx, w.steward, waiting.ID, Refusal{"Căn cứ đã bị bãi bỏ", "nd-194-2025-d16"}); err != nil || got.State != Refused {
		t.Errorf("refused: %+v, %v", got, err)
	}
	if _, err := w.WithdrawBasis(ctx, operator, clause, Withdrawal{Reason: "Bị bãi bỏ"}); problem.Of(err) == nil || problem.Of(err).Code != "basis-withdrawn" {
		t.Errorf("withdrawn twice: %v", err)
	}
}

func TestAClauseIsWithdrawnFromADay(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	b, err := w.WithdrawBasis(ctx, operator, "nd-194-2025-d40-3", Withdrawal{LastDay: "2026-11-24", Reason: "Hết hiệu lực"})
	if err != nil || !b.InForce {
		t.Fatalf("got %+v, %v", b, err)
	}
	*w.clock = w.clock.AddDate(0, 0, 2)
	if b, err = w.Basis(ctx, b.ID); err != nil || b.InForce {
		t.Errorf("on 25 November: %+v, %v", b, err)
	}
	// No clause sets the clock any more: the last value stays the target.
	if c, err := w.DecisionClock(ctx); err != nil || c != (Clock{b.ID, 2, false}) {
		t.Errorf("clock %+v, %v", c, err)
	}
	confirmed, err := w.ConfirmBasis(ctx, operator, "qd-481-2024", Confirmation{true, "Đã đọc toàn văn", "Có bản toàn văn"})
	if err != nil || !confirmed.Confirmed || confirmed.Source != "Đã đọc toàn văn" || confirmed.Version != 1 {
		t.Errorf("confirmed %+v, %v", confirmed, err)
	}
	if got, want := w.verbs(), []string{"legal-basis.withdraw", "legal-basis.confirm"}; !reflect.DeepEqual(got, want) {
		t.Errorf("acts %v, want %v", got, want)
	}
}

func TestLegalBasesRefuse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		alter func(n *NewBasis)
		want  string
	}{
		{"no id", func(n *NewBasis) { n.ID = "" }, "id basis-id"},
		{"capitals in the id", func(n *NewBasis) { n.ID = "QD-1" }, "id basis-id"},
		{"id too long", func(n *NewBasis) { n.ID = strings.Repeat("a", 56) }, "id basis-id"},
		{"a version's id", func(n *NewBasis) { n.ID = "qd-1-v2" }, "id basis-id"},
		{"id taken", func(n *NewBasis) { n.ID = clause }, "id basis-taken"},
		{"no document", func(n *NewBasis) { n.DocumentVI = "" }, "document_vi required"},
		{"no English article", func(n *NewBasis) { n.ArticleEN = " " }, "article_en required"},
		{"text too long", func(n *NewBasis) { n.TextVI = strings.Repeat("x", maxClause+1) }, "text_vi text-too-long"},
		{"no source", func(n *NewBasis) { n.Source = "" }, "source required"},
		{"no such day", func(n *NewBasis) { n.ValidFrom = day("2026-02-29") }, "valid_from day-invalid"},
		{"ends before it begins", func(n *NewBasis) { n.ValidFrom, n.ValidTo = day("2026-12-31"), day("2026-12-30") }, "valid_to ends-before-starts"},
		{"too many days", func(n *NewBasis) { n.WorkingDays = 61 }, "working_days basis-clock"},
		{"days below none", func(n *NewBasis) { n.WorkingDays = -1 }, "working_days basis-clock"},
		{"no reason", func(n *NewBasis) { n.Reason = "" }, "reason register-reason"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(pgtest.Tx(t))
			n := aBasis()
			tt.alter(&n)
			_, err := w.AddBasis(t.Context(), operator, n)
			var p *problem.Error
			if !errors.As(err, &p) || len(p.Fields) == 0 {
				t.Fatalf("got %v", err)
			}
			if got := p.Fields[0].Name + " " + p.Fields[0].Code; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if p.Fields[0].Words("vi") == p.Fields[0].Detail || strings.Contains(p.Fields[0].Words("vi")+p.Fields[0].Words("en"), "{") {
				t.Errorf("no words for %s: %q", tt.want, p.Fields[0].Words("vi"))
			}
			if len(*w.acts) != 0 {
				t.Errorf("recorded %v", w.verbs())
			}
		})
	}
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	next := aBasis()
	if _, err := w.SucceedBasis(ctx, operator, clause, next); problem.Of(err) == nil || problem.Of(err).Fields[0].Code != "basis-first-day" {
		t.Errorf("a version without a first day: %v", err)
	}
	next.ValidFrom = day("2025-08-19")
	if _, err := w.SucceedBasis(ctx, operator, "nd-194-2025-d16", next); problem.Of(err) == nil || problem.Of(err).Fields[0].Code != "basis-before" {
		t.Errorf("a version before the one it follows: %v", err)
	}
	if _, err := w.WithdrawBasis(ctx, operator, clause, Withdrawal{LastDay: "2026-11-21", Reason: "Bị bãi bỏ"}); problem.Of(err) == nil || problem.Of(err).Fields[0].Code != "basis-last-day" {
		t.Errorf("withdrawn in the past: %v", err)
	}
	for _, who := range []auth.Principal{{}, w.steward, w.developer, operator} {
		want := problem.Forbidden
		if who.Has(auth.RoleOperator, w.agency) {
			want = problem.NotFound
		}
		_, succeeded := w.SucceedBasis(ctx, who, "khong-co", next)
		_, confirmed := w.ConfirmBasis(ctx, who, "khong-co", Confirmation{true, "Đã đọc", "Đã đọc văn bản"})
		_, withdrawn := w.WithdrawBasis(ctx, who, "khong-co", Withdrawal{Reason: "Bị bãi bỏ"})
		_, standing := w.Standing(ctx, who, "khong-co", Filter{})
		for i, err := range []error{succeeded, confirmed, withdrawn, standing} {
			if !problem.Is(err, want) {
				t.Errorf("%q, step %d: %v", who.Name, i, err)
			}
		}
		if want == problem.NotFound {
			continue
		}
		_, added := w.AddBasis(ctx, who, aBasis())
		_, history := w.BasisHistory(ctx, who, clause)
		_, counts := w.StandingCounts(ctx, who)
		for i, err := range []error{added, history, counts} {
			if !problem.Is(err, problem.Forbidden) {
				t.Errorf("%q, read %d: %v", who.Name, i, err)
			}
		}
	}
}

// TestTwoOperatorsFollowAtOnce: a clause has one next version.
func TestTwoOperatorsFollowAtOnce(t *testing.T) {
	t.Parallel()
	pool, err := pg.Open(t.Context(), pgtest.NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w, ctx := newWorld(pool), t.Context()
	w.Record = func(context.Context, pgx.Tx, auth.Act) error { return nil } // the one of the world is for one at a time
	next := aBasis()
	next.ValidFrom = day("2027-01-01")
	results := make([]error, 4)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { _, results[i] = w.SucceedBasis(ctx, operator, clause, next) })
	}
	all.Wait()
	done := 0
	for _, err := range results {
		if err == nil {
			done++
		} else if problem.Of(err) == nil || problem.Of(err).Code != "basis-followed" {
			t.Errorf("got %v", err)
		}
	}
	if done != 1 {
		t.Errorf("%d followed", done)
	}
}
