package portal

import "lgsp/catalog"

// understood is what was understood of a document, in the words of its page.
type understood struct {
	Operations, Parameters, Fields int
	Unexplained                    int // fields without a title or a description
	Unnamed                        int // operations without a summary
	Personal                       []understoodOperation
	Mends                          int  // findings that can be mended by one click
	MendsErrors                    bool // all that keeps it from being published is among them
}

// understoodOperation is an operation of the page, with what its answer leaves
// unsaid.
type understoodOperation struct {
	catalog.Operation
	Unexplained int
}

// Understood sums up what the document says.
func (d versionPage) Understood() understood {
	u := understood{Operations: len(d.Operations), MendsErrors: true}
	for _, o := range d.Understandings() {
		u.Parameters += len(o.Doc.Parameters)
		u.Fields += len(o.Doc.Fields)
		u.Unexplained += o.Unexplained
		if o.Doc.SummaryVI == "" && o.Doc.SummaryEN == "" {
			u.Unnamed++
		}
		if len(o.Doc.Personal) > 0 {
			u.Personal = append(u.Personal, o)
		}
	}
	for _, f := range d.Version.Findings {
		switch mends := d.Version.Mendable(f); {
		case mends:
			u.Mends++
		case f.Severity == "error":
			u.MendsErrors = false
		}
	}
	return u
}

// Understandings are the operations, each with what it leaves unsaid.
func (d versionPage) Understandings() []understoodOperation {
	list := make([]understoodOperation, len(d.Operations))
	for i, o := range d.Operations {
		list[i].Operation = o
		for _, f := range o.Doc.Fields {
			if f.TitleVI+f.TitleEN+f.DescriptionVI+f.DescriptionEN == "" && f.SameAs == "" {
				list[i].Unexplained++
			}
		}
	}
	return list
}
