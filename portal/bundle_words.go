package portal

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lgsp/catalog"
)

// settingLine is a changed part of a bundle in words.
type settingLine struct {
	Part   string // document, pages, plan, upstreams, traffic, operations: bundle.part-PART
	Member string // of traffic: what it is about, bundle.traffic-MEMBER; of pages the text, bundle.page-MEMBER; ""
	Name   string // as code
	Before string // "": it was not there
	After  string // "": it is gone
}

// trafficMembers are the members of a traffic that have words.
var trafficMembers = []string{"limits", "concurrency", "request_bytes", "timeouts", "conditions", "cache", "compress", "websocket", "protocol", "tls",
	"health", "cors", "rewrite", "basic", "check", "canary", "mirror", "signatures", "foreign_issuer"}

// settingLines are changes in words of the page's language.
func (p *Portal) settingLines(r *http.Request, list []catalog.SettingChange) ([]settingLine, error) {
	lines := make([]settingLine, len(list))
	for i, c := range list {
		line := settingLine{Part: c.Part, Name: c.Name, Before: c.Before, After: c.After}
		var err error
		switch c.Part {
		case catalog.PartPlan:
			err = eachValue(&line, func(slug string) (string, error) { return p.planTitle(r, slug) })
		case catalog.PartUpstreams:
			err = eachValue(&line, func(weight string) (string, error) {
				n, _ := strconv.Atoi(weight)
				return p.Pages.Text(localeOf(r), "agency.upstream-weight", "n", n)
			})
		case catalog.PartOperations:
			err = eachValue(&line, func(mark string) (string, error) { return p.markWords(r, mark) })
		case catalog.PartTraffic:
			member, rest, _ := strings.Cut(strings.TrimPrefix(c.Name, "/"), "/")
			if slices.Contains(trafficMembers, member) {
				line.Member, line.Name = member, rest
			}
		case catalog.PartPages:
			at := strings.LastIndexByte(c.Name, '/')
			line.Name, line.Member = c.Name[:at], c.Name[at+1:]
		}
		if err != nil {
			return nil, err
		}
		line.Before, line.After = shortened(line.Before), shortened(line.After)
		lines[i] = line
	}
	return lines, nil
}

// eachValue puts both values of a line in words.
func eachValue(line *settingLine, words func(string) (string, error)) (err error) {
	for _, value := range []*string{&line.Before, &line.After} {
		if *value == "" {
			continue
		}
		if *value, err = words(*value); err != nil {
			return err
		}
	}
	return nil
}

// shortened is the beginning of a long text.
func shortened(text string) string {
	const most = 160
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

// planTitle is what a plan is called; "" of none.
func (p *Portal) planTitle(r *http.Request, slug string) (string, error) {
	plans, err := p.Catalog.Plans(r.Context())
	if err != nil {
		return "", err
	}
	for _, plan := range plans {
		if plan.Slug == slug {
			return inLocale(r, plan.TitleVI, plan.TitleEN), nil
		}
	}
	return slug, nil
}

// markWords is a mark, as a SettingChange has it, in words.
func (p *Portal) markWords(r *http.Request, mark string) (string, error) {
	parts := strings.SplitN(mark, " ", 4)
	var words []string
	for i, prefix := range []string{"state.", "agency.class-", "agency.in-"} {
		if i >= len(parts) {
			break
		}
		text, err := p.Pages.Text(localeOf(r), prefix+parts[i])
		if err != nil {
			return "", err
		}
		words = append(words, text)
	}
	if len(parts) == 4 {
		words[2] = parts[3] + " (" + words[2] + ")"
	}
	return strings.Join(words, ", "), nil
}
