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

// Choice is how a person gets the mail of one kind.
type Choice struct {
	Kind  Kind
	Mail  string // in force: Now, Daily, Weekly, Off
	Own   bool   // the person said so; else it is their role's, or the kind's
	Usual string // what it is without a word of the person's
}

const (
	ownChoicesSQL = `select kind, mail from portal.notice_choice where person_id = $1`
	rolesMailSQL  = `select agency_id, role, kind, mail from portal.notice_role where agency_id = any($1)`
	setChoiceSQL  = `
insert into portal.notice_choice (person_id, kind, mail) values ($1, $2, $3)
on conflict on constraint notice_choice_key do update set mail = excluded.mail`
	endChoiceSQL = `delete from portal.notice_choice where person_id = $1 and kind = $2`
)

// Choices are how who gets the mail of each kind that they may be told of: for
// themselves, or by a role. It fails with Unauthorized unless who is a person.
func (n *Notices) Choices(ctx context.Context, who auth.Principal) ([]Choice, error) {
	if err := aPerson(who); err != nil {
		return nil, err
	}
	type own struct{ Kind, Mail string }
	said, err := pg.All[own](ctx, n.DB, ownChoicesSQL, who.Person)
	if err != nil {
		return nil, fmt.Errorf("read choices of person %s: %w", who.Person, err)
	}
	mails, err := n.mailsOf(ctx, who.Memberships)
	if err != nil {
		return nil, err
	}
	var list []Choice
	for _, kind := range Kinds() {
		usual := mails[kind.Name]
		if kind.Self {
			usual = Now
		}
		if usual == "" {
			continue
		}
		c := Choice{Kind: kind, Mail: usual, Usual: usual}
		if i := slices.IndexFunc(said, func(o own) bool { return o.Kind == kind.Name }); i >= 0 && kind.Chosen() {
			c.Mail, c.Own = said[i].Mail, true
		}
		list = append(list, c)
	}
	return list, nil
}

// roleMail is what a role of an agency hears of.
type roleMail struct {
	AgencyID         uuid.UUID
	Role, Kind, Mail string
}

// mailsOf is how each kind comes that is told to one of these roles.
func (n *Notices) mailsOf(ctx context.Context, memberships []auth.Membership) (map[string]string, error) {
	var agencies []uuid.UUID
	for _, m := range memberships {
		agencies = append(agencies, m.Agency)
	}
	set, err := pg.All[roleMail](ctx, n.DB, rolesMailSQL, agencies)
	if err != nil {
		return nil, fmt.Errorf("read what roles hear: %w", err)
	}
	mails := map[string]string{}
	for _, m := range memberships {
		for _, kind := range Kinds() {
			how := kind.usual(m.Role)
			if m.Role == auth.RoleOperator && kind.Hears != nil {
				how = Now
			}
			if i := slices.IndexFunc(set, func(s roleMail) bool { return s.AgencyID == m.Agency && s.Role == m.Role && s.Kind == kind.Name }); i >= 0 {
				how = set[i].Mail
			}
			if had, there := mails[kind.Name]; there {
				how = stronger(had, how)
			}
			if how != None {
				mails[kind.Name] = how
			}
		}
	}
	return mails, nil
}

// Choose says how who gets the mail of kinds, by their names; "" takes a word
// back. All of it or none: it fails with Unauthorized unless who is a person,
// and Invalid for a kind that there is not or that cannot be switched off, and
// for a way that there is not.
func (n *Notices) Choose(ctx context.Context, who auth.Principal, mails map[string]string) error {
	if err := aPerson(who); err != nil {
		return err
	}
	for name, mail := range mails {
		kind, known := kindOf(name)
		if !known || !slices.Contains([]string{"", Now, Daily, Weekly, Off}, mail) {
			return problem.Errorf(problem.Invalid, "notices of kind %q do not come as %q", name, mail).Coded("notice-choice").
				Wrong(name, "not-in-list", "is not in the list")
		}
		if !kind.Chosen() {
			return problem.Errorf(problem.Invalid, "notices of kind %s are not switched off", name).Coded("notice-owed", "kind", name)
		}
	}
	return pgx.BeginFunc(ctx, n.DB, func(tx pgx.Tx) error {
		for kind, mail := range mails {
			sql, args := setChoiceSQL, []any{who.Person, kind, mail}
			if mail == "" {
				sql, args = endChoiceSQL, args[:2]
			}
			if _, err := tx.Exec(ctx, sql, args...); err != nil {
				return fmt.Errorf("set choice of person %s: %w", who.Person, err)
			}
		}
		return nil
	})
}

// Bundles are the names of what Unsubscribe ends beside a kind: every kind that
// comes in that letter.
var Bundles = []string{Daily, Weekly}

// Unsubscribe ends a person's mail of a kind, or of all that comes in a daily or
// weekly letter; the notices lie in the portal as before. Whoever asks has shown
// the link of such a letter, and need not sign in. It fails with NotFound for
// what does not end so.
func (n *Notices) Unsubscribe(ctx context.Context, person uuid.UUID, what string) error {
	who := auth.Principal{Person: person}
	if !slices.Contains(Bundles, what) {
		if kind, known := kindOf(what); !known || !kind.Chosen() {
			return problem.Errorf(problem.NotFound, "no such link").Coded("unsubscribe-unknown")
		}
		return n.Choose(ctx, who, map[string]string{what: Off})
	}
	var err error
	if who.Memberships, err = n.Memberships(ctx, person); err != nil {
		return err
	}
	choices, err := n.Choices(ctx, who)
	if err != nil {
		return err
	}
	off := map[string]string{}
	for _, c := range choices {
		if c.Mail == what && c.Kind.Chosen() {
			off[c.Kind.Name] = Off
		}
	}
	return n.Choose(ctx, who, off)
}
