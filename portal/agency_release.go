package portal

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"lgsp/gateway"
	"lgsp/internal/problem"
)

// readCanary reads the part "canary" of the form: addresses one a line, each
// with its weight behind it where that is not 1. Without any there is no canary.
func readCanary(r *http.Request) gateway.Canary {
	k := gateway.Canary{
		Percent: int(wholeNumber(r, "canary/percent")), Keep: r.PostFormValue("canary/keep") != "",
		Header: strings.TrimSpace(r.PostFormValue("canary/header")), Value: strings.TrimSpace(r.PostFormValue("canary/value")),
	}
	for line := range strings.Lines(r.PostFormValue("canary/upstreams")) {
		address, weight, several := strings.Cut(strings.TrimSpace(line), " ")
		if address == "" {
			continue
		}
		u := gateway.Upstream{URL: strings.TrimSuffix(address, "/"), Weight: 1}
		if several {
			var err error
			if u.Weight, err = strconv.Atoi(strings.TrimSpace(weight)); err != nil {
				u.Weight = -1 // which is told to be wrong
			}
		}
		k.Upstreams = append(k.Upstreams, u)
	}
	return k
}

// CanaryLines are the canary's addresses, as readCanary reads them.
func (d upstreamData) CanaryLines() string {
	var lines []string
	for _, u := range d.Traffic.Canary.Upstreams {
		line := u.URL
		if u.Weight > 1 {
			line += " " + strconv.Itoa(u.Weight)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// inLines says of the field with all lines what is wrong with one of them.
func inLines(err error) {
	var e *problem.Error
	if !errors.As(err, &e) {
		return
	}
	const field = "canary/upstreams"
	for i := range e.Fields {
		if strings.HasPrefix(e.Fields[i].Name, field+"/") {
			e.Fields[i].Name = field
		}
	}
}
