package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Figures of what a person takes part in: bounded by commits, so reported apart
// from the tokens of applications.
const (
	chains       = 16              // at once
	chainTime    = 3 * time.Second // of each row, once
	floodSignIns = 32              // passwords being checked at once
)

// chainFigures are of a row in which each request needs the answer of the one
// before.
type chainFigures struct {
	Name      string  `json:"name"`
	PerSecond float64 `json:"per_second"`
	OwnCPU    float64 `json:"own_cpu"` // µs each
	DBCPU     float64 `json:"db_cpu"`
}

// starvation is how tokens and sign-ins fare, alone and together.
type starvation struct {
	Name    string  `json:"name"`
	P50     float64 `json:"p50_ms"` // of client_credentials at 500/s
	P99     float64 `json:"p99_ms"`
	SignIns float64 `json:"sign_ins"` // a second, that were let in
	TooMany float64 `json:"too_many"` // a second, told to come again
}

// browser is a person's, signed in to the portal.
type browser struct {
	http.Client
	p     *platform
	email string
	word  string
}

const redirectURI = "http://127.0.0.1/cb"

func newBrowser(p *platform, role string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make a browser: %w", err)
	}
	b := &browser{p: p}
	b.Jar = jar
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	b.Transport = &http.Transport{MaxIdleConnsPerHost: connections}
	for _, account := range p.info.Accounts {
		if account.Role == role {
			b.email, b.word = account.Email, account.Password
		}
	}
	return b, nil
}

// open asks for an address, with a form when there is one, and gives status,
// where it leads and what it says.
func (b *browser) open(ctx context.Context, address string, form url.Values) (int, string, []byte, error) {
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return 0, "", nil, fmt.Errorf("open: %w", err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.p.portal)
	}
	answer, err := b.Do(r)
	if err != nil {
		return 0, "", nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header.Get("Location"), text, err
}

func (b *browser) signIn(ctx context.Context) (int, error) {
	status, _, _, err := b.open(ctx, b.p.portal+"/sign-in", url.Values{"email": {b.email}, "password": {b.word}})
	return status, err
}

// code is a fresh authorization code of the demo's application; the first time
// the person consents.
func (b *browser) code(ctx context.Context, verifier string) (string, error) {
	sum := sha256.Sum256([]byte(verifier))
	ask := url.Values{"response_type": {"code"}, "client_id": {b.p.info.Application.ClientID}, "redirect_uri": {redirectURI},
		"scope": {"openid offline_access"}, "state": {"s"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}}
	_, next, text, err := b.open(ctx, b.p.portal+"/oauth2/authorize?"+ask.Encode(), nil)
	if err != nil {
		return "", err
	}
	if at, query, found := strings.Cut(next, "/consent?request="); found {
		if _, next, text, err = b.open(ctx, at+"/consent", url.Values{"request": {query}, "answer": {"allow"}}); err != nil {
			return "", err
		}
		if next == "" { // the page goes on by itself; ask again, now remembered
			_, next, text, err = b.open(ctx, b.p.portal+"/oauth2/authorize?"+ask.Encode(), nil)
		}
	}
	back, parseErr := url.Parse(next)
	if err := errors.Join(err, parseErr); err != nil {
		return "", err
	}
	if back.Query().Get("code") == "" {
		return "", fmt.Errorf("no code at %q: %.200s", next, text)
	}
	return back.Query().Get("code"), nil
}

