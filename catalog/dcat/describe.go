package dcat

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"lgsp/catalog"
)

// describeDataset writes a dataset with everything it points to (DCAT-AP 3.0.1,
// Dataset) and gives its IRI. Whatever is pointed to says what it is, for a
// validator sees this graph only.
func (s *Site) describeDataset(g *graph, d catalog.Dataset) string {
	it := s.Origin + "/dataset/" + d.Slug
	g.typed(it, "dcat:Dataset")
	g.words(it, "dct:title", d.TitleVI, d.TitleEN)
	g.words(it, "dct:description", d.NotesVI, d.NotesEN)
	g.add(it, "dct:identifier", plain(d.ID.String()))
	for _, word := range d.KeywordsVI {
		g.add(it, "dcat:keyword", spoken(word, "vi"))
	}
	for _, word := range d.KeywordsEN {
		g.add(it, "dcat:keyword", spoken(word, "en"))
	}
	g.link(it, "dct:publisher", s.agency(g, d.Agency))
	s.describeContact(g, it, d)
	if theme, ok := codeIn(catalog.Themes(), d.Theme); ok {
		describeCode(g, it, "dcat:theme", theme)
		g.link(theme.URL, "skos:inScheme", describeThemes(g))
	}
	if frequency, ok := codeIn(catalog.Frequencies(), d.Frequency); ok {
		describeCode(g, it, "dct:accrualPeriodicity", frequency, "dct:Frequency")
	}
	if rights, ok := codeIn(catalog.AccessRights(), d.AccessRights); ok {
		g.link(it, "dct:accessRights", rights.URL, "dct:RightsStatement")
		g.words(rights.URL, "rdfs:label", rights.TitleVI, rights.TitleEN)
	}
	describeLanguages(g, it, d)
	if d.PublishedAt != nil {
		g.add(it, "dct:issued", instant(*d.PublishedAt))
	}
	g.add(it, "dct:modified", instant(d.ChangedAt()))
	g.link(it, "dcat:landingPage", it, "foaf:Document")
	g.link(it, "dcat:landingPage", address(d.LandingPage), "foaf:Document")
	g.add(it, "dcat:version", plain(d.Version))
	g.words(it, "adms:versionNotes", d.VersionNotesVI, d.VersionNotesEN)
	for _, standard := range d.ConformsTo {
		g.link(it, "dct:conformsTo", address(standard), "dct:Standard")
	}
	describeReach(g, it, d)
	describeOrigin(g, it, d)
	describeOwn(g, it, d)
	for _, part := range d.Distributions {
		s.describeDistribution(g, it, d, part)
	}
	return it
}

// describeContact says who answers for a dataset: the person's office that is
// named, else the agency.
func (s *Site) describeContact(g *graph, it string, d catalog.Dataset) {
	contact := it + "#contact"
	g.link(it, "dcat:contactPoint", contact, "vcard:Organization", "vcard:Kind")
	if d.ContactName != "" {
		g.add(contact, "vcard:fn", spoken(d.ContactName, "vi"))
	} else {
		g.words(contact, "vcard:fn", d.Agency.TitleVI, d.Agency.TitleEN)
	}
	if strings.Contains(d.ContactEmail, "@") {
		g.add(contact, "vcard:hasEmail", term{iri: escaped("mailto:" + d.ContactEmail)})
	}
	if number := dialled(d.ContactPhone); number != "" {
		g.add(contact, "vcard:hasTelephone", term{iri: "tel:" + number})
	}
	g.add(contact, "vcard:hasURL", term{iri: s.Origin + "/agencies/" + d.Agency.Slug})
}

// dialled is a telephone number as RFC 3966 writes it, "" when it is none.
func dialled(number string) string {
	kept := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, number)
	if len(kept) < 3 || strings.LastIndexByte(kept, '+') > 0 {
		return ""
	}
	return kept
}

// describeLanguages says what languages a dataset is written in.
func describeLanguages(g *graph, it string, d catalog.Dataset) {
	for _, id := range d.Languages {
		if language, ok := codeIn(catalog.Languages(), id); ok {
			describeLanguage(g, it, language)
		}
	}
}

