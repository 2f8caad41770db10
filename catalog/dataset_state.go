package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/fields"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// datasetChange names one change of a dataset: who asks, what the policy is
// asked, and what the ledger keeps.
type datasetChange struct {
	who    auth.Principal
	id     uuid.UUID
	act    string
	verb   string
	reason string
	from   []string       // states it may start from; none: any
	detail map[string]any // for the ledger, beside slug, state and reason

	found *partFindings // what the file at hand seems to hold of personal data; nil: no file
	held  uuid.UUID     // the part to hold that under while the file is refused
	last  func() error  // done when all else has been; nil: nothing
}

// editable are the states in which text and files may change. What waits for
// the steward stays what they read, and what is approved what they approved.
var editable = []string{Draft, Published, Withdrawn}

// changeDataset asks the policy, and in one transaction locks the dataset,
// applies the change, brings the search in line and records the act. It fails
// with NotFound for a dataset that is unknown or not to be seen, with what May
// says, and with Conflict when the dataset would be public with something that
// looks like personal data and that no steward decided of.
func (c *Catalog) changeDataset(ctx context.Context, ch datasetChange, apply func(pgx.Tx, Dataset) error) (Dataset, error) {
	seen, err := c.Dataset(ctx, ch.who, ch.id)
	if err != nil {
		return Dataset{}, err
	}
	if err := c.May(ctx, ch.who, ch.act, seen.AgencyID); err != nil {
		return Dataset{}, err
	}
	var d Dataset
	var found []partFindings
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		var err error
		d, err = pg.One[Dataset](ctx, tx, lockDatasetSQL, ch.id)
		if errors.Is(err, pgx.ErrNoRows) {
			return noDataset(ch.id.String())
		} else if err != nil {
			return fmt.Errorf("lock dataset %s: %w", ch.id, err)
		}
		if err := d.inState(ch.from); err != nil {
			return err
		}
		if err := apply(tx, d); err != nil {
			return err
		}
		d, found, err = c.settle(ctx, tx, ch, seen.Agency) // Agencies would take a second connection
		return err
	})
	if problem.Code(err) == codeUndecided {
		if err := c.holdFindings(ctx, ch.id, ch.asHeld(found)...); err != nil {
			return Dataset{}, err
		}
	}
	if err != nil {
		return Dataset{}, err
	}
	return d, nil
}

// asHeld are findings under the part that they wait under.
func (ch datasetChange) asHeld(found []partFindings) []partFindings {
	for i := range found {
		if ch.found != nil && found[i].part == ch.found.part {
			found[i].part = ch.held
		}
	}
	return found
}

// settle reads a changed dataset again, holds it to what was decided of personal
// data (giving what was found), brings the search in line with it and records
// the act.
func (c *Catalog) settle(ctx context.Context, tx pgx.Tx, ch datasetChange, agency Agency) (Dataset, []partFindings, error) {
	d, err := pg.One[Dataset](ctx, tx, datasetByIDSQL, ch.id)
	if err != nil {
		return d, nil, fmt.Errorf("read dataset %s: %w", ch.id, err)
	}
	d.Agency = agency
	if d.Distributions, err = distributionsOf(ctx, tx, ch.id); err != nil {
		return d, nil, err
	}
	if d.Edit, err = editOf(ctx, tx, d); err != nil {
		return d, nil, err
	}
	if d.Schema, err = schemaIn(ctx, tx, d.AgencyID); err != nil {
		return d, nil, err
	}
	found, err := c.guarded(ctx, tx, ch, d)
	if err != nil {
		return d, found, err
	}
	if err := c.indexDataset(ctx, tx, d); err != nil {
		return d, nil, err
	}
	if ch.last != nil {
		if err := ch.last(); err != nil {
			return d, nil, err
		}
	}
	detail := map[string]any{"slug": d.Slug, "state": d.State}
	maps.Copy(detail, ch.detail)
	if ch.reason != "" {
		detail["reason"] = ch.reason
	}
	return d, found, c.Record(ctx, tx, auth.Act{Who: ch.who, Verb: ch.verb, Agency: d.AgencyID, About: d.ID, Detail: detail})
}

// inState fails with Conflict unless the dataset is in one of the states; none
// named: any.
func (d Dataset) inState(states []string) error {
	if len(states) == 0 || slices.Contains(states, d.State) {
		return nil
	}
	return problem.Errorf(problem.Conflict, "dataset %s is %s, not %s", d.Slug, d.State, strings.Join(states, " or ")).
		Coded("dataset-state", "state", d.State, "needed", strings.Join(states, ", "))
}

const moveDatasetSQL = `
update catalog.dataset
   set state = $2, state_reason = $3, updated_at = $4, submitted_by = coalesce($5, submitted_by),
       published_at = case when $2 = 'published' then coalesce(published_at, $4) else published_at end,
       reviewed_at = case when $2 = 'published' then $4 else reviewed_at end, review_by = $6,
       publish_at = null, scheduled_by = null
 where id = $1`

// moveDataset is changeDataset for a change of state; submitter is kept when
// the move is a submission.
func (c *Catalog) moveDataset(ctx context.Context, ch datasetChange, state string, before func(pgx.Tx, Dataset) error) (Dataset, error) {
	return c.changeDataset(ctx, ch, func(tx pgx.Tx, d Dataset) error {
		if before != nil {
			if err := before(tx, d); err != nil {
				return err
			}
		}
		var submitter *uuid.UUID
		var decide *time.Time
		now := c.Now().UTC()
		if state == Review {
			by := now.Add(c.Terms.decide())
			submitter, decide = &ch.who.Person, &by
		}
		return execOne(ctx, tx, moveDatasetSQL, ch.id, state, ch.reason, now, submitter, decide)
	})
}

