package catalog

import (
	"context"
	"net/url"
	"sync"

	"github.com/maypok86/otter/v2"

	"lgsp/catalog/rows"
)

// What is remembered of grouped answers: so many bytes of text in all, of
// questions up to so long.
const (
	groupedSize     = 16 << 20
	longestQuestion = 2 << 10
)

// grouped remembers what questions that group rows were answered, which read
// the whole table where a page reads a few rows. A table of rows has a name of
// its own and never changes, so nothing remembered is ever out of date.
type grouped struct {
	once    sync.Once
	answers *otter.Cache[groupQuestion, rows.Answer]
}

type groupQuestion struct{ table, text string }

// ask gives the answer; it is shared with others and not to be changed.
func (g *grouped) ask(ctx context.Context, table string, question url.Values, ask func(context.Context) (rows.Answer, error)) (rows.Answer, error) {
	g.once.Do(func() {
		g.answers = otter.Must(&otter.Options[groupQuestion, rows.Answer]{MaximumWeight: groupedSize, Weigher: weightOf})
	})
	key := groupQuestion{table, question.Encode()}
	if len(key.text) > longestQuestion {
		return ask(ctx)
	}
	if known, ok := g.answers.GetIfPresent(key); ok {
		return known, nil
	}
	answer, err := ask(ctx)
	if err == nil {
		g.answers.Set(key, answer)
	}
	return answer, err
}

// weightOf is about how many bytes an answer takes.
func weightOf(key groupQuestion, answer rows.Answer) uint32 {
	const pointer, header = 8, 24
	n := len(key.table) + len(key.text) + len(answer.Columns)*128
	for _, row := range answer.Rows {
		n += header
		for _, value := range row {
			n += pointer
			if value != nil {
				n += header + len(*value)
			}
		}
	}
	return uint32(min(n, groupedSize))
}
