package dcat

import "strings"

// vocabulary is a namespace with the prefix it is written by.
type vocabulary struct{ prefix, iri string }

// vocabularies are all that are used, in the order they are declared.
var vocabularies = []vocabulary{
	{"rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"},
	{"rdfs", "http://www.w3.org/2000/01/rdf-schema#"},
	{"xsd", "http://www.w3.org/2001/XMLSchema#"},
	{"dct", "http://purl.org/dc/terms/"},
	{"dcat", "http://www.w3.org/ns/dcat#"},
	{"foaf", "http://xmlns.com/foaf/0.1/"},
	{"vcard", "http://www.w3.org/2006/vcard/ns#"},
	{"skos", "http://www.w3.org/2004/02/skos/core#"},
	{"adms", "http://www.w3.org/ns/adms#"},
	{"gsp", "http://www.opengis.net/ont/geosparql#"},
	{"spdx", "http://spdx.org/rdf/terms#"},
	{"as", "https://www.w3.org/ns/activitystreams#"},
	{"hydra", "http://www.w3.org/ns/hydra/core#"},
}

// expand is the IRI of a name with a prefix. The names are constants of this
// package, so one that has no prefix is returned as it is.
func expand(name string) string {
	prefix, local, _ := strings.Cut(name, ":")
	for _, v := range vocabularies {
		if v.prefix == prefix {
			return v.iri + local
		}
	}
	return name
}

// compact is expand turned round, and whether there is such a name.
func compact(iri string) (string, bool) {
	for _, v := range vocabularies {
		if local, ok := strings.CutPrefix(iri, v.iri); ok && isName(local) {
			return v.prefix + ":" + local, true
		}
	}
	return "", false
}

// isName holds for what every syntax takes behind a prefix: letters, digits and _.
func isName(local string) bool {
	for i, r := range local {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || (r < '0' || r > '9') && r != '_') {
			return false
		}
	}
	return local != ""
}

const (
	authority   = "http://publications.europa.eu/resource/authority/"
	themeScheme = authority + "data-theme"
	forEveryone = authority + "access-right/PUBLIC"
	forSome     = authority + "access-right/RESTRICTED"
	mediaTypes  = "https://www.iana.org/assignments/media-types/"
	regional    = "http://purl.org/adms/publishertype/RegionalAuthority"
)

// fileTypes are the formats of files that the EU's table of file types names.
var fileTypes = map[string]string{
	"CSV": "CSV", "TSV": "TSV", "JSON": "JSON", "XLSX": "XLSX", "GEOJSON": "GEOJSON", "PDF": "PDF", "XML": "XML",
	"TXT": "TXT", "ZIP": "ZIP", "DOCX": "DOCX", "ODS": "ODS", "PARQUET": "PARQUET",
}

// licences are our licences in the EU's table.
var licences = map[string]string{
	"CC-BY-4.0": "CC_BY_4_0", "CC0-1.0": "CC0", "CC-BY-SA-4.0": "CC_BYSA_4_0", "ODC-BY-1.0": "ODC_BY",
}
