package simulator

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"
)

// parcel is a land parcel (system 15).
type parcel struct {
	MaXa     string  `json:"maXa"`
	TenXa    string  `json:"tenXa"`
	SoTo     int     `json:"soTo"`
	SoThua   int     `json:"soThua"`
	DienTich float64 `json:"dienTich"` // m²
	MucDich  string  `json:"mucDich"`
	SoGCN    *string `json:"soGCN"` // null: no certificate yet
	NgayCap  *string `json:"ngayCap"`
	TheChap  bool    `json:"theChap"`
	HinhHoc  polygon `json:"hinhHoc"`
}

type parcelSummary struct {
	MaXa     string  `json:"maXa"`
	TenXa    string  `json:"tenXa"`
	SoTo     int     `json:"soTo"`
	SoThua   int     `json:"soThua"`
	DienTich float64 `json:"dienTich"`
	MucDich  string  `json:"mucDich"`
	CoGCN    bool    `json:"coGCN"`
}

// polygon is a GeoJSON polygon (RFC 7946, longitude first).
type polygon struct {
	Type        string         `json:"type"`
	Coordinates [][][2]float64 `json:"coordinates"`
}

type landPrice struct {
	MaXa    string `json:"maXa"`
	TenXa   string `json:"tenXa"`
	MucDich string `json:"mucDich"`
	ViTri   int    `json:"viTri"`
	DonGia  int    `json:"donGia"` // VND/m²
	TuNgay  string `json:"tuNgay"`
}

type certificate struct {
	SoGCN     string `json:"soGCN"`
	TinhTrang string `json:"tinhTrang"`
	NgayCap   string `json:"ngayCap"`
	MaXa      string `json:"maXa"`
	SoTo      int    `json:"soTo"`
	SoThua    int    `json:"soThua"`
}

type parcels struct {
	list   []parcel
	prices []landPrice
}

// uses are land-use codes: rural and urban housing, rice, other annual and perennial crops, forest.
func uses() []string { return []string{"ONT", "ODT", "LUC", "HNK", "CLN", "RSX"} }

func newParcels() *parcels {
	d := dice(15)
	p := &parcels{}
	for i, c := range communes() {
		for n := range 18 {
			p.list = append(p.list, newParcel(d, c, i, n))
		}
		for _, use := range uses() {
			for place := 1; place <= 3; place++ {
				p.prices = append(p.prices, landPrice{MaXa: c.Ma, TenXa: c.Ten, MucDich: use, ViTri: place,
					DonGia: (40_000 + 5_000*d.IntN(200)) * (4 - place), TuNgay: "2026-01-01"})
			}
		}
	}
	return p
}

func newParcel(d *rand.Rand, c commune, i, n int) parcel {
	side := 8 + d.IntN(40)
	x := parcel{MaXa: c.Ma, TenXa: c.Ten, SoTo: 1 + n/6, SoThua: 1 + n%6, DienTich: float64(side*side) + float64(d.IntN(10))/10,
		MucDich: pick(d, uses()), TheChap: d.IntN(6) == 0,
		HinhHoc: square(108.60+0.02*float64(i)+0.0008*float64(n%6), 15.05+0.0008*float64(n/6), float64(side)/111_000)}
	if d.IntN(5) > 0 {
		number, issued := fmt.Sprintf("GL %06d", i*100+n+1), before(d, 4000).Format(time.DateOnly)
		x.SoGCN, x.NgayCap = &number, &issued
	}
	return x
}

func square(lon, lat, size float64) polygon {
	at := func(x, y float64) [2]float64 { return [2]float64{six(lon + x*size), six(lat + y*size)} }
	return polygon{Type: "Polygon", Coordinates: [][][2]float64{{at(0, 0), at(1, 0), at(1, 1), at(0, 1), at(0, 0)}}}
}

// six keeps six decimals, about 0.1 m.
func six(degrees float64) float64 { return float64(int(degrees*1e6+0.5)) / 1e6 }

func (p *parcels) routes() http.Handler {
	r := router()
	r.Handle("/thua-dat", answer(p.search)).Methods("GET")
	r.Handle("/thua-dat/{maXa}/{soTo}/{soThua}", answer(p.get)).Methods("GET")
	r.Handle("/giay-chung-nhan/{soGCN}", answer(p.certificate)).Methods("GET")
	r.Handle("/bang-gia-dat", answer(p.priceTable)).Methods("GET")
	return r
}

func (p *parcels) search(r *http.Request) (any, error) {
	q := queryOf(r)
	commune, sheet, use := q.text("maXa"), q.number("soTo", 1, 9999, 0), q.oneOf("mucDich", uses()...)
	list := make([]parcelSummary, len(p.list))
	for i, x := range p.list {
		list[i] = parcelSummary{MaXa: x.MaXa, TenXa: x.TenXa, SoTo: x.SoTo, SoThua: x.SoThua, DienTich: x.DienTich, MucDich: x.MucDich, CoGCN: x.SoGCN != nil}
	}
	return paged(q, list, func(x parcelSummary) bool {
		return same(commune, x.MaXa) && same(use, x.MucDich) && (sheet == 0 || sheet == x.SoTo)
	})
}

func (p *parcels) get(r *http.Request) (any, error) {
	vars := mux.Vars(r)
	sheet, err1 := strconv.Atoi(vars["soTo"])
	number, err2 := strconv.Atoi(vars["soThua"])
	if err1 != nil || err2 != nil {
		return nil, invalid("soTo", "Số tờ và số thửa phải là số nguyên.")
	}
	for _, x := range p.list {
		if x.MaXa == vars["maXa"] && x.SoTo == sheet && x.SoThua == number {
			return x, queryOf(r).done()
		}
	}
	return nil, notFound("Không có thửa đất này.")
}

func (p *parcels) certificate(r *http.Request) (any, error) {
	number := "GL " + mux.Vars(r)["soGCN"]
	for _, x := range p.list {
		if x.SoGCN == nil || *x.SoGCN != number {
			continue
		}
		state := "hieu-luc"
		if x.TheChap {
			state = "dang-the-chap"
		}
		return certificate{SoGCN: number, TinhTrang: state, NgayCap: *x.NgayCap, MaXa: x.MaXa, SoTo: x.SoTo, SoThua: x.SoThua}, queryOf(r).done()
	}
	return nil, notFound("Không có Giấy chứng nhận mang số này.")
}

func (p *parcels) priceTable(r *http.Request) (any, error) {
	q := queryOf(r)
	commune, use := q.text("maXa"), q.oneOf("mucDich", uses()...)
	return paged(q, p.prices, func(x landPrice) bool { return same(commune, x.MaXa) && same(use, x.MucDich) })
}
