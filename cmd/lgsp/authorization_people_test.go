package main

import "lgsp/catalog"

// peopleAttempts are the calls of /api/v1 about personal data, discussions,
// requests and what people follow.
func (w *world) peopleAttempts() []attempt {
	const decision = `{"part":"{application}","place":"Số","decision":"not-personal","reason":"Vì lý do."}`
	return []attempt{
		{"GET /datasets/{slug}/personal", "drafted", "/datasets/drafted-data/personal", ""},
		{"GET /datasets/{slug}/personal", "opened", "/datasets/opened-data/personal", ""},
		{"POST /datasets/{slug}/personal", "opened", "/datasets/opened-data/personal", decision},
		{"GET /datasets/{slug}/discussions", "drafted", "/datasets/drafted-data/discussions", ""},
		{"GET /datasets/{slug}/discussions", "opened", "/datasets/opened-data/discussions", ""},
		{"POST /datasets/{slug}/discussions", "drafted", "/datasets/drafted-data/discussions", `{"title":"Hỏi","text":"Câu hỏi."}`},
		{"POST /datasets/{slug}/discussions", "own, about opened", "/datasets/opened-data/discussions", `{"title":"Hỏi","text":"Câu hỏi."}`},
		{"GET /apis/{id}/discussions", "hidden", "/apis/{hidden api}/discussions", ""},
		{"GET /apis/{id}/discussions", "public", "/apis/{public api}/discussions", ""},
		{"POST /apis/{id}/discussions", "hidden", "/apis/{hidden api}/discussions", `{"title":"Hỏi","text":"Câu hỏi."}`},
		{"POST /apis/{id}/discussions", "own, about public", "/apis/{public api}/discussions", `{"title":"Hỏi","text":"Câu hỏi."}`},
		{"GET /apis/{id}/rating", "hidden", "/apis/{hidden api}/rating", ""},
		{"GET /apis/{id}/rating", "public", "/apis/{public api}/rating", ""},
		{"PUT /apis/{id}/rating", "public, which the developer's application called", "/apis/{public api}/rating", `{"useful":true}`},
		{"PUT /apis/{id}/rating", "hidden", "/apis/{hidden api}/rating", `{"useful":true}`},
		{"DELETE /apis/{id}/rating", "own, of public", "/apis/{public api}/rating", ""},
		{"GET /discussions/{id}", "shown", "/discussions/{discussion}", ""},
		{"GET /discussions/{id}", "held", "/discussions/{held discussion}", ""},
		{"POST /discussions/{id}/posts", "own, in one that is shown", "/discussions/{discussion}/posts", `{"text":"Câu trả lời."}`},
		{"POST /discussions/{id}/close", "the citizen's", "/discussions/{discussion}/close", ""},
		{"POST /posts/{id}/report", "own, of one that is shown", "/posts/{post}/report", `{"reason":"Thô lỗ."}`},
		{"POST /posts/{id}/hide", "shown", "/posts/{post}/hide", `{"text":"Thô lỗ."}`},
		{"POST /posts/{id}/show", "held", "/posts/{held post}/show", ""},
		{"GET /agencies/{id}/posts", "agency A", "/agencies/{so-a}/posts", ""},
		{"GET /me/follows", "own", "/me/follows", ""},
		{"PUT /me/follows", "own", "/me/follows", `{"every":"daily"}`},
		{"PUT /me/follows/{kind}/{id}", "own, of agency A", "/me/follows/agency/{so-a}", ""},
		{"DELETE /me/follows/{kind}/{id}", "own, of agency A", "/me/follows/agency/{so-a}", ""},
		{"GET /data-requests", "", "/data-requests", ""},
		{"POST /data-requests", "own", "/data-requests", `{"title":"Giá đất","text":"Theo đường."}`},
		{"GET /data-requests/{id}", "received", "/data-requests/{data request}", ""},
		{"GET /data-requests/{id}", "held", "/data-requests/{held data request}", ""},
		{"PUT /data-requests/{id}/vote", "own, for one that is received", "/data-requests/{data request}/vote", ""},
		{"DELETE /data-requests/{id}/vote", "own, for one that is received", "/data-requests/{data request}/vote", ""},
		{"POST /data-requests/{id}/move", "agency A's", "/data-requests/{data request}/move", `{"state":"accepted"}`},
		{"POST /data-requests/{id}/move", "held at agency A", "/data-requests/{held data request}/move", `{"state":"received"}`},
		{"POST /data-requests/{id}/assign", "agency A's", "/data-requests/{data request}/assign", `{"agency":"{so-a}"}`},
	}
}

