package dcat

import (
	"mime"
	"strconv"
	"strings"
)

// mostAccepted is how many media ranges of an Accept header are read.
const mostAccepted = 32

// preferred is the syntax that an Accept header prefers to a page, if it does.
// Of equal weights the page wins, then the order of syntaxes: a browser, and a
// program that takes anything, gets the page. What cannot be read is as if it
// were not there.
func preferred(accept string) (syntax, bool) {
	weights := map[string]float64{}
	for i, part := range strings.SplitN(accept, ",", mostAccepted+1) {
		if i == mostAccepted {
			break
		}
		media, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		weight := 1.0
		if q, ok := parameters["q"]; ok {
			if weight, err = strconv.ParseFloat(q, 64); err != nil || !(weight >= 0 && weight <= 1) {
				continue
			}
		}
		weights[media] = max(weights[media], weight)
	}
	page := max(weights["text/html"], weights["application/xhtml+xml"], weights["*/*"], weights["text/*"])
	best, found := syntax{}, false
	for _, s := range syntaxes {
		if weight := weights[s.media]; weight > page {
			best, found, page = s, true, weight
		}
	}
	return best, found
}
