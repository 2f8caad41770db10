package portal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

// decode reads the JSON object in a request's body as a T. What does not fit
// is Invalid with the name of the field; more than apiBodyLimit is TooLarge.
func decode[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	var v T
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return v, problem.Errorf(problem.UnsupportedMedia, "send the body as application/json").Coded("body-type")
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, apiBodyLimit))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); err != nil {
		return v, bodyProblem(err, decoder.InputOffset())
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return v, notJSON(decoder.InputOffset())
	}
	return v, nil
}

func bodyProblem(err error, offset int64) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, io.EOF):
		return problem.Errorf(problem.Invalid, "this call needs a JSON object as its body").Coded("body-empty")
	case errors.As(err, &large):
		return problem.Errorf(problem.TooLarge, "the body is over %d bytes", large.Limit).
			Coded("body-too-large", "limit", strconv.FormatInt(large.Limit, 10))
	case errors.As(err, &syntax):
		return notJSON(syntax.Offset)
	case errors.As(err, &kind):
		name := pointer(kind.Field)
		return problem.Errorf(problem.Invalid, "%s must be %s", name, kind.Type).
			Coded("field-type", "field", name, "type", kind.Type.String()).
			Wrong(name, "field-type", fmt.Sprintf("%s must be %s", name, kind.Type), "field", name, "type", kind.Type.String())
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = pointer(strings.Trim(name, `"`))
		return problem.Errorf(problem.Invalid, "there is no field %s here", name).Coded("field-unknown", "field", name).
			Wrong(name, "field-unknown", "there is no such field", "field", name)
	}
	return notJSON(offset).(*problem.Error).Because(err)
}

// pointer writes encoding/json's dotted path as a JSON pointer.
func pointer(path string) string { return "/" + strings.ReplaceAll(path, ".", "/") }

func notJSON(offset int64) error {
	return problem.Errorf(problem.Invalid, "JSON could not be read at byte %d", offset).
		Coded("body-not-json", "offset", strconv.FormatInt(offset, 10))
}

// query reads the parameters of a list. Known are the names that may stand
// there; any other is refused by name, since one that is ignored misleads.
func query(r *http.Request, known ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, problem.Errorf(problem.Invalid, "the query cannot be read").Coded("parameter-invalid", "parameter", "?", "type", "URL-encoded")
	}
	sort.Strings(known)
	for name, given := range values {
		if !slices.Contains(known, name) {
			list := strings.Join(known, ", ")
			return nil, problem.Errorf(problem.Invalid, "no parameter %s; those accepted: %s", name, list).
				Coded("parameter-unknown", "parameter", name, "known", list)
		}
		if len(given) > 1 {
			return nil, wrongParameter(name, "one value")
		}
	}
	return values, nil
}

// limitOf reads limit: 1 to 100, 0 when it is not given.
func limitOf(values url.Values) (int, error) {
	text := values.Get("limit")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 100 {
		return 0, wrongParameter("limit", "1 … 100")
	}
	return n, nil
}

func wrongParameter(name, kind string) error {
	return problem.Errorf(problem.Invalid, "%s must be %s", name, kind).Coded("parameter-invalid", "parameter", name, "type", kind)
}

// idOf reads an id among the parameters; uuid.Nil when it is not given.
func idOf(values url.Values, name string) (uuid.UUID, error) {
	text := values.Get(name)
	if text == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil, wrongParameter(name, "UUID")
	}
	return id, nil
}

// timeOf reads a moment among the parameters; zero when it is not given.
func timeOf(values url.Values, name string) (time.Time, error) {
	text := values.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, wrongParameter(name, "RFC 3339")
	}
	return at, nil
}
