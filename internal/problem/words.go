package problem

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

//go:embed messages/*.json
var messages embed.FS

// words is what people read of one code.
type words struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

var locales = sync.OnceValue(func() map[string]map[string]words {
	all := map[string]map[string]words{"vi": {}, "en": {}}
	for locale, table := range all {
		names, err := fs.Glob(messages, "messages/*."+locale+".json")
		if err != nil {
			panic(err) // the pattern is well formed
		}
		for _, name := range names {
			text, err := messages.ReadFile(name)
			if err == nil {
				err = json.Unmarshal(text, &table)
			}
			if err != nil {
				panic(fmt.Errorf("%s: %w", name, err)) // embedded: the test of this package fails first
			}
		}
	}
	return all
})

// Words gives the title and text of a problem in a locale, "vi" or "en". A
// code without words answers with the English detail.
func (e *Error) Words(locale string) (title, detail string) {
	return say(locale, e.Code, e.Detail, e.Args)
}

// Words gives the text of a field's error in a locale, "vi" or "en".
func (f Field) Words(locale string) string {
	_, detail := say(locale, f.Code, f.Detail, f.Args)
	return detail
}

func say(locale, code, english string, args map[string]string) (title, detail string) {
	w, ok := locales()[locale][code]
	if !ok {
		return english, english
	}
	detail = w.Detail
	if detail == "" {
		detail = english
	}
	for name, value := range args {
		detail = strings.ReplaceAll(detail, "{"+name+"}", value)
	}
	return w.Title, detail
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Vietnamese})

// Locale is the language the caller asked for: "vi", "en", or "" when it named
// none (RFC 9110 §12.5.4).
func Locale(r *http.Request) string {
	accept := r.Header.Get("Accept-Language")
	if accept == "" || len(accept) > 512 {
		return ""
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return ""
	}
	_, i, _ := matcher.Match(tags...)
	return [...]string{"en", "vi"}[i]
}
