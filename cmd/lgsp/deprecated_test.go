package main

import (
	"testing"
	"time"

	"lgsp/catalog"
	"lgsp/internal/problem"
)

// TestDeprecatedVersionIsRenewedOnly: the agreements hear of the catalogue in
// what state a version is.
func TestDeprecatedVersionIsRenewedOnly(t *testing.T) {
	w := newWorld(t)
	if _, err := w.catalog.DeprecateVersion(t.Context(), w.people["publisher"], w.uuid("published version"), catalog.Ending{Sunset: time.Now().AddDate(0, 6, 0)}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.agreements.Request(t.Context(), w.people["developer"], w.wish("nghien-cuu")); problem.Code(err) != "version-deprecated" {
		t.Errorf("a new agreement on a deprecated version: got %v", err)
	}
	again := w.wish("dich-vu")
	agreed := w.uuid("agreed agreement")
	again.Replaces = &agreed
	if _, err := w.agreements.Request(t.Context(), w.people["developer"], again); err != nil {
		t.Errorf("a renewal: %v", err)
	}
}
