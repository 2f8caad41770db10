package cache

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/google/uuid"
)

func answerOf(size int) *Answer {
	a, _ := Judge(head(200, "Cache-Control: max-age=60"), Rules{})
	a.Fill(nil, make([]byte, size))
	return a
}

// TestStoreIsBounded: the store is within its bound after each answer, from
// many at once too.
func TestStoreIsBounded(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	s := NewStore(size)
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 200 {
				k := Key{Edition: 1, Path: fmt.Sprintf("/%d/%d", worker, i)}
				s.Put(k, answerOf(MaxBody), s.Now(k))
				if f := s.Figures(); f.Bytes > size+4*(MaxBody+4096) { // those under way
					t.Errorf("%d bytes", f.Bytes)
				}
			}
		})
	}
	group.Wait()
	f := s.Figures()
	if f.Bytes > size || f.Bytes < size/2 || f.Answers > 8 || f.Evictions < 700 {
		t.Errorf("got %+v", f)
	}
	held := int64(0)
	for _, a := range s.answers.All() {
		held += int64(len(a.Plain.Body))
	}
	if held > size {
		t.Errorf("%d bytes are held", held)
	}
}

// TestAFloodDrivesNothingOut: what is asked for often stays, however many
// addresses somebody makes up.
func TestAFloodDrivesNothingOut(t *testing.T) {
	t.Parallel()
	s := NewStore(4 << 20)
	ask := func(k Key) bool {
		if s.Get(k) != nil {
			return true
		}
		s.Put(k, answerOf(10_000), s.Now(k))
		return false
	}
	popular := func(i int) Key { return Key{Edition: 1, Path: fmt.Sprintf("/danh-muc/%d", i)} }
	random := rand.New(rand.NewPCG(1, 2))
	for range 5_000 {
		ask(popular(random.IntN(100)))
	}
	hits, asked := 0, 0
	for i := range 20_000 {
		ask(Key{Edition: 1, Path: "/danh-muc", Query: fmt.Sprint(i)})
		if i%4 == 0 {
			asked++
			if ask(popular(random.IntN(100))) {
				hits++
			}
		}
	}
	if hits < asked*9/10 {
		t.Errorf("%d of %d asked for often were still there", hits, asked)
	}
}

// TestChanges: what was fetched before a change of its path is not given after it.
func TestChanges(t *testing.T) {
	t.Parallel()
	s := NewStore(1 << 20)
	one, other := Key{Edition: 1, Path: "/a", Query: "x=1"}, Key{Edition: 1, Path: "/b"}
	before := s.Now(one)
	s.Put(one, answerOf(1), before)
	s.Put(other, answerOf(1), s.Now(other))
	if s.Get(one) == nil || s.Get(other) == nil {
		t.Fatal("not stored")
	}
	s.Changed(uuid.Nil, "/a")
	if s.Get(one) != nil || s.Get(other) == nil {
		t.Error("a change is of one path")
	}
	s.Put(one, answerOf(1), before)
	if s.Get(one) != nil {
		t.Error("what was fetched before the change is given")
	}
	s.Put(one, answerOf(1), s.Now(one))
	if s.Get(one) == nil {
		t.Error("what was fetched after it is not")
	}
	s.Drop(one)
	if s.Get(one) != nil {
		t.Error("dropped, and given")
	}
	anew := Key{Edition: 2, Path: "/a"} // of the version, published anew
	s.Put(anew, answerOf(1), s.Now(anew))
	if s.Changed(uuid.Nil, "/a"); s.Get(anew) != nil {
		t.Error("a change that began before the version was published anew is forgotten")
	}
	s.Drop(anew)
	s.Put(Key{Edition: 2, Path: "/b"}, answerOf(1), s.Now(Key{Edition: 2, Path: "/b"}))
	s.Keep(map[uint64]bool{2: true})
	if f := s.Figures(); f.Answers != 1 || s.Get(other) != nil {
		t.Errorf("of editions that are gone there is left %+v", f)
	}
}

