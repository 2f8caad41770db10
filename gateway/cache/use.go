package cache

import "time"

// Use is what may be done with a stored answer.
type Use int

// The uses.
const (
	Ask   Use = iota // the upstream is asked first
	Fresh            // it is given, fresh or as stale as the call takes it
	Stale            // it is given, and the upstream asked meanwhile
)

// retryAfter is how long an upstream that failed is not asked again, while a
// stale answer is given in its place.
const retryAfter = 5 * time.Second

// Use says what may be done with the answer now, for a call that asks so
// (RFC 9111 §4.2). A nil Answer is none.
func (a *Answer) Use(now time.Time, ask Control) Use {
	if a == nil || a.alone || a.noCache || ask.NoCache {
		return Ask
	}
	age, left := a.Age(now), a.Left(now)
	switch {
	case ask.MaxAge.Given && (age > ask.MaxAge.Of || ask.MaxAge.Of == 0), ask.MinFresh.Given && left < ask.MinFresh.Of:
		return Ask
	case left > 0, ask.MaxStale.Given && !a.strict && -left <= ask.MaxStale.Of:
		return Fresh
	case a.strict:
		return Ask
	case -left <= a.whileAsked && a.whileAsked > 0, a.failed.Load() != 0 && a.AfterError(now):
		return Stale
	}
	return Ask
}

// Age is how old the answer is.
func (a *Answer) Age(now time.Time) time.Duration {
	return a.initialAge + max(0, now.Sub(a.received))
}

// Left is how long it is fresh yet, negative when it is stale.
func (a *Answer) Left(now time.Time) time.Duration { return a.lifetime - a.Age(now) }

// AfterError reports whether the answer may be given now that the upstream failed.
func (a *Answer) AfterError(now time.Time) bool {
	return a != nil && !a.alone && !a.noCache && !a.strict && a.afterError > 0 && -a.Left(now) <= a.afterError
}

// Failed says that the upstream failed when it was asked about the answer.
func (a *Answer) Failed(now time.Time) {
	if a != nil {
		a.failed.Store(now.UnixNano())
	}
}

// Due reports whether the upstream is to be asked about a stale answer: not
// when it failed a moment ago.
func (a *Answer) Due(now time.Time) bool {
	at := a.failed.Load()
	return at == 0 || now.Sub(time.Unix(0, at)) >= retryAfter
}

// EachAsks reports whether answers like this one serve nobody but who asked,
// so that nobody is to wait for another's.
func (a *Answer) EachAsks(now time.Time) bool {
	return a != nil && (a.noCache || a.alone && a.Left(now) > 0 || a.lifetime == 0 && (a.strict || a.whileAsked == 0))
}

// IsAlone reports whether answers are not stored here, for now.
func (a *Answer) IsAlone(now time.Time) bool { return a != nil && a.alone && a.Left(now) > 0 }
