package oauth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"lgsp/internal/problem"
)

// maxSpent is how many proofs one process remembers: some 800 calls a second
// for as long as a nonce lives, in about 20 MB.
const maxSpent = 1 << 18

const spendProofSQL = `
insert into auth.oauth_proof (id, expires_at)
values ($1, $2)
on conflict on constraint oauth_proof_pkey do nothing`

// spendProof takes a DPoP proof for all nodes of the server at once.
func (s *Server) spendProof(ctx context.Context, id [32]byte, until time.Time) (bool, error) {
	taken, err := s.DB.Exec(ctx, spendProofSQL, id[:], until)
	if err != nil {
		return false, fmt.Errorf("take DPoP proof: %w", err)
	}
	return taken.RowsAffected() == 1, nil
}

// Spent remembers in memory which DPoP proofs were used, for one process. With
// several gateway nodes a proof that somebody caught on its way, together with
// its token, may pass once more at each of the others, for the same method and
// address, until its nonce ends; only a memory shared by all would prevent
// that, and each call would wait for it.
type Spent struct {
	Now func() time.Time

	mu    sync.Mutex
	byEnd map[int64]map[[32]byte]struct{} // by the Unix second a proof is forgotten at, of which nonceStep leaves a dozen
}

// Take reports whether a proof is used for the first time. It fails with
// Unavailable (dpop-busy) rather than forget one that may still be used again.
func (s *Spent) Take(_ context.Context, id [32]byte, until time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, count := s.Now().Unix(), 0
	for end, ending := range s.byEnd {
		if end <= now {
			delete(s.byEnd, end)
		} else {
			count += len(ending)
		}
	}
	proofs := s.byEnd[until.Unix()]
	if _, used := proofs[id]; used {
		return false, nil
	}
	if count >= maxSpent {
		return false, problem.Errorf(problem.Unavailable, "too many DPoP proofs were used in the last minutes; try again in one").
			Coded("dpop-busy").Sends("Retry-After", "60")
	}
	if proofs == nil {
		proofs = map[[32]byte]struct{}{}
		if s.byEnd == nil {
			s.byEnd = map[int64]map[[32]byte]struct{}{}
		}
		s.byEnd[until.Unix()] = proofs
	}
	proofs[id] = struct{}{}
	return true, nil
}
