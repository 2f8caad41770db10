package agreement

import (
	"slices"
	"strings"

	"lgsp/internal/problem"
)

// Sensitive is a value among agreed fields that its agency marked as sensitive:
// it leaves masked unless it was asked for open, and given so.
type Sensitive struct {
	Path    string `json:"path"` // as of a Field, or beneath one
	Mask    string `json:"mask"` // last-1 … last-6, initials, year, hash
	Open    bool   `json:"open"` // it leaves as it is; of an offer: it may be asked for so
	TitleVI string `json:"title_vi"`
	TitleEN string `json:"title_en"`
}

// Masked are the values of an operation that leave masked.
type Masked struct {
	Operation string      `json:"operation"`
	Values    []Sensitive `json:"values"`
}

// covered reports whether one of fields is the place, or holds it.
func covered(path string, fields []Field) bool {
	return slices.ContainsFunc(fields, func(f Field) bool {
		return f.Path == path || strings.HasPrefix(path, f.Path+"/")
	})
}

// checkSensitive takes the sensitive values that the fields chosen cover, masked
// but for those asked for open, which must be among those that may be.
func checkSensitive(wrong *problem.Error, want Wanted, fields []Field, offered []Sensitive) []Sensitive {
	var out []Sensitive
	for _, s := range offered {
		if covered(s.Path, fields) {
			s.Open = s.Open && slices.Contains(want.Open, s.Path)
			out = append(out, s)
		}
	}
	for _, path := range want.Open {
		if !slices.ContainsFunc(out, func(s Sensitive) bool { return s.Path == path && s.Open }) {
			wrong.Wrong("operations", "open-not-offered", want.Operation+" has no sensitive value "+path+" that can be asked for unmasked", "operation", want.Operation, "field", path)
		}
	}
	return out
}

// opens reports whether a sensitive value is asked for open: a person decides that.
func opens(operations []Operation) bool {
	return slices.ContainsFunc(operations, func(o Operation) bool { return len(o.open()) > 0 })
}

// open are the paths of the sensitive values that leave as they are.
func (o Operation) open() []string {
	var paths []string
	for _, s := range o.Sensitive {
		if s.Open {
			paths = append(paths, s.Path)
		}
	}
	return paths
}

// masked are the values that leave masked, by operation.
func (g Agreement) masked() []Masked {
	var list []Masked
	for _, o := range g.Operations {
		if hidden := slices.DeleteFunc(slices.Clone(o.Sensitive), func(s Sensitive) bool { return s.Open }); len(hidden) > 0 {
			list = append(list, Masked{Operation: o.ID, Values: hidden})
		}
	}
	return list
}

func (s Sensitive) title(say func(vi, en string) string) string {
	return Field{Path: s.Path, TitleVI: s.TitleVI, TitleEN: s.TitleEN}.title(say)
}

// openOnlyIn are the sensitive values that one operation gives open and the
// other does not, each as what was.
func openOnlyIn(o, other Operation, say func(vi, en string) string) []Difference {
	var out []Difference
	for _, s := range o.Sensitive {
		if s.Open && !slices.Contains(other.open(), s.Path) {
			out = append(out, Difference{What: "open", Operation: o.title(say), Was: s.title(say)})
		}
	}
	return out
}
