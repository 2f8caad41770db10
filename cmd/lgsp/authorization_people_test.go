package main

// peopleAttempts are the calls of /api/v1 about personal data, discussions,
// requests and what people follow.
func (w *world) peopleAttempts() []attempt {
	const decision = `{"part":"{application}","place":"Số","decision":"not-personal","reason":"Vì lý do."}`
	return []attempt{
		{"GET /datasets/{slug}/personal", "drafted", "/datasets/drafted-data/personal", ""},
		{"GET /datasets/{slug}/personal", "opened", "/datasets/opened-data/personal", ""},
		{"POST /datasets/{slug}/personal", "opened", "/datasets/opened-data/personal", decision},
	}
}

// peoplePages are the same for the pages.
func (w *world) peoplePages() []attempt {
	return []attempt{
		{"POST /agency/{agency}/datasets/{dataset}/personal", "opened", "/agency/so-a/datasets/opened-data/personal",
			"part={application}&place=So&decision=not-personal&reason=Vi+ly+do"},
	}
}
