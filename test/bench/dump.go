package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	dumpSize  = 10_000 // datasets, each with two files
	dumpTurns = 10     // each address so often, the first not counted
)

// dumps are what harvesters ask for.
var dumps = []struct{ name, address, holds string }{
	{"catalogue, 100 datasets as Turtle", "/catalog.ttl?page=50", "dcat:Dataset"},
	{"catalogue, 100 datasets as RDF/XML", "/catalog.rdf?page=50", "dcat#Dataset"},
	{"catalogue, 100 datasets as JSON-LD", "/catalog.jsonld?page=50", "dcat:Dataset"},
	{"catalogue, what changed since a day", "/catalog.ttl?modified_since=2026-11-01", "dcat:Catalog"},
	{"feed of what changed, 50 datasets", "/feeds/dataset.atom", "<entry>"},
	{"data.json, all datasets", "/data.json", "dcat:Dataset"},
}

// measureDump fills the catalogue with datasets and reads it as harvesters do.
func measureDump(ctx context.Context, p *platform) ([]searchFigures, error) {
	var id uuid.UUID
	err := p.db.QueryRow(ctx, `select d.id from catalog.dataset d join catalog.distribution p on p.dataset_id = d.id where d.state = 'published' order by d.slug limit 1`).Scan(&id)
	if err != nil {
		return nil, fmt.Errorf("find a dataset: %w", err)
	}
	// Copies of that dataset, and of its file.
	if _, err := p.db.Exec(ctx, `
with made as (
  insert into catalog.dataset
  select (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid(), 'slug', 'bo-' || n,
           'updated_at', d.updated_at - n * interval '1 minute'))).*
    from catalog.dataset d, generate_series(1, $2) n
   where d.id = $1
  returning id
), files as (
  insert into catalog.distribution
  select (jsonb_populate_record(p.whole, jsonb_build_object('id', gen_random_uuid(), 'dataset_id', made.id, 'position', n, 'version', 1))).*
    from made, generate_series(1, 2) n, (select p as whole from catalog.distribution p where p.dataset_id = $1 limit 1) p
  returning id
)
insert into catalog.file_version
select (jsonb_populate_record(f.whole, jsonb_build_object('distribution_id', files.id, 'version', 1))).*
  from files, (select v as whole from catalog.file_version v join catalog.distribution p on p.id = v.distribution_id where p.dataset_id = $1 limit 1) f`, id, dumpSize); err != nil {
		return nil, fmt.Errorf("fill the catalogue: %w", err)
	}
	if _, err := p.db.Exec(ctx, `analyze catalog.dataset, catalog.distribution, catalog.file_version`); err != nil {
		return nil, fmt.Errorf("analyze: %w", err)
	}
	var list []searchFigures
	for _, d := range dumps {
		var took []float64
		for turn := range dumpTurns + 1 {
			began := time.Now()
			text, err := get(ctx, p.portal+d.address, nil)
			if err != nil {
				return nil, err
			}
			if turn > 0 {
				took = append(took, milliseconds(time.Since(began)))
			}
			if !strings.Contains(text, d.holds) {
				return nil, fmt.Errorf("%s holds no %s: %.200s", d.address, d.holds, text)
			}
		}
		list = append(list, searchFigures{Name: d.name, Calls: len(took), P50: percentile(took, 50), P95: percentile(took, 95)})
	}
	return list, nil
}
