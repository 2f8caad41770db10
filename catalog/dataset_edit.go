package catalog

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Returned is the state of an edit that the steward gave back.
const Returned = "returned"

// DatasetEdit is a changed description of a public dataset, which takes the
// place of the public one when a steward approves it.
type DatasetEdit struct {
	DatasetID  uuid.UUID   `json:"dataset_id"`
	ID         uuid.UUID   `json:"id"` // of this wording: a save makes a new one
	Text       DatasetText `json:"text"`
	State      string      `json:"state"`  // review, returned
	Reason     string      `json:"reason"` // why it was returned
	ProposedBy uuid.UUID   `json:"-"`
	ProposedAt time.Time   `json:"proposed_at"`
	ReviewBy   time.Time   `json:"review_by"` // until when the steward decides
	Changes    []Change    `json:"changes" db:"-"`
}

// Change is one field that an edit changes: its name in DatasetText's JSON, and
// what it said and will say; one of the agency's own is fields/name. Lists stand
// one item a line.
type Change struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// changesOf compares two descriptions, in the order of DatasetText's fields.
func changesOf(before, after DatasetText) []Change {
	list := []Change{}
	old, changed := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range old.NumField() {
		if old.Type().Field(i).Name == "Fields" {
			list = append(list, changesOfFields(before.Fields, after.Fields)...)
			continue
		}
		if !reflect.DeepEqual(old.Field(i).Interface(), changed.Field(i).Interface()) {
			list = append(list, Change{old.Type().Field(i).Tag.Get("json"), asLines(old.Field(i)), asLines(changed.Field(i))})
		}
	}
	return list
}

// asLines is a text, or a list with one item a line.
func asLines(v reflect.Value) string {
	if v.Kind() == reflect.String {
		return v.String()
	}
	lines := make([]string, v.Len())
	for i := range lines {
		if item := v.Index(i); item.Kind() == reflect.Float64 {
			lines[i] = strconv.FormatFloat(item.Float(), 'f', -1, 64)
		} else {
			lines[i] = item.String()
		}
	}
	return strings.Join(lines, "\n")
}

const editSQL = `
select dataset_id, id, text, state, reason, proposed_by, proposed_at, review_by
  from catalog.dataset_edit
 where dataset_id = $1`

// editOf is the pending edit of d, nil when there is none.
func editOf(ctx context.Context, db pg.DB, d Dataset) (*DatasetEdit, error) {
	edit, err := pg.One[DatasetEdit](ctx, db, editSQL, d.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read edit of dataset %s: %w", d.ID, err)
	}
	edit.Changes = changesOf(d.DatasetText, edit.Text)
	return &edit, nil
}

const proposeEditSQL = `
insert into catalog.dataset_edit (dataset_id, id, text, state, reason, proposed_by, proposed_at, review_by)
values ($1, $2, $3, 'review', '', $4, $5, $6)
    on conflict (dataset_id) do update
   set id = excluded.id, text = excluded.text, state = excluded.state, reason = excluded.reason,
       proposed_by = excluded.proposed_by, proposed_at = excluded.proposed_at, review_by = excluded.review_by`

// proposeEdit keeps text as the pending edit of a public dataset, in place of
// the one before, and puts it up for review. It fails with Invalid when
// nothing is changed or what publication asks for is missing.
func (c *Catalog) proposeEdit(ctx context.Context, who auth.Principal, id uuid.UUID, text DatasetText) (Dataset, error) {
	ch := datasetChange{who: who, id: id, act: "dataset.edit", verb: "dataset.propose", from: []string{Published}}
	return c.changeDataset(ctx, ch, func(tx pgx.Tx, d Dataset) error {
		if d.Slug != text.Slug {
			return slugFixed(d)
		}
		schema, err := schemaIn(ctx, tx, d.AgencyID)
		if err != nil {
			return err
		}
		stored := d.Fields
		if former, err := editOf(ctx, tx, d); err != nil {
			return err
		} else if former != nil { // which this one goes on from
			stored = former.Text.Fields
		}
		if err := text.checkWith(schema, stored); err != nil {
			return err
		}
		if len(changesOf(d.DatasetText, text)) == 0 {
			return problem.Errorf(problem.Invalid, "nothing is changed").Coded("dataset-edit-empty")
		}
		if e := incomplete(text, schema); len(e.Fields) > 0 {
			return e
		}
		now := c.Now().UTC()
		return execOne(ctx, tx, proposeEditSQL, id, uuid.Must(uuid.NewV7()), text, who.Person, now, now.Add(c.Terms.decide()))
	})
}

