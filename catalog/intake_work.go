package catalog

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/guard"
	"lgsp/catalog/rows"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// WorkIntake does what an intake waits for, beside the requests: its file is
// read, or its dataset is made. What was done meanwhile, or given up, is not
// done again. What nobody but its person can mend is told there and no failure.
func (c *Catalog) WorkIntake(ctx context.Context, id uuid.UUID) error {
	in, err := pg.One[Intake](ctx, c.DB, intakeSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	} else if err != nil {
		return fmt.Errorf("read intake %s: %w", id, err)
	}
	switch in.State {
	case IntakeReading:
		err = c.readIntake(ctx, in)
	case IntakeMaking:
		err = c.makeIntake(ctx, in)
	}
	if e := problem.Of(err); err != nil && e != nil && e.Kind < 500 && problem.Code(err) != "upload-busy" {
		return c.refuseIntake(ctx, in, e)
	}
	return err
}

const refuseIntakeSQL = `
update catalog.intake
   set problem = $3, state = case state when 'making' then 'unmade' else 'refused' end
 where id = $1 and revision = $2 and state in ('reading', 'making')`

func (c *Catalog) refuseIntake(ctx context.Context, in Intake, e *problem.Error) error {
	why := IntakeProblem{Code: e.Code, Args: e.Args}
	if len(e.Fields) > 0 && why.Code == "" {
		why = IntakeProblem{Code: e.Fields[0].Code, Args: e.Fields[0].Args}
	}
	if _, err := c.DB.Exec(ctx, refuseIntakeSQL, in.ID, in.Revision, why); err != nil {
		return fmt.Errorf("refuse intake %s: %w", in.ID, err)
	}
	return nil
}

