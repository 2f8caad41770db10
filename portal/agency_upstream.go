package portal

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/gateway"
	"lgsp/internal/problem"
	"lgsp/web"
)

// upstreamData is the data of the page "agency-upstream".
type upstreamData struct {
	versionPage
	Protocols []web.Option
	Shown     gateway.ClientCertificate // the zero one: none
}

// Origins are the pages that may call, one a line.
func (d upstreamData) Origins() string { return strings.Join(d.Traffic.CORS.Origins, "\n") }

// upstreamParts read the parts of a version's traffic that say how its calls
// reach its upstream, each from a form of its own.
var upstreamParts = map[string]func(*http.Request, *gateway.Traffic){
	"tls": func(r *http.Request, t *gateway.Traffic) {
		t.TLS = gateway.UpstreamTLS{CA: strings.TrimSpace(r.PostFormValue("tls/ca")), ServerName: strings.ToLower(strings.TrimSpace(r.PostFormValue("tls/server_name")))}
	},
	"cors": func(r *http.Request, t *gateway.Traffic) {
		names := func(name string) []string { return typedNames(r.PostFormValue(name)) }
		t.CORS = gateway.CORS{Origins: names("cors/origins"), Headers: names("cors/headers"), Exposed: names("cors/exposed")}
	},
	"health": func(r *http.Request, t *gateway.Traffic) {
		t.Health = gateway.HealthCheck{Path: strings.TrimSpace(r.PostFormValue("health/path")), EverySeconds: int(wholeNumber(r, "health/every_seconds"))}
	},
	"rewrite":  func(r *http.Request, t *gateway.Traffic) { t.Rewrite = readRewrite(r) },
	"protocol": func(r *http.Request, t *gateway.Traffic) { t.Protocol = r.PostFormValue("protocol") },
	"mirror": func(r *http.Request, t *gateway.Traffic) {
		t.Mirror = gateway.Mirror{URL: strings.TrimSuffix(strings.TrimSpace(r.PostFormValue("mirror/url")), "/"), Percent: int(wholeNumber(r, "mirror/percent"))}
	},
	"canary": func(r *http.Request, t *gateway.Traffic) { t.Canary = readCanary(r) },
}

// upstreamForm answers GET …/{version}/upstream: how the version's calls reach
// the system behind it, a section for each part of that.
func (p *Portal) upstreamForm(r *http.Request) (page, error) {
	v, err := p.versionPage(r)
	if err != nil {
		return page{}, err
	}
	data := upstreamData{versionPage: v}
	for _, o := range []web.Option{{Text: "upstream.protocol-agreed"}, {Value: gateway.HTTP1, Text: "upstream.protocol-http1"}, {Value: gateway.HTTP2, Text: "upstream.protocol-h2"}} {
		if err := p.choice(r, &data.Protocols, o.Value, o.Text); err != nil {
			return page{}, err
		}
	}
	data.Shown, err = p.ClientCertificate(r.Context(), v.Version.ID)
	return page{Name: "agency-upstream", Data: data}, err
}

// setUpstreamPart answers POST …/{version}/upstream/{part}.
func (p *Portal) setUpstreamPart(r *http.Request) (page, error) {
	read := upstreamParts[mux.Vars(r)["part"]]
	if read == nil {
		return page{}, problem.Errorf(problem.NotFound, "an upstream has no such part")
	}
	answer, err := p.setTraffic(r, "upstream.saved", func(t *gateway.Traffic) { read(r, t) })
	if err != nil {
		inLines(err)
		return again(r, p.upstreamForm, err)
	}
	return answer, nil
}

// setUpstreamKey answers POST …/{version}/upstream/client-key: what the system
// behind is shown, or with "end" that it is shown nothing.
func (p *Portal) setUpstreamKey(r *http.Request) (page, error) {
	d, v, err := p.version(r)
	if err != nil {
		return page{}, err
	}
	certificate, key := strings.TrimSpace(r.PostFormValue("certificate")), strings.TrimSpace(r.PostFormValue("key"))
	switch {
	case r.PostFormValue("end") != "":
		certificate, key = "", ""
	case certificate == "" && key == "":
		key = "-" // which is told to be wrong: nothing at all would end it
	}
	if _, err := p.Catalog.SetClientKey(r.Context(), d.who, v.ID, certificate, key); err != nil {
		r.PostForm.Del("key") // it is not written into the page again
		return again(r, p.upstreamForm, err)
	}
	return page{To: d.At("apis", d.API.Slug, v.Number, "upstream"), Flash: &web.Flash{Key: "upstream.saved"}}, nil
}
