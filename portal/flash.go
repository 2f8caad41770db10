package portal

import (
	"crypto/hmac"
	"crypto/sha256"
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
	value := base64.RawURLEncoding.EncodeToString(text) + "." + base64.RawURLEncoding.EncodeToString(p.sign(text))
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
	if err != nil || !hmac.Equal(sum, p.sign(text)) {
		return nil
	}
	var f web.Flash
	if json.Unmarshal(text, &f) != nil {
		return nil
	}
	return &f
}

func (p *Portal) sign(text []byte) []byte {
	mac := hmac.New(sha256.New, p.CookieKey[:])
	mac.Write([]byte("flash\x00"))
	mac.Write(text)
	return mac.Sum(nil)
}
