package docs

import (
	"fmt"
	"regexp"
	"strings"
)

// ProblemGroup is a chapter of the page of problem codes.
type ProblemGroup struct {
	ID               string
	TitleVI, TitleEN string
	Problems         []Problem
}

// Problem is what a problem code stands for. What is filled in stands in braces.
type Problem struct {
	Code             string
	Status           string // of HTTP; "": it stands inside another answer
	TitleVI, TitleEN string
	TextVI, TextEN   string
}

// problemRow is a row of the table in problems.md, which is written from the
// words themselves.
var problemRow = regexp.MustCompile(`^\| ` + "`([a-z0-9-]+)`" + ` \| ([0-9, ]*) ?\| \*\*(.+?)\*\* ?(.*?) \| \*\*(.+?)\*\* ?(.*?) \|$`)

// Problems are all problem codes with what they mean.
func Problems() ([]ProblemGroup, error) {
	raw, err := files.ReadFile("problems.md")
	if err != nil {
		return nil, fmt.Errorf("read the problems: %w", err)
	}
	var groups []ProblemGroup
	ids := headingIDs{seen: map[string]int{}}
	for _, line := range strings.Split(string(raw), "\n") {
		if title, is := strings.CutPrefix(line, "## "); is {
			en, vi, _ := strings.Cut(title, " · ")
			groups = append(groups, ProblemGroup{ID: string(ids.Generate([]byte(en), 0)), TitleVI: vi, TitleEN: en})
			continue
		}
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		row := problemRow.FindStringSubmatch(line)
		if row == nil || len(groups) == 0 {
			return nil, fmt.Errorf("problems.md has the row %q", line)
		}
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], `\|`, "|")
		}
		group := &groups[len(groups)-1]
		group.Problems = append(group.Problems, Problem{Code: row[1], Status: strings.TrimSpace(row[2]), TitleVI: row[3], TextVI: row[4], TitleEN: row[5], TextEN: row[6]})
	}
	return groups, nil
}
