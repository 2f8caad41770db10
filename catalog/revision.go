package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// Revision is what a version was from some time on: its bundle. It is never
// changed.
type Revision struct {
	Number   int        `json:"number"` // 1, 2 … in the version
	Why      string     `json:"why"`    // as who saved it said, or ""
	By       *uuid.UUID `json:"by"`     // person; null: not known, or a program's doing
	ByName   string     `json:"by_name" db:"-"`
	At       time.Time  `json:"at"`
	Restores *int       `json:"restores"` // the earlier revision whose bundle it is
	Bytes    int        `json:"bytes"`    // of the document
	Hash     string     `json:"hash"`     // of the bundle, see Bundle.Hash; "": of before bundles were kept
	Parts    []string   `json:"parts"`    // that are otherwise than in the one before: document, pages, plan, upstreams, traffic, operations
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
	note     []Broken // that was let pass
}

const (
	lastRevisionSQL = `
select number, coalesce(settings = $3 and spec_text = $2 and pages = (select pages from catalog.version where id = $1), false) as same
  from catalog.revision
 where version_id = $1
 order by number desc
 limit 1`

	insertRevisionSQL = `
insert into catalog.revision (version_id, number, spec_text, settings, hash, why, by, at, restores, note, pages)
select id, $2, spec_text, $3, $4, $5, $6, $7, $8, $9, pages
  from catalog.version
 where id = $1`
)

