package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/guard"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// What a steward can decide of a place that looks as if it held personal data.
const (
	NotPersonal     = "not-personal" // it only looks so
	PersonalAllowed = "allowed"      // it may be published, on a ground that is stated
	RemovePersonal  = "remove"       // it is to be taken out: the dataset stays closed until then
)

// PersonalFinding is one kind of personal data that a place seems to hold, and
// what was decided of it. Nobody outside the agency sees it.
type PersonalFinding struct {
	Part      uuid.UUID  `json:"part"`     // a distribution; the dataset itself for its texts
	Place     string     `json:"place"`    // the column's name, "" for a file that is no table, else the text's name
	Kind      string     `json:"kind"`     // identity, phone, email, birth, address, bank, tax
	Rows      int64      `json:"rows"`     // in how many
	Examples  []string   `json:"examples"` // at most 3, masked
	Held      bool       `json:"held"`     // found in a file, or a text, that was refused
	FoundAt   time.Time  `json:"found_at"`
	Decision  string     `json:"decision"` // not-personal, allowed, remove; "" is none yet
	Ground    string     `json:"ground"`   // of what is allowed
	Reason    string     `json:"reason"`
	DecidedAt *time.Time `json:"decided_at"`
}

// Blocks reports that the finding keeps the dataset from being published.
func (f PersonalFinding) Blocks() bool { return f.Decision == "" || f.Decision == RemovePersonal }

// PersonalDecision is what a steward says of a place.
type PersonalDecision struct {
	Part     uuid.UUID `json:"part"`
	Place    string    `json:"place"`
	Decision string    `json:"decision"` // not-personal, allowed, remove
	Ground   string    `json:"ground"`   // required when it is allowed, at most 1000 characters
	Reason   string    `json:"reason"`   // required, at most 4000 bytes
}

// partFindings are the findings of one part, which take the place of the former.
type partFindings struct {
	part uuid.UUID
	list []guard.Finding
}

const personalFindingsSQL = `
select f.part, f.place, f.kind, f.rows, f.examples, f.held, f.found_at, coalesce(d.decision, '') as decision,
       coalesce(d.ground, '') as ground, coalesce(d.reason, '') as reason, d.decided_at
  from catalog.personal_finding f
  left join catalog.personal_decision d using (dataset_id, part, place, kind)
 where f.dataset_id = $1
 order by f.part, f.place, f.kind
 limit 2000`

// PersonalFindings lists what looks like personal data in a dataset, to those
// who may edit or approve it; to others it fails with NotFound.
func (c *Catalog) PersonalFindings(ctx context.Context, who auth.Principal, dataset uuid.UUID) ([]PersonalFinding, error) {
	d, err := c.Dataset(ctx, who, dataset)
	if err != nil {
		return nil, err
	}
	if !c.worksOn(ctx, who, d.AgencyID) {
		return nil, noDataset(d.Slug)
	}
	list, err := pg.All[PersonalFinding](ctx, c.DB, personalFindingsSQL, dataset)
	if err != nil {
		return nil, fmt.Errorf("read personal findings of %s: %w", dataset, err)
	}
	return list, nil
}

const decidePersonalSQL = `
insert into catalog.personal_decision (dataset_id, part, place, kind, decision, ground, reason, decided_by, decided_at)
select dataset_id, part, place, kind, $4, $5, $6, $7, $8
  from catalog.personal_finding
 where dataset_id = $1 and part = $2 and place = $3
on conflict on constraint personal_decision_key
do update set decision = excluded.decision, ground = excluded.ground, reason = excluded.reason,
       decided_by = excluded.decided_by, decided_at = excluded.decided_at`

// verbPersonal is the act of deciding; it alone may leave a public dataset with
// a finding that blocks.
const verbPersonal = "dataset.personal"

// DecidePersonal keeps what a steward says of every kind found in a place. It
// stands for that place until a later file shows a further kind there. It fails
// with what May says of dataset.approve, Invalid without a reason, or without
// a ground for what is allowed, and NotFound when nothing was found there.
func (c *Catalog) DecidePersonal(ctx context.Context, who auth.Principal, dataset uuid.UUID, said PersonalDecision) (Dataset, error) {
	ch := datasetChange{who: who, id: dataset, act: "dataset.approve", verb: verbPersonal,
		detail: map[string]any{"part": said.Part, "place": said.Place, "decision": said.Decision}}
	if err := giveReason(&ch, said.Reason); err != nil {
		return Dataset{}, err
	}
	ground := strings.TrimSpace(said.Ground)
	e := problem.Errorf(problem.Invalid, "the decision is not complete").Coded("personal-decision")
	if !slices.Contains([]string{NotPersonal, PersonalAllowed, RemovePersonal}, said.Decision) {
		e.Wrong("decision", "not-in-list", "is not in the list")
	}
	if said.Decision == PersonalAllowed && ground == "" {
		e.Wrong("ground", "personal-ground", "is required for what is allowed")
	}
	if utf8.RuneCountInString(ground) > 1000 {
		e.Wrong("ground", "text-too-long", "longer than allowed", "max", "1000")
	}
	if len(e.Fields) > 0 {
		return Dataset{}, e
	}
	if ground != "" {
		ch.detail["ground"] = ground
	}
	return c.changeDataset(ctx, ch, func(tx pgx.Tx, d Dataset) error {
		tag, err := tx.Exec(ctx, decidePersonalSQL, d.ID, said.Part, said.Place, said.Decision, ground, ch.reason, who.Person, c.Now().UTC())
		if err != nil {
			return fmt.Errorf("decide of personal data in %s: %w", d.ID, err)
		}
		if tag.RowsAffected() == 0 {
			return problem.Errorf(problem.NotFound, "nothing was found in %q", said.Place).Coded("personal-unknown", "place", said.Place)
		}
		return nil
	})
}

