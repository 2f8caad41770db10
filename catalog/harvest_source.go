package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/harvest"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// HarvestText is what an agency says of another catalogue that it takes
// datasets over from.
type HarvestText struct {
	Name       string         `json:"name"`
	Kind       string         `json:"kind"` // ckan, dcat, csv
	URL        string         `json:"url"`  // of the site (ckan), the catalogue (dcat), the list (csv)
	Filter     harvest.Filter `json:"filter"`
	Theme      string         `json:"theme"`       // of datasets that name none that is known here
	Licence    string         `json:"licence"`     // the same
	EveryHours int            `json:"every_hours"` // 1 to 8760; 0: only when somebody asks
}

// HarvestSource is such a catalogue.
type HarvestSource struct {
	ID       uuid.UUID `json:"id"`
	AgencyID uuid.UUID `json:"agency_id"`
	HarvestText
	Publishes bool       `json:"publishes"` // what is new becomes public without a look, as a steward said
	CreatedAt time.Time  `json:"created_at"`
	NextAt    *time.Time `json:"next_at"`
	RunningAt *time.Time `json:"running_at"`
}

// HarvestRun is one reading of a source, and what came of it.
type HarvestRun struct {
	ID        uuid.UUID `json:"id"`
	SourceID  uuid.UUID `json:"-"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	Seen      int       `json:"seen"` // datasets there
	Made      int       `json:"made"`
	Changed   int       `json:"changed"`
	Same      int       `json:"same"`
	Gone      int       `json:"gone"` // withdrawn here, since the source lacks them
	Back      int       `json:"back"` // public again, since it has them again
	Notes     []string  `json:"notes"`
	Fault     string    `json:"fault"` // unreachable, refused, not-a-catalogue, too-large, repeats, too-many-gone; "": the reading was whole
}

const (
	maxSources = 20 // of an agency
	keptRuns   = 50 // of a source
)

const harvestColumns = `id, agency_id, name, kind, url, filter, theme, licence, every_hours, publishes, created_at, next_at, running_at`

const addHarvestSQL = `
insert into catalog.harvest_source (id, agency_id, name, kind, url, filter, theme, licence, every_hours, publishes, created_at, next_at)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, false, $10, $10
 where (select count(*) from catalog.harvest_source where agency_id = $2) < $11
returning ` + harvestColumns

// AddHarvestSource begins to take datasets over from another catalogue, as
// drafts; the first reading is due at once. It fails with what May says of
// dataset.edit, Invalid with the fields that are wrong, and Conflict when the
// agency has the address already, or 20 sources.
func (c *Catalog) AddHarvestSource(ctx context.Context, who auth.Principal, agency uuid.UUID, text HarvestText) (HarvestSource, error) {
	if err := c.May(ctx, who, "dataset.edit", agency); err != nil {
		return HarvestSource{}, err
	}
	filter, err := text.check()
	if err != nil {
		return HarvestSource{}, err
	}
	var s HarvestSource
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		s, err = pg.One[HarvestSource](ctx, tx, addHarvestSQL, uuid.Must(uuid.NewV7()), agency, text.Name, text.Kind, text.URL, filter,
			text.Theme, text.Licence, text.EveryHours, c.Now().UTC(), maxSources)
		if errors.Is(err, pgx.ErrNoRows) {
			return problem.Errorf(problem.Conflict, "the agency has %d sources already", maxSources).Coded("harvest-many", "max", strconv.Itoa(maxSources))
		} else if err != nil {
			return harvestProblem(err, text)
		}
		return c.Record(ctx, tx, auth.Act{Who: who, Verb: "harvest.add", Agency: agency, About: s.ID, Detail: map[string]any{"url": s.URL, "kind": s.Kind}})
	})
	return s, err
}

const editHarvestSQL = `
update catalog.harvest_source
   set name = $2, kind = $3, url = $4, filter = $5, theme = $6, licence = $7, every_hours = $8, next_at = $9,
       publishes = publishes and url = $4 and kind = $3
 where id = $1
returning ` + harvestColumns

// EditHarvestSource changes a source, and has it read anew. With another
// address or kind a steward says again whether it publishes. It fails as
// AddHarvestSource does, and with NotFound.
func (c *Catalog) EditHarvestSource(ctx context.Context, who auth.Principal, id uuid.UUID, text HarvestText) (HarvestSource, error) {
	filter, err := text.check()
	if err != nil {
		return HarvestSource{}, err
	}
	return c.changeHarvest(ctx, harvestChange{who, id, "dataset.edit", "harvest.edit"}, func(tx pgx.Tx) (HarvestSource, error) {
		s, err := pg.One[HarvestSource](ctx, tx, editHarvestSQL, id, text.Name, text.Kind, text.URL, filter, text.Theme, text.Licence, text.EveryHours, c.Now().UTC())
		return s, harvestProblem(err, text)
	})
}

const letHarvestPublishSQL = `update catalog.harvest_source set publishes = $2, next_at = $3 where id = $1 returning ` + harvestColumns

// LetHarvestPublish says whether what is new at a source becomes public without
// a look. It fails with what May says of dataset.approve, and NotFound.
func (c *Catalog) LetHarvestPublish(ctx context.Context, who auth.Principal, id uuid.UUID, publishes bool) (HarvestSource, error) {
	verb := "harvest.publish"
	if !publishes {
		verb = "harvest.hold"
	}
	return c.changeHarvest(ctx, harvestChange{who, id, "dataset.approve", verb}, func(tx pgx.Tx) (HarvestSource, error) {
		return pg.One[HarvestSource](ctx, tx, letHarvestPublishSQL, id, publishes, c.Now().UTC())
	})
}

const askHarvestSQL = `update catalog.harvest_source set next_at = $2 where id = $1 returning ` + harvestColumns

// AskHarvest has a source read within a minute. It fails with what May says of
// dataset.edit, and NotFound.
func (c *Catalog) AskHarvest(ctx context.Context, who auth.Principal, id uuid.UUID) (HarvestSource, error) {
	return c.changeHarvest(ctx, harvestChange{who, id, "dataset.edit", "harvest.ask"}, func(tx pgx.Tx) (HarvestSource, error) {
		return pg.One[HarvestSource](ctx, tx, askHarvestSQL, id, c.Now().UTC())
	})
}

const endHarvestSQL = `delete from catalog.harvest_source where id = $1 returning ` + harvestColumns

// EndHarvest takes nothing over from a source any more; the datasets stay, as
// the agency's own. It fails with what May says of dataset.edit, and NotFound.
func (c *Catalog) EndHarvest(ctx context.Context, who auth.Principal, id uuid.UUID) error {
	_, err := c.changeHarvest(ctx, harvestChange{who, id, "dataset.edit", "harvest.end"}, func(tx pgx.Tx) (HarvestSource, error) {
		return pg.One[HarvestSource](ctx, tx, endHarvestSQL, id)
	})
	return err
}

// harvestChange names one change of a source.
type harvestChange struct {
	who  auth.Principal
	id   uuid.UUID
	act  string
	verb string
}

func (c *Catalog) changeHarvest(ctx context.Context, ch harvestChange, do func(tx pgx.Tx) (HarvestSource, error)) (HarvestSource, error) {
	s, err := c.HarvestSource(ctx, ch.who, ch.id)
	if err != nil {
		return s, err
	}
	if err := c.May(ctx, ch.who, ch.act, s.AgencyID); err != nil {
		return HarvestSource{}, err
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		s, err = do(tx)
		if errors.Is(err, pgx.ErrNoRows) {
			return noHarvest(ch.id)
		} else if err != nil {
			return err
		}
		return c.Record(ctx, tx, auth.Act{Who: ch.who, Verb: ch.verb, Agency: s.AgencyID, About: s.ID, Detail: map[string]any{"url": s.URL, "kind": s.Kind}})
	})
	return s, err
}

const harvestSourceSQL = `select ` + harvestColumns + ` from catalog.harvest_source where id = $1`

// HarvestSource gives a source, to those who work on its agency's datasets. It
// fails with NotFound.
func (c *Catalog) HarvestSource(ctx context.Context, who auth.Principal, id uuid.UUID) (HarvestSource, error) {
	s, err := pg.One[HarvestSource](ctx, c.DB, harvestSourceSQL, id)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !c.worksOn(ctx, who, s.AgencyID) {
		return HarvestSource{}, noHarvest(id)
	} else if err != nil {
		return s, fmt.Errorf("read source %s: %w", id, err)
	}
	return s, nil
}

func noHarvest(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no source %s", id).Coded("harvest-unknown")
}

const harvestSourcesSQL = `select ` + harvestColumns + ` from catalog.harvest_source where agency_id = $1 order by name, id`

// HarvestSources lists an agency's sources. It fails with Forbidden for those
// who do not work on its datasets.
func (c *Catalog) HarvestSources(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]HarvestSource, error) {
	if !c.worksOn(ctx, who, agency) {
		if err := c.May(ctx, who, "dataset.edit", agency); err != nil {
			return nil, err
		}
	}
	list, err := pg.All[HarvestSource](ctx, c.DB, harvestSourcesSQL, agency)
	if err != nil {
		return nil, fmt.Errorf("list sources: %w", err)
	}
	return list, nil
}

const harvestRunsSQL = `
select id, source_id, started_at, ended_at, seen, made, changed, same, gone, back, notes, fault
  from catalog.harvest_run where source_id = $1 order by id desc limit $2`

// HarvestRuns lists the last readings of a source, newest first.
func (c *Catalog) HarvestRuns(ctx context.Context, source uuid.UUID) ([]HarvestRun, error) {
	list, err := pg.All[HarvestRun](ctx, c.DB, harvestRunsSQL, source, keptRuns)
	if err != nil {
		return nil, fmt.Errorf("list readings of %s: %w", source, err)
	}
	return list, nil
}

// check puts the text into its one form, and gives the filter as JSON.
func (t *HarvestText) check() ([]byte, error) {
	e := problem.Errorf(problem.Invalid, "the source is not right").Coded("harvest-invalid")
	t.Name, t.URL = strings.Join(strings.Fields(t.Name), " "), strings.TrimSpace(t.URL)
	if n := utf8.RuneCountInString(t.Name); n == 0 || n > 120 || !utf8.ValidString(t.Name) || strings.ContainsRune(t.Name, 0) {
		e.Wrong("name", "harvest-name", "1 to 120 characters")
	}
	if !slices.Contains(harvest.Kinds(), t.Kind) {
		e.Wrong("kind", "not-in-list", "is not in the list")
	}
	if !isWebAddress(t.URL) || len(t.URL) > 2000 {
		e.Wrong("url", "url-form", "is not an http or https address")
	}
	if _, known := code(Themes(), t.Theme); !known {
		e.Wrong("theme", "not-in-list", "is not in the list")
	}
	if _, known := code(Licences(), t.Licence); !known {
		e.Wrong("licence", "not-in-list", "is not in the list")
	}
	if t.EveryHours < 0 || t.EveryHours > 8760 {
		e.Wrong("every_hours", "harvest-every", "not 0 to 8760")
	}
	for _, f := range []struct{ name, text string }{{"filter/publisher", t.Filter.Publisher}, {"filter/words", t.Filter.Words}} {
		if utf8.RuneCountInString(f.text) > 300 || !utf8.ValidString(f.text) || strings.ContainsRune(f.text, 0) {
			e.Wrong(f.name, "text-too-long", "longer than allowed", "max", "300")
		}
	}
	if len(e.Fields) > 0 {
		return nil, e
	}
	return json.Marshal(t.Filter)
}

func harvestProblem(err error, t HarvestText) error {
	if pg.IsUnique(err, "harvest_source_url_key") {
		return problem.Errorf(problem.Conflict, "the agency takes over from %s already", t.URL).Coded("harvest-taken").
			Wrong("url", "harvest-taken", "is there already")
	}
	return err
}

// harvestReader reads other catalogues, public addresses only, however long the
// whole takes.
func (c *Catalog) harvestReader() harvest.Reader {
	client := http.Client{}
	if c.Fetch != nil {
		client = *c.Fetch
	}
	client.Timeout = 0 // each answer has its own
	return harvest.Reader{Client: &client}
}
