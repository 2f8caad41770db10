package portal

import (
	"net/http"
	"slices"

	"lgsp/gateway"
	"lgsp/web"
)

// setCallers answers POST …/{version}/traffic/callers: whether programs that
// know nothing else may call by HTTP Basic, whether applications may sign their
// calls, and whose tokens are taken beside ours.
func (p *Portal) setCallers(r *http.Request) (page, error) {
	answer, err := p.setTraffic(r, "traffic.saved", func(t *gateway.Traffic) {
		t.Basic, t.ForeignIssuer = r.PostFormValue("basic") != "", r.PostFormValue("foreign_issuer")
		t.Signatures = r.PostFormValue("signatures") != ""
	})
	if err != nil {
		return again(r, p.trafficForm, err)
	}
	return answer, nil
}

// issuerOptions are the issuers that a version may take tokens of, none first,
// and the one it takes though no operator has it any more.
func (p *Portal) issuerOptions(r *http.Request, chosen string) ([]web.Option, error) {
	var options []web.Option
	if err := p.choice(r, &options, "", "traffic.foreign-none"); err != nil {
		return nil, err
	}
	list, err := p.Auth.BelievedIssuers(r.Context())
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		options = append(options, web.Option{Value: i.Issuer, Text: i.Name + " (" + i.Issuer + ")"})
	}
	if !slices.ContainsFunc(options, func(o web.Option) bool { return o.Value == chosen }) {
		options = append(options, web.Option{Value: chosen, Text: chosen})
	}
	return options, nil
}
