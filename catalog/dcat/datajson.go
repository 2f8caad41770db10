package dcat

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/catalog"
)

// usSchema is where DCAT-US 1.1 is published.
const usSchema = "https://project-open-data.cio.gov/v1.1/schema"

// usDataset is a dataset in DCAT-US 1.1, in Vietnamese. What only a federal
// office of the United States has (bureauCode, programCode) is left out.
type usDataset struct {
	Type               string           `json:"@type"`
	Identifier         string           `json:"identifier"`
	Title              string           `json:"title"`
	Description        string           `json:"description"`
	Keyword            []string         `json:"keyword"`
	Issued             string           `json:"issued,omitempty"`
	Modified           string           `json:"modified"`
	Publisher          usAgent          `json:"publisher"`
	ContactPoint       usContact        `json:"contactPoint"`
	AccessLevel        string           `json:"accessLevel"`
	Rights             string           `json:"rights,omitempty"`
	License            string           `json:"license,omitempty"`
	Spatial            string           `json:"spatial,omitempty"`
	Temporal           string           `json:"temporal,omitempty"`
	AccrualPeriodicity string           `json:"accrualPeriodicity,omitempty"`
	Language           []string         `json:"language,omitempty"`
	Theme              []string         `json:"theme,omitempty"`
	LandingPage        string           `json:"landingPage"`
	ConformsTo         string           `json:"conformsTo,omitempty"`
	References         []string         `json:"references,omitempty"`
	Distribution       []usDistribution `json:"distribution,omitempty"`
}

type usAgent struct {
	Type string `json:"@type"`
	Name string `json:"name"`
}

type usContact struct {
	Type  string `json:"@type"`
	Name  string `json:"fn"`
	Email string `json:"hasEmail,omitempty"`
}

type usDistribution struct {
	Type        string `json:"@type"`
	Title       string `json:"title"`
	Format      string `json:"format"`
	MediaType   string `json:"mediaType,omitempty"`
	DownloadURL string `json:"downloadURL"`
}

// periods are our frequencies as ISO 8601 writes them (ISO 8601 §4.5, R/…);
// one that says nothing is left out.
var periods = map[string]string{
	"DAILY": "R/P1D", "WEEKLY": "R/P1W", "MONTHLY": "R/P1M", "QUARTERLY": "R/P3M", "ANNUAL_2": "R/P6M", "ANNUAL": "R/P1Y",
	"IRREG": "irregular",
}

// tongues are our languages as BCP 47 writes them.
var tongues = map[string]string{"VIE": "vi", "ENG": "en", "FRA": "fr", "LAO": "lo", "KHM": "km"}

// dataJSON answers GET /data.json: everything that is published, in one
// document. It is written page by page, so that a large catalogue takes no
// memory; when that fails on the way the connection is broken off, for half a
// catalogue would look like one from which much was withdrawn.
func (s *Site) dataJSON(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	changed, err := s.Catalog.LastChange(ctx, uuid.Nil)
	if err != nil {
		return err
	}
	total, err := s.Catalog.CountDatasets(ctx, catalog.DumpFilter{})
	if err != nil {
		return err
	}
	page, next, err := s.Catalog.DumpDatasets(ctx, catalog.DumpFilter{}, catalog.DumpPage{Limit: pageSize})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "public, no-cache")
	h.Set("ETag", fmt.Sprintf(`W/"%d-%d"`, total, changed.UnixMicro()))
	h.Set("Last-Modified", changed.UTC().Format(http.TimeFormat))
	if unchanged(r, h.Get("ETag"), changed) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	s.count(r, "data.json")
	h.Set("Content-Type", "application/json")
	if r.Method == http.MethodHead {
		return nil
	}
	_, _ = fmt.Fprintf(w, `{"@context":"%s/catalog.jsonld","@id":%q,"@type":"dcat:Catalog","conformsTo":"%[1]s","describedBy":"%[1]s/catalog.json","dataset":[`,
		usSchema, s.Origin+"/data.json") // the reader may have gone, as the next write tells
	for between := ""; ; between = "," {
		if err := s.writeUS(w, between, page); err != nil {
			panic(http.ErrAbortHandler)
		}
		if next == uuid.Nil {
			break
		}
		if page, next, err = s.Catalog.DumpDatasets(ctx, catalog.DumpFilter{}, catalog.DumpPage{After: next, Limit: pageSize}); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	_, _ = io.WriteString(w, "]}\n")
	return nil
}

// unchanged reports whether who asks has what they ask for (RFC 9110 §13.2.2):
// by its tag if they name any, else by its time.
func unchanged(r *http.Request, tag string, at time.Time) bool {
	if tags := r.Header.Get("If-None-Match"); tags != "" {
		return strings.Contains(tags, tag)
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && !at.Truncate(time.Second).After(since)
}

// writeUS writes the datasets of a page, each behind a comma but the very first.
func (s *Site) writeUS(w io.Writer, between string, page []catalog.Dataset) error {
	for _, d := range page {
		text, err := json.Marshal(s.us(d))
		if err != nil {
			return fmt.Errorf("write dataset %s: %w", d.ID, err)
		}
		if _, err := w.Write(append([]byte(between), text...)); err != nil {
			return err
		}
		between = ",\n"
	}
	return nil
}

func (s *Site) us(d catalog.Dataset) usDataset {
	u := usDataset{
		Type: "dcat:Dataset", Identifier: d.ID.String(), Title: d.TitleVI, Description: d.NotesVI, Keyword: d.KeywordsVI,
		Modified: d.ChangedAt().UTC().Format(time.RFC3339), Publisher: usAgent{"org:Organization", d.Agency.TitleVI},
		ContactPoint: usContact{Type: "vcard:Contact", Name: d.ContactName}, AccessLevel: "public", Rights: d.RightsVI,
		Spatial: d.Spatial, AccrualPeriodicity: periods[d.Frequency], LandingPage: s.Origin + "/dataset/" + d.Slug,
	}
	if d.PublishedAt != nil {
		u.Issued = d.PublishedAt.UTC().Format(time.RFC3339)
	}
	if u.ContactPoint.Name == "" {
		u.ContactPoint.Name = d.Agency.TitleVI
	}
	if strings.Contains(d.ContactEmail, "@") {
		u.ContactPoint.Email = "mailto:" + d.ContactEmail
	}
	if theme, ok := codeIn(catalog.Themes(), d.Theme); ok {
		u.Theme = []string{theme.TitleVI}
		if len(u.Keyword) == 0 { // at least one is asked for
			u.Keyword = u.Theme
		}
	}
	if licence, ok := codeIn(catalog.Licences(), d.Licence); ok {
		u.License = licence.URL
	}
	if d.TemporalStart != "" && d.TemporalEnd != "" {
		u.Temporal = d.TemporalStart + "/" + d.TemporalEnd
	}
	for _, id := range d.Languages {
		u.Language = append(u.Language, tongues[id])
	}
	if len(d.ConformsTo) > 0 {
		u.ConformsTo = address(d.ConformsTo[0])
	}
	for _, page := range []string{address(d.SourceURL), address(d.LandingPage)} {
		if page != "" {
			u.References = append(u.References, page)
		}
	}
	for _, part := range d.Distributions {
		u.Distribution = append(u.Distribution, usDistribution{Type: "dcat:Distribution", Title: part.TitleVI, Format: part.Format,
			MediaType: part.MediaType, DownloadURL: s.Origin + "/r/" + part.ID.String()})
	}
	if isRestricted(d) {
		u.AccessLevel = "restricted public"
	}
	return u
}
