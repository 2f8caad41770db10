package dcat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
)

// croissantTerms are the terms of Croissant 1.0 that its context has to map
// (Croissant 1.0, appendix "JSON-LD context"), apart from three with a type.
const croissantTerms = "citeAs column equivalentProperty extract field fileProperty fileObject fileSet format includes isLiveDataset jsonPath key md5 " +
	"parentField path recordSet references regex repeated replace samplingRate separator source subField transform"

// croissant answers GET /dataset/{slug}/croissant.jsonld: a dataset as programs
// that learn from data take it (Croissant 1.0), each table with its columns. It
// fails with NotFound.
func (s *Site) croissant(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	d, err := s.Catalog.DatasetBySlug(ctx, auth.Principal{}, mux.Vars(r)["slug"])
	if err != nil {
		return err
	}
	document := s.croissantOf(d)
	files, records := []any{}, []any{}
	for _, part := range d.Distributions {
		file := download(s.Origin, part)
		file["@type"], file["@id"], file["name"], file["description"] = "cr:FileObject", "file-"+part.ID.String(), part.TitleVI, part.FileName
		files = append(files, file)
		if part.Rows == nil {
			continue
		}
		columns, err := s.Catalog.Columns(ctx, auth.Principal{}, part.ID)
		if err != nil {
			return err
		}
		table := "rows-" + part.ID.String()
		files = append(files, map[string]any{"@type": "cr:FileObject", "@id": table, "name": d.Slug + "-" + strconv.Itoa(part.Position) + ".csv",
			"description": part.TitleVI, "encodingFormat": "text/csv",
			"contentUrl": s.Origin + "/api/v1/datasets/" + d.Slug + "/distributions/" + part.ID.String() + "/rows?format=csv"})
		records = append(records, recordSet(part, table, columns))
	}
	document["distribution"], document["recordSet"] = files, records
	body, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("write dataset %s: %w", d.ID, err)
	}
	w.Header().Set("Link", "<"+s.Origin+"/dataset/"+d.Slug+`>; rel="canonical"`)
	give(w, r, "application/ld+json", d.ChangedAt(), body)
	return nil
}

// threeNumbers is what Croissant takes for a version (semver.org).
var threeNumbers = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)

// croissantOf is a dataset without its files. Rows are asked for anew each
// time, so no sum of them is given, and the dataset is a live one.
func (s *Site) croissantOf(d catalog.Dataset) map[string]any {
	context := map[string]any{"@language": "vi", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
		"cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/", "dct": expand("dct:"), "conformsTo": "dct:conformsTo",
		"data": map[string]string{"@id": "cr:data", "@type": "@json"}, "examples": map[string]string{"@id": "cr:examples", "@type": "@json"},
		"dataType": map[string]string{"@id": "cr:dataType", "@type": "@vocab"}}
	for _, name := range strings.Fields(croissantTerms) {
		context[name] = "cr:" + name
	}
	languages := []string{}
	for _, id := range d.Languages {
		languages = append(languages, tongues[id])
	}
	agency := map[string]any{"@type": "sc:Organization", "name": d.Agency.TitleVI, "url": s.Origin + "/agencies/" + d.Agency.Slug}
	page := s.Origin + "/dataset/" + d.Slug
	document := map[string]any{"@context": context, "@type": "sc:Dataset", "@id": page, "conformsTo": "http://mlcommons.org/croissant/1.0",
		"name": d.TitleVI, "description": d.NotesVI, "url": page, "creator": agency, "publisher": agency, "inLanguage": languages,
		"dateModified": d.ChangedAt().UTC().Format(time.RFC3339), "keywords": d.KeywordsVI, "isLiveDataset": true,
		"citeAs": d.Agency.TitleVI + ". " + d.TitleVI + ". " + page}
	if licence, ok := codeIn(catalog.Licences(), d.Licence); ok {
		document["license"] = licence.URL
	}
	if d.PublishedAt != nil {
		document["datePublished"] = d.PublishedAt.UTC().Format(time.RFC3339)
	}
	if threeNumbers.MatchString(d.Version) {
		document["version"] = d.Version
	}
	return document
}

// croissantTypes are the types of columns; any other is read as text.
var croissantTypes = map[string]string{"integer": "sc:Integer", "decimal": "sc:Float", "date": "sc:Date", "boolean": "sc:Boolean", "text": "sc:Text"}

// recordSet is a table: its columns, found in the CSV of its rows by their heads.
func recordSet(part catalog.Distribution, table string, columns []catalog.Column) map[string]any {
	set := "table-" + part.ID.String()
	fields := []any{}
	for _, column := range columns {
		kind, ok := croissantTypes[string(column.Type)]
		if !ok {
			kind = "sc:Text"
		}
		field := map[string]any{"@type": "cr:Field", "@id": set + "/" + column.Key, "name": column.Key, "dataType": kind,
			"source": map[string]any{"fileObject": map[string]string{"@id": table}, "extract": map[string]string{"column": column.Name}}}
		for _, words := range []string{column.NotesVI, column.TitleVI, column.Name} {
			if words != "" {
				field["description"] = words
				break
			}
		}
		fields = append(fields, field)
	}
	return map[string]any{"@type": "cr:RecordSet", "@id": set, "name": part.TitleVI, "field": fields}
}
