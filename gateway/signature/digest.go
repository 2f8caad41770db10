package signature

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"hash"
	"io"

	"github.com/dunglas/httpsfv"
)

const maxDigest = 1 << 10 // bytes of Content-Digest

// Digest is what a Content-Digest (RFC 9530) says of a body.
type Digest struct{ sums []sum }

type sum struct {
	hash hash.Hash
	want []byte
}

// ParseDigest reads the lines of Content-Digest. It fails, in words for who
// sent them, unless one of sha-256 and sha-512 is there; what else is there is
// passed over.
func ParseDigest(lines []string) (*Digest, error) {
	size := 0
	for _, line := range lines {
		size += len(line)
	}
	if size > maxDigest {
		return nil, errors.New("Content-Digest is too long")
	}
	list, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil {
		return nil, errors.New("Content-Digest is no dictionary of structured fields")
	}
	d := &Digest{}
	for _, known := range []struct {
		name string
		make func() hash.Hash
	}{{"sha-256", sha256.New}, {"sha-512", sha512.New}} {
		member, there := list.Get(known.name)
		if !there {
			continue
		}
		item, _ := member.(httpsfv.Item)
		one := sum{hash: known.make()}
		if one.want, _ = item.Value.([]byte); len(one.want) != one.hash.Size() {
			return nil, errors.New("Content-Digest holds no " + known.name)
		}
		d.sums = append(d.sums, one)
	}
	if len(d.sums) == 0 {
		return nil, errors.New("Content-Digest has neither sha-256 nor sha-512")
	}
	return d, nil
}

// Reader reads body and holds its last byte back until it is known to be the
// one of the digest: whoever is sent what was read has not all of another body.
// Then Read fails with other.
func (d *Digest) Reader(body io.ReadCloser, other error) io.ReadCloser {
	return &digestReader{ReadCloser: body, digest: d, other: other}
}

type digestReader struct {
	io.ReadCloser
	digest *Digest
	other  error
	held   [1]byte
	holds  bool
	end    error // what Read gives from here on
}

// Read is of io.Reader.
func (r *digestReader) Read(p []byte) (int, error) {
	if r.end != nil || len(p) == 0 {
		return 0, r.end
	}
	n, err := 0, error(nil)
	for n == 0 && err == nil { // one byte alone is none that can be given
		n, err = r.more(p)
	}
	if err == nil {
		return n, nil
	}
	r.end = err
	if err != io.EOF {
		return n, err
	}
	for _, s := range r.digest.sums {
		if subtle.ConstantTimeCompare(s.hash.Sum(nil), s.want) != 1 {
			r.end = r.other
			return n, r.other
		}
	}
	if !r.holds {
		return n, io.EOF
	}
	if n == len(p) { // no room for it: it comes next
		r.ReadCloser, r.end, r.digest = &rest{r.ReadCloser, r.held}, nil, &Digest{}
		r.holds = false
		return n, nil
	}
	p[n], r.holds = r.held[0], false
	return n + 1, io.EOF
}

// more reads on, gives what was held, and holds the last byte that came.
func (r *digestReader) more(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	for _, s := range r.digest.sums {
		s.hash.Write(p[:n]) // never fails (package hash)
	}
	if n == 0 {
		return 0, err
	}
	last := p[n-1]
	if r.holds {
		copy(p[1:n], p[:n-1])
		p[0] = r.held[0]
		r.held[0] = last
		return n, err
	}
	r.held[0], r.holds = last, true
	return n - 1, err
}

// rest is the last byte of a body.
type rest struct {
	io.Closer
	last [1]byte
}

// Read is of io.Reader.
func (r *rest) Read(p []byte) (int, error) {
	return copy(p, r.last[:]), io.EOF
}
