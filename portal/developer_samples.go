package portal

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"lgsp/catalog"
)

// sample is one call written in one language.
type sample struct {
	Label string // curl, JavaScript, Python, Go: the same in both languages
	Lang  string // shell, javascript, python, go
	Code  string
}

// sampleCall is what the samples of an operation send.
type sampleCall struct {
	Method, URL  string
	Header, Name string // header that carries the credential and the variable it comes from; "" for an open operation
	Body, Type   string // "" when nothing is sent
}

// callOf is a call of an operation with the examples of its document. base is
// the version's address at the gateway. A personal operation takes a token, a
// restricted one a key.
func callOf(base string, o catalog.Operation) sampleCall {
	c := sampleCall{Method: o.Method}
	path, query := o.Path, url.Values{}
	for _, p := range o.Doc.Parameters {
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(exampleOf(p)))
		case p.In == "query" && p.Required:
			query.Set(p.Name, exampleOf(p))
		}
	}
	c.URL = base + path
	if len(query) > 0 {
		c.URL += "?" + query.Encode()
	}
	switch o.Access {
	case catalog.Restricted:
		c.Header, c.Name = "X-API-Key", "LGSP_KEY"
	case catalog.Personal:
		c.Header, c.Name = "Authorization", "LGSP_TOKEN"
	}
	if b := o.Doc.Body; b != nil && len(b.MediaTypes) > 0 {
		c.Type, c.Body = b.MediaTypes[0], b.Example
		var compact bytes.Buffer
		if json.Compact(&compact, []byte(b.Example)) == nil {
			c.Body = compact.String()
		}
	}
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

// samples writes the call in each language.
func (c sampleCall) samples() []sample {
	return []sample{
		{"curl", "shell", c.curl()},
		{"JavaScript", "javascript", c.javascript()},
		{"Python", "python", c.python()},
		{"Go", "go", c.golang()},
	}
}

// bearer is what stands before the variable in the header.
func (c sampleCall) bearer() string {
	if c.Header == "Authorization" {
		return "Bearer "
	}
	return ""
}

func (c sampleCall) curl() string {
	lines := []string{"curl " + shellQuote(c.URL)}
	if c.Method != "GET" {
		lines[0] = "curl -X " + c.Method + " " + shellQuote(c.URL)
	}
	if c.Header != "" {
		lines = append(lines, `-H "`+c.Header+": "+c.bearer()+"$"+c.Name+`"`)
	}
	if c.Type != "" {
		lines = append(lines, "-H "+shellQuote("Content-Type: "+c.Type), "-d "+shellQuote(c.Body))
	}
	return strings.Join(lines, " \\\n  ")
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// quote writes a string as JavaScript, Python and Go all read it.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil { // strings always encode
		return strconv.Quote(s)
	}
	return strings.TrimSpace(b.String())
}

func (c sampleCall) javascript() string {
	var b strings.Builder
	b.WriteString("const answer = await fetch(" + quote(c.URL))
	if c.Method != "GET" || c.Header != "" || c.Type != "" {
		b.WriteString(", {\n")
		if c.Method != "GET" {
			b.WriteString("  method: " + quote(c.Method) + ",\n")
		}
		if c.Header != "" || c.Type != "" {
			b.WriteString("  headers: {\n")
			if c.Header != "" {
				b.WriteString("    " + quote(c.Header) + ": `" + c.bearer() + "${process.env." + c.Name + "}`,\n")
			}
			if c.Type != "" {
				b.WriteString(`    "Content-Type": ` + quote(c.Type) + ",\n")
			}
			b.WriteString("  },\n")
		}
		if c.Type != "" {
			b.WriteString("  body: " + quote(c.Body) + ",\n")
		}
		b.WriteString("}")
	}
	b.WriteString(");\nif (!answer.ok) throw new Error(await answer.text());\nconsole.log(await answer.json());")
	return b.String()
}

func (c sampleCall) python() string {
	var b strings.Builder
	if c.Header != "" {
		b.WriteString("import os\n")
	}
	b.WriteString("import requests\n\nanswer = requests.request(\n    " + quote(c.Method) + ",\n    " + quote(c.URL) + ",\n")
	if c.Header != "" || c.Type != "" {
		b.WriteString("    headers={\n")
		switch {
		case c.bearer() != "":
			b.WriteString(`        "Authorization": "Bearer " + os.environ["` + c.Name + "\"],\n")
		case c.Header != "":
			b.WriteString("        " + quote(c.Header) + `: os.environ["` + c.Name + "\"],\n")
		}
		if c.Type != "" {
			b.WriteString(`        "Content-Type": ` + quote(c.Type) + ",\n")
		}
		b.WriteString("    },\n")
	}
	if c.Type != "" {
		b.WriteString("    data=" + quote(c.Body) + ".encode(),\n")
	}
	b.WriteString("    timeout=10,\n)\nanswer.raise_for_status()\nprint(answer.json())")
	return b.String()
}

func (c sampleCall) golang() string {
	body := "nil"
	if c.Type != "" {
		body = "strings.NewReader(" + quote(c.Body) + ")"
	}
	var b strings.Builder
	b.WriteString("request, err := http.NewRequest(" + quote(c.Method) + ", " + quote(c.URL) + ", " + body + ")\n")
	b.WriteString("if err != nil {\n\treturn err\n}\n")
	if c.Header != "" {
		b.WriteString("request.Header.Set(" + quote(c.Header) + ", ")
		if c.bearer() != "" {
			b.WriteString(quote(c.bearer()) + "+")
		}
		b.WriteString(`os.Getenv("` + c.Name + "\"))\n")
	}
	if c.Type != "" {
		b.WriteString(`request.Header.Set("Content-Type", ` + quote(c.Type) + ")\n")
	}
	b.WriteString("answer, err := http.DefaultClient.Do(request)\nif err != nil {\n\treturn err\n}\ndefer answer.Body.Close()\n")
	b.WriteString("_, err = io.Copy(os.Stdout, answer.Body)\nreturn err")
	return b.String()
}

// tokenCall asks for a token for a version with an application's id and
// secret (RFC 6749 §4.4, RFC 8707).
func (p *Portal) tokenCall(client, resource string) string {
	return "curl " + p.Origin + "/oauth2/token \\\n  -u \"" + client + ":$LGSP_SECRET\" \\\n  -d grant_type=client_credentials \\\n  -d resource=" + resource
}
