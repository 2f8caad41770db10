package catalog

import (
	"slices"
	"strings"
)

// Quality says how well a dataset is described, by the 405 points of the
// Metadata Quality Assessment of data.europa.eu, and how open it is, by five
// stars.
type Quality struct {
	Total  int     `json:"total"`  // of MostQuality
	Rating string  `json:"rating"` // excellent, good, sufficient, bad
	Points []Point `json:"points"`
	Stars  Stars   `json:"stars"`
}

// MostQuality is the sum of all points, and Excellent the least that is
// called so.
const (
	MostQuality = 405
	Excellent   = 351
)

// Point is one thing that is looked at. Why is "had", or why it was not:
// "none" (nothing was written, or not well enough), "no-file", "restricted"
// (the data is not for everyone), and of files that are links: "link-answers",
// which is had, "link-broken", "link-unchecked", or "no-download" (a page).
type Point struct {
	Dimension string `json:"dimension"` // findability, accessibility, interoperability, reusability, contextuality
	Code      string `json:"code"`
	Got       int    `json:"got"`
	Most      int    `json:"most"`
	Why       string `json:"why"`
}

// Stars is how open the data is (5stardata.info), 0 to 3: four and five are
// for linked data, which no file taken here is. Why is what keeps it from the
// next: "restricted", "no-file", "no-table", "closed-format", or "linked-data".
type Stars struct {
	Count int    `json:"count"`
	Why   string `json:"why"`
}

// The formats that data.europa.eu counts as free of any one maker's rules, and
// as readable by programs (its lists of formats, as of 2023), of those taken here.
var (
	freeFormats     = []string{"CSV", "TSV", "JSON", "GEOJSON", "XML", "ODS", "TXT", "ZIP"}
	readableFormats = []string{"CSV", "TSV", "JSON", "GEOJSON", "XML", "ODS", "XLSX"}
)

// QualityOf scores a dataset as it is, or will be, once it is public. A point
// about files is had when one of them has it, as data.europa.eu counts. It
// asks nobody: of each point it says why it is had or not.
func QualityOf(d Dataset) Quality {
	q := Quality{Stars: starsOf(d)}
	for _, look := range looks {
		p := Point{Dimension: look.dimension, Code: look.code, Most: look.points, Why: look.why(d)}
		if p.Why == "had" || p.Why == linkAnswers {
			p.Got = p.Most
		}
		q.Total += p.Got
		q.Points = append(q.Points, p)
	}
	q.Rating = ratingOf(q.Total)
	return q
}

// ratingOf is what data.europa.eu calls a sum of points.
func ratingOf(total int) string {
	switch {
	case total >= Excellent:
		return "excellent"
	case total > 220:
		return "good"
	case total > 120:
		return "sufficient"
	default:
		return "bad"
	}
}

// look is one indicator of the assessment.
type look struct {
	dimension string
	code      string
	points    int
	why       func(Dataset) string
}

var looks = []look{
	{"findability", "keyword", 30, written(func(d Dataset) bool { return len(d.KeywordsVI)+len(d.KeywordsEN) > 0 })},
	{"findability", "theme", 30, written(func(d Dataset) bool { return d.Theme != "" })},
	{"findability", "spatial", 20, written(func(d Dataset) bool { return d.Spatial != "" || len(d.SpatialCodes)+len(d.BBox) > 0 })},
	{"findability", "temporal", 20, written(func(d Dataset) bool { return d.TemporalStart != "" || d.TemporalEnd != "" })},
	{"accessibility", "access-url", 50, answering},
	{"accessibility", "download-url", 20, downloadable},
	{"accessibility", "download", 30, func(d Dataset) string {
		if why := downloadable(d); why != "had" {
			return why
		}
		return answering(onlyDownloads(d))
	}},
	{"interoperability", "format", 20, ofFile(func(p Distribution) bool { return p.Format != "" })},
	{"interoperability", "media-type", 10, ofFile(func(p Distribution) bool { return p.MediaType != "" })},
	{"interoperability", "format-vocabulary", 10, ofFile(func(p Distribution) bool { return knownMedia(p.MediaType) })},
	{"interoperability", "free-format", 20, ofFile(isFree)},
	{"interoperability", "readable", 20, ofFile(isReadable)},
	{"interoperability", "dcat-ap", 30, ofDescription},
	{"reusability", "licence", 20, written(func(d Dataset) bool { return d.Licence != "" })},
	{"reusability", "licence-vocabulary", 10, written(func(d Dataset) bool { _, ok := code(Licences(), d.Licence); return ok })},
	{"reusability", "access-rights", 10, written(func(d Dataset) bool { return d.AccessRights != "" })},
	{"reusability", "access-rights-vocabulary", 5, written(func(d Dataset) bool { _, ok := code(AccessRights(), d.AccessRights); return ok })},
	{"reusability", "contact", 20, written(func(d Dataset) bool { return d.ContactName != "" || d.ContactEmail != "" || d.ContactPhone != "" })},
	{"reusability", "publisher", 10, written(func(d Dataset) bool { return d.Agency.TitleVI != "" })},
	{"contextuality", "rights", 5, written(func(d Dataset) bool { vi, _ := d.Rights(); return vi != "" })},
	{"contextuality", "byte-size", 5, ofFile(func(p Distribution) bool { return p.Size > 0 })},
	{"contextuality", "issued", 5, written(func(Dataset) bool { return true })}, // the day of publication
	{"contextuality", "modified", 5, written(func(d Dataset) bool { return !d.UpdatedAt.IsZero() })},
}

