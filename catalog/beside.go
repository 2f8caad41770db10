package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/catalog/search"
	"lgsp/internal/pg"
)

// Engine is a search engine besides PostgreSQL. What only comes near the words
// it need not find, and may leave out.
type Engine interface {
	// Search gives the documents that hold every word.
	Search(ctx context.Context, r search.Request) (search.Found, error)
	// Tell tells what changed; it fails with search.ErrNoIndex when the engine
	// has lost what it was told before.
	Tell(ctx context.Context, c search.Change) error
	// Rebuild takes everything anew, a page after each key until one is empty,
	// and answers by what it had until it is done.
	Rebuild(ctx context.Context, synonyms []search.Synonym, page func(ctx context.Context, after search.Key) ([]search.Record, error)) error
}

// Beside is an engine beside PostgreSQL and how it stands. The zero value but
// for Engine is one that has not been told anything yet.
type Beside struct {
	Engine Engine
	Now    func() time.Time // time.Now outside tests

	mu        sync.Mutex
	told      string    // fingerprint of the synonyms it knows; "": it is not ready
	failures  int       // in a row
	notBefore time.Time // when it may be tried again
	missed    int64     // searches that PostgreSQL answered in its place
}

// How long an engine may take for a search, and for how long it is left alone
// after it failed: twice as long each time.
const (
	besidePatience = time.Second
	besideTelling  = 10 * time.Minute // to be told all there is
	besideRest     = time.Second
	besideMaxRest  = time.Minute
)

// BesideState is how the engine beside stands.
type BesideState struct {
	Up     bool  // asked first
	Missed int64 // searches that PostgreSQL answered in its place
}

// State tells how it stands.
func (b *Beside) State() BesideState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return BesideState{Up: b.told != "" && b.failures == 0, Missed: b.missed}
}

// takes reports whether the engine is to be asked now. Of many at once, one
// tries an engine that has failed.
func (b *Beside) takes(synonyms string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.Now()
	if b.told != synonyms || now.Before(b.notBefore) {
		b.missed++
		return false
	}
	if b.failures > 0 {
		b.notBefore = now.Add(besidePatience) // others wait for how this one fares
	}
	return true
}

// fared notes how the engine fared.
func (b *Beside) fared(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.failures, b.notBefore = 0, time.Time{}
		return
	}
	b.missed++
	rest := besideMaxRest
	if b.failures < 6 {
		rest = min(besideMaxRest, besideRest<<b.failures)
	}
	b.failures++
	b.notBefore = b.Now().Add(rest)
	if errors.Is(err, search.ErrNoIndex) {
		b.told = ""
	}
}

func (b *Beside) knows(synonyms string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = synonyms
}

// ask takes a request to the engine beside, and to PostgreSQL when there is
// none, when it is away, behind on synonyms, or finds nothing that holds every
// word. A list without words, or by use, is PostgreSQL's.
func (c *Catalog) ask(ctx context.Context, r search.Request) (search.Found, error) {
	b := c.Beside
	if b == nil || r.Query.Empty() || r.Used || !b.takes(r.Synonyms) {
		return postgres{c.DB}.Search(ctx, r)
	}
	patient, cancel := context.WithTimeout(ctx, besidePatience)
	defer cancel()
	found, err := b.Engine.Search(patient, r)
	if err != nil && ctx.Err() != nil {
		return found, ctx.Err() // the reader went; that says nothing of the engine
	}
	b.fared(err)
	if err != nil {
		slog.WarnContext(ctx, "the search engine did not answer; PostgreSQL does", "err", err)
	}
	if err != nil || len(found.Counts) == 0 {
		return postgres{c.DB}.Search(ctx, r)
	}
	return found, nil
}

const (
	recordsAfterSQL = `
select kind, id, agency_id, folded::text as folded, exact::text as exact, theme, formats, licence, access, keywords, updated_at
  from catalog.search_doc
 where (kind, id) > ($1, $2)
 order by kind, id
 limit $3`

	recordsOfSQL = `
select d.kind, d.id, d.agency_id, d.folded::text as folded, d.exact::text as exact, d.theme, d.formats, d.licence, d.access, d.keywords, d.updated_at
  from unnest($1::text[], $2::uuid[]) as wanted (kind, id)
  join catalog.search_doc d on d.kind = wanted.kind and d.id = wanted.id`

	changesSQL = `select kind, id, number from catalog.search_change order by number limit $1`

	lastChangeSQL = `select coalesce(max(number), 0) from catalog.search_change`

	// What changed again in the meantime has a higher number and stays.
	toldChangesSQL = `
delete from catalog.search_change c
 using unnest($1::text[], $2::uuid[], $3::bigint[]) as told (kind, id, number)
 where c.kind = told.kind and c.id = told.id and c.number = told.number`

	forgetChangesSQL = `delete from catalog.search_change where number <= $1`
)

// besideBatch is how many documents are told at once.
const besideBatch = 500

// indexBeside names in catalog.search_state by which rules the engine beside
// was told.
const indexBeside = "beside"

