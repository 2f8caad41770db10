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
	"golang.org/x/text/unicode/norm"

	"lgsp/auth"
	"lgsp/catalog/search"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The kinds of synonyms.
const (
	Abbreviation = "abbreviation"
	LayWord      = "lay"
	FormerName   = "former" // of an agency or a place
)

// SynonymKinds are the kinds, in the order people read them.
func SynonymKinds() []string { return []string{Abbreviation, LayWord, FormerName} }

// SynonymText is what is written about a synonym.
type SynonymText struct {
	Term    string `json:"term"`     // UBND, sổ đỏ, Sở Thông tin và Truyền thông
	Meaning string `json:"meaning"`  // each finds the other
	Kind    string `json:"kind"`     // abbreviation, lay, former
	ValidTo string `json:"valid_to"` // of a former name, the last day it was in force (YYYY-MM-DD); may be ""
	Note    string `json:"note"`
}

// Synonym is a term that search takes for another, and the other for it.
type Synonym struct {
	ID uuid.UUID `json:"id"`
	SynonymText
	ChangedAt time.Time `json:"changed_at"`
}

// The bounds of the table of synonyms; it is read at each search.
const (
	maxSynonyms = 2000
	maxTerm     = 100 // characters
	maxMeaning  = 200
	maxNote     = 500
)

const synonymColumns = `id, term, meaning, kind, coalesce(to_char(valid_to, 'YYYY-MM-DD'), '') as valid_to, note, changed_at`

const (
	listSynonymsSQL  = `select ` + synonymColumns + ` from catalog.synonym order by kind, lower(term), meaning`
	countSynonymsSQL = `select count(*) from catalog.synonym`
	addSynonymSQL    = `
insert into catalog.synonym (id, term, meaning, kind, valid_to, note, changed_at)
values ($1, $2, $3, $4, nullif($5::text, '')::date, $6, $7)
returning ` + synonymColumns
	editSynonymSQL = `
update catalog.synonym set term = $2, meaning = $3, kind = $4, valid_to = nullif($5::text, '')::date, note = $6, changed_at = $7
 where id = $1
returning ` + synonymColumns
	dropSynonymSQL = `delete from catalog.synonym where id = $1 returning ` + synonymColumns
)

// Synonyms lists every synonym, by kind and term.
func (c *Catalog) Synonyms(ctx context.Context) ([]Synonym, error) {
	list, err := pg.All[Synonym](ctx, c.DB, listSynonymsSQL)
	if err != nil {
		return nil, fmt.Errorf("list synonyms: %w", err)
	}
	return list, nil
}

// AddSynonym adds a synonym, in force with the next search. It fails with what
// May says, Invalid for a text that is not right, and Conflict for one that is
// there, or when there are too many.
func (c *Catalog) AddSynonym(ctx context.Context, who auth.Principal, text SynonymText) (Synonym, error) {
	return c.putSynonym(ctx, who, uuid.Must(uuid.NewV7()), text, addSynonymSQL)
}

// EditSynonym replaces a synonym. It fails as AddSynonym does, and with
// NotFound.
func (c *Catalog) EditSynonym(ctx context.Context, who auth.Principal, id uuid.UUID, text SynonymText) (Synonym, error) {
	return c.putSynonym(ctx, who, id, text, editSynonymSQL)
}

func (c *Catalog) putSynonym(ctx context.Context, who auth.Principal, id uuid.UUID, text SynonymText, sql string) (Synonym, error) {
	if err := c.May(ctx, who, "search.edit", uuid.Nil); err != nil {
		return Synonym{}, err
	}
	text.tidy()
	if err := text.check(); err != nil {
		return Synonym{}, err
	}
	verb := "synonym.edit"
	if sql == addSynonymSQL {
		verb = "synonym.add"
	}
	var s Synonym
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if err := roomForSynonym(ctx, tx, verb); err != nil {
			return err
		}
		var err error
		s, err = pg.One[Synonym](ctx, tx, sql, id, text.Term, text.Meaning, text.Kind, text.ValidTo, text.Note, c.Now().UTC())
		switch {
		case pg.IsUnique(err, "synonym_key"):
			return problem.Errorf(problem.Conflict, "this synonym is there already").Coded("synonym-taken").
				Wrong("term", "synonym-taken", "with this meaning it is there already")
		case errors.Is(err, pgx.ErrNoRows):
			return noSynonym(id)
		case err != nil:
			return fmt.Errorf("keep synonym %s: %w", id, err)
		}
		return c.recordSynonym(ctx, tx, who, verb, s)
	})
	return s, err
}

