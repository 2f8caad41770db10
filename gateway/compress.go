package gateway

import (
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"lgsp/auth/policy"
	"lgsp/gateway/cache"
	"lgsp/internal/http1"
)

// smallest is the size from which an answer is compressed.
const smallest = 1 << 10

// deliver sends an admitted answer on, compressed where its version says so.
func (c *call) deliver(r *http.Request, res *response) {
	c.answer.hashes = c.operation.Access != Open // open data is the same for everybody
	if !c.version.Traffic.Compress || !c.public() {
		c.merged = c.answer.begin(res.status, res.fields, c.merged)
		c.broken = c.copyBody(res, &c.answer) != nil
		return
	}
	coding := c.compressible(r, res)
	c.merged = c.answer.begin(res.status, res.fields, c.merged)
	if coding == "" || r.Method == http.MethodHead || res.status == http.StatusNotModified {
		c.broken = c.copyBody(res, &c.answer) != nil
		return
	}
	p := newPacker(coding, &c.answer)
	err := c.copyBody(res, p)
	if err == nil {
		err = p.end() // a body that broke off gets no end
	}
	p.putBack()
	c.broken = err != nil
}

// public reports whether the call says nothing of who makes it, and its answer
// is everybody's: an open operation without a credential. Only such a call gets
// a key to what is stored, so what is stored is never held to agreed fields.
func (c *call) public() bool {
	return c.operation.Access == Open && c.grant == nil && c.caller.credential == policy.NoCredential
}

// copyBody sends the body, and what followed it.
func (c *call) copyBody(res *response, to io.Writer) error {
	_, err := res.body.WriteTo(to)
	c.answer.trailer(c.version.rewrite.answer.without(res.body.Trailer()))
	return err
}

// compressible gives the coding that the answer is sent in, "" for none, and
// changes its fields for it. Only answers that are everybody's are compressed:
// the length of one that holds a secret beside what the caller sent tells of
// the secret (BREACH).
func (c *call) compressible(r *http.Request, res *response) string {
	length, known := lengthOf(res.fields)
	switch {
	case res.status == http.StatusNotModified: // it tells of no type; its tag is that of what was sent
	case res.status < 200 || res.status == http.StatusNoContent || res.status == http.StatusPartialContent, known && length < smallest, !isText(res.fields):
		return ""
	}
	res.fields = varyingByCoding(res.fields)
	coding := codingOf(r.Header["Accept-Encoding"])
	if coding == "" || r.Header["Range"] != nil {
		return ""
	}
	if res.status == http.StatusNotModified {
		weaken(res.fields)
		return ""
	}
	res.fields = underCoding(res.fields, coding)
	return coding
}

