package portal

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"lgsp/internal/problem"
	"lgsp/internal/telemetry"
)

type localeKey struct{}

// speaks marks the requests of a handler as of one language. The language
// comes from the path alone, so that an address always shows the same page.
func speaks(locale string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, speaking(r, locale))
	})
}

// speaking is the request for the page in a language.
func speaking(r *http.Request, locale string) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), localeKey{}, locale))
}

// localeOf is the language of the page asked for, "vi" or "en".
func localeOf(r *http.Request) string {
	if locale, ok := r.Context().Value(localeKey{}).(string); ok {
		return locale
	}
	return "vi"
}

// address puts the page's language before an address of the portal.
func address(r *http.Request, to string) string {
	if localeOf(r) == "vi" {
		return to
	}
	return "/" + localeOf(r) + to
}

// trace gives a request its trace id and leaves one line about it, without
// its query. A token that was issued or told about leaves none at level info:
// it is recorded (auth.issued_token), and there are thousands a second.
func (p *Portal) trace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := p.Now()
		id := telemetry.TraceOf(r)
		r = r.WithContext(telemetry.WithTrace(r.Context(), id))
		w.Header().Set("LGSP-Trace", id)
		counted := &countingWriter{ResponseWriter: w}
		next.ServeHTTP(counted, r)
		level := slog.LevelInfo
		if strings.HasPrefix(r.URL.Path, "/oauth2/") && counted.status == http.StatusOK {
			level = slog.LevelDebug
		}
		slog.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path, "status", counted.status,
			"bytes", counted.bytes, "dur_ms", p.Now().Sub(began).Milliseconds(), "trace_id", id)
	})
}

// countingWriter remembers what was answered.
type countingWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader remembers the status.
func (w *countingWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (w *countingWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach what is underneath.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// readable lets in only addresses that are text. PostgreSQL keeps neither NUL
// nor broken UTF-8, so nothing can have such a name and no filter can find it.
func (p *Portal) readable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := problem.Errorf(problem.NotFound, "the path is no text")
		if isText(r.URL.Path) {
			err = unreadable(r.URL.Query())
		}
		switch {
		case err == nil:
			next.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/"):
			problem.Write(w, r, err)
		default:
			p.fail(w, r, err)
		}
	})
}

// unreadable is Invalid, with a field error each, when values are no text.
func unreadable(values url.Values) *problem.Error {
	var wrong *problem.Error
	for name, list := range values {
		for _, value := range list {
			if isText(name) && isText(value) {
				continue
			}
			if wrong == nil {
				wrong = problem.Errorf(problem.Invalid, "a value is no text")
			}
			wrong.Wrong(strings.ToValidUTF8(name, "?"), "text-unreadable", "it holds characters that cannot be shown")
		}
	}
	return wrong
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// headers keeps a browser from running or framing what is not ours.
func (p *Portal) headers(next http.Handler) http.Handler {
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self' " +
		p.Gateway + "; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	same := http.Header{}
	same.Set("Content-Security-Policy", policy)
	same.Set("X-Content-Type-Options", "nosniff")
	same.Set("Referrer-Policy", "same-origin")
	same.Set("Cross-Origin-Opener-Policy", "same-origin")
	same.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if p.secure() {
		same.Set("Strict-Transport-Security", "max-age="+fmt.Sprint(int(hstsAge.Seconds())))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), same) // whose values nobody changes: they are set anew or deleted
		next.ServeHTTP(w, r)
	})
}

const hstsAge = 365 * 24 * time.Hour

// recovered turns a panic into the page of an internal error.
func (p *Portal) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			what := recover()
			if what == nil {
				return
			}
			if what == http.ErrAbortHandler {
				panic(what)
			}
			err := fmt.Errorf("panic: %v\n%s", what, debug.Stack())
			p.fail(w, r, problem.Errorf(problem.Internal, "something went wrong on our side").Because(err))
		}()
		next.ServeHTTP(w, r)
	})
}
