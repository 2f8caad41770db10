package catalog

import (
	"context"
	"errors"
	"fmt"
	"net/url"
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

// SavedQuery is a search to be kept: what was typed, and the filters.
type SavedQuery struct {
	Name    string `json:"name"`  // "": what was typed
	Query   string `json:"query"` // as typed; may be "" with a filter
	Kind    string `json:"kind"`
	Agency  string `json:"agency"` // slug
	Theme   string `json:"theme"`
	Format  string `json:"format"`
	Licence string `json:"licence"`
	Access  string `json:"access"`
}

// SavedSearch is a search that a person keeps.
type SavedSearch struct {
	ID       uuid.UUID `json:"id"`
	PersonID uuid.UUID `json:"-"`
	SavedQuery
	CreatedAt time.Time  `json:"created_at"`
	SeenAt    time.Time  `json:"seen_at"`    // when the person last looked
	ToldSince *time.Time `json:"told_since"` // since when the digest tells what is new; null: it does not
	New       int        `json:"new" db:"-"` // found since then
}

// find is the search itself.
func (q SavedQuery) find() FindQuery {
	return FindQuery{Text: q.Query, Kind: q.Kind, Agency: q.Agency, Theme: q.Theme, Format: q.Format, Licence: q.Licence, Access: q.Access}
}

// Address is the page of its results.
func (q SavedQuery) Address() string {
	to := url.Values{}
	for name, value := range map[string]string{"q": q.Query, "kind": q.Kind, "agency": q.Agency, "theme": q.Theme,
		"format": q.Format, "licence": q.Licence, "access": q.Access} {
		if value != "" {
			to.Set(name, value)
		}
	}
	return "/search?" + to.Encode()
}

// maxSaved is how many searches a person may keep.
const maxSaved = 50

const savedColumns = `id, person_id, name, query, kind, agency, theme, format, licence, access, created_at, seen_at, told_since`

const (
	lockSavedSQL  = `select pg_advisory_xact_lock(hashtextextended('catalog.saved_search ' || $1::text, 0))`
	countSavedSQL = `select count(*) from catalog.saved_search where person_id = $1`
	saveSearchSQL = `
insert into catalog.saved_search (id, person_id, name, query, kind, agency, theme, format, licence, access, created_at, seen_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
returning ` + savedColumns
	savedSearchesSQL = `select ` + savedColumns + ` from catalog.saved_search where person_id = $1 order by id desc`
	allSavedSQL      = `select ` + savedColumns + ` from catalog.saved_search where id > $1 order by id limit $2`
	savedSearchSQL   = `select ` + savedColumns + ` from catalog.saved_search where id = $1 and person_id = $2`
	dropSavedSQL     = `delete from catalog.saved_search where id = $1 and person_id = $2`
	seeSavedSQL      = `update catalog.saved_search set seen_at = $3 where id = $1 and person_id = $2 returning ` + savedColumns
)

// SaveSearch keeps a search for who is signed in. It fails with Unauthorized
// for nobody, Invalid for a search that could not be made or says nothing, and
// Conflict for one that is kept already, or when there are maxSaved.
func (c *Catalog) SaveSearch(ctx context.Context, who auth.Principal, q SavedQuery) (SavedSearch, error) {
	if who.Person == uuid.Nil {
		return SavedSearch{}, signInFirst()
	}
	if err := q.tidy(); err != nil {
		return SavedSearch{}, err
	}
	if _, err := c.filterOf(ctx, q.find()); err != nil {
		return SavedSearch{}, err
	}
	var s SavedSearch
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockSavedSQL, who.Person); err != nil { // two at once would both find room
			return fmt.Errorf("lock saved searches: %w", err)
		}
		var n int
		if err := tx.QueryRow(ctx, countSavedSQL, who.Person).Scan(&n); err != nil {
			return fmt.Errorf("count saved searches: %w", err)
		}
		if n >= maxSaved {
			return problem.Errorf(problem.Conflict, "%d searches are kept; drop one first", n).Coded("searches-full", "most", strconv.Itoa(maxSaved))
		}
		var err error
		s, err = pg.One[SavedSearch](ctx, tx, saveSearchSQL, uuid.Must(uuid.NewV7()), who.Person, q.Name, q.Query, q.Kind, q.Agency,
			q.Theme, q.Format, q.Licence, q.Access, c.Now().UTC())
		if pg.IsUnique(err, "saved_search_once") {
			return problem.Errorf(problem.Conflict, "this search is kept already").Coded("search-kept")
		} else if err != nil {
			return fmt.Errorf("save a search: %w", err)
		}
		return nil
	})
	return s, err
}

func signInFirst() error {
	return problem.Errorf(problem.Unauthorized, "sign in first").Coded("sign-in-first")
}

