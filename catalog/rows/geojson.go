package rows

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"

	"lgsp/internal/problem"
)

// Columns of a GeoJSON table that are not properties of its features.
const (
	geometryName  = "geometry"
	featureIDName = "feature_id"
)

// openGeoJSON reads a FeatureCollection (RFC 7946 §3.3): a feature is a row,
// its properties are cells, and so is its geometry.
func openGeoJSON(ctx context.Context, file *os.File) (*jsonTable, error) {
	return openObjects(ctx, &jsonTable{file: file, columns: map[string]int{}, geo: true})
}

// features goes to the array of features; what else the collection holds is
// passed over.
func (j *jsonTable) features() error {
	refused := problem.Errorf(problem.Invalid, "the file is no GeoJSON FeatureCollection").Coded("rows-json-form")
	if token, err := j.dec.Token(); err != nil || token != json.Delim('{') {
		return refused
	}
	for j.dec.More() {
		name, err := j.dec.Token()
		if err != nil {
			return j.wrong(err)
		}
		if name == "features" {
			if token, err := j.dec.Token(); err != nil || token != json.Delim('[') {
				return refused
			}
			return nil
		}
		var value json.RawMessage
		if err := j.dec.Decode(&value); err != nil {
			return j.wrong(err)
		}
		if name == "crs" && !strings.Contains(string(value), "CRS84") && !strings.Contains(string(value), "4326") {
			j.note("rows-geojson-crs", "the coordinates are said to be in another system than WGS 84")
		}
	}
	return refused
}

// afterFeatures reads the collection to its end.
func (j *jsonTable) afterFeatures() error {
	for j.dec.More() {
		if _, err := j.dec.Token(); err != nil {
			return j.wrong(err)
		}
		var value json.RawMessage
		if err := j.dec.Decode(&value); err != nil {
			return j.wrong(err)
		}
	}
	_, err := j.dec.Token()
	return j.wrong(err)
}

// member hands on what one member of a feature means as cells.
func (j *jsonTable) member(name string, value json.RawMessage, put func(string, json.RawMessage) error) error {
	switch name {
	case "type", "bbox":
		return nil
	case "id":
		return put(featureIDName, value)
	case geometryName:
		return put(geometryName, value)
	case "properties":
		if bytes.Equal(value, []byte("null")) {
			return nil
		}
		return j.properties(value, put)
	}
	return put(name, value)
}

func (j *jsonTable) properties(value json.RawMessage, put func(string, json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(value))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return refuse("rows-json-object", j.row, "the properties are no object")
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return j.wrong(err)
		}
		var member json.RawMessage
		if err := dec.Decode(&member); err != nil {
			return j.wrong(err)
		}
		key := nfc(name.(string)) // the decoder refuses a key that is no string
		if key == geometryName || key == featureIDName {
			key = "properties." + key
		}
		if err := put(key, member); err != nil {
			return err
		}
	}
	return nil
}

// Shape is a geometry as it is drawn.
type Shape struct {
	Kind  string // Point, LineString or Polygon; parts of collections and multi-geometries are shapes each
	Lines [][]Place
}

// Place is a position in degrees.
type Place struct{ Lat, Lng float64 }

// maxDepth bounds geometry collections inside each other.
const maxDepth = 4

var errShape = errors.New("no geometry")

// Shapes reads a GeoJSON geometry (RFC 7946 §3.1); its heights are passed
// over. It fails for what is none.
func Shapes(text string) ([]Shape, error) { return shapesOf([]byte(text), maxDepth) }

func shapesOf(text []byte, depth int) ([]Shape, error) {
	var g struct {
		Type        string
		Coordinates json.RawMessage
		Geometries  []json.RawMessage
	}
	if err := json.Unmarshal(text, &g); err != nil || depth == 0 {
		return nil, errShape
	}
	switch g.Type {
	case "GeometryCollection":
		var all []Shape
		for _, one := range g.Geometries {
			list, err := shapesOf(one, depth-1)
			if err != nil {
				return nil, err
			}
			all = append(all, list...)
		}
		return all, nil
	case "Point":
		var p []float64
		err := json.Unmarshal(g.Coordinates, &p)
		return shapeOf("Point", [][][]float64{{p}}, err)
	case "MultiPoint":
		var points [][]float64
		err := json.Unmarshal(g.Coordinates, &points)
		var all []Shape
		for _, p := range points {
			one, wrong := shapeOf("Point", [][][]float64{{p}}, err)
			all, err = append(all, one...), errors.Join(err, wrong)
		}
		return all, err
	case "LineString":
		var line [][]float64
		err := json.Unmarshal(g.Coordinates, &line)
		return shapeOf("LineString", [][][]float64{line}, err)
	case "MultiLineString", "Polygon":
		var lines [][][]float64
		err := json.Unmarshal(g.Coordinates, &lines)
		return shapeOf(strings.TrimPrefix(g.Type, "Multi"), lines, err)
	case "MultiPolygon":
		var polygons [][][][]float64
		err := json.Unmarshal(g.Coordinates, &polygons)
		var all []Shape
		for _, lines := range polygons {
			one, wrong := shapeOf("Polygon", lines, err)
			all, err = append(all, one...), errors.Join(err, wrong)
		}
		return all, err
	}
	return nil, errShape
}

func shapeOf(kind string, lines [][][]float64, err error) ([]Shape, error) {
	s := Shape{Kind: kind}
	for _, line := range lines {
		places := make([]Place, len(line))
		for i, p := range line {
			if len(p) < 2 {
				return nil, errShape
			}
			places[i] = Place{Lat: p[1], Lng: p[0]}
		}
		if len(places) > 0 {
			s.Lines = append(s.Lines, places)
		}
	}
	if err != nil || len(s.Lines) == 0 {
		return nil, errShape
	}
	return []Shape{s}, nil
}

// checkShape reports a geometry that is none, or lies in no place.
func checkShape(r *Report, row int64, text string) {
	shapes, err := Shapes(text)
	if err != nil {
		r.add(row, geometryName, "rows-geometry", "“"+shorten(text)+"” is no geometry and is not drawn").with("value", shorten(text))
		return
	}
	for _, s := range shapes {
		for _, line := range s.Lines {
			for _, p := range line {
				if IsSwapped(p.Lat, p.Lng) || p.Lat < -90 || p.Lat > 90 || p.Lng < -180 || p.Lng > 180 {
					checkPlace(r, row, geometryName, p.Lat, p.Lng)
					return
				}
			}
		}
	}
}
