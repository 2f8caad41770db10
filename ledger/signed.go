package ledger

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"time"

	c2sp "lgsp/ledger/tlog"
)

// Signed is the last signed checkpoint, for people to read.
type Signed struct {
	Size int64     // entries it covers; 0: nothing is signed yet
	Root string    // of the tree, base64
	At   time.Time // when its file was written, UTC
	Note string    // as it is signed
	Key  string    // that verifiers check it with
}

// LastSigned gives the last signed checkpoint.
func (l *Ledger) LastSigned() (Signed, error) {
	head, err := l.readHead()
	if err != nil {
		return Signed{}, err
	}
	key, err := c2sp.VerifierKey(l.Origin, l.Seed)
	if err != nil {
		return Signed{}, err
	}
	if head.note == nil {
		return Signed{Key: key}, nil
	}
	info, err := os.Stat(filepath.Join(l.Dir, headFile))
	if err != nil {
		return Signed{}, fmt.Errorf("look at checkpoint: %w", err)
	}
	return Signed{Size: head.N, Root: base64.StdEncoding.EncodeToString(head.Root[:]), At: info.ModTime().UTC(), Note: string(head.note), Key: key}, nil
}
