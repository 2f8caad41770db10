package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/rows"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The states of an intake. What is refused cannot be read as it is planned, what
// is unmade could not become a dataset as it is; both can be planned anew.
const (
	IntakeSending = "sending" // the file is on its way
	IntakeReading = "reading"
	IntakeRead    = "read"
	IntakeRefused = "refused"
	IntakeMaking  = "making"
	IntakeMade    = "made"
	IntakeUnmade  = "unmade"
	IntakeSent    = "sent" // its dataset was submitted for review
)

const (
	// IntakeLasts is how long an intake is kept after it was last worked on, with
	// the file as it came.
	IntakeLasts = 14 * 24 * time.Hour
	// maxIntakes is how many a person may have begun and not sent.
	maxIntakes = 20
)

// Intake is a table in a file that becomes a dataset step by step, and what its
// person decided so far. Nobody else sees it. The file as it came never becomes
// public: what does is the table that the plan makes of it.
type Intake struct {
	ID          uuid.UUID      `json:"id"` // also of the file on its way, and of the distribution it becomes
	AgencyID    uuid.UUID      `json:"agency_id"`
	PersonID    uuid.UUID      `json:"-"`
	Level       string         `json:"-"` // what the person had proved when work was asked for
	FileName    string         `json:"file_name"`
	Size        int64          `json:"size"`
	State       string         `json:"state"`
	Revision    int            `json:"revision"` // of what was decided; a change names the one it was made of
	Plan        IntakePlan     `json:"plan"`
	Text        DatasetText    `json:"text"`
	Described   bool           `json:"described"` // the text was looked through
	Found       *IntakeFound   `json:"found"`
	DoneRows    int64          `json:"done_rows"` // of the reading under way
	Problem     *IntakeProblem `json:"problem"`
	Unsaved     IntakeUnsaved  `json:"-"`
	DatasetID   *uuid.UUID     `json:"dataset_id"`
	DatasetSlug string         `json:"dataset_slug"`
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
	ExpiresAt   time.Time      `json:"expires_at"`
}

// IntakePlan is rows.Plan with what is said of each column.
type IntakePlan struct {
	Sheet   string         `json:"sheet"`
	Header  int64          `json:"header"`
	Last    int64          `json:"last"`
	Columns []IntakeColumn `json:"columns"`
}

// IntakeColumn is a column of the file, and what becomes of it.
type IntakeColumn struct {
	rows.Planned
	NotesVI string `json:"notes_vi"`
	Unit    string `json:"unit"`
	Place   string `json:"place"`
}

func (p IntakePlan) rows() rows.Plan {
	plan := rows.Plan{Sheet: p.Sheet, Header: p.Header, Last: p.Last}
	for _, c := range p.Columns {
		plan.Columns = append(plan.Columns, c.Planned)
	}
	return plan
}

// IntakeFound is what was found in the file.
type IntakeFound struct {
	rows.Found
	Left     int64            `json:"left"` // the first row of the file's end that sums up, and was left out by itself; 0: none
	Personal []IntakePersonal `json:"personal"`
	Suggests IntakeSuggests   `json:"suggests"`
}

// IntakePersonal is a kind of personal data that a column seems to hold.
type IntakePersonal struct {
	Column   int      `json:"column"` // from 0
	Kind     string   `json:"kind"`
	Rows     int64    `json:"rows"`
	Examples []string `json:"examples"` // masked
}

// IntakeProblem is why an intake was refused or could not be made.
type IntakeProblem struct {
	Code string            `json:"code"`
	Args map[string]string `json:"args"`
}

// IntakeUnsaved is what was typed on a step when the session had ended.
type IntakeUnsaved map[string]map[string][]string

const intakeColumns = `i.id, i.agency_id, i.person_id, i.level, i.file_name, i.size, i.state, i.revision, i.plan, i.text, i.described, i.found,
       i.done_rows, i.problem, i.unsaved, i.dataset_id, coalesce(d.slug, '') as dataset_slug, i.created_at, i.updated_at, i.expires_at
  from catalog.intake i
  left join catalog.dataset d on d.id = i.dataset_id`

