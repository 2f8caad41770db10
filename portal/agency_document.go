package portal

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/catalog/spec"
	"lgsp/internal/problem"
	"lgsp/web"
)

// documentData is the data of the page "agency-document".
type documentData struct {
	apiDesk
	Number   string           // of the version to be made, before anyone typed
	Version  catalog.Version  // whose document is replaced; zero for a new one
	Prepares bool             // beside the version, see preparable
	Text     string           // its document as it stands
	Lines    []line           // around what could not be read
	Broken   []catalog.Broken // what callers rely on, of a published document
}

// line is one line of a document.
type line struct {
	Number int
	Text   string
	Wrong  bool
}

// documentForm answers GET …/apis/{api}/new and …/{version}/document: the
// document, by file, by pasting it or from a public address.
func (p *Portal) documentForm(r *http.Request) (page, error) {
	d, err := p.apiDesk(r)
	if err != nil {
		return page{}, err
	}
	data := documentData{apiDesk: d, Number: nextNumber(d.API)}
	if _, replaces := mux.Vars(r)["version"]; !replaces {
		return page{Name: "agency-document", Data: data}, nil
	}
	if data.apiDesk, data.Version, err = p.version(r); err != nil {
		return page{}, err
	}
	read := func(c *catalog.Catalog) error {
		text, err := c.SpecText(r.Context(), d.who, data.Version.ID)
		data.Text = string(text)
		return err
	}
	if data.Prepares = prepares(r); data.Prepares {
		err = p.Catalog.AsPrepared(r.Context(), d.who, data.Version.ID, read)
	} else {
		err = read(p.Catalog)
	}
	return page{Name: "agency-document", Data: data}, err
}

// takeDocument answers POST of the same: it makes the version, or gives it
// another document. What could not be read comes back in the form, wherever
// it came from, with the line that is wrong.
func (p *Portal) takeDocument(r *http.Request) (page, error) {
	d, err := p.apiDesk(r)
	if err != nil {
		return page{}, err
	}
	text, err := p.givenDocument(r, d)
	if err == nil {
		var v catalog.Version
		if v, err = p.keepDocument(r, d, text); err == nil {
			if prepares(r) {
				return page{To: d.At("apis", d.API.Slug, v.Number, "promotion"), Flash: &web.Flash{Key: "bundle.done-prepare"}}, nil
			}
			return page{To: d.At("apis", d.API.Slug, v.Number, "found")}, nil
		}
	}
	if utf8.Valid(text) && len(text) <= spec.MaxBytes && r.PostForm != nil {
		r.PostForm.Set("spec", string(text))
	}
	answer, againErr := again(r, p.documentForm, err)
	if againErr != nil {
		return page{}, againErr
	}
	data := answer.Data.(documentData)
	data.Lines, data.Broken = linesAround(string(text), problem.Of(err).Args["line"]), catalog.Findings(err)
	answer.Data = data
	return answer, nil
}

// keepDocument makes a version of the document, or gives it to the version of
// the address.
func (p *Portal) keepDocument(r *http.Request, d apiDesk, text []byte) (catalog.Version, error) {
	if _, replaces := mux.Vars(r)["version"]; !replaces {
		return p.Catalog.CreateVersion(r.Context(), d.who, d.API.ID, strings.TrimSpace(r.PostFormValue("number")), text)
	}
	_, v, err := p.version(r)
	if err != nil {
		return catalog.Version{}, err
	}
	if prepares(r) {
		return v, p.Catalog.Prepare(r.Context(), d.who, v.ID, r.PostFormValue("why"), func(would *catalog.Catalog) error {
			_, err := would.ReplaceSpec(r.Context(), d.who, v.ID, catalog.Save{Text: text})
			return err
		})
	}
	return p.Catalog.ReplaceSpec(r.Context(), d.who, v.ID, catalog.Save{Text: text, Why: r.PostFormValue("why")})
}

// givenDocument is the document in the form: the file, else what the address
// gives, else what was pasted.
func (p *Portal) givenDocument(r *http.Request, d apiDesk) ([]byte, error) {
	file, _, err := r.FormFile("file")
	if err == nil {
		defer file.Close()
		text, err := io.ReadAll(io.LimitReader(file, spec.MaxBytes+1))
		if err != nil {
			return nil, problem.Errorf(problem.Invalid, "the file cannot be read").Because(err)
		}
		return text, nil
	}
	if address := strings.TrimSpace(r.PostFormValue("url")); address != "" {
		return p.Catalog.FetchSpec(r.Context(), d.who, address)
	}
	if text := r.PostFormValue("spec"); strings.TrimSpace(text) != "" {
		return []byte(text), nil
	}
	return nil, problem.Errorf(problem.Invalid, "no document is given").Coded("document-missing").
		Wrong("spec", "document-missing", "paste the document, choose its file or give its address")
}

// linesAround are the two lines before and after line number at of a text;
// none when at is no line of it.
func linesAround(text, at string) []line {
	n, err := strconv.Atoi(at)
	all := strings.Split(text, "\n")
	if err != nil || n < 1 || n > len(all) {
		return nil
	}
	var lines []line
	for i := max(1, n-2); i <= min(len(all), n+2); i++ {
		shown := []rune(strings.TrimRight(all[i-1], "\r"))
		if len(shown) > 200 {
			shown = append(shown[:200], '…')
		}
		lines = append(lines, line{Number: i, Text: string(shown), Wrong: i == n})
	}
	return lines
}
