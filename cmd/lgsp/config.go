package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/files"
	"lgsp/gateway/quota"
	"lgsp/portal"
)

// config is everything the operator may set. A field's comment gives its
// variable, its unit and its default. Secrets may come from a file named by
// the same variable with _FILE behind it.
type config struct {
	DatabaseURL    string         // LGSP_DATABASE_URL (or _FILE), absent: a private PostgreSQL under LGSP_DATA_DIR
	DataDir        string         // LGSP_DATA_DIR, files, journal, checkpoints, mail; default .lgsp
	SecretFile     string         // LGSP_SECRET_FILE, 32 random bytes a version, default LGSP_DATA_DIR/secret, made at first start
	PortalAddr     string         // LGSP_PORTAL_ADDR, host:port, default :8080
	GatewayAddr    string         // LGSP_GATEWAY_ADDR, host:port, default :8000
	OpsAddr        string         // LGSP_OPS_ADDR, host:port, default 127.0.0.1:9090
	PortalURL      string         // LGSP_PORTAL_URL, public origin, default http://localhost (https with LGSP_TLS_CERT) and the portal's port
	GatewayURL     string         // LGSP_GATEWAY_URL, public origin, default as LGSP_PORTAL_URL, with the gateway's port
	Issuer         string         // LGSP_ISSUER, issuer of tokens, default LGSP_PORTAL_URL
	TLSCert        string         // LGSP_TLS_CERT, PEM file of the certificate and its chain, absent: doors without TLS
	TLSKey         string         // LGSP_TLS_KEY, PEM file of its key
	ACMEHosts      []string       // LGSP_ACME_HOSTS, comma list of names whose certificates are got by ACME, instead of LGSP_TLS_CERT, default none
	ACMEEmail      string         // LGSP_ACME_EMAIL, whom the authority writes to, default nobody
	ACMEDirectory  string         // LGSP_ACME_DIRECTORY, the authority's address, default Let's Encrypt's
	ACMECA         string         // LGSP_ACME_CA, PEM file of those who certify that address, default the system's
	MTLSAddr       string         // LGSP_MTLS_ADDR, host:port of the door for clients with certificates, absent: none
	MTLSURL        string         // LGSP_MTLS_URL, its public origin, default https://localhost and its port
	MTLSCA         string         // LGSP_MTLS_CA, PEM file of those who certify clients, absent: only self-signed certificates count
	TrustedProxies []netip.Prefix // LGSP_TRUSTED_PROXIES, comma list of addresses or CIDR whose X-Forwarded-For and Client-Cert count, default none
	ProxyProtocol  bool           // LGSP_PROXY_PROTOCOL, 1: the doors take connections of LGSP_TRUSTED_PROXIES only, which begin with a PROXY header, default 0
	MaxConns       int            // LGSP_MAX_CONNECTIONS, open at each door at once, 0: see bounds
	MaxPerAddress  int            // LGSP_MAX_CONNECTIONS_PER_ADDRESS, of these of one address, 0: see bounds
	EgressAllow    []netip.Prefix // LGSP_EGRESS_ALLOW, comma list of addresses or CIDR that imports may reach besides public ones, default none
	EscalateAfter  time.Duration  // LGSP_ESCALATE_AFTER_DAYS, how many working days a request may be overdue before the operators are told, default 2
	RequestDue     time.Duration  // LGSP_REQUEST_DUE, how long a request for data may wait for a decision, default 360h
	MaxStale       time.Duration  // LGSP_MAX_STALE, silence of the change feed after which restricted calls are refused, default 10m
	CacheSize      int64          // LGSP_CACHE_SIZE, MiB of answers that a gateway node stores, 0: none, default 64
	DecideWithin   time.Duration  // LGSP_DATASET_DECIDE_DAYS, days until a steward decides on a submitted dataset, default 5
	ReviewEvery    time.Duration  // LGSP_DATASET_REVIEW_DAYS, days until a public dataset is looked through again, default 183
	RenewEvery     time.Duration  // LGSP_DATASET_RENEW_DAYS, days until a public dataset without a stated frequency gets new data, default 92
	Places         string         // LGSP_PLACES, slug of the public dataset that lists where communes are (code, name, latitude, longitude), absent: none
	Drain          time.Duration  // LGSP_DRAIN, how long a stop may take: a quarter to let callers go elsewhere, then for requests under way; default 20s
	LogLevel       slog.Level     // LGSP_LOG_LEVEL, debug|info|warn|error, default info
	RedisURL       string         // LGSP_REDIS_URL (or _FILE), redis://user:password@host:port/database or rediss://, absent: each node counts rates by itself
	MeiliURL       string         // LGSP_MEILI_URL, http(s) address of a Meilisearch server (1.7 or newer) that searches are asked of first, absent: PostgreSQL alone
	MeiliKey       string         // LGSP_MEILI_KEY (or _FILE), its API key
	S3URL          string         // LGSP_S3_URL, s3+https://KEY@host/bucket/prefix?region=…, where the files of datasets lie; absent: under LGSP_DATA_DIR
	S3Secret       string         // LGSP_S3_SECRET (or _FILE), the secret of its key
	SMTPURL        string         // LGSP_SMTP_URL (or _FILE), smtp://user:password@host:port, absent: mail becomes files under LGSP_DATA_DIR/mail
	OIDCIssuer     string         // LGSP_OIDC_ISSUER, issuer of an outside OpenID provider that people may sign in with, absent: none
	OIDCClientID   string         // LGSP_OIDC_CLIENT_ID, what this platform is called there
	OIDCSecret     string         // LGSP_OIDC_CLIENT_SECRET (or _FILE)
	OIDCNameVI     string         // LGSP_OIDC_NAME_VI, what people call the provider, default the issuer's host
	OIDCNameEN     string         // LGSP_OIDC_NAME_EN, the same in English, default LGSP_OIDC_NAME_VI
	Pprof          bool           // LGSP_PPROF, 1 serves /debug/pprof on LGSP_OPS_ADDR, default 0

	notice time.Duration // the quarter of Drain; 0 until serving begins, and in the demo, which no balancer stands before
	files  *tlsFiles     // what the doors show; nil until openTLS

	inForce []portal.Setting // all of the above by their variables, for people to read
}

