package portal

import (
	"net/http"

	"lgsp/gateway"
)

// setCallers answers POST …/{version}/traffic/callers: whether programs that
// know nothing else may call by HTTP Basic.
func (p *Portal) setCallers(r *http.Request) (page, error) {
	answer, err := p.setTraffic(r, "traffic.saved", func(t *gateway.Traffic) { t.Basic = r.PostFormValue("basic") != "" })
	if err != nil {
		return again(r, p.trafficForm, err)
	}
	return answer, nil
}
