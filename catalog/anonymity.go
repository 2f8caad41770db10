package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/rows"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The bounds of k: how many rows must share the values of the columns.
const (
	usualK = 5
	leastK = 2
	mostK  = 100
)

// Anonymity is which columns of a table together could tell a person, and what
// was found of groups that are too small. Nobody outside the agency sees it.
type Anonymity struct {
	Distribution uuid.UUID          `json:"distribution" db:"distribution_id"`
	Dataset      uuid.UUID          `json:"-" db:"dataset_id"`
	Columns      []string           `json:"columns"` // keys
	K            int                `json:"k"`
	Found        SmallGroups        `json:"found"`   // in the rows as they are
	Held         *SmallGroups       `json:"held"`    // in a file that was refused
	Decided      *AnonymityDecision `json:"decided"` // null: no steward said anything
	SetAt        time.Time          `json:"set_at"`
}

// SmallGroups is what one file held.
type SmallGroups struct {
	rows.Rare
	Missing []string  `json:"missing"` // columns that were named and the file does not have
	At      time.Time `json:"at"`
}

// AnonymityDecision is what a steward allows: up to so many rows in small
// groups, and what could not be looked at as far as it was so then.
type AnonymityDecision struct {
	Rows    int64     `json:"rows"`
	Slow    bool      `json:"slow"`
	Missing []string  `json:"missing"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
}

// AnonymityText is which columns a steward names.
type AnonymityText struct {
	Columns []string `json:"columns"` // keys, at most 8; none: the table is looked at no more
	K       int      `json:"k"`       // 2 to 100, 0 is 5
}

// Clean reports that nothing was found.
func (g SmallGroups) Clean() bool { return g.Rows == 0 && !g.Slow && len(g.Missing) == 0 }

// Blocks reports that the table keeps its dataset from being published.
func (a Anonymity) Blocks() bool { return !a.covers(a.Found) }

func (a Anonymity) covers(g SmallGroups) bool {
	if g.Clean() {
		return true
	}
	d := a.Decided
	if d == nil || g.Rows > d.Rows || g.Slow && !d.Slow {
		return false
	}
	return !slices.ContainsFunc(g.Missing, func(key string) bool { return !slices.Contains(d.Missing, key) })
}

const anonymityColumns = `distribution_id, dataset_id, columns, k, found, held, decided, set_at`

const anonymitySQL = `select ` + anonymityColumns + ` from catalog.anonymity where dataset_id = $1 order by distribution_id`

// Anonymity lists what was named and found of the tables of a dataset, to those
// who may edit or approve it; to others it fails with NotFound.
func (c *Catalog) Anonymity(ctx context.Context, who auth.Principal, dataset uuid.UUID) ([]Anonymity, error) {
	d, err := c.Dataset(ctx, who, dataset)
	if err != nil {
		return nil, err
	}
	if !c.worksOn(ctx, who, d.AgencyID) {
		return nil, noDataset(d.Slug)
	}
	return anonymityOf(ctx, c.DB, dataset)
}

func anonymityOf(ctx context.Context, db pg.DB, dataset uuid.UUID) ([]Anonymity, error) {
	list, err := pg.All[Anonymity](ctx, db, anonymitySQL, dataset)
	if err != nil {
		return nil, fmt.Errorf("read small groups of %s: %w", dataset, err)
	}
	return list, nil
}

const (
	setAnonymitySQL = `
insert into catalog.anonymity (distribution_id, dataset_id, columns, k, found, set_by, set_at) values ($1, $2, $3, $4, $5, $6, $7)
on conflict on constraint anonymity_key
do update set columns = excluded.columns, k = excluded.k, found = excluded.found, held = null, decided = null,
              set_by = excluded.set_by, set_at = excluded.set_at`

	endAnonymitySQL = `delete from catalog.anonymity where distribution_id = $1`
)

// verbAnonymity is the act of naming columns, verbAllowSmall that of deciding:
// like verbPersonal they may leave a public dataset with a finding that blocks.
const (
	verbAnonymity  = "dataset.anonymity"
	verbAllowSmall = "dataset.allow-small-groups"
)

// SetAnonymity names the columns of a table that together could tell a person,
// and counts the rows in groups smaller than k. What was decided before ends. It
// fails with what May says of dataset.approve, NotFound, and Invalid for what is
// no table, columns it lacks or that hold shapes, and a k out of bounds.
func (c *Catalog) SetAnonymity(ctx context.Context, who auth.Principal, distribution uuid.UUID, said AnonymityText) (Dataset, error) {
	part, err := c.Distribution(ctx, who, distribution)
	if err != nil {
		return Dataset{}, err
	}
	if said.K == 0 {
		said.K = usualK
	}
	ch := datasetChange{who: who, id: part.DatasetID, act: "dataset.approve", verb: verbAnonymity,
		detail: map[string]any{"part": distribution, "columns": said.Columns, "k": said.K}}
	return c.changeDataset(ctx, ch, func(tx pgx.Tx, d Dataset) error {
		if len(said.Columns) == 0 {
			if _, err := tx.Exec(ctx, endAnonymitySQL, distribution); err != nil {
				return fmt.Errorf("end looking at %s: %w", distribution, err)
			}
			return nil
		}
		if err := checkNamed(ctx, tx, distribution, said); err != nil {
			return err
		}
		found, err := c.smallGroups(ctx, tx, distribution, said.Columns, said.K)
		if err != nil {
			return err
		}
		return execOne(ctx, tx, setAnonymitySQL, distribution, d.ID, said.Columns, said.K, found, who.Person, c.Now().UTC())
	})
}

// checkNamed fails with Invalid for columns and a k that cannot be looked at.
func checkNamed(ctx context.Context, tx pgx.Tx, distribution uuid.UUID, said AnonymityText) error {
	e := problem.Errorf(problem.Invalid, "the columns cannot be looked at").Coded("anonymity-invalid")
	if said.K < leastK || said.K > mostK {
		e.Wrong("k", "anonymity-k", "k is 2 to 100", "least", strconv.Itoa(leastK), "most", strconv.Itoa(mostK))
	}
	columns, err := columnsOf(ctx, tx, distribution)
	if err != nil {
		return err
	}
	if len(columns) == 0 {
		e.Wrong("columns", "anonymity-no-table", "is no table")
	}
	if len(said.Columns) > rows.MaxGroupedBy {
		e.Wrong("columns", "anonymity-many", "more than 8 columns", "max", strconv.Itoa(rows.MaxGroupedBy))
	}
	for i, key := range said.Columns {
		at := slices.IndexFunc(columns, func(c Column) bool { return c.Key == key })
		if len(columns) > 0 && (at < 0 || columns[at].Type == rows.Geometry || slices.Contains(said.Columns[:i], key)) {
			e.Wrong("columns", "anonymity-column", "cannot be looked at", "name", clipRunes(key, 60))
		}
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

// smallGroups looks at the rows of a distribution as they are in tx.
func (c *Catalog) smallGroups(ctx context.Context, tx pgx.Tx, distribution uuid.UUID, keys []string, k int) (SmallGroups, error) {
	found := SmallGroups{Missing: []string{}, At: c.Now().UTC()}
	columns, err := columnsOf(ctx, tx, distribution)
	if err != nil {
		return found, err
	}
	var by []rows.Column
	for _, key := range keys {
		i := slices.IndexFunc(columns, func(c Column) bool { return c.Key == key && c.Type != rows.Geometry })
		if i < 0 {
			found.Missing = append(found.Missing, key)
			continue
		}
		by = append(by, columns[i].Column)
	}
	var table string
	if err := tx.QueryRow(ctx, rowsTableSQL, distribution).Scan(&table); err != nil {
		return found, fmt.Errorf("read rows table of %s: %w", distribution, err)
	}
	if len(by) == 0 || table == "" {
		return found, nil
	}
	found.Rare, err = rows.FindRare(ctx, tx, table, by, k)
	return found, err
}

const (
	anonymityOfPartSQL = `select ` + anonymityColumns + ` from catalog.anonymity where distribution_id = $1`

	foundAnonymitySQL = `update catalog.anonymity set found = $2, held = null where distribution_id = $1`

	holdAnonymitySQL = `update catalog.anonymity set held = $2 where distribution_id = $1`
)

// lookAgain looks at a file that has just taken the place of another, and gives
// what it found; nil when no columns were named.
func (c *Catalog) lookAgain(ctx context.Context, tx pgx.Tx, distribution uuid.UUID) (*SmallGroups, error) {
	a, err := pg.One[Anonymity](ctx, tx, anonymityOfPartSQL, distribution)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read small groups of %s: %w", distribution, err)
	}
	found, err := c.smallGroups(ctx, tx, distribution, a.Columns, a.K)
	if err != nil {
		return nil, err
	}
	return &found, execOne(ctx, tx, foundAnonymitySQL, distribution, found)
}

// holdSmallGroups keeps what was found in a file that was refused.
func (c *Catalog) holdSmallGroups(ctx context.Context, distribution uuid.UUID, found *SmallGroups) error {
	if found == nil {
		return nil
	}
	if _, err := c.DB.Exec(ctx, holdAnonymitySQL, distribution, found); err != nil {
		return fmt.Errorf("hold small groups of %s: %w", distribution, err)
	}
	return nil
}

const decideAnonymitySQL = `update catalog.anonymity set decided = $2 where distribution_id = $1`

// AllowSmallGroups keeps a steward's reason for letting small groups be public,
// as many rows as were found, in the file that is there or the one that was
// refused. It stands until the columns are named anew, or a later file has more.
// It fails with what May says of dataset.approve, Invalid without a reason, and
// NotFound when nothing was found.
func (c *Catalog) AllowSmallGroups(ctx context.Context, who auth.Principal, distribution uuid.UUID, reason string) (Dataset, error) {
	part, err := c.Distribution(ctx, who, distribution)
	if err != nil {
		return Dataset{}, err
	}
	ch := datasetChange{who: who, id: part.DatasetID, act: "dataset.approve", verb: verbAllowSmall, detail: map[string]any{"part": distribution}}
	if err := giveReason(&ch, reason); err != nil {
		return Dataset{}, err
	}
	return c.changeDataset(ctx, ch, func(tx pgx.Tx, _ Dataset) error {
		a, err := pg.One[Anonymity](ctx, tx, anonymityOfPartSQL, distribution)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && a.Found.Clean() && a.Held == nil {
			return problem.Errorf(problem.NotFound, "no small groups were found in %s", distribution).Coded("anonymity-none")
		} else if err != nil {
			return fmt.Errorf("read small groups of %s: %w", distribution, err)
		}
		d := AnonymityDecision{Rows: a.Found.Rows, Slow: a.Found.Slow, Missing: a.Found.Missing, Reason: ch.reason, At: c.Now().UTC()}
		if h := a.Held; h != nil {
			d.Rows, d.Slow, d.Missing = max(d.Rows, h.Rows), d.Slow || h.Slow, append(d.Missing, h.Missing...)
		}
		ch.detail["rows"] = d.Rows
		return execOne(ctx, tx, decideAnonymitySQL, distribution, d)
	})
}

// codeSmallGroups is the problem of a dataset whose tables could tell a person.
const codeSmallGroups = "anonymity-undecided"

// requireAnonymous fails with Conflict when a table of the dataset has groups
// that are too small, and no steward allowed them.
func requireAnonymous(ctx context.Context, tx pgx.Tx, d Dataset) error {
	list, err := anonymityOf(ctx, tx, d.ID)
	if err != nil {
		return err
	}
	var columns []string
	most := int64(0)
	for _, a := range list {
		if a.Blocks() {
			columns, most = append(columns, strings.Join(a.Columns, " + ")), max(most, a.Found.Rows)
		}
	}
	if len(columns) == 0 {
		return nil
	}
	return problem.Errorf(problem.Conflict, "rows of %s could tell a person", strings.Join(columns, "; ")).
		Coded(codeSmallGroups, "columns", strings.Join(columns, "; "), "rows", strconv.FormatInt(most, 10))
}
