package portal

import (
	"context"
	"net/url"
	"strconv"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// keyFigure is one cell of an open dataset, worth the home page.
type keyFigure struct {
	dataset string // slug
	row     string // value of its first column
	column  string // of the number
	by      string // the first column
	title   string // message key
}

// keyFigures are what the home page shows of those that are published.
func keyFigures() []keyFigure {
	return []keyFigure{
		{"thue-bao-vien-thong", "Điện thoại di động", "so_thue_bao", "loai_thue_bao", "home.figure-mobile"},
		{"ha-tang-vien-thong", "Trạm thu phát sóng thông tin di động (BTS), gồm 2G, 3G và 4G", "gia_tri", "chi_tieu", "home.figure-stations"},
		{"hop-thu-dien-tu", "Địa chỉ thư điện tử theo tên miền quangngai.gov.vn đã cấp phát", "gia_tri", "chi_tieu", "home.figure-mailboxes"},
		{"chung-thu-so", "Tổng cộng", "so_luong", "loai_chung_thu_so", "home.figure-certificates"},
	}
}

// qualifiers are the words with which a source hedges a number, as messages.
func qualifiers() map[string]string {
	return map[string]string{"ước": "home.estimated", "khoảng": "home.about", "hơn": "home.over"}
}

// Figure is a key figure of the home page, with the dataset it is taken from.
type Figure struct {
	Number    float64
	Qualifier string // message key; "" when the source states the number flatly
	Title     string // message key
	Dataset   catalog.Dataset
}

// figures gives the key figures that are published now.
func (p *Portal) figures(ctx context.Context) ([]Figure, error) {
	var list []Figure
	for _, k := range keyFigures() {
		figure, err := p.figure(ctx, k)
		if problem.Is(err, problem.NotFound) || problem.Is(err, problem.Gone) || problem.Is(err, problem.Invalid) {
			continue // not published, or its table has changed
		}
		if err != nil {
			return nil, err
		}
		list = append(list, figure)
	}
	return list, nil
}

// figure reads one. It fails with NotFound when the dataset or its row is not
// there, Invalid when a column is not.
func (p *Portal) figure(ctx context.Context, k keyFigure) (Figure, error) {
	nobody := auth.Principal{}
	dataset, err := p.Catalog.DatasetBySlug(ctx, nobody, k.dataset)
	if err != nil {
		return Figure{}, err
	}
	for _, distribution := range dataset.Distributions {
		if distribution.Rows == nil {
			continue
		}
		answer, err := p.Catalog.QueryRows(ctx, nobody, distribution.ID, url.Values{
			k.by + "__exact": {k.row}, "columns": {k.column + ",uoc_luong"}, "limit": {"1"},
		})
		if err != nil {
			return Figure{}, err
		}
		if len(answer.Rows) == 0 || len(answer.Rows[0]) != 2 || answer.Rows[0][0] == nil {
			break
		}
		number, err := strconv.ParseFloat(*answer.Rows[0][0], 64)
		if err != nil {
			break
		}
		f := Figure{Number: number, Title: k.title, Dataset: dataset}
		if hedge := answer.Rows[0][1]; hedge != nil {
			f.Qualifier = qualifiers()[*hedge]
		}
		return f, nil
	}
	return Figure{}, problem.Errorf(problem.NotFound, "no figure in %s", k.dataset)
}
