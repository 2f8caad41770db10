package main

import (
	"testing"

	"lgsp/auth"
)

// TestWebhooksHearOfActs: whom an act concerns is told of it when it is
// committed, and nobody else.
func TestWebhooksHearOfActs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, steward, publisher := t.Context(), w.people["steward"], w.people["publisher"]
	_, err := w.agreements.Suspend(ctx, steward, w.uuid("agreed agreement"), "Kiểm tra lại mục đích sử dụng.")
	w.must(err)
	_, err = w.agreements.Resume(ctx, steward, w.uuid("agreed agreement"), "")
	w.must(err)
	other, _, err := w.auth.CreateApplication(ctx, w.people["other"], auth.NewApplication{Name: "Khác"})
	w.must(err)
	elsewhere, err := w.auth.AddWebhook(ctx, w.people["other"], other.ID, auth.NewWebhook{URL: "https://other.example.vn/", Topics: auth.Topics()})
	w.must(err)
	_, err = w.catalog.RetireVersion(ctx, publisher, w.uuid("published version"))
	w.must(err)
	d, err := w.catalog.DatasetBySlug(ctx, publisher, "opened-data")
	w.must(err)
	_, err = w.catalog.WithdrawDataset(ctx, publisher, d.ID, "Số liệu sai, sẽ công bố lại.")
	w.must(err)

	told := func(who auth.Principal, hook string) (types, paths []string) {
		list, err := w.auth.WebhookMessages(ctx, who, w.uuid(hook))
		w.must(err)
		for _, m := range list {
			types = append([]string{m.Type}, types...)
			paths = append(paths, m.Body)
		}
		return types, paths
	}
	w.id["elsewhere"] = elsewhere.ID.String()
	types, bodies := told(w.people["developer"], "webhook")
	want := map[string]int{"webhook.test": 1, "agreement.approve": 2, "agreement.suspend": 2, "agreement.resume": 1, "version.retire": 1, "dataset.publish": 2, "dataset.withdraw": 1}
	got := map[string]int{}
	for _, name := range types {
		got[name]++
	}
	for name, n := range want {
		if got[name] != n {
			t.Errorf("told %d times of %s, want %d: %v", got[name], name, n, bodies)
		}
	}
	if len(got) != len(want) {
		t.Errorf("told of %v, want %v", got, want)
	}
	if types, _ := told(w.people["other"], "elsewhere"); len(types) != 1 || types[0] != "dataset.withdraw" {
		t.Errorf("another application was told of %v", types)
	}
}
