package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/spec"
	"lgsp/catalog/spec/change"
	"lgsp/internal/pg"
)

// Loss is what an application's agreements on an earlier version of an API have
// that a later one does not offer. Nothing breaks before the earlier one ends.
type Loss struct {
	ApplicationID uuid.UUID  `json:"application_id"`
	Name          string     `json:"name"`
	Owner         string     `json:"owner"`
	VersionID     uuid.UUID  `json:"version_id"` // that the agreements are on
	Number        string     `json:"number"`     // of that version
	Lost          []LostPart `json:"lost"`
	ToldAt        *time.Time `json:"told_at"` // when the owner was last told; null: not yet

	ownerPerson, ownerAgency uuid.UUID
}

// LostPart is an agreed operation or field that a version does not offer as it was.
type LostPart struct {
	Operation string `json:"operation"` // slug
	TitleVI   string `json:"title_vi"`  // of the field, else of the operation
	TitleEN   string `json:"title_en"`
	Field     string `json:"field"` // path; "": the operation itself
	Now       string `json:"now"`   // "": it is gone; the operation's slug at the same address, or the field's type
}

func (p LostPart) key() string { return p.Operation + " " + p.Field + " " + p.Now }

// lost are the parts of an agreed operation that operations lack: an operation
// is known by its slug, a field by its path, and one that has become a list or
// an object, or was one, is another.
func lost(agreed CallerOperation, before, after []Operation) []LostPart {
	was, ok := operationIn(before, agreed.Operation)
	if !ok {
		was = Operation{Slug: agreed.Operation, Doc: Doc{SummaryVI: agreed.Operation}}
	}
	is, ok := operationIn(after, agreed.Operation)
	if !ok {
		part := LostPart{Operation: agreed.Operation, TitleVI: was.Doc.SummaryVI, TitleEN: was.Doc.SummaryEN}
		for _, o := range after {
			if change.SameAddress(o.Doc, was.Doc) {
				part.Now = o.Slug
			}
		}
		return []LostPart{part}
	}
	var list []LostPart
	for _, path := range agreed.Fields {
		if path == "" {
			continue // the whole answer, whatever it is
		}
		old, _ := fieldIn(was, path)
		now, there := fieldIn(is, path)
		if there && shape(now.Type) == cmp.Or(shape(old.Type), shape(now.Type)) {
			continue
		}
		list = append(list, LostPart{Operation: agreed.Operation, Field: path, TitleVI: old.TitleVI, TitleEN: old.TitleEN, Now: now.Type})
	}
	return list
}

func operationIn(list []Operation, slug string) (Operation, bool) {
	i := slices.IndexFunc(list, func(o Operation) bool { return o.Slug == slug })
	if i < 0 {
		return Operation{}, false
	}
	return list[i], true
}

func fieldIn(o Operation, path string) (spec.Field, bool) {
	i := slices.IndexFunc(o.Doc.Fields, func(f spec.Field) bool { return f.Path == path })
	if i < 0 {
		return spec.Field{}, false
	}
	return o.Doc.Fields[i], true
}

// shape is what a type is to who reads it: a list, an object, or a single
// value; "" when the document does not say.
func shape(kind string) string {
	if kind == "array" || kind == "object" || kind == "" {
		return kind
	}
	return "single"
}

// earlierSQL are the versions that can be called of the same API, made before.
const earlierSQL = versionColumns + `
 where v.api_id = $1 and v.id < $2 and v.state in ('published', 'deprecated')
 order by v.id desc`

