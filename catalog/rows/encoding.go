package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"lgsp/internal/problem"
)

// Before Unicode, Vietnamese was written in encodings that nothing in a file
// names: TCVN3 (TCVN 5712:1993, the fonts .Vn…) in one byte a letter, VNI in a
// letter and a mark beside it, windows-1258 in a letter and its tone.
const (
	utf8Text    = "UTF-8"
	utf16LE     = "UTF-16LE"
	utf16BE     = "UTF-16BE"
	tcvn3       = "TCVN3"
	vni         = "VNI"
	windows1258 = "windows-1258"
)

// latin1Text is text that is as it looks: its letters are all among the first
// 256 of Unicode.
const latin1Text = "ISO-8859-1"

// legacies are the encodings that a sample is weighed for, in the order in
// which equals win.
var legacies = []string{tcvn3, vni, windows1258}

// leastConfidence is the share of words that must be Vietnamese in an encoding
// for it to be taken.
const leastConfidence = 0.7

// sampleSize is how much text with letters beyond ASCII is weighed, in bytes.
const sampleSize = 256 << 10

// encoding is how a file's text is written.
type encoding struct {
	name       string
	confidence float64 // share of the words in the sample that are Vietnamese; 0 when nothing had to be weighed
	words      int     // in the sample
	broken     bool    // some bytes are not UTF-8, though most are
}

// detect finds how a file is written. A byte-order mark decides, then whether
// all of it is UTF-8; else a sample is weighed. It fails with Invalid when no
// encoding fits. A file that is mostly UTF-8 is read as such: the reader names
// the row that is not.
func detect(file *os.File) (encoding, error) {
	head := make([]byte, 4096)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return encoding{}, fmt.Errorf("read table: %w", err)
	}
	if name := wide(head[:n]); name != "" {
		return encoding{name: name}, nil
	}
	sample, whole, err := sampleOf(io.NewSectionReader(file, 0, 1<<62))
	if err != nil || whole {
		return encoding{name: utf8Text}, err
	}
	if mostlyUTF8(sample) {
		return encoding{name: utf8Text, broken: true}, nil
	}
	best := weigh(sample, legacies)
	if best.confidence < leastConfidence {
		return best, problem.Errorf(problem.Invalid, "the text is in none of UTF-8, UTF-16, TCVN3, VNI and windows-1258").
			Coded("rows-encoding-unknown")
	}
	return best, nil
}

// wide recognises UTF-16 by its mark, or by zero bytes that stand in every
// second place only.
func wide(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		return utf16LE
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return utf16BE
	}
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch places := len(head) / 2; {
	case places > 1 && zeros[0] == 0 && zeros[1]*3 > places:
		return utf16LE
	case places > 1 && zeros[1] == 0 && zeros[0]*3 > places:
		return utf16BE
	}
	return ""
}

// sampleOf reads until it has enough text with letters beyond ASCII to weigh;
// whole tells that the file ended before a byte was wrong as UTF-8.
func sampleOf(in io.Reader) (sample []byte, whole bool, err error) {
	buf, held, valid := make([]byte, 64<<10), 0, true
	for {
		n, err := in.Read(buf[held:])
		chunk := buf[:held+n]
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, false, fmt.Errorf("read table: %w", err)
		}
		end := len(chunk)
		if err == nil { // a letter may be cut in two
			for cut := 1; cut <= 3 && cut <= end; cut++ {
				if b := chunk[end-cut]; utf8.RuneStart(b) {
					if b >= 0xC0 && !utf8.FullRune(chunk[end-cut:]) {
						end -= cut
					}
					break
				}
			}
		}
		valid = valid && utf8.Valid(chunk[:end])
		if len(sample) < sampleSize && hasHigh(chunk[:end]) {
			sample = append(sample, chunk[:end]...)
		}
		if err != nil {
			return sample, valid, nil
		}
		if !valid && len(sample) >= sampleSize {
			return sample, false, nil
		}
		held = copy(buf, chunk[end:])
	}
}