// isText reports whether the fields tell of text that may be compressed, and
// is not yet.
func isText(fields http1.Fields) bool {
	if fields.Has("Content-Encoding") || cache.ParseControl(valuesOf(fields, "Cache-Control")).NoTransform {
		return false
	}
	kind, _, err := mime.ParseMediaType(fields.Get("Content-Type"))
	return err == nil && (strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml") || textTypes[kind])
}

var textTypes = map[string]bool{
	"application/json": true, "application/xml": true, "application/javascript": true, "application/x-ndjson": true, "application/jsonl": true,
	"application/yaml": true, "application/x-yaml": true, "application/sql": true, "application/wasm": true,
}

// varyingByCoding are the fields of an answer that is another one for who takes
// no coding.
func varyingByCoding(fields http1.Fields) http1.Fields {
	if !slices.Contains(fields, http1.Field{Name: "Vary", Value: "Accept-Encoding"}) {
		fields.Add("Vary", "Accept-Encoding")
	}
	return fields
}

// underCoding are the fields of an answer once its body is under a coding: what
// told of the plain body goes, and its tag becomes a weak one (RFC 9110 §8.8.3).
func underCoding(fields http1.Fields, coding string) http1.Fields {
	fields.Keep(func(line http1.Field) bool { return !ofPlainBody[line.Name] })
	weaken(fields)
	fields.Add("Content-Encoding", coding)
	return fields
}

var ofPlainBody = map[string]bool{"Content-Length": true, "Accept-Ranges": true, "Content-Md5": true, "Digest": true, "Content-Digest": true, "Repr-Digest": true}

func weaken(fields http1.Fields) {
	for i := range fields {
		if fields[i].Name == "Etag" && strings.HasPrefix(fields[i].Value, `"`) {
			fields[i].Value = "W/" + fields[i].Value
		}
	}
}

// codingOf is the coding that a caller with this Accept-Encoding wants most, of
// those spoken here; "" is none.
func codingOf(lines []string) string {
	q := acceptedCodings(lines)
	switch {
	case q.zstd > 0 && q.zstd >= q.gzip && q.zstd >= q.identity:
		return "zstd"
	case q.gzip > 0 && q.gzip >= q.identity:
		return "gzip"
	}
	return ""
}

// acceptsGzip reports whether a caller with this Accept-Encoding takes gzip as
// well as nothing.
func acceptsGzip(lines []string) bool {
	q := acceptedCodings(lines)
	return q.gzip > 0 && q.gzip >= q.identity
}

// codings are the weights of codings, in thousandths; 0: not accepted, or for
// identity, not named.
type codings struct{ zstd, gzip, identity int }

// acceptedCodings reads Accept-Encoding (RFC 9110 §12.5.3). An element that
// cannot be read is none.
func acceptedCodings(lines []string) codings {
	zstd, gzip, identity, others := -1, -1, 0, 0
	for _, line := range lines {
		for element := range strings.SplitSeq(line, ",") {
			name, parameter, weighed := strings.Cut(element, ";")
			weight := 1000
			if weighed {
				weight = weightOf(parameter)
			}
			switch name = strings.Trim(name, " \t"); {
			case strings.EqualFold(name, "zstd"):
				zstd = weight
			case strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip"):
				gzip = weight
			case strings.EqualFold(name, "identity"):
				identity = weight
			case name == "*":
				others = weight
			}
		}
	}
	if zstd < 0 {
		zstd = others
	}
	if gzip < 0 {
		gzip = others
	}
	return codings{zstd, gzip, identity}
}

// weightOf reads q=0.5 as 500 (RFC 9110 §12.4.2), anything else as 0.
func weightOf(parameter string) int {
	text := strings.Trim(parameter, " \t")
	if len(text) < 3 || len(text) > 7 || text[0]|0x20 != 'q' || text[1] != '=' || text[2] != '0' && text[2] != '1' || len(text) > 3 && text[3] != '.' {
		return 0
	}
	weight := 1000 * int(text[2]-'0')
	for i, unit := 4, 100; i < len(text); i, unit = i+1, unit/10 {
		if text[i] < '0' || text[i] > '9' {
			return 0
		}
		weight += unit * int(text[i]-'0')
	}
	if weight > 1000 {
		return 0
	}
	return weight
}

// packer compresses what is written to it. It is lent by newPacker.
type packer struct {
	encoder
	coding string
	to     io.Writer
}

type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

// The codings, as they were measured: gzip of this make is four times as fast
// as the standard library's for the same size, and zstd faster again, with
// smaller tables. Its window is well within what every client takes (RFC 9659).
var packers = map[string]*sync.Pool{
	"gzip": {New: func() any {
		e, err := gzip.NewWriterLevel(nil, 5)
		if err != nil {
			panic(err) // the level is one of gzip's
		}
		return &packer{encoder: e, coding: "gzip"}
	}},
	"zstd": {New: func() any {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // the options are zstd's
		}
		return &packer{encoder: e, coding: "zstd"}
	}},
}

func newPacker(coding string, to io.Writer) *packer {
	p := packers[coding].Get().(*packer)
	p.to = to
	p.Reset(to)
	return p
}

// FlushError sends all that was written: the next part may be long in coming.
func (p *packer) FlushError() error {
	if err := p.Flush(); err != nil {
		return err
	}
	if flusher, ok := p.to.(interface{ FlushError() error }); ok {
		return flusher.FlushError()
	}
	return nil
}

// end writes what ends the coding.
func (p *packer) end() error { return p.Close() }

func (p *packer) putBack() {
	p.to = nil
	p.Reset(io.Discard)
	packers[p.coding].Put(p)
}

// lengthOf is the Content-Length of fields; false: none.
func lengthOf(fields http1.Fields) (int64, bool) {
	length, err := strconv.ParseInt(fields.Get("Content-Length"), 10, 64)
	return length, err == nil && length >= 0
}

func valuesOf(fields http1.Fields, name string) []string {
	var list []string
	for _, line := range fields {
		if line.Name == name {
			list = append(list, line.Value)
		}
	}
	return list
}
