// Package simulator answers what the demo province's own systems would: six
// small HTTP services on loopback with deterministic, invented records.
package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"
)

// firstPort is where the systems listen by default: system n at firstPort+n.
const firstPort = 18100

// System is one simulated system of the province.
type System struct {
	Number  int    // in the province's list of systems
	Slug    string // of its API, and of its document specs/{slug}.yaml
	Handler http.Handler
}

// Listener is a system that is being served.
type Listener struct {
	Number int
	Slug   string
	Addr   string // host:port on loopback
}

// Systems are the simulated systems, each with records of its own that stay
// the same from one start to the next.
func Systems() []System {
	people := newPeople()
	return []System{
		{Number: 3, Slug: "can-bo-cong-chuc", Handler: newOfficers(people).routes()},
		{Number: 4, Slug: "mot-cua-dien-tu", Handler: newDossiers(people).routes()},
		{Number: 12, Slug: "thu-tuc-hanh-chinh", Handler: newProcedures().routes()},
		{Number: 15, Slug: "dat-dai", Handler: newParcels().routes()},
		{Number: 18, Slug: "nong-nghiep", Handler: newCrops().routes()},
		{Number: 22, Slug: "nguoi-co-cong", Handler: newMerits(people).routes()},
	}
}

// Start serves every system on 127.0.0.1 until ctx ends, each at its usual
// port or, when that is taken, at a free one.
func Start(ctx context.Context) ([]Listener, error) {
	var started []Listener
	for _, system := range Systems() {
		l, err := listen(ctx, system.Number)
		if err != nil {
			return nil, fmt.Errorf("listen for system %d: %w", system.Number, err)
		}
		server := &http.Server{Handler: system.Handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
		go func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				slog.ErrorContext(ctx, "simulated system stopped", "system", system.Slug, "err", err)
			}
		}()
		context.AfterFunc(ctx, func() { _ = server.Close() })
		started = append(started, Listener{Number: system.Number, Slug: system.Slug, Addr: l.Addr().String()})
	}
	return started, nil
}

func listen(ctx context.Context, number int) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+number)))
	if err != nil {
		return config.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	return l, nil
}

// router is a table whose own refusals speak JSON like all the others.
func router() *mux.Router {
	r := mux.NewRouter()
	r.NotFoundHandler = answer(func(*http.Request) (any, error) {
		return nil, notFound("Không có địa chỉ này.")
	})
	r.MethodNotAllowedHandler = answer(func(*http.Request) (any, error) {
		return nil, &refusal{Status: http.StatusMethodNotAllowed, MaLoi: "phuong-thuc-khong-ho-tro", ThongBao: "Địa chỉ này không nhận phương thức đã gọi."}
	})
	return r
}
