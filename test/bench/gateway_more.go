package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	largeAnswer      = 10 << 20
	largeConnections = 8
)

// moreRow is a way through a proxy for large answers, or over TLS 1.3.
type moreRow struct {
	name    string
	process string
	url     string
	against string // the row that this one is held against
	load    func(ctx context.Context, url string) (load, error)
}

// moreFigures are a row's, one a round. CPU is in µs a call, the upstream's not
// in it.
type moreFigures struct {
	Name      string    `json:"name"`
	Against   string    `json:"against"`
	PerSecond []float64 `json:"per_second"`
	Proxy     []float64 `json:"proxy_cpu"`
	Resident  float64   `json:"resident_mib"`
}

func (d *dataPlane) moreRows() []moreRow {
	large := func(process string) string {
		return "http://" + d.at(process) + d.versions["open"].Prefix() + "/n/" + strconv.Itoa(largeAnswer)
	}
	secure := func(process string) string {
		return "https://" + d.at(process+tlsSuffix) + d.versions["open"].Prefix() + "/cay-trong"
	}
	wrkLarge := func(ctx context.Context, url string) (load, error) {
		return wrkWith(ctx, row{url: url}, largeConnections)
	}
	h1, h2 := h2load("--h1", "-c", strconv.Itoa(connections)), h2load("-c", "8", "-m", strconv.Itoa(connections/8))
	rows := []moreRow{
		{"10 MiB: direct", "", large("upstream"), "", wrkLarge},
		{"10 MiB: nginx", "nginx", large("nginx"), "10 MiB: direct", wrkLarge},
		{"10 MiB: lgsp, open operation", "node", large("node"), "10 MiB: direct", wrkLarge},
		{"TLS 1.3, HTTP/1.1: nginx", "nginx" + tlsSuffix, secure("nginx"), "", h1},
		{"TLS 1.3, HTTP/1.1: lgsp, open operation", "node" + tlsSuffix, secure("node"), "TLS 1.3, HTTP/1.1: nginx", h1},
		{"TLS 1.3, HTTP/2: nginx", "nginx" + tlsSuffix, secure("nginx"), "", h2},
		{"TLS 1.3, HTTP/2: lgsp, open operation", "node" + tlsSuffix, secure("node"), "TLS 1.3, HTTP/2: nginx", h2},
	}
	if d.withCaddy {
		rows = append(rows, moreRow{"TLS 1.3, HTTP/1.1: Caddy", "caddy" + tlsSuffix, secure("caddy"), "TLS 1.3, HTTP/1.1: nginx", h1},
			moreRow{"TLS 1.3, HTTP/2: Caddy", "caddy" + tlsSuffix, secure("caddy"), "TLS 1.3, HTTP/2: nginx", h2})
	}
	var wanted []moreRow
	for _, r := range rows {
		if rowWanted(r.name) {
			wanted = append(wanted, r)
		}
	}
	return wanted
}

func (d *dataPlane) measureMore(ctx context.Context) ([]*moreFigures, error) {
	rows := d.moreRows()
	list := make([]*moreFigures, len(rows))
	for i, r := range rows {
		list[i] = &moreFigures{Name: r.name, Against: r.against}
	}
	for round := range rounds {
		for i, r := range rows {
			say("round %d of %d: %s", round+1, rounds, r.name)
			if err := d.settled(ctx); err != nil {
				return nil, err
			}
			before := d.cpu(r.process)
			load, err := r.load(ctx, r.url)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.name, err)
			}
			f := list[i]
			f.PerSecond = append(f.PerSecond, load.perSecond)
			f.Proxy = append(f.Proxy, float64((d.cpu(r.process)-before).Microseconds())/float64(load.calls))
			if r.process != "" {
				f.Resident = max(f.Resident, residentMiB(d.processes[r.process].pid()))
			}
		}
	}
	return list, nil
}

// slowNeighbour is what one upstream that answers after about a second, with 200
// calls waiting for it, is to callers of another API.
type slowNeighbour struct {
	Alone  []float64 `json:"alone_p99"` // ms at 1,000 calls a second
	Beside []float64 `json:"beside_p99"`
}

const slowCallers = 200

