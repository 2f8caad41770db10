package agreement

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// TestConditions: what is approved under conditions is in force as narrowed,
// and what was asked for is read beside it.
func TestConditions(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	r := w.asked()
	r.Operations = []Wanted{{Operation: "danhSach", Fields: []string{"/items/*/ma", "/items/*/ten"}}, {Operation: "tep"}}
	g := w.request(t, r)
	got, err := w.ApproveWith(ctx, w.steward, g.ID, Approval{Text: "Chỉ tên", Conditions: &Conditions{
		Operations: []Wanted{{Operation: "danhSach", Fields: []string{"/items/*/ten"}}}, Ends: "2027-02-28", RatePerMinute: 10, QuotaPerDay: 100, QuotaPerMonth: 500}})
	if err != nil {
		t.Fatal(err)
	}
	granted := (*w.grants)[0]
	if !reflect.DeepEqual(granted.Operations, []Wanted{{Operation: "danhSach", Fields: []string{"/items/*/ten"}}}) || granted.RatePerMinute != 10 ||
		granted.QuotaPerDay != 100 || granted.QuotaPerMonth != 500 || !granted.NotAfter.Equal(ict(2027, 3, 1, 0)) {
		t.Errorf("granted: got %+v", granted)
	}
	review, err := w.Review(ctx, w.developer, g.ID, "vi")
	want := []Difference{{"field", "Danh sách", "Mã", ""}, {"operation", "", "GET /tep", ""}, {"field", "GET /tep", "Toàn bộ câu trả lời", ""},
		{"ends", "", "22/11/2027", "28/02/2027"}, {"rate", "", "60", "10"}, {"day", "", "1000", "100"}, {"month", "", "20000", "500"}}
	if err != nil || !reflect.DeepEqual(review.AgainstAsked, want) {
		t.Errorf("the requester sees: got %+v, want %+v, %v", review.AgainstAsked, want, err)
	}
	if !slices.Contains(*w.notices, "approved-narrower false") || got.State != Active || got.Purpose != g.Purpose {
		t.Errorf("got %+v, letters %v", got, *w.notices)
	}
	if detail := (*w.acts)[len(*w.acts)-1].Detail; detail["rate_per_minute"] != 10 || detail["ends"] != "2027-02-28" {
		t.Errorf("ledger: got %v", detail)
	}
}

func TestConditionsOnlyNarrow(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	g := w.request(t, w.asked())
	for _, tt := range []struct {
		name, field, code string
		given             Conditions
	}{
		{"another operation", "operations", "operation-not-offered", Conditions{Operations: []Wanted{{Operation: "tep"}}}},
		{"another field", "operations", "field-not-offered", Conditions{Operations: []Wanted{{Operation: "danhSach", Fields: []string{"/items/*/ten"}}}}},
		{"no operation", "operations", "operations-count", Conditions{Operations: []Wanted{}}},
		{"no field", "operations", "fields-missing", Conditions{Operations: []Wanted{{Operation: "danhSach"}}}},
		{"longer", "ends", "condition-ends", Conditions{Ends: "2027-11-23"}},
		{"over", "ends", "condition-ends", Conditions{Ends: "2026-11-22"}},
		{"no day", "ends", "day-invalid", Conditions{Ends: "2027-02-29"}},
		{"faster", "rate_per_minute", "condition-limit", Conditions{RatePerMinute: 61}},
		{"more a day", "quota_per_day", "condition-limit", Conditions{QuotaPerDay: 1001}},
		{"more a month", "quota_per_month", "condition-limit", Conditions{QuotaPerMonth: 20_001}},
		{"fewer than none", "rate_per_minute", "condition-limit", Conditions{RatePerMinute: -1}},
	} {
		if _, err := w.ApproveWith(ctx, w.steward, g.ID, Approval{Conditions: &tt.given}); !hasWrong(err, tt.field, tt.code) {
			t.Errorf("%s: got %v, want %s at %s", tt.name, err, tt.code, tt.field)
		}
	}
	if len(*w.grants) != 0 {
		t.Error("the gateway heard of it")
	}
	if got, err := w.ApproveWith(ctx, w.steward, g.ID, Approval{Conditions: &Conditions{}}); err != nil || !reflect.DeepEqual(got.Terms(), g.Terms()) {
		t.Errorf("no condition at all: got %+v, %v", got, err)
	}
}

