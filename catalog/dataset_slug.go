package catalog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"lgsp/catalog/search"
	"lgsp/internal/pg"
)

// longestSlug is how long a slug made of a title may become, in bytes; one
// that is typed may have 100.
const longestSlug = 80

// slugOf makes the last part of an address of a title: its words without
// marks, as many as fit. It is "" when nothing is left of the title.
func slugOf(title string) string {
	words := strings.FieldsFunc(search.Fold(title), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	slug := strings.Join(words, "-")
	if len(slug) > longestSlug {
		cut := slug[:longestSlug+1]
		if end := strings.LastIndexByte(cut, '-'); end > 0 {
			cut = cut[:end]
		}
		slug = cut[:min(len(cut), longestSlug)]
	}
	if len(slug) == 1 {
		slug = "du-lieu-" + slug
	}
	return slug
}

const slugsLikeSQL = `select slug from catalog.dataset where slug = $1 or starts_with(slug, $1 || '-')`

// freeSlug is the slug of a title, with a number after it where another
// dataset has it. Two at once may get the same; the schema refuses the later.
func freeSlug(ctx context.Context, db pg.DB, title string) (string, error) {
	slug := slugOf(title)
	if slug == "" {
		slug = "bo-du-lieu"
	}
	rows, err := db.Query(ctx, slugsLikeSQL, slug)
	if err != nil {
		return "", fmt.Errorf("look for slugs like %s: %w", slug, err)
	}
	taken, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", fmt.Errorf("look for slugs like %s: %w", slug, err)
	}
	free := slug
	for n := 2; slices.Contains(taken, free); n++ {
		free = slug + "-" + strconv.Itoa(n)
	}
	return free, nil
}
