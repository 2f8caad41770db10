package gateway

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// message is a message of gRPC: not compressed, its length before it.
func message(text string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text))), text...)
}

func readMessage(r io.Reader) (string, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	text := make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err := io.ReadFull(r, text)
	return string(text), err
}

// serveGRPC answers as servers of gRPC do (gRPC over HTTP/2): messages as they
// come, and the status behind them, or alone where it fails at once.
func serveGRPC(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "application/grpc")
	if r.ProtoMajor != 2 || r.Header.Get("Te") != "trailers" || r.Header.Get("Content-Type") != "application/grpc" || r.Header.Get("Grpc-Timeout") != "5S" || r.Header.Get("X-Api-Key") != "" {
		rw.Header().Set("Grpc-Status", "3") // INVALID_ARGUMENT, no message: the head alone
		rw.Header().Set("Grpc-Message", fmt.Sprintf("%s %v", r.Proto, r.Header))
		return
	}
	if r.URL.Path == "/hoso.HoSo/Cam" {
		rw.Header().Set("Grpc-Status", "7") // PERMISSION_DENIED
		rw.Header().Set("Grpc-Message", "cam")
		return
	}
	rw.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	_ = http.NewResponseController(rw).Flush()
	for {
		text, err := readMessage(r.Body)
		if err == io.EOF {
			rw.Header().Set("Grpc-Status", "0")
			return
		}
		if err != nil || text == "loi" {
			rw.Header().Set("Grpc-Status", "5")
			rw.Header().Set("Grpc-Message", "khong%20co")
			return
		}
		_, _ = rw.Write(message(strings.ToUpper(text)))
		_ = http.NewResponseController(rw).Flush()
	}
}

// TestGRPC: calls of one message and streams of many, either way at once, with
// the status behind the answer, in its head, or of a refusal of ours.
func TestGRPC(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.route.Operations = append(w.route.Operations,
		Operation{ID: "goi", Method: "POST", Path: "/hoso.HoSo/Goi", Access: Restricted}, Operation{ID: "cam", Method: "POST", Path: "/hoso.HoSo/Cam", Access: Open})
	w.put(func(g *Grant) {
		g.Operations = append(g.Operations, GrantedOperation{Operation: "goi", Fields: []string{""}})
	})
	s := speaking(t, false, HTTP2, serveGRPC)
	w.sendsTo(s, HTTP2)
	caller := w.secured()
	call := func(method, key string) (*io.PipeWriter, *http.Response) {
		t.Helper()
		in, out := io.Pipe()
		r, err := http.NewRequestWithContext(t.Context(), "POST", caller.URL+w.route.Prefix()+method, in)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Te": "trailers", "Content-Type": "application/grpc", "Grpc-Timeout": "5S", "X-Api-Key": key} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		res, err := caller.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return out, res
	}
	status := func(what, want string, res *http.Response) {
		t.Helper()
		_, err := io.Copy(io.Discard, res.Body)
		if got := fmt.Sprintf("%d/%s/%s/%s", res.StatusCode, res.Header.Get("Grpc-Status"), res.Trailer.Get("Grpc-Status"), res.Trailer.Get("Grpc-Message")); got != want || err != nil {
			t.Errorf("%s: got %s, %v, want %s (%s)", what, got, err, want, res.Header.Get("Grpc-Message"))
		}
	}
	out, res := call("/hoso.HoSo/Goi", w.key)
	for i := range 10 { // each is answered before the next is sent
		text := fmt.Sprint("ho so ", i)
		_, _ = out.Write(message(text))
		if got, err := readMessage(res.Body); err != nil || got != strings.ToUpper(text) {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	_ = out.Close()
	status("a stream", "200//0/", res)
	if got := res.Header.Get("Content-Type"); got != "application/grpc" {
		t.Errorf("content type %s", got)
	}
	out, res = call("/hoso.HoSo/Goi", w.key)
	_, _ = out.Write(message("loi"))
	status("one that fails", "200//5/khong%20co", res)
	_ = out.Close()
	out, res = call("/hoso.HoSo/Cam", "")
	status("one that fails at once", "200/7//", res)
	_ = out.Close()
	out, res = call("/hoso.HoSo/Goi", "")
	status("a refusal of ours, which clients read as UNAUTHENTICATED", "401///", res)
	_ = out.Close()
}
