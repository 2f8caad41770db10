package guard

import "strings"

// provinces are the first three digits of identity numbers (the codes of the 63
// provinces of before July 2025, which the numbers keep; Circular
// 59/2021/TT-BCA, annex I).
var provinces = setOf("001 002 004 006 008 010 011 012 014 015 017 019 020 022 024 025 026 027 030 031 033 034 035 036 037 " +
	"038 040 042 044 045 046 048 049 051 052 054 056 058 060 062 064 066 067 068 070 072 074 075 077 079 080 082 083 084 " +
	"086 087 089 091 092 093 094 095 096")

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// number is a run of digits, marks between its groups taken out.
type number struct {
	digits  string
	grouped string // how many digits each group has, "3.3.3.3"; "" for one group
	plus    bool
}

// numbers finds identity and phone numbers in a text.
func (c *column) numbers(s *Scanner, text string, found func(Kind, string)) {
	twelve, ten := false, false
	eachNumber(text, func(n number) {
		switch {
		case n.plus:
			if m, ok := strings.CutPrefix(n.digits, "84"); ok && isMobile("0"+strings.TrimPrefix(m, "0")) {
				c.begins(Phone, m[:3])
				found(Phone, maskDigits(n.digits))
			}
		case len(n.digits) == 12:
			twelve = true
			if isIdentity(n.digits, s.year) {
				c.begins(Identity, n.digits[:6])
				found(Identity, maskDigits(n.digits))
			}
		case len(n.digits) == 11 && n.grouped == "":
			c.eleven(s, n.digits, found)
		case len(n.digits) == 10 && n.digits[0] == '0':
			ten = true
			if isMobile(n.digits) && !(c.means.has(ofTax) && !c.means.has(ofPhone)) {
				c.begins(Phone, n.digits[:4])
				found(Phone, maskDigits(n.digits))
			}
		case len(n.digits) == 9:
			if c.means.has(ofIdentity) {
				found(Identity, maskDigits(n.digits))
			} else if c.means.has(ofPhone) && isMobile("0"+n.digits) { // a workbook ate the zero
				found(Phone, maskDigits(n.digits))
			}
		}
	})
	if twelve {
		c.twelves++
	}
	if ten {
		c.tens++
	}
}

// eleven reads a number of eleven digits: an identity number whose zero a
// workbook ate, a mobile number with 84, or a landline of a person. The
// landlines of offices are no personal data.
func (c *column) eleven(s *Scanner, digits string, found func(Kind, string)) {
	switch {
	case c.means.has(ofIdentity) && isIdentity("0"+digits, s.year):
		found(Identity, maskDigits(digits))
	case strings.HasPrefix(digits, "84") && c.means.has(ofPhone) && isMobile("0"+digits[2:]):
		found(Phone, maskDigits(digits))
	case strings.HasPrefix(digits, "02") && c.means.has(ofPhone) && c.means.has(ofPerson):
		found(Phone, maskDigits(digits))
	}
}

// eachNumber gives every number of a text. Groups are joined over one blank,
// point or hyphen; a number with a decimal mark before it is none, nor is a part
// of a word.
func eachNumber(text string, give func(number)) {
	for i := 0; i < len(text); {
		if !isDigit(text[i]) {
			i++
			continue
		}
		start := i
		var n number
		n, i = readNumber(text, i)
		if start > 0 && isWord(text[start-1]) || i < len(text) && isWord(text[i]) {
			continue // a part of a code or a hash
		}
		if start > 1 && (text[start-1] == '.' || text[start-1] == ',') && isDigit(text[start-2]) {
			continue // decimals
		}
		n.plus = start > 0 && text[start-1] == '+'
		give(n)
	}
}

// shapes are how people group the digits of identity and phone numbers.
var shapes = setOf("3.3.3.3 4.4.4 6.6 4.3.3 3.3.4 4.6 3.7 4.2.2.2 2.4.4 2.3.4 2.2.3.3 3.4.3 4.4.2 2.9 2.3.3.3")

