package gateway

import (
	"bytes"
	"encoding/json"
	"errors"

	"lgsp/internal/problem"
)

// maxTraffic is how large a Traffic may be as JSON, in bytes.
const maxTraffic = 64 << 10

// CheckTraffic says what no node could do of a Traffic, as JSON, for a version
// of these operations, which need not be marked yet: Invalid, also for a member
// that there is not, with one field error each where it names fields, by their
// JSON pointers without the first slash.
func CheckTraffic(document []byte, operations []Operation) error {
	r := Route{AgencySlug: "a", APISlug: "a", Number: "v1", Upstream: "http://upstream.invalid", Plan: Plan{RatePerMinute: 1}}
	for _, o := range operations {
		if o.Access == "" {
			o.Access = Open
		}
		r.Operations = append(r.Operations, o)
	}
	if _, err := compileRoute(r); err != nil {
		r.Operations = nil // the document is at fault, which publishing tells
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&r.Traffic)
	if err == nil && len(document) > maxTraffic {
		err = errors.New("it is larger than 64 KiB")
	}
	if err == nil {
		_, err = compileRoute(r)
	}
	var told *problem.Error
	if err == nil || errors.As(err, &told) {
		return err
	}
	return problem.Errorf(problem.Invalid, "the traffic cannot be set as given: %s", err).Coded("traffic-invalid", "reason", err.Error())
}