func describeLanguage(g *graph, it string, language catalog.Code) {
	g.link(it, "dct:language", language.URL, "dct:LinguisticSystem")
	g.words(language.URL, "rdfs:label", language.TitleVI, language.TitleEN)
}

// describeReach says what area and what time a dataset covers. Provinces and
// communes are named by their codes in the statistical office's list, which
// has no addresses.
func describeReach(g *graph, it string, d catalog.Dataset) {
	if d.Spatial != "" || len(d.BBox) == 4 {
		g.link(it, "dct:spatial", it+"#area", "dct:Location")
		g.add(it+"#area", "skos:prefLabel", spoken(d.Spatial, "vi"))
	}
	if len(d.BBox) == 4 {
		g.add(it+"#area", "dcat:bbox", valued(polygon(d.BBox), "gsp:wktLiteral"))
	}
	for _, code := range d.SpatialCodes {
		g.link(it, "dct:spatial", it+"#place-"+code, "dct:Location")
		g.add(it+"#place-"+code, "dct:identifier", plain(code))
	}
	if d.TemporalStart != "" || d.TemporalEnd != "" {
		g.link(it, "dct:temporal", it+"#period", "dct:PeriodOfTime")
		g.add(it+"#period", "dcat:startDate", valued(d.TemporalStart, "xsd:date"))
		g.add(it+"#period", "dcat:endDate", valued(d.TemporalEnd, "xsd:date"))
	}
}

// polygon writes west, south, east, north as WKT, longitude first (CRS84).
func polygon(box []float64) string {
	at := func(x, y float64) string {
		return strconv.FormatFloat(x, 'f', -1, 64) + " " + strconv.FormatFloat(y, 'f', -1, 64)
	}
	west, south, east, north := box[0], box[1], box[2], box[3]
	return "POLYGON((" + strings.Join([]string{at(west, south), at(east, south), at(east, north), at(west, north), at(west, south)}, ", ") + "))"
}

// describeOrigin says who made the data, how, and which document they come from.
func describeOrigin(g *graph, it string, d catalog.Dataset) {
	if d.Creator != "" {
		g.link(it, "dct:creator", it+"#creator", "foaf:Agent")
		g.add(it+"#creator", "foaf:name", spoken(d.Creator, "vi"))
	}
	if d.ProvenanceVI != "" || d.ProvenanceEN != "" {
		g.link(it, "dct:provenance", it+"#provenance", "dct:ProvenanceStatement")
		g.words(it+"#provenance", "rdfs:label", d.ProvenanceVI, d.ProvenanceEN)
	}
	if d.SourceDocument != "" {
		g.link(it, "dct:provenance", it+"#source", "dct:ProvenanceStatement")
		g.add(it+"#source", "rdfs:label", spoken(d.SourceDocument, "vi"))
	}
	if source := address(d.SourceURL); source != "" {
		g.link(it, "foaf:page", source, "foaf:Document")
		g.add(source, "dct:title", spoken(d.SourceDocument, "vi"))
	}
}

// describeOwn writes the agency's own fields that its schema names a property
// for: a choice by the labels of what was chosen, all else by its value.
func describeOwn(g *graph, it string, d catalog.Dataset) {
	for _, h := range d.OwnFields() {
		if h.Property == "" {
			continue
		}
		vi, en := h.Words(h.Value)
		for i, text := range h.Value.Texts() {
			switch h.Type {
			case catalog.OwnChoice, catalog.OwnChoices:
				g.words(it, h.Property, vi[i], en[i])
			case catalog.OwnURL:
				g.add(it, h.Property, term{iri: address(text)})
			case catalog.OwnEmail:
				g.add(it, h.Property, term{iri: escaped("mailto:" + text)})
			case catalog.OwnNumber:
				g.add(it, h.Property, valued(text, "xsd:decimal"))
			case catalog.OwnDate:
				g.add(it, h.Property, valued(text, "xsd:date"))
			case catalog.OwnYesNo:
				g.add(it, h.Property, valued(strconv.FormatBool(text == "yes"), "xsd:boolean"))
			default:
				g.add(it, h.Property, plain(text))
			}
		}
	}
}

