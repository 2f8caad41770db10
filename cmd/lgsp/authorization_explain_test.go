package main

import "time"

// aCall puts a call of the developer's application to agency A into the
// ledger, once.
func (w *world) aCall() {
	w.t.Helper()
	if w.id["call"] != "" {
		return
	}
	e := w.called("thua-dat", "restricted", "api_key", time.Now().Add(-time.Hour).UTC(), 7)
	w.id["call"], w.id["trace"] = e.ID.String(), e.Trace
	w.shipCalls(e)
	w.until("the call is in the ledger", func() bool {
		_, err := w.ledger.Exchange(w.t.Context(), w.people["auditor"], e.ID)
		return err == nil
	})
}

// explainAttempts are the calls of /api/v1 that explain what was, and foresee
// what would be.
func (w *world) explainAttempts() []attempt {
	w.aCall()
	return []attempt{
		{"GET /explain/past", "the developer's application, by trace", "/explain/past?id={trace}", ""},
		{"GET /explain/past", "the developer's application, by its id", "/explain/past?id={call}", ""},
		{"POST /agreements/{id}/effect", "agreed", "/agreements/{agreed agreement}/effect", `{"act":"suspend"}`},
		{"POST /agreements/{id}/effect", "asked", "/agreements/{asked agreement}/effect", `{"act":"approve"}`},
		{"POST /versions/{id}/effect", "published", "/versions/{published version}/effect", `{"plan":"high"}`},
		{"POST /versions/{id}/effect", "draft", "/versions/{draft version}/effect", `{"plan":"high"}`},
	}
}

// explainPages are the same for the pages.
func (w *world) explainPages() []attempt {
	w.aCall()
	return []attempt{
		{"GET /calls", "", "/calls", ""},
		{"GET /calls", "the developer's application, by trace", "/calls?id={trace}", ""},
		{"GET /calls/{id}", "the developer's application", "/calls/{call}", ""},
		{"POST /agreements/{id}/suspend", "agreed, its effect seen", "/agreements/{agreed agreement}/suspend", "reason=Kiem+tra+dot+xuat&seen=yes"},
		{"POST /agreements/{id}/end", "agreed, its effect seen", "/agreements/{agreed agreement}/end", "reason=Khong+con+can&seen=yes"},
	}
}
