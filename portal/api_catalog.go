package portal

import (
	"encoding/json"
	"fmt"
	"net/http"

	"lgsp/auth"
	"lgsp/catalog"
)

// apiCatalogPath is where programs look for the APIs of a host (RFC 9727 §2).
const apiCatalogPath = "/.well-known/api-catalog"

// linked is an API with what there is to read about it (RFC 9264 §4.2, with
// the relations of RFC 8631).
type linked struct {
	Anchor string     `json:"anchor"`
	Desc   []linkedTo `json:"service-desc"`
	Doc    []linkedTo `json:"service-doc,omitempty"`
	Meta   []linkedTo `json:"service-meta,omitempty"`
	Status []linkedTo `json:"status"`
}

// linkedTo is one link.
type linkedTo struct {
	Href  string       `json:"href"`
	Type  string       `json:"type,omitempty"`
	Title []linkedText `json:"title*,omitempty"`
}

// linkedText is a title in one language (RFC 9264 §4.2.4.2).
type linkedText struct {
	Value    string `json:"value"`
	Language string `json:"language"`
}

// apiCatalog answers GET /.well-known/api-catalog: every version of
// every API that anybody may look up and that answers as a set of links, newest first, and the management API before
// them. Another origin's pages may read it.
func (p *Portal) apiCatalog(w http.ResponseWriter, r *http.Request) error {
	list, err := p.linkset(r)
	if err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{"linkset": list})
	if err != nil {
		return fmt.Errorf("write api catalog: %w", err)
	}
	w.Header().Set("Content-Type", `application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"`)
	w.Header().Set("Link", "<"+p.Origin+apiCatalogPath+`>; rel="api-catalog"`) // §2: of HEAD too
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(text) // the reader may have gone
	return nil
}

// linkset lists what anybody may call, whoever asks.
func (p *Portal) linkset(r *http.Request) ([]linked, error) {
	status := []linkedTo{{Href: p.Origin + "/status", Type: "text/html"}} // of all; that of a version is its own
	list := []linked{{Anchor: p.Origin + "/api/v1", Desc: []linkedTo{{Href: p.Origin + "/api/v1/openapi.json", Type: "application/json"}}, Status: status}}
	for after := ""; ; {
		apis, next, err := p.Catalog.ListAPIs(r.Context(), auth.Principal{}, catalog.APIFilter{Limit: 100, After: after})
		if err != nil {
			return nil, err
		}
		for _, a := range apis {
			title := []linkedText{{a.TitleVI, "vi"}}
			if a.TitleEN != "" {
				title = append(title, linkedText{a.TitleEN, "en"})
			}
			for _, v := range a.Versions {
				if v.State == catalog.Retired {
					continue
				}
				page := p.Origin + "/apis" + v.Prefix()
				list = append(list, linked{Anchor: p.Gateway + v.Prefix(),
					Status: []linkedTo{{Href: page + "#availability", Type: "text/html"}, {Href: p.Origin + "/api/v1/versions/" + v.ID.String() + "/availability", Type: "application/json"}},
					Desc:   []linkedTo{{Href: page + "/openapi.json", Type: "application/json"}},
					Doc:    []linkedTo{{Href: page, Type: "text/html", Title: title}},
					Meta:   []linkedTo{{Href: p.Gateway + "/.well-known/oauth-protected-resource" + v.Prefix(), Type: "application/json"}}})
			}
		}
		if next == "" {
			return list, nil
		}
		after = next
	}
}
