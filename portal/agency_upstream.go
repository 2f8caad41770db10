package portal

import (
	"net/http"

	"github.com/gorilla/mux"

	"lgsp/gateway"
	"lgsp/internal/problem"
	"lgsp/web"
)

// upstreamData is the data of the page "agency-upstream".
type upstreamData struct {
	versionPage
	Protocols []web.Option
}

// upstreamParts read the parts of a version's traffic that say how its calls
// reach its upstream, each from a form of its own.
var upstreamParts = map[string]func(*http.Request, *gateway.Traffic){
	"protocol": func(r *http.Request, t *gateway.Traffic) { t.Protocol = r.PostFormValue("protocol") },
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
	return page{Name: "agency-upstream", Data: data}, nil
}

// setUpstreamPart answers POST …/{version}/upstream/{part}.
func (p *Portal) setUpstreamPart(r *http.Request) (page, error) {
	read := upstreamParts[mux.Vars(r)["part"]]
	if read == nil {
		return page{}, problem.Errorf(problem.NotFound, "an upstream has no such part")
	}
	answer, err := p.setTraffic(r, "upstream.saved", func(t *gateway.Traffic) { read(r, t) })
	if err != nil {
		return again(r, p.upstreamForm, err)
	}
	return answer, nil
}
