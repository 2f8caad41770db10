package demo

import (
	"context"
	"net/url"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/demo/simulator"
)

// Rooms is what the demo province is loaded into, through the methods that the
// portal calls.
type Rooms struct {
	Auth       *auth.Auth
	Catalog    *catalog.Catalog
	Agreements *agreement.Agreements

	Portal, Gateway, Ops, Issuer string // origins, for people to read
	Dir                          string // of demo.json
}

// Running is the demo province while its simulated systems are served.
type Running struct {
	Info
	listeners []simulator.Listener
}

// HostPorts are the addresses of the simulated systems: the only ones on this
// machine that the gateway may forward to.
func (r *Running) HostPorts() []string {
	var all []string
	for _, l := range r.listeners {
		all = append(all, l.Addr)
	}
	return all
}

// Start serves the simulated systems until ctx ends and loads the province, as
// Seed does.
func Start(ctx context.Context, rooms Rooms) (*Running, error) {
	listeners, err := simulator.Start(ctx)
	if err != nil {
		return nil, err
	}
	running := &Running{listeners: listeners}
	rooms.Catalog.Loopback = running.HostPorts()
	running.Info, err = Seed(ctx, rooms, listeners)
	return running, err
}

// calls are ones to try: under the agreements of wishes the second and third are answered, the last is not.
func calls(gateway string) []Call {
	at := func(prefix, path string, query url.Values) string {
		if len(query) > 0 {
			path += "?" + query.Encode()
		}
		return gateway + prefix + path
	}
	return []Call{
		{Title: "Tìm thủ tục hành chính", Method: "GET", Needs: "nothing",
			URL: at("/van-phong-ubnd-tinh/thu-tuc-hanh-chinh/v1", "/thu-tuc", url.Values{"tuKhoa": {"khai sinh"}})},
		{Title: "Xem một thửa đất", Method: "GET", Needs: "key",
			URL: at("/so-nong-nghiep-moi-truong/dat-dai/v1", "/thua-dat/99001/1/1", nil)},
		{Title: "Xem hồ sơ người có công", Method: "GET", Needs: "token",
			URL: at("/so-noi-vu/nguoi-co-cong/v1", "/ho-so/000138000002", nil)},
		{Title: "Kiểm tra Giấy chứng nhận, ngoài thoả thuận", Method: "GET", Needs: "denied",
			URL: at("/so-nong-nghiep-moi-truong/dat-dai/v1", "/giay-chung-nhan/000001", nil)},
	}
}
