package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lgsp/portal"
)

// settingIn is a setting of a list by its name.
func settingIn(t *testing.T, list []portal.Setting, name string) portal.Setting {
	t.Helper()
	i := slices.IndexFunc(list, func(s portal.Setting) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("%s is not told", name)
	}
	return list[i]
}

// TestEverySettingIsTold: all there are, what each came to and where from, and
// of secrets nothing.
func TestEverySettingIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, secret := filepath.Join(dir, "lgsp.yaml"), filepath.Join(dir, "smtp")
	for path, text := range map[string]string{file: "LGSP_DRAIN: 40s\nLGSP_LOG_LEVEL: debug\n", secret: "smtp://u:bi-mat@mail.example.vn:25"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := readConfig([]string{"LGSP_CONFIG=" + file, "LGSP_LOG_LEVEL=error", "LGSP_SMTP_URL_FILE=" + secret, "LGSP_DATABASE_URL=postgres://u:bi-mat@db/lgsp",
		"LGSP_S3_URL=s3+https://AKIA:bi-mat@s3.example.vn/kho?region=x", "LGSP_S3_SECRET=bi-mat", "LGSP_TRUSTED_PROXIES=10.0.0.1, 10.1.0.0/16"}, false)
	if err != nil && !strings.Contains(err.Error(), "LGSP_S3_URL") {
		t.Fatal(err)
	}
	for _, name := range settings {
		if strings.HasSuffix(name, "_FILE") && name != "LGSP_SECRET_FILE" {
			continue
		}
		settingIn(t, c.inForce, name)
	}
	for _, want := range []portal.Setting{
		{Name: "LGSP_DRAIN", Value: "40s", Source: "file", Set: true},
		{Name: "LGSP_LOG_LEVEL", Value: "ERROR", Source: "environment", Set: true},
		{Name: "LGSP_MAX_STALE", Value: "10m0s", Source: "default"},
		{Name: "LGSP_SECRET_FILE", Value: ".lgsp/secret", Source: "default"},
		{Name: "LGSP_SMTP_URL", Source: "secret-file", Secret: true, Set: true},
		{Name: "LGSP_DATABASE_URL", Source: "environment", Secret: true, Set: true},
		{Name: "LGSP_MEILI_KEY", Source: "default", Secret: true},
		{Name: "LGSP_TRUSTED_PROXIES", Value: "10.0.0.1/32 10.1.0.0/16", Source: "environment", Set: true},
		{Name: "LGSP_MTLS_URL", Source: "default", Unused: true},
	} {
		if got := settingIn(t, c.inForce, want.Name); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if all := fmt.Sprint(c.inForce); strings.Contains(all, "bi-mat") {
		t.Errorf("a secret is told: %s", all)
	}
}

// TestASettingThatIsNewAppearsByItself: what a reader is asked for is known
// without a second list. The readers of every kind are tried.
func TestASettingThatIsNewAppearsByItself(t *testing.T) {
	t.Parallel()
	r := &settingsReader{env: environment{}}
	r.text("LGSP_A", "x")
	r.secret("LGSP_B")
	r.address("LGSP_C", ":1")
	r.duration("LGSP_D", 1)
	r.mebibytes("LGSP_E", 1)
	r.slug("LGSP_F", "x")
	r.days("LGSP_G", 1)
	r.level("LGSP_H")
	r.flag("LGSP_I")
	r.origin("LGSP_J", "http://x")
	r.prefixes("LGSP_K")
	r.count("LGSP_L")
	for name := range strings.SplitSeq("A B C D E F G H I J K L", " ") {
		if _, told := r.took["LGSP_"+name]; !told {
			t.Errorf("the reader of LGSP_%s does not tell what it came to", name)
		}
	}
	// Whoever adds a setting puts it into settings, or it is refused as unknown;
	// and what is there and was asked for is told with its value.
	c, err := readConfig(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	off := []string{"LGSP_MTLS_ADDR", "LGSP_MTLS_URL", "LGSP_MTLS_CA", "LGSP_ACME_HOSTS", "LGSP_ACME_EMAIL", "LGSP_ACME_DIRECTORY", "LGSP_ACME_CA"}
	for _, s := range c.inForce {
		if s.Unused != slices.Contains(off, s.Name) {
			t.Errorf("%s: unused is %v", s.Name, s.Unused)
		}
	}
}
