package demo

import (
	"bytes"
	"encoding/csv"
	"flag"
	"os"
	"strconv"
	"testing"

	"lgsp/catalog"
	"lgsp/demo/simulator"
)

var update = flag.Bool("update", false, "write the invented tables anew")

func TestEveryDatasetIsDescribed(t *testing.T) {
	t.Parallel()
	all, err := readDatasets()
	if err != nil {
		t.Fatal(err)
	}
	themes := map[string]bool{}
	for _, theme := range catalog.Themes() {
		themes[theme.ID] = true
	}
	for _, d := range all.Datasets {
		if d.TitleVI == "" || d.TitleEN == "" || d.NotesVI == "" || d.NotesEN == "" || !themes[d.Theme] || d.SourceDocument == "" || len(d.KeywordsVI) == 0 || len(d.KeywordsEN) == 0 {
			t.Errorf("%s: incomplete: %+v", d.Slug, d)
		}
		for _, name := range table(t, d.Slug)[0] {
			if c := all.Columns[name]; c.TitleVI == "" || c.TitleEN == "" {
				t.Errorf("%s: column %s has no titles", d.Slug, name)
			}
		}
	}
}

// The figures are those of the letter, as it prints them.
func TestFiguresAreTheLetters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, key, row, column, want string
	}{
		{"ha-tang-vien-thong", "chi_tieu", "Tỉ lệ phủ sóng 3G, 4G khu vực dân cư", "gia_tri", "85"},
		{"ha-tang-vien-thong", "chi_tieu", "Tỉ lệ phủ sóng 3G, 4G khu vực dân cư", "uoc_luong", "khoảng"},
		{"ha-tang-vien-thong", "chi_tieu", "Trạm thu phát sóng thông tin di động (BTS), gồm 2G, 3G và 4G", "gia_tri", "1350"},
		{"ha-tang-vien-thong", "chi_tieu", "Xã, phường, thị trấn có mạng cáp quang", "gia_tri", "183"},
		{"thue-bao-vien-thong", "loai_thue_bao", "Điện thoại di động", "so_thue_bao", "970000"},
		{"thue-bao-vien-thong", "loai_thue_bao", "Điện thoại di động", "uoc_luong", "ước"},
		{"thue-bao-vien-thong", "loai_thue_bao", "Điện thoại cố định", "so_thue_bao", "25800"},
		{"thue-bao-vien-thong", "loai_thue_bao", "Điện thoại cố định", "uoc_luong", ""},
		{"thue-bao-vien-thong", "loai_thue_bao", "3G, 4G", "so_thue_bao", "29500"},
		{"thue-bao-vien-thong", "loai_thue_bao", "3G, 4G", "uoc_luong", "khoảng"},
		{"thue-bao-vien-thong", "loai_thue_bao", "Internet băng rộng cố định", "so_thue_bao", "95000"},
		{"hop-thu-dien-tu", "don_vi_tinh", "địa chỉ", "gia_tri", "7000"},
		{"hop-thu-dien-tu", "don_vi_tinh", "địa chỉ", "uoc_luong", "hơn"},
		{"hop-thu-dien-tu", "don_vi_tinh", "%", "uoc_luong", "khoảng trên"},
		{"du-an-cntt-2016-2019", "tt", "", "tong_muc_dau_tu_trieu_dong", "2300"},
		{"du-an-cntt-2016-2019", "tt", "", "nsdp_su_nghiep", "X"},
		{"du-an-cntt-2016-2019", "tt", "2.1", "tong_muc_dau_tu_trieu_dong", "440"},
		{"du-an-cntt-2016-2019", "tt", "2.2", "tong_muc_dau_tu_trieu_dong", "2990"},
		{"du-an-cntt-2016-2019", "tt", "2.3", "tong_muc_dau_tu_trieu_dong", "1380"},
		{"du-an-cntt-2016-2019", "tt", "2.4", "tong_muc_dau_tu_trieu_dong", "3900"},
		{"du-an-cntt-2016-2019", "tt", "2.4", "nsdp_su_nghiep", "x"},
		{"du-an-cntt-2016-2019", "tt", "2.4", "muc_tieu", ""},
		{"du-an-cntt-2016-2019", "tt", "2.5", "tong_muc_dau_tu_trieu_dong", "2950"},
		{"du-an-cntt-2016-2019", "tt", "2.5", "nsdp_su_nghiep", ""},
		{"du-an-cntt-2020", "tt", "1", "tong_muc_dau_tu_trieu_dong", "6000"},
		{"du-an-cntt-2020", "tt", "1", "nstu_su_nghiep", "4000"},
		{"du-an-cntt-2020", "tt", "1", "nsdp_su_nghiep", "2000"},
		{"du-an-cntt-2020", "loai_dong", "tong_cong", "tong_muc_dau_tu_trieu_dong", ""},
		{"du-an-cntt-2020", "loai_dong", "tong_cong", "nstu_dau_tu", "0"},
		{"van-ban-chinh-sach", "so_ky_hieu", "51/2015/QĐ-UBND", "ngay_ban_hanh", "2015-11-13"},
	} {
		if got := cell(t, tt.file, tt.key, tt.row, tt.column); got != tt.want {
			t.Errorf("%s, %s %q, %s: got %q, want %q", tt.file, tt.key, tt.row, tt.column, got, tt.want)
		}
	}
	for file, want := range map[string]int{"doanh-nghiep-vien-thong": 7, "van-ban-chinh-sach": 7, "thue-bao-vien-thong": 4, "du-an-cntt-2016-2019": 7, "du-an-cntt-2020": 3} {
		if got := len(table(t, file)) - 1; got != want {
			t.Errorf("%s: got %d rows, want %d", file, got, want)
		}
	}
}

