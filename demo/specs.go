package demo

import (
	"embed"
	"fmt"
)

//go:embed specs/*.yaml
var specFiles embed.FS

// spec is the OpenAPI document of a simulated system, by its slug.
func spec(slug string) ([]byte, error) {
	text, err := specFiles.ReadFile("specs/" + slug + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("read document of %s: %w", slug, err)
	}
	return text, nil
}
