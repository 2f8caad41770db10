package main

import (
	"github.com/google/uuid"

	"lgsp/catalog"
	"lgsp/portal/notice"
)

// tellDeveloper tells the developer of an answer.
func (w *world) tellDeveloper() {
	w.t.Helper()
	e, err := notice.New(notice.Answer, "answer", catalog.LetterDetail{TitleVI: "Dữ liệu", Subject: "Hỏi", Text: "Trả lời.", Path: "/dataset/opened-data"})
	w.must(err)
	e.People = []uuid.UUID{w.people["developer"].Person}
	w.must(w.portal.Notices.Deliver(w.t.Context(), e))
	var id uuid.UUID
	w.must(w.db.Pool.QueryRow(w.t.Context(), `select id from portal.notice where event = $1`, e.ID).Scan(&id))
	w.id["notice"] = id.String()
}

// noticeAttempts are the calls of /api/v1 about what people are told.
func (w *world) noticeAttempts() []attempt {
	w.tellDeveloper()
	return []attempt{
		{"GET /notices", "own", "/notices", ""},
		{"POST /notices/read", "own", "/notices/read", `{"kind":"","up_to":"{notice}"}`},
		{"POST /notices/{id}/read", "the developer's", "/notices/{notice}/read", ""},
		{"GET /notices/settings", "own", "/notices/settings", ""},
		{"PUT /notices/settings", "own", "/notices/settings", `{"mail":{"answer":"daily"}}`},
		{"GET /agencies/{id}/notices", "agency A", "/agencies/{so-a}/notices", ""},
		{"PUT /agencies/{id}/notices", "agency A", "/agencies/{so-a}/notices", `{"roles":[{"role":"publisher","kind":"request","mail":"daily"}]}`},
	}
}

// noticePages are the same for the pages.
func (w *world) noticePages() []attempt {
	w.tellDeveloper()
	return []attempt{
		{"GET /account/notices", "own", "/account/notices", ""},
		{"POST /account/notices/read", "own", "/account/notices/read", "up_to={notice}"},
		{"GET /account/notices/{id}", "the developer's", "/account/notices/{notice}", ""},
		{"POST /account/notices/{id}/read", "the developer's", "/account/notices/{notice}/read", ""},
		{"GET /account/notices/settings", "own", "/account/notices/settings", ""},
		{"POST /account/notices/settings", "own", "/account/notices/settings", "mail-answer=daily"},
		{"GET /agency/{agency}/notices", "agency A", "/agency/so-a/notices", ""},
		{"POST /agency/{agency}/notices", "agency A", "/agency/so-a/notices", "request-publisher=daily"},
	}
}
