package portal

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"lgsp/internal/problem"
)

// How often one network may try within attemptWindow. A network is an IPv4
// address or an IPv6 /64. It holds an account by itself: nobody elsewhere can
// keep its owner out, and an office behind one address is not kept out by one
// of its people.
const (
	attemptWindow     = 10 * time.Minute
	maxAccountTries   = 8   // wrong passwords for one account
	maxNetworkTries   = 100 // wrong passwords for any account
	maxNetworkSignUps = 30
	maxNetworkAsked   = 1000   // sign-ins begun that leave something to be kept: passkeys, the outside provider
	maxTallies        = 10_000 // remembered at once
)

// tries is what is counted: of a network, by itself or with an account.
type tries struct {
	network netip.Prefix
	what    string // signIns, signUps (letters), begun, or "account " and its address as typed
}

const (
	signIns = "sign-ins"
	signUps = "sign-ups"
	begun   = "begun"
)

// attempts counts tries. Its zero value is ready.
type attempts struct {
	mu      sync.Mutex
	tallies map[tries]tally
}

type tally struct {
	count int
	since time.Time
}

// take counts one more try before it is made, so that many at once are no way
// around; false: there were limit already.
func (a *attempts) take(of tries, limit int, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, known := a.tallies[of]
	if !known || now.Sub(t.since) >= attemptWindow {
		a.makeRoom(now)
		t = tally{since: now}
	}
	if t.count >= limit {
		return false
	}
	t.count++
	a.tallies[of] = t
	return true
}

// makeRoom forgets what is over and, while all is young, any one.
func (a *attempts) makeRoom(now time.Time) {
	if a.tallies == nil {
		a.tallies = map[tries]tally{}
	}
	if len(a.tallies) < maxTallies {
		return
	}
	for of, t := range a.tallies {
		if now.Sub(t.since) >= attemptWindow {
			delete(a.tallies, of)
		}
	}
	for of := range a.tallies {
		if len(a.tallies) < maxTallies {
			return
		}
		delete(a.tallies, of)
	}
}

// giveBack undoes a take: the try was no failure.
func (a *attempts) giveBack(of tries) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t, known := a.tallies[of]; known && t.count > 0 {
		t.count--
		a.tallies[of] = t
	}
}

// network is what an address is counted as: itself, or the /64 of IPv6, which
// is one household's or one machine's.
func network(from netip.Addr) netip.Prefix {
	bits := from.BitLen()
	if from.Is6() {
		bits = 64
	}
	prefix, _ := from.Prefix(bits) // the zero prefix for the zero address
	return prefix
}

// tryPassword runs a try at an account's password, unless there were too many:
// at this account from this network, or at all accounts from it. Which accounts
// there are plays no part.
func (p *Portal) tryPassword(r *http.Request, account string, try func() error) error {
	from := network(p.Address(r))
	if len(account) > 254 {
		account = account[:254] // longer than any address
	}
	one, all := tries{from, "account " + strings.ToLower(strings.TrimSpace(account))}, tries{from, signIns}
	if !p.attempts.take(one, maxAccountTries, p.Now()) {
		return tooMany("too-many-sign-ins")
	}
	if !p.attempts.take(all, maxNetworkTries, p.Now()) {
		p.attempts.giveBack(one)
		return tooMany("too-many-sign-ins")
	}
	err := try()
	if !problem.Is(err, problem.Unauthorized) {
		p.attempts.giveBack(one)
		p.attempts.giveBack(all)
	}
	return err
}

func tooMany(code string) error {
	return problem.Errorf(problem.TooMany, "too many tries from this network").Coded(code).
		Sends("Retry-After", strconv.Itoa(int(attemptWindow.Seconds())))
}

// slowBegun limits how often a network begins a sign-in that is kept for a few
// minutes although nobody has proved anything.
func (p *Portal) slowBegun(r *http.Request) error {
	if p.attempts.take(tries{network(p.Address(r)), begun}, maxNetworkAsked, p.Now()) {
		return nil
	}
	return tooMany("too-many-sign-ins")
}

// asksForLetter reports whether a form sent to path has a letter written to an
// address that anybody may type.
func asksForLetter(path string) bool {
	return strings.HasSuffix(path, "/sign-up") || strings.HasSuffix(path, "/forgot-password") || strings.HasSuffix(path, "/account/email")
}

// slowSignUps limits how many letters a network has written to addresses, on
// the page and through the API.
func (p *Portal) slowSignUps(next http.Handler) http.Handler {
	refused := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, tooMany("too-many-sign-ups")) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !asksForLetter(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		switch {
		case p.attempts.take(tries{network(p.Address(r)), signUps}, maxNetworkSignUps, p.Now()):
			next.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/"):
			problem.Write(w, r, tooMany("too-many-sign-ups"))
		default:
			locale := "vi"
			if strings.HasPrefix(r.URL.Path, "/en/") {
				locale = "en"
			}
			speaks(locale, refused).ServeHTTP(w, r)
		}
	})
}

// Address is the address a request came from: the right-most one in
// X-Forwarded-For that no trusted proxy of ours has.
func (p *Portal) Address(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	from := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.trusts(from); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return from
		}
		from = hop.Unmap()
	}
	return from
}

func (p *Portal) trusts(from netip.Addr) bool {
	for _, network := range p.Proxies {
		if network.Contains(from) {
			return true
		}
	}
	return false
}
