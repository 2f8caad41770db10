package main

import "net/url"

// clockAttempts are the calls of /api/v1 about the calendar, legal bases and
// clocks.
func (w *world) clockAttempts() []attempt {
	const day = `{"day":"2026-12-24","title_vi":"Nghỉ thử","title_en":"A day off","source":"Thử","reason":"Vì lý do quản lý."}`
	const clause = `{"id":"qd-1-2026","document_vi":"QĐ","document_en":"D","article_vi":"Điều 1","article_en":"1","text_vi":"Thử","text_en":"Trial",
"valid_from":"2027-01-01","source":"Thử","reason":"Vì lý do quản lý."}`
	return []attempt{
		{"GET /holidays", "", "/holidays?year=2027", ""},
		{"POST /holidays", "", "/holidays", day},
		{"PUT /holidays/{day}", "", "/holidays/2027-01-01", day},
		{"POST /holidays/{day}/withdraw", "", "/holidays/2027-01-01/withdraw", `{"text":"Vì lý do quản lý."}`},
		{"GET /holidays/{day}/history", "", "/holidays/2027-01-01/history", ""},
		{"POST /holidays/import", "", "/holidays/import", `{"csv":"day,title_vi,title_en,source\n2026-12-24,a,b,c\n","reason":"Vì lý do quản lý."}`},
		{"GET /legal-bases", "", "/legal-bases", ""},
		{"GET /legal-bases", "all", "/legal-bases?all=true", ""},
		{"GET /legal-bases/{id}", "", "/legal-bases/nd-194-2025-d16", ""},
		{"POST /legal-bases", "", "/legal-bases", clause},
		{"POST /legal-bases/{id}/versions", "", "/legal-bases/nd-194-2025-d16/versions", clause},
		{"POST /legal-bases/{id}/confirm", "", "/legal-bases/nd-194-2025-d16/confirm", `{"confirmed":true,"source":"Thử","reason":"Vì lý do quản lý."}`},
		{"POST /legal-bases/{id}/withdraw", "", "/legal-bases/nd-194-2025-d16/withdraw", `{"reason":"Vì lý do quản lý."}`},
		{"GET /legal-bases/{id}/history", "", "/legal-bases/nd-194-2025-d16/history", ""},
		{"GET /legal-bases/{id}/agreements", "in all agencies", "/legal-bases/nd-194-2025-d16/agreements", ""},
		{"GET /waiting", "in all agencies", "/waiting", ""},
		{"GET /agencies/{id}/waiting", "agency A", "/agencies/{so-a}/waiting", ""},
		{"GET /agencies/{id}/flagged", "agency A", "/agencies/{so-a}/flagged", ""},
		{"GET /on-time", "", "/on-time", ""},
	}
}

// clockPages are the same for the pages.
func (w *world) clockPages() []attempt {
	day := url.Values{"day": {"2026-12-24"}, "kind": {"off"}, "title_vi": {"Nghỉ thử"}, "title_en": {"A day off"}, "source": {"Thử"}, "reason": {"Vì lý do quản lý."}}.Encode()
	clause := url.Values{"id": {"qd-1-2026"}, "document_vi": {"QĐ"}, "document_en": {"D"}, "article_vi": {"Điều 1"}, "article_en": {"1"}, "text_vi": {"Thử"},
		"text_en": {"Trial"}, "valid_from": {"2027-01-01"}, "source": {"Thử"}, "reason": {"Vì lý do quản lý."}}.Encode()
	const why = "withdraw_reason=Nhap+nham+ngay"
	const step = "/operator/legal-bases/{id}/{step:version|confirm|withdraw}"
	return []attempt{
		{"GET /holidays", "", "/holidays", ""},
		{"GET /operator/holidays", "", "/operator/holidays", ""},
		{"POST /operator/holidays", "", "/operator/holidays", day},
		{"POST /operator/holidays/import", "without a reason", "/operator/holidays/import", aFile},
		{"GET /operator/holidays/{day}", "", "/operator/holidays/2027-01-01", ""},
		{"POST /operator/holidays/{day}", "", "/operator/holidays/2027-01-01", day},
		{"POST /operator/holidays/{day}/withdraw", "", "/operator/holidays/2027-01-01/withdraw", why},
		{"GET /legal-bases", "", "/legal-bases", ""},
		{"GET /operator/legal-bases", "", "/operator/legal-bases", ""},
		{"POST /operator/legal-bases", "", "/operator/legal-bases", clause},
		{"GET /operator/legal-bases/{id}", "", "/operator/legal-bases/nd-194-2025-d16", ""},
		{"POST " + step, "a new version", "/operator/legal-bases/nd-194-2025-d16/version", clause},
		{"POST " + step, "confirmed", "/operator/legal-bases/nd-194-2025-d16/confirm", "read=yes&confirm_source=Thu&confirm_reason=Da+doc+van+ban"},
		{"POST " + step, "withdrawn", "/operator/legal-bases/nd-194-2025-d16/withdraw", why},
		{"GET /on-time", "", "/on-time", ""},
		{"GET /operator/clocks", "", "/operator/clocks", ""},
	}
}
