package gateway

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"lgsp/gateway/route"
	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// Rewrite is what is changed of a call on its way to the upstream, and of its
// answer. It never touches who is calling, what frames a message, or what the
// gateway itself says. The zero one changes nothing.
type Rewrite struct {
	StripPrefix string        `json:"strip_prefix,omitempty"` // taken off the path behind the version's address, where it begins so
	AddPrefix   string        `json:"add_prefix,omitempty"`   // then put before it, behind the path of the upstream's address
	Request     HeaderChanges `json:"request,omitzero"`
	Answer      HeaderChanges `json:"answer,omitzero"`
}

// HeaderChanges are headers that are set, in place of those that came, and
// headers that are taken away; 16 of each at most.
type HeaderChanges struct {
	Set    map[string]string `json:"set,omitempty"` // visible ASCII, 1 to 1,024 bytes
	Remove []string          `json:"remove,omitempty"`
}

const maxHeaderChanges = 16

// fixed are headers that no version changes, beside hopByHop, ours and partial,
// of a request, and notPassed, of an answer.
var fixed = map[string]bool{"Content-Type": true, "Content-Encoding": true, "Content-Length": true, "Content-Range": true, "Date": true, "Via": true,
	"Vary": true, "Www-Authenticate": true, "Link": true, "Deprecation": true, "Sunset": true, "Allow": true, "X-Request-Id": true, "Traceparent": true,
	"Retry-After": true, "Location": true}

func fixedInRequest(name string) bool {
	return fixed[name] || hopByHop[name] || isOurs(name) || partial[name]
}

func fixedInAnswer(name string) bool {
	return fixed[name] || hopByHop[name] || slices.Contains(notPassed, name) || isOurs(name) || strings.HasPrefix(name, "Access-Control-") || strings.Contains(name, "Ratelimit")
}

const maxHeaderValue = 1024 // bytes

var valueForm = regexp.MustCompile(`^[!-~]([ -~]*[!-~])?$`)

func (w Rewrite) check(wrong *problem.Error) {
	for _, prefix := range []struct{ field, path string }{{"rewrite/strip_prefix", w.StripPrefix}, {"rewrite/add_prefix", w.AddPrefix}} {
		if canonical, err := route.Canonical(prefix.path); prefix.path != "" && (err != nil || canonical != prefix.path || strings.HasSuffix(canonical, "/") || len(canonical) > 256) {
			wrong.Wrong(prefix.field, "traffic-prefix", "no plain path without a slash at the end")
		}
	}
	w.Request.check("rewrite/request", fixedInRequest, wrong)
	w.Answer.check("rewrite/answer", fixedInAnswer, wrong)
}

func (h HeaderChanges) check(field string, isFixed func(string) bool, wrong *problem.Error) {
	bad := func(name string) string {
		switch {
		case !isHeaderName(name):
			return "traffic-header-name"
		case isFixed(http.CanonicalHeaderKey(name)):
			return "traffic-header-fixed"
		}
		return ""
	}
	if len(h.Set) > maxHeaderChanges {
		wrong.Wrong(field+"/set", "traffic-too-many", "over 16", "most", itoa(maxHeaderChanges))
	}
	if len(h.Remove) > maxHeaderChanges {
		wrong.Wrong(field+"/remove", "traffic-too-many", "over 16", "most", itoa(maxHeaderChanges))
	}
	for _, name := range slices.Sorted(maps.Keys(h.Set)) {
		code := bad(name)
		if code == "" && (len(h.Set[name]) > maxHeaderValue || !valueForm.MatchString(h.Set[name])) {
			code = "traffic-header-value"
		}
		if code != "" {
			wrong.Wrong(field+"/set", code, name+" cannot be set so", "name", name)
			break
		}
	}
	for _, name := range h.Remove {
		if code := bad(name); code != "" {
			wrong.Wrong(field+"/remove", code, name+" cannot be taken away", "name", name)
			break
		}
	}
}

// rewrite is a compiled Rewrite.
type rewrite struct {
	strip, add      string
	request, answer headerChanges
}

// headerChanges are compiled HeaderChanges.
type headerChanges struct {
	dropped map[string]bool // what is set too
	set     http1.Fields
}

func (w Rewrite) compile() rewrite {
	return rewrite{strip: w.StripPrefix, add: w.AddPrefix, request: w.Request.compile(), answer: w.Answer.compile()}
}

func (h HeaderChanges) compile() headerChanges {
	var c headerChanges
	if len(h.Set)+len(h.Remove) == 0 {
		return c
	}
	c.dropped = map[string]bool{}
	for _, name := range h.Remove {
		c.dropped[http.CanonicalHeaderKey(name)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(h.Set)) {
		c.dropped[http.CanonicalHeaderKey(name)] = true
		c.set.Add(http.CanonicalHeaderKey(name), h.Set[name])
	}
	return c
}

// drop has one more header taken away.
func (h *headerChanges) drop(name string) {
	if h.dropped == nil {
		h.dropped = map[string]bool{}
	}
	h.dropped[name] = true
}

// drops reports whether a header is not passed on as it came, by whatever
// spelling that an upstream may read as the same.
func (h headerChanges) drops(name string) bool {
	if h.dropped == nil {
		return false
	}
	if strings.ContainsAny(name, "_.") {
		name = http.CanonicalHeaderKey(dashes.Replace(name))
	}
	return h.dropped[name]
}

// apply changes fields in place.
func (h headerChanges) apply(fields http1.Fields) http1.Fields {
	return append(h.without(fields), h.set...)
}

// without takes away what is not passed on, and sets nothing.
func (h headerChanges) without(fields http1.Fields) http1.Fields {
	if h.dropped != nil {
		fields.Keep(func(line http1.Field) bool { return !h.drops(line.Name) })
	}
	return fields
}

// path is where a call goes, behind the path of the upstream's address.
func (w rewrite) path(rest string) string {
	if after, ok := strings.CutPrefix(rest, w.strip); ok && (after == "" || after[0] == '/') {
		rest = after
	}
	return w.add + rest
}
