package cache

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"lgsp/internal/http1"
)

// Answer is a stored answer to a GET that anybody may have. Nothing of it
// changes once it is stored, but the counts of how it is used.
type Answer struct {
	Status int
	Plain  Form
	Packed Form // the same under gzip; no fields: there is none
	ETag   string

	modified   time.Time // Last-Modified; zero: not said
	since      Since
	received   time.Time
	initialAge time.Duration // when it was received
	lifetime   time.Duration // from initialAge 0 on
	whileAsked time.Duration // how long it may be given stale while the upstream is asked
	afterError time.Duration // how long, once the upstream has failed
	noCache    bool          // the upstream is asked each time
	strict     bool          // it is never given stale
	alone      bool          // it only says that answers under this key are not stored
	lent       atomic.Int32  // to so many at the moment
	failed     atomic.Int64  // when the upstream failed to say whether it still holds, Unix nanoseconds; 0: it did not
}

// Form is one way that an answer is written.
type Form struct {
	Fields http1.Fields // with Content-Length
	Body   []byte
}

// Head is the head of an upstream's answer to a GET without conditions of the
// caller's, and when it was asked for and came.
type Head struct {
	Status      int
	Fields      http1.Fields // as the upstream sent them
	Asked, Came time.Time
}

// Rules are what an operation's agency says of answers that do not say it
// themselves.
type Rules struct {
	Fresh      time.Duration // of a 2xx answer; 0: it is not fresh at all
	WhileAsked time.Duration // stale-while-revalidate
	AfterError time.Duration // stale-if-error
}

// storable are the statuses that are stored: the upstream's word on what is
// there, none of errors that pass.
var storable = map[int]bool{
	http.StatusOK: true, http.StatusNonAuthoritativeInfo: true, http.StatusNoContent: true,
	http.StatusMovedPermanently: true, http.StatusPermanentRedirect: true, http.StatusNotFound: true, http.StatusGone: true,
}

// Judge gives the answer to be stored, still without its forms; false: nothing
// of it is stored (RFC 9111 §3).
func Judge(h Head, rules Rules) (*Answer, bool) {
	control := ParseControl(values(h.Fields, "Cache-Control"))
	if !storable[h.Status] || !sharable(h.Fields, control) {
		return nil, false
	}
	a := &Answer{
		Status: h.Status, ETag: strings.Clone(entityTag(h.Fields)), received: h.Came,
		initialAge: initialAge(h), lifetime: lifetime(h, control, rules),
		noCache: control.NoCache,
		strict:  control.MustRevalidate || control.ProxyRevalidate || control.SMaxAge.Given, // §4.2.4
	}
	if h.Status < 300 {
		a.whileAsked, a.afterError = rules.WhileAsked, rules.AfterError
	}
	if control.StaleWhileRevalidate.Given {
		a.whileAsked = control.StaleWhileRevalidate.Of
	}
	if control.StaleIfError.Given {
		a.afterError = control.StaleIfError.Of
	}
	if t, err := http.ParseTime(h.Fields.Get("Last-Modified")); err == nil {
		a.modified = t
	}
	return a, a.everUseful()
}

// Failure gives an answer that tells of a fault of the upstream's, for those
// who wait for it now: it is not to be stored. False: it is one caller's alone,
// or tells of no fault.
func Failure(h Head) (*Answer, bool) {
	if !IsFault(h.Status) || !sharable(h.Fields, ParseControl(values(h.Fields, "Cache-Control"))) {
		return nil, false
	}
	return &Answer{Status: h.Status, received: h.Came}, true
}

// IsFault reports whether a status tells of a fault of the upstream's (RFC 5861 §4).
func IsFault(status int) bool {
	return status == http.StatusInternalServerError || status >= http.StatusBadGateway && status <= http.StatusGatewayTimeout
}

// Alone is what stands for answers that are not stored, so that nobody waits
// for another's: for half a minute each asks by itself.
func Alone(now time.Time) *Answer {
	return &Answer{alone: true, received: now, lifetime: aloneFor}
}

const aloneFor = 30 * time.Second

// sharable reports whether what the fields say lets everybody have the answer,
// as it is.
func sharable(fields http1.Fields, control Control) bool {
	if control.NoStore || control.Private {
		return false
	}
	for _, line := range fields {
		switch line.Name {
		case "Set-Cookie", "Set-Cookie2", "Www-Authenticate", "Authentication-Info", "Content-Range":
			return false
		case "Content-Encoding":
			if !strings.EqualFold(line.Value, "identity") {
				return false // it was asked for plain
			}
		case "Vary":
			if !varies(line.Value) {
				return false
			}
		}
	}
	return true
}

// varies reports whether a line of Vary names only what the key holds, or what
// no caller's call sends on: not everything, and not who the caller is.
func varies(line string) bool {
	for name := range strings.SplitSeq(line, ",") {
		switch name = strings.ToLower(strings.Trim(name, " \t")); name {
		case "*", "authorization", "cookie", "x-api-key", "dpop", "x-request-id", "traceparent", "tracestate", "via", "forwarded":
			return false
		}
		if strings.HasPrefix(name, "lgsp-") || strings.HasPrefix(name, "x-forwarded") || strings.ContainsAny(name, " \t\"*") {
			return false
		}
	}
	return true
}

