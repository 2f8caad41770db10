package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/replace"
	c2sp "lgsp/ledger/tlog"
)

// Files of a Dir.
const (
	headFile    = "checkpoint"     // the last signed tree head
	historyDir  = "checkpoints"    // the last of each minute: 2026-11-23/14-05
	keyFile     = "checkpoint.pub" // what verifiers check signatures with
	historyName = "2006-01-02/15-04"
)

// signedHead is a checkpoint and the note that signs it. The zero signedHead
// is the empty log's, which nobody signs.
type signedHead struct {
	c2sp.Checkpoint
	note    []byte
	unsaved bool // not in Dir yet
}

const lastCheckpointSQL = `select note from ledger.checkpoint order by size desc limit 1`

// lastSigned gives the newest checkpoint with our signature: from Dir, or from
// the database when this node stopped before it wrote the file or another node
// went on.
func (l *Ledger) lastSigned(ctx context.Context, db pg.DB) (signedHead, error) {
	head, err := l.readHead()
	if err != nil {
		return signedHead{}, err
	}
	var note string
	err = db.QueryRow(ctx, lastCheckpointSQL).Scan(&note)
	if errors.Is(err, pgx.ErrNoRows) {
		return head, nil
	} else if err != nil {
		return signedHead{}, fmt.Errorf("read last checkpoint: %w", err)
	}
	stored, err := c2sp.Open([]byte(note), l.Seed)
	if err != nil {
		return signedHead{}, fmt.Errorf("open the database's last checkpoint: %w", err)
	}
	if stored.N > head.N {
		return signedHead{Checkpoint: stored, note: []byte(note), unsaved: true}, nil
	}
	return head, nil
}

// readHead gives the signed checkpoint in Dir; the zero one when there is none.
func (l *Ledger) readHead() (signedHead, error) {
	note, err := os.ReadFile(filepath.Join(l.Dir, headFile))
	if errors.Is(err, fs.ErrNotExist) {
		return signedHead{}, nil
	} else if err != nil {
		return signedHead{}, fmt.Errorf("read checkpoint: %w", err)
	}
	checkpoint, err := c2sp.Open(note, l.Seed)
	if err != nil {
		return signedHead{}, fmt.Errorf("open %s: %w", filepath.Join(l.Dir, headFile), err)
	}
	return signedHead{Checkpoint: checkpoint, note: note}, nil
}

// saveHead puts a checkpoint into Dir, for good.
func (l *Ledger) saveHead(head signedHead) error {
	key, err := c2sp.VerifierKey(l.Origin, l.Seed)
	if err != nil {
		return err
	}
	minute := filepath.Join(historyDir, l.Now().UTC().Format(historyName))
	for _, file := range []struct {
		name string
		text []byte
	}{{keyFile, []byte(key + "\n")}, {minute, head.note}, {headFile, head.note}} {
		path := filepath.Join(l.Dir, file.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("save checkpoint: %w", err)
		}
		if err := replace.Bytes(path, 0o644, file.text); err != nil {
			return fmt.Errorf("save checkpoint: %w", err)
		}
	}
	return nil
}

// history gives the checkpoints kept in Dir, smallest first, and the names of
// files there that our key did not sign.
func (l *Ledger) history() (heads []c2sp.Checkpoint, strange []string, err error) {
	root := filepath.Join(l.Dir, historyDir)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == root {
			return fs.SkipAll
		}
		if err != nil || d.IsDir() || d.Name()[0] == '.' {
			return err
		}
		note, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		head, err := c2sp.Open(note, l.Seed)
		if err != nil {
			strange = append(strange, path)
			return nil
		}
		heads = append(heads, head)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read checkpoints: %w", err)
	}
	slices.SortFunc(heads, func(a, b c2sp.Checkpoint) int { return int(a.N - b.N) })
	return heads, strange, nil
}
