// Package demo answers what stands in the demo province: its agencies and
// systems, simulated services, open datasets, and people to try them with.
package demo

import (
	_ "embed"
	"fmt"
	"time"

	"sigs.k8s.io/yaml"

	"lgsp/auth"
)

//go:embed province.yaml
var provinceText []byte

// province is the file province.yaml.
type province struct {
	NoteVI        string           `json:"note_vi"`
	NoteEN        string           `json:"note_en"`
	UnconfirmedVI string           `json:"unconfirmed_vi"`
	UnconfirmedEN string           `json:"unconfirmed_en"`
	ValidFrom     string           `json:"valid_from"` // of every code; a day
	AliasesFrom   string           `json:"aliases_from"`
	AliasesTo     string           `json:"aliases_to"`
	Agencies      []provinceAgency `json:"agencies"` // a parent before its children
	Systems       []System         `json:"systems"`
}

type provinceAgency struct {
	Slug        string `json:"slug"`
	Code        string `json:"code"`
	Parent      string `json:"parent"`
	NameVI      string `json:"name_vi"`
	NameEN      string `json:"name_en"`
	Unconfirmed bool   `json:"unconfirmed"` // name or duties after 2025
	Aliases     []struct {
		Slug string `json:"slug"`
		Code string `json:"code"`
	} `json:"aliases"`
}

// System is an information system that the province's letter names.
type System struct {
	Number    int    `json:"number"`
	NameVI    string `json:"name_vi"`
	NameEN    string `json:"name_en"`
	Owner2019 string `json:"owner_2019"`
	Owner     string `json:"owner"` // slug of the likely agency now, unconfirmed; "": none of the province
	API       string `json:"api"`   // slug of its simulated service; "": none
}

func readProvince() (province, error) {
	var p province
	if err := yaml.UnmarshalStrict(provinceText, &p); err != nil {
		return p, fmt.Errorf("read province.yaml: %w", err)
	}
	return p, nil
}

// agency is a as auth keeps it, without its parent, and what it was once called.
func (p province) agency(a provinceAgency) (auth.Agency, []auth.Alias, error) {
	var days [3]time.Time
	for i, text := range []string{p.ValidFrom, p.AliasesFrom, p.AliasesTo} {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return auth.Agency{}, nil, fmt.Errorf("read province.yaml: %w", err)
		}
		days[i] = day
	}
	agency := auth.Agency{Slug: a.Slug, Code: a.Code, Synthetic: true, NameVI: a.NameVI, NameEN: a.NameEN,
		ValidFrom: days[0], NoteVI: p.NoteVI, NoteEN: p.NoteEN}
	if a.Unconfirmed {
		agency.NoteVI, agency.NoteEN = p.NoteVI+" "+p.UnconfirmedVI, p.NoteEN+" "+p.UnconfirmedEN
	}
	var aliases []auth.Alias
	for _, old := range a.Aliases {
		aliases = append(aliases,
			auth.Alias{Kind: "slug", Value: old.Slug, ValidFrom: days[1], ValidTo: &days[2]},
			auth.Alias{Kind: "code", Value: old.Code, ValidFrom: days[1], ValidTo: &days[2]})
	}
	return agency, aliases, nil
}
