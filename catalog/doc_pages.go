package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// DocPage is a page that an agency writes beside a version's document: how to
// begin, what changed, which codes mean what. The Vietnamese parts are required.
type DocPage struct {
	Slug    string `json:"slug"`     // in the URL: lower case letters, digits and hyphens, 2 to 60; unique in the version
	TitleVI string `json:"title_vi"` // at most 200 characters, as the English one
	TitleEN string `json:"title_en"`
	BodyVI  string `json:"body_vi"` // Markdown, at most 20,000 characters, as the English one
	BodyEN  string `json:"body_en"`
}

// The bounds of pages.
const (
	MaxDocPages    = 20 // of a version
	maxDocPageText = 20_000
)

// checkPages trims the pages and tells what is wrong with them, each by its
// place: pages/0/slug.
func checkPages(list []DocPage) error {
	wrong := problem.Errorf(problem.Invalid, "the pages cannot be saved as given").Coded("pages-invalid")
	if len(list) > MaxDocPages {
		most := strconv.Itoa(MaxDocPages)
		return wrong.Wrong("pages", "pages-too-many", "more than "+most+" pages", "max", most)
	}
	seen := map[string]bool{}
	for i := range list {
		p, at := &list[i], "pages/"+strconv.Itoa(i)+"/"
		for _, f := range []struct {
			name string
			text *string
			most int
		}{{"title_vi", &p.TitleVI, 200}, {"title_en", &p.TitleEN, 200}, {"body_vi", &p.BodyVI, maxDocPageText}, {"body_en", &p.BodyEN, maxDocPageText}} {
			*f.text = strings.TrimSpace(strings.ReplaceAll(*f.text, "\r\n", "\n"))
			if utf8.RuneCountInString(*f.text) > f.most {
				wrong.Wrong(at+f.name, "text-too-long", "at most "+strconv.Itoa(f.most)+" characters", "max", strconv.Itoa(f.most))
			}
			if strings.ContainsRune(*f.text, 0) || !utf8.ValidString(*f.text) {
				wrong.Wrong(at+f.name, "page-text", "no text")
			}
		}
		if p.TitleVI == "" {
			wrong.Wrong(at+"title_vi", "title-required", "a Vietnamese title is required")
		}
		if p.BodyVI == "" {
			wrong.Wrong(at+"body_vi", "page-body-required", "a Vietnamese text is required")
		}
		switch {
		case !apiSlugForm.MatchString(p.Slug):
			wrong.Wrong(at+"slug", "slug-invalid", "not a short name for a URL")
		case seen[p.Slug]:
			wrong.Wrong(at+"slug", "page-twice", "the version has a page of that name", "slug", p.Slug)
		}
		seen[p.Slug] = true
	}
	if len(wrong.Fields) > 0 {
		return wrong
	}
	return nil
}

const docPagesSQL = `select pages from catalog.version where id = $1`

func docPages(ctx context.Context, db pg.DB, version uuid.UUID) ([]DocPage, error) {
	list := []DocPage{}
	if err := db.QueryRow(ctx, docPagesSQL, version).Scan(&list); err != nil {
		return nil, fmt.Errorf("read pages of %s: %w", version, err)
	}
	return list, nil
}

// DocPages gives the pages beside a version's document, in their order. It
// fails as VersionByID does.
func (c *Catalog) DocPages(ctx context.Context, who auth.Principal, version uuid.UUID) ([]DocPage, error) {
	v, err := c.VersionByID(ctx, who, version)
	if err != nil {
		return nil, err
	}
	return c.DocPagesOf(ctx, v)
}

// DocPagesOf is DocPages of a version that was given to its reader.
func (c *Catalog) DocPagesOf(ctx context.Context, v Version) ([]DocPage, error) {
	return docPages(ctx, c.DB, v.ID)
}

const setDocPagesSQL = `update catalog.version set pages = $2 where id = $1`

// SetDocPages puts these pages in place of those a version has, as its next
// revision. It fails with Invalid, one field error each, and as changeVersion
// does for api.edit.
func (c *Catalog) SetDocPages(ctx context.Context, who auth.Principal, version uuid.UUID, list []DocPage, why string) (Version, error) {
	return c.changePages(ctx, who, version, why, func([]DocPage) ([]DocPage, error) { return list, nil })
}

// PutDocPage saves one page in place of the one called before, "": beside those
// there are. It fails as SetDocPages does, and with NotFound when there is none.
func (c *Catalog) PutDocPage(ctx context.Context, who auth.Principal, version uuid.UUID, before string, p DocPage) (Version, error) {
	return c.changePages(ctx, who, version, "", func(list []DocPage) ([]DocPage, error) {
		if before == "" {
			return append(list, p), nil
		}
		i := slices.IndexFunc(list, func(old DocPage) bool { return old.Slug == before })
		if i < 0 {
			return nil, problem.Errorf(problem.NotFound, "no page %s", before)
		}
		list[i] = p
		return list, nil
	})
}

// RemoveDocPage takes one page away. It fails as PutDocPage does.
func (c *Catalog) RemoveDocPage(ctx context.Context, who auth.Principal, version uuid.UUID, slug string) (Version, error) {
	return c.changePages(ctx, who, version, "", func(list []DocPage) ([]DocPage, error) {
		left := slices.DeleteFunc(slices.Clone(list), func(p DocPage) bool { return p.Slug == slug })
		if len(left) == len(list) {
			return nil, problem.Errorf(problem.NotFound, "no page %s", slug)
		}
		return left, nil
	})
}

func (c *Catalog) changePages(ctx context.Context, who auth.Principal, version uuid.UUID, why string, do func([]DocPage) ([]DocPage, error)) (Version, error) {
	if err := official(who); err != nil {
		return Version{}, err
	}
	if err := checkWhy(&why); err != nil {
		return Version{}, err
	}
	ch := versionChange{who: who, version: version, act: "api.edit", verb: "version.pages", part: PartPages, from: []string{Draft, Review, Sandbox, Published, Deprecated},
		detail: map[string]any{}, save: &Save{Why: why}}
	if why != "" {
		ch.detail["why"] = why
	}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		list, err := docPages(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		if list, err = do(list); err != nil {
			return err
		}
		if err := checkPages(list); err != nil {
			return err
		}
		ch.detail["pages"] = len(list)
		return setPages(ctx, tx, v.ID, list)
	})
}

func setPages(ctx context.Context, tx pgx.Tx, version uuid.UUID, list []DocPage) error {
	if list == nil {
		list = []DocPage{}
	}
	pages, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("write pages of %s: %w", version, err)
	}
	if _, err := tx.Exec(ctx, setDocPagesSQL, version, pages); err != nil {
		return fmt.Errorf("set pages of %s: %w", version, err)
	}
	return nil
}
