package catalog

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"lgsp/auth"
	"lgsp/catalog/rows"
	"lgsp/catalog/search"
	"lgsp/internal/problem"
)

// What a column says of where its rows are: Column.Place. "" leaves it to the
// column's name.
const (
	PlaceCode = "code" // code of a commune, as the list of places has it
	PlaceName = "name" // name of one
	PlaceNone = "none" // whatever its name, no place
)

// Keys of columns that hold codes of communes, and names. The last of each is
// believed of the list itself only.
var (
	placeCodeKeys = []string{"ma_xa", "ma_phuong_xa", "ma_xa_phuong", "ma_phuong", "ma_dvhc", "ma_dvhc_xa", "ma_dvhc_cap_xa", "ma_don_vi_hanh_chinh", "commune_code", "ward_code", "ma"}
	placeNameKeys = []string{"ten_xa", "ten_phuong_xa", "ten_xa_phuong", "phuong_xa", "xa_phuong", "xa", "phuong", "commune", "commune_name", "ward", "ward_name", "ten"}
)

// PlaceColumn is the column that says where a table's rows are: one that is
// described so, or one whose name says it; codes before names.
func PlaceColumn(columns []Column) (c Column, ok bool) {
	return placeColumn(columns, placeCodeKeys[:len(placeCodeKeys)-1], placeNameKeys[:len(placeNameKeys)-1])
}

func placeColumn(columns []Column, codes, names []string) (Column, bool) {
	for _, place := range []string{PlaceCode, PlaceName} {
		if i := slices.IndexFunc(columns, func(c Column) bool { return c.Place == place && c.Type != rows.Geometry }); i >= 0 {
			return columns[i], true
		}
	}
	for _, of := range []struct {
		place string
		keys  []string
	}{{PlaceCode, codes}, {PlaceName, names}} {
		for _, c := range columns {
			if c.Place == "" && slices.Contains(of.keys, c.Key) && (c.Type == rows.Text || c.Type == rows.Integer) {
				c.Place = of.place
				return c, true
			}
		}
	}
	return Column{}, false
}

// NamedPlace is an entry of the list of places.
type NamedPlace struct {
	Code, Name string
	Lat, Lng   float64
}

// PlaceList says where the communes are, as an open dataset tells it.
type PlaceList struct {
	Slug             string // of the dataset
	TitleVI, TitleEN string

	codes map[string]NamedPlace
	full  map[string]NamedPlace // by name
	bare  map[string]NamedPlace // by name without what kind it is; only those that are alone with it
}

// Find looks a value up that stands in a column which holds place.
func (l *PlaceList) Find(place, value string) (NamedPlace, bool) {
	if place == PlaceCode {
		at, ok := l.codes[codeKey(value)]
		return at, ok
	}
	full, bare := nameKeys(value)
	if at, ok := l.full[full]; ok {
		return at, true
	}
	at, ok := l.bare[bare]
	if known, _ := nameKeys(at.Name); !ok || full != bare && known != bare {
		return NamedPlace{}, false // none, or both say what kind it is, and not the same
	}
	return at, true
}

// placeBook remembers the list that was read last, by the file it stands in.
type placeBook struct {
	mu   sync.Mutex
	file string
	list *PlaceList
}

// mostListed is how many entries of a list are read: the country has 3,321 communes.
const mostListed = 20_000

