package auth

import (
	"testing"
	"time"
)

func TestProvedAt(t *testing.T) {
	t.Parallel()
	now := monday.Add(5 * time.Minute) // a visit that began on monday comes back
	for _, tt := range []struct {
		name  string
		fresh bool
		at    time.Time
		want  time.Time
	}{
		{"let pass an hour ago", false, monday.Add(-time.Hour), monday.Add(-time.Hour)},
		{"let pass just before", false, monday.Add(-time.Second), monday.Add(-time.Second)},
		{"asked, and nobody was", true, monday.Add(-time.Hour), monday.Add(-time.Hour)},
		{"asked, by a clock that is behind", true, monday.Add(-59 * time.Second), now},
		{"asked, by a clock too far behind", true, monday.Add(-time.Minute), monday.Add(-time.Minute)},
		{"asked, to the whole second", true, monday.Truncate(time.Second), now},
		{"in our future", false, now.Add(time.Hour), now},
		{"it does not say", false, time.Time{}, now.Add(-12 * time.Hour)},
		{"asked, and it does not say", true, time.Time{}, now.Add(-12 * time.Hour)},
	} {
		v := Visit{Fresh: tt.fresh, Until: monday.Add(visitLasts)}
		if got := v.ProvedAt(tt.at, now); !got.Equal(tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
