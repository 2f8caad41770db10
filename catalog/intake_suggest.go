package catalog

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"lgsp/catalog/rows"
	"lgsp/catalog/search"
)

// IntakeSuggests is what a file says of the dataset it becomes, for its person
// to look through. Each has where it is from, "" for nothing found: "above" is
// the lines above the table, "name" the file's name, "dates" its columns of
// dates, "year" a year in the title, "places" its column of communes, "words"
// the words of the title and the columns.
type IntakeSuggests struct {
	TitleVI       string   `json:"title_vi"`
	TitleFrom     string   `json:"title_from"`
	TemporalStart string   `json:"temporal_start"`
	TemporalEnd   string   `json:"temporal_end"`
	PeriodFrom    string   `json:"period_from"`
	Spatial       string   `json:"spatial"`
	SpatialCodes  []string `json:"spatial_codes"`
	SpatialFrom   string   `json:"spatial_from"`
	Theme         string   `json:"theme"`
	ThemeFrom     string   `json:"theme_from"`
}

// suggest reads the suggestions off what was found.
func suggest(fileName string, f rows.Found, area *areaFinder) IntakeSuggests {
	s := IntakeSuggests{SpatialCodes: []string{}}
	s.TitleVI, s.TitleFrom = titleAbove(f.Above), "above"
	if s.TitleVI == "" {
		s.TitleVI, s.TitleFrom = titleOfFile(fileName), "name"
	}
	for _, c := range f.Columns {
		if c.Type != rows.Date && c.Leaning != rows.Date || c.Least == "" {
			continue
		}
		if s.PeriodFrom = "dates"; s.TemporalStart == "" || c.Least < s.TemporalStart {
			s.TemporalStart = c.Least
		}
		s.TemporalEnd = max(s.TemporalEnd, c.Most)
	}
	if year := yearIn.FindStringSubmatch(s.TitleVI); s.PeriodFrom == "" && year != nil {
		s.TemporalStart, s.TemporalEnd, s.PeriodFrom = year[1]+"-01-01", year[1]+"-12-31", "year"
	}
	if names, codes := area.found(); len(codes) > 0 {
		s.SpatialCodes, s.SpatialFrom = codes, "places"
		if s.Spatial = strings.Join(names, ", "); len(names) > 5 {
			s.Spatial = strings.Join(names[:5], ", ") + "…"
		}
	}
	words := []string{s.TitleVI}
	for _, c := range f.Columns {
		words = append(words, c.Name)
	}
	if s.Theme = themeOf(strings.Join(words, " ")); s.Theme != "" {
		s.ThemeFrom = "words"
	}
	return s
}

// text fills in what was suggested where nothing was typed.
func (s IntakeSuggests) text(t DatasetText) DatasetText {
	for _, f := range []struct {
		into *string
		from string
	}{
		{&t.TitleVI, s.TitleVI}, {&t.TemporalStart, s.TemporalStart}, {&t.TemporalEnd, s.TemporalEnd}, {&t.Spatial, s.Spatial}, {&t.Theme, s.Theme},
	} {
		if *f.into == "" {
			*f.into = f.from
		}
	}
	if len(t.SpatialCodes) == 0 && len(s.SpatialCodes) <= mostPlaces {
		t.SpatialCodes = s.SpatialCodes
	}
	return t
}

var (
	yearIn    = regexp.MustCompile(`(?:^|[^0-9])((?:19|20)[0-9]{2})(?:[^0-9]|$)`)
	notTitled = regexp.MustCompile(`(?i)^(ubnd|uỷ ban|ủy ban|sở |chi cục|phòng |cộng hoà|cộng hòa|độc lập|biểu số|mẫu số|phụ lục|đơn vị|đvt|\(|số:|ngày )`)
	leftovers = regexp.MustCompile(`(?i)\s*(\([0-9]+\)|\bv[0-9]+\b|\bfinal\b|\bcopy\b|bản sao|bản cuối|\bcuối\b|- copy)\s*`)
)

