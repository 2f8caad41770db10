package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"lgsp/auth"
	"lgsp/catalog/rows"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// IntakeSteps are the steps of an intake whose forms are kept, in their order.
func IntakeSteps() []string { return []string{"table", "personal", "about"} }

const saveIntakeSQL = `
update catalog.intake
   set plan = $2, text = $3, described = $4, state = $5, unsaved = $6, revision = $7, updated_at = $8, expires_at = $9
 where id = $1`

// changeIntake changes what was decided, made of a revision. Saying the same
// again changes nothing and is no failure. It fails with NotFound, with Conflict
// when it was saved since then, from another window, or is busy or sent.
func (c *Catalog) changeIntake(ctx context.Context, who auth.Principal, id uuid.UUID, revision int, apply func(tx pgx.Tx, in *Intake) error) (Intake, error) {
	if _, err := c.Intake(ctx, who, id); err != nil {
		return Intake{}, err
	}
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		in, err := pg.One[Intake](ctx, tx, lockIntakeSQL, id)
		if err != nil {
			return err
		}
		before := in.decided()
		if err := apply(tx, &in); err != nil {
			return err
		}
		if bytes.Equal(before, in.decided()) {
			return nil
		}
		switch in.State {
		case IntakeSent:
			return problem.Errorf(problem.Conflict, "the intake %s is sent", id).Coded("intake-sent")
		case IntakeSending, IntakeReading, IntakeMaking:
			return busyIntake(in)
		}
		if revision != in.Revision {
			return problem.Errorf(problem.Conflict, "the intake was saved as %d, after %d", in.Revision, revision).
				Coded("intake-changed", "at", in.UpdatedAt.In(vietnam).Format("15:04:05 2/1/2006"))
		}
		return c.saveIntake(ctx, tx, who, in)
	})
	if err != nil {
		return Intake{}, fmt.Errorf("save intake %s: %w", id, err)
	}
	return c.Intake(ctx, who, id)
}

// decided is what a person decides of an intake, to be compared.
func (in Intake) decided() []byte {
	text, _ := json.Marshal([]any{in.Plan, in.Text, in.Described}) // plain values do not fail
	return text
}

// saveIntake keeps a locked intake. Another sheet, header or end has the file
// read again; all else only makes what was made of it stale.
func (c *Catalog) saveIntake(ctx context.Context, tx pgx.Tx, who auth.Principal, in Intake) error {
	was, err := pg.One[Intake](ctx, tx, intakeSQL, in.ID)
	if err != nil {
		return err
	}
	again := in.Plan.Sheet != was.Plan.Sheet || in.Plan.Header != was.Plan.Header || in.Plan.Last != was.Plan.Last
	if in.Found != nil && in.State != IntakeRefused {
		in.State = IntakeRead
	}
	now := c.Now().UTC()
	if err := execOne(ctx, tx, saveIntakeSQL, in.ID, in.Plan, in.Text, in.Described, in.State, in.Unsaved, in.Revision+1, now, now.Add(IntakeLasts)); err != nil {
		return err
	}
	if again {
		return c.readAgain(ctx, tx, who, in.ID)
	}
	return execOne(ctx, tx, keepUploadSQL, in.ID, now.Add(IntakeLasts))
}

// SaveIntakePlan keeps what becomes of each column. It fails like every change,
// and with Invalid for a plan that cannot be.
func (c *Catalog) SaveIntakePlan(ctx context.Context, who auth.Principal, id uuid.UUID, revision int, plan IntakePlan) (Intake, error) {
	return c.changeIntake(ctx, who, id, revision, func(_ pgx.Tx, in *Intake) error {
		delete(in.Unsaved, "table")
		if in.Found == nil {
			return busyIntake(*in)
		}
		if plan.Sheet != in.Plan.Sheet || plan.Header != in.Plan.Header {
			plan.Columns = nil // they are others
			in.Plan = plan
			return nil
		}
		for i := range min(len(plan.Columns), len(in.Plan.Columns)) {
			plan.Columns[i].Decade = in.Plan.Columns[i].Decade // decided at another step
		}
		if err := plan.check(in.Plan.Columns); err != nil {
			return err
		}
		in.Plan = plan
		return nil
	})
}

