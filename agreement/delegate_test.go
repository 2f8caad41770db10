package agreement

import (
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// colleague is a publisher of the agency.
func (w world) colleague() auth.Principal {
	who := auth.Principal{Person: uuid.New(), Name: "Bùi Văn Xoài", Memberships: []auth.Membership{{Agency: w.agency, Role: "publisher"}}}
	w.names[who.Person] = who.Name
	w.holders["publisher"] = append(w.holders["publisher"], who.Person)
	return who
}

func (w world) delegated(t *testing.T, to auth.Principal, starts, ends string) Delegation {
	t.Helper()
	d, err := w.Delegate(t.Context(), w.steward, w.agency, NewDelegation{ToID: to.Person, Starts: starts, Ends: ends, Reason: "Nghỉ phép"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDelegation: a colleague decides in a steward's place, on its days only,
// and every decision says so.
func TestDelegation(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	colleague := w.colleague()
	g := w.request(t, w.asked())
	if _, err := w.Approve(ctx, colleague, g.ID, ""); !problem.Is(err, problem.Forbidden) {
		t.Fatalf("not delegated: got %v", err)
	}
	w.delegated(t, colleague, "2026-11-24", "2026-11-24")
	for at, allowed := range map[int]bool{23: false, 24: true, 25: false} {
		*w.clock = ict(2026, 11, at, 0)
		if err := w.MayDecide(ctx, colleague, g); (err == nil) != allowed {
			t.Errorf("at the first moment of the %dth: got %v", at, err)
		}
		*w.clock = ict(2026, 11, at, 24).Add(-1)
		if err := w.MayDecide(ctx, colleague, g); (err == nil) != allowed {
			t.Errorf("at the last moment of the %dth: got %v", at, err)
		}
	}
	*w.clock = ict(2026, 11, 24, 9)
	if _, err := w.Approve(ctx, colleague, g.ID, "Thay anh Mít"); err != nil {
		t.Fatal(err)
	}
	history, err := w.History(ctx, w.developer, g.ID)
	last := history[len(history)-1]
	if err != nil || last.Name != colleague.Name || last.ForName != w.steward.Name || last.ForID == nil || *last.ForID != w.steward.Person {
		t.Errorf("history: got %+v, %v", last, err)
	}
	if act := (*w.acts)[len(*w.acts)-1]; act.Who.Person != colleague.Person || act.Detail["in_place_of"] != w.steward.Person {
		t.Errorf("ledger: got %+v", act)
	}
	if err := ForgetPerson(ctx, w.tx(t), w.steward.Person, nil); err != nil {
		t.Fatal(err)
	}
	if history, err = w.History(ctx, w.developer, g.ID); err != nil || history[1].ForName != auth.Deleted {
		t.Errorf("a deleted account: got %+v, %v", history[1], err)
	}
}

// TestDelegationEnds with the steward's role, the colleague's membership, and
// when it is taken back.
func TestDelegationEnds(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	colleague := w.colleague()
	g := w.request(t, w.asked())
	d := w.delegated(t, colleague, "2026-11-23", "2027-02-20")
	stewards := w.holders["steward"]
	w.holders["steward"] = nil
	if err := w.MayDecide(ctx, colleague, g); !problem.Is(err, problem.Forbidden) {
		t.Errorf("its steward is none any more: got %v", err)
	}
	w.holders["steward"] = stewards
	moved := colleague
	moved.Memberships = []auth.Membership{{Agency: uuid.New(), Role: "publisher"}}
	if err := w.MayDecide(ctx, moved, g); !problem.Is(err, problem.Forbidden) {
		t.Errorf("the colleague has left: got %v", err)
	}
	if _, err := w.Delegate(ctx, colleague, w.agency, NewDelegation{ToID: w.steward.Person, Starts: "2026-11-23", Ends: "2026-11-23"}); !problem.Is(err, problem.Forbidden) {
		t.Errorf("delegated on: got %v", err)
	}
	for _, who := range []auth.Principal{w.developer, w.other} {
		if _, err := w.TakeBack(ctx, who, d.ID); problem.Code(err) != "delegation-unknown" {
			t.Errorf("%s takes it back: got %v", who.Name, err)
		}
	}
	if list, err := w.Delegations(ctx, colleague, w.agency); err != nil || len(list) != 1 || list[0].Reason != "Nghỉ phép" {
		t.Errorf("list: got %+v, %v", list, err)
	}
	if _, err := w.Delegations(ctx, w.developer, w.agency); !problem.Is(err, problem.Forbidden) {
		t.Errorf("a developer lists: got %v", err)
	}
	if _, err := w.TakeBack(ctx, colleague, d.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.TakeBack(ctx, w.steward, d.ID); problem.Code(err) != "delegation-over" {
		t.Errorf("taken back twice: got %v", err)
	}
	if err := w.MayDecide(ctx, colleague, g); !problem.Is(err, problem.Forbidden) {
		t.Errorf("taken back: got %v", err)
	}
	if _, err := w.TakeBack(ctx, w.steward, uuid.New()); problem.Code(err) != "delegation-unknown" {
		t.Errorf("none: got %v", err)
	}
}

func TestDelegateRefuses(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	colleague := w.colleague()
	for _, tt := range []struct {
		name, field, code string
		n                 NewDelegation
	}{
		{"themselves", "to_id", "colleague-unknown", NewDelegation{ToID: w.steward.Person, Starts: "2026-11-23", Ends: "2026-11-23"}},
		{"a stranger", "to_id", "colleague-unknown", NewDelegation{ToID: w.other.Person, Starts: "2026-11-23", Ends: "2026-11-23"}},
		{"no first day", "starts", "day-invalid", NewDelegation{ToID: colleague.Person, Ends: "2026-11-23"}},
		{"no last day", "ends", "day-invalid", NewDelegation{ToID: colleague.Person, Starts: "2027-02-01", Ends: "2027-02-29"}},
		{"backwards", "ends", "ends-before-starts", NewDelegation{ToID: colleague.Person, Starts: "2026-11-24", Ends: "2026-11-23"}},
		{"over", "ends", "ends-past", NewDelegation{ToID: colleague.Person, Starts: "2026-11-20", Ends: "2026-11-22"}},
		{"91 days", "ends", "away-too-long", NewDelegation{ToID: colleague.Person, Starts: "2026-11-23", Ends: "2027-02-21"}},
		{"a control character", "reason", "words-too-long", NewDelegation{ToID: colleague.Person, Starts: "2026-11-23", Ends: "2026-11-23", Reason: "\x00"}},
	} {
		if _, err := w.Delegate(ctx, w.steward, w.agency, tt.n); !hasWrong(err, tt.field, tt.code) {
			t.Errorf("%s: got %v, want %s at %s", tt.name, err, tt.code, tt.field)
		}
	}
}

// TestTwoPersonsAreTwo whoever acts in whose place, and nobody decides in the
// place of who asked.
func TestTwoPersonsAreTwo(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	colleague := w.colleague()
	w.delegated(t, colleague, "2026-11-23", "2026-11-30")
	g := w.demandTwo(t)
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ApproveWith(ctx, colleague, g.ID, Approval{Revision: 2}); problem.Code(err) != "second-person" {
		t.Errorf("in the place of the first: got %v", err)
	}
	r := w.asked()
	r.Purpose, r.Operations = "thong-ke", []Wanted{{Operation: "chiTiet", Fields: []string{"/hoTen"}}}
	g = w.request(t, r)
	if got, err := w.Approve(ctx, colleague, g.ID, ""); err != nil || got.FirstFor == nil || *got.FirstFor != w.steward.Person {
		t.Fatalf("the colleague first: got %+v, %v", got, err)
	}
	if _, err := w.ApproveWith(ctx, w.steward, g.ID, Approval{Revision: 2}); problem.Code(err) != "second-person" {
		t.Errorf("whose place it was: got %v", err)
	}
	if _, err := w.DB.Exec(ctx, `update agreement.agreement set requester_id = $2 where id = $1`, g.ID, w.steward.Person); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Refuse(ctx, colleague, g.ID, Refusal{"Không", "nd-194-2025-d16"}); !problem.Is(err, problem.Forbidden) {
		t.Errorf("in the place of who asked: got %v", err)
	}
}
