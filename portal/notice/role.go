package notice

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Roles are those of an agency that notices are told to.
var Roles = []string{auth.RolePublisher, auth.RoleSteward}

// RoleChoice is how the roles of an agency hear of one kind.
type RoleChoice struct {
	Kind  Kind
	Mails map[string]string // by role: Now, Daily, Weekly, Off, None
}

const (
	rolesOfKindSQL = `select role, mail from portal.notice_role where agency_id = $1 and kind = $2`
	lockAgencySQL  = `select pg_advisory_xact_lock(hashtextextended('portal.notice_role ' || $1::text, 0))`
	setRoleSQL     = `
insert into portal.notice_role (agency_id, role, kind, mail) values ($1, $2, $3, $4)
on conflict on constraint notice_role_key do update set mail = excluded.mail`
	endRoleSQL = `delete from portal.notice_role where agency_id = $1 and role = $2 and kind = $3`
)

// rolesOf is how each role of an agency hears of a kind.
func (n *Notices) rolesOf(ctx context.Context, agency uuid.UUID, kind Kind) (map[string]string, error) {
	type set struct{ Role, Mail string }
	list, err := pg.All[set](ctx, n.DB, rolesOfKindSQL, agency, kind.Name)
	if err != nil {
		return nil, fmt.Errorf("read who hears of %s in agency %s: %w", kind.Name, agency, err)
	}
	mails := map[string]string{}
	for _, role := range Roles {
		mails[role] = kind.usual(role)
	}
	for _, one := range list {
		mails[one.Role] = one.Mail
	}
	return mails, nil
}

// RoleChoices are what the roles of an agency hear of. It fails with what May
// says of member.edit.
func (n *Notices) RoleChoices(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]RoleChoice, error) {
	if err := n.May(ctx, who, "member.edit", agency); err != nil {
		return nil, err
	}
	return n.roleChoices(ctx, n.DB, agency)
}

func (n *Notices) roleChoices(ctx context.Context, db pg.DB, agency uuid.UUID) ([]RoleChoice, error) {
	set, err := pg.All[roleMail](ctx, db, rolesMailSQL, []uuid.UUID{agency})
	if err != nil {
		return nil, fmt.Errorf("read what roles of agency %s hear: %w", agency, err)
	}
	var list []RoleChoice
	for _, kind := range Kinds() {
		if kind.Hears == nil {
			continue
		}
		c := RoleChoice{Kind: kind, Mails: map[string]string{}}
		for _, role := range Roles {
			c.Mails[role] = kind.usual(role)
		}
		for _, one := range set {
			if one.Kind == kind.Name {
				c.Mails[one.Role] = one.Mail
			}
		}
		list = append(list, c)
	}
	return list, nil
}

// RoleMail is a word of an agency on what one of its roles hears of.
type RoleMail struct {
	Role string
	Kind string
	Mail string // Now, Daily, Weekly, Off, None
}

// SetRoles says what roles of an agency hear of, unless a person says otherwise
// for themselves; all of it or none. It fails with what May says of member.edit,
// and Invalid for a role, kind or way that there is not, for a kind that would
// be told to nobody, and for one that is owed to a role to be told at once.
func (n *Notices) SetRoles(ctx context.Context, who auth.Principal, agency uuid.UUID, said []RoleMail) error {
	if err := n.May(ctx, who, "member.edit", agency); err != nil {
		return err
	}
	for _, s := range said {
		if err := s.check(); err != nil {
			return err
		}
	}
	return pgx.BeginFunc(ctx, n.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockAgencySQL, agency); err != nil { // two that each silence one role silence none
			return fmt.Errorf("lock what roles of agency %s hear: %w", agency, err)
		}
		before, err := n.roleChoices(ctx, tx, agency)
		if err != nil {
			return err
		}
		for _, s := range said {
			kind, _ := kindOf(s.Kind)
			sql, args := setRoleSQL, []any{agency, s.Role, s.Kind, s.Mail}
			if kind.usual(s.Role) == s.Mail {
				sql, args = endRoleSQL, args[:3]
			}
			if _, err := tx.Exec(ctx, sql, args...); err != nil {
				return fmt.Errorf("set what the %s of agency %s hears: %w", s.Role, agency, err)
			}
		}
		after, err := n.roleChoices(ctx, tx, agency)
		if err != nil {
			return err
		}
		changed := changes(before, after)
		if err := silent(after); err != nil || len(changed) == 0 {
			return err
		}
		return n.Record(ctx, tx, auth.Act{Who: who, Verb: "agency.notices", Agency: agency, About: agency, Detail: map[string]any{"changed": changed}})
	})
}

// check refuses a word on what there is not, or what is owed.
func (s RoleMail) check() error {
	kind, known := kindOf(s.Kind)
	if !known || kind.Hears == nil || !slices.Contains(Roles, s.Role) || !slices.Contains([]string{Now, Daily, Weekly, Off, None}, s.Mail) {
		return problem.Errorf(problem.Invalid, "the %q does not hear of %q as %q", s.Role, s.Kind, s.Mail).Coded("notice-choice").
			Wrong(s.Kind+"-"+s.Role, "not-in-list", "is not in the list")
	}
	if kind.Owed != "" && s.Mail != Now && (s.Mail != None || kind.usual(s.Role) == Now) {
		return problem.Errorf(problem.Invalid, "notices of kind %s are not switched off", s.Kind).Coded("notice-owed", "kind", s.Kind)
	}
	return nil
}

// silent refuses that nobody hears of a kind.
func silent(list []RoleChoice) error {
	for _, c := range list {
		heard := false
		for _, mail := range c.Mails {
			heard = heard || mail != None
		}
		if !heard {
			return problem.Errorf(problem.Invalid, "nobody would hear of %s", c.Kind.Name).Coded("notice-nobody", "kind", c.Kind.Name).
				Wrong(c.Kind.Name+"-"+auth.RoleSteward, "notice-nobody", "nobody would hear of it", "kind", c.Kind.Name)
		}
	}
	return nil
}

// changes are what is set otherwise than before, as "kind role was now".
func changes(before, after []RoleChoice) []string {
	var list []string
	for i, c := range after {
		for _, role := range Roles {
			if was := before[i].Mails[role]; was != c.Mails[role] {
				list = append(list, c.Kind.Name+" "+role+": "+was+" → "+c.Mails[role])
			}
		}
	}
	return list
}
