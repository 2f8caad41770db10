package portal

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// datasetText reads the form of a dataset; keywords and other lists stand one
// a line, or with commas.
func datasetText(r *http.Request) (catalog.DatasetText, error) {
	f := r.PostFormValue
	text := catalog.DatasetText{
		Slug: strings.TrimSpace(f("slug")), TitleVI: f("title_vi"), TitleEN: f("title_en"), NotesVI: f("notes_vi"), NotesEN: f("notes_en"),
		KeywordsVI: separated(f("keywords_vi"), "\n\r,;"), KeywordsEN: separated(f("keywords_en"), "\n\r,;"),
		Theme: f("theme"), Licence: f("licence"), Frequency: f("frequency"), Spatial: f("spatial"),
		TemporalStart: f("temporal_start"), TemporalEnd: f("temporal_end"),
		SourceDocument: f("source_document"), SourceURL: f("source_url"),
		ContactName: f("contact_name"), ContactEmail: f("contact_email"), ContactPhone: f("contact_phone"),
		AccessRights: f("access_rights"), RightsVI: f("rights_vi"), RightsEN: f("rights_en"), Creator: f("creator"),
		Languages: r.PostForm["languages"], Version: f("version"), VersionNotesVI: f("version_notes_vi"), VersionNotesEN: f("version_notes_en"),
		ConformsTo:   separated(f("conforms_to"), "\n\r \t"), // an address may hold a comma
		ProvenanceVI: f("provenance_vi"), ProvenanceEN: f("provenance_en"),
		SpatialCodes: separated(f("spatial_codes"), "\n\r,; \t"), LandingPage: f("landing_page"),
		Fields: typedFields(r),
	}
	for _, number := range separated(f("bbox"), ",; \t") {
		degrees, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return text, problem.Errorf(problem.Invalid, "the dataset's description is not right").Coded("dataset-invalid").
				Wrong("bbox", "bbox-form", "is west, south, east, north in degrees")
		}
		text.BBox = append(text.BBox, degrees)
	}
	return text, nil
}

// separated are the parts of a text between any of the characters in marks.
func separated(text, marks string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(marks, c) })
}

// Box is a bounding box as it is typed.
func (datasetData) Box(box []float64) string {
	numbers := make([]string, len(box))
	for i, degrees := range box {
		numbers[i] = strconv.FormatFloat(degrees, 'f', -1, 64)
	}
	return strings.Join(numbers, ", ")
}

// Wrong reports whether one of the fields of those names came back with an
// error, so that the part of the form that holds it stands open.
func (datasetData) Wrong(v web.View, names ...string) bool {
	return v.Form != nil && slices.ContainsFunc(v.Form.Errors, func(e web.FieldError) bool { return slices.Contains(names, e.Name) })
}

// AccessRights are who may have the data, to choose from.
func (datasetData) AccessRights(locale string) []web.Option {
	return codes(locale, catalog.AccessRights())
}

// Languages are what data may be written in, to choose from.
func (datasetData) Languages(locale string) []web.Option { return codes(locale, catalog.Languages()) }
