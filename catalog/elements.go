package catalog

import "time"

// Element is one of the six elements of metadata that Circular
// 24/2011/TT-BTTTT makes mandatory (Articles 3 and 4), with what stands for it
// here.
type Element struct {
	Code string    `json:"code"` // title, creator, date, description, publisher, identifier
	VI   string    `json:"vi"`   // what it says; "" when it is missing or is a day
	EN   string    `json:"en"`
	Day  time.Time `json:"day"` // of date alone: when it was published, before that when it was changed
}

// Given reports whether the element says something.
func (e Element) Given() bool { return e.VI != "" || !e.Day.IsZero() }

// Mandatory are the six elements of a dataset; address is its permanent one.
// The creator is the agency where no other is named.
func (d Dataset) Mandatory(address string) []Element {
	creator := Element{Code: "creator", VI: d.Agency.TitleVI, EN: d.Agency.TitleEN}
	if d.Creator != "" {
		creator.VI, creator.EN = d.Creator, ""
	}
	day := d.UpdatedAt
	if d.PublishedAt != nil {
		day = *d.PublishedAt
	}
	return []Element{
		{Code: "title", VI: d.TitleVI, EN: d.TitleEN},
		creator,
		{Code: "date", Day: day},
		{Code: "description", VI: d.NotesVI, EN: d.NotesEN},
		{Code: "publisher", VI: d.Agency.TitleVI, EN: d.Agency.TitleEN},
		{Code: "identifier", VI: address},
	}
}
