package auth

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Contact is the focal-point officer of an agency, as published.
type Contact struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Phone string `json:"phone"`
}

// AgencyChange is all of an agency that can change, as it is to be.
type AgencyChange struct {
	Slug, Code     string
	NameVI, NameEN string
	Parent         *uuid.UUID
	NoteVI, NoteEN string
	Contact        Contact
	Since          time.Time // the day from which a new slug or code is in use; zero: today
	Source         string    // the decision that gave name and code
}

// How long the texts of an agency may be, in characters.
const (
	maxAgencyName   = 200
	maxAgencyNote   = 2000
	maxAgencyPhone  = 40
	maxAgencySource = 300
)

// tidy gives the same agency with spaces put right, and what is wrong with its texts.
func (a Agency) tidy() (Agency, *problem.Error) {
	wrong := fieldsWrong()
	for _, f := range []struct {
		name string
		text *string
		most int
	}{
		{"name_vi", &a.NameVI, maxAgencyName}, {"name_en", &a.NameEN, maxAgencyName},
		{"note_vi", &a.NoteVI, maxAgencyNote}, {"note_en", &a.NoteEN, maxAgencyNote},
		{"focal_name", &a.FocalName, maxAgencyName}, {"focal_phone", &a.FocalPhone, maxAgencyPhone},
		{"source", &a.Source, maxAgencySource},
	} {
		*f.text = norm.NFC.String(strings.Join(strings.Fields(*f.text), " "))
		switch {
		case utf8.RuneCountInString(*f.text) > f.most:
			wrong.Wrong(f.name, "text-long", "at most "+strconv.Itoa(f.most)+" characters", "max", strconv.Itoa(f.most))
		case !utf8.ValidString(*f.text) || strings.ContainsFunc(*f.text, hides):
			wrong.Wrong(f.name, "text-unreadable", "it holds characters that cannot be shown")
		}
	}
	a.Slug, a.Code, a.FocalEmail = strings.TrimSpace(a.Slug), strings.TrimSpace(a.Code), strings.TrimSpace(a.FocalEmail)
	if a.FocalEmail != "" {
		at, err := mail.ParseAddress(a.FocalEmail)
		if err != nil || at.Address != a.FocalEmail || len(a.FocalEmail) > 254 {
			wrong.Wrong("focal_email", "email-form", "an address such as ten@coquan.gov.vn is needed")
		}
	}
	return a, wrong
}

const (
	lockAgencySQL = `select ` + agencyColumns + ` from auth.agency where id = $1 for update`

	changeAgencySQL = `
update auth.agency
   set slug = $2, code = $3, name_vi = $4, name_en = $5, parent = $6, note_vi = $7, note_en = $8,
       focal_name = $9, focal_email = $10, focal_phone = $11, slug_from = $12, code_from = $13, source = $14
 where id = $1`

	// A parent below the agency, or the agency itself, would make a ring.
	belowAgencySQL = `
with recursive below as (
  select id from auth.agency where id = $1
  union select a.id from auth.agency a join below b on a.parent = b.id
)
select exists (select from below where id = $2)`
)

// lockAgency reads an agency for a change. It fails with NotFound, and with
// Conflict when its service has ended.
func lockAgency(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Agency, error) {
	agency, err := pg.One[Agency](ctx, tx, lockAgencySQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Agency{}, problem.Errorf(problem.NotFound, "no agency %s", id).Coded("agency-unknown")
	} else if err != nil {
		return Agency{}, fmt.Errorf("lock agency %s: %w", id, err)
	}
	if agency.Ended() {
		return Agency{}, problem.Errorf(problem.Conflict, "the service of %s has ended", agency.Slug).Coded("agency-ended")
	}
	return agency, nil
}

// ChangeAgency makes an agency what is in change. The slug and the code that it
// had become aliases, which go on leading to it. It fails with Forbidden unless
// who may agency.edit, NotFound, Conflict when its service has ended, or the
// slug or the code is or was another's, and Invalid for what has not its form.
func (a *Auth) ChangeAgency(ctx context.Context, who Principal, id uuid.UUID, change AgencyChange) (Agency, error) {
	if err := a.May(ctx, who, "agency.edit", uuid.Nil); err != nil {
		return Agency{}, err
	}
	var after Agency
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		before, err := lockAgency(ctx, tx, id)
		if err != nil {
			return err
		}
		if after, err = a.changed(ctx, tx, before, change); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, changeAgencySQL, id, after.Slug, after.Code, after.NameVI, after.NameEN, after.Parent, after.NoteVI, after.NoteEN,
			after.FocalName, after.FocalEmail, after.FocalPhone, after.SlugFrom, after.CodeFrom, after.Source)
		if err != nil {
			return agencyProblem(err)
		}
		if a.AgencyRenamed != nil && (before.Slug != after.Slug || before.NameVI != after.NameVI || before.NameEN != after.NameEN) {
			if err := a.AgencyRenamed(ctx, tx, before, after); err != nil {
				return err
			}
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "agency.change", Agency: id, About: id, Detail: differences(before, after)})
	})
	return after, err
}