const (
	forgetFindingsSQL = `delete from catalog.personal_finding where dataset_id = $1 and part = $2`

	putFindingSQL = `
insert into catalog.personal_finding (dataset_id, part, place, kind, rows, examples, held, found_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict on constraint personal_finding_key do nothing`

	forgetHeldSQL = `delete from catalog.personal_finding where dataset_id = $1 and held and (part = $2 or found_at < $3)`
)

// heldFor is how long the findings of a refused file are shown.
const heldFor = 30 * 24 * time.Hour

// keepFindings puts the findings of a part in place of the former.
func (c *Catalog) keepFindings(ctx context.Context, tx pgx.Tx, dataset uuid.UUID, f partFindings) error {
	if _, err := tx.Exec(ctx, forgetFindingsSQL, dataset, f.part); err != nil {
		return fmt.Errorf("forget findings of %s: %w", f.part, err)
	}
	return c.putFindings(ctx, tx, dataset, f, false)
}

func (c *Catalog) putFindings(ctx context.Context, tx pgx.Tx, dataset uuid.UUID, f partFindings, held bool) error {
	for _, one := range f.list[:min(len(f.list), 1000)] {
		_, err := tx.Exec(ctx, putFindingSQL, dataset, f.part, one.Place, string(one.Kind), one.Rows, one.Examples, held, c.Now().UTC())
		if err != nil {
			return fmt.Errorf("keep finding of %s: %w", f.part, err)
		}
	}
	return nil
}

// holdFindings keeps what was found in something that was refused, so that the
// steward can decide of it; it is no part of the dataset.
func (c *Catalog) holdFindings(ctx context.Context, dataset uuid.UUID, found ...partFindings) error {
	return pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		for _, f := range found {
			if _, err := tx.Exec(ctx, forgetHeldSQL, dataset, f.part, c.Now().UTC().Add(-heldFor)); err != nil {
				return fmt.Errorf("forget held findings of %s: %w", f.part, err)
			}
			if err := c.putFindings(ctx, tx, dataset, f, true); err != nil {
				return err
			}
		}
		return nil
	})
}

const undecidedSQL = `
select distinct f.place
  from catalog.personal_finding f
 where f.dataset_id = $1 and not f.held
   and not exists (select from catalog.personal_decision d
                    where d.dataset_id = f.dataset_id and d.part = f.part and d.place = f.place and d.kind = f.kind
                      and d.decision <> 'remove')
 order by f.place
 limit 10`

// codeUndecided is the problem of a dataset that may not be public as it is.
const codeUndecided = "personal-undecided"

// requireDecided fails with Conflict when something that looks like personal
// data is undecided, or is to be taken out.
func requireDecided(ctx context.Context, tx pgx.Tx, dataset uuid.UUID) error {
	rows, err := tx.Query(ctx, undecidedSQL, dataset)
	if err != nil {
		return fmt.Errorf("look for undecided findings of %s: %w", dataset, err)
	}
	places, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for undecided findings of %s: %w", dataset, err)
	}
	if len(places) == 0 {
		return nil
	}
	return problem.Errorf(problem.Conflict, "what looks like personal data is undecided in %d places", len(places)).
		Coded(codeUndecided, "places", strings.Join(places, "; "))
}

// guarded scans the dataset's texts, keeps what was found in them and in the
// file at hand, and holds a public dataset to what was decided. It gives
// everything that was found, for who has to decide.
func (c *Catalog) guarded(ctx context.Context, tx pgx.Tx, ch datasetChange, d Dataset) ([]partFindings, error) {
	texts, err := c.textFindings(ctx, tx, d)
	if err != nil {
		return nil, err
	}
	found := []partFindings{texts}
	if ch.found != nil {
		found = append(found, *ch.found)
	}
	for _, f := range found {
		if err := c.keepFindings(ctx, tx, d.ID, f); err != nil {
			return nil, err
		}
	}
	if d.State != Published || slices.Contains([]string{verbPersonal, verbAnonymity, verbAllowSmall}, ch.verb) {
		return nil, nil
	}
	if err := requireDecided(ctx, tx, d.ID); err != nil {
		return found, err
	}
	return nil, requireAnonymous(ctx, tx, d)
}

// textFindings scans what is written about a dataset. The contact, which the
// agency gives on purpose, is no finding, in its own fields or in the notes.
func (c *Catalog) textFindings(ctx context.Context, tx pgx.Tx, d Dataset) (partFindings, error) {
	texts := map[string]string{"title_vi": d.TitleVI, "title_en": d.TitleEN, "notes_vi": d.NotesVI, "notes_en": d.NotesEN,
		"spatial": d.Spatial, "keywords": strings.Join(slices.Concat(d.KeywordsVI, d.KeywordsEN), "\n")}
	texts["fields"] = d.Schema.Searched(d.Fields)
	for _, part := range d.Distributions {
		texts["files"] += part.TitleVI + "\n" + part.TitleEN + "\n"
		columns, err := columnsOf(ctx, tx, part.ID)
		if err != nil {
			return partFindings{}, err
		}
		for _, column := range columns {
			texts["columns"] += strings.Join([]string{column.TitleVI, column.TitleEN, column.NotesVI, column.NotesEN}, "\n") + "\n"
		}
	}
	for place, text := range texts {
		for _, contact := range []string{d.ContactEmail, d.ContactPhone, d.ContactName} {
			if contact != "" {
				text = strings.ReplaceAll(text, contact, "")
			}
		}
		texts[place] = text
	}
	return partFindings{part: d.ID, list: guard.Words(c.Now().Year(), texts)}, nil
}
