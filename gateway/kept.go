package gateway

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/replace"
)

// keptFile is where a node keeps its snapshot, in DataDir, to serve by when it
// starts and the database is away. A MAC over all before it ends the file: what
// this platform's nodes did not write is not believed.
const keptFile = "snapshot"

// keptFormat is told apart by the first value in the file.
const keptFormat = 2

const (
	keepEvery = 30 * time.Second // at most; keeping is to cost a hundredth of the time
	keepShare = 100
)

// kept is the snapshot's file up to the agreements: as many values of
// keptGrant, and as many of auth.GatewayCredential, follow.
type kept struct {
	Version   int64
	Fresh     int64 // Unix nanoseconds
	Beside    []byte
	Routes    []Route
	Ended     []Route // whose calls are over
	Sandboxes []Sandbox
	Terms     [][]GrantedOperation
	Disabled  map[uuid.UUID]bool
	Revoked   map[string]bool
	NotBefore map[uuid.UUID]time.Time
	Corrupt   map[uuid.UUID]bool
	Shown     []clientKey // to upstreams, sealed
	Grants    int
	Keys      int
	Signers   []auth.SigningKey
}

// keptGrant is a grant with its terms by their place in kept.Terms.
type keptGrant struct {
	Agreement, Application, Version uuid.UUID
	Revision                        int
	Purpose                         string
	Plan                            Plan
	Terms                           int
	Starts, Ends                    int64
	State                           grantState
}

