package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Every row asks for the simulated agriculture system's list of crops: 833
// bytes of JSON, made anew for each call.
const (
	agency   = "so-nong-nghiep-moi-truong"
	upstream = "nong-nghiep"
	path     = "/cay-trong"
)

// planInsert is a plan without a limit that matters: limits are the product,
// here they would be all that is measured. It still is counted call by call.
const planInsert = `
insert into catalog.plan (slug, title_vi, title_en, rate_per_minute, quota_per_day, decision, position)
values ('bench', 'Đo tốc độ', 'Benchmark', 600000000, 2000000000, 'approval', 99)
on conflict do nothing`

func addPlan(ctx context.Context, p *platform) error {
	if _, err := p.db.Exec(ctx, planInsert); err != nil {
		return fmt.Errorf("add the plan: %w", err)
	}
	return nil
}

// document is the bench's own description of the list; schema says what the
// platform knows of its fields: {} is nothing, so an agreement is on the whole.
func document(schema string) string {
	return `{"openapi":"3.1.0","info":{"title":"Đo tốc độ","version":"1"},"paths":{"` + path + `":{"get":{"operationId":"crops",
	"summary":"Cây trồng","responses":{"200":{"description":"Cây trồng","content":{"application/json":{"schema":` + schema + `}}}}}}}}`
}

const cropsSchema = `{"type":"object","properties":{"tongSo":{"type":"integer"},"trang":{"type":"integer"},"kichThuoc":{"type":"integer"},
	"duLieu":{"type":"array","items":{"type":"object","properties":{"maCay":{"type":"string"},"ten":{"type":"string"},
	"nhom":{"type":"string"},"donViTinh":{"type":"string"}}}}}}`

// service is one published by the bench.
type service struct {
	slug   string
	access string // open, restricted
	schema string
	fields []string // agreed
	id     string   // of the version
	slugOp string   // of the operation
}

func (s *service) prefix(p *platform) string { return p.gateway + "/" + agency + "/" + s.slug + "/v1" }

// publish publishes the service through /api/v1 as the demo's publisher and,
// when it is restricted, has the demo's developer and steward agree on it.
func (s *service) publish(ctx context.Context, p *platform, upstreamURL string) error {
	var owner, api, version struct{ ID string }
	var operations struct{ Items []struct{ Slug string } }
	if err := p.api(ctx, "", "GET /agencies/"+agency, nil, &owner); err != nil {
		return err
	}
	if err := p.api(ctx, "publisher", "POST /apis", map[string]any{"agency_id": owner.ID, "slug": s.slug, "title_vi": "Đo tốc độ " + s.slug, "title_en": "Benchmark " + s.slug,
		"description_vi": "", "description_en": ""}, &api); err != nil {
		return err
	}
	if err := p.api(ctx, "publisher", "POST /apis/"+api.ID+"/versions", map[string]any{"number": "v1", "text": document(s.schema)}, &version); err != nil {
		return err
	}
	at := "/versions/" + version.ID
	if err := p.api(ctx, "publisher", "GET "+at+"/operations", nil, &operations); err != nil {
		return err
	}
	s.id, s.slugOp = version.ID, operations.Items[0].Slug
	mark := map[string]any{"access": s.access, "classification": "public", "subject_in": "", "subject_name": ""}
	for _, step := range []struct {
		where string
		body  any
	}{
		{"PUT " + at + "/operations", map[string]any{s.slugOp: mark}},
		{"PUT " + at + "/upstream", map[string]any{"url": upstreamURL}},
		{"PUT " + at + "/plan", map[string]any{"plan": "bench"}},
		{"POST " + at + "/publish", nil},
	} {
		if err := p.api(ctx, "publisher", step.where, step.body, &struct{}{}); err != nil {
			return err
		}
	}
	if s.access == "open" {
		return nil
	}
	return s.agree(ctx, p)
}

func (s *service) agree(ctx context.Context, p *platform) error {
	today := time.Now().UTC().Add(7 * time.Hour) // agreements count Vietnamese days
	var asked struct{ ID string }
	if err := p.api(ctx, "developer", "POST /agreements", map[string]any{
		"application_id": p.info.Application.ClientID, "version_id": s.id, "operations": []any{map[string]any{"operation": s.slugOp, "fields": s.fields}},
		"purpose": "kiem-thu", "purpose_text": "Đo tốc độ của cổng kết nối.", "legal_basis": "nd-194-2025-d16",
		"subjects": "Dữ liệu trình diễn", "volume_per_day": 1, "retention_days": 0,
		"starts": today.Format(time.DateOnly), "ends": today.AddDate(0, 1, 0).Format(time.DateOnly), "note": "",
	}, &asked); err != nil {
		return err
	}
	return p.api(ctx, "steward", "POST /agreements/"+asked.ID+"/approve", map[string]any{"text": "Đo tốc độ."}, &struct{}{})
}

// token is an access token of the demo's application for the service.
func (s *service) token(ctx context.Context, p *platform) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {s.prefix(p)}}
	r, err := http.NewRequestWithContext(ctx, "POST", p.portal+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("ask for a token: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(p.info.Application.ClientID, p.info.Application.ClientSecret)
	var out struct {
		AccessToken string `json:"access_token"`
	}
	return out.AccessToken, answered(r, &out)
}

// simulated is the origin of the demo's simulated system.
func simulated(ctx context.Context, p *platform) (string, error) {
	var out string
	err := p.db.QueryRow(ctx, `select v.upstream_url from catalog.version v join catalog.api a on a.id = v.api_id where a.slug = $1`, upstream).Scan(&out)
	if err != nil {
		return "", fmt.Errorf("find the simulated system: %w", err)
	}
	return out, nil
}
