package harvest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/piprate/json-gold/ld"
)

// dcat reads a catalogue in DCAT, page by page where it has pages (Hydra).
func (r Reader) dcat(ctx context.Context, address *url.URL, c *collector) error {
	visited := map[string]bool{}
	for at := address.String(); at != ""; {
		if visited[at] {
			return fault("repeats", "%s leads back to a page that was read", at)
		}
		if visited[at] = true; len(visited) > maxPages {
			return fault("too-large", "%s has more than %d pages", address, maxPages)
		}
		text, mediaType, err := r.get(ctx, at, "application/ld+json, application/rdf+xml;q=0.9")
		if err != nil {
			return err
		}
		g, err := parse(text, mediaType, at)
		if err != nil {
			return err
		}
		for _, subject := range g.of(dcat + "Dataset") {
			if err := c.add(g.record(subject)); err != nil {
				return err
			}
		}
		at = g.nextPage(at)
	}
	if c.Seen == 0 {
		return fault("not-a-catalogue", "%s names no dataset", address)
	}
	return nil
}

// parse reads RDF in one of the two syntaxes that are known, by media type or,
// where that says nothing, by how it begins.
func parse(text []byte, mediaType, base string) (graph, error) {
	first := bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	switch {
	case mediaType == "application/ld+json", mediaType == "application/json", len(first) > 0 && (first[0] == '{' || first[0] == '['):
		return parseJSONLD(first, base)
	case mediaType == "application/rdf+xml", mediaType == "application/xml", mediaType == "text/xml", bytes.HasPrefix(first, []byte("<")):
		return parseXML(first, base)
	}
	return nil, fault("not-a-catalogue", "%s is neither JSON-LD nor RDF/XML", base)
}

// nextPage is where the catalogue goes on; "" at its end.
func (g graph) nextPage(at string) string {
	for _, page := range append(g.of(hydra+"PartialCollectionView", hydra+"PagedCollection"), at) {
		next := httpOnly(g.one(page, hydra+"next", hydra+"nextPage"))
		if next == "" {
			continue
		}
		from, err := url.Parse(at)
		to, err2 := url.Parse(next)
		if err == nil && err2 == nil && from.Host == to.Host { // one catalogue leads to no other
			return next
		}
	}
	return ""
}

// record is what a graph says of a dataset.
func (g graph) record(subject string) Record {
	rec := Record{Key: cmp.Or(g.one(subject, dct+"identifier"), subject), Modified: moment(g.one(subject, dct+"modified", dct+"issued")),
		Frequency: g.one(subject, dct+"accrualPeriodicity"), Theme: g.one(subject, dcat+"theme"), Page: g.one(subject, dcat+"landingPage", foaf+"page"),
		Licence: g.one(subject, dct+"license")}
	if strings.HasPrefix(rec.Key, "_:") {
		rec.Key = "" // a blank node has another name at the next reading
	}
	if rec.Page == "" {
		rec.Page = subject
	}
	rec.TitleVI, rec.TitleEN = g.bilingual(subject, dct+"title")
	rec.NotesVI, rec.NotesEN = g.bilingual(subject, dct+"description")
	for _, word := range g[subject][dcat+"keyword"] {
		rec.Keywords = append(rec.Keywords, word.text)
	}
	for _, publisher := range g[subject][dct+"publisher"] {
		rec.Publisher = cmp.Or(rec.Publisher, g.name(publisher))
	}
	for _, contact := range g[subject][dcat+"contactPoint"] {
		rec.Contact = cmp.Or(rec.Contact, strings.TrimPrefix(g.one(contact.text, vcard+"hasEmail"), "mailto:"))
	}
	for _, period := range g[subject][dct+"temporal"] {
		rec.Start = cmp.Or(rec.Start, g.one(period.text, dcat+"startDate", sdo+"startDate"))
		rec.End = cmp.Or(rec.End, g.one(period.text, dcat+"endDate", sdo+"endDate"))
	}
	for _, d := range g[subject][dcat+"distribution"] {
		vi, en := g.bilingual(d.text, dct+"title")
		rec.Links = append(rec.Links, Link{URL: g.one(d.text, dcat+"downloadURL", dcat+"accessURL"), Title: cmp.Or(vi, en),
			Format: cmp.Or(g.one(d.text, dct+"format"), strings.TrimPrefix(g.one(d.text, dcat+"mediaType"), "http://www.iana.org/assignments/media-types/"))})
		rec.Licence = cmp.Or(rec.Licence, g.one(d.text, dct+"license"))
	}
	return rec
}

// noContext loads no document: what a catalogue names is not fetched on its word.
type noContext struct{}

// LoadDocument is of ld.DocumentLoader.
func (noContext) LoadDocument(address string) (*ld.RemoteDocument, error) {
	return nil, ld.NewJsonLdError(ld.LoadingDocumentFailed, "contexts are read only where they stand: "+address)
}

// maxDepth is how deep JSON or XML may go.
const maxDepth = 64

// parseJSONLD reads JSON-LD 1.1 whose context stands in it.
func parseJSONLD(text []byte, base string) (graph, error) {
	if deeper(text, maxDepth) {
		return nil, fault("not-a-catalogue", "%s goes deeper than %d levels", base, maxDepth)
	}
	var document any
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, fault("not-a-catalogue", "%s cannot be read as JSON: %w", base, err)
	}
	options := ld.NewJsonLdOptions(base)
	options.DocumentLoader = noContext{}
	said, err := ld.NewJsonLdProcessor().ToRDF(document, options)
	if err != nil {
		return nil, fault("not-a-catalogue", "%s cannot be read as JSON-LD: %w", base, err)
	}
	g, size := graph{}, 0
	for _, quads := range said.(*ld.RDFDataset).Graphs {
		for _, q := range quads {
			value := term{text: q.Object.GetValue()}
			if l, is := q.Object.(*ld.Literal); is {
				value.literal, value.language = true, strings.ToLower(l.Language)
			} else if l, is := q.Object.(ld.Literal); is {
				value.literal, value.language = true, strings.ToLower(l.Language)
			}
			if !g.add(&size, q.Subject.GetValue(), q.Predicate.GetValue(), value) {
				return nil, fault("too-large", "%s says more than %d things", base, maxTriples)
			}
		}
	}
	return g, nil
}

// deeper reports whether brackets of JSON go deeper than most.
func deeper(text []byte, most int) bool {
	depth, inText := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			if depth++; depth > most {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
