package demo

import (
	"embed"
	"fmt"

	"sigs.k8s.io/yaml"

	"lgsp/catalog"
)

//go:embed data
var dataFiles embed.FS

// datasets is the file data/datasets.yaml.
type datasets struct {
	Letter       string                    `json:"letter"`
	Spatial      string                    `json:"spatial"`
	NoteVI       string                    `json:"note_vi"` // of datasets made of the letter
	NoteEN       string                    `json:"note_en"`
	ProvenanceVI string                    `json:"provenance_vi"` // of the same
	ProvenanceEN string                    `json:"provenance_en"`
	SpatialCodes []string                  `json:"spatial_codes"` // of all
	BBox         []float64                 `json:"bbox"`
	SyntheticVI  string                    `json:"synthetic_vi"` // of invented ones
	SyntheticEN  string                    `json:"synthetic_en"`
	Columns      map[string]catalog.Column `json:"columns"` // by name
	Datasets     []dataset                 `json:"datasets"`
}

// dataset is one of them; its table is data/{slug}.csv.
type dataset struct {
	catalog.DatasetText
	Agency    string `json:"agency"` // slug
	Part      string `json:"part"`   // of the letter
	Synthetic bool   `json:"synthetic"`
}

func readDatasets() (datasets, error) {
	var all datasets
	text, err := dataFiles.ReadFile("data/datasets.yaml")
	if err != nil {
		return all, fmt.Errorf("read datasets: %w", err)
	}
	if err := yaml.UnmarshalStrict(text, &all); err != nil {
		return all, fmt.Errorf("read data/datasets.yaml: %w", err)
	}
	for i := range all.Datasets {
		all.Datasets[i].DatasetText = all.text(all.Datasets[i])
	}
	return all, nil
}

// text completes what is written about d with what is the same for all.
func (all datasets) text(d dataset) catalog.DatasetText {
	text := d.DatasetText
	text.Licence, text.Spatial = "CC-BY-4.0", all.Spatial
	text.SpatialCodes, text.BBox = all.SpatialCodes, all.BBox
	if d.Synthetic {
		text.NotesVI += "\n\n" + all.SyntheticVI
		text.NotesEN += "\n\n" + all.SyntheticEN
		text.SourceDocument, text.Spatial = "Hệ thống giả lập của địa bàn trình diễn", "Tỉnh Quảng Ngãi (dữ liệu giả lập)"
		return text
	}
	text.NotesVI += "\n\n" + all.NoteVI
	text.NotesEN += "\n\n" + all.NoteEN
	text.ProvenanceVI, text.ProvenanceEN = all.ProvenanceVI, all.ProvenanceEN
	text.SourceDocument, text.Frequency = all.Letter+d.Part, "NEVER"
	if text.TemporalStart == "" {
		text.TemporalStart, text.TemporalEnd = "2019-07-30", "2019-07-30" // the letter gives no other day
	}
	return text
}
