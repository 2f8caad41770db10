package gateway

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// TrafficAddress is an address that a Traffic sends calls to, beside the
// version's own.
type TrafficAddress struct {
	Field string // its JSON pointer in the Traffic, without the first slash
	URL   string
}

// TrafficAddresses are those of a Traffic, as JSON, that CheckTraffic found well:
// whoever sets it sees that each is approved.
func TrafficAddresses(traffic []byte) ([]TrafficAddress, error) {
	var t Traffic
	if err := json.Unmarshal(traffic, &t); err != nil {
		return nil, fmt.Errorf("read traffic: %w", err)
	}
	var list []TrafficAddress
	for i, u := range t.Canary.Upstreams {
		list = append(list, TrafficAddress{Field: "canary/upstreams/" + strconv.Itoa(i) + "/url", URL: u.URL})
	}
	if t.Mirror.URL != "" {
		list = append(list, TrafficAddress{Field: "mirror/url", URL: t.Mirror.URL})
	}
	return list, nil
}
