package rows

import (
	"bufio"
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"lgsp/internal/problem"
)

// Keys of columns that hold a place: degrees of latitude and of longitude, or
// a geometry of GeoJSON.
var (
	latitudeKeys  = []string{"vi_do", "lat", "latitude", "toa_do_vi_do"}
	longitudeKeys = []string{"kinh_do", "lng", "lon", "long", "longitude", "toa_do_kinh_do"}
)

const shapeKey = "geometry"

// placing says which columns of a table are its places; -1: none.
type placing struct{ shape, latitude, longitude int }

func placingOf(columns []Column) placing {
	among := func(fits func(Column) bool) int { return slices.IndexFunc(columns, fits) }
	degrees := func(keys []string) func(Column) bool {
		return func(c Column) bool { return slices.Contains(keys, c.Key) && (c.Type == Decimal || c.Type == Integer) }
	}
	return placing{
		shape:    among(func(c Column) bool { return c.Key == shapeKey && c.Type != Integer && c.Type != Decimal }),
		latitude: among(degrees(latitudeKeys)), longitude: among(degrees(longitudeKeys)),
	}
}

func (p placing) found() bool { return p.shape >= 0 || p.latitude >= 0 && p.longitude >= 0 }

// featureWriter writes GeoJSON (RFC 7946): a feature a row, its place from the
// columns that hold it. A place that is none, or beyond the earth, is null.
type featureWriter struct {
	out     *bufio.Writer
	columns []Column
	at      placing
	buf     bytes.Buffer
	count   int
}

func newFeatures(out *bufio.Writer, columns []Column) (*featureWriter, error) {
	at := placingOf(columns)
	if !at.found() {
		return nil, problem.Errorf(problem.Invalid, "the table has no columns of coordinates").Coded("rows-no-place")
	}
	return &featureWriter{out: out, columns: columns, at: at}, nil
}

func (f *featureWriter) row(row []*string) error {
	f.buf.Reset()
	f.buf.WriteString(map[bool]string{true: "{\"type\":\"FeatureCollection\",\"features\":[\n", false: ",\n"}[f.count == 0])
	f.count++
	f.buf.WriteString(`{"type":"Feature","geometry":`)
	f.buf.WriteString(f.geometry(row))
	f.buf.WriteString(`,"properties":`)
	columns := f.columns
	if f.at.shape >= 0 {
		columns = slices.Delete(slices.Clone(columns), f.at.shape, f.at.shape+1)
		row = slices.Delete(slices.Clone(row), f.at.shape, f.at.shape+1)
	}
	writeObject(&f.buf, columns, row)
	f.buf.WriteByte('}')
	_, err := f.out.Write(f.buf.Bytes())
	return err
}

func (f *featureWriter) geometry(row []*string) string {
	if f.at.shape >= 0 {
		if v := row[f.at.shape]; v != nil && strings.HasPrefix(*v, "{") && json.Valid([]byte(*v)) {
			return *v
		}
		return "null"
	}
	latitude, longitude := row[f.at.latitude], row[f.at.longitude]
	if !isDegrees(latitude, 90) || !isDegrees(longitude, 180) {
		return "null"
	}
	return `{"type":"Point","coordinates":[` + *longitude + `,` + *latitude + `]}`
}

func isDegrees(value *string, most float64) bool {
	if value == nil {
		return false
	}
	n, err := strconv.ParseFloat(*value, 64)
	return err == nil && n >= -most && n <= most
}

func (f *featureWriter) end() error {
	ending := "\n]}\n"
	if f.count == 0 {
		ending = `{"type":"FeatureCollection","features":[]}` + "\n"
	}
	_, err := f.out.WriteString(ending)
	return err
}
