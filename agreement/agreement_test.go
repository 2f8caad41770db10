package agreement

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// now is a Monday morning in Vietnam.
var now = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

// world is the rooms around, as closures that keep what they were told.
type world struct {
	*Agreements
	developer, steward, other auth.Principal
	application, version      uuid.UUID
	agency                    uuid.UUID
	offer                     *Offer
	clock                     *time.Time
	names                     map[uuid.UUID]string   // of persons, as auth has them
	holders                   map[string][]uuid.UUID // of roles in the agency
	acts                      *[]auth.Act
	grants                    *[]Granted
	notices                   *[]string
}

func newWorld(db pg.DB) world {
	agency, clock := uuid.New(), now
	w := world{
		developer: auth.Principal{Person: uuid.New(), Name: "Phạm Thị Đào"}, other: auth.Principal{Person: uuid.New(), Name: "Vũ Văn Ổi"},
		steward:     auth.Principal{Person: uuid.New(), Name: "Lê Văn Mít", Memberships: []auth.Membership{{Agency: agency, Role: "steward"}}},
		application: uuid.New(), version: uuid.New(), agency: agency, clock: &clock,
		acts: &[]auth.Act{}, grants: &[]Granted{}, notices: &[]string{},
	}
	w.names, w.holders = map[uuid.UUID]string{}, map[string][]uuid.UUID{"steward": {w.steward.Person}}
	for _, who := range []auth.Principal{w.developer, w.steward, w.other} {
		w.names[who.Person] = who.Name
	}
	w.offer = &Offer{
		VersionID: w.version, AgencyID: agency, ServiceVI: "Người có công v1", ServiceEN: "Merit people v1", State: "published",
		Plan: "chuan", RatePerMinute: 60, QuotaPerDay: 1000, QuotaPerMonth: 20_000, Decision: "approval",
		Operations: []Operation{
			{ID: "danhSach", Method: "GET", Path: "/danh-sach", TitleVI: "Danh sách", TitleEN: "List", Access: "restricted",
				Fields: []Field{{"/items/*/ma", "Mã", "Code"}, {"/items/*/ten", "Tên", "Name"}}},
			{ID: "chiTiet", Method: "GET", Path: "/chi-tiet/{so}", TitleVI: "Chi tiết", Access: "personal", Fields: []Field{{"/hoTen", "Họ tên", "Full name"}}},
			{ID: "tep", Method: "GET", Path: "/tep", Access: "restricted"},
		},
	}
	w.Agreements = &Agreements{
		DB: db, Now: func() time.Time { return *w.clock },
		May: func(_ context.Context, who auth.Principal, act string, of uuid.UUID) error {
			reads := act == "agreement.read" && (who.Has("auditor", of) || who.Has("publisher", of))
			if who.Has("steward", of) && of != uuid.Nil && act != "agency.edit" || reads || who.Has("operator", of) && act != "agreement.decide" {
				return nil
			}
			return problem.Errorf(problem.Forbidden, "%s refused", act)
		},
		Offer: func(_ context.Context, id uuid.UUID) (Offer, error) {
			if id != w.version {
				return Offer{}, problem.Errorf(problem.NotFound, "no version")
			}
			return *w.offer, nil
		},
		Applicant: func(_ context.Context, id uuid.UUID) (Applicant, error) {
			return Applicant{ApplicationID: id, Name: "Ứng dụng xã", OwnerName: "Phạm Thị Đào", OwnerPerson: w.developer.Person}, nil
		},
		OwnsApplication: func(_ context.Context, who auth.Principal, id uuid.UUID) error {
			if who.Person == w.developer.Person && id == w.application {
				return nil
			}
			return problem.Errorf(problem.NotFound, "no application")
		},
		WorksOn: func(_ context.Context, who auth.Principal, id uuid.UUID) error {
			if slices.Contains(w.holders["team"], who.Person) && id == w.application {
				return nil
			}
			return w.OwnsApplication(context.Background(), who, id)
		},
		OwnApplications: func(_ context.Context, who auth.Principal) ([]uuid.UUID, error) {
			if who.Person == w.developer.Person {
				return []uuid.UUID{w.application}, nil
			}
			return nil, nil
		},
		Holders: func(_ context.Context, role string, of uuid.UUID) ([]uuid.UUID, error) { return w.holders[role], nil },
		NameOf:  func(_ context.Context, _ pgx.Tx, person uuid.UUID) (string, error) { return w.names[person], nil },
		Record:  func(_ context.Context, _ pgx.Tx, act auth.Act) error { *w.acts = append(*w.acts, act); return nil },
		Grant:   func(_ context.Context, _ pgx.Tx, g Granted) error { *w.grants = append(*w.grants, g); return nil },
		Notify: func(_ context.Context, _ pgx.Tx, n Notice) error {
			*w.notices = append(*w.notices, fmt.Sprint(n.What, " ", n.ToAgency))
			return nil
		},
		Remind: func(_ context.Context, _ pgx.Tx, n Notice) error {
			*w.notices = append(*w.notices, fmt.Sprint(n.What, " ", n.ToAgency))
			return nil
		},
	}
	return w
}

