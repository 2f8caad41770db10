package portal

import (
	"net/http"
	"strings"

	"lgsp/catalog"
)

// mistake is one of the calls that go wrong most often, to be made on purpose.
type mistake struct {
	Code string // that it is refused with
	Curl string
	Try  tryData
}

// lesson answers GET /docs/lesson: five mistakes to make on purpose, so
// that their refusals are known when they are met. Those that need an operation
// under an agreement are left out where none is on offer.
func (p *Portal) lesson(r *http.Request) (page, error) {
	ctx := r.Context()
	open, o, found, err := p.firstOperation(ctx)
	if err != nil {
		return page{}, err
	}
	kept, k, hasKept, err := p.firstWhere(ctx, func(o catalog.Operation) bool { return o.Access != catalog.Open && o.Method == "GET" })
	if err != nil {
		return page{}, err
	}
	var list []mistake
	wrong := sampleHeader{Name: "X-API-Key", Value: "lgsp_key_" + strings.Repeat("a", 49)}
	if hasKept {
		k.Access = catalog.Open // its credential is what goes wrong
		call := callOf(kept, k)
		list = append(list, mistakeOf("no-credential", kept, call), mistakeOf("key-malformed", kept, call, wrong),
			mistakeOf("two-credentials", kept, call, wrong, sampleHeader{Name: "Authorization", Value: "Bearer abc"}))
	}
	if found {
		call := callOf(open, o)
		twisted, misspelt := call, call
		twisted.Method = "POST"
		misspelt.URL = open + "/khong-co-dia-chi-nay"
		list = append(list, mistakeOf("no-such-operation", open, misspelt), mistakeOf("method-not-offered", open, twisted))
	}
	return page{Name: "developer-lesson", Data: list}, nil
}

func mistakeOf(code, base string, call sampleCall, sends ...sampleHeader) mistake {
	call.Headers = append(sends, call.Headers...)
	return mistake{Code: code, Curl: call.curl(), Try: tryData{Method: call.Method, Base: base, Path: strings.TrimPrefix(call.URL, base), Access: catalog.Open, Sends: call.Headers}}
}
