package portal

import (
	"html/template"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/web"
)

func TestConsentPages(t *testing.T) {
	t.Parallel()
	pages, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	asked := consentData{Request: "handle", consentAsk: consentAsk{Where: audience{Platform: true},
		ConsentView: oauth.ConsentView{ClientName: "<Ứng dụng>", RedirectHost: "app.example.vn", Scopes: []string{"email"},
			Pages: []oauth.ClientPage{{Kind: "policy", URI: "https://app.example.vn/rieng-tu?a=1&b=2", Host: "app.example.vn"}}}}}
	service := asked
	service.consentAsk = consentAsk{Where: audience{TitleVI: "Đất đai", Address: "https://api.test/a/b/v1"}, OwnerVI: "Sở Nội vụ", Here: true, Wide: true,
		ConsentView: oauth.ConsentView{ClientName: "Ứng dụng", RedirectHost: "127.0.0.1:9"}}
	for _, tt := range []struct {
		name, locale, page string
		data               any
		want               []string
	}{
		{"who asks, for what, and where it leads", "vi", "consent", asked,
			[]string{"“&lt;Ứng dụng&gt;”", "Xem địa chỉ thư điện tử của bạn", "app.example.vn", "ngoài cơ quan nhà nước", `name="request" value="handle"`, `value="deny"`}},
		{"for a data service", "vi", "consent", service,
			[]string{"Gọi dịch vụ dữ liệu này thay bạn", "Đất đai", "https://api.test/a/b/v1", "Sở Nội vụ", "một chương trình trên chính máy này (127.0.0.1:9)", "Quyền này rất rộng"}},
		{"what it says of itself", "en", "consent", asked, []string{"What it does with personal data",
			`<a href="https://app.example.vn/rieng-tu?a=1&amp;b=2" rel="external noreferrer nofollow">app.example.vn</a>`}},
		{"in English", "en", "consent", asked, []string{"See your e-mail address", `action="/en/consent"`}},
		{"on to a web application", "vi", "onward", template.URL("https://app.example.vn/back?code=a&state=b"),
			[]string{`content="0;url=https://app.example.vn/back?code=a&amp;state=b"`, `href="https://app.example.vn/back?code=a&amp;state=b"`}},
		{"on to an application on the phone", "vi", "onward", template.URL("vn.example.app:/back?code=a"),
			[]string{`content="0;url=vn.example.app:/back?code=a"`, `href="vn.example.app:/back?code=a"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body, err := pages.Render(tt.locale, tt.page, web.View{Path: "/consent", Data: tt.data})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(body), want) {
					t.Errorf("lacks %s:\n%s", want, body)
				}
			}
			if strings.Contains(string(body), "Dịch vụ dữ liệu</dt>") != (tt.name == "for a data service") {
				t.Errorf("the row of the data service:\n%s", body)
			}
		})
	}
}

func TestConsentAsk(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	p.OAuth.Issuer = p.Origin
	agency, err := p.Auth.CreateAgency(t.Context(), auth.Platform("test"), auth.Agency{Slug: "so-a", Code: "H48.11", NameVI: "Sở A", NameEN: "A", ValidFrom: monday})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name       string
		view       oauth.ConsentView
		owner      string
		here, wide bool
		platform   bool
	}{
		{"a person's, on the web", oauth.ConsentView{RedirectHost: "app.example.vn", Audience: p.Origin, Scopes: []string{"openid"}}, "", false, false, true},
		{"an agency's, far-reaching", oauth.ConsentView{RedirectHost: "app.example.vn:8443", Audience: p.Origin, Agency: &agency.ID, Scopes: []string{oauth.ScopeManage}}, "Sở A", false, true, true},
		{"a program on this computer", oauth.ConsentView{RedirectHost: "127.0.0.1:49152", Audience: p.Origin}, "", true, false, true},
		{"the same by IPv6", oauth.ConsentView{RedirectHost: "[::1]:49152", Audience: p.Origin}, "", true, false, true},
		{"the same by name", oauth.ConsentView{RedirectHost: "localhost", Audience: p.Origin}, "", true, false, true},
		{"a name that begins so", oauth.ConsentView{RedirectHost: "localhost.example.vn", Audience: p.Origin}, "", false, false, true},
		{"on a phone, for a service that is gone", oauth.ConsentView{RedirectHost: "vn.example.app", Audience: "http://gateway.test/so-a/x/v1"}, "", false, false, false},
	} {
		got, err := p.consentAsk(t.Context(), auth.Principal{}, tt.view)
		if err != nil || got.OwnerVI != tt.owner || got.Here != tt.here || got.Wide != tt.wide || got.Where.Platform != tt.platform {
			t.Errorf("%s: got %+v, %v", tt.name, got, err)
		}
	}
}
