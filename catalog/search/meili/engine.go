// Package meili answers searches by a Meilisearch server: how documents and
// settings are told to it, and how what it finds is ranked again by the marks
// that were typed. What only comes near the words is not its business.
package meili

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/meilisearch/meilisearch-go"

	"lgsp/catalog/search"
)

// Engine is an index of a Meilisearch server.
type Engine struct {
	server meilisearch.ServiceManager
	index  string
}

// maxWords is how many words of a query the server takes (its documentation,
// Known limitations).
const maxWords = 10

// window is how many of the best are ranked again.
const window = 50

// New gives the engine at an address; index names what it may write, and the
// name with _new behind it. Nothing is asked yet. The client bounds how long.
func New(address, key, index string, client *http.Client) *Engine {
	return &Engine{index: index, server: meilisearch.New(address, meilisearch.WithAPIKey(key), meilisearch.WithCustomClient(client),
		meilisearch.DisableRetries(), meilisearch.WithCustomJsonMarshaler(marshal))}
}

// marshal leaves out what the module always writes but servers before 1.15 and
// 1.18 refuse to read. Inside a text the quotes would be escaped.
func marshal(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return []byte(tooNew.Replace(string(text))), err
}

var tooNew = strings.NewReplacer(`,"disableOnNumbers":false`, "", `,"rename":false`, "")

// ErrTooOld is what Check says of a server that cannot do what is asked.
var ErrTooOld = errors.New("the Meilisearch server is older than 1.7")

// Check asks the server its version: ErrTooOld below 1.7.
func (e *Engine) Check(ctx context.Context) error {
	major, minor, err := e.version(ctx)
	if err != nil {
		return err
	}
	if major < 1 || major == 1 && minor < 7 {
		return fmt.Errorf("%w: it is %d.%d", ErrTooOld, major, minor)
	}
	return nil
}

func (e *Engine) version(ctx context.Context) (major, minor int, err error) {
	v, err := e.server.VersionWithContext(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("ask Meilisearch its version: %w", err)
	}
	parts := strings.SplitN(v.PkgVersion, ".", 3)
	if len(parts) < 2 {
		return 0, 0, fmt.Errorf("read the version of Meilisearch: %q", v.PkgVersion)
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	return major, minor, errors.Join(err1, err2)
}

// Search gives the documents that hold every word; none when there are none, or
// when there are more words than the server takes: others look further then.
func (e *Engine) Search(ctx context.Context, r search.Request) (search.Found, error) {
	words := r.Plan.Plain
	if len(words) == 0 || len(words) > maxWords {
		return search.Found{}, nil
	}
	limit, offset := r.Limit, r.Offset
	if offset < window {
		limit, offset = max(window, r.Offset+r.Limit), 0
	}
	text := strings.Join(words, " ") + " " // the last word is whole, not begun
	ask := func(q meilisearch.SearchRequest) *meilisearch.SearchRequest {
		q.IndexUID, q.Query, q.MatchingStrategy = e.index, text, meilisearch.All
		return &q
	}
	one := int64(1)
	queries := []*meilisearch.SearchRequest{
		ask(meilisearch.SearchRequest{Offset: int64(offset), Limit: int64(limit), Filter: filters(r.Filter, ""),
			AttributesToRetrieve: []string{"kind", "uuid", "exact"}, ShowRankingScore: true}),
		ask(meilisearch.SearchRequest{HitsPerPage: &one, Page: 1, Filter: filters(r.Filter, ""), Facets: attributes(), AttributesToRetrieve: []string{"kind"}}),
	}
	chosen := chosenFacets(r.Filter)
	for _, facet := range chosen { // its own values are counted under the others only
		queries = append(queries, ask(meilisearch.SearchRequest{HitsPerPage: &one, Page: 1, Filter: filters(r.Filter, facet),
			Facets: []string{attributeOf[facet]}, AttributesToRetrieve: []string{"kind"}}))
	}
	answer, err := e.server.MultiSearchWithContext(ctx, &meilisearch.MultiSearchRequest{Queries: queries})
	if err != nil {
		return search.Found{}, known(fmt.Errorf("ask Meilisearch: %w", err))
	}
	if len(answer.Results) != len(queries) {
		return search.Found{}, fmt.Errorf("ask Meilisearch: %d answers to %d queries", len(answer.Results), len(queries))
	}
	return foundOf(r, chosen, answer.Results)
}

// foundOf reads the answers in the order of the questions.
func foundOf(r search.Request, chosen []string, results []meilisearch.SearchResponse) (search.Found, error) {
	keys, err := ranked(r, results[0].Hits)
	if err != nil {
		return search.Found{}, err
	}
	if r.Offset < window {
		keys = keys[min(r.Offset, len(keys)):]
	}
	found := search.Found{Keys: keys[:min(r.Limit, len(keys))], Total: int(results[1].TotalHits)}
	counts, err := countsOf(results[1].FacetDistribution)
	if err != nil {
		return search.Found{}, err
	}
	for i, facet := range chosen {
		own, err := countsOf(results[2+i].FacetDistribution)
		if err != nil {
			return search.Found{}, err
		}
		counts = slices.DeleteFunc(counts, func(c search.Count) bool { return c.Facet == facet })
		counts = append(counts, own...)
	}
	slices.SortFunc(counts, func(a, b search.Count) int {
		if a.Facet != b.Facet {
			return strings.Compare(a.Facet, b.Facet)
		}
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Value, b.Value)
	})
	found.Counts = counts
	return found, nil
}

