package harvest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// ckanRows is how many datasets are asked for at once.
const ckanRows = 100

// ckanAnswer is an answer of package_search (CKAN Action API v3).
type ckanAnswer struct {
	Success bool `json:"success"`
	Result  struct {
		Count   int               `json:"count"`
		Results []json.RawMessage `json:"results"`
	} `json:"result"`
}

// ckanPackage is a dataset in CKAN, as far as it is taken over.
type ckanPackage struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Title        string `json:"title"`
	Notes        string `json:"notes"`
	URL          string `json:"url"`
	License      string `json:"license_id"`
	LicenseURL   string `json:"license_url"`
	Author       string `json:"author_email"`
	Maintainer   string `json:"maintainer_email"`
	Modified     string `json:"metadata_modified"`
	State        string `json:"state"`
	Private      bool   `json:"private"`
	Organization *struct {
		Name  string `json:"name"`
		Title string `json:"title"`
	} `json:"organization"`
	Tags []struct {
		Name    string `json:"name"`
		Display string `json:"display_name"`
	} `json:"tags"`
	Groups []struct {
		Name string `json:"name"`
	} `json:"groups"`
	Resources []struct {
		URL      string `json:"url"`
		Name     string `json:"name"`
		Format   string `json:"format"`
		MimeType string `json:"mimetype"`
	} `json:"resources"`
	Extras []struct {
		Key   string `json:"key"`
		Value any    `json:"value"`
	} `json:"extras"`
}

// ckan reads a CKAN site page by page, in the order of ids, which stays the
// same while datasets change. address is the site's, or its API's.
func (r Reader) ckan(ctx context.Context, address *url.URL, c *collector) error {
	site := strings.TrimSuffix(address.String(), "/")
	if i := strings.Index(site, "/api/"); i >= 0 {
		site = site[:i]
	}
	var last [sha256.Size]byte
	for page, start := 0, 0; page < maxPages; page++ {
		text, mediaType, err := r.get(ctx, fmt.Sprintf("%s/api/3/action/package_search?sort=id+asc&rows=%d&start=%d", site, ckanRows, start), "application/json")
		if err != nil {
			return err
		}
		var answer ckanAnswer
		if mediaType != "application/json" || json.Unmarshal(text, &answer) != nil || !answer.Success {
			return fault("not-a-catalogue", "%s does not answer as CKAN does", site)
		}
		if len(answer.Result.Results) == 0 {
			return nil
		}
		if sum := sha256.Sum256(text); sum == last {
			return fault("repeats", "two pages of %s are the same", site)
		} else {
			last = sum
		}
		for i, raw := range answer.Result.Results {
			var p ckanPackage
			if err := json.Unmarshal(raw, &p); err != nil {
				c.Seen++
				c.skip(fmt.Sprintf("dataset %d", start+i+1), "it cannot be read")
				continue
			}
			if p.Private || p.State != "" && p.State != "active" {
				continue
			}
			if err := c.add(p.record(site)); err != nil {
				return err
			}
		}
		start += len(answer.Result.Results) // a site may give fewer than are asked for
		if start >= answer.Result.Count {
			return nil
		}
	}
	return fault("too-large", "%s has more than %d pages", site, maxPages)
}

// record is a package as a record. Its title counts as Vietnamese: CKAN does
// not say in which language it is.
func (p ckanPackage) record(site string) Record {
	rec := Record{Key: p.ID, TitleVI: p.Title, NotesVI: p.Notes, Licence: p.LicenseURL, Modified: moment(p.Modified), Page: p.URL, Contact: p.Maintainer}
	if rec.TitleVI == "" {
		rec.TitleVI = p.Name
	}
	if rec.Licence == "" {
		rec.Licence = p.License
	}
	if rec.Contact == "" {
		rec.Contact = p.Author
	}
	if rec.Page == "" && p.Name != "" {
		rec.Page = site + "/dataset/" + url.PathEscape(p.Name)
	}
	if p.Organization != nil {
		if rec.Publisher = p.Organization.Title; rec.Publisher == "" {
			rec.Publisher = p.Organization.Name
		}
	}
	for _, tag := range p.Tags {
		if tag.Display == "" {
			tag.Display = tag.Name
		}
		rec.Keywords = append(rec.Keywords, tag.Display)
	}
	if len(p.Groups) > 0 {
		rec.Theme = p.Groups[0].Name
	}
	for _, extra := range p.Extras {
		value, _ := extra.Value.(string) // other values are none of these
		switch extra.Key {
		case "theme":
			rec.Theme = strings.Trim(value, `[]" `)
		case "frequency":
			rec.Frequency = value
		case "temporal_start":
			rec.Start = value
		case "temporal_end":
			rec.End = value
		case "modified":
			if at := moment(value); !at.IsZero() {
				rec.Modified = at
			}
		case "title_en":
			rec.TitleEN = value
		case "notes_en":
			rec.NotesEN = value
		}
	}
	for _, res := range p.Resources {
		if res.Format == "" {
			res.Format = res.MimeType
		}
		rec.Links = append(rec.Links, Link{URL: res.URL, Title: res.Name, Format: res.Format})
	}
	return rec
}
