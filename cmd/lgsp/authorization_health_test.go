package main

// healthAttempts are the calls of /api/v1 about how services and nodes do.
func (w *world) healthAttempts() []attempt {
	return []attempt{
		{"GET /versions/{id}/availability", "published", "/versions/{published version}/availability", ""},
		{"GET /versions/{id}/availability", "draft", "/versions/{draft version}/availability", ""},
		{"GET /versions/{id}/promise", "published", "/versions/{published version}/promise", ""},
		{"GET /versions/{id}/promise", "draft", "/versions/{draft version}/promise", ""},
		{"PUT /versions/{id}/promise", "published", "/versions/{published version}/promise", `{"availability":99.5,"p95_ms":500}`},
		{"PUT /versions/{id}/promise", "draft", "/versions/{draft version}/promise", `{"availability":99.5,"p95_ms":500}`},
		{"GET /status", "", "/status", ""},
		{"GET /nodes", "", "/nodes", ""},
	}
}

// healthPages are the same for the pages.
func (w *world) healthPages() []attempt {
	const promise = "/agency/{agency}/apis/{api}/{version:v[0-9]+}/promise"
	return []attempt{
		{"GET " + promise, "public", "/agency/so-a/apis/dich-vu-public/v1/promise", ""},
		{"POST " + promise, "public", "/agency/so-a/apis/dich-vu-public/v1/promise", "availability=99.5&p95_ms=500"},
		{"GET /operator/nodes", "", "/operator/nodes", ""},
		{"GET /operator/topology", "", "/operator/topology", ""},
	}
}