const (
	intakeSQL     = `select ` + intakeColumns + ` where i.id = $1`
	lockIntakeSQL = `select ` + intakeColumns + ` where i.id = $1 for update of i`
	intakesSQL    = `select ` + intakeColumns + ` where i.person_id = $1 and i.agency_id = $2 and i.state <> 'sent' and i.expires_at > $3 order by i.updated_at desc limit 50`
)

// Intake gives an intake to its person, as long as they may edit the agency's
// datasets; to all others it is NotFound.
func (c *Catalog) Intake(ctx context.Context, who auth.Principal, id uuid.UUID) (Intake, error) {
	in, err := pg.One[Intake](ctx, c.DB, intakeSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return in, noIntake(id)
	} else if err != nil {
		return in, fmt.Errorf("read intake %s: %w", id, err)
	}
	if !who.SignedIn() || in.PersonID != who.Person || c.May(ctx, who, "dataset.edit", in.AgencyID) != nil {
		return Intake{}, noIntake(id)
	}
	return in, nil
}

// Intakes are those of a person that are not sent yet, in an agency, the one
// last worked on first.
func (c *Catalog) Intakes(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]Intake, error) {
	if err := c.May(ctx, who, "dataset.edit", agency); err != nil {
		return nil, err
	}
	list, err := pg.All[Intake](ctx, c.DB, intakesSQL, who.Person, agency, c.Now().UTC())
	if err != nil {
		return nil, fmt.Errorf("list intakes: %w", err)
	}
	return list, nil
}

func noIntake(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no intake %s", id).Coded("intake-unknown")
}

// NewIntake is a file that begins an intake.
type NewIntake struct {
	ID       uuid.UUID // chosen by who asks, so that asking twice begins one
	Agency   uuid.UUID
	FileName string
	Size     int64
}

const (
	insertIntakeUploadSQL = `
insert into catalog.upload (id, agency_id, person_id, file_name, size, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)`

	insertIntakeSQL = `
insert into catalog.intake (id, agency_id, person_id, level, file_name, size, state, revision, plan, text, described, done_rows, unsaved,
       created_at, updated_at, expires_at)
select $1, $2, $3, $4, $5, $6, 'sending', 1, '{}', '{}', false, 0, '{}', $7, $7, $8
 where (select count(*) from catalog.intake where person_id = $3 and state <> 'sent' and expires_at > $7) < $9`
)

// BeginIntake prepares for a file with a table, which then comes by Receive or
// FillIntake. One that was begun is given as it is. It fails with what May says
// of dataset.edit, UnsupportedMedia for what is no CSV, TSV or XLSX, TooLarge,
// Invalid for an empty file, and TooMany.
func (c *Catalog) BeginIntake(ctx context.Context, who auth.Principal, n NewIntake) (Intake, error) {
	if err := c.May(ctx, who, "dataset.edit", n.Agency); err != nil {
		return Intake{}, err
	}
	if in, err := c.Intake(ctx, who, n.ID); err == nil && in.AgencyID == n.Agency {
		return in, nil
	} else if err != nil && problem.Code(err) != "intake-unknown" {
		return in, err
	}
	kind, err := kindOf(n.FileName)
	if err != nil {
		return Intake{}, err
	}
	if kind.ending != "csv" && kind.ending != "tsv" && kind.ending != "xlsx" {
		return Intake{}, problem.Errorf(problem.UnsupportedMedia, "%s is no spreadsheet", kind.name).Coded("intake-format", "name", kind.name).
			Wrong("file", "intake-format", "is no spreadsheet", "name", kind.name)
	}
	if err := kind.fits(n.Size); err != nil {
		return Intake{}, err
	}
	now := c.Now().UTC()
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, insertIntakeSQL, n.ID, n.Agency, who.Person, who.Level, kind.name, n.Size, now, now.Add(IntakeLasts), maxIntakes)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return problem.Errorf(problem.TooMany, "%d intakes are begun already", maxIntakes).Coded("intakes-many", "most", fmt.Sprint(maxIntakes))
		}
		return execOne(ctx, tx, insertIntakeUploadSQL, n.ID, n.Agency, who.Person, kind.name, n.Size, now, now.Add(UploadLasts))
	})
	if pg.IsUnique(err, "intake_pkey") {
		return c.Intake(ctx, who, n.ID) // the same, asked twice at once
	} else if err != nil {
		return Intake{}, fmt.Errorf("begin intake: %w", err)
	}
	return c.Intake(ctx, who, n.ID)
}

