package agreement

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

var operator = auth.Principal{Person: uuid.New(), Name: "Đỗ Văn Me", Memberships: []auth.Membership{{Role: auth.RoleOperator}}}

// aDay is a day off that nothing is wrong with: the Tuesday after now.
func aDay() DayChange {
	return DayChange{DayText{Day: "2026-11-24", Kind: DayOff, TitleVI: "Ngày nghỉ thử", TitleEN: "A day off", Source: "Quyết định thử"}, "Theo quyết định thử"}
}

func TestTheCalendarMovesRunningTerms(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	due := func(g Agreement) string {
		t.Helper()
		got, err := w.Get(ctx, w.steward, g.ID)
		if err != nil {
			t.Fatal(err)
		}
		return dayOf(got.DueAt.Add(-time.Second))
	}
	decided := w.request(t, w.asked())
	if _, err := w.Approve(ctx, w.steward, decided.ID, ""); err != nil {
		t.Fatal(err)
	}
	other := w.asked()
	other.Purpose = "quan-ly"
	open := w.request(t, other)
	if got := due(open); got != "2026-11-25" {
		t.Fatalf("due %s before the change", got)
	}
	kept, err := w.AddDay(ctx, operator, aDay())
	if err != nil || kept.Recount != 1 || kept.Day.Version != 1 || kept.Day.Kind != DayOff {
		t.Fatalf("added %+v, %v", kept, err)
	}
	if got := due(open); got != "2026-11-26" {
		t.Errorf("a day off was added: due %s, want 2026-11-26", got)
	}
	if got := due(decided); got != "2026-11-25" {
		t.Errorf("what was decided moved to %s", got)
	}
	c := aDay()
	c.TitleVI, c.Confirmed, c.Reason = "Ngày nghỉ  đã đọc ", true, "Đã đọc quyết định"
	if kept, err = w.CorrectDay(ctx, operator, c); err != nil || kept.Recount != 0 || kept.Day.Version != 2 || kept.Day.TitleVI != "Ngày nghỉ đã đọc" {
		t.Errorf("corrected %+v, %v", kept, err)
	}
	if kept, err = w.WithdrawDay(ctx, operator, c.Day, "Nhập nhầm ngày"); err != nil || kept.Recount != 1 || due(open) != "2026-11-25" {
		t.Errorf("withdrawn %+v, %v, due %s", kept, err, due(open))
	}
	if kept, err = w.AddDay(ctx, operator, aDay()); err != nil || kept.Day.Version != 4 {
		t.Errorf("added again: %+v, %v", kept, err)
	}
	history, err := w.DayHistory(ctx, operator, c.Day)
	if err != nil {
		t.Fatal(err)
	}
	var whats []string
	for _, entry := range history {
		whats = append(whats, entry.What)
	}
	if want := []string{"added", "withdrawn", "corrected", "added"}; !reflect.DeepEqual(whats, want) || string(history[1].Content) != "null" ||
		history[0].PersonID == nil || *history[0].PersonID != operator.Person || history[1].Reason != "Nhập nhầm ngày" {
		t.Errorf("history %+v", history)
	}
	if got, want := w.verbs()[3:], []string{"holiday.add", "holiday.correct", "holiday.withdraw", "holiday.add"}; !reflect.DeepEqual(got, want) {
		t.Errorf("acts %v, want %v", got, want)
	}
}

func TestADayWorkedInExchangeCounts(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	*w.clock = time.Date(2026, 11, 27, 2, 0, 0, 0, time.UTC) // Friday
	g := w.request(t, w.asked())
	c := aDay()
	c.Day, c.Kind = "2026-11-28", DayWorked
	kept, err := w.AddDay(ctx, operator, c)
	if err != nil || kept.Recount != 1 {
		t.Fatalf("got %+v, %v", kept, err)
	}
	if got, err := w.Get(ctx, w.steward, g.ID); err != nil || dayOf(got.DueAt.Add(-time.Second)) != "2026-11-30" {
		t.Errorf("due %s, %v, want Monday", got.DueAt, err)
	}
}

func TestTheCalendarRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		alter func(c *DayChange)
		want  string
	}{
		{"no day", func(c *DayChange) { c.Day = "" }, "day day-invalid"},
		{"no such day", func(c *DayChange) { c.Day = "2027-02-29" }, "day day-invalid"},
		{"too early", func(c *DayChange) { c.Day = "2019-12-31" }, "day day-out-of-range"},
		{"too late", func(c *DayChange) { c.Day = "2101-01-01" }, "day day-out-of-range"},
		{"a Tuesday worked in exchange", func(c *DayChange) { c.Kind = DayWorked }, "kind day-not-weekend"},
		{"no such kind", func(c *DayChange) { c.Kind = "half" }, "kind day-kind"},
		{"no title", func(c *DayChange) { c.TitleVI = " " }, "title_vi required"},
		{"no English title", func(c *DayChange) { c.TitleEN = "" }, "title_en required"},
		{"title too long", func(c *DayChange) { c.TitleVI = strings.Repeat("x", maxTitle+1) }, "title_vi text-too-long"},
		{"title is no text", func(c *DayChange) { c.TitleEN = "\x00" }, "title_en text-too-long"},
		{"no source", func(c *DayChange) { c.Source = "" }, "source required"},
		{"no reason", func(c *DayChange) { c.Reason = "sai" }, "reason register-reason"},
		{"reason too long", func(c *DayChange) { c.Reason = strings.Repeat("x", maxSource+1) }, "reason register-reason"},
		{"there already", func(c *DayChange) { c.Day = "2027-01-01" }, "day day-taken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(pgtest.Tx(t))
			c := aDay()
			tt.alter(&c)
			_, err := w.AddDay(t.Context(), operator, c)
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
	if _, err := w.CorrectDay(ctx, operator, aDay()); !problem.Is(err, problem.NotFound) {
		t.Errorf("a day that is not there is corrected: %v", err)
	}
	for _, day := range []string{"2026-11-24", "không", ""} {
		if _, err := w.WithdrawDay(ctx, operator, day, "Nhập nhầm ngày"); !problem.Is(err, problem.NotFound) {
			t.Errorf("%q is withdrawn: %v", day, err)
		}
	}
	if _, err := w.WithdrawDay(ctx, operator, "2027-01-01", ""); !problem.Is(err, problem.Invalid) {
		t.Errorf("withdrawn without a reason: %v", err)
	}
	for _, who := range []auth.Principal{{}, w.steward, w.developer} {
		_, added := w.AddDay(ctx, who, aDay())
		_, corrected := w.CorrectDay(ctx, who, aDay())
		_, withdrawn := w.WithdrawDay(ctx, who, "2027-01-01", "Nhập nhầm ngày")
		_, imported := w.ImportDays(ctx, who, []byte("day"), "Nhập nhầm ngày")
		for _, err := range []error{added, corrected, withdrawn, imported} {
			if !problem.Is(err, problem.Forbidden) {
				t.Errorf("%q changes the calendar: %v", who.Name, err)
			}
		}
	}
	if _, err := w.Days(ctx, 2019); !problem.Is(err, problem.Invalid) {
		t.Errorf("days of 2019: %v", err)
	}
}

func TestDaysAreImported(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	g := w.request(t, w.asked())
	file := "\ufeffDay,title_vi,title_en,source,kind,confirmed\r\n" +
		"2026-11-24,Nghỉ thử,A day off,Quyết định thử,off,yes\r\n" +
		"2026-11-28,\"Làm bù, thử\",Worked,Quyết định thử,work,no\r\n" +
		"2027-01-01,Tết Dương lịch,New Year's Day,Đã đọc lịch nghỉ,,1\r\n"
	done, err := w.ImportDays(ctx, operator, []byte(file), "Lịch nghỉ năm sau")
	if want := (DaysImported{Added: 2, Corrected: 1, Recount: 1}); err != nil || done != want {
		t.Fatalf("got %+v, %v, want %+v", done, err, want)
	}
	if got, err := w.Get(ctx, w.steward, g.ID); err != nil || dayOf(got.DueAt.Add(-time.Second)) != "2026-11-26" {
		t.Errorf("due %s, %v", got.DueAt, err)
	}
	if done, err = w.ImportDays(ctx, operator, []byte(file), "Lịch nghỉ năm sau"); err != nil || done != (DaysImported{Same: 3}) {
		t.Errorf("again: %+v, %v", done, err)
	}
	days, err := w.Days(ctx, 2027)
	if err != nil || !days[0].Confirmed || days[0].Version != 2 || days[0].Source != "Đã đọc lịch nghỉ" {
		t.Errorf("corrected: %+v, %v", days[0], err)
	}
}

func TestAnImportSaysWhichLine(t *testing.T) {
	t.Parallel()
	const head = "day,title_vi,title_en,source\n"
	for _, tt := range []struct{ name, file, code, line string }{
		{"empty", "", "days-file-header", "1"},
		{"other columns", "ngay,ten\n", "days-file-header", "1"},
		{"a column twice", "day,day,title_vi,title_en,source\n", "days-file-header", "1"},
		{"a column missing", "day,title_vi,title_en\n2026-11-24,a,b\n", "days-file-header", "1"},
		{"no day", head, "days-file-empty", "2"},
		{"a cell too many", head + "2026-11-24,a,b,c,d\n", "days-file-row", "2"},
		{"a quote open", head + "2026-11-24,\"a,b,c\n", "days-file-row", "2"},
		{"no such day", head + "2026-11-24,a,b,c\n2026-02-30,a,b,c\n", "days-file-value", "3"},
		{"not yes or no", "day,title_vi,title_en,source,confirmed\n2026-11-24,a,b,c,có\n", "days-file-value", "2"},
		{"a day twice", head + "2026-11-24,a,b,c\n2026-11-24,a,b,c\n", "days-file-twice", "3"},
		{"too large", head + strings.Repeat("x", maxDaysFile), "days-file-size", "1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(pgtest.Tx(t))
			_, err := w.ImportDays(t.Context(), operator, []byte(tt.file), "Lịch nghỉ năm sau")
			p := problem.Of(err)
			if !problem.Is(err, problem.Invalid) || p.Code != tt.code || p.Args["line"] != tt.line {
				t.Fatalf("got %v, %+v", err, p)
			}
			if vi := p.Fields[0].Words("vi"); vi == p.Fields[0].Detail || strings.Contains(vi+p.Fields[0].Words("en"), "{") {
				t.Errorf("no words for %s: %q", tt.code, vi)
			}
			if len(*w.acts) != 0 {
				t.Errorf("recorded %v", w.verbs())
			}
		})
	}
}

