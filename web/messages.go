package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
)

// message is one text, or two where a language tells one from many: "one" is
// taken when the argument n is 1.
type message struct {
	One   string `json:"one"`
	Other string `json:"other"`
}

// UnmarshalJSON takes "text" or {"one": "text", "other": "text"}.
func (m *message) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &m.Other)
	}
	type plain message
	return json.Unmarshal(text, (*plain)(m))
}

// readMessages gives the messages of a locale by key, "area.thing", where
// area is the name of the file.
func readMessages(locale string) (map[string]message, error) {
	names, err := fs.Glob(files, "messages/"+locale+"/*.json")
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	all := map[string]message{}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(text, &all)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return all, nil
}

// say fills a message: pairs are name, value, … for each {name} in it. The
// value of n chooses between one and many. Numbers are written as the
// language writes them. When a value is HTML (a link), so is the answer.
func say(locale string, words map[string]message, key string, pairs ...any) (any, error) {
	m, ok := words[key]
	if !ok {
		return nil, fmt.Errorf("no message %s in %s", key, locale)
	}
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("message %s: a name without a value", key)
	}
	text, isHTML := m.Other, false
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == "n" && m.One != "" && fmt.Sprint(pairs[i+1]) == "1" {
			text = m.One
		}
		_, html := pairs[i+1].(template.HTML)
		isHTML = isHTML || html
	}
	if isHTML {
		text = template.HTMLEscapeString(text)
	}
	for i := 0; i < len(pairs); i += 2 {
		value := number(locale, pairs[i+1])
		if _, html := pairs[i+1].(template.HTML); isHTML && !html {
			value = template.HTMLEscapeString(value)
		}
		text = strings.ReplaceAll(text, fmt.Sprintf("{%v}", pairs[i]), value)
	}
	if isHTML {
		return template.HTML(text), nil
	}
	return text, nil
}

// say gives the sentence of a flash.
func (f *Flash) say(locale string, words map[string]message) (any, error) {
	pairs := make([]any, len(f.Args))
	for i, arg := range f.Args {
		pairs[i] = arg
	}
	return say(locale, words, f.Key, pairs...)
}
