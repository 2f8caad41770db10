package portal

import (
	"encoding/json"
	"net/http"
	"strings"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// keysData is the data of the page "developer-keys".
type keysData struct {
	Application auth.Application
	Keys        []keyRow
	Set         string // the JWK set as it stands, to change and send back
}

// keyRow is one public key.
type keyRow struct {
	auth.ApplicationKey
	Algorithm string
}

// applicationKeys answers GET /developer/applications/{id}/keys.
func (p *Portal) applicationKeys(r *http.Request) (page, error) {
	app, who, err := p.workedApplication(r)
	if err != nil {
		return page{}, err
	}
	keys, err := p.Auth.Keys(r.Context(), who, app.ID)
	if err != nil {
		return page{}, err
	}
	data := keysData{Application: app}
	set := keySet{Keys: []json.RawMessage{}}
	for _, k := range keys {
		var about struct {
			Algorithm string `json:"alg"`
		}
		if err := json.Unmarshal(k.JWK, &about); err != nil {
			return page{}, err
		}
		data.Keys = append(data.Keys, keyRow{k, about.Algorithm})
		set.Keys = append(set.Keys, k.JWK)
	}
	if len(set.Keys) > 0 {
		text, err := json.MarshalIndent(set, "", "  ")
		if err != nil {
			return page{}, err
		}
		data.Set = string(text)
	}
	return page{Name: "developer-keys", Data: data}, nil
}

// setApplicationKeys answers POST /developer/applications/{id}/keys: a JWK
// set, or one key, and PEM, in the place of those there were; and the address
// of keys that the application keeps by itself.
func (p *Portal) setApplicationKeys(r *http.Request) (page, error) {
	app, who, err := p.workedApplication(r)
	if err != nil {
		return page{}, err
	}
	set, err := readKeySet(r.PostFormValue("keys"))
	if err == nil {
		_, err = p.Auth.SetKeys(r.Context(), who, app.ID, set)
	}
	if uri := strings.TrimSpace(r.PostFormValue("jwks_uri")); err == nil && uri != app.JWKSURI && app.Role == auth.TeamOwner {
		n := auth.NewApplication{Name: app.Name, Description: app.Description, RedirectURIs: app.RedirectURIs, Protocol: app.Protocol}
		n.JWKSURI = uri
		_, err = p.Auth.EditApplication(r.Context(), who, app.ID, n)
	}
	if e := problem.Of(err); e != nil && len(e.Fields) > 0 && e.Fields[0].Code == "jwk-private" {
		r.PostForm.Del("keys") // it has been shown once too often: the page shows what is saved
		answer, err := again(r, p.applicationKeys, err)
		if answer.Form != nil {
			answer.Form.Detail = "" // which says that what was typed is kept
		}
		return answer, err
	}
	if err != nil {
		return again(r, p.applicationKeys, err)
	}
	return page{To: "/developer/applications/" + app.ID.String() + "/keys", Flash: &web.Flash{Key: "keys.saved"}}, nil
}

// readKeySet reads {"keys": […]}, or one key alone, and the PEM that stands
// after it or in its place; nothing is no key.
func readKeySet(text string) ([]json.RawMessage, error) {
	text = strings.TrimSpace(text)
	var keys []json.RawMessage
	if strings.HasPrefix(text, "{") {
		var one json.RawMessage
		decoder := json.NewDecoder(strings.NewReader(text))
		var set struct {
			Keys []json.RawMessage `json:"keys"`
			Type string            `json:"kty"`
		}
		err := decoder.Decode(&one)
		if err == nil {
			err = json.Unmarshal(one, &set)
		}
		if err != nil || set.Keys == nil && set.Type == "" {
			return nil, problem.Errorf(problem.Invalid, "some fields are not right").Coded("fields-wrong").
				Wrong("keys", "jwk-form", "a JWK set, or a JWK").Because(err)
		}
		if keys = set.Keys; keys == nil {
			keys = []json.RawMessage{one}
		}
		text = strings.TrimSpace(text[decoder.InputOffset():])
	}
	return withPEM(keys, text)
}

// withPEM adds to keys those of a PEM text; "" adds none.
func withPEM(keys []json.RawMessage, text string) ([]json.RawMessage, error) {
	if text == "" {
		return keys, nil
	}
	more, err := auth.ReadPEM(text)
	return append(keys, more...), err
}