// tidy brings the texts into form, or says what is wrong with them.
func (q *SavedQuery) tidy() error {
	for _, text := range []*string{&q.Name, &q.Query, &q.Kind, &q.Agency, &q.Theme, &q.Format, &q.Licence, &q.Access} {
		*text = norm.NFC.String(strings.Join(strings.Fields(strings.ToValidUTF8(strings.ReplaceAll(*text, "\x00", ""), "")), " "))
	}
	if err := notTooLong(q.Query); err != nil {
		return err
	}
	for _, value := range []string{q.Kind, q.Agency, q.Theme, q.Format, q.Licence, q.Access} {
		if len(value) > 100 {
			return problem.Errorf(problem.Invalid, "a filter has at most 100 bytes").Coded("search-empty")
		}
	}
	if search.Parse(q.Query).Empty() && q.Kind+q.Agency+q.Theme+q.Format+q.Licence+q.Access == "" {
		return problem.Errorf(problem.Invalid, "there is nothing to search for").Coded("search-empty").
			Wrong("query", "search-empty", "there is nothing to search for")
	}
	if q.Name == "" {
		q.Name = q.Query
	}
	if q.Name == "" {
		q.Name = strings.Trim(strings.Join([]string{q.Kind, q.Agency, q.Theme, q.Format, q.Licence, q.Access}, " "), " ")
	}
	if utf8.RuneCountInString(q.Name) > 100 {
		q.Name = string([]rune(q.Name)[:99]) + "…"
	}
	return nil
}

// SavedSearches lists the searches that who keeps, newest first, each with how
// much is found that was not when they last looked.
func (c *Catalog) SavedSearches(ctx context.Context, who auth.Principal) ([]SavedSearch, error) {
	if who.Person == uuid.Nil {
		return nil, signInFirst()
	}
	list, err := pg.All[SavedSearch](ctx, c.DB, savedSearchesSQL, who.Person)
	if err != nil {
		return nil, fmt.Errorf("list saved searches: %w", err)
	}
	for i, s := range list {
		if _, list[i].New, err = c.NewSince(ctx, s.SavedQuery, s.SeenAt); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// EverySavedSearch gives up to limit saved searches of all people after an id,
// uuid.Nil to begin: for letters about what is new.
func (c *Catalog) EverySavedSearch(ctx context.Context, after uuid.UUID, limit int) ([]SavedSearch, error) {
	list, err := pg.All[SavedSearch](ctx, c.DB, allSavedSQL, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read saved searches: %w", err)
	}
	return list, nil
}

// mostNew is how many new hits are named.
const mostNew = 20

// NewSince gives what a search finds that was not findable at a moment: at most
// mostNew hits, best first, and how many there are. What only comes near the
// words is not told; nor is anything of an agency that is gone.
func (c *Catalog) NewSince(ctx context.Context, q SavedQuery, since time.Time) ([]Hit, int, error) {
	filter, err := c.filterOf(ctx, q.find())
	if problem.Is(err, problem.NotFound) {
		return []Hit{}, 0, nil
	} else if err != nil {
		return nil, 0, err
	}
	filter.Since = since.UTC()
	request := search.Request{Query: search.Parse(q.Query), Filter: filter, Whole: true, Limit: mostNew}
	if !request.Query.Empty() {
		if request.Plan, request.Synonyms, err = c.plan(ctx, request.Query); err != nil {
			return nil, 0, err
		}
	}
	found, err := postgres{c.DB}.Search(ctx, request)
	if err != nil {
		return nil, 0, err
	}
	a, err := c.dress(ctx, SearchAnswer{}, request.Query, search.Found{Keys: found.Keys})
	return a.Hits, found.Total, err
}

// SavedSearch gives a search that who keeps. It fails with NotFound.
func (c *Catalog) SavedSearch(ctx context.Context, who auth.Principal, id uuid.UUID) (SavedSearch, error) {
	s, err := pg.One[SavedSearch](ctx, c.DB, savedSearchSQL, id, who.Person)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, noSavedSearch(id)
	} else if err != nil {
		return s, fmt.Errorf("read saved search %s: %w", id, err)
	}
	return s, nil
}

// SeeSearch notes that who looks at a search of theirs now, and gives it. It
// fails with NotFound.
func (c *Catalog) SeeSearch(ctx context.Context, who auth.Principal, id uuid.UUID) (SavedSearch, error) {
	s, err := pg.One[SavedSearch](ctx, c.DB, seeSavedSQL, id, who.Person, c.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return s, noSavedSearch(id)
	} else if err != nil {
		return s, fmt.Errorf("note that search %s was seen: %w", id, err)
	}
	return s, nil
}

// DropSearch forgets a search that who keeps. It fails with NotFound.
func (c *Catalog) DropSearch(ctx context.Context, who auth.Principal, id uuid.UUID) error {
	tag, err := c.DB.Exec(ctx, dropSavedSQL, id, who.Person)
	if err != nil {
		return fmt.Errorf("drop saved search %s: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return noSavedSearch(id)
	}
	return nil
}

func noSavedSearch(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no saved search %s", id).Coded("search-unknown")
}

const forgetSearchesSQL = `delete from catalog.saved_search where person_id = $1`

// ForgetSearches forgets every search of a person, in the transaction that
// deletes their account.
func ForgetSearches(ctx context.Context, tx pgx.Tx, person uuid.UUID) error {
	if _, err := tx.Exec(ctx, forgetSearchesSQL, person); err != nil {
		return fmt.Errorf("forget searches of %s: %w", person, err)
	}
	return nil
}
