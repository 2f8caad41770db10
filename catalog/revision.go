package catalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/spec"
	"lgsp/catalog/spec/change"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Revision is what a version's document was from some time on. It is never
// changed.
type Revision struct {
	Number   int        `json:"number"` // 1, 2 … in the version
	Why      string     `json:"why"`    // as who saved it said, or ""
	By       *uuid.UUID `json:"by"`     // person; null: not known, or a program's doing
	ByName   string     `json:"by_name" db:"-"`
	At       time.Time  `json:"at"`
	Restores *int       `json:"restores"` // the earlier revision whose text it is
	Bytes    int        `json:"bytes"`
}

// DocumentChange is one thing of a document that is otherwise than before, and
// DocumentChanges are those of one operation.
type (
	DocumentChange  = change.Change
	DocumentChanges = change.Group
)

// Save is a document to be saved, and why.
type Save struct {
	Text []byte
	Why  string // at most 1,000 characters

	restores *int
	pages    *[]DocPage // that come back with it; nil: those there are stay
	by       auth.Principal
	note     []Broken // that was let pass
}

const (
	lastRevisionSQL = `
select number, spec_text = $2 and pages = (select pages from catalog.version where id = $1) as same
  from catalog.revision
 where version_id = $1
 order by number desc
 limit 1`

	insertRevisionSQL = `
insert into catalog.revision (version_id, number, spec_text, why, by, at, restores, note, pages)
select id, $2, $3, $4, $5, $6, $7, $8, pages
  from catalog.version
 where id = $1`
)

// revise keeps a version's document, with the pages there are, as its next
// revision, unless it is the last one's over again. The version is locked.
func (c *Catalog) revise(ctx context.Context, tx pgx.Tx, version uuid.UUID, s Save) error {
	var last int
	var same bool
	err := tx.QueryRow(ctx, lastRevisionSQL, version, string(s.Text)).Scan(&last, &same)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read last revision of %s: %w", version, err)
	}
	if same {
		return nil
	}
	var by *uuid.UUID
	if s.by.Person != uuid.Nil {
		by = &s.by.Person
	}
	if s.note == nil {
		s.note = []Broken{}
	}
	if _, err := tx.Exec(ctx, insertRevisionSQL, version, last+1, string(s.Text), s.Why, by, c.Now().UTC(), s.restores, s.note); err != nil {
		return fmt.Errorf("keep revision %d of %s: %w", last+1, version, err)
	}
	return nil
}

// checkWhy trims the reason of a change, and fails with Invalid when it is too long.
func checkWhy(why *string) error {
	*why = strings.TrimSpace(*why)
	if utf8.RuneCountInString(*why) > maxEndReason {
		most := strconv.Itoa(maxEndReason)
		return problem.Errorf(problem.Invalid, "the reason is too long").
			Wrong("why", "text-too-long", "at most "+most+" characters", "max", most)
	}
	return nil
}

// ownVersion is a version whose documents who may see: they may name the
// agency's internal servers. Others get NotFound.
func (c *Catalog) ownVersion(ctx context.Context, who auth.Principal, version uuid.UUID) (Version, error) {
	v, err := c.VersionByID(ctx, who, version)
	if err == nil && !sees(who, v.AgencyID) {
		err = problem.Errorf(problem.NotFound, "no version %s", version)
	}
	return v, err
}

const revisionsSQL = `
select number, why, by, at, restores, octet_length(spec_text) as bytes
  from catalog.revision
 where version_id = $1 and ($2 = 0 or number < $2)
 order by number desc
 limit $3`

// Revisions gives a page of the revisions of a version's document, newest
// first, to the agency's own people, and the next cursor, "" at the end. It
// fails with NotFound for others, and with Invalid for a bad page.
func (c *Catalog) Revisions(ctx context.Context, who auth.Principal, version uuid.UUID, most int, after string) ([]Revision, string, error) {
	if _, err := c.ownVersion(ctx, who, version); err != nil {
		return nil, "", err
	}
	limit, err := pageLimit(most)
	if err != nil {
		return nil, "", err
	}
	before := 0
	if after != "" {
		if before, err = strconv.Atoi(after); err != nil || before < 1 {
			return nil, "", badCursor()
		}
	}
	list, err := pg.All[Revision](ctx, c.DB, revisionsSQL, version, before, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list revisions of %s: %w", version, err)
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = strconv.Itoa(list[limit-1].Number)
	}
	return list, next, c.nameSavers(ctx, list)
}

// nameSavers fills in what those are called who saved revisions.
func (c *Catalog) nameSavers(ctx context.Context, list []Revision) error {
	ids := []uuid.UUID{}
	for _, r := range list {
		if r.By != nil {
			ids = append(ids, *r.By)
		}
	}
	if len(ids) == 0 || c.Names == nil {
		return nil
	}
	names, err := c.Names(ctx, ids)
	if err != nil {
		return err
	}
	for i, r := range list {
		if r.By != nil {
			list[i].ByName = names[*r.By]
		}
	}
	return nil
}

const revisionTextSQL = `select spec_text from catalog.revision where version_id = $1 and number = $2`

// RevisionText gives a version's document as it was. It fails as Revisions
// does, and with NotFound for a number that there is none of.
func (c *Catalog) RevisionText(ctx context.Context, who auth.Principal, version uuid.UUID, number int) ([]byte, error) {
	if _, err := c.ownVersion(ctx, who, version); err != nil {
		return nil, err
	}
	var text string
	err := c.DB.QueryRow(ctx, revisionTextSQL, version, number).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, problem.Errorf(problem.NotFound, "no revision %d of version %s", number, version)
	} else if err != nil {
		return nil, fmt.Errorf("read revision %d of %s: %w", number, version, err)
	}
	return []byte(text), nil
}

// CompareRevisions tells what became of a version's document from one revision
// to another, either way round; revision 0 is a document without anything. It
// fails as RevisionText does.
func (c *Catalog) CompareRevisions(ctx context.Context, who auth.Principal, version uuid.UUID, from, to int) ([]DocumentChange, error) {
	var pair [2]*spec.Document
	for i, number := range []int{from, to} {
		if pair[i] = (&spec.Document{}); number == 0 {
			continue
		}
		text, err := c.RevisionText(ctx, who, version, number)
		if err != nil {
			return nil, err
		}
		if pair[i], err = spec.Read(text); err != nil {
			return nil, err
		}
	}
	return change.Compare(pair[0], pair[1]), nil
}

// ByOperation are changes by operation, in their order.
func ByOperation(list []DocumentChange) []DocumentChanges { return change.Grouped(list) }

// RestoreRevision saves the document and the pages of an earlier revision anew,
// as a revision of its own. It fails as RevisionText and as ReplaceSpec do.
func (c *Catalog) RestoreRevision(ctx context.Context, who auth.Principal, version uuid.UUID, number int, why string) (Version, error) {
	text, err := c.RevisionText(ctx, who, version, number)
	if err != nil {
		return Version{}, err
	}
	pages, err := c.RevisionPages(ctx, who, version, number)
	if err != nil {
		return Version{}, err
	}
	return c.ReplaceSpec(ctx, who, version, Save{Text: text, Why: why, restores: &number, pages: &pages})
}