// raw is the file of an intake as it came, on this machine, claimed until it is
// released.
func (c *Catalog) raw(ctx context.Context, in Intake) (rows.Source, func(), error) {
	release, err := c.claim(in.ID)
	if err != nil {
		return rows.Source{}, nil, err
	}
	path, done, err := c.Files.Local(ctx, in.ID)
	if err != nil {
		release()
		return rows.Source{}, nil, fmt.Errorf("fetch upload %s: %w", in.ID, err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != in.Size {
		done()
		release()
		return rows.Source{}, nil, problem.Errorf(problem.Gone, "the file of intake %s is not there any more", in.ID).Coded("intake-file-gone")
	}
	format := strings.ToUpper(strings.TrimPrefix(filepath.Ext(in.FileName), "."))
	return rows.Source{Path: path, Format: format}, func() { done(); release() }, nil
}

const (
	tellIntakeSQL = `update catalog.intake set done_rows = $3 where id = $1 and revision = $2 and state = 'reading'`

	foundIntakeSQL = `
update catalog.intake
   set found = $3, plan = $4, text = $5, state = 'read', done_rows = $6, problem = null
 where id = $1 and revision = $2 and state = 'reading'`
)

// readIntake finds what the file holds, with what looks like personal data and
// what can be suggested of the dataset's description.
func (c *Catalog) readIntake(ctx context.Context, in Intake) error {
	source, release, err := c.raw(ctx, in)
	if err != nil {
		return err
	}
	defer release()
	places, err := c.PlaceList(ctx)
	if err != nil {
		return err
	}
	var personal *guard.Scanner
	var area *areaFinder
	found, left, err := inspectIntake(ctx, source, &in, rows.Watch{
		Begin: func(names []string) {
			personal, area = guard.Table(c.Now().Year(), names), findArea(places, names)
		},
		Row: func(cells []string) {
			personal.Row(cells)
			area.row(cells)
		},
		Told: func(n int64) error {
			_, err := c.DB.Exec(ctx, tellIntakeSQL, in.ID, in.Revision, n)
			return err
		},
	})
	if err != nil {
		return err
	}
	whole := IntakeFound{Found: found, Left: left, Personal: []IntakePersonal{}}
	for _, f := range personal.Findings() {
		if f.Column < len(found.Columns) {
			whole.Personal = append(whole.Personal, IntakePersonal{Column: f.Column, Kind: string(f.Kind), Rows: f.Rows, Examples: f.Examples})
		}
	}
	whole.Suggests = suggest(in.FileName, found, area)
	plan := planOf(in.Plan, found)
	text := in.Text
	if !in.Described {
		text = whole.Suggests.text(text)
	}
	if _, err := c.DB.Exec(ctx, foundIntakeSQL, in.ID, in.Revision, whole, plan, text, found.Rows); err != nil {
		return fmt.Errorf("keep what was found of %s: %w", in.ID, err)
	}
	return nil
}

// inspectIntake reads the file of an intake by its plan. At the first reading
// the rows that sum the table up, at its end, are left out of it, which would be
// counted and drawn among the others; it gives the first of them, 0: none. The
// plan says so then, and its person may take them in again.
func inspectIntake(ctx context.Context, source rows.Source, in *Intake, watch rows.Watch) (rows.Found, int64, error) {
	found, err := rows.Inspect(ctx, source, in.Plan.rows(), watch)
	if err != nil || found.Total == 0 || in.Found != nil || in.Plan.Last != 0 {
		return found, 0, err
	}
	left := found.Total
	in.Plan.Last = left - 1
	found, err = rows.Inspect(ctx, source, in.Plan.rows(), watch)
	return found, left, err
}

// planOf is the plan for what was found; what was decided of a column of the
// same name before stays.
func planOf(former IntakePlan, f rows.Found) IntakePlan {
	plan := IntakePlan{Sheet: f.Sheet, Header: f.Header, Last: former.Last, Columns: make([]IntakeColumn, len(f.Columns))}
	for i, c := range f.Columns {
		plan.Columns[i].Planned = rows.Planned{Name: c.Name, Type: c.Type, Notation: c.Notation, Drop: c.Filled == 0}
		if i < len(former.Columns) && len(former.Columns) == len(f.Columns) {
			kept := former.Columns[i]
			kept.Notation = c.Notation
			plan.Columns[i] = kept
		}
	}
	return plan
}

const askMakingSQL = `
update catalog.intake
   set state = 'making', problem = null, level = $2, updated_at = $3
 where id = $1 and state in ('read', 'unmade', 'made')`

// MakeIntake begins the dataset of an intake, or brings its description in line,
// and has its rows made; it is a draft that its agency alone sees. One that is
// made as it was decided stays so. It fails with Invalid where something is
// missing, and with Conflict while the file is read or after it was sent.
func (c *Catalog) MakeIntake(ctx context.Context, who auth.Principal, id uuid.UUID) (Intake, error) {
	in, err := c.Intake(ctx, who, id)
	if err != nil || in.State == IntakeMade || in.State == IntakeMaking {
		return in, err
	}
	if in.State != IntakeRead && in.State != IntakeUnmade {
		return in, busyIntake(in)
	}
	if !in.Described {
		return in, problem.Errorf(problem.Conflict, "the dataset is not described yet").Coded("intake-undescribed")
	}
	if err := c.checkIntakeText(ctx, who, &in); err != nil {
		return in, err
	}
	if err := c.beginIntakeDataset(ctx, who, in); err != nil {
		return in, err
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, askMakingSQL, id, who.Level, c.Now().UTC())
		if err != nil || tag.RowsAffected() == 0 { // it is under way
			return err
		}
		return c.AskIntake(ctx, tx, id)
	})
	if err != nil {
		return in, fmt.Errorf("make intake %s: %w", id, err)
	}
	return c.Intake(ctx, who, id)
}

const intakeDatasetSQL = `update catalog.intake set dataset_id = $2 where id = $1 and dataset_id is null`

// errBegun is told within when another request began the dataset first.
var errBegun = errors.New("the dataset is begun")

func (c *Catalog) beginIntakeDataset(ctx context.Context, who auth.Principal, in Intake) error {
	if in.DatasetID == nil {
		_, err := c.createDataset(ctx, who, in.AgencyID, in.Text, func(tx pgx.Tx, dataset uuid.UUID) error {
			tag, err := tx.Exec(ctx, intakeDatasetSQL, in.ID, dataset)
			if err == nil && tag.RowsAffected() == 0 {
				err = errBegun
			}
			return err
		})
		if !errors.Is(err, errBegun) {
			return err
		}
		return nil
	}
	_, err := c.EditDataset(ctx, who, *in.DatasetID, in.Text)
	return err
}

const madeIntakeSQL = `
update catalog.intake
   set state = 'made', problem = null
 where id = $1 and revision = $2 and state = 'making'`

