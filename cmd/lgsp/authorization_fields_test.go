package main

// fieldAttempts are the calls of /api/v1 about an agency's own fields.
func (w *world) fieldAttempts() []attempt {
	return []attempt{
		{"GET /agencies/{id}/fields", "agency A", "/agencies/{so-a}/fields", ""},
		{"PUT /agencies/{id}/fields", "agency A", "/agencies/{so-a}/fields", `{"text":"fields: []","version":0}`},
		{"POST /agencies/{id}/fields/check", "agency A", "/agencies/{so-a}/fields/check", `{"text":"fields: []"}`},
		{"GET /agencies/{id}/fields/versions", "agency A", "/agencies/{so-a}/fields/versions", ""},
	}
}

// fieldPages are the same for the pages.
func (w *world) fieldPages() []attempt {
	return []attempt{
		{"GET /agency/{agency}/fields", "agency A", "/agency/so-a/fields", ""},
		{"POST /agency/{agency}/fields", "agency A", "/agency/so-a/fields", "text=fields:+[]&version=0&act=keep"},
		{"POST /agency/{agency}/fields", "agency A, looked at first", "/agency/so-a/fields", "text=fields:+[]&version=0&act=preview"},
	}
}
