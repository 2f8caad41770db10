package dcat

import (
	"strings"
	"testing"
)

func TestPreferred(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, accept, want string }{
		{"nothing said", "", ""},
		{"a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", ""},
		{"curl", "*/*", ""},
		{"turtle", "text/turtle", "ttl"},
		{"RDF/XML", "application/rdf+xml", "rdf"},
		{"JSON-LD", "application/ld+json", "jsonld"},
		{"JSON-LD with a profile", `application/ld+json;profile="http://www.w3.org/ns/json-ld#compacted"`, "jsonld"},
		{"any, turtle first", "text/turtle, application/rdf+xml;q=0.9, */*;q=0.1", "ttl"},
		{"heaviest", "text/turtle;q=0.3, application/ld+json;q=0.7", "jsonld"},
		{"page heavier", "text/turtle;q=0.3, text/html;q=0.7", ""},
		{"page as heavy", "text/turtle, text/html", ""},
		{"page refused", "text/turtle;q=0.1, text/html;q=0", "ttl"},
		{"weight is none", "text/turtle;q=2", ""},
		{"not a number", "text/turtle;q=NaN", ""},
		{"refused", "text/turtle;q=0", ""},
		{"cannot be read", ";;;/, text/turtle", "ttl"},
		{"too many", strings.Repeat("a/b,", mostAccepted) + "text/turtle", ""},
	} {
		s, ok := preferred(tt.accept)
		if got := s.ending; got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q prefers %q, want %q", tt.name, tt.accept, got, tt.want)
		}
	}
}

func FuzzPreferred(f *testing.F) {
	f.Add("text/turtle;q=0.3, text/html;q=0.7")
	f.Add("text/*;q=1e999,;,=")
	f.Fuzz(func(t *testing.T, accept string) {
		if s, ok := preferred(accept); ok && !strings.Contains(strings.ToLower(accept), s.media) {
			t.Errorf("%q prefers %s", accept, s.media)
		}
	})
}