// RunBeside keeps the engine beside told of what changes until ctx ends: once a
// second what is in the outbox, and everything anew when it knows nothing, or
// by other rules. It never fails: an engine that is away is tried again.
func (c *Catalog) RunBeside(ctx context.Context) error {
	if c.Beside == nil {
		_, err := c.DB.Exec(ctx, forgetChangesSQL, int64(1)<<62) // nobody is to hear them
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "changes of the search index are not forgotten", "err", err)
		}
		return nil
	}
	for wait := time.Second; ; {
		err := c.tellBeside(ctx)
		switch {
		case err == nil:
			wait = time.Second
		case ctx.Err() == nil:
			slog.WarnContext(ctx, "the search engine is not told; trying again", "err", err)
			wait = min(2*wait, time.Minute)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// tellBeside tells the engine what it has not heard.
func (c *Catalog) tellBeside(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, besideTelling)
	defer cancel()
	synonyms, err := pg.All[search.Synonym](ctx, c.DB, synonymsSQL)
	if err != nil {
		return fmt.Errorf("read synonyms: %w", err)
	}
	known := search.Fingerprint(synonyms)
	var rules string
	if err := c.DB.QueryRow(ctx, searchStateSQL, indexBeside).Scan(&rules); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read by which rules the search engine was told: %w", err)
	}
	if rules != search.Rules {
		return c.rebuildBeside(ctx, synonyms)
	}
	change := search.Change{}
	c.Beside.mu.Lock()
	told, failing := c.Beside.told, c.Beside.failures > 0
	c.Beside.mu.Unlock()
	if told != known {
		change.Synonyms = synonyms
	}
	more := true
	for more {
		if more, err = c.tellBatch(ctx, change, told == "" || failing); errors.Is(err, search.ErrNoIndex) {
			return c.rebuildBeside(ctx, synonyms)
		} else if err != nil {
			return err
		}
		change.Synonyms = nil
	}
	c.Beside.knows(known)
	c.Beside.fared(nil) // it answers
	return nil
}

type changeRow struct {
	Kind   string
	ID     uuid.UUID
	Number int64
}

// tellBatch tells the next documents that changed, and change; told nothing,
// the engine is asked whether it is there only when check says so. It reports
// whether there may be more.
func (c *Catalog) tellBatch(ctx context.Context, change search.Change, check bool) (bool, error) {
	changes, err := pg.All[changeRow](ctx, c.DB, changesSQL, besideBatch)
	if err != nil {
		return false, fmt.Errorf("read what the search engine has not heard: %w", err)
	}
	if len(changes) == 0 && change.Synonyms == nil && !check {
		return false, nil
	}
	kinds, ids, numbers := make([]string, len(changes)), make([]uuid.UUID, len(changes)), make([]int64, len(changes))
	for i, row := range changes {
		kinds[i], ids[i], numbers[i] = row.Kind, row.ID, row.Number
	}
	if change.Put, err = c.records(ctx, recordsOfSQL, kinds, ids); err != nil {
		return false, err
	}
	there := map[search.Key]bool{}
	for _, r := range change.Put {
		there[r.Key] = true
	}
	for _, row := range changes {
		if k := (search.Key{Kind: row.Kind, ID: row.ID}); !there[k] {
			change.Drop = append(change.Drop, k)
		}
	}
	if err := c.Beside.Engine.Tell(ctx, change); err != nil {
		return false, err
	}
	if _, err := c.DB.Exec(ctx, toldChangesSQL, kinds, ids, numbers); err != nil {
		return false, fmt.Errorf("note what the search engine has heard: %w", err)
	}
	return len(changes) == besideBatch, nil
}

// rebuildBeside tells the engine everything anew. What changes meanwhile stays
// in the outbox and is told after.
func (c *Catalog) rebuildBeside(ctx context.Context, synonyms []search.Synonym) error {
	var last int64
	if err := c.DB.QueryRow(ctx, lastChangeSQL).Scan(&last); err != nil {
		return fmt.Errorf("read the last change of the search index: %w", err)
	}
	err := c.Beside.Engine.Rebuild(ctx, synonyms, func(ctx context.Context, after search.Key) ([]search.Record, error) {
		return c.records(ctx, recordsAfterSQL, after.Kind, after.ID, besideBatch)
	})
	if err != nil {
		return fmt.Errorf("rebuild the search engine: %w", err)
	}
	if _, err := c.DB.Exec(ctx, forgetChangesSQL, last); err != nil {
		return fmt.Errorf("note what the search engine has heard: %w", err)
	}
	if err := setSearchState(ctx, c.DB, indexBeside, search.Rules); err != nil {
		return err
	}
	c.Beside.knows(search.Fingerprint(synonyms))
	slog.InfoContext(ctx, "the search engine knows everything anew")
	return nil
}

type recordRow struct {
	Kind      string
	ID        uuid.UUID
	AgencyID  uuid.UUID
	Folded    string
	Exact     string
	Theme     string
	Formats   []string
	Licence   string
	Access    []string
	Keywords  []string
	UpdatedAt time.Time
}

// records reads documents as an engine beside keeps them.
func (c *Catalog) records(ctx context.Context, sql string, args ...any) ([]search.Record, error) {
	rows, err := pg.All[recordRow](ctx, c.DB, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read documents for the search engine: %w", err)
	}
	var owners []uuid.UUID
	for _, row := range rows {
		if row.AgencyID != uuid.Nil {
			owners = append(owners, row.AgencyID)
		}
	}
	agencies, err := c.Agencies(ctx, owners)
	if err != nil {
		return nil, err
	}
	list := make([]search.Record, len(rows))
	for i, row := range rows {
		folded, exact := search.Weighted(row.Folded), search.Weighted(row.Exact)
		owner := agencies[row.AgencyID]
		list[i] = search.Record{
			Key: search.Key{Kind: row.Kind, ID: row.ID}, Title: folded['A'], Keywords: strings.Join(row.Keywords, " ; "),
			Organization: strings.TrimSpace(search.Fold(owner.TitleVI) + " ; " + search.Fold(owner.TitleEN)),
			Notes:        folded['C'], Columns: folded['D'], Exact: exact['A'] + " " + exact['B'],
			Agency: row.AgencyID, Theme: row.Theme, Formats: row.Formats, Licence: row.Licence, Access: row.Access, UpdatedAt: row.UpdatedAt,
		}
	}
	return list, nil
}
