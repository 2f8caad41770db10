package meili

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/meilisearch/meilisearch-go"

	"lgsp/catalog/search"
)

// document is what the server keeps of a record. Its texts are folded by our
// own rules, so that its rules have nothing left to do.
type document struct {
	ID           string   `json:"id"` // kind-uuid
	Kind         string   `json:"kind"`
	UUID         string   `json:"uuid"`
	Title        string   `json:"title"`
	Keywords     string   `json:"keywords"`
	Organization string   `json:"organization"`
	Notes        string   `json:"notes"`
	Columns      string   `json:"columns"`
	Exact        string   `json:"exact"`
	Agency       string   `json:"agency"`
	Theme        string   `json:"theme"`
	Formats      []string `json:"formats"`
	Licence      string   `json:"licence"`
	Access       []string `json:"access"`
	UpdatedAt    int64    `json:"updated_at"` // Unix seconds
}

func documentOf(r search.Record) document {
	d := document{
		ID: idOf(r.Key), Kind: r.Kind, UUID: r.ID.String(), Title: r.Title, Keywords: r.Keywords, Organization: r.Organization,
		Notes: r.Notes, Columns: r.Columns, Exact: r.Exact, Theme: r.Theme, Formats: r.Formats, Licence: r.Licence,
		Access: r.Access, UpdatedAt: r.UpdatedAt.Unix(),
	}
	if r.Agency != uuid.Nil {
		d.Agency = r.Agency.String()
	}
	return d
}

func idOf(k search.Key) string { return k.Kind + "-" + k.ID.String() }

// The bounds of what the server counts and gives.
const (
	maxTotalHits = 100_000
	maxValues    = 500 // of a facet: agencies
)

// settings are how the server is to search: our order of fields, no guessing of
// typing errors (the query is mended before it is sent), codes left whole.
// Languages of fields can be told since 1.10.
func settings(synonyms []search.Synonym, minor int) *meilisearch.Settings {
	s := &meilisearch.Settings{
		SearchableAttributes: []string{"title", "keywords", "organization", "notes", "columns"},
		DisplayedAttributes:  []string{"id", "kind", "uuid", "exact"},
		FilterableAttributes: attributes(),
		SortableAttributes:   []string{"updated_at"},
		RankingRules:         []string{"words", "typo", "proximity", "attribute", "sort", "exactness", "updated_at:desc"},
		NonSeparatorTokens:   []string{".", "/", "-", "_"},
		Synonyms:             synonymMap(synonyms),
		TypoTolerance: &meilisearch.TypoTolerance{Enabled: false, MinWordSizeForTypos: meilisearch.MinWordSizeForTypos{OneTypo: 4, TwoTypos: 8},
			DisableOnWords: []string{}, DisableOnAttributes: []string{}},
		Pagination: &meilisearch.Pagination{MaxTotalHits: maxTotalHits},
		Faceting:   &meilisearch.Faceting{MaxValuesPerFacet: maxValues, SortFacetValuesBy: map[string]meilisearch.SortFacetType{"*": meilisearch.SortFacetTypeCount}},
	}
	if minor >= 10 {
		s.LocalizedAttributes = []*meilisearch.LocalizedAttributes{{Locales: []string{"vie"}, AttributePatterns: []string{"*"}}}
	}
	return s
}

// synonymMap has each term and each meaning find the other, with the words that
// join their parts and without them.
func synonymMap(list []search.Synonym) map[string][]string {
	m := map[string][]string{}
	put := func(from, to string) {
		for _, key := range forms(from) {
			for _, other := range forms(to) {
				if key != other && !slices.Contains(m[key], other) {
					m[key] = append(m[key], other)
				}
			}
		}
	}
	for _, s := range list {
		put(s.Term, s.Meaning)
		put(s.Meaning, s.Term)
	}
	return m
}

func forms(name string) []string {
	all, short := search.Fold(name), search.Name(name)
	switch {
	case all == "":
		return nil
	case all == short:
		return []string{all}
	}
	return []string{all, short}
}

