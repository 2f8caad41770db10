package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"lgsp/auth"
	"lgsp/catalog/codelist"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// CodeListText is what is written about a list of codes.
type CodeListText struct {
	Slug    string `json:"slug"` // in addresses
	TitleVI string `json:"title_vi"`
	TitleEN string `json:"title_en"`
	Source  string `json:"source"` // the document that the codes are from
}

// CodeList is a list of codes that agencies share.
type CodeList struct {
	ID uuid.UUID `json:"id"`
	CodeListText
	Version   int       `json:"version"` // 0: nothing was put into it yet
	Entries   int       `json:"entries"` // how many
	ChangedAt time.Time `json:"changed_at"`
}

// CodeListVersion is one version of a list, without its codes.
type CodeListVersion struct {
	Version  int        `json:"version"`
	At       time.Time  `json:"at"`
	PersonID *uuid.UUID `json:"-"`
	Reason   string     `json:"reason"`
	Added    int        `json:"added"`
	Changed  int        `json:"changed"`
	Removed  int        `json:"removed"`
	Entries  int        `json:"entries"` // how many
}

// CodeComparison is what a file would change of a list.
type CodeComparison struct {
	Version int               `json:"version"` // that it was compared with
	Changes []codelist.Change `json:"changes"`
	Same    int               `json:"same"`
}

// Counts are how many are added, changed and removed.
func (c CodeComparison) Counts() (added, changed, removed int) {
	for _, change := range c.Changes {
		switch change.What {
		case "added":
			added++
		case "removed":
			removed++
		default:
			changed++
		}
	}
	return added, changed, removed
}

// CodesImport is a file to be put in the place of a list's codes.
type CodesImport struct {
	Text    string `json:"text"`    // CSV: the whole list
	Version int    `json:"version"` // that it was compared with
	Reason  string `json:"reason"`
}

const (
	codeListColumns = `
select l.id, l.slug, l.title_vi, l.title_en, l.source, l.version, coalesce(jsonb_array_length(v.entries), 0) as entries, l.changed_at
  from catalog.code_list l left join catalog.code_list_version v on v.list_id = l.id and v.version = l.version`
	codeListsSQL    = codeListColumns + ` order by l.slug limit 1000`
	codeListSQL     = codeListColumns + ` where l.slug = $1`
	lockCodeListSQL = `select version from catalog.code_list where id = $1 for update`
	addCodeListSQL  = `
insert into catalog.code_list (id, slug, title_vi, title_en, source, created_at, changed_at) values ($1, $2, $3, $4, $5, $6, $6)`
	codesOfSQL        = `select entries from catalog.code_list_version where list_id = $1 and version = $2`
	addCodeVersionSQL = `
insert into catalog.code_list_version (list_id, version, at, person_id, reason, added, changed, removed, entries)
values ($1, $2, $3, nullif($4::uuid, '00000000-0000-0000-0000-000000000000'), $5, $6, $7, $8, $9)`
	setCodeVersionSQL = `update catalog.code_list set version = $2, changed_at = $3 where id = $1`
	codeVersionsSQL   = `
select version, at, person_id, reason, added, changed, removed, jsonb_array_length(entries) as entries
  from catalog.code_list_version
 where list_id = $1
 order by version desc
 limit 100`
)

// CodeLists lists the lists of codes, by slug, for everyone.
func (c *Catalog) CodeLists(ctx context.Context) ([]CodeList, error) {
	lists, err := pg.All[CodeList](ctx, c.DB, codeListsSQL)
	if err != nil {
		return nil, fmt.Errorf("list lists of codes: %w", err)
	}
	return lists, nil
}

// CodeList is the list of a slug. It fails with NotFound.
func (c *Catalog) CodeList(ctx context.Context, slug string) (CodeList, error) {
	list, err := pg.One[CodeList](ctx, c.DB, codeListSQL, slug)
	if errors.Is(err, pgx.ErrNoRows) {
		return list, problem.Errorf(problem.NotFound, "no list of codes %s", slug).Coded("code-list-unknown")
	} else if err != nil {
		return list, fmt.Errorf("read list of codes %s: %w", slug, err)
	}
	return list, nil
}

// Codes are the codes of a version of a list, for everyone; version 0 is the
// one in force. It fails with NotFound.
func (c *Catalog) Codes(ctx context.Context, slug string, version int) ([]codelist.Entry, error) {
	list, err := c.CodeList(ctx, slug)
	if err != nil {
		return nil, err
	}
	if version == 0 {
		if version = list.Version; version == 0 {
			return []codelist.Entry{}, nil
		}
	}
	return codesOf(ctx, c.DB, list.ID, version)
}

