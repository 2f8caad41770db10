package demo

import (
	"strings"
	"testing"

	"lgsp/demo/simulator"
)

func TestProvinceListsEverySystemOfTheLetter(t *testing.T) {
	t.Parallel()
	p, err := readProvince()
	if err != nil {
		t.Fatal(err)
	}
	agencies := map[string]bool{"": true}
	for _, a := range p.Agencies {
		if !agencies[a.Parent] {
			t.Errorf("%s stands before its parent %s", a.Slug, a.Parent)
		}
		agencies[a.Slug] = true
	}
	simulated := map[string]int{}
	for _, s := range simulator.Systems() {
		simulated[s.Slug] = s.Number
	}
	for i, s := range p.Systems {
		if s.Number != i+1 || s.NameVI == "" || s.NameEN == "" || s.Owner2019 == "" || !agencies[s.Owner] {
			t.Errorf("got system %+v at place %d", s, i+1)
		}
		if s.API != "" && simulated[s.API] != s.Number {
			t.Errorf("system %d: got simulator %d for %s", s.Number, simulated[s.API], s.API)
		}
		delete(simulated, s.API)
	}
	if len(p.Systems) != 29 || len(simulated) != 0 {
		t.Errorf("got %d systems, want 29; simulated but not listed: %v", len(p.Systems), simulated)
	}
}

func TestAgenciesAreMarkedSyntheticAndDated(t *testing.T) {
	t.Parallel()
	p, err := readProvince()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range p.Agencies {
		agency, aliases, err := p.agency(a)
		if err != nil {
			t.Fatal(err)
		}
		if !agency.Synthetic || agency.ValidFrom.IsZero() || !strings.Contains(agency.NoteVI, "giả lập") || !strings.Contains(agency.NoteEN, "synthetic") {
			t.Errorf("got %+v", agency)
		}
		if got, want := strings.Contains(agency.NoteEN, "not confirmed"), a.Unconfirmed; got != want {
			t.Errorf("%s: marked unconfirmed: got %v, want %v", a.Slug, got, want)
		}
		for _, alias := range aliases {
			if alias.ValidTo == nil || !alias.ValidTo.Before(agency.ValidFrom) {
				t.Errorf("%s: alias %s does not end before %s", a.Slug, alias.Value, agency.ValidFrom)
			}
		}
	}
}
