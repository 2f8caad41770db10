// Package tlog answers what the log looks like to other people's verifiers:
// checkpoints (C2SP tlog-checkpoint), tiles and entry bundles (C2SP
// tlog-tiles).
package tlog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a tree head: that the log named Origin had N entries and this
// root hash.
type Checkpoint struct {
	Origin string
	N      int64
	Root   tlog.Hash
}

// Text is the checkpoint as it is signed: three lines (C2SP tlog-checkpoint,
// "Checkpoint body").
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.N, c.Root)
}

// ParseCheckpoint reads the text of a checkpoint. Extension lines are ignored.
func ParseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 || lines[0] == "" || len(text) > 1<<16 {
		return Checkpoint{}, errors.New("checkpoint is not three lines")
	}
	n, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("checkpoint size %q is not a decimal number", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil || root.String() != lines[2] {
		return Checkpoint{}, errors.New("checkpoint root is not the base64 of 32 bytes")
	}
	return Checkpoint{Origin: lines[0], N: n, Root: root}, nil
}

// Sign gives the checkpoint as a signed note (C2SP signed-note), signed by the
// Ed25519 key of seed under the name Origin.
func (c Checkpoint) Sign(seed [ed25519.SeedSize]byte) ([]byte, error) {
	signer, err := newSigner(c.Origin, seed)
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: c.Text()}, signer)
}

// Open reads a signed checkpoint and checks that the key of seed signed it,
// whatever the log was named then.
func Open(signed []byte, seed [ed25519.SeedSize]byte) (Checkpoint, error) {
	origin, _, _ := strings.Cut(string(signed), "\n")
	key, err := VerifierKey(origin, seed)
	if err != nil {
		return Checkpoint{}, err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read verifier key: %w", err)
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("check checkpoint's signature: %w", err)
	}
	return ParseCheckpoint(n.Text)
}

// VerifierKey is the public key in the form that verifiers take
// (golang.org/x/mod/sumdb/note).
func VerifierKey(origin string, seed [ed25519.SeedSize]byte) (string, error) {
	public := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	key, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil {
		return "", fmt.Errorf("make verifier key: %w", err)
	}
	return key, nil
}

const algorithmEd25519 = 1 // C2SP signed-note, "Signature types"

func newSigner(origin string, seed [ed25519.SeedSize]byte) (note.Signer, error) {
	public := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	sum := sha256.Sum256(append([]byte(origin+"\n"), append([]byte{algorithmEd25519}, public...)...))
	key := fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", origin, binary.BigEndian.Uint32(sum[:4]),
		base64.StdEncoding.EncodeToString(append([]byte{algorithmEd25519}, seed[:]...)))
	signer, err := note.NewSigner(key)
	if err != nil {
		return nil, fmt.Errorf("make signer for %q: %w", origin, err)
	}
	return signer, nil
}
