package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/http/pprof"
	"net/url"
	"strings"
	"sync"
	"time"

	"net"

	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/internal/http1"

	"crypto/ecdsa"
)

// The programs that this one becomes to be measured beside the node.
const (
	reverseProgram = "reverseproxy" // the floor of Go: httputil.ReverseProxy
	plainProgram   = "plain"        // our server and our transport, with nothing between
	authProgram    = "authsvc"      // what nginx asks in a subrequest
)

// reverseProxy forwards everything to target.
func reverseProxy(ctx context.Context, address, target string) error {
	to, err := url.Parse("http://" + target)
	if err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(to) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	}
	s := &http.Server{Addr: address, Handler: proxy}
	go func() {
		<-ctx.Done()
		_ = s.Close()
	}()
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// plainProxy forwards everything to target by the gateway's own server and
// transport, as nginx does by proxy_pass.
func plainProxy(ctx context.Context, address, target string) error {
	t := &http1.Transport{Dial: (&net.Dialer{}).DialContext, MaxIdle: 256, IdleFor: time.Minute, Connect: time.Second, Answer: time.Minute, Stall: time.Minute}
	to := http1.Address{HostPort: target}
	return serveUntil(ctx, address, func(w http.ResponseWriter, r *http.Request) {
		lines, _ := http1.Lines(r)
		fields := make(http1.Fields, 0, len(lines)+1)
		for _, line := range lines {
			if line.Name != "Host" && line.Name != "Connection" && line.Name != "Content-Length" {
				fields = append(fields, line)
			}
		}
		res, err := t.Do(r.Context(), to, &http1.Request{Method: r.Method, Target: r.RequestURI, Host: target, Fields: fields})
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer res.Close()
		w.(interface {
			WriteFields(int, http1.Fields)
		}).WriteFields(res.Status, res.Fields)
		if _, err := res.WriteTo(w); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
}

// authService is the least that answers nginx's subrequest: the token is
// verified once and then remembered, a bucket is counted, a grant looked up.
func authService(ctx context.Context, address, issuer, key string) error {
	public, err := publicKey(key)
	if err != nil {
		return err
	}
	keys := map[string]*ecdsa.PublicKey{"bench": public}
	v := &oauth.Verifier{Issuer: issuer, Keys: func() map[string]*ecdsa.PublicKey { return keys }, Now: time.Now, Revoked: func(string) bool { return false }}
	var mu sync.Mutex
	taken := map[string]int{}
	return serveUntil(ctx, address, func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		known, err := v.Verify(r.Context(), auth.Presented{Scheme: auth.BearerScheme, Token: token}, r.Header.Get("X-Audience"))
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mu.Lock()
		taken[known.Client]++
		mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
}

func servePprof(routes *http.ServeMux) {
	routes.HandleFunc("/debug/pprof/", pprof.Index)
	routes.HandleFunc("/debug/pprof/profile", pprof.Profile)
}
