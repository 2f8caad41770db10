package ckan

import (
	"maps"
	"slices"
)

// ActionNames are all actions, for tests from outside.
func ActionNames() []string { return slices.Sorted(maps.Keys(actions())) }