// check brings the plan's words to NFC and holds it to the columns that there
// are.
func (p *IntakePlan) check(known []IntakeColumn) error {
	e := problem.Errorf(problem.Invalid, "the plan of the columns is not right").Coded("plan-invalid")
	if len(p.Columns) != len(known) {
		return problem.Errorf(problem.Invalid, "the plan has %d columns, the file %d", len(p.Columns), len(known)).Coded("plan-stale")
	}
	names := map[string]bool{}
	kept := 0
	for i := range p.Columns {
		col := &p.Columns[i]
		col.Name = norm.NFC.String(strings.Join(strings.Fields(col.Name), " "))
		col.NotesVI, col.Unit, col.Notation = norm.NFC.String(strings.TrimSpace(col.NotesVI)), norm.NFC.String(strings.TrimSpace(col.Unit)), known[i].Notation
		field := func(name string) string { return fmt.Sprintf("%s.%d", name, i) }
		for _, part := range []struct {
			name, text string
			most       int
		}{{"name", col.Name, 120}, {"notes", col.NotesVI, 2000}, {"unit", col.Unit, 60}} {
			checkLine(e, field(part.name), part.text, part.most)
		}
		if !slices.Contains(rows.Types(), col.Type) {
			e.Wrong(field("type"), "not-in-list", "is not in the list")
		}
		if err := checkPlace(Column{Place: col.Place}); err != nil {
			e.Wrong(field("place"), "not-in-list", "is not in the list")
		}
		if col.Drop {
			continue
		}
		kept++
		if col.Name == "" {
			e.Wrong(field("name"), "required", "is required")
		}
		if names[col.Name] {
			e.Wrong(field("name"), "plan-name-twice", "stands twice", "name", col.Name)
		}
		names[col.Name] = true
	}
	if kept == 0 {
		return problem.Errorf(problem.Invalid, "every column is left out").Coded("plan-empty")
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

// checkLine holds a text to its length, and to be text.
func checkLine(e *problem.Error, name, text string, most int) {
	if utf8.RuneCountInString(text) > most {
		e.Wrong(name, "text-too-long", "longer than allowed", "max", fmt.Sprint(most))
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		e.Wrong(name, "text-unreadable", "holds characters that are not text")
	}
}

// IntakeWay is what a person does about a column that looks as if it held
// personal data.
type IntakeWay struct {
	Column int
	Way    string // drop, decade, ask
}

// SaveIntakePersonal keeps what is done about such columns: they are left out,
// of birth dates only the ten years are told, or the steward is asked.
func (c *Catalog) SaveIntakePersonal(ctx context.Context, who auth.Principal, id uuid.UUID, revision int, ways []IntakeWay) (Intake, error) {
	return c.changeIntake(ctx, who, id, revision, func(_ pgx.Tx, in *Intake) error {
		delete(in.Unsaved, "personal")
		plan := in.Plan
		plan.Columns = slices.Clone(in.Plan.Columns)
		for _, w := range ways {
			if w.Column < 0 || w.Column >= len(plan.Columns) || !slices.Contains([]string{"drop", "decade", "ask"}, w.Way) {
				return problem.Errorf(problem.Invalid, "no such way with a column").Coded("plan-stale")
			}
			plan.Columns[w.Column].Drop, plan.Columns[w.Column].Decade = w.Way == "drop", w.Way == "decade"
		}
		if err := plan.check(in.Plan.Columns); err != nil {
			return err
		}
		in.Plan = plan
		return nil
	})
}

// SaveIntakeText keeps what is written about the dataset, whatever it is, and
// then fails with Invalid for what is wrong in it.
func (c *Catalog) SaveIntakeText(ctx context.Context, who auth.Principal, id uuid.UUID, revision int, text DatasetText) (Intake, error) {
	in, err := c.changeIntake(ctx, who, id, revision, func(_ pgx.Tx, in *Intake) error {
		delete(in.Unsaved, "about")
		in.Text, in.Described = text, true
		return nil
	})
	if err != nil {
		return in, err
	}
	return in, c.checkIntakeText(ctx, who, &in)
}

// checkIntakeText holds the text to what a dataset needs to be submitted, and
// gives a slug to one that has none.
func (c *Catalog) checkIntakeText(ctx context.Context, who auth.Principal, in *Intake) error {
	agencies, err := c.Agencies(ctx, []uuid.UUID{in.AgencyID})
	if err != nil {
		return err
	}
	asked, err := c.FieldSchema(ctx, who, in.AgencyID)
	if err != nil {
		return err
	}
	in.Text.answeredBy(agencies[in.AgencyID])
	if in.Text.Slug == "" && in.DatasetSlug != "" {
		in.Text.Slug = in.DatasetSlug
	} else if in.Text.Slug == "" {
		if in.Text.Slug, err = freeSlug(ctx, c.DB, in.Text.TitleVI); err != nil {
			return err
		}
	}
	e := in.Text.faults()
	in.Text.Fields = asked.Schema().Check(e, in.Text.Fields, nil)
	for _, f := range []struct{ name, value string }{{"notes_vi", in.Text.NotesVI}, {"theme", in.Text.Theme}} {
		if f.value == "" {
			e.Wrong(f.name, "required", "is required")
		}
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

const (
	// mostUnsaved is how much of what was typed is kept for after the sign-in, in
	// bytes.
	mostUnsaved = 256 << 10

	keepUnsavedSQL = `
update catalog.intake
   set unsaved = unsaved || jsonb_build_object($2::text, $3::jsonb)
 where id = $1 and state <> 'sent' and expires_at > $4`
)

// KeepUnsaved keeps what was typed on a step by somebody whose session had ended,
// until the intake's person comes back to it. It decides nothing: only that
// person sees it, and saves it or not. Who knows an intake's id may ask this of
// it, and each step holds one at most, of a bounded size; what does not fit is
// not kept.
func (c *Catalog) KeepUnsaved(ctx context.Context, id uuid.UUID, step string, typed map[string][]string) error {
	body, err := json.Marshal(typed)
	if err != nil {
		return fmt.Errorf("keep what was typed: %w", err)
	}
	if len(body) > mostUnsaved || !slices.Contains(IntakeSteps(), step) || bytes.Contains(body, []byte(`\u0000`)) {
		return nil
	}
	if _, err := c.DB.Exec(ctx, keepUnsavedSQL, id, step, string(body), c.Now().UTC()); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("keep what was typed for %s: %w", id, err)
	}
	return nil
}

const dropUnsavedSQL = `update catalog.intake set unsaved = unsaved - $2::text where id = $1 and person_id = $3`

// DropUnsaved forgets what was typed on a step when the session had ended.
func (c *Catalog) DropUnsaved(ctx context.Context, who auth.Principal, id uuid.UUID, step string) error {
	if _, err := c.DB.Exec(ctx, dropUnsavedSQL, id, step, who.Person); err != nil {
		return fmt.Errorf("drop what was typed for %s: %w", id, err)
	}
	return nil
}