// tokens asks the token address, and gives the refresh token of its answer.
func (b *browser) tokens(ctx context.Context, form url.Values) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.p.portal+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("ask for a token: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", basic(b.p.info.Application.ClientID, b.p.info.Application.ClientSecret))
	answer, err := b.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var out struct {
		Refresh string `json:"refresh_token"`
		Error   string `json:"error"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		return "", fmt.Errorf("read the token answer: %w", err)
	}
	if out.Refresh == "" {
		return "", fmt.Errorf("no refresh token: %s", out.Error)
	}
	return out.Refresh, nil
}

func (b *browser) redeem(ctx context.Context, n int) (string, error) {
	verifier := fmt.Sprintf("%043d", n)
	code, err := b.code(ctx, verifier)
	if err != nil {
		return "", err
	}
	return b.tokens(ctx, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}})
}

// measurePeople measures codes, refreshes, and tokens under a flood of
// sign-ins.
func measurePeople(ctx context.Context, p *platform) ([]chainFigures, []starvation, error) {
	app := p.info.Application
	if err := p.api(ctx, "developer", "PUT /applications/"+app.ClientID, map[string]any{"name": "Đo tốc độ", "redirect_uris": []string{redirectURI}}, &struct{}{}); err != nil {
		return nil, nil, err
	}
	b, err := newBrowser(p, "citizen")
	if err != nil {
		return nil, nil, err
	}
	if _, err := b.signIn(ctx); err != nil {
		return nil, nil, err
	}
	first := make([]string, chains)
	for i := range first {
		if first[i], err = b.redeem(ctx, i); err != nil {
			return nil, nil, err
		}
	}
	say("codes and refreshes")
	codes, err := p.chain("authorization code: asked for, redeemed", func(i, n int) error {
		_, err := b.redeem(ctx, i*1_000_000+n)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	refreshes, err := p.chain("refresh, rotated", func(i, _ int) (err error) {
		first[i], err = b.tokens(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first[i]}})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	starved, err := measureStarvation(ctx, p)
	return []chainFigures{codes, refreshes}, starved, err
}

// chain does one thing after another in each of the chains, for chainTime.
func (p *platform) chain(name string, do func(chain, n int) error) (chainFigures, error) {
	var done atomic.Int64
	var fault atomic.Pointer[error]
	var group sync.WaitGroup
	own, db, began := ownCPU(p.pid()), treeCPU(p.postgres), time.Now()
	for i := range chains {
		group.Go(func() {
			for n := 0; time.Since(began) < chainTime && fault.Load() == nil; n++ {
				if err := do(i, n); err != nil {
					fault.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	if err := fault.Load(); err != nil {
		return chainFigures{}, fmt.Errorf("%s: %w", name, *err)
	}
	count := float64(done.Load())
	return chainFigures{Name: name, PerSecond: count / time.Since(began).Seconds(),
		OwnCPU: float64((ownCPU(p.pid()) - own).Microseconds()) / count, DBCPU: float64((treeCPU(p.postgres) - db).Microseconds()) / count}, nil
}

// measureStarvation asks for tokens at a fixed rate, alone and while people
// sign in by password as fast as they are let.
func measureStarvation(ctx context.Context, p *platform) ([]starvation, error) {
	s := &service{slug: "do-dong", access: "restricted", schema: "{}", fields: []string{}}
	if err := prepareService(ctx, p, s); err != nil {
		return nil, err
	}
	app := p.info.Application
	ask := row{url: p.portal + "/oauth2/token", form: url.Values{"grant_type": {"client_credentials"}, "resource": {s.prefix(p)}}.Encode(),
		header: http.Header{"Authorization": {basic(app.ClientID, app.ClientSecret)}, "Content-Type": {"application/x-www-form-urlencoded"}}}
	if err := tokenAnswers(ctx, ask); err != nil {
		return nil, err
	}
	var list []starvation
	for _, people := range []int{0, floodSignIns} {
		say("tokens beside %d sign-ins at once", people)
		one, err := p.starve(ctx, ask, people)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func (p *platform) starve(ctx context.Context, ask row, people int) (starvation, error) {
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	var in, later atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	roles := []string{"citizen", "developer", "publisher", "steward", "auditor", "operator"}
	for i := range people {
		b, err := newBrowser(p, roles[i%len(roles)])
		if err != nil {
			return starvation{}, err
		}
		group.Go(func() {
			for stop.Err() == nil {
				switch status, err := b.signIn(stop); {
				case err != nil:
				case status == http.StatusTooManyRequests:
					later.Add(1)
				case status < 400:
					in.Add(1)
				}
			}
		})
	}
	latencies, err := atFixedRate(ctx, ask)
	cancel()
	group.Wait()
	seconds := time.Since(began).Seconds()
	return starvation{Name: fmt.Sprintf("%d sign-ins at once", people), P50: percentile(latencies, 50), P99: percentile(latencies, 99),
		SignIns: float64(in.Load()) / seconds, TooMany: float64(later.Load()) / seconds}, err
}

// people writes both tables.
func (r report) people(b *strings.Builder) {
	fmt.Fprintf(b, "\n## People\n\n%d at once, each waiting for its answer; once, %s.\n\n", chains, chainTime)
	table(b, "row", "each second", "CPU µs, the server", "PostgreSQL")
	for _, f := range r.Chains {
		fmt.Fprintf(b, "| %s | %.0f | %.0f | %.0f |\n", f.Name, f.PerSecond, f.OwnCPU, f.DBCPU)
	}
	fmt.Fprintf(b, "\nTokens of an application at %d/s while people sign in by password:\n\n", fixedRate)
	table(b, "beside", "p50 ms", "p99 ms", "signed in each second", "told to wait each second")
	for _, s := range r.Starved {
		fmt.Fprintf(b, "| %s | %.2f | %.2f | %.1f | %.1f |\n", s.Name, s.P50, s.P99, s.SignIns, s.TooMany)
	}
}
