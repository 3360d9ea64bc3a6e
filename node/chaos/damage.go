//go:build linux

package chaos

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// files gives the files of a member that a fault may damage, relative to its data
// folder.
func files(m *Member, k FaultKind) ([]string, error) {
	var out []string
	err := filepath.WalkDir(m.Dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(m.Dir, path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > 0 && hits(k, rel) {
			out = append(out, rel)
		}
		return err
	})
	return out, err
}

func hits(k FaultKind, rel string) bool {
	switch k {
	case FlipLog, TearLog:
		return strings.HasSuffix(rel, ".blk")
	case FlipBlob, TearBlob:
		return strings.HasPrefix(rel, "blobs/") && !strings.Contains(rel, "/.")
	case FlipCache:
		return rel == "cache.db"
	case FlipRaft, TearRaft:
		return rel == "control/raft.db"
	}
	return false
}

// damage breaks bytes of a member that is down, in files that follow from r, and
// says what it did.
func damage(m *Member, k FaultKind, r *rand.Rand) (string, error) {
	names, err := files(m, k)
	if err != nil || len(names) == 0 {
		return "nothing to damage", err
	}
	var done []string
	for range 1 + r.IntN(3) {
		name := names[r.IntN(len(names))]
		what, err := harm(filepath.Join(m.Dir, name), k, r)
		if err != nil {
			return "", fmt.Errorf("damage %s of %s: %w", name, m.Name, err)
		}
		done = append(done, what+" of "+name)
	}
	return strings.Join(done, "; "), nil
}

func harm(path string, k FaultKind, r *rand.Rand) (what string, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if k == TearLog || k == TearBlob || k == TearRaft {
		n := 1 + r.Int64N(min(info.Size(), 4096))
		return fmt.Sprintf("last %d bytes", n), f.Truncate(info.Size() - n)
	}
	at, bit := r.Int64N(info.Size()), r.IntN(8)
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		return "", err
	}
	b[0] ^= 1 << bit
	_, err = f.WriteAt(b[:], at)
	return fmt.Sprintf("bit %d of byte %d", bit, at), err
}