func hasHigh(text []byte) bool {
	for _, b := range text {
		if b >= 0x80 {
			return true
		}
	}
	return false
}

// mostlyUTF8 reports whether the bytes beyond ASCII are UTF-8 for the most.
func mostlyUTF8(sample []byte) bool {
	good, bad := 0, 0
	for len(sample) > 0 {
		r, size := utf8.DecodeRune(sample)
		switch {
		case r == utf8.RuneError && size == 1:
			bad++
		case size > 1:
			good++
		}
		sample = sample[size:]
	}
	return good > bad
}

// weigh finds the encoding in which most words are Vietnamese syllables. Words
// are parted at ASCII marks, which all these encodings share.
func weigh(sample []byte, among []string) encoding {
	good := make([]int, len(among))
	words := 0
	for len(sample) > 0 {
		n := 0
		for n < len(sample) && (sample[n] >= 0x80 || isLetter(sample[n])) {
			n++
		}
		if word := sample[:n]; hasHigh(word) {
			words++
			for i, name := range among {
				if isSyllable(decodeBytes(word, name)) {
					good[i]++
				}
			}
		}
		sample = sample[max(n, 1):]
	}
	best := encoding{words: words}
	for i, name := range among {
		if share := float64(good[i]) / float64(max(words, 1)); share > best.confidence {
			best.name, best.confidence = name, share
		}
	}
	return best
}

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// decodeBytes turns text of a legacy encoding into Unicode.
func decodeBytes(text []byte, name string) string {
	switch name {
	case tcvn3:
		var b strings.Builder
		for _, c := range text {
			if c < 0x80 {
				b.WriteByte(c)
			} else {
				b.WriteRune(tcvn3Table[c-0x80])
			}
		}
		return b.String()
	case vni:
		return decodeVNI(text)
	case latin1Text:
		decoded, _ := charmap.ISO8859_1.NewDecoder().Bytes(text) // a table of all bytes
		return string(decoded)
	case windows1258:
		decoded, _ := charmap.Windows1258.NewDecoder().Bytes(text) // a table of all bytes
		return nfc(string(decoded))
	}
	return nfc(string(text))
}

// tcvn3Table are the bytes from 0x80 on (TCVN 5712:1993, VN3).
var tcvn3Table = tableOf(0xA1,
	"ĂÂÊÔƠƯĐăâêôơưđ\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDàảãáạ\uFFFDằẳẵắ\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDặầẩẫấậè\uFFFDẻẽéẹềểễếệìỉ\uFFFD\uFFFD\uFFFDĩíịò\uFFFDỏõóọồổỗốộờởỡớợù\uFFFDủũúụừửữứựỳỷỹýỵ")

// tableOf places letters from a byte on; the bytes before it, and those that
// stand for U+FFFD, mean nothing.
func tableOf(from int, letters string) (table [128]rune) {
	for i := range table {
		table[i] = utf8.RuneError
	}
	table[0xA0-0x80] = ' '
	i := from - 0x80
	for _, r := range letters {
		table[i] = r
		i++
	}
	return table
}

// vniAlone are VNI's letters of one byte, vniMarks its marks after a letter,
// both in lower case; capitals lie 0x20 below.
var (
	vniAlone = map[byte]rune{0xED: 'í', 0xEC: 'ì', 0xE6: 'ỉ', 0xF3: 'ĩ', 0xF2: 'ị', 0xF4: 'ơ', 0xF6: 'ư', 0xEE: 'ỵ', 0xF1: 'đ'}
	vniMarks = map[byte]string{
		0xF9: "\u0301", 0xF8: "\u0300", 0xFB: "\u0309", 0xF5: "\u0303", 0xEF: "\u0323",
		0xE2: "\u0302", 0xE1: "\u0302\u0301", 0xE0: "\u0302\u0300", 0xE5: "\u0302\u0309", 0xE3: "\u0302\u0303", 0xE4: "\u0302\u0323",
		0xEA: "\u0306", 0xE9: "\u0306\u0301", 0xE8: "\u0306\u0300", 0xFA: "\u0306\u0309", 0xFC: "\u0306\u0303", 0xEB: "\u0306\u0323",
	}
)