// ranked orders the best again: marks as typed weigh three times, and what
// belongs to an API, or only tells of the portal, stands behind what is as near.
func ranked(r search.Request, hits meilisearch.Hits) ([]search.Key, error) {
	type scored struct {
		search.Key
		score float64
	}
	list := make([]scored, len(hits))
	for i, hit := range hits {
		var h struct {
			Kind  string    `json:"kind"`
			UUID  uuid.UUID `json:"uuid"`
			Exact string    `json:"exact"`
			Score float64   `json:"_rankingScore"`
		}
		text, err := json.Marshal(hit)
		if err == nil {
			err = json.Unmarshal(text, &h)
		}
		if err != nil {
			return nil, fmt.Errorf("read a hit of Meilisearch: %w", err)
		}
		s := scored{search.Key{Kind: h.Kind, ID: h.UUID}, h.Score + 3*r.Query.ExactShare(h.Exact)}
		if h.Kind != "dataset" && h.Kind != "api" {
			s.score *= 0.6
		}
		list[i] = s
	}
	if r.Offset < window {
		slices.SortStableFunc(list[:min(window, len(list))], func(a, b scored) int {
			switch {
			case a.score > b.score:
				return -1
			case a.score < b.score:
				return 1
			}
			return 0
		})
	}
	keys := make([]search.Key, len(list))
	for i, s := range list {
		keys[i] = s.Key
	}
	return keys, nil
}

// attributeOf names the attribute of each facet in a document.
var attributeOf = map[string]string{"kind": "kind", "agency": "agency", "theme": "theme", "format": "formats", "licence": "licence", "access": "access"}

func attributes() []string {
	var list []string
	for _, facet := range search.Facets() {
		list = append(list, attributeOf[facet])
	}
	return list
}

func valueOf(f search.Filter, facet string) string {
	switch facet {
	case "kind":
		return f.Kind
	case "agency":
		if f.Agency == uuid.Nil {
			return ""
		}
		return f.Agency.String()
	case "theme":
		return f.Theme
	case "format":
		return f.Format
	case "licence":
		return f.Licence
	}
	return f.Access
}

func chosenFacets(f search.Filter) []string {
	return slices.DeleteFunc(search.Facets(), func(facet string) bool { return valueOf(f, facet) == "" })
}

// filters are the conditions of a filter but for one facet; all must hold.
func filters(f search.Filter, but string) any {
	list := []string{}
	for _, facet := range chosenFacets(f) {
		if facet != but {
			list = append(list, attributeOf[facet]+" = "+quoted(valueOf(f, facet)))
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

// quoted writes a value of the server's filter language.
func quoted(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

func countsOf(distribution json.RawMessage) ([]search.Count, error) {
	if len(distribution) == 0 {
		return nil, nil
	}
	var values map[string]map[string]int
	if err := json.Unmarshal(distribution, &values); err != nil {
		return nil, fmt.Errorf("read facets of Meilisearch: %w", err)
	}
	var list []search.Count
	for facet, attribute := range attributeOf {
		for value, n := range values[attribute] {
			if n > 0 && value != "" {
				list = append(list, search.Count{Facet: facet, Value: value, Count: n})
			}
		}
	}
	return list, nil
}

// known turns what the server says of a missing index into ErrNoIndex.
func known(err error) error {
	var said *meilisearch.Error
	if errors.As(err, &said) && said.MeilisearchApiError.Code == "index_not_found" {
		return fmt.Errorf("%w: %w", search.ErrNoIndex, err)
	}
	return err
}

// pollEvery is how often a task is asked after.
const pollEvery = 50 * time.Millisecond

// wait waits until the server has done what it took on.
func (e *Engine) wait(ctx context.Context, info *meilisearch.TaskInfo, err error) error {
	if err != nil {
		return known(err)
	}
	task, err := e.server.WaitForTaskWithContext(ctx, info.TaskUID, pollEvery)
	if err != nil {
		return err
	}
	if task.Status != meilisearch.TaskStatusSucceeded {
		err := fmt.Errorf("task %d is %s: %s", info.TaskUID, task.Status, task.Error.Code)
		if task.Error.Code == "index_not_found" {
			return fmt.Errorf("%w: %w", search.ErrNoIndex, err)
		}
		return err
	}
	return nil
}

func isNoIndex(err error) bool { return errors.Is(err, search.ErrNoIndex) }