// describeDistribution writes a file of a dataset, and when it is a table the
// service that answers with its rows. What is not known of a file is left out.
func (s *Site) describeDistribution(g *graph, it string, d catalog.Dataset, part catalog.Distribution) {
	this := it + "#file-" + part.ID.String()
	g.link(it, "dcat:distribution", this, "dcat:Distribution")
	g.words(this, "dct:title", part.TitleVI, part.TitleEN)
	g.add(this, "dct:identifier", plain(part.ID.String()))
	describeFormat(g, this, part.Format)
	if part.MediaType != "" {
		g.link(this, "dcat:mediaType", mediaTypes+part.MediaType, "dct:MediaType")
	}
	if part.Size > 0 {
		g.add(this, "dcat:byteSize", valued(strconv.FormatInt(part.Size, 10), "xsd:nonNegativeInteger"))
	}
	g.add(this, "dct:issued", instant(part.CreatedAt))
	g.add(this, "dct:modified", instant(part.UploadedAt))
	describeLanguages(g, this, d)
	g.link(this, "dct:license", describeLicence(g, d.Licence))
	s.describeRights(g, this, it, d)
	file := s.Origin + "/r/" + part.ID.String()
	g.link(this, "dcat:accessURL", file, "rdfs:Resource")
	if part.LinkURL == "" || part.Format != "HTML" { // a page is no download
		g.link(this, "dcat:downloadURL", file, "rdfs:Resource")
	}
	if part.Hash != "" {
		g.link(this, "spdx:checksum", this+"-sum", "spdx:Checksum")
		g.link(this+"-sum", "spdx:algorithm", expand("spdx:checksumAlgorithm_sha256"), "spdx:ChecksumAlgorithm")
		g.add(this+"-sum", "spdx:checksumValue", valued(part.Hash, "xsd:hexBinary"))
	}
	if part.Rows != nil {
		service := it + "#rows-" + part.ID.String()
		g.link(this, "dcat:accessService", service)
		s.describeRows(g, service, d, part)
	}
}

// isRestricted reports whether a dataset's data are not for everyone, though
// its description is: then the catalogue gives it without distributions. What
// is not public, in whatever word, is restricted.
func isRestricted(d catalog.Dataset) bool { return d.AccessRights != catalog.AccessPublic }

// describeRows writes the service that answers questions about a table.
func (s *Site) describeRows(g *graph, service string, d catalog.Dataset, part catalog.Distribution) {
	g.typed(service, "dcat:DataService")
	en := ""
	if part.TitleEN != "" {
		en = "Rows of the table: " + part.TitleEN
	}
	g.words(service, "dct:title", "Các dòng của bảng: "+part.TitleVI, en)
	g.link(service, "dct:publisher", s.agency(g, d.Agency))
	g.add(service, "dcat:contactPoint", term{iri: s.Origin + "/dataset/" + d.Slug + "#contact"})
	g.link(service, "dcat:endpointURL", s.Origin+"/api/v1/datasets/"+d.Slug+"/distributions/"+part.ID.String()+"/rows", "rdfs:Resource")
	g.link(service, "dcat:endpointDescription", s.Origin+"/api/v1/openapi.json", "rdfs:Resource")
	g.link(service, "foaf:page", s.Origin+"/docs/rows", "foaf:Document")
	g.add(service, "dcat:servesDataset", term{iri: s.Origin + "/dataset/" + d.Slug})
	g.link(service, "dct:accessRights", forEveryone, "dct:RightsStatement")
	g.link(service, "dct:license", describeLicence(g, d.Licence))
}

