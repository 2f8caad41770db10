package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lgsp/catalog"
	"lgsp/catalog/search/meili"
)

// meiliIndex is what the index is called on the Meilisearch server.
const meiliIndex = "lgsp_catalog"

// besideEngine is the search engine beside PostgreSQL; nil where none is set.
func (p *platform) besideEngine() *catalog.Beside {
	if p.config.MeiliURL == "" {
		return nil
	}
	client := &http.Client{Timeout: 30 * time.Second} // batches of documents; searches end sooner
	b := &catalog.Beside{Engine: meili.New(p.config.MeiliURL, p.config.MeiliKey, meiliIndex, client), Now: time.Now}
	p.metrics.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "lgsp_search_engine_up", Help: "1 while searches are asked of the engine beside PostgreSQL, 0 while PostgreSQL answers in its place.",
		}, func() float64 {
			if b.State().Up {
				return 1
			}
			return 0
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "lgsp_search_fallbacks_total", Help: "Searches that PostgreSQL answered because the engine beside it was away or behind.",
		}, func() float64 { return float64(b.State().Missed) }),
	)
	return b
}

// checkEngine refuses a Meilisearch server that is too old. One that is away is
// waited for by RunBeside.
func (p *platform) checkEngine(ctx context.Context) error {
	if p.config.MeiliURL == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	err := meili.New(p.config.MeiliURL, p.config.MeiliKey, meiliIndex, &http.Client{}).Check(ctx)
	if errors.Is(err, meili.ErrTooOld) {
		return errors.Join(errors.New("LGSP_MEILI_URL"), err)
	}
	if err != nil {
		slog.WarnContext(ctx, "the search engine did not answer; PostgreSQL does", "err", err)
	}
	return nil
}

// keepIndexed writes the search index anew when another version of the program
// wrote it, and tries again when the database is away.
func (p *platform) keepIndexed(ctx context.Context) error {
	pages, err := p.portal.Documents()
	if err != nil {
		return err
	}
	for {
		err := p.catalog.KeepIndexed(ctx, pages)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		slog.ErrorContext(ctx, "search index is not written; trying again", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Minute):
		}
	}
}