// settings are the variables that config reads; any other LGSP_ variable is a
// mistake worth telling.
var settings = []string{
	"LGSP_DATABASE_URL", "LGSP_DATABASE_URL_FILE", "LGSP_DATA_DIR", "LGSP_SECRET_FILE", "LGSP_PORTAL_ADDR",
	"LGSP_GATEWAY_ADDR", "LGSP_OPS_ADDR", "LGSP_PORTAL_URL", "LGSP_GATEWAY_URL", "LGSP_ISSUER",
	"LGSP_TLS_CERT", "LGSP_TLS_KEY", "LGSP_ACME_HOSTS", "LGSP_ACME_EMAIL", "LGSP_ACME_DIRECTORY", "LGSP_ACME_CA", "LGSP_MTLS_ADDR", "LGSP_MTLS_URL", "LGSP_MTLS_CA",
	"LGSP_TRUSTED_PROXIES", "LGSP_PROXY_PROTOCOL", "LGSP_MAX_CONNECTIONS", "LGSP_MAX_CONNECTIONS_PER_ADDRESS", "LGSP_EGRESS_ALLOW", "LGSP_MAX_STALE", "LGSP_REQUEST_DUE", "LGSP_ESCALATE_AFTER_DAYS", "LGSP_CACHE_SIZE", "LGSP_DRAIN", "LGSP_LOG_LEVEL",
	"LGSP_DATASET_DECIDE_DAYS", "LGSP_DATASET_REVIEW_DAYS", "LGSP_DATASET_RENEW_DAYS", "LGSP_PLACES",
	"LGSP_REDIS_URL", "LGSP_REDIS_URL_FILE", "LGSP_MEILI_URL", "LGSP_MEILI_KEY", "LGSP_MEILI_KEY_FILE", "LGSP_S3_URL", "LGSP_S3_SECRET", "LGSP_S3_SECRET_FILE", "LGSP_SMTP_URL", "LGSP_SMTP_URL_FILE", "LGSP_OIDC_ISSUER", "LGSP_OIDC_CLIENT_ID", "LGSP_OIDC_CLIENT_SECRET",
	"LGSP_OIDC_CLIENT_SECRET_FILE", "LGSP_OIDC_NAME_VI", "LGSP_OIDC_NAME_EN", "LGSP_PPROF", "LGSP_CONFIG",
}

// environment is where settings come from: os.Environ, over the YAML file that
// LGSP_CONFIG names.
type environment map[string]string

