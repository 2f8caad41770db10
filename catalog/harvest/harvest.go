// Package harvest answers what another catalogue offers: by the CKAN Action
// API, by DCAT (JSON-LD or RDF/XML), or as a list in CSV.
package harvest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The kinds of catalogues that are read.
const (
	CKAN = "ckan"
	DCAT = "dcat"
	CSV  = "csv"
)

// Kinds are the kinds of catalogues, in the order in which people are asked.
func Kinds() []string { return []string{CKAN, DCAT, CSV} }

// Record is a dataset as another catalogue describes it. Texts are as they came,
// within bounds; what was not said is empty.
type Record struct {
	Key       string // what the catalogue knows it by, the same at each reading; 1 to 500 bytes
	TitleVI   string
	TitleEN   string
	NotesVI   string
	NotesEN   string
	Keywords  []string
	Publisher string
	Theme     string // a code of the EU's data themes, in capitals
	Licence   string // an id or an address
	Frequency string // a code of the EU's frequencies, in capitals
	Start     string // yyyy-mm-dd
	End       string
	Modified  time.Time // UTC; zero: not said
	Page      string    // http or https
	Contact   string    // an e-mail address
	Links     []Link    // http and https only
}

// Link is a file, or a service, of a record.
type Link struct {
	URL    string
	Title  string
	Format string // in capitals: CSV, XLSX
}

// Filter narrows a catalogue down. Its parts all hold.
type Filter struct {
	Publisher string `json:"publisher"` // name, or the organisation's name in CKAN; without regard to capitals
	Words     string `json:"words"`     // each stands in title, notes or keywords; without regard to capitals
}

// Bounds of one reading.
const (
	MaxRecords = 20_000
	maxLinks   = 100      // of one record
	maxPage    = 32 << 20 // bytes of one answer
	maxPages   = 500
	maxText    = 20_000 // bytes of one text
	pageWithin = time.Minute
)

// Fault is why a catalogue cannot be read. Code is one of unreachable, refused,
// not-a-catalogue, too-large, repeats.
type Fault struct {
	Code string
	Err  error
}

// Error is of error.
func (f *Fault) Error() string { return f.Code + ": " + f.Err.Error() }

// Unwrap is of package errors.
func (f *Fault) Unwrap() error { return f.Err }

func fault(code, format string, args ...any) error { return &Fault{code, fmt.Errorf(format, args...)} }

// Reader reads catalogues.
type Reader struct {
	Client *http.Client // egress-safe
}

// Reading is what a whole reading of a catalogue gave.
type Reading struct {
	Records []Record
	Seen    int      // datasets there, those that the filter leaves out too
	Skipped []string // what could not be read of it: key or place, and why
}

// Read reads the whole catalogue, or fails: a part of it would make the rest
// look withdrawn. It fails with a Fault.
func (r Reader) Read(ctx context.Context, kind, address string, f Filter) (*Reading, error) {
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return nil, fault("not-a-catalogue", "%q is no http or https address", address)
	}
	c := &collector{filter: f, keys: map[string]bool{}}
	switch kind {
	case CKAN:
		err = r.ckan(ctx, at, c)
	case DCAT:
		err = r.dcat(ctx, at, c)
	case CSV:
		err = r.csv(ctx, at, c)
	default:
		err = fault("not-a-catalogue", "%q is no kind of catalogue", kind)
	}
	if err != nil {
		return nil, err
	}
	return &c.Reading, nil
}

// collector takes records that fit the filter, each key once.
type collector struct {
	Reading
	filter Filter
	keys   map[string]bool
}

const maxSkipped = 100

func (c *collector) skip(what, why string) {
	if len(c.Skipped) < maxSkipped {
		c.Skipped = append(c.Skipped, clip(what, 200)+": "+why)
	}
}

// add takes a record; it fails when there are too many.
func (c *collector) add(rec Record) error {
	c.Seen++
	rec.tidy()
	switch {
	case rec.Key == "" || len(rec.Key) > 500:
		c.skip(rec.TitleVI+rec.TitleEN, "it has no identifier, or one of more than 500 bytes")
	case rec.TitleVI == "" && rec.TitleEN == "":
		c.skip(rec.Key, "it has no title")
	case c.keys[rec.Key]:
		c.skip(rec.Key, "it stands there twice; the first is taken")
	case c.filter.fits(rec):
		if len(c.Records) == MaxRecords {
			return fault("too-large", "the catalogue has more than %d datasets; narrow it down", MaxRecords)
		}
		c.Records = append(c.Records, rec)
	}
	c.keys[rec.Key] = true
	return nil
}

