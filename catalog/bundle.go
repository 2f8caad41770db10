package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// Bundle is everything of a version that decides its calls and what is read of
// it, at one time. What is secret (the key shown to upstreams) is not in it.
type Bundle struct {
	Text  string    `json:"-"` // the document, as it was imported
	Pages []DocPage `json:"pages"`
	Settings
}

// Settings are the parts of a bundle that say how calls are decided and sent.
type Settings struct {
	Plan       string          `json:"plan"` // "": none is chosen
	Upstreams  []UpstreamShare `json:"upstreams"`
	Traffic    json.RawMessage `json:"traffic"`    // as SetTraffic takes it
	Operations map[string]Mark `json:"operations"` // by slug; Access "": not marked
}

// The parts of a bundle, in the order in which people read them.
const (
	PartDocument   = "document"
	PartPages      = "pages"
	PartPlan       = "plan"
	PartUpstreams  = "upstreams"
	PartTraffic    = "traffic"
	PartOperations = "operations"
)

const bundleSQL = `
select v.spec_text as text, v.pages, coalesce(v.plan_slug, '') as plan,
       case when v.upstreams -> 0 ->> 'url' = v.upstream_url then v.upstreams when v.upstream_url = '' then '[]'
            else jsonb_build_array(jsonb_build_object('url', v.upstream_url, 'weight', 1)) end as upstreams,
       v.traffic,
       coalesce((select jsonb_object_agg(o.slug, jsonb_build_object('access', o.access, 'classification', o.classification,
                        'subject_in', o.subject_in, 'subject_name', o.subject_name))
                   from catalog.operation o where o.version_id = v.id), '{}') as operations
  from catalog.version v
 where v.id = $1`

// bundleOf is the bundle that a version is.
func bundleOf(ctx context.Context, db pg.DB, version uuid.UUID) (Bundle, error) {
	b, err := pg.One[Bundle](ctx, db, bundleSQL, version)
	if err != nil {
		return Bundle{}, fmt.Errorf("read bundle of %s: %w", version, err)
	}
	return b, nil
}

// Hash is the bundle's SHA-256, hexadecimal: of one JSON text, in which the
// document stands by its own SHA-256 and names are sorted. Whoever has the
// parts can reckon it.
func (b Bundle) Hash() string {
	document := sha256.Sum256([]byte(b.Text))
	text, err := json.Marshal(map[string]any{
		PartDocument: hex.EncodeToString(document[:]), PartPages: b.Pages, PartPlan: b.Plan, PartUpstreams: b.Upstreams,
		PartTraffic: sorted(b.Traffic), PartOperations: b.Operations,
	})
	if err != nil {
		return "" // there is nothing in it that cannot be written
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// sorted is a JSON value that is written with its names sorted; what is none
// is nothing.
func sorted(text json.RawMessage) any {
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return nil
	}
	return value
}

// SettingChange is one thing of a bundle beside its document that is otherwise
// than before.
type SettingChange struct {
	Part   string `json:"part"`   // pages, plan, upstreams, traffic, operations
	Name   string `json:"name"`   // upstream's address; operation's slug; page's slug and field; pointer into the traffic; "" of the plan
	Before string `json:"before"` // "": it was not there
	After  string `json:"after"`  // "": it is gone
}

// compareSettings tells what of a bundle beside its document became otherwise,
// part by part.
func compareSettings(before, after Bundle) []SettingChange {
	list := []SettingChange{}
	say := func(part string, was, is map[string]string) {
		names := slices.Sorted(maps.Keys(was))
		for name := range is {
			if _, known := was[name]; !known {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			if was[name] != is[name] {
				list = append(list, SettingChange{Part: part, Name: name, Before: was[name], After: is[name]})
			}
		}
	}
	say(PartPlan, map[string]string{"": before.Plan}, map[string]string{"": after.Plan})
	say(PartUpstreams, before.upstreamWords(), after.upstreamWords())
	say(PartOperations, before.markWords(), after.markWords())
	say(PartTraffic, before.trafficWords(), after.trafficWords())
	say(PartPages, before.pageWords(), after.pageWords())
	return list
}

// upstreamWords are the upstreams with their weights, "1" of the only one.
func (b Bundle) upstreamWords() map[string]string {
	words := map[string]string{}
	for _, share := range b.Upstreams {
		words[share.URL] = strconv.Itoa(share.Weight)
	}
	return words
}

// markWords are the marks as "personal confidential path soDinhDanh".
func (b Bundle) markWords() map[string]string {
	words := map[string]string{}
	for slug, m := range b.Operations {
		words[slug] = strings.TrimSpace(strings.Join([]string{m.Access, m.Classification, m.SubjectIn, m.SubjectName}, " "))
	}
	return words
}

// trafficWords are the values of a traffic by their places in it.
func (b Bundle) trafficWords() map[string]string {
	words := map[string]string{}
	var walk func(at string, value any)
	walk = func(at string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for name, member := range v {
				walk(at+"/"+name, member)
			}
		case []any:
			for i, element := range v {
				walk(at+"/"+strconv.Itoa(i), element)
			}
		case string:
			words[at] = v
		case nil: // nothing is set
		default:
			words[at] = fmt.Sprint(v)
		}
	}
	walk("", sorted(b.Traffic))
	return words
}

// pageWords are the pages' texts by slug and field, and their order.
func (b Bundle) pageWords() map[string]string {
	words := map[string]string{}
	for i, p := range b.Pages {
		at := p.Slug + "/"
		words[at+"place"] = strconv.Itoa(i + 1)
		words[at+"title_vi"], words[at+"title_en"] = p.TitleVI, p.TitleEN
		words[at+"body_vi"], words[at+"body_en"] = p.BodyVI, p.BodyEN
	}
	return words
}

// onto is what becomes of a prepared bundle when what it was prepared on has
// changed meanwhile: each part, of marks each operation, that was prepared
// otherwise stays as prepared, and the others are as they are now.
func (b Bundle) onto(base, now Bundle) Bundle {
	merged := now
	if b.Text != base.Text {
		merged.Text = b.Text
	}
	if b.Plan != base.Plan {
		merged.Plan = b.Plan
	}
	if !slices.Equal(b.Upstreams, base.Upstreams) {
		merged.Upstreams = b.Upstreams
	}
	if !slices.Equal(b.Pages, base.Pages) {
		merged.Pages = b.Pages
	}
	if !maps.Equal(b.trafficWords(), base.trafficWords()) {
		merged.Traffic = b.Traffic
	}
	merged.Operations = maps.Clone(now.Operations)
	for slug, m := range b.Operations {
		if was, known := base.Operations[slug]; !known || was != m {
			merged.Operations[slug] = m
		}
	}
	return merged
}
