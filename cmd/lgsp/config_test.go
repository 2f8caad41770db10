package main

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestReadConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database := filepath.Join(dir, "db")
	file := filepath.Join(dir, "lgsp.yaml")
	write(t, database, "postgres://app:pw@db/lgsp\n")
	write(t, file, "LGSP_LOG_LEVEL: warn\nLGSP_DRAIN: 5s\n")
	for _, tt := range []struct {
		name string
		env  []string
		demo bool
		want func(*config)
	}{
		{name: "nothing set", want: func(*config) {}},
		{name: "the demo stays on this machine", demo: true, want: func(c *config) {
			c.PortalAddr, c.GatewayAddr = "127.0.0.1:8080", "127.0.0.1:8000"
		}},
		{name: "an address set in the demo is kept", demo: true, env: []string{"LGSP_PORTAL_ADDR=:80"}, want: func(c *config) {
			c.PortalAddr, c.GatewayAddr = ":80", "127.0.0.1:8000"
			c.PortalURL, c.Issuer = "http://localhost:80", "http://localhost:80"
		}},
		{name: "a secret from a file", env: []string{"LGSP_DATABASE_URL_FILE=" + database}, want: func(c *config) {
			c.DatabaseURL = "postgres://app:pw@db/lgsp"
		}},
		{name: "a YAML file under the variables", env: []string{"LGSP_CONFIG=" + file, "LGSP_DRAIN=7s"}, want: func(c *config) {
			c.LogLevel, c.Drain = slog.LevelWarn, 7*time.Second
		}},
		{name: "terms of datasets", env: []string{"LGSP_DATASET_DECIDE_DAYS=2", "LGSP_DATASET_REVIEW_DAYS=365", "LGSP_DATASET_RENEW_DAYS=31"}, want: func(c *config) {
			c.DecideWithin, c.ReviewEvery, c.RenewEvery = 48*time.Hour, 365*24*time.Hour, 31*24*time.Hour
		}},
		{name: "a list of places", env: []string{"LGSP_PLACES=don-vi-hanh-chinh"}, want: func(c *config) { c.Places = "don-vi-hanh-chinh" }},
		{name: "no answers are stored", env: []string{"LGSP_CACHE_SIZE=0"}, want: func(c *config) { c.CacheSize = 0 }},
		{name: "Redis", env: []string{"LGSP_REDIS_URL=rediss://an:pw@redis.example.vn:6380/1"}, want: func(c *config) {
			c.RedisURL = "rediss://an:pw@redis.example.vn:6380/1"
		}},
		{name: "Meilisearch", env: []string{"LGSP_MEILI_URL=http://meili:7700/", "LGSP_MEILI_KEY=hunter2"}, want: func(c *config) {
			c.MeiliURL, c.MeiliKey = "http://meili:7700", "hunter2"
		}},
		{name: "a bucket", env: []string{"LGSP_S3_URL=s3+https://key@s3.example.vn/bucket/lgsp?region=hn-1", "LGSP_S3_SECRET_FILE=" + database}, want: func(c *config) {
			c.S3URL, c.S3Secret = "s3+https://key@s3.example.vn/bucket/lgsp?region=hn-1", "postgres://app:pw@db/lgsp"
		}},
		{name: "proxies", env: []string{"LGSP_TRUSTED_PROXIES=10.0.0.1, 2001:db8::/32"}, want: func(c *config) {
			c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("2001:db8::/32")}
		}},
		{name: "the PROXY protocol", env: []string{"LGSP_TRUSTED_PROXIES=10.0.0.1", "LGSP_PROXY_PROTOCOL=1"}, want: func(c *config) {
			c.TrustedProxies, c.ProxyProtocol = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}, true
		}},
		{name: "TLS", env: []string{"LGSP_TLS_CERT=c.pem", "LGSP_TLS_KEY=k.pem", "LGSP_MTLS_ADDR=:8443", "LGSP_MTLS_CA=ca.pem"}, want: func(c *config) {
			c.TLSCert, c.TLSKey, c.MTLSAddr, c.MTLSCA, c.MTLSURL = "c.pem", "k.pem", ":8443", "ca.pem", "https://localhost:8443"
			c.PortalURL, c.GatewayURL, c.Issuer = "https://localhost:8080", "https://localhost:8000", "https://localhost:8080"
		}},
		{name: "ACME", env: []string{"LGSP_ACME_HOSTS=p.example.vn, g.example.vn", "LGSP_ACME_EMAIL=an@example.vn", "LGSP_PORTAL_URL=https://p.example.vn", "LGSP_GATEWAY_URL=https://g.example.vn"}, want: func(c *config) {
			c.ACMEHosts, c.ACMEEmail, c.ACMEDirectory = []string{"p.example.vn", "g.example.vn"}, "an@example.vn", "https://acme-v02.api.letsencrypt.org/directory"
			c.PortalURL, c.GatewayURL, c.Issuer = "https://p.example.vn", "https://g.example.vn", "https://p.example.vn"
		}},
		{name: "connections", env: []string{"LGSP_MAX_CONNECTIONS=500", "LGSP_MAX_CONNECTIONS_PER_ADDRESS=20"}, want: func(c *config) {
			c.MaxConns, c.MaxPerAddress = 500, 20
		}},
		{name: "a proxy ends the TLS", env: []string{"LGSP_MTLS_ADDR=:8443", "LGSP_MTLS_URL=https://m.example.vn", "LGSP_TRUSTED_PROXIES=10.0.0.1"}, want: func(c *config) {
			c.MTLSAddr, c.MTLSURL, c.TrustedProxies = ":8443", "https://m.example.vn", []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := config{
				DataDir: ".lgsp", SecretFile: ".lgsp/secret", PortalAddr: ":8080", GatewayAddr: ":8000", OpsAddr: "127.0.0.1:9090",
				PortalURL: "http://localhost:8080", GatewayURL: "http://localhost:8000", Issuer: "http://localhost:8080",
				MaxStale: 10 * time.Minute, RequestDue: 360 * time.Hour, EscalateAfter: 48 * time.Hour, CacheSize: 64, Drain: 20 * time.Second,
				DecideWithin: 5 * 24 * time.Hour, ReviewEvery: 183 * 24 * time.Hour, RenewEvery: 92 * 24 * time.Hour,
			}
			if tt.demo {
				want.Places = "danh-muc-xa"
			}
			tt.want(&want)
			got, err := readConfig(tt.env, tt.demo)
			if err != nil {
				t.Fatal(err)
			}
			got.inForce = nil // TestEverySettingIsTold
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestReadConfigReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := readConfig([]string{
		"LGSP_DATASET_DECIDE_DAYS=0", "LGSP_DATASET_REVIEW_DAYS=6mo", "LGSP_DATASET_RENEW_DAYS=3661", "LGSP_PLACES=/dataset/xa",
		"LGSP_DRAIN=soon", "LGSP_LOG_LEVEL=loud", "LGSP_PORTAL_ADDR=8080", "LGSP_PORTAL_URL=example.vn/x",
		"LGSP_EGRESS_ALLOW=10.0.0.0/40", "LGSP_DATABASE_URL=mysql://root:hunter2@db", "LGSP_PPROF=yes", "LGSP_CACHE_SIZE=64M", "LGSP_DRIAN=1s",
		"LGSP_REDIS_URL=redis://an:hunter2@redis:6379/first", "LGSP_MEILI_URL=meili:7700",
		"LGSP_S3_URL=s3+https://key:hunter2@s3.example.vn/bucket",
	}, false)
	if err == nil {
		t.Fatal("no mistake found")
	}
	for _, name := range []string{
		"LGSP_DATASET_DECIDE_DAYS", "LGSP_DATASET_REVIEW_DAYS", "LGSP_DATASET_RENEW_DAYS", "LGSP_PLACES", "LGSP_DRAIN", "LGSP_LOG_LEVEL", "LGSP_PORTAL_ADDR", "LGSP_PORTAL_URL", "LGSP_EGRESS_ALLOW", "LGSP_DATABASE_URL",
		"LGSP_PPROF", "LGSP_CACHE_SIZE", "LGSP_DRIAN", "LGSP_REDIS_URL", "LGSP_MEILI_URL", "LGSP_S3_URL",
	} {
		if !strings.Contains(err.Error(), name+":") {
			t.Errorf("%s is not reported in %q", name, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the report shows a password: %q", err)
	}
}

// acmeSettings are whole.
const acmeSettings = "LGSP_ACME_HOSTS=g.example.vn LGSP_GATEWAY_URL=https://g.example.vn "

// TestReadConfigOfDoors: what belongs together is set together.
func TestReadConfigOfDoors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env  string
		want string
	}{
		{"LGSP_TLS_CERT=c", "LGSP_TLS_CERT: set LGSP_TLS_CERT and LGSP_TLS_KEY together"},
		{"LGSP_TLS_KEY=k", "LGSP_TLS_CERT: set LGSP_TLS_CERT and LGSP_TLS_KEY together"},
		{"LGSP_MTLS_URL=https://m.example.vn", "LGSP_MTLS_URL: set LGSP_MTLS_ADDR too"},
		{"LGSP_MTLS_CA=ca", "LGSP_MTLS_CA: set LGSP_MTLS_ADDR too"},
		{"LGSP_MTLS_ADDR=:8443", "LGSP_MTLS_ADDR: set LGSP_TLS_CERT, or LGSP_TRUSTED_PROXIES"},
		{"LGSP_MTLS_ADDR=:8443 LGSP_TLS_CERT=c LGSP_TLS_KEY=k LGSP_MTLS_URL=http://m.example.vn", "does not begin with https://"},
		{"LGSP_ACME_EMAIL=an@example.vn", "LGSP_ACME_EMAIL: set LGSP_ACME_HOSTS too"},
		{"LGSP_ACME_DIRECTORY=https://ca.example.vn/dir", "LGSP_ACME_DIRECTORY: set LGSP_ACME_HOSTS too"},
		{"LGSP_ACME_CA=ca.pem", "LGSP_ACME_CA: set LGSP_ACME_HOSTS too"},
		{acmeSettings + "LGSP_TLS_CERT=c LGSP_TLS_KEY=k", "LGSP_ACME_HOSTS: set together with LGSP_TLS_CERT"},
		{acmeSettings + "LGSP_ACME_DIRECTORY=http://ca.example.vn/dir", "LGSP_ACME_DIRECTORY: not a URL that begins with https://"},
		{acmeSettings + "LGSP_ACME_EMAIL=an", "LGSP_ACME_EMAIL: \"an\" is not an address of mail"},
		{acmeSettings + "LGSP_GATEWAY_URL=https://api.example.vn", "LGSP_GATEWAY_URL: \"api.example.vn\" is not among LGSP_ACME_HOSTS"},
		{acmeSettings + "LGSP_MTLS_ADDR=:8443 LGSP_MTLS_URL=https://m.example.vn", "LGSP_MTLS_URL: \"m.example.vn\" is not among LGSP_ACME_HOSTS"},
		{"LGSP_ACME_HOSTS=*.example.vn", "\"*.example.vn\" is not a name"},
		{"LGSP_ACME_HOSTS=192.0.2.1", "\"192.0.2.1\" is not a name"},
		{"LGSP_ACME_HOSTS=localhost", "\"localhost\" is not a name"},
		{"LGSP_ACME_HOSTS=g.example.vn:443", "is not a name"},
		{"LGSP_ACME_HOSTS=G.example.vn", "is not a name"},
		{"LGSP_ACME_HOSTS=dữ-liệu.example.vn", "is not a name"},
		{"LGSP_ACME_HOSTS=g..vn", "is not a name"},
		{"LGSP_ACME_HOSTS=-g.example.vn", "is not a name"},
		{"LGSP_MAX_CONNECTIONS=0", "LGSP_MAX_CONNECTIONS: \"0\" is not a number above 0"},
		{"LGSP_MAX_CONNECTIONS_PER_ADDRESS=many", "LGSP_MAX_CONNECTIONS_PER_ADDRESS: \"many\" is not a number"},
		{"LGSP_MAX_CONNECTIONS=5000000000", "LGSP_MAX_CONNECTIONS: \"5000000000\" is not a number"},
		{"LGSP_MAX_CONNECTIONS=10 LGSP_MAX_CONNECTIONS_PER_ADDRESS=11", "LGSP_MAX_CONNECTIONS_PER_ADDRESS: 11 are more than"},
		{"LGSP_S3_SECRET=s", "LGSP_S3_SECRET: set LGSP_S3_URL too"},
		{"LGSP_S3_URL=s3+https://key@s3.example.vn/bucket", "LGSP_S3_URL: set LGSP_S3_SECRET_FILE too"},
		{"LGSP_S3_URL=s3+https://key@s3.example.vn/bucket LGSP_S3_SECRET=s LGSP_S3_SECRET_FILE=f", "LGSP_S3_SECRET: set together with"},
		{"LGSP_S3_URL=https://s3.example.vn/bucket LGSP_S3_SECRET=s", "LGSP_S3_URL: not of the form"},
		{"LGSP_PROXY_PROTOCOL=1", "LGSP_PROXY_PROTOCOL: set LGSP_TRUSTED_PROXIES too"},
		{"LGSP_PROXY_PROTOCOL=yes", "LGSP_PROXY_PROTOCOL: \"yes\" is neither 0 nor 1"},
		{"LGSP_MTLS_ADDR=:8443 LGSP_MTLS_URL=https://m.example.vn LGSP_TRUSTED_PROXIES=10.0.0.1 LGSP_PROXY_PROTOCOL=1", "LGSP_MTLS_ADDR: set LGSP_TLS_CERT: with LGSP_PROXY_PROTOCOL"},
		{"LGSP_MTLS_ADDR=8443 LGSP_TLS_CERT=c LGSP_TLS_KEY=k", "is not host:port"},
	} {
		if _, err := readConfig(strings.Fields(tt.env), false); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.env, err, tt.want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
