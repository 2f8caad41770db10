package portal

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"lgsp/web"
)

// flashCookie carries one sentence from a form to the next page. It is signed,
// so that nobody can put words into our mouth.
const flashCookie = "lgsp_flash"

func (p *Portal) giveFlash(w http.ResponseWriter, f web.Flash) {
	text, err := json.Marshal(f)
	if err != nil {
		return // strings always marshal
	}
	value := base64.RawURLEncoding.EncodeToString(text) + "." + base64.RawURLEncoding.EncodeToString(p.Cookies.Sum(flashText(text)))
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Value: value, Path: "/", MaxAge: 60, HttpOnly: true,
		Secure: p.secure(), SameSite: http.SameSiteLaxMode})
}

// takeFlash gives the sentence once; a forged or broken one is nothing.
func (p *Portal) takeFlash(w http.ResponseWriter, r *http.Request) *web.Flash {
	cookie, err := r.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: p.secure(), SameSite: http.SameSiteLaxMode})
	body, mac, _ := strings.Cut(cookie.Value, ".")
	text, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return nil
	}
	sum, err := base64.RawURLEncoding.DecodeString(mac)
	if err != nil || !p.Cookies.Verify(flashText(text), sum) {
		return nil
	}
	var f web.Flash
	if json.Unmarshal(text, &f) != nil {
		return nil
	}
	return &f
}

// flashText is what is signed of a sentence.
func flashText(text []byte) []byte { return append([]byte("flash\x00"), text...) }