// keepAlways keeps the snapshot on disk, and once more at the end.
func (n *Node) keepAlways(ctx context.Context) error {
	var last int64 // Unix nanoseconds: what is kept was fresh then
	pause := keepEvery
	for {
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		if fresh := n.fresh.Load(); fresh != last {
			begun := n.Now()
			if err := n.keep(); err != nil {
				slog.ErrorContext(ctx, "the configuration is not kept on disk", "err", err)
			} else {
				last = fresh
			}
			pause = max(keepEvery, keepShare*n.Now().Sub(begun))
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// keep replaces the snapshot on disk by the one in force.
func (n *Node) keep() error {
	s, head := n.current.Load(), kept{Fresh: n.fresh.Load()}
	if s == nil {
		return nil
	}
	if n.Beside != nil {
		var err error
		if head.Beside, err = n.Beside(); err != nil {
			return fmt.Errorf("what is kept beside the snapshot: %w", err)
		}
	}
	mac := n.keptMAC()
	return replace.File(filepath.Join(n.DataDir, keptFile), 0o600, func(w io.Writer) error {
		if err := s.write(io.MultiWriter(w, mac), head); err != nil {
			return fmt.Errorf("write snapshot: %w", err)
		}
		_, err := w.Write(mac.Sum(nil))
		return err
	})
}

func (n *Node) keptMAC() hash.Hash { return hmac.New(sha256.New, n.KeptKey) }

func (s *snapshot) write(w io.Writer, head kept) error {
	head.Version, head.Disabled, head.Revoked, head.NotBefore, head.Corrupt = s.version, s.disabled, s.revoked, s.notBefore, s.corrupt
	head.Keys, head.Signers = s.keys.count(), s.signers.list()
	for _, v := range s.byVersion {
		head.Routes = append(head.Routes, v.Route)
		if v.shown.Certificate != "" {
			head.Shown = append(head.Shown, v.shown)
		}
	}
	for _, v := range s.ended {
		head.Ended = append(head.Ended, v.Route)
	}
	for at, v := range s.sandboxes {
		if at != v.prefix {
			continue // the same, by an address that it had
		}
		head.Sandboxes = append(head.Sandboxes, v.sandbox.kept)
	}
	places := map[*terms]int{}
	for g := range s.grants.all {
		head.Grants++
		if _, known := places[g.terms]; !known {
			places[g.terms] = len(head.Terms)
			head.Terms = append(head.Terms, g.terms.operations)
		}
	}
	out := gob.NewEncoder(w)
	if err := errors.Join(out.Encode(keptFormat), out.Encode(head)); err != nil {
		return err
	}
	for g := range s.grants.all {
		err := out.Encode(keptGrant{
			Agreement: g.Agreement, Application: g.Application, Version: g.Version, Revision: g.Revision, Purpose: g.Purpose,
			Plan: *g.Plan, Terms: places[g.terms], Starts: g.starts, Ends: g.ends, State: g.state,
		})
		if err != nil {
			return err
		}
	}
	for c := range s.keys.all {
		if err := out.Encode(c); err != nil {
			return err
		}
	}
	return nil
}

// restore puts the snapshot on disk in force, as fresh as it was when it was
// kept: once that is too long ago, calls under agreements are refused.
func (n *Node) restore() error {
	f, err := os.Open(filepath.Join(n.DataDir, keptFile))
	if err != nil {
		return fmt.Errorf("open snapshot: %w", err)
	}
	defer f.Close()
	body, err := n.believed(f)
	if err != nil {
		return err
	}
	s, head, err := n.read(body)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	if n.Restore != nil {
		if err := n.Restore(head.Beside); err != nil {
			return fmt.Errorf("restore what is kept beside the snapshot: %w", err)
		}
	}
	n.fresh.Store(head.Fresh)
	n.current.Store(s)
	return nil
}

// HasKept reports whether a snapshot is on disk to start by.
func (n *Node) HasKept() bool {
	_, err := os.Stat(filepath.Join(n.DataDir, keptFile))
	return err == nil
}

// believed gives the file without the MAC at its end, once that is right.
func (n *Node) believed(f *os.File) (io.Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	length := info.Size() - sha256.Size
	if length < 0 {
		return nil, errors.New("the snapshot on disk is cut off")
	}
	mac, sum := n.keptMAC(), make([]byte, sha256.Size)
	if _, err := io.Copy(mac, io.NewSectionReader(f, 0, length)); err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	if _, err := f.ReadAt(sum, length); err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	if !hmac.Equal(sum, mac.Sum(nil)) {
		return nil, errors.New("the snapshot on disk is damaged, or another platform's")
	}
	return bufio.NewReaderSize(io.NewSectionReader(f, 0, length), 64<<10), nil
}

// read makes a snapshot of what write wrote. A route that this release cannot
// serve is left out, and said.
func (n *Node) read(r io.Reader) (*snapshot, kept, error) {
	in := gob.NewDecoder(r)
	var format int
	if err := in.Decode(&format); err != nil {
		return nil, kept{}, err
	}
	if format != keptFormat && format != keptFormat-1 { // the one before knew no bounds
		return nil, kept{}, fmt.Errorf("format %d is not this release's, %d", format, keptFormat)
	}
	var head kept
	if err := in.Decode(&head); err != nil {
		return nil, kept{}, err
	}
	s := newSnapshot()
	s.version, s.disabled, s.revoked, s.notBefore = head.Version, head.Disabled, head.Revoked, head.NotBefore
	for id := range head.Corrupt {
		s.corrupt[id] = true
	}
	shown := make(map[uuid.UUID]clientKey, len(head.Shown))
	for _, k := range head.Shown {
		shown[k.VersionID] = k
	}
	for _, route := range head.Routes {
		v, err := compileRoute(route)
		if err == nil {
			err = v.shows(shown[route.Version], n.ClientSeals)
		}
		if err != nil {
			slog.Error("route kept on disk cannot be served", "version_id", route.Version, "err", err)
			s.corrupt[route.Version] = true
			continue
		}
		n.attach(v)
		n.attachCache(v, false)
		s.routes[v.prefix], s.byVersion[v.Version] = v, v
		s.formerly(v)
	}
	for _, route := range head.Ended {
		if v, err := compileRoute(route); err == nil {
			v.over = true
			s.ended[v.prefix] = v
			s.formerly(v)
		}
	}
	for _, one := range head.Sandboxes {
		if err := s.addSandbox(one); err != nil {
			slog.Error("sandbox kept on disk cannot be served", "version_id", one.Version, "err", err)
		}
	}
	agreed := make([]*terms, len(head.Terms))
	for i, operations := range head.Terms {
		var err error
		if agreed[i], err = compileTerms(operations); err != nil {
			return nil, kept{}, err
		}
	}
	common := newInterned()
	for range head.Grants {
		var k keptGrant
		if err := in.Decode(&k); err != nil {
			return nil, kept{}, err
		}
		if k.Terms < 0 || k.Terms >= len(agreed) {
			return nil, kept{}, fmt.Errorf("agreement %s has no terms", k.Agreement)
		}
		s.grants.put(&grant{
			Agreement: k.Agreement, Application: k.Application, Version: k.Version, Revision: k.Revision, Purpose: common.purpose(k.Purpose),
			Plan: common.plan(k.Plan), terms: agreed[k.Terms], starts: k.Starts, ends: k.Ends, state: k.State,
		})
	}
	list := make([]auth.GatewayCredential, head.Keys)
	for i := range list {
		if err := in.Decode(&list[i]); err != nil {
			return nil, kept{}, err
		}
	}
	s.keys, s.signers = newKeys(list), newSigners(head.Signers, nil)
	return s, head, nil
}
