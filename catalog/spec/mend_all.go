package spec

import "slices"

// All is the code that stands for every finding that Mend can mend.
const All = "all"

// MendAll writes an OpenAPI document without every finding that Mend can mend,
// and tells their codes. It fails as Mend does.
func MendAll(text []byte) ([]byte, []string, error) {
	var codes []string
	for range mends { // what one mends another may show: a round for each is enough
		doc, err := Read(text)
		if err != nil {
			return nil, nil, err
		}
		i := slices.IndexFunc(doc.Findings, func(f Finding) bool {
			return Mendable(f.Code, doc.Findings) && !slices.Contains(codes, f.Code)
		})
		if i < 0 {
			break
		}
		code := doc.Findings[i].Code
		mended, err := Mend(text, code)
		if err != nil {
			return nil, nil, err
		}
		text, codes = mended, append(codes, code)
	}
	if len(codes) == 0 {
		return nil, nil, notMended(All)
	}
	return text, codes, nil
}
