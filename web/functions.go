package web

import (
	"fmt"
	"html/template"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// here is the province's clock: UTC+7, no summer time since 1975.
var here = time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)

// functions are what a template may call, besides those of html/template:
//
//	t "area.key" "name" value …   the message, filled in; "n" chooses the plural
//	num 1350.5                    1.350,5 in Vietnamese, 1,350.5 in English
//	digits "1350.50"              1.350,50: a number given as text, with all its decimals
//	bytes 1350                    1,3 kB
//	date / datetime time          <time>, on the province's clock; a nil or zero time is —
//	day "2026-12-31"              a day of the calendar
//	lastday .DueAt                the last day before a moment at which something is over
//	text .TitleVI .TitleEN        the agency's words in the page's language, else in the other, marked so
//	prose .VI .EN                 a longer text of theirs as paragraphs; see prose
//	brief .VI .EN                 its first paragraph on one line, for a page's head; see brief
//	url "/search"                 the address in the page's language
//	turn "en" $                   the same page in another language
//	link "/terms" "base.terms"    <a>, for use as an argument of t
//	asset "lgsp.css"              the address of a style, script or picture
//	locale                        "vi" or "en"
//	field $ "email" "label" …     a form field; see Field
//	dict "name" value …           the argument of a partial
//	list a b …                    a list
//	under "/agency/x" "/agency"   whether an address lies under another
//	inc 0                         the number after it
func functions(locale string, words map[string]message, assets map[string]string) template.FuncMap {
	address := func(to string) string {
		if locale == "vi" || !strings.HasPrefix(to, "/") {
			return to
		}
		return "/" + locale + to
	}
	return template.FuncMap{
		"t":      func(key string, pairs ...any) (any, error) { return say(locale, words, key, pairs...) },
		"num":    func(n any) string { return number(locale, n) },
		"digits": func(digits string) string { return grouped(locale, digits) },
		"bytes":  func(n int64) string { return size(locale, n) },
		"locale": func() string { return locale },
		"url":    address,
		"turn":   turn,
		"link": func(to, key string) (template.HTML, error) {
			text, err := say(locale, words, key)
			return template.HTML(fmt.Sprintf(`<a href="%s">%s</a>`, template.HTMLEscapeString(address(to)),
				template.HTMLEscapeString(fmt.Sprint(text)))), err
		},
		"asset": func(name string) (string, error) {
			hashed, ok := assets[name]
			if !ok {
				return "", fmt.Errorf("no asset %s", name)
			}
			return "/static/" + hashed, nil
		},
		"date":     func(at any) (template.HTML, error) { return moment(at, "2006-01-02", dateForm[locale]) },
		"datetime": func(at any) (template.HTML, error) { return moment(at, time.RFC3339, timeForm[locale]) },
		"day":      func(day string) (template.HTML, error) { return calendarDay(day, dateForm[locale]) },
		"lastday": func(over time.Time) (template.HTML, error) {
			return moment(over.Add(-time.Nanosecond), "2006-01-02", dateForm[locale])
		},
		"text":  func(vi, en string) template.HTML { return bilingual(locale, vi, en) },
		"prose": func(vi, en string) template.HTML { return prose(locale, vi, en) },
		"brief": func(vi, en string) string { return brief(locale, vi, en) },
		"flash": func(f *Flash) (any, error) { return f.say(locale, words) },
		"under": func(path, desk string) bool { return path == desk || strings.HasPrefix(path, desk+"/") },
		"inc":   func(i int) int { return i + 1 },
		"field": newField,
		"dict":  dict,
		"list":  func(items ...any) []any { return items },

		"article": func(vi, en string) (template.HTML, error) { return article(locale, vi, en) },
	}
}

var (
	dateForm = map[string]string{"vi": "2/1/2006", "en": "2 January 2006"}
	timeForm = map[string]string{"vi": "15:04 2/1/2006", "en": "2 January 2006, 15:04"}
)

// moment is a time on the province's clock; at is a time.Time or *time.Time.
func moment(at any, machine, people string) (template.HTML, error) {
	if p, ok := at.(*time.Time); ok {
		if p == nil {
			return "—", nil
		}
		at = *p
	}
	t, ok := at.(time.Time)
	if !ok {
		return "", fmt.Errorf("%T is no time", at)
	}
	if t.IsZero() {
		return "—", nil
	}
	t = t.In(here)
	return template.HTML(`<time datetime="` + t.Format(machine) + `">` + t.Format(people) + `</time>`), nil
}

// calendarDay is a day written YYYY-MM-DD.
func calendarDay(day, people string) (template.HTML, error) {
	t, err := time.ParseInLocation(time.DateOnly, day, here)
	if err != nil {
		return "", fmt.Errorf("%q is no day: %w", day, err)
	}
	return moment(t, time.DateOnly, people)
}

// number writes a number as the language does, at most three decimals; what
// is no number stays as it is.
func number(locale string, n any) string {
	v := reflect.Indirect(reflect.ValueOf(n))
	var digits string
	switch {
	case v.CanInt():
		digits = strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		digits = strconv.FormatUint(v.Uint(), 10)
	case v.CanFloat():
		digits = strconv.FormatFloat(math.Round(v.Float()*1000)/1000, 'f', -1, 64)
	default:
		return fmt.Sprint(n)
	}
	return grouped(locale, digits)
}

// grouped writes the digits of a number as the language does.
func grouped(locale, digits string) string {
	group, point := ".", ","
	if locale == "en" {
		group, point = ",", "."
	}
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "−", digits[1:]
	}
	whole, decimals, broken := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + group + whole[i:]
	}
	if broken {
		whole += point + decimals
	}
	return sign + whole
}

// size writes a number of bytes in decimal units (IEC 80000-13).
func size(locale string, n int64) string {
	value, unit := float64(n), "B"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if value < 999.5 {
			break
		}
		value, unit = value/1000, next
	}
	if unit == "B" || value >= 99.5 {
		value = math.Round(value)
	}
	return number(locale, math.Round(value*10)/10) + " " + unit
}

// bilingual is an agency's own text in the page's language. When it has none
// in that language the other stands in, with its lang set.
func bilingual(locale, vi, en string) template.HTML {
	mine, other, lang := vi, en, "en"
	if locale == "en" {
		mine, other, lang = en, vi, "vi"
	}
	if mine != "" || other == "" {
		return template.HTML(template.HTMLEscapeString(mine))
	}
	return template.HTML(`<span lang="` + lang + `">` + template.HTMLEscapeString(other) + `</span>`)
}

// turn is the address of v's page in a language.
func turn(locale string, v View) string {
	to := v.Path
	if locale != "vi" {
		to = "/" + locale + to
	}
	if v.Query != "" {
		to += "?" + v.Query
	}
	return to
}

// dict makes the argument of a partial: name, value, ….
func dict(pairs ...any) (map[string]any, error) {
	d := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok || i+1 == len(pairs) {
			return nil, fmt.Errorf("dict: %v has no value, or is no name", pairs[i])
		}
		d[name] = pairs[i+1]
	}
	return d, nil
}