// changed is the agency as it is to be, with what it was called before put down.
func (a *Auth) changed(ctx context.Context, tx pgx.Tx, before Agency, change AgencyChange) (Agency, error) {
	after := before
	after.Slug, after.Code, after.NameVI, after.NameEN, after.Parent = change.Slug, change.Code, change.NameVI, change.NameEN, change.Parent
	after.NoteVI, after.NoteEN, after.Source = change.NoteVI, change.NoteEN, change.Source
	after.FocalName, after.FocalEmail, after.FocalPhone = change.Contact.Name, change.Contact.Email, change.Contact.Phone
	after, wrong := after.tidy()
	if after.Parent != nil {
		var ring bool
		if err := tx.QueryRow(ctx, belowAgencySQL, before.ID, *after.Parent).Scan(&ring); err != nil {
			return after, fmt.Errorf("read what is below agency %s: %w", before.ID, err)
		}
		if ring {
			wrong.Wrong("parent", "agency-ring", "it belongs to this agency itself")
		}
	}
	today := a.today()
	since := change.Since
	if since.IsZero() {
		since = today
	}
	renamed := before.Slug != after.Slug || before.Code != after.Code
	if renamed && since.After(today) {
		wrong.Wrong("since", "since-future", "a new slug or code is in use from when it is entered")
	}
	for _, f := range []struct {
		kind, was, is string
		from          **time.Time
	}{{"slug", before.Slug, after.Slug, &after.SlugFrom}, {"code", before.Code, after.Code, &after.CodeFrom}} {
		if f.was == f.is {
			continue
		}
		begun := before.ValidFrom
		if *f.from != nil {
			begun = **f.from
		}
		if until := since.AddDate(0, 0, -1); until.Before(begun) {
			// It was corrected on the day on which it came, or entered late.
			begun = until
		}
		until := since.AddDate(0, 0, -1)
		if err := a.putAlias(ctx, tx, before.ID, Alias{Kind: f.kind, Value: f.was, ValidFrom: begun, ValidTo: &until, Source: after.Source}, f.is); err != nil {
			return after, err
		}
		*f.from = &since
	}
	return after, asError(wrong)
}

// today is the day in the province.
func (a *Auth) today() time.Time {
	day := a.Now().In(time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60))
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
}

const (
	aliasOwnerSQL = `select agency_id from auth.agency_alias where kind = $1 and value = $2`
	dropAliasSQL  = `delete from auth.agency_alias where kind = $1 and value = $2 and agency_id = $3`
)

// putAlias notes what an agency was called before it is called next: one that
// was its own before is an alias no more, and another's is refused.
func (a *Auth) putAlias(ctx context.Context, tx pgx.Tx, agency uuid.UUID, alias Alias, next string) error {
	var owner uuid.UUID
	err := tx.QueryRow(ctx, aliasOwnerSQL, alias.Kind, next).Scan(&owner)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read owner of %s %s: %w", alias.Kind, next, err)
	}
	if err == nil && owner != agency {
		return problem.Errorf(problem.Conflict, "another agency was called so").Coded("agency-taken").
			Wrong(alias.Kind, "agency-taken", "another agency was called so")
	}
	if _, err := tx.Exec(ctx, dropAliasSQL, alias.Kind, next, agency); err != nil {
		return fmt.Errorf("drop alias %s: %w", next, err)
	}
	return addAlias(ctx, tx, agency, alias)
}

// differences are what the ledger keeps of a change: no contact, which is about a person.
func differences(before, after Agency) map[string]any {
	detail := map[string]any{"slug": after.Slug}
	for name, pair := range map[string][2]string{
		"slug": {before.Slug, after.Slug}, "code": {before.Code, after.Code}, "name_vi": {before.NameVI, after.NameVI},
		"name_en": {before.NameEN, after.NameEN}, "source": {before.Source, after.Source},
		"parent": {idText(before.Parent), idText(after.Parent)},
	} {
		if pair[0] != pair[1] {
			detail[name], detail[name+"_before"] = pair[1], pair[0]
		}
	}
	return detail
}

func idText(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}

const setContactSQL = `update auth.agency set focal_name = $2, focal_email = $3, focal_phone = $4 where id = $1`

// SetContact says who answers for an agency, as published. It fails with
// Forbidden unless who may agency.contact, NotFound, Conflict when its service
// has ended, and Invalid for what has not its form.
func (a *Auth) SetContact(ctx context.Context, who Principal, id uuid.UUID, c Contact) (Agency, error) {
	if err := a.May(ctx, who, "agency.contact", id); err != nil {
		return Agency{}, err
	}
	var after Agency
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		agency, err := lockAgency(ctx, tx, id)
		if err != nil {
			return err
		}
		agency.FocalName, agency.FocalEmail, agency.FocalPhone = c.Name, c.Email, c.Phone
		agency, wrong := agency.tidy()
		if err := asError(wrong); err != nil {
			return err
		}
		after = agency
		if _, err := tx.Exec(ctx, setContactSQL, id, agency.FocalName, agency.FocalEmail, agency.FocalPhone); err != nil {
			return fmt.Errorf("set contact of agency %s: %w", id, err)
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "agency.contact", Agency: id, About: id})
	})
	return after, err
}