// Tell puts and drops documents, and replaces the synonyms; done when it
// returns. Told nothing, it asks whether the index is there. It fails with
// search.ErrNoIndex when it is not.
func (e *Engine) Tell(ctx context.Context, c search.Change) error {
	index := e.server.Index(e.index)
	if _, err := e.server.GetIndexWithContext(ctx, e.index); err != nil { // adding would make one without settings
		return known(fmt.Errorf("ask Meilisearch for the index: %w", err))
	}
	if c.Synonyms != nil {
		synonyms := synonymMap(c.Synonyms)
		info, err := index.UpdateSynonymsWithContext(ctx, &synonyms)
		if err := e.wait(ctx, info, err); err != nil {
			return fmt.Errorf("tell Meilisearch the synonyms: %w", err)
		}
	}
	if len(c.Put) > 0 {
		if err := e.put(ctx, e.index, c.Put); err != nil {
			return err
		}
	}
	if len(c.Drop) > 0 {
		ids := make([]string, len(c.Drop))
		for i, k := range c.Drop {
			ids[i] = idOf(k)
		}
		info, err := index.DeleteDocumentsWithContext(ctx, ids, nil)
		if err := e.wait(ctx, info, err); err != nil {
			return fmt.Errorf("drop documents of Meilisearch: %w", err)
		}
	}
	return nil
}

func (e *Engine) put(ctx context.Context, index string, list []search.Record) error {
	documents := make([]document, len(list))
	for i, r := range list {
		documents[i] = documentOf(r)
	}
	key := "id"
	info, err := e.server.Index(index).AddDocumentsWithContext(ctx, documents, &meilisearch.DocumentOptions{PrimaryKey: &key})
	if err := e.wait(ctx, info, err); err != nil {
		return fmt.Errorf("tell Meilisearch documents: %w", err)
	}
	return nil
}

// Rebuild makes the index anew beside the one in use, of all the pages there
// are after each key (the last is empty), and puts it in its place in one step.
// It fails with ErrTooOld.
func (e *Engine) Rebuild(ctx context.Context, synonyms []search.Synonym, page func(ctx context.Context, after search.Key) ([]search.Record, error)) error {
	if err := e.Check(ctx); err != nil {
		return err
	}
	_, minor, err := e.version(ctx)
	if err != nil {
		return err
	}
	fresh := e.index + "_new"
	info, err := e.server.DeleteIndexWithContext(ctx, fresh)
	if err := e.wait(ctx, info, err); err != nil && !isNoIndex(err) { // left by a rebuild that was broken off
		return fmt.Errorf("delete the former new index of Meilisearch: %w", err)
	}
	if err := e.create(ctx, fresh); err != nil {
		return err
	}
	info, err = e.server.Index(fresh).UpdateSettingsWithContext(ctx, settings(synonyms, minor))
	if err := e.wait(ctx, info, err); err != nil {
		return fmt.Errorf("tell Meilisearch its settings: %w", err)
	}
	for after := (search.Key{}); ; {
		list, err := page(ctx, after)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
		if err := e.put(ctx, fresh, list); err != nil {
			return err
		}
		after = list[len(list)-1].Key
	}
	return e.swap(ctx, fresh)
}

// swap puts the new index in the place of the one in use, which ends.
func (e *Engine) swap(ctx context.Context, fresh string) error {
	_, err := e.server.GetIndexWithContext(ctx, e.index)
	if err = known(err); isNoIndex(err) {
		err = e.create(ctx, e.index) // there must be something to swap with
	}
	if err != nil {
		return fmt.Errorf("ask Meilisearch for the index: %w", err)
	}
	info, err := e.server.SwapIndexesWithContext(ctx, []*meilisearch.SwapIndexesParams{{Indexes: []string{e.index, fresh}}})
	if err := e.wait(ctx, info, err); err != nil {
		return fmt.Errorf("swap the indexes of Meilisearch: %w", err)
	}
	info, err = e.server.DeleteIndexWithContext(ctx, fresh)
	if err := e.wait(ctx, info, err); err != nil {
		return fmt.Errorf("delete the former index of Meilisearch: %w", err)
	}
	return nil
}

func (e *Engine) create(ctx context.Context, index string) error {
	info, err := e.server.CreateIndexWithContext(ctx, &meilisearch.IndexConfig{Uid: index, PrimaryKey: "id"})
	if err := e.wait(ctx, info, err); err != nil && !strings.Contains(err.Error(), "index_already_exists") {
		return fmt.Errorf("make an index of Meilisearch: %w", err)
	}
	return nil
}