// TestTimeOvertakesARequest: its clause is withdrawn, its application goes out
// of service, its text changed since it was read.
func TestTimeOvertakesARequest(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	g := w.request(t, w.asked())
	if _, err := w.ApproveWith(ctx, w.steward, g.ID, Approval{Revision: 2}); problem.Code(err) != "changed-meanwhile" {
		t.Errorf("read another revision: got %v", err)
	}
	if _, err := w.DB.Exec(ctx, `update agreement.legal_basis set valid_to = '2026-11-22' where id = $1`, g.LegalBasis); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); problem.Code(err) != "basis-over" {
		t.Errorf("its clause is withdrawn: got %v", err)
	}
	if _, err := w.Refuse(ctx, w.steward, g.ID, Refusal{"Hết căn cứ", g.LegalBasis}); problem.Code(err) != "refusal-invalid" {
		t.Errorf("refused by a withdrawn clause: got %v", err)
	}
	if _, err := w.DB.Exec(ctx, `update agreement.legal_basis set valid_to = '2026-11-23' where id = $1`, g.LegalBasis); err != nil {
		t.Fatal(err)
	}
	applicant := w.Applicant
	for name, answer := range map[string]func() (Applicant, error){
		"disabled": func() (Applicant, error) { return Applicant{Disabled: true}, nil },
		"deleted":  func() (Applicant, error) { return Applicant{}, problem.Errorf(problem.NotFound, "no application") },
	} {
		w.Applicant = func(_ context.Context, _ uuid.UUID) (Applicant, error) { return answer() }
		if _, err := w.Approve(ctx, w.steward, g.ID, ""); problem.Code(err) != "application-gone" {
			t.Errorf("its application is %s: got %v", name, err)
		}
	}
	broken := errors.New("away")
	w.Applicant = func(context.Context, uuid.UUID) (Applicant, error) { return Applicant{}, broken }
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); !errors.Is(err, broken) {
		t.Errorf("not known whether it is: got %v", err)
	}
	w.Applicant = applicant
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
		t.Errorf("on the last day of its clause: %v", err)
	}
}

// TestTheApplicationGoes: its requests and agreements end with it.
func TestTheApplicationGoes(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	running := w.request(t, w.asked())
	if _, err := w.Approve(ctx, w.steward, running.ID, ""); err != nil {
		t.Fatal(err)
	}
	r := w.asked()
	r.Purpose = "thong-ke"
	open := w.request(t, r)
	*w.notices = nil
	if err := w.EndOf(ctx, w.tx(t), w.developer, w.application); err != nil {
		t.Fatal(err)
	}
	for _, id := range []uuid.UUID{running.ID, open.ID} {
		if g, err := w.Get(ctx, w.steward, id); err != nil || g.State != Ended {
			t.Errorf("got %s, %v", g.State, err)
		}
	}
	if last := (*w.grants)[len(*w.grants)-1]; last.AgreementID != running.ID || last.State != Ended || len(*w.grants) != 2 {
		t.Errorf("grants: got %+v", *w.grants)
	}
	if want := []string{"application-gone true", "application-gone true"}; !reflect.DeepEqual(*w.notices, want) {
		t.Errorf("letters: got %v", *w.notices)
	}
	if _, err := w.Approve(ctx, w.steward, open.ID, ""); problem.Code(err) != "not-while-ended" {
		t.Errorf("approved after: got %v", err)
	}
}

// second is another steward of the agency.
func (w world) second() auth.Principal {
	who := auth.Principal{Person: uuid.New(), Name: "Trần Thị Na", Memberships: w.steward.Memberships}
	w.names[who.Person] = who.Name
	w.holders["steward"] = append(w.holders["steward"], who.Person)
	return who
}