// losses are those of a version, whatever its state, against the earlier ones
// of its API.
func (c *Catalog) losses(ctx context.Context, v Version) ([]Loss, error) {
	earlier, err := pg.All[Version](ctx, c.DB, earlierSQL, v.APIID, v.ID)
	if err != nil {
		return nil, fmt.Errorf("list versions before %s: %w", v.ID, err)
	}
	after, err := operationsOf(ctx, c.DB, v.ID)
	if err != nil {
		return nil, err
	}
	list := []Loss{}
	for _, old := range earlier {
		callers, err := c.callers(ctx, old.ID)
		if err != nil {
			return nil, err
		}
		before, err := operationsOf(ctx, c.DB, old.ID)
		if err != nil {
			return nil, err
		}
		for _, caller := range callers {
			loss := Loss{ApplicationID: caller.ApplicationID, Name: caller.Name, Owner: caller.Owner, VersionID: old.ID, Number: old.Number,
				ownerPerson: caller.OwnerPerson, ownerAgency: caller.OwnerAgency}
			for _, o := range caller.Operations {
				if o.Agreed {
					loss.Lost = append(loss.Lost, lost(o, before, after)...)
				}
			}
			if len(loss.Lost) > 0 {
				list = append(list, loss)
			}
		}
	}
	return list, nil
}

const toldLossesSQL = `
select application_id, max(at) as at
  from catalog.loss_told
 where version_id = $1
 group by application_id`

// Losses tells an agency's people which agreements on earlier versions have
// what this one lacks, from its first draft on. It fails as Callers does.
func (c *Catalog) Losses(ctx context.Context, who auth.Principal, version uuid.UUID) ([]Loss, error) {
	v, err := c.VersionByID(ctx, who, version)
	if err != nil {
		return nil, err
	}
	if err := c.May(ctx, who, "api.edit", v.AgencyID); err != nil {
		return nil, err
	}
	list, err := c.losses(ctx, v)
	if err != nil {
		return nil, err
	}
	told, err := pg.All[struct {
		ApplicationID uuid.UUID
		At            time.Time
	}](ctx, c.DB, toldLossesSQL, version)
	if err != nil {
		return nil, fmt.Errorf("read who was told what %s lacks: %w", version, err)
	}
	for i := range list {
		for _, t := range told {
			if t.ApplicationID == list[i].ApplicationID {
				list[i].ToldAt = &t.At
			}
		}
	}
	return list, nil
}

// Lacking is a version that lacks something of an agreement.
type Lacking struct {
	VersionID uuid.UUID  `json:"version_id"`
	Number    string     `json:"number"`
	Prefix    string     `json:"prefix"`
	Lost      []LostPart `json:"lost"`
}

// laterSQL are the published versions of the same API made after one, and that
// itself.
const laterSQL = versionColumns + `
 where v.id = $1 or v.state = 'published' and v.id > $1 and v.api_id = (select o.api_id from catalog.version o where o.id = $1)
 order by v.id`

// Lacks are the public versions that lack something of what is agreed on one:
// later ones of its API, and that version itself, whose document may have
// changed since. It is for who may see the agreement; the documents are public.
func (c *Catalog) Lacks(ctx context.Context, version uuid.UUID, agreed []CallerOperation) ([]Lacking, error) {
	versions, err := pg.All[Version](ctx, c.DB, laterSQL, version)
	if err != nil {
		return nil, fmt.Errorf("list versions after %s: %w", version, err)
	}
	list := []Lacking{}
	var before []Operation
	for _, v := range versions {
		after, err := operationsOf(ctx, c.DB, v.ID)
		if err != nil {
			return nil, err
		}
		if v.ID == version {
			before = after
		}
		at := Lacking{VersionID: v.ID, Number: v.Number}
		for _, o := range agreed {
			at.Lost = append(at.Lost, lost(o, before, after)...)
		}
		if len(at.Lost) == 0 {
			continue
		}
		full, err := c.anyVersion(ctx, v.ID)
		if err != nil {
			return nil, err
		}
		at.Prefix = full.Prefix()
		list = append(list, at)
	}
	return list, nil
}

const (
	oweLossSQL  = `insert into catalog.loss_due (version_id, since) values ($1, $2) on conflict (version_id) do nothing`
	dueLossSQL  = `select version_id from catalog.loss_due order by since limit 100`
	takeLossSQL = `delete from catalog.loss_due where version_id = $1 returning since`
	tellLossSQL = `
insert into catalog.loss_told (version_id, application_id, part, at)
select $1, $2, p, $4 from unnest($3::text[]) p
on conflict do nothing
returning part`
)

