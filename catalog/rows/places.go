package rows

import (
	"slices"
	"strconv"
	"strings"
)

// whereabouts are the columns of a table that say where its rows are, -1 for none.
type whereabouts struct{ lat, lng int }

// Keys of columns that hold degrees of latitude and of longitude.
var (
	latKeys = []string{"vi_do", "lat", "latitude", "toa_do_vi_do"}
	lngKeys = []string{"kinh_do", "lng", "lon", "long", "longitude", "toa_do_kinh_do"}
)

// Places finds the columns of latitude and longitude by their keys.
func Places(columns []Column) (lat, lng Column, ok bool) {
	p := placesOf(columns)
	if p.lat < 0 || p.lng < 0 {
		return lat, lng, false
	}
	return columns[p.lat], columns[p.lng], true
}

func placesOf(columns []Column) whereabouts {
	find := func(keys []string) int {
		return slices.IndexFunc(columns, func(c Column) bool { return slices.Contains(keys, c.Key) })
	}
	return whereabouts{find(latKeys), find(lngKeys)}
}

// check reports coordinates that are no place, and those that are one only
// when they change places.
func (p whereabouts) check(t *Table, rec record) {
	if p.lat < 0 || p.lng < 0 || p.lat >= len(rec.cells) || p.lng >= len(rec.cells) {
		return
	}
	lat, ok := degrees(rec.cells[p.lat].text)
	lng, also := degrees(rec.cells[p.lng].text)
	if ok && also {
		checkPlace(&t.Report, rec.row, t.Columns[p.lat].Name, lat, lng)
	}
}

func checkPlace(r *Report, row int64, column string, lat, lng float64) {
	value := degreeText(lat) + "; " + degreeText(lng)
	switch {
	case IsSwapped(lat, lng):
		r.add(row, column, "rows-coordinates-swapped", "latitude "+degreeText(lat)+" and longitude "+degreeText(lng)+" seem to have changed places").
			with("value", value)
	case lat < -90 || lat > 90 || lng < -180 || lng > 180:
		r.add(row, column, "rows-coordinates-outside", value+" is no latitude and longitude in degrees (WGS 84)").with("value", value)
	}
}

func degreeText(d float64) string { return strconv.FormatFloat(d, 'f', -1, 64) }

// IsSwapped reports whether a place is impossible as it stands, or far from
// Viet Nam, and lies in Viet Nam when latitude and longitude change places: its
// land and sea lie between 4 and 24 degrees north and 101 and 118 degrees east.
func IsSwapped(lat, lng float64) bool {
	return lat >= 101 && lat <= 118 && lng >= 4 && lng <= 24
}

// degrees reads a coordinate in either writing of decimals.
func degrees(text string) (float64, bool) {
	d, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(text), ",", ".", 1), 64)
	return d, err == nil
}
