package portal

import (
	"slices"
	"unicode/utf8"
)

// mapText is the size of a map's words, in units of its drawing: on a wide
// page, and on a telephone, where the drawing is half as large.
var mapText = struct{ wide, narrow float64 }{13, 24}

// nameBox is where a name stands on the drawing.
type nameBox struct{ left, right, top, bottom float64 }

func (b nameBox) meets(o nameBox) bool {
	return b.left < o.right && o.left < b.right && b.top < o.bottom && o.top < b.bottom
}

// nameBoxOf is the place of a point's name in a size of text, beside the point
// or before it. The width is reckoned: letters are about half as wide as high.
func nameBoxOf(p mapPoint, size float64, before bool) nameBox {
	width := float64(utf8.RuneCountInString(p.Name))*size*0.55 + 2
	b := nameBox{left: p.x + 9, right: p.x + 9 + width, top: p.y - size*0.5, bottom: p.y + size*0.5}
	if before {
		b.left, b.right = p.x-9-width, p.x-9
	}
	return b
}

// nameApart gives each point's name a side where it covers no other, and no
// dot; a name that
// has none is written nowhere (Hidden), or on wide pages only (Crowded). The
// list beneath the map has them all.
func (m *mapView) nameApart() {
	if !m.Named() {
		return
	}
	var wide []nameBox
	for _, p := range m.Points { // the dots themselves
		wide = append(wide, nameBox{p.x - 5, p.x + 5, p.y - 5, p.y + 5})
	}
	narrow := slices.Clone(wide)
	free := func(b nameBox, among []nameBox) bool {
		for _, o := range among {
			if b.meets(o) {
				return false
			}
		}
		return b.left >= 0 && b.right <= mapWidth
	}
	for i := range m.Points {
		p := &m.Points[i]
		sides := [2]bool{p.x > mapWidth*0.7, p.x <= mapWidth*0.7}
		p.Hidden = true
		for _, before := range sides {
			if b := nameBoxOf(*p, mapText.wide, before); free(b, wide) {
				wide = append(wide, b)
				p.Before, p.Hidden = before, false
				break
			}
		}
		if p.Hidden {
			continue
		}
		if b := nameBoxOf(*p, mapText.narrow, p.Before); free(b, narrow) {
			narrow = append(narrow, b)
		} else {
			p.Crowded = true
		}
	}
}
