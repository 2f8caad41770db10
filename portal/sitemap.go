package portal

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/web"
)

// robots answers GET /robots.txt (RFC 9309): everything public may be read but
// the endless ways to narrow a search or a table down.
func (p *Portal) robots(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, `User-agent: *
Disallow: /search?
Disallow: /en/search?
Disallow: /api/
Disallow: /oauth2/
Disallow: /dataset/*?
Disallow: /en/dataset/*?
Disallow: /dataset/*/download/

Sitemap: %s/sitemap.xml
`, p.Origin) // the reader may have gone
	return nil
}

// mostURLs is what one file of a sitemap may hold (sitemaps.org/protocol).
const mostURLs = 50_000

// sitemapURL is one page in one language, sitemapFile one file of an index.
type (
	sitemapURL struct {
		Loc      string `xml:"loc"`
		Modified string `xml:"lastmod,omitempty"`
	}
	sitemapFile struct {
		Loc string `xml:"loc"`
	}
	sitemapSet struct {
		XMLName xml.Name     `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
		URLs    []sitemapURL `xml:"url"`
	}
	sitemapIndex struct {
		XMLName xml.Name      `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 sitemapindex"`
		Files   []sitemapFile `xml:"sitemap"`
	}
)

// sitemapSize is how many URLs a file holds.
func (p *Portal) sitemapSize() int {
	if p.SitemapSize > 0 {
		return p.SitemapSize
	}
	return mostURLs
}

// sitemap answers GET /sitemap.xml: every public dataset, API and agency and
// the pages around them, in both languages; an index of files when they are
// more than one file may hold.
func (p *Portal) sitemap(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	urls, err := p.surroundings(ctx)
	if err != nil {
		return err
	}
	n, err := p.Catalog.CountDatasets(ctx, catalog.DumpFilter{})
	if err != nil {
		return err
	}
	if len(urls)+n*len(web.Locales) <= p.sitemapSize() {
		list, err := p.Catalog.Addresses(ctx, 0, n)
		if err != nil {
			return err
		}
		return writeSitemap(w, sitemapSet{URLs: append(urls, p.ofDatasets(list)...)})
	}
	index := sitemapIndex{Files: []sitemapFile{{p.Origin + "/sitemap/pages.xml"}}}
	for file := 1; (file-1)*p.datasetsAFile() < n; file++ {
		index.Files = append(index.Files, sitemapFile{p.Origin + "/sitemap/datasets-" + strconv.Itoa(file) + ".xml"})
	}
	return writeSitemap(w, index)
}

// sitemapOfPages answers GET /sitemap/pages.xml: all but the datasets.
func (p *Portal) sitemapOfPages(w http.ResponseWriter, r *http.Request) error {
	urls, err := p.surroundings(r.Context())
	if err != nil {
		return err
	}
	return writeSitemap(w, sitemapSet{URLs: urls[:min(len(urls), p.sitemapSize())]})
}

// sitemapOfDatasets answers GET /sitemap/datasets-{file}.xml, from 1. It fails
// with NotFound behind the last.
func (p *Portal) sitemapOfDatasets(w http.ResponseWriter, r *http.Request) error {
	file, err := strconv.Atoi(mux.Vars(r)["file"])
	if err != nil || file < 1 {
		_, err := p.notFound(r)
		return err
	}
	list, err := p.Catalog.Addresses(r.Context(), (file-1)*p.datasetsAFile(), p.datasetsAFile())
	if err != nil {
		return err
	}
	if len(list) == 0 {
		_, err := p.notFound(r)
		return err
	}
	return writeSitemap(w, sitemapSet{URLs: p.ofDatasets(list)})
}

// datasetsAFile is how many datasets a file of the sitemap holds.
func (p *Portal) datasetsAFile() int { return max(1, p.sitemapSize()/len(web.Locales)) }

func (p *Portal) ofDatasets(list []catalog.Address) []sitemapURL {
	var urls []sitemapURL
	for _, d := range list {
		urls = append(urls, p.inLanguages("/dataset/"+d.Slug, d.Changed)...)
	}
	return urls
}

// inLanguages is a page in each language.
func (p *Portal) inLanguages(path string, at time.Time) []sitemapURL {
	var urls []sitemapURL
	for _, locale := range web.Locales {
		u := sitemapURL{Loc: p.Origin + path}
		if locale != "vi" {
			u.Loc = p.Origin + "/" + locale + path
		}
		if !at.IsZero() {
			u.Modified = at.UTC().Format(time.RFC3339)
		}
		urls = append(urls, u)
	}
	return urls
}

// standing are the pages that are always there.
var standing = []string{"/", "/search", "/agencies", "/reuses", "/start", "/docs", "/docs/citizens", "/docs/developers", "/docs/agencies",
	"/docs/operators", "/docs/words", "/docs/problems", "/docs/lesson", "/docs/rows", "/status", "/terms", "/privacy", "/accessibility"}

// surroundings are the pages that are no dataset's: those that always stand,
// agencies and APIs.
func (p *Portal) surroundings(ctx context.Context) ([]sitemapURL, error) {
	var urls []sitemapURL
	for _, path := range standing {
		urls = append(urls, p.inLanguages(path, time.Time{})...)
	}
	err := p.eachAgency(ctx, func(a auth.Agency) { urls = append(urls, p.inLanguages("/agencies/"+a.Slug, time.Time{})...) })
	if err != nil {
		return nil, err
	}
	for after := ""; ; {
		list, next, err := p.Catalog.ListAPIs(ctx, auth.Principal{}, catalog.APIFilter{Limit: 100, After: after})
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			for _, v := range a.Versions {
				if v.State != catalog.Retired {
					urls = append(urls, p.inLanguages("/apis"+v.Prefix(), v.UpdatedAt)...)
				}
			}
		}
		if after = next; next == "" {
			return urls, nil
		}
	}
}

func writeSitemap(w http.ResponseWriter, document any) error {
	body := bytes.NewBufferString(xml.Header)
	if err := xml.NewEncoder(body).Encode(document); err != nil {
		return fmt.Errorf("write sitemap: %w", err)
	}
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(body.Bytes()) // the reader may have gone
	return nil
}
