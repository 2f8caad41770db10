package main

import "time"

// lastMonth is the month before, as reports are asked for by it.
func lastMonth() string { return time.Now().AddDate(0, 0, -31).UTC().Format("2006-01") }

// worldReuse is something that was made of a dataset.
const worldReuse = `{"kind":"app","title_vi":"Bản đồ","description_vi":"Tra cứu.","url":"https://example.vn/ban-do"}`

// usageAttempts are the calls of /api/v1 about the use and reuse of data.
func (w *world) usageAttempts() []attempt {
	return []attempt{
		{"GET /usage", "", "/usage", ""},
		{"GET /usage/datasets", "", "/usage/datasets", ""},
		{"POST /usage/dataset", "of agency A", "/usage/dataset", `{"agency":"{so-a}"}`},
		{"GET /datasets/{slug}/usage", "drafted", "/datasets/drafted-data/usage", ""},
		{"GET /datasets/{slug}/usage", "opened", "/datasets/opened-data/usage", ""},
		{"GET /reports/{month}", "", "/reports/" + lastMonth(), ""},
		{"GET /agencies/{id}/reports/{month}", "agency A", "/agencies/{so-a}/reports/" + lastMonth(), ""},
		{"GET /reuses", "", "/reuses", ""},
		{"GET /reuses/{id}", "shown", "/reuses/{reuse}", ""},
		{"GET /reuses/{id}", "the developer's, waiting", "/reuses/{waiting reuse}", ""},
		{"DELETE /reuses/{id}", "the developer's", "/reuses/{waiting reuse}", ""},
		{"POST /reuses/{id}/decide", "waiting at agency A", "/reuses/{waiting reuse}/decide", `{"state":"shown"}`},
		{"POST /reuses/{id}/decide", "shown at agency A", "/reuses/{reuse}/decide", `{"state":"refused","reason":"Vì lý do."}`},
		{"POST /datasets/{slug}/reuses", "own, of opened", "/datasets/opened-data/reuses", worldReuse},
		{"POST /datasets/{slug}/reuses", "own, of drafted", "/datasets/drafted-data/reuses", worldReuse},
		{"GET /me/reuses", "own", "/me/reuses", ""},
		{"PUT /me/searches/{id}/letters", "the developer's", "/me/searches/{saved search}/letters", ""},
		{"DELETE /me/searches/{id}/letters", "the developer's", "/me/searches/{saved search}/letters", ""},
		{"GET /agencies/{id}/reuses", "agency A", "/agencies/{so-a}/reuses", ""},
	}
}

// usagePages are the same for the pages.
func (w *world) usagePages() []attempt {
	return []attempt{
		{"GET /agency/{agency}/calls", "agency A", "/agency/so-a/calls", ""},
		{"GET /agency/{agency}/usage", "agency A", "/agency/so-a/usage", ""},
		{"GET /agency/{agency}/report", "agency A", "/agency/so-a/report", ""},
		{"GET /agency/{agency}/report/{month:[0-9]{4}-[0-9]{2}}", "agency A", "/agency/so-a/report/" + lastMonth(), ""},
		{"GET /agency/{agency}/report/{month:[0-9]{4}-[0-9]{2}}.{form:csv|json}", "agency A", "/agency/so-a/report/" + lastMonth() + ".csv", ""},
		{"GET /operator/report", "", "/operator/report", ""},
		{"GET /operator/report/{month:[0-9]{4}-[0-9]{2}}", "", "/operator/report/" + lastMonth(), ""},
		{"GET /operator/report/{month:[0-9]{4}-[0-9]{2}}.{form:csv|json}", "", "/operator/report/" + lastMonth() + ".json", ""},
		{"GET /operator/usage", "", "/operator/usage", ""},
		{"POST /operator/usage", "of agency A", "/operator/usage", "agency=so-a"},
		{"GET /reuses", "", "/reuses", ""},
		{"GET /dataset/{slug}/reuses/new", "opened", "/dataset/opened-data/reuses/new", ""},
		{"GET /dataset/{slug}/reuses/new", "drafted", "/dataset/drafted-data/reuses/new", ""},
		{"POST /dataset/{slug}/reuses/new", "own, of opened", "/dataset/opened-data/reuses/new", "kind=app&title_vi=Ban+do&description_vi=Tra+cuu&url=https://example.vn/moi"},
		{"POST /account/searches/{id}/letters", "the developer's", "/account/searches/{saved search}/letters", "letters=yes"},
		{"GET /account/reuses", "own", "/account/reuses", ""},
		{"POST /account/reuses/{id}/drop", "the developer's", "/account/reuses/{waiting reuse}/drop", ""},
		{"GET /agency/{agency}/reuses", "agency A", "/agency/so-a/reuses", ""},
		{"POST /agency/{agency}/reuses/{id}", "waiting at agency A", "/agency/so-a/reuses/{waiting reuse}", "state=shown"},
	}
}