func readNumber(text string, i int) (number, int) {
	start := i
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	whole := number{digits: text[start:i]}
	if len(whole.digits) > 6 {
		return whole, i
	}
	var digits, form strings.Builder
	digits.WriteString(whole.digits)
	form.WriteByte('0' + byte(i-start))
	best, end := whole, i
	for range 3 {
		if i+1 >= len(text) || text[i] != ' ' && text[i] != '.' && text[i] != '-' || !isDigit(text[i+1]) {
			break
		}
		from := i + 1
		for i = from; i < len(text) && isDigit(text[i]) && i-from < 10; i++ {
		}
		if i-from > 9 {
			break
		}
		digits.WriteString(text[from:i])
		form.WriteByte('.')
		form.WriteByte('0' + byte(i-from))
		if shapes[form.String()] {
			best, end = number{digits: digits.String(), grouped: form.String()}, i
		}
	}
	return best, end
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// isWord reports a letter, a digit or a part of one; not the space between.
func isWord(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b >= 0x80
}

// isIdentity reads 12 digits as an identity number: province, gender and
// century, year of birth of someone alive.
func isIdentity(digits string, year int) bool {
	century := int(digits[3] - '0')
	if !provinces[digits[:3]] || century > 3 {
		return false
	}
	born := 1900 + 100*(century/2) + int(digits[4]-'0')*10 + int(digits[5]-'0')
	return born >= year-oldest && born <= year
}

// isMobile reads 10 digits as a number of a mobile network of Việt Nam.
func isMobile(digits string) bool {
	if len(digits) != 10 || digits[0] != '0' {
		return false
	}
	b := digits[2]
	switch digits[1] {
	case '3':
		return b >= '2'
	case '5':
		return b == '2' || b == '5' || b == '6' || b == '8' || b == '9'
	case '7':
		return b == '0' || b >= '6'
	case '8':
		return b >= '1'
	case '9':
		return true
	}
	return false
}

// offices are the local parts of letter boxes that are no person's.
var offices = setOf("info contact lienhe lien.he support hotro vanthu van.thu vanphong vp admin webmaster noreply no-reply " +
	"banbientap bbt tiepdan tuyensinh toasoan phananh gopy office hello mail email hanhchinh tochuc cskh sales marketing " +
	"service help it news tintuc daotao tuyendung hr ketoan congthongtin portal data dulieu opendata dulieumo ubnd hdnd so phong")

// personsEmail is the first address in a text that may be a person's; "" for
// none.
func personsEmail(text string) string {
	for from := 0; from < len(text); {
		at := strings.IndexByte(text[from:], '@')
		if at < 0 {
			return ""
		}
		at += from
		start, end := at, at+1
		for start > 0 && at-start < 64 && isLocal(text[start-1]) {
			start--
		}
		for end < len(text) && end-at < 255 && (isWord(text[end]) && text[end] < 0x80 || text[end] == '.' || text[end] == '-') {
			end++
		}
		from = at + 1
		local, host := strings.ToLower(text[start:at]), strings.Trim(strings.ToLower(text[at+1:end]), ".-")
		if local == "" || !strings.Contains(host, ".") || isOffice(local) {
			continue
		}
		return local + "@" + host
	}
	return ""
}

func isLocal(b byte) bool {
	return isWord(b) && b < 0x80 || b == '.' || b == '-' || b == '+'
}

// isOffice reads the local part of an address: the office's own letter box, as
// info@ or vanthu.snv@ or phongkinhte@.
func isOffice(local string) bool {
	local = strings.Trim(local, ".-_")
	for _, part := range strings.FieldsFunc(local, func(r rune) bool { return r == '.' || r == '-' || r == '_' }) {
		if offices[part] {
			return true
		}
	}
	for _, head := range []string{"ubnd", "hdnd", "vanthu", "phong", "banql", "trungtam", "truong", "mamnon", "tieuhoc", "thcs", "thpt", "tramyte", "benhvien", "congty", "htx"} {
		if strings.HasPrefix(local, head) && len(local) > len(head) {
			return true
		}
	}
	return false
}
