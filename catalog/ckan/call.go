package ckan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
)

// maxBody is how long parameters may be, in bytes.
const maxBody = 4 << 20

// call is one call of an action: its parameters as they came, strings, lists
// and whatever JSON holds.
type call struct {
	name   string
	ctx    context.Context // of the request; a call lives no longer
	who    auth.Principal
	params map[string]any
	upload *upload // the file of a multipart body
	form   *multipart.Form
}

// upload is a file on its way in.
type upload struct {
	name string
	body io.ReadCloser
}

// close drops the file that came along.
func (c *call) close() {
	if c.upload != nil {
		_ = c.upload.body.Close() // it was only read
	}
	if c.form != nil {
		_ = c.form.RemoveAll() // temporary files
	}
}

// read takes the parameters from the query, a JSON object, a form, or a form
// whose only name is the JSON text, as curl -d once sent it. What it returns
// is told after "Bad request: ".
func (c *call) read(w http.ResponseWriter, r *http.Request, do action) error {
	query := r.URL.Query()
	if query.Has("callback") {
		return errors.New("JSONP is not offered; this API may be called from any page (CORS)")
	}
	if r.Method != http.MethodPost {
		if do.writes {
			return errors.New("JSON Error: Invalid request. Please use POST method for your request")
		}
		c.params = spread(query)
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	if kind == "multipart/form-data" {
		return c.readParts(w, r, do)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return errors.New("JSON Error: the body is too large, or broke off")
	}
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		c.params = spread(query)
		if do.writes {
			c.params = map[string]any{}
		}
		return nil
	case kind == "application/x-www-form-urlencoded":
		return c.readForm(string(body))
	}
	return c.readJSON(body)
}

func (c *call) readJSON(body []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return errors.New("JSON Error: Error decoding JSON data. Error: " + err.Error())
	}
	object, ok := value.(map[string]any)
	if !ok {
		return errors.New("JSON Error: Request data JSON needs to be a dictionary")
	}
	c.params = object
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("JSON Error: Error decoding JSON data. Error: more than one value")
	}
	return nil
}

func (c *call) readForm(body string) error {
	if text := strings.TrimSpace(body); strings.HasPrefix(text, "{") || strings.HasPrefix(text, "%7B") || strings.HasPrefix(text, "%7b") {
		if plain, err := url.QueryUnescape(strings.TrimSuffix(text, "=")); err == nil && !strings.HasPrefix(text, "{") {
			text = plain
		} else {
			text = strings.TrimSuffix(text, "=")
		}
		return c.readJSON([]byte(text))
	}
	values, err := url.ParseQuery(body)
	if err != nil {
		return errors.New("JSON Error: the form cannot be read")
	}
	c.params = spread(values)
	return nil
}

// readParts reads a form with files, of which the one named upload counts. The
// file lies in a temporary place until the call is closed.
func (c *call) readParts(w http.ResponseWriter, r *http.Request, do action) error {
	most := int64(maxBody)
	if do.uploads && c.who.SignedIn() {
		most = catalog.MaxUpload + maxBody
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	if err := r.ParseMultipartForm(maxBody); err != nil {
		return errors.New("JSON Error: the form is too large, or broke off")
	}
	c.form = r.MultipartForm
	c.params = spread(r.MultipartForm.Value)
	files := r.MultipartForm.File["upload"]
	if len(files) == 0 {
		return nil
	}
	file, err := files[0].Open()
	if err != nil {
		return errors.New("JSON Error: the file cannot be read")
	}
	c.upload = &upload{files[0].Filename, file}
	return nil
}

// spread is a query as parameters: a name that stands once is a string, one
// that stands more often a list.
func spread(values url.Values) map[string]any {
	params := make(map[string]any, len(values))
	for name, list := range values {
		if len(list) == 1 {
			params[name] = list[0]
			continue
		}
		many := make([]any, len(list))
		for i, value := range list {
			many[i] = value
		}
		params[name] = many
	}
	return params
}

// has reports whether a parameter was given, and not as null.
func (c *call) has(name string) bool { return c.params[name] != nil }

// text is a parameter as text; numbers and truth count too. The first name
// that was given is taken; "" when none was.
func (c *call) text(names ...string) (string, error) {
	for _, name := range names {
		switch v := c.params[name].(type) {
		case nil:
		case string:
			if strings.ContainsRune(v, 0) {
				return "", invalid(name, "Must not hold NUL")
			}
			return v, nil
		case json.Number:
			return v.String(), nil
		case bool:
			return strconv.FormatBool(v), nil
		default:
			return "", invalid(name, "Must be a string")
		}
	}
	return "", nil
}

// needed is a text that must be given.
func (c *call) needed(names ...string) (string, error) {
	text, err := c.text(names...)
	if err == nil && text == "" {
		err = invalid(names[0], "Missing value")
	}
	return text, err
}

// number is a whole number that is not negative, or what stands for none.
func (c *call) number(name string, none int) (int, error) {
	if c.params[name] == "" {
		return none, nil
	}
	n, err := c.signed(name, none)
	if err == nil && c.has(name) && n < 0 {
		return 0, invalid(name, "Must be a natural number")
	}
	return n, err
}

func (c *call) signed(name string, none int) (int, error) {
	text, err := c.text(name)
	if err != nil || text == "" {
		return none, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0, invalid(name, "Invalid integer")
	}
	return n, nil
}

// yes is a truth value as Python's clients write them.
func (c *call) yes(name string, none bool) bool {
	text, err := c.text(name)
	if err != nil || text == "" {
		return none
	}
	switch strings.ToLower(text) {
	case "true", "yes", "t", "y", "1", "on":
		return true
	}
	return false
}

// list is a parameter that may be one text, several, or a JSON list in a text.
func (c *call) list(name string) ([]string, error) {
	switch v := c.params[name].(type) {
	case nil:
		return nil, nil
	case string:
		if text := strings.TrimSpace(v); strings.HasPrefix(text, "[") {
			var list []string
			if json.Unmarshal([]byte(text), &list) == nil {
				return list, nil
			}
		}
		if v == "" {
			return nil, nil
		}
		return []string{v}, nil
	case []any:
		var list []string
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, invalid(name, "Must be a list of strings")
			}
			list = append(list, text)
		}
		return list, nil
	}
	return nil, invalid(name, "Must be a list of strings")
}

// commas is list, where a text may also hold several names with commas between.
func (c *call) commas(name string) ([]string, error) {
	list, err := c.list(name)
	if err != nil || len(list) != 1 {
		return list, err
	}
	var out []string
	for _, item := range strings.Split(list[0], ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out, nil
}

// id is a parameter as the id it may be.
func (c *call) id(names ...string) (uuid.UUID, error) {
	text, err := c.needed(names...)
	if err != nil {
		return uuid.Nil, err
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil, missing("")
	}
	return id, nil
}
