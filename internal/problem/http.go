package problem

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"lgsp/internal/telemetry"
)

// HandlerFunc is a handler that says how it failed by returning it.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP runs the handler and answers for what it returned. The handler
// must not have written anything when it returns an error.
func (h HandlerFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h(w, r); err != nil {
		Write(w, r, err)
	}
}

// Of is the problem in err. An error that is none is Internal, with no text;
// one that is only the caller gone away is nil.
func Of(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		return nil
	}
	return Errorf(Internal, "something went wrong on our side").Because(err)
}

// Write answers r with the problem in err as application/problem+json (RFC
// 9457), in the language asked for, and logs it: Error when a person here must
// act, Info when the caller erred.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	e := Of(err)
	if e == nil {
		return
	}
	locale := Locale(r)
	body, err := json.Marshal(e.body(r, locale))
	if err != nil {
		body = []byte(`{"status":500,"code":"internal"}`) // Extra held what JSON cannot say
	}
	e.write(w, r, written{int(e.Kind), "application/problem+json", locale, append(body, '\n')})
}

// written is a problem as it goes out.
type written struct {
	status    int
	mediaType string
	language  string // "": none that was asked for
	body      []byte
}

func (e *Error) write(w http.ResponseWriter, r *http.Request, as written) {
	Log(r, e)
	header := w.Header()
	for name, values := range e.Header {
		header[name] = values
	}
	header.Set("Content-Type", as.mediaType)
	header.Set("Cache-Control", "no-store")
	header.Add("Vary", "Accept-Language")
	if as.language != "" {
		header.Set("Content-Language", as.language)
	}
	w.WriteHeader(as.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(as.body) // the caller may have gone
	}
}

// Log writes the one line that a problem leaves. What the far end did wrong
// goes by its code alone: the text may repeat what was typed. A refusal by the
// policy keeps its text, which names the rule, unless it repeats what was sent.
func Log(r *http.Request, e *Error) {
	level := slog.LevelInfo
	if e.Kind >= 500 && e.Err != nil {
		level = slog.LevelError
	}
	detail := ""
	if (e.Kind >= 500 || e.Kind == Forbidden) && !e.repeats {
		detail = e.Detail
	}
	slog.Log(r.Context(), level, "problem", "status", int(e.Kind), "code", e.Code, "detail", detail,
		"err", e.Err, "trace_id", telemetry.Trace(r.Context()))
}

func (e *Error) body(r *http.Request, locale string) map[string]any {
	title, _ := e.Words("en")
	detail := e.Detail
	if locale != "" {
		title, detail = e.Words(locale)
	}
	body := map[string]any{
		"type": "urn:lgsp:problem:" + e.Code, "title": title, "status": int(e.Kind), "detail": detail, "code": e.Code,
	}
	if id := telemetry.Trace(r.Context()); id != "" {
		body["trace_id"] = id
	}
	if len(e.Fields) > 0 {
		fields := make([]map[string]string, len(e.Fields))
		for i, f := range e.Fields {
			text := f.Detail
			if locale != "" {
				text = f.Words(locale)
			}
			fields[i] = map[string]string{"field": f.Name, "code": f.Code, "detail": text}
		}
		body["errors"] = fields
	}
	for name, value := range e.Extra {
		body[name] = value
	}
	return body
}
