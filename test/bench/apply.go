package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// applySize is how many published APIs the document of an agency has.
const applySize = 500

// applyFigures are what lgsp apply of such a document takes, in seconds.
type applyFigures struct {
	First  float64 `json:"first_s"`  // every API is new
	Again  float64 `json:"again_s"`  // nothing is to be changed
	Export float64 `json:"export_s"` // lgsp export of them
}

// measureApply puts a document with many APIs in force, as the operator.
func measureApply(ctx context.Context, p *platform, dir string) (*applyFigures, error) {
	token, host := "", ""
	for _, account := range p.info.Accounts {
		if account.Role == "operator" {
			token = account.Token
		}
	}
	err := p.db.QueryRow(ctx, `select u.host_port from catalog.upstream u join auth.agency a on a.id = u.agency_id where a.slug = 'so-noi-vu' limit 1`).Scan(&host)
	if err != nil {
		return nil, fmt.Errorf("find a host: %w", err)
	}
	var document strings.Builder
	document.WriteString("format: lgsp/1\nagency: so-noi-vu\napis:\n")
	for i := range applySize {
		fmt.Fprintf(&document, `  - slug: do-%d
    text: { title_vi: Dịch vụ %[1]d, title_en: Service %[1]d, description_vi: Đo, description_en: Bench }
    versions:
      - number: v1
        state: published
        plan: open
        upstreams: [{ url: "http://%[2]s", weight: 1 }]
        operations: { xem: { access: open, classification: public } }
        document:
          openapi: 3.1.0
          info: { title: Dịch vụ %[1]d, version: "1" }
          paths:
            /xem: { get: { operationId: xem, summary: Xem, responses: { "200": { description: Xem, content: { application/json: { schema: { type: object, properties: { ma: { type: string } } } } } } } } }
`, i, host)
	}
	file := filepath.Join(dir, "agency.yaml")
	if err := os.WriteFile(file, []byte(document.String()), 0o600); err != nil {
		return nil, fmt.Errorf("write the document: %w", err)
	}
	lgsp := func(args ...string) (string, float64, error) {
		began := time.Now()
		c := exec.CommandContext(ctx, "bin/lgsp", args...)
		c.Env = append(os.Environ(), "LGSP_PORTAL_URL="+p.portal, "LGSP_TOKEN="+token)
		said, err := c.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("lgsp %s: %w\n%.2000s", args[0], err, said)
		}
		return string(said), time.Since(began).Seconds(), err
	}
	f := &applyFigures{}
	if _, f.First, err = lgsp("apply", "-f", file); err != nil {
		return nil, err
	}
	said, again, err := lgsp("apply", "-f", file)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(said, "nothing to change") {
		return nil, fmt.Errorf("applied twice, it is still to be changed:\n%.2000s", said)
	}
	f.Again = again
	_, f.Export, err = lgsp("export", "so-noi-vu")
	return f, err
}

func (f *applyFigures) table(b *strings.Builder) {
	fmt.Fprintf(b, "\n## An agency as a document\n\n`lgsp apply` of %d published APIs, each with its document: %.1f s when all are new, %.1f s when nothing is to be changed; `lgsp export`: %.1f s.\n",
		applySize, f.First, f.Again, f.Export)
}