// codesOf are the codes of a version, of which there are none before the first.
func codesOf(ctx context.Context, db pg.DB, list uuid.UUID, version int) ([]codelist.Entry, error) {
	entries := []codelist.Entry{}
	if version == 0 {
		return entries, nil
	}
	var stored []byte
	err := db.QueryRow(ctx, codesOfSQL, list, version).Scan(&stored)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, problem.Errorf(problem.NotFound, "no version %d", version).Coded("code-list-unknown")
	} else if err != nil {
		return nil, fmt.Errorf("read codes of %s: %w", list, err)
	}
	if err := json.Unmarshal(stored, &entries); err != nil {
		return nil, fmt.Errorf("decode codes of %s: %w", list, err)
	}
	return entries, nil
}

// CodeListVersions are the last 100 versions of a list, newest first, for who
// may platform.read.
func (c *Catalog) CodeListVersions(ctx context.Context, who auth.Principal, slug string) ([]CodeListVersion, error) {
	if err := c.May(ctx, who, "platform.read", uuid.Nil); err != nil {
		return nil, err
	}
	list, err := c.CodeList(ctx, slug)
	if err != nil {
		return nil, err
	}
	versions, err := pg.All[CodeListVersion](ctx, c.DB, codeVersionsSQL, list.ID)
	if err != nil {
		return nil, fmt.Errorf("list versions of %s: %w", slug, err)
	}
	return versions, nil
}

// AddCodeList begins a list, which is empty at first. It fails with what May
// says of code-list.edit, Invalid for a text that is not right, and Conflict
// for a slug that is taken.
func (c *Catalog) AddCodeList(ctx context.Context, who auth.Principal, text CodeListText) (CodeList, error) {
	if err := c.May(ctx, who, "code-list.edit", uuid.Nil); err != nil {
		return CodeList{}, err
	}
	if err := text.check(); err != nil {
		return CodeList{}, err
	}
	list := CodeList{ID: uuid.Must(uuid.NewV7()), CodeListText: text, ChangedAt: c.Now().UTC()}
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, addCodeListSQL, list.ID, text.Slug, text.TitleVI, text.TitleEN, text.Source, list.ChangedAt)
		if pg.IsUnique(err, "code_list_slug_key") {
			return problem.Errorf(problem.Conflict, "there is a list %s", text.Slug).Coded("code-list-taken").
				Wrong("slug", "code-list-taken", "a list has this name already")
		} else if err != nil {
			return fmt.Errorf("add list of codes %s: %w", text.Slug, err)
		}
		return c.Record(ctx, tx, auth.Act{Who: who, Verb: "code-list.add", About: list.ID, Detail: map[string]any{"list": text.Slug}})
	})
	return list, err
}

// CompareCodes tells what a file would change of a list, and changes nothing.
// It fails with what May says of code-list.edit, with NotFound, and Invalid for a
// file that is not right: each fault by line and column.
func (c *Catalog) CompareCodes(ctx context.Context, who auth.Principal, slug string, text []byte) (CodeComparison, error) {
	if err := c.May(ctx, who, "code-list.edit", uuid.Nil); err != nil {
		return CodeComparison{}, err
	}
	list, err := c.CodeList(ctx, slug)
	if err != nil {
		return CodeComparison{}, err
	}
	entries, err := readCodes(text)
	if err != nil {
		return CodeComparison{}, err
	}
	before, err := codesOf(ctx, c.DB, list.ID, list.Version)
	if err != nil {
		return CodeComparison{}, err
	}
	out := CodeComparison{Version: list.Version}
	out.Changes, out.Same = codelist.Compare(before, entries)
	return out, nil
}