// written is a look at the description.
func written(has func(Dataset) bool) func(Dataset) string {
	return func(d Dataset) string {
		if has(d) {
			return "had"
		}
		return "none"
	}
}

// ofFile is a look at the files.
func ofFile(has func(Distribution) bool) func(Dataset) string {
	return func(d Dataset) string {
		switch {
		case len(d.Distributions) == 0:
			return fileless(d)
		case slices.ContainsFunc(d.Distributions, has):
			return "had"
		default:
			return "none"
		}
	}
}

// fileless is why there is nothing to look at: the files of a restricted
// dataset are not shown to everyone.
func fileless(d Dataset) string {
	if d.AccessRights == AccessRestricted {
		return "restricted"
	}
	return "no-file"
}

// linkAnswers is why a point is had that no file of the platform's own has.
const linkAnswers = "link-answers"

// answering is whether anyone can open a file. What was uploaded lies with the
// platform, which answers for it itself; a link is what it last was found to be.
func answering(d Dataset) string {
	if d.AccessRights == AccessRestricted || len(d.Distributions) == 0 {
		return fileless(d)
	}
	why := "link-broken"
	for _, part := range d.Distributions {
		switch {
		case part.LinkURL == "":
			return "had"
		case part.LinkState == LinkOK:
			why = linkAnswers
		case part.LinkState != LinkBroken && why != linkAnswers:
			why = "link-unchecked"
		}
	}
	return why
}

// downloadable is whether a file can be fetched as one: a link to a page cannot.
func downloadable(d Dataset) string {
	if d.AccessRights == AccessRestricted || len(d.Distributions) == 0 {
		return fileless(d)
	}
	if len(onlyDownloads(d).Distributions) == 0 {
		return "no-download"
	}
	return "had"
}

// onlyDownloads is the dataset without links to pages.
func onlyDownloads(d Dataset) Dataset {
	var files []Distribution
	for _, part := range d.Distributions {
		if part.LinkURL == "" || part.Format != "HTML" {
			files = append(files, part)
		}
	}
	d.Distributions = files
	return d
}

// ofDescription is whether what DCAT-AP 3.0.1 demands of a dataset is there:
// title and description; the platform writes the rest by itself.
func ofDescription(d Dataset) string {
	switch {
	case d.TitleVI == "" || d.NotesVI == "":
		return "none"
	case len(d.Distributions) == 0:
		return fileless(d)
	default:
		return "had"
	}
}

// isFree: a table is also given away as CSV and JSON, whatever it came as.
func isFree(p Distribution) bool { return p.Rows != nil || slices.Contains(freeFormats, p.Format) }

func isReadable(p Distribution) bool {
	return p.Rows != nil || slices.Contains(readableFormats, p.Format)
}

// knownMedia reports whether a media type is one of IANA's, as all are that
// uploads get.
func knownMedia(name string) bool {
	for _, media := range mediaTypes {
		if media == name {
			return true
		}
	}
	return false
}

// starsOf counts the stars: open licence, structured, in a free format.
func starsOf(d Dataset) Stars {
	switch {
	case d.AccessRights == AccessRestricted:
		return Stars{0, "restricted"}
	case len(d.Distributions) == 0:
		return Stars{0, "no-file"}
	case slices.ContainsFunc(d.Distributions, func(p Distribution) bool { return isReadable(p) && isFree(p) }):
		return Stars{3, "linked-data"}
	case slices.ContainsFunc(d.Distributions, isReadable):
		return Stars{2, "closed-format"}
	default:
		return Stars{1, "no-table"}
	}
}

// Next are the points that were not had, the dearest first.
func (q Quality) Next() []Point {
	var list []Point
	for _, p := range q.Points {
		if p.Got < p.Most {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(a, b Point) int { return b.Most - a.Most })
	return list
}

// Rights says what may be done with the data, in the agency's words or, where
// it wrote none, by access rights and licence.
func (d Dataset) Rights() (vi, en string) {
	licence, _ := code(Licences(), d.Licence)
	if d.AccessRights == AccessRestricted {
		vi = "Phần mô tả được công khai; dữ liệu phải hỏi cơ quan công bố."
		en = "The description is public; the data has to be asked for from the publisher."
	} else {
		vi = "Ai cũng được dùng, chia sẻ và sửa đổi dữ liệu, không cần tài khoản, theo giấy phép " + licence.TitleVI + "."
		en = "Everyone may use, share and change the data, without an account, under the licence " + licence.TitleEN + "."
	}
	if d.RightsVI != "" {
		vi = d.RightsVI
		en = d.RightsEN
	}
	return vi, en
}

// keywordsOf are the words of a theme's title, for a dataset that has no
// keywords of its own.
func keywordsOf(theme string) (vi, en []string) {
	c, ok := code(Themes(), theme)
	if !ok {
		return []string{}, []string{}
	}
	words := func(title, and string) []string {
		var list []string
		for _, part := range strings.Split(strings.ReplaceAll(title, and, ", "), ", ") {
			list = append(list, strings.ToLower(part))
		}
		return list
	}
	return words(c.TitleVI, " và "), words(c.TitleEN, " and ")
}
