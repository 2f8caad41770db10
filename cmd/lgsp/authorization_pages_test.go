package main

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"lgsp/docs"
)

// aFile as a body is a form with a CSV file.
const aFile = "file"

// guideRoute is the route of every guide.
var guideRoute = "GET /docs/{guide:" + strings.Join(docs.Names, "|") + "}"

func (w *world) pageAttempts() []attempt {
	wish := w.wish("quan-ly")
	request := url.Values{"step": {"send"}, "application": {wish.ApplicationID.String()}, "purpose": {wish.Purpose}, "purpose_text": {wish.PurposeText},
		"legal_basis": {wish.LegalBasis}, "starts": {wish.Starts}, "ends": {wish.Ends}, "operation": {"thua-dat"}, "fields.thua-dat": {"/ma"}}
	document := url.Values{"number": {"v9"}, "text": {worldSpec}}.Encode()
	sunset := time.Now().AddDate(1, 0, 0).UTC().Format(time.DateOnly)
	list := []attempt{
		{"POST /sign-in", "", "/sign-in", url.Values{"email": {"citizen@world.example"}, "password": {w.password["citizen"]}}.Encode()},
		{"POST /sign-up", "", "/sign-up", "name=M&email=m@world.example&terms=yes"},
		{"GET /docs/problems/{code:[a-z0-9-]{1,80}}", "", "/docs/problems/agreement-ended", ""},
		{"GET /docs/pictures/{name:[a-z.-]{1,40}}", "", "/docs/pictures/home.png", ""},
		{guideRoute, "", "/docs/citizens", ""},
		{guideRoute + "/{section}", "", "/docs/operators/settings", ""},
		{"GET /sign-up/confirm", "no link", "/sign-up/confirm?token=x", ""},
		{"POST /sign-up/confirm", "own, or no link", "/sign-up/confirm", "token=x&password=mot+mat+khau+dai"},
		{"POST /forgot-password", "", "/forgot-password", "email=citizen@world.example"},
		{"GET /sign-out", "", "/sign-out", ""},
		{"GET /sign-out", "an unknown application", "/sign-out?client_id=x", ""},
		{"POST /sign-out", "", "/sign-out", ""},
		{"GET /signed-out", "", "/signed-out", ""},
		{"GET /account/sessions", "own", "/account/sessions", ""},
		{"POST /account/sessions/{id}/end", "own or already gone", "/account/sessions/{application}/end", ""},
		{"POST /account/sessions/end-others", "own", "/account/sessions/end-others", ""},
		{"GET /account/consents", "own", "/account/consents", ""},
		{"POST /account/consents/{id}/revoke", "own or already gone", "/account/consents/{application}/revoke", ""},
		{"GET /consent", "no request", "/consent?request=x", ""},
		{"POST /consent", "no request", "/consent", "request=x&answer=allow"},
		{"GET /device", "no code", "/device", ""},
		{"POST /device", "no such code", "/device", "user_code=BCDF-GHJK&answer=allow"},
		{"GET /set-password", "no link", "/set-password?token=x", ""},
		{"POST /set-password", "no link", "/set-password", "token=x&password=mot+mat+khau+dai&repeated=mot+mat+khau+dai"},
		{"GET /sign-in/second", "nothing pending", "/sign-in/second", ""},
		{"POST /sign-in/second", "nothing pending", "/sign-in/second", "code=123456"},
		{"GET /sign-in/confirm", "", "/sign-in/confirm", ""},
		{"POST /sign-in/confirm", "wrong", "/sign-in/confirm", "present=khong+phai"},
		{"POST /sign-in/passkey", "no passkey", "/sign-in/passkey", "handle=x&credential={}"},
		{"POST /sign-in/passkey/ask", "", "/sign-in/passkey/ask", ""},
		{"GET /account/security", "own", "/account/security", ""},
		{"GET /account/security/app", "own", "/account/security/app", ""},
		{"POST /account/security/app", "own", "/account/security/app", ""},
		{"POST /account/security/app/confirm", "own", "/account/security/app/confirm", "code=123456"},
		{"POST /account/security/app/remove", "own", "/account/security/app/remove", ""},
		{"POST /account/security/passkeys", "own", "/account/security/passkeys", "name=a&handle=x&credential={}"},
		{"POST /account/security/passkeys/ask", "own", "/account/security/passkeys/ask", ""},
		{"POST /account/security/passkeys/{id}/remove", "own or already gone", "/account/security/passkeys/{application}/remove", ""},
		{"POST /account/security/codes", "own", "/account/security/codes", ""},
		{"GET /agencies/{slug}", "", "/agencies/so-a", ""},
		{"GET /account", "own", "/account", ""},
		{"POST /account/name", "own", "/account/name", "full_name=Khac&locale=vi"},
		{"GET /account/password", "own", "/account/password", ""},
		{"POST /account/password", "own", "/account/password", "present=x&password=mot+mat+khau+dai&repeated=mot+mat+khau+dai"},
		{"GET /account/email", "own", "/account/email", ""},
		{"POST /account/email", "own", "/account/email", "email=khac@world.example"},
		{"GET /account/email/confirm", "no link", "/account/email/confirm?token=x", ""},
		{"POST /account/email/confirm", "no link", "/account/email/confirm", "token=x"},
		{"GET /account/data", "own", "/account/data", ""},
		{"GET /account/export", "own", "/account/export", ""},
		{"POST /account/delete", "own", "/account/delete", "email=citizen@world.example"},
		{"POST /account/identities/begin", "no provider", "/account/identities/begin", ""},
		{"GET /account/identities/link", "no provider", "/account/identities/link", ""},
		{"POST /account/identities/link", "no answer kept", "/account/identities/link", ""},
		{"POST /account/identities/unlink", "none", "/account/identities/unlink", "issuer=x&subject=x"},
		{"POST /sign-in/outside", "no provider", "/sign-in/outside", ""},
		{"GET /sign-in/outside/callback", "no provider", "/sign-in/outside/callback?state=x&code=x", ""},
		{"GET /sign-in/outside/new", "no provider", "/sign-in/outside/new", ""},
		{"POST /sign-in/outside/new", "no provider", "/sign-in/outside/new", "name=M&terms=yes"},
		{"POST /account/tokens", "own", "/account/tokens", "name=moi&lasts=1"},
		{"POST /account/tokens/{id}/revoke", "own or already gone", "/account/tokens/{token of developer}/revoke", ""},
		{"GET /developer/registration-tokens", "own", "/developer/registration-tokens", ""},
		{"POST /developer/registration-tokens", "own", "/developer/registration-tokens", "name=moi&grant_types=authorization_code&max_uses=1&days=7"},
		{"POST /developer/registration-tokens", "the agency's", "/developer/registration-tokens", "name=moi&agency={so-a}&grant_types=authorization_code&max_uses=1&days=7"},
		{"POST /developer/registration-tokens/{id}/revoke", "the agency's", "/developer/registration-tokens/{registration token}/revoke", ""},
		{"POST /developer/applications/new", "own", "/developer/applications/new", "name=moi"},
		{"POST /developer/applications/new", "the agency's", "/developer/applications/new", "name=moi&agency={so-a}"},
		{"POST /developer/applications/{id}/credentials/{credential}/rotate", "the developer's", "/developer/applications/{application}/credentials/{api_key}/rotate", "overlap=1"},
		{"POST /developer/applications/{id}/credentials/{credential}/revoke", "the developer's", "/developer/applications/{application}/credentials/{api_key}/revoke", ""},
		{"GET /developer/applications/{id}/credentials/{credential}", "the developer's", "/developer/applications/{application}/credentials/{api_key}", ""},
		{"POST /developer/applications/{id}/credentials/{credential}", "the developer's", "/developer/applications/{application}/credentials/{api_key}", "networks=10.0.0.0/8"},
		{"POST /agency/{agency}/apis/new", "agency A", "/agency/so-a/apis/new", "slug=moi&title_vi=Moi"},
		{"POST /agency/{agency}/datasets/new", "agency A", "/agency/so-a/datasets/new", "slug=moi&title_vi=Moi"},
		{"GET /agency/{agency}/prepare", "agency A", "/agency/so-a/prepare", ""},
		{"POST /agency/{agency}/prepare", "agency A, no file", "/agency/so-a/prepare", "key=x"},
		{"POST /agency/{agency}/prepare/uploads", "agency A", "/agency/so-a/prepare/uploads", "tus"},
		{"PATCH /agency/{agency}/prepare/uploads/{upload}", "agency A, none", "/agency/so-a/prepare/uploads/00000000-0000-7000-8000-000000000001", "tus"},
		{"DELETE /agency/{agency}/prepare/uploads/{upload}", "agency A, none", "/agency/so-a/prepare/uploads/00000000-0000-7000-8000-000000000001", "tus"},
		{"GET /agency/{agency}/prepare/{id}", "agency A, none", "/agency/so-a/prepare/00000000-0000-7000-8000-000000000001", ""},
		{"GET /agency/{agency}/prepare/{id}/table", "agency A, none", "/agency/so-a/prepare/00000000-0000-7000-8000-000000000001/table", ""},
		{"POST /agency/{agency}/prepare/{id}/table", "agency A, none", "/agency/so-a/prepare/00000000-0000-7000-8000-000000000001/table", "revision=1"},
		{"GET /agency/{agency}/prepare/{id}/personal", "agency A, none", "/agency/so-a/prepare/00000000-0000-7000-8000-000000000001/personal", ""},
		{"POST /agency/{agency}/prepare/{id}/personal", "agency A, none", "/agency/so-a/prepare/00000000-0000-7000-8000-000000000001/personal", "revision=1"},
		{"GET /agency/{agency}/prepare/{id}/about", "agency A, none", "/agency/so-a/prepare/00000000-0000-7000-8000-000000000001/about", ""},
		{"POST /agency/{agency}/prepare/{id}/about", "agency A, none", "/agency/so-a/prepare/00000000-0000-7000-8000-000000000001/about", "revision=1&title_vi=Moi"},
		{"POST /agency/{agency}/prepare/{id}/make", "agency A, none", "/agency/so-a/prepare/00000000-0000-7000-8000-000000000001/make", ""},
		{"POST /agency/{agency}/prepare/{id}/send", "agency A, none", "/agency/so-a/prepare/00000000-0000-7000-8000-000000000001/send", ""},
		{"POST /agency/{agency}/prepare/{id}/drop", "agency A, none", "/agency/so-a/prepare/00000000-0000-7000-8000-000000000001/drop", ""},
		{"GET /agency/{agency}/prepare/{id}/summary", "agency A, none", "/agency/so-a/prepare/00000000-0000-7000-8000-000000000001/summary", ""},
		{"GET /agency/{agency}/prepare/{id}/sent", "agency A, none", "/agency/so-a/prepare/00000000-0000-7000-8000-000000000001/sent", ""},
		{"GET /agency/{agency}/harvest", "agency A", "/agency/so-a/harvest", ""},
		{"POST /agency/{agency}/harvest", "agency A", "/agency/so-a/harvest", "name=Khac&kind=ckan&url=http://127.0.0.1:9/khac&theme=TECH&licence=CC0-1.0&every_hours=24"},
		{"GET /agency/{agency}/harvest/{id}", "agency A", "/agency/so-a/harvest/{source}", ""},
		{"POST /agency/{agency}/harvest/{id}", "agency A", "/agency/so-a/harvest/{source}", "name=Khac&kind=ckan&url=http://127.0.0.1:9/khac&theme=TECH&licence=CC0-1.0&every_hours=24"},
		{"POST /agency/{agency}/harvest/{id}/preview", "agency A, out of reach", "/agency/so-a/harvest/{source}/preview", ""},
		{"POST /agency/{agency}/harvest/{id}/ask", "agency A", "/agency/so-a/harvest/{source}/ask", ""},
		{"POST /agency/{agency}/harvest/{id}/publishes", "agency A", "/agency/so-a/harvest/{source}/publishes", "publishes=yes"},
		{"POST /agency/{agency}/harvest/{id}/end", "agency A", "/agency/so-a/harvest/{source}/end", ""},
		{"POST /operator/issuers", "", "/operator/issuers", "name=Bo&issuer=https://sso.example.vn&introspection_url=https://sso.example.vn/hoi&client_id=tinh&client_secret=bi-mat"},
		{"GET /operator/issuers/{id}", "", "/operator/issuers/{application}", ""},
		{"POST /operator/issuers/{id}", "", "/operator/issuers/{application}", "name=Bo&issuer=https://sso.example.vn&introspection_url=https://sso.example.vn/hoi&client_id=tinh"},
		{"POST /operator/issuers/{id}/clients", "", "/operator/issuers/{application}/clients", "client=x&application={application}"},
		{"POST /operator/issuers/{id}/remove", "", "/operator/issuers/{application}/remove", ""},
		{"POST /developer/applications/{id}/webhooks/{webhook}/test", "the developer's", "/developer/applications/{application}/webhooks/{webhook}/test", ""},
		{"POST /developer/applications/{id}/webhooks/{webhook}/messages/{message}/again", "the developer's", "/developer/applications/{application}/webhooks/{webhook}/messages/{webhook message}/again", ""},
		{"POST /developer/applications/{id}/webhooks/{webhook}/remove", "the developer's", "/developer/applications/{application}/webhooks/{webhook}/remove", ""},
		{"POST /operator/honey-keys", "the platform's", "/operator/honey-keys", "kind=api_key&name=Hop+thu"},
		{"POST /operator/honey-keys/{key}/end", "the developer's", "/operator/honey-keys/{honey key}/end", ""},
		{"POST /developer/applications/{id}/honey-keys/{key}/end", "the developer's", "/developer/applications/{application}/honey-keys/{honey key}/end", ""},
		{"POST /account/searches", "own", "/account/searches", "q=dich+vu"},
		{"POST /account/searches/{id}/open", "the developer's", "/account/searches/{saved search}/open", ""},
		{"POST /account/searches/{id}/drop", "the developer's", "/account/searches/{saved search}/drop", ""},
		{"GET /account/searches", "own", "/account/searches", ""},
		{"GET /operator/synonyms", "", "/operator/synonyms", ""},
		{"POST /operator/synonyms", "", "/operator/synonyms", "term=QLNN&meaning=quan+ly+nha+nuoc"},
		{"GET /operator/synonyms/{id}", "", "/operator/synonyms/{synonym}", ""},
		{"POST /operator/synonyms/{id}", "", "/operator/synonyms/{synonym}", "term=UBND&meaning=uy+ban+nhan+dan+cac+cap"},
		{"POST /operator/synonyms/{id}/drop", "", "/operator/synonyms/{synonym}/drop", ""},
		{"POST /operator/upstreams", "agency A", "/operator/upstreams", "agency={so-a}&host_port=10.1.2.3:80"},
		{"POST /agreements/{id}/approve", "asked", "/agreements/{asked agreement}/approve", ""},
		{"POST /agreements/{id}/refuse", "asked", "/agreements/{asked agreement}/refuse", url.Values{"reason": {"Ngoài phạm vi được chia sẻ."}, "legal_basis": {"nd-194-2025-d16"}}.Encode()},
		{"POST /agreements/{id}/suspend", "agreed", "/agreements/{agreed agreement}/suspend", "reason=Kiem+tra+dot+xuat"},
		{"POST /agreements/{id}/resume", "suspended", "/agreements/{suspended agreement}/resume", "note="},
		{"POST /agreements/{id}/end", "agreed", "/agreements/{agreed agreement}/end", "reason=Khong+con+can"},
		{"POST /agreements/{id}/ask", "asked", "/agreements/{asked agreement}/ask", "text=Can+de+lam+gi"},
		{"POST /agreements/{id}/answer", "questioned", "/agreements/{questioned agreement}/answer", "text=De+tra+cuu"},
		{"POST /agreements/{id}/confirm", "agreed", "/agreements/{agreed agreement}/confirm", "note="},
		{"POST /agreements/{id}/renew", "agreed", "/agreements/{agreed agreement}/renew", "ends=" + time.Now().AddDate(0, 9, 0).Format(time.DateOnly)},
		{"GET /agreements/{id}/decision", "agreed", "/agreements/{agreed agreement}/decision", ""},
		{"GET /agreements/{id}/decision", "asked", "/agreements/{asked agreement}/decision", ""},
		{"GET /agency/{agency}/decisions", "agency A", "/agency/so-a/decisions", ""},
		{"POST /agency/{agency}/decisions/releases", "agency A", "/agency/so-a/decisions/releases", "release_two_persons=yes"},
		{"POST /agency/{agency}/decisions/rules", "agency A", "/agency/so-a/decisions/rules", "two_persons=yes&confirm_months=6"},
		{"POST /agency/{agency}/decisions/away", "agency A", "/agency/so-a/decisions/away", "to_id=" + w.people["publisher"].Person.String() + "&starts=" +
			time.Now().Format(time.DateOnly) + "&ends=" + time.Now().AddDate(0, 0, 7).Format(time.DateOnly)},
		{"POST /agency/{agency}/decisions/back", "the steward's", "/agency/so-a/decisions/back", "id={delegation}"},
		{"POST /agreements/{id}/withdraw", "asked", "/agreements/{asked agreement}/withdraw", "reason=Khong+con+can"},
		{"POST /apis/{agency}/{api}/{version}/token", "the developer's application", "/apis/so-a/dich-vu-public/v1/token", "application={application}"},
		{"GET /developer/key", "own", "/developer/key", ""},
		{"POST /developer/key", "own", "/developer/key", ""},
		{"POST /apis/{agency}/{api}/{version}/request", "the developer's", "/apis/so-a/dich-vu-public/v1/request", request.Encode()},
		{"GET /explain", "the developer's application", "/explain?application={application}&version={published version}&operation=nguoi&credential=token", ""},
		{"GET /audit", "the developer's application", "/audit?application={application}", ""},
		{"GET /robots.txt", "", "/robots.txt", ""},
		{"GET /llms.txt", "", "/llms.txt", ""},
		{"GET /sitemap/datasets-{file:[0-9]{1,4}}.xml", "", "/sitemap/datasets-1.xml", ""},
		{"GET /.well-known/api-catalog", "", "/.well-known/api-catalog", ""},
	}
	for _, path := range []string{"/", "/search", "/start", "/terms", "/privacy", "/accessibility", "/dev/components", "/demo/mail", "/docs/rows", "/docs/lesson", "/docs", "/docs/problems", "/docs/words", "/docs/journey", "/status", "/sign-in", "/sign-up", "/forgot-password",
		"/sitemap.xml", "/sitemap/pages.xml", "/datasets", "/agencies", "/apis", "/agency", "/audit", "/audit/acts", "/audit/ledger", "/operator", "/operator/upstreams", "/operator/issuers", "/operator/honey-keys",
		"/developer", "/developer/applications/new", "/explain"} {
		list = append(list, attempt{"GET " + path, "", path, ""})
	}
	for _, page := range []string{"", "/apis/new", "/datasets/new", "/requests"} {
		list = append(list, attempt{"GET /agency/{agency}" + page, "agency A", "/agency/so-a" + page, ""})
	}
	for _, name := range []string{"application", "agency's application"} {
		for _, page := range []string{"/settings", "/keys", "/leak", "/honey-keys", "/webhooks", "/usage", "/usage.csv"} {
			list = append(list, attempt{"GET /developer/applications/{id}" + page, name, "/developer/applications/{" + name + "}" + page, ""})
		}
		at := "/developer/applications/{" + name + "}"
		list = append(list, attempt{"POST /developer/applications/{id}/settings", name, at + "/settings", "section=about&name=Khac"},
			attempt{"POST /developer/applications/{id}/keys", name, at + "/keys", ""},
			attempt{"POST /developer/applications/{id}/webhooks", name, at + "/webhooks", "url=https%3A%2F%2Fapp.example.vn%2F&topics=agreement"},
			attempt{"POST /developer/applications/{id}/honey-keys", name, at + "/honey-keys", "kind=api_key&name=Hop+thu"},
			attempt{"POST /developer/applications/{id}/leak", name, at + "/leak", "credential=00000000-0000-0000-0000-000000000000"},
			attempt{"POST /developer/applications/{id}/transfer", name, at + "/transfer", "agency={so-a}"})
		list = append(list, attempt{"GET /developer/applications/{id}", name, "/developer/applications/{" + name + "}", ""},
			attempt{"POST /developer/applications/{id}/credentials", name, "/developer/applications/{" + name + "}/credentials", "kind=api_key"})
	}
	for _, name := range []string{"asked", "agreed"} {
		list = append(list, attempt{"GET /agreements/{id}", name, "/agreements/{" + name + " agreement}", ""},
			attempt{"GET /agreements/{id}/sent", name, "/agreements/{" + name + " agreement}/sent", ""})
	}
	for _, api := range []string{"public", "hidden"} {
		public, desk := "/apis/so-a/dich-vu-"+api, "/agency/so-a/apis/dich-vu-"+api
		const open, template = "/apis/{agency}/{api}", "/agency/{agency}/apis/{api}"
		const version = template + "/{version:v[0-9]+}"
		list = append(list, attempt{"GET " + open, api, public, ""},
			attempt{"GET " + open + "/{version}", api, public + "/v1", ""},
			attempt{"GET " + open + "/{version}/openapi.json", api, public + "/v1/openapi.json", ""},
			attempt{"GET " + open + "/{version}/service.wsdl", api, public + "/v1/service.wsdl", ""},
			attempt{"GET " + open + "/{version}/openapi.yaml", api, public + "/v1/openapi.yaml", ""},
			attempt{"GET " + open + "/{version}/postman.json", api, public + "/v1/postman.json", ""},
			attempt{"GET " + open + "/{version}/request", api, public + "/v1/request", ""},
			attempt{"GET " + open + "/{version}/{operation}", api, public + "/v1/nguoi", ""},
			attempt{"GET " + template + "/about", api, desk + "/about", ""},
			attempt{"POST " + template + "/about", api, desk + "/about", "title_vi=Khac"},
			attempt{"GET " + template + "/new", api, desk + "/new", ""},
			attempt{"POST " + template + "/new", api, desk + "/new", document},
			attempt{"GET " + version + "/document", api, desk + "/v1/document", ""},
			attempt{"POST " + version + "/document", api, desk + "/v1/document", document},
			attempt{"POST " + version + "/connection", api, desk + "/v1/connection", "upstream_url=http://{upstream}&plan=high"},
			attempt{"POST " + version + "/hosts", api, desk + "/v1/hosts", "host_port=10.1.2.3:80"},
			attempt{"POST " + version + "/traffic/limits", api, desk + "/v1/traffic/limits", "limits/0/per=api&limits/0/calls=9&limits/0/window=1s"},
			attempt{"POST " + version + "/traffic/check", api, desk + "/v1/traffic/check", "check/requests=report&check/answers=sample"},
			attempt{"POST " + version + "/drift/clear", api, desk + "/v1/drift/clear", ""},
			attempt{"POST " + version + "/conditions", api, desk + "/v1/conditions", "conditions/0/purpose=yes"},
			attempt{"POST " + version + "/traffic/sizes", api, desk + "/v1/traffic/sizes", "websocket=yes"},
			attempt{"POST " + version + "/traffic/cache", api, desk + "/v1/traffic/cache", "compress=yes"},
			attempt{"POST " + version + "/upstream/client-key", api, desk + "/v1/upstream/client-key", "end=yes"},
			attempt{"POST " + version + "/upstream/{part}", api, desk + "/v1/upstream/protocol", "protocol=h2"},
			attempt{"POST " + version + "/traffic/callers", api, desk + "/v1/traffic/callers", "basic=yes"},
			attempt{"POST " + version + "/traffic/concurrency", api, desk + "/v1/traffic/concurrency", "concurrency/calls=500"},
			attempt{"POST " + version + "/marks", api, desk + "/v1/marks", ""},
			attempt{"POST " + version + "/publish", api, desk + "/v1/publish", ""},
			attempt{"POST " + version + "/deprecate", api, desk + "/v1/deprecate", "sunset=" + sunset},
			attempt{"GET " + version + "/revisions/{number:[0-9]+}", api, desk + "/v1/revisions/1", ""},
			attempt{"POST " + version + "/revisions/{number:[0-9]+}/restore", api, desk + "/v1/revisions/1/restore", "why=x"},
			attempt{"GET " + version + "/promotion", api, desk + "/v1/promotion", ""},
			attempt{"POST " + version + "/promotion/propose", api, desk + "/v1/promotion/propose", "why=x"},
			attempt{"POST " + version + "/promotion/promote", api + ", nothing proposed", desk + "/v1/promotion/promote", "hash=x"},
			attempt{"POST " + version + "/promotion/return", api + ", nothing proposed", desk + "/v1/promotion/return", "answer=x"},
			attempt{"POST " + version + "/promotion/drop", api, desk + "/v1/promotion/drop", ""},
			attempt{"POST " + version + "/found/mend", api, desk + "/v1/found/mend", "code=spec-no-refusals"},
			attempt{"POST " + version + "/keep", api, desk + "/v1/keep", "keep_reason=con+dung"},
			attempt{"GET " + open + "/{version}/pages/{page}", api, public + "/v1/pages/khong-co", ""},
			attempt{"GET " + version + "/pages", api, desk + "/v1/pages", ""},
			attempt{"POST " + version + "/pages", api, desk + "/v1/pages", "slug=bat-dau&title_vi=a&body_vi=b"},
			attempt{"GET " + version + "/pages/{page}", api, desk + "/v1/pages/khong-co", ""},
			attempt{"POST " + version + "/pages/{page}", api, desk + "/v1/pages/khong-co", "slug=bat-dau&title_vi=a&body_vi=b"},
			attempt{"POST " + version + "/pages/{page}/delete", api, desk + "/v1/pages/khong-co/delete", ""},
			attempt{"POST " + version + "/sandbox", api, desk + "/v1/sandbox", ""},
			attempt{"POST " + version + "/sandbox/close", api, desk + "/v1/sandbox/close", ""},
			attempt{"POST " + version + "/retire", api, desk + "/v1/retire", "confirm=dich-vu-" + api + "/v1"})
		for _, page := range []string{"", "/found", "/connection", "/traffic", "/conditions", "/upstream", "/marks", "/publish", "/end", "/revisions"} {
			list = append(list, attempt{"GET " + version + page, api, desk + "/v1" + page, ""})
		}
	}
	for _, state := range []string{"drafted", "opened"} {
		const template = "/agency/{agency}/datasets/{dataset}"
		desk := "/agency/so-a/datasets/" + state + "-data"
		file := desk + "/files/{" + state + " file}"
		list = append(list, attempt{"GET /dataset/{slug}", state, "/dataset/" + state + "-data", ""},
			attempt{"GET /embed/dataset/{slug}/{what:table|chart|map}", state, "/embed/dataset/" + state + "-data/table", ""},
			attempt{"GET /dataset/{slug}/download/{id}", state, "/dataset/" + state + "-data/download/{" + state + " file}?format=csv", ""},
			attempt{"GET /r/{id}", state, "/r/{" + state + " file}", ""},
			attempt{"GET /dataset/{slug}/resource/{id}/download/{file}", state, "/dataset/" + state + "-data/resource/{" + state + " file}/download/so-lieu.csv", ""},
			attempt{"GET " + template, state, desk, ""},
			attempt{"GET " + template + "/edit", state, desk + "/edit", ""},
			attempt{"POST " + template + "/edit", state, desk + "/edit", "title_vi=Khac&notes_vi=Khac&theme=TECH&slug=" + state + "-data"},
			attempt{"POST " + template + "/files", state, desk + "/files", aFile},
			attempt{"POST " + template + "/files/{file}", state, file, aFile},
			attempt{"GET /dataset/{slug}/all.zip", state, "/dataset/" + state + "-data/all.zip", ""},
			attempt{"GET /r/{id}", state + " link", "/r/{" + state + " link}", ""},
			attempt{"POST " + template + "/links", state, desk + "/links", "url=https://example.com/a.csv"},
			attempt{"POST " + template + "/links/{file}", state, desk + "/links/{" + state + " link}", "to=https://example.com/b.csv"},
			attempt{"POST " + template + "/links/{file}/check", state, desk + "/links/{" + state + " link}/check", ""},
			attempt{"POST " + template + "/uploads", state, desk + "/uploads", "tus"},
			attempt{"GET " + template + "/files/{file}/columns", state, file + "/columns", ""},
			attempt{"POST " + template + "/files/{file}/columns", state, file + "/columns", ""})
	}
	for _, method := range []string{"HEAD", "PATCH", "DELETE"} {
		list = append(list, attempt{method + " /agency/{agency}/datasets/{dataset}/uploads/{upload}", "the publisher's",
			"/agency/so-a/datasets/drafted-data/uploads/{upload}", "tus"})
	}
	for verb, state := range map[string]string{"submit": "drafted", "approve": "submitted", "return": "submitted", "publish": "approved", "withdraw": "opened"} {
		list = append(list, attempt{"POST /agency/{agency}/datasets/{dataset}/" + verb, state, "/agency/so-a/datasets/" + state + "-data/" + verb, "reason=Vi+ly+do"})
	}
	for _, verb := range []string{"approve", "return", "discard"} {
		list = append(list, attempt{"POST /agency/{agency}/datasets/{dataset}/edit/" + verb, "changed", "/agency/so-a/datasets/changed-data/edit/" + verb, "reason=Vi+ly+do&edit={edit}"})
	}
	list = append(list, attempt{"GET /agency/{agency}/due", "agency A", "/agency/so-a/due", ""})
	list = append(list, attempt{"POST /agency/{agency}/datasets/{dataset}/schedule", "approved", "/agency/so-a/datasets/approved-data/schedule", ""})
	list = append(list, attempt{"POST /agency/{agency}/datasets/{dataset}/reviewed", "opened", "/agency/so-a/datasets/opened-data/reviewed", ""})
	return slices.Concat(list, w.teamPages(), w.peoplePages(), w.noticePages(), w.clockPages(), w.fieldPages(), w.usagePages(), w.healthPages(), w.explainPages(), w.operatePages(), w.roomPages())
}

