package oauth

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

// A nonce changes every half minute, so that clients seldom take a new one,
// and is good for five.
const (
	nonceStep = 30 * time.Second
	nonceLife = 5 * time.Minute
)

// Nonce is what the next DPoP proof is to carry (RFC 9449 §8, §9): the time,
// and its HMAC of 16 bytes. Nothing is kept, and every node that has the key
// knows it.
func (v *Verifier) Nonce() string {
	var text [24]byte
	binary.BigEndian.PutUint64(text[:8], uint64(v.Now().Truncate(nonceStep).Unix()))
	copy(text[8:], v.Nonces.Sum(text[:8]))
	return base64.RawURLEncoding.EncodeToString(text[:])
}

// nonceEnds says until when a nonce of ours is good; false when it is not, or
// is none of ours.
func (v *Verifier) nonceEnds(nonce string, now time.Time) (time.Time, bool) {
	text, err := strict64.DecodeString(nonce)
	if err != nil || len(text) != 24 || !v.Nonces.Verify(text[:8], text[8:]) {
		return time.Time{}, false
	}
	ends := time.Unix(int64(binary.BigEndian.Uint64(text[:8])), 0).UTC().Add(nonceStep + nonceLife)
	return ends, now.Before(ends) && !ends.After(now.Add(nonceStep+nonceLife+clockLeeway))
}
