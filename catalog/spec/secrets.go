package spec

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/spec/tree"
)

// hidden stands where a value is not kept.
const hidden = "***"

// secretWords make a name one of a secret's when they are a word of it.
var secretWords = []string{"auth", "authorization", "bearer", "cookie", "credential", "credentials", "jwt", "passwd", "password", "passphrase", "pwd",
	"secret", "session", "sessionid", "sig", "signature", "token", "apikey", "accesskey", "privatekey", "matkhau", "otp", "pin"}

// secretPairs are two words in a row that do.
var secretPairs = []string{"api-key", "access-key", "private-key", "secret-key", "subscription-key", "mat-khau", "client-key", "x-key"}

// harmlessWords say of a token that it is a place in a list.
var harmlessWords = []string{"page", "next", "continuation", "cursor", "sync"}

// isSecretName reports whether a header, parameter or field of that name
// carries what somebody proves themselves with.
func isSecretName(name string) bool {
	slug := kebab(name)
	words := strings.Split(slug, "-")
	if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(harmlessWords, w) }) {
		return false
	}
	bare := strings.ReplaceAll(slug, "-", "")
	return slices.Contains(secretWords, bare) ||
		slices.ContainsFunc(words, func(w string) bool { return slices.Contains(secretWords, w) }) ||
		slices.ContainsFunc(secretPairs, func(pair string) bool { return strings.Contains("-"+slug+"-", "-"+pair+"-") })
}

// secretForms are values that prove somebody whatever they are called: a
// scheme with its credentials, a JWT, keys of well-known makers, a key in PEM,
// a password in an address.
var secretForms = regexp.MustCompile(`(?i)\b(?:bearer|basic|digest|apikey)\s+[A-Za-z0-9+/_.~=-]{8,}` +
	`|\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*` +
	`|\b(?:lgsp_(?:key|secret|pat)_|sk-|sk_live_|ghp_|gho_|glpat-|xox[abp]-|AKIA|PMAK-)[A-Za-z0-9_-]{8,}` +
	`|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?` +
	`|\b(?:password|passwd|pwd|secret|token|api[_-]?key|mật khẩu)\s*[:=]\s*[^\s,;"'<>&{}]{4,}` +
	`|://[^/\s:@]+:[^/\s@]+@`)

// scrub takes what proves somebody out of a text.
func scrub(text string) string {
	if !secretForms.MatchString(text) {
		return text
	}
	return secretForms.ReplaceAllString(text, hidden)
}

// copied is a value without secrets, and with each key once (the last counts,
// as in JSON.parse).
func copied(n *yaml.Node) *yaml.Node { return copiedUnder(n, false) }

// copiedUnder is copied; secret says that n stands under a secret's name.
func copiedUnder(n *yaml.Node, secret bool) *yaml.Node {
	c := *n
	c.Content = nil
	switch n.Kind {
	case yaml.ScalarNode:
		switch {
		case secret && n.Tag == "!!str":
			c.Value = hidden
		case secret && n.Tag == "!!float":
			c.Value = "0"
		case n.Tag == "!!str":
			c.Value = scrub(n.Value)
		}
	case yaml.SequenceNode:
		for _, child := range n.Content {
			c.Content = append(c.Content, copiedUnder(child, secret))
		}
	case yaml.MappingNode:
		at := map[string]int{}
		for key, value := range pairs(n) {
			kept := copiedUnder(value, secret || isSecretName(key.Value))
			if i, ok := at[key.Value]; ok {
				c.Content[i] = kept
				continue
			}
			c.Content = append(c.Content, tree.Text(key.Value), kept)
			at[key.Value] = len(c.Content) - 1
		}
	}
	return &c
}