// describeService writes an API that can be called at the gateway, and gives its IRI.
func (s *Site) describeService(g *graph, a catalog.Service) string {
	page := s.Origin + "/apis/" + a.Agency.Slug + "/" + a.Slug
	it := page + "#service"
	g.typed(it, "dcat:DataService")
	g.words(it, "dct:title", a.TitleVI, a.TitleEN)
	g.words(it, "dct:description", a.DescriptionVI, a.DescriptionEN)
	g.add(it, "dct:identifier", plain(a.ID.String()))
	g.link(it, "dct:publisher", s.agency(g, a.Agency))
	changed := a.UpdatedAt
	for _, v := range a.Versions {
		g.link(it, "dcat:endpointURL", s.Gateway+v.Prefix(), "rdfs:Resource")
		g.link(it, "dcat:endpointDescription", s.Origin+path.Join("/apis", v.Prefix())+"/openapi.json", "rdfs:Resource")
		g.link(it, "dcat:landingPage", s.Origin+"/apis"+v.Prefix(), "foaf:Document")
		if v.UpdatedAt.After(changed) {
			changed = v.UpdatedAt
		}
	}
	rights := forSome
	if a.Open {
		rights = forEveryone
	}
	g.link(it, "dct:accessRights", rights, "dct:RightsStatement")
	g.add(it, "dct:modified", instant(changed))
	return it
}

// agency writes an agency as an agent and gives its IRI.
func (s *Site) agency(g *graph, a catalog.Agency) string {
	it := s.Origin + "/agencies/" + a.Slug + "#agency"
	g.typed(it, "foaf:Agent", "foaf:Organization")
	g.words(it, "foaf:name", a.TitleVI, a.TitleEN)
	g.link(it, "foaf:homepage", s.Origin+"/agencies/"+a.Slug, "foaf:Document")
	return describeRegional(g, it)
}

func describeRegional(g *graph, agent string) string {
	g.link(agent, "dct:type", regional, "skos:Concept")
	g.words(regional, "skos:prefLabel", "Cơ quan cấp địa phương", "Regional authority")
	return agent
}

// describeRights says what may be done with a file beside its licence: what
// the agency wrote, else the terms under which the portal gives things away.
func (s *Site) describeRights(g *graph, this, it string, d catalog.Dataset) {
	if d.RightsVI != "" || d.RightsEN != "" {
		g.link(this, "dct:rights", it+"#rights", "dct:RightsStatement")
		g.words(it+"#rights", "rdfs:label", d.RightsVI, d.RightsEN)
		return
	}
	s.describeTerms(g, this)
}

func (s *Site) describeTerms(g *graph, this string) {
	terms := s.Origin + "/terms"
	g.link(this, "dct:rights", terms, "dct:RightsStatement")
	g.words(terms, "rdfs:label", "Điều khoản sử dụng", "Terms of use")
}

// describeFormat points to a kind of file in the EU's table; one that it lacks
// stays a name.
func describeFormat(g *graph, it, format string) {
	code, ok := fileTypes[format]
	if !ok {
		return
	}
	g.link(it, "dct:format", authority+"file-type/"+code, "dct:MediaTypeOrExtent")
	g.add(authority+"file-type/"+code, "rdfs:label", plain(format))
}

// describeLicence writes a licence and gives its IRI in the EU's table, "" for
// one that is none of ours.
func describeLicence(g *graph, id string) string {
	licence, ok := codeIn(catalog.Licences(), id)
	if !ok {
		return ""
	}
	it := authority + "licence/" + licences[id]
	g.typed(it, "dct:LicenseDocument")
	g.words(it, "dct:title", licence.TitleVI, licence.TitleEN)
	g.link(it, "rdfs:seeAlso", licence.URL, "foaf:Document")
	return it
}

// describeCode points to a value of one of our code lists, with what people read.
func describeCode(g *graph, it, predicate string, code catalog.Code, classes ...string) {
	g.link(it, predicate, code.URL, append([]string{"skos:Concept"}, classes...)...)
	g.words(code.URL, "skos:prefLabel", code.TitleVI, code.TitleEN)
}

// describeThemes writes the scheme that our themes are of, and gives its IRI.
func describeThemes(g *graph) string {
	g.typed(themeScheme, "skos:ConceptScheme")
	g.words(themeScheme, "dct:title", "Chủ đề dữ liệu (EU)", "Data themes (EU)")
	return themeScheme
}

func codeIn(list []catalog.Code, id string) (catalog.Code, bool) {
	i := slices.IndexFunc(list, func(c catalog.Code) bool { return c.ID == id })
	if i < 0 {
		return catalog.Code{}, false
	}
	return list[i], true
}
