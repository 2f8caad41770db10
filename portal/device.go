package portal

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/auth/oauth"
	"lgsp/internal/problem"
)

// deviceRoutes is the page where a person answers a device that has no browser
// (RFC 8628 §3.3).
func (p *Portal) deviceRoutes(r *mux.Router) {
	r.Handle("/device", p.page(p.deviceForm)).Methods("GET", "HEAD")
	r.Handle("/device", p.page(p.device)).Methods("POST")
}

// deviceForm answers GET /device[?user_code=…], the latter from a picture that
// the device shows. The code is filled in and no more: the person is to
// compare it.
func (p *Portal) deviceForm(r *http.Request) (page, error) {
	if _, err := signedIn(r); err != nil {
		return page{}, err
	}
	return page{Name: "device", Data: clipped(r.FormValue("user_code"))}, nil
}

// clipped is as much of a text as a code may have.
func clipped(text string) string { return text[:min(len(text), 40)] }

// deviceData is the data of the page "device-consent".
type deviceData struct {
	consentAsk
	UserCode string
}

// device answers POST /device: with a code alone it shows who asks for what,
// with an answer it gives that to the device.
func (p *Portal) device(r *http.Request) (page, error) {
	if _, err := signedIn(r); err != nil {
		return page{}, err
	}
	typed, word := clipped(r.PostFormValue("user_code")), r.PostFormValue("answer")
	var answer page
	err := p.tryUserCode(r, func() error {
		if word == "" {
			view, err := p.OAuth.Device(r.Context(), typed)
			if err != nil {
				return err
			}
			ask, err := p.consentAsk(r.Context(), whoever(r), view)
			answer = page{Name: "device-consent", Data: deviceData{ask, strings.ToUpper(typed)}}
			return err
		}
		who, proof, err := p.SessionOf(r)
		if err != nil {
			return err
		}
		answer = page{Name: "device-done", Data: word == "allow"}
		return p.OAuth.DecideDevice(r.Context(), oauth.SignedIn{Who: who, Proof: proof}, typed, word)
	})
	if err != nil {
		return again(r, p.deviceForm, err)
	}
	return answer, nil
}

// How many wrong codes within attemptWindow (RFC 8628 §5.1).
const (
	maxPersonCodes  = 10
	maxNetworkCodes = 100
)

// tryUserCode runs a try at a device's code, unless this person or this
// network has had too many wrong ones.
func (p *Portal) tryUserCode(r *http.Request, try func() error) error {
	person := tries{netip.Prefix{}, "device codes of " + whoever(r).Person.String()}
	all := tries{network(p.Address(r)), "device codes"}
	if !p.attempts.take(person, maxPersonCodes, p.Now()) {
		return tooMany("too-many-device-codes")
	}
	if !p.attempts.take(all, maxNetworkCodes, p.Now()) {
		p.attempts.giveBack(person)
		return tooMany("too-many-device-codes")
	}
	err := try()
	if problem.Code(err) != "device-code-unknown" {
		p.attempts.giveBack(person)
		p.attempts.giveBack(all)
	}
	return err
}

// How many devices and applications one network lets in within attemptWindow.
const (
	maxNetworkDevices       = 300
	maxNetworkRegistrations = 100
)

// slowNewcomers limits how many codes for devices, and tries at registering an
// application, come from one network.
func (p *Portal) slowNewcomers(next http.Handler) http.Handler {
	limits := map[string]int{"/oauth2/device_authorization": maxNetworkDevices, "/oauth2/register": maxNetworkRegistrations}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit, counted := limits[r.URL.Path]
		if !counted || r.Method != http.MethodPost || p.attempts.take(tries{network(p.Address(r)), r.URL.Path}, limit, p.Now()) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Retry-After", strconv.Itoa(int(attemptWindow.Seconds())))
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"error":"temporarily_unavailable","error_description":"Too many requests from this network; wait 10 minutes."}`)) // the caller may have gone
	})
}
