package gateway

import (
	"crypto"
	"log/slog"
	"maps"

	"github.com/google/uuid"

	"lgsp/auth"
)

// signers are the public keys that applications sign calls with, by whose they
// are. They lie in many small maps, so that a change copies few of them.
type signers [keyShards]map[uuid.UUID][]*signer

// signer is one key.
type signer struct {
	auth.SigningKey
	public crypto.PublicKey
}

// newSigners reads the keys; what old, nil for none, has read already is taken
// from there. One that cannot be read is left out, and said.
func newSigners(list []auth.SigningKey, old *signers) *signers {
	s := new(signers)
	for _, k := range list {
		s.add(k, old)
	}
	return s
}

func (s *signers) add(k auth.SigningKey, old *signers) {
	one := old.of(k.Application, k.KID)
	if one == nil || string(one.JWK) != string(k.JWK) {
		public, err := k.Public()
		if err != nil {
			slog.Error("key of an application cannot be read; calls signed with it are refused", "application_id", k.Application, "err", err)
			return
		}
		one = &signer{k, public}
	}
	shard := &s[ownerShard(k.Application)]
	if *shard == nil {
		*shard = map[uuid.UUID][]*signer{}
	}
	(*shard)[k.Application] = append((*shard)[k.Application], one)
}

// with gives the keys as they are once these applications have those of the
// list and no other; the maps that stay the same are shared.
func (s *signers) with(applications []uuid.UUID, list []auth.SigningKey) *signers {
	next := new(signers)
	if s != nil {
		*next = *s
	}
	for _, application := range applications {
		shard := &next[ownerShard(application)]
		if *shard != nil {
			*shard = maps.Clone(*shard)
			delete(*shard, application)
		} else {
			*shard = map[uuid.UUID][]*signer{}
		}
	}
	for _, k := range list {
		next.add(k, s)
	}
	return next
}

// of is the key that an application calls kid; nil when it has none.
func (s *signers) of(application uuid.UUID, kid string) *signer {
	if s == nil {
		return nil
	}
	for _, one := range s[ownerShard(application)][application] {
		if one.KID == kid {
			return one
		}
	}
	return nil
}

// list is all of them, as they were given.
func (s *signers) list() []auth.SigningKey {
	var list []auth.SigningKey
	if s == nil {
		return nil
	}
	for _, shard := range s {
		for _, keys := range shard {
			for _, one := range keys {
				list = append(list, one.SigningKey)
			}
		}
	}
	return list
}
