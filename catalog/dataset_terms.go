package catalog

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"lgsp/internal/problem"
)

// AccessPublic and AccessRestricted are the access rights of a dataset.
const (
	AccessPublic     = "PUBLIC"
	AccessRestricted = "RESTRICTED"
)

const accessURL = "http://publications.europa.eu/resource/authority/access-right/"

// AccessRights are who may have a dataset's data (EU access-right list); the
// first is the default.
func AccessRights() []Code {
	return []Code{
		{AccessPublic, "Công khai: ai cũng dùng được, không cần tài khoản", "Public: for everyone, without an account", accessURL + AccessPublic},
		{AccessRestricted, "Hạn chế: mô tả công khai, dữ liệu phải hỏi cơ quan", "Restricted: the description is public, the data must be asked for", accessURL + AccessRestricted},
	}
}

const languageURL = "http://publications.europa.eu/resource/authority/language/"

// Languages are what a dataset can be written in (EU language list, ISO
// 639-3); the first is the default.
func Languages() []Code {
	return []Code{
		{"VIE", "Tiếng Việt", "Vietnamese", languageURL + "VIE"},
		{"ENG", "Tiếng Anh", "English", languageURL + "ENG"},
		{"FRA", "Tiếng Pháp", "French", languageURL + "FRA"},
		{"LAO", "Tiếng Lào", "Lao", languageURL + "LAO"},
		{"KHM", "Tiếng Khmer", "Khmer", languageURL + "KHM"},
	}
}

// How many standards, and how many codes of places, one dataset may name.
const (
	mostStandards = 10
	mostPlaces    = 200
)

// A place is a province, of 2 digits, or a commune, of 5 (the statistical
// office's list of administrative units).
var placeForm = regexp.MustCompile(`^([0-9]{2}|[0-9]{5})$`)

// checkTerms is the part of check about rights, language, place and standards.
func (t *DatasetText) checkTerms(e *problem.Error) {
	t.ConformsTo, t.SpatialCodes, t.Languages = listed(t.ConformsTo), listed(t.SpatialCodes), listed(t.Languages)
	if len(t.Languages) == 0 {
		t.Languages = []string{Languages()[0].ID}
	}
	if t.BBox == nil {
		t.BBox = []float64{}
	}
	for _, language := range t.Languages {
		if _, ok := code(Languages(), language); !ok {
			e.Wrong("languages", "not-in-list", "is not in the list")
			break
		}
	}
	for _, address := range t.ConformsTo {
		if !isWebAddress(address) || utf8.RuneCountInString(address) > 2000 {
			e.Wrong("conforms_to", "url-form", "is not an http or https address")
			break
		}
	}
	if len(t.ConformsTo) > mostStandards {
		e.Wrong("conforms_to", "dataset-standards-many", "names more than 10 standards")
	}
	if len(t.SpatialCodes) > mostPlaces || slices.ContainsFunc(t.SpatialCodes, func(p string) bool { return !placeForm.MatchString(p) }) {
		e.Wrong("spatial_codes", "place-form", "is a province's 2 digits or a commune's 5, at most 200 of them")
	}
	if !isBox(t.BBox) {
		e.Wrong("bbox", "bbox-form", "is west, south, east, north in degrees, west before east and south before north")
	}
}

// listed drops what is empty or stands twice, and keeps the order.
func listed(values []string) []string {
	clean := []string{}
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" && !slices.Contains(clean, v) {
			clean = append(clean, v)
		}
	}
	return clean
}

// isBox reports whether box is empty, or west, south, east, north on the globe
// (a point when they are the same). No box here crosses the date line.
func isBox(box []float64) bool {
	if len(box) == 0 {
		return true
	}
	return len(box) == 4 && box[0] >= -180 && box[0] <= box[2] && box[2] <= 180 && box[1] >= -90 && box[1] <= box[3] && box[3] <= 90
}