func roomForSynonym(ctx context.Context, tx pgx.Tx, verb string) error {
	if verb != "synonym.add" {
		return nil
	}
	var n int
	if err := tx.QueryRow(ctx, countSynonymsSQL).Scan(&n); err != nil {
		return fmt.Errorf("count synonyms: %w", err)
	}
	if n >= maxSynonyms {
		return problem.Errorf(problem.Conflict, "there are %d synonyms, and there is room for no more", n).
			Coded("synonyms-full", "most", strconv.Itoa(maxSynonyms))
	}
	return nil
}

// DropSynonym takes a synonym out, in force with the next search. It fails with
// what May says, and NotFound.
func (c *Catalog) DropSynonym(ctx context.Context, who auth.Principal, id uuid.UUID) error {
	if err := c.May(ctx, who, "search.edit", uuid.Nil); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		s, err := pg.One[Synonym](ctx, tx, dropSynonymSQL, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return noSynonym(id)
		} else if err != nil {
			return fmt.Errorf("drop synonym %s: %w", id, err)
		}
		return c.recordSynonym(ctx, tx, who, "synonym.drop", s)
	})
}

func (c *Catalog) recordSynonym(ctx context.Context, tx pgx.Tx, who auth.Principal, verb string, s Synonym) error {
	return c.Record(ctx, tx, auth.Act{Who: who, Verb: verb, About: s.ID, Detail: map[string]any{"term": s.Term, "meaning": s.Meaning, "kind": s.Kind}})
}

func noSynonym(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no synonym %s", id).Coded("synonym-unknown")
}

// tidy writes the texts in NFC, on one line, without blanks around them.
func (t *SynonymText) tidy() {
	for _, text := range []*string{&t.Term, &t.Meaning, &t.Kind, &t.ValidTo, &t.Note} {
		*text = norm.NFC.String(strings.Join(strings.Fields(*text), " "))
	}
	if t.Kind == "" {
		t.Kind = Abbreviation
	}
}

func (t SynonymText) check() error {
	e := problem.Errorf(problem.Invalid, "the synonym is not right").Coded("fields-wrong")
	for _, f := range []struct {
		name, text string
		most       int
	}{{"term", t.Term, maxTerm}, {"meaning", t.Meaning, maxMeaning}} {
		n := utf8.RuneCountInString(f.text)
		switch {
		case search.Fold(f.text) == "" || strings.ContainsRune(f.text, 0):
			e.Wrong(f.name, "required", "is required")
		case n > f.most:
			e.Wrong(f.name, "text-too-long", "is too long", "max", strconv.Itoa(f.most))
		}
	}
	if len(e.Fields) == 0 && search.Fold(t.Term) == search.Fold(t.Meaning) {
		e.Wrong("meaning", "synonym-same", "is the same word")
	}
	if t.Kind != Abbreviation && t.Kind != LayWord && t.Kind != FormerName {
		e.Wrong("kind", "synonym-kind", "is none of "+strings.Join(SynonymKinds(), ", "), "known", strings.Join(SynonymKinds(), ", "))
	}
	if _, err := time.Parse(time.DateOnly, t.ValidTo); t.ValidTo != "" && (err != nil || t.Kind != FormerName) {
		e.Wrong("valid_to", "synonym-day", "is a day, YYYY-MM-DD, of a former name only")
	}
	if utf8.RuneCountInString(t.Note) > maxNote || strings.ContainsRune(t.Note, 0) {
		e.Wrong("note", "text-too-long", "is too long", "max", strconv.Itoa(maxNote))
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}