// peoplePages are the same for the pages.
func (w *world) peoplePages() []attempt {
	return []attempt{
		{"POST /agency/{agency}/datasets/{dataset}/personal", "opened", "/agency/so-a/datasets/opened-data/personal",
			"part={application}&place=So&decision=not-personal&reason=Vi+ly+do"},
		{"GET /dataset/{slug}/discussions", "drafted", "/dataset/drafted-data/discussions", ""},
		{"GET /dataset/{slug}/discussions", "opened", "/dataset/opened-data/discussions", ""},
		{"POST /dataset/{slug}/discussions", "own, about opened", "/dataset/opened-data/discussions", "title=Hoi&text=Cau+hoi"},
		{"GET /dataset/{slug}/discussions/{id}", "shown", "/dataset/opened-data/discussions/{discussion}", ""},
		{"GET /dataset/{slug}/discussions/{id}", "held", "/dataset/opened-data/discussions/{held discussion}", ""},
		{"POST /dataset/{slug}/discussions/{id}", "own, in one that is shown", "/dataset/opened-data/discussions/{discussion}", "text=Cau+tra+loi"},
		{"POST /dataset/{slug}/discussions/{id}/close", "the citizen's", "/dataset/opened-data/discussions/{discussion}/close", ""},
		{"POST /dataset/{slug}/discussions/{id}/posts/{post}/report", "own, of one that is shown", "/dataset/opened-data/discussions/{discussion}/posts/{post}/report", "reason=Tho+lo"},
		{"GET /apis/{agency}/{api}/discussions", "hidden", "/apis/so-a/dich-vu-hidden/discussions", ""},
		{"GET /apis/{agency}/{api}/discussions", "public", "/apis/so-a/dich-vu-public/discussions", ""},
		{"POST /apis/{agency}/{api}/discussions", "hidden", "/apis/so-a/dich-vu-hidden/discussions", "title=Hoi&text=Cau+hoi"},
		{"POST /apis/{agency}/{api}/discussions", "own, about public", "/apis/so-a/dich-vu-public/discussions", "title=Hoi&text=Cau+hoi"},
		{"GET /apis/{agency}/{api}/discussions/{id}", "about public", "/apis/so-a/dich-vu-public/discussions/{discussion of API}", ""},
		{"GET /apis/{agency}/{api}/discussions/{id}", "about data", "/apis/so-a/dich-vu-public/discussions/{discussion}", ""},
		{"POST /apis/{agency}/{api}/discussions/{id}", "own, about public", "/apis/so-a/dich-vu-public/discussions/{discussion of API}", "text=Cau+tra+loi"},
		{"POST /apis/{agency}/{api}/discussions/{id}/close", "the developer's", "/apis/so-a/dich-vu-public/discussions/{discussion of API}/close", ""},
		{"POST /apis/{agency}/{api}/discussions/{id}/posts/{post}/report", "own, about public", "/apis/so-a/dich-vu-public/discussions/{discussion of API}/posts/{post of API}/report", "reason=Tho+lo"},
		{"POST /apis/{agency}/{api}/rating", "hidden", "/apis/so-a/dich-vu-hidden/rating", "useful=yes"},
		{"POST /apis/{agency}/{api}/rating", "public, which the developer's application called", "/apis/so-a/dich-vu-public/rating", "useful=yes"},
		{"POST /apis/{agency}/{api}/rating", "own, taken back", "/apis/so-a/dich-vu-public/rating", "useful="},
		{"GET /agency/{agency}/posts", "agency A", "/agency/so-a/posts", ""},
		{"GET /data-requests", "", "/data-requests", ""},
		{"POST /data-requests", "own", "/data-requests", "title=Gia+dat&text=Theo+duong"},
		{"GET /data-requests/{id}", "received", "/data-requests/{data request}", ""},
		{"GET /data-requests/{id}", "held", "/data-requests/{held data request}", ""},
		{"POST /data-requests/{id}/vote", "own, for one that is received", "/data-requests/{data request}/vote", "vote=yes"},
		{"POST /data-requests/{id}/decide", "agency A's", "/data-requests/{data request}/decide", "state=accepted"},
		{"POST /data-requests/{id}/assign", "agency A's", "/data-requests/{data request}/assign", "agency=so-a"},
		{"GET /agency/{agency}/data-requests", "agency A", "/agency/so-a/data-requests", ""},
		{"POST /follow", "own, of agency A", "/follow", "kind=agency&target={so-a}"},
		{"GET /account/follows", "own", "/account/follows", ""},
		{"POST /account/follows", "own", "/account/follows", "every=daily"},
		{"GET /unsubscribe", "no link", "/unsubscribe?token=x", ""},
		{"POST /unsubscribe", "no link", "/unsubscribe?token=x", ""},
		{"POST /agency/{agency}/posts/{post}/hide", "shown", "/agency/so-a/posts/{post}/hide", "reason=Tho+lo"},
		{"POST /agency/{agency}/posts/{post}/show", "held", "/agency/so-a/posts/{held post}/show", ""},
	}
}