// asked is a request that nothing is wrong with.
func (w world) asked() Request {
	return Request{ApplicationID: w.application, VersionID: w.version, Purpose: "thu-tuc", PurposeText: "Chi trả trợ cấp hằng tháng",
		LegalBasis: "luat-60-2024-d11-2b", Starts: "2026-11-23", Ends: "2027-11-22",
		Subjects: "Người có công đang hưởng trợ cấp", VolumePerDay: 200, RetentionDays: new(90), Onward: "Bưu điện xã, để chi trả",
		Operations: []Wanted{{Operation: "danhSach", Fields: []string{"/items/*/ma"}}}}
}

func (w world) request(t *testing.T, r Request) Agreement {
	t.Helper()
	g, err := w.Request(t.Context(), w.developer, r)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (w world) verbs() []string {
	verbs := []string{}
	for _, act := range *w.acts {
		verbs = append(verbs, act.Verb)
	}
	return verbs
}

func TestAnAgreementsLife(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	r := w.asked()
	r.Operations = append(r.Operations, Wanted{Operation: "chiTiet", Fields: []string{"/hoTen"}}, Wanted{Operation: "tep"})
	g := w.request(t, r)
	if g.State != Requested || g.Revision != 1 || g.ApplicationName != "Ứng dụng xã" || g.RequesterName != w.developer.Name {
		t.Errorf("requested: got %+v", g)
	}
	if want := time.Date(2026, 11, 25, 17, 0, 0, 0, time.UTC); !g.DueAt.Equal(want) {
		t.Errorf("due: got %s, want %s", g.DueAt, want)
	}
	if len(*w.grants) != 0 {
		t.Error("the gateway heard of a request")
	}
	step := func(f func() (Agreement, error)) Agreement {
		t.Helper()
		got, err := f()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	step(func() (Agreement, error) { return w.Approve(ctx, w.steward, g.ID, "Đồng ý") })
	step(func() (Agreement, error) { return w.Suspend(ctx, w.steward, g.ID, "Nghi lộ khoá") })
	if versions, err := w.VersionsInForce(ctx, w.application); err != nil || len(versions) != 0 {
		t.Errorf("suspended, yet in force: %v, %v", versions, err)
	}
	resumed := step(func() (Agreement, error) { return w.Resume(ctx, w.steward, g.ID, "") })
	if versions, err := w.VersionsInForce(ctx, w.application); err != nil || !reflect.DeepEqual(versions, []uuid.UUID{w.version}) {
		t.Errorf("in force: got %v, %v", versions, err)
	}
	if resumed.Reason != "" || resumed.DecidedBy == nil || *resumed.DecidedBy != w.steward.Person || resumed.DecidedAt == nil {
		t.Errorf("resumed: got %+v", resumed)
	}
	ended := step(func() (Agreement, error) { return w.End(ctx, w.developer, g.ID, "Không dùng nữa") })
	if ended.State != Ended || ended.Revision != 5 || ended.Reason != "Không dùng nữa" {
		t.Errorf("ended: got %+v", ended)
	}
	wantGrant := Granted{AgreementID: g.ID, Revision: 2, State: Active, ApplicationID: w.application, AgencyID: w.agency, VersionID: w.version,
		Purpose: "thu-tuc", Operations: []Wanted{{Operation: "danhSach", Fields: []string{"/items/*/ma"}}, {Operation: "chiTiet", Fields: []string{"/hoTen"}}, {Operation: "tep", Fields: []string{""}}},
		Plan: "chuan", RatePerMinute: 60, QuotaPerDay: 1000, QuotaPerMonth: 20_000,
		NotBefore: time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 11, 22, 17, 0, 0, 0, time.UTC)}
	if !reflect.DeepEqual((*w.grants)[0], wantGrant) {
		t.Errorf("grant: got %+v, want %+v", (*w.grants)[0], wantGrant)
	}
	states := []string{}
	for _, grant := range *w.grants {
		states = append(states, fmt.Sprint(grant.State, grant.Revision))
	}
	if want := []string{"active2", "suspended3", "active4", "ended5"}; !reflect.DeepEqual(states, want) {
		t.Errorf("grants: got %v, want %v", states, want)
	}
	if got, want := w.verbs(), []string{"agreement.request", "agreement.approve", "agreement.suspend", "agreement.resume", "agreement.end"}; !reflect.DeepEqual(got, want) {
		t.Errorf("acts: got %v, want %v", got, want)
	}
	if want := []string{"requested true", "approved false", "suspended false", "resumed false", "ended true"}; !reflect.DeepEqual(*w.notices, want) {
		t.Errorf("notices: got %v, want %v", *w.notices, want)
	}
	history, err := w.History(ctx, w.steward, g.ID)
	if err != nil || len(history) != 5 || history[2].Text != "Nghi lộ khoá" || history[2].What != "suspended" || history[2].Revision != 3 {
		t.Errorf("history: got %+v, %v", history, err)
	}
}

func TestRequestRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxText+1)
	for _, tt := range []struct {
		name  string
		alter func(r *Request)
		want  string // field and code of the first error
	}{
		{"no operation", func(r *Request) { r.Operations = nil }, "operations operations-count"},
		{"too many operations", func(r *Request) { r.Operations = make([]Wanted, maxOperations+1) }, "operations operations-count"},
		{"operation not offered", func(r *Request) { r.Operations[0].Operation = "xoa" }, "operations operation-not-offered"},
		{"operation twice", func(r *Request) { r.Operations = append(r.Operations, r.Operations[0]) }, "operations operation-twice"},
		{"no field", func(r *Request) { r.Operations[0].Fields = nil }, "operations fields-missing"},
		{"field not offered", func(r *Request) { r.Operations[0].Fields = []string{"/items"} }, "operations field-not-offered"},
		{"whole answer not offered", func(r *Request) { r.Operations[0].Fields = []string{""} }, "operations field-not-offered"},
		{"field of an answer without fields", func(r *Request) { r.Operations[0] = Wanted{Operation: "tep", Fields: []string{"/a"}} }, "operations field-not-offered"},
		{"no first day", func(r *Request) { r.Starts = "" }, "starts day-invalid"},
		{"no such day", func(r *Request) { r.Ends = "2027-02-29" }, "ends day-invalid"},
		{"ends before it starts", func(r *Request) { r.Ends = "2026-11-22" }, "ends ends-before-starts"},
		{"over already", func(r *Request) { r.Starts, r.Ends = "2026-01-01", "2026-11-22" }, "ends ends-past"},
		{"too long", func(r *Request) { r.Ends = "2028-11-24" }, "ends period-too-long"},
		{"no words", func(r *Request) { r.PurposeText = " ngắn " }, "purpose_text purpose-text"},
		{"too many words", func(r *Request) { r.PurposeText = long }, "purpose_text purpose-text"},
		{"what turns the rest round", func(r *Request) { r.PurposeText = "mục đích \u202erõ ràng" }, "purpose_text purpose-text"},
		{"control character", func(r *Request) { r.PurposeText = "mục đích\x00 rõ ràng" }, "purpose_text purpose-text"},
		{"note too long", func(r *Request) { r.Note = long }, "note words-too-long"},
		{"note is no text", func(r *Request) { r.Note = "\xff" }, "note words-too-long"},
		{"no purpose", func(r *Request) { r.Purpose = "" }, "purpose purpose-unknown"},
		{"no legal basis", func(r *Request) { r.LegalBasis = "" }, "legal_basis basis-missing"},
		{"legal basis unknown", func(r *Request) { r.LegalBasis = "x" }, "legal_basis basis-unknown"},
		{"legal basis not yet in force", func(r *Request) { r.LegalBasis = "con-xa" }, "legal_basis basis-not-in-force"},
		{"replaces nothing", func(r *Request) { id := uuid.New(); r.Replaces = &id }, "replaces replaces-other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tx := pgtest.Tx(t)
			w := newWorld(tx)
			if _, err := tx.Exec(t.Context(), `insert into agreement.legal_basis values ('con-xa', '', '', '', '', '', '', '2030-01-01', null, false, '')`); err != nil {
				t.Fatal(err)
			}
			r := w.asked()
			tt.alter(&r)
			_, err := w.Request(t.Context(), w.developer, r)
			var p *problem.Error
			if !errors.As(err, &p) || p.Kind != problem.Invalid || len(p.Fields) == 0 {
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
}

func TestRequestSaysAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(pgtest.Tx(t))
	_, err := w.Request(t.Context(), w.developer, Request{ApplicationID: w.application, VersionID: w.version})
	var p *problem.Error
	if !errors.As(err, &p) || len(p.Fields) != 6 {
		t.Errorf("got %+v", p)
	}
}

func TestRequestOfManyFieldsFitsTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(pgtest.Tx(t))
	r := w.asked()
	r.Operations[0].Fields = nil
	for i := range 400 {
		path := fmt.Sprintf("/%0100d", i)
		w.offer.Operations[0].Fields = append(w.offer.Operations[0].Fields, Field{Path: path})
		r.Operations[0].Fields = append(r.Operations[0].Fields, path)
	}
	_, err := w.Request(t.Context(), w.developer, r)
	var p *problem.Error
	if !errors.As(err, &p) || p.Fields[0].Code != "fields-too-many" {
		t.Errorf("got %v", err)
	}
}

