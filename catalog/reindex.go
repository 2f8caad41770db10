package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/search"
	"lgsp/internal/pg"
)

// reindexBatch is how many things are indexed in one transaction: so long their
// owners wait who change one of them.
const reindexBatch = 100

const (
	publishedDatasetsSQL = `
select ` + datasetColumns + ` from catalog.dataset where state = 'published' and id > $1 order by id limit $2 for share`

	publishedAPIsSQL = `
select a.id, a.agency_id
  from catalog.api a
 where a.id > $1 and exists (select from catalog.version v where v.api_id = a.id and v.state in ('published', 'deprecated'))
 order by a.id
 limit $2
   for share`
)

// What is indexed without being published, or is offered or known without being
// indexed, is left over from another time.
const (
	dropOrphansSQL = `
with gone as (
  delete from catalog.search_doc d
   where d.kind = 'dataset' and not exists (select from catalog.dataset s where s.id = d.id and s.state = 'published')
      or d.kind = 'api' and not exists (select from catalog.version v where v.api_id = d.id and v.state in ('published', 'deprecated'))
      or d.kind = 'operation' and not exists (select from catalog.version v where v.api_id = d.parent and v.state in ('published', 'deprecated'))
  returning kind, id)
insert into catalog.search_change (kind, id, number)
select kind, id, nextval('catalog.search_change_number') from gone
on conflict on constraint search_change_key do update set number = excluded.number`

	dropSuggestionsSQL = `
delete from catalog.search_suggestion s
 where s.kind in ('dataset', 'api') and not exists (select from catalog.search_doc d where d.kind = s.kind and d.id = s.id)
    or s.kind = 'agency' and not exists (select from catalog.search_doc d where d.agency_id = s.id)
    or s.kind = 'keyword' and not exists (select from catalog.search_doc d where d.keywords @> array[s.slug])`

	dropWordsSQL = `
delete from catalog.search_word w
 where not exists (select from ts_stat('select folded from catalog.search_doc') held where held.word = w.word)`

	searchStateSQL = `select value from catalog.search_state where name = $1`

	putSearchStateSQL = `
insert into catalog.search_state (name, value) values ($1, $2)
on conflict (name) do update set value = excluded.value`
)

// indexRules names the rules that the index is written by in catalog.search_state.
const indexRules = "rules"

// KeepIndexed writes the index anew when it was written by other rules than
// this program's, and the portal's own pages each time. It is called when the
// platform starts; search goes on meanwhile.
func (c *Catalog) KeepIndexed(ctx context.Context, pages []Document) error {
	if err := c.indexDocuments(ctx, pages); err != nil {
		return err
	}
	var rules string
	err := c.DB.QueryRow(ctx, searchStateSQL, indexRules).Scan(&rules)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read by which rules the index was written: %w", err)
	}
	if rules == search.Rules {
		return nil
	}
	_, err = c.Reindex(ctx)
	return err
}

// Reindex writes the index of all that is published anew, a hundred at a time,
// and takes out what is not. Search is up all along: each finds what it was or
// what it is. It gives how many datasets and APIs there are.
func (c *Catalog) Reindex(ctx context.Context) (int, error) {
	total, anew := 0, &Catalog{DB: c.DB, Now: c.Now, Agencies: c.Agencies, written: indexed{}}
	for _, batch := range []func(context.Context, uuid.UUID) ([]uuid.UUID, error){anew.reindexDatasets, anew.reindexAPIs} {
		for last := uuid.Nil; ; {
			done, err := batch(ctx, last)
			if err != nil {
				return total, err
			}
			total += len(done)
			if len(done) < reindexBatch {
				break
			}
			last = done[len(done)-1]
		}
	}
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		for _, sql := range []string{dropOrphansSQL, dropSuggestionsSQL, dropWordsSQL} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("tidy the index: %w", err)
			}
		}
		return setSearchState(ctx, tx, indexRules, search.Rules)
	})
	return total, err
}

// ReindexFor is Reindex for who may search.edit; it is recorded, and fails with
// what May says.
func (c *Catalog) ReindexFor(ctx context.Context, who auth.Principal) (int, error) {
	if err := c.May(ctx, who, "search.edit", uuid.Nil); err != nil {
		return 0, err
	}
	n, err := c.Reindex(ctx)
	if err != nil {
		return n, err
	}
	return n, pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		return c.Record(ctx, tx, auth.Act{Who: who, Verb: "search.reindex", Detail: map[string]any{"indexed": n}})
	})
}

