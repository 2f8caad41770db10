package main

// operateAttempts are the calls of /api/v1 with which agencies are kept.
func (w *world) operateAttempts() []attempt {
	const change = `{"slug":"so-a","code":"H48.90","name_vi":"Sở A khác","name_en":"Department A"}`
	return []attempt{
		{"PUT /agencies/{slug}", "agency A", "/agencies/so-a", change},
		{"GET /agencies/{slug}/aliases", "agency A", "/agencies/so-a/aliases", ""},
		{"PUT /agencies/{id}/contact", "agency A", "/agencies/{so-a}/contact", `{"name":"Văn phòng"}`},
	}
}

// operatePages are the same for the pages.
func (w *world) operatePages() []attempt {
	const fields = "code=H48.90&name_vi=So+A+khac&name_en=Department+A"
	return []attempt{
		{"GET /operator/agencies", "", "/operator/agencies", ""},
		{"POST /operator/agencies", "", "/operator/agencies", "slug=so-moi&code=H48.99&name_vi=So+Moi&name_en=New&valid_from=2026-01-01"},
		{"GET /operator/agencies/new", "", "/operator/agencies/new", ""},
		{"GET /operator/agencies/{agency}", "agency A", "/operator/agencies/so-a", ""},
		{"POST /operator/agencies/{agency}", "agency A", "/operator/agencies/so-a", "slug=so-a&" + fields},
	}
}
