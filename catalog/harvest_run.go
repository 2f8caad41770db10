package catalog

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/harvest"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const (
	harvestWithin = 20 * time.Minute // of one source, reading and taking over
	harvestStuck  = time.Hour        // a reading that began so long ago was killed
	leastGone     = 10               // so many may vanish at once, whatever the share
)

const claimHarvestSQL = `
update catalog.harvest_source
   set running_at = $1, next_at = case when every_hours > 0 then $1::timestamptz + make_interval(hours => every_hours) end
 where id = (select id from catalog.harvest_source
              where next_at <= $1 and (running_at is null or running_at < $2)
              order by next_at limit 1 for update skip locked)
returning ` + harvestColumns

// HarvestDue reads the sources whose time has come, one after the other. What
// is wrong with a source is in its run; an error is of ours.
func (c *Catalog) HarvestDue(ctx context.Context) error {
	for {
		now := c.Now().UTC()
		s, err := pg.One[HarvestSource](ctx, c.DB, claimHarvestSQL, now, now.Add(-harvestStuck))
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		} else if err != nil {
			return fmt.Errorf("look for a source to read: %w", err)
		}
		if err := c.harvest(ctx, s); err != nil {
			return fmt.Errorf("take over from %s: %w", s.URL, err)
		}
	}
}

const (
	endRunSQL = `
insert into catalog.harvest_run (id, source_id, started_at, ended_at, seen, made, changed, same, gone, back, notes, fault)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 where exists (select from catalog.harvest_source where id = $2)`
	releaseHarvestSQL = `update catalog.harvest_source set running_at = null where id = $1`
	forgetRunsSQL     = `
delete from catalog.harvest_run
 where source_id = $1 and id not in (select id from catalog.harvest_run where source_id = $1 order by id desc limit $2)`
)

// harvest reads a source and takes over what is new, and keeps what came of it.
func (c *Catalog) harvest(ctx context.Context, s HarvestSource) error {
	run := HarvestRun{ID: uuid.Must(uuid.NewV7()), SourceID: s.ID, StartedAt: c.Now().UTC(), Notes: []string{}}
	within, cancel := context.WithTimeout(ctx, harvestWithin)
	defer cancel()
	err := c.takeOver(within, s, &run)
	var fault *harvest.Fault
	if errors.As(err, &fault) {
		slog.InfoContext(ctx, "a catalogue cannot be read", "source_id", s.ID, "code", fault.Code, "err", fault.Err)
		run.Fault, err = fault.Code, nil
	}
	ended := pgx.BeginFunc(context.WithoutCancel(ctx), c.DB, func(tx pgx.Tx) error {
		if err == nil {
			notes, encodeErr := json.Marshal(run.Notes)
			if encodeErr != nil {
				return encodeErr
			}
			if _, err := tx.Exec(ctx, endRunSQL, run.ID, s.ID, run.StartedAt, c.Now().UTC(), run.Seen, run.Made, run.Changed, run.Same, run.Gone, run.Back, notes, run.Fault); err != nil {
				return fmt.Errorf("keep the reading: %w", err)
			}
			if _, err := tx.Exec(ctx, forgetRunsSQL, s.ID, keptRuns); err != nil {
				return fmt.Errorf("forget old readings: %w", err)
			}
		}
		_, releaseErr := tx.Exec(ctx, releaseHarvestSQL, s.ID)
		return releaseErr
	})
	return errors.Join(err, ended)
}

// harvested is a dataset that was taken over.
type harvested struct {
	Key       string
	DatasetID uuid.UUID
	Hash      []byte
	GoneAt    *time.Time
}

const harvestedSQL = `select key, dataset_id, hash, gone_at from catalog.harvested where source_id = $1`

// plan is what a reading comes to, before anything is done.
type plan struct {
	make, change, same, back []harvest.Record // back: those that were gone
	gone                     []harvested
	known                    map[string]harvested
	reading                  *harvest.Reading
}