// TestAuthorizationOfPages is TestAuthorization for what people see. A reader
// who is sent to sign in counts as 401.
func TestAuthorizationOfPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	again := w.again()
	pages := undone(t, again, again.portal.Routes())
	attempts := w.pageAttempts()
	tried := map[string]bool{}
	for _, a := range attempts {
		tried[a.route] = true
	}
	w.must(w.portal.PageRoutes().Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, err := route.GetMethods()
		for _, method := range methods {
			if method != http.MethodHead && !tried[method+" "+path] {
				t.Errorf("nobody has tried %s %s: add it to pageAttempts", method, path)
			}
		}
		return err
	}))
	w.compare("testdata/authorization_pages.txt", attempts, func(role string, a attempt) (int, string) { return w.look(pages, role, a) })
}

// look asks for a page, or sends a form, as a role.
func (w *world) look(h http.Handler, role string, a attempt) (int, string) {
	w.t.Helper()
	method, _, _ := strings.Cut(a.route, " ")
	body, kind := w.fill(a.body), "application/x-www-form-urlencoded"
	if a.body == aFile {
		var form bytes.Buffer
		parts := multipart.NewWriter(&form)
		part, err := parts.CreateFormFile("file", "b.csv")
		w.must(err)
		_, err = part.Write([]byte("Mã,Số\n3,4\n"))
		w.must(err)
		w.must(parts.Close())
		body, kind = form.String(), parts.FormDataContentType()
	}
	r := httptest.NewRequest(method, w.fill(a.path), strings.NewReader(body))
	if a.body == "tus" {
		r = w.tusRequest(r)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost && a.body != "tus" {
		r.Header.Set("Content-Type", kind)
	}
	if role != "nobody" {
		r.AddCookie(&http.Cookie{Name: "lgsp_session", Value: w.session[role]})
	}
	out := httptest.NewRecorder()
	h.ServeHTTP(out, r)
	if strings.HasPrefix(out.Header().Get("Location"), "/sign-in") {
		return http.StatusUnauthorized, "<h1"
	}
	return out.Code, out.Body.String()
}
