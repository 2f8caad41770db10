package auth

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/problem"
)

func TestPlannedEndOfAnAgency(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	a, b := d.agency(t, "so-a", "H1"), d.agency(t, "so-b", "H2")
	below, err := d.CreateAgency(ctx, operator, Agency{Slug: "phong", Code: "H3", NameVI: "Phòng", NameEN: "Division", Parent: &a.ID, ValidFrom: monday})
	ok(t, "create below", err)
	steward := d.person(t, "steward@x.vn", Membership{a.ID, RoleSteward})
	both := d.person(t, "both@x.vn", Membership{a.ID, RolePublisher}, Membership{b.ID, RolePublisher})
	app, _, err := d.CreateApplication(ctx, steward, NewApplication{Name: "Của sở", Agency: a.ID})
	ok(t, "application", err)
	var told []Ending
	refuses := error(nil)
	d.AgencyEnds = func(_ context.Context, _ pgx.Tx, e Ending) error {
		told = append(told, e)
		return refuses
	}
	plan := AgencyEnd{AgencyID: a.ID, Successor: &b.ID, LastDay: day(23), Reason: " Nghị quyết 7 "}
	got, err := d.PlanEnd(ctx, operator, plan)
	if err != nil || got.Reason != "Nghị quyết 7" || got.PlannedBy != nil {
		t.Fatalf("plan: got %+v, %v", got, err)
	}
	d.told(t, "agency.end-plan")
	ok(t, "take back", d.DropEnd(ctx, operator, a.ID))
	d.told(t, "agency.end-drop")
	want(t, "take back twice", d.DropEnd(ctx, operator, a.ID), problem.NotFound, "agency-end-unknown")
	_, err = d.PlanEnd(ctx, operator, plan)
	ok(t, "plan again", err)
	plan.Reason = "Nghị quyết 8"
	_, err = d.PlanEnd(ctx, operator, plan)
	ok(t, "plan otherwise", err)

	d.now = time.Date(2026, 11, 23, 16, 59, 0, 0, time.UTC) // 23:59 in Vietnam
	ok(t, "on the last day", d.EndAgencies(ctx))
	if len(told) != 0 {
		t.Fatal("it ended on its last day")
	}
	d.now = d.now.Add(2 * time.Minute)
	refuses = problem.Errorf(problem.Conflict, "no").Coded("route-taken")
	ok(t, "what another room refuses", d.EndAgencies(ctx))
	if e, err := d.PlannedEnd(ctx, a.ID); err != nil || e == nil || e.Failure != "route-taken" {
		t.Errorf("refused: got %+v, %v", e, err)
	}
	if roles, err := d.Memberships(ctx, steward.Person); err != nil || roles[0].Agency != a.ID {
		t.Errorf("refused, and the members moved: %v, %v", roles, err)
	}
	refuses = nil
	ok(t, "end", d.EndAgencies(ctx))
	ended, err := d.AgencyBySlug(ctx, "so-a")
	if err != nil || !ended.Ended() || *ended.Successor != b.ID || !ended.ValidTo.Equal(day(23)) || ended.EndReason != "Nghị quyết 8" {
		t.Errorf("ended: got %+v, %v", ended, err)
	}
	if last := d.acts[len(d.acts)-1]; last.Verb != "agency.end" || last.Detail["successor"] != b.ID.String() || told[len(told)-1].To.ID != b.ID {
		t.Errorf("recorded %+v, told %+v", last, told)
	}
	for _, who := range []Principal{steward, both} {
		roles, err := d.Memberships(ctx, who.Person)
		if err != nil || len(roles) != 1 || roles[0].Agency != b.ID {
			t.Errorf("roles: got %v, %v", roles, err)
		}
	}
	if moved, err := d.Application(ctx, app.ID); err != nil || *moved.OwnerAgency != b.ID || moved.DisabledAt != nil {
		t.Errorf("the application: got %+v, %v", moved, err)
	}
	if under, err := d.AgencyBySlug(ctx, below.Slug); err != nil || *under.Parent != b.ID {
		t.Errorf("what was below it: got %+v, %v", under, err)
	}
	if e, err := d.PlannedEnd(ctx, a.ID); e != nil || err != nil {
		t.Errorf("the plan afterwards: got %+v, %v", e, err)
	}
	n := len(d.acts)
	ok(t, "again", d.EndAgencies(ctx))
	if len(d.acts) != n {
		t.Error("it ended twice")
	}
}

