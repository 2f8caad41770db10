package gateway

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"lgsp/internal/problem"
)

// CORS is which pages may call a version's operations from a browser, beside
// the portal's, and beside every page for its open ones. No cookie counts at the
// gateway, so none is let along.
type CORS struct {
	Origins []string `json:"origins,omitempty"` // 32 at most, as https://app.province.gov.vn; or "*" alone
	Headers []string `json:"headers,omitempty"` // that a call may have beside the usual ones; 16 at most
	Exposed []string `json:"exposed,omitempty"` // that a page may read of an answer beside the usual ones; 16 at most
}

const (
	maxOrigins     = 32
	maxCORSHeaders = 16
)

func (c CORS) check(wrong *problem.Error) {
	for _, origin := range c.Origins {
		if !isOrigin(origin) && (origin != "*" || len(c.Origins) > 1) {
			wrong.Wrong("cors/origins", "traffic-origin", "no origin")
			break
		}
	}
	if len(c.Origins) > maxOrigins {
		wrong.Wrong("cors/origins", "traffic-too-many", "over 32", "most", itoa(maxOrigins))
	}
	for _, list := range []struct {
		field string
		names []string
	}{{"cors/headers", c.Headers}, {"cors/exposed", c.Exposed}} {
		if len(list.names) > maxCORSHeaders {
			wrong.Wrong(list.field, "traffic-too-many", "over 16", "most", itoa(maxCORSHeaders))
		}
		if slices.ContainsFunc(list.names, func(name string) bool { return !isHeaderName(name) }) {
			wrong.Wrong(list.field, "traffic-header-name", "no name of a header")
		}
	}
}

// isOrigin reports whether a text is how a browser writes the origin of a page
// (RFC 6454 §6.2).
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || text != strings.ToLower(u.Scheme+"://"+u.Host) {
		return false
	}
	_, err = netip.ParseAddr(u.Hostname())
	return err == nil || nameForm.MatchString(u.Hostname())
}

var headerForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)

// isHeaderName reports whether a text may be set as a header's name: a part of
// what RFC 9110 §5.1 allows, which nothing reads as another.
func isHeaderName(name string) bool { return headerForm.MatchString(name) }

// allows gives what Access-Control-Allow-Origin says to an origin, "": nothing.
func (c CORS) allows(origin string) string {
	switch {
	case len(c.Origins) == 1 && c.Origins[0] == "*":
		return "*"
	case origin != "" && slices.Contains(c.Origins, origin):
		return origin
	}
	return ""
}

// with is a list of headers with those that a version adds.
func with(usual string, more []string) string {
	return strings.Join(append([]string{usual}, more...), ", ")
}
