package cache

// What is held beside the store: bodies that are being fetched, and answers that
// are being given, which may have left the store meanwhile. A slow upstream or
// caller holds them for long, so they have a bound too: the store's once more.

// lentFrom is how large an answer is that counts while it is given. Smaller
// ones take no more than a connection does.
const lentFrom = 64 << 10

// Reserve takes room for so many bytes of a body that is being fetched; false:
// there is none, and the body is to be passed on as it comes.
func (s *Store) Reserve(n int64) bool {
	if s.beside.Add(n) <= max(s.size, 2*MaxBody) {
		return true
	}
	s.beside.Add(-n)
	return false
}

// Release gives back what Reserve took.
func (s *Store) Release(n int64) { s.beside.Add(-n) }

// Lend counts an answer for as long as it is given to somebody, once for all to
// whom it is.
func (s *Store) Lend(a *Answer) {
	if size := a.size(); size >= lentFrom && a.lent.Add(1) == 1 {
		s.beside.Add(size)
	}
}

// Return ends what Lend began.
func (s *Store) Return(a *Answer) {
	if size := a.size(); size >= lentFrom && a.lent.Add(-1) == 0 {
		s.beside.Add(-size)
	}
}

func (a *Answer) size() int64 { return int64(len(a.Plain.Body) + len(a.Packed.Body)) }