// TestKeysKeepNoRequest: a key that is stored holds none of the memory that
// the call's head is in.
func TestKeysKeepNoRequest(t *testing.T) {
	t.Parallel()
	head := strings.Repeat("GET /danh-muc?x=1 HTTP/1.1", 1)
	k := Key{Edition: 1, Path: head[4:13], Query: head[14:17], Accept: head[:3], Language: head[:1]}
	s := NewStore(1 << 20)
	s.Put(k, answerOf(1), s.Now(k))
	for stored := range s.answers.Keys() {
		for _, pair := range [][2]string{{stored.Path, k.Path}, {stored.Query, k.Query}, {stored.Accept, k.Accept}, {stored.Language, k.Language}} {
			if pair[0] != pair[1] || unsafe.StringData(pair[0]) == unsafe.StringData(pair[1]) {
				t.Errorf("%q is kept in the call's memory", pair[0])
			}
		}
	}
	if k.Query = strings.Repeat("x", maxKey); k.Fits() {
		t.Error("a key may be of any length")
	}
}

func TestSelecting(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ lines, want string }{
		{"", ""}, {"a/b", "a/b"}, {"a/b, c/d", "a/b,c/d"}, {"a/b ;q=0.5\t,c/d", "a/b;q=0.5,c/d"}, {"a|b, c", "a,b,c"}, {" , a,,", "a"},
		{`a;x="1, 2", b`, `a;x="1, 2", b`},
	} {
		if got := Selecting(strings.Split(tt.lines, "|")); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.lines, got, tt.want)
		}
	}
}

// FuzzSelecting: one spelling of a header stays itself, and nothing but spaces
// and empty elements is lost of it.
func FuzzSelecting(f *testing.F) {
	for _, seed := range []string{"", "a", "a, b", " a ,, b;q=1 ", `a;x=" ,"`, `"`, "a\tb"} {
		f.Add(seed, "b , c")
	}
	essence := strings.NewReplacer(" ", "", "\t", "", ",", "")
	f.Fuzz(func(t *testing.T, one, other string) {
		got := Selecting([]string{one, other})
		if again := Selecting([]string{got}); again != got {
			t.Errorf("%q becomes %q", got, again)
		}
		if essence.Replace(got) != essence.Replace(one+other) {
			t.Errorf("%q and %q become %q", one, other, got)
		}
	})
}

// TestFlights: of many, one is first, and all hear what came of it.
func TestFlights(t *testing.T) {
	t.Parallel()
	var flights Flights[int]
	k := Key{Path: "/a"}
	for round := range 100 {
		var group sync.WaitGroup
		var firsts, heard sync.Map
		for i := range 8 {
			group.Go(func() {
				f, first := flights.Join(k)
				if first {
					firsts.Store(i, true)
					time.Sleep(time.Millisecond)
					flights.Land(k, f, round)
				}
				<-f.Landed()
				heard.Store(i, f.Outcome())
			})
		}
		group.Wait()
		n := 0
		firsts.Range(func(any, any) bool { n++; return true })
		heard.Range(func(_, got any) bool {
			if got != round {
				t.Errorf("round %d: heard %v", round, got)
			}
			return true
		})
		if n == 0 || len(flights.under) != 0 {
			t.Errorf("round %d: %d were first, %d are left", round, n, len(flights.under))
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := NewStore(64 << 20)
	keys := make([]Key, 1000)
	for i := range keys {
		keys[i] = Key{Edition: 1, Path: fmt.Sprintf("/danh-muc/%d", i), Accept: "*/*"}
		s.Put(keys[i], answerOf(1024), s.Now(keys[i]))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if s.Get(keys[i%len(keys)]) == nil {
			b.Fatal("not there")
		}
		i++
	}
}

func BenchmarkPut(b *testing.B) {
	s := NewStore(4 << 20)
	a := answerOf(1024)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		k := Key{Edition: 1, Path: "/danh-muc", Query: fmt.Sprint(i), Accept: "*/*"}
		s.Put(k, a, s.Now(k))
		i++
	}
}
