package web

import (
	"bytes"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// Static serves /static/: files whose names hold their hash, so they are kept
// for a year, packed as the browser asks (RFC 9110 §12.5.3).
func (p *Pages) Static() http.Handler {
	known := map[string]bool{}
	for _, name := range p.assets {
		known[name] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/static/")
		if !known[name] {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentType(name))
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Add("Vary", "Accept-Encoding")
		for _, packing := range []struct{ encoding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}, {"", ""}} {
			if packing.encoding != "" && !strings.Contains(r.Header.Get("Accept-Encoding"), packing.encoding) {
				continue
			}
			body, err := fs.ReadFile(files, "dist/"+name+packing.suffix)
			if err != nil {
				continue // pictures and fonts are not packed again
			}
			if packing.encoding != "" {
				h.Set("Content-Encoding", packing.encoding)
			}
			http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
			return
		}
	})
}

func contentType(name string) string {
	if path.Ext(name) == ".woff2" {
		return "font/woff2"
	}
	return mime.TypeByExtension(path.Ext(name))
}