// FillIntake takes the file of an intake whole; what has come of it is not taken
// again. It fails like Receive, and with Conflict for a file of another size.
func (c *Catalog) FillIntake(ctx context.Context, who auth.Principal, in Intake, size int64, body io.Reader) error {
	up, err := c.Upload(ctx, who, in.ID)
	if err != nil {
		return err
	}
	if size != in.Size {
		return problem.Errorf(problem.Conflict, "the file has %d bytes, not %d", size, in.Size).Coded("intake-other-file")
	}
	if _, err := io.CopyN(io.Discard, body, up.Received); err != nil {
		return fmt.Errorf("pass over what has come: %w", err)
	}
	_, err = c.Receive(ctx, who, in.ID, up.Received, body)
	return err
}

const (
	keepUploadSQL   = `update catalog.upload set expires_at = $2 where id = $1`
	startReadingSQL = `
update catalog.intake
   set state = 'reading', done_rows = 0, problem = null, level = $2, updated_at = $3, expires_at = $4
 where id = $1`
)

// StartIntake has the file of an intake read once it has come whole; asked again
// it does nothing more. It fails with NotFound, and with Conflict for a file
// that has not come whole.
func (c *Catalog) StartIntake(ctx context.Context, who auth.Principal, id uuid.UUID) (Intake, error) {
	in, err := c.Intake(ctx, who, id)
	if err != nil || in.State != IntakeSending {
		return in, err
	}
	up, err := c.Upload(ctx, who, id)
	if err != nil {
		return in, err
	}
	if up.Received != up.Size {
		return in, problem.Errorf(problem.Conflict, "of the upload's %d bytes %d have come", up.Size, up.Received).
			Coded("upload-unfinished", "at", fmt.Sprint(up.Received), "size", fmt.Sprint(up.Size))
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		in, err := pg.One[Intake](ctx, tx, lockIntakeSQL, id)
		if err != nil || in.State != IntakeSending {
			return err
		}
		return c.readAgain(ctx, tx, who, id)
	})
	if err != nil {
		return in, fmt.Errorf("start intake %s: %w", id, err)
	}
	return c.Intake(ctx, who, id)
}

// readAgain has the file of a locked intake read by its plan.
func (c *Catalog) readAgain(ctx context.Context, tx pgx.Tx, who auth.Principal, id uuid.UUID) error {
	now := c.Now().UTC()
	if err := execOne(ctx, tx, startReadingSQL, id, who.Level, now, now.Add(IntakeLasts)); err != nil {
		return err
	}
	if err := execOne(ctx, tx, keepUploadSQL, id, now.Add(IntakeLasts)); err != nil {
		return err
	}
	return c.AskIntake(ctx, tx, id)
}

const dropIntakeSQL = `delete from catalog.intake where id = $1`

// DropIntake forgets an intake with its file. A dataset that was made of it
// stays the draft it is.
func (c *Catalog) DropIntake(ctx context.Context, who auth.Principal, id uuid.UUID) error {
	in, err := c.Intake(ctx, who, id)
	if err != nil {
		return err
	}
	if in.State == IntakeReading || in.State == IntakeMaking {
		return busyIntake(in)
	}
	if _, err := c.DB.Exec(ctx, dropIntakeSQL, id); err != nil {
		return fmt.Errorf("drop intake %s: %w", id, err)
	}
	return c.dropUpload(ctx, id)
}

func busyIntake(in Intake) error {
	return problem.Errorf(problem.Conflict, "the intake %s is %s", in.ID, in.State).Coded("intake-busy")
}

const sweepIntakesSQL = `delete from catalog.intake where expires_at <= $1`

// SweepIntakes forgets intakes that nobody worked on for long; SweepUploads does
// their files.
func (c *Catalog) SweepIntakes(ctx context.Context) error {
	if _, err := c.DB.Exec(ctx, sweepIntakesSQL, c.Now().UTC()); err != nil {
		return fmt.Errorf("sweep intakes: %w", err)
	}
	return nil
}
