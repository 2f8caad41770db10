package dcat

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/catalog"
)

// feedSize is how many datasets a page of a feed holds.
const feedSize = 50

// atomFeed is a feed document (RFC 4287 §4.1.1), in Vietnamese.
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string      `xml:"xml:lang,attr"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  atomPerson  `xml:"author"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`

	Deleted []atomDeleted `xml:"http://purl.org/atompub/tombstones/1.0 deleted-entry"`
}

// atomEntry is one dataset (§4.1.2). Its updated is when text or files last
// changed.
type atomEntry struct {
	ID         string         `xml:"id"`
	Title      string         `xml:"title"`
	Updated    string         `xml:"updated"`
	Published  string         `xml:"published,omitempty"`
	Author     atomPerson     `xml:"author"`
	Links      []atomLink     `xml:"link"`
	Categories []atomCategory `xml:"category"`
	Rights     string         `xml:"rights,omitempty"`
	Summary    string         `xml:"summary"`
}

type atomPerson struct {
	Name string `xml:"name"`
	URI  string `xml:"uri"`
}

type atomLink struct {
	Rel      string `xml:"rel,attr"`
	Type     string `xml:"type,attr,omitempty"`
	Language string `xml:"hreflang,attr,omitempty"`
	Href     string `xml:"href,attr"`
	Title    string `xml:"title,attr,omitempty"`
	Length   string `xml:"length,attr,omitempty"`
}

type atomCategory struct {
	Term   string `xml:"term,attr"`
	Scheme string `xml:"scheme,attr,omitempty"`
	Label  string `xml:"label,attr,omitempty"`
}

// feed answers GET /feeds/dataset.atom: the datasets last published or changed.
func (s *Site) feed(w http.ResponseWriter, r *http.Request) error {
	return s.giveFeed(w, r, uuid.Nil, atomFeed{
		ID: s.Origin + "/feeds/dataset.atom", Title: "Dữ liệu mở tỉnh " + s.Province,
		Author: atomPerson{"Tỉnh " + s.Province, s.Origin + "/"},
		Links:  []atomLink{{Rel: "alternate", Type: "text/html", Language: "vi", Href: s.Origin + "/search?kind=dataset"}},
	})
}

// agencyFeed answers GET /feeds/organization/{slug}.atom; a former slug leads
// to the new one. It fails with NotFound.
func (s *Site) agencyFeed(w http.ResponseWriter, r *http.Request) error {
	agency, err := s.Catalog.AgencyBySlug(r.Context(), mux.Vars(r)["slug"])
	if err != nil {
		return err
	}
	address := "/feeds/organization/" + agency.Slug + ".atom"
	if r.URL.Path != address {
		http.Redirect(w, r, address, http.StatusMovedPermanently)
		return nil
	}
	return s.giveFeed(w, r, agency.ID, atomFeed{
		ID: s.Origin + address, Title: "Dữ liệu mở: " + agency.TitleVI,
		Author: atomPerson{agency.TitleVI, s.Origin + "/agencies/" + agency.Slug},
		Links:  []atomLink{{Rel: "alternate", Type: "text/html", Language: "vi", Href: s.Origin + "/agencies/" + agency.Slug}},
	})
}

// giveFeed fills a feed with a page of datasets. The next page begins behind
// the last of this one (RFC 5005 §3), so that nothing stands twice or is
// missed when something changes meanwhile: it moves to the front.
func (s *Site) giveFeed(w http.ResponseWriter, r *http.Request, agency uuid.UUID, f atomFeed) error {
	after, err := placeIn(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	list, next, err := s.Catalog.RecentDatasets(r.Context(), agency, after, feedSize)
	if err != nil {
		return err
	}
	changed, err := s.Catalog.LastChange(r.Context(), agency)
	if err != nil {
		return err
	}
	self := f.ID
	if after != nil {
		self += "?after=" + url.QueryEscape(r.URL.Query().Get("after"))
	}
	f.Lang, f.Updated = "vi", changed.UTC().Format(time.RFC3339)
	f.Links = append(f.Links, atomLink{Rel: "self", Type: "application/atom+xml", Href: self},
		atomLink{Rel: "first", Type: "application/atom+xml", Href: f.ID})
	if next != nil {
		place := base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(next.Changed.UnixMicro(), 10) + "," + next.ID.String()))
		f.Links = append(f.Links, atomLink{Rel: "next", Type: "application/atom+xml", Href: f.ID + "?after=" + place})
	}
	for _, d := range list {
		f.Entries = append(f.Entries, s.entry(d))
	}
	if f.Deleted, err = s.deleted(r.Context(), catalog.DumpFilter{Agency: agency}, list, after, next); err != nil {
		return err
	}
	body, err := xml.Marshal(f)
	if err != nil {
		return fmt.Errorf("write feed: %w", err)
	}
	give(w, r, "application/atom+xml; charset=utf-8", changed, append([]byte(xml.Header), body...))
	return nil
}

// placeIn reads where a page of a feed begins; "" is its front.
func placeIn(after string) (*catalog.Recent, error) {
	if after == "" {
		return nil, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(after)
	if err != nil {
		return nil, badCursor()
	}
	at, id, _ := strings.Cut(string(text), ",")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil || micros < 0 || micros > time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() {
		return nil, badCursor()
	}
	dataset, err := uuid.Parse(id)
	if err != nil {
		return nil, badCursor()
	}
	return &catalog.Recent{Changed: time.UnixMicro(micros).UTC(), ID: dataset}, nil
}

func (s *Site) entry(d catalog.Dataset) atomEntry {
	page := "/dataset/" + d.Slug
	e := atomEntry{
		ID: "urn:uuid:" + d.ID.String(), Title: d.TitleVI, Updated: d.ChangedAt().UTC().Format(time.RFC3339),
		Author:  atomPerson{d.Agency.TitleVI, s.Origin + "/agencies/" + d.Agency.Slug},
		Summary: firstParagraph(d.NotesVI),
		Links: []atomLink{
			{Rel: "alternate", Type: "text/html", Language: "vi", Href: s.Origin + page, Title: d.TitleVI},
			{Rel: "alternate", Type: "text/html", Language: "en", Href: s.Origin + "/en" + page, Title: d.TitleEN},
			{Rel: "alternate", Type: "text/turtle", Href: s.Origin + page + ".ttl"},
		},
	}
	if d.PublishedAt != nil {
		e.Published = d.PublishedAt.UTC().Format(time.RFC3339)
	}
	if theme, ok := codeIn(catalog.Themes(), d.Theme); ok {
		e.Categories = append(e.Categories, atomCategory{theme.ID, themeScheme, theme.TitleVI})
	}
	for _, word := range d.KeywordsVI {
		e.Categories = append(e.Categories, atomCategory{Term: word})
	}
	if licence, ok := codeIn(catalog.Licences(), d.Licence); ok {
		e.Rights = licence.TitleVI + " " + licence.URL
	}
	for _, part := range d.Distributions {
		file := atomLink{Rel: "enclosure", Type: part.MediaType, Href: s.Origin + "/r/" + part.ID.String(), Title: part.TitleVI}
		if part.Size > 0 {
			file.Length = strconv.FormatInt(part.Size, 10)
		}
		e.Links = append(e.Links, file)
	}
	return e
}

// firstParagraph is a text up to its first empty line.
func firstParagraph(text string) string {
	first, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n"), "\n\n")
	return first
}
