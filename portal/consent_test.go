package portal

import (
	"html/template"
	"strings"
	"testing"

	"lgsp/auth/oauth"
	"lgsp/web"
)

func TestConsentPages(t *testing.T) {
	t.Parallel()
	pages, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	asked := consentData{Request: "handle", ConsentView: oauth.ConsentView{ClientName: "<Ứng dụng>", RedirectHost: "app.example.vn",
		Scopes: []string{"email"}, Pages: []oauth.ClientPage{{Kind: "policy", URI: "https://app.example.vn/rieng-tu?a=1&b=2", Host: "app.example.vn"}}}, Where: audience{Platform: true}}
	for _, tt := range []struct {
		name, locale, page string
		data               any
		want               []string
	}{
		{"who asks, for what, and where it leads", "vi", "consent", asked,
			[]string{"“&lt;Ứng dụng&gt;”", "Xem địa chỉ thư điện tử của bạn", "app.example.vn", "Chính nền tảng này", `name="request" value="handle"`, `value="deny"`}},
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
		})
	}
}
