package meili

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// server is a stand-in that takes what Meilisearch's reference documents, and
// nothing else: a field, route, method or header that is not there is a fault.
// It keeps documents, and finds those that hold every word.
type server struct {
	t       *testing.T
	version string
	mu      sync.Mutex
	indexes map[string]*index
	calls   []string // METHOD path
	failed  []string // codes of tasks, by their number; "": it succeeded
}

type index struct {
	Settings  settingsBody
	Documents map[string]documentBody
}

// The bodies, by the reference of 1.7 and, where said, later.
type (
	indexBody struct {
		UID        string `json:"uid"`
		PrimaryKey string `json:"primaryKey"`
	}
	settingsBody struct {
		SearchableAttributes []string            `json:"searchableAttributes"`
		DisplayedAttributes  []string            `json:"displayedAttributes"`
		FilterableAttributes []string            `json:"filterableAttributes"`
		SortableAttributes   []string            `json:"sortableAttributes"`
		RankingRules         []string            `json:"rankingRules"`
		NonSeparatorTokens   []string            `json:"nonSeparatorTokens"`
		Synonyms             map[string][]string `json:"synonyms"`
		TypoTolerance        struct {
			Enabled             bool `json:"enabled"`
			MinWordSizeForTypos struct {
				OneTypo  int `json:"oneTypo"`
				TwoTypos int `json:"twoTypos"`
			} `json:"minWordSizeForTypos"`
			DisableOnWords      []string `json:"disableOnWords"`
			DisableOnAttributes []string `json:"disableOnAttributes"`
		} `json:"typoTolerance"`
		Pagination struct {
			MaxTotalHits int `json:"maxTotalHits"`
		} `json:"pagination"`
		Faceting struct {
			MaxValuesPerFacet int               `json:"maxValuesPerFacet"`
			SortFacetValuesBy map[string]string `json:"sortFacetValuesBy"`
		} `json:"faceting"`
		LocalizedAttributes []struct { // since 1.10
			Locales           []string `json:"locales"`
			AttributePatterns []string `json:"attributePatterns"`
		} `json:"localizedAttributes"`
	}
	documentBody struct {
		ID, Kind, UUID, Title, Keywords, Organization, Notes, Columns, Exact, Agency, Theme, Licence string
		Formats, Access                                                                              []string
		UpdatedAt                                                                                    int64 `json:"updated_at"`
	}
	queryBody struct {
		IndexUID             string    `json:"indexUid"`
		Q                    string    `json:"q"`
		Offset               int       `json:"offset"`
		Limit                int       `json:"limit"`
		HitsPerPage          *int      `json:"hitsPerPage"`
		Page                 int       `json:"page"`
		Filter               []string  `json:"filter"`
		Facets               []string  `json:"facets"`
		AttributesToRetrieve []string  `json:"attributesToRetrieve"`
		MatchingStrategy     string    `json:"matchingStrategy"`
		ShowRankingScore     bool      `json:"showRankingScore"`
		Hybrid               *struct{} `json:"hybrid"`
	}
)

