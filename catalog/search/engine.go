package search

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/google/uuid"
)

// Request is what an engine is asked: a page of the documents that hold every
// word, or, when none does, of those that are near.
type Request struct {
	Query    Query
	Plan     Plan
	Synonyms string // fingerprint of those the plan went by
	Filter   Filter
	Whole    bool // what is only near is not wanted
	Used     bool // the most used first, which PostgreSQL alone knows; else the best
	Limit    int  // at least 1
	Offset   int
}

// Filter narrows a search; every part may be empty.
type Filter struct {
	Kind    string // dataset, api, operation, document
	Agency  uuid.UUID
	Theme   string
	Format  string
	Licence string
	Access  string    // open, restricted, personal
	Since   time.Time // findable only since then
}

// Key names a document.
type Key struct {
	Kind string
	ID   uuid.UUID
}

// Found is an engine's answer.
type Found struct {
	Keys    []Key   // best first
	Total   int     // under all filters
	Counts  []Count // each value under the other filters
	Partial bool    // nothing holds every word
}

// Count is one value of a facet and how many documents it would leave.
type Count struct {
	Facet string // kind, agency (an id), theme, format, licence, access
	Value string
	Count int
}

// Facets are the names of the filters, in the order people read them.
func Facets() []string { return []string{"kind", "agency", "theme", "format", "licence", "access"} }

// Rules names how texts become keys and what an index holds; whoever changes
// that gives it a new name, and the index is written anew.
const Rules = "2"

// Fingerprint tells one table of synonyms, in its order, from another.
func Fingerprint(list []Synonym) string {
	h := sha256.New()
	for _, s := range list {
		h.Write([]byte(s.Term + "\x00" + s.Meaning + "\x00")) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
