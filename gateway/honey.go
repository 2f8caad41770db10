package gateway

import (
	"net/http"

	"lgsp/auth"
)

// lookUp is what the node knows of a key; false when it is none of ours. What
// is unknown takes as long as what is known.
func (c *call) lookUp(key auth.Key) (*auth.GatewayCredential, bool) {
	known := c.snapshot.keys.of(key.Lookup)
	if known == nil {
		known = &unknownKey
	}
	return known, c.node.matcher.Matches(key, known.PepperVersion, known.Hash)
}

var unknownKey auth.GatewayCredential

// noteHoney counts the honey keys among the keys that a refused call carries,
// wherever in it: Touch tells of them. The caller hears nothing of that.
func (c *call) noteHoney(r *http.Request) {
	shown := auth.KeysShown(r)
	for _, values := range c.query {
		shown = append(shown, auth.ReadKeys(values)...)
	}
	for _, key := range shown {
		if known, ours := c.lookUp(key); ours && known.Honey {
			c.node.used.Note(auth.Use{Lookup: key.Lookup, At: c.now, From: c.address, Where: auth.AtGateway})
		}
	}
}
