package simulator

import (
	"net/http"
	"time"

	"github.com/gorilla/mux"
)

// crop is a kind of crop (system 18).
type crop struct {
	MaCay     string `json:"maCay"`
	Ten       string `json:"ten"`
	Nhom      string `json:"nhom"`
	DonViTinh string `json:"donViTinh"`
	gia       int    // usual price, VND
	nangSuat  int    // usual yield, quintals a hectare
}

// Price is the price of a farm product at a market on a day.
type Price struct {
	MaCay     string `json:"maCay"`
	TenCay    string `json:"tenCay"`
	MaXa      string `json:"maXa"`
	TenXa     string `json:"tenXa"`
	Ngay      string `json:"ngay"`
	Gia       int    `json:"gia"` // VND
	DonViTinh string `json:"donViTinh"`
}

type harvest struct {
	MaCay    string  `json:"maCay"`
	TenCay   string  `json:"tenCay"`
	VuMua    string  `json:"vuMua"`
	Nam      int     `json:"nam"`
	MaXa     string  `json:"maXa"`
	TenXa    string  `json:"tenXa"`
	DienTich int     `json:"dienTich"` // ha
	NangSuat float64 `json:"nangSuat"` // quintals a hectare
	SanLuong float64 `json:"sanLuong"` // tonnes
}

type pest struct {
	MaBaoCao      string `json:"maBaoCao"`
	MaCay         string `json:"maCay"`
	DichHai       string `json:"dichHai"`
	MaXa          string `json:"maXa"`
	TenXa         string `json:"tenXa"`
	Ngay          string `json:"ngay"`
	DienTichNhiem int    `json:"dienTichNhiem"` // ha
	MucDo         string `json:"mucDo"`         // nhe, trung-binh, nang
}

type farming struct {
	crops    []crop
	prices   []Price
	harvests []harvest
	pests    []pest
}

func cropKinds() []crop {
	return []crop{
		{"lua", "Lúa", "Cây lương thực", "kg", 8_200, 58}, {"ngo", "Ngô", "Cây lương thực", "kg", 7_400, 56},
		{"san", "Sắn", "Cây lương thực", "kg", 2_600, 190}, {"mia", "Mía", "Cây công nghiệp", "kg", 1_150, 560},
		{"lac", "Lạc", "Cây công nghiệp", "kg", 27_000, 23}, {"toi-ly-son", "Tỏi Lý Sơn", "Rau, gia vị", "kg", 95_000, 62},
		{"hanh-tim", "Hành tím", "Rau, gia vị", "kg", 32_000, 90}, {"ca-phe", "Cà phê", "Cây công nghiệp", "kg", 112_000, 28},
		{"cao-su", "Mủ cao su", "Cây công nghiệp", "kg", 19_500, 14}, {"keo", "Gỗ keo", "Lâm nghiệp", "tan", 1_350_000, 700},
	}
}

// Prices are all invented prices: weekly, by product, at five markets.
func Prices() []Price {
	d := dice(18)
	markets := communes()[:5]
	var list []Price
	for _, c := range cropKinds() {
		for _, m := range markets {
			price := float64(c.gia)
			for week := range 40 {
				price *= 0.985 + 0.031*d.Float64()
				list = append(list, Price{MaCay: c.MaCay, TenCay: c.Ten, MaXa: m.Ma, TenXa: m.Ten,
					Ngay: asOf.AddDate(0, 0, -7*(39-week)).Format(time.DateOnly), Gia: int(price/50) * 50, DonViTinh: c.DonViTinh})
			}
		}
	}
	return list
}

func newCrops() *farming {
	d := dice(118)
	f := &farming{crops: cropKinds(), prices: Prices()}
	for _, c := range f.crops {
		for _, x := range communes() {
			for _, season := range []string{"dong-xuan", "he-thu"} {
				area, yield := 5+d.IntN(400), float64(c.nangSuat*(90+d.IntN(21)))/100
				f.harvests = append(f.harvests, harvest{MaCay: c.MaCay, TenCay: c.Ten, VuMua: season, Nam: asOf.Year(), MaXa: x.Ma, TenXa: x.Ten,
					DienTich: area, NangSuat: yield, SanLuong: float64(int(float64(area)*yield)) / 10})
			}
		}
	}
	for i := range 60 {
		x := pick(d, communes())
		f.pests = append(f.pests, pest{MaBaoCao: "DH-GL-" + asOf.AddDate(0, 0, -4*i).Format("060102"), MaCay: pick(d, f.crops).MaCay,
			DichHai: pick(d, []string{"Rầy nâu", "Đạo ôn lá", "Sâu keo mùa thu", "Khảm lá virus", "Bọ trĩ"}), MaXa: x.Ma, TenXa: x.Ten,
			Ngay: asOf.AddDate(0, 0, -4*i).Format(time.DateOnly), DienTichNhiem: 1 + d.IntN(40), MucDo: pick(d, []string{"nhe", "trung-binh", "nang"})})
	}
	return f
}

func (f *farming) routes() http.Handler {
	r := router()
	r.Handle("/cay-trong", answer(f.kinds)).Methods("GET")
	r.Handle("/cay-trong/{maCay}", answer(f.kind)).Methods("GET")
	r.Handle("/gia-nong-san", answer(f.priceList)).Methods("GET")
	r.Handle("/vu-mua", answer(f.harvestList)).Methods("GET")
	r.Handle("/dich-hai", answer(f.pestList)).Methods("GET")
	return r
}

func (f *farming) kinds(r *http.Request) (any, error) {
	q := queryOf(r)
	group := q.text("nhom")
	return paged(q, f.crops, func(x crop) bool { return same(group, x.Nhom) })
}

func (f *farming) kind(r *http.Request) (any, error) {
	for _, x := range f.crops {
		if x.MaCay == mux.Vars(r)["maCay"] {
			return x, queryOf(r).done()
		}
	}
	return nil, notFound("Không có cây trồng mang mã này.")
}

func (f *farming) priceList(r *http.Request) (any, error) {
	q := queryOf(r)
	code, commune, from, to := q.text("maCay"), q.text("maXa"), q.day("tuNgay"), q.day("denNgay")
	return paged(q, f.prices, func(x Price) bool {
		return same(code, x.MaCay) && same(commune, x.MaXa) && x.Ngay >= from && (to == "" || x.Ngay <= to)
	})
}

func (f *farming) harvestList(r *http.Request) (any, error) {
	q := queryOf(r)
	code, commune, season := q.text("maCay"), q.text("maXa"), q.oneOf("vuMua", "dong-xuan", "he-thu")
	return paged(q, f.harvests, func(x harvest) bool {
		return same(code, x.MaCay) && same(commune, x.MaXa) && same(season, x.VuMua)
	})
}

func (f *farming) pestList(r *http.Request) (any, error) {
	q := queryOf(r)
	code, from, level := q.text("maCay"), q.day("tuNgay"), q.oneOf("mucDo", "nhe", "trung-binh", "nang")
	return paged(q, f.pests, func(x pest) bool { return same(code, x.MaCay) && same(level, x.MucDo) && x.Ngay >= from })
}
