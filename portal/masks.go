package portal

import (
	"net/url"

	"lgsp/agreement"
	"lgsp/catalog"
)

// openPrefix begins the name of the boxes of an operation's sensitive values
// that are to leave unmasked.
const openPrefix = "open."

// masking is which sensitive values of an operation are asked for unmasked.
type masking struct {
	Open     map[string]bool // paths
	OpenName string          // of the boxes
}

func maskingOf(o catalog.Operation, form url.Values) masking {
	m := masking{Open: map[string]bool{}, OpenName: openPrefix + o.Slug}
	for _, path := range form[m.OpenName] {
		m.Open[path] = true
	}
	return m
}

// opened ticks what another agreement gives unmasked.
func (m *masking) opened(have agreement.Operation) {
	for _, s := range have.Sensitive {
		m.Open[s.Path] = s.Open
	}
}

// OpenName is the name of the boxes of the operation's sensitive values.
func (o conditionOperation) OpenName() string { return openPrefix + o.ID }

// Asked are the sensitive values that were asked for unmasked.
func (o conditionOperation) Asked() []agreement.Sensitive {
	var asked []agreement.Sensitive
	for _, s := range o.Sensitive {
		if s.Open {
			asked = append(asked, s)
		}
	}
	return asked
}

// keptOpen are the values that stay unmasked: as the form was sent, else as the
// first of two persons approved, or as asked for.
func keptOpen(o conditionOperation, base agreement.Terms, form url.Values) map[string]bool {
	open := map[string]bool{}
	for _, path := range form[o.OpenName()] {
		open[path] = true
	}
	for _, have := range base.Operations {
		for _, s := range have.Sensitive {
			if have.ID == o.ID && form.Get("conditions") == "" {
				open[s.Path] = s.Open
			}
		}
	}
	return open
}
