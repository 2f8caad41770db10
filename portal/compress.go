package portal

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

// compressed packs pages and tables for readers who are nobody yet, as most
// are who read on a phone. Who is signed in, or sends a token, gets plain
// answers: the length of a packed page that holds a secret beside words of
// another can tell the secret (BREACH).
func (p *Portal) compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1400), // one packet
		gzhttp.ContentTypes([]string{"text/html", "text/csv", "text/turtle", "application/ld+json", "application/xml", "application/rdf+xml", "application/atom+xml"}))
	if err != nil {
		panic(err) // the options are constants
	}
	packed := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := r.Cookie(p.sessionCookie())
		if err == nil || r.Header.Get("Authorization") != "" {
			next.ServeHTTP(w, r)
			return
		}
		packed.ServeHTTP(w, r)
	})
}
