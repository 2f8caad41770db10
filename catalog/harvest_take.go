package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/fields"
	"lgsp/catalog/harvest"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// harvester takes over what a source has, on behalf of its agency.
type harvester struct {
	*Catalog
	source HarvestSource
	agency Agency
	run    *HarvestRun
}

// note keeps what a person is to read of a run.
func (h *harvester) note(rec harvest.Record, why string) {
	if len(h.run.Notes) < 200 {
		h.run.Notes = append(h.run.Notes, cmp.Or(rec.TitleVI, rec.TitleEN)+" ("+rec.Key+"): "+why)
	}
}

const keepHarvestedSQL = `
insert into catalog.harvested (source_id, key, dataset_id, hash) values ($1, $2, $3, $4)
on conflict (source_id, key) do update set hash = excluded.hash, gone_at = null`

// take makes a record a dataset, or brings the dataset that it is in line with
// it. What cannot be taken is noted, and left as it is: done is false.
func (h *harvester) take(ctx context.Context, rec harvest.Record, known harvested) (done bool, err error) {
	text, err := h.text(ctx, rec, known)
	if err == nil {
		err = pgx.BeginFunc(ctx, h.DB, func(tx pgx.Tx) error { return h.put(ctx, tx, rec, known, text) })
	}
	if problem.Code(err) == codeUndecided && known.DatasetID == uuid.Nil { // a draft, on which a steward can decide
		h.note(rec, "it stays a draft: something in its description looks like personal data")
		publishes := h.source.Publishes
		h.source.Publishes = false
		err = pgx.BeginFunc(ctx, h.DB, func(tx pgx.Tx) error { return h.put(ctx, tx, rec, known, text) })
		h.source.Publishes = publishes
	}
	var wrong *problem.Error
	if errors.As(err, &wrong) {
		why := wrong.Error()
		for _, f := range wrong.Fields {
			why += "; " + f.Name + " " + f.Detail
		}
		h.note(rec, why)
		return false, nil
	}
	return err == nil, err
}

// text is a record as what people write about a dataset. The source is said.
func (h *harvester) text(ctx context.Context, rec harvest.Record, known harvested) (DatasetText, error) {
	t := DatasetText{TitleVI: cmp.Or(rec.TitleVI, rec.TitleEN), TitleEN: rec.TitleEN, NotesVI: cmp.Or(rec.NotesVI, rec.NotesEN), NotesEN: rec.NotesEN,
		KeywordsVI: rec.Keywords, Theme: h.source.Theme, Licence: h.source.Licence, TemporalStart: rec.Start, TemporalEnd: rec.End,
		SourceURL: rec.Page, Creator: rec.Publisher, ContactEmail: rec.Contact}
	if _, ours := code(Themes(), rec.Theme); ours {
		t.Theme = rec.Theme
	}
	if _, ours := code(Frequencies(), rec.Frequency); ours {
		t.Frequency = rec.Frequency
	}
	if id := licenceOf(rec.Licence); id != "" {
		t.Licence = id
	}
	if t.TemporalStart > t.TemporalEnd && t.TemporalEnd != "" {
		t.TemporalStart, t.TemporalEnd = "", ""
	}
	for _, f := range t.texts() {
		if long := []rune(*f.text); len(long) > f.most {
			*f.text = string(long[:f.most])
		}
	}
	if known.DatasetID == uuid.Nil {
		slug, err := freeSlug(ctx, h.DB, t.TitleVI)
		if err != nil {
			return t, err
		}
		t.Slug = slug
	} else if d, err := pg.One[Dataset](ctx, h.DB, datasetByIDSQL, known.DatasetID); err != nil {
		return t, fmt.Errorf("read dataset %s: %w", known.DatasetID, err)
	} else {
		t.Slug = d.Slug
	}
	t.answeredBy(h.agency)
	return t, t.check()
}

// licenceOf is the id of a licence that is known here, by its id or address;
// "" for another.
func licenceOf(text string) string {
	bare := func(address string) string {
		_, rest, _ := strings.Cut(strings.ToLower(address), "://")
		return strings.TrimRight(strings.TrimPrefix(rest, "www."), "/")
	}
	for _, l := range Licences() {
		if strings.EqualFold(text, l.ID) || strings.Contains(text, "://") && bare(text) == bare(l.URL) {
			return l.ID
		}
	}
	return ""
}

// put makes a record a dataset, or brings the one that it is in line with it.
func (h *harvester) put(ctx context.Context, tx pgx.Tx, rec harvest.Record, known harvested, text DatasetText) error {
	now, id, verb := h.Now().UTC(), known.DatasetID, "harvest.change"
	if id == uuid.Nil {
		id, verb = uuid.Must(uuid.NewV7()), "harvest.take"
		args := append([]any{id, h.source.AgencyID}, text.args()...)
		if err := datasetProblem(execOne(ctx, tx, insertDatasetSQL, append(args, now)...), text); err != nil {
			return err
		}
	}
	d, err := pg.One[Dataset](ctx, tx, lockDatasetSQL, id)
	if err != nil {
		return fmt.Errorf("lock dataset %s: %w", id, err)
	}
	if err := d.inState(editable); err != nil { // it is taken over once somebody has decided
		return err
	}
	schema, err := schemaIn(ctx, tx, d.AgencyID)
	if err != nil {
		return err
	}
	text.Fields = d.Fields // which no source knows of
	if err := h.write(ctx, tx, d, text); err != nil {
		return err
	}
	if err := h.putLinks(ctx, tx, id, rec.Links); err != nil {
		return err
	}
	if h.publishes(d) {
		if missing := incomplete(text, schema); len(missing.Fields) > 0 || len(rec.Links) == 0 {
			h.note(rec, "it stays a draft: it lacks notes, a file, or a field that the agency requires")
		} else if err := execOne(ctx, tx, moveDatasetSQL, id, Published, "", now, nil, nil); err != nil {
			return fmt.Errorf("publish dataset %s: %w", id, err)
		}
	}
	if _, err := tx.Exec(ctx, keepHarvestedSQL, h.source.ID, rec.Key, id, hashOf(h.source, rec)); err != nil {
		return fmt.Errorf("keep what was taken over: %w", err)
	}
	_, _, err = h.settle(ctx, tx, datasetChange{who: auth.Platform("harvest"), id: id, verb: verb}, h.agency)
	return err
}

