package gateway

import (
	"strings"
	"testing"
)

// TestAttackPaths: what two programs could read as two paths is refused, with a
// credential that would open it; what is read in one way is what it is.
func TestAttackPaths(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	var attacks []attack
	for _, path := range []string{
		"{P}/danh-muc/../ho-so", "{P}/danh-muc/./1", "{P}/danh-muc/..", "{P}/../v1/ho-so", "/../{P}/ho-so", "{P}/danh-muc/%2e%2e/ho-so", "{P}/danh-muc/%2E./ho-so", "{P}/danh-muc/%2e/1",
		"{P}/danh-muc/x%2F..%2F..%2Fho-so", "{P}/danh-muc/..%2fho-so", "{P}/danh-muc%2F..", "{P}/danh-muc/%252e%252e%252fho-so", "{P}/danh-muc/x%252Fy", "{P}/danh-muc/%25%32%65",
		"{P}/danh-muc/;/ho-so", "{P}/danh-muc/..;/ho-so", "{P}/danh-muc;x=1/1", "{P}/danh-muc/%3bx", "{P}//ho-so", "/{P}/ho-so", "{P}/danh-muc//1", "{P}/danh-muc/1//",
		`{P}\ho-so`, `{P}/danh-muc\..\ho-so`, "{P}/danh-muc/%5c..%5cho-so", "{P}/danh-muc/1%00", "{P}/danh-muc/1%00.json", "{P}/danh-muc/1%0d%0aX-API-Key:%20a", "{P}/danh-muc/%7f",
		"{P}/danh-muc/%c0%ae%c0%ae/ho-so", "{P}/danh-muc/%e0%80%af", "{P}/danh-muc/%ff", "{P}/%68o-so", "{P}/ho%2Dso",
		"{P}/danh-muc/a|b", "{P}/danh-muc/<b>", `{P}/danh-muc/"`, "{P}/danh-muc/{x}", "{P}/danh-muc/[x]", "{P}/ho-so#x", "{P}/danh-muc/" + strings.Repeat("a", 4100),
		"http://gateway.test{P}/../ho-so", "http://gateway.test//ho-so", "HTTP://gateway.test{P}/ho-so", "http://gateway.test?{P}/ho-so", "http:{P}/ho-so",
	} {
		attacks = append(attacks, attack{name: path, sent: keyed(path + "?q={Q}"), status: 400, code: "path-not-canonical"})
	}
	for _, path := range []string{
		"{P}", "{P}/", "{P}/ho-so/", "{P}/HO-SO", "{P}/ho-so%2F", "{P}%2Fho-so", "{P}ho-so", "{P}0/ho-so", "/So-noi-vu/ho-so/v1/ho-so", "/so-noi-vu/ho-so/V1/ho-so", "/so-noi-vu%2Fho-so/v1/ho-so",
		"/ho-so", "/", "/so-noi-vu", "{P}/danh-muc", "{P}/danh-muc/", "{P}/danh-muc/1/2", "http://gateway.test", "/x{P}/ho-so", "{P}{P}/ho-so",
	} {
		attacks = append(attacks, attack{name: "not there: " + path, sent: keyed(path), status: 404, code: "no-such-operation"})
	}
	for _, target := range []string{"{P}/danh-muc/á", "{P}/danh-muc/a b", "{P}/danh-muc/\x00", "{P}/danh-muc/\x7f", "{P}/danh-muc/1\t", "{P}/danh-muc/%", "{P}/danh-muc/%2", "{P}/danh-muc/%zz", "{P}/danh-muc/%u002e", "ho-so", "*", "ftp://gateway.test{P}/ho-so\x01", "http://u:p@gateway.test{P}/ho-so", "http:///ho-so x"} {
		attacks = append(attacks, attack{name: "no target: " + target, sent: keyed(target), status: 400, code: "request-malformed"})
	}
	attacks = append(attacks,
		attack{name: "a proxy's own target", sent: strings.Replace(keyed("gateway.test:443"), "GET", "CONNECT", 1), status: 405, code: "request-malformed"},
		attack{name: "the server as a whole", sent: asks("OPTIONS", "*"), status: 400, code: "path-not-canonical"},
		attack{name: "a query that can be read in two ways", sent: keyed("{P}/ho-so?trang=1;q={Q}"), status: 400, code: "query-malformed"},
		attack{name: "a query that cannot be read", sent: keyed("{P}/ho-so?q={Q}%zz"), status: 400, code: "query-malformed"},
		attack{name: "one path", sent: keyed("{P}/danh-muc/a%2fb%C3%a1?q={Q}"), status: 200, reached: 1},
	)
	a.each(t, attacks)
	if r, _ := a.last(); r.RequestURI != "/goc/danh-muc/a%2Fb%C3%A1?q="+asked {
		t.Errorf("the upstream was asked for %s", r.RequestURI)
	}
}