// titleAbove is the line above a table that names it: the longest that is no
// head of an office, a motto or a unit.
func titleAbove(lines []string) string {
	title := ""
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); !notTitled.MatchString(line) && n >= 8 && n > utf8.RuneCountInString(title) {
			title = line
		}
	}
	return sentence(title)
}

func titleOfFile(name string) string {
	name = strings.TrimSuffix(name, filepath.Ext(name))
	name = leftovers.ReplaceAllString(strings.NewReplacer("_", " ", "-", " ").Replace(name), " ")
	return sentence(strings.Join(strings.Fields(name), " "))
}

// sentence writes a title in capitals as a sentence; names in it get their
// capitals back from whoever looks it through.
func sentence(s string) string {
	s = norm.NFC.String(strings.TrimSpace(s))
	if strings.ToUpper(s) == s {
		s = strings.ToLower(s)
	}
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// themeWords tell of what a table is, by its title and columns, folded.
var themeWords = map[string][]string{
	"AGRI": {"nong nghiep", "trong trot", "chan nuoi", "thuy san", "lam nghiep", "cay trong", "lua", "tau ca"},
	"ECON": {"doanh nghiep", "gia", "thue", "ngan sach", "thu nhap", "dau tu", "cho", "tien", "ban le", "xang dau"},
	"EDUC": {"truong", "hoc sinh", "giao vien", "giao duc", "van hoa", "the thao", "di tich", "du lich"},
	"ENER": {"dien nang", "dien luc", "nang luong"},
	"ENVI": {"moi truong", "quan trac", "khong khi", "rac", "nuoc thai", "khi tuong", "mua"},
	"GOVE": {"ho so", "thu tuc", "dich vu cong", "can bo", "cong chuc", "hanh chinh"},
	"HEAL": {"y te", "benh vien", "benh", "thuoc", "tiem chung", "kham"},
	"JUST": {"tu phap", "cong chung", "luat su", "an ninh", "vi pham"},
	"REGI": {"dat dai", "quy hoach", "do thi", "thua dat", "xay dung"},
	"SOCI": {"dan so", "ho ngheo", "lao dong", "viec lam", "nguoi co cong", "tre em"},
	"TECH": {"vien thong", "thue bao", "internet", "cong nghe", "tram bts"},
	"TRAN": {"giao thong", "duong bo", "cau", "xe buyt", "van tai", "ben xe"},
}

// themeOf is the theme whose words stand most often in a text, "" for none, or
// for two alike.
func themeOf(text string) string {
	text = " " + strings.Join(strings.FieldsFunc(search.Fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ") + " "
	best, most, alike := "", 0, false
	for _, t := range Themes() {
		n := 0
		for _, w := range themeWords[t.ID] {
			n += strings.Count(text, " "+w+" ") * (1 + strings.Count(w, " "))
		}
		if n > most {
			best, most, alike = t.ID, n, false
		} else if n == most {
			alike = true
		}
	}
	if alike {
		return ""
	}
	return best
}

// areaFinder collects which communes a table is about.
type areaFinder struct {
	list   *PlaceList
	column int
	place  string
	codes  map[string]string // and their names
}

// maxArea is how many communes are collected: the country has 3,321.
const maxArea = 4000

// findArea looks for the column that names communes; nil list: none is known.
func findArea(list *PlaceList, names []string) *areaFinder {
	a := &areaFinder{list: list, column: -1, codes: map[string]string{}}
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i].Key, columns[i].Type, columns[i].Position = rows.KeyOf(name), rows.Text, i
	}
	if c, ok := PlaceColumn(columns); ok && list != nil {
		a.column, a.place = c.Position, c.Place
	}
	return a
}

func (a *areaFinder) row(cells []string) {
	if a.column < 0 || a.column >= len(cells) || len(a.codes) >= maxArea {
		return
	}
	if at, ok := a.list.Find(a.place, cells[a.column]); ok && at.Code != "" {
		a.codes[at.Code] = at.Name
	}
}

// found are the communes, by code.
func (a *areaFinder) found() (names, codes []string) {
	for code := range a.codes {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		names = append(names, a.codes[code])
	}
	return names, codes
}