func FuzzReadDays(f *testing.F) {
	f.Add([]byte("day,title_vi,title_en,source,kind,confirmed\n2026-11-28,a,b,c,work,yes\n"))
	f.Add([]byte("\ufeffsource,title_en,title_vi,day\n\"a\nb\",c,d,2028-02-29\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		days, err := readDays(text)
		if err != nil {
			if !problem.Is(err, problem.Invalid) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if len(days) == 0 || len(days) > maxDays {
			t.Errorf("%q gave %d days", text, len(days))
		}
		for _, d := range days {
			e := problem.Errorf(problem.Invalid, "x")
			if d.check(e); len(e.Fields) > 0 {
				t.Errorf("%q gave %+v: %+v", text, d, e.Fields)
			}
		}
	})
}

// TestNoTermMissesAChange: requests that come in while the calendar changes are
// counted by it, whichever is first.
func TestNoTermMissesAChange(t *testing.T) {
	t.Parallel()
	pool, err := pg.Open(t.Context(), pgtest.NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w, ctx := newWorld(pool), t.Context()
	var both sync.WaitGroup
	purposes, err := w.Purposes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range purposes {
		r := w.asked()
		r.Purpose = p.Code
		both.Go(func() {
			if _, err := w.Request(ctx, w.developer, r); err != nil {
				t.Error(err)
			}
		})
	}
	both.Go(func() {
		if _, err := w.AddDay(ctx, operator, aDay()); err != nil {
			t.Error(err)
		}
	})
	both.Wait()
	list, err := w.Inbox(ctx, w.steward, Filter{Agency: w.agency})
	if err != nil || len(list.Items) != len(purposes) {
		t.Fatalf("%d asked, %v", len(list.Items), err)
	}
	for _, g := range list.Items {
		if got := dayOf(g.DueAt.Add(-time.Second)); got != "2026-11-26" {
			t.Errorf("%s is due %s, want 2026-11-26", g.Purpose, got)
		}
	}
}
