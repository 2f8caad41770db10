package mock

import (
	"slices"
	"strings"
	"unicode"
)

// The topics of values. Those before topicCommune are of persons: nothing is
// taken from an example there unless the whole answer is one.
const (
	topicIdentity  = "identity"
	topicTax       = "tax"
	topicInsurance = "insurance"
	topicPhone     = "phone"
	topicEmail     = "email"
	topicPerson    = "person"
	topicCommune   = "commune"
	topicProvince  = "province"
	topicAddress   = "address"
	topicBirth     = "birth"
	topicDate      = "date"
	topicMoment    = "date-time"
	topicTime      = "time"
	topicYear      = "year"
	topicGender    = "gender"
	topicURL       = "uri"
	topicUUID      = "uuid"
	topicIPv4      = "ipv4"
	topicIPv6      = "ipv6"
	topicBytes     = "byte"
	topicCode      = "code"
	topicText      = "text"
	topicMoney     = "money"
	topicTotal     = "total"
	topicLatitude  = "latitude"
	topicLongitude = "longitude"
	topicInt32     = "int32"
)

var personal = []string{topicIdentity, topicTax, topicInsurance, topicPhone, topicEmail, topicPerson}

// ofFormat are the topics that a format says, whatever the name.
var ofFormat = map[string]string{"date": topicDate, "date-time": topicMoment, "time": topicTime, "uuid": topicUUID, "email": topicEmail, "idn-email": topicEmail, "uri": topicURL,
	"url": topicURL, "uri-reference": topicURL, "iri": topicURL, "ipv4": topicIPv4, "ipv6": topicIPv6, "byte": topicBytes, "binary": topicBytes, "int32": topicInt32,
	"phone": topicPhone, "hostname": "hostname"}

// ofName are the topics that a name says, by a part of it; the first that is found.
var ofName = []struct {
	topic string
	kinds string // s: texts, n: numbers
	parts []string
}{
	{topicIdentity, "s", []string{"sodinhdanh", "dinhdanhcanhan", "cccd", "cmnd", "cancuoc", "chungminh", "identitynumber", "identitycard", "nationalid", "citizenid", "personalid"}},
	{topicTax, "s", []string{"masothue", "taxcode", "taxid", "taxnumber"}},
	{topicInsurance, "s", []string{"bhxh", "bhyt", "baohiem", "insurancenumber", "insurancecode"}},
	{topicPhone, "s", []string{"dienthoai", "sodt", "phone", "mobile", "hotline", "telephone"}},
	{topicEmail, "s", []string{"email", "thudientu"}},
	{topicBirth, "s", []string{"ngaysinh", "birth"}},
	{topicPerson, "s", []string{"hoten", "hovaten", "tendaydu", "fullname", "tennguoi", "tencongdan", "personname", "contactname"}},
	{topicAddress, "s", []string{"diachi", "address", "thuongtru", "tamtru", "quequan", "noisinh", "noio"}},
	{topicCommune, "s", []string{"tenxa", "xaphuong", "phuongxa", "tenphuong", "commune", "tendonvihanhchinh"}},
	{topicProvince, "s", []string{"tentinh", "tinhthanh", "province"}},
	{topicGender, "s", []string{"gioitinh", "gender"}},
	{topicMoney, "n", []string{"sotien", "gia", "kinhphi", "phi", "amount", "price", "thanhtien", "von"}},
	{topicLatitude, "n", []string{"vido", "latitude"}},
	{topicLongitude, "n", []string{"kinhdo", "longitude"}},
	{topicURL, "s", []string{"url", "website", "lienket", "href"}},
	{topicText, "s", []string{"ghichu", "noidung", "mota", "trichyeu", "description", "message", "detail", "summary", "lydo", "thongbao"}},
}

// ofWord are the topics that one word of a name says.
var ofWord = []struct {
	topic string
	kinds string
	words []string
}{
	{topicTax, "s", []string{"mst"}},
	{topicPhone, "s", []string{"sdt", "tel", "fax", "dt"}},
	{topicPerson, "s", []string{"nguoi", "chu", "ho"}},
	{topicTotal, "n", []string{"tong", "total", "count"}},
	{topicLatitude, "n", []string{"lat"}},
	{topicLongitude, "n", []string{"lon", "lng", "long"}},
	{topicYear, "sn", []string{"nam", "year"}},
	{topicDate, "s", []string{"ngay", "date"}},
	{topicCode, "s", []string{"ma", "id", "code", "so", "key", "slug"}},
	{topicCommune, "s", []string{"xa", "phuong", "ward"}},
	{topicProvince, "s", []string{"tinh"}},
	{topicText, "s", []string{"error", "loi", "title"}},
}

// topicOf is what a value is about, by its name and format; "" for nothing that is known.
func topicOf(name, format, kind string) string {
	topic := ofFormat[format]
	if topic == topicInt32 && kind != "integer" {
		topic = ""
	}
	if topic != "" && topic != topicDate && topic != topicInt32 {
		return topic
	}
	words := words(name)
	joined, kinds := strings.Join(words, ""), "s"
	if kind != "string" {
		kinds = "n"
	}
	if topic == topicDate && slices.ContainsFunc([]string{"sinh", "birth"}, func(part string) bool { return strings.Contains(joined, part) }) {
		return topicBirth
	}
	if topic != "" {
		return topic
	}
	for _, t := range ofName {
		if strings.Contains(t.kinds, kinds) && slices.ContainsFunc(t.parts, func(part string) bool { return strings.Contains(joined, part) }) {
			return t.topic
		}
	}
	for _, t := range ofWord {
		if strings.Contains(t.kinds, kinds) && slices.ContainsFunc(t.words, func(word string) bool { return slices.Contains(words, word) }) {
			return t.topic
		}
	}
	return ""
}

// words are the words of a name in lower case: maHoSo, ma_ho_so and ma-ho-so are three.
func words(name string) []string {
	var all []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			all = append(all, word.String())
			word.Reset()
		}
	}
	before := ' '
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) || unicode.IsUpper(r) && !unicode.IsUpper(before) {
			end()
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			word.WriteRune(unicode.ToLower(r))
		}
		before = r
	}
	end()
	return all
}

// plain is a name as parameters and members are compared by.
func plain(name string) string { return strings.Join(words(name), "") }