// ImportCodes puts the codes of a file in the place of those of a list, all or
// none, as its next version. It fails as CompareCodes does, Invalid without a
// reason, and Conflict when the list has moved on since it was compared, or
// when nothing would change.
func (c *Catalog) ImportCodes(ctx context.Context, who auth.Principal, slug string, in CodesImport) (CodeList, error) {
	if err := c.May(ctx, who, "code-list.edit", uuid.Nil); err != nil {
		return CodeList{}, err
	}
	reason := oneLine(in.Reason)
	if n := utf8.RuneCountInString(reason); n < 5 || n > 500 {
		return CodeList{}, problem.Errorf(problem.Invalid, "say why").Coded("fields-wrong").Wrong("reason", "register-reason", "say why, in 5 to 500 characters")
	}
	entries, err := readCodes([]byte(in.Text))
	if err != nil {
		return CodeList{}, err
	}
	list, err := c.CodeList(ctx, slug)
	if err != nil {
		return CodeList{}, err
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, lockCodeListSQL, list.ID).Scan(&list.Version); err != nil {
			return fmt.Errorf("lock list of codes %s: %w", slug, err)
		}
		if list.Version != in.Version {
			return problem.Errorf(problem.Conflict, "the list is at version %d, compared was %d", list.Version, in.Version).Coded("code-list-moved", "version", strconv.Itoa(list.Version))
		}
		return c.nextCodes(ctx, tx, who, &list, codesWritten{entries, reason})
	})
	return list, err
}

// codesWritten are the codes of a new version, and why.
type codesWritten struct {
	entries []codelist.Entry
	reason  string
}

// nextCodes writes the next version of a list, which is locked.
func (c *Catalog) nextCodes(ctx context.Context, tx pgx.Tx, who auth.Principal, list *CodeList, w codesWritten) error {
	before, err := codesOf(ctx, tx, list.ID, list.Version)
	if err != nil {
		return err
	}
	compared := CodeComparison{}
	compared.Changes, compared.Same = codelist.Compare(before, w.entries)
	if len(compared.Changes) == 0 {
		return problem.Errorf(problem.Conflict, "the list says so already").Coded("codes-same")
	}
	added, changed, removed := compared.Counts()
	stored, err := json.Marshal(w.entries)
	if err != nil {
		return fmt.Errorf("encode codes of %s: %w", list.Slug, err)
	}
	list.Version, list.Entries, list.ChangedAt = list.Version+1, len(w.entries), c.Now().UTC()
	if _, err := tx.Exec(ctx, addCodeVersionSQL, list.ID, list.Version, list.ChangedAt, who.Person, w.reason, added, changed, removed, stored); err != nil {
		return fmt.Errorf("keep version %d of %s: %w", list.Version, list.Slug, err)
	}
	if _, err := tx.Exec(ctx, setCodeVersionSQL, list.ID, list.Version, list.ChangedAt); err != nil {
		return fmt.Errorf("move %s to version %d: %w", list.Slug, list.Version, err)
	}
	return c.Record(ctx, tx, auth.Act{Who: who, Verb: "code-list.import", About: list.ID, Detail: map[string]any{"list": list.Slug,
		"version": list.Version, "added": added, "corrected": changed, "removed": removed, "reason": w.reason}})
}

// readCodes is codelist.Read with its faults as a problem.
func readCodes(text []byte) ([]codelist.Entry, error) {
	entries, faults := codelist.Read(text)
	if len(faults) == 0 {
		return entries, nil
	}
	e := problem.Errorf(problem.Invalid, "line %d: %s", faults[0].Line, faults[0].Why).Coded("codes-file", "n", strconv.Itoa(len(faults)))
	for _, f := range faults {
		e = e.Wrong("file", f.Code, fmt.Sprintf("line %d, %s: %s", f.Line, f.Column, f.Why), "line", strconv.Itoa(f.Line), "column", f.Column)
	}
	return nil, e
}

func oneLine(text string) string { return norm.NFC.String(strings.Join(strings.Fields(text), " ")) }

// check puts spaces right, and says what is wrong.
func (t *CodeListText) check() error {
	for _, text := range []*string{&t.Slug, &t.TitleVI, &t.TitleEN, &t.Source} {
		*text = oneLine(*text)
	}
	e := problem.Errorf(problem.Invalid, "the list is not right").Coded("fields-wrong")
	if !slugForm.MatchString(t.Slug) || len(t.Slug) > 63 {
		e.Wrong("slug", "slug-form", "lower-case letters, digits and single hyphens")
	}
	for _, f := range []struct{ name, text string }{{"title_vi", t.TitleVI}, {"title_en", t.TitleEN}, {"source", t.Source}} {
		switch {
		case f.text == "" && f.name != "title_en":
			e.Wrong(f.name, "required", "is required")
		case utf8.RuneCountInString(f.text) > 300:
			e.Wrong(f.name, "text-too-long", "is too long", "max", "300")
		}
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}
