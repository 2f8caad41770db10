package ckan

import (
	"encoding/json"
	"strings"

	"lgsp/catalog"
)

// isOwn reports whether a key is a field of the agency's schema.
func isOwn(schema catalog.OwnSchema, key string) bool {
	_, asked := schema.Field(key)
	return asked
}

// ownNames are the names of the agency's own fields, for a message that lists
// others before them.
func ownNames(schema catalog.OwnSchema) string {
	var b strings.Builder
	for _, f := range schema.Fields {
		b.WriteString(", " + f.Name)
	}
	return b.String()
}

// valueOf reads the text of an extra: of a multiple choice a list in JSON, or
// one value.
func valueOf(schema catalog.OwnSchema, key, text string) catalog.OwnValue {
	f, _ := schema.Field(key)
	if f.Type != catalog.OwnChoices && !strings.HasPrefix(text, "[") {
		return catalog.OwnValue{Text: text}
	}
	var list []string
	if json.Unmarshal([]byte(text), &list) == nil && list != nil {
		return catalog.OwnValue{Many: list}
	}
	return catalog.OwnValue{Text: text}
}

// readOwn reads the agency's own fields that stand in the package by their
// names, as clients of schemas send them. What is said there and among the
// extras must be the same.
func readOwn(c *call, schema catalog.OwnSchema, t *catalog.DatasetText) error {
	for _, f := range schema.Fields {
		given, ok := c.params[f.Name]
		if !ok {
			continue
		}
		var v catalog.OwnValue
		if text, is := given.(string); is {
			v = valueOf(schema, f.Name, text)
		} else {
			data, err := json.Marshal(given)
			if err == nil {
				err = v.UnmarshalJSON(data)
			}
			if err != nil {
				return invalid(f.Name, "Must be a text or a list of texts")
			}
		}
		if before, said := t.Fields[f.Name]; said && c.has("extras") && !before.Equal(v) {
			return invalid(f.Name, "Is said twice, otherwise among the extras")
		}
		values := catalog.OwnValues{}
		for name, value := range t.Fields {
			values[name] = value
		}
		values[f.Name] = v
		t.Fields = values
	}
	return nil
}