// PlaceList reads the list of places from the public dataset that Places names,
// out of its first table with latitude, longitude and a code or a name; nil
// when there is none.
func (c *Catalog) PlaceList(ctx context.Context) (*PlaceList, error) {
	if c.Places == "" {
		return nil, nil
	}
	d, err := c.DatasetBySlug(ctx, auth.Principal{}, c.Places)
	if isHidden(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	for _, part := range d.Distributions {
		if part.Rows == nil || *part.Rows > mostListed {
			continue
		}
		list, err := c.places.of(part, func() (*PlaceList, error) { return c.readPlaces(ctx, part) })
		if err != nil || list == nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		named := *list
		named.Slug, named.TitleVI, named.TitleEN = d.Slug, d.TitleVI, d.TitleEN
		return &named, nil
	}
	return nil, nil
}

// of is the list in a file, read at most once by whoever comes first. Columns
// may be described anew without a new file: it is read again then too.
func (b *placeBook) of(part Distribution, read func() (*PlaceList, error)) (*PlaceList, error) {
	file := part.ID.String() + " " + strconv.Itoa(part.Version) + " " + part.RowsTable
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == file {
		return b.list, nil
	}
	list, err := read()
	if err == nil && list != nil {
		b.file, b.list = file, list
	}
	return list, err
}

// readPlaces reads a table as a list of places; nil when it is none.
func (c *Catalog) readPlaces(ctx context.Context, part Distribution) (*PlaceList, error) {
	columns, err := columnsOf(ctx, c.DB, part.ID)
	if err != nil {
		return nil, err
	}
	plain := make([]rows.Column, len(columns))
	for i, of := range columns {
		plain[i] = of.Column
	}
	lat, lng, ok := rows.Places(plain)
	code, coded := placeColumn(columns, placeCodeKeys, nil)
	name, named := placeColumn(slices.DeleteFunc(slices.Clone(columns), func(of Column) bool { return coded && of.Key == code.Key }), nil, placeNameKeys)
	if !ok || !coded && !named {
		return nil, nil
	}
	list := &PlaceList{codes: map[string]NamedPlace{}, full: map[string]NamedPlace{}, bare: map[string]NamedPlace{}}
	shared := map[string]bool{}
	at := map[string]int{}
	for i, of := range columns {
		at[of.Key] = i
	}
	return list, c.eachRow(ctx, part, func(row []*string) {
		entry, ok := placeOf(row, at[lat.Key], at[lng.Key])
		if !ok {
			return
		}
		if coded && row[at[code.Key]] != nil {
			entry.Code = *row[at[code.Key]]
			entry.Name = entry.Code
		}
		if named && row[at[name.Key]] != nil {
			entry.Name = *row[at[name.Key]]
			list.addName(entry, shared)
		}
		if entry.Code != "" {
			list.codes[codeKey(entry.Code)] = entry
		}
	})
}

// addName keeps an entry by its names, a bare one only while it is nobody else's.
func (l *PlaceList) addName(entry NamedPlace, shared map[string]bool) {
	full, bare := nameKeys(entry.Name)
	l.full[full] = entry
	if _, taken := l.bare[bare]; taken || shared[bare] {
		shared[bare] = true
		delete(l.bare, bare)
		return
	}
	l.bare[bare] = entry
}

// placeOf reads where an entry lies, turned back when latitude and longitude
// had changed places.
func placeOf(row []*string, lat, lng int) (NamedPlace, bool) {
	if row[lat] == nil || row[lng] == nil {
		return NamedPlace{}, false
	}
	y, err := strconv.ParseFloat(strings.Replace(*row[lat], ",", ".", 1), 64)
	x, also := strconv.ParseFloat(strings.Replace(*row[lng], ",", ".", 1), 64)
	if rows.IsSwapped(y, x) {
		y, x = x, y
	}
	return NamedPlace{Lat: y, Lng: x}, err == nil && also == nil && y >= -85 && y <= 85 && x >= -180 && x <= 180
}

// eachRow hands every row of a table to take, page by page.
func (c *Catalog) eachRow(ctx context.Context, part Distribution, take func([]*string)) error {
	question := url.Values{"limit": {strconv.Itoa(rows.MaxLimit)}}
	for {
		answer, err := c.QueryRows(ctx, auth.Principal{}, part.ID, question)
		if err != nil {
			return fmt.Errorf("read places of %s: %w", part.ID, err)
		}
		for _, row := range answer.Rows {
			take(row)
		}
		if answer.Next == "" {
			return nil
		}
		question.Set("after", answer.Next)
	}
}

// codeKey is a code as all write it: leading zeros come and go in spreadsheets.
func codeKey(code string) string {
	code = strings.ToLower(strings.TrimSpace(code))
	if short := strings.TrimLeft(code, "0"); short != "" && strings.Trim(code, "0123456789") == "" {
		return short
	}
	return code
}

// kindsOfPlace are what kind of commune stands before its name, without marks.
var kindsOfPlace = [][]string{{"thi", "tran"}, {"dac", "khu"}, {"phuong"}, {"xa"}}

// nameKeys are a name's syllables with their tones, whole and without the kind.
func nameKeys(name string) (full, bare string) {
	words := search.Words(name)
	exact := make([]string, len(words))
	for i, w := range words {
		exact[i] = w.Exact
	}
	skip := 0
	for _, kind := range kindsOfPlace {
		if len(words) > len(kind) && slices.EqualFunc(words[:len(kind)], kind, func(w search.Token, text string) bool { return w.Folded == text }) {
			skip = len(kind)
			break
		}
	}
	return strings.Join(exact, " "), strings.Join(exact[skip:], " ")
}

// checkPlace refuses what a column cannot say of places.
func checkPlace(column Column) error {
	if slices.Contains([]string{"", PlaceCode, PlaceName, PlaceNone}, column.Place) {
		return nil
	}
	return problem.Errorf(problem.Invalid, "place of column %s is code, name, none or empty", column.Key).Coded("column-place", "name", column.Key)
}