// publishes reports whether a dataset becomes public without a look: a new one,
// and one that was withdrawn only because the source lacked it. What people
// returned or withdrew stays as they decided.
func (h *harvester) publishes(d Dataset) bool {
	return h.source.Publishes && (d.State == Draft && d.StateReason == "" || d.State == Withdrawn && d.StateReason == GoneReason)
}

// write puts a text in the place of a dataset's; that of a public one waits for
// approval, as any other edit, unless the source publishes.
func (h *harvester) write(ctx context.Context, tx pgx.Tx, d Dataset, text DatasetText) error {
	if d.State != Published || h.source.Publishes {
		return h.writeText(ctx, tx, d.ID, text)
	}
	if len(changesOf(d.DatasetText, text)) == 0 {
		return nil
	}
	if e := incomplete(text, fields.Schema{}); len(e.Fields) > 0 {
		return e
	}
	now := h.Now().UTC()
	return execOne(ctx, tx, proposeEditSQL, d.ID, uuid.Must(uuid.NewV7()), text, uuid.Nil, now, now.Add(h.Terms.decide()))
}

const (
	linksOfSQL  = `select d.id, l.url from catalog.distribution d join catalog.link l on l.distribution_id = d.id where d.dataset_id = $1`
	dropPartSQL = `delete from catalog.distribution where id = $1`
)

// putLinks leaves exactly these links; one that was there keeps its id.
func (h *harvester) putLinks(ctx context.Context, tx pgx.Tx, dataset uuid.UUID, links []harvest.Link) error {
	type row struct {
		ID  uuid.UUID
		URL string `db:"url"`
	}
	before, err := pg.All[row](ctx, tx, linksOfSQL, dataset)
	if err != nil {
		return fmt.Errorf("list links of %s: %w", dataset, err)
	}
	for _, old := range before {
		if slices.ContainsFunc(links, func(l harvest.Link) bool { return l.URL == old.URL }) {
			continue
		}
		if err := endLink(ctx, tx, old.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, dropPartSQL, old.ID); err != nil {
			return fmt.Errorf("drop link %s: %w", old.ID, err)
		}
	}
	now := h.Now().UTC()
	for _, l := range links {
		if slices.ContainsFunc(before, func(old row) bool { return old.URL == l.URL }) {
			continue
		}
		at, kind, err := linkAddress(l.URL)
		if err != nil {
			return err
		}
		id := uuid.Must(uuid.NewV7())
		if err := execOne(ctx, tx, insertDistributionSQL, id, dataset, clipRunes(cmp.Or(l.Title, l.URL), 300), "", now); err != nil {
			return fmt.Errorf("add link to %s: %w", dataset, err)
		}
		if err := execOne(ctx, tx, insertLinkSQL, id, at.String(), strings.ToLower(at.Host), strings.ToUpper(cmp.Or(l.Format, kind.ending)), kind.media, now); err != nil {
			return fmt.Errorf("add link to %s: %w", dataset, err)
		}
	}
	return nil
}

// clipRunes cuts a text down to so many characters.
func clipRunes(text string, most int) string {
	if long := []rune(text); len(long) > most {
		return string(long[:most])
	}
	return text
}

const goneHarvestedSQL = `update catalog.harvested set gone_at = $3 where source_id = $1 and key = $2`

// GoneReason is why a dataset was withdrawn that its source lacks.
const GoneReason = "Nguồn không còn bộ dữ liệu này. / The source has this dataset no more."

// leave withdraws a dataset that its source lacks; a draft stays one.
func (h *harvester) leave(ctx context.Context, one harvested) error {
	return pgx.BeginFunc(ctx, h.DB, func(tx pgx.Tx) error {
		now := h.Now().UTC()
		d, err := pg.One[Dataset](ctx, tx, lockDatasetSQL, one.DatasetID)
		if err != nil {
			return fmt.Errorf("lock dataset %s: %w", one.DatasetID, err)
		}
		if _, err := tx.Exec(ctx, goneHarvestedSQL, h.source.ID, one.Key, now); err != nil {
			return fmt.Errorf("mark as gone: %w", err)
		}
		if d.State != Published {
			return nil
		}
		if err := execOne(ctx, tx, moveDatasetSQL, d.ID, Withdrawn, GoneReason, now, nil, nil); err != nil {
			return fmt.Errorf("withdraw dataset %s: %w", d.ID, err)
		}
		if err := execOne(ctx, tx, withdrawnForSQL, d.ID, GoneReason, nil); err != nil {
			return fmt.Errorf("say why dataset %s was withdrawn: %w", d.ID, err)
		}
		_, _, err = h.settle(ctx, tx, datasetChange{who: auth.Platform("harvest"), id: d.ID, verb: "harvest.gone", reason: GoneReason}, h.agency)
		return err
	})
}