// demandTwo has the agency want two persons, and gives a request for personal data.
func (w world) demandTwo(t *testing.T) Agreement {
	t.Helper()
	if _, err := w.SetRules(t.Context(), w.steward, w.agency, Rules{TwoPersons: true, ConfirmMonths: 12}); err != nil {
		t.Fatal(err)
	}
	r := w.asked()
	r.Operations = append(r.Operations, Wanted{Operation: "chiTiet", Fields: []string{"/hoTen"}})
	return w.request(t, r)
}

func TestTwoPersons(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	second := w.second()
	g := w.demandTwo(t)
	first, err := w.ApproveWith(ctx, w.steward, g.ID, Approval{Text: "Đồng ý", Conditions: &Conditions{Ends: "2027-05-31"}})
	if err != nil || first.State != Requested || first.FirstTerms == nil || *first.FirstBy != w.steward.Person || first.Ends != g.Ends {
		t.Fatalf("the first: got %+v, %v", first, err)
	}
	if len(*w.grants) != 0 {
		t.Fatal("the gateway heard of the first approval")
	}
	for name, tt := range map[string]struct {
		who  auth.Principal
		yes  Approval
		code string
	}{
		"the same person again":           {w.steward, Approval{Revision: first.Revision}, "second-person"},
		"the second has not said what":    {second, Approval{}, "revision-missing"},
		"the second read it before":       {second, Approval{Revision: g.Revision}, "changed-meanwhile"},
		"the second asks for it to widen": {second, Approval{Revision: first.Revision, Conditions: &Conditions{Ends: "2027-11-23"}}, "conditions-invalid"},
	} {
		if _, err := w.ApproveWith(ctx, tt.who, g.ID, tt.yes); problem.Code(err) != tt.code {
			t.Errorf("%s: got %v, want %s", name, err, tt.code)
		}
	}
	got, err := w.ApproveWith(ctx, second, g.ID, Approval{Revision: first.Revision})
	if err != nil || got.State != Active || got.Ends != "2027-05-31" || *got.FirstBy != w.steward.Person || *got.DecidedBy != second.Person || got.FirstTerms != nil {
		t.Errorf("the second: got %+v, %v", got, err)
	}
	if want := []string{"requested true", "approved-first true", "approved-narrower false"}; !reflect.DeepEqual(*w.notices, want) {
		t.Errorf("letters: got %v, want %v", *w.notices, want)
	}
	if !slices.Contains(w.verbs(), "agreement.approve-first") {
		t.Errorf("ledger: got %v", w.verbs())
	}
}

// TestOtherConditionsAreAFirstApproval: whoever changes what is approved has
// not approved it as a second.
func TestOtherConditionsAreAFirstApproval(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	second := w.second()
	g := w.demandTwo(t)
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	other, err := w.ApproveWith(ctx, second, g.ID, Approval{Revision: 2, Conditions: &Conditions{RatePerMinute: 5}})
	if err != nil || other.State != Requested || *other.FirstBy != second.Person {
		t.Fatalf("other conditions: got %+v, %v", other, err)
	}
	if got, err := w.ApproveWith(ctx, w.steward, g.ID, Approval{Revision: 3}); err != nil || got.State != Active || got.RatePerMinute != 5 {
		t.Errorf("the first is the second now: got %+v, %v", got, err)
	}
}

// TestAnAmendmentVoidsTheFirst: the first of two approved something else.
func TestAnAmendmentVoidsTheFirst(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	second := w.second()
	g := w.demandTwo(t)
	if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Ask(ctx, second, g.ID, "Cần cả họ tên?"); err != nil {
		t.Fatal(err)
	}
	amended := w.asked()
	amended.Operations = []Wanted{{Operation: "chiTiet", Fields: []string{"/hoTen"}}}
	got, err := w.Answer(ctx, w.developer, g.ID, Reply{Text: "Chỉ họ tên", Amended: &amended})
	if err != nil || got.FirstBy != nil || got.FirstTerms != nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	if got, err = w.ApproveWith(ctx, second, g.ID, Approval{Revision: got.Revision}); err != nil || got.State != Requested {
		t.Errorf("the second is the first now: got %+v, %v", got, err)
	}
}