func TestCertificatesAddUp(t *testing.T) {
	t.Parallel()
	var counts []int
	for _, kind := range []string{"Chứng thư số cá nhân", "Chứng thư số đơn vị", "Tổng cộng"} {
		n, err := strconv.Atoi(cell(t, "chung-thu-so", "loai_chung_thu_so", kind, "so_luong"))
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, n)
	}
	if counts[0]+counts[1] != counts[2] || counts[2] != 1654 || counts[0] != 1188 {
		t.Errorf("got %d + %d = %d, want 1188 + 466 = 1654", counts[0], counts[1], counts[2])
	}
}

// The invented tables are what the simulators say; -update writes them.
func TestInventedTablesComeFromTheSimulators(t *testing.T) {
	t.Parallel()
	procedures := [][]string{{"ma_tthc", "ten", "linh_vuc", "ma_co_quan", "co_quan_thuc_hien", "thoi_han", "phi_le_phi", "muc_do", "ngay_cap_nhat", "du_lieu_gia_lap"}}
	for _, p := range simulator.Procedures() {
		procedures = append(procedures, []string{p.MaTTHC, p.Ten, p.LinhVuc, p.MaCoQuan, p.CoQuanThucHien,
			strconv.Itoa(p.ThoiHan), strconv.Itoa(p.PhiLePhi), p.MucDo, p.NgayCapNhat, "true"})
	}
	prices := [][]string{{"ma_cay", "ten_cay", "ma_xa", "ten_xa", "ngay", "gia", "don_vi_tinh", "du_lieu_gia_lap"}}
	for _, p := range simulator.Prices() {
		prices = append(prices, []string{p.MaCay, p.TenCay, p.MaXa, p.TenXa, p.Ngay, strconv.Itoa(p.Gia), p.DonViTinh, "true"})
	}
	for file, rows := range map[string][][]string{"data/thu-tuc-hanh-chinh.csv": procedures, "data/gia-nong-san.csv": prices} {
		var want bytes.Buffer
		if err := csv.NewWriter(&want).WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is not what the simulator says; run go test ./demo -update", file)
		}
	}
}

func TestAgenciesOfProceduresAreTheProvinces(t *testing.T) {
	t.Parallel()
	p, err := readProvince()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, a := range p.Agencies {
		names[a.Code] = a.NameVI
	}
	for _, x := range simulator.Procedures() {
		if got := names[x.MaCoQuan]; got != x.CoQuanThucHien {
			t.Errorf("%s: got %q for %s, want %q", x.MaTTHC, got, x.MaCoQuan, x.CoQuanThucHien)
		}
	}
}

func table(t *testing.T, file string) [][]string {
	t.Helper()
	text, err := dataFiles.ReadFile("data/" + file + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return rows
}

// cell is the value of column in the one row whose key is row.
func cell(t *testing.T, file, key, row, column string) string {
	t.Helper()
	rows := table(t, file)
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	found, value := 0, ""
	for _, r := range rows[1:] {
		if r[at[key]] == row {
			found, value = found+1, r[at[column]]
		}
	}
	if found != 1 {
		t.Fatalf("%s: got %d rows with %s %q", file, found, key, row)
	}
	return value
}
