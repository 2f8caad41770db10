package upstream

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestProbes: an address that is not well gets no calls, not even a trial,
// until it is; what calls say of it holds beside that.
func TestProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, changes := newPool(t, 1, 1)
		const every = 10 * time.Second
		ask := func(well ...bool) { // of a; b is well
			for _, is := range well {
				due := p.Due(every)
				if len(due) != 2 || len(p.Due(every)) != 0 {
					t.Fatalf("due: %v", due)
				}
				p.Probed(0, is)
				p.Probed(1, true)
				time.Sleep(every)
			}
		}
		ask(false, false, true, false, false)
		if got := calls(p, 4, ""); got != "baba" {
			t.Errorf("not sick yet: %s", got)
		}
		ask(false)
		if got := calls(p, 4, ""); got != "bbbb" {
			t.Errorf("sick: %s", got)
		}
		if got := p.Standings(); len(got) != 2 || !got[0].Out || got[1].Out || got[0].Until.IsZero() {
			t.Errorf("standings: %+v", got)
		}
		ask(true, false, true)
		if got := calls(p, 2, ""); got != "bb" {
			t.Errorf("well only once: %s", got)
		}
		ask(true)
		if got := calls(p, 4, ""); got != "baba" {
			t.Errorf("well again: %s", got)
		}
		ask(false, false, false)
		_ = calls(p, failuresOfLast, "b") // the other one by calls
		if got := calls(p, 2, ""); got != "--" {
			t.Errorf("none is left: %s", got)
		}
		if wait := p.Wait(); wait != time.Second {
			t.Errorf("wait %s, want the time out of b", wait)
		}
		time.Sleep(time.Hour)
		if got := calls(p, 2, ""); got != "bb" {
			t.Errorf("a trial of what answers, none of what is sick: %s", got)
		}
		if got := fmt.Sprint(*changes); got != "[{a false 1} {a true 2} {a false 1} {b false 0} {b true 1}]" {
			t.Errorf("told %s", got)
		}
	})
}

// TestProbedWhileOut: both have to be over before calls go there.
func TestProbedWhileOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, changes := newPool(t, 1)
		_ = calls(p, failuresOfLast, "a")
		for range sickAfter {
			time.Sleep(time.Minute)
			p.Due(time.Minute)
			p.Probed(0, false)
		}
		if got := calls(p, 1, ""); got != "-" {
			t.Errorf("out and sick: %s", got)
		}
		for range wellAfter {
			time.Sleep(time.Minute)
			p.Due(time.Minute)
			p.Probed(0, true)
		}
		if got := calls(p, 1, ""); got != "a" { // a trial
			t.Errorf("out: %s", got)
		}
		if got := fmt.Sprint(*changes); got != "[{a false 0} {a true 1}]" {
			t.Errorf("told %s", got)
		}
	})
}
