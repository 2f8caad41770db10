package mcp

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/catalog"
)

// describeArguments are those of describe_dataset.
type describeArguments struct {
	Dataset      string `json:"dataset"`
	Distribution string `json:"distribution"`
	Language     string `json:"language"`
}

// described is what describe_dataset answers. What is longer than the bounds
// below is cut, and the rest counted.
type described struct {
	source
	ID            uuid.UUID  `json:"id"`
	Notes         string     `json:"notes"`
	Keywords      []string   `json:"keywords,omitempty"`
	Theme         string     `json:"theme"`
	Area          string     `json:"area,omitempty"`
	From          string     `json:"from,omitempty"`
	Until         string     `json:"until,omitempty"`
	Frequency     string     `json:"frequency"`
	Contact       string     `json:"contact,omitempty"`
	Email         string     `json:"email,omitempty"`
	PublishedAt   *time.Time `json:"published_at"`
	Distributions []form     `json:"distributions"`
	More          int        `json:"more_distributions,omitempty"`
}

// source is where data comes from, to be named with it.
type source struct {
	Name       string    `json:"name"`
	Title      string    `json:"title"`
	Agency     string    `json:"agency"`
	Licence    string    `json:"licence"`
	LicenceURL string    `json:"licence_url,omitempty"`
	UpdatedAt  time.Time `json:"updated_at"`
	URL        string    `json:"url"`
}

// form is a distribution. Rows is null for what is no table, and then
// query_rows does not take it.
type form struct {
	ID      uuid.UUID `json:"distribution"`
	Title   string    `json:"title"`
	Format  string    `json:"format"`
	Size    int64     `json:"size_bytes,omitempty"`
	URL     string    `json:"file_url"`
	Rows    *int64    `json:"rows"`
	RowsURL string    `json:"rows_url,omitempty"`
	Columns []column  `json:"columns,omitempty"`
	More    int       `json:"more_columns,omitempty"`
}

// column is one of a table: an entry of its data dictionary.
type column struct {
	Key      string `json:"column"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Notes    string `json:"notes,omitempty"`
	Unit     string `json:"unit,omitempty"`
	Nulls    *int64 `json:"empty,omitempty"`
	Distinct *int64 `json:"distinct,omitempty"`
	Min      string `json:"min,omitempty"`
	Max      string `json:"max,omitempty"`
}

// The bounds of a description.
const (
	mostForms   = 20
	mostColumns = 200 // of all tables together
	mostNotes   = 4000
	mostNote    = 400 // of a column
	mostValue   = 60
)

// describeDataset tells what is written about a dataset, its files, and the
// columns of its tables.
func describeDataset(ctx context.Context, c call, arguments json.RawMessage) (any, error) {
	a, err := decode[describeArguments](c, arguments)
	if err != nil {
		return nil, err
	}
	if err := language(a.Language); err != nil {
		return nil, err
	}
	d, err := c.dataset(ctx, a.Dataset)
	if err != nil {
		return nil, err
	}
	parts := d.Distributions
	if a.Distribution != "" {
		id, err := distributionIn(a.Distribution)
		if err != nil {
			return nil, err
		}
		if _, err := c.site.Catalog.Distribution(ctx, c.who, id); err != nil {
			return nil, err
		}
		parts = slices.DeleteFunc(slices.Clone(parts), func(part catalog.Distribution) bool { return part.ID != id })
	}
	out := c.describe(d)
	room := mostColumns
	for _, part := range parts[:min(len(parts), mostForms)] {
		f, err := c.form(ctx, d, part, room)
		if err != nil {
			return nil, err
		}
		room -= len(f.Columns)
		out.Distributions = append(out.Distributions, f)
	}
	out.More = len(parts) - len(out.Distributions)
	return out, nil
}

// dataset finds a dataset by slug, id or the address of its page.
func (c call) dataset(ctx context.Context, text string) (catalog.Dataset, error) {
	name := nameIn(text, "/dataset/")
	if name == "" {
		return catalog.Dataset{}, missing(c, "dataset")
	}
	if id, err := uuid.Parse(name); err == nil {
		return c.site.Catalog.Dataset(ctx, c.who, id)
	}
	return c.site.Catalog.DatasetBySlug(ctx, c.who, name)
}

func (c call) sourceOf(d catalog.Dataset) source {
	licence := codeIn(catalog.Licences(), d.Licence)
	return source{
		Name: d.Slug, Title: c.in(d.TitleVI, d.TitleEN), Agency: c.in(d.Agency.TitleVI, d.Agency.TitleEN),
		Licence: d.Licence, LicenceURL: licence.URL, UpdatedAt: d.ChangedAt().UTC(), URL: c.page("/dataset/" + d.Slug),
	}
}

func (c call) describe(d catalog.Dataset) described {
	theme, frequency := codeIn(catalog.Themes(), d.Theme), codeIn(catalog.Frequencies(), d.Frequency)
	keywords := d.KeywordsVI
	if c.locale == "en" && len(d.KeywordsEN) > 0 {
		keywords = d.KeywordsEN
	}
	return described{
		source: c.sourceOf(d), ID: d.ID, Notes: cut(c.in(d.NotesVI, d.NotesEN), mostNotes), Keywords: keywords,
		Theme: c.in(theme.TitleVI, theme.TitleEN), Area: d.Spatial, From: d.TemporalStart, Until: d.TemporalEnd,
		Frequency: c.in(frequency.TitleVI, frequency.TitleEN), Contact: d.ContactName, Email: d.ContactEmail,
		PublishedAt: d.PublishedAt, Distributions: []form{},
	}
}

// form is a distribution with at most room columns.
func (c call) form(ctx context.Context, d catalog.Dataset, part catalog.Distribution, room int) (form, error) {
	f := form{ID: part.ID, Title: c.in(part.TitleVI, part.TitleEN), Format: part.Format, Size: part.Size,
		URL: c.site.Origin + "/r/" + part.ID.String(), Rows: part.Rows}
	if part.Rows == nil {
		return f, nil
	}
	f.RowsURL = c.site.Origin + "/api/v1/datasets/" + d.Slug + "/distributions/" + part.ID.String() + "/rows"
	columns, err := c.site.Catalog.Columns(ctx, c.who, part.ID)
	if err != nil {
		return f, err
	}
	for _, of := range columns[:min(len(columns), room)] {
		name := c.in(of.TitleVI, of.TitleEN)
		if name == "" {
			name = of.Name
		}
		entry := column{Key: of.Key, Name: name, Type: string(of.Type), Notes: cut(c.in(of.NotesVI, of.NotesEN), mostNote), Unit: of.Unit}
		if p := of.Profile; p != nil {
			entry.Nulls, entry.Distinct, entry.Min, entry.Max = &p.Nulls, &p.Distinct, cut(p.Min, mostValue), cut(p.Max, mostValue)
		}
		f.Columns = append(f.Columns, entry)
	}
	f.More = len(columns) - len(f.Columns)
	return f, nil
}

// codeIn finds a value of a code list; one that it lacks has its id for title.
func codeIn(list []catalog.Code, id string) catalog.Code {
	if i := slices.IndexFunc(list, func(c catalog.Code) bool { return c.ID == id }); i >= 0 {
		return list[i]
	}
	return catalog.Code{ID: id, TitleVI: id, TitleEN: id}
}
