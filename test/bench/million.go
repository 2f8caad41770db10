package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const (
	millionTokens = 1_000_000
	memoryStep    = 250_000 // tokens between two looks at the memory
)

// memoryFigure is what lgsp holds after so many tokens.
type memoryFigure struct {
	Tokens int     `json:"tokens"`
	MiB    float64 `json:"mib"`
}

// measureMillion issues a million tokens and looks whether memory grows. It
// takes minutes, so it runs only when asked for: go run ./test/bench million.
func measureMillion(ctx context.Context, p *platform) ([]memoryFigure, error) {
	s := &service{slug: "do-trieu", access: "restricted", schema: "{}", fields: []string{}}
	if err := prepareService(ctx, p, s); err != nil {
		return nil, err
	}
	app := p.info.Application
	ask := row{url: p.portal + "/oauth2/token", form: url.Values{"grant_type": {"client_credentials"}, "resource": {s.prefix(p)}}.Encode(),
		header: http.Header{"Authorization": {basic(app.ClientID, app.ClientSecret)}, "Content-Type": {"application/x-www-form-urlencoded"}}}
	if err := tokenAnswers(ctx, ask); err != nil {
		return nil, err
	}
	var list []memoryFigure
	for issued := 0; ; {
		if issued >= len(list)*memoryStep {
			say("%d tokens: %.0f MiB", issued, residentMiB(p.pid()))
			list = append(list, memoryFigure{issued, residentMiB(p.pid())})
		}
		if issued >= millionTokens {
			return list, nil
		}
		load, err := wrk(ctx, ask)
		if err != nil {
			return nil, err
		}
		issued += load.calls
	}
}

// million writes the memory over a million tokens.
func (r report) million(b *strings.Builder) {
	b.WriteString("\n## A million tokens\n\n")
	table(b, "tokens issued", "MiB held by lgsp")
	for _, f := range r.Million {
		fmt.Fprintf(b, "| %d | %.0f |\n", f.Tokens, f.MiB)
	}
}