func TestTheCallerIsRefused(t *testing.T) {
	t.Parallel()
	agencyOwned := func(w world, g *Agreement) error {
		colleague := w.steward // of the agency that owns the application too
		_, err := w.DB.Exec(context.Background(), `update agreement.agreement set owner_agency_id = $2, owner_person_id = null where id = $1`, g.ID, w.agency)
		if err != nil {
			return err
		}
		_, err = w.Approve(context.Background(), colleague, g.ID, "")
		return err
	}
	both := func(w world) auth.Principal { w.developer.Memberships = w.steward.Memberships; return w.developer }
	machine := auth.Principal{Application: uuid.New(), Memberships: nil}
	for _, tt := range []struct {
		name string
		do   func(ctx context.Context, w world, g *Agreement) error
		kind problem.Kind
		code string
	}{
		{"asks for another's application", func(ctx context.Context, w world, _ *Agreement) error {
			_, err := w.Request(ctx, w.other, w.asked())
			return err
		}, problem.NotFound, "not-found"},
		{"asks as a program", func(ctx context.Context, w world, _ *Agreement) error {
			_, err := w.Request(ctx, machine, w.asked())
			return err
		}, problem.Forbidden, "person-needed"},
		{"asks for a version that is not there", func(ctx context.Context, w world, _ *Agreement) error {
			r := w.asked()
			r.VersionID = uuid.New()
			_, err := w.Request(ctx, w.developer, r)
			return err
		}, problem.NotFound, "not-found"},
		{"asks for a deprecated version", func(ctx context.Context, w world, _ *Agreement) error {
			w.offer.State = "deprecated"
			_, err := w.Request(ctx, w.developer, w.asked())
			return err
		}, problem.Conflict, "version-deprecated"},
		{"asks twice", func(ctx context.Context, w world, _ *Agreement) error {
			_, err := w.Request(ctx, w.developer, w.asked())
			return err
		}, problem.Conflict, "already-requested"},
		{"decides as a program", func(ctx context.Context, w world, g *Agreement) error {
			_, err := w.Approve(ctx, machine, g.ID, "")
			return err
		}, problem.Forbidden, "person-needed"},
		{"approves what is not there", func(ctx context.Context, w world, _ *Agreement) error {
			_, err := w.Approve(ctx, w.steward, uuid.New(), "")
			return err
		}, problem.NotFound, "agreement-unknown"},
		{"a stranger approves", func(ctx context.Context, w world, g *Agreement) error {
			_, err := w.Approve(ctx, w.other, g.ID, "")
			return err
		}, problem.NotFound, "agreement-unknown"},
		{"an auditor approves", func(ctx context.Context, w world, g *Agreement) error {
			w.other.Memberships = []auth.Membership{{Role: "auditor"}}
			_, err := w.Approve(ctx, w.other, g.ID, "")
			return err
		}, problem.Forbidden, "forbidden"},
		{"the developer approves", func(ctx context.Context, w world, g *Agreement) error {
			_, err := w.Approve(ctx, w.developer, g.ID, "")
			return err
		}, problem.Forbidden, "forbidden"},
		{"a steward approves their own", func(ctx context.Context, w world, g *Agreement) error {
			_, err := w.Approve(ctx, both(w), g.ID, "")
			return err
		}, problem.Forbidden, "own-request"},
		{"a steward approves for their own agency", func(_ context.Context, w world, g *Agreement) error { return agencyOwned(w, g) }, problem.Forbidden, "own-request"},
		{"a steward resumes their own", func(ctx context.Context, w world, g *Agreement) error {
			if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
				return err
			}
			if _, err := w.Suspend(ctx, w.steward, g.ID, "vì sao"); err != nil {
				return err
			}
			_, err := w.Resume(ctx, both(w), g.ID, "")
			return err
		}, problem.Forbidden, "own-request"},
		{"refuses without a reason", func(ctx context.Context, w world, g *Agreement) error {
			_, err := w.Refuse(ctx, w.steward, g.ID, Refusal{LegalBasis: "nd-194-2025-d16"})
			return err
		}, problem.Invalid, "refusal-invalid"},
		{"refuses without a clause", func(ctx context.Context, w world, g *Agreement) error {
			_, err := w.Refuse(ctx, w.steward, g.ID, Refusal{Reason: "vì sao"})
			return err
		}, problem.Invalid, "refusal-invalid"},
		{"suspends without a reason", func(ctx context.Context, w world, g *Agreement) error {
			_, err := w.Suspend(ctx, w.steward, g.ID, " ")
			return err
		}, problem.Invalid, "refusal-invalid"},
		{"ends without a reason", func(ctx context.Context, w world, g *Agreement) error {
			_, err := w.End(ctx, w.developer, g.ID, "")
			return err
		}, problem.Invalid, "refusal-invalid"},
		{"writes too much", func(ctx context.Context, w world, g *Agreement) error {
			_, err := w.Approve(ctx, w.steward, g.ID, strings.Repeat("x", maxText+1))
			return err
		}, problem.Invalid, "refusal-invalid"},
		{"suspends a request", func(ctx context.Context, w world, g *Agreement) error {
			_, err := w.Suspend(ctx, w.steward, g.ID, "vì sao")
			return err
		}, problem.Conflict, "not-while-requested"},
		{"approves twice", func(ctx context.Context, w world, g *Agreement) error {
			if _, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil {
				return err
			}
			_, err := w.Approve(ctx, w.steward, g.ID, "")
			return err
		}, problem.Conflict, "not-while-active"},
		{"approves what was refused", func(ctx context.Context, w world, g *Agreement) error {
			if _, err := w.Refuse(ctx, w.steward, g.ID, Refusal{"vì sao", "nd-194-2025-d16"}); err != nil {
				return err
			}
			_, err := w.Approve(ctx, w.steward, g.ID, "")
			return err
		}, problem.Conflict, "not-while-refused"},
		{"resumes what was ended", func(ctx context.Context, w world, g *Agreement) error {
			if _, err := w.End(ctx, w.developer, g.ID, "rút"); err != nil {
				return err
			}
			_, err := w.Resume(ctx, w.steward, g.ID, "")
			return err
		}, problem.Conflict, "not-while-ended"},
		{"approves when the period is over", func(ctx context.Context, w world, g *Agreement) error {
			*w.clock = w.clock.AddDate(1, 0, 0)
			_, err := w.Approve(ctx, w.steward, g.ID, "")
			return err
		}, problem.Conflict, "period-over"},
		{"reads another's", func(ctx context.Context, w world, g *Agreement) error {
			_, err := w.Get(ctx, w.other, g.ID)
			return err
		}, problem.NotFound, "agreement-unknown"},
		{"reads another's history", func(ctx context.Context, w world, g *Agreement) error {
			_, err := w.History(ctx, w.other, g.ID)
			return err
		}, problem.NotFound, "agreement-unknown"},
		{"reads an agency's inbox", func(ctx context.Context, w world, _ *Agreement) error {
			_, err := w.Inbox(ctx, w.developer, Filter{Agency: w.agency})
			return err
		}, problem.Forbidden, "forbidden"},
		{"asks for too long a page", func(ctx context.Context, w world, _ *Agreement) error {
			_, err := w.Mine(ctx, w.developer, Filter{Limit: 101})
			return err
		}, problem.Invalid, "invalid"},
		{"invents a cursor", func(ctx context.Context, w world, _ *Agreement) error {
			_, err := w.Mine(ctx, w.developer, Filter{After: "x"})
			return err
		}, problem.Invalid, "invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(pgtest.Tx(t))
			g := w.request(t, w.asked())
			err := tt.do(t.Context(), w, &g)
			if !problem.Is(err, tt.kind) || problem.Code(err) != tt.code {
				t.Errorf("got %v (%s), want %d %s", err, problem.Code(err), tt.kind, tt.code)
			}
			if e := problem.Of(err); e.Code != "" {
				vi, _ := e.Words("vi")
				if en, _ := e.Words("en"); vi == en {
					t.Errorf("no words for %s", e.Code)
				}
			}
		})
	}
}

func TestNobodyDecidesOnAGuess(t *testing.T) {
	t.Parallel()
	w := newWorld(pgtest.Tx(t))
	g := w.request(t, w.asked())
	w.OwnsApplication = func(context.Context, auth.Principal, uuid.UUID) error { return errors.New("auth is down") }
	if _, err := w.Approve(t.Context(), w.steward, g.ID, ""); err == nil || problem.Code(err) != "" {
		t.Errorf("approved while the owner is not known: %v", err)
	}
}