func (d *dataPlane) measureSlowNeighbour(ctx context.Context) (*slowNeighbour, error) {
	f := &slowNeighbour{}
	quick := row{name: "quick", url: "http://" + d.at("node") + d.versions["open"].Prefix() + "/cay-trong"}
	slow := row{name: "slow", url: "http://" + d.at("node") + d.versions["restricted"].Prefix() + "/cay-trong?ms=1000", header: http.Header{"X-API-Key": {d.key}}}
	if !rowWanted("slow neighbour") {
		return nil, nil
	}
	for round := range rounds {
		say("round %d of %d: beside a slow upstream", round+1, rounds)
		if err := d.settled(ctx); err != nil {
			return nil, err
		}
		took, err := atRate(ctx, quick, 1000, fixedTime)
		if err != nil {
			return nil, err
		}
		f.Alone = append(f.Alone, percentile(took, 99))
		group, within := errgroup.WithContext(ctx)
		group.Go(func() error {
			_, err := wrkFor(within, slow, slowCallers, fixedTime+2*time.Second)
			return err
		})
		time.Sleep(500 * time.Millisecond) // all of them are waiting
		took, err = atRate(ctx, quick, 1000, fixedTime)
		if err := errors.Join(err, group.Wait()); err != nil {
			return nil, err
		}
		f.Beside = append(f.Beside, percentile(took, 99))
	}
	return f, nil
}

func (f *slowNeighbour) table(b *strings.Builder) {
	if f == nil {
		return
	}
	b.WriteString("\n## Beside a slow upstream\n\n")
	fmt.Fprintf(b, "p99 of one API's callers at 1,000 calls/s: %s ms alone, %s ms while %d callers of another API wait about a second for each answer: × %.2f.\n",
		spread(f.Alone, "%.1f"), spread(f.Beside, "%.1f"), slowCallers, median(f.Beside)/median(f.Alone))
}

// moreTable writes the rows, each beside the one that it is held against.
func moreTable(b *strings.Builder, list []*moreFigures) {
	if len(list) == 0 {
		return
	}
	b.WriteString("\n## Large answers, and TLS\n\n")
	table(b, "row", "calls/s", "CPU µs/call, proxy", "calls/s, × peer", "calls per CPU-s, × peer", "MiB")
	for _, f := range list {
		rate, cpu := "", ""
		for _, peer := range list {
			if peer.Name != f.Against {
				continue
			}
			rate = fmt.Sprintf("%.2f", median(f.PerSecond)/median(peer.PerSecond))
			if median(peer.Proxy) > 0 {
				cpu = fmt.Sprintf("%.2f", median(peer.Proxy)/median(f.Proxy))
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %.0f |\n", f.Name, spread(f.PerSecond, "%.0f"), spread(f.Proxy, "%.0f"), rate, cpu, f.Resident)
	}
}

var (
	h2loadCalls = regexp.MustCompile(`requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed, (\d+) errored`)
	h2loadRate  = regexp.MustCompile(`finished in [^,]+, ([\d.]+) req/s`)
)

// h2load calls as fast as it is answered.
func h2load(how ...string) func(context.Context, string) (load, error) {
	return func(ctx context.Context, url string) (load, error) {
		text, err := exec.CommandContext(ctx, "h2load", append(append([]string{"-t1", "-D", strconv.Itoa(int(loadTime.Seconds()))}, how...), url)...).CombinedOutput()
		if err != nil {
			return load{}, fmt.Errorf("h2load: %w\n%s", err, text)
		}
		calls, rate := h2loadCalls.FindSubmatch(text), h2loadRate.FindSubmatch(text)
		if calls == nil || rate == nil || string(calls[2]) != "0" || string(calls[3]) != "0" || string(calls[1]) == "0" {
			return load{}, fmt.Errorf("h2load said\n%s", text)
		}
		var l load
		l.calls, _ = strconv.Atoi(string(calls[1]))              // digits
		l.perSecond, _ = strconv.ParseFloat(string(rate[1]), 64) // digits
		return l, nil
	}
}

// certificate makes a certificate for 127.0.0.1, signed by itself, and gives
// the PEM files.
func (p *peers) certificate() (cert, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return "", "", fmt.Errorf("make a certificate: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", fmt.Errorf("encode the key: %w", err)
	}
	cert, err1 := p.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	key, err2 := p.write("cert.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	return cert, key, errors.Join(err1, err2)
}
