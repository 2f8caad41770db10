package dcat

import (
	"strconv"
	"strings"
	"time"

	"lgsp/catalog"
)

// SchemaOrg is a dataset as schema.org/Dataset in one language, vi or en, which
// search engines read in its page; columns are those of its tables. Search
// engines show nothing without name and description, so the other language
// stands in where one is missing.
func SchemaOrg(origin, locale string, d catalog.Dataset, columns []catalog.Column) map[string]any {
	say := func(vi, en string) string {
		if vi == "" || locale == "en" && en != "" {
			return en
		}
		return vi
	}
	prefix := ""
	if locale != "vi" {
		prefix = "/" + locale
	}
	page := origin + prefix + "/dataset/" + d.Slug
	agency := map[string]any{"@type": "GovernmentOrganization", "name": say(d.Agency.TitleVI, d.Agency.TitleEN),
		"url": origin + prefix + "/agencies/" + d.Agency.Slug}
	about := map[string]any{
		"@context": "https://schema.org", "@type": "Dataset", "@id": origin + "/dataset/" + d.Slug, "inLanguage": locale,
		"name": say(d.TitleVI, d.TitleEN), "description": firstParagraph(say(d.NotesVI, d.NotesEN)), "url": page, "identifier": d.ID.String(),
		"dateModified": d.ChangedAt().UTC().Format(time.RFC3339), "publisher": agency, "creator": agency,
		"isAccessibleForFree":   !isRestricted(d),
		"includedInDataCatalog": map[string]any{"@type": "DataCatalog", "@id": origin + "/catalog", "url": origin + "/"},
	}
	optional := map[string]string{
		"alternateName": say(d.TitleEN, d.TitleVI), "version": d.Version, "conditionsOfAccess": say(d.RightsVI, d.RightsEN),
		"isBasedOn": address(d.SourceURL), "temporalCoverage": interval(d.TemporalStart, d.TemporalEnd),
	}
	if licence, ok := codeIn(catalog.Licences(), d.Licence); ok {
		optional["license"] = licence.URL
	}
	if d.PublishedAt != nil {
		optional["datePublished"] = d.PublishedAt.UTC().Format(time.RFC3339)
	}
	for name, value := range optional {
		if value != "" && value != about["name"] {
			about[name] = value
		}
	}
	if words := append(append([]string{}, d.KeywordsVI...), d.KeywordsEN...); len(words) > 0 {
		about["keywords"] = words
	}
	if place := placeOf(d); place != nil {
		about["spatialCoverage"] = place
	}
	if measured := measuredIn(columns, say); measured != nil {
		about["variableMeasured"] = measured
	}
	if files := downloads(origin, d, say); files != nil {
		about["distribution"] = files
	}
	return about
}

// interval is a period as ISO 8601 writes it, open where an end is not known.
func interval(from, to string) string {
	switch {
	case from == "" && to == "":
		return ""
	case from == "":
		from = ".."
	case to == "":
		to = ".."
	}
	return from + "/" + to
}

// placeOf is the area of a dataset; schema.org writes south, west, north, east.
func placeOf(d catalog.Dataset) map[string]any {
	if d.Spatial == "" && len(d.BBox) != 4 {
		return nil
	}
	place := map[string]any{"@type": "Place"}
	if d.Spatial != "" {
		place["name"] = d.Spatial
	}
	if len(d.BBox) == 4 {
		var corners []string
		for _, i := range []int{1, 0, 3, 2} {
			corners = append(corners, strconv.FormatFloat(d.BBox[i], 'f', -1, 64))
		}
		place["geo"] = map[string]any{"@type": "GeoShape", "box": strings.Join(corners, " ")}
	}
	return place
}

// measuredIn is the data dictionary.
func measuredIn(columns []catalog.Column, say func(vi, en string) string) []any {
	var list []any
	for _, column := range columns {
		value := map[string]any{"@type": "PropertyValue", "propertyID": column.Key, "name": column.Name}
		if title := say(column.TitleVI, column.TitleEN); title != "" {
			value["name"] = title
		}
		if notes := say(column.NotesVI, column.NotesEN); notes != "" {
			value["description"] = notes
		}
		if column.Unit != "" {
			value["unitText"] = column.Unit
		}
		list = append(list, value)
	}
	return list
}

// downloads are the files that the reader of the page may have: of a restricted
// dataset none, but for its agency's people.
func downloads(origin string, d catalog.Dataset, say func(vi, en string) string) []any {
	var list []any
	for _, part := range d.Distributions {
		file := download(origin, part)
		file["@type"], file["name"], file["dateModified"] = "DataDownload", say(part.TitleVI, part.TitleEN), part.UploadedAt.UTC().Format(time.RFC3339)
		list = append(list, file)
	}
	return list
}

// download is what is known of a file.
func download(origin string, part catalog.Distribution) map[string]any {
	file := map[string]any{"contentUrl": origin + "/r/" + part.ID.String()}
	if part.MediaType != "" {
		file["encodingFormat"] = part.MediaType
	}
	if part.Size > 0 {
		file["contentSize"] = strconv.FormatInt(part.Size, 10) + " B"
	}
	if part.Hash != "" {
		file["sha256"] = part.Hash
	}
	return file
}
