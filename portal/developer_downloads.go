package portal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// download answers GET /apis/{agency}/{api}/{version}/{file}: a version, as the
// reader may see it, in the form of a program.
func (p *Portal) download(file string, make func(r *http.Request, v catalog.Version) ([]byte, error)) problem.HandlerFunc {
	return told(func(w http.ResponseWriter, r *http.Request) error {
		r, err := p.identified(r)
		if err != nil {
			return err
		}
		vars := mux.Vars(r)
		v, err := p.Catalog.VersionBySlug(r.Context(), whoever(r), vars["agency"], vars["api"], vars["version"])
		if err != nil {
			return err
		}
		text, err := make(r, v)
		if err != nil {
			return err
		}
		kind := "application/json"
		if strings.HasSuffix(file, ".yaml") {
			kind = "application/yaml"
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", `attachment; filename="`+v.APISlug+"-"+v.Number+"."+file+`"`)
		w.Header().Set("Access-Control-Allow-Origin", "*") // it is public
		w.WriteHeader(http.StatusOK)
		if r.Method != http.MethodHead {
			_, _ = w.Write(text) // the reader may have gone
		}
		return nil
	})
}

// openAPI is the version's document with the gateway as its server.
func (p *Portal) openAPI(r *http.Request, v catalog.Version) ([]byte, error) {
	return p.Catalog.SpecJSON(r.Context(), whoever(r), v.ID, p.Gateway)
}

// openAPIYAML is the same in YAML (RFC 9512).
func (p *Portal) openAPIYAML(r *http.Request, v catalog.Version) ([]byte, error) {
	return p.Catalog.SpecYAML(r.Context(), whoever(r), v.ID, p.Gateway)
}

// postmanSchema is the form of a collection.
const postmanSchema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

// The parts of a Postman collection, version 2.1, as far as they are needed.
type (
	postmanCollection struct {
		Info struct {
			ID          string `json:"_postman_id"`
			Name        string `json:"name"`
			Description string `json:"description"`
			Schema      string `json:"schema"`
		} `json:"info"`
		Item     []postmanItem     `json:"item"`
		Variable []postmanVariable `json:"variable"`
	}
	postmanItem struct {
		Name     string           `json:"name"`
		Item     []postmanItem    `json:"item,omitempty"`     // a folder's
		Request  *postmanRequest  `json:"request,omitempty"`  // a call's
		Response []postmanExample `json:"response,omitempty"` // its answers
	}
	postmanRequest struct {
		Method      string            `json:"method"`
		Auth        postmanAuth       `json:"auth"`
		Header      []postmanVariable `json:"header"`
		URL         postmanURL        `json:"url"`
		Body        *postmanBody      `json:"body,omitempty"`
		Description string            `json:"description,omitempty"`
	}
	postmanURL struct {
		Raw      string            `json:"raw"`
		Host     []string          `json:"host"`
		Path     []string          `json:"path"`
		Query    []postmanVariable `json:"query,omitempty"`
		Variable []postmanVariable `json:"variable,omitempty"`
	}
	postmanVariable struct {
		Key         string `json:"key"`
		Value       string `json:"value"`
		Type        string `json:"type,omitempty"`
		Description string `json:"description,omitempty"`
		Disabled    bool   `json:"disabled,omitempty"`
	}
	postmanAuth struct {
		Type   string            `json:"type"` // noauth, apikey, bearer
		APIKey []postmanVariable `json:"apikey,omitempty"`
		Bearer []postmanVariable `json:"bearer,omitempty"`
	}
	postmanBody struct {
		Mode string `json:"mode"`
		Raw  string `json:"raw"`
	}
	postmanExample struct {
		Name   string            `json:"name"`
		Status string            `json:"status"`
		Code   int               `json:"code"`
		Header []postmanVariable `json:"header"`
		Body   string            `json:"body"`
	}
)

// postman is the version as a Postman collection: a folder a tag, the key and
// the token as variables that hold nothing.
func (p *Portal) postman(r *http.Request, v catalog.Version) ([]byte, error) {
	operations, err := p.Catalog.Operations(r.Context(), whoever(r), v.ID)
	if err != nil {
		return nil, err
	}
	var c postmanCollection
	c.Info.ID, c.Info.Schema = v.ID.String(), postmanSchema
	c.Info.Name = inLanguage(r, v.TitleVI, v.TitleEN) + " " + v.Number
	c.Info.Description = p.Origin + address(r, "/apis"+v.Prefix())
	c.Variable = []postmanVariable{{Key: "baseUrl", Value: p.Gateway + v.Prefix()}}
	for _, name := range []string{"LGSP_KEY", "LGSP_TOKEN"} {
		c.Variable = append(c.Variable, postmanVariable{Key: name, Type: "secret"})
	}
	for _, o := range operations {
		item := postmanCall(r, o)
		if len(o.Doc.Tags) == 0 {
			c.Item = append(c.Item, item)
			continue
		}
		i := slices.IndexFunc(c.Item, func(f postmanItem) bool { return f.Request == nil && f.Name == o.Doc.Tags[0] })
		if i < 0 {
			i, c.Item = len(c.Item), append(c.Item, postmanItem{Name: o.Doc.Tags[0]})
		}
		c.Item[i].Item = append(c.Item[i].Item, item)
	}
	if c.Item == nil {
		c.Item = []postmanItem{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(c); err != nil {
		return nil, fmt.Errorf("write collection of %s: %w", v.ID, err)
	}
	return b.Bytes(), nil
}

func postmanCall(r *http.Request, o catalog.Operation) postmanItem {
	request := &postmanRequest{Method: o.Method, Auth: postmanAuthOf(o.Access), Header: []postmanVariable{},
		Description: inLanguage(r, o.Doc.DescriptionVI, o.Doc.DescriptionEN)}
	request.URL.Host = []string{"{{baseUrl}}"}
	path := o.Path
	for _, parameter := range o.Doc.Parameters {
		one := postmanVariable{Key: parameter.Name, Value: exampleOf(parameter), Description: inLanguage(r, parameter.DescriptionVI, parameter.DescriptionEN)}
		switch parameter.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+parameter.Name+"}", ":"+parameter.Name)
			request.URL.Variable = append(request.URL.Variable, one)
		case "query":
			one.Disabled = !parameter.Required
			request.URL.Query = append(request.URL.Query, one)
		case "header":
			one.Disabled = !parameter.Required
			request.Header = append(request.Header, one)
		}
	}
	request.URL.Path = strings.Split(strings.TrimPrefix(path, "/"), "/")
	request.URL.Raw = "{{baseUrl}}" + path
	var query []string
	for _, one := range request.URL.Query {
		if !one.Disabled {
			query = append(query, url.QueryEscape(one.Key)+"="+url.QueryEscape(one.Value))
		}
	}
	if len(query) > 0 {
		request.URL.Raw += "?" + strings.Join(query, "&")
	}
	if b := o.Doc.Body; b != nil && len(b.MediaTypes) > 0 {
		request.Header = append(request.Header, postmanVariable{Key: "Content-Type", Value: b.MediaTypes[0]})
		request.Body = &postmanBody{Mode: "raw", Raw: bodyOf(b)}
	}
	item := postmanItem{Name: inLanguage(r, o.Doc.SummaryVI, o.Doc.SummaryEN), Request: request}
	if item.Name == "" {
		item.Name = o.Method + " " + o.Path
	}
	for _, a := range o.Doc.Answers {
		var code int
		if _, err := fmt.Sscanf(a.Status, "%3d", &code); err != nil || code < 100 || a.Example == "" {
			continue // 4XX and default are no statuses
		}
		example := postmanExample{Name: a.Status, Status: http.StatusText(code), Code: code, Header: []postmanVariable{}, Body: a.Example}
		if len(a.MediaTypes) > 0 {
			example.Header = append(example.Header, postmanVariable{Key: "Content-Type", Value: a.MediaTypes[0]})
		}
		item.Response = append(item.Response, example)
	}
	return item
}

func postmanAuthOf(access string) postmanAuth {
	switch access {
	case catalog.Restricted:
		return postmanAuth{Type: "apikey", APIKey: []postmanVariable{{Key: "key", Value: "X-API-Key"}, {Key: "value", Value: "{{LGSP_KEY}}"}, {Key: "in", Value: "header"}}}
	case catalog.Personal:
		return postmanAuth{Type: "bearer", Bearer: []postmanVariable{{Key: "token", Value: "{{LGSP_TOKEN}}"}}}
	}
	return postmanAuth{Type: "noauth"}
}

// llmsServices lists the newest services, each with its document.
func (p *Portal) llmsServices(b *bytes.Buffer, r *http.Request) error {
	apis, _, err := p.Catalog.ListAPIs(r.Context(), auth.Principal{}, catalog.APIFilter{Limit: mostOffered})
	if err != nil || len(apis) == 0 {
		return err
	}
	b.WriteString("\n## ")
	if err := p.line(b, r, "first.services"); err != nil {
		return err
	}
	b.WriteString("\n")
	for _, api := range apis {
		for _, v := range api.Versions {
			if v.State == catalog.Published {
				p.llmsLink(b, r, inLanguage(r, api.TitleVI, api.TitleEN)+" "+v.Number, "/apis"+v.Prefix()+"/openapi.json")
				fmt.Fprintf(b, ": %s\n", oneLine(inLanguage(r, api.Agency.TitleVI, api.Agency.TitleEN)))
			}
		}
	}
	return nil
}
