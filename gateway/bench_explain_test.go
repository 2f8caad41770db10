package gateway

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth/policy"
)

// BenchmarkExplain explains calls of random callers, every second of them out of
// hours, and foresees the end of their agreement, among so many agreements.
// p95-ns is what nineteen in twenty take at most.
func BenchmarkExplain(b *testing.B) {
	for _, count := range []int{100, 1_000_000} {
		n, versions, apps := benchExplained(b, count)
		measured := func(name string, do func(i int) error) {
			b.Run(fmt.Sprintf("%s/agreements=%d", name, count), func(b *testing.B) {
				b.ReportAllocs()
				var took []time.Duration
				runtime.GC() // what setting up left is not its cost
				for b.Loop() {
					i, begun := rand.IntN(count), time.Now()
					if err := do(i); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(begun))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)*95/100].Nanoseconds()), "p95-ns")
			})
		}
		at := monday("10:00")
		measured("call", func(i int) error {
			call := Imagined{Version: versions[i%len(versions)].Version, Operation: "b", Application: apps[i], Credential: policy.APIKey, At: at}
			if i%2 == 0 {
				call.At = monday("20:00")
			}
			e, err := n.Explain(call)
			if err == nil && e.Allowed != (i%2 != 0) {
				err = fmt.Errorf("explained %+v", e)
			}
			return err
		})
		measured("effect", func(i int) error {
			version := versions[i%len(versions)].Version
			over := Grant{Agreement: uuid.UUID{1}, Revision: 2, Application: apps[i], Version: version, State: "ended", Starts: at.AddDate(-1, 0, 0), Ends: at.AddDate(1, 0, 0)}
			_, err := n.Foresee(WouldBe{Grants: []Grant{over}}, []Made{{Application: apps[i], Version: version, Operation: "b", At: at}})
			return err
		})
	}
}

// benchExplained gives a node with so many agreements, on versions with hours.
func benchExplained(b *testing.B, count int) (*Node, []*version, []uuid.UUID) {
	b.Helper()
	s, versions := benchRoutes(b, 100)
	now := monday("10:00")
	for i, v := range versions {
		r := v.Route
		r.Traffic.Conditions = []Condition{{Access: Restricted, Hours: &Hours{From: "07:30", Until: "17:00"}}}
		compiled, err := compileRoute(r)
		if err != nil {
			b.Fatal(err)
		}
		versions[i] = compiled
		s.byVersion[r.Version] = compiled
	}
	common, apps := newInterned(), make([]uuid.UUID, count)
	for i := range apps {
		apps[i] = uuid.Must(uuid.NewRandom())
		g, err := common.grant(grantRow{AgreementID: uuid.Must(uuid.NewRandom()), ApplicationID: apps[i], VersionID: versions[i%len(versions)].Version, State: "active",
			Starts: now.AddDate(-1, 0, 0), Ends: now.AddDate(1, 0, 0), Operations: []byte(`[{"operation":"b","fields":["/ma"]}]`)})
		if err != nil {
			b.Fatal(err)
		}
		s.grants.put(g)
	}
	n := &Node{Now: func() time.Time { return now }}
	n.current.Store(s)
	return n, versions, apps
}
