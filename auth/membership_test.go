package auth

import (
	"reflect"
	"testing"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

func TestMembership(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	mine, other := d.agency(t, "mine", "H1"), d.agency(t, "other", "H2")
	steward := d.person(t, "steward@x.vn", Membership{mine.ID, RoleSteward})
	who := d.person(t, "who@x.vn")

	for _, tt := range []struct {
		name   string
		by     Principal
		person uuid.UUID
		m      Membership
		kind   problem.Kind
		code   string
	}{
		{"the steward of another agency", steward, who.Person, Membership{other.ID, RolePublisher}, problem.Forbidden, "forbidden"},
		{"a steward, for the platform", steward, who.Person, Membership{uuid.Nil, RoleOperator}, problem.Forbidden, "forbidden"},
		{"oneself", who, who.Person, Membership{mine.ID, RolePublisher}, problem.Forbidden, "forbidden"},
		{"a role of the platform in an agency", steward, who.Person, Membership{mine.ID, RoleOperator}, problem.Invalid, "fields-wrong"},
		{"a role of an agency on the platform", operator, who.Person, Membership{uuid.Nil, RoleSteward}, problem.Invalid, "fields-wrong"},
		{"an unknown role", operator, who.Person, Membership{mine.ID, "root"}, problem.Invalid, "fields-wrong"},
		{"an unknown person", operator, uuid.New(), Membership{mine.ID, RoleSteward}, problem.Invalid, "fields-wrong"},
		{"an unknown agency", operator, who.Person, Membership{uuid.New(), RoleSteward}, problem.Invalid, "fields-wrong"},
	} {
		want(t, tt.name, d.AddMembership(ctx, tt.by, tt.person, tt.m), tt.kind, tt.code)
	}

	ok(t, "the steward adds a publisher", d.AddMembership(ctx, steward, who.Person, Membership{mine.ID, RolePublisher}))
	d.told(t, "membership.add")
	acts := len(d.acts)
	ok(t, "again", d.AddMembership(ctx, steward, who.Person, Membership{mine.ID, RolePublisher}))
	if len(d.acts) != acts {
		t.Errorf("what changed nothing was recorded: %v", d.verbs()[acts:])
	}
	ok(t, "an auditor", d.AddMembership(ctx, operator, who.Person, Membership{uuid.Nil, RoleAuditor}))
	got, err := d.Memberships(ctx, who.Person)
	if wanted := []Membership{{uuid.Nil, RoleAuditor}, {mine.ID, RolePublisher}}; err != nil || !reflect.DeepEqual(got, wanted) {
		t.Errorf("roles: got %v, %v, want %v", got, err, wanted)
	}
	members, err := d.Members(ctx, steward, mine.ID)
	wanted := []Member{{who.Person, "Trần Thị B", "who@x.vn", RolePublisher}, {steward.Person, "Trần Thị B", "steward@x.vn", RoleSteward}}
	if err != nil || !reflect.DeepEqual(members, wanted) {
		t.Errorf("members: got %v, %v, want %v", members, err, wanted)
	}
	_, err = d.Members(ctx, who, mine.ID)
	want(t, "members, for a publisher", err, problem.Forbidden, "forbidden")

	holders, err := d.Holders(ctx, RoleSteward, mine.ID)
	if err != nil || !reflect.DeepEqual(holders, []uuid.UUID{steward.Person}) {
		t.Errorf("stewards: got %v, %v, want %v", holders, err, steward.Person)
	}

	want(t, "remove by oneself", d.RemoveMembership(ctx, who, who.Person, Membership{mine.ID, RolePublisher}), problem.Forbidden, "forbidden")
	ok(t, "remove", d.RemoveMembership(ctx, steward, who.Person, Membership{mine.ID, RolePublisher}))
	d.told(t, "membership.remove")
	want(t, "remove again", d.RemoveMembership(ctx, steward, who.Person, Membership{mine.ID, RolePublisher}), problem.NotFound, "membership-unknown")
	ok(t, "remove of the platform", d.RemoveMembership(ctx, operator, who.Person, Membership{uuid.Nil, RoleAuditor}))
}
