package portal

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"lgsp/catalog"
	"lgsp/catalog/rows"
	"lgsp/internal/problem"
)

// The size of a map's drawing, in units of its SVG, and what is left free at
// the sides for the degrees.
const (
	mapWidth     = 720.0
	mapHighest   = 640.0
	mapLowest    = 240.0
	mapMargin    = 84.0
	mapSpace     = 20.0 // above and below
	leastDegrees = 0.02 // that a map shows, about two kilometres
	mostVertices = 60_000
	mostNamed    = 15
)

// mapView is a table's places on a plain grid of degrees: no tiles of others,
// no borders.
type mapView struct {
	Height  string
	Grid    []gridLine
	Points  []mapPoint
	Shapes  []mapShape
	Listed  []mapPlace
	Turned  int // places whose latitude and longitude had changed places
	Outside int // rows that are nowhere
	Missing int // rows without a place
	More    bool
	Embed   string
	By      *catalog.PlaceList // where communes lie; nil: rows say it themselves
	Unknown int                // rows of communes that By has not
}

// gridLine is a meridian or a parallel.
type gridLine struct {
	X1, Y1, X2, Y2, TextX, TextY string
	Degrees                      string
	Sign                         string // n, s, e, w
}

// mapPoint is a dot; its name stands beside it where few are drawn, before it
// near the right edge or where another name stands beside.
type mapPoint struct {
	X, Y, Name string
	Before     bool
	Hidden     bool // no room for the name
	Crowded    bool // room on wide pages only
	x, y       float64
}

// Named reports whether the dots' names are written.
func (m *mapView) Named() bool { return len(m.Points) <= mostNamed }

type mapShape struct {
	Path, Name string
	Area       bool
}

// mapPlace is a place in words, for those who do not see the map.
type mapPlace struct {
	Name, Lat, Lng string
	Kind           string // Point, LineString, Polygon
	Rows           int64  // of a commune; 0: one
}

// placed is a row with what is drawn of it.
type placed struct {
	name   string
	shapes []rows.Shape
	rows   int64 // 0: one
}

