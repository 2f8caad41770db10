package agreement

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func ict(year int, month time.Month, day, hour int) time.Time {
	return time.Date(year, month, day, hour, 0, 0, 0, vietnam()).UTC()
}

// TestAskedAndAnswered: a request waits for its answer, its clock stands still,
// and what is amended is read beside what was asked for first.
func TestAskedAndAnswered(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	g := w.request(t, w.asked()) // on Monday 23 November, due at the end of Wednesday
	asked, err := w.Ask(ctx, w.steward, g.ID, " Vì sao cần mã? ")
	if err != nil || asked.WaitsSince == nil || asked.State != Requested || asked.Revision != 2 {
		t.Fatalf("asked: got %+v, %v", asked, err)
	}
	if _, err := w.Ask(ctx, w.steward, g.ID, "Còn nữa?"); problem.Code(err) != "question-waits" {
		t.Errorf("a second question: got %v", err)
	}
	*w.clock = ict(2026, 11, 30, 9) // a week later
	if list, err := w.WaitingRequests(ctx, w.steward, WaitingFilter{Agency: w.agency, Overdue: true}); err != nil || len(list.Items) != 0 {
		t.Errorf("in the list of what is overdue: %v, %v", list.Items, err)
	}
	if s, err := w.Summary(ctx, asked, "vi"); err != nil || s.Overdue {
		t.Errorf("overdue while the requester has to answer: %v, %v", s.Overdue, err)
	}
	amended := w.asked()
	amended.Operations, amended.RetentionDays, amended.Purpose = []Wanted{{Operation: "danhSach", Fields: []string{"/items/*/ten"}}}, new(30), "thong-ke"
	got, err := w.Answer(ctx, w.developer, g.ID, Reply{Text: "Chỉ cần tên.", Amended: &amended})
	if err != nil {
		t.Fatal(err)
	}
	if want := ict(2026, 12, 3, 0); got.WaitsSince != nil || !got.DueAt.Equal(want) { // two working days after Monday
		t.Errorf("answered: due %s, want %s, waits %v", got.DueAt, want, got.WaitsSince)
	}
	if got.Operations[0].Fields[0].Path != "/items/*/ten" || *got.RetentionDays != 30 || got.Purpose != "thong-ke" || !got.RequestedAt.Equal(g.RequestedAt) {
		t.Errorf("amended: got %+v", got)
	}
	review, err := w.Review(ctx, w.steward, g.ID, "vi")
	if err != nil || len(review.AgainstAsked) != 4 {
		t.Errorf("against what was asked first: got %+v, %v", review.AgainstAsked, err)
	}
	history, err := w.History(ctx, w.developer, g.ID)
	said := []string{}
	for _, e := range history {
		said = append(said, e.What+" "+e.Text)
	}
	if want := []string{"requested ", "asked Vì sao cần mã?", "amended Chỉ cần tên."}; err != nil || !reflect.DeepEqual(said, want) {
		t.Errorf("history: got %q, want %q, %v", said, want, err)
	}
	if want := []string{"requested true", "asked false", "amended true"}; !reflect.DeepEqual(*w.notices, want) {
		t.Errorf("letters: got %q, want %q", *w.notices, want)
	}
	if want := []string{"agreement.request", "agreement.ask", "agreement.answer"}; !reflect.DeepEqual(w.verbs(), want) {
		t.Errorf("ledger: got %q", w.verbs())
	}
	if len(*w.grants) != 0 {
		t.Error("the gateway heard of a request")
	}
}

func TestAskingIsRefused(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	g := w.request(t, w.asked())
	other := w.asked()
	other.VersionID = w.agency
	wrong := w.asked()
	wrong.Ends = "2020-01-01"
	for name, tt := range map[string]struct {
		do   func() (Agreement, error)
		code string
	}{
		"the requester asks":   {func() (Agreement, error) { return w.Ask(ctx, w.developer, g.ID, "Sao?") }, "forbidden"},
		"a stranger asks":      {func() (Agreement, error) { return w.Ask(ctx, w.other, g.ID, "Sao?") }, "agreement-unknown"},
		"nothing is asked":     {func() (Agreement, error) { return w.Ask(ctx, w.steward, g.ID, " ") }, "question-invalid"},
		"too much is asked":    {func() (Agreement, error) { return w.Ask(ctx, w.steward, g.ID, strings.Repeat("a", 2001)) }, "refusal-invalid"},
		"an answer to nothing": {func() (Agreement, error) { return w.Answer(ctx, w.developer, g.ID, Reply{Text: "Vì"}) }, "no-question"},
		"the steward answers":  {func() (Agreement, error) { return w.Answer(ctx, w.steward, g.ID, Reply{Text: "Vì"}) }, "not-asked"},
		"a stranger answers":   {func() (Agreement, error) { return w.Answer(ctx, w.other, g.ID, Reply{Text: "Vì"}) }, "agreement-unknown"},
		"an empty answer":      {func() (Agreement, error) { return w.Answer(ctx, w.developer, g.ID, Reply{Text: "\n"}) }, "question-invalid"},
		"of another version": {func() (Agreement, error) {
			return w.Answer(ctx, w.developer, g.ID, Reply{Text: "Vì", Amended: &other})
		}, "request-invalid"},
		"amended wrongly": {func() (Agreement, error) {
			return w.Answer(ctx, w.developer, g.ID, Reply{Text: "Vì", Amended: &wrong})
		}, "request-invalid"},
	} {
		if _, err := tt.do(); err == nil || problem.Code(err) != tt.code {
			t.Errorf("%s: got %v, want %q", name, err, tt.code)
		}
	}
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Ask(ctx, w.steward, g.ID, "Sao?"); problem.Code(err) != "not-while-active" {
		t.Errorf("asked of what is decided: got %v", err)
	}
}