func readEnvironment(environ []string) (environment, error) {
	env := environment{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "LGSP_") && !strings.HasPrefix(name, "LGSP_TEST_") {
			env[name] = value
		}
	}
	path := env["LGSP_CONFIG"]
	if path == "" {
		return env, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("LGSP_CONFIG: %w", err)
	}
	file := map[string]string{}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("LGSP_CONFIG: %s: %w", path, err)
	}
	for name, value := range file {
		if _, set := env[name]; !set {
			env[name] = value
		}
	}
	return env, nil
}

// settingsReader collects every mistake, so that the operator mends them in one go.
type settingsReader struct {
	env    environment
	errors []error
	took   map[string]string // what each setting that was asked for came to; "" of a secret
}

// takes notes what a setting came to. Every method that reads one ends with it,
// so what is in force is known of each without a list of its own.
func takes[T any](r *settingsReader, name string, v T) T {
	if r.took == nil {
		r.took = map[string]string{}
	}
	r.took[name] = fmt.Sprint(v)
	return v
}

func (r *settingsReader) checkS3(c config) {
	if c.S3URL == "" {
		if c.S3Secret != "" {
			r.wrong("LGSP_S3_SECRET", "set LGSP_S3_URL too: it is the secret of a key there")
		}
		return
	}
	if err := files.CheckS3(c.S3URL, c.S3Secret); err != nil {
		r.wrong("LGSP_S3_URL", "%v", err)
	}
}