func newServer(t *testing.T, version string) (*server, *Engine) {
	t.Helper()
	s := &server{t: t, version: version, indexes: map[string]*index{}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, New(h.URL, "the key", "catalog", h.Client())
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	if r.Header.Get("Authorization") != "Bearer the key" {
		s.t.Errorf("%s %s shows %q", r.Method, r.URL.Path, r.Header.Get("Authorization"))
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	name := ""
	if len(parts) > 1 && parts[0] == "indexes" {
		name = parts[1]
		parts[1] = "*"
	}
	switch route := r.Method + " " + strings.Join(parts, "/"); route {
	case "GET version":
		s.say(w, 200, map[string]string{"commitSha": "x", "commitDate": "x", "pkgVersion": s.version})
	case "GET indexes/*":
		if s.indexes[name] == nil {
			s.say(w, 404, map[string]string{"message": "Index not found.", "code": "index_not_found", "type": "invalid_request", "link": "x"})
			return
		}
		s.say(w, 200, map[string]string{"uid": name, "primaryKey": "id"})
	case "POST indexes":
		var b indexBody
		s.read(r, &b)
		s.indexes[b.UID] = &index{Documents: map[string]documentBody{}}
		s.task(w, "")
	case "DELETE indexes/*":
		failed := ""
		if s.indexes[name] == nil {
			failed = "index_not_found"
		}
		delete(s.indexes, name)
		s.task(w, failed)
	case "PATCH indexes/*/settings":
		s.read(r, &s.indexes[name].Settings)
		if len(s.indexes[name].Settings.LocalizedAttributes) > 0 && strings.HasPrefix(s.version, "1.7") {
			s.t.Error("localizedAttributes are told to a server that does not know them")
		}
		s.task(w, "")
	case "PUT indexes/*/settings/synonyms":
		s.indexes[name].Settings.Synonyms = nil
		s.read(r, &s.indexes[name].Settings.Synonyms)
		s.task(w, "")
	case "POST indexes/*/documents":
		var list []documentBody
		s.read(r, &list)
		if r.URL.Query().Get("primaryKey") != "id" || len(r.URL.Query()) != 1 {
			s.t.Errorf("documents come with %s", r.URL.RawQuery)
		}
		for _, d := range list {
			if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,511}$`).MatchString(d.ID) {
				s.t.Errorf("the document's id %q has not the form", d.ID)
			}
			s.indexes[name].Documents[d.ID] = d
		}
		s.task(w, "")
	case "POST indexes/*/documents/delete-batch":
		var ids []string
		s.read(r, &ids)
		for _, id := range ids {
			delete(s.indexes[name].Documents, id)
		}
		s.task(w, "")
	case "POST swap-indexes":
		var pairs []struct {
			Indexes []string `json:"indexes"`
		}
		s.read(r, &pairs)
		a, b := pairs[0].Indexes[0], pairs[0].Indexes[1]
		s.indexes[a], s.indexes[b] = s.indexes[b], s.indexes[a]
		s.task(w, "")
	case "POST multi-search":
		s.search(w, r)
	default:
		if parts[0] == "tasks" && r.Method == "GET" {
			s.tell(w, parts[1])
			return
		}
		s.t.Errorf("no route %s", route)
		http.Error(w, "no", 404)
	}
}

// read takes a body that may hold documented fields only.
func (s *server) read(r *http.Request, into any) {
	var body bytes.Buffer
	_, _ = body.ReadFrom(r.Body) // a short body fails below
	decoder := json.NewDecoder(&body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		s.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		s.t.Errorf("%s %s is %s", r.Method, r.URL.Path, kind)
	}
}

func (s *server) say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.t.Error(err)
	}
}

func (s *server) task(w http.ResponseWriter, failed string) {
	s.failed = append(s.failed, failed)
	s.say(w, 202, map[string]any{"taskUid": len(s.failed) - 1, "status": "enqueued", "type": "x", "enqueuedAt": "2026-01-01T00:00:00Z"})
}

func (s *server) tell(w http.ResponseWriter, number string) {
	var n int
	_, err := fmt.Sscan(number, &n)
	if err != nil || n >= len(s.failed) {
		s.t.Errorf("no task %q", number)
		return
	}
	answer := map[string]any{"uid": n, "status": "succeeded", "type": "x", "enqueuedAt": "2026-01-01T00:00:00Z"}
	if s.failed[n] != "" {
		answer["status"], answer["error"] = "failed", map[string]string{"message": "x", "code": s.failed[n], "type": "invalid_request", "link": "x"}
	}
	s.say(w, 200, answer)
}

func (s *server) search(w http.ResponseWriter, r *http.Request) {
	var b struct {
		Queries []queryBody `json:"queries"`
	}
	s.read(r, &b)
	results := []any{}
	for _, q := range b.Queries {
		if s.indexes[q.IndexUID] == nil {
			s.say(w, 400, map[string]string{"message": "Index not found.", "code": "index_not_found", "type": "invalid_request", "link": "x"})
			return
		}
		if q.MatchingStrategy != "all" || !strings.HasSuffix(q.Q, " ") || q.Hybrid != nil {
			s.t.Errorf("a query is %+v", q)
		}
		results = append(results, s.results(q))
	}
	s.say(w, 200, map[string]any{"results": results})
}

func (s *server) results(q queryBody) map[string]any {
	x := s.indexes[q.IndexUID]
	hits, facets := []map[string]any{}, map[string]map[string]int{}
	for _, name := range q.Facets {
		if !slices.Contains(x.Settings.FilterableAttributes, name) {
			s.t.Errorf("%s is counted and not filterable", name)
		}
		facets[name] = map[string]int{}
	}
	var ids []string
	for id := range x.Documents {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		d := x.Documents[id]
		if !holds(d, x.Settings.Synonyms, q.Q) || !passes(s.t, d, q.Filter) {
			continue
		}
		hits = append(hits, map[string]any{"kind": d.Kind, "uuid": d.UUID, "exact": d.Exact, "_rankingScore": 0.9})
		for name := range facets {
			for _, value := range valuesOf(d, name) {
				facets[name][value]++
			}
		}
	}
	answer := map[string]any{"query": q.Q, "indexUid": q.IndexUID, "processingTimeMs": 1, "facetDistribution": facets}
	if q.HitsPerPage != nil {
		answer["totalHits"], answer["hitsPerPage"], answer["page"] = len(hits), *q.HitsPerPage, q.Page
		answer["hits"] = hits[:min(len(hits), *q.HitsPerPage)]
		return answer
	}
	answer["estimatedTotalHits"] = len(hits)
	answer["hits"] = hits[min(q.Offset, len(hits)):min(q.Offset+q.Limit, len(hits))]
	return answer
}

func holds(d documentBody, synonyms map[string][]string, query string) bool {
	text := " " + strings.Join([]string{d.Title, d.Keywords, d.Organization, d.Notes, d.Columns}, " ; ") + " "
	for _, word := range strings.Fields(query) {
		ways := append([]string{word}, synonyms[word]...)
		if !slices.ContainsFunc(ways, func(way string) bool { return strings.Contains(text, " "+way+" ") }) {
			return false
		}
	}
	return true
}

var condition = regexp.MustCompile(`^([a-z]+) = "([^"]*)"$`)

func passes(t *testing.T, d documentBody, filter []string) bool {
	for _, text := range filter {
		part := condition.FindStringSubmatch(text)
		if part == nil {
			t.Errorf("the filter %q is not in the language", text)
			return false
		}
		if !slices.Contains(valuesOf(d, part[1]), part[2]) {
			return false
		}
	}
	return true
}

func valuesOf(d documentBody, attribute string) []string {
	switch attribute {
	case "kind":
		return []string{d.Kind}
	case "agency":
		return []string{d.Agency}
	case "theme":
		return []string{d.Theme}
	case "licence":
		return []string{d.Licence}
	case "formats":
		return d.Formats
	}
	return d.Access
}
