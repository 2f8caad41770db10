package portal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// once makes a POST safe to repeat: with an Idempotency-Key, the same request
// of the same caller is done once and answered the same again. An answer that
// showed a secret is not kept; its repeat is a Conflict with the object's address.
func (a *API) once(h problem.HandlerFunc) problem.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		key := r.Header.Get("Idempotency-Key")
		if key == "" {
			return h(w, r)
		}
		if len(key) > 255 {
			return wrongParameter("Idempotency-Key", "1 … 255")
		}
		who, err := a.someone(r)
		if err != nil {
			return err
		}
		claim, err := claimOf(w, r, who, key)
		if err != nil {
			return err
		}
		before, err := a.Auth.BeginOnce(r.Context(), claim)
		if err != nil {
			return err
		}
		if before != nil {
			return replay(w, *before)
		}
		return a.firstTime(w, r, claim, h)
	}
}

func claimOf(w http.ResponseWriter, r *http.Request, who auth.Principal, key string) (auth.OnceKey, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, apiBodyLimit))
	if err != nil {
		return auth.OnceKey{}, bodyProblem(err, int64(len(body)))
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s\n%s", r.Method, r.URL.RequestURI(), body))
	return auth.OnceKey{Caller: who.Person.String() + "/" + who.Application.String(), Key: key, Request: sum[:]}, nil
}

func replay(w http.ResponseWriter, before auth.OnceAnswer) error {
	if before.Location != "" {
		w.Header().Set("Location", before.Location)
	}
	w.Header().Set("Idempotency-Replayed", "true")
	return write(w, before.Status, before.Body)
}

// firstTime runs the handler and keeps what it answered. A failure is not
// kept: the call may be tried again with the same key. What is kept does not
// depend on the caller's patience: who gave up is who will ask again.
func (a *API) firstTime(w http.ResponseWriter, r *http.Request, claim auth.OnceKey, h problem.HandlerFunc) error {
	kept := &recorder{ResponseWriter: w, status: http.StatusOK}
	failed := h(kept, r)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), keepTime)
	defer cancel()
	if failed != nil {
		return errors.Join(failed, a.Auth.DropOnce(ctx, claim))
	}
	done := auth.OnceAnswer{Status: kept.status, Location: w.Header().Get("Location"), Body: kept.body.Bytes()}
	if w.Header().Get("Cache-Control") == showsSecret {
		done.Body = nil
	}
	if err := a.Auth.EndOnce(ctx, claim, done); err != nil { // the answer has left
		slog.ErrorContext(ctx, "answer is not kept for its Idempotency-Key", "err", err)
	}
	return nil
}

// keepTime is how long keeping an answer may take.
const keepTime = 10 * time.Second

// showsSecret is the Cache-Control of an answer that shows a secret.
const showsSecret = "no-store"

// recorder keeps a copy of what it passes on.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (k *recorder) WriteHeader(status int) {
	k.status = status
	k.ResponseWriter.WriteHeader(status)
}

func (k *recorder) Write(p []byte) (int, error) {
	k.body.Write(p)
	return k.ResponseWriter.Write(p)
}
