package guard

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// meaning is what a column's name tells, a set.
type meaning uint16

const (
	ofIdentity meaning = 1 << iota
	ofPhone
	ofBirth
	ofPerson  // of persons, their names or what is theirs
	ofHome    // where somebody lives
	ofAddress // of whatever the row is about
	ofBank
	ofTax
	ofCode   // a code of objects
	ofObject // about things that bear names of persons: streets, schools
)

func (m meaning) has(one meaning) bool { return m&one != 0 }

// isThing reports a column about a thing that may be named after a person.
func (m meaning) isThing() bool { return m.has(ofObject) && !m.has(ofPerson) }

// telling are the words in names of columns, folded, whole words only; glued
// ones are found in names written without blanks, as hoTen and sodienthoai.
var telling = []struct {
	means meaning
	words []string
	glued []string
}{
	{ofIdentity, []string{"cccd", "cmnd", "cmtnd", "cmt", "cmtnd cccd", "can cuoc", "dinh danh ca nhan", "so dinh danh", "chung minh nhan dan", "chung minh thu",
		"giay to tuy than", "identity number", "citizen id", "national id", "id card", "personal id"},
		[]string{"cancuoc", "dinhdanhcanhan", "chungminhnhandan", "socccd", "socmnd", "giaytotuythan"}},
	{ofPhone, []string{"dien thoai", "dt lien he", "so dt", "sdt", "dtdd", "di dong", "phone", "mobile", "tel", "zalo", "so lien lac", "so lien he"},
		[]string{"dienthoai", "phonenumber", "sodidong"}},
	{ofBirth, []string{"ngay sinh", "sinh ngay", "ngay thang nam sinh", "nam sinh", "birth", "birthday", "birthdate", "dob", "birth year", "born"},
		[]string{"ngaysinh", "namsinh", "dateofbirth", "birthdate"}},
	{ofPerson, []string{"ho va ten", "ho ten", "ho dem", "chu ho", "nguoi", "ca nhan", "tncn", "benh nhan", "hoc sinh", "sinh vien", "cong dan", "nhan khau",
		"full name", "person", "khach hang", "can bo", "cong chuc", "chu su dung dat", "chu xe", "chu nha", "phu huynh", "nghe nhan", "hoi vien", "thanh vien"},
		[]string{"hovaten", "hoten", "fullname", "tenchuho"}},
	{ofHome, []string{"thuong tru", "tam tru", "ho khau", "noi o", "cho o", "noi cu tru", "dia chi nha", "home address", "que quan", "nguyen quan"},
		[]string{"thuongtru", "tamtru", "hokhau", "noicutru", "choohiennay", "homeaddress"}},
	{ofAddress, []string{"dia chi", "address"}, []string{"diachi"}},
	{ofBank, []string{"so tai khoan", "stk", "so tk", "tai khoan ngan hang", "bank account", "account number"}, []string{"sotaikhoan", "taikhoannganhang", "bankaccount"}},
	{ofTax, []string{"ma so thue", "mst", "tax code", "tax number"}, []string{"masothue", "taxcode"}},
	{ofCode, []string{"ma", "so hieu", "code", "serial", "seri", "barcode", "ma vach", "stt", "id"}, []string{"mahoso", "sohieu"}},
	{ofObject, []string{"duong", "tuyen duong", "pho", "truong", "di tich", "cong trinh", "co so", "don vi", "doanh nghiep", "co quan", "kho bac", "to chuc", "cong vien",
		"tac gia", "thua dat", "van ban", "nhan vat", "school", "street", "company", "thon", "xa", "phuong", "loai", "tac pham", "nha van hoa", "benh vien", "cay", "nam sinh vien", "so luong", "tong so", "ty le"},
		[]string{"tenduong", "tentruong", "tendonvi"}},
}

// means reads a column's name, with or without marks.
func means(name string) meaning {
	words := " " + fold(parted(name)) + " "
	glued := strings.ReplaceAll(words, " ", "")
	var m meaning
	for _, t := range telling {
		for _, w := range t.words {
			if strings.Contains(words, " "+w+" ") {
				m |= t.means
			}
		}
		for _, w := range t.glued {
			if strings.Contains(glued, w) && !strings.Contains(strings.TrimSpace(words), " ") {
				m |= t.means
			}
		}
	}
	if m.isThing() {
		m &^= ofIdentity | ofBank // an object's number is no person's, though it is called so
	}
	return m
}

// parted puts blanks between the words of soDienThoai and SO_DIEN_THOAI.
func parted(name string) string {
	var b strings.Builder
	small := false
	for _, r := range clip(name, 200) {
		if small && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		small = unicode.IsLower(r)
		b.WriteRune(r)
	}
	return b.String()
}

// fold is a text in small letters without marks, its words one blank apart.
func fold(text string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(text)) {
		switch {
		case r == 'đ' || r == 'ð':
			b.WriteByte('d')
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		default:
			if s := b.String(); s != "" && s[len(s)-1] != ' ' {
				b.WriteByte(' ')
			}
		}
	}
	return strings.TrimSpace(b.String())
}

// surnames of Việt Nam, folded: the commonest of the Kinh, and those of the
// Hrê, Co and Ca Dong of the province's mountains.
var surnames = setOf("nguyen tran le pham huynh hoang phan vu vo dang bui do ho ngo duong ly an au bach banh cao chau chu chung cu " +
	"cung dam dao dau dinh doan dong du duong dien giang giap ha han hau hua kha khau khieu khong khuat kieu kim kien la lai lam lieu " +
	"linh lo lu luong luu luyen ma mac mai man mau nghiem nghi ninh nong on ong phi pho phu phung quach quan quang que ta tang tao thach " +
	"thai than thi thieu tieu to ton tong tra trang tri trieu trinh truong tu tuong uong ung van vang vi vien vuong xa y ysi ho")

// isName reads a text as the name of a person: a surname, then one to five
// words, each with a capital.
func isName(text string) bool {
	if len(text) < 5 || len(text) > 60 {
		return false
	}
	words := strings.Fields(text)
	for len(words) > 1 && (words[0] == "Ông" || words[0] == "Bà" || words[0] == "ÔNG" || words[0] == "BÀ") {
		words = words[1:]
	}
	if len(words) < 2 || len(words) > 6 {
		return false
	}
	for _, w := range words {
		if !isNamed(w) {
			return false
		}
	}
	return surnames[fold(words[0])]
}

// isNamed reports a word of letters that begins with a capital, or is all
// capitals.
func isNamed(word string) bool {
	first, size := utf8.DecodeRuneInString(word)
	if !unicode.IsUpper(first) || utf8.RuneCountInString(word) > 8 {
		return false
	}
	for _, r := range word[size:] {
		if !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) {
			return false
		}
	}
	return true
}

// nameBefore is the last name of a person in a text; "" for none.
func nameBefore(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;:()", r) })
	for end := len(words); end >= 2; end-- {
		for start := max(0, end-5); start <= end-2; start++ {
			if name := strings.Join(words[start:end], " "); isName(name) {
				return name
			}
		}
	}
	return ""
}

func clip(text string, most int) string {
	n := 0
	for i := range text {
		if n++; n > most {
			return text[:i]
		}
	}
	return text
}
