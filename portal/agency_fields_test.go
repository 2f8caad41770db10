package portal

import (
	"testing"

	"lgsp/catalog/fields"
)

// What the page shows as an example can be kept as it is.
func TestExampleOfFieldsIsRight(t *testing.T) {
	t.Parallel()
	s, err := fields.Read([]byte(fieldExample))
	if err != nil || len(controlsOf("en", s, nil)) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
}
