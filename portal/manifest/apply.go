package manifest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/aymanbagabas/go-udiff"
	"golang.org/x/sync/errgroup"
)

// Report is what came of a plan, one line each.
type Report struct {
	Done    []string
	Waiting []string // what another person, or the operator, must do
	Failed  []error
}

// Apply puts a plan in force. What fails keeps nothing else from being done,
// but for the steps of the same unit that come after it.
func (p Plan) Apply(ctx context.Context, c *Client) Report {
	var report Report
	var mu sync.Mutex
	var work errgroup.Group
	work.SetLimit(atOnce)
	for _, u := range p.units {
		work.Go(func() error {
			done, waiting, err := u.apply(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			report.Done = append(report.Done, done...)
			if waiting != "" {
				report.Waiting = append(report.Waiting, waiting)
			}
			if err != nil {
				report.Failed = append(report.Failed, err)
			}
			return nil
		})
	}
	_ = work.Wait() // no unit gives an error
	return report
}

func (u unit) apply(ctx context.Context, c *Client) (done []string, waiting string, err error) {
	for _, s := range u.steps {
		err := s.do(ctx, c)
		if s.waits && isAnothers(err) {
			return done, fmt.Sprintf("%s: %s: %s", u.name, s.what, err), nil
		}
		if err != nil {
			return done, "", fmt.Errorf("%s: %s: %w", u.name, s.what, err)
		}
		done = append(done, u.name+": "+s.what)
	}
	return done, "", nil
}

// notYet are the codes of what a document alone cannot bring about: files, and
// what the operator approves.
var notYet = []string{"dataset-incomplete", "upstream-not-approved"}

// isAnothers reports whether a step is somebody else's, and not wrong as such.
func isAnothers(err error) bool {
	var refusal *Refusal
	return errors.As(err, &refusal) && (refusal.Status == http.StatusForbidden || slices.Contains(notYet, refusal.Code))
}

// diff is a unified diff of two documents, "" when they are the same.
func diff(from, to Document) (string, error) {
	a, err := lines(from)
	if err != nil {
		return "", err
	}
	b, err := lines(to)
	if err != nil {
		return "", err
	}
	return udiff.Unified("platform", "document", a, b), nil
}

func lines(d Document) (string, error) {
	var b bytes.Buffer
	if err := d.Write(&b); err != nil {
		return "", err
	}
	_, text, _ := strings.Cut(b.String(), "\n") // the comment
	return text, nil
}
