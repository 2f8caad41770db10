package portal

import (
	"slices"

	"lgsp/internal/problem"
)

// faults is all that is wrong with a form, so that it is named at once: the
// fields of every problem in errs. What is no matter of a field stands for
// itself. nil: nothing is wrong.
func faults(errs ...error) error {
	var first error
	all := problem.Errorf(problem.Invalid, "some fields are not right; correct them and send again").Coded("fields-wrong")
	for _, err := range errs {
		if err == nil {
			continue
		}
		e := problem.Of(err)
		if e == nil || len(e.Fields) == 0 {
			return err
		}
		if all.Fields = append(all.Fields, e.Fields...); first == nil {
			first = err
		}
	}
	if first == nil || len(problem.Of(first).Fields) == len(all.Fields) {
		return first
	}
	return all
}

// inField is err with what it says of a "name" said of another field.
func inField(field string, err error) error {
	e := problem.Of(err)
	if e == nil || len(e.Fields) == 0 {
		return err
	}
	moved := *e
	moved.Fields = slices.Clone(e.Fields)
	for i := range moved.Fields {
		if moved.Fields[i].Name == "name" {
			moved.Fields[i].Name = field
		}
	}
	return &moved
}
