package main

// fieldAttempts are the calls of /api/v1 about an agency's own fields,
// and about groups that are too small.
func (w *world) fieldAttempts() []attempt {
	return []attempt{
		{"GET /agencies/{id}/fields", "agency A", "/agencies/{so-a}/fields", ""},
		{"PUT /agencies/{id}/fields", "agency A", "/agencies/{so-a}/fields", `{"text":"fields: []","version":0}`},
		{"POST /agencies/{id}/fields/check", "agency A", "/agencies/{so-a}/fields/check", `{"text":"fields: []"}`},
		{"GET /agencies/{id}/fields/versions", "agency A", "/agencies/{so-a}/fields/versions", ""},
		{"GET /datasets/{slug}/alike", "opened", "/datasets/opened-data/alike", ""},
		{"GET /datasets/{slug}/alike", "drafted", "/datasets/drafted-data/alike", ""},
		{"GET /datasets/{slug}/anonymity", "opened", "/datasets/opened-data/anonymity", ""},
		{"GET /datasets/{slug}/anonymity", "drafted", "/datasets/drafted-data/anonymity", ""},
		{"PUT /datasets/{slug}/distributions/{id}/anonymity", "opened", "/datasets/opened-data/distributions/{opened file}/anonymity", `{"columns":[]}`},
		{"POST /datasets/{slug}/distributions/{id}/anonymity/allow", "opened", "/datasets/opened-data/distributions/{opened file}/anonymity/allow", `{"text":"Vì lý do."}`},
	}
}

// fieldPages are the same for the pages.
func (w *world) fieldPages() []attempt {
	return []attempt{
		{"GET /agency/{agency}/fields", "agency A", "/agency/so-a/fields", ""},
		{"POST /agency/{agency}/fields", "agency A", "/agency/so-a/fields", "text=fields:+[]&version=0&act=keep"},
		{"POST /agency/{agency}/fields", "agency A, looked at first", "/agency/so-a/fields", "text=fields:+[]&version=0&act=preview"},
		{"POST /agency/{agency}/datasets/{dataset}/files/{file}/anonymity", "opened", "/agency/so-a/datasets/opened-data/files/{opened file}/anonymity", "k=5"},
		{"POST /agency/{agency}/datasets/{dataset}/files/{file}/anonymity/allow", "opened", "/agency/so-a/datasets/opened-data/files/{opened file}/anonymity/allow", "why=Vi+ly+do"},
	}
}
