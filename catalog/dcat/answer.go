package dcat

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"lgsp/auth"
)

// dataset answers GET /dataset/{slug}.{ttl,rdf,xml,jsonld}: one dataset, as
// everyone may see it. It fails with NotFound.
func (s *Site) dataset(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Catalog.DatasetBySlug(r.Context(), auth.Principal{}, mux.Vars(r)["slug"])
	if err != nil {
		return err
	}
	g := newGraph()
	s.describeDataset(g, d)
	w.Header().Set("Link", "<"+s.Origin+"/dataset/"+d.Slug+`>; rel="canonical"`)
	return answer(w, r, g, d.ChangedAt())
}

// answer writes a graph in the syntax that the address names.
func answer(w http.ResponseWriter, r *http.Request, g *graph, at time.Time) error {
	s := syntaxOf(mux.Vars(r)["ending"])
	var b bytes.Buffer
	s.write(&b, g)
	media := s.media
	if media == "text/turtle" {
		media += "; charset=utf-8" // the others say it themselves
	}
	give(w, r, media, at, b.Bytes())
	return nil
}

// give answers with a body, or with 304 to who has it already. The tag is of
// the body, so that an agency's new name counts as a change; it is weak, for a
// compressed answer has the same one.
func give(w http.ResponseWriter, r *http.Request, media string, at time.Time, body []byte) {
	sum := sha256.Sum256(body)
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("ETag", `W/"`+hex.EncodeToString(sum[:16])+`"`)
	h.Set("Cache-Control", "public, no-cache") // kept, and asked for again: what is withdrawn is gone at once
	http.ServeContent(w, r, "", at.Truncate(time.Second), bytes.NewReader(body))
}
