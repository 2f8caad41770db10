package rows

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// A cursor holds the sort it belongs to and the last row's values of it, with
// the row's number last.
type cursor struct {
	Sort string    `json:"s"`
	Last []*string `json:"v"`
}

func (q *Query) sortText() string {
	var b strings.Builder
	for _, o := range q.sort {
		if o.desc {
			b.WriteByte('-')
		}
		b.WriteString(o.name + ",")
	}
	return b.String()
}

func (q *Query) cursorOf(last []*string) string {
	text, _ := json.Marshal(cursor{q.sortText(), last}) // strings always marshal
	return base64.RawURLEncoding.EncodeToString(text)
}

func (q *Query) parseAfter(value string) error {
	if value == "" {
		return nil
	}
	refused := bad("after", "rows-after", "after is not a cursor of this question; begin without it")
	text, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return refused
	}
	var c cursor
	if json.Unmarshal(text, &c) != nil || c.Sort != q.sortText() || len(c.Last) != len(q.sort)+1 {
		return refused
	}
	id := c.Last[len(q.sort)]
	if id == nil {
		return refused
	}
	if n, err := strconv.ParseInt(*id, 10, 64); err != nil || n < 0 {
		return refused
	}
	for i, o := range q.sort {
		if c.Last[i] == nil {
			continue
		}
		if _, err := operand(o.column, *c.Last[i]); err != nil {
			return refused
		}
	}
	q.after = c.Last
	return nil
}