// SubmitDataset hands a draft to the steward. It fails with Conflict unless it
// is a draft, and with Invalid when title, notes, theme or a file is missing.
func (c *Catalog) SubmitDataset(ctx context.Context, who auth.Principal, id uuid.UUID) (Dataset, error) {
	ch := datasetChange{who: who, id: id, act: "dataset.edit", verb: "dataset.submit", from: []string{Draft}}
	return c.moveDataset(ctx, ch, Review, func(tx pgx.Tx, d Dataset) error {
		files, err := distributionsOf(ctx, tx, d.ID)
		if err != nil {
			return err
		}
		schema, err := schemaIn(ctx, tx, d.AgencyID)
		if err != nil {
			return err
		}
		e := incomplete(d.DatasetText, schema)
		schema.Check(e, d.Fields, d.Fields) // it may have changed since they were given
		if len(files) == 0 {
			e.Wrong("distributions", "dataset-no-file", "has no file yet")
		}
		if len(e.Fields) > 0 {
			return e
		}
		return nil
	})
}

// incomplete has an error for each text that publication asks for and that is
// missing, the agency's own fields too.
func incomplete(t DatasetText, schema fields.Schema) *problem.Error {
	e := problem.Errorf(problem.Invalid, "the dataset is not complete").Coded("dataset-incomplete")
	for _, f := range []struct{ name, value string }{{"notes_vi", t.NotesVI}, {"theme", t.Theme}} {
		if f.value == "" {
			e.Wrong(f.name, "required", "is required")
		}
	}
	schema.Missing(e, t.Fields)
	return e
}

const datasetSubmitterSQL = `select submitted_by from catalog.dataset where id = $1`

// ApproveDataset lets a reviewed dataset be published. Nobody approves what
// they submitted: Forbidden.
func (c *Catalog) ApproveDataset(ctx context.Context, who auth.Principal, id uuid.UUID) (Dataset, error) {
	ch := datasetChange{who: who, id: id, act: "dataset.approve", verb: "dataset.approve", from: []string{Review}}
	return c.moveDataset(ctx, ch, Approved, func(tx pgx.Tx, _ Dataset) error {
		var submitter *uuid.UUID
		if err := tx.QueryRow(ctx, datasetSubmitterSQL, id).Scan(&submitter); err != nil {
			return fmt.Errorf("read who submitted dataset %s: %w", id, err)
		}
		if submitter != nil && *submitter == who.Person {
			return problem.Errorf(problem.Forbidden, "nobody approves what they submitted").Coded("dataset-own-approval")
		}
		return nil
	})
}

// ReturnDataset gives a dataset in review, or approved, back as a draft, with
// a reason (Invalid without one).
func (c *Catalog) ReturnDataset(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) (Dataset, error) {
	ch := datasetChange{who: who, id: id, act: "dataset.approve", verb: "dataset.return", from: []string{Review, Approved}}
	if err := giveReason(&ch, reason); err != nil {
		return Dataset{}, err
	}
	return c.moveDataset(ctx, ch, Draft, nil)
}

// PublishDataset opens an approved dataset to everyone: page, files, rows and
// search at once, or none. It fails with Conflict unless it is approved.
func (c *Catalog) PublishDataset(ctx context.Context, who auth.Principal, id uuid.UUID) (Dataset, error) {
	ch := datasetChange{who: who, id: id, act: "dataset.publish", verb: "dataset.publish", from: []string{Approved}}
	return c.moveDataset(ctx, ch, Published, nil)
}

// WithdrawDataset hides a published dataset from everyone outside the agency,
// with a reason that everyone may read.
func (c *Catalog) WithdrawDataset(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) (Dataset, error) {
	return c.WithdrawFor(ctx, who, id, Withdrawal{Reason: reason})
}

func giveReason(ch *datasetChange, reason string) error {
	ch.reason = strings.TrimSpace(reason)
	if ch.reason == "" || len(ch.reason) > 4000 {
		return problem.Errorf(problem.Invalid, "a reason is required, of at most 4000 bytes").Coded("reason-required").
			Wrong("reason", "reason-required", "is required")
	}
	return nil
}

// indexDataset makes the search hold the dataset exactly while it is published,
// and the index of packages in every state.
func (c *Catalog) indexDataset(ctx context.Context, tx pgx.Tx, d Dataset) error {
	if err := putPackage(ctx, tx, d.ID); err != nil {
		return err
	}
	if d.State != Published {
		return c.unindex(ctx, tx, "dataset", d.ID)
	}
	doc := SearchDoc{
		Kind: "dataset", ID: d.ID, Agency: d.Agency, Slug: d.Slug, TitleVI: d.TitleVI, TitleEN: d.TitleEN,
		TextVI: d.NotesVI, TextEN: d.NotesEN, Keywords: slices.Concat(d.KeywordsVI, d.KeywordsEN, []string{d.SourceDocument}),
		Theme: d.Theme, Licence: d.Licence, Access: []string{Open}, At: d.UpdatedAt.Truncate(time.Second),
	}
	if d.AccessRights == AccessRestricted {
		d.Distributions, doc.Access = nil, []string{Restricted} // formats and columns are not for everyone
	}
	if own := d.Schema.Searched(d.Fields); own != "" {
		doc.Columns = append(doc.Columns, own)
	}
	var names []string
	for _, part := range d.Distributions {
		if !slices.Contains(doc.Formats, part.Format) {
			doc.Formats = append(doc.Formats, part.Format)
		}
		columns, err := columnsOf(ctx, tx, part.ID)
		if err != nil {
			return err
		}
		for _, column := range columns {
			names = append(names, column.Name)
		}
	}
	doc.Columns, doc.Fields = append(doc.Columns, names...), fieldKeys(names)
	return c.index(ctx, tx, doc)
}
