package gateway

import (
	"maps"

	"github.com/google/uuid"

	"lgsp/auth"
)

// keys are the API keys by their public part, and by whose they are. They lie
// in many small maps, so that a change copies few of them.
type keys struct {
	byLookup *[keyShards]map[string]*auth.GatewayCredential
	byOwner  *[keyShards]map[uuid.UUID][]string // Lookup of each of an application's
}

const keyShards = 1024

func newKeys(list []auth.GatewayCredential) keys {
	k := keys{byLookup: new([keyShards]map[string]*auth.GatewayCredential), byOwner: new([keyShards]map[uuid.UUID][]string)}
	for i := range list {
		k.add(&list[i])
	}
	return k
}

// shardOf is by the last two characters of six random bits each.
func shardOf(lookup string) int {
	if len(lookup) < 2 {
		return 0
	}
	return (int(lookup[len(lookup)-1]) | int(lookup[len(lookup)-2])<<5) % keyShards
}

func ownerShard(application uuid.UUID) int {
	return (int(application[14])<<8 | int(application[15])) % keyShards
}

// of is the key with this public part; nil when there is none.
func (k keys) of(lookup string) *auth.GatewayCredential {
	if k.byLookup == nil {
		return nil
	}
	return k.byLookup[shardOf(lookup)][lookup]
}

// add adds a key to tables nobody else sees yet.
func (k keys) add(c *auth.GatewayCredential) {
	i, o := shardOf(c.Lookup), ownerShard(c.Application)
	if k.byLookup[i] == nil {
		k.byLookup[i] = map[string]*auth.GatewayCredential{}
	}
	if k.byOwner[o] == nil {
		k.byOwner[o] = map[uuid.UUID][]string{}
	}
	k.byLookup[i][c.Lookup] = c
	k.byOwner[o][c.Application] = append(k.byOwner[o][c.Application], c.Lookup)
}

// with gives the keys as they are once these applications have those of the
// list and no other; the maps that stay the same are shared.
func (k keys) with(applications []uuid.UUID, list []auth.GatewayCredential) keys {
	lookups, owners := *k.byLookup, *k.byOwner
	next := keys{byLookup: &lookups, byOwner: &owners}
	copied := map[int]bool{}
	own := func(lookup string) {
		if i := shardOf(lookup); !copied[i] {
			lookups[i], copied[i] = maps.Clone(lookups[i]), true
		}
	}
	for _, application := range applications {
		o := ownerShard(application)
		owners[o] = maps.Clone(owners[o])
		for _, lookup := range owners[o][application] {
			own(lookup)
			delete(lookups[shardOf(lookup)], lookup)
		}
		delete(owners[o], application)
	}
	for i := range list {
		own(list[i].Lookup)
		next.add(&list[i])
	}
	return next
}

// count is how many keys there are.
func (k keys) count() (n int) {
	for _, shard := range k.byLookup {
		n += len(shard)
	}
	return n
}

// all gives every key.
func (k keys) all(yield func(*auth.GatewayCredential) bool) {
	for _, shard := range k.byLookup {
		for _, c := range shard {
			if !yield(c) {
				return
			}
		}
	}
}
