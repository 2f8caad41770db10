package portal

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"time"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/web"
)

// robots answers GET /robots.txt (RFC 9309): everything public may be read but
// the endless ways to narrow a search down.
func (p *Portal) robots(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, `User-agent: *
Disallow: /search?
Disallow: /en/search?
Disallow: /api/
Disallow: /oauth2/
Disallow: /dataset/*?

Sitemap: %s/sitemap.xml
`, p.Origin) // the reader may have gone
	return nil
}

// sitemapURL is one page in one language (sitemaps.org/protocol).
type sitemapURL struct {
	Loc      string `xml:"loc"`
	Modified string `xml:"lastmod,omitempty"`
}

// mostURLs is what a sitemap may hold.
const mostURLs = 50_000

// sitemap answers GET /sitemap.xml: every published dataset and API, and the
// pages around them, in both languages.
func (p *Portal) sitemap(w http.ResponseWriter, r *http.Request) error {
	var urls []sitemapURL
	add := func(path string, at time.Time) {
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
	}
	for _, path := range []string{"/", "/search", "/agencies", "/start", "/docs/rows", "/status", "/terms", "/privacy", "/accessibility"} {
		add(path, time.Time{})
	}
	for after := ""; len(urls) < mostURLs-200; {
		list, next, err := p.Catalog.ListDatasets(r.Context(), auth.Principal{},
			catalog.DatasetFilter{State: catalog.Published, Limit: 100, After: after})
		if err != nil {
			return err
		}
		for _, d := range list {
			add("/dataset/"+d.Slug, d.UpdatedAt)
		}
		if after = next; next == "" {
			break
		}
	}
	for after := ""; len(urls) < mostURLs-200; {
		list, next, err := p.Catalog.ListAPIs(r.Context(), auth.Principal{}, catalog.APIFilter{Limit: 100, After: after})
		if err != nil {
			return err
		}
		for _, a := range list {
			add("/apis/"+a.Agency.Slug+"/"+a.Slug, a.UpdatedAt)
		}
		if after = next; next == "" {
			break
		}
	}
	body := bytes.NewBufferString(xml.Header)
	err := xml.NewEncoder(body).Encode(struct {
		XMLName xml.Name     `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
		URLs    []sitemapURL `xml:"url"`
	}{URLs: urls})
	if err != nil {
		return fmt.Errorf("write sitemap: %w", err)
	}
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(body.Bytes()) // the reader may have gone
	return nil
}