// mapOf draws the table's places, as its filters leave them; nil when it has
// none.
func (p *Portal) mapOf(r *http.Request, t *tableView) (*mapView, error) {
	var own []rows.Column
	shape := -1
	for i, c := range t.Columns {
		own = append(own, c.Column)
		if c.Type == rows.Geometry && shape < 0 {
			shape = i
		}
	}
	lat, lng, ok := rows.Places(own)
	if shape < 0 && !ok {
		return p.mapOfCommunes(r, t)
	}
	columns := []string{lat.Key, lng.Key}
	if shape >= 0 {
		columns = []string{own[shape].Key}
	}
	naming := t.naming()
	if naming < 0 {
		naming = slices.IndexFunc(t.Columns, func(c catalog.Column) bool { return c.Type != rows.Geometry })
	}
	if naming >= 0 {
		columns = append(columns, own[naming].Key)
	}
	question := with(with(questionIn(t.query), "after", ""), "sort", "")
	question = with(with(question, "columns", strings.Join(columns, ",")), "limit", strconv.Itoa(rows.MaxLimit))
	answer, err := p.Catalog.QueryRows(r.Context(), whoever(r), t.Part.ID, url.Values(question))
	if problem.Is(err, problem.Invalid) || problem.Is(err, problem.Timeout) {
		return nil, nil // the table says what is wrong
	} else if err != nil {
		return nil, err
	}
	m := &mapView{More: answer.Next != ""}
	var all []placed
	for _, row := range answer.Rows {
		one, ok := m.place(row, shape >= 0)
		if ok {
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	m.draw(all)
	m.nameApart()
	return m, nil
}

// place reads where a row is. Its name is the last cell.
func (m *mapView) place(row []*string, shaped bool) (placed, bool) {
	var one placed
	places := 2
	if shaped {
		places = 1
	}
	if len(row) > places && row[places] != nil {
		one.name = *row[places]
	}
	if row[0] == nil || !shaped && row[1] == nil {
		m.Missing++
		return one, false
	}
	if shaped {
		one.shapes, _ = rows.Shapes(*row[0]) // one that is none lies nowhere
	} else {
		lat, err := strconv.ParseFloat(strings.Replace(*row[0], ",", ".", 1), 64)
		lng, also := strconv.ParseFloat(strings.Replace(*row[1], ",", ".", 1), 64)
		if err == nil && also == nil {
			one.shapes = []rows.Shape{{Kind: "Point", Lines: [][]rows.Place{{{Lat: lat, Lng: lng}}}}}
		}
	}
	turned, ok := settled(one.shapes)
	if !ok || len(one.shapes) == 0 {
		m.Outside++
		return one, false
	}
	if turned {
		m.Turned++
	}
	return one, true
}

// settled turns places back that had changed latitude with longitude; ok is
// false when one lies nowhere.
func settled(shapes []rows.Shape) (turned, ok bool) {
	for _, s := range shapes {
		for _, line := range s.Lines {
			for i, at := range line {
				if rows.IsSwapped(at.Lat, at.Lng) {
					line[i] = rows.Place{Lat: at.Lng, Lng: at.Lat}
					turned = true
				}
				if at = line[i]; !(math.Abs(at.Lat) <= 85 && math.Abs(at.Lng) <= 180) {
					return turned, false
				}
			}
		}
	}
	return turned, true
}

// projection puts degrees on the drawing: equirectangular, true to the middle
// parallel.
type projection struct {
	west, north    float64
	perLng, perLat float64 // units a degree
	east, south    float64
	left, top      float64
	right, bottom  float64
}

func projectionOf(all []placed) (projection, float64) {
	p := projection{west: 180, east: -180, north: -90, south: 90}
	for _, one := range all {
		for _, s := range one.shapes {
			for _, line := range s.Lines {
				for _, at := range line {
					p.west, p.east = min(p.west, at.Lng), max(p.east, at.Lng)
					p.south, p.north = min(p.south, at.Lat), max(p.north, at.Lat)
				}
			}
		}
	}
	wide, high := max(p.east-p.west, leastDegrees), max(p.north-p.south, leastDegrees)
	middle, centre := (p.north+p.south)/2, (p.east+p.west)/2
	wide, high = wide*1.1, high*1.1
	squeeze := math.Cos(middle * math.Pi / 180)
	inside := mapWidth - 2*mapMargin
	height := min(max(inside*high/(wide*squeeze), mapLowest), mapHighest)
	p.perLat = min(height/high, inside/(wide*squeeze))
	p.perLng = p.perLat * squeeze
	p.left, p.right, p.top, p.bottom = mapMargin, mapWidth-mapMargin, mapSpace, mapSpace+height
	p.west, p.east = centre-inside/2/p.perLng, centre+inside/2/p.perLng
	p.north, p.south = middle+height/2/p.perLat, middle-height/2/p.perLat
	return p, height + 2*mapSpace
}

func (p projection) x(lng float64) float64 { return p.left + (lng-p.west)*p.perLng }
func (p projection) y(lat float64) float64 { return p.top + (p.north-lat)*p.perLat }

func (m *mapView) draw(all []placed) {
	p, height := projectionOf(all)
	m.Height = decimals(height)
	m.grid(p)
	vertices := 0
	for _, one := range all {
		for i, s := range one.shapes {
			at := s.Lines[0][0]
			if i == 0 {
				m.Listed = append(m.Listed, mapPlace{one.name, degreesText(at.Lat), degreesText(at.Lng), s.Kind, one.rows})
			}
			if s.Kind == "Point" {
				m.Points = append(m.Points, mapPoint{X: decimals(p.x(at.Lng)), Y: decimals(p.y(at.Lat)), Name: one.name, x: p.x(at.Lng), y: p.y(at.Lat)})
				continue
			}
			path, n := pathOf(p, s)
			if vertices += n; vertices > mostVertices {
				m.More = true
				return
			}
			m.Shapes = append(m.Shapes, mapShape{path, one.name, s.Kind == "Polygon"})
		}
	}
}

// pathOf draws the lines of a shape, without the vertices that nobody could
// tell apart.
func pathOf(p projection, s rows.Shape) (string, int) {
	var b strings.Builder
	n := 0
	for _, line := range s.Lines {
		lastX, lastY := math.Inf(1), math.Inf(1)
		for i, at := range line {
			x, y := p.x(at.Lng), p.y(at.Lat)
			if i > 0 && i < len(line)-1 && math.Hypot(x-lastX, y-lastY) < 0.5 {
				continue
			}
			mark := "L"
			if i == 0 {
				mark = "M"
			}
			b.WriteString(mark + decimals(x) + " " + decimals(y))
			lastX, lastY = x, y
			n++
		}
		if s.Kind == "Polygon" {
			b.WriteString("Z")
		}
	}
	return b.String(), n
}

// grid draws meridians and parallels at round degrees.
func (m *mapView) grid(p projection) {
	step := niceStep((p.east - p.west) / 5)
	for lng := math.Ceil(p.west/step) * step; lng <= p.east; lng += step {
		x := decimals(p.x(lng))
		m.Grid = append(m.Grid, gridLine{X1: x, Y1: decimals(p.top), X2: x, Y2: decimals(p.bottom), TextX: x, TextY: decimals(p.bottom + 16),
			Degrees: decimalsAtMost(strconv.FormatFloat(math.Abs(lng), 'f', 6, 64), stepDecimals(step)), Sign: signOf(lng, "e", "w")})
	}
	for lat := math.Ceil(p.south/step) * step; lat <= p.north; lat += step {
		y := decimals(p.y(lat))
		m.Grid = append(m.Grid, gridLine{X1: decimals(p.left), Y1: y, X2: decimals(p.right), Y2: y, TextX: "4", TextY: decimals(p.y(lat) + 5),
			Degrees: decimalsAtMost(strconv.FormatFloat(math.Abs(lat), 'f', 6, 64), stepDecimals(step)), Sign: signOf(lat, "n", "s")})
	}
}

func signOf(degrees float64, above, below string) string {
	if degrees < 0 {
		return below
	}
	return above
}

func degreesText(d float64) string {
	return strconv.FormatFloat(math.Round(d*1e5)/1e5, 'f', -1, 64) // to a metre
}
