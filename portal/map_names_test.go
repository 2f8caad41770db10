package portal

import "testing"

func TestMapNamesCoverNothing(t *testing.T) {
	t.Parallel()
	dot := func(x, y float64, name string) mapPoint { return mapPoint{Name: name, x: x, y: y} }
	for _, tt := range []struct {
		name   string
		points []mapPoint
		want   []mapPoint // Before, Hidden and Crowded only
	}{
		{"far apart", []mapPoint{dot(100, 50, "Chợ A"), dot(100, 200, "Chợ B")}, []mapPoint{{}, {}}},
		{"near the right edge", []mapPoint{dot(700, 50, "Chợ Sa Huỳnh")}, []mapPoint{{Before: true}}},
		{"side by side", []mapPoint{dot(300, 50, "Chợ A"), dot(310, 52, "Chợ B")}, []mapPoint{{Before: true}, {}}},
		{"one below the other, near on a telephone", []mapPoint{dot(100, 50, "Chợ A"), dot(100, 66, "Chợ B")}, []mapPoint{{}, {Crowded: true}}},
		{"a heap", []mapPoint{dot(300, 50, "Chợ A"), dot(300, 51, "Chợ B"), dot(300, 52, "Chợ C")}, []mapPoint{{}, {Before: true}, {Hidden: true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := mapView{Points: tt.points}
			m.nameApart()
			for i, got := range m.Points {
				if want := tt.want[i]; got.Before != want.Before || got.Hidden != want.Hidden || got.Crowded != want.Crowded {
					t.Errorf("%s: before %v, hidden %v, crowded %v; want %+v", got.Name, got.Before, got.Hidden, got.Crowded, want)
				}
			}
		})
	}
}
