package manifest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client speaks to /api/v1 of a portal.
type Client struct {
	Portal string // origin
	Token  string // personal access token

	// HTTP sends the requests; nil: a client that gives each a minute.
	HTTP *http.Client
}

// Refusal is a problem that the API answered with. It prints as the API words it.
type Refusal struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Errors []struct {
		Field  string `json:"field"`
		Detail string `json:"detail"`
	} `json:"errors"`
	What string `json:"-"` // method and path
}

// Error is of error.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("%s: %s (%d %s)", r.What, r.Detail, r.Status, r.Code)
	for _, e := range r.Errors {
		text += "\n    " + e.Field + ": " + e.Detail
	}
	return text
}

const maxAnswer = 64 << 20 // bytes

// do sends a body, nil for none, and reads the answer into out, nil for none.
func (c *Client) do(ctx context.Context, method, path string, body, out any) error {
	answer, err := c.bytes(ctx, method, path, body)
	if err != nil || out == nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if err := d.Decode(out); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	return nil
}

func (c *Client) bytes(ctx context.Context, method, path string, body any) ([]byte, error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Portal, "/")+"/api/v1"+path, sent)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.Token)
	r.Header.Set("Accept-Language", "en")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	sender := c.HTTP
	if sender == nil {
		sender = &http.Client{Timeout: time.Minute}
	}
	res, err := sender.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	case len(answer) > maxAnswer:
		return nil, fmt.Errorf("%s %s: the answer is larger than %d MiB", method, path, maxAnswer>>20)
	case res.StatusCode >= 300:
		refusal := &Refusal{Status: res.StatusCode, What: method + " " + path}
		if json.Unmarshal(answer, refusal) != nil {
			refusal.Detail = http.StatusText(res.StatusCode)
		}
		return nil, refusal
	}
	return answer, nil
}

// all gives every page of a list.
func all[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	var list []T
	after := ""
	for {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next"`
		}
		joint := "?"
		if strings.Contains(path, "?") {
			joint = "&"
		}
		if err := c.do(ctx, http.MethodGet, path+joint+"limit=100&after="+url.QueryEscape(after), nil, &page); err != nil {
			return nil, err
		}
		list = append(list, page.Items...)
		if page.Next == "" || page.Next == after {
			return list, nil
		}
		after = page.Next
	}
}
