package pg

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"lgsp/internal/problem"
)

// How long is waited for a database that does not answer: for one connection to
// be made, for one that lay idle to answer, and for any to be had at all.
const (
	maxConnect = 5 * time.Second
	maxPing    = 2 * time.Second
	maxAcquire = 10 * time.Second
)

// IsAway reports whether err says that the database could not be reached, or
// not in time. What was asked may be asked again later.
func IsAway(err error) bool {
	var said *pgconn.PgError // PostgreSQL manual, appendix A: it goes down, or has no room for us
	if errors.As(err, &said) {
		return strings.HasPrefix(said.Code, "08") || strings.HasPrefix(said.Code, "57P0") || said.Code == "53300"
	}
	var connect *pgconn.ConnectError
	var socket *net.OpError
	return errors.As(err, &connect) || errors.As(err, &socket) || pgconn.SafeToRetry(err) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// WhenAway is err, but for an error that is no problem yet and says that the
// database is away: that is Unavailable, to be asked again in a few seconds. So
// is one that begins something at an agency whose service has ended: Conflict.
func WhenAway(err error) error {
	var known *problem.Error
	if IsCheck(err, "agency_serves") && !errors.As(err, &known) { // every room's tables hold to it
		return problem.Errorf(problem.Conflict, "the agency's service has ended").Coded("agency-ended").Because(err)
	}
	if err == nil || errors.As(err, &known) || !IsAway(err) {
		return err
	}
	return problem.Errorf(problem.Unavailable, "the database does not answer; try again in a few seconds").
		Coded("temporarily-unavailable").Sends("Retry-After", "5").Because(err)
}

// patience bounds how long a pool is asked for a connection: pgxpool waits as
// long as its caller does, and a page has no end of its own. It is a tracer,
// since pgxpool acquires within the context that one gives.
type patience struct{}

type giveUp struct{}

// TraceAcquireStart sets the end of the wait.
func (patience) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	ctx, cancel := context.WithTimeout(ctx, maxAcquire)
	return context.WithValue(ctx, giveUp{}, cancel)
}

// TraceAcquireEnd forgets it.
func (patience) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireEndData) {
	if cancel, ok := ctx.Value(giveUp{}).(context.CancelFunc); ok {
		cancel()
	}
}

// TraceQueryStart does nothing; a tracer has it.
func (patience) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd does nothing.
func (patience) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