func setSearchState(ctx context.Context, db pg.DB, name, value string) error {
	if _, err := db.Exec(ctx, putSearchStateSQL, name, value); err != nil {
		return fmt.Errorf("keep %s of the search: %w", name, err)
	}
	return nil
}

// reindexDatasets indexes the datasets after last and gives their ids.
func (c *Catalog) reindexDatasets(ctx context.Context, last uuid.UUID) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	owners, err := c.ownersOf(ctx, datasetOwnersSQL)
	if err != nil {
		return nil, err
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		list, err := pg.All[Dataset](ctx, tx, publishedDatasetsSQL, last, reindexBatch)
		if err != nil {
			return fmt.Errorf("read datasets to index: %w", err)
		}
		for _, d := range list {
			ids = append(ids, d.ID)
			if len(d.Fields) > 0 {
				if d.Schema, err = schemaIn(ctx, tx, d.AgencyID); err != nil {
					return err
				}
			}
			d.Agency = owners[d.AgencyID]
			if d.Distributions, err = distributionsOf(ctx, tx, d.ID); err != nil {
				return err
			}
			if err := c.indexDataset(ctx, tx, d); err != nil {
				return err
			}
		}
		return nil
	})
	return ids, err
}

// reindexAPIs indexes the APIs after last and gives their ids.
func (c *Catalog) reindexAPIs(ctx context.Context, last uuid.UUID) ([]uuid.UUID, error) {
	type ownedAPI struct{ ID, AgencyID uuid.UUID }
	var ids []uuid.UUID
	owners, err := c.ownersOf(ctx, apiOwnersSQL)
	if err != nil {
		return nil, err
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		list, err := pg.All[ownedAPI](ctx, tx, publishedAPIsSQL, last, reindexBatch)
		if err != nil {
			return fmt.Errorf("read APIs to index: %w", err)
		}
		for _, a := range list {
			ids = append(ids, a.ID)
			if err := c.indexAPI(ctx, tx, a.ID, owners[a.AgencyID]); err != nil {
				return err
			}
		}
		return nil
	})
	return ids, err
}

const (
	datasetOwnersSQL = `select distinct agency_id from catalog.dataset`
	apiOwnersSQL     = `select distinct agency_id from catalog.api`
)

// ownersOf gives the agencies that own something, before a transaction begins:
// Agencies would take a second connection.
func (c *Catalog) ownersOf(ctx context.Context, sql string) (map[uuid.UUID]Agency, error) {
	rows, _ := c.DB.Query(ctx, sql) // the error comes back from Collect
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read owners: %w", err)
	}
	return c.Agencies(ctx, ids)
}

// Document is a page of the portal that explains something.
type Document struct {
	Path             string // /docs/rows
	TitleVI, TitleEN string
	TextVI, TextEN   string // what is read on it
}

const (
	indexedDocumentsSQL = `select id from catalog.search_doc where kind = 'document'`
	lockDocumentsSQL    = `select pg_advisory_xact_lock(hashtext('catalog.search_doc documents'))`
)

// documentSpace makes a page's id of its path.
var documentSpace = uuid.MustParse("5f3ccf0a-5f0b-4c8e-9a2e-0c4a1c1c9a55")

// indexDocuments makes exactly these pages findable.
func (c *Catalog) indexDocuments(ctx context.Context, pages []Document) error {
	return pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockDocumentsSQL); err != nil {
			return fmt.Errorf("lock documents: %w", err)
		}
		rows, _ := tx.Query(ctx, indexedDocumentsSQL) // the error comes back from Collect
		before, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return fmt.Errorf("read documents: %w", err)
		}
		for _, p := range pages {
			id := uuid.NewSHA1(documentSpace, []byte(p.Path))
			before = slices.DeleteFunc(before, func(old uuid.UUID) bool { return old == id })
			if err := c.index(ctx, tx, SearchDoc{
				Kind: "document", ID: id, Slug: p.Path[1:], TitleVI: p.TitleVI, TitleEN: p.TitleEN,
				TextVI: p.TextVI, TextEN: p.TextEN, Access: []string{Open}, At: c.Now().UTC(),
			}); err != nil {
				return err
			}
		}
		for _, old := range before {
			if err := c.unindex(ctx, tx, "document", old); err != nil {
				return err
			}
		}
		return nil
	})
}