// ApproveEdit puts the pending edit of that id in the place of the public
// description, in search too. It fails with NotFound when there is none,
// Conflict when it was saved anew meanwhile or is not in review, and Forbidden
// for who proposed it.
func (c *Catalog) ApproveEdit(ctx context.Context, who auth.Principal, dataset, edit uuid.UUID) (Dataset, error) {
	ch := datasetChange{who: who, id: dataset, act: "dataset.approve", verb: "dataset.approve-edit", from: []string{Published}}
	return c.changeDataset(ctx, ch, func(tx pgx.Tx, d Dataset) error {
		e, err := editInReview(ctx, tx, d, edit)
		if err != nil {
			return err
		}
		if e.ProposedBy == who.Person {
			return problem.Errorf(problem.Forbidden, "nobody approves what they submitted").Coded("dataset-own-approval")
		}
		schema, err := schemaIn(ctx, tx, d.AgencyID)
		if err != nil {
			return err
		}
		if err := e.Text.checkWith(schema, e.Text.Fields); err != nil { // the lists may have changed since
			return err
		}
		if err := c.writeText(ctx, tx, d.ID, e.Text); err != nil {
			return err
		}
		if err := execOne(ctx, tx, reviewedSQL, d.ID, c.Now().UTC()); err != nil {
			return err
		}
		return execOne(ctx, tx, dropEditSQL, d.ID)
	})
}

// editInReview is the pending edit that a steward decides on.
func editInReview(ctx context.Context, tx pgx.Tx, d Dataset, id uuid.UUID) (*DatasetEdit, error) {
	e, err := editOf(ctx, tx, d)
	switch {
	case err != nil:
		return nil, err
	case e == nil:
		return nil, noEdit(d)
	case e.ID != id:
		return nil, problem.Errorf(problem.Conflict, "the edit of %s was saved anew meanwhile", d.Slug).Coded("dataset-edit-changed")
	case e.State != Review:
		return nil, problem.Errorf(problem.Conflict, "the edit of %s is %s, not in review", d.Slug, e.State).
			Coded("dataset-state", "state", e.State, "needed", Review)
	}
	return e, nil
}

func noEdit(d Dataset) error {
	return problem.Errorf(problem.NotFound, "dataset %s has no pending edit", d.Slug).Coded("dataset-edit-none", "slug", d.Slug)
}

const returnEditSQL = `update catalog.dataset_edit set state = 'returned', reason = $2 where dataset_id = $1`

// ReturnEdit gives the pending edit of that id back to its authors, with a
// reason (Invalid without one); a save puts it up again.
func (c *Catalog) ReturnEdit(ctx context.Context, who auth.Principal, dataset, edit uuid.UUID, reason string) (Dataset, error) {
	ch := datasetChange{who: who, id: dataset, act: "dataset.approve", verb: "dataset.return-edit", from: []string{Published}}
	if err := giveReason(&ch, reason); err != nil {
		return Dataset{}, err
	}
	return c.changeDataset(ctx, ch, func(tx pgx.Tx, d Dataset) error {
		if _, err := editInReview(ctx, tx, d, edit); err != nil {
			return err
		}
		return execOne(ctx, tx, returnEditSQL, d.ID, ch.reason)
	})
}

const dropEditSQL = `delete from catalog.dataset_edit where dataset_id = $1`

// DiscardEdit drops the pending edit of a public dataset; NotFound when there
// is none.
func (c *Catalog) DiscardEdit(ctx context.Context, who auth.Principal, dataset uuid.UUID) (Dataset, error) {
	ch := datasetChange{who: who, id: dataset, act: "dataset.edit", verb: "dataset.discard-edit", from: []string{Published}}
	return c.changeDataset(ctx, ch, func(tx pgx.Tx, d Dataset) error {
		tag, err := tx.Exec(ctx, dropEditSQL, d.ID)
		if err != nil {
			return fmt.Errorf("drop edit of dataset %s: %w", d.ID, err)
		}
		if tag.RowsAffected() == 0 {
			return noEdit(d)
		}
		return nil
	})
}
