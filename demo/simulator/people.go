package simulator

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"time"
)

// asOf is the day up to which the invented records run.
var asOf = time.Date(2026, time.October, 31, 0, 0, 0, 0, time.UTC)

// person is an invented citizen. The number has the national form (province,
// century and sex, year, serial), but 000 is the code of no province.
type person struct {
	SoDinhDanh string
	HoTen      string
	NgaySinh   string
	GioiTinh   string // nam, nu
	Xa         commune
}

type commune struct {
	Ma  string // 99xxx: no such code exists
	Ten string
}

type unit struct {
	Ma  string // synthetic identifier
	Ten string
}

var personNumber = regexp.MustCompile(`^[0-9]{12}$`)

func communes() []commune {
	names := []string{"Phường Cẩm Thành", "Phường Nghĩa Lộ", "Phường Trương Quang Trọng", "Phường Đức Phổ", "Phường Sa Huỳnh",
		"Phường Kon Tum", "Đặc khu Lý Sơn", "Xã Bình Sơn", "Xã Sơn Tịnh", "Xã Mộ Đức", "Xã Ba Tơ", "Xã Trà Bồng", "Xã Sơn Hà",
		"Xã Minh Long", "Xã Đăk Hà", "Xã Măng Đen"}
	list := make([]commune, len(names))
	for i, name := range names {
		list[i] = commune{Ma: fmt.Sprintf("99%03d", i+1), Ten: name}
	}
	return list
}

// units are the agencies whose records appear here.
func units() []unit {
	return []unit{
		{"H48.01", "Văn phòng Ủy ban nhân dân tỉnh"}, {"H48.11", "Sở Nội vụ"}, {"H48.12", "Sở Nông nghiệp và Môi trường"},
		{"H48.13", "Sở Khoa học và Công nghệ"}, {"H48.14", "Sở Tài chính"}, {"H48.15", "Sở Xây dựng"},
		{"H48.16", "Sở Tư pháp"}, {"H48.17", "Sở Y tế"}, {"H48.18", "Sở Công Thương"},
	}
}

// dice are the same throws at every start, different for each system.
func dice(system int) *rand.Rand { return rand.New(rand.NewPCG(4259, uint64(system))) }

func pick[T any](d *rand.Rand, list []T) T { return list[d.IntN(len(list))] }

// before is a day up to n days before asOf.
func before(d *rand.Rand, n int) time.Time { return asOf.AddDate(0, 0, -d.IntN(n)) }

func newPeople() []person {
	families := []string{"Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Phan", "Trương", "Đinh"}
	middles := map[string][]string{"nam": {"Văn", "Hữu", "Minh", "Quang", "Thanh"}, "nu": {"Thị", "Ngọc", "Thu", "Thanh", "Kim"}}
	given := map[string][]string{
		"nam": {"An", "Bình", "Cường", "Dũng", "Đạt", "Hải", "Khánh", "Long", "Phúc", "Sơn", "Tùng"},
		"nu":  {"Ánh", "Bích", "Châu", "Diệu", "Hà", "Hương", "Lan", "Mai", "Nga", "Phượng", "Yến"},
	}
	d, places := dice(0), communes()
	people := make([]person, 1500)
	for i := range people {
		sex, digit := "nam", 0
		if i%2 == 1 {
			sex, digit = "nu", 1
		}
		born := time.Date(1930+d.IntN(70), time.Month(1+d.IntN(12)), 1+d.IntN(28), 0, 0, 0, 0, time.UTC)
		people[i] = person{
			SoDinhDanh: fmt.Sprintf("000%d%02d%06d", digit, born.Year()%100, i+1),
			HoTen:      pick(d, families) + " " + pick(d, middles[sex]) + " " + pick(d, given[sex]),
			NgaySinh:   born.Format(time.DateOnly),
			GioiTinh:   sex,
			Xa:         pick(d, places),
		}
	}
	return people
}

// adults are up to n people between the ages.
func adults(people []person, from, to, n int) []person {
	var list []person
	for _, p := range people {
		born, _ := time.Parse(time.DateOnly, p.NgaySinh)
		if age := asOf.Year() - born.Year(); age >= from && age <= to && len(list) < n {
			list = append(list, p)
		}
	}
	return list
}