// oweLosses has those told, once tx commits, whose agreements have what a
// published version's document lacks.
func (c *Catalog) oweLosses(ctx context.Context, tx pgx.Tx, version uuid.UUID) error {
	if _, err := tx.Exec(ctx, oweLossSQL, version, c.Now().UTC()); err != nil {
		return fmt.Errorf("owe word of what %s lacks: %w", version, err)
	}
	return nil
}

// writeLosses writes what oweLosses owes: one letter to each owner, of what
// they were not told before.
func (c *Catalog) writeLosses(ctx context.Context) error {
	rows, err := c.DB.Query(ctx, dueLossSQL)
	if err != nil {
		return fmt.Errorf("list losses: %w", err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("list losses: %w", err)
	}
	var failed []error
	for _, version := range due {
		if err := c.writeLossesOf(ctx, version); err != nil {
			failed = append(failed, fmt.Errorf("write what version %s lacks: %w", version, err))
		}
	}
	return errors.Join(failed...)
}

func (c *Catalog) writeLossesOf(ctx context.Context, version uuid.UUID) error {
	v, err := c.anyVersion(ctx, version)
	if err != nil {
		return err
	}
	var list []Loss
	if v.State == Published { // else nobody is to move there
		if list, err = c.losses(ctx, v); err != nil {
			return err
		}
	}
	return pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		var since time.Time
		if err := tx.QueryRow(ctx, takeLossSQL, version).Scan(&since); errors.Is(err, pgx.ErrNoRows) {
			return nil // another node writes it
		} else if err != nil {
			return fmt.Errorf("take: %w", err)
		}
		for _, o := range ownersOfLosses(list) {
			parts, err := c.untold(ctx, tx, version, o)
			if err != nil || len(parts) == 0 {
				if err != nil {
					return err
				}
				continue
			}
			detail := LetterDetail{TitleVI: v.TitleVI + " " + v.Number, TitleEN: cmp.Or(v.TitleEN, v.TitleVI) + " " + v.Number,
				Path: "/apis" + v.Prefix(), Ending: &EndingTold{Applications: o.applications, Docs: v.DocsURL, Lacks: parts}}
			write, to := c.writeTo, o.person
			if o.person == uuid.Nil {
				write, to = c.writeToAgency, o.agency
			}
			if err := write(ctx, tx, LetterVersion+NoticeLacking, to, detail); err != nil {
				return err
			}
		}
		return nil
	})
}

// losing is an owner, and what their applications lose.
type losing struct {
	owner
	losses []Loss
}

func ownersOfLosses(list []Loss) []losing {
	var out []losing
	for _, l := range list {
		if l.ownerPerson == uuid.Nil && l.ownerAgency == uuid.Nil {
			continue // the application is gone
		}
		i := slices.IndexFunc(out, func(o losing) bool { return o.person == l.ownerPerson && o.agency == l.ownerAgency })
		if i < 0 {
			i, out = len(out), append(out, losing{owner: owner{person: l.ownerPerson, agency: l.ownerAgency}})
		}
		out[i].losses = append(out[i].losses, l)
		if !slices.Contains(out[i].applications, l.Name) {
			out[i].applications = append(out[i].applications, l.Name)
		}
	}
	return out
}

// untold notes that an owner is told what is lost, and gives what is new to them.
func (c *Catalog) untold(ctx context.Context, tx pgx.Tx, version uuid.UUID, o losing) ([]LostPart, error) {
	var parts []LostPart
	for _, l := range o.losses {
		keys := make([]string, len(l.Lost))
		for i, part := range l.Lost {
			keys[i] = part.key()
		}
		rows, err := tx.Query(ctx, tellLossSQL, version, l.ApplicationID, keys, c.Now().UTC())
		if err != nil {
			return nil, fmt.Errorf("note what is told: %w", err)
		}
		told, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, fmt.Errorf("note what is told: %w", err)
		}
		for _, part := range l.Lost {
			if slices.Contains(told, part.key()) && !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	return parts, nil
}
