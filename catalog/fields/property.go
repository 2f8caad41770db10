package fields

import (
	"regexp"
	"strings"
)

// vocabularies are the prefixes that a property may be written with.
var vocabularies = map[string]string{
	"dct": "http://purl.org/dc/terms/", "schema": "https://schema.org/", "skos": "http://www.w3.org/2004/02/skos/core#",
	"dqv": "http://www.w3.org/ns/dqv#", "geodcat": "http://data.europa.eu/930/",
}

// described are the vocabularies that the catalogue describes datasets with
// itself, and those of RDF's own grammar: no field may speak in them.
var described = []string{
	"http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://www.w3.org/2000/01/rdf-schema#", "http://www.w3.org/2002/07/owl#",
	"http://www.w3.org/ns/dcat#", "http://xmlns.com/foaf/0.1/", "http://www.w3.org/2006/vcard/ns#", "http://www.w3.org/ns/adms#",
	"http://spdx.org/rdf/terms#", "http://www.w3.org/ns/hydra/core#", "http://www.w3.org/ns/prov#", "http://www.w3.org/ns/odrl/2/",
	"http://data.europa.eu/r5r/", "http://www.w3.org/ns/locn#", "http://www.w3.org/ns/shacl#", "http://www.w3.org/XML/1998/namespace",
	"http://www.w3.org/2000/xmlns/", "http://www.w3.org/2001/XMLSchema#",
}

// terms are the properties of Dublin Core that DCAT-AP 3.0.1 says something
// of, so that another value there would break it; the others may be used.
var terms = []string{"title", "description", "publisher", "creator", "issued", "modified", "identifier", "language", "license", "rights",
	"accessRights", "accrualPeriodicity", "conformsTo", "spatial", "temporal", "provenance", "format", "type", "relation", "source",
	"hasVersion", "isVersionOf", "hasPart", "isPartOf", "replaces", "isReplacedBy", "isReferencedBy", "references", "subject", "date", "contributor"}

var (
	// local is the end of a property that XML can write as a name (XML 1.0,
	// Namespaces §3), before is all else of an address.
	propertyForm = regexp.MustCompile(`^(https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/(?:[A-Za-z0-9._~!$&'()*+,;=:@%/-]*[/#])?)([A-Za-z_][A-Za-z0-9_]{0,99})$`)
	prefixForm   = regexp.MustCompile(`^([a-z]+):([A-Za-z_][A-Za-z0-9_]*)$`)
)

// property is a field's property as an IRI.
func (r *reader) property(f Field, line int) string {
	iri := f.Property
	if m := prefixForm.FindStringSubmatch(iri); m != nil {
		begin, known := vocabularies[m[1]]
		if !known {
			r.wrong(line, "schema-property-prefix", "the prefix "+m[1]+" is not known", "prefix", m[1], "known", "dct, dqv, geodcat, schema, skos")
			return ""
		}
		iri = begin + m[2]
	}
	parts := propertyForm.FindStringSubmatch(iri)
	switch {
	case parts == nil:
		r.wrong(line, "schema-property", "property is an http or https address that ends in a name, or prefix:name")
		return ""
	case f.Shown == ShownToAgency:
		r.wrong(line, "schema-property-hidden", "what is shown to the agency alone is not exported")
		return ""
	}
	for _, begin := range described {
		if strings.HasPrefix(iri, begin) {
			r.wrong(line, "schema-property-taken", "the catalogue writes this property itself", "property", Shorten(iri))
			return ""
		}
	}
	for _, term := range terms {
		if iri == vocabularies["dct"]+term {
			r.wrong(line, "schema-property-taken", "the catalogue writes this property itself", "property", Shorten(iri))
			return ""
		}
	}
	return iri
}