func decodeVNI(text []byte) string {
	var b strings.Builder
	for i, c := range text {
		lower, capital := c, false
		if c >= 0xC0 && c < 0xE0 {
			lower, capital = c+0x20, true
		}
		letter, alone := vniAlone[lower]
		mark, marked := vniMarks[lower]
		switch {
		case c < 0x80:
			b.WriteByte(c)
		case alone && capital:
			b.WriteString(strings.ToUpper(string(letter)))
		case alone:
			b.WriteRune(letter)
		case marked && i > 0 && (isLetter(text[i-1]) || text[i-1]|0x20 == 0xF4 || text[i-1]|0x20 == 0xF6):
			b.WriteString(mark)
		default:
			b.WriteRune(utf8.RuneError)
		}
	}
	return nfc(b.String())
}

// wideReader turns UTF-16 into UTF-8.
func wideReader(in io.Reader, name string) io.Reader {
	order := unicode.LittleEndian
	if name == utf16BE {
		order = unicode.BigEndian
	}
	return unicode.UTF16(order, unicode.UseBOM).NewDecoder().Reader(in)
}

// disguised collects the cells of a table that is Unicode by its form, to see
// whether a legacy encoding lies beneath: a workbook typed in a font .Vn… or
// VNI-… holds "Qu¶ng Ng·i".
type disguised struct {
	sample []byte
	proper bool // a letter was seen that such text does not have
}

func (d *disguised) see(text string) {
	if d.proper || len(d.sample) > sampleSize {
		return
	}
	for _, r := range text {
		if onlyVietnamese(r) {
			d.proper = true
			return
		}
	}
	d.sample = append(append(d.sample, latin1(text)...), ' ')
}

// found is the encoding beneath, zero when there is none.
func (d *disguised) found() encoding {
	if d.proper || !hasHigh(d.sample) {
		return encoding{}
	}
	best := weigh(d.sample, append([]string{latin1Text}, legacies...))
	if best.name == latin1Text || best.words < 3 || best.confidence < leastConfidence {
		return encoding{}
	}
	return best
}

// latin1 gives the first 256 letters of Unicode as bytes, all others as blanks.
func latin1(text string) []byte {
	raw := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xFF {
			r = ' '
		}
		raw = append(raw, byte(r))
	}
	return raw
}

// undisguise reads text that was taken for Western European.
func undisguise(text, name string) string {
	var b strings.Builder
	for text != "" {
		n := strings.IndexFunc(text, func(r rune) bool { return r > 0xFF })
		if n < 0 {
			n = len(text)
		}
		b.WriteString(decodeBytes(latin1(text[:n]), name))
		_, size := utf8.DecodeRuneInString(text[n:])
		b.WriteString(text[n : n+size])
		text = text[n+size:]
	}
	return nfc(b.String())
}

// finding says how the file was read, when that had to be found out.
func (e encoding) finding() (Finding, bool) {
	if e.name == utf8Text || e.name == "" {
		return Finding{}, false
	}
	var r Report
	if e.words == 0 {
		r.add(0, "", "rows-encoding-read", "the file is read as "+e.name).with("encoding", e.name)
		return r.Findings[0], true
	}
	percent, words := fmt.Sprint(int(e.confidence*100)), fmt.Sprint(e.words)
	r.add(0, "", "rows-encoding-guessed", "the file is read as "+e.name+": "+percent+" % of "+words+" words are then Vietnamese").
		with("encoding", e.name, "percent", percent, "words", words)
	return r.Findings[0], true
}
