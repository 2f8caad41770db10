package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load is what wrk says.
type load struct {
	calls     int
	perSecond float64
}

var (
	wrkCalls  = regexp.MustCompile(`(\d+) requests in`)
	wrkRate   = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkFaults = regexp.MustCompile(`(Non-2xx.*|Socket errors.*)`)
)

// wrk calls a row as fast as it answers.
func wrk(ctx context.Context, r row) (load, error) { return wrkWith(ctx, r, connections) }

func wrkWith(ctx context.Context, r row, connections int) (load, error) {
	return wrkFor(ctx, r, connections, loadTime)
}

func wrkFor(ctx context.Context, r row, connections int, within time.Duration) (load, error) {
	args := []string{"-t1", "-c" + strconv.Itoa(connections), "-d" + strconv.Itoa(int(within.Seconds())) + "s"}
	for name, values := range r.header {
		args = append(args, "-H", name+": "+values[0])
	}
	if r.form != "" || r.tokens != "" {
		script, err := writeScript(r)
		if err != nil {
			return load{}, err
		}
		defer func() { _ = os.Remove(script) }() // a file of a temporary directory
		args = append(args, "-s", script)
	}
	text, err := exec.CommandContext(ctx, "wrk", append(args, r.url)...).CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w\n%s", err, text)
	}
	if fault := wrkFaults.Find(text); fault != nil {
		return load{}, fmt.Errorf("wrk: %s", fault)
	}
	calls, rate := wrkCalls.FindSubmatch(text), wrkRate.FindSubmatch(text)
	if calls == nil || rate == nil {
		return load{}, fmt.Errorf("wrk said\n%s", text)
	}
	var l load
	l.calls, _ = strconv.Atoi(string(calls[1]))              // digits
	l.perSecond, _ = strconv.ParseFloat(string(rate[1]), 64) // digits
	return l, nil
}

// writeScript is a file that tells wrk to post a form, or to send tokens.
func writeScript(r row) (string, error) {
	f, err := os.CreateTemp("", "lgsp-bench-*.lua")
	if err != nil {
		return "", fmt.Errorf("write wrk's script: %w", err)
	}
	script := fmt.Sprintf("wrk.method = 'POST'\nwrk.body = %q\n", r.form)
	if r.tokens != "" {
		script = tokenScript(r.tokens)
	}
	_, err = f.WriteString(script)
	return f.Name(), errors.Join(err, f.Close())
}

// atFixedRate calls a row fixedRate times a second, for fixedTime.
func atFixedRate(ctx context.Context, r row) ([]float64, error) {
	return atRate(ctx, r, fixedRate, fixedTime)
}

// atRate calls a row so many times a second and gives each call's
// milliseconds, counted from when it was due: who waits for a slow call before
// sending the next would measure the quick ones only.
func atRate(ctx context.Context, r row, rate int, within time.Duration) ([]float64, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}}
	defer client.CloseIdleConnections()
	count := int(within.Seconds()) * rate
	due := make(chan time.Time, count)
	var mu sync.Mutex
	var took []float64
	var fault error
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for at := range due {
				err := call(ctx, client, r)
				mu.Lock()
				took = append(took, milliseconds(time.Since(at)))
				if err != nil {
					fault = err
				}
				mu.Unlock()
			}
		})
	}
	began := time.Now()
	for i := range count {
		at := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(at))
		due <- at
	}
	close(due)
	group.Wait()
	return took, fault
}

func call(ctx context.Context, client *http.Client, r row) error {
	_, err := send(ctx, client, r)
	return err
}

// send calls a row once and gives the text of its answer.
func send(ctx context.Context, client *http.Client, r row) (string, error) {
	method := http.MethodGet
	if r.form != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, r.url, strings.NewReader(r.form))
	if err != nil {
		return "", fmt.Errorf("call: %w", err)
	}
	request.Header = r.header.Clone()
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", fmt.Errorf("read: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return string(text), fmt.Errorf("%s: %s", r.url, answer.Status)
	}
	return string(text), nil
}

// get fetches a text.
func get(ctx context.Context, url string, header http.Header) (string, error) {
	request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return "", fmt.Errorf("get: %w", err)
	}
	request.Header = header.Clone()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", url, err)
	}
	return string(text), nil
}

// percentile of values, which it sorts.
func percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)*p/100, len(values)-1)]
}

func median(values []float64) float64 { return percentile(slices.Clone(values), 50) }
