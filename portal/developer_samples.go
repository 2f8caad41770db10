package portal

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lgsp/catalog"
)

// sample is one call written in one language.
type sample struct {
	Label string // curl, JavaScript, Python, Go, Java, C#: the same in both languages
	Lang  string // shell, javascript, python, go, java, csharp
	Code  string
}

// sampleCall is what the samples of an operation send.
type sampleCall struct {
	Method, URL string
	Headers     []sampleHeader
	Body, Type  string // "" when nothing is sent
}

// sampleHeader is one header of a call. Its value is Before with what the
// environment holds under Variable, or, without one, Value.
type sampleHeader struct{ Name, Before, Variable, Value string }

// callOf is a call of an operation with the examples of its document. base is
// the version's address at the gateway. A personal operation takes a token, a
// restricted one a key.
func callOf(base string, o catalog.Operation) sampleCall {
	c := sampleCall{Method: o.Method}
	switch o.Access {
	case catalog.Restricted:
		c.Headers = append(c.Headers, sampleHeader{Name: "X-API-Key", Variable: "LGSP_KEY"})
	case catalog.Personal:
		c.Headers = append(c.Headers, sampleHeader{Name: "Authorization", Before: "Bearer ", Variable: "LGSP_TOKEN"})
	}
	path, query := o.Path, url.Values{}
	for _, p := range o.Doc.Parameters {
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(exampleOf(p)))
		case p.In == "query" && p.Required:
			query.Set(p.Name, exampleOf(p))
		case p.In == "header" && p.Required:
			c.Headers = append(c.Headers, sampleHeader{Name: p.Name, Value: exampleOf(p)})
		}
	}
	c.URL = base + path
	if len(query) > 0 {
		c.URL += "?" + query.Encode()
	}
	if b := o.Doc.Body; b != nil && len(b.MediaTypes) > 0 {
		c.Type, c.Body = b.MediaTypes[0], compacted(bodyOf(b))
		c.Headers = append(c.Headers, sampleHeader{Name: "Content-Type", Value: c.Type})
	}
	return c
}

// compacted is JSON without its spaces, and what is none as it is.
func compacted(text string) string {
	var compact bytes.Buffer
	if json.Compact(&compact, []byte(text)) == nil {
		return compact.String()
	}
	return text
}

// withKey is the call with a key that has just been made in place of the
// variable: for the one page that shows it.
func (c sampleCall) withKey(key string) sampleCall {
	c.Headers = append([]sampleHeader{{Name: "X-API-Key", Value: key}},
		slices.DeleteFunc(slices.Clone(c.Headers), func(h sampleHeader) bool { return h.Name == "X-API-Key" })...)
	return c
}

var notWord = regexp.MustCompile(`[^A-Z0-9]+`)

// exampleOf is a value for a parameter: its example, or its name in capitals.
func exampleOf(p catalog.Parameter) string {
	for _, value := range append([]string{p.Example, p.Default}, p.Enum...) {
		if value != "" {
			return value
		}
	}
	return notWord.ReplaceAllString(strings.ToUpper(p.Name), "_")
}

// samples writes the call in each language: whole programs of their standard
// libraries alone, whose first line says how they are run.
func (c sampleCall) samples() []sample {
	return []sample{
		{"curl", "shell", c.curl()},
		{"JavaScript", "javascript", c.javascript()},
		{"Python", "python", c.python()},
		{"Go", "go", c.golang()},
		{"Java", "java", c.java()},
		{"C#", "csharp", c.csharp()},
	}
}

func (c sampleCall) curl() string {
	lines := []string{"curl " + shellQuote(c.URL)}
	if c.Method != "GET" {
		lines[0] = "curl -X " + c.Method + " " + shellQuote(c.URL)
	}
	for _, h := range c.Headers {
		if h.Variable != "" {
			lines = append(lines, `-H "`+h.Name+": "+h.Before+"$"+h.Variable+`"`)
		} else {
			lines = append(lines, "-H "+shellQuote(h.Name+": "+h.Value))
		}
	}
	if c.Type != "" {
		lines = append(lines, "-d "+shellQuote(c.Body))
	}
	return strings.Join(lines, " \\\n  ")
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// quote writes a string as all of these languages read it.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil { // strings always encode
		return strconv.Quote(s)
	}
	return strings.TrimSpace(b.String())
}

// tokenCall asks for a token for a version with an application's id and
// secret (RFC 6749 §4.4, RFC 8707).
func (p *Portal) tokenCall(client, resource string) string {
	return "curl " + p.Origin + "/oauth2/token \\\n  -u \"" + client + ":$LGSP_SECRET\" \\\n  -d grant_type=client_credentials \\\n  -d resource=" + resource
}
