package catalog

import (
	"testing"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// A person gets all that they said, whatever became of it, and nothing that
// others did.
func TestSaidBy(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	who, other := citizen(), citizen()
	q, err := s.Ask(ctx, who, d.Topic(), "Hỏi", "Câu hỏi.")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ask(ctx, who, d.Topic(), "Vay", "Xem vaynhanh.xyz."); err != nil {
		t.Fatal(err)
	}
	answered, err := s.Answer(ctx, other, q.ID, "Trả lời.")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReportPost(ctx, who, answered.ID, PostReport{Reason: "Thô lỗ."}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RequestData(ctx, who, NewDataRequest{Title: "Giá đất", Text: "Theo đường.", Agency: s.agency.ID}); err != nil {
		t.Fatal(err)
	}
	wanted, err := s.RequestData(ctx, other, NewDataRequest{Title: "Bến xe", Text: "Giờ chạy.", Agency: s.agency.ID})
	if err == nil {
		_, err = s.Vote(ctx, who, wanted.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	said, err := s.SaidBy(ctx, who)
	if err != nil || len(said.Posts) != 2 || len(said.Reports) != 1 || len(said.Requests) != 1 || len(said.Votes) != 2 { // who asks votes for it
		t.Fatalf("said %+v, error %v", said, err)
	}
	if p := said.Posts[0]; p.Text != "Câu hỏi." || p.Dataset != "thue-bao" || p.Title != "Hỏi" || !p.Opening || p.State != Shown {
		t.Errorf("first %+v", p)
	}
	if p := said.Posts[1]; p.State != Held || p.Why == "" {
		t.Errorf("held %+v", p)
	}
	if said.Reports[0].Reason != "Thô lỗ." || said.Requests[0].Title != "Giá đất" || said.Votes[1].Request != wanted.ID {
		t.Errorf("said %+v", said)
	}
	if none, err := s.SaidBy(ctx, citizen()); err != nil || none.Posts == nil || len(none.Posts)+len(none.Votes) != 0 {
		t.Errorf("nothing said: %+v, %v", none, err)
	}
	if _, err := s.SaidBy(ctx, auth.Principal{}); !problem.Is(err, problem.Unauthorized) {
		t.Errorf("nobody: %v", err)
	}
}