func (f Filter) fits(rec Record) bool {
	if f.Publisher != "" && !strings.EqualFold(strings.TrimSpace(f.Publisher), rec.Publisher) {
		return false
	}
	text := strings.ToLower(strings.Join(append([]string{rec.TitleVI, rec.TitleEN, rec.NotesVI, rec.NotesEN}, rec.Keywords...), "\n"))
	for word := range strings.FieldsSeq(strings.ToLower(f.Words)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// tidy bounds a record's texts, and drops what is no address.
func (r *Record) tidy() {
	for _, text := range []*string{&r.Key, &r.TitleVI, &r.TitleEN, &r.NotesVI, &r.NotesEN, &r.Publisher, &r.Licence, &r.Contact} {
		*text = clip(strings.TrimSpace(clean(*text)), maxText)
	}
	r.Start, r.End = day(r.Start), day(r.End)
	r.Page = httpOnly(r.Page)
	r.Theme, r.Frequency = lastPart(r.Theme), lastPart(r.Frequency)
	var links []Link
	seen := map[string]bool{}
	for _, l := range r.Links {
		l.URL, l.Title, l.Format = httpOnly(l.URL), clip(strings.TrimSpace(clean(l.Title)), 300), formatName(l.Format, l.URL)
		if l.URL == "" || seen[l.URL] || len(links) == maxLinks {
			continue
		}
		seen[l.URL] = true
		links = append(links, l)
	}
	r.Links = links
	if len(r.Keywords) > 20 {
		r.Keywords = r.Keywords[:20]
	}
	for i, word := range r.Keywords {
		r.Keywords[i] = clip(strings.TrimSpace(clean(word)), 100)
	}
}

// clean takes out what no database and no page takes.
func clean(text string) string {
	return strings.Map(func(c rune) rune {
		if c == '\r' || c < ' ' && c != '\n' && c != '\t' || c == 0xfffd {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, ""))
}

// clip cuts a text down to so many bytes, between characters.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

// day is the day of a date or moment; "" for what is none.
func day(text string) string {
	text = strings.TrimSpace(text)
	for _, form := range []string{time.DateOnly, "2006-01", "2006"} {
		if len(text) < len(form) {
			continue
		}
		if at, err := time.Parse(form, text[:len(form)]); err == nil {
			return at.Format(time.DateOnly)
		}
	}
	return ""
}

// moment is a date or date and time, in the forms that catalogues write; UTC
// where no zone is said.
func moment(text string) time.Time {
	text = strings.TrimSpace(text)
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05", time.DateOnly, "2006-01", "2006"} {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}

func httpOnly(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || len(text) > 2000 {
		return ""
	}
	return u.String()
}

// lastPart is the code at the end of a vocabulary's address.
func lastPart(text string) string {
	text = strings.TrimRight(strings.TrimSpace(text), "/#")
	if i := strings.LastIndexAny(text, "/#"); i >= 0 {
		text = text[i+1:]
	}
	return strings.ToUpper(clip(text, 60))
}

// formatName is a format in its short name: of a vocabulary's address, a media
// type, a file name's ending, or as it stands.
func formatName(format, address string) string {
	if mediaType, _, err := mime.ParseMediaType(format); err == nil && strings.Contains(mediaType, "/") && !strings.Contains(mediaType, "://") {
		if name := map[string]string{
			"text/csv": "CSV", "application/json": "JSON", "application/geo+json": "GEOJSON", "application/pdf": "PDF", "application/zip": "ZIP",
			"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX", "application/vnd.ms-excel": "XLS", "text/html": "HTML",
			"text/tab-separated-values": "TSV", "application/xml": "XML", "text/xml": "XML", "text/plain": "TXT",
		}[mediaType]; name != "" {
			return name
		}
	}
	if name := strings.TrimPrefix(lastPart(format), "."); name != "" {
		return clip(name, 20)
	}
	if u, err := url.Parse(address); err == nil {
		if i := strings.LastIndexByte(u.Path, '.'); i >= 0 && len(u.Path)-i <= 8 && !strings.Contains(u.Path[i:], "/") {
			return strings.ToUpper(u.Path[i+1:])
		}
	}
	return ""
}

// get fetches one answer whole, with its media type.
func (r Reader) get(ctx context.Context, address, accept string) (text []byte, mediaType string, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageWithin)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", fault("unreachable", "%w", err)
	}
	ask.Header.Set("Accept", accept)
	ask.Header.Set("User-Agent", "LGSP-Harvest/1.0")
	res, err := r.Client.Do(ask)
	if err != nil {
		return nil, "", fault("unreachable", "%w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, "", fault("refused", "%s answers %d", address, res.StatusCode)
	}
	text, err = io.ReadAll(io.LimitReader(res.Body, maxPage+1))
	if err != nil {
		return nil, "", fault("unreachable", "%s broke off: %w", address, err)
	}
	if len(text) > maxPage {
		return nil, "", fault("too-large", "%s is larger than %d bytes", address, maxPage)
	}
	mediaType, _, err = mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		mediaType = ""
	}
	return text, mediaType, nil
}
