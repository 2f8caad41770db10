package signature

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func sha256Of(body string) string {
	sum := sha256.Sum256([]byte(body))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

var errOther = errors.New("another body")

// TestDigestReader: a body of the digest is read whole, however it comes; of
// another one at least the last byte is held back.
func TestDigestReader(t *testing.T) {
	t.Parallel()
	ways := map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "halves": iotest.HalfReader, "end with data": iotest.DataErrReader,
	}
	for _, body := range []string{"", "a", "ab", strings.Repeat("abc", 70_000)} {
		for name, way := range ways {
			for _, room := range []int{1, 2, 512, 1 << 20} {
				read := func(digest string) (string, error) {
					d, err := ParseDigest([]string{digest})
					if err != nil {
						t.Fatal(err)
					}
					var got bytes.Buffer
					_, err = io.CopyBuffer(struct{ io.Writer }{&got}, struct{ io.Reader }{d.Reader(io.NopCloser(way(strings.NewReader(body))), errOther)}, make([]byte, room))
					return got.String(), err
				}
				if len(body) > 10 && room < 512 && name == "byte by byte" {
					continue // slow, and the same
				}
				if got, err := read(sha256Of(body)); err != nil || got != body {
					t.Errorf("%s of %d bytes, %d at once: got %d, %v", name, len(body), room, len(got), err)
				}
				if got, err := read(sha256Of(body + "x")); !errors.Is(err, errOther) || len(got) > max(len(body)-1, 0) {
					t.Errorf("another body, %s of %d bytes, %d at once: got %d, %v", name, len(body), room, len(got), err)
				}
			}
		}
	}
	d, err := ParseDigest([]string{bodyDigest})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(d.Reader(io.NopCloser(strings.NewReader(`{"hello": "world"}`)), errOther)); err != nil || len(got) != 18 {
		t.Errorf("the RFC's body: got %q, %v", got, err)
	}
	broken, _ := ParseDigest([]string{sha256Of("ab")})
	if _, err := io.ReadAll(broken.Reader(io.NopCloser(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("ab")))), errOther)); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("broken off: got %v", err)
	}
}

// TestParseDigest: one that is known has to be there, and all that are known hold.
func TestParseDigest(t *testing.T) {
	t.Parallel()
	for _, lines := range [][]string{
		nil, {""}, {"md5=:AAAA:"}, {"sha-256=:AAAA:"}, {"sha-256"}, {`sha-256="x"`}, {"sha-256=()"}, {"SHA-256=:AAAA:"}, {"sha-256=:" + strings.Repeat("AAAA", 300) + ":"},
		{sha256Of("a") + ", sha-512=:AAAA:"},
	} {
		if _, err := ParseDigest(lines); err == nil {
			t.Errorf("%.60q is taken", lines)
		}
	}
	d, err := ParseDigest([]string{"md5=:AAAA:", sha256Of("other"), bodyDigest})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(d.Reader(io.NopCloser(strings.NewReader(`{"hello": "world"}`)), errOther)); !errors.Is(err, errOther) {
		t.Errorf("one of two is another body's: got %v", err)
	}
}

// FuzzParseDigest: what is taken holds for some body only.
func FuzzParseDigest(f *testing.F) {
	f.Add(bodyDigest, "a")
	f.Add("sha-256=:AAAA:", "")
	f.Fuzz(func(t *testing.T, line, body string) {
		d, err := ParseDigest([]string{line})
		if err != nil {
			return
		}
		if got, err := io.ReadAll(d.Reader(io.NopCloser(strings.NewReader(body)), errOther)); err == nil && string(got) != body || len(got) > len(body) {
			t.Fatalf("read %q of %q", got, body)
		}
	})
}
