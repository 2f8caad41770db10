package portal

import (
	"strconv"
	"strings"

	"rsc.io/qr"
)

// quiet is the border of a QR code (ISO/IEC 18004 §6.3.8).
const quiet = 4

// qrCode is a text as a QR code: the path of an SVG, and its size with the
// quiet zone.
func qrCode(text string) (path string, size int, err error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", 0, err
	}
	var out strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				out.WriteString("M" + strconv.Itoa(x+quiet) + " " + strconv.Itoa(y+quiet) + "h1v1h-1z")
			}
		}
	}
	return out.String(), code.Size + 2*quiet, nil
}