// planHarvest reads a source whole and compares it with what was taken over.
func (c *Catalog) planHarvest(ctx context.Context, s HarvestSource) (*plan, error) {
	list, err := pg.All[harvested](ctx, c.DB, harvestedSQL, s.ID)
	if err != nil {
		return nil, fmt.Errorf("list what was taken over: %w", err)
	}
	p := &plan{known: map[string]harvested{}}
	if p.reading, err = c.harvestReader().Read(ctx, s.Kind, s.URL, s.Filter); err != nil {
		return nil, err
	}
	for _, one := range list {
		p.known[one.Key] = one
	}
	there := map[string]bool{}
	for _, rec := range p.reading.Records {
		there[rec.Key] = true
		switch one, known := p.known[rec.Key]; {
		case !known:
			p.make = append(p.make, rec)
		case one.GoneAt != nil:
			p.back = append(p.back, rec)
		case string(one.Hash) != string(hashOf(s, rec)):
			p.change = append(p.change, rec)
		default:
			p.same = append(p.same, rec)
		}
	}
	for _, one := range list {
		if !there[one.Key] && one.GoneAt == nil {
			p.gone = append(p.gone, one)
		}
	}
	return p, nil
}

// hashOf tells apart what is taken over of a record.
func hashOf(s HarvestSource, rec harvest.Record) []byte {
	text, _ := json.Marshal([]any{rec, s.Theme, s.Licence}) // texts and times encode
	sum := sha256.Sum256(text)
	return sum[:]
}

// takeOver does what a reading comes to, each dataset in a transaction of its
// own. A source that suddenly lacks most of what it had is not believed.
func (c *Catalog) takeOver(ctx context.Context, s HarvestSource, run *HarvestRun) error {
	p, err := c.planHarvest(ctx, s)
	if err != nil {
		return err
	}
	run.Seen, run.Notes = p.reading.Seen, append(run.Notes, p.reading.Skipped...)
	if live := len(p.gone) + len(p.same) + len(p.change); len(p.gone) > leastGone && 2*len(p.gone) > live {
		return &harvest.Fault{Code: "too-many-gone", Err: fmt.Errorf("%d of %d datasets are not there any more", len(p.gone), live)}
	}
	agencies, err := c.Agencies(ctx, []uuid.UUID{s.AgencyID})
	if err != nil {
		return err
	}
	h := &harvester{Catalog: c, source: s, agency: agencies[s.AgencyID], run: run}
	for _, step := range []struct {
		list  []harvest.Record
		count *int
	}{{p.make, &run.Made}, {p.change, &run.Changed}, {p.back, &run.Back}} {
		for _, rec := range step.list {
			done, err := h.take(ctx, rec, p.known[rec.Key])
			if err != nil {
				return err
			}
			if done {
				*step.count++
			}
		}
	}
	run.Same = len(p.same)
	for _, one := range p.gone {
		if err := h.leave(ctx, one); err != nil {
			return err
		}
		run.Gone++
	}
	return nil
}

// HarvestPreview is what reading a source now would come to.
type HarvestPreview struct {
	Seen    int      `json:"seen"`
	Made    int      `json:"made"`
	Changed int      `json:"changed"`
	Same    int      `json:"same"`
	Gone    int      `json:"gone"`
	Back    int      `json:"back"`
	Titles  []string `json:"titles"` // of the first that would be made, at most 20
	Notes   []string `json:"notes"`  // what would be left out, and why
}

const previewTitles = 20

// PreviewHarvest reads a source, and says what taking over from it would come
// to; nothing is changed. It fails as HarvestSource does, and with Invalid
// (harvest- and the fault's code) when the source cannot be read.
func (c *Catalog) PreviewHarvest(ctx context.Context, who auth.Principal, id uuid.UUID) (HarvestPreview, error) {
	s, err := c.HarvestSource(ctx, who, id)
	if err != nil {
		return HarvestPreview{}, err
	}
	p, err := c.planHarvest(ctx, s)
	var fault *harvest.Fault
	if errors.As(err, &fault) {
		return HarvestPreview{}, problem.Errorf(problem.Invalid, "the catalogue cannot be read").Coded("harvest-" + fault.Code).Because(err)
	} else if err != nil {
		return HarvestPreview{}, err
	}
	v := HarvestPreview{Seen: p.reading.Seen, Made: len(p.make), Changed: len(p.change), Same: len(p.same), Gone: len(p.gone), Back: len(p.back),
		Titles: []string{}, Notes: append([]string{}, p.reading.Skipped...)}
	for _, rec := range p.make[:min(len(p.make), previewTitles)] {
		v.Titles = append(v.Titles, cmp.Or(rec.TitleVI, rec.TitleEN))
	}
	return v, nil
}
