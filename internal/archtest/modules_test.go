package archtest

import (
	"os"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// TestModulesPastTheirAdvisories: fosite pins modules with known faults, and
// ours are the versions that mend them, or later.
func TestModulesPastTheirAdvisories(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	file, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, require := range file.Require {
		have[require.Mod.Path] = require.Mod.Version
	}
	for path, least := range map[string]string{
		"github.com/go-jose/go-jose/v3": "v3.0.5",  // CVE-2025-27144, CVE-2026-34986
		"github.com/go-jose/go-jose/v4": "v4.1.4",  // CVE-2026-34986
		"golang.org/x/crypto":           "v0.45.0", // CVE-2025-47914, CVE-2025-58181
		"golang.org/x/net":              "v0.38.0", // CVE-2025-22872
		"golang.org/x/oauth2":           "v0.27.0", // CVE-2025-22868
	} {
		if semver.Compare(have[path], least) < 0 {
			t.Errorf("%s is %q, at least %s is safe", path, have[path], least)
		}
	}
}