func TestPlanEndRefuses(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	a, b, c := d.agency(t, "so-a", "H1"), d.agency(t, "so-b", "H2"), d.agency(t, "so-c", "H3")
	steward := d.person(t, "steward@x.vn", Membership{a.ID, RoleSteward})
	_, err := d.PlanEnd(ctx, operator, AgencyEnd{AgencyID: c.ID, Successor: &b.ID, LastDay: day(30), Reason: "x"})
	ok(t, "another's end", err)
	nobody := uuid.New()
	for _, tt := range []struct {
		name   string
		by     Principal
		change func(e *AgencyEnd)
		kind   problem.Kind
		code   string
		field  string
	}{
		{"by its steward", steward, func(*AgencyEnd) {}, problem.Forbidden, "forbidden", ""},
		{"unknown", operator, func(e *AgencyEnd) { e.AgencyID = nobody }, problem.NotFound, "agency-unknown", ""},
		{"yesterday", operator, func(e *AgencyEnd) { e.LastDay = day(22) }, problem.Invalid, "fields-wrong", "last_day day-over"},
		{"no reason", operator, func(e *AgencyEnd) { e.Reason = " " }, problem.Invalid, "fields-wrong", "reason required"},
		{"a reason too long", operator, func(e *AgencyEnd) { e.Reason = strings.Repeat("ă", 1001) }, problem.Invalid, "fields-wrong", "reason text-long"},
		{"into itself", operator, func(e *AgencyEnd) { e.Successor = &a.ID }, problem.Invalid, "fields-wrong", "successor agency-no-successor"},
		{"into nobody", operator, func(e *AgencyEnd) { e.Successor = &nobody }, problem.Invalid, "fields-wrong", "successor agency-no-successor"},
		{"into one that ends", operator, func(e *AgencyEnd) { e.Successor = &c.ID }, problem.Invalid, "fields-wrong", "successor agency-no-successor"},
		{"of one that is to succeed", operator, func(e *AgencyEnd) { e.AgencyID, e.Successor = b.ID, nil }, problem.Conflict, "agency-succeeds", ""},
	} {
		e := AgencyEnd{AgencyID: a.ID, Successor: &b.ID, LastDay: day(23), Reason: "Sáp nhập"}
		tt.change(&e)
		_, err := d.PlanEnd(ctx, tt.by, e)
		want(t, tt.name, err, tt.kind, tt.code)
		name, code, _ := strings.Cut(tt.field, " ")
		if tt.field != "" && fields(err)[name] != code {
			t.Errorf("%s: got %v, want %s", tt.name, fields(err), tt.field)
		}
	}
	want(t, "taken back by its steward", d.DropEnd(ctx, steward, c.ID), problem.Forbidden, "forbidden")
	_, err = d.PlanEnd(ctx, operator, AgencyEnd{AgencyID: a.ID, LastDay: day(23), Reason: "Giải thể"})
	ok(t, "without a successor", err)
	app, _, err := d.CreateApplication(ctx, steward, NewApplication{Name: "Của sở", Agency: a.ID})
	ok(t, "application", err)
	d.now = d.now.AddDate(0, 0, 2)
	ok(t, "end", d.EndAgencies(ctx))
	if roles, err := d.Memberships(ctx, steward.Person); err != nil || len(roles) != 0 {
		t.Errorf("the steward still is %v, %v", roles, err)
	}
	if gone, err := d.Application(ctx, app.ID); err != nil || gone.DisabledAt == nil {
		t.Errorf("the application is in service: %v", err)
	}
	_, err = d.PlanEnd(ctx, operator, AgencyEnd{AgencyID: a.ID, LastDay: day(30), Reason: "x"})
	want(t, "what has ended", err, problem.Conflict, "agency-ended")
	_, err = d.ChangeAgency(ctx, operator, a.ID, renaming(a, "so-a", "H1"))
	want(t, "changed afterwards", err, problem.Conflict, "agency-ended")
	_, err = d.SetContact(ctx, operator, a.ID, Contact{})
	want(t, "its contact afterwards", err, problem.Conflict, "agency-ended")
	_, err = d.Invite(ctx, operator, NewInvitation{Agency: a.ID, Role: RoleSteward, Email: "an@x.vn", Name: "An"})
	want(t, "invited afterwards", err, problem.Conflict, "agency-ended")
}
