package portal

import (
	"slices"

	"lgsp/catalog"
)

// explaining are the pages that explain something: the address, the message
// that is its title, and what the keys of its other messages begin with.
var explaining = []struct{ path, title, words string }{
	{"/start", "start.title", "start."},
	{"/docs/rows", "dataset.guide", "dataset.guide-"},
	{"/docs/lesson", "first.lesson-title", "first.lesson-"},
	{"/terms", "terms.title", "terms."},
	{"/privacy", "privacy.title", "privacy."},
	{"/accessibility", "access.title", "access."},
	{"/status", "status.title", "status."},
}

// Documents are the pages that search is to find, with what is read on them.
func (p *Portal) Documents() ([]catalog.Document, error) {
	var list []catalog.Document
	for _, page := range explaining {
		d := catalog.Document{Path: page.path, TextVI: p.Pages.Words("vi", page.words), TextEN: p.Pages.Words("en", page.words)}
		var err error
		if d.TitleVI, err = p.Pages.Text("vi", page.title); err != nil {
			return nil, err
		}
		if d.TitleEN, err = p.Pages.Text("en", page.title); err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	terms, err := p.explained()
	if err != nil {
		return nil, err
	}
	sections, err := p.sections()
	return slices.Concat(list, terms, sections), err
}