// TestOnlyPersonalDataNeedsTwo, and what a condition takes it out of needs one.
func TestOnlyPersonalDataNeedsTwo(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	g := w.demandTwo(t)
	if got, err := w.ApproveWith(ctx, w.steward, g.ID, Approval{Conditions: &Conditions{Operations: []Wanted{{Operation: "danhSach", Fields: []string{"/items/*/ma"}}}}}); err != nil || got.State != Active {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestTwoPersonsStay: nobody gets round the rule by changing it.
func TestTwoPersonsStay(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	w.demandTwo(t)
	if _, err := w.SetRules(ctx, w.steward, w.agency, Rules{ConfirmMonths: 12}); problem.Code(err) != "two-persons-stay" {
		t.Errorf("the steward: got %v", err)
	}
	if _, err := w.SetRules(ctx, w.developer, w.agency, Rules{ConfirmMonths: 12}); !problem.Is(err, problem.Forbidden) {
		t.Errorf("a developer: got %v", err)
	}
	for _, months := range []int{0, 25} {
		if _, err := w.SetRules(ctx, w.steward, w.agency, Rules{TwoPersons: true, ConfirmMonths: months}); problem.Code(err) != "rules-invalid" {
			t.Errorf("%d months: got %v", months, err)
		}
	}
	operator := auth.Principal{Person: uuid.New(), Name: "Vận hành", Memberships: []auth.Membership{{Role: "operator"}}}
	may := w.May
	w.May = func(ctx context.Context, who auth.Principal, act string, of uuid.UUID) error {
		if act == "agency.edit" && who.Has("operator", of) {
			return nil
		}
		return may(ctx, who, act, of)
	}
	if _, err := w.SetRules(ctx, operator, w.agency, Rules{ConfirmMonths: 6}); err != nil {
		t.Errorf("the operator: %v", err)
	}
	if got, err := w.RulesOf(ctx, w.steward, w.agency); err != nil || got != (Rules{ConfirmMonths: 6}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := w.RulesOf(ctx, w.developer, w.agency); !problem.Is(err, problem.Forbidden) {
		t.Errorf("a developer reads: got %v", err)
	}
}

// TestTwoStewardsApproveAtOnce where two are needed: one is the first, and the
// other's, who read what was there before, is refused.
func TestTwoStewardsApproveAtOnce(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.New(t)), t.Context()
	second := w.second()
	g := w.demandTwo(t)
	var lock sync.Mutex
	var wait sync.WaitGroup
	record := w.Record
	w.Record = func(ctx context.Context, tx pgx.Tx, act auth.Act) error {
		lock.Lock()
		defer lock.Unlock()
		return record(ctx, tx, act)
	}
	notify := w.Notify
	w.Notify = func(ctx context.Context, tx pgx.Tx, n Notice) error {
		lock.Lock()
		defer lock.Unlock()
		return notify(ctx, tx, n)
	}
	errs := make([]error, 2)
	for i, who := range []auth.Principal{w.steward, second} {
		wait.Go(func() { _, errs[i] = w.ApproveWith(ctx, who, g.ID, Approval{Revision: g.Revision}) })
	}
	wait.Wait()
	refused := 0
	for _, err := range errs {
		if problem.Code(err) == "changed-meanwhile" {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	got, err := w.Get(ctx, w.steward, g.ID)
	if err != nil || refused != 1 || got.State != Requested || got.FirstBy == nil || len(*w.grants) != 0 {
		t.Errorf("refused %d, got %+v, %v", refused, got, err)
	}
}

// tx is the test's transaction.
func (w world) tx(t *testing.T) pgx.Tx {
	t.Helper()
	tx, ok := w.DB.(pgx.Tx)
	if !ok {
		t.Fatal("not in a transaction")
	}
	return tx
}
