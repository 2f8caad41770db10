package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

// decode reads a tool's arguments. It fails with Invalid, which names the
// argument that is not right and what would be.
func decode[T any](c call, arguments json.RawMessage) (T, error) {
	var into T
	if len(bytes.TrimSpace(arguments)) == 0 {
		return into, nil
	}
	reader := json.NewDecoder(bytes.NewReader(arguments))
	reader.DisallowUnknownFields()
	err := reader.Decode(&into)
	var own *problem.Error
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return into, unreadable(arguments)
	case errors.As(err, &own):
		return into, own
	case errors.As(err, &kind) && kind.Field != "":
		return into, problem.Errorf(problem.Invalid, "%s is not of the type %s", kind.Field, nameOfKind(kind)).
			Coded("mcp-argument-type", "name", kind.Field, "type", nameOfKind(kind))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if plain, quoted := strconv.Unquote(name); quoted == nil {
			name = plain
		}
		return into, problem.Errorf(problem.Invalid, "%s has no argument %s; there are %s", c.name, shorten(name), argumentsOf(c.name)).
			Coded("mcp-argument-unknown", "name", shorten(name), "arguments", argumentsOf(c.name))
	}
	return into, problem.Errorf(problem.Invalid, "the arguments are no object").Coded("mcp-arguments", "arguments", argumentsOf(c.name))
}

// unreadable refuses what PostgreSQL keeps nowhere, and so nothing can be found by.
func unreadable(arguments json.RawMessage) error {
	if utf8.Valid(arguments) && !bytes.Contains(arguments, []byte(`\u0000`)) {
		return nil
	}
	return problem.Errorf(problem.Invalid, "an argument is no text").Coded("text-unreadable")
}

// nameOfKind is a type as JSON Schema calls it.
func nameOfKind(e *json.UnmarshalTypeError) string {
	switch name := e.Type.Kind().String(); name {
	case "int":
		return "integer"
	case "bool":
		return "boolean"
	case "slice":
		return "array"
	case "struct", "map":
		return "object"
	default:
		return name
	}
}

// languageIn is the language that a call names, else the message's.
func languageIn(arguments json.RawMessage, locale string) string {
	var named struct{ Language string }
	if json.Unmarshal(arguments, &named) == nil && wordsIn(named.Language) != nil {
		return named.Language
	}
	return locale
}

// language refuses one that nothing is written in.
func language(named string) error {
	if named == "" || wordsIn(named) != nil {
		return nil
	}
	return problem.Errorf(problem.Invalid, "language is vi or en").Coded("mcp-language")
}

// limit is how many to answer: usual when none was named, at most most.
func limit(asked *int, usual, most int) (int, error) {
	if asked == nil {
		return usual, nil
	}
	if *asked < 1 || *asked > most {
		return 0, problem.Errorf(problem.Invalid, "limit is 1 to %d", most).Coded("mcp-limit", "most", strconv.Itoa(most))
	}
	return *asked, nil
}

func missing(c call, name string) error {
	return problem.Errorf(problem.Invalid, "%s needs %s", c.name, name).Coded("mcp-argument-missing", "name", name, "tool", c.name)
}

// scalar is a value to compare with, as text, however JSON wrote it.
type scalar string

// UnmarshalJSON takes a string, a number, true or false.
func (s *scalar) UnmarshalJSON(text []byte) error {
	var value any
	reader := json.NewDecoder(bytes.NewReader(text))
	reader.UseNumber()
	if err := reader.Decode(&value); err != nil {
		return err
	}
	switch v := value.(type) {
	case string:
		*s = scalar(v)
	case json.Number:
		*s = scalar(v.String())
	case bool:
		*s = scalar(strconv.FormatBool(v))
	default:
		return problem.Errorf(problem.Invalid, "a value to compare with is a text, a number, true or false").Coded("mcp-value")
	}
	return nil
}

// nameIn is the last part of an address below a word ("/dataset/"), or the
// whole when it is no address.
func nameIn(text, below string) string {
	text = strings.TrimSpace(text)
	if _, after, ok := strings.Cut(text, below); ok {
		text = after
	}
	text, _, _ = strings.Cut(text, "?")
	text, _, _ = strings.Cut(text, "#")
	return strings.Trim(text, "/")
}

// distributionIn is the id of a distribution, or the one in its permanent address.
func distributionIn(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(nameIn(text, "/r/"))
	if err != nil {
		return uuid.Nil, problem.Errorf(problem.Invalid, "%s is no id of a distribution", shorten(text)).Coded("mcp-distribution", "name", shorten(text))
	}
	return id, nil
}

// shorten cuts what is repeated to who sent it.
func shorten(text string) string { return cut(text, 100) }

// cut is at most so many characters of a text.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
