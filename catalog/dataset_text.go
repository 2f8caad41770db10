package catalog

import (
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Code is one value of a short code list, with what people read.
type Code struct {
	ID      string `json:"id"`
	TitleVI string `json:"title_vi"`
	TitleEN string `json:"title_en"`
	URL     string `json:"url"` // of the concept or the text
}

const themeURL = "http://publications.europa.eu/resource/authority/data-theme/"

// Themes are what a dataset can be about: the EU data themes, which DCAT-AP
// uses, worded for a province.
func Themes() []Code {
	return []Code{
		{"AGRI", "Nông nghiệp, lâm nghiệp, thuỷ sản", "Agriculture, fisheries, forestry and food", themeURL + "AGRI"},
		{"ECON", "Kinh tế và tài chính", "Economy and finance", themeURL + "ECON"},
		{"EDUC", "Giáo dục, văn hoá và thể thao", "Education, culture and sport", themeURL + "EDUC"},
		{"ENER", "Năng lượng", "Energy", themeURL + "ENER"},
		{"ENVI", "Môi trường", "Environment", themeURL + "ENVI"},
		{"GOVE", "Chính quyền và dịch vụ công", "Government and public sector", themeURL + "GOVE"},
		{"HEAL", "Y tế", "Health", themeURL + "HEAL"},
		{"INTR", "Hợp tác quốc tế", "International issues", themeURL + "INTR"},
		{"JUST", "Tư pháp và an toàn xã hội", "Justice, legal system and public safety", themeURL + "JUST"},
		{"REGI", "Đất đai, vùng và đô thị", "Regions and cities", themeURL + "REGI"},
		{"SOCI", "Dân số và xã hội", "Population and society", themeURL + "SOCI"},
		{"TECH", "Khoa học, công nghệ và viễn thông", "Science and technology", themeURL + "TECH"},
		{"TRAN", "Giao thông", "Transport", themeURL + "TRAN"},
	}
}

// Licences are the open licences a dataset can carry; the first is the default.
func Licences() []Code {
	return []Code{
		{"CC-BY-4.0", "Ghi công 4.0 Quốc tế (CC BY 4.0)", "Attribution 4.0 International (CC BY 4.0)", "https://creativecommons.org/licenses/by/4.0/"},
		{"CC0-1.0", "Dành cho công chúng (CC0 1.0)", "Public domain dedication (CC0 1.0)", "https://creativecommons.org/publicdomain/zero/1.0/"},
		{"CC-BY-SA-4.0", "Ghi công, chia sẻ tương tự 4.0 (CC BY-SA 4.0)", "Attribution-ShareAlike 4.0 (CC BY-SA 4.0)", "https://creativecommons.org/licenses/by-sa/4.0/"},
		{"ODC-BY-1.0", "Dữ liệu mở, ghi công 1.0 (ODC-BY)", "Open Data Commons Attribution 1.0 (ODC-BY)", "https://opendatacommons.org/licenses/by/1-0/"},
	}
}

const frequencyURL = "http://publications.europa.eu/resource/authority/frequency/"

// Frequencies are how often a dataset is renewed (EU frequency list); the
// first is the default.
func Frequencies() []Code {
	return []Code{
		{"UNKNOWN", "Chưa xác định", "Unknown", frequencyURL + "UNKNOWN"},
		{"DAILY", "Hằng ngày", "Daily", frequencyURL + "DAILY"},
		{"WEEKLY", "Hằng tuần", "Weekly", frequencyURL + "WEEKLY"},
		{"MONTHLY", "Hằng tháng", "Monthly", frequencyURL + "MONTHLY"},
		{"QUARTERLY", "Hằng quý", "Quarterly", frequencyURL + "QUARTERLY"},
		{"ANNUAL_2", "Sáu tháng một lần", "Twice a year", frequencyURL + "ANNUAL_2"},
		{"ANNUAL", "Hằng năm", "Annual", frequencyURL + "ANNUAL"},
		{"IRREG", "Không định kỳ", "Irregular", frequencyURL + "IRREG"},
		{"NEVER", "Một lần", "Never", frequencyURL + "NEVER"},
	}
}

// code finds a value in a code list.
func code(list []Code, id string) (Code, bool) {
	for _, c := range list {
		if c.ID == id {
			return c, true
		}
	}
	return Code{}, false
}

var slugForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// texts lists the free texts with their names and how many characters each may have.
func (t *DatasetText) texts() []struct {
	name string
	text *string
	most int
} {
	return []struct {
		name string
		text *string
		most int
	}{
		{"title_vi", &t.TitleVI, 300}, {"title_en", &t.TitleEN, 300},
		{"notes_vi", &t.NotesVI, 10000}, {"notes_en", &t.NotesEN, 10000},
		{"spatial", &t.Spatial, 300}, {"source_document", &t.SourceDocument, 200}, {"source_url", &t.SourceURL, 2000},
		{"contact_name", &t.ContactName, 200}, {"contact_email", &t.ContactEmail, 254}, {"contact_phone", &t.ContactPhone, 40},
		{"rights_vi", &t.RightsVI, 2000}, {"rights_en", &t.RightsEN, 2000}, {"creator", &t.Creator, 200}, {"version", &t.Version, 40},
		{"version_notes_vi", &t.VersionNotesVI, 2000}, {"version_notes_en", &t.VersionNotesEN, 2000},
		{"provenance_vi", &t.ProvenanceVI, 4000}, {"provenance_en", &t.ProvenanceEN, 4000}, {"landing_page", &t.LandingPage, 2000},
	}
}

// check brings the text to NFC, fills the defaults and returns Invalid with
// one error for each field that is wrong. The agency's own fields are checked
// by checkWith.
func (t *DatasetText) check() error {
	if e := t.faults(); len(e.Fields) > 0 {
		return e
	}
	return nil
}

// faults is check, and gives an empty problem when nothing is wrong.
func (t *DatasetText) faults() *problem.Error {
	e := problem.Errorf(problem.Invalid, "the dataset's description is not right").Coded("dataset-invalid")
	for _, f := range t.texts() {
		if !utf8.ValidString(*f.text) || strings.ContainsRune(*f.text, 0) {
			e.Wrong(f.name, "text-unreadable", "holds characters that are not text")
		}
		*f.text = clean(*f.text)
		if strings.HasPrefix(f.name, "title") {
			*f.text = strings.Join(strings.Fields(*f.text), " ")
		}
		if utf8.RuneCountInString(*f.text) > f.most {
			e.Wrong(f.name, "text-too-long", "longer than allowed", "max", strconv.Itoa(f.most))
		}
	}
	t.checkRequired(e)
	t.KeywordsVI, t.KeywordsEN = cleanKeywords(e, "keywords_vi", t.KeywordsVI), cleanKeywords(e, "keywords_en", t.KeywordsEN)
	if len(t.KeywordsVI)+len(t.KeywordsEN) == 0 {
		t.KeywordsVI, t.KeywordsEN = keywordsOf(t.Theme)
	}
	t.checkDates(e)
	t.checkTerms(e)
	for _, f := range []struct{ name, value string }{{"source_url", t.SourceURL}, {"landing_page", t.LandingPage}} {
		if f.value != "" && !isWebAddress(f.value) {
			e.Wrong(f.name, "url-form", "is not an http or https address")
		}
	}
	if t.ContactEmail != "" {
		if a, err := mail.ParseAddress(t.ContactEmail); err != nil || a.Address != t.ContactEmail {
			e.Wrong("contact_email", "email-form", "is not an e-mail address")
		}
	}
	return e
}

// answeredBy fills in who answers for the data, where nobody is named: the
// agency's contact, or the agency.
func (t *DatasetText) answeredBy(agency Agency) {
	if t.ContactName != "" || t.ContactEmail != "" || t.ContactPhone != "" {
		return
	}
	t.ContactName, t.ContactEmail, t.ContactPhone = agency.Contact.Name, agency.Contact.Email, agency.Contact.Phone
	if t.ContactName == "" && t.ContactEmail == "" && t.ContactPhone == "" {
		t.ContactName = agency.TitleVI
	}
}

func (t *DatasetText) checkRequired(e *problem.Error) {
	if !slugForm.MatchString(t.Slug) || len(t.Slug) < 2 || len(t.Slug) > 100 {
		e.Wrong("slug", "dataset-slug-form", "is made of a-z, 0-9 and single hyphens, 2 to 100 characters")
	}
	if t.TitleVI == "" {
		e.Wrong("title_vi", "required", "is required")
	}
	if t.Licence == "" {
		t.Licence = Licences()[0].ID
	}
	if t.Frequency == "" {
		t.Frequency = Frequencies()[0].ID
	}
	if t.AccessRights == "" {
		t.AccessRights = AccessPublic
	}
	for _, f := range []struct {
		name, value string
		list        []Code
	}{
		{"theme", t.Theme, Themes()}, {"licence", t.Licence, Licences()}, {"frequency", t.Frequency, Frequencies()},
		{"access_rights", t.AccessRights, AccessRights()},
	} {
		if _, ok := code(f.list, f.value); !ok && f.value != "" {
			e.Wrong(f.name, "not-in-list", "is not in the list")
		}
	}
}

// isWebAddress reports whether text is an http or https address.
func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && utf8.ValidString(text) && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (t *DatasetText) checkDates(e *problem.Error) {
	for _, f := range []struct{ name, value string }{{"temporal_start", t.TemporalStart}, {"temporal_end", t.TemporalEnd}} {
		if _, err := time.Parse(time.DateOnly, f.value); err != nil && f.value != "" {
			e.Wrong(f.name, "date-form", "is not a date as yyyy-mm-dd")
			return
		}
	}
	if t.TemporalStart != "" && t.TemporalEnd != "" && t.TemporalEnd < t.TemporalStart {
		e.Wrong("temporal_end", "date-order", "is before the start")
	}
}

func cleanKeywords(e *problem.Error, name string, words []string) []string {
	clean := []string{}
	for _, w := range words {
		w = norm.NFC.String(strings.Join(strings.Fields(w), " "))
		if utf8.RuneCountInString(w) > 100 || !utf8.ValidString(w) || strings.ContainsRune(w, 0) {
			e.Wrong(name, "keyword-form", "holds a keyword of more than 100 characters")
			continue
		}
		if w != "" {
			clean = append(clean, w)
		}
	}
	if len(clean) > 20 {
		e.Wrong(name, "keyword-many", "holds more than 20 keywords")
	}
	return clean
}

// args are the text's values in the order of the columns.
func (t DatasetText) args() []any {
	return []any{t.Slug, t.TitleVI, t.TitleEN, t.NotesVI, t.NotesEN, t.KeywordsVI, t.KeywordsEN, t.Theme, t.Licence,
		t.Frequency, t.Spatial, t.TemporalStart, t.TemporalEnd, t.SourceDocument, t.SourceURL,
		t.ContactName, t.ContactEmail, t.ContactPhone, t.AccessRights, t.RightsVI, t.RightsEN, t.Creator, t.Languages, t.Version,
		t.VersionNotesVI, t.VersionNotesEN, t.ConformsTo, t.ProvenanceVI, t.ProvenanceEN, t.SpatialCodes, t.BBox, t.LandingPage, t.values()}
}

// datasetProblem turns the schema's refusals into words.
func datasetProblem(err error, t DatasetText) error {
	if pg.IsUnique(err, "dataset_slug_key") {
		return problem.Errorf(problem.Conflict, "the address %s is taken", t.Slug).Coded("dataset-slug-taken", "slug", t.Slug).
			Wrong("slug", "dataset-slug-taken", "is taken", "slug", t.Slug)
	}
	return err
}
