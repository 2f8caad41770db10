package quota

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// How long an answer may take, how long a server that gave none is left alone,
// and how long connecting to it may take, beside the calls.
const (
	answerWithin  = 50 * time.Millisecond
	leftAlone     = time.Second
	connectWithin = time.Second
)

// keyPrefix is what names of keys begin with. What stands in the braces alone
// says where in a cluster a key lies (Redis Cluster Specification, hash tags):
// all lie together, for a call takes from several at once.
const keyPrefix = "lgsp:{rate}:"

// Redis is rates in a Redis or Valkey, by the server's own clock. It gives an
// answer within answerWithin or an error; after an error the server is left
// alone for a second but for the one call that tries it then.
type Redis struct {
	Within time.Duration // for an answer; answerWithin outside tests

	now       func() time.Time
	client    redis.UniversalClient
	began     time.Time
	away      atomic.Int64 // until when the server is left alone, since began; 0: it answers
	fallbacks atomic.Int64
}

// NewRedis makes a Redis of an address, redis://user:password@host:port/database
// or rediss:// over TLS, and asks it nothing yet. Behind a ? addr=host:port
// names a second node of a cluster.
func NewRedis(address string, now func() time.Time) (*Redis, error) {
	options, err := redisOptions(address)
	if err != nil {
		return nil, err
	}
	quiet()
	return &Redis{now: now, client: redis.NewUniversalClient(options), Within: answerWithin, began: now()}, nil
}

// CheckRedisURL says what is wrong with an address, and nothing of what it holds.
func CheckRedisURL(address string) error {
	_, err := redisOptions(address)
	return err
}

func redisOptions(address string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Host == "" {
		return nil, errors.New("not an address such as redis://user:password@host:6379/0") // never print it: it holds a password
	}
	query := u.Query()
	others := query["addr"]
	query.Del("addr")
	if len(query) > 0 {
		return nil, errors.New("takes nothing behind the ? but addr")
	}
	u.RawQuery = ""
	one, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, fmt.Errorf("not an address of a Redis: %w", err) // it parses, so that err quotes no password
	}
	return &redis.UniversalOptions{
		Addrs: append([]string{one.Addr}, others...), Username: one.Username, Password: one.Password, DB: one.DB, TLSConfig: one.TLSConfig,

		// A call has a deadline of its own; these are for what no call waits for.
		ContextTimeoutEnabled: true, DialTimeout: connectWithin, ReadTimeout: connectWithin, WriteTimeout: connectWithin, PoolTimeout: connectWithin,

		MaxRetries: -1, DialerRetries: 1, // a second try could take twice
		PoolSize: 64, ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10,
		DisableIdentity: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}, nil
}

// quiet keeps the client from writing to stderr by itself: what matters of a
// server that is away is said once.
var quiet = sync.OnceFunc(func() { redis.SetLogger(debugLog{}) })

type debugLog struct{}

// Printf is of the client's logger.
func (debugLog) Printf(ctx context.Context, format string, args ...any) {
	slog.DebugContext(ctx, "redis client", "text", fmt.Sprintf(format, args...))
}

// Close ends the connections.
func (r *Redis) Close() error { return r.client.Close() }

var (
	//go:embed take.lua
	takeLua    string
	takeScript = redis.NewScript(takeLua)

	//go:embed return.lua
	returnLua    string
	returnScript = redis.NewScript(returnLua)
)

// Take is of Shared.
func (r *Redis) Take(ctx context.Context, takes []Take, room []Answer) ([]Answer, error) {
	answers, err := r.take(ctx, takes, room, 1)
	if err != nil {
		r.fallbacks.Add(1)
	}
	return answers, err
}

// Look is of Shared.
func (r *Redis) Look(ctx context.Context, t Take) (Answer, error) {
	answers, err := r.take(ctx, []Take{t}, nil, 0)
	if err != nil {
		return Answer{}, err
	}
	return answers[0], nil
}

// take takes so many calls, 1 or 0, from each window.
func (r *Redis) take(ctx context.Context, takes []Take, room []Answer, cost int) ([]Answer, error) {
	args := make([]any, 0, 1+2*len(takes))
	args = append(args, cost)
	for _, t := range takes {
		args = append(args, t.Window.Calls, gapOf(t.Window))
	}
	told, err := r.ask(ctx, takeScript, takes, args)
	if err != nil {
		return nil, err
	}
	for ; len(told) >= 3; told = told[3:] {
		retry := time.Duration(told[2]) * time.Microsecond
		room = append(room, Answer{OK: retry == 0, Remaining: int(told[0]), Reset: time.Duration(told[1]) * time.Microsecond, Retry: retry})
	}
	return room, nil
}

// gapOf is how far apart a window's calls are, in microseconds, never too close.
func gapOf(w Window) int64 {
	micros, calls := int64(w.Length/time.Microsecond), int64(w.Calls)
	return (micros + calls - 1) / calls
}

// Return is of Shared. What cannot be given back stays taken.
func (r *Redis) Return(ctx context.Context, takes []Take) {
	_, _ = r.ask(ctx, returnScript, takes, nil) // heard says it
}

var errLeftAlone = errors.New("the shared store did not answer within the last second")

// ask runs a script on the takes' keys, whether or not the caller stays.
func (r *Redis) ask(ctx context.Context, script *redis.Script, takes []Take, args []any) ([]int64, error) {
	if !r.mayAsk() {
		return nil, errLeftAlone
	}
	keys := make([]string, len(takes))
	for i, t := range takes {
		keys[i] = t.Key.text()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Within)
	defer cancel()
	told, err := script.Run(ctx, r.client, keys, args...).Int64Slice()
	r.heard(ctx, err)
	return told, err
}

// mayAsk reports whether the server is to be asked: while it answers, and by
// one call when it has been left alone long enough.
func (r *Redis) mayAsk() bool {
	until := r.away.Load()
	if until == 0 {
		return true
	}
	now := r.elapsed()
	return now >= until && r.away.CompareAndSwap(until, now+int64(leftAlone))
}

// heard notes whether the server answered, and says it when that is new.
func (r *Redis) heard(ctx context.Context, err error) {
	switch {
	case err != nil:
		if r.away.Swap(r.elapsed()+int64(leftAlone)) == 0 {
			slog.ErrorContext(ctx, "shared limits cannot be asked; this node counts by itself", "err", err)
		}
	case r.away.Load() != 0 && r.away.Swap(0) != 0:
		slog.InfoContext(ctx, "shared limits are asked again")
	}
}

// elapsed is since began, whatever becomes of the machine's wall clock.
func (r *Redis) elapsed() int64 { return int64(r.now().Sub(r.began)) }

// Up reports whether the server answered when it was last asked.
func (r *Redis) Up() bool { return r.away.Load() == 0 }

// Fallbacks is how many calls the server could not be asked for.
func (r *Redis) Fallbacks() int64 { return r.fallbacks.Load() }

// text is the key's name in the store.
func (k Key) text() string {
	var name [36]byte
	copy(name[:], k.Who[:])
	copy(name[16:], k.What[:])
	binary.BigEndian.PutUint32(name[32:], k.Limit)
	text := make([]byte, len(keyPrefix), len(keyPrefix)+48)
	copy(text, keyPrefix)
	return string(base64.RawURLEncoding.AppendEncode(text, name[:]))
}