// speak has the citizen say two things about the open data, of which one is held.
func (w *world) speak() {
	w.t.Helper()
	ctx := w.t.Context()
	d, err := w.catalog.DatasetBySlug(ctx, w.people["citizen"], "opened-data")
	w.must(err)
	for name, text := range map[string]string{"": "Một câu hỏi.", "held ": "Xem vaynhanh.xyz."} {
		q, err := w.catalog.Ask(ctx, w.people["citizen"], d.Topic(), "Hỏi", text)
		w.must(err)
		w.id[name+"discussion"], w.id[name+"post"] = q.ID.String(), q.Posts[0].ID.String()
	}
	api, err := w.catalog.APIBySlug(ctx, w.people["citizen"], "so-a", "dich-vu-public")
	w.must(err)
	q, err := w.catalog.Ask(ctx, w.people["developer"], api.Topic(), "Hỏi", "Một câu hỏi về dịch vụ.")
	w.must(err)
	w.id["discussion of API"], w.id["post of API"] = q.ID.String(), q.Posts[0].ID.String()
	for name, url := range map[string]string{"": "https://example.vn/a", "waiting ": "https://example.vn/b"} {
		r, err := w.catalog.AddReuse(ctx, w.people["developer"], d.ID, catalog.ReuseText{Kind: "app", TitleVI: "Bản đồ", DescriptionVI: "Tra cứu.", URL: url})
		w.must(err)
		w.id[name+"reuse"] = r.ID.String()
	}
	_, err = w.catalog.DecideReuse(ctx, w.people["steward"], w.uuid("reuse"), catalog.ReuseDecision{State: catalog.Shown})
	w.must(err)
	for name, text := range map[string]string{"": "Để làm bản đồ.", "held ": "Xem vaynhanh.xyz."} {
		r, err := w.catalog.RequestData(ctx, w.people["citizen"], catalog.NewDataRequest{Title: "Giá đất", Text: text, Agency: w.uuid("so-a")})
		w.must(err)
		w.id[name+"data request"] = r.ID.String()
	}
}
