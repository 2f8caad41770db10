package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// peers are the proxies that are measured beside ours, each started once.
type peers struct {
	dir       string
	cert      string // PEM files of a certificate for 127.0.0.1
	certKey   string
	processes map[string]*process
	ports     map[string]int
}

func (p *peers) at(name string) string { return fmt.Sprintf("127.0.0.1:%d", p.ports[name]) }

// start starts a program and waits until it answers at its port, with any status.
func (p *peers) start(ctx context.Context, name, program string, args ...string) error {
	return p.startAt(ctx, name, "http://"+p.at(name)+"/readyz", program, args...)
}

// startAt is start for a program that answers elsewhere, or over TLS.
func (p *peers) startAt(ctx context.Context, name, ready, program string, args ...string) error {
	started, err := startProcess(os.Environ(), program, args...)
	if err != nil {
		return err
	}
	p.processes[name] = started
	for range 200 {
		if r, err := anyCertificate.Get(ready); err == nil {
			_ = r.Body.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-started.ended:
			return fmt.Errorf("%s ended: %w\n%s", name, started.err, started.output)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not answer\n%s", name, started.output)
}

// anyCertificate asks whoever it is.
var anyCertificate = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}, Timeout: time.Second}

func (p *peers) stop() error {
	var all []error
	for _, started := range p.processes {
		all = append(all, started.stop())
	}
	return errors.Join(all...)
}

func (p *peers) write(name, text string) (string, error) {
	file := filepath.Join(p.dir, name)
	return file, os.WriteFile(file, []byte(text), 0o644)
}

// nginxConfig is a plain proxy, or one that asks the small service about each
// call's token first.
func (p *peers) nginxConfig(name, audience string) string {
	ask, service, listen := "", "", " reuseport"
	if strings.HasSuffix(name, tlsSuffix) {
		listen = fmt.Sprintf(" ssl http2 reuseport; ssl_protocols TLSv1.3; ssl_certificate %s; ssl_certificate_key %s", p.cert, p.certKey)
	}
	if audience != "" {
		ask = "auth_request /ask;"
		service = fmt.Sprintf(`location = /ask { internal; proxy_pass http://authsvc; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_set_header X-Audience "%s"; }`, audience)
	}
	return fmt.Sprintf(`daemon off; worker_processes %d; pid %s.pid; error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  upstream behind { server %s; keepalive 128; keepalive_requests 1000000; }
  upstream authsvc { server %s; keepalive 128; keepalive_requests 1000000; }
  server {
    listen %s%s;
    location = /readyz { return 200; }
    location / { %s proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }
    %s
  }
}
`, runtime.NumCPU(), name, p.at("upstream"), or(p.ports["authsvc"] > 0, p.at("authsvc"), "127.0.0.1:9"), p.at(name), listen, ask, service)
}

func or(is bool, value, otherwise string) string {
	if is {
		return value
	}
	return otherwise
}

func (p *peers) nginx(ctx context.Context, name, audience string) error {
	dir := filepath.Join(p.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file, err := p.write(name+".conf", p.nginxConfig(name, audience))
	if err != nil {
		return err
	}
	return p.startAt(ctx, name, p.scheme(name)+p.at(name)+"/readyz", "nginx", "-p", dir, "-c", file, "-e", "stderr")
}

// tlsSuffix ends the name of a proxy that is spoken to over TLS 1.3.
const tlsSuffix = "-tls"

func (p *peers) scheme(name string) string {
	return or(strings.HasSuffix(name, tlsSuffix), "https://", "http://")
}

// haproxy is a plain proxy, or one that verifies each token itself: algorithm,
// signature, issuer, audience, and a limit of calls.
func (p *peers) haproxy(ctx context.Context, name, issuer, audience, key string) error {
	check := ""
	if audience != "" {
		check = fmt.Sprintf(`
  stick-table type string len 64 size 100k expire 60s store http_req_rate(10s)
  http-request set-var(txn.alg) http_auth_bearer,jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str ES256 }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_payload_query('$.iss') -m str %s }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_payload_query('$.aud') -m str %s }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_verify(txn.alg,"%s") -m int 1 }
  http-request track-sc0 http_auth_bearer,jwt_payload_query('$.sub')
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 100000000 }`, issuer, audience, key)
	}
	file, err := p.write(name+".cfg", fmt.Sprintf(`global
  nbthread %d
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  option http-keep-alive
frontend in
  bind %s
  http-request return status 200 if { path /readyz }%s
  default_backend behind
backend behind
  http-reuse always
  server one %s
`, runtime.NumCPU(), p.at(name), check, p.at("upstream")))
	if err != nil {
		return err
	}
	return p.start(ctx, name, "haproxy", "-db", "-f", file)
}

// caddy is a plain proxy, when scripts/need caddy has built one.
func (p *peers) caddy(ctx context.Context, name string) (found bool, err error) {
	program, err := exec.LookPath(filepath.Join(cacheDir(), "bin", "caddy"))
	if err != nil {
		return false, nil // its row is left out, and the table says so
	}
	secured := ""
	if strings.HasSuffix(name, tlsSuffix) {
		secured = fmt.Sprintf("\ttls %s %s {\n\t\tprotocols tls1.3\n\t}\n", p.cert, p.certKey)
	}
	file, err := p.write(name+".caddy", fmt.Sprintf(`{
	admin off
	auto_https off
}
%s%s {
%s	respond /readyz 200
	reverse_proxy %s
}
`, p.scheme(name), p.at(name), secured, p.at("upstream")))
	if err != nil {
		return false, err
	}
	return true, p.startAt(ctx, name, p.scheme(name)+p.at(name)+"/readyz", program, "run", "--adapter", "caddyfile", "--config", file)
}

// cacheDir is where what takes minutes to build is kept.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "lgsp")
}
