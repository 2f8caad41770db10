package gateway

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lgsp/auth"
)

const (
	protectedResource = "/.well-known/oauth-protected-resource" // RFC 9728 §3.1, before the version's prefix
	apiCatalog        = "/.well-known/api-catalog"              // RFC 9727
)

// wellKnown answers what tells programs about the gateway, false for all else.
func (c *call) wellKnown(r *http.Request) bool {
	path := rawPath(r.RequestURI)
	var body any
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return false
	case path == apiCatalog:
		c.answer.own.Set("Content-Type", `application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"`)
		c.answer.own.Set("Link", "<"+c.node.GatewayURL+apiCatalog+`>; rel="api-catalog"`)
		body = c.linkset()
	case strings.HasPrefix(path, protectedResource+"/"):
		prefix := strings.TrimPrefix(path, protectedResource)
		v := c.snapshot.routes[prefix]
		if v == nil {
			v = c.snapshot.sandboxes[prefix]
		}
		if v == nil {
			return false
		}
		c.answer.own.Set("Content-Type", "application/json")
		servers := []string{c.node.Issuer}
		if v.Traffic.ForeignIssuer != "" {
			servers = append(servers, v.Traffic.ForeignIssuer)
		}
		resource := map[string]any{
			"resource": c.node.audience(v), "authorization_servers": servers,
			"bearer_methods_supported": []string{"header"}, "dpop_signing_alg_values_supported": strings.Fields(auth.SigningAlgorithms),
			"resource_name": or(v.TitleEN, v.TitleVI), "resource_name#vi": v.TitleVI,
			"resource_documentation": c.node.docs(v),
		}
		if c.node.ClientURL != "" {
			resource["tls_client_certificate_bound_access_tokens"] = true
		}
		body = resource
	default:
		return false
	}
	c.answer.own.Set("Access-Control-Allow-Origin", "*")
	c.answer.own.Set("Cache-Control", "max-age=60")
	text, err := json.Marshal(body)
	if err != nil {
		return false // strings and lists of them encode
	}
	c.answer.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = c.answer.Write(text) // the caller may have gone
	}
	return true
}

// linkset lists the versions, by prefix (RFC 9264).
func (c *call) linkset() any {
	type link struct {
		Href  string `json:"href"`
		Title string `json:"title,omitempty"`
	}
	type entry struct {
		Anchor  string `json:"anchor"`
		Desc    []link `json:"service-desc"`
		Doc     []link `json:"service-doc"`
		Meta    []link `json:"service-meta"`
		Status  []link `json:"status"`
		version *version
	}
	list := make([]entry, 0, len(c.snapshot.routes))
	for _, v := range c.snapshot.routes {
		list = append(list, entry{version: v, Anchor: c.node.audience(v),
			Desc:   []link{{Href: c.node.docs(v) + "/openapi.json"}},
			Doc:    []link{{Href: c.node.docs(v), Title: or(v.TitleEN, v.TitleVI)}},
			Meta:   []link{{Href: c.node.GatewayURL + protectedResource + v.prefix}},
			Status: []link{{Href: c.node.docs(v) + "#availability"}, {Href: c.node.PortalURL + "/api/v1/versions/" + v.Version.String() + "/availability"}}})
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.Anchor, b.Anchor) })
	return map[string]any{"linkset": list}
}

const (
	corsHeaders = "Authorization, DPoP, X-API-Key, Content-Type, Accept, Accept-Language, LGSP-Purpose, LGSP-Dossier, Traceparent, X-Request-Id"
	corsExposed = "X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, DPoP-Nonce, Deprecation, Sunset, Link"
)

// cors allows pages of other origins to read the answer, problems too: the
// portal's pages any, every page an open operation's, and those that a version
// names its own. It needs no credential: browsers send none when they ask.
func (c *call) cors(r *http.Request) {
	own, origin := &c.answer.own, r.Header.Get("Origin")
	own.Set("Vary", "Origin")
	switch {
	case c.operation != nil && c.operation.Access == Open:
		own.Set("Access-Control-Allow-Origin", "*")
	case origin != "" && origin == originOf(c.node.PortalURL):
		own.Set("Access-Control-Allow-Origin", origin)
	case c.version != nil && c.version.Traffic.CORS.allows(origin) != "":
		own.Set("Access-Control-Allow-Origin", c.version.Traffic.CORS.allows(origin))
	default:
		return
	}
	exposed := corsExposed
	if c.version != nil {
		exposed = c.version.corsExposed
	}
	own.Set("Access-Control-Expose-Headers", exposed)
}

// preflight answers OPTIONS, which asks for no credential, and says whether
// this was one.
func (c *call) preflight(r *http.Request) bool {
	if r.Method != http.MethodOptions {
		return false
	}
	own := &c.answer.own
	if own.Get("Access-Control-Allow-Origin") != "" && r.Header.Get("Access-Control-Request-Method") != "" {
		own.Set("Access-Control-Allow-Methods", c.answer.allow)
		own.Set("Access-Control-Allow-Headers", c.version.corsHeaders)
		own.Set("Access-Control-Max-Age", "600")
	}
	own.Set("Allow", c.answer.allow)
	c.answer.WriteHeader(http.StatusNoContent)
	return true
}

// originOf is the origin of a URL (RFC 6454 §6.2).
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