// TestAmendedIntoAnother: a request cannot become one that waits already.
func TestAmendedIntoAnother(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	first := w.request(t, w.asked())
	second := w.asked()
	second.Purpose = "thong-ke"
	w.request(t, second)
	if _, err := w.Ask(ctx, w.steward, first.ID, "Để làm gì?"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Answer(ctx, w.developer, first.ID, Reply{Text: "Thống kê", Amended: &second}); problem.Code(err) != "already-requested" {
		t.Errorf("got %v", err)
	}
}

// TestDecidedWhileItWaits: the steward need not wait for the answer.
func TestDecidedWhileItWaits(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	g := w.request(t, w.asked())
	if _, err := w.Ask(ctx, w.steward, g.ID, "Sao?"); err != nil {
		t.Fatal(err)
	}
	got, err := w.Approve(ctx, w.steward, g.ID, "")
	if err != nil || got.State != Active || got.WaitsSince != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAfterWait(t *testing.T) {
	t.Parallel()
	c := calendar{off: map[string]bool{"2026-11-24": true}} // Tuesday
	for _, tt := range []struct {
		name                 string
		due, asked, answered time.Time
		want                 time.Time
	}{
		{"within a day", ict(2026, 11, 26, 0), ict(2026, 11, 23, 9), ict(2026, 11, 23, 16), ict(2026, 11, 26, 0)},
		{"both days are left", ict(2026, 11, 27, 0), ict(2026, 11, 23, 9), ict(2026, 12, 7, 9), ict(2026, 12, 10, 0)}, // Wednesday and Thursday were left
		{"one is left", ict(2026, 11, 26, 0), ict(2026, 11, 23, 9), ict(2026, 12, 7, 9), ict(2026, 12, 9, 0)},         // a holiday between
		{"on the last day", ict(2026, 11, 26, 0), ict(2026, 11, 25, 23), ict(2026, 11, 26, 1), ict(2026, 11, 28, 0)},
		{"before midnight, after midnight", ict(2026, 11, 26, 0), ict(2026, 11, 25, 0).Add(-time.Second), ict(2026, 11, 25, 0), ict(2026, 11, 27, 0)},
		{"answered on a Saturday", ict(2026, 11, 28, 0), ict(2026, 11, 26, 9), ict(2026, 12, 5, 9), ict(2026, 12, 8, 0)},
	} {
		if got := c.afterWait(tt.due, tt.asked, tt.answered); !got.Equal(tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, got.In(vietnam()), tt.want.In(vietnam()))
		}
	}
}

// TestAQuestionDoesNotStopTheLaw, nor heals what is late.
func TestAQuestionDoesNotStopTheLaw(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	late := w.request(t, w.asked())
	r := w.asked()
	r.Purpose = "thong-ke"
	law := w.request(t, r)
	if _, err := w.DB.Exec(ctx, `update agreement.legal_basis set confirmed = true where clock = 'decide'`); err != nil {
		t.Fatal(err)
	}
	if g, err := w.Ask(ctx, w.steward, law.ID, "Sao?"); err != nil || g.DueWas != nil || !g.DueAt.Equal(law.DueAt) {
		t.Errorf("confirmed law: got %+v, %v", g, err)
	}
	if _, err := w.DB.Exec(ctx, `update agreement.legal_basis set confirmed = false where clock = 'decide'`); err != nil {
		t.Fatal(err)
	}
	*w.clock = late.DueAt
	g, err := w.Ask(ctx, w.steward, late.ID, "Sao?")
	if err != nil || g.DueWas != nil || !g.DueAt.Equal(late.DueAt) {
		t.Errorf("late: got %+v, %v", g, err)
	}
	if g, err = w.Answer(ctx, w.developer, late.ID, Reply{Text: "Vì"}); err != nil || !g.DueAt.Equal(late.DueAt) {
		t.Errorf("late, answered: got %+v, %v", g, err)
	}
}