// makeIntake writes the table that was planned and makes it the dataset's file
// and rows, as whoever asked for it.
func (c *Catalog) makeIntake(ctx context.Context, in Intake) error {
	who, err := c.WhoLater(ctx, in.PersonID, in.Level)
	if err != nil {
		return err
	}
	source, release, err := c.raw(ctx, in)
	if err != nil {
		return err
	}
	defer release()
	scratch, err := c.Files.Scratch()
	if err != nil {
		return fmt.Errorf("prepare intake %s: %w", in.ID, err)
	}
	path := scratch.Name()
	defer os.Remove(path)
	sum := sha256.New()
	buffered := bufio.NewWriter(scratch)
	made, err := rows.Prepare(ctx, source, in.Plan.rows(), in.Found.Encoding, io.MultiWriter(buffered, sum))
	err = errors.Join(err, buffered.Flush(), scratch.Sync())
	info, failed := scratch.Stat()
	if err = errors.Join(err, failed, scratch.Close()); err != nil {
		return err
	}
	kind, err := kindOf(in.Text.fileName(in.FileName))
	if err != nil {
		return err
	}
	if err := c.keepIntake(ctx, who, in, intakeFile{kind.file(info.Size(), sum.Sum(nil)), path, made}); err != nil {
		return err
	}
	if err := c.describeIntake(ctx, who, in); err != nil {
		return err
	}
	if _, err := c.DB.Exec(ctx, madeIntakeSQL, in.ID, in.Revision); err != nil {
		return fmt.Errorf("note intake %s: %w", in.ID, err)
	}
	return nil
}

// fileName is what the published table is called, after its dataset.
func (t DatasetText) fileName(otherwise string) string {
	if slug := slugOf(t.TitleVI); slug != "" {
		return slug + ".csv"
	}
	return strings.TrimSuffix(otherwise, filepath.Ext(otherwise)) + ".csv"
}

// intakeFile is the table that was written for an intake.
type intakeFile struct {
	file     FileVersion
	path     string
	prepared rows.Source
}

// keepIntake makes the table the dataset's distribution, or its newest version.
func (c *Catalog) keepIntake(ctx context.Context, who auth.Principal, in Intake, f intakeFile) error {
	put := filePut{who: who, dataset: *in.DatasetID, distribution: in.ID, verb: "distribution.add", fresh: true, prepared: &f.prepared}
	switch _, err := distributionOf(ctx, c.DB, in.ID); {
	case err == nil:
		put.verb, put.fresh = "distribution.replace", false
	case !problem.Is(err, problem.NotFound):
		return err
	}
	_, err := c.keepFile(ctx, put, f.file, f.path, func(tx pgx.Tx) error {
		if !put.fresh {
			return nil
		}
		return execOne(ctx, tx, insertDistributionSQL, in.ID, *in.DatasetID, in.Text.TitleVI, in.Text.TitleEN, c.Now().UTC())
	})
	return err
}

// describeIntake gives the columns what was said of them.
func (c *Catalog) describeIntake(ctx context.Context, who auth.Principal, in Intake) error {
	columns, err := columnsOf(ctx, c.DB, in.ID)
	if err != nil {
		return err
	}
	at := 0
	for _, planned := range in.Plan.Columns {
		if planned.Drop || at >= len(columns) {
			continue
		}
		columns[at].TitleVI, columns[at].NotesVI, columns[at].Unit, columns[at].Place = planned.Name, planned.NotesVI, planned.Unit, planned.Place
		at++
	}
	return c.DescribeColumns(ctx, who, in.ID, columns)
}

const sentIntakeSQL = `update catalog.intake set state = 'sent', unsaved = '{}', found = null, updated_at = $2 where id = $1`

// SendIntake submits the dataset of an intake that is made for review, and
// forgets the file as it came. Asked again it does nothing more. It fails like
// SubmitDataset, and with Conflict while it is not made.
func (c *Catalog) SendIntake(ctx context.Context, who auth.Principal, id uuid.UUID) (Intake, error) {
	in, err := c.Intake(ctx, who, id)
	if err != nil || in.State == IntakeSent {
		return in, err
	}
	if in.State != IntakeMade || in.DatasetID == nil {
		return in, busyIntake(in)
	}
	d, err := c.Dataset(ctx, who, *in.DatasetID)
	if err != nil {
		return in, err
	}
	if d.State == Draft { // else it was submitted, and the rest did not come to be
		if _, err := c.SubmitDataset(ctx, who, d.ID); err != nil {
			return in, err
		}
	}
	if _, err := c.DB.Exec(ctx, sentIntakeSQL, id, c.Now().UTC()); err != nil {
		return in, fmt.Errorf("send intake %s: %w", id, err)
	}
	if err := c.dropUpload(ctx, id); err != nil {
		return in, err
	}
	return c.Intake(ctx, who, id)
}
