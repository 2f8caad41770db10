package dcat

import (
	"context"
	"time"

	"lgsp/catalog"
)

// describeGone writes, on the first page of what changed since a moment, what
// was withdrawn since: as a Tombstone (Activity Streams 2.0 vocabulary), which
// is no dcat:Dataset and is none of the catalogue's. Somebody who harvests by
// modified_since learns of it only here.
func (s *Site) describeGone(ctx context.Context, g *graph, q question) error {
	if q.filter.Since.IsZero() || q.page > 1 {
		return nil
	}
	list, err := s.Catalog.Tombstones(ctx, q.filter, nil)
	if err != nil {
		return err
	}
	for _, stone := range list {
		it := s.Origin + "/dataset/" + stone.Slug
		g.typed(it, "as:Tombstone")
		g.add(it, "as:formerType", named("dcat:Dataset"))
		g.add(it, "as:deleted", instant(stone.At))
		g.add(it, "dct:identifier", plain(stone.ID.String()))
		g.words(it, "rdfs:comment", stone.Why, "")
		if by := stone.ReplacedBy; by != nil {
			g.add(it, "dct:isReplacedBy", term{iri: s.Origin + "/dataset/" + by.Slug})
		}
	}
	return nil
}

// atomDeleted is an entry that was removed from a feed (RFC 6721 §3).
type atomDeleted struct {
	Ref     string     `xml:"ref,attr"`
	When    string     `xml:"when,attr"`
	Comment string     `xml:"http://purl.org/atompub/tombstones/1.0 comment,omitempty"`
	Links   []atomLink `xml:"http://www.w3.org/2005/Atom link"`
}

// deleted are what was withdrawn while the datasets of a page of a feed changed:
// since the last of them, or on the last page ever, and before the page before.
func (s *Site) deleted(ctx context.Context, f catalog.DumpFilter, list []catalog.Dataset, after, next *catalog.Recent) ([]atomDeleted, error) {
	var until *time.Time
	if after != nil {
		until = &after.Changed
	}
	if next != nil && len(list) > 0 {
		f.Since = next.Changed
	}
	stones, err := s.Catalog.Tombstones(ctx, f, until)
	if err != nil {
		return nil, err
	}
	var gone []atomDeleted
	for _, stone := range stones {
		d := atomDeleted{Ref: "urn:uuid:" + stone.ID.String(), When: stone.At.Format(time.RFC3339), Comment: stone.Why}
		if by := stone.ReplacedBy; by != nil {
			d.Links = append(d.Links, atomLink{Rel: "related", Type: "text/html", Language: "vi", Href: s.Origin + "/dataset/" + by.Slug, Title: by.TitleVI})
		}
		gone = append(gone, d)
	}
	return gone, nil
}
