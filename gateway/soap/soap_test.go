package soap

import (
	"encoding/xml"
	"errors"
	"slices"
	"strings"
	"testing"
)

const (
	begin = `<s:Envelope xmlns:s="` + Envelope11 + `" xmlns:a="http://www.w3.org/2005/08/addressing">`
	ask   = begin + `<s:Header><a:Action>urn:hoi</a:Action></s:Header><s:Body><h:Hoi xmlns:h="urn:h"><h:so> 0123 </h:so></h:Hoi></s:Body></s:Envelope>`
)

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       error
	}{
		{"a message", ask, nil},
		{"with a declaration and comments", `<?xml version="1.0" encoding="utf-8"?><!-- a -->` + ask + "\n", nil},
		{"with a mark of order", "\ufeff" + ask, nil},
		{"not closed", strings.TrimSuffix(ask, "</s:Envelope>"), NotXML},
		{"nothing", "", NotEnvelope},
		{"a document type", `<!DOCTYPE a [<!ENTITY b "c">]>` + ask, DocumentType},
		{"an entity", strings.Replace(ask, "0123", "&b;", 1), NotXML},
		{"another encoding", `<?xml version="1.0" encoding="utf-7"?>` + ask, NotXML},
		{"an instruction", `<?xml version="1.0"?><?xml-stylesheet href="a"?>` + ask, Instruction},
		{"an instruction inside", strings.Replace(ask, "<s:Body>", "<s:Body><?a b?>", 1), Instruction},
		{"an attribute twice", strings.Replace(ask, "<h:so>", `<h:so a="1" a="2">`, 1), AttributeTwice},
		{"a prefix twice", strings.Replace(ask, `xmlns:h="urn:h"`, `xmlns:h="urn:x" xmlns:h="urn:h"`, 1), AttributeTwice},
		{"a reserved prefix", strings.Replace(ask, `xmlns:h="urn:h"`, `xmlns:xmlns="urn:x" xmlns:h="urn:h"`, 1), NotXML},
		{"two roots", ask + ask, NotEnvelope},
		{"no envelope", "<a/>", NotEnvelope},
		{"an envelope of nobody", strings.ReplaceAll(ask, Envelope11, "urn:x"), NotEnvelope},
		{"no body", begin + `<s:Header/></s:Envelope>`, NotOneBody},
		{"two bodies", strings.Replace(ask, "</s:Envelope>", `<s:Body/></s:Envelope>`, 1), NotOneBody},
		{"a body of another namespace first", strings.Replace(ask, "<s:Header>", `<h:Body xmlns:h="urn:h"/><s:Header>`, 1), NotEnvelope},
		{"a header after the body", strings.Replace(ask, "</s:Envelope>", `<s:Header/></s:Envelope>`, 1), NotEnvelope},
		{"two elements in the body", strings.Replace(ask, "</s:Body>", `<Khac/></s:Body>`, 1), NotOneElement},
		{"text in the body", strings.Replace(ask, "</s:Body>", `a</s:Body>`, 1), NotOneElement},
		{"a number with a comment in it", strings.Replace(ask, "0123", "01<!-- -->23", 1), BrokenValue},
		{"a number in pieces", strings.Replace(ask, "0123", "01<![CDATA[23]]>", 1), BrokenValue},
		{"a number with an element in it", strings.Replace(ask, "0123", "01<b/>23", 1), BrokenValue},
		{"an action with a comment in it", strings.Replace(ask, "urn:hoi", "urn:<!-- -->hoi", 1), BrokenValue},
		{"deep", strings.Replace(ask, "<h:so>", strings.Repeat("<b>", 100)+strings.Repeat("</b>", 100)+"<h:so>", 1), TooDeep},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := Read([]byte(tt.text), "/Body/Hoi/so")
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err == nil && (m.Body != xml.Name{Space: "urn:h", Local: "Hoi"} || !slices.Equal(m.Actions, []string{"urn:hoi"}) || !slices.Equal(m.Values, []string{"0123"}) || m.Envelope != Envelope11) {
				t.Errorf("got %+v", m)
			}
		})
	}
}

// TestValues: every element at the place counts, whatever its namespace.
func TestValues(t *testing.T) {
	t.Parallel()
	m, err := Read([]byte(strings.Replace(ask, "<h:so>", `<x:so xmlns:x="urn:x">9</x:so><b><so>8</so></b><h:so>`, 1)), "/Body/Hoi/so")
	if err != nil || !slices.Equal(m.Values, []string{"9", "0123"}) {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestPeek(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       xml.Name
		err        error
	}{
		{"cut after the element's name", ask[:strings.Index(ask, "<h:so>")], xml.Name{Space: "urn:h", Local: "Hoi"}, nil},
		{"an empty body", begin + `<s:Body></s:Body>`, xml.Name{}, nil},
		{"cut before", ask[:strings.Index(ask, "<h:Hoi")], xml.Name{}, NotXML},
		{"nothing", "", xml.Name{}, NotEnvelope},
		{"with a mark of order", "\ufeff" + ask, xml.Name{Space: "urn:h", Local: "Hoi"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Peek(strings.NewReader(tt.text))
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

// FuzzRead: what is read whole is read the same from its beginning, and the
// decoder of the standard library finds the same element.
func FuzzRead(f *testing.F) {
	f.Add(ask)
	f.Add(begin + `<s:Body><a:b/></s:Body></s:Envelope>`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Read([]byte(text), "/Body/Hoi/so")
		if err != nil {
			return
		}
		if name, err := Peek(strings.NewReader(text)); err != nil || name != m.Body {
			t.Errorf("peeked %v, %v, read %v", name, err, m.Body)
		}
		var seen struct {
			XMLName xml.Name
			Body    struct {
				Any []struct{ XMLName xml.Name } `xml:",any"`
			}
		}
		text = strings.TrimPrefix(text, "\ufeff")
		if err := xml.Unmarshal([]byte(text), &seen); err != nil {
			t.Fatalf("read, but is no XML: %v", err)
		}
		if len(seen.Body.Any) > 1 || len(seen.Body.Any) == 1 && seen.Body.Any[0].XMLName != m.Body || len(seen.Body.Any) == 0 && m.Body != (xml.Name{}) {
			t.Errorf("read %v, is %v", m.Body, seen.Body.Any)
		}
	})
}