// revise keeps what a version now is as its next revision, unless the last one
// is that already, and gives its hash. The version is locked.
func (c *Catalog) revise(ctx context.Context, tx pgx.Tx, version uuid.UUID, ch versionChange) (string, error) {
	now, err := bundleOf(ctx, tx, version)
	if err != nil {
		return "", err
	}
	hash := now.Hash()
	settings, err := json.Marshal(now.Settings)
	if err != nil {
		return "", fmt.Errorf("write settings of %s: %w", version, err)
	}
	var last int
	var same bool
	err = tx.QueryRow(ctx, lastRevisionSQL, version, now.Text, settings).Scan(&last, &same)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read last revision of %s: %w", version, err)
	}
	if same {
		return hash, nil
	}
	var by *uuid.UUID
	if ch.who.Person != uuid.Nil {
		by = &ch.who.Person
	}
	s := Save{note: []Broken{}}
	if ch.save != nil {
		s = *ch.save
	}
	if s.note == nil {
		s.note = []Broken{}
	}
	if _, err := tx.Exec(ctx, insertRevisionSQL, version, last+1, settings, hash, s.Why, by, c.Now().UTC(), s.restores, s.note); err != nil {
		return "", fmt.Errorf("keep revision %d of %s: %w", last+1, version, err)
	}
	return hash, nil
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
select r.number, r.why, r.by, r.at, r.restores, octet_length(r.spec_text) as bytes, r.hash,
       case when p.number is null then '{}' else array_remove(array[
         case when r.spec_text <> p.spec_text then 'document' end,
         case when r.pages <> p.pages then 'pages' end,
         case when r.settings -> 'plan' <> p.settings -> 'plan' then 'plan' end,
         case when r.settings -> 'upstreams' <> p.settings -> 'upstreams' then 'upstreams' end,
         case when r.settings -> 'traffic' <> p.settings -> 'traffic' then 'traffic' end,
         case when r.settings -> 'operations' <> p.settings -> 'operations' then 'operations' end], null) end as parts
  from catalog.revision r
  left join catalog.revision p on p.version_id = r.version_id and p.number = r.number - 1
 where r.version_id = $1 and ($2 = 0 or r.number < $2)
 order by r.number desc
 limit $3`

// Revisions gives a page of the revisions of a version, newest
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

const revisionBundleSQL = `
select spec_text as text, pages, coalesce(settings ->> 'plan', '') as plan, coalesce(settings -> 'upstreams', '[]') as upstreams,
       coalesce(settings -> 'traffic', '{}') as traffic, coalesce(settings -> 'operations', '{}') as operations,
       settings is not null as whole
  from catalog.revision
 where version_id = $1 and number = $2`

// KeptBundle is the bundle of a revision. Whole is false of one from before
// bundles were kept: then document and pages are all that is known of it.
type KeptBundle struct {
	Bundle
	Whole bool `json:"whole"`
}

// RevisionBundle gives what a version was. It fails as Revisions does, and with
// NotFound for a number that there is none of.
func (c *Catalog) RevisionBundle(ctx context.Context, who auth.Principal, version uuid.UUID, number int) (KeptBundle, error) {
	if _, err := c.ownVersion(ctx, who, version); err != nil {
		return KeptBundle{}, err
	}
	return keptBundle(ctx, c.DB, version, number)
}

func keptBundle(ctx context.Context, db pg.DB, version uuid.UUID, number int) (KeptBundle, error) {
	b, err := pg.One[KeptBundle](ctx, db, revisionBundleSQL, version, number)
	if errors.Is(err, pgx.ErrNoRows) {
		return b, problem.Errorf(problem.NotFound, "no revision %d of version %s", number, version)
	} else if err != nil {
		return b, fmt.Errorf("read revision %d of %s: %w", number, version, err)
	}
	return b, nil
}

// RevisionText gives a version's document as it was. It fails as RevisionBundle
// does.
func (c *Catalog) RevisionText(ctx context.Context, who auth.Principal, version uuid.UUID, number int) ([]byte, error) {
	b, err := c.RevisionBundle(ctx, who, version, number)
	return []byte(b.Text), err
}

// BundleChanges is what became of a version's bundle.
type BundleChanges struct {
	Document []DocumentChange
	Settings []SettingChange
	Unknown  bool // the settings of one of the two were not kept
}

// compareBundles tells what became of a bundle. It fails as spec.Read does.
func compareBundles(before, after Bundle) (BundleChanges, error) {
	changes := BundleChanges{Document: []DocumentChange{}, Settings: compareSettings(before, after)}
	if before.Text == after.Text {
		return changes, nil
	}
	var pair [2]*spec.Document
	for i, text := range []string{before.Text, after.Text} {
		if pair[i] = (&spec.Document{}); text == "" {
			continue
		}
		var err error
		if pair[i], err = spec.Read([]byte(text)); err != nil {
			return changes, err
		}
	}
	changes.Document = change.Compare(pair[0], pair[1])
	return changes, nil
}

// CompareRevisions tells what became of a version from one revision to another,
// either way round; revision 0 is a version without anything. It fails as
// RevisionBundle does.
func (c *Catalog) CompareRevisions(ctx context.Context, who auth.Principal, version uuid.UUID, from, to int) (BundleChanges, error) {
	pair := [2]KeptBundle{{Whole: true}, {Whole: true}}
	for i, number := range []int{from, to} {
		if number == 0 {
			continue
		}
		var err error
		if pair[i], err = c.RevisionBundle(ctx, who, version, number); err != nil {
			return BundleChanges{}, err
		}
	}
	changes, err := compareBundles(pair[0].Bundle, pair[1].Bundle)
	if err != nil || pair[0].Whole && pair[1].Whole {
		return changes, err
	}
	changes.Unknown = true
	changes.Settings = slices.DeleteFunc(changes.Settings, func(s SettingChange) bool { return s.Part != PartPages })
	return changes, nil
}

// ByOperation are changes by operation, in their order.
func ByOperation(list []DocumentChange) []DocumentChanges { return change.Grouped(list) }

// RestoreRevision makes a version what it was in an earlier revision, as a
// revision of its own. What may not be changed alone is not changed by
// restoring either: it fails as RevisionBundle and putBundle do, and as
// changeVersion does for api.edit.
func (c *Catalog) RestoreRevision(ctx context.Context, who auth.Principal, version uuid.UUID, number int, why string) (Version, error) {
	if err := checkWhy(&why); err != nil {
		return Version{}, err
	}
	was, err := c.RevisionBundle(ctx, who, version, number)
	if err != nil {
		return Version{}, err
	}
	s := Save{Why: why, restores: &number}
	ch := versionChange{who: who, version: version, act: "api.edit", verb: "version.restore", part: partAll,
		from: []string{Draft, Review, Sandbox, Published, Deprecated}, detail: map[string]any{"restores": number}, save: &s}
	if why != "" {
		ch.detail["why"] = why
	}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		b := was.Bundle
		if !was.Whole {
			now, err := bundleOf(ctx, tx, v.ID)
			if err != nil {
				return err
			}
			b.Settings = now.Settings // with the marks, as far as the document has their operations
		}
		return c.putBundle(ctx, tx, v, b, &s)
	})
}