// lifetime is how long an answer is fresh (RFC 9111 §4.2.1). Nothing is guessed.
func lifetime(h Head, control Control, rules Rules) time.Duration {
	switch {
	case control.SMaxAge.Given:
		return control.SMaxAge.Of
	case control.MaxAge.Given:
		return control.MaxAge.Of
	case h.Fields.Has("Expires"):
		expires, err := http.ParseTime(h.Fields.Get("Expires"))
		if err != nil || len(values(h.Fields, "Expires")) > 1 {
			return 0
		}
		return min(max(expires.Sub(dateOf(h)), 0), longest)
	case h.Status < 300:
		return rules.Fresh
	}
	return 0
}

// initialAge is how old an answer is when it comes (RFC 9111 §4.2.3).
func initialAge(h Head) time.Duration {
	said := time.Duration(0)
	for _, line := range values(h.Fields, "Age") {
		eachElement(line, func(element string) {
			if d, ok := seconds(element); ok {
				said = max(said, d)
			}
		})
	}
	return max(0, h.Came.Sub(dateOf(h)), said+h.Came.Sub(h.Asked))
}

// dateOf is when the upstream made the answer; when it came, if it does not say.
func dateOf(h Head) time.Time {
	date, err := http.ParseTime(h.Fields.Get("Date"))
	if err != nil {
		return h.Came
	}
	return date
}

// everUseful reports whether there is a call that the answer could serve.
func (a *Answer) everUseful() bool {
	if !a.noCache && a.lifetime > a.initialAge || a.Validates() {
		return true
	}
	return !a.noCache && !a.strict && a.lifetime+max(a.whileAsked, a.afterError) > a.initialAge
}

// Validates reports whether the upstream can be asked if the answer still holds.
func (a *Answer) Validates() bool { return a != nil && (a.ETag != "" || !a.modified.IsZero()) }

// Conditions are the lines that ask the upstream whether the answer still holds.
func (a *Answer) Conditions(header http.Header) {
	if a == nil {
		return
	}
	if a.ETag != "" {
		header["If-None-Match"] = []string{a.ETag}
	}
	if !a.modified.IsZero() {
		header["If-Modified-Since"] = []string{a.modified.UTC().Format(http.TimeFormat)}
	}
}

// notStored are the fields that are one call's, or made anew for each.
var notStored = map[string]bool{
	"Age": true, "Content-Length": true, "Cache-Status": true, "X-Request-Id": true, "X-Correlation-Id": true, "Via": true, "Warning": true,
	"Traceparent": true, "Tracestate": true, "Traceresponse": true, "Server-Timing": true,
}

// kept are the fields that are stored of those passed on, in memory of their own.
func kept(fields http1.Fields, came time.Time) http1.Fields {
	list := make(http1.Fields, 0, len(fields)+2)
	for _, line := range fields {
		if !notStored[line.Name] {
			list = append(list, http1.Field{Name: strings.Clone(line.Name), Value: strings.Clone(line.Value)})
		}
	}
	if _, err := http.ParseTime(list.Get("Date")); err != nil {
		list.Set("Date", came.UTC().Format(http.TimeFormat)) // RFC 9110 §6.6.1
	}
	return list
}

// Fill gives the answer its plain form: of the fields that are passed on, and
// the body.
func (a *Answer) Fill(fields http1.Fields, body []byte) {
	a.Plain = Form{Fields: kept(fields, a.received), Body: body}
	if a.Status != http.StatusNoContent {
		a.Plain.Fields.Add("Content-Length", strconv.Itoa(len(body)))
	}
}

// Freshen gives the answer as it is after the upstream said, by the head of a
// 304, that it still holds (RFC 9111 §4.3.4). Passed are the fields of the 304
// that are passed on. False: the 304 is about another answer.
func (a *Answer) Freshen(h Head, passed http1.Fields) (whole Head, fields http1.Fields, ok bool) {
	if tag := entityTag(h.Fields); tag != "" && a.ETag != "" && opaque(tag) != opaque(a.ETag) {
		return Head{}, nil, false
	}
	fields = make(http1.Fields, 0, len(a.Plain.Fields)+len(passed))
	for _, line := range a.Plain.Fields {
		if line.Name != "Content-Length" && (!passed.Has(line.Name) || notUpdated[line.Name]) {
			fields = append(fields, line)
		}
	}
	for _, line := range passed {
		if !notUpdated[line.Name] && !notStored[line.Name] {
			fields = append(fields, line)
		}
	}
	whole = Head{Status: a.Status, Asked: h.Asked, Came: h.Came, Fields: append(http1.Fields(nil), fields...)}
	for _, line := range h.Fields {
		if line.Name == "Set-Cookie" || line.Name == "Age" { // what is not passed on counts too
			whole.Fields = append(whole.Fields, line)
		}
	}
	return whole, fields, true
}

// notUpdated are the fields that tell of the stored body (RFC 9111 §3.2).
var notUpdated = map[string]bool{"Content-Encoding": true, "Content-Type": true, "Content-Range": true, "Content-Length": true}

// weight is how many bytes the answer takes, roughly.
func (a *Answer) weight(k Key) uint32 {
	const itself = 600 // the structs, and the store's own
	n := itself + len(k.Path) + len(k.Query) + len(k.Accept) + len(k.Language) + len(a.ETag)
	for _, form := range []Form{a.Plain, a.Packed} {
		n += cap(form.Body)
		for _, line := range form.Fields {
			n += 32 + len(line.Name) + len(line.Value)
		}
	}
	return uint32(n)
}

func values(fields http1.Fields, name string) []string {
	var list []string
	for _, line := range fields {
		if line.Name == name {
			list = append(list, line.Value)
		}
	}
	return list
}
