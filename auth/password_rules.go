package auth

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go/frequency"
	"golang.org/x/text/unicode/norm"

	"lgsp/internal/problem"
)

// The bounds of a password (NIST SP 800-63B-4 §3.1.1.2).
const (
	minPassword = 8    // characters
	maxPassword = 1024 // bytes
)

// checkPassword adds what is wrong with a new password: fewer than 8
// characters or more than 1024 bytes, one that is tried first, a pattern, or
// hardly more than the person's own name and address. There is no rule about
// kinds of characters (NIST SP 800-63B-4 §3.1.1.2). It takes time in
// proportion to the length; zxcvbn's own estimate does not (seconds for 100
// characters that may stand for letters), so only its word lists are used.
func checkPassword(wrong *problem.Error, password, email, name string) {
	refuse := func(code, detail string) { wrong.Wrong("password", code, detail) }
	if len(password) > maxPassword {
		refuse("password-long", "at most 1024 bytes")
		return
	}
	plain := plainLetters(password)
	switch {
	case utf8.RuneCountInString(norm.NFC.String(password)) < minPassword:
		refuse("password-short", "at least 8 characters")
	case isPattern(plain):
		refuse("password-pattern", "it repeats itself or counts on")
	case isCommon(plain):
		refuse("password-common", "it stands on the lists of passwords that are tried first")
	case isOwn(plain, email, name):
		refuse("password-own", "it is hardly more than your name or address")
	}
}

// CheckNewPassword tells what is wrong with a new password of a person: nil, or
// Invalid. What sets it checks by itself; this is for a form that has more to say.
func CheckNewPassword(password, email, name string) error {
	wrong := fieldsWrong()
	checkPassword(wrong, password, email, name)
	return asError(wrong)
}

// plainLetters is text in lower case without the marks of Vietnamese.
func plainLetters(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case r == 'đ':
			return 'd'
		}
		return r
	}, norm.NFD.String(strings.ToLower(text)))
}

// isPattern reports whether text is one to four characters again and again,
// or characters that follow each other (abcdefgh, 98765432).
func isPattern(text string) bool {
	if text == "" { // marks without letters
		return true
	}
	if period := strings.Index((text + text)[1:], text) + 1; period < len(text) && period <= 4 {
		return true
	}
	up, down := true, true
	before := rune(-1)
	for _, r := range text {
		up = up && (before < 0 || r == before+1)
		down = down && (before < 0 || r == before-1)
		before = r
	}
	return up || down
}

// guessedHere are passwords and words that are tried first in this country and
// on this portal, beside those of the lists.
const guessedHere = `matkhau matkhaumoi anhyeuem emyeuanh yeuanh yeuem vietnam quangngai saigon hanoi danang hochiminh
 khongcopass khongbiet conyeume chungta toiyeuvietnam congdan hanhchinh dulieu dulieumo taikhoan nguoidung quantri lgsp`

// common are the words of the lists: passwords with the names that they are
// made of, and English.
type common struct{ passwords, english map[string]bool }

var commonWords = sync.OnceValue(func() common {
	c := common{passwords: map[string]bool{}, english: map[string]bool{}}
	for _, name := range []string{"Passwords", "MaleNames", "FemaleNames", "Surname"} {
		for _, word := range frequency.Lists[name].List {
			c.passwords[strings.ToLower(word)] = true
		}
	}
	for word := range strings.FieldsSeq(guessedHere) {
		c.passwords[word] = true
	}
	for _, word := range frequency.Lists["English"].List {
		c.english[strings.ToLower(word)] = true
	}
	return c
})

// lookalikes turns the signs that often stand for letters back into them.
var lookalikes = strings.NewReplacer("4", "a", "@", "a", "3", "e", "1", "i", "!", "i", "0", "o", "5", "s", "$", "s", "7", "t")

// isCommon reports whether text is a word of the lists; one of the passwords
// there also with figures and signs around it, with signs for letters, or twice.
func isCommon(text string) bool {
	words := commonWords()
	core := strings.TrimFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	joined := strings.ReplaceAll(text, " ", "")
	for _, candidate := range []string{text, joined, core, strings.ReplaceAll(core, " ", ""), lookalikes.Replace(text), lookalikes.Replace(core), half(text)} {
		if words.passwords[candidate] {
			return true
		}
	}
	return words.english[text]
}

// half is the part that text is made of when it says it twice or more.
func half(text string) string {
	return text[:strings.Index((text + text)[1:], text)+1]
}

// isOwn reports whether fewer than four letters are left of text without the
// words of the person's address and name.
func isOwn(text, email, name string) bool {
	parts := func(s string) []string {
		return strings.FieldsFunc(plainLetters(s), func(r rune) bool { return !unicode.IsLetter(r) })
	}
	left := text
	for _, word := range slices.Concat([]string{email, strings.Join(parts(name), "")}, parts(name), parts(email)) {
		if len(word) >= 3 {
			left = strings.ReplaceAll(left, word, "")
		}
	}
	if left == text {
		return false
	}
	letters := 0
	for _, r := range left {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	return letters < 4
}
