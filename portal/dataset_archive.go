package portal

import (
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"lgsp/catalog"
)

// sendArchive answers GET /dataset/{slug}/all.zip: all files of a dataset and
// what is written about them.
func (p *Portal) sendArchive(w http.ResponseWriter, r *http.Request) error {
	archive, err := p.Catalog.Archive(r.Context(), whoever(r), mux.Vars(r)["slug"])
	if err != nil {
		return err
	}
	out := &download{ResponseWriter: p.patient(w), kind: "application/zip", name: archive.Dataset.Slug + ".zip"}
	w.Header().Set("Cache-Control", "no-cache") // the dataset may be withdrawn
	if r.Method == http.MethodHead {
		out.head()
		return nil
	}
	if err := out.end(archive.Write(r.Context(), out)); err != nil {
		return err
	}
	countDownload(p.Catalog, r, catalog.Use{Dataset: archive.Dataset.ID})
	return nil
}

// writeWait is how long a slow reader may take nothing of a large answer.
const writeWait = 2 * time.Minute

// patientWriter gives each piece of an answer its own time, so that a large
// file goes out on a slow line too.
type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	now     func() time.Time
}

// patient lets an answer take as long as its reader takes something of it.
func (p *Portal) patient(w http.ResponseWriter) http.ResponseWriter {
	return &patientWriter{ResponseWriter: w, control: http.NewResponseController(w), now: p.Now}
}

// Write is of http.ResponseWriter.
func (w *patientWriter) Write(b []byte) (int, error) {
	_ = w.control.SetWriteDeadline(w.now().Add(writeWait)) // in a test there is no connection
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach what is underneath.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
