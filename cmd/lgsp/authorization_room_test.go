package main

// roomAttempts are the calls of /api/v1 of the operator's room.
func (w *world) roomAttempts() []attempt {
	const why = `{"reason":"Theo đề nghị của cơ quan"}`
	return []attempt{
		{"GET /persons", "", "/persons?q=citizen", ""},
		{"GET /persons/{id}", "the citizen", "/persons/{person citizen}", ""},
		{"POST /persons/{id}/end-sessions", "the citizen's", "/persons/{person citizen}/end-sessions", why},
		{"POST /persons/{id}/lock", "the citizen", "/persons/{person citizen}/lock", why},
		{"POST /persons/{id}/unlock", "the citizen, not locked", "/persons/{person citizen}/unlock", why},
		{"GET /settings", "", "/settings", ""},
		{"GET /jobs", "", "/jobs", ""},
		{"POST /jobs/{id}/again", "none", "/jobs/9999999/again", ""},
		{"GET /code-lists", "", "/code-lists", ""},
		{"POST /code-lists", "", "/code-lists", `{"slug":"linh-vuc","title_vi":"Lĩnh vực","title_en":"Fields","source":"Quyết định 1"}`},
		{"GET /code-lists/{slug}/codes", "the platform's", "/code-lists/themes/codes", ""},
		{"GET /code-lists/{slug}/codes.csv", "the platform's", "/code-lists/agencies/codes.csv", ""},
		{"GET /code-lists/{slug}/versions", "none", "/code-lists/khong-co/versions", ""},
		{"POST /code-lists/{slug}/compare", "none", "/code-lists/khong-co/compare", `{"text":"code,name_vi\nA,B\n"}`},
		{"POST /code-lists/{slug}/import", "none", "/code-lists/khong-co/import", `{"text":"code,name_vi\nA,B\n","version":0,"reason":"Lần đầu"}`},
	}
}

// roomPages are the same for the pages.
func (w *world) roomPages() []attempt {
	const step = "POST /operator/accounts/{person}/{step:sessions|lock|unlock|remove}"
	return []attempt{
		{"GET /operator/rules", "", "/operator/rules", ""},
		{"GET /operator/settings", "", "/operator/settings", ""},
		{"GET /operator/jobs", "", "/operator/jobs", ""},
		{"POST /operator/jobs/{id}/again", "none", "/operator/jobs/9999999/again", ""},
		{"GET /operator/code-lists", "", "/operator/code-lists", ""},
		{"POST /operator/code-lists", "", "/operator/code-lists", "slug=linh-vuc&title_vi=Linh+vuc&source=Quyet+dinh+1"},
		{"GET /operator/code-lists/{list}", "the platform's", "/operator/code-lists/themes", ""},
		{"POST /operator/code-lists/{list}/preview", "no file", "/operator/code-lists/khong-co/preview", ""},
		{"POST /operator/code-lists/{list}/import", "none", "/operator/code-lists/khong-co/import", "text=code&version=0&reason=Lan+dau"},
		{"GET /operator/accounts", "", "/operator/accounts?q=citizen", ""},
		{"GET /operator/accounts/{person}", "the citizen", "/operator/accounts/{person citizen}", ""},
		{step, "their sessions", "/operator/accounts/{person citizen}/sessions", "sessions_reason=Theo+de+nghi"},
		{step, "locked", "/operator/accounts/{person citizen}/lock", "lock_reason=Theo+de+nghi"},
		{step, "unlocked, who is not locked", "/operator/accounts/{person citizen}/unlock", "unlock_reason=Theo+de+nghi"},
		{step, "a role they have not", "/operator/accounts/{person citizen}/remove", "role=operator"},
	}
}
