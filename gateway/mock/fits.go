package mock

import (
	"math"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// fits reports whether a text may stand for the shape.
func (s *Shape) fits(text string) bool {
	length := utf8.RuneCountInString(text)
	if length < s.Shortest || s.Longest != nil && length > *s.Longest || s.matches != nil && !s.matches.MatchString(text) {
		return false
	}
	if !s.Strict {
		return true
	}
	var err error
	switch s.Topic {
	case topicDate, topicBirth:
		_, err = time.Parse(time.DateOnly, text)
	case topicMoment:
		_, err = time.Parse(time.RFC3339, text)
	case topicUUID:
		_, err = uuid.Parse(text)
		if len(text) != 36 {
			return false
		}
	case topicIPv4, topicIPv6:
		_, err = netip.ParseAddr(text)
	case topicEmail:
		return strings.Contains(text, "@")
	}
	return err == nil
}

// fitsNumber reports whether a number may stand for the shape.
func (s *Shape) fitsNumber(n float64) bool {
	switch {
	case s.Kind == "integer" && (n != math.Trunc(n) || s.Topic == topicInt32 && math.Abs(n) > math.MaxInt32),
		s.Least != nil && (n < *s.Least || s.Above && n == *s.Least),
		s.Most != nil && (n > *s.Most || s.Below && n == *s.Most):
		return false
	}
	if s.Step == 0 {
		return true
	}
	times := n / s.Step
	return math.Abs(times-math.Round(times)) < 1e-9
}
