package http1

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// parse makes the request of its head. The request, its header and its URL are
// the connection's: the next request is put in the same place.
func (c *conn) parse(text string) error {
	first, lines, _ := strings.Cut(text, "\r\n")
	line, err := parseRequestLine(first)
	if err != nil {
		return err
	}
	if err := c.head.parse(lines); err != nil {
		return err
	}
	return c.fill(line)
}

// fill puts the head into the request, as net/http would.
func (c *conn) fill(line requestLine) error {
	h, r := &c.head, c.request
	*r = c.blank
	r.Method, r.RequestURI = line.method, line.target
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, line.minor
	if line.minor == 0 {
		r.Proto = "HTTP/1.0"
		if h.chunked {
			return refuse(http.StatusBadRequest, "HTTP/1.0 knows no Transfer-Encoding")
		}
	}
	hosts := c.fields()
	if hosts > 1 || hosts == 0 && line.minor > 0 || !validHost(r.Host) {
		return refuse(http.StatusBadRequest, "the header names no host, or not one")
	}
	if err := c.target(line); err != nil {
		return err
	}
	r.Close = h.close || line.minor == 0 && !h.keep
	r.ContentLength, r.TransferEncoding, r.Trailer = max(h.length, 0), nil, nil
	if h.chunked {
		r.ContentLength, r.TransferEncoding, r.Trailer = -1, chunkedEncoding, announced(h.fields)
	}
	c.body.frame(&c.in, h.chunked, max(h.length, 0))
	r.Body = http.NoBody
	if !c.body.over {
		c.body.after = c.bodyRead
		r.Body = &c.body
	}
	return c.expect()
}

var chunkedEncoding = []string{"chunked"}

// announced are the names that a head says will follow the body, nil for none;
// their values come when it is read to its end (http.Request.Trailer).
func announced(fields Fields) http.Header {
	var names http.Header
	for _, line := range fields {
		if line.Name != "Trailer" {
			continue
		}
		for name := range strings.SplitSeq(line.Value, ",") {
			name = strings.Trim(name, " \t")
			if name == "" || !all(name, &isToken) || notTrailers[canonical(name)] {
				continue
			}
			if names == nil {
				names = http.Header{}
			}
			names[canonical(name)] = nil
		}
	}
	return names
}

// fields puts the lines into the request's header, and counts those of Host.
func (c *conn) fields() (hosts int) {
	r := c.request
	c.values, r.Host = c.values[:0], ""
	for _, line := range c.head.fields {
		switch line.Name {
		case "Host":
			r.Host = line.Value
			hosts++
			continue
		case "Transfer-Encoding", "Trailer":
			continue
		}
		if before, twice := r.Header[line.Name]; twice {
			r.Header[line.Name] = append(before, line.Value)
			continue
		}
		c.values = append(c.values, line.Value)
		n := len(c.values)
		r.Header[line.Name] = c.values[n-1 : n : n]
	}
	return hosts
}

var errTarget = refuse(http.StatusBadRequest, "the target is no address")

// target reads the request's target: origin form, absolute form, or * of
// OPTIONS (RFC 9112 §3.2). A proxy's own form, of CONNECT, is not served.
func (c *conn) target(line requestLine) error {
	r := c.request
	if line.method == http.MethodConnect {
		return refuse(http.StatusMethodNotAllowed, "CONNECT is not served")
	}
	if path, query, asked := strings.Cut(line.target, "?"); isPlainPath(path) {
		c.url = url.URL{Path: path, RawQuery: query, ForceQuery: asked && query == ""}
		r.URL = &c.url
		return nil
	}
	if line.target == "*" && line.method != http.MethodOptions {
		return errTarget
	}
	parsed, err := url.ParseRequestURI(line.target)
	if err != nil || parsed.User != nil || parsed.Fragment != "" || parsed.Opaque != "" || parsed.Scheme != "" && !validHost(parsed.Host) {
		return errTarget
	}
	r.URL = parsed
	if parsed.Host != "" {
		r.Host = parsed.Host
	}
	return nil
}

// isPlainPath reports whether a path in origin form stands for itself.
func isPlainPath(path string) bool {
	if path == "" || path[0] != '/' || strings.HasPrefix(path, "//") {
		return false
	}
	for i := range len(path) {
		c := path[i]
		if c != '/' && c != '-' && c != '.' && c != '_' && c != '~' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// validHost reports whether a Host field's value has the bytes of one.
func validHost(host string) bool {
	for i := range len(host) {
		c := host[i]
		if c <= 0x20 || c >= 0x7f || strings.IndexByte(`"#/<>?@\^`+"`{|}", c) >= 0 {
			return false
		}
	}
	return true
}

// expect answers Expect: 100-continue when the body is first asked for.
func (c *conn) expect() error {
	expects := c.request.Header["Expect"]
	if len(expects) == 0 {
		return nil
	}
	if len(expects) > 1 || !strings.EqualFold(expects[0], "100-continue") {
		return refuse(http.StatusExpectationFailed, "the header expects what is not known")
	}
	delete(c.request.Header, "Expect")
	if !c.body.over && c.request.ProtoMinor > 0 {
		c.body.before = c.response.goOn
	}
	return nil
}

// replayed is a connection some of which was read already.
type replayed struct {
	net.Conn
	first []byte
}

// Read is of net.Conn.
func (r *replayed) Read(p []byte) (int, error) {
	if len(r.first) > 0 {
		n := copy(p, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	return r.Conn.Read(p)
}

// malformed answers what was not taken, and lets the connection end.
func (c *conn) malformed(err error) {
	var why *Refusal
	if !errors.As(err, &why) {
		return // the client left, or was too slow
	}
	c.state.Store(reading)
	r := c.request
	*r = c.blank
	r.URL = &url.URL{}
	clear(r.Header)
	w := &c.response
	w.reset(c)
	w.close = true
	c.server.refuse(w, r, why)
	w.finish()
	c.linger()
}

// refuse answers a request that is not taken.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, why *Refusal) {
	if s.Malformed != nil {
		s.Malformed(w, r, why)
		return
	}
	http.Error(w, why.Reason, why.Status)
}

// lingerFor is how long a client may go on sending after it was answered, so
// that it reads the answer before it sees the connection reset.
const lingerFor = 500 * time.Millisecond

func (c *conn) linger() {
	if c.tcp == nil || c.tcp.CloseWrite() != nil {
		return
	}
	_ = c.tcp.SetReadDeadline(time.Now().Add(lingerFor)) // reading fails then
	_, _ = io.Copy(io.Discard, c.tcp)                    // whatever it is
}
