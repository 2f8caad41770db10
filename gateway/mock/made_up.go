package mock

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// sampleText is what stands where any text may.
const sampleText = "Dữ liệu mô phỏng của môi trường thử nghiệm."

// The words that names are made of: people and places that everybody sees are invented.
var (
	surnames  = []string{"Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Võ", "Đặng", "Bùi", "Đỗ", "Phan"}
	middles   = []string{"Văn", "Thị", "Minh", "Ngọc", "Thanh"}
	given     = []string{"Mẫu", "Thử", "Ví Dụ"}
	communes  = []string{"Xã Thử Nghiệm", "Xã Mẫu Đông", "Xã Mẫu Tây", "Phường Ví Dụ", "Phường Thử Nghiệm"}
	sentences = []string{sampleText, "Nội dung mẫu, không phải hồ sơ thật.", "Ví dụ để thử chương trình."}
)

const province = "Tỉnh Thử Nghiệm"

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// firstDay is where made up days begin: they do not move with the clock.
var firstDay = time.Date(2024, 1, 1, 7, 0, 0, 0, time.UTC)

// madeUp is a text about a topic; "" where the topic says nothing of texts.
func madeUp(topic string, r *rand.Rand) string {
	n := r.IntN(10_000)
	switch topic {
	case topicIdentity: // 000 is no province's code
		return fmt.Sprintf("000%03d%06d", r.IntN(1000), r.IntN(1_000_000))
	case topicTax:
		return wrongTaxNumber(r.IntN(10_000_000))
	case topicInsurance:
		return fmt.Sprintf("0000%06d", r.IntN(1_000_000))
	case topicPhone:
		return fmt.Sprintf("0000%06d", r.IntN(1_000_000))
	case topicEmail:
		return fmt.Sprintf("mau.%04d@vi-du.example", n)
	case topicPerson:
		return pick(r, surnames) + " " + pick(r, middles) + " " + pick(r, given)
	case topicCommune:
		return pick(r, communes)
	case topicProvince:
		return province
	case topicAddress:
		return fmt.Sprintf("Thôn Mẫu %d, %s, %s", 1+n%20, pick(r, communes), province)
	case topicBirth:
		return firstDay.AddDate(-60+n%40, 0, n%365).Format(time.DateOnly)
	case topicDate:
		return firstDay.AddDate(0, 0, n%730).Format(time.DateOnly)
	case topicMoment:
		return firstDay.Add(time.Duration(n%730)*24*time.Hour + time.Duration(r.IntN(36_000))*time.Second).Format(time.RFC3339)
	case topicTime:
		return firstDay.Add(time.Duration(r.IntN(36_000)) * time.Second).Format("15:04:05Z")
	case topicYear:
		return fmt.Sprint(2020 + n%6)
	case topicGender:
		return pick(r, []string{"Nam", "Nữ"})
	}
	return madeUpTechnical(topic, r)
}

// madeUpTechnical is madeUp of what programs read.
func madeUpTechnical(topic string, r *rand.Rand) string {
	n := r.IntN(10_000)
	switch topic {
	case topicURL:
		return fmt.Sprintf("https://vi-du.example/mau/%04d", n)
	case "hostname":
		return fmt.Sprintf("mau-%04d.example", n)
	case topicUUID:
		var id uuid.UUID
		for i := range id {
			id[i] = byte(r.Uint32())
		}
		id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // RFC 9562 §5.8: of a form of our own
		return id.String()
	case topicIPv4:
		return netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}).String()
	case topicIPv6:
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 14: byte(n >> 8), 15: byte(n)}).String()
	case topicBytes:
		return base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("mau-%04d", n)))
	case topicCode:
		return fmt.Sprintf("MAU-%04d", n)
	case topicText:
		return pick(r, sentences)
	}
	return ""
}

// wrongTaxNumber is a number of ten digits whose last one is not the check
// digit that the nine before it call for.
func wrongTaxNumber(n int) string {
	text := fmt.Sprintf("00%07d", n)
	sum := 0
	for i, weight := range []int{31, 29, 23, 19, 17, 13, 7, 5, 3} {
		sum += weight * int(text[i]-'0')
	}
	right := 10 - sum%11
	return text + fmt.Sprint((right+1)%10)
}

// otherDigits is a text with the last digits of its kind changed: codes of the
// same form, one after the other.
func otherDigits(text string, r *rand.Rand) string {
	b, left := []byte(text), 3
	for i := len(b) - 1; i >= 0 && left > 0; i-- {
		if '0' <= b[i] && b[i] <= '9' {
			b[i] = byte('0' + r.IntN(10))
			left--
		}
	}
	return string(b)
}

// sized is a text between two lengths in characters; longest below 0: of any.
func sized(text string, shortest, longest int) string {
	runes := []rune(text)
	for len(runes) < min(shortest, MaxAnswer) {
		runes = append(runes, []rune(" mẫu")[:min(4, shortest-len(runes))]...)
	}
	if longest >= 0 && len(runes) > longest {
		runes = slices.Clip(runes[:longest])
	}
	if cut := strings.TrimSpace(string(runes)); len([]rune(cut)) >= shortest {
		return cut
	}
	return string(runes)
}