func (r *settingsReader) wrong(name, format string, args ...any) {
	r.errors = append(r.errors, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
}

// readConfig reads and checks the settings, and reports all mistakes at once.
// In the demo, addresses without a host listen on 127.0.0.1 only.
func readConfig(environ []string, demo bool) (config, error) {
	env, err := readEnvironment(environ)
	if err != nil {
		return config{}, err
	}
	r := &settingsReader{env: env}
	for name := range env {
		if !slices.Contains(settings, name) {
			r.wrong(name, "no such setting (docs/operators.md lists them all)")
		}
	}
	host := ""
	if demo {
		host = "127.0.0.1"
	}
	c := config{
		DatabaseURL:   r.secret("LGSP_DATABASE_URL"),
		DataDir:       r.text("LGSP_DATA_DIR", ".lgsp"),
		PortalAddr:    r.address("LGSP_PORTAL_ADDR", host+":8080"),
		GatewayAddr:   r.address("LGSP_GATEWAY_ADDR", host+":8000"),
		OpsAddr:       r.address("LGSP_OPS_ADDR", "127.0.0.1:9090"),
		MaxStale:      r.duration("LGSP_MAX_STALE", 10*time.Minute),
		RequestDue:    r.duration("LGSP_REQUEST_DUE", 15*24*time.Hour),
		EscalateAfter: r.days("LGSP_ESCALATE_AFTER_DAYS", 2),
		CacheSize:     r.mebibytes("LGSP_CACHE_SIZE", 64),
		DecideWithin:  r.days("LGSP_DATASET_DECIDE_DAYS", 5), ReviewEvery: r.days("LGSP_DATASET_REVIEW_DAYS", 183), RenewEvery: r.days("LGSP_DATASET_RENEW_DAYS", 92),
		Places:   r.slug("LGSP_PLACES", map[bool]string{true: demoPlaces}[demo]),
		Drain:    r.duration("LGSP_DRAIN", 20*time.Second),
		LogLevel: r.level("LGSP_LOG_LEVEL"),
		RedisURL: r.secret("LGSP_REDIS_URL"),
		MeiliURL: strings.TrimSuffix(r.text("LGSP_MEILI_URL", ""), "/"),
		MeiliKey: r.secret("LGSP_MEILI_KEY"),
		S3URL:    r.text("LGSP_S3_URL", ""),
		S3Secret: r.secret("LGSP_S3_SECRET"),
		SMTPURL:  r.secret("LGSP_SMTP_URL"),
		Pprof:    r.flag("LGSP_PPROF"),
		TLSCert:  r.text("LGSP_TLS_CERT", ""),
		TLSKey:   r.text("LGSP_TLS_KEY", ""),
	}
	c.SecretFile = r.text("LGSP_SECRET_FILE", filepath.Join(c.DataDir, "secret"))
	r.readACME(&c)
	scheme := "http"
	if c.isSecured() {
		scheme = "https"
	}
	c.PortalURL = r.origin("LGSP_PORTAL_URL", localOrigin(scheme, c.PortalAddr))
	c.GatewayURL = r.origin("LGSP_GATEWAY_URL", localOrigin(scheme, c.GatewayAddr))
	c.Issuer = r.origin("LGSP_ISSUER", c.PortalURL)
	c.TrustedProxies = r.prefixes("LGSP_TRUSTED_PROXIES")
	c.ProxyProtocol = r.flag("LGSP_PROXY_PROTOCOL")
	c.EgressAllow = r.prefixes("LGSP_EGRESS_ALLOW")
	if c.ProxyProtocol && len(c.TrustedProxies) == 0 {
		r.wrong("LGSP_PROXY_PROTOCOL", "set LGSP_TRUSTED_PROXIES too: from nobody else is a connection taken")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		r.wrong("LGSP_TLS_CERT", "set LGSP_TLS_CERT and LGSP_TLS_KEY together")
	}
	r.readConnections(&c)
	r.mtls(&c)
	r.certified(c, "LGSP_GATEWAY_URL", "LGSP_MTLS_URL")
	r.checkURL("LGSP_DATABASE_URL", c.DatabaseURL, "postgres", "postgresql")
	r.readOIDC(&c)
	r.checkURL("LGSP_SMTP_URL", c.SMTPURL, "smtp", "smtps")
	r.checkURL("LGSP_MEILI_URL", c.MeiliURL, "http", "https")
	if c.MeiliKey != "" && c.MeiliURL == "" {
		r.wrong("LGSP_MEILI_KEY", "set LGSP_MEILI_URL too: it is a key of that server")
	}
	r.checkS3(c)
	if c.RedisURL != "" {
		if err := quota.CheckRedisURL(c.RedisURL); err != nil {
			r.wrong("LGSP_REDIS_URL", "%v", err)
		}
	}
	c.inForce = r.inForce(environ)
	return c, errors.Join(r.errors...)
}

// mtls reads the door for clients with certificates, which is off when it has
// no address.
func (r *settingsReader) mtls(c *config) {
	if r.env["LGSP_MTLS_ADDR"] == "" {
		for _, name := range []string{"LGSP_MTLS_URL", "LGSP_MTLS_CA"} {
			if r.env[name] != "" {
				r.wrong(name, "set LGSP_MTLS_ADDR too: it is about that door")
			}
		}
		return
	}
	c.MTLSAddr = r.address("LGSP_MTLS_ADDR", "")
	c.MTLSURL = r.origin("LGSP_MTLS_URL", localOrigin("https", c.MTLSAddr))
	c.MTLSCA = r.text("LGSP_MTLS_CA", "")
	if !strings.HasPrefix(c.MTLSURL, "https://") {
		r.wrong("LGSP_MTLS_URL", "%q does not begin with https://, and certificates are shown nowhere else", c.MTLSURL)
	}
	switch {
	case !c.isSecured() && len(c.TrustedProxies) == 0:
		r.wrong("LGSP_MTLS_ADDR", "set LGSP_TLS_CERT, or LGSP_TRUSTED_PROXIES whose Client-Cert header is believed")
	case !c.isSecured() && c.ProxyProtocol:
		r.wrong("LGSP_MTLS_ADDR", "set LGSP_TLS_CERT: with LGSP_PROXY_PROTOCOL connections are the clients' own, and no Client-Cert header is believed")
	}
}

// readOIDC reads the outside provider: issuer, client and secret, or nothing.
func (r *settingsReader) readOIDC(c *config) {
	c.OIDCIssuer = r.text("LGSP_OIDC_ISSUER", "")
	c.OIDCClientID = r.text("LGSP_OIDC_CLIENT_ID", "")
	c.OIDCSecret = r.secret("LGSP_OIDC_CLIENT_SECRET")
	c.OIDCNameVI = r.text("LGSP_OIDC_NAME_VI", hostOf(c.OIDCIssuer))
	c.OIDCNameEN = r.text("LGSP_OIDC_NAME_EN", c.OIDCNameVI)
	r.checkURL("LGSP_OIDC_ISSUER", c.OIDCIssuer, "https", "http")
	given := 0
	for _, v := range []string{c.OIDCIssuer, c.OIDCClientID, c.OIDCSecret} {
		if v != "" {
			given++
		}
	}
	if given != 0 && given != 3 {
		r.wrong("LGSP_OIDC_ISSUER", "needs LGSP_OIDC_CLIENT_ID and LGSP_OIDC_CLIENT_SECRET, all three or none")
	}
}

func (r *settingsReader) text(name, standard string) string {
	if v := r.env[name]; v != "" {
		return takes(r, name, v)
	}
	return takes(r, name, standard)
}

// secret reads a setting from its variable or from the file named by NAME_FILE.
func (r *settingsReader) secret(name string) string {
	takes(r, name, "")
	path := r.env[name+"_FILE"]
	if path == "" {
		return r.env[name]
	}
	if r.env[name] != "" {
		r.wrong(name, "set together with %s_FILE; keep one", name)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		r.wrong(name+"_FILE", "%v", err)
	}
	return strings.TrimSpace(string(text))
}

func (r *settingsReader) address(name, standard string) string {
	v := r.text(name, standard)
	if _, port, err := net.SplitHostPort(v); err != nil || port == "" {
		r.wrong(name, "%q is not host:port", v)
	}
	return v
}

func (r *settingsReader) duration(name string, standard time.Duration) time.Duration {
	v := r.env[name]
	if v == "" {
		return takes(r, name, standard)
	}
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 {
		r.wrong(name, "%q is not a duration such as 20s or 10m", v)
	}
	return takes(r, name, d)
}

// mebibytes reads a size up to a TiB.
func (r *settingsReader) mebibytes(name string, standard int64) int64 {
	v := r.env[name]
	if v == "" {
		return takes(r, name, standard)
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 || n > 1<<20 {
		r.wrong(name, "%q is not a number of MiB, 0 to %d", v, 1<<20)
	}
	return takes(r, name, n)
}

// demoPlaces is the demo's own list of places.
const demoPlaces = "danh-muc-xa"

var slugForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// slug reads the name that a dataset has in addresses.
func (r *settingsReader) slug(name, standard string) string {
	v := r.text(name, standard)
	if v != "" && !slugForm.MatchString(v) {
		r.wrong(name, "%q is not the name of a dataset in its address: a-z, 0-9, -", v)
	}
	return v
}

// days reads a number of whole days, 1 to 3660.
func (r *settingsReader) days(name string, standard int) time.Duration {
	n := standard
	if v := r.env[name]; v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil || n < 1 || n > 3660 {
			r.wrong(name, "%q is not a number of days, 1 to 3660", v)
		}
	}
	return time.Duration(takes(r, name, n)) * 24 * time.Hour
}

func (r *settingsReader) level(name string) slog.Level {
	var level slog.Level
	if v := r.env[name]; v != "" {
		if err := level.UnmarshalText([]byte(v)); err != nil {
			r.wrong(name, "%q is not one of debug, info, warn, error", v)
		}
	}
	return takes(r, name, level)
}

func (r *settingsReader) flag(name string) bool {
	switch v := r.env[name]; v {
	case "", "0":
		return takes(r, name, "0") == "1"
	case "1":
		return takes(r, name, "1") == "1"
	default:
		r.wrong(name, "%q is neither 0 nor 1", v)
		return false
	}
}

func (r *settingsReader) origin(name, standard string) string {
	v := strings.TrimSuffix(r.text(name, standard), "/")
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.Path != "" || u.RawQuery != "" {
		r.wrong(name, "%q is not an origin such as https://du-lieu.example.vn", v)
	}
	return takes(r, name, v)
}

func (r *settingsReader) prefixes(name string) []netip.Prefix {
	var all []netip.Prefix
	for _, v := range strings.FieldsFunc(r.env[name], func(c rune) bool { return c == ',' || c == ' ' }) {
		prefix, err := netip.ParsePrefix(v)
		if err != nil {
			addr, addrErr := netip.ParseAddr(v)
			if addrErr != nil {
				r.wrong(name, "%q is neither an address nor a CIDR", v)
				continue
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		all = append(all, prefix.Masked())
	}
	takes(r, name, strings.Trim(fmt.Sprint(all), "[]"))
	return all
}

func (r *settingsReader) checkURL(name, value string, schemes ...string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	if err != nil || !slices.Contains(schemes, u.Scheme) {
		r.wrong(name, "not a URL that begins with %s://", strings.Join(schemes, ":// or ")) // never print it: it holds a password
	}
}

// isSecured reports whether the doors speak TLS.
func (c config) isSecured() bool { return c.TLSCert != "" || len(c.ACMEHosts) > 0 }

// isTrusted reports whether an address is one of our proxies'.
func (c config) isTrusted(address netip.Addr) bool {
	return slices.ContainsFunc(c.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(address) })
}

// localOrigin is how a browser on this machine reaches a listener.
func localOrigin(scheme, addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return scheme + "://localhost"
	}
	return scheme + "://localhost:" + port
}

// makeDataDir makes the data directory at the first start.
func (c config) makeDataDir() error {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("LGSP_DATA_DIR: %w", err)
	}
	return nil
}
